"""What people read of a history: what was asked for an account or by an operator, and what came of it, as a table."""

import json
from collections.abc import Callable, Sequence

from bot.account import Account
from bot.action import ACTIONS, SIGN_OUT
from bot.audit import Entry, Kind
from bot.facts.advice import result
from bot.history import MOST, Past
from bot.slack.approvals import by_whom
from bot.slack.shown import Shown
from bot.slack.text import Bold, Code, Drawn, Line, Link, Message, Span, cut, message, table

MAX_BLOCKS = 13_000  # characters as JSON; Slack takes a little more. So the cells have no more than the 10,000 it takes
MAX_NAME, MAX_WHY, MAX_POOLS = 60, 120, 300
NO_ONE = "no one named"  # a form, a shortcut or one's own history was asked for
_NOT_DECIDED = frozenset({Kind.REFUSED, Kind.NOT_FOUND, Kind.CANCELLED, Kind.EXPIRED, Kind.DENIED})
_BY_TEXT = "So this shows what was asked for by the same text, and for the accounts that it meant then."
_LEFT_OUT = "What still waits or runs is not in a history."


def history_message(shown: Shown, past: Past) -> Message:
    """Return the message that tells an operator what was asked for before: of that, what Slack takes in one message."""
    fits = list(past.entries)
    while len(json.dumps((drawn := _with(shown, past, fits)).blocks, ensure_ascii=False)) > MAX_BLOCKS:
        fits.pop()
    return drawn


def _with(shown: Shown, past: Past, entries: Sequence[Entry]) -> Message:
    target, pools = past.ask.options.target, cut(f"Pools: {', '.join(past.pools)}.", MAX_POOLS)
    whose = {_whom(shown, each) for each in entries}
    only, names = whose.pop() if len(whose) == 1 else "", [_named(shown, each) for each in past.accounts]
    return message(
        f"History of {shown.personal(target)}" if target else "What you asked for",
        _means(shown, past),
        [Bold("All for  "), Code(only)] if only and [only] != names else [],
        [_how_many(past, len(entries))],
        [f"{pools} {_LEFT_OUT}"],
        _table(shown, past, entries, is_mixed=not only) if entries else [],
    )


def _means(shown: Shown, past: Past) -> Line:
    """Say whom the target means now."""
    if not past.ask.options.target:
        return []
    if past.unsure:
        return [f"{past.unsure} {_BY_TEXT}"]
    if not past.accounts:
        return [f"No account is found for this now. {_BY_TEXT}"]
    others = past.matches - len(past.accounts)
    more = f" and {others} more, which are left out: give a user name, sub or --pool" if others else ""
    return [
        Bold("Account  "),
        *[span for each in past.accounts for span in (", ", Code(_named(shown, each)))][1:],
        *([more] if more else []),
    ]


def _how_many(past: Past, count: int) -> str:
    if past.more or count < len(past.entries):
        last = f"These are the last {count} that you may see." if count else f"You may see none of the last {MOST}."
        return f"{last} The bot's engineer can list all, with its command audit."
    return "This is all that you may see." if count else "There is nothing of this that you may see."


def _table(shown: Shown, past: Past, entries: Sequence[Entry], *, is_mixed: bool) -> Drawn:
    columns: dict[str, Callable[[Entry], str | Line]] = {"When": lambda entry: [entry.at], "What came of it": _what}
    if is_mixed:
        columns["For"] = lambda entry: [_whom(shown, entry)]
    if past.ask.options.target:
        columns["Asked by"] = lambda entry: [entry.ask.operator]
    columns["Why"] = lambda entry: _why(shown, entry)
    return table(list(columns), [[of(entry) for of in columns.values()] for entry in entries])


def _what(entry: Entry) -> str:
    """Return what came of it, and what had been asked for where that does not say it."""
    if entry.count > 1:
        return f"Refused, {entry.count:,} more times"
    action = entry.ask.options.action
    if entry.kind in _NOT_DECIDED:
        said = entry.kind.replace("_", " ").capitalize()
        return said if action == SIGN_OUT else f"{said}: {ACTIONS[action].button.lower()}"
    if entry.request and entry.request.listed:
        counts, size = entry.request.listed.counts, entry.request.listed.size
        unknown = f", {counts.unknown:,} not known" if counts.unknown else ""
        return f"Signed out: {counts.done:,} of {size:,}{unknown}"
    return result(entry.request)[0] if entry.request else str(entry.kind)


def _whom(shown: Shown, entry: Entry) -> str:
    if entry.count > 1:
        names = [shown.personal(each) for each in entry.examples if each]
        return cut(f"such as {', '.join(names)}" if names else NO_ONE, MAX_NAME)
    if entry.request and entry.request.listed:
        return f"a list ({entry.request.listed.pool})"
    target = shown.personal(entry.ask.options.target) or NO_ONE
    return _named(shown, entry.chosen) if entry.chosen else cut(target, MAX_NAME)


def _named(shown: Shown, account: Account) -> str:
    return f"{cut(shown.name(account), MAX_NAME)} ({account.pool})"


def _why(shown: Shown, entry: Entry) -> Line:
    """Return the reason that was given; what refused it, or what went wrong; and who decided as the second person."""
    reason, request = entry.ask.options.reason, entry.request
    parts: list[Line] = [[_plain(shown, reason)]] if reason else []
    if entry.kind is Kind.REFUSED:
        parts.append([cut(entry.rule, MAX_WHY)])
    if request and request.error_code:
        parts.append([request.error_code])
    if request and request.approval and request.approval.approver:
        reason = request.approval.reason
        parts.append([*by_whom(request)[:2], f": {_plain(shown, reason)}" if reason else ""])  # without the time
    spans: list[Span] = [span for part in parts for span in (" · ", *part)]
    return [span for span in spans[1:] if span]


def _plain(shown: Shown, reason: str) -> str:
    """Return a reason without links, which would take too much room."""
    return cut("".join(each.text if isinstance(each, Link) else str(each) for each in shown.reason(reason)), MAX_WHY)
