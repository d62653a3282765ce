"""A Request URL: the address at which an app in HTTP mode is told of commands and presses, and acknowledges them."""

import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import urlencode

import aiohttp

from bot.sandbox.cast import SIGNING_SECRET
from bot.sandbox.socket_mode import ACK_WITHIN, Ack


class RequestUrl:
    """Delivers by signed POST, as Slack does where Socket Mode is off. `sent` keeps each request: headers and body."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.sent: list[tuple[dict[str, str], bytes]] = []

    async def deliver(self, envelope: dict[str, Any]) -> Ack:
        """Deliver what a Socket Mode envelope holds; the ack is the answer."""
        payload = envelope["payload"]
        form = payload if envelope["type"] == "slash_commands" else {"payload": json.dumps(payload)}
        body = urlencode(form).encode()
        return await self.post(signed(body), body, accepts_response=envelope["accepts_response_payload"])

    async def post(self, headers: dict[str, str], body: bytes, *, accepts_response: bool = True) -> Ack:
        """Send a request as it is, for instance once more, and wait for the answer as long as Slack does."""
        self.sent.append((headers, body))
        begun = time.monotonic()
        patience = aiohttp.ClientTimeout(ACK_WITHIN)
        try:
            async with (
                aiohttp.ClientSession(timeout=patience) as session,
                session.post(self.address, data=body, headers=headers) as response,
            ):
                answer = _payload(response.content_type, await response.text())
                error = None if response.ok else "dispatch_failed"
        except TimeoutError:
            answer, error = None, "operation_timeout"
        except aiohttp.ClientError:
            answer, error = None, "dispatch_failed"
        kept = answer if accepts_response and not error else None
        return Ack(payload=kept, seconds=time.monotonic() - begun, error=error)


def signed(body: bytes, at: float | None = None) -> dict[str, str]:
    """Give the headers with which Slack sends a form at a time (now, unless told otherwise)."""
    timestamp = str(int(time.time() if at is None else at))
    digest = hmac.new(SIGNING_SECRET.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": f"v0={digest}",
    }


def _payload(content_type: str, text: str) -> dict[str, Any] | None:
    if content_type != "application/json":
        return {"text": text} if text else None
    payload = json.loads(text)
    return payload if isinstance(payload, dict) else None
