"""The audit channel: what it reads of an outcome, in one message each, and posting it until Slack says yes."""

import logging
from collections.abc import Mapping, Sequence

from slack_sdk import WebClient
from structlog.contextvars import bound_contextvars

from bot.audit import Entry, Kind
from bot.errors import DeliveryError
from bot.facts.advice import sign_in
from bot.facts.leaving import Departure, leaving
from bot.facts.slack_words import TOKEN_ERRORS
from bot.ports import Left
from bot.slack.cards import result
from bot.slack.clients import post
from bot.slack.text import (
    UTC_TIME,
    Block,
    Code,
    Header,
    Line,
    Lines,
    Message,
    Plain,
    Shown,
    SmallPrint,
    element,
    message,
)

MAX_LISTED = 10
MAX_NAME = 60  # ten of the longest names would be more than Slack takes in one message
_SIGNS: Mapping[Kind, str] = {Kind.PARTLY: "🟠", Kind.FAILED: "❌", Kind.UNKNOWN: "❓", Kind.REFUSED: "⛔"}
# Slack's words for a channel, an app or a token that a person has to fix.
_FOR_GOOD = TOKEN_ERRORS | frozenset(
    {
        "channel_not_found",
        "not_in_channel",
        "is_archived",
        "restricted_action",
        "restricted_action_read_only_channel",
        "restricted_action_thread_only_channel",
        "restricted_action_non_threadable_channel",
        "missing_scope",
        "no_permission",
        "access_denied",
        "team_access_not_granted",
        "ekm_access_denied",
        "org_login_required",
        "messages_tab_disabled",
    }
)

log = logging.getLogger(__name__)


class SlackAuditChannel:
    """An `AuditChannel`: chat.postMessage to one channel."""

    def __init__(self, client: WebClient, channel_id: str, shown: Shown) -> None:
        self._client = client
        self._channel_id = channel_id
        self._shown = shown

    def post(self, entries: Sequence[Entry], left: Left) -> str:
        """Post one message, with its ids for programs; return its `ts`. Nothing is sent once no time is `left`.

        Raises `DeliveryError` unless Slack definitely took it.
        """
        first, count = entries[0], len(entries)
        ids = {"entry_id": first.id, "request_id": first.ask.id, "outcome": first.kind.value}
        payload = ids | ({"count": count} if count > 1 else {})
        metadata = {"event_type": "signout_outcome", "event_payload": payload}
        departure = Departure(lambda: left().total_seconds())
        with bound_contextvars(request_id=first.ask.id, entry_id=first.id), leaving(departure):
            try:
                ts = post(self._client, self._channel_id, audit_message(self._shown, entries), metadata)
            except DeliveryError as error:
                error.for_good = error.reason in _FOR_GOOD
                raise
            log.info("The audit channel took the entry")
            return ts


def audit_message(shown: Shown, entries: Sequence[Entry]) -> Message:
    """Return the message for one entry, or for several refusals of one operator.

    First whom and the outcome, then who and why, and what it means; all ids and times in small print.
    """
    first = entries[0]
    title, meaning = result(first.request) if first.request else ("Refused", "")
    title = f"{_SIGNS.get(first.kind, '✅')} {title}"
    if len(entries) > 1:
        return message(Header(f"{title}: {len(entries)} times"), *_refusals(shown, entries))
    target, access, login = shown.personal(first.ask.options.target), None, None
    if first.chosen:
        target = shown.name(first.chosen)
    if first.request:
        access, login = first.request.access_until, first.request.login_until
    renewed: Line = [". The hosted login page may renew them until ", login] if login else []
    lasting: Line = ["Tokens may be accepted until ", access, *renewed, "."] if access else []
    return message(
        Header(f"{title}: {target}"),
        _who_and_why(shown, first),
        [meaning] if meaning else lasting,
        SmallPrint(_ids_and_times(shown, first)),
    )


def _who_and_why(shown: Shown, entry: Entry) -> Line:
    account, reason = entry.chosen, entry.ask.options.reason
    facts = [
        f"pool {account.pool}" if account else "",
        sign_in(account) if account and account.provider else "",
        entry.rule if entry.kind is Kind.REFUSED else "",
    ]
    why: Line = [" · ", *shown.reason(reason)] if reason else []
    return [entry.ask.operator, *(f" · {fact}" for fact in facts if fact), *why]


def _ids_and_times(shown: Shown, entry: Entry) -> list[list[str]]:
    request, account, who = entry.request, entry.chosen, entry.ask.operator
    operator = [f"Operator {who.name} ({who.id}, team {who.team_id})"]
    if request:
        aws = [f"AWS request {', '.join(request.aws_request_ids)}"] if request.aws_request_ids else []
        times = {"asked": request.created_at, "confirmed": request.decided_at, "ended": request.ended_at}
        said = ", ".join(f"{label} {time:%Y-%m-%d %H:%M:%S}" for label, time in times.items() if time)
        when = [f"{said[:1].upper()}{said[1:]} (UTC)", f"Calls: {request.attempts}"]
        operator.append(f"Allowed by {entry.rule}")
    else:
        aws, when = [], [f"At {entry.at:{UTC_TIME}}", f"Asked for {shown.personal(entry.ask.options.target)}"]
    where = [f"Pool {account.pool} ({account.pool_id})"] if account else []
    if account and account.sub:
        where.append(f"Sub {account.sub}")
    last = [f"Entry {entry.id}, bot {entry.bot_version}"]
    return [[f"Request {entry.ask.id}", *aws], when, operator, where, last]


def _refusals(shown: Shown, entries: Sequence[Entry]) -> list[Block]:
    first, who = entries[0], entries[0].ask.operator
    items = list[Line]()
    for entry in entries[:MAX_LISTED]:
        target = element(Plain(shown.personal(entry.ask.options.target), MAX_NAME))["text"]
        items.append([entry.at, "  asked for ", Code(target), f": {entry.rule}"])
    left_out = len(entries) - len(items)
    return [
        [who, f" ({who.name}, team {who.team_id})"],
        Lines(items, "list"),
        [f"and {left_out} more. The audit log has them all."] if left_out else [],
        SmallPrint([[f"First request {first.ask.id}", f"Entry {first.id}, bot {first.bot_version}"]]),
    ]
