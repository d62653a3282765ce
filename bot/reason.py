"""The reason for a sign-out: whether there must be one, what it must contain, and which part of it is a ticket."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.errors import UsageError


class Match(Protocol):
    """A place where a pattern matches."""

    def span(self) -> tuple[int, int]:
        """Return where it begins and ends."""


class Pattern(Protocol):
    """A regular expression whose matching takes time in proportion to the text, whatever it and the text are."""

    @property
    def pattern(self) -> str:
        """The expression as it was written."""

    def finditer(self, text: str) -> Iterable[Match]:
        """Return every match."""


@dataclass(frozen=True, slots=True)
class ReasonRule:
    """What is asked of a reason: by `required`, any; by `pattern`, one in which it matches somewhere."""

    required: bool = False
    pattern: Pattern | None = None

    def check(self, reason: str | None) -> None:
        """Raise `UsageError` for a reason that will not do."""
        if self.required and not reason:
            raise UsageError(f"A reason is needed: add --reason TEXT{self._such()}.")
        if reason and self.pattern and not self.tickets(reason):
            raise UsageError(f"The reason must contain what {self.pattern.pattern} matches, such as a ticket number.")

    def tickets(self, reason: str) -> Sequence[tuple[int, int]]:
        """Return where the pattern matches, each as its beginning and end."""
        return (
            [match.span() for match in self.pattern.finditer(reason) if match.span()[0] < match.span()[1]]
            if self.pattern
            else []
        )

    def _such(self) -> str:
        return f" with what {self.pattern.pattern} matches" if self.pattern else ""
