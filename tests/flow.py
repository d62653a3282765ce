"""What several tests of the whole flow say."""

import sqlite3
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from headless import Headless

from bot.sandbox.board import Message
from bot.wiring.shared import SystemClock

CONFIRM, CANCEL = "signout_confirm", "signout_cancel"
FIND, SIGN_OUT, POST = "ListUsers", "AdminUserGlobalSignOut", "chat.postMessage"
ACKED_WITHIN = 3.0  # by Slack


def card_for(headless: Headless, person: str, text: str = "ada --pool customers") -> Message:
    """Type the command; return the card."""
    ack = headless.command(person, text)
    assert ack.error is None
    assert ack.seconds < ACKED_WITHIN
    return headless.wait_for_message(person, button=CONFIRM)


def entries(headless: Headless) -> list[str]:
    """The kinds of all audit entries in the store, in order."""
    with sqlite3.connect(store_path(headless)) as db:
        kinds = [kind for (kind,) in db.execute("SELECT document ->> 'kind' FROM entries ORDER BY id")]
    db.close()
    return kinds


def states(headless: Headless) -> list[str]:
    """The states of all requests in the store, in order."""
    with sqlite3.connect(store_path(headless)) as db:
        found = [state for (state,) in db.execute("SELECT document ->> 'state' FROM requests ORDER BY id")]
    db.close()
    return found


def store_path(headless: Headless) -> Path:
    """Where the bot of this stage keeps its store."""
    return Path(headless.environment["SIGNOUT_STORE"].removeprefix("sqlite:///"))


@dataclass
class Travel:
    """A clock that runs as the machine's does, but can be put forward."""

    ahead: timedelta = field(default_factory=timedelta)
    _real: SystemClock = field(default_factory=SystemClock)

    def __call__(self) -> "Travel":
        return self

    def forward(self, **length: float) -> None:
        """Put the clock forward."""
        self.ahead += timedelta(**length)

    def now(self) -> datetime:
        """Return the time on this clock."""
        return datetime.now(UTC) + self.ahead

    def sleep(self, seconds: float) -> None:
        """Wait as the machine does."""
        self._real.sleep(seconds)
