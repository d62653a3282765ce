"""Lanes and rounds."""

import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext
from contextvars import ContextVar
from functools import partial

import pytest
from structlog.contextvars import get_contextvars

from bot.edge.lanes import CallersThread, ThreadLane, together
from bot.edge.rounds import Rounds
from bot.errors import BusyError

PATIENCE = 5


@pytest.fixture
def lane() -> Iterator[ThreadLane]:
    lane = ThreadLane("test", 4, kept=1)
    yield lane
    lane.stop()


@pytest.fixture
def go_on(lane: ThreadLane) -> Iterator[threading.Event]:
    """What held work waits for."""
    event = threading.Event()
    yield event
    event.set()
    assert lane.join(PATIENCE)


def nothing() -> None:
    pass


def test_a_full_lane_refuses_at_once_and_takes_work_again_when_a_place_is_free(
    lane: ThreadLane, go_on: threading.Event
) -> None:
    for _ in range(3):
        lane.run("R1", go_on.wait)
    with pytest.raises(BusyError):
        lane.run("R1", go_on.wait)
    go_on.set()
    assert lane.join(PATIENCE)
    lane.run("R1", nothing)


def test_the_last_places_are_kept_for_what_is_urgent(lane: ThreadLane, go_on: threading.Event) -> None:
    for _ in range(3):
        lane.run("R1", go_on.wait)
    lane.run("R1", go_on.wait, urgent=True)
    with pytest.raises(BusyError):
        lane.run("R1", go_on.wait, urgent=True)
    go_on.set()
    assert lane.join(PATIENCE)


def test_what_is_urgent_waits_where_the_lane_lets_it_and_nothing_else_does() -> None:
    lane, go_on, done = ThreadLane("presses", 1, waiting=2), threading.Event(), list[str]()
    lane.run("R1", go_on.wait)
    with pytest.raises(BusyError):
        lane.run("R2", nothing)
    for name in ("first", "second"):
        lane.run("R3", lambda name=name: done.append(name), urgent=True)  # type: ignore[misc]
    with pytest.raises(BusyError):
        lane.run("R4", nothing, urgent=True)
    assert (lane.places, lane.taken, done) == (3, 3, [])
    assert lane.full()
    go_on.set()
    assert lane.join(PATIENCE)
    assert (lane.taken, done) == (0, ["first", "second"])
    assert lane.full() is None
    lane.stop()


def test_work_that_raises_gives_its_place_back_and_is_logged_with_its_traceback(
    lane: ThreadLane, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise LookupError("in vain")

    lane.run("R1", fail)
    assert lane.join(PATIENCE)
    assert "LookupError: in vain" in caplog.text
    for _ in range(3):
        lane.run("R1", nothing)


def test_work_is_done_in_the_context_that_brought_it_and_leaves_no_trace_in_the_next(lane: ThreadLane) -> None:
    request = ContextVar("request", default="none")
    seen: list[str] = []

    def work() -> None:
        seen.extend([request.get(), *together([request.get] * 3)])
        request.set("left behind")

    for name in ("first", "second"):
        token = request.set(name)
        lane.run("R1", work)
        request.reset(token)
        assert lane.join(PATIENCE)
    lane.run("R1", work)
    assert lane.join(PATIENCE)
    assert seen == ["first"] * 4 + ["second"] * 4 + ["none"] * 4


def test_a_line_logged_on_a_lane_carries_the_requests_id(lane: ThreadLane) -> None:
    seen: list[object] = []

    def look() -> None:
        seen.append(get_contextvars().get("request_id"))

    lane.run("R1", look)
    assert lane.join(PATIENCE)
    CallersThread().run("R2", look)
    look()
    assert seen == ["R1", "R2", None]


@pytest.mark.parametrize("begun", [0, 2])
def test_a_lane_that_gets_no_thread_for_a_while_loses_no_work_and_no_place(
    begun: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane, go_on, done = ThreadLane("presses", 4, waiting=8), threading.Event(), list[int]()

    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    for _ in range(begun):
        lane.run("x", go_on.wait, urgent=True)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", no_thread)
        for number in range(3):
            with nullcontext() if begun else pytest.raises(BusyError):
                lane.run("x", partial(done.append, number), urgent=True)
    assert lane.taken == (begun + 3 if begun else 0)
    for number in range(3, 6):
        lane.run("x", partial(done.append, number), urgent=True)
    go_on.set()
    assert lane.join(10)
    assert sorted(done) == list(range(0 if begun else 3, 6))
    lane.stop()


def test_joining_a_lane_gives_up_in_time(lane: ThreadLane, go_on: threading.Event) -> None:
    lane.run("R1", go_on.wait)
    assert not lane.join(0.05)
    go_on.set()
    assert lane.join(PATIENCE)


def test_rounds_can_be_hurried_after_what_hurries_them_has_gone_on_and_end_with_a_last_one() -> None:
    began: list[float] = []
    come = threading.Semaphore(0)

    def work() -> None:
        began.append(time.monotonic())
        come.release()

    hurry = threading.Event()
    rounds = Rounds("test", work, every=60, hurry=hurry)
    rounds.start()
    assert come.acquire(timeout=PATIENCE)
    hurried = time.monotonic()
    hurry.set()
    assert come.acquire(timeout=PATIENCE)
    rounds.stop(PATIENCE)
    assert began[1] - hurried >= Rounds.AFTER_A_HURRY
    assert len(began) == 3


def test_a_round_that_fails_is_followed_by_another(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Rounds, "AFTER_A_FAILURE", 0.01)
    tries = iter([OSError("disk full"), None])
    done = threading.Event()

    def work() -> None:
        if error := next(tries, None):
            raise error
        done.set()

    rounds = Rounds("delivery", work, every=60)
    rounds.start()
    assert done.wait(PATIENCE)
    rounds.stop(PATIENCE)
    assert "A round of delivery failed" in caplog.text
