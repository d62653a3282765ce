"""A wire to a service, on which faults can be put and every call is recorded.

A fault decides what becomes of one call. Faults for the next calls of an action are queued; others stay until removed.
"""

import asyncio
import json
import uuid
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass(kw_only=True)
class Call:
    """One call that came over a wire, and what was answered (0: nothing)."""

    action: str
    parameters: dict[str, Any] = field(repr=False)
    at: float
    status: int = 0
    request_id: str = ""
    forwarded: bool = False


class Exchange:
    """A call under way, as a fault sees it."""

    def __init__(
        self, call: Call, request: web.Request, onward: Callable[[], Awaitable[web.Response]], wire: "Wire"
    ) -> None:
        self.call = call
        self.broken = False
        self._request = request
        self._onward = onward
        self._wire = wire

    async def forward(self) -> web.Response:
        """Let the service answer."""
        response = await self._onward()
        self.call.forwarded = True
        self._wire.forwarded(self.call)
        return response

    async def wait(self, seconds: float | None = None) -> None:
        """Keep the caller waiting, for ever unless told otherwise; the end of the sandbox ends it."""
        try:
            await asyncio.wait_for(self._wire.closing.wait(), seconds)
        except TimeoutError:
            return

    def reset(self) -> web.Response:
        """Break the connection instead of answering."""
        self.broken = True
        if self._request.transport:
            self._request.transport.abort()
        return web.Response(status=500)


EVERY_ACTION = "*"
REQUEST_ID = "x-amzn-RequestId"  # which AWS's own answers carry, and no others
Fault = Callable[[Exchange], Awaitable[web.Response]]


def answer(status: int, body: str | dict[str, Any], content_type: str = "application/json", **headers: str) -> Fault:
    """Answer in place of the service."""
    text = body if isinstance(body, str) else json.dumps(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def fault(_: Exchange) -> web.Response:
        return web.Response(status=status, text=text, content_type=content_type, headers=named)

    return fault


def refuse(status: int, code: str, message: str = "refused by the sandbox's weather") -> Fault:
    """Refuse as Cognito does."""

    async def fault(exchange: Exchange) -> web.Response:
        response = await answer(status, {"__type": code, "message": message}, "application/x-amz-json-1.1")(exchange)
        response.headers[REQUEST_ID] = str(uuid.uuid4())
        return response

    return fault


def ratelimited(seconds: int) -> Fault:
    """Slack's 429."""
    return answer(429, {"ok": False, "error": "ratelimited"}, Retry_After=str(seconds))


def slow(seconds: float) -> Fault:
    """Answer, but late."""

    async def fault(exchange: Exchange) -> web.Response:
        await exchange.wait(seconds)
        return await exchange.forward()

    return fault


def hang(*, after: bool = False) -> Fault:
    """Never answer; with `after`, only once the service has done what was asked."""

    async def fault(exchange: Exchange) -> web.Response:
        if after:
            await exchange.forward()
        await exchange.wait()
        return exchange.reset()

    return fault


def reset(*, after: bool = False) -> Fault:
    """Break the connection; with `after`, only once the service has done what was asked."""

    async def fault(exchange: Exchange) -> web.Response:
        if after:
            await exchange.forward()
        return exchange.reset()

    return fault


class Pause:
    """A fault that announces the call and holds it until released; with `after`, it holds the answer."""

    def __init__(self, *, after: bool = False) -> None:
        self.arrived = asyncio.Event()
        self.released = asyncio.Event()
        self._after = after

    async def __call__(self, exchange: Exchange) -> web.Response:
        """Hold one call."""
        response = await exchange.forward() if self._after else None
        self.arrived.set()
        release = asyncio.ensure_future(self.released.wait())
        end = asyncio.ensure_future(exchange.wait())
        await asyncio.wait((release, end), return_when=asyncio.FIRST_COMPLETED)
        release.cancel()
        end.cancel()
        if not self.released.is_set():
            return exchange.reset()
        return response or await exchange.forward()


class Wire:
    """What travels to one service: the faults in its way and a record of every call."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.standing: dict[str, tuple[str, Fault]] = {}
        self.closing = asyncio.Event()
        self.observers: list[Callable[[Call], None]] = []
        self._queued: defaultdict[str, deque[Fault]] = defaultdict(deque)

    def next(self, action: str, *faults: Fault) -> None:
        """Put these faults in the way of the next calls of an action, one each."""
        self._queued[action].extend(faults)

    def always(self, action: str, fault: Fault | None, name: str = "") -> None:
        """Put a fault in the way of every call of an action (or take it away), under a name of its own."""
        self.standing.pop(name or action, None)
        if fault:
            self.standing[name or action] = (action, fault)

    def clear(self) -> None:
        """Take all faults away."""
        self._queued.clear()
        self.standing.clear()

    def forwarded(self, call: Call) -> None:
        """Tell the observers that the service has answered a call."""
        for observe in self.observers:
            observe(call)

    async def carry(
        self, request: web.Request, call: Call, onward: Callable[[], Awaitable[web.Response]]
    ) -> web.Response:
        """Take one call to the service, or to the fault in its way."""
        self.calls.append(call)
        exchange = Exchange(call, request, onward, self)
        fault = self._fault_for(call.action)
        response = await (fault(exchange) if fault else exchange.forward())
        call.status = 0 if exchange.broken else response.status
        return response

    def _fault_for(self, action: str) -> Fault | None:
        if queue := self._queued[action]:
            return queue.popleft()
        lasting = [fault for on, fault in self.standing.values() if on in (action, EVERY_ACTION)]
        return lasting[-1] if lasting else None
