"""What the rules need of the world, as Protocols. Adapters in slack/, aws/ and stores/ keep these promises."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, Protocol, TypeVar

from bot.audit import AuditEntry
from bot.request import Account, SignOutRequest

T = TypeVar("T")


class Clock(Protocol):
    """Time. Instances' clocks are assumed to agree within 5 s."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""

    def sleep(self, seconds: float) -> None:
        """Block this thread for `seconds`."""


class Groups(Protocol):
    """Slack user groups."""

    def members(self, group_id: str) -> frozenset[str] | None:
        """Return the user ids in a group, at most 60 s old; None where Slack cannot list it."""


@dataclass(frozen=True, slots=True)
class SignedOut:
    """Cognito said yes."""

    aws_request_id: str | None


@dataclass(frozen=True, slots=True)
class Refused:
    """Cognito, or AWS in front of it, definitely said no, or the call was never `sent`: nothing was done by it."""

    code: str
    aws_request_id: str | None
    may_retry: bool = False
    sent: bool = True


@dataclass(frozen=True, slots=True)
class Unclear:
    """The call got no clear answer: it may or may not have been carried out."""

    code: str
    aws_request_id: str | None = None


class Attribute(StrEnum):
    """What ListUsers can search by, and this bot does."""

    USERNAME = "username"
    EMAIL = "email"
    PHONE = "phone_number"
    SUB = "sub"


class UserPool(Protocol):
    """One configured Cognito user pool. Each call is bounded by `bot.sign_out.CALL`, and again where STS is asked."""

    @property
    def pool_id(self) -> str:
        """The user pool's id."""

    @property
    def default_region(self) -> str | None:
        """The country in which phone numbers without a country code are read, such as DE."""

    def on_behalf(self, request_id: str, operator_id: str) -> "UserPool":
        """Return this pool for calls that AWS's own trail shall show as made for this request and operator."""

    def list_users(self, attribute: Attribute, value: str) -> Sequence[Account]:
        """Return every account that Cognito gives for this value, all pages read. Never an empty filter.

        Eventually consistent. Raises `PoolUnavailableError`, also for a value that no filter can hold.
        """

    def get_user(self, username: str) -> Account | None:
        """Return the account that Cognito has under this name. It counts towards the pool's bill.

        Raises `PoolUnavailableError`.
        """

    def sign_out(self, username: str, leave_within: timedelta) -> SignedOut | Refused | Unclear:
        """Call AdminUserGlobalSignOut once, without any retry, and say what is known afterwards.

        A request that could not leave in time, say because credentials were slow to come, is never sent.
        """


class Together(Protocol):
    """Does several things at the same time."""

    def __call__(self, works: Sequence[Callable[[], T]]) -> Sequence[T]:
        """Return all results in order. Raises the first error."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """The entries that wait for delivery: how many, and since when the oldest does."""

    entries: int
    oldest_at: datetime | None


class RequestStore(Protocol):
    """Where requests and audit entries live. A method returns only after its write is durable.

    Each raises `StoreUnavailableError` where the store cannot be read or written.
    """

    def add(self, request: SignOutRequest, entry: AuditEntry) -> None:
        """Store a new request together with its entry. Raises `SupersededError` where its id is there already."""

    def advance(self, before: SignOutRequest, after: SignOutRequest, entry: AuditEntry) -> None:
        """Replace `before` by `after` and add the entry, both or neither.

        Raises `SupersededError` where the stored version is no longer `before`'s, and `IllegalMoveError` for a move
        that the table does not have.
        """

    def get(self, request_id: str) -> SignOutRequest | None:
        """Return a request, or None."""

    def last_signed_out(self, account: Account) -> SignOutRequest | None:
        """Return the request that last signed this account out, or None."""

    def dead_claims(self, now: datetime) -> Sequence[SignOutRequest]:
        """Return the requests in SIGNING_OUT whose lease has run out, oldest first."""

    def expired(self, now: datetime) -> Sequence[SignOutRequest]:
        """Return the requests that still await their operator after `expires_at`, oldest first."""

    def wipe_response_urls(self, created_before: datetime) -> None:
        """Forget the response_urls that Slack no longer takes."""

    def record(self, entry: AuditEntry) -> None:
        """Store an entry that belongs to no move, such as a refusal."""

    def entries(self, since: datetime | None, request_id: str | None) -> Iterator[AuditEntry]:
        """Give all entries, or those from a time on, or of one request, oldest first; memory holds a page of them."""

    def backlog(self) -> Backlog:
        """Return what waits for delivery."""

    def forget_delivered(self, before: datetime) -> int:
        """Delete some of what ended, and was delivered where it had to be, before then; return how many entries."""

    def check_writable(self) -> None:
        """Write something and take it back. Raises `StoreUnavailableError`."""

    def undelivered(self, now: datetime, limit: int) -> Sequence[AuditEntry]:
        """Return entries that are due for delivery, oldest first."""

    def refusals_waiting(self, team_id: str, operator_id: str, limit: int) -> Sequence[AuditEntry]:
        """Return an operator's undelivered refusals, oldest first."""

    def last_refusal_delivered_at(self, team_id: str, operator_id: str) -> datetime | None:
        """Return when the channel last heard of a refusal of this operator."""

    def next_delivery_at(self) -> datetime | None:
        """Return when the next entry is due, or None where nothing waits."""

    def hold(self, entries: Sequence[AuditEntry], until: datetime) -> Sequence[AuditEntry]:
        """Take these entries for delivery: nobody else gets them before `until`. Return those that were got, so held.

        One that was taken, postponed or delivered since it was read is not got.
        """

    def delivered(self, entries: Sequence[AuditEntry], ts: str, now: datetime) -> None:
        """Note that Slack took these entries, as message `ts`. What was noted before stays."""

    def postponed(self, entries: Sequence[AuditEntry], next_at: datetime, *, failed: bool) -> None:
        """Note when to try these entries again, unless somebody took them since; `failed` counts an attempt."""


class AuditChannel(Protocol):
    """The Slack channel that hears of every outcome."""

    def post(self, entries: Sequence[AuditEntry]) -> str:
        """Post one message for one entry, or for several refusals of one operator; return its `ts`.

        Raises `DeliveryError` unless Slack definitely took it.
        """


@dataclass(frozen=True, slots=True)
class Finding:
    """What `check` found of one thing that the bot needs; `fix` says what to do about it."""

    name: str
    status: Literal["ok", "warning", "missing", "not tried"]
    sentence: str
    fix: str = ""
