"""What readiness and metrics rest on: probes that never hang, and counts that are made once."""

import asyncio
import math
import threading
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from examples import NOON, ScriptedPool, StoppedClock, asked, awaiting, claimed_in, decided_in, worker
from slack_bolt import App
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web import SlackResponse

from bot.action import Answer, Done, Refused, Unclear
from bot.audit import OUTCOMES, Kind, entry_of, entry_of_ask
from bot.edge.http import HttpMode
from bot.edge.lanes import ThreadLane
from bot.edge.metrics import Endings, Metrics, Values
from bot.edge.readiness import DEGRADED, NOT_READY, READY, Outlook, Probe, readiness
from bot.edge.socket_mode import GAP_SECONDS, SocketMode
from bot.errors import AwsSetupError, BusyError, StoreUnavailableError
from bot.request import State
from bot.stores.sqlite.store import SQLiteStore
from bot.wiring.stores import Store

PATIENCE = 20
NO_LOGIN = AwsSetupError("No login.", "Log in.", source="sso", kind="SSOTokenLoadError")


def test_what_hangs_is_asked_once_and_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Probe, "WITHIN", 0.05)
    calls: list[int] = []
    go_on = threading.Event()

    def ask() -> str:
        calls.append(1)
        go_on.wait()
        return "there"

    async def look() -> None:
        probe = Probe(ask)
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await probe.answer()
        go_on.set()
        monkeypatch.setattr(Probe, "WITHIN", PATIENCE)
        assert await probe.answer() == "there"

    asyncio.run(look())
    assert len(calls) == 1


def test_an_answer_is_given_again_while_it_is_fresh_a_failure_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Probe, "WITHIN", PATIENCE)
    calls: list[int] = []

    def ask() -> int:
        calls.append(1)
        if len(calls) == 4:
            raise LookupError
        return len(calls)

    async def look() -> None:
        fresh, stale, failed = Probe(ask, fresh=600), Probe(ask, fresh=0), Probe(ask, fresh=600)
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


def outlook(store: object, **of: Any) -> Outlook:
    """Return how a bot is, of which nothing is known that is not said here."""
    usual: dict[str, Any] = {
        "store": store,
        "clock": StoppedClock(NOON + timedelta(hours=1)),
        "audit_refusing": lambda: None,
        "approvals_refusing": dict,
        "unlisted_groups": list,
        "no_credentials": lambda: None,
        "pool_troubles": dict,
        "last_ended": dict,
    }
    return Outlook(**(usual | of))


def test_a_store_that_is_not_open_yet_is_not_asked() -> None:
    async def look() -> None:
        closed = outlook(NoStore(), unlisted_groups=lambda: ["S0NOSUCH01"])
        assert await closed.unwritable() == "The store is not open yet. The log says what the bot waits for."
        _, wishes = await closed.troubles()
        assert list(filter(None, wishes)) == []
        assert await closed.waiting() is None

    asyncio.run(look())


def test_a_store_that_fails_is_told_without_its_error_which_is_in_the_log_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def look() -> None:
        broken = outlook(NoStore())
        broken.store_is_open = True
        for _ in range(3):
            assert (
                await broken.unwritable()
                == "The store cannot be written, so no one can be signed out. The log says why."
            )
        assert await broken.waiting() is None

    asyncio.run(look())
    assert caplog.messages == ["The store cannot be written: disk full"]


def test_one_missing_need_outweighs_every_wish() -> None:
    assert readiness([None], [None]) == (READY, [])
    assert readiness([None], ["wish", "", "wish"]) == (DEGRADED, ["wish", "wish"])
    assert readiness([None, "need"], ["wish"]) == (NOT_READY, ["need", "wish"])


def test_a_full_lane_is_told_and_each_who_is_turned_away_is_counted() -> None:
    metrics = Metrics()
    lane = ThreadLane("aws", 3, kept=1, turned_away=metrics.turned_away("aws"))
    assert 'signout_lane_turned_away_total{lane="aws"} 0.0' in page(metrics)
    go_on = threading.Event()
    lane.run("R1", go_on.wait)
    assert lane.full() is None
    lane.run("R2", go_on.wait)
    with pytest.raises(BusyError):
        lane.run("R3", go_on.wait)
    assert lane.full() == "The aws lane is full, so new commands are told that the bot is busy."
    go_on.set()
    lane.stop()
    assert 'signout_lane_turned_away_total{lane="aws"} 1.0' in page(metrics)


def app() -> App:
    return App(authorize=lambda: AuthorizeResult(enterprise_id=None, team_id=None))


def ask() -> SlackResponse:
    raise AssertionError


def test_a_gap_of_a_few_seconds_in_socket_mode_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Connection:
        closed = False

    now = [1000.0]
    monkeypatch.setattr("bot.edge.socket_mode.time.monotonic", lambda: now[0])

    async def look() -> None:
        socket = SocketMode(app(), ask, Metrics(), sole_instance=True)
        assert "not connected" in (socket.unreachable() or "")
        socket._socket = connection = Connection()  # type: ignore[assignment]
        assert socket.unreachable() is None
        connection.closed = True
        now[0] += GAP_SECONDS - 0.1
        assert socket.unreachable() is None
        now[0] += 0.1
        assert "not connected" in (socket.unreachable() or "")
        connection.closed = False
        assert socket.unreachable() is None

    asyncio.run(look())


def test_over_http_the_bot_is_ready_once_slack_has_told_who_it_is() -> None:
    async def look() -> None:
        front = HttpMode(app(), "a" * 32)
        assert "auth.test" in (front.unreachable() or "")
        await front.connect()
        assert [front.unreachable(), front.ghosts()] == [None] * 2

    asyncio.run(look())


@pytest.mark.parametrize(
    ("sole", "connections", "told"), [(True, 1, False), (True, 2, True), (False, 9, False), (False, 10, True)]
)
def test_connections_beyond_what_is_expected_are_told(*, sole: bool, connections: int, told: bool) -> None:
    async def look() -> bool:
        socket = SocketMode(app(), ask, Metrics(), sole_instance=sole)
        socket._greeted(connections)
        return socket.ghosts() is not None

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
    for name in ('signout_requests_total{action="sign_out",outcome="signed_out"}', "signout_resumed_total"):
        assert f"{name} 1.0" in first
        assert f"{name} 0.0" in second
    for store in stores:
        store.close()


def page(metrics: Metrics, accept: str = "", values: Values | None = None) -> str:
    return metrics.page(values or {}, accept)[0].decode()


def shown_of(looking: Outlook) -> set[str]:
    """Return the lines of the page, once it was asked how things are."""

    async def look() -> Values:
        looking.store_is_open = True
        await looking.troubles()
        return await looking.gauges()

    return set(page(Metrics(), values=asyncio.run(look())).splitlines())


def test_what_the_alerts_look_at_is_shown() -> None:
    troubles = {"customers": "Cognito cannot be reached.", "staff": None}
    ended = dict.fromkeys(OUTCOMES, 0.0) | {Kind.UNKNOWN: NOON.timestamp()}
    looking = outlook(
        NoStore(),
        no_credentials=lambda: NO_LOGIN,
        pool_troubles=lambda: troubles,
        audit_refusing=lambda: "is_archived",
        last_ended=lambda: ended,
    )
    assert {
        'signout_last_ended_timestamp_seconds{outcome="unknown"} 1.7953488e+09',
        'signout_last_ended_timestamp_seconds{outcome="failed"} 0.0',
        'signout_pool_trouble{pool="customers"} 1.0',
        'signout_pool_trouble{pool="staff"} 0.0',
        "signout_aws_credentials 0.0",
        'signout_aws_credentials_missing{reason="SSOTokenLoadError",source="sso"} 1.0',
        "signout_audit_channel_refusing 1.0",
        "signout_audit_undelivered_entries NaN",
    } <= shown_of(looking)
    later = shown_of(outlook(NoStore()))
    assert 'signout_last_ended_timestamp_seconds{outcome="failed"} NaN' in later, "the store does not say"
    assert {"signout_aws_credentials 1.0", "signout_audit_channel_refusing 0.0"} <= later
    assert not [line for line in later if line.startswith("signout_aws_credentials_missing{")]


def test_a_series_that_is_no_longer_true_leaves_the_page() -> None:
    metrics = Metrics()
    metrics.clock_off(-90.5)
    first = page(metrics, values={"aws_credentials_missing": {("sso", "SSOTokenLoadError"): 1}})
    assert 'signout_aws_credentials_missing{reason="SSOTokenLoadError",source="sso"} 1.0' in first
    assert "signout_clock_off_seconds -90.5" in first
    assert "signout_aws_credentials_missing{" not in page(metrics, values={"aws_credentials_missing": {}})


def test_missing_credentials_are_told_before_the_store_is_open_and_are_asked_for_once_in_a_while() -> None:
    asked: list[int] = []

    def no_credentials() -> AwsSetupError:
        asked.append(1)
        return NO_LOGIN

    async def look() -> list[str | None]:
        looking = outlook(NoStore(), no_credentials=no_credentials)
        return [await looking.credentials() for _ in range(3)]

    told = "The bot has no AWS credentials (SSOTokenLoadError), so no one can be signed out. No login. Log in."
    assert asyncio.run(look()) == [told, told, told]
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("source", "said"), [("settings", "The bot cannot use AWS"), ("sso", "The bot has no AWS cred")]
)
def test_what_is_wrong_with_aws_settings_is_not_told_as_missing_credentials(
    caplog: pytest.LogCaptureFixture, source: str, said: str
) -> None:
    async def look() -> str | None:
        why = AwsSetupError("No.", "", source=source, kind="CaBundle")
        return await outlook(NoStore(), no_credentials=lambda: why).credentials()

    told = asyncio.run(look())
    assert told
    assert told.startswith(said)
    assert told.endswith(" (CaBundle), so no one can be signed out. No.")
    assert caplog.messages[0].startswith(said)


def test_credentials_that_do_not_come_hold_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Probe, "WITHIN", 0.05)
    go_on = threading.Event()

    def late() -> None:
        go_on.wait()

    async def look() -> str | None:
        looking = outlook(NoStore(), no_credentials=late)
        said = await looking.credentials()
        go_on.set()
        return said

    assert asyncio.run(look()) == (
        "The bot has no AWS credentials (they have not come yet), so no one can be signed out."
    )


def test_credentials_that_are_renewed_slowly_are_not_missing_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.edge.readiness.SECONDS_BETWEEN_CHECKS", 0.0)
    asked: list[int] = []
    go_on = threading.Event()

    def slow_the_second_time() -> AwsSetupError | None:
        asked.append(1)
        if len(asked) == 2:
            go_on.wait()
        return None if len(asked) < 3 else NO_LOGIN

    async def look() -> list[str | None]:
        looking = outlook(NoStore(), no_credentials=slow_the_second_time)
        said = [await looking.credentials()]
        with monkeypatch.context() as patch:
            patch.setattr(Probe, "WITHIN", 0.05)
            said.append(await looking.credentials())
        go_on.set()
        while len(asked) < 3:
            last = await looking.credentials()
        return [*said, last]

    assert asyncio.run(look()) == [
        None,
        None,
        "The bot has no AWS credentials (SSOTokenLoadError), so no one can be signed out. No login. Log in.",
    ]


def test_each_pool_whose_last_call_failed_is_told() -> None:
    async def look(troubles: Mapping[str, str | None]) -> list[str]:
        looking = outlook(NoStore(), pool_troubles=lambda: troubles)
        _, wishes = await looking.troubles()
        return list(filter(None, wishes))

    assert asyncio.run(look({"customers": "One.", "staff": None, "partners": "Two."})) == ["One. Two."]
    assert asyncio.run(look({"customers": None})) == []


def ended(store: Store, clock: StoppedClock, answer: Answer) -> None:
    """Run a request that gets this answer again and again."""
    worker(store, ScriptedPool([answer] * 9, clock), clock).run(decided_in(store, clock.now()))


def test_when_requests_last_ended_is_read_from_the_store_also_by_another_instance_and_after_a_restart(
    store: Store,
) -> None:
    clock = StoppedClock(NOON - timedelta(minutes=90))
    ended(store, clock, Refused("AccessDeniedException", "1"))
    clock.time = NOON - timedelta(minutes=30)
    ended(store, clock, Unclear("TimedOut"))
    unknown_at = clock.time
    clock.time = NOON
    first = Endings(store.entries, clock)
    known = dict(first.last())
    assert known["unknown"] == pytest.approx(unknown_at.timestamp(), abs=60)
    assert known["failed"] == 0, "that is more than an hour ago"
    assert known.keys() == set(OUTCOMES)
    ended(store, clock, Done("1"))
    clock.time = NOON + timedelta(minutes=45)
    assert first.last() == {**known, "signed_out": pytest.approx(NOON.timestamp(), abs=60)}
    clock.time = NOON + timedelta(hours=3)
    assert first.last()["signed_out"], "what it read stays"
    assert set(Endings(store.entries, clock).last().values()) == {0.0}


def test_a_clock_that_was_ahead_for_a_moment_hides_nothing_and_invents_nothing(store: Store) -> None:
    clock = StoppedClock(NOON + timedelta(days=700))
    endings = Endings(store.entries, clock)
    ended(store, clock, Unclear("TimedOut"))
    endings.last()
    clock.time = NOON
    ended(store, clock, Refused("AccessDeniedException", "1"))
    clock.time = NOON + timedelta(minutes=1)
    known = Endings(store.entries, clock).last()
    assert known["failed"] == endings.last()["failed"] == pytest.approx(NOON.timestamp(), abs=5)
    assert known["unknown"] == 0


def test_an_entry_that_is_there_some_seconds_after_its_time_is_read_all_the_same(store: Store) -> None:
    clock = StoppedClock()
    endings = Endings(store.entries, clock)
    clock.time = NOON + timedelta(seconds=30)
    endings.last()
    clock.time = NOON
    ended(store, clock, Done("1"))
    clock.time = NOON + timedelta(minutes=1)
    assert endings.last()["signed_out"] == pytest.approx(NOON.timestamp(), abs=5)


def test_what_could_not_be_asked_is_no_number_and_openmetrics_is_spoken_where_it_is_understood() -> None:
    assert "signout_audit_undelivered_entries NaN" in page(
        Metrics(), values={"audit_undelivered_entries": {(): math.nan}}
    )
    assert page(Metrics(), "application/openmetrics-text; version=1.0.0").endswith("# EOF\n")


def test_what_was_asked_for_is_a_label_and_each_action_has_its_own_word_for_done() -> None:
    metrics = Metrics()
    metrics.written(entry_of(awaiting(state=State.DONE, action="keep_out"), NOON))
    metrics.written(entry_of_ask(Kind.REFUSED, asked(action="let_in"), "not allowed", NOON))
    text = page(metrics)
    assert 'signout_requests_total{action="keep_out",outcome="kept_out"} 1.0' in text
    assert 'signout_requests_total{action="let_in",outcome="refused"} 1.0' in text
    assert 'signout_requests_total{action="new_password",outcome="partly"} 0.0' in text, "it is there from the start"
    assert 'action="sign_out",outcome="kept_out"' not in text


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
def test_a_scraper_gets_a_page_for_any_accept_header(accept: str) -> None:
    page, content_type = Metrics().page({}, accept)
    assert b"signout_status" in page
    assert content_type.startswith("text/plain")
