"""The bot's cards in the headless workspace, for tests of what operators are told."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from examples import NOON, StoppedClock
from headless import SAM, SUPPORT, Headless
from messages import SHOWN

from bot.ports import Place
from bot.slack.clients import BlockingClient
from bot.slack.reply import CardReply, SlackCards

TELL, POST = "response_url", "chat.postMessage"
UNTIL = NOON + timedelta(minutes=30)


@dataclass
class Timed:
    """How many seconds it took to each card and each result."""

    cards: list[float] = field(default_factory=list)
    results: list[float] = field(default_factory=list)


@dataclass
class Workspace:
    """A Slack, the bot's cards in it, and what went wrong."""

    headless: Headless
    refusing: bool = False
    clock: StoppedClock = field(default_factory=StoppedClock)
    timed: Timed = field(default_factory=Timed)
    failed: list[tuple[str, str]] = field(default_factory=list)

    @property
    def cards(self) -> SlackCards:
        environment = self.headless.environment
        client = BlockingClient(
            environment["SLACK_BOT_TOKEN"], environment["SLACK_API_URL"], lambda *call: self.failed.append(call)
        )
        return SlackCards(
            client=client,
            shown=SHOWN,
            audit_refused=lambda: self.refusing,
            now=self.clock.now,
            card_shown=self.timed.cards.append,
            result_shown=self.timed.results.append,
        )

    def place(self, *, pressed: bool = False) -> Place:
        """Return where a command's answer goes or, after a press on the newest message, where that message is."""
        ts = self.headless.messages(SAM)[-1].ts if pressed else None
        url = self.headless.do(lambda: self.headless.stage.workspace.response_urls.issue(SAM, SUPPORT, ts))
        return Place(response_url=url, until=UNTIL, replaces=pressed)

    def reply(self, *, pressed: bool = False, came_at: datetime = NOON) -> CardReply:
        return CardReply(self.cards, self.place(pressed=pressed), came_at)

    def seen(self) -> list[str]:
        return [each.text for each in self.headless.messages(SAM)]
