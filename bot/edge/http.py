"""HTTP mode: Slack's requests, proved to be Slack's before anything reads them, then handed to Bolt on the loop."""

import asyncio
import hashlib
import json
import logging
import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from slack_bolt import App
from slack_sdk.signature import Clock, SignatureVerifier
from ulid import ULID

from bot.edge.socket_mode import dispatched

PATH = "/slack/events"
MAX_BODY_BYTES = 100_000  # a long command is 50,000 where each character is escaped; reading it holds up the loop
MAX_UNPROVED_BYTES = 32_000_000  # of all bodies at once: anyone may have sent them
MAX_FIELDS = 100
READ_SECONDS = 5.0
REMEMBERED = 10_000
SECONDS_BETWEEN_LINES = 60.0
STARTING = "The bot is starting and has done nothing yet. Try again in a moment."
_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"

log = logging.getLogger(__name__)


@dataclass
class _Now(Clock):
    """A time as slack_sdk asks for it."""

    told: Callable[[], datetime]

    def now(self) -> float:
        return self.told().timestamp()


@dataclass(eq=False)
class _RefusedError(Exception):
    """The status that a bad request gets, and why, in words that quote nothing of it."""

    status: int
    why: str


class HttpMode:
    """Slack's Request URL. What it takes goes to Bolt as a Socket Mode payload does, so both get the same acks.

    A request is Slack's if `signing_secret` signed its body within five minutes of `now`. It need not have come
    straight from Slack: neither its path, its host nor what a proxy adds is trusted or needed.
    """

    def __init__(
        self,
        app: App,
        signing_secret: str,
        acked: Callable[[float], None] = lambda _: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._app = app
        self._verifier = SignatureVerifier(signing_secret, clock=_Now(now))
        self._done: dict[str, None] = {}  # the latest signatures; across instances and restarts the ask's id does this
        self._told: dict[str, tuple[float, int]] = {}  # by reason: when it was last logged, and how many came since
        self._unproved = 0
        self._connected = False
        self._acked = acked
        self.routes = (web.post(PATH, self._answer),)

    async def connect(self) -> None:
        """Take commands and presses from now on; until then Slack is told to try again."""
        self._connected = True
        log.info("Taking Slack's requests at %s", PATH)

    async def close(self) -> None:
        """Do nothing: once it has drained, the bot answers "restarting" until its port closes."""

    def unreachable(self) -> str | None:
        """Say where Slack is told to try again."""
        return None if self._connected else "Slack has not told yet who the bot is (auth.test), so no one is allowed."

    def ghosts(self) -> str | None:
        """Return None: Slack keeps no connection here that it could count."""

    async def _answer(self, request: web.Request) -> web.Response:
        try:
            return await self._take(request)
        except _RefusedError as refused:
            self._tell(refused)
            return web.Response(status=refused.status)

    def _tell(self, refused: _RefusedError) -> None:
        """Log it, each reason once a minute: anyone who reaches the port can cause it."""
        told_at, more = self._told.get(refused.why, (-math.inf, 0))
        if time.monotonic() - told_at < SECONDS_BETWEEN_LINES:
            self._told[refused.why] = told_at, more + 1
            return
        self._told[refused.why] = time.monotonic(), 0
        since = f" ({more:,} more like it since the last such line)" if more else ""
        log.warning("A request to %s was answered %d: %s%s", PATH, refused.status, refused.why, since)

    async def _take(self, request: web.Request) -> web.Response:
        signature, timestamp = _signed(request)
        body = await self._read(request)
        if not self._verifier.is_valid(body, timestamp, signature):
            why = "its signature is not Slack's. Check SLACK_SIGNING_SECRET, and this machine's clock"
            raise _RefusedError(401, why)
        if not self._is_new(signature):
            log.warning("A request to %s came again. It was not done again", PATH)
            return web.Response()
        payload = _payload(body, request.content_type)
        if not self._connected and not payload.keys() & {"challenge", "ssl_check"}:
            if "command" in payload:
                return web.json_response({"response_type": "ephemeral", "text": STARTING})
            return web.Response(status=503)  # to a failed press or form Slack itself says what to do
        begun = time.monotonic()
        answer = dispatched(self._app, payload, {"ask_id": ask_id(timestamp, signature)})
        self._acked(time.monotonic() - begun)
        return web.Response(status=answer.status, text=answer.body, content_type=_JSON if answer.body else "text/plain")

    def _is_new(self, signature: str) -> bool:
        if signature in self._done:
            return False
        self._done[signature] = None
        if len(self._done) > REMEMBERED:
            del self._done[next(iter(self._done))]
        return True

    async def _read(self, request: web.Request) -> str:
        body = bytearray()
        try:
            async with asyncio.timeout(READ_SECONDS):
                async for part in request.content.iter_any():
                    body += part
                    self._unproved += len(part)
                    if len(body) > MAX_BODY_BYTES:
                        raise _RefusedError(413, "it is too large")
                    if self._unproved > MAX_UNPROVED_BYTES:
                        raise _RefusedError(503, "too much was being sent at once. Check who else reaches this port")
            return body.decode()
        except TimeoutError:
            raise _RefusedError(408, "it came too slowly") from None
        except (OSError, web.RequestPayloadError):
            raise _RefusedError(400, "it broke off") from None
        except UnicodeDecodeError:
            raise _RefusedError(400, "it is not UTF-8") from None
        finally:
            self._unproved -= len(body)


def ask_id(timestamp: str, signature: str) -> str:
    """Return the ULID of what was asked in a signed request: the same one each time it comes again, to any instance."""
    digest = hashlib.sha256(signature.encode()).digest()
    return str(ULID.from_bytes((int(timestamp) * 1000).to_bytes(6, "big") + digest[:10]))


def _signed(request: web.Request) -> tuple[str, str]:
    """Return signature and timestamp; refuse by its head what need not be read."""
    found = []  # slack_sdk's verifier takes these forms, and may raise at others
    for name, form in (("X-Slack-Signature", r"v0=[0-9a-f]{64}"), ("X-Slack-Request-Timestamp", r"[0-9]{1,11}")):
        values = request.headers.getall(name, [])
        if len(values) != 1 or not re.fullmatch(form, values[0]):
            raise _RefusedError(401, f"it has no {name} as Slack writes it")
        found.append(values[0])
    if request.content_type not in {_FORM, _JSON} or "Content-Encoding" in request.headers:
        raise _RefusedError(415, "its content is neither a form nor JSON, or is compressed")
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise _RefusedError(413, "it is too large")
    return found[0], found[1]


def _payload(body: str, content_type: str) -> dict[str, Any]:
    """Return what Slack would send over Socket Mode."""
    payload: Any
    try:
        if content_type == _JSON:
            payload = json.loads(body)
        else:
            payload = dict(parse_qsl(body, keep_blank_values=True, max_num_fields=MAX_FIELDS))
            if not payload.keys() & {"command", "ssl_check"}:
                payload = json.loads(payload["payload"])
    except (ValueError, LookupError, RecursionError):
        payload = None
    if not isinstance(payload, dict):
        raise _RefusedError(400, "it is neither a command nor a press nor a form")
    return payload
