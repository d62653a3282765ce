from dataclasses import replace

import pytest
from examples import ADA, NOON, StoppedClock, awaiting
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ACCOUNT_CHANGED, PROTECTED
from bot.facts.advice import USER_DISABLED
from bot.list_progress import SAME_FAILURES, Progress, other_changes, state_at_rest
from bot.listed import Counts, Listed
from bot.pace import Pace
from bot.request import ENDED, Request, State

LISTED = Listed(pool="customers", pool_id=ADA.pool_id, region=ADA.region, size=10)


NONE = Counts()


def progress(clock: StoppedClock | None = None, settled: Counts = NONE) -> Progress:
    clock = clock or StoppedClock()
    return Progress(settled=settled, pace=Pace(clock=clock, per_second=12))


def noted(counted: Progress, listed: Listed) -> Listed:
    return counted.of(awaiting(state=State.RUNNING, listed=listed), NOON)


def child(state: State = State.DONE, code: str | None = None) -> Request:
    return awaiting(state=state, error_code=code)


def test_what_ended_is_counted_and_settled_up_to_the_first_that_has_not() -> None:
    counted = progress()
    for index, each in ((0, child()), (1, child(State.FAILED, "Throttled")), (3, child(State.UNKNOWN, "ReadTimeout"))):
        counted.add(index, each)
    listed = noted(counted, LISTED)
    assert listed.settled == Counts(ended=2, done=1, failed=1, reasons={"Throttled": 1})
    assert listed.counts == Counts(ended=3, done=1, failed=1, unknown=1, reasons={"Throttled": 1, "ReadTimeout": 1})
    counted.add(2, child())
    listed = noted(counted, listed)
    assert listed.settled == listed.counts
    assert listed.left == 6


@given(st.permutations(range(12)), st.data())
def test_in_any_order_and_however_often_it_is_noted_each_account_is_counted_once(
    order: list[int], data: st.DataObject
) -> None:
    counted, listed, ended = progress(), LISTED, set[int]()
    for index in order:
        counted.add(index, child(State.DONE if index % 3 else State.FAILED, "Throttled"))
        ended.add(index)
        if data.draw(st.booleans()):
            listed = noted(counted, listed)
            assert listed.counts.ended == len(ended)
            assert listed.settled.ended == next(n for n in range(13) if n not in ended)
    listed = noted(counted, listed)
    assert listed.counts == listed.settled == Counts(ended=12, done=8, failed=4, reasons={"Throttled": 4})


def test_who_takes_over_goes_on_counting_from_what_was_settled() -> None:
    counted = progress(settled=Counts(ended=5, done=4, failed=1))
    counted.add(5, child())
    assert noted(counted, LISTED).counts == Counts(ended=6, done=5, failed=1)


def test_who_takes_over_shows_no_fewer_than_were_shown_before() -> None:
    shown = replace(LISTED, counts=Counts(ended=7, done=6, failed=1, reasons={"Throttled": 1}))
    counted = progress(settled=Counts(ended=2, done=2))
    counted.add(2, child())
    assert noted(counted, shown).counts == shown.counts
    assert noted(counted, shown).settled.ended == 3
    for index in range(3, 8):
        counted.add(index, child())
    assert noted(counted, shown).counts == Counts(ended=8, done=8)


def test_the_rate_is_that_of_the_last_while_and_stays_where_nothing_ends() -> None:
    counted = progress(clock := StoppedClock())
    noted(counted, LISTED)
    for index in range(6):
        clock.sleep(0.5)
        counted.add(index, child())
    listed = noted(counted, LISTED)
    assert listed.rate == pytest.approx(2.0)
    assert listed.time_left.total_seconds() == pytest.approx(2.0)
    for _ in range(20):
        clock.sleep(3)
        listed = noted(counted, listed)
    assert listed.rate is not None
    assert listed.rate <= 2.0


def test_it_says_why_no_account_is_begun_and_that_it_is_slow() -> None:
    counted = progress()
    assert noted(counted, LISTED).trouble is None
    counted.pace.slow_down()
    assert noted(counted, LISTED).trouble == "TooManyRequestsException"
    counted.trouble = "NoCredentials"
    assert noted(counted, LISTED).trouble == "NoCredentials"


@pytest.mark.parametrize("state", [State.FAILED, State.UNKNOWN])
def test_many_accounts_in_a_row_that_are_not_done_for_the_same_reason_would_all_fail(state: State) -> None:
    counted = progress()
    for index in range(SAME_FAILURES - 1):
        counted.add(index, child(state, "NotAuthorizedException"))
    assert counted.failing() is None
    counted.add(99, child(state, "NotAuthorizedException"))
    assert counted.failing() == "NotAuthorizedException"
    counted.add(100, child())
    assert counted.failing() is None


@pytest.mark.parametrize("code", [PROTECTED, ACCOUNT_CHANGED, "UserNotFoundException", USER_DISABLED])
def test_what_is_about_each_account_says_nothing_of_the_others(code: str) -> None:
    counted = progress()
    for index in range(2 * SAME_FAILURES):
        counted.add(index, child(State.FAILED, code))
    assert counted.failing() is None


def test_failures_for_different_reasons_say_nothing_of_the_others() -> None:
    counted = progress()
    for index in range(2 * SAME_FAILURES):
        counted.add(index, child(State.FAILED, f"Code{index % 2}"))
    assert counted.failing() is None


AT_REST = {
    "all done": (State.RUNNING, Counts(ended=10, done=10), State.DONE),
    "some failed": (State.RUNNING, Counts(ended=10, done=9, failed=1), State.PARTLY),
    "all failed": (State.RUNNING, Counts(ended=10, failed=10), State.FAILED),
    "one not known": (State.RUNNING, Counts(ended=10, done=8, failed=1, unknown=1), State.UNKNOWN),
    "some are left": (State.RUNNING, Counts(ended=9, done=9), State.RUNNING),
    "paused": (State.PAUSED, Counts(ended=9, done=9), State.PAUSED),
    "paused after the last": (State.PAUSED, Counts(ended=10, done=10), State.DONE),
    "stopped": (State.STOPPING, Counts(ended=9, done=9), State.PARTLY),
    "stopped before the first": (State.STOPPING, Counts(), State.FAILED),
    "stopped after the last": (State.STOPPING, Counts(ended=10, done=10), State.DONE),
}


@pytest.mark.parametrize(("state", "counts", "after"), AT_REST.values(), ids=AT_REST)
def test_how_a_list_is_once_no_account_is_under_way(state: State, counts: Counts, after: State) -> None:
    request = awaiting(state=state, listed=LISTED)
    listed = replace(LISTED, counts=counts)
    assert state_at_rest(request, listed) is after
    changes = other_changes(request, after, listed, NOON)
    assert (changes.get("ended_at") == NOON) is (after in ENDED)
