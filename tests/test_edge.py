"""Lanes, rounds and logs."""

import logging
import threading
import time
from collections.abc import Iterator

import pytest

from bot.edge.lanes import ThreadLane
from bot.edge.logs import RedactingFormatter
from bot.edge.rounds import Rounds
from bot.errors import BusyError

PATIENCE = 5


@pytest.fixture
def lane() -> Iterator[ThreadLane]:
    lane = ThreadLane("test", 4, kept=1)
    lane.start()
    yield lane
    lane.stop()


def test_a_full_lane_refuses_at_once_and_takes_work_again_when_a_place_is_free(lane: ThreadLane) -> None:
    go_on = threading.Event()
    for _ in range(3):
        lane.reserve().run(go_on.wait)
    with pytest.raises(BusyError):
        lane.reserve()
    go_on.set()
    assert lane.join(PATIENCE)
    lane.reserve().release()


def test_the_last_places_are_kept_for_what_is_urgent(lane: ThreadLane) -> None:
    seats = [lane.reserve() for _ in range(3)]
    seats.append(lane.reserve(urgent=True))
    with pytest.raises(BusyError):
        lane.reserve(urgent=True)
    for seat in seats:
        seat.release()
    assert lane.join(0)


def test_work_that_raises_gives_its_place_back_and_is_logged_with_its_traceback(
    lane: ThreadLane, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise LookupError("in vain")

    lane.reserve().run(fail)
    assert lane.join(PATIENCE)
    assert "LookupError: in vain" in caplog.text
    lane.reserve().release()


def test_joining_a_lane_gives_up_in_time(lane: ThreadLane) -> None:
    go_on = threading.Event()
    lane.reserve().run(go_on.wait)
    assert not lane.join(0.05)
    go_on.set()
    assert lane.join(PATIENCE)


def test_rounds_can_be_hurried_and_end_with_a_last_one() -> None:
    began: list[float] = []
    come = threading.Semaphore(0)

    def work() -> float:
        began.append(time.monotonic())
        come.release()
        return 60

    rounds = Rounds("test", work)
    rounds.start()
    assert come.acquire(timeout=PATIENCE)
    rounds.hurry()
    assert come.acquire(timeout=PATIENCE)
    rounds.stop(PATIENCE)
    assert len(began) == 3


def test_a_round_that_fails_is_followed_by_another(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Rounds, "AFTER_A_FAILURE", 0.01)
    tries = iter([OSError("disk full"), None])
    done = threading.Event()

    def work() -> float:
        if error := next(tries, None):
            raise error
        done.set()
        return 60

    rounds = Rounds("delivery", work)
    rounds.start()
    assert done.wait(PATIENCE)
    rounds.stop(PATIENCE)
    assert "A round of delivery failed" in caplog.text


@pytest.mark.parametrize(
    "secret",
    [
        "xoxb-1-2-abc",
        "xapp-1-A0-2-abc",
        "https://hooks.slack.com/commands/T0/1/abcSECRET",
        "https://hooks.slack.com/actions/T0/1/abcSECRET",
        "http://127.0.0.1:3001/actions/T0/1/abcSECRET",
        "wss://wss-primary.slack.com/link/?ticket=abcSECRET&app_id=1",
        "hunter2",
    ],
)
@pytest.mark.parametrize("frame", ["{}", "url={!r}", '{{"u": "{}"}}', "to {}, body"])
def test_whatever_has_a_secrets_form_is_hidden_wherever_it_stands(secret: str, frame: str) -> None:
    text = frame.format(secret)
    formatter = RedactingFormatter(["hunter2"])
    error = ValueError(text)
    record = logging.LogRecord("x", logging.ERROR, __file__, 1, "%s", (text,), (ValueError, error, None))
    line = formatter.format(record)
    assert line.count("[hidden]") == 2, "in the message and in the traceback"
    for part in ("SECRET", "abc", "hunter2"):
        assert part not in line
