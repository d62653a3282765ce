"""The stage: starts the sandbox's parts on loopback ports, and stops them."""

import asyncio
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Container, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Self

from aiohttp import web

from bot.sandbox import cast
from bot.sandbox.changes import Changes
from bot.sandbox.cognito import REGION, Cognito, Moto
from bot.sandbox.crowd import POOL, Crowd
from bot.sandbox.weather import CHANGES_AN_ACCOUNT, Weather
from bot.sandbox.web_api import WebApi
from bot.sandbox.wire import Call
from bot.sandbox.workspace import Workspace

TABLE = '[pools.{name}]\nid = "{id}"\ntoken_lifetime = "1h"\nlogin_cookie_lifetime = "1h"\n'
TRACKED = "sessions = true\n"

# What lets a visitor try a second person, protected accounts and limits.
SECOND_PERSON = {
    "SIGNOUT_ALLOW_ASK_USERS": cast.ASKER,
    "SIGNOUT_APPROVE_USERS": cast.APPROVER,
    "SIGNOUT_PROTECT_GROUPS": cast.PROTECTED_GROUP,
    "SIGNOUT_PROTECT_HOW": "approve",
    "SIGNOUT_APPROVE_ABOVE": "100",
    "SIGNOUT_LIMITS_PER_OPERATOR": "320/h",  # one incident, and everyone in the other pools
}
# And what is more than a sign-out: support keeps out, a senior lets back in and approves new passwords.
ACTIONS = {
    "SIGNOUT_ACTIONS_KEEP_OUT_USERS": cast.OPERATOR,
    "SIGNOUT_ACTIONS_KEEP_OUT_GROUPS": cast.SUPPORT_GROUP,
    "SIGNOUT_ACTIONS_LET_IN_USERS": cast.APPROVER,
    "SIGNOUT_ACTIONS_NEW_PASSWORD_USERS": cast.OPERATOR,
    "SIGNOUT_APPROVE_WHEN": "new_password",
}

Report = Callable[[str], None]


class Stage:
    """Everything around the bot, as an async context manager; `environment` is what a bot needs to appear on it.

    `moto` may be shared by several stages, each with pools of its own; `people` limits who is in them; the pools named
    in `tracked` track their sessions; `report` is told each step of the start. `crowd` is how many people the pool
    `shop` has, once `crowd.gather` has made them; without any, there is no such pool.
    """

    def __init__(
        self,
        moto: Moto | None = None,
        people: Iterable[str] | None = None,
        report: Report = lambda _: None,
        tracked: Container[str] = (),
        crowd: int = 0,
    ) -> None:
        self.changes = Changes()
        self.workspace = Workspace(self.changes)
        self.cognito = Cognito(self.changes)
        self.crowd = Crowd(self.cognito, crowd) if crowd else None
        self.weather = Weather(self.workspace, self.cognito)
        self.web_api = WebApi(self.workspace)
        self.environment: dict[str, str] = {}
        self.folder = Path()
        self._moto = moto
        self._people = people
        self._tracked = tracked
        self._report = report
        self._exits = AsyncExitStack()
        self._checks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Start the parts."""
        async with AsyncExitStack() as exits:
            if self._moto is None:
                self._moto = await asyncio.to_thread(Moto)
                exits.push_async_callback(asyncio.to_thread, self._moto.stop)
            self._report("Cognito (moto) is there")
            self.cognito.url = self._moto.url
            exits.push_async_callback(self.cognito.close)
            await self.cognito.seed(self._people, self._tracked)
            if self.crowd:
                await self.cognito.open_pool(POOL, crowded=True)
            self._report("{} people are in the pools, with {} devices".format(*self.cognito.head_count()))
            self.weather.cognito.observers.append(self._check_devices)
            cognito_url = await exits.enter_async_context(listening(self._cognito_app()))
            self.workspace.address = await exits.enter_async_context(listening(self._slack_app()))
            self._report("A Slack workspace is there")
            exits.callback(self.weather.release)
            exits.push_async_callback(self.workspace.sockets.close)
            self.folder = folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="signout-sandbox-")))
            self.environment = self._environment(folder, cognito_url)
            self._exits = exits.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop the parts, the last started first."""
        for check in self._checks:
            check.cancel()
        await self._exits.aclose()

    def install(self, where: cast.Install) -> None:
        """Install the app there, with the scopes that it needs there."""
        self.workspace.install = where
        scopes = cast.BOT_SCOPES if where is cast.Install.WORKSPACE else cast.BOT_SCOPES | cast.SCOPES_ON_GRID
        self.web_api.scopes[cast.BOT_TOKEN] = set(scopes)

    def _check_devices(self, call: Call) -> None:
        if call.action in CHANGES_AN_ACCOUNT:
            check = asyncio.ensure_future(self.cognito.check(call.parameters.get("Username")))
            self._checks.add(check)
            check.add_done_callback(self._checks.discard)

    def _cognito_app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/", self.weather.before_cognito)
        return app

    def _slack_app(self) -> web.Application:
        app = web.Application(middlewares=[self.weather.before_slack])
        app.router.add_post("/api/{method}", self.web_api.handle)
        app.router.add_get("/link/", self.workspace.sockets.accept)
        for kind in ("commands", "actions"):
            app.router.add_post(f"/{kind}/{{team}}/{{number}}/{{secret}}", self.workspace.response_urls.handle)
        return app

    def _environment(self, folder: Path, cognito_url: str) -> dict[str, str]:
        settings = folder / "signout.toml"
        pools = self.cognito.pools.values()
        tables = [TABLE.format(name=pool.name, id=pool.id) + TRACKED * (pool.name in self._tracked) for pool in pools]
        settings.write_text("\n".join(tables))
        return {
            "SLACK_BOT_TOKEN": cast.BOT_TOKEN,
            "SLACK_APP_TOKEN": cast.APP_TOKEN,
            "SLACK_SIGNING_SECRET": cast.SIGNING_SECRET,
            "SLACK_API_URL": f"{self.workspace.address}/api/",
            "SIGNOUT_AUDIT_CHANNEL": cast.AUDIT_CHANNEL,
            "SIGNOUT_ALLOW_USERS": cast.OPERATOR,
            "SIGNOUT_ALLOW_GROUPS": cast.SUPPORT_GROUP,
            "SIGNOUT_CONFIG": str(settings),
            "SIGNOUT_STORE": f"sqlite:///{folder / 'signout.db'}",
            "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER": cognito_url,
            "AWS_ACCESS_KEY_ID": "sandbox",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,  # a profile there could name other endpoints
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }


@asynccontextmanager
async def listening(
    app: web.Application, door: socket.socket | int = 0, *, forget_the_gone: bool = False
) -> AsyncIterator[str]:
    """Serve an app on a loopback port (0 picks one) for as long as the context lasts; gives its address.

    `forget_the_gone` ends the handling of a request whose sender has gone away. A call of the bot's must go on.
    """
    if isinstance(door, int):
        door = socket.create_server(("127.0.0.1", door))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2, handler_cancellation=forget_the_gone)
    await runner.setup()
    try:
        await web.SockSite(runner, door).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
