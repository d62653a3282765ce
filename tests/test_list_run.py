from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from examples import NOON, SAM
from lists import Always, EventfulClock, HeldLane, ListPool, Setting, people, press

from bot import errors
from bot.action import Done, Refused, Unclear
from bot.audit import Kind
from bot.errors import ClockChangedError, PoolUnavailableError, StoreUnavailableError
from bot.limits import Protection
from bot.list_accounts import child_id
from bot.list_progress import SAME_FAILURES
from bot.list_run import MOST_AT_ONCE
from bot.request import ENDED, Request, State
from bot.stores.sqlite.store import SQLiteStore

THROTTLED = Refused("TooManyRequestsException", "aws-1", may_retry=True)


class Failing(SQLiteStore):
    """A store that cannot be written while `is_down`."""

    is_down = False

    def move(self, *arguments: Any, **more: Any) -> None:
        if self.is_down:
            raise StoreUnavailableError("test", in_doubt=False)
        super().move(*arguments, **more)


@pytest.fixture
def store(tmp_path: Path) -> Failing:
    store = Failing(tmp_path / "signout.db")
    store.open()
    return store


def eventful(store: SQLiteStore, count: int, **changes: Any) -> tuple[Setting, EventfulClock]:
    clock = EventfulClock()
    return Setting(store, people(count), clock=clock, **changes), clock


def children(setting: Setting, request: Request) -> list[Request]:
    """Return the requests of the accounts of a list that were begun."""
    found = (setting.store.get(child_id(request.id, index)) for index in range(request.contents.size))
    return [each for each in found if each]


def kinds(setting: Setting, request: Request) -> list[Kind]:
    """Return what the trail tells of a list itself."""
    return [entry.kind for entry in setting.entries(request) if entry.ask.id == request.id]


def check_ended(setting: Setting, request: Request) -> Request:
    """Return a list that has ended, once its counts are compared with its accounts and with the calls."""
    ended, begun = setting.get(request), children(setting, request)
    counts = ended.contents.counts
    assert ended.state in ENDED
    assert all(each.state in ENDED for each in begun)
    assert counts.ended == len(begun)
    assert counts.done == sum(each.state is State.DONE for each in begun)
    outcomes = [entry for entry in setting.entries(request) if entry.request and entry.request.list_id]
    assert len({entry.ask.id for entry in outcomes if entry.kind is not Kind.RESUMED}) == len(begun)
    return ended


def test_what_is_under_way_when_it_is_paused_ends_and_nothing_more_is_begun(store: SQLiteStore) -> None:
    setting, clock = eventful(store, 100)
    lane = HeldLane()
    request = setting.confirmed(*setting.names())
    clock.at(1, lambda: setting.rules.pause(press(request)))
    clock.at(5, lane.release)
    setting.another(accounts_lane=lane).sweep()
    paused = setting.get(request)
    assert (paused.state, paused.contents.at_rest, paused.contents.counts.done) == (State.PAUSED, True, 12)
    assert len(children(setting, request)) == len(setting.pool.called) == 12
    setting.run()
    assert setting.get(request) == paused


def test_a_list_that_is_let_go_on_while_it_still_finishes_is_taken_up_after_that(store: SQLiteStore) -> None:
    setting, clock = eventful(store, 30)
    lane = HeldLane()
    request = setting.confirmed(*setting.names())
    clock.at(1, lambda: setting.rules.pause(press(request)))
    clock.at(3, lambda: setting.rules.go_on(press(request)))
    clock.at(6, lane.release)
    instance = setting.another(accounts_lane=lane)
    instance.sweep()
    assert (setting.get(request).state, len(setting.pool.called)) == (State.READY, 12)
    clock.events += [(n / 4, lane.release) for n in range(30, 90)]
    instance.sweep()
    assert check_ended(setting, request).state is State.DONE
    assert sorted(setting.pool.called) == setting.names()


def test_a_stop_before_it_begins_signs_no_one_out(store: SQLiteStore) -> None:
    setting, _ = eventful(store, 10)
    request = setting.confirmed(*setting.names())
    setting.rules.stop(press(request))
    setting.run()
    stopped = check_ended(setting, request)
    assert (stopped.state, setting.pool.called) == (State.FAILED, [])
    assert kinds(setting, request) == [Kind.OPENED, Kind.OPENED, Kind.CONFIRMED, Kind.STOPPED, Kind.FAILED]


def test_a_list_that_is_paused_is_stopped_and_ends(store: SQLiteStore) -> None:
    setting, clock = eventful(store, 50)
    request = setting.confirmed(*setting.names())
    clock.at(2, lambda: setting.rules.pause(press(request)))
    setting.run()
    done = setting.get(request).contents.counts.done
    setting.rules.stop(press(request))
    setting.run()
    stopped = check_ended(setting, request)
    assert (stopped.state, stopped.contents.counts.done, len(setting.pool.called)) == (State.PARTLY, done, done)


class KilledError(BaseException):
    """The process is killed."""


def kill_at(setting: Setting, calls: int) -> None:
    """Let the instance be killed once so many calls were made, before it knows the answer."""

    def die() -> None:
        if len(setting.pool.called) == calls:
            raise KilledError

    setting.pool.during = die
    with pytest.raises(KilledError):
        setting.run()
    setting.pool.during = lambda: None


PHASES: dict[str, Callable[[Setting, Request], object]] = {
    "running": lambda _, __: None,
    "paused since": lambda setting, request: setting.rules.pause(press(request)),
    "paused and let go on since": lambda setting, request: (
        setting.rules.pause(press(request)),
        setting.rules.go_on(press(request)),
    ),
    "stopped since": lambda setting, request: setting.rules.stop(press(request)),
}


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("calls", [1, 7, 30])
def test_another_instance_takes_a_list_over_in_each_phase_and_counts_all_that_was_begun(
    store: SQLiteStore, phase: str, calls: int
) -> None:
    setting, clock = eventful(store, 30)
    request = setting.confirmed(*setting.names())
    kill_at(setting, calls)
    PHASES[phase](setting, request)
    other = setting.another()
    for _ in range(40):
        clock.sleep(1)
        other.sweep()
    found = setting.get(request)
    if phase == "paused since" and calls < 30:
        assert (found.state, found.contents.at_rest, found.contents.counts.ended) == (State.PAUSED, True, calls)
        assert all(each.state in ENDED for each in children(setting, request))
        return
    ended = check_ended(setting, request)
    assert len(setting.pool.called) == ended.contents.size + 1 if phase != "stopped since" else calls + 1
    assert set(setting.pool.called) == set(setting.names()[: ended.contents.counts.ended])
    assert kinds(setting, request).count(Kind.RESUMED) == (phase == "running")


def test_who_takes_a_list_over_and_has_to_leave_before_it_saw_all_that_was_begun_does_not_end_it(
    store: SQLiteStore,
) -> None:
    """Else accounts that were begun would never come to an end."""
    setting, clock = eventful(store, 30)
    lane = HeldLane()
    request = setting.confirmed(*setting.names())
    clock.at(2, _kill)
    with pytest.raises(KilledError):
        setting.another(accounts_lane=lane).sweep()
    assert {each.state for each in children(setting, request)} == {State.READY}
    setting.rules.stop(press(request))
    clock.sleep(21)
    leaves = setting.another(closed=lambda: len(setting.pool.called) >= 3)
    leaves.sweep()
    assert setting.get(request).state is State.STOPPING
    assert not setting.get(request).contents.at_rest
    leaves.sweep()  # it gives the lease back
    setting.another().sweep()
    ended = check_ended(setting, request)
    assert (ended.state, ended.contents.counts.done) == (State.PARTLY, 12)


def _kill() -> None:
    raise KilledError


def test_once_the_lease_is_lost_nothing_more_is_begun_or_written(store: SQLiteStore) -> None:
    setting, clock = eventful(store, 100)
    request = setting.confirmed(*setting.names())

    def steal() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(clock, "time", clock.time + timedelta(minutes=1))
            assert store.lease("own/eu-central-1", "other", clock.now(), clock.now(), timedelta(minutes=9))
        listed = replace(setting.get(request).contents, worked_at=clock.now())
        stored = setting.get(request)
        assert stored.claim
        taken = stored.move(State.RUNNING, listed=listed, claim=replace(stored.claim, id="of another run"))
        store.move(stored, taken, None, None)
        calls.append(len(setting.pool.called))

    calls: list[int] = []
    clock.at(3, steal)
    setting.run()
    after = setting.get(request)
    assert after.claim
    assert after.claim.id == "of another run"
    assert len(setting.pool.called) <= calls[0] + 13  # by the time at which it looks, a second later
    assert len(children(setting, request)) == len(setting.pool.called)


def test_an_account_that_is_protected_since_the_preview_is_not_signed_out(store: SQLiteStore) -> None:
    protections = {"customers": Protection(groups=frozenset({"staff"}))}
    setting, _ = eventful(store, 30, changes={"protections": protections})
    request = setting.confirmed(*setting.names())
    setting.pool.groups = {"p00007": frozenset({"staff"})}
    setting.run()
    ended = check_ended(setting, request)
    assert ended.contents.counts.reasons == {errors.PROTECTED: 1}
    assert "p00007" not in setting.pool.called
    assert len(setting.pool.called) == 29


def test_who_is_protected_is_read_again_once_a_minute(store: SQLiteStore) -> None:
    protections = {"customers": Protection(groups=frozenset({"staff"}))}
    setting, clock = eventful(store, 130, changes={"protections": protections})
    request = setting.confirmed(*setting.names())
    setting.pool.asked_for_groups.clear()

    def protect() -> None:
        setting.pool.groups = {"p00129": frozenset({"staff"})}

    clock.at(61, protect)
    setting.another(per_second=1.0).sweep()
    assert check_ended(setting, request).contents.counts.reasons == {errors.PROTECTED: 1}
    assert len(setting.pool.asked_for_groups) == 3  # in two minutes, and a little more


@dataclass
class SetClock(EventfulClock):
    """A clock that was set `ahead`; its seconds that no one can set go on."""

    ahead: timedelta = timedelta(0)

    def now(self) -> datetime:
        return self.time + self.ahead


@pytest.mark.parametrize("ahead", [timedelta(days=2), timedelta(days=-2)])
def test_a_list_goes_on_once_the_clock_is_right_again_and_nothing_was_noted_by_a_wrong_one(
    store: SQLiteStore, ahead: timedelta
) -> None:
    clock = SetClock()
    setting = Setting(store, people(60), clock=clock)
    request = setting.confirmed(*setting.names())

    def go_wrong() -> None:
        clock.error, clock.ahead = ClockChangedError, ahead

    clock.at(2, go_wrong)
    setting.instance.closed = lambda: clock.now() != clock.time
    setting.run()
    assert setting.get(request).state is State.RUNNING
    clock.error, clock.ahead = lambda: None, timedelta(0)
    clock.sleep(30)
    setting.run()
    assert check_ended(setting, request).state is State.DONE


def test_while_it_is_not_known_who_is_protected_it_waits_and_says_so(store: SQLiteStore) -> None:
    protections = {"customers": Protection(groups=frozenset({"staff"}))}
    setting, clock = eventful(store, 30, changes={"protections": protections})
    request = setting.confirmed(*setting.names())
    setting.pool.silent = PoolUnavailableError("Cognito throttled.", "TooManyRequestsException", may_retry=True)
    setting.pool.asked_for_groups.clear()
    seen: list[tuple[Any, ...]] = []

    def look() -> None:
        listed = setting.get(request).contents
        seen.append((listed.trouble, listed.worked_at and clock.now() - listed.worked_at < timedelta(seconds=5)))

    for seconds in (10, 60):
        clock.at(seconds, look)
    clock.at(61, lambda: setattr(setting.pool, "silent", None))
    setting.run()
    assert seen == [("TooManyRequestsException", True)] * 2
    assert len(setting.pool.asked_for_groups) <= 14
    assert check_ended(setting, request).state is State.DONE


@pytest.mark.parametrize(
    "answer", [Refused("NotAuthorizedException", "aws-1"), Refused("NoCredentials", None, sent=False)]
)
def test_a_list_whose_accounts_all_fail_alike_is_paused_by_the_bot_and_can_go_on(
    store: SQLiteStore, answer: Refused
) -> None:
    setting, _ = eventful(store, 100, answers=Always(answer))
    request = setting.confirmed(*setting.names())
    setting.run()
    paused = setting.get(request)
    assert (paused.state, paused.contents.trouble, paused.pressed_by) == (State.PAUSED, answer.code, None)
    assert SAME_FAILURES <= paused.contents.counts.failed <= SAME_FAILURES + 2
    assert paused.contents.at_rest
    entry = setting.store.due_entries(setting.clock.now(), 99)[-1]
    assert entry.kind is Kind.PAUSED  # the channel is told of it
    setting.pool.answer_to = lambda _: Done("aws-1")
    setting.rules.go_on(press(request))
    setting.run()
    ended = check_ended(setting, request)
    assert (ended.state, ended.contents.counts.done) == (State.PARTLY, 100 - paused.contents.counts.failed)


def test_a_list_of_which_no_answer_is_clear_is_paused_too(store: SQLiteStore) -> None:
    setting, _ = eventful(store, 100, answers=Always(Unclear("ReadTimeout")))
    request = setting.confirmed(*setting.names())
    setting.run()
    paused = setting.get(request)
    assert (paused.state, paused.contents.trouble) == (State.PAUSED, "ReadTimeout")
    assert paused.contents.counts.unknown <= SAME_FAILURES + 2


def test_a_list_that_cognito_throttles_halves_its_pace_at_once_and_speeds_up_slowly(store: SQLiteStore) -> None:
    setting, clock = eventful(store, 340)
    request = setting.confirmed(*setting.names())

    def answer(_: str) -> Done | Refused:
        return THROTTLED if len(setting.pool.called) == 25 else Done("aws-1")

    setting.pool.answer_to = answer
    seen: list[str | None] = []
    clock.at(7, lambda: seen.append(setting.get(request).contents.trouble))
    setting.run()
    assert check_ended(setting, request).state is State.DONE
    called = [(at - setting.pool.called_at[24]).total_seconds() for at in setting.pool.called_at]
    assert seen == ["TooManyRequestsException"]
    assert 11 <= sum(-1 < at <= 0 for at in called) <= 13
    assert 3 <= sum(0 < at <= 1 for at in called) <= 7  # the one that was throttled waits a moment
    assert 8 <= sum(14.5 < at <= 15.5 for at in called) <= 10
    assert 11 <= sum(32 < at <= 33 for at in called) <= 13


def test_what_finds_no_room_on_the_lane_waits_for_it_and_no_more_is_begun(store: SQLiteStore) -> None:
    setting, clock = eventful(store, 30)
    lane = HeldLane(room=3)
    request = setting.confirmed(*setting.names())
    begun: list[int] = []

    def look() -> None:
        begun.append(len(children(setting, request)))
        lane.release()

    clock.events += [(n, look) for n in range(2, 60, 2)]
    setting.another(accounts_lane=lane).sweep()
    assert check_ended(setting, request).state is State.DONE
    assert begun[0] == 4
    assert max(later - earlier for earlier, later in pairwise(begun)) <= 4


def test_no_more_accounts_are_under_way_than_there_are_threads(store: SQLiteStore) -> None:
    setting, clock = eventful(store, 100)
    lane = HeldLane()
    setting.confirmed(*setting.names())
    most: list[int] = []

    def look() -> None:
        most.append(len(lane.work))
        lane.release()

    clock.events += [(n / 10, look) for n in range(600)]
    setting.another(accounts_lane=lane, per_second=200.0).sweep()
    assert max(most) == MOST_AT_ONCE


def test_a_list_goes_on_once_the_store_can_be_written_again(store: Failing) -> None:
    setting, clock = eventful(store, 60)
    request = setting.confirmed(*setting.names())
    clock.at(2, lambda: setattr(store, "is_down", True))
    with pytest.raises(StoreUnavailableError):
        setting.run()
    store.is_down = False
    for _ in range(60):
        clock.sleep(1)
        setting.run()
    assert check_ended(setting, request).contents.counts.ended == 60
    assert set(setting.pool.called) == set(setting.names())


def test_how_far_it_is_is_noted_every_three_seconds_and_shown(store: SQLiteStore) -> None:
    setting, clock = eventful(store, 200)
    request = setting.confirmed(*setting.names())
    seen: list[tuple[int, int]] = []

    def look() -> None:
        found = setting.get(request)
        seen.append((found.version, found.contents.counts.done))

    clock.events += [(n, look) for n in range(1, 16)]
    setting.run()
    versions = [version for version, _ in seen]
    assert 4 <= versions[-1] - versions[0] <= 5
    done = [done for _, done in seen]
    assert done == sorted(done)
    assert done[-1] >= 12 * 11


def test_what_is_begun_again_and_again_costs_no_entry_but_that_of_its_outcome(store: SQLiteStore) -> None:
    setting, _ = eventful(store, 5, answers=Always(Done("aws-1")))
    request = setting.confirmed(*setting.names())
    setting.run()
    assert kinds(setting, request) == [Kind.OPENED, Kind.OPENED, Kind.CONFIRMED, Kind.SIGNED_OUT]
    of_accounts = [entry for entry in setting.entries(request) if entry.ask.id != request.id]
    assert [entry.kind for entry in of_accounts] == [Kind.SIGNED_OUT] * 5
    assert all(entry.delivery.next_at is None and entry.ask.operator == SAM for entry in of_accounts)
    assert setting.pool.called_at[0] >= NOON + timedelta(seconds=1)
    assert isinstance(setting.pool, ListPool)
