"""Lanes and rounds."""

import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar

import pytest

from bot.edge.lanes import ThreadLane, together
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


def test_work_is_done_in_the_context_that_brought_it_and_leaves_no_trace_in_the_next(lane: ThreadLane) -> None:
    request = ContextVar("request", default="none")
    seen: list[str] = []

    def work() -> None:
        seen.extend([request.get(), *together([request.get] * 3)])
        request.set("left behind")

    for name in ("first", "second"):
        token = request.set(name)
        lane.reserve().run(work)
        request.reset(token)
        assert lane.join(PATIENCE)
    lane.reserve().run(work)
    assert lane.join(PATIENCE)
    assert seen == ["first"] * 4 + ["second"] * 4 + ["none"] * 4


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
