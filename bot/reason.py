"""The reason for what is asked: whether there must be one, what it must contain, and which part of it is a ticket."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from re import Match
from typing import Protocol

from bot.errors import UsageError


class Pattern(Protocol):
    """A regular expression whose matching takes time in proportion to the text, for any expression and any text."""

    @property
    def pattern(self) -> str:
        """The expression as it was written."""

    def finditer(self, text: str) -> Iterable[Match[str]]:
        """Return every match."""


@dataclass(frozen=True, slots=True)
class ReasonRule:
    """What is asked of a reason: by `required`, any; by `pattern`, one in which it matches somewhere."""

    required: bool = False
    pattern: Pattern | None = None

    def check(self, reason: str | None) -> None:
        """Raise `UsageError` for a reason that will not do."""
        such = self.pattern.pattern if self.pattern else ""
        if self.required and not reason:
            raise UsageError(f"A reason is needed: add --reason TEXT{such and f' with what {such} matches'}.")
        if reason and such and not self.tickets(reason):
            raise UsageError(f"The reason must contain what {such} matches, such as a ticket number.")

    def tickets(self, reason: str) -> Sequence[tuple[int, int]]:
        """Return where the pattern matches, each as its beginning and end."""
        found = self.pattern.finditer(reason) if self.pattern else ()
        return [match.span() for match in found if match.span()[0] < match.span()[1]]
