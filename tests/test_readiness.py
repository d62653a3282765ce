"""What readiness and metrics rest on: probes that never hang, and counts that are made once."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from examples import NOON, ScriptedPool, StoppedClock, claimed_in, worker
from slack_bolt import App
from slack_bolt.authorization import AuthorizeResult

from bot.action import Done
from bot.edge.http import HttpMode
from bot.edge.lanes import ThreadLane
from bot.edge.metrics import Metrics, Scrape
from bot.edge.readiness import DEGRADED, NOT_READY, READY, Look, Outlook, Probe, readiness, room_in
from bot.edge.socket_mode import GAP_SECONDS, SocketMode
from bot.errors import BusyError, StoreUnavailableError
from bot.stores.sqlite.store import SQLiteStore

PATIENCE = 20


@pytest.fixture
def lane() -> Iterator[ThreadLane]:
    lane = ThreadLane("health", 4)  # as many as a test calls: an answer is there a moment before its thread is free
    yield lane
    lane.stop()


def test_what_hangs_is_asked_once_and_holds_up_nobody(lane: ThreadLane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Probe, "WITHIN", 0.05)
    calls: list[int] = []
    go_on = threading.Event()

    def ask() -> str:
        calls.append(1)
        go_on.wait()
        return "there"

    async def look() -> None:
        probe = Probe(lane, ask)
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await probe.answer()
        go_on.set()
        await asyncio.to_thread(lane.join, PATIENCE)
        assert await probe.answer() == "there"

    asyncio.run(look())
    assert len(calls) == 1


def test_an_answer_is_given_again_while_it_is_fresh_a_failure_too(
    lane: ThreadLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Probe, "WITHIN", PATIENCE)
    calls: list[int] = []

    def ask() -> int:
        calls.append(1)
        if len(calls) == 4:
            raise LookupError
        return len(calls)

    async def look() -> None:
        fresh, stale, failed = Probe(lane, ask, fresh=600), Probe(lane, ask, fresh=0), Probe(lane, ask, fresh=600)
        assert [await fresh.answer(), await fresh.answer()] == [1, 1]
        assert [await stale.answer(), await stale.answer()] == [2, 3]
        for _ in range(2):
            with pytest.raises(LookupError):
                await failed.answer()

    asyncio.run(look())


class NoStore:
    """A store that is out of order."""

    def check_writable(self) -> None:
        """Fail."""
        raise StoreUnavailableError("disk full")

    def backlog(self) -> None:
        """Fail."""
        raise StoreUnavailableError("disk full")


def outlook(store: object, unlisted: Callable[[], list[str]] = list) -> Outlook:
    return Outlook(
        store,  # type: ignore[arg-type]
        StoppedClock(NOON + timedelta(hours=1)),
        audit_refusing=lambda: None,
        unlisted_groups=unlisted,
    )


def test_a_store_that_is_not_open_yet_is_not_asked() -> None:
    async def look() -> None:
        closed = outlook(NoStore(), unlisted=lambda: ["S0NOSUCH01"])
        assert await closed.store() == "The store is not open yet. The log says what the bot waits for."
        assert [await closed.backlog(), await closed.delivery(), await closed.groups()] == [None, None, None]

    asyncio.run(look())


def test_a_store_that_fails_is_told_without_its_error_which_is_in_the_log_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def look() -> None:
        broken = outlook(NoStore())
        broken.start()
        for _ in range(3):
            assert await broken.store() == "The store cannot be written, so no one can be signed out. The log says why."
        assert await broken.backlog() is None
        broken.stop()

    asyncio.run(look())
    assert caplog.messages == ["The store cannot be written: disk full"]


def test_one_missing_need_outweighs_every_wish() -> None:
    async def none() -> None:
        return None

    async def need() -> str:
        return "need"

    async def wish() -> str:
        return "wish"

    async def look() -> list[tuple[str, list[str]]]:
        cases = ([none], [none]), ([none], [wish, wish]), ([none, need], [wish])
        found = [await readiness(needs, wishes) for needs, wishes in cases]
        return [(each.status, list(each.reasons)) for each in found]

    assert asyncio.run(look()) == [(READY, []), (DEGRADED, ["wish", "wish"]), (NOT_READY, ["need", "wish"])]


def told(look: Look) -> str | None:
    async def ask() -> str | None:
        return await look()

    return asyncio.run(ask())


def test_a_full_lane_is_told_and_each_who_is_turned_away_is_counted() -> None:
    metrics = Metrics()
    lane = ThreadLane("aws", 3, kept=1, turned_away=metrics.turned_away)
    look = room_in(lane)
    go_on = threading.Event()
    lane.run("R1", go_on.wait)
    assert told(look) is None
    lane.run("R2", go_on.wait)
    with pytest.raises(BusyError):
        lane.run("R3", go_on.wait)
    assert told(look) == "The aws lane is full, so new commands are told that the bot is busy."
    go_on.set()
    lane.stop()
    assert 'signout_lane_turned_away_total{lane="aws"} 1.0' in page(metrics)


def app() -> App:
    return App(authorize=lambda: AuthorizeResult(enterprise_id=None, team_id=None))


def test_a_gap_of_a_few_seconds_in_socket_mode_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Client:
        connected = True

        async def is_connected(self) -> bool:
            return self.connected

    now = [1000.0]
    monkeypatch.setattr("bot.edge.socket_mode.time.monotonic", lambda: now[0])

    async def look() -> None:
        socket = SocketMode(app(), "", "", Metrics(), sole_instance=True)
        assert "not connected" in (await socket.unreachable() or "")
        socket._client = client = Client()  # type: ignore[assignment]
        assert await socket.unreachable() is None
        client.connected = False
        now[0] += GAP_SECONDS - 0.1
        assert await socket.unreachable() is None
        now[0] += 0.1
        assert "not connected" in (await socket.unreachable() or "")
        client.connected = True
        assert await socket.unreachable() is None

    asyncio.run(look())


def test_over_http_the_bot_is_ready_once_slack_has_told_who_it_is() -> None:
    async def look() -> None:
        front = HttpMode(app(), "a" * 32)
        assert "auth.test" in (await front.unreachable() or "")
        await front.connect()
        assert [await front.unreachable(), await front.ghosts(), await front.connected_for()] == [None] * 3

    asyncio.run(look())


@pytest.mark.parametrize(
    ("sole", "connections", "told"), [(True, 1, False), (True, 2, True), (False, 9, False), (False, 10, True)]
)
def test_connections_beyond_what_is_expected_are_told(*, sole: bool, connections: int, told: bool) -> None:
    async def look() -> bool:
        socket = SocketMode(app(), "", "", Metrics(), sole_instance=sole)
        await socket._on_message(None, {"type": "hello", "num_connections": connections})  # type: ignore[arg-type]
        await socket._on_message(None, {"type": "disconnect"})  # type: ignore[arg-type]
        return await socket.ghosts() is not None

    assert asyncio.run(look()) == told


def test_what_was_taken_over_is_counted_by_the_instance_that_ends_it_and_by_no_other(tmp_path: Path) -> None:
    clock = StoppedClock()
    metrics = Metrics(), Metrics()
    stores = [SQLiteStore(tmp_path / "signout.db", each.written) for each in metrics]
    for store in stores:
        store.open()
    dead = claimed_in(stores[1])
    clock.time = NOON + timedelta(minutes=1)
    for store in stores:
        worker(store, ScriptedPool([Done("1")], clock), clock).run(dead)
    first, second = map(page, metrics)
    for name in ('signout_requests_total{outcome="signed_out"}', "signout_resumed_total"):
        assert f"{name} 1.0" in first
        assert f"{name} 0.0" in second
    for store in stores:
        store.close()


def page(metrics: Metrics, accept: str = "") -> str:
    scrape = Scrape(status="ready", lanes={}, connected_for=None, undelivered=None, oldest_undelivered=None)
    return metrics.page(scrape, accept)[0].decode()


def test_what_could_not_be_asked_is_no_number_and_openmetrics_is_spoken_where_it_is_understood() -> None:
    assert "signout_audit_undelivered_entries NaN" in page(Metrics())
    assert page(Metrics(), "application/openmetrics-text; version=1.0.0").endswith("# EOF\n")


def test_labels_stay_few_whatever_comes() -> None:
    metrics = Metrics()
    for number in range(1000):
        metrics.cognito_failed("ListUsers", f"Code{number}")
        metrics.slack_failed("chat.postMessage", f"ada@example.com {number}")
    text = page(metrics)
    assert 'signout_cognito_errors_total{kind="other",operation="ListUsers"} 1000.0' in text
    assert 'signout_slack_errors_total{kind="other",method="chat.postMessage"} 1000.0' in text
    assert "ada" not in text


@pytest.mark.parametrize(
    "accept", ["application/openmetrics-text;version=a", "application/openmetrics-text;=;version==1"]
)
def test_whatever_a_scraper_accepts_it_gets_a_page(accept: str) -> None:
    scrape = Scrape(status=READY, lanes={}, connected_for=None, undelivered=0, oldest_undelivered=0.0)
    page, content_type = Metrics().page(scrape, accept)
    assert b"signout_status" in page
    assert content_type.startswith("text/plain")
