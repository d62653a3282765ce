"""The server of the health pages, and `/healthz`."""

import logging
from collections.abc import Sequence

from aiohttp import http_exceptions, web

from bot.errors import BotError

HEAD_SECONDS = 10.0
LINGERING_SECONDS = 1.0
SHUTDOWN_SECONDS = 1.0

_aiohttp = logging.getLogger("bot.edge.aiohttp")


class HealthPageError(BotError):
    """The health page cannot be served where it was asked for."""


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
