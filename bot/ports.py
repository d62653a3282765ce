"""What the rules need of the world, as Protocols. Adapters in slack/, aws/, stores/ and edge/ keep these promises."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from bot.account import Account, Session
from bot.action import Answer, Step
from bot.audit import Entry
from bot.errors import BotError
from bot.options import Attribute
from bot.request import Operator, Request


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

    def everyone(self, token: str | None = None) -> tuple[Sequence[Account], str | None]:
        """Return some of the accounts, and what gives the next ones; None after the last. Raises as `list_users`."""

    def members_of(self, group: str) -> frozenset[str]:
        """Return the user names in a Cognito group. Raises `PoolUnavailableError`, also where there is none such."""

    def prepare(self) -> None:
        """Get what signs the next call, so that it can leave at once. What that raises, the call will tell."""

    def groups_of(self, username: str) -> frozenset[str]:
        """Return someone's Cognito groups, by name; empty for no such account. Raises `PoolUnavailableError`."""

    def tracks_sessions(self) -> bool:
        """Return whether the pool says that it tracks sessions. Raises `PoolUnavailableError`."""

    def sessions(self, username: str) -> Sequence[Session]:
        """Return someone's sessions, some seconds ago; none for no such account. Raises `PoolUnavailableError`."""

    def end_session(self, session_id: str, username: str, left: Left) -> Answer:
        """End a session and its linked ones, once; a yes says nothing of these. Never sent once no time is `left`."""

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
    PROGRESS = "progress"  # of a list, in the audit channel: how far it is


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveMessage:
    """A message as the store has it: to be shown as of `version` at `due_at`; `hold` names who shows it now."""

    request_id: str
    kind: MessageKind = MessageKind.CARD
    version: int
    due_at: datetime | None = None
    place: Place | None = None  # of a card: None once its response_url has ended
    # Of an approval or of progress: Slack's ids of what was posted. Two instances, or a lost answer, may leave two.
    ts: tuple[str, ...] = ()
    failures: int = 0  # in a row
    hold: str | None = None


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

    def show_progress(self, request: Request, ts: str | None, left: Left) -> str:
        """Post how far a list is to the audit channel, or bring the message `ts` up to date; return its `ts`."""


class Lane(Protocol):
    """A bounded number of threads for one sort of work."""

    def run(self, request_id: str, work: Callable[[], object], *, urgent: bool = False) -> None:
        """Start `work` on a thread that logs this id. Raises `BusyError`; only `urgent` work gets the last threads."""


class Entrance(Protocol):
    """Gives each command and press a lane: one for known operators, another for newcomers, who get few places each.

    It decides nothing: everyone is authorized all the same.
    """

    def run(self, who: Operator, request_id: str, work: Callable[[], object], *, urgent: bool = False) -> None:
        """Start `work` on their lane. Raises `BusyError` where there is no room, or too much of theirs is under way."""

    def knows(self, who: Operator) -> bool:
        """Whether they have the lane of operators."""

    def note(self, who: Operator, *, allowed: bool) -> None:
        """Note whether they were allowed just now."""
