from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from examples import NOON, ScriptedPool, StoppedClock
from lists import EventfulClock, HeldLane, ListPool, Setting, people, portion, press

from bot.account import Account
from bot.action import Done
from bot.errors import StoreUnavailableError
from bot.list_accounts import digest_of
from bot.list_work import LIST_LEASE, RENEWED_EVERY, ListWorker
from bot.request import TERMINAL, Request, State
from bot.settings.model import Settings
from bot.stores.sqlite.store import SQLiteStore
from bot.wiring.shared import quota_of
from bot.work import CLOCKS_AGREE_WITHIN


@dataclass
class _Leases:
    """What was asked of a store about leases."""

    taken: list[tuple[str, str, bool]] = field(default_factory=list)
    given_back: list[str] = field(default_factory=list)
    is_down_for: str | None = None  # a holder


class Watched(SQLiteStore):
    """A store that notes what becomes of its leases."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.leases = _Leases()

    def lease(self, key: str, holder: str, *times: Any) -> bool:
        if self.leases.is_down_for == holder:
            raise StoreUnavailableError("test", in_doubt=False)
        is_held = super().lease(key, holder, *times)
        self.leases.taken.append((key, holder, is_held))
        return is_held

    def give_back(self, key: str, holder: str) -> None:
        self.leases.given_back.append(key)
        super().give_back(key, holder)


@pytest.fixture
def store(tmp_path: Path) -> Watched:
    store = Watched(tmp_path / "signout.db")
    store.open()
    return store


def eventful(store: SQLiteStore, count: int, **changes: Any) -> tuple[Setting, EventfulClock]:
    clock = EventfulClock()
    return Setting(store, people(count), clock=clock, **changes), clock


def test_one_instance_runs_a_list_and_the_other_waits_for_its_lease(store: Watched) -> None:
    setting, clock = eventful(store, 60)
    request = setting.confirmed(*setting.names())
    other = setting.another()
    clock.events += [(n / 10, other.sweep) for n in range(40)]
    setting.run()
    assert setting.get(request).state is State.DONE
    assert sorted(setting.pool.called) == setting.names()
    assert {is_held for _, holder, is_held in store.leases.taken if holder == other.holder} <= {False}


def test_the_lease_is_renewed_while_a_list_runs_and_given_back_after_it(store: Watched) -> None:
    setting, clock = eventful(store, 240)
    setting.confirmed(*setting.names())
    setting.run()
    seconds = clock.monotonic()
    assert seconds / RENEWED_EVERY - 1 <= len(store.leases.taken) <= seconds / RENEWED_EVERY + 2
    assert store.leases.given_back == ["own/eu-central-1"]


def test_the_lease_is_renewed_while_very_many_portions_are_read(store: Watched) -> None:
    """Reading all of a large list may take longer than a lease."""
    setting, clock = eventful(store, 60)
    request = setting.preview(*setting.names())
    listed, first = request.contents, portion(store, request.id, 0)
    digest = ""
    for number in range(30):
        store.put_portion(request.id, number, first[2 * number : 2 * number + 2])
        digest = digest_of(first[2 * number : 2 * number + 2], digest)
    changed = request.move(State.CONFIRMING, listed=replace(listed, portions=30, digest=digest))
    store.move(request, changed, None, None)
    setting.rules.confirm(press(request))
    read = store.portions

    def slowly(list_id: str, numbers: range) -> Iterator[Sequence[Account]]:
        for accounts in read(list_id, numbers):
            clock.sleep(1)
            yield accounts

    store.portions = slowly  # type: ignore[method-assign]
    other = setting.another()
    clock.events += [(n, other.sweep) for n in range(60)]
    setting.run()
    assert setting.get(request).state is State.DONE
    assert {is_held for _, holder, is_held in store.leases.taken if holder == other.holder} == {False}


def test_who_takes_over_waits_for_the_lease_and_a_second_more_before_its_first_call(store: Watched) -> None:
    setting, clock = eventful(store, 60)
    setting.confirmed(*setting.names())

    class KilledError(BaseException):
        pass

    def die() -> None:
        raise KilledError

    clock.at(3, die)
    with pytest.raises(KilledError):
        setting.run()
    killed_at, calls, other = clock.now(), len(setting.pool.called), setting.another()
    taken_at = None
    while len(setting.pool.called) == calls:
        clock.sleep(1)
        taken_at = clock.now()
        other.sweep()
    assert taken_at
    first = setting.pool.called_at[calls]
    assert first - taken_at >= timedelta(seconds=1)
    assert LIST_LEASE - timedelta(seconds=RENEWED_EVERY) <= taken_at - killed_at <= LIST_LEASE + timedelta(seconds=2)


def test_an_instance_that_drains_begins_no_more_and_another_goes_on_at_once(store: Watched) -> None:
    setting, clock = eventful(store, 60)
    request = setting.confirmed(*setting.names())
    clock.at(3, lambda: setattr(setting, "closed", True))
    setting.run()
    left = setting.get(request)
    assert (left.state, left.contents.at_rest) == (State.RUNNING, True)
    assert store.leases.given_back == ["own/eu-central-1"]
    called = len(setting.pool.called)
    assert called == left.contents.counts.done < 60
    began = clock.now()
    setting.another(closed=lambda: False).sweep()
    assert setting.get(request).state is State.DONE
    assert setting.pool.called_at[called] - began < timedelta(seconds=2)
    assert len(setting.pool.called) == 60


def test_while_the_lease_cannot_be_renewed_it_goes_on_for_as_long_as_it_lasts(store: Watched) -> None:
    setting, clock = eventful(store, 400)
    request = setting.confirmed(*setting.names())
    clock.at(2, lambda: setattr(store.leases, "is_down_for", setting.instance.holder))
    setting.run()
    assert setting.get(request).state is State.RUNNING
    assert len(store.leases.taken) == 1
    held_for = LIST_LEASE - CLOCKS_AGREE_WITHIN
    assert held_for - timedelta(seconds=1) < setting.pool.called_at[-1] - NOON < held_for + timedelta(seconds=1)


@dataclass
class ClockAhead(StoppedClock):
    """A clock that is ahead of another one by as much as clocks may differ."""

    of: StoppedClock = field(default_factory=StoppedClock)

    def now(self) -> datetime:
        return self.of.now() + CLOCKS_AGREE_WITHIN

    def monotonic(self) -> float:
        return self.of.monotonic()


def test_a_holder_that_cannot_renew_calls_no_more_once_one_whose_clock_is_ahead_takes_over(store: Watched) -> None:
    setting, clock = eventful(store, 400)
    for half in (setting.names()[:300], setting.names()[300:]):
        setting.confirmed(*half)
    other, taken_at = setting.another(clock=ClockAhead(of=clock), lane=HeldLane()), list[datetime]()

    def take_over() -> None:
        other.sweep()
        if not taken_at and other.running:
            taken_at.append(clock.now())

    clock.at(2, lambda: setattr(store.leases, "is_down_for", setting.instance.holder))
    clock.events += [(n / 10, take_over) for n in range(20, 250)]
    setting.run()
    while not taken_at:
        clock.sleep(0.1)
    assert setting.pool.called_at[-1] <= taken_at[0] <= NOON + LIST_LEASE + timedelta(seconds=1)


def two_pools(store: Watched, quotas: dict[str, str]) -> tuple[Setting, EventfulClock, dict[str, ScriptedPool]]:
    """Return a setting with two pools, and the pools; each counts for the quota that is given."""
    clock = EventfulClock()
    setting = Setting(store, people(30), clock=clock)
    partners = [replace(each, pool="partners", pool_id="eu-central-1_partners") for each in people(30)]
    other = ListPool(iter(lambda: Done("aws-2"), None), clock, accounts=partners, seconds=0.0)
    other.pool_id = "eu-central-1_partners"
    pools: dict[str, ScriptedPool] = {"customers": setting.pool, "partners": other}
    setting.rules = replace(setting.rules, finder=replace(setting.rules.finder, pools=pools))
    setting.instance = setting.another(
        worker=replace(setting.instance.worker, pools=pools),
        quota_of=quotas.__getitem__,
        lane=HeldLane(),
        accounts_lane=HeldLane(),
    )
    return setting, clock, pools


def _list_of(setting: Setting, store: Watched, pool: str) -> Request:
    """Return a READY list of one pool."""
    request = setting.preview(*setting.names())
    accounts = [replace(each, pool=pool) for each in portion(store, request.id, 0)]
    if pool != "customers":
        accounts = [replace(each, pool_id="eu-central-1_partners") for each in accounts]
    store.put_portion(request.id, 0, accounts)
    listed = replace(
        request.contents, pool=pool, pool_id=accounts[0].pool_id, digest=digest_of(accounts, ""), worked_at=None
    )
    ready = request.move(State.READY, listed=listed, decided_at=setting.clock.now())
    store.move(request, ready, None, None)
    return ready


@pytest.mark.parametrize(
    ("quotas", "leases"),
    [
        ({"customers": "own/eu-central-1", "partners": "own/eu-central-1"}, 1),
        ({"customers": "own/eu-central-1", "partners": "999999999999/eu-central-1"}, 2),
    ],
)
def test_lists_run_side_by_side_each_quota_under_a_lease_and_a_pace_of_its_own(
    store: Watched, quotas: dict[str, str], leases: int
) -> None:
    setting, _, _ = two_pools(store, quotas)
    for pool in ("customers", "partners"):
        _list_of(setting, store, pool)
    setting.instance.sweep()
    assert isinstance(setting.instance.lane, HeldLane)
    assert len(setting.instance.lane.work) == 2
    assert len({key for key, _, is_held in store.leases.taken if is_held}) == leases
    assert len({id(setting.instance.pace(quota)) for quota in quotas.values()}) == leases
    assert sorted(setting.instance.running.values()) == sorted(quotas.values())


def test_two_lists_of_one_quota_share_its_pace(store: Watched) -> None:
    setting, _ = eventful(store, 20)
    for _ in range(2):
        setting.confirmed(*setting.names())
    setting.run()
    assert len(setting.pool.called) == 40
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(setting.pool.called_at)]
    assert min(gaps) > 1 / 12 - 0.05
    assert sum(gaps) > 39 / 12 - 0.1


def test_what_is_over_or_rests_is_not_taken_up(store: Watched) -> None:
    setting, _ = eventful(store, 3)
    request = setting.confirmed(*setting.names())
    setting.rules.pause(press(request))
    setting.run()
    assert store.leases.taken == []
    setting.rules.go_on(press(request))
    setting.run()
    taken = len(store.leases.taken)
    assert setting.get(request).state is State.DONE
    setting.run()
    assert len(store.leases.taken) == taken


def of_terminal(setting: Setting, store: Watched) -> Request:
    """Return a READY list that was asked for in a terminal."""
    request = setting.preview(*setting.names())
    asked = replace(request, ask=replace(request.ask, source=TERMINAL))
    ready = asked.move(State.READY, decided_at=setting.clock.now())
    store.move(request, ready, None, None)
    return ready


def test_a_list_of_a_terminal_is_left_to_that_terminal_unless_it_died(store: Watched) -> None:
    setting, clock = eventful(store, 5)
    request = of_terminal(setting, store)
    for _ in range(15):
        setting.run()
        clock.sleep(1)
    assert setting.get(request) == request
    clock.sleep(3)
    setting.run()
    assert setting.get(request).state is State.DONE


def test_a_terminal_runs_its_own_list_and_no_other(store: Watched) -> None:
    setting, _ = eventful(store, 5)
    other = setting.confirmed(*setting.names())
    request = of_terminal(setting, store)
    setting.another(only=request.id).sweep()
    assert setting.get(request).state is State.DONE
    assert setting.get(other) == other


@pytest.mark.parametrize("why", ["a role that only its terminal has", "another pool has this name now"])
def test_a_list_that_cannot_be_run_here_is_paused_after_a_while(store: Watched, why: str) -> None:
    setting, clock = eventful(store, 5)
    request = of_terminal(setting, store)
    worker = setting.instance.worker
    if why.startswith("a role"):
        worker = replace(worker, with_role=frozenset({"customers"}))
    else:
        worker = replace(worker, pools={"customers": replace(setting.pool, pool_id="eu-central-1_Other")})
    instance: ListWorker = setting.another(worker=worker)
    clock.sleep(290)
    instance.sweep()
    assert setting.get(request) == request
    clock.sleep(15)
    instance.sweep()
    paused = setting.get(request)
    assert (paused.state, paused.contents.trouble, setting.pool.called) == (State.PAUSED, "TooLate", [])


def test_a_list_whose_pool_is_not_in_the_settings_any_more_is_paused_and_holds_up_no_other(store: Watched) -> None:
    setting, clock, pools = two_pools(store, {})
    gone = _list_of(setting, store, "partners")
    clock.sleep(400)
    other = _list_of(setting, store, "customers")
    settings = cast(
        Settings, SimpleNamespace(pools={"customers": SimpleNamespace(role_arn=None, region="eu-central-1")})
    )
    del pools["partners"]
    instance = setting.another(
        worker=replace(setting.instance.worker, pools=pools), quota_of=partial(quota_of, settings)
    )
    instance.sweep()
    assert (setting.get(gone).state, setting.get(other).state) == (State.PAUSED, State.DONE)
    setting.rules.stop(press(gone))
    clock.sleep(400)
    instance.sweep()
    assert setting.get(gone).state is State.FAILED
    assert sorted(store.leases.given_back) == ["own/eu-central-1", "partners", "partners"]


def test_who_takes_a_lease_again_that_lapsed_meanwhile_waits_a_second_before_its_first_call(store: Watched) -> None:
    setting, clock = eventful(store, 60)
    first = setting.confirmed(*setting.names()[:30])
    lane, other = HeldLane(), setting.another()
    instance = setting.another(lane=lane)
    instance.sweep()
    store.leases.is_down_for = instance.holder
    clock.sleep(16)
    other.sweep()
    assert setting.get(first).state is State.DONE
    lane.release()
    other.sweep()
    store.leases.is_down_for, calls = None, len(setting.pool.called)
    setting.confirmed(*setting.names()[30:])
    instance.sweep()
    lane.release()
    assert setting.pool.called_at[calls] - setting.pool.called_at[calls - 1] >= timedelta(seconds=1)


def test_where_no_thread_is_free_for_a_list_the_next_sweep_tries_again(store: Watched) -> None:
    setting, _ = eventful(store, 5)
    setting.confirmed(*setting.names())
    lane = HeldLane(room=0)
    instance = setting.another(lane=lane)
    instance.sweep()
    assert instance.running == {}
    assert store.leases.given_back == ["own/eu-central-1"]
    lane.room = 1
    instance.sweep()
    assert len(lane.work) == 1
