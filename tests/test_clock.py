"""The clock is compared with what answers tell: whose `Date` lies outside the time between sending and receiving."""

import logging
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime

import pytest
from examples import NOON

from bot.errors import ClockChangedError, ClockWrongError
from bot.facts.clock import CheckedClock

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


@dataclass
class SetClock:
    """A machine's clock that can be set, and the true time beside it."""

    true: datetime = NOON
    ahead: timedelta = field(default_factory=timedelta)
    slept: float = 0.0

    def now(self) -> datetime:
        return self.true + self.ahead

    def monotonic(self) -> float:
        return (self.true - NOON).total_seconds() - self.slept

    def sleep(self, seconds: float) -> None:
        self.true += timedelta(seconds=seconds)


@pytest.fixture
def machine() -> SetClock:
    return SetClock()


@pytest.fixture
def clock(machine: SetClock) -> CheckedClock:
    return CheckedClock(machine)


def ask(clock: CheckedClock, machine: SetClock, times: int = 1, date: str | None = None, takes: float = 0.0) -> None:
    """Get answers; each tells the time at which it was written, in the middle of the way."""
    for _ in range(times):
        sent = clock.read()
        machine.sleep(takes / 2)
        told = date or format_datetime(machine.true, usegmt=True)
        machine.sleep(takes / 2)
        clock.answered(sent, {"Content-Type": "text/plain", "date": told})


def test_before_the_first_answer_nothing_is_known(clock: CheckedClock) -> None:
    assert (clock.is_confirmed(), clock.is_doubtful(), clock.error()) == (False, False, None)
    assert clock.beyond(DAY) is None


def test_an_answer_that_agrees_confirms_the_clock(clock: CheckedClock, machine: SetClock) -> None:
    ask(clock, machine)
    assert (clock.is_confirmed(), clock.is_doubtful(), clock.error()) == (True, False, None)
    assert clock.beyond(DAY) == NOON + DAY


# A `Date` leaves out what is less than a second, so that a clock may seem to be ahead by almost one more.
@pytest.mark.parametrize(
    ("ahead", "agrees"),
    [(0, True), (9, True), (11, True), (11.1, False), (-9, True), (-10, True), (-10.1, False)],
)
def test_ten_seconds_and_the_rest_of_a_second_are_let_pass(
    clock: CheckedClock,
    machine: SetClock,
    ahead: float,
    agrees: bool,  # noqa: FBT001 -- an example
) -> None:
    machine.ahead = timedelta(seconds=ahead)
    ask(clock, machine)
    assert clock.is_confirmed() is agrees


def test_an_answer_that_took_long_agrees_wherever_its_date_lies_in_between(
    clock: CheckedClock, machine: SetClock
) -> None:
    machine.ahead = timedelta(seconds=25)
    ask(clock, machine, takes=40)
    assert clock.is_confirmed()


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        (timedelta(minutes=9), "by about 9 minutes"),
        (-timedelta(minutes=9), "by about 9 minutes"),
        (timedelta(seconds=30), "by about 29 seconds"),
        (2 * 365 * DAY, "by about 730 days"),
        (-timedelta(hours=5), "by about 5 hours"),
    ],
)
def test_three_answers_in_a_row_say_that_the_clock_is_wrong_and_by_how_much(
    machine: SetClock, ahead: timedelta, words: str
) -> None:
    told: list[float] = []
    clock = CheckedClock(machine, told.append)
    machine.ahead = ahead
    ask(clock, machine, 2)
    assert (clock.error(), clock.is_doubtful(), clock.is_confirmed(), told) == (None, True, False, [])
    ask(clock, machine)
    error = clock.error()
    assert isinstance(error, ClockWrongError)
    assert words in str(error)
    assert not clock.is_confirmed()
    assert clock.beyond(DAY) is None
    assert told == [pytest.approx(ahead.total_seconds(), abs=1)]
    assert ("ahead of" if ahead > 0 * SECOND else "behind") in error.compared


def test_one_answer_in_between_that_agrees_begins_the_count_again(clock: CheckedClock, machine: SetClock) -> None:
    for _ in range(3):
        ask(clock, machine, 2, date="Sun, 22 Nov 2026 11:00:00 GMT")
        assert clock.is_doubtful()
        ask(clock, machine)
    assert clock.is_confirmed()


def test_one_answer_that_agrees_makes_the_clock_right_again(
    machine: SetClock, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[float] = []
    clock = CheckedClock(machine, told.append)
    machine.ahead = DAY
    with caplog.at_level(logging.INFO, "bot.facts.clock"):
        ask(clock, machine, 20)
        machine.ahead = timedelta(0)
        assert clock.error(), "it is not known yet"
        ask(clock, machine)
    assert clock.is_confirmed()
    assert told == [86399.0, 0.0]
    assert [record.getMessage() for record in caplog.records] == [
        "The clock is 24 hours ahead of the time that Slack and AWS tell, so the bot does nothing.",
        "The clock is right again",
    ]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Date": ""},
        {"Date": "yesterday"},
        {"Date": None},
        {"Date": "Sun, 99 Nov 2026 11:00:00 GMT"},
        {"Date": "Sun, 22 Nov 99999999 11:00:00 GMT"},
        {"X-Date": "Sun, 22 Nov 2020 11:00:00 GMT"},
    ],
)
def test_an_answer_without_a_readable_date_says_nothing(
    clock: CheckedClock, machine: SetClock, headers: dict[str, object]
) -> None:
    for _ in range(5):
        clock.answered(clock.read(), headers)
    assert (clock.is_confirmed(), clock.is_doubtful()) == (False, False)
    ask(clock, machine)
    for _ in range(5):
        clock.answered(clock.read(), headers)
    assert clock.is_confirmed()


@pytest.mark.parametrize("by", [DAY, -DAY])
def test_a_clock_that_was_set_is_not_trusted_until_an_answer_agrees(
    clock: CheckedClock, machine: SetClock, by: timedelta
) -> None:
    ask(clock, machine)
    machine.sleep(500_000)
    assert clock.is_confirmed(), "that time passes is not a reason"
    machine.ahead = by
    assert isinstance(clock.error(), ClockChangedError)
    assert clock.is_doubtful()
    assert not clock.is_confirmed()
    ask(clock, machine, 3)
    assert isinstance(clock.error(), ClockWrongError)


def test_after_the_machine_slept_an_answer_is_needed(clock: CheckedClock, machine: SetClock) -> None:
    ask(clock, machine)
    machine.slept = 3600.0
    assert isinstance(clock.error(), ClockChangedError)
    ask(clock, machine)
    assert clock.is_confirmed()


def test_an_answer_on_whose_way_the_clock_was_set_says_nothing(clock: CheckedClock, machine: SetClock) -> None:
    ask(clock, machine)
    sent, date = clock.read(), {"Date": format_datetime(NOON, usegmt=True)}
    machine.ahead = DAY
    clock.answered(sent, date)
    assert not clock.is_confirmed(), "the time on the way seems to be a day, in which the answer's lies"


def test_many_threads_may_tell_it_of_answers(machine: SetClock) -> None:
    told: list[float] = []
    clock = CheckedClock(machine, told.append)
    machine.ahead = DAY
    threads = [threading.Thread(target=ask, args=(clock, machine, 50)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == [86399.0]
