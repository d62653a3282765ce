"""The sign-out request: its states, the moves between them, and what is known about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from ulid import ULID


def new_id(at: datetime) -> str:
    """Return a new ULID: ids sort by the time they were made at, to the millisecond."""
    return str(ULID.from_datetime(at))


class State(StrEnum):
    """Where a request stands. The README's state chart shows the same."""

    AWAITING_CHOICE = "awaiting_choice"
    AWAITING_CONFIRMATION = "awaiting_confirmation"
    SIGNING_OUT = "signing_out"
    SIGNED_OUT = "signed_out"
    FAILED = "failed"  # every call was definitely refused
    UNKNOWN = "unknown"  # some call got no clear answer
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def awaits_operator(self) -> bool:
        """Whether the card still waits for a press."""
        return self in {State.AWAITING_CHOICE, State.AWAITING_CONFIRMATION}


# Every store refuses any other move. SIGNING_OUT to itself is a resumed claim.
MOVES: Mapping[State, frozenset[State]] = {
    State.AWAITING_CHOICE: frozenset({State.AWAITING_CONFIRMATION, State.CANCELLED, State.EXPIRED}),
    State.AWAITING_CONFIRMATION: frozenset({State.SIGNING_OUT, State.CANCELLED, State.EXPIRED}),
    State.SIGNING_OUT: frozenset({State.SIGNING_OUT, State.SIGNED_OUT, State.FAILED, State.UNKNOWN}),
    State.SIGNED_OUT: frozenset(),
    State.FAILED: frozenset(),
    State.UNKNOWN: frozenset(),
    State.CANCELLED: frozenset(),
    State.EXPIRED: frozenset(),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Operator:
    """The person in Slack who asks. `name` is what Slack calls them: shown, never trusted."""

    team_id: str
    id: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """What somebody asked, before anything was decided. `target` is exactly what was typed.

    Its `id` becomes the request's. It joins the trail, the logs and CloudTrail, also where no request comes of it.
    The pool may be named by its short name or by its id. `exactly`: the target is a user name and nothing else.
    """

    id: str
    operator: Operator
    source: str
    channel_id: str
    target: str
    pool: str | None = None
    pool_id: str | None = None
    exactly: bool = False
    reason: str | None = None
    response_url: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """The Cognito user that a target turned out to be. `pool` is the configured short name.

    `provider` is where a federated account signs in, such as Google; None for an account of the pool's own.
    """

    pool: str
    pool_id: str
    region: str
    username: str
    sub: str | None = None
    email: str | None = None
    phone: str | None = None
    provider: str | None = None
    status: str | None = None
    enabled: bool | None = None
    created_at: datetime | None = None
    modified_at: datetime | None = None

    @property
    def sign_in(self) -> str:
        """How its person signs in, in words."""
        return f"through {self.provider} (federated)" if self.provider else "local"

    @property
    def standing(self) -> str:
        """Its status, and whether it is enabled, in words; empty where neither is known."""
        enabled = None if self.enabled is None else ("enabled" if self.enabled else "disabled")
        return ", ".join(filter(None, (self.status, enabled)))


@dataclass(frozen=True, kw_only=True, slots=True)
class SignOutRequest:
    """One accepted `/signout`, from its card to its outcome. All times are aware, in UTC.

    `version` counts the moves: a store writes a move only over the version it was made from.
    `candidates` are the first of the `matches` accounts found; `chosen` is the one meant, at once where there is one.
    `claim_id` names whoever signs out now; after `lease_until` another may take the claim over.
    `resumed` says that an earlier holder died: its calls, if any, got no recorded answer.
    """

    id: str
    version: int = 1
    state: State
    operator: Operator
    source: str
    channel_id: str
    target: str
    candidates: tuple[Account, ...]
    matches: int = 1
    chosen: Account | None
    reason: str | None
    allowed_by: str
    created_at: datetime
    expires_at: datetime
    response_url: str | None = field(default=None, repr=False)
    claim_id: str | None = None
    claimed_at: datetime | None = None
    lease_until: datetime | None = None
    resumed: bool = False
    attempts: int = 0
    error_code: str | None = None
    aws_request_ids: tuple[str, ...] = ()
    ended_at: datetime | None = None
    access_until: datetime | None = None
    login_until: datetime | None = None

    @property
    def account(self) -> Account:
        """The account to sign out. Raises `LookupError` while none is chosen."""
        if self.chosen is None:
            raise LookupError("no account is chosen yet")
        return self.chosen

    def move(self, state: State, **changes: Any) -> Self:
        """Return the next version, in `state`. Raises `IllegalMoveError` where the table has no such move."""
        if state not in MOVES[self.state]:
            raise IllegalMoveError(self.state, state)
        return replace(self, state=state, version=self.version + 1, **changes)


class IllegalMoveError(Exception):
    """A move that the table does not have: a fault in the bot, never in what people typed."""

    def __init__(self, old: State, new: State) -> None:
        super().__init__(f"no move leads from {old} to {new}")
