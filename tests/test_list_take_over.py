"""What an instance may do with a list that another one began, or whose lease, clock or store gives way."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from examples import ScriptedPool, StoppedClock
from lists import Setting, people, press

from bot.account import Account
from bot.action import Done, Step
from bot.errors import LIST_CHANGED, PROTECTED, ClockChangedError, SupersededError
from bot.limits import Protection
from bot.list_accounts import child_id
from bot.pace import Pace, PacedPool
from bot.request import ENDED, Request, State
from bot.stores.sqlite.store import SQLiteStore

VIPS = Protection(groups=frozenset({"vips"}))


class KilledError(BaseException):
    pass


@pytest.fixture
def store(tmp_path: Path) -> SQLiteStore:
    store = SQLiteStore(tmp_path / "signout.db")
    store.open()
    return store


def _killed_during_call(setting: Setting, number: int, listed: Request) -> None:
    """Run a list until the instance is killed in this call."""

    def die() -> None:
        if len(setting.pool.called_at) == number:
            raise KilledError

    setting.pool.during = die
    with pytest.raises(KilledError):
        setting.run()
    setting.pool.during = lambda: None
    setting.clock.sleep(21)
    assert setting.get(listed).state is State.RUNNING


def test_a_list_that_stops_does_not_end_before_it_is_known_what_was_under_way(store: SQLiteStore) -> None:
    setting = Setting(store, people(5))
    listed = setting.confirmed(*(f"p{n:05}" for n in range(5)))
    _killed_during_call(setting, 3, listed)
    setting.rules.stop(press(listed))
    closed = iter([False, False])  # it is about to stop once it has taken the list up
    setting.another(closed=lambda: next(closed, True)).sweep()
    assert setting.get(listed).state is State.STOPPING
    other = setting.another()
    while setting.get(listed).state is State.STOPPING:
        setting.clock.sleep(21)
        other.sweep()
    ended = setting.get(listed)
    children = [store.get(child_id(listed.id, place)) for place in range(5)]
    assert ended.state is State.PARTLY
    assert ended.contents.counts.ended == sum(child is not None and child.state in ENDED for child in children) == 3


def test_who_takes_over_a_list_that_is_paused_asks_who_is_protected_before_a_call(store: SQLiteStore) -> None:
    setting = Setting(store, people(3), changes={"protections": {"customers": VIPS}})
    listed = setting.confirmed("p00000", "p00001", "p00002")
    _killed_during_call(setting, 1, listed)
    setting.rules.pause(press(listed))
    setting.pool.groups["p00000"] = frozenset({"vips"})
    setting.clock.sleep(21)
    setting.another().sweep()
    child = store.get(child_id(listed.id, 0))
    assert child
    assert len(setting.pool.called_at) == 1
    assert (child.state, PROTECTED in str(child.error_code)) == (State.UNKNOWN, False)  # its first call got no answer


def test_a_list_that_was_paused_ends_with_its_last_account(store: SQLiteStore) -> None:
    setting = Setting(store, people(3))
    listed = setting.confirmed("p00000", "p00001", "p00002")

    def pause() -> None:
        if len(setting.pool.called_at) == 3:
            setting.rules.pause(press(listed))

    setting.pool.during = pause
    setting.run()
    assert setting.get(listed).state is State.DONE


def test_the_first_call_leaves_a_second_after_the_lease_was_taken(store: SQLiteStore) -> None:
    setting = Setting(store, people(1))
    setting.confirmed("p00000")
    begun = setting.clock.now()
    setting.run()
    assert setting.pool.called_at[0] - begun >= timedelta(seconds=1)


def test_no_call_leaves_once_the_lease_is_lost() -> None:
    clock = StoppedClock()
    pool = ScriptedPool([Done("aws-1")], clock, seconds=0.0)
    pace = Pace(clock=clock, per_second=1.0)
    paced = PacedPool(pool=pool, pace=pace, left=lambda: timedelta(0))
    with pytest.raises(SupersededError):
        paced.call(Step.SIGN_OUT, "ada", lambda: timedelta(minutes=1))
    assert pool.called_at == []


def test_an_account_whose_user_name_was_given_to_another_meanwhile_is_in_a_list_once(store: SQLiteStore) -> None:
    first = people(1)[0]
    again = replace(first, sub="00000000-0000-4000-8000-999999999999", email="again@example.com")
    listed = Setting(store, [first, again]).preview("p00000@example.com", "again@example.com")
    assert (listed.contents.size, listed.contents.twice) == (1, 1)


def test_the_card_of_a_list_is_kept_up_to_date_from_its_first_line_on(store: SQLiteStore) -> None:
    setting = Setting(store, people(1))
    listed = setting.confirmed("p00000")
    due = [(each.request_id, each.version) for each in store.due_messages(setting.clock.now() + timedelta(hours=1), 9)]
    assert (listed.id, listed.version) in due


def test_accounts_under_way_are_ended_and_counted_though_the_portions_of_their_list_are_gone(
    store: SQLiteStore,
) -> None:
    setting = Setting(store, people(40))
    listed = setting.confirmed(*setting.names())
    _killed_during_call(setting, 1, listed)
    store.put_portion(listed.id, 0, [])
    setting.another().sweep()
    setting.clock.sleep(21)
    setting.another().sweep()
    first, ended = store.get(child_id(listed.id, 0)), setting.get(listed)
    assert first
    assert first.state is State.DONE
    assert (ended.state, ended.error_code, ended.contents.counts.done) == (State.PARTLY, LIST_CHANGED, 1)


def test_a_list_that_took_too_long_to_read_is_paused(store: SQLiteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    setting = Setting(store, people(1))
    listed, portions = setting.confirmed("p00000"), store.portions

    def slow(list_id: str, numbers: range) -> Iterator[Sequence[Account]]:
        setting.clock.sleep(301)
        return portions(list_id, numbers)

    monkeypatch.setattr(store, "portions", slow)
    setting.run()
    assert (setting.get(listed).state, setting.pool.called_at) == (State.PAUSED, [])


def test_an_account_of_a_list_is_not_claimed_by_a_clock_that_is_wrong(
    store: SQLiteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting = Setting(store, people(1))
    listed = setting.confirmed("p00000")
    monkeypatch.setattr(setting.clock, "error", ClockChangedError)
    closed = iter([False] * 4)
    setting.another(closed=lambda: next(closed, True)).sweep()
    child = store.get(child_id(listed.id, 0))
    assert setting.pool.called_at == []
    assert child is None or child.state is State.READY
