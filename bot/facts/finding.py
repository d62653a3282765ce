"""What `check` finds of each thing that the bot needs, and what a store says of the entries that wait."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

COUNTED_UP_TO = 1_000  # what waits is counted no further


@dataclass(frozen=True, slots=True)
class Finding:
    """What `check` found of one thing that the bot needs; `fix` says what to do about it."""

    name: str
    status: Literal["ok", "warning", "missing", "not tried"]
    sentence: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Backlog:
    """The entries that wait for delivery: how many, or so many and `more`. Since when the oldest outcome waits."""

    entries: int
    oldest_at: datetime | None
    more: bool = False
