"""The audit trail: which entry each move writes, and what an entry holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from bot import __version__
from bot.account import Account
from bot.action import ACTIONS
from bot.request import ENDED, Ask, Operator, Request, State, new_id


class Kind(StrEnum):
    """What an entry tells of. People's scripts read these words."""

    OPENED = "opened"
    CONFIRMED = "confirmed"
    APPROVED = "approved"
    RESUMED = "resumed"
    PAUSED = "paused"
    CONTINUED = "continued"
    STOPPED = "stopped"
    SIGNED_OUT = "signed_out"
    KEPT_OUT = "kept_out"
    LET_IN = "let_in"
    PASSWORD_RESET = "password_reset"  # noqa: S105 -- a word, no password
    SESSION_ENDED = "session_ended"
    PARTLY = "partly"
    FAILED = "failed"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    DENIED = "denied"
    LIMITED = "limited"
    REFUSED = "refused"
    NOT_FOUND = "not_found"


# With these a command ends; all others are steps on the way.
OUTCOMES = frozenset(Kind) - {
    *(Kind.OPENED, Kind.CONFIRMED, Kind.APPROVED, Kind.RESUMED, Kind.LIMITED),
    *(Kind.PAUSED, Kind.CONTINUED, Kind.STOPPED),
}
COUNTED = OUTCOMES | {Kind.APPROVED, Kind.RESUMED, Kind.LIMITED, Kind.PAUSED}
POSTED = OUTCOMES - {Kind.CANCELLED, Kind.EXPIRED, Kind.NOT_FOUND}

_KIND_OF: Mapping[State, Kind] = {
    State.PREVIEWING: Kind.OPENED,
    State.CHOOSING: Kind.OPENED,
    State.CONFIRMING: Kind.OPENED,
    State.APPROVING: Kind.CONFIRMED,
    State.READY: Kind.CONFIRMED,
    State.RUNNING: Kind.RESUMED,
    State.PAUSED: Kind.PAUSED,
    State.STOPPING: Kind.STOPPED,
    **{state: Kind(state) for state in ENDED - {State.DONE}},  # an action has its own word for that
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """How far an entry is on its way to the audit channel, after so many `attempts` to post it."""

    attempts: int = 0
    next_at: datetime | None = None  # when it is due; None where it is only recorded, and once it was delivered
    delivered_at: datetime | None = None
    ts: str | None = None  # Slack's id of the message


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One line of the trail: the `request` after a move or, where nothing moved, what was `asked` and the `account`."""

    id: str
    kind: Kind
    at: datetime
    rule: str  # what allowed the operator, or what refused them
    request: Request | None = None
    asked: Ask | None = None
    account: Account | None = None
    count: int = 1  # more: so many refusals of one operator, from `at` to `until`, of which `asked` is the first
    until: datetime | None = None
    examples: tuple[str, ...] = ()  # some of the targets that they asked for
    bot_version: str = __version__
    delivery: Delivery = Delivery()

    @property
    def ask(self) -> Ask:
        """What was asked, and by whom. Raises `LookupError` for an entry of nothing, which the bot never writes."""
        ask = self.request.ask if self.request else self.asked
        if ask is None:
            raise LookupError("an entry of nothing")
        return ask

    @property
    def list_id(self) -> str | None:
        """The list that it is about, or that its account is of."""
        request = self.request
        if request is None:
            return None
        return request.id if request.listed else request.list_id

    @property
    def of_one_account(self) -> bool:
        """Whether it is about one account of a list, and not about the list."""
        return bool(self.request and self.request.list_id)

    @property
    def paused_by_bot(self) -> bool:
        """Whether it tells of a list that no one paused but the bot itself."""
        return bool(self.kind is Kind.PAUSED and self.request and not self.request.pressed_by)

    @property
    def chosen(self) -> Account | None:
        """The account that it is about, where that is known."""
        return self.request.chosen if self.request else self.account


def subjects_of(entry: Entry) -> Sequence[str]:
    """Return what the history finds an outcome by: its operator, its account, and what was typed; none for a step.

    Each is within a pool. An entry without an account is in the pool that was named, or else in no pool: "".
    """
    if entry.kind not in OUTCOMES:
        return ()
    options, account = entry.ask.options, entry.chosen
    if account and entry.of_one_account:  # its operator finds the list
        return [by_account(account)]
    pool = pool_subject(account.pool_id, account.region) if account else options.pool or options.pool_id or ""
    typed = [by_target(pool, each) for each in (options.target, *entry.examples) if each]
    return list(
        dict.fromkeys([by_operator(pool, entry.ask.operator), *([by_account(account)] if account else []), *typed])
    )


def pool_subject(pool_id: str, region: str) -> str:
    """Return the pool in which an account's outcomes are found. A replica has its pool's id."""
    return f"{pool_id}@{region}"


def by_operator(pool: str, operator: Operator) -> str:
    """Return the subject of what someone asked for in a pool."""
    return f"operator#{pool}#{operator.team_id}/{operator.id}"


def by_target(pool: str, target: str) -> str:
    """Return the subject of what was typed: capital letters make no difference. ASCII only, as in SQL."""
    return f"target#{pool}#{target.encode().lower().decode()}"


def by_account(account: Account) -> str:
    """Return the subject of an account. Its user name may be another person's later, its sub never."""
    return f"account#{pool_subject(account.pool_id, account.region)}#{account.sub or account.username}"


def entry_of(request: Request, at: datetime) -> Entry:
    """Return the entry that goes with a request's arrival in its present state."""
    kind = _KIND_OF.get(request.state) or Kind(ACTIONS[request.action].outcome)
    if request.state is State.READY and (request.approval or request.pressed_by):
        kind = Kind.CONTINUED if request.pressed_by else Kind.APPROVED
    # The other candidates are people, and the other sessions devices, to which nothing was done.
    snapshot = replace(request, candidates=(), sessions=None)
    entry = Entry(id=new_id(at), kind=kind, at=at, rule=request.allowed_by, request=snapshot)
    posted = (kind in POSTED or entry.paused_by_bot) and not entry.of_one_account  # the channel is told of the list
    return replace(entry, delivery=Delivery(next_at=at if posted else None))


def entry_of_tally(tally: Entry, at: datetime, told: int) -> Entry | None:
    """Return the entry that a tally becomes, due then, where an entry tells of so many of it already; None: of all."""
    rest = replace(tally, count=tally.count - told, delivery=Delivery(next_at=at))
    return (replace(rest, id=new_id(tally.at)) if told else rest) if rest.count > 0 else None


def entry_of_ask(kind: Kind, ask: Ask, rule: str, at: datetime, account: Account | None = None) -> Entry:
    """Return the entry of something asked that moved nothing: a refusal, or a target for which no account was found."""
    delivery = Delivery(next_at=at if kind in POSTED else None)
    return Entry(id=new_id(at), kind=kind, at=at, rule=rule, asked=ask, account=account, delivery=delivery)
