"""What the rules need of a store, as Protocols.

A method returns only after its write is durable, and raises `StoreUnavailableError` where the store cannot be read or
written. Results begin with the oldest and have at most `limit` members. What is due at `beyond` or later counts as due
now, and comes last: see `SureClock`.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from bot.account import Account
from bot.audit import Entry
from bot.limits import Window
from bot.ports import LiveMessage, Show
from bot.request import Request


class Requests(Protocol):
    """Where requests live."""

    def add(self, request: Request, entry: Entry | None, show: Show | None) -> None:
        """Store a new request, its entry and its card. Raises `SupersededError` where its id is there already."""

    def move(
        self, before: Request, after: Request, entry: Entry | None, show: Show | None, counted: Sequence[Window] = ()
    ) -> None:
        """Replace `before` by `after`, add the entry, note the card and count the decision, all or nothing.

        With the card, the approval message of a request that has an `approval` is due at once. The progress message of
        a list that was decided on is so with each move. Raises
        `SupersededError` where the stored version is no longer `before`'s, `CountChangedError` where a window was
        written since it was read, and `IllegalMoveError`.
        """

    def windows(self, keys: Sequence[str]) -> Sequence[Window]:
        """Return the windows with these keys, in their order; a new one where none is stored."""

    def tell(self, windows: Sequence[Window], entry: Entry) -> None:
        """Store windows and an entry, all or nothing. Raises `CountChangedError`."""

    def get(self, request_id: str) -> Request | None:
        """Return a request, or None. Raises `NewerVersionError` for one that only a newer bot can read."""

    def last_signed_out(self, account: Account) -> Request | None:
        """Return the request that last signed this account out, or None."""

    def past(self, subjects: Sequence[str], limit: int) -> Sequence[Entry]:
        """Return the last outcomes that are found by any of these: see `bot.audit.subjects_of`."""

    def signed_out_at(self, account: Account) -> datetime | None:
        """Return when this account was last signed out, or None."""

    def expired(self, now: datetime, limit: int, beyond: datetime | None = None) -> Sequence[Request]:
        """Return the requests in a state of `AWAITING` after `expires_at`."""

    def ready(self, decided_before: datetime, limit: int, beyond: datetime | None = None) -> Sequence[Request]:
        """Return the requests in READY that were decided before then."""

    def dead(self, lease_before: datetime, limit: int, beyond: datetime | None = None) -> Sequence[Request]:
        """Return the requests in RUNNING whose lease ended before then."""


class Trail(Protocol):
    """Where audit entries that belong to no move are stored."""

    def record(self, entry: Entry) -> None:
        """Store an entry, such as a refusal."""


class Tallies(Trail, Protocol):
    """A trail that keeps entries which still grow: tallies. No reader of the trail sees them yet."""

    def tally(self, tallies: Sequence[Entry]) -> None:
        """Store tallies, each in place of what was stored under its id."""

    def tallies(self, before: datetime, limit: int, beyond: datetime | None = None) -> Sequence[Entry]:
        """Return the tallies that were begun before then."""

    def settle(self, tally_id: str, now: datetime) -> None:
        """Make a tally an entry, due now, in one write; nothing where it is there no longer.

        Where there is an entry of it, made before it had grown to this, another one tells of what came since.
        """


class Outbox(Protocol):
    """What people are still to be told: entries for the audit channel, and messages that follow their requests."""

    def next_entry_at(self, *, refused: bool = False) -> datetime | None:
        """Return when the next outcome, or the next refusal, is due; None where none waits."""

    def due_entries(
        self, now: datetime, limit: int, beyond: datetime | None = None, *, refused: bool = False
    ) -> Sequence[Entry]:
        """Return outcomes, or refusals, that are due for delivery."""

    def hold(self, entry: Entry, until: datetime) -> Entry | None:
        """Take an entry, so that no one else gets it before `until`. None where it was taken since."""

    def delivered(self, entry: Entry, ts: str, now: datetime) -> None:
        """Note that Slack took an entry, as message `ts`. What was noted before stays."""

    def postponed(self, entry: Entry, next_at: datetime) -> None:
        """Note that an attempt failed, and when to try the entry again, unless someone took it since."""

    def due_messages(self, now: datetime, limit: int, beyond: datetime | None = None) -> Sequence[LiveMessage]:
        """Return the messages that are due to be shown."""

    def hold_message(self, message: LiveMessage, until: datetime) -> LiveMessage | None:
        """Take a message to show it: no one else gets it before `until`. None where it was taken or shown since."""

    def shown(self, message: LiveMessage) -> None:
        """Note that Slack took it as of `message.version`, or that there is no way to show that version.

        It is due no longer, unless someone else holds it, or it became due at once since it was held. It stays due if
        an earlier try failed, since that may come late. If the request has moved on, it is due at once.
        """

    def not_shown(self, message: LiveMessage, next_at: datetime | None) -> None:
        """Note that Slack may not have taken it: it is due then (None: as before), or at once, as in `shown`."""

    def progress_ts(self, list_id: str) -> str | None:
        """Return Slack's id of a list's progress message, of two the first; None before it was posted."""

    def keep_up_to_date(self, request_id: str, ts: str) -> None:
        """Note that message `ts` asks to approve a request. Where that is news, all that ask for it are due at once."""

    def show_again(self, request_id: str) -> None:
        """Make the card of a request due at once, since it reads differently now."""


class Lists(Requests, Protocol):
    """Where lists live: as requests, with their accounts in portions."""

    def lists(self, now: datetime, limit: int, beyond: datetime | None = None) -> Sequence[Request]:
        """Return the lists of which something is to be done: those on which no one worked for longest come first."""

    def put_portion(self, list_id: str, number: int, accounts: Sequence[Account]) -> None:
        """Store the accounts of a portion, from 0 on, in place of those that it had."""

    def portions(self, list_id: str, numbers: range) -> Iterator[Sequence[Account]]:
        """Give the accounts of each portion that there is with one of these numbers, in their order."""

    def lease(self, key: str, holder: str, now: datetime, until: datetime, longest: timedelta) -> bool:
        """Take a lease or, for its holder, prolong it; return whether it is theirs until then.

        It is taken from another holder only after the end of theirs, or if that is further away than `longest`.
        """

    def give_back(self, key: str, holder: str) -> None:
        """End a lease, if it is the holder's."""
