"""What the audit channel reads: an entry, or several refusals of one operator, to a message. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.audit import AuditEntry, Kind
from bot.errors import NOT_KNOWN, NOTHING_ENDED, advice
from bot.slack.accounts import Line, Shown
from bot.slack.cards import Message, message
from bot.slack.text import Block, bullets, facts, header, mention, moment, paragraph, shortened, words
from bot.visible import visible

_TITLES: Mapping[Kind, str] = {
    Kind.SIGNED_OUT: "✅ Signed out",
    Kind.FAILED: "❌ Not signed out",
    Kind.UNKNOWN: "❓ Not known whether signed out",
    Kind.REFUSED: "⛔ Refused",
}
MAX_LISTED = 10
MAX_NAME = 60  # ten of the longest names would be more than Slack takes in one message


def audit_message(shown: Shown, entries: Sequence[AuditEntry]) -> Message:
    """Return the message for one entry, or for several refusals of one operator."""
    first = entries[0]
    title = _TITLES.get(first.kind, first.kind)
    if len(entries) > 1:
        return message(header(f"{title}: {len(entries)} times"), *_refusals(shown, entries))
    name = shown.name(first.account.username) if first.account else shown.personal(first.target)
    return message(header(f"{title}: {name}"), facts(_lines(shown, first)), facts(_small_print(first)))


def metadata(entries: Sequence[AuditEntry]) -> dict[str, Any]:
    """Return Slack's message metadata, by which a program finds the entry again."""
    first = entries[0]
    ids = {"entry_id": first.id, "request_id": first.request_id, "outcome": first.kind.value}
    return {
        "event_type": "signout_outcome",
        "event_payload": ids | ({"count": len(entries)} if len(entries) > 1 else {}),
    }


def _refusals(shown: Shown, entries: Sequence[AuditEntry]) -> list[Block]:
    who = entries[0].operator
    items = [
        [
            moment(entry.at),
            words("  asked for "),
            words(shortened(visible(shown.personal(entry.target)), MAX_NAME), code=True),
            words(f": {entry.rule}"),
        ]
        for entry in entries[:MAX_LISTED]
    ]
    left_out = len(entries) - len(items)
    return [
        paragraph(
            words("Operator  ", bold=True), mention(who.id, who.name), words(f" ({who.name}, team {who.team_id})")
        ),
        bullets(items),
        *([paragraph(words(f"and {left_out} more; all are in the store."))] if left_out else []),
    ]


def _lines(shown: Shown, entry: AuditEntry) -> list[Line]:
    who, account = entry.operator, entry.account
    lines = [("Operator", [mention(who.id, who.name), words(f" ({who.name})")])]
    if entry.kind is Kind.REFUSED:
        lines += [
            ("Why", [words(entry.rule)]),
            ("Team", [words(who.team_id)]),
            ("Asked for", [words(shown.personal(entry.target), code=True)]),
        ]
    if account:
        lines += [
            ("Account", [words(shown.name(account.username), code=True)]),
            ("Pool", [words(f"{account.pool} ({account.region})")]),
        ]
    lines += shown.reason(entry.reason)
    if entry.kind is Kind.UNKNOWN:
        lines.append(("Outcome", [words(f"{NOT_KNOWN} {advice(entry.error_code)}")]))
    if entry.kind is Kind.FAILED:
        lines.append(("Outcome", [words(f"{NOTHING_ENDED} {advice(entry.error_code)}")]))
    if entry.access_until:
        lines.append(("Tokens may be accepted until", [moment(entry.access_until)]))
    if entry.login_until:
        lines.append(("Hosted login page may renew until", [moment(entry.login_until)]))
    return lines


def _small_print(entry: AuditEntry) -> list[Line]:
    times = (("Asked", entry.created_at), ("Confirmed", entry.claimed_at), ("Ended", entry.ended_at))
    lines = [(label, [moment(time)]) for label, time in times if time]
    if not lines:
        lines.append(("At", [moment(entry.at)]))
    if entry.kind is not Kind.REFUSED:
        lines.append(("Allowed by", [words(entry.rule)]))
        lines.append(("Calls", [words(str(entry.attempts))]))
    if entry.account and entry.account.sub:
        lines.append(("Sub", [words(entry.account.sub, code=True)]))
    if entry.account:
        lines.append(("Pool id", [words(entry.account.pool_id, code=True)]))
    if entry.aws_request_ids:
        lines.append(("AWS request", [words(", ".join(entry.aws_request_ids), code=True)]))
    lines.append(("Request", [words(entry.request_id, code=True)]))
    lines.append(("Entry", [words(f"{entry.id}, bot {entry.bot_version}", code=True)]))
    return lines
