"""What a TARGET and a reason may be, in Slack and in a terminal, and the options that ask for another action.

And the usage line that goes with an error, and the attributes by which Cognito looks for a TARGET.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from bot.action import OTHERS, SIGN_OUT
from bot.errors import UsageError
from bot.spellings import bare
from bot.visible import visible

ONLY_SIGNS_OUT = "A list can only sign out."
USAGE = "/signout TARGET [--pool NAME] [--reason TEXT]"
MAX_TARGET = 128  # Cognito's limit for a user name
MAX_REASON = 500
# As people write phone numbers, with at least five digits.
looks_like_phone = re.compile(r"(?=(?:\D*\d){5})[+(\d][\d .()/\-]*").fullmatch
has_surrogate = re.compile("[\ud800-\udfff]").search  # no store can hold a lone one
# Clients turn `--` into a long dash. `?` and `/?` are how Windows and old terminals ask.
asks_for_help = re.compile(r"help|(?:--?|[\u2013\u2014]-?)(?:help|h)|[-/]?[?\uff1f]", re.IGNORECASE).fullmatch


ACTION_OPTIONS = {action.replace("_", "-"): action for action in OTHERS}  # each is written --so


def action_of(given: Iterable[str]) -> str:
    """Return the action that these options ask for. Raises `UsageError` where they ask for several."""
    asked = [name for name in given if name in ACTION_OPTIONS]
    if len(asked) > 1:
        raise UsageError(f"--{asked[0]} and --{asked[1]} are two actions. Ask for one.")
    return ACTION_OPTIONS[asked[0]] if asked else SIGN_OUT


class Attribute(StrEnum):
    """What ListUsers can search by, and this bot does."""

    USERNAME = "username"
    EMAIL = "email"
    PHONE = "phone_number"
    SUB = "sub"
    PREFERRED_USERNAME = "preferred_username"


def check_reason(reason: str | None) -> str | None:
    """Return a reason on one line. Raises `UsageError` for one that is empty or too long, or not valid text."""
    if reason is None:
        return None
    reason = " ".join(reason.split())
    if has_surrogate(reason):
        raise UsageError("--reason is not valid text. Type it instead of pasting it.")
    if len(reason) > MAX_REASON:
        raise UsageError(f"--reason is longer than {MAX_REASON} characters.")
    if all(visible(character) != character for character in reason):
        raise UsageError("--reason needs a value.")
    return reason


def check_target(text: str) -> str:
    """Return a TARGET as typed. Raises `UsageError`.

    A phone number may have blanks in it, and what is around a name, as in `Ada Lindgren <ada@example.com>`.
    """
    if not (words := text.split()):
        raise UsageError("Say whom to sign out: TARGET is missing.")
    target = " ".join(words)
    # The length first: taking signs off costs time.
    name = bare(target) if len(words) > 1 and len(target) <= MAX_TARGET else target
    if " " in name and not looks_like_phone(name):
        raise UsageError("More than one TARGET was given. A user name has no blanks; one person at a time.")
    if len(target) > MAX_TARGET:
        raise UsageError(f"TARGET is longer than {MAX_TARGET} characters, the most Cognito takes.")
    if visible(target) != target:
        raise UsageError("TARGET has an invisible character in it. Type it instead of pasting it.")
    return target


class Pattern(Protocol):
    """A regular expression whose matching takes time in proportion to the text, for any expression and any text."""

    @property
    def pattern(self) -> str:
        """The expression as it was written."""

    def finditer(self, text: str) -> Iterable[re.Match[str]]:
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
