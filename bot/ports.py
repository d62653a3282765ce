"""What the rules need of the world, as Protocols. Adapters in slack/, aws/ and stores/ keep these promises."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from bot.action import Answer, Step
from bot.audit import Entry
from bot.errors import BotError
from bot.limits import Window
from bot.options import Attribute
from bot.request import Account, Request, Session


class Clock(Protocol):
    """Time."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""

    def monotonic(self) -> float:
        """Return seconds that only go on: no one can set them, and they may stop while the machine sleeps."""

    def sleep(self, seconds: float) -> None:
        """Block this thread for `seconds`."""


class SureClock(Clock, Protocol):
    """A clock that says whether it can be trusted."""

    def error(self) -> BotError | None:
        """Return why nothing may be begun or decided by this clock; None where there is no reason."""

    def beyond(self, longest: timedelta) -> datetime | None:
        """Return the end of `longest`, from now; None while this clock is not confirmed.

        Nothing is put off for longer: a stored time beyond it was written by a clock that was wrong, and is due now.
        """


Left = Callable[[], timedelta]  # how long something may still leave: once no time is left, it is not sent


def lasting(clock: Clock, length: timedelta) -> Left:
    """Return what counts down a length of time from now: what is left by the wall clock or `monotonic`, the lesser."""
    end, monotonic_end = clock.now() + length, clock.monotonic() + length.total_seconds()
    return lambda: min(end - clock.now(), timedelta(seconds=monotonic_end - clock.monotonic()))


class UserPool(Protocol):
    """One configured Cognito user pool. Each call is bounded by `bot.work.CALL`, and again where STS is asked."""

    @property
    def pool_id(self) -> str:
        """The user pool's id, which its replica in another region has too."""

    @property
    def region(self) -> str:
        """The AWS region where it is asked."""

    def on_behalf(self, request_id: str, operator_id: str) -> "UserPool":
        """Return this pool for calls that AWS's own trail shows as made for this request and operator."""

    def list_users(self, attribute: Attribute, value: str) -> Sequence[Account]:
        """Return every account with this value, a moment ago. Raises `PoolUnavailableError`, also for an empty one."""

    def get_user(self, username: str) -> Account | None:
        """Return who has this name or alias. It counts towards the pool's bill. Raises `PoolUnavailableError`."""

    def groups_of(self, username: str) -> frozenset[str]:
        """Return someone's Cognito groups, by name; empty for no such account. Raises `PoolUnavailableError`."""

    def tracks_sessions(self) -> bool:
        """Return whether the pool says that it tracks sessions. Raises `PoolUnavailableError`."""

    def sessions(self, username: str) -> Sequence[Session]:
        """Return someone's sessions, some seconds ago; none for no such account. Raises `PoolUnavailableError`."""

    def end_session(self, session_id: str, username: str, left: Left) -> Answer:
        """End a session and what is linked to it, once; see `CognitoUserPool`. Never sent once no time is `left`."""

    def call(self, step: Step, username: str, left: Left) -> Answer:
        """Call a step's operation once, and say what is known afterwards. Never sent once no time is `left`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a card is: a response_url, which works `until` then. From a click it `replaces` the card, else posts it."""

    response_url: str = field(repr=False)
    until: datetime
    replaces: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Show:
    """What a move does to the card: where it is now (None: where it was), and when it is due if no one showed it."""

    at: datetime
    place: Place | None = None


class MessageKind(StrEnum):
    """Which of a request's messages."""

    CARD = "card"  # for the operator who asked
    APPROVAL = "approval"  # for those who may approve it


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveMessage:
    """A message as the store has it: to be shown as of `version` at `due_at`; `hold` names who shows it now."""

    request_id: str
    kind: MessageKind = MessageKind.CARD
    version: int
    due_at: datetime | None = None
    place: Place | None = None  # of a card: None once its response_url has ended
    ts: str | None = None  # of an approval message: Slack's id, once it was posted
    failures: int = 0  # in a row
    hold: str | None = None


# A store keeps the next four. A method returns only after its write is durable, and raises `StoreUnavailableError`
# where the store cannot be read or written. Lists begin with the oldest and have at most `limit` members. What is due
# at `beyond` or later counts as due now, and comes last: see `SureClock`.


class Requests(Protocol):
    """Where requests live."""

    def add(self, request: Request, entry: Entry, show: Show | None) -> None:
        """Store a new request, its entry and its card. Raises `SupersededError` where its id is there already."""

    def move(
        self, before: Request, after: Request, entry: Entry | None, show: Show | None, counted: Sequence[Window] = ()
    ) -> None:
        """Replace `before` by `after`, add the entry, note the card and count the decision, all or nothing.

        With a card, an approval's message is due at once. Raises `IllegalMoveError` and what `bot.errors` has for it.
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

    def expired(self, now: datetime, limit: int, beyond: datetime | None = None) -> Sequence[Request]:
        """Return the requests that still await their operator after `expires_at`."""

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
    """What people are still to be told: entries for the audit channel, and cards for operators."""

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
        """Return the cards that are due to be shown."""

    def hold_message(self, message: LiveMessage, until: datetime) -> LiveMessage | None:
        """Take a card to show it: no one else gets it before `until`. None where it was taken or shown since."""

    def shown(self, message: LiveMessage) -> None:
        """Note that Slack took it as of `message.version`, or that there is no way to show that version.

        It is due no longer, unless someone else holds it, or it became due at once since it was held. It stays due if
        an earlier try failed, since that may come late. If the request has moved on, it is due at once.
        """

    def not_shown(self, message: LiveMessage, next_at: datetime | None) -> None:
        """Note that Slack may not have taken the card: it is due then (None: as before), or at once, as in `shown`."""

    def keeps(self, request_id: str, ts: str) -> bool:
        """Whether message `ts` is the approval message that is brought up to date. It becomes that where none was."""

    def show_again(self, request_id: str) -> None:
        """Make the card of a request due at once, since it reads differently now."""


class AuditChannel(Protocol):
    """The Slack channel in which every outcome is posted. Raises `DeliveryError` unless Slack took a message."""

    def post(self, entry: Entry, left: Left) -> str:
        """Post a message for an entry; return its `ts`."""


class Cards(Protocol):
    """Messages in Slack that are drawn from requests. Raises `DeliveryError` unless Slack took one."""

    def show(self, request: Request, place: Place | None, left: Left) -> None:
        """Show a request's card at `place`; without one, as a direct message to its operator."""

    def show_approval(self, request: Request, ts: str | None, left: Left) -> str:
        """Post a request to those who may approve it, or bring the message `ts` up to date; return its `ts`."""
