"""What the simulated Slack and Cognito saw, each with what the store held just then. The checks read this alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.audit import AuditEntry
from bot.request import Operator, SignOutRequest

Row = Mapping[str, Any]  # of the store's file, as it was just then


@dataclass(kw_only=True)
class Call:
    """One AdminUserGlobalSignOut. Times are true ones; `clock` is the caller's own, in seconds as well."""

    request_id: str
    operator_id: str
    claim_id: str | None
    pool_id: str
    username: str
    begun: float
    clock: float
    stored: Row | None
    done: bool = False
    answer: str | None = None  # yes, no or unclear; None where the caller died before it came
    ended: float | None = None


@dataclass(kw_only=True)
class Listing:
    """What Slack told an instance about a user group."""

    instance: str
    group_id: str
    members: frozenset[str]
    at: float


@dataclass(kw_only=True)
class Press:
    """A button that somebody pressed, and the instance that Slack told."""

    action: str
    request_id: str
    number: int
    operator: Operator
    instance: str
    at: float


@dataclass(kw_only=True)
class Move:
    """A new version of a request that the store took. `clock` is the instance's own, when it was written."""

    before: SignOutRequest | None
    after: SignOutRequest
    instance: str
    at: float
    clock: float


@dataclass(kw_only=True)
class Told:
    """What an operator could read. `stored` is the request that it is about, `refusals` what was refused so far."""

    text: str
    buttons: bool
    replace: bool
    request_id: str
    operator: Operator
    stored: Row | None
    refusals: Sequence[Row]


@dataclass(kw_only=True)
class Post:
    """A message to the audit channel. `stored` is what the store had for its entries when it was sent."""

    entry_ids: Sequence[str]
    named: str  # the entry id that its metadata carries
    outcome: str
    stored: Sequence[Row | None]
    requests: Sequence[Row | None]
    instance: str
    begun: float
    ended: float | None = None
    ts: str | None = None  # where Slack took it
    answered: bool = False  # where the bot heard so


@dataclass
class Seen:
    """Everything, in order."""

    calls: list[Call] = field(default_factory=list)
    listings: list[Listing] = field(default_factory=list)
    presses: list[Press] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)
    # Filled in at the end, from the store.
    requests: Mapping[str, SignOutRequest] = field(default_factory=dict)
    entries: Sequence[AuditEntry] = ()
    backlog: int = 0
    quiet: bool = False
    resume_within: float = 0.0
    unexpected: list[str] = field(default_factory=list)  # errors that no rule is known to raise
