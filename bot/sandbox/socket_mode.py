"""Socket Mode: the WebSocket on which an app is told of commands and presses, and acknowledges them."""

import asyncio
import json
import secrets
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from bot.sandbox.cast import APP_ID
from bot.sandbox.changes import Changes

ACK_WITHIN = 3.0
TICKET_LIFETIME = 30.0
MOST_CONNECTIONS = 10


@dataclass(frozen=True, kw_only=True)
class Ack:
    """How an app answered an envelope; `error` is Slack's name for what went wrong, if it did."""

    payload: dict[str, Any] | None = None
    seconds: float
    error: str | None = None


@dataclass(eq=False)
class Connection:
    """One open WebSocket, and the envelopes on it that no one has acknowledged."""

    socket: web.WebSocketResponse
    waiting: dict[str, asyncio.Future[dict[str, Any] | None]] = field(default_factory=dict)

    def acknowledge(self, ack: Any) -> None:
        """Take an app's answer; one that came too late, or that answers nothing, is dropped."""
        waiting = self.waiting.get(str(ack.get("envelope_id"))) if isinstance(ack, dict) else None
        if waiting and not waiting.done():
            payload = ack.get("payload")
            waiting.set_result(payload if isinstance(payload, dict) else None)

    def lost(self) -> None:
        """Tell everyone who waits on this connection that no answer will come."""
        for waiting in self.waiting.values():
            if not waiting.done():
                waiting.set_exception(ConnectionResetError("the app's WebSocket closed"))


class Sockets:
    """All connections of the app. An envelope goes to exactly one of them, in turn."""

    def __init__(self, changes: Changes) -> None:
        self.connections: list[Connection] = []
        self.sent: list[dict[str, Any]] = []
        self.instead: Callable[[dict[str, Any]], Awaitable[Ack]] | None = None  # what a Request URL does
        self._changes = changes
        self._tickets: dict[str, float] = {}

    def issue_ticket(self) -> str:
        """Give a ticket that admits one connection, once, within half a minute."""
        ticket = secrets.token_urlsafe(24)
        self._tickets[ticket] = time.monotonic() + TICKET_LIFETIME
        return ticket

    async def accept(self, request: web.Request) -> web.StreamResponse:
        """Serve one WebSocket from hello to close."""
        if self._tickets.pop(request.query.get("ticket", ""), 0.0) < time.monotonic():
            return web.Response(status=403, text="invalid ticket")
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if len(self.connections) >= MOST_CONNECTIONS:
            await socket.send_json(disconnect("too_many_websockets"))
            await socket.close()
            return socket
        connection = Connection(socket)
        self.connections.append(connection)
        try:
            await socket.send_json(hello(len(self.connections)))
            self._changes.note()
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    connection.acknowledge(_parsed(message.data))
        except ConnectionError:
            pass
        finally:
            self.connections.remove(connection)
            connection.lost()
            self._changes.note()
        return socket

    async def deliver(
        self, kind: str, payload: dict[str, Any], *, accepts_response: bool, envelope_id: str | None = None
    ) -> Ack:
        """Send an envelope and wait for its acknowledgement, as long as Slack does."""
        envelope = {
            "envelope_id": envelope_id or str(uuid.uuid4()),
            "payload": payload,
            "type": kind,
            "accepts_response_payload": accepts_response,
        }
        self.sent.append(envelope)
        return await self.redeliver(envelope)

    async def redeliver(self, envelope: dict[str, Any]) -> Ack:
        """Send an envelope as it is, for instance once more."""
        begun = time.monotonic()
        if self.instead:
            return await self.instead(envelope)
        if not self.connections:
            return Ack(seconds=0.0, error="dispatch_failed")
        self.connections.append(connection := self.connections.pop(0))
        unanswered: asyncio.Future[dict[str, Any] | None] = asyncio.get_running_loop().create_future()
        answer = connection.waiting.setdefault(envelope["envelope_id"], unanswered)
        try:
            await connection.socket.send_json(envelope)
            payload = await asyncio.wait_for(asyncio.shield(answer), ACK_WITHIN)
        except TimeoutError:
            return Ack(seconds=time.monotonic() - begun, error="operation_timeout")
        except ConnectionError:
            return Ack(seconds=time.monotonic() - begun, error="dispatch_failed")
        finally:
            connection.waiting.pop(envelope["envelope_id"], None)
        return Ack(payload=payload if envelope["accepts_response_payload"] else None, seconds=time.monotonic() - begun)

    async def refresh(self, *, warning: float = 0.0) -> None:
        """Renew every connection as Slack does every few hours: a warning, the request to reconnect, then a close."""
        old = list(self.connections)
        if warning:
            for connection in old:
                await connection.socket.send_json(disconnect("warning"))
            await asyncio.sleep(warning)
        for connection in old:
            if connection in self.connections:
                await connection.socket.send_json(disconnect("refresh_requested"))

    async def close(self) -> None:
        """Close every connection."""
        await asyncio.gather(*(connection.socket.close() for connection in list(self.connections)))


def hello(connections: int) -> dict[str, Any]:
    """Slack's greeting on a new WebSocket."""
    return {
        "type": "hello",
        "num_connections": connections,
        "debug_info": {"host": "sandbox", "build_number": 1, "approximate_connection_time": 18060},
        "connection_info": {"app_id": APP_ID},
    }


def disconnect(reason: str) -> dict[str, Any]:
    """Slack's notice that a WebSocket is about to end."""
    return {"type": "disconnect", "reason": reason, "debug_info": {"host": "sandbox"}}


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
