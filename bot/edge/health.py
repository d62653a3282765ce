"""The health page."""

from aiohttp import web


async def serve_health(host: str, port: int) -> web.AppRunner:
    """Serve `/healthz` until the returned runner is cleaned up. Raises OSError where the port is taken."""
    app = web.Application()
    app.router.add_get("/healthz", _alive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner


async def _alive(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})
