"""What the engineer who runs the bot sees of lists: numbers on /metrics, and a list that is stuck on /readyz."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from examples import NOON, StoppedClock, worker
from lists import PACE, Setting, people, press

from bot.action import Done, Refused
from bot.edge.metrics import Endings, Metrics, Values, list_numbers
from bot.edge.readiness import Outlook
from bot.list_work import ListWorker
from bot.request import Request, State
from bot.stores.sqlite.store import SQLiteStore
from bot.wiring.stores import Store

QUOTA = "own/eu-central-1"
THROTTLED = Refused("TooManyRequestsException", "1", may_retry=True)
GONE = Refused("UserNotFoundException", "1")
DENIED = Refused("AccessDeniedException", "1")


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def counted(tmp_path: Path, metrics: Metrics) -> SQLiteStore:
    """A store that tells of its entries, as that of an instance does."""
    store = SQLiteStore(tmp_path / "signout.db", metrics.written)
    store.open()
    return store


def names(count: int) -> list[str]:
    return [f"p{n:05}" for n in range(count)]


def page(metrics: Metrics, values: Values | None = None) -> set[str]:
    return set(metrics.page(values or {}, "")[0].decode().splitlines())


def test_an_account_of_a_list_counts_as_that_and_the_list_counts_once(counted: SQLiteStore, metrics: Metrics) -> None:
    assert 'signout_list_accounts_total{outcome="failed"} 0.0' in page(metrics), "before there was one"
    setting = Setting(counted, people(6), answers=[Done("1"), *[GONE] * 5])
    assert setting.get(setting.confirmed(*names(6))).state is State.READY
    setting.run()
    assert {
        'signout_list_accounts_total{outcome="signed_out"} 1.0',
        'signout_list_accounts_total{outcome="failed"} 5.0',
        'signout_requests_total{action="sign_out",outcome="partly"} 1.0',
        'signout_requests_total{action="sign_out",outcome="failed"} 0.0',
        'signout_requests_total{action="sign_out",outcome="signed_out"} 0.0',
        "signout_lists_paused_total 0.0",
    } <= page(metrics)


def test_a_list_that_the_bot_paused_is_counted_and_one_that_a_person_paused_is_not(
    counted: SQLiteStore, metrics: Metrics
) -> None:
    setting = Setting(counted, people(60), answers=[DENIED] * 60)
    by_bot, by_sam = setting.confirmed(*names(60)), setting.confirmed("p00000")
    setting.rules.pause(press(by_sam))
    setting.run()
    assert {setting.get(each).state for each in (by_bot, by_sam)} == {State.PAUSED}
    assert "signout_lists_paused_total 1.0" in page(metrics)


@pytest.mark.parametrize("which", ["sqlite_store", "dynamodb_store"])
def test_when_something_last_ended_is_found_without_the_accounts_of_lists(
    request: pytest.FixtureRequest, which: str
) -> None:
    store: Store = request.getfixturevalue(which)
    setting = Setting(store, people(5), answers=[Done("1"), *[GONE] * 4])
    listed = setting.confirmed(*names(5))
    setting.run()
    kinds = [entry.kind for entry in store.entries(None, None, each_account=False)]
    assert kinds == ["opened", "opened", "confirmed", "partly"]
    assert len(setting.entries(listed)) == 4 + 5
    read: list[str] = []

    def entries(*which: object) -> list[object]:
        found = list(store.entries(*which, each_account=False))  # type: ignore[arg-type]  # as `Endings` calls it
        read.extend(entry.ask.id for entry in found)
        return list(found)

    last = Endings(entries, setting.clock).last()  # type: ignore[arg-type]  # they are entries
    assert (last["failed"], last["signed_out"]) == (0.0, 0.0)
    assert last["partly"] > NOON.timestamp()
    assert set(read) == {listed.id}


def running(setting: Setting, metrics: Metrics, after: int) -> set[str]:
    """Return what the page says in the middle of a list, once so many accounts were called."""
    seen: list[set[str]] = []

    def look() -> None:
        if len(setting.pool.called_at) == after:
            seen.append(page(metrics, numbers(setting.instance, setting.clock)))

    setting.pool.during = look
    setting.run()
    return seen[0]


def numbers(instance: ListWorker, clock: StoppedClock) -> Values:
    return list_numbers(instance.runs(), ["customers", "staff"], {QUOTA: [instance.pace(QUOTA)]}, clock.now())


def test_while_a_list_runs_the_page_says_how_fast_how_many_are_left_and_until_when(
    counted: SQLiteStore, metrics: Metrics
) -> None:
    setting = Setting(counted, people(400), answers=[*[GONE] * 12, *[Done("1")] * 388])
    setting.confirmed(*names(400))
    shown = running(setting, metrics, after=301)
    values = dict(line.rsplit(" ", 1) for line in shown if line.startswith("signout_list"))
    of_pool = '{pool="customers"}'
    assert values[f"signout_lists_running{of_pool}"] == "1.0"
    assert float(values[f"signout_list_accounts_per_second{of_pool}"]) == pytest.approx(PACE, rel=0.1)
    assert values[f"signout_list_accounts_not_done{of_pool}"] == "12.0"
    left = float(values[f"signout_list_accounts_left{of_pool}"])
    assert 100 <= left <= 140, "it is noted every few seconds"
    ends = float(values[f"signout_list_end_timestamp_seconds{of_pool}"])
    assert ends - setting.pool.called_at[-101].timestamp() == pytest.approx(left / PACE, abs=5)
    assert values['signout_lists_running{pool="staff"}'] == values['signout_list_accounts_left{pool="staff"}'] == "0.0"
    assert 'signout_list_end_timestamp_seconds{pool="staff"}' not in values
    after = page(metrics, numbers(setting.instance, setting.clock))
    assert {f"signout_lists_running{of_pool} 0.0", f"signout_list_accounts_per_second{of_pool} 0.0"} <= after
    assert not [line for line in after if line.startswith("signout_list_end_timestamp_seconds{")]


def test_throttled_calls_are_counted_and_the_slower_pace_is_shown(counted: SQLiteStore, metrics: Metrics) -> None:
    setting = Setting(counted, people(30), answers=[Done("1"), THROTTLED, THROTTLED, *[Done("1")] * 29])
    setting.instance = setting.another(throttled=metrics.throttled)
    setting.instance.pace(QUOTA)
    assert f'signout_lists_throttled_total{{quota="{QUOTA}"}} 0.0' in page(metrics), "before it happened"
    setting.confirmed(*names(30))
    shown = running(setting, metrics, after=10)
    assert {
        f'signout_lists_throttled_total{{quota="{QUOTA}"}} 2.0',
        f'signout_lists_slowed{{quota="{QUOTA}"}} 1.0',
    } <= shown
    setting.clock.sleep(60)
    later = page(metrics, numbers(setting.instance, setting.clock))
    assert f'signout_lists_slowed{{quota="{QUOTA}"}} 0.0' in later


# Stuck


def elsewhere(setting: Setting) -> ListWorker:
    """Return an instance that may not run the list itself."""
    return setting.another(worker=replace(worker(setting.store, setting.pool, setting.clock), pools={}))


def stuck(instance: ListWorker) -> list[Request] | None:
    instance.sweep()
    found = instance.stuck()
    return None if found is None else list(found)


def test_a_list_on_which_no_instance_works_is_stuck_after_a_minute(counted: SQLiteStore) -> None:
    setting = Setting(counted, people(3))
    listed, watcher = setting.confirmed(*names(3)), elsewhere(setting)
    assert watcher.stuck() is None, "it has not looked yet"
    assert stuck(watcher) == []
    setting.clock.sleep(61)
    assert watcher.stuck() is None, "it looked too long ago"
    assert stuck(watcher) == [setting.get(listed)]
    setting.run()
    assert setting.get(listed).state is State.DONE
    assert stuck(watcher) == []


def test_a_list_that_waits_for_a_person_is_not_stuck(counted: SQLiteStore) -> None:
    setting = Setting(counted, people(3))
    paused = setting.confirmed("p00000")
    setting.rules.pause(press(paused))
    setting.preview("p00001")
    setting.clock.sleep(3600)
    assert stuck(elsewhere(setting)) == []


def test_a_list_that_runs_here_but_notes_nothing_is_stuck_too(counted: SQLiteStore) -> None:
    setting, waiting = Setting(counted, people(3)), []
    listed = setting.confirmed(*names(3))

    class Hangs:
        def run(self, request_id: str, work: object, *, urgent: bool = False) -> None:
            waiting.append((request_id, work, urgent))

    instance = setting.another(lane=Hangs())
    instance.sweep()
    setting.clock.sleep(61)
    assert stuck(instance) == [setting.get(listed)]
    assert len(waiting) == 1


def test_readyz_names_each_stuck_list_and_the_page_counts_them(counted: SQLiteStore, metrics: Metrics) -> None:
    setting = Setting(counted, people(3))
    listed, watcher = setting.confirmed(*names(3)), elsewhere(setting)

    async def look() -> tuple[str, Values]:
        looking = Outlook(
            store=counted,
            clock=setting.clock,
            audit_refusing=lambda: None,
            approvals_refusing=dict,
            unlisted_groups=list,
            no_credentials=lambda: None,
            pool_troubles=dict,
            last_ended=dict,
            stuck_lists=watcher.stuck,
        )
        _, wishes = await looking.troubles()
        return " ".join(filter(None, wishes)), await looking.gauges()

    said, values = asyncio.run(look())
    assert said == ""
    assert "signout_lists_stuck NaN" in page(metrics, values), "no one has looked"
    setting.clock.sleep(61)
    watcher.sweep()
    said, values = asyncio.run(look())
    assert said == (
        f"List {listed.id} of pool customers should go on, and no instance has noted anything of it for over a minute. "
        "The log of the instance that ran it may say why."
    )
    assert "signout_lists_stuck 1.0" in page(metrics, values)
