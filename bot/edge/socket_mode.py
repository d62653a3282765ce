"""Socket Mode: the connection through which Slack reaches the bot, held on the asyncio loop."""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Protocol

from slack_bolt import App
from slack_bolt.adapter.socket_mode.internals import run_bolt_app
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.backoff import pause
from bot.clock import CheckedClock
from bot.errors import BotError
from bot.facts.duration import retry_after
from bot.facts.slack_words import TOKEN_ERRORS

TIMEOUT_SECONDS = 10
LONGEST_PAUSE = timedelta(seconds=30)
WATCH_SECONDS = 5.0
GAP_SECONDS = 10.0  # so long may a renewal take, tries included, before /readyz says so
MOST_CONNECTIONS = 10  # that Slack allows an app
_OK, _TOO_MANY = 200, 429
_APP_TOKEN_ERRORS = TOKEN_ERRORS | {"not_allowed_token_type", "missing_scope", "no_permission"}

log = logging.getLogger(__name__)


class RefusedTokenError(BotError):
    """Slack refuses a token for good."""


class EdgeMeter(Protocol):
    """What counts and times at this edge."""

    def acked(self, seconds: float) -> None:
        """Note how long an ack took."""

    def greeted(self, connections: int, *, again: bool) -> None:
        """Note Slack's hello, and how many connections it counts."""

    def slack_failed(self, method: str, kind: str) -> None:
        """Count a failed call of Slack."""


async def ask_slack(
    method: str, call: Callable[[], Awaitable[AsyncSlackResponse]], wanted: str, refused: frozenset[str], setting: str
) -> dict[str, Any]:
    """Call a Web API method until Slack answers with `wanted` in it. Raises `RefusedTokenError`."""
    failures = 0
    while True:
        wait = None
        try:
            answer = (await call()).data
            if isinstance(answer, dict) and answer.get(wanted):
                return answer
            reason = f"an answer without {wanted}"
        except SlackApiError as error:
            reason, wait = _said(error)
            if reason in refused:
                raise RefusedTokenError(
                    f"Slack refuses {setting} ({reason}). Give the installed app's token."
                ) from None
        except Exception as error:  # noqa: BLE001 -- what is wrong with the way to Slack may pass
            reason = type(error).__name__
        failures += 1
        wait = wait or min(pause(failures), LONGEST_PAUSE)
        log.warning("%s was not answered (%s); trying again in %.0f s", method, reason, wait.total_seconds())
        await asyncio.sleep(wait.total_seconds())


def _said(error: SlackApiError) -> tuple[str, timedelta | None]:
    """Return Slack's word for an error, and how long it asks not to be called. The answer may not be Slack's."""
    answer = getattr(error.response, "data", None)
    headers = getattr(error.response, "headers", None) or {}
    reason = str(answer.get("error")) if isinstance(answer, dict) else "no answer of Slack's"
    return reason, retry_after(headers.get("Retry-After"))


class _LoopClient(AsyncWebClient):
    """A Web API client that tells of each call that failed, slack_sdk's own included.

    `clock` is compared with each answer.
    """

    meter: EdgeMeter
    clock: CheckedClock | None = None

    async def api_call(self, api_method: str, **arguments: Any) -> AsyncSlackResponse:
        sent, answer = self.clock and self.clock.read(), None
        try:
            answer = await super().api_call(api_method, **arguments)
        except Exception as error:
            self.meter.slack_failed(api_method, _kind_of(error))
            answer = getattr(error, "response", None)
            raise
        finally:
            if self.clock and sent:
                self.clock.answered(sent, getattr(answer, "headers", None))
        return answer


def _kind_of(error: Exception) -> str:
    """Return Slack's word for what went wrong, else one for the sort of trouble on the way."""
    if not isinstance(error, SlackApiError):
        return "timed_out" if isinstance(error, TimeoutError) else "unreachable"
    status = getattr(error.response, "status_code", _OK)
    if status in (_OK, _TOO_MANY):
        return _said(error)[0]
    return f"http_{status // 100}xx"


def api(token: str, base_url: str, meter: EdgeMeter, clock: CheckedClock | None) -> AsyncWebClient:
    """Return a Web API client for the loop. Slack's own environment variables for proxies apply."""
    client = _LoopClient(token=token, base_url=base_url, timeout=TIMEOUT_SECONDS)
    client.meter, client.clock = meter, clock
    return client


class SocketMode:
    """One Socket Mode connection. Each payload goes through Bolt on the loop, since an ack does no I/O."""

    routes = ()

    def __init__(  # noqa: PLR0913 -- what the connection needs of the rest
        self,
        app: App,
        app_token: str,
        base_url: str,
        meter: EdgeMeter,
        *,
        sole_instance: bool,
        clock: CheckedClock | None = None,
    ) -> None:
        self._app = app
        self._clock = clock
        self._app_token = app_token
        self._base_url = base_url
        self._meter = meter
        self._sole_instance = sole_instance
        self._connections = 0
        self._greeted_at: float | None = None
        self._connected_at: float | None = None
        self._client: SocketModeClient | None = None
        self._watch: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Connect, trying again until Slack lets us; from then on the connection renews itself.

        Raises `RefusedTokenError`.
        """
        web = api(self._app_token, self._base_url, self._meter, self._clock)
        opened = await ask_slack(
            "apps.connections.open",
            lambda: web.apps_connections_open(app_token=self._app_token),
            "url",
            _APP_TOKEN_ERRORS,
            "SLACK_APP_TOKEN",
        )
        client = SocketModeClient(app_token=self._app_token, web_client=web)
        client.wss_uri = opened["url"]
        client.socket_mode_request_listeners.append(self._on_request)
        client.message_listeners.append(self._on_message)
        self._client = client
        self._watch = asyncio.create_task(self._renew_address())
        await client.connect()  # type: ignore[no-untyped-call]  # slack_sdk has no type here
        log.info("Connected to Slack in Socket Mode")

    async def close(self) -> None:
        """Close the connection."""
        if self._watch:
            self._watch.cancel()
        if self._client:
            await self._client.close()  # type: ignore[no-untyped-call]  # slack_sdk has no type here

    async def unreachable(self) -> str | None:
        """Say where Slack cannot reach the bot. While the connection is renewed, `GAP_SECONDS` do not count."""
        await self._is_connected()
        if self._connected_at is not None and time.monotonic() - self._connected_at < GAP_SECONDS:
            return None
        return "Slack cannot reach the bot: Socket Mode is not connected."

    async def ghosts(self) -> str | None:
        """Say where Slack sends, or soon will, to connections of this app that are not this one."""
        if self._connections <= (1 if self._sole_instance else MOST_CONNECTIONS - 1):
            return None
        why = "a SQLite store serves one instance" if self._sole_instance else f"it allows {MOST_CONNECTIONS}"
        return f"Slack counted {self._connections} connections of this app when this one began, and {why}."

    async def connected_for(self) -> float | None:
        """Return since how many seconds the connection is there, or None."""
        connected = await self._is_connected()
        return time.monotonic() - self._greeted_at if connected and self._greeted_at is not None else None

    async def _is_connected(self) -> bool:
        connected = self._client is not None and await self._client.is_connected()
        if connected:
            self._connected_at = time.monotonic()
        return connected

    async def _renew_address(self) -> None:
        # slack_sdk tries a failed address again and again, though its ticket is good for one try.
        while self._client:
            await asyncio.sleep(WATCH_SECONDS)
            if not await self._is_connected():
                self._client.wss_uri = None

    async def _on_request(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        begun = time.monotonic()
        answer = run_bolt_app(self._app, request)
        if answer.status != _OK:
            log.error("Bolt answered %d to a %s", answer.status, request.type)
            return
        payload: dict[str, Any] | None = json.loads(answer.body) if answer.body else None
        await client.send_socket_mode_response(SocketModeResponse(request.envelope_id, payload))
        self._meter.acked(time.monotonic() - begun)

    async def _on_message(self, _: AsyncBaseSocketModeClient, message: dict[str, Any], __: str | None = None) -> None:
        if message.get("type") != "hello":
            return
        self._connections = int(message.get("num_connections") or 1)
        self._meter.greeted(self._connections, again=self._greeted_at is not None)
        self._greeted_at = time.monotonic()
        if self._sole_instance and self._connections > 1:
            log.error(
                "Slack counts %d connections of this app, but a SQLite store serves one instance. Stop the others.",
                self._connections,
            )
        elif self._connections > 1:
            log.info("Slack counts %d connections of this app", self._connections)


async def who_are_we(
    bot_token: str, base_url: str, meter: EdgeMeter, clock: CheckedClock | None = None
) -> dict[str, Any]:
    """Return auth.test's answer, asking until there is one. Raises `RefusedTokenError`."""
    web = api(bot_token, base_url, meter, clock)
    return await ask_slack("auth.test", web.auth_test, "team_id", TOKEN_ERRORS, "SLACK_BOT_TOKEN")
