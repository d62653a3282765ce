"""How the flow tells people what came of what they did. A card, a form and a terminal each do it in their own way."""

from collections.abc import Sequence
from typing import Protocol

from bot.errors import BotError
from bot.history import Past
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

    def say(self, error: BotError) -> None:
        """Say what was wrong and what to do."""


class Introduction(Reply, Protocol):
    """A reply that can say what the operator may do."""

    def tell(self, standing: Standing) -> None:
        """Say it."""


class Form(Reply, Protocol):
    """A form that asks for what the command did not say."""

    def open(self, pools: Sequence[str], actions: Sequence[str]) -> None:
        """Open it, for an operator who may use these pools, and ask for these actions in one of them at least."""


class ListReply(Reply, Protocol):
    """A reply that shows how far the look-up of a list is."""

    def looking(self, request: Request) -> None:
        """Show how many lines were looked up."""


class ListForm(Reply, Protocol):
    """A form that asks for a list."""

    def open(self, pools: Sequence[str]) -> None:
        """Open it, for an operator who may use these pools."""


class Recount(Reply, Protocol):
    """A reply that can tell what was asked for before."""

    def recount(self, past: Past) -> None:
        """Tell what was asked for, and what came of it."""


class Denial(Reply, Protocol):
    """A form that asks an approver for the reason of a no."""

    def open(self, request: Request) -> None:
        """Open it."""
