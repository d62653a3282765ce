"""Which thread a command or press gets, so that no one and nothing holds up the others."""

from collections.abc import Callable
from typing import Protocol

from bot.request import Operator


class Lane(Protocol):
    """A bounded number of threads for one sort of work."""

    def run(self, request_id: str, work: Callable[[], object], *, urgent: bool = False) -> None:
        """Start `work` on a thread that logs this id. Raises `BusyError`; only `urgent` work gets the last threads."""


class Entrance(Protocol):
    """Gives each command and press a lane: one for known operators, another for newcomers, who get few places each.

    It decides nothing: everyone is authorized all the same.
    """

    def run(self, who: Operator, request_id: str, work: Callable[[], object], *, urgent: bool = False) -> None:
        """Start `work` on their lane. Raises `BusyError` where there is no room, or too much of theirs is under way."""

    def knows(self, who: Operator) -> bool:
        """Whether they have the lane of operators."""

    def note(self, who: Operator, *, allowed: bool) -> None:
        """Note whether they were allowed just now."""
