"""The audit channel: one message for each outcome, what people read in it, and posting it."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from slack_sdk import WebClient
from structlog.contextvars import bound_contextvars

from bot.account import Account
from bot.action import ACTIONS, SIGN_OUT, ends_tokens
from bot.audit import Entry, Kind
from bot.facts.advice import LONGEST_TOKEN, result
from bot.facts.leaving import Departure, leaving
from bot.listed import Listed
from bot.ports import Left
from bot.request import Operator, Request, State
from bot.slack.approvals import by_whom
from bot.slack.clients import post
from bot.slack.list_facts import failures, why_so
from bot.slack.outcomes import AS_SET, AT_MOST, HOSTED, goes_on_hosted
from bot.slack.sessions import about_sessions
from bot.slack.shown import Shown
from bot.slack.text import UTC_TIME, Block, Code, Line, Message, capitalized, cut, message, small_print

MAX_NAME = 60
_SIGNS: Mapping[Kind, str] = {
    Kind.PARTLY: "🟠",
    Kind.FAILED: "❌",
    Kind.UNKNOWN: "❓",
    Kind.REFUSED: "⛔",
    Kind.DENIED: "🚫",
    Kind.LIMITED: "🛑",
    Kind.PAUSED: "⏸",
}
# The titles and meanings of what is not a request.
_OTHERS: Mapping[Kind, tuple[str, str]] = {
    Kind.REFUSED: ("Refused", ""),
    Kind.LIMITED: (
        "Limit reached",
        (
            "So many accounts within an hour are the limit. More are refused, or a second person has to approve them. "
            "This is posted once an hour."
        ),
    ),
}

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SlackAuditChannel:
    """An `AuditChannel`: chat.postMessage to one channel."""

    client: WebClient
    channel_id: str
    shown: Shown

    def post(self, entry: Entry, left: Left) -> str:
        """Post one message, with its ids for programs; return its `ts`. Nothing is sent once no time is `left`.

        Raises `DeliveryError` unless Slack definitely took it.
        """
        ids = {"entry_id": entry.id, "request_id": entry.ask.id, "outcome": entry.kind.value}
        payload = ids | ({"count": entry.count} if entry.count > 1 else {})
        metadata = {"event_type": "signout_outcome", "event_payload": payload}
        departure = Departure(lambda: left().total_seconds())
        with bound_contextvars(request_id=entry.ask.id, entry_id=entry.id), leaving(departure):
            ts = post(self.client, self.channel_id, audit_message(self.shown, entry), metadata)
            log.info("The audit channel took the entry")
            return ts


def audit_message(shown: Shown, entry: Entry) -> Message:
    """Return the message for an entry, or for many refusals in one."""
    request = entry.request
    title, meaning = result(request) if request else _OTHERS[entry.kind]
    subject = shown.name(entry.chosen) if entry.chosen else shown.personal(entry.ask.options.target)
    more: Line = [meaning] if meaning else []
    if entry.count > 1:
        subject, more = f"{entry.count:,} more times", _period(shown, entry)
    elif request and entry.kind is Kind.PAUSED:  # by the bot itself
        title, subject, more = "Paused", shown.subject(request), []
    elif request and request.chosen and request.state is State.DONE:
        more = _accepted(shown, request, entry.at)
    details: Sequence[Block] = []
    if request:
        details = failures(request) if request.listed else about_sessions(shown, request)
    return message(
        f"{_SIGNS.get(entry.kind, '✅')} {title}{f': {subject}' if subject else ''}",
        _who_and_why(shown, entry),
        _second_person(shown, request) if request and request.approval else [],
        why_so(request) if request and request.listed else [],
        more,
        *details,
        small_print(_ids_and_times(shown, entry)),
    )


def _accepted(shown: Shown, request: Request, ended_at: datetime) -> Line:
    """Say until when tokens may be accepted that were given out before; nothing where the action ends none."""
    if not ends_tokens(request.done):
        return []
    whose = "Tokens of this session" if request.session else "Tokens that were given out"
    end = f"{AT_MOST} {HOSTED}" if goes_on_hosted(shown, request) else AT_MOST
    access, longest = request.access_until or ended_at, ended_at + LONGEST_TOKEN
    return [f"{whose} may be accepted until ", access, AS_SET, longest, end]


def _period(shown: Shown, entry: Entry) -> Line:
    """Say when the many refusals of an entry were, and what was asked for."""
    line: Line = ["Asked from ", entry.at, " to ", entry.until or entry.at]
    for number, target in enumerate(each for each in entry.examples if each):
        line += [", " if number else ", such as for ", Code(cut(shown.personal(target), MAX_NAME))]
    return [*line, "."]


def _who_and_why(shown: Shown, entry: Entry) -> Line:
    account, subject, options = entry.chosen, _subject(entry), entry.ask.options
    is_untold = entry.kind in {Kind.REFUSED, Kind.LIMITED, Kind.DENIED} and entry.count == 1  # by the title
    facts = [
        f"pool {subject.pool}" if subject else "",
        account.sign_in if account and account.provider else "",
        "" if entry.request else entry.rule,
        f"asked for: {ACTIONS[options.action].button.lower()}" if is_untold and options.action != SIGN_OUT else "",
    ]
    why: Line = [" · ", *shown.reason(options.reason)] if options.reason else []
    return [entry.ask.operator, *(f" · {fact}" for fact in facts if fact), *why]


def _subject(entry: Entry) -> Account | Listed | None:
    """Return the account or the list that an entry is about, where that is known."""
    return (entry.request and entry.request.listed) or entry.chosen


def _second_person(shown: Shown, request: Request) -> Line:
    reason = shown.reason(request.approval.reason) if request.approval else []
    return [*capitalized(by_whom(request)), *([": ", *reason] if reason else [])]


def _ids_and_times(shown: Shown, entry: Entry) -> list[list[str]]:
    request, account, subject, approver = entry.request, entry.chosen, _subject(entry), list[str]()
    operator = [f"Operator {_person(entry.ask.operator)}"]
    if request:
        aws = [f"AWS request {', '.join(request.aws_request_ids)}"] if request.aws_request_ids else []
        times = {"asked": request.created_at, "confirmed": request.decided_at}
        if approval := request.approval:
            decided = "denied" if request.state is State.DENIED else "approved"
            times |= {"confirmed": approval.asked_at, decided: approval.at}
            if approval.approver:
                approver = [f"Approver {_person(approval.approver)}", f"Allowed by {approval.rule}"]
        times["ended"] = request.ended_at
        said = ", ".join(f"{label} {time:%Y-%m-%d %H:%M:%S}" for label, time in times.items() if time)
        did = f"Accounts: {request.listed.size}" if request.listed else f"Calls: {request.attempts}"
        when = [f"{said[:1].upper()}{said[1:]} (UTC)", did]
        if request.searched_as:
            typed, read = map(shown.personal, (entry.ask.options.target, request.searched_as))
            when.append(f"Asked for {typed}, read as {read}")
        operator.append(f"Allowed by {entry.rule}")
    else:
        target = shown.personal(entry.ask.options.target)
        aws, when = [], [f"At {entry.at:{UTC_TIME}}", *([f"Asked for {target}"] if target else [])]
    where = [f"Pool {subject.pool} ({subject.pool_id})"] if subject else []
    if account and account.sub:
        where.append(f"Sub {account.sub}")
    last = [f"Entry {entry.id}, bot {entry.bot_version}"]
    return [[f"Request {entry.ask.id}", *aws], when, operator, approver, where, last]


def _person(who: Operator) -> str:
    return f"{cut(who.name, MAX_NAME)} ({who.id}, team {who.team_id})"
