"""Socket Mode: the connection through which Slack reaches the bot, held on the asyncio loop."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from slack_bolt import App, BoltResponse
from slack_bolt.adapter.socket_mode.internals import run_bolt_app
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.backoff import pause, retry_after

TIMEOUT_SECONDS = 10
LONGEST_PAUSE = timedelta(seconds=30)
WATCH_SECONDS = 5.0
_OK = 200
# Slack's word on a token: asking again with the same one is no use.
_REFUSED_TOKEN = frozenset({"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"})
_REFUSED_APP_TOKEN = _REFUSED_TOKEN | {"not_allowed_token_type", "missing_scope", "no_permission"}

log = logging.getLogger(__name__)


class RefusedTokenError(Exception):
    """Slack refuses a token for good."""


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
        except Exception as error:  # noqa: BLE001 -- whatever is wrong with the way to Slack may pass
            reason = type(error).__name__
        failures += 1
        wait = wait or min(pause(failures), LONGEST_PAUSE)
        log.warning("%s was not answered (%s); trying again in %.0f s", method, reason, wait.total_seconds())
        await asyncio.sleep(wait.total_seconds())


def _said(error: SlackApiError) -> tuple[str, timedelta | None]:
    """Return Slack's word for an error, and how long it asks to be left alone. The answer may be anybody's."""
    answer = getattr(error.response, "data", None)
    headers = getattr(error.response, "headers", None) or {}
    reason = str(answer.get("error")) if isinstance(answer, dict) else "no answer of Slack's"
    return reason, retry_after(headers.get("Retry-After"))


def api(token: str, base_url: str) -> AsyncWebClient:
    """Return a Web API client for the loop. Slack's own environment variables for proxies apply."""
    return AsyncWebClient(token=token, base_url=base_url, timeout=TIMEOUT_SECONDS)


class SocketMode:
    """One Socket Mode connection. Each payload goes through Bolt on the loop, since an ack does no I/O."""

    routes = ()

    def __init__(self, app: App, app_token: str, base_url: str, *, sole_instance: bool) -> None:
        self._app = app
        self._app_token = app_token
        self._base_url = base_url
        self._sole_instance = sole_instance
        self._client: SocketModeClient | None = None
        self._watch: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Connect, trying again until Slack lets us; from then on the connection renews itself.

        Raises `RefusedTokenError`.
        """
        web = api(self._app_token, self._base_url)
        opened = await ask_slack(
            "apps.connections.open",
            lambda: web.apps_connections_open(app_token=self._app_token),
            "url",
            _REFUSED_APP_TOKEN,
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

    async def _renew_address(self) -> None:
        # slack_sdk tries a failed address again and again, though its ticket is good for one try.
        while self._client:
            await asyncio.sleep(WATCH_SECONDS)
            if not await self._client.is_connected():
                self._client.wss_uri = None

    async def _on_request(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        answer = run_bolt_app(self._app, request)
        if answer.status != _OK:
            log.error("Bolt answered %d to a %s", answer.status, request.type)
            return
        await client.send_socket_mode_response(SocketModeResponse(request.envelope_id, _payload(answer)))

    async def _on_message(self, _: AsyncBaseSocketModeClient, message: dict[str, Any], __: str | None = None) -> None:
        connections = message.get("num_connections", 1) if message.get("type") == "hello" else 1
        if self._sole_instance and connections > 1:
            log.error(
                "Slack counts %d connections of this app, but a SQLite store serves one instance. Stop the others.",
                connections,
            )


def _payload(answer: BoltResponse) -> dict[str, Any] | None:
    if not answer.body:
        return None
    payload: dict[str, Any] = json.loads(answer.body)
    return payload


async def who_are_we(bot_token: str, base_url: str) -> dict[str, Any]:
    """Return auth.test's answer, asking until there is one. Raises `RefusedTokenError`."""
    web = api(bot_token, base_url)
    return await ask_slack("auth.test", web.auth_test, "team_id", _REFUSED_TOKEN, "SLACK_BOT_TOKEN")
