"""Socket Mode where Slack, or the way to it, misbehaves: over real sockets, by the calls that the bot makes of it."""

import asyncio
import logging
import time
from datetime import timedelta
from itertools import pairwise
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from aiohttp import web
from far_end import far_end, silent
from headless import SAM, Headless
from test_observe import Watcher, some
from whole_bot import card_for

from bot.edge.lanes import UnwaitedThreads
from bot.edge.metrics import Metrics
from bot.edge.socket_mode import GAP_SECONDS, HANDSHAKE_SECONDS, SocketMode, ask_slack
from bot.sandbox import cast
from bot.sandbox.socket_mode import disconnect, hello
from bot.sandbox.wire import Exchange, Fault, answer, hang

OPEN = "apps.connections.open"
CROWDED = [disconnect("too_many_websockets")]
DISABLED = [hello(1), disconnect("link_disabled")]
UNHEARD_OF = [hello(1), disconnect("something_new"), disconnect("something_new")]


def says(*messages: dict[str, Any]) -> Fault:
    """Take the connection, say this, and close it."""

    async def fault(exchange: Exchange) -> web.Response:
        socket = web.WebSocketResponse()
        await socket.prepare(exchange._request)
        for message in messages:
            await socket.send_json(message)
        await socket.close()
        return socket  # type: ignore[return-value]  # as the weather carries it

    return fault


@pytest.mark.parametrize("but_for", ["", "127.0.0.1"])
def test_it_connects_past_a_proxy_named_without_a_scheme_but_directly_to_what_no_proxy_names(
    monkeypatch: pytest.MonkeyPatch, but_for: str
) -> None:
    async def connect() -> None:
        opened: Any = SimpleNamespace(data={"url": f"ws://127.0.0.1:{slack.port}/link"})
        app: Any = None
        socket = SocketMode(app, lambda: opened, Metrics(), sole_instance=True)
        connecting = asyncio.create_task(socket.connect())
        async with asyncio.timeout(5):
            while not proxy.connections + slack.connections:  # noqa: ASYNC110 -- they are told of on other threads
                await asyncio.sleep(0.01)
        connecting.cancel()
        await socket.close()

    with far_end(silent) as proxy, far_end(silent) as slack:
        monkeypatch.setenv("HTTP_PROXY", f"127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", but_for)
        asyncio.run(connect())
        assert (proxy.connections, slack.connections) == ((0, 1) if but_for else (1, 0))


@pytest.fixture
def watcher(headless: Headless, caplog: pytest.LogCaptureFixture) -> Watcher:
    caplog.set_level(logging.INFO)
    return Watcher(headless, lambda: caplog.text)


@pytest.mark.parametrize("messages", [CROWDED, DISABLED, UNHEARD_OF, []], ids=["crowded", "disabled", "new", "closed"])
def test_a_connection_that_slack_closes_at_once_is_opened_again_after_growing_pauses(
    headless: Headless, watcher: Watcher, messages: list[dict[str, Any]]
) -> None:
    with headless.bot_in_process():
        before = len(watcher.log())
        headless.do(lambda: headless.stage.weather.slack.always("link", says(*messages)))
        begun = time.time()
        headless.run(headless.stage.workspace.sockets.close())
        time.sleep(5)
        asked = [call.at for call in headless.slack_calls(OPEN) if call.at > begun]
        said = watcher.log()[before:]
        headless.do(lambda: headless.stage.weather.slack.always("link", None))
        headless.wait_for(lambda: headless.connections() == 1, timeout=60)
        card_for(headless, SAM)
        numbers = some(watcher.numbers(), "signout_slack_errors_total")
    pauses = [later - before for before, later in pairwise(asked)]
    assert [int(seconds + 0.01) for seconds in pauses] == [1, 2]
    assert len(said) < 2_000
    reason = messages[-1]["reason"] if messages else "unreachable"
    kind = reason if reason != "something_new" else "other"
    lost = numbers.pop("unreachable/socket_mode", 0)
    assert (numbers or {"unreachable/socket_mode": lost}) == {f"{kind}/socket_mode": pytest.approx(3, abs=1)}


def test_a_connection_that_lasted_is_renewed_without_a_pause_and_without_a_word(
    headless: Headless, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    pause = Mock(return_value=timedelta(0))
    monkeypatch.setattr("bot.edge.socket_mode.pause", pause)
    monkeypatch.setattr("bot.edge.socket_mode.LONGEST_PAUSE", timedelta(seconds=0.2))
    with headless.bot_in_process():
        for _ in range(4):
            time.sleep(1)
            count = len(headless.slack_calls(OPEN))
            headless.run(headless.stage.workspace.sockets.refresh())
            headless.wait_for(lambda count=count: len(headless.slack_calls(OPEN)) > count)  # type: ignore[misc]
            headless.wait_for(lambda: headless.connections() == 1)
        assert some(watcher.numbers(), "signout_slack_errors_total") == {}
    assert pause.mock_calls == []
    assert "is lost" not in watcher.log()


def test_a_handshake_that_is_never_answered_is_given_up_in_seconds_and_another_address_is_tried(
    headless: Headless, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert HANDSHAKE_SECONDS < GAP_SECONDS, "one such handshake makes no bot unready"
    monkeypatch.setattr("bot.edge.socket_mode.HANDSHAKE_SECONDS", 2)
    headless.before_slack("link", hang())
    with headless.bot_in_process():
        headless.before_slack("link", hang())
        headless.run(headless.stage.workspace.sockets.close())
        headless.wait_for(lambda: headless.connections() == 1)
        card_for(headless, SAM)
        numbers = some(watcher.numbers(), "signout_slack_errors_total")
    assert numbers["timed_out/socket_mode"] == 2
    assert "ticket" not in watcher.log()


def test_a_name_server_that_is_silent_for_long_holds_up_one_call_for_some_seconds_and_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.edge.socket_mode.TIMEOUT_SECONDS", 0.2)
    answers: list[Any] = [SimpleNamespace(data={"team_id": "T1"}), None]

    def ask() -> Any:
        if (found := answers.pop()) is None:
            time.sleep(30)
        return found

    async def asked() -> float:
        begun = time.monotonic()
        asyncio.get_running_loop().set_default_executor(UnwaitedThreads())
        assert await ask_slack("auth.test", ask, "team_id", frozenset(), "SLACK_BOT_TOKEN") == {"team_id": "T1"}
        return time.monotonic() - begun

    assert asyncio.run(asked()) < 15


def test_a_slack_that_wants_a_connection_closed_and_then_is_silent_is_not_waited_for(headless: Headless) -> None:
    async def silent(exchange: Exchange) -> web.Response:
        socket = web.WebSocketResponse()
        await socket.prepare(exchange._request)
        await socket.send_json(disconnect("refresh_requested"))
        await exchange.wait()
        return socket  # type: ignore[return-value]  # as the weather carries it

    headless.before_slack("link", silent)
    begun = time.monotonic()
    with headless.bot_in_process():
        assert time.monotonic() - begun < 4


def test_a_socket_mode_address_that_does_not_work_is_not_tried_again(headless: Headless) -> None:
    headless.before_slack("link", *[answer(403, "invalid ticket", "text/plain")] * 3)
    with headless.bot_in_process():
        card_for(headless, SAM)
    tickets = [call.parameters["ticket"] for call in headless.slack_calls("link")]
    assert len(tickets) == len(set(tickets)) == 4


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({"type": "shortcut", "callback_id": "not_ours"}, "Bolt answered 404 to a interactive"),
        ({"type": "block_actions", "actions": []}, "cannot be read: IndexError in Bolt"),
        ({"type": "block_actions", "actions": [{}]}, "Bolt answered 400 to a interactive"),
        ({"type": "block_actions", "actions": None}, "cannot be read: TypeError in Bolt"),
    ],
)
def test_an_envelope_that_bolt_refused_is_not_acked_and_leaves_no_traceback(
    headless: Headless, watcher: Watcher, payload: dict[str, Any], said: str
) -> None:
    whole = payload | {"user": {"id": SAM, "team_id": cast.TEAM_ID}, "team": {"id": cast.TEAM_ID}}
    with headless.bot_in_process():
        refused = headless.run(headless.stage.workspace.sockets.deliver("interactive", whole, accepts_response=False))
        card_for(headless, SAM)
        acked = some(watcher.numbers(), "signout_ack_seconds_count")
    assert refused.error == "operation_timeout"
    assert acked == {"": 1}
    assert said in watcher.log()
    assert "Traceback" not in watcher.log()


@pytest.mark.parametrize("text", ["no JSON", "[]", "null", '{"type": "hello", "num_connections": "many"}'])
def test_what_is_no_message_of_slacks_ends_no_connection(headless: Headless, watcher: Watcher, text: str) -> None:
    with headless.bot_in_process():
        (connection,) = headless.stage.workspace.sockets.connections
        headless.run(connection.socket.send_bytes(text.encode()))
        headless.run(connection.socket.send_str(text))
        card_for(headless, SAM)
        assert headless.stage.workspace.sockets.connections == [connection]
    assert text not in watcher.log()
