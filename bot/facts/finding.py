"""What `check` finds of each thing that the bot needs."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """What `check` found of one thing that the bot needs; `fix` says what to do about it."""

    name: str
    status: Literal["ok", "warning", "missing", "not tried"]
    sentence: str
    fix: str = ""
