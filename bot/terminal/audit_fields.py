"""The fields of an audit entry as `audit` shows them. People script against their names, order and meaning."""

from dataclasses import dataclass
from datetime import datetime

from bot.audit import Entry, Kind
from bot.request import Account, Operator


@dataclass(slots=True)  # not frozen, which would take five times as long to make
class Fields:
    """One entry. What only requests have is None in an entry that belongs to none.

    `claimed_at` is the time of the press until a worker has claimed the request. `attempts` counts calls of AWS.
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
    account: Account | None
    reason: str | None
    created_at: datetime | None
    expires_at: datetime | None
    claim_id: str | None
    claimed_at: datetime | None
    lease_until: datetime | None
    ended_at: datetime | None
    attempts: int
    error_code: str | None
    aws_request_ids: tuple[str, ...]
    access_until: datetime | None
    login_until: datetime | None
    bot_version: str
    delivery_attempts: int
    next_at: datetime | None
    delivered_at: datetime | None
    ts: str | None


def fields_of(entry: Entry) -> Fields:
    """Return the fields of an entry."""
    request, ask, delivery = entry.request, entry.ask, entry.delivery
    claim = request.claim if request else None
    return Fields(
        id=entry.id,
        kind=entry.kind,
        at=entry.at,
        operator=ask.operator,
        source=ask.source,
        channel_id=ask.channel_id,
        target=ask.options.target,
        rule=entry.rule,
        request_id=ask.id,
        account=entry.chosen,
        reason=ask.options.reason,
        created_at=request.created_at if request else None,
        expires_at=request.expires_at if request else None,
        claim_id=claim.id if claim else None,
        claimed_at=claim.at if claim else request.decided_at if request else None,
        lease_until=claim.until if claim else None,
        ended_at=request.ended_at if request else None,
        attempts=request.attempts if request else 0,
        error_code=request.error_code if request else None,
        aws_request_ids=request.aws_request_ids if request else (),
        access_until=request.access_until if request else None,
        login_until=request.login_until if request else None,
        bot_version=entry.bot_version,
        delivery_attempts=delivery.attempts,
        next_at=delivery.next_at,
        delivered_at=delivery.delivered_at,
        ts=delivery.ts,
    )
