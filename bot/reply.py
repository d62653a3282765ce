"""How the flow tells an operator what came of what they did, and asks them what it still has to know."""

from collections.abc import Sequence
from typing import Protocol

from bot import errors
from bot.ports import Place
from bot.request import Request
from bot.whoami import Standing


class Reply(Protocol):
    """How an operator is told what came of what they did: a card in Slack, a form, a terminal."""

    @property
    def place(self) -> Place | None:
        """Where the card is or will be; None where there is none."""

    def show(self, request: Request) -> bool:
        """Show a request as it is; return whether it is certain that this was shown."""

    def say(self, error: errors.BotError) -> None:
        """Say what was wrong and what to do."""

    def tell(self, standing: Standing) -> None:
        """Say what the operator may do."""


class Form(Reply, Protocol):
    """A form that asks for what the command did not say."""

    def open(self, pools: Sequence[str], actions: Sequence[str]) -> None:
        """Open it, for an operator who may use these pools, and ask for these actions in one of them at least."""


class Denial(Reply, Protocol):
    """A form that asks an approver for the reason of a no."""

    def open(self, request: Request) -> None:
        """Open it."""
