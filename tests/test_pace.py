from bisect import bisect_left
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import pairwise

import pytest
from examples import ADA, ScriptedPool, StoppedClock
from hypothesis import given
from hypothesis import strategies as st

from bot.action import Answer, Done, Refused, Step, Unclear
from bot.errors import PoolUnavailableError
from bot.pace import A_MOMENT, FIRST_WAIT, SLOWEST, Pace, PacedPool

THROTTLED = Refused("TooManyRequestsException", "aws-1", may_retry=True)


def always_left() -> timedelta:
    return timedelta(hours=1)


class LateClock(StoppedClock):
    """A clock whose sleepers wake up late, by the next of these seconds."""

    def __init__(self, late: list[float]) -> None:
        super().__init__()
        self.late = late

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds + (self.late.pop() if self.late else 0))


def turns(pace: Pace, count: int) -> list[float]:
    """Take so many turns one after the other; return when each was."""
    taken = []
    for _ in range(count):
        pace.wait()
        taken.append(pace.clock.monotonic())
    return taken


def most_in_a_second(taken: list[float]) -> int:
    return max(bisect_left(taken, start + 1 - 2 * A_MOMENT) - index for index, start in enumerate(taken))


@given(
    st.lists(st.floats(min_value=0, max_value=0.5), max_size=60),
    st.sampled_from([0.5, 1, 12, 25, 100]),
)
def test_no_second_holds_more_than_the_pace_and_one_more_however_late_a_turn_is_taken(
    late: list[float], per_second: float
) -> None:
    taken = turns(Pace(clock=LateClock(late), per_second=per_second), 150)
    assert most_in_a_second(taken) <= per_second + 1


class Slow(ScriptedPool):
    """A pool whose calls leave late after their turn, by the next of `late`; `left_at` is when."""

    late: Iterator[float]
    left_at: list[float]
    per_second: float

    def call(self, step: Step, username: str, left: Callable[[], timedelta]) -> Answer:  # noqa: ARG002
        assert left() > timedelta(0)
        late = next(self.late, 0.0)
        self.clock.sleep(late)
        assert left() > timedelta(0)
        self.clock.sleep(min(late, 0.9 / self.per_second))  # on its way
        self.left_at.append(self.clock.monotonic())
        return Done("aws-1")


@given(st.lists(st.sampled_from([0.0, 0.05, 0.09, 0.3]), max_size=60), st.sampled_from([1, 12, 25]))
def test_a_second_is_counted_from_when_a_call_may_have_arrived_and_not_from_its_turn(
    late: list[float], per_second: float
) -> None:
    pool = Slow([], clock := StoppedClock())
    pool.late, pool.left_at, pool.per_second = iter(late), [], per_second
    paced = PacedPool(pool=pool, pace=Pace(clock=clock, per_second=per_second))
    for _ in range(100):
        paced.call(Step.SIGN_OUT, ADA.username, always_left)
    assert most_in_a_second(pool.left_at) <= per_second + 1


def test_turns_that_are_taken_a_little_late_cost_no_pace() -> None:
    taken = turns(Pace(clock=LateClock([0.03] * 1000), per_second=12), 600)
    assert 599 / (taken[-1] - taken[0]) == pytest.approx(12, rel=0.01)


def test_it_does_not_save_turns_up_that_no_one_took() -> None:
    pace = Pace(clock=(clock := StoppedClock()), per_second=12)
    turns(pace, 3)
    clock.sleep(60)
    assert most_in_a_second(turns(pace, 40)) <= 13


def test_the_first_turn_is_a_second_later_where_another_may_have_called_a_moment_ago() -> None:
    pace = Pace(clock=(clock := StoppedClock()), per_second=12)
    pace.hold_off()
    assert turns(pace, 1)[0] >= FIRST_WAIT
    clock.sleep(10)
    assert turns(pace, 1)[0] == clock.monotonic()


def test_once_cognito_throttles_the_next_turn_is_at_half_the_pace() -> None:
    pace = Pace(clock=StoppedClock(), per_second=12)
    before = turns(pace, 2)[-1]
    pace.slow_down()
    after = turns(pace, 5)
    assert pace.is_slowed
    assert [later - earlier for earlier, later in pairwise([before, *after])] == pytest.approx([1 / 6] * 5, rel=0.1)


def test_what_was_sent_before_it_slowed_down_slows_it_down_once() -> None:
    told = list[None]()
    pace = Pace(clock=StoppedClock(), per_second=12, throttled=lambda: told.append(None))
    for _ in range(10):
        pace.slow_down()
    assert pace.rate == pytest.approx(6)
    assert len(told) == 10


def test_a_turn_that_someone_waits_for_already_comes_later_once_it_has_slowed_down() -> None:
    class Clock(StoppedClock):
        slow_down = False

        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if self.slow_down:
                self.slow_down = False
                pace.slow_down()

    pace = Pace(clock=(clock := Clock()), per_second=12)
    (before,) = turns(pace, 1)
    clock.slow_down = True
    (after,) = turns(pace, 1)
    assert after - before >= 1 / 12 + 1 / 6


def test_it_is_never_slower_than_one_call_in_two_seconds_or_than_the_settings_say() -> None:
    for per_second, slowest in ((12, SLOWEST), (0.2, 0.2)):
        pace = Pace(clock=(clock := StoppedClock()), per_second=per_second)
        for _ in range(20):
            pace.slow_down()
            clock.sleep(1)
        pace.slow_down()
        assert pace.rate == pytest.approx(slowest, rel=0.05)


def test_it_speeds_up_slowly_and_to_no_more_than_the_settings_say() -> None:
    pace = Pace(clock=(clock := StoppedClock()), per_second=12)
    pace.slow_down()
    found = []
    for _ in range(4):
        clock.sleep(10)
        found.append(pace.rate)
    assert found == pytest.approx([8, 10, 12, 12])
    assert not pace.is_slowed


def test_there_are_so_many_places_and_one_that_was_left_is_free_again() -> None:
    pace = Pace(clock=StoppedClock(), per_second=12)
    assert [pace.enter(2) for _ in range(3)] == [True, True, False]
    pace.leave()
    assert pace.enter(2)


@pytest.mark.parametrize(
    ("answer", "slows"),
    [
        (Done("aws-1"), False),
        (THROTTLED, True),
        (Refused("TooManyRequestsException", None, sent=False, may_retry=True), False),
        (Refused("NotAuthorizedException", "aws-1"), False),
        (Unclear("ReadTimeout"), False),
    ],
)
def test_a_call_is_made_once_in_its_turn_and_only_throttling_slows_down(answer: Answer, *, slows: bool) -> None:
    pool = ScriptedPool([answer] * 3, clock := StoppedClock(), seconds=0)
    paced = PacedPool(pool=pool, pace=Pace(clock=clock, per_second=2))
    for _ in range(2):
        assert paced.call(Step.SIGN_OUT, ADA.username, always_left) == answer
    assert len(pool.called_at) == 2
    assert (pool.called_at[1] - pool.called_at[0]).total_seconds() == pytest.approx(1.0 if slows else 0.5)
    assert paced.pace.is_slowed is slows


class Throttling(ScriptedPool):
    """A pool that throttles the next so many questions."""

    times = 0
    may_retry = True

    def get_user(self, username: str) -> None:  # noqa: ARG002 -- as a `UserPool` is asked
        self.looked_at.append(self.clock.now())
        if self.times:
            self.times -= 1
            raise PoolUnavailableError("Cognito throttled.", "TooManyRequestsException", may_retry=self.may_retry)


def test_what_is_asked_is_asked_again_more_slowly_a_few_times() -> None:
    pool = Throttling([], clock := StoppedClock())
    pool.times = 3
    paced = PacedPool(pool=pool, pace=Pace(clock=clock, per_second=8))
    assert paced.get_user("ada") is None
    assert len(pool.looked_at) == 4
    assert paced.pace.is_slowed
    pool.times = 9
    with pytest.raises(PoolUnavailableError):
        paced.get_user("ada")
    assert len(pool.looked_at) == 8
    pool.may_retry = False
    with pytest.raises(PoolUnavailableError):
        paced.get_user("ada")
    assert len(pool.looked_at) == 9


def test_groups_come_from_what_was_read_and_cognito_is_not_asked() -> None:
    pool = ScriptedPool([], clock := StoppedClock(), groups={"ada": frozenset({"staff"})})
    pace = Pace(clock=clock, per_second=8)
    assert PacedPool(pool=pool, pace=pace).groups_of("ada") == {"staff"}
    assert pool.asked_for_groups == ["ada"]
    read = PacedPool(pool=pool, pace=pace, members=lambda: {"vip": {"ada", "bob"}, "staff": set()})
    assert [read.groups_of(name) for name in ("ada", "eve")] == [{"vip"}, frozenset()]
    assert pool.asked_for_groups == ["ada"]
