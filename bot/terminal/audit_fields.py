"""The fields of an audit entry as `audit` shows them. People script against their names, order and meaning."""

from dataclasses import dataclass
from datetime import datetime

from bot.audit import Entry, Kind
from bot.request import Account, Operator, Request


@dataclass(kw_only=True, slots=True)  # not frozen, which would take ten times as long to make
class Fields:
    """One entry. The fields with a default are those of its request: an entry that belongs to none has the default.

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
    bot_version: str
    delivery_attempts: int
    next_at: datetime | None
    delivered_at: datetime | None
    ts: str | None


def fields_of(entry: Entry) -> Fields:
    """Return the fields of an entry."""
    ask, delivery = entry.ask, entry.delivery
    shown = Fields(
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
        bot_version=entry.bot_version,
        delivery_attempts=delivery.attempts,
        next_at=delivery.next_at,
        delivered_at=delivery.delivered_at,
        ts=delivery.ts,
    )
    if entry.request:
        _add(entry.request, shown)
    return shown


def _add(request: Request, shown: Fields) -> None:
    shown.created_at = request.created_at
    shown.expires_at = request.expires_at
    shown.claimed_at = request.decided_at
    if request.claim:
        shown.claim_id = request.claim.id
        shown.claimed_at = request.claim.at
        shown.lease_until = request.claim.until
    shown.ended_at = request.ended_at
    shown.attempts = request.attempts
    shown.error_code = request.error_code
    shown.aws_request_ids = request.aws_request_ids
    shown.access_until = request.access_until
    shown.login_until = request.login_until
