"""What tests of the whole bot share: names, a card to begin with, what its SQLite store holds, and a clock."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from headless import Headless

from bot.audit import Entry
from bot.request import Request
from bot.sandbox.board import Message
from bot.stores.sqlite.store import SQLiteStore
from bot.wiring.shared import SystemClock

CONFIRM, CANCEL = "signout_confirm", "signout_cancel"
FIND, SIGN_OUT, POST, TELL = "ListUsers", "AdminUserGlobalSignOut", "chat.postMessage", "response_url"
ACKED_WITHIN = 3.0  # by Slack


def card_for(headless: Headless, person: str, text: str = "ada --pool customers") -> Message:
    """Type the command; return the card once the bot has noted it: one pressed before that is shown once more."""
    ack = headless.command(person, text)
    assert ack.error is None
    assert ack.seconds < ACKED_WITHIN
    card = headless.wait_for_message(person, button=CONFIRM)
    headless.rest()
    return card


@contextmanager
def store_of(headless: Headless) -> Iterator[SQLiteStore]:
    """Give the bot's store, beside the bot: unopened, so that nothing in it changes by itself."""
    store = SQLiteStore(store_path(headless))
    try:
        yield store
    finally:
        store.close()


def trail(headless: Headless) -> list[Entry]:
    """All audit entries in the store, in order."""
    with store_of(headless) as store:
        return list(store.entries(None, None))


def entries(headless: Headless) -> list[str]:
    """The kinds of all audit entries in the store, in order."""
    return [str(entry.kind) for entry in trail(headless)]


def requests(headless: Headless) -> list[Request]:
    """All requests in the store, in order."""
    ids = dict.fromkeys(entry.ask.id for entry in trail(headless) if entry.request)
    with store_of(headless) as store:
        return [request for request in map(store.get, ids) if request]


def states(headless: Headless) -> list[str]:
    """The states of all requests in the store, in order."""
    return [str(request.state) for request in requests(headless)]


def held_by(headless: Headless) -> str:
    """Everything that the store holds, as text, in all of its tables."""
    with closing(sqlite3.connect(store_path(headless))) as db:
        return "\n".join(db.iterdump())


def store_path(headless: Headless) -> Path:
    """Where the bot of this stage keeps its store."""
    return Path(headless.environment["SIGNOUT_STORE"].removeprefix("sqlite:///"))


def travel(headless: Headless, *, runs: bool = True) -> "Travel":
    """Give the bots of this stage a clock. It goes forward only while they are at rest."""
    headless.clock = clock = Travel(at_rest=headless.at_rest, runs=runs)
    return clock


@dataclass
class Travel:
    """A clock that can be put forward, within `at_rest`, and runs as the machine's does, or does not run by itself.

    With one that does not, a slow machine is in no test's way: what is to happen later happens once it is put forward.
    """

    ahead: timedelta = field(default_factory=timedelta)
    at_rest: Callable[[], AbstractContextManager[None]] = nullcontext
    runs: bool = True
    begun: tuple[datetime, float] = field(default_factory=lambda: (datetime.now(UTC), SystemClock.monotonic()))

    def forward(self, **length: float) -> None:
        """Put the clock forward."""
        with self.at_rest():
            self.ahead += timedelta(**length)

    def now(self) -> datetime:
        """Return the time on this clock."""
        return (datetime.now(UTC) if self.runs else self.begun[0]) + self.ahead

    def monotonic(self) -> float:
        """Return what the machine's does, put forward as well."""
        return (SystemClock.monotonic() if self.runs else self.begun[1]) + self.ahead.total_seconds()

    def sleep(self, seconds: float) -> None:
        """Wait as the machine does."""
        SystemClock.sleep(seconds)
