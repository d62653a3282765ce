"""Socket Mode: the connection through which Slack reaches the bot, held on the asyncio loop."""

import asyncio
import json
import logging
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from aiohttp import ClientSession, ClientTimeout, ClientWebSocketResponse, ClientWSTimeout, WSMsgType
from slack_bolt import App, BoltRequest, BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web import SlackResponse, WebClient

from bot.backoff import pause
from bot.edge.metrics import Metrics
from bot.errors import BotError
from bot.facts.duration import retry_after
from bot.facts.slack_words import TOKEN_ERRORS, word_in
from bot.facts.way import proxy_to, tls, trouble_of

TIMEOUT_SECONDS, HANDSHAKE_SECONDS = 10, 8.0
LONGEST_PAUSE = timedelta(seconds=30)
PING_SECONDS, GOODBYE = 5.0, ClientWSTimeout(ws_close=1.0)
GAP_SECONDS = 10.0  # a renewal may take so long, with all its tries, before /readyz says so
MOST_CONNECTIONS = 10  # that Slack allows an app
_OK = 200
_RENEWAL = frozenset({"warning", "refresh_requested"})  # Slack's reasons for a close that mean no trouble
_APP_TOKEN_ERRORS = TOKEN_ERRORS | {"not_allowed_token_type", "missing_scope", "no_permission"}

Ask = Callable[[], SlackResponse]

log = logging.getLogger(__name__)


class RefusedTokenError(BotError):
    """Slack refuses a token for good."""


async def ask_slack(method: str, call: Ask, wanted: str, refused: frozenset[str], setting: str) -> dict[str, Any]:
    """Call a Web API method, on a thread, until Slack answers with `wanted` in it. Raises `RefusedTokenError`."""
    failures = 0
    while True:
        wait = None
        try:
            # A name server that is silent may hold the thread for longer. What is late there is never sent.
            answer = (await asyncio.wait_for(asyncio.to_thread(call), TIMEOUT_SECONDS)).data
            if isinstance(answer, dict) and answer.get(wanted):
                return answer
            reason = f"an answer without {wanted}"
        except SlackApiError as error:
            reason = word_in(getattr(error.response, "data", None)) or "no answer of Slack's"  # a proxy's, say
            wait = retry_after(getattr(error.response, "headers", None) or {})
            if reason in refused:
                sentence = f"Slack refuses {setting} ({reason}). Give the installed app's token."
                raise RefusedTokenError(sentence) from None
        except Exception as error:  # noqa: BLE001 -- what is wrong with the way to Slack may end by itself
            reason = trouble_of(error)
        failures += 1
        wait = wait or pause(failures, LONGEST_PAUSE)
        log.warning("%s was not answered (%s); trying again in %.0f s", method, reason, wait.total_seconds())
        await asyncio.sleep(wait.total_seconds())


def dispatched(app: App, payload: dict[str, Any], context: dict[str, Any] | None = None) -> BoltResponse:
    """Return Bolt's answer to what Slack sent, with `context` for its listeners; 400 where Bolt itself fails at it."""
    try:
        # The mode in which Bolt takes what was read already. By itself it would lose a command that says "payload".
        return app.dispatch(BoltRequest(mode="socket_mode", body=payload, context=context))
    except Exception as error:  # noqa: BLE001 -- Bolt may fail at anything in it
        # No traceback: it could quote what was sent.
        log.error("What Slack sent cannot be read: %s in Bolt", type(error).__name__)  # noqa: TRY400
        return BoltResponse(status=400)


class SocketMode:
    """One Socket Mode connection. Bolt runs on the event loop itself: an ack does no I/O."""

    routes = ()

    def __init__(self, app: App, ask: Ask, metrics: Metrics, *, sole_instance: bool) -> None:
        self._app = app
        self._ask = ask
        self._metrics = metrics
        self._sole_instance = sole_instance
        self._connections = 0
        self._greeted_at: float | None = None
        self._connected_at: float | None = None
        self._losses = 0  # since a connection lasted
        self._session: ClientSession | None = None
        self._socket: ClientWebSocketResponse | None = None
        self._renewal: asyncio.Task[None] | None = None
        metrics.connected_for(self._connected_for)

    async def connect(self) -> None:
        """Connect, trying again until Slack lets us; then it renews itself. Raises `RefusedTokenError`."""
        self._session = ClientSession(timeout=ClientTimeout(total=HANDSHAKE_SECONDS))
        self._socket = await self._open(self._session, _APP_TOKEN_ERRORS)
        self._renewal = asyncio.create_task(self._renew(self._session, self._socket))
        log.info("Connected to Slack in Socket Mode")

    async def close(self) -> None:
        """Close the connection."""
        if self._renewal:
            self._renewal.cancel()
        try:
            if self._socket:
                await self._socket.close()
        finally:
            if self._session:
                await self._session.close()

    async def _open(self, session: ClientSession, refused: frozenset[str]) -> ClientWebSocketResponse:
        """Connect, trying again until Slack lets us: once more at once, and then after growing pauses."""
        while True:
            if self._losses > 1:
                await asyncio.sleep(pause(self._losses - 1, LONGEST_PAUSE).total_seconds())
            url = (await ask_slack("apps.connections.open", self._ask, "url", refused, "SLACK_APP_TOKEN"))["url"]
            try:  # each address once: its ticket is good for one try
                proxy = proxy_to(url)
                return await session.ws_connect(
                    url,
                    timeout=GOODBYE,
                    heartbeat=PING_SECONDS,
                    proxy=proxy,
                    proxy_headers=proxy.headers if proxy else None,
                    ssl=tls(),
                )
            except Exception as error:  # noqa: BLE001 -- another address may be better
                self._lost("timed_out" if isinstance(error, TimeoutError) else "unreachable", trouble_of(error))

    async def _renew(self, session: ClientSession, socket: ClientWebSocketResponse) -> None:
        """Take what Slack sends, for ever, on one connection after another."""
        while True:
            begun, why = time.monotonic(), None
            async for received in socket:
                if received.type is WSMsgType.TEXT and (why := await self._take(socket, received.data)):
                    break
            await socket.close()
            if time.monotonic() - begun >= LONGEST_PAUSE.total_seconds():
                self._losses = 0
            self._lost(why or "unreachable")
            self._socket = socket = await self._open(session, frozenset())

    def _lost(self, why: str, told: str = "") -> None:
        self._losses += 1
        if why not in _RENEWAL:
            log.warning("The connection in Socket Mode is lost (%.99s); opening another", told or f"{why:.40}")
            self._metrics.slack_failed("socket_mode", why)

    async def _take(self, socket: ClientWebSocketResponse, text: str) -> str | None:
        """Take one message of Slack's; return its word for why it ends the connection, where it does."""
        begun = time.monotonic()
        try:
            message = json.loads(text)
            if message.get("type") == "disconnect":
                return str(message.get("reason"))
            if message.get("type") == "hello":
                self._greeted(int(message.get("num_connections") or 1))
            elif request := SocketModeRequest.from_dict(message):
                answer = dispatched(self._app, request.payload)
                if answer.status == _OK:
                    payload = json.loads(answer.body) if answer.body else None
                    await socket.send_json(SocketModeResponse(request.envelope_id, payload).to_dict())
                    self._metrics.acked(time.monotonic() - begun)
                else:
                    log.error("Bolt answered %d to a %s", answer.status, request.type)
        except Exception as error:  # noqa: BLE001 -- Bolt raises for a payload in no form that it knows
            log.error("What Slack sent in Socket Mode could not be taken (%s)", type(error).__name__)  # noqa: TRY400
        return None

    def unreachable(self) -> str | None:
        """Say where Slack cannot reach the bot. While the connection is renewed, `GAP_SECONDS` do not count."""
        now = time.monotonic()
        if self._is_connected():
            self._connected_at = now
        if self._connected_at is not None and now - self._connected_at < GAP_SECONDS:
            return None
        return "Slack cannot reach the bot: Socket Mode is not connected."

    def ghosts(self) -> str | None:
        """Say where other connections of this app get what Slack sends, or soon will."""
        if self._connections <= (1 if self._sole_instance else MOST_CONNECTIONS - 1):
            return None
        why = "a SQLite store serves one instance" if self._sole_instance else f"it allows {MOST_CONNECTIONS}"
        return f"Slack counted {self._connections} connections of this app when this one began, and {why}."

    def _connected_for(self) -> float:
        return time.monotonic() - self._greeted_at if self._is_connected() and self._greeted_at is not None else 0.0

    def _is_connected(self) -> bool:
        return self._socket is not None and not self._socket.closed

    def _greeted(self, connections: int) -> None:
        """Note Slack's hello, in which it counts the connections of this app."""
        self._connections = connections
        self._metrics.greeted(connections, again=self._greeted_at is not None)
        self._greeted_at = time.monotonic()
        if self._sole_instance and connections > 1:
            log.error("%s Stop the others.", self.ghosts())
        elif connections > 1:
            log.info("Slack counts %d connections of this app", connections)


async def who_are_we(web: WebClient) -> dict[str, Any]:
    """Return auth.test's answer, asking until there is one. Raises `RefusedTokenError`."""
    return await ask_slack("auth.test", web.auth_test, "team_id", TOKEN_ERRORS, "SLACK_BOT_TOKEN")
