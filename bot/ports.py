"""What the rules need of the world, as Protocols. Adapters in slack/, aws/ and stores/ keep these promises."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from bot.action import Answer, Step
from bot.audit import Entry
from bot.request import Account, Request


class Clock(Protocol):
    """Time."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""

    def monotonic(self) -> float:
        """Return seconds that only go on: no one can set them, and they may stop while the machine sleeps."""

    def sleep(self, seconds: float) -> None:
        """Block this thread for `seconds`."""


Left = Callable[[], timedelta]  # how long something may still leave: once no time is left, it is not sent


def lasting(clock: Clock, length: timedelta) -> Left:
    """Return what is left of a length of time that begins now, by the wall clock or `monotonic`: the lesser."""
    end, monotonic_end = clock.now() + length, clock.monotonic() + length.total_seconds()
    return lambda: min(end - clock.now(), timedelta(seconds=monotonic_end - clock.monotonic()))


class Attribute(StrEnum):
    """What ListUsers can search by, and this bot does."""

    USERNAME = "username"
    EMAIL = "email"
    PHONE = "phone_number"
    SUB = "sub"


class UserPool(Protocol):
    """One configured Cognito user pool. Each call is bounded by `bot.work.CALL`, and again where STS is asked."""

    @property
    def pool_id(self) -> str:
        """The user pool's id."""

    def on_behalf(self, request_id: str, operator_id: str) -> "UserPool":
        """Return this pool for calls that AWS's own trail shows as made for this request and operator."""

    def list_users(self, attribute: Attribute, value: str) -> Sequence[Account]:
        """Return every account with this value, a moment ago. Raises `PoolUnavailableError`, also for an empty one."""

    def get_user(self, username: str) -> Account | None:
        """Return the account of this name. It counts towards the pool's bill. Raises `PoolUnavailableError`."""

    def call(self, step: Step, username: str, left: Left) -> Answer:
        """Call a step's operation once, and say what is known afterwards. Never sent once no time is `left`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a card is: a response_url, which works until then. A click's `replaces` the card, a command's posts it."""

    response_url: str = field(repr=False)
    until: datetime
    replaces: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Show:
    """What a move does to the card: where it is now (None: where it was), and when it is due if no one showed it."""

    at: datetime
    place: Place | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveMessage:
    """A card as the store has it: to be shown as of `version` at `due_at`; `hold` names who shows it now."""

    request_id: str
    version: int
    due_at: datetime | None = None
    place: Place | None = None  # None once its response_url has ended
    failures: int = 0  # in a row
    hold: str | None = None


# A store keeps the next three. A method returns only after its write is durable, and raises `StoreUnavailableError`
# where the store cannot be read or written. Lists begin with the oldest and have at most `limit` members.


class Requests(Protocol):
    """Where requests live."""

    def add(self, request: Request, entry: Entry, show: Show | None) -> None:
        """Store a new request, its entry and its card. Raises `SupersededError` where its id is there already."""

    def move(self, before: Request, after: Request, entry: Entry | None, show: Show | None) -> None:
        """Replace `before` by `after`, add the entry and note the card, all or nothing.

        Raises `SupersededError` where the stored version is no longer `before`'s, and `IllegalMoveError`.
        """

    def get(self, request_id: str) -> Request | None:
        """Return a request, or None. Raises `NewerVersionError` for one that only a newer bot can read."""

    def last_signed_out(self, account: Account) -> Request | None:
        """Return the request that last signed this account out, or None."""

    def expired(self, now: datetime, limit: int) -> Sequence[Request]:
        """Return the requests that still await their operator after `expires_at`."""

    def ready(self, decided_before: datetime, limit: int) -> Sequence[Request]:
        """Return the requests in READY that were decided before then."""

    def dead(self, lease_before: datetime, limit: int) -> Sequence[Request]:
        """Return the requests in RUNNING whose lease ended before then."""


class Trail(Protocol):
    """Where audit entries that belong to no move are stored."""

    def record(self, entry: Entry) -> None:
        """Store an entry, such as a refusal."""


class Outbox(Protocol):
    """What people are still to be told: entries for the audit channel, and cards for operators."""

    def next_entry_at(self) -> datetime | None:
        """Return when the next entry is due, or None where none waits."""

    def due_entries(self, now: datetime, limit: int) -> Sequence[Entry]:
        """Return entries that are due for delivery."""

    def refusals_waiting(self, team_id: str, operator_id: str, limit: int) -> Sequence[Entry]:
        """Return an operator's undelivered refusals."""

    def last_refusal_delivered_at(self, team_id: str, operator_id: str) -> datetime | None:
        """Return when the channel last took a refusal of this operator."""

    def hold(self, entries: Sequence[Entry], until: datetime) -> Sequence[Entry]:
        """Take entries, so that no one else gets them before `until`; return those that no one took since."""

    def delivered(self, entries: Sequence[Entry], ts: str, now: datetime) -> None:
        """Note that Slack took these entries, as message `ts`. What was noted before stays."""

    def postponed(self, entries: Sequence[Entry], next_at: datetime, *, failed: bool) -> None:
        """Note when to try these entries again, unless someone took them since; `failed` counts an attempt."""

    def due_messages(self, now: datetime, limit: int) -> Sequence[LiveMessage]:
        """Return the cards that are due to be shown."""

    def hold_message(self, message: LiveMessage, until: datetime) -> LiveMessage | None:
        """Take a card to show it: no one else gets it before `until`. None where it was taken or shown since."""

    def shown(self, message: LiveMessage) -> None:
        """Note that Slack took the card as of `message.version`, or that there is no way to show that version.

        It is due no longer, unless someone else holds it, or it became due at once since it was held. If an earlier try
        failed, that one may still come, and late: the card stays due. If the request has moved on, it is due at once.
        """

    def not_shown(self, message: LiveMessage, next_at: datetime | None) -> None:
        """Note that Slack may not have taken the card: it is due then (None: as before), or at once, as in `shown`."""

    def show_again(self, request_id: str) -> None:
        """Make the card of a request due at once, since it reads differently now."""


class AuditChannel(Protocol):
    """The Slack channel in which every outcome is posted. Raises `DeliveryError` unless Slack took a message."""

    def post(self, entries: Sequence[Entry], left: Left) -> str:
        """Post one message for one entry, or for several refusals of one operator; return its `ts`."""


class Cards(Protocol):
    """The cards of operators in Slack, drawn from their requests. Raises `DeliveryError` unless Slack took one."""

    def show(self, request: Request, place: Place | None, left: Left) -> None:
        """Show a request at `place`; without one, as a direct message to its operator."""
