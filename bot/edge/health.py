"""The health page."""

from aiohttp import web


class HealthPageError(Exception):
    """The health page cannot be served where it was asked for."""


async def serve_health(host: str, port: int) -> web.AppRunner:
    """Serve `/healthz` until the returned runner is cleaned up. Raises `HealthPageError`."""
    app = web.Application()
    app.router.add_get("/healthz", _alive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        raise HealthPageError(
            f"The health page cannot be served on {host}, port {port}: {error.strerror}. Check --host, --port and PORT."
        ) from error
    return runner


async def _alive(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})
