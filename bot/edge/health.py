"""The health pages: `/healthz`, and how the bot is in words (`/readyz`) and in numbers (`/metrics`)."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import http_exceptions, web

from bot.edge.http import HttpMode
from bot.edge.lanes import NEWCOMERS, ThreadLane
from bot.edge.metrics import Metrics, Values
from bot.edge.readiness import NOT_READY, STATUSES, Outlook, readiness
from bot.edge.socket_mode import SocketMode
from bot.errors import BotError, ClockChangedError, ClockWrongError
from bot.flow import Flow

HEAD_SECONDS = 10.0
LINGERING_SECONDS = 1.0
SHUTDOWN_SECONDS = 1.0

_UNCACHED = {"Cache-Control": "no-store"}
_aiohttp = logging.getLogger("bot.edge.aiohttp")


class HealthPageError(BotError):
    """The health page cannot be served where it was asked for."""


@dataclass(frozen=True, kw_only=True)
class Pages:
    """`/readyz` and `/metrics` of one instance. Neither ever waits for long."""

    flow: Flow
    front: SocketMode | HttpMode
    lanes: Sequence[ThreadLane]
    outlook: Outlook
    metrics: Metrics

    @property
    def routes(self) -> Sequence[web.RouteDef]:
        """Where they are served."""
        return (web.get("/readyz", self._readyz), web.get("/metrics", self._numbers))

    async def _readyz(self, _: web.Request) -> web.Response:
        status, reasons = await self._readiness()
        answer = {"status": status, "reasons": reasons}
        return web.json_response(answer, status=503 if status == NOT_READY else 200, headers=_UNCACHED)

    async def _numbers(self, request: web.Request) -> web.Response:
        status, _ = await self._readiness()
        values: Values = {
            "status": {(each.replace(" ", "_"),): each == status for each in STATUSES},
            "lane_places": {(lane.name,): lane.places for lane in self.lanes},
            "lane_places_taken": {(lane.name,): lane.taken for lane in self.lanes},
        }
        values |= await self.outlook.gauges()
        page, content_type = self.metrics.page(values, request.headers.get("Accept", ""))
        return web.Response(body=page, headers={"Content-Type": content_type} | _UNCACHED)

    async def _readiness(self) -> tuple[str, Sequence[str]]:
        needs, wishes = await self.outlook.told()
        full = (lane.full() for lane in self.lanes if lane.name != NEWCOMERS)  # strangers fill that one at will
        return readiness((self._closed(), self.front.unreachable(), *needs), (*wishes, self.front.ghosts(), *full))

    def _closed(self) -> str | None:
        match self.flow.closed():
            case None:
                return None
            case ClockWrongError() as error:
                return error.compared
            case ClockChangedError():
                return (
                    "The bot's clock was changed. Until an answer of Slack or AWS agrees with it, the bot does nothing."
                )
        why = "The bot is restarting" if self.flow.draining else "A newer version of the bot is taking over"
        return f"{why}: this instance finishes what it has begun and takes nothing new."


async def serve_health(host: str, port: int, routes: Sequence[web.RouteDef] = ()) -> web.AppRunner:
    """Serve `/healthz` and `routes` until the returned runner is cleaned up. Raises `HealthPageError`.

    A sender has `HEAD_SECONDS` for its request's head. Each connection serves one request: a proxy that kept one could
    send the next request just when its time is up.
    """
    _aiohttp.addFilter(_without_content)
    app = web.Application()
    app.add_routes([web.get("/healthz", _alive), *routes])
    app.on_response_prepare.append(_close_after)
    runner = web.AppRunner(
        app,
        access_log=None,
        logger=_aiohttp,
        keepalive_timeout=HEAD_SECONDS,
        lingering_time=LINGERING_SECONDS,
        shutdown_timeout=SHUTDOWN_SECONDS,
        auto_decompress=False,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        sentence = f"The health page cannot be served on {host}, port {port}: {error.strerror}."
        raise HealthPageError(sentence, "Check --host, --port and PORT.") from error
    return runner


async def _alive(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def _close_after(_: web.Request, response: web.StreamResponse) -> None:
    response.force_close()
    response.headers["Connection"] = "close"  # aiohttp has written its own headers by now


def _without_content(record: logging.LogRecord) -> bool:
    """Keep aiohttp from quoting what is not HTTP, and from complaining of senders that are gone."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, http_exceptions.HttpProcessingError):
        record.msg, record.args, record.exc_info = "A request was not HTTP (%s)", (type(error).__name__,), None
        record.levelno, record.levelname = logging.WARNING, "WARNING"
    return not isinstance(error, ConnectionError)
