"""The audit trail: which entry each move writes, and what an entry holds."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from bot import __version__
from bot.action import ACTIONS
from bot.request import ENDED, Account, Ask, Request, State, new_id


class Kind(StrEnum):
    """What an entry tells of. People's scripts read these words."""

    OPENED = "opened"
    CONFIRMED = "confirmed"
    APPROVED = "approved"
    RESUMED = "resumed"
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
OUTCOMES = frozenset(Kind) - {Kind.OPENED, Kind.CONFIRMED, Kind.APPROVED, Kind.RESUMED, Kind.LIMITED}
COUNTED = OUTCOMES | {Kind.APPROVED, Kind.RESUMED, Kind.LIMITED}
POSTED = OUTCOMES - {Kind.CANCELLED, Kind.EXPIRED, Kind.NOT_FOUND}

_KIND_OF: Mapping[State, Kind] = {
    State.CHOOSING: Kind.OPENED,
    State.CONFIRMING: Kind.OPENED,
    State.APPROVING: Kind.CONFIRMED,
    State.READY: Kind.CONFIRMED,
    State.RUNNING: Kind.RESUMED,
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
    def chosen(self) -> Account | None:
        """The account that it is about, where that is known."""
        return self.request.chosen if self.request else self.account


def entry_of(request: Request, at: datetime) -> Entry:
    """Return the entry that goes with a request's arrival in its present state."""
    kind = _KIND_OF.get(request.state) or Kind(ACTIONS[request.action].outcome)
    if request.state is State.READY and request.approval:
        kind = Kind.APPROVED
    # The other candidates are people, and the other sessions devices, to which nothing was done.
    snapshot = replace(request, candidates=(), sessions=None)
    delivery = Delivery(next_at=at if kind in POSTED else None)
    return Entry(id=new_id(at), kind=kind, at=at, rule=request.allowed_by, request=snapshot, delivery=delivery)


def entry_of_tally(tally: Entry, at: datetime, told: int) -> Entry | None:
    """Return the entry that a tally becomes, due then, where an entry tells of so many of it already; None: of all."""
    rest = replace(tally, count=tally.count - told, delivery=Delivery(next_at=at))
    return (replace(rest, id=new_id(tally.at)) if told else rest) if rest.count > 0 else None


def entry_of_ask(kind: Kind, ask: Ask, rule: str, at: datetime, account: Account | None = None) -> Entry:
    """Return the entry of something asked that moved nothing: a refusal, or a target for which no account was found."""
    delivery = Delivery(next_at=at if kind in POSTED else None)
    return Entry(id=new_id(at), kind=kind, at=at, rule=rule, asked=ask, account=account, delivery=delivery)
