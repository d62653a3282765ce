"""What a bot is measured on: the headless workspace and a quick Cognito, as far away as wanted."""

import asyncio
import json
import ssl
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from far_end import certificate_for
from headless import SAM, SUPPORT, BotProcess, Headless

from bench.distance import Way, proxy_to, way_to
from bench.quick_cognito import QuickCognito
from bot.sandbox.board import Message
from bot.sandbox.cognito import Moto
from bot.sandbox.stage import listening

QUIET_SECONDS = 0.3


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where Slack and Cognito are: seconds there and back. `guarded`: Slack only past a proxy, and with TLS."""

    slack: float = 0.0
    cognito: float = 0.0
    guarded: bool = False


HERE, FAR = Place(), Place(slack=0.06, cognito=0.04)
FAR_AND_GUARDED = Place(slack=0.06, cognito=0.04, guarded=True)


@dataclass(kw_only=True)
class Scene:
    """A place for one bot. `environment` is what the bot needs there, and what its floor uses too."""

    headless: Headless
    cognito: QuickCognito
    environment: dict[str, str]
    to_slack: Way

    def bot(self, *, connected: bool = True, **more: str) -> AbstractContextManager[BotProcess]:
        """A bot in a process of its own."""
        return self.headless.bot_process(connected=connected, **self.environment, **more)

    def hang(self, *, on: bool) -> None:
        """Let Cognito hang, or answer again."""
        self.headless.do(lambda: self.cognito.hang(on=on))

    def last_sent(self, action: str, words: str) -> dict[str, Any]:
        """What was last sent to Slack with these words in it: to a method, or to a `response_url`."""
        sent = [call.parameters for call in self.headless.slack_calls(action)]
        return next(each for each in reversed(sent) if words in json.dumps(each))

    def card_to_replace(self, content: dict[str, Any]) -> str:
        """Show a card; return the address at which it can be replaced."""

        def make() -> str:
            workspace = self.headless.stage.workspace
            card = workspace.post(SUPPORT, content, only_for=SAM)
            return workspace.response_urls.issue(SAM, SUPPORT, card.ts)

        return self.headless.do(make)

    def show(self, content: dict[str, Any]) -> Message:
        """Show a card; return it."""
        return self.headless.do(lambda: self.headless.stage.workspace.post(SUPPORT, content, only_for=SAM))

    def clear(self) -> None:
        """Wait until nothing changes any more, and take all messages away."""
        changes = self.headless.stage.changes
        count = -1
        while count != changes.count:
            count = changes.count
            time.sleep(QUIET_SECONDS)
        self.headless.do(self.headless.stage.workspace.messages.clear)


@contextmanager
def scene(moto: Moto, place: Place = HERE) -> Iterator[Scene]:
    """Give a scene without a bot."""
    exits = AsyncExitStack()
    with Headless(moto, ("ada",)) as headless, tempfile.TemporaryDirectory() as folder:
        try:
            yield headless.run(_set(headless, exits, place, Path(folder)))
        finally:
            headless.run(exits.aclose())


async def _set(headless: Headless, exits: AsyncExitStack, place: Place, folder: Path) -> Scene:
    cognito, environment = QuickCognito(), {}
    to_cognito = await exits.enter_async_context(listening(cognito.app))
    if place.cognito:
        to_cognito = (await exits.enter_async_context(way_to(to_cognito, away=place.cognito))).address
    to_slack = headless.stage.workspace.address
    if place.guarded:
        file = await asyncio.to_thread(certificate_for, "localhost", folder)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(file)
        to_slack = (await exits.enter_async_context(way_to(to_slack, tls=context))).address
    way = await exits.enter_async_context(way_to(to_slack, away=place.slack))
    if place.guarded:
        way = await exits.enter_async_context(proxy_to(way.address))
        environment = {"HTTPS_PROXY": way.address, "SSL_CERT_FILE": str(file)}
    address = to_slack if place.guarded else way.address if place.slack else to_slack
    headless.stage.workspace.address = address
    return Scene(
        headless=headless,
        cognito=cognito,
        to_slack=way,
        environment={
            "SLACK_API_URL": f"{address}/api/",
            "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER": to_cognito,
            **environment,
        },
    )
