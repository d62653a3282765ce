"""The audit trail: which entry each move writes, and what an entry knows by itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot import __version__
from bot.request import Account, Ask, Operator, SignOutRequest, State, new_id


class Kind(StrEnum):
    """What an entry tells of."""

    OPENED = "opened"
    CONFIRMED = "confirmed"
    RESUMED = "resumed"
    SIGNED_OUT = "signed_out"
    FAILED = "failed"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REFUSED = "refused"
    NOT_FOUND = "not_found"


POSTED = frozenset({Kind.SIGNED_OUT, Kind.FAILED, Kind.UNKNOWN, Kind.REFUSED})

_KIND_OF: Mapping[State, Kind] = {
    State.AWAITING_CHOICE: Kind.OPENED,
    State.AWAITING_CONFIRMATION: Kind.OPENED,
    State.SIGNING_OUT: Kind.CONFIRMED,
    State.SIGNED_OUT: Kind.SIGNED_OUT,
    State.FAILED: Kind.FAILED,
    State.UNKNOWN: Kind.UNKNOWN,
    State.CANCELLED: Kind.CANCELLED,
    State.EXPIRED: Kind.EXPIRED,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditEntry:
    """One line of the trail: a snapshot that needs nothing else to be understood.

    `rule` is what allowed the operator, or what refused them. `next_at` is when the audit channel is to be told:
    None for an entry that is recorded only, and once it was `delivered_at` as message `ts`.
    """

    id: str
    kind: Kind
    at: datetime
    operator: Operator
    source: str
    channel_id: str
    target: str
    rule: str
    request_id: str
    account: Account | None = None
    reason: str | None = None
    created_at: datetime | None = None
    expires_at: datetime | None = None
    claim_id: str | None = None
    claimed_at: datetime | None = None
    lease_until: datetime | None = None
    ended_at: datetime | None = None
    attempts: int = 0
    error_code: str | None = None
    aws_request_ids: tuple[str, ...] = ()
    access_until: datetime | None = None
    login_until: datetime | None = None
    bot_version: str = __version__
    delivery_attempts: int = 0
    next_at: datetime | None = None
    delivered_at: datetime | None = None
    ts: str | None = None


def entry_of(request: SignOutRequest, at: datetime) -> AuditEntry:
    """Return the entry that goes with a request's arrival in its present state."""
    kind = Kind.RESUMED if request.state is State.SIGNING_OUT and request.resumed else _KIND_OF[request.state]
    return AuditEntry(
        id=new_id(at),
        kind=kind,
        at=at,
        operator=request.operator,
        source=request.source,
        channel_id=request.channel_id,
        target=request.target,
        rule=request.allowed_by,
        request_id=request.id,
        account=request.chosen,
        reason=request.reason,
        created_at=request.created_at,
        expires_at=request.expires_at,
        claim_id=request.claim_id,
        claimed_at=request.claimed_at,
        lease_until=request.lease_until,
        ended_at=request.ended_at,
        attempts=request.attempts,
        error_code=request.error_code,
        aws_request_ids=request.aws_request_ids,
        access_until=request.access_until,
        login_until=request.login_until,
        next_at=at if kind in POSTED else None,
    )


def entry_of_ask(kind: Kind, ask: Ask, rule: str, at: datetime, account: Account | None = None) -> AuditEntry:
    """Return the entry of something asked that moved nothing: a refusal, or a target that is no account."""
    return AuditEntry(
        id=new_id(at),
        kind=kind,
        at=at,
        operator=ask.operator,
        source=ask.source,
        channel_id=ask.channel_id,
        target=ask.target,
        rule=rule,
        request_id=ask.id,
        account=account,
        reason=ask.reason,
        next_at=at if kind in POSTED else None,
    )
