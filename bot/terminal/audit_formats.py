"""Audit entries as JSON lines and CSV, for machines, and as a table, for people.

A format takes the stream to write to, and returns what writes one entry.
"""

import csv
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, TextIO

from pydantic_core import to_json

from bot.account import Account
from bot.action import ACTIONS, SIGN_OUT
from bot.audit import Entry, Kind
from bot.facts.aws_names import issuer_of
from bot.offer import may_have_signed_out
from bot.request import Operator, Request
from bot.visible import visible

Write = Callable[[Entry], object]


def _claimed_at(request: Request | None) -> datetime | None:
    """Return when a worker claimed the request; before that, when it was decided."""
    if request is None:
        return None
    return request.claim.at if request.claim else request.decided_at


def _of(entry: Entry, *names: str) -> Any:
    """Return what these attributes lead to from the entry's request; None where one on the way is None."""
    found: Any = entry.request
    for name in names:
        found = None if found is None else getattr(found, name)
    return found


def _revoked(entry: Entry) -> Mapping[str, Any]:
    """Return whose tokens an API can refuse, and from which `iat` on they are new; empty where no one's."""
    request = entry.request
    at = request and (request.signed_out_at or request.ended_at)
    account = entry.chosen  # none for a list: its accounts have entries of their own
    if not request or not at or not account or not may_have_signed_out(request):
        return {}
    # Cognito leaves out what is less than a second, in an `iat` too: one of the same second may be an old token's.
    not_before = int(at.timestamp()) + 1
    return {"iss": issuer_of(account.pool_id), "sub": account.sub, "not_before": not_before}


# People's scripts use these names, their order and their meaning. `attempts` counts calls of AWS.
_FIELDS: Mapping[str, Callable[[Entry], Any]] = {
    "id": lambda entry: entry.id,
    "kind": lambda entry: entry.kind,
    "at": lambda entry: entry.at,
    "operator": lambda entry: entry.ask.operator,
    "source": lambda entry: entry.ask.source,
    "channel_id": lambda entry: entry.ask.channel_id,
    "target": lambda entry: entry.ask.options.target,
    "rule": lambda entry: entry.rule,
    "request_id": lambda entry: entry.ask.id,
    "account": lambda entry: entry.chosen,
    "reason": lambda entry: entry.ask.options.reason,
    "created_at": lambda entry: entry.request and entry.request.created_at,
    "expires_at": lambda entry: entry.request and entry.request.expires_at,
    "claim_id": lambda entry: entry.request and entry.request.claim and entry.request.claim.id,
    "claimed_at": lambda entry: _claimed_at(entry.request),
    "lease_until": lambda entry: entry.request and entry.request.claim and entry.request.claim.until,
    "ended_at": lambda entry: entry.request and entry.request.ended_at,
    "attempts": lambda entry: entry.request.attempts if entry.request else 0,
    "error_code": lambda entry: entry.request and entry.request.error_code,
    "aws_request_ids": lambda entry: entry.request.aws_request_ids if entry.request else (),
    "access_until": lambda entry: entry.request and entry.request.access_until,
    "login_until": lambda entry: entry.request and entry.request.login_until,
    "bot_version": lambda entry: entry.bot_version,
    "delivery_attempts": lambda entry: entry.delivery.attempts,
    "next_at": lambda entry: entry.delivery.next_at,
    "delivered_at": lambda entry: entry.delivery.delivered_at,
    "ts": lambda entry: entry.delivery.ts,
    "count": lambda entry: entry.count,
    "needs": lambda entry: entry.request.needs if entry.request else (),
    "approver": lambda entry: _of(entry, "approval", "approver"),
    "approved_by": lambda entry: _of(entry, "approval", "rule"),
    "approver_at": lambda entry: _of(entry, "approval", "at"),
    "denied_reason": lambda entry: _of(entry, "approval", "reason"),
    "action": lambda entry: entry.ask.options.action,
    "done": lambda entry: entry.request.done if entry.request else (),
    "session_id": lambda entry: entry.request and entry.request.session and entry.request.session.id,
    "sessions_left": lambda entry: entry.request and entry.request.proof and entry.request.proof.left,
    "iss": lambda entry: _revoked(entry).get("iss"),
    "sub": lambda entry: _revoked(entry).get("sub"),
    "not_before": lambda entry: _revoked(entry).get("not_before"),
    "list_id": lambda entry: entry.list_id,
    "list_pool": lambda entry: _of(entry, "listed", "pool"),
    "list_size": lambda entry: _of(entry, "listed", "size"),
    "list_done": lambda entry: _of(entry, "listed", "counts", "done"),
    "list_failed": lambda entry: _of(entry, "listed", "counts", "failed"),
    "list_unknown": lambda entry: _of(entry, "listed", "counts", "unknown"),
    "pressed_by": lambda entry: entry.request and entry.request.pressed_by,
}
_NESTED = {"operator": Operator, "account": Account, "approver": Operator, "pressed_by": Operator}
# Other columns there would move those that scripts know by their place.
_NO_COLUMN = frozenset({"preferred_username", "protected"})
_FORMULA = frozenset("=+-@")
MARK = "\ufeff"  # by which Excel knows a file as UTF-8
_LATER_PART = re.compile(r"(?<=[;\t\r\n])[^;\t\r\n]+")
_NOT_PLAIN = re.compile(r"[^ -~]")


def as_json(out: TextIO) -> Write:
    """Write each entry as one line: an object of all fields, times in UTC, with every hidden character escaped."""

    def write(entry: Entry) -> None:
        line = to_json({name: of(entry) for name, of in _FIELDS.items()}).decode()
        out.write(f"{_NOT_PLAIN.sub(_escaped, line)}\n")

    return write


def as_csv(out: TextIO, mark: str = "") -> Write:
    """Write `mark`, a header, and then each entry as one row of RFC 4180.

    The columns are the fields of the JSON; a nested field has a name such as `operator_id`. A text that a spreadsheet
    would run as a formula gets an apostrophe in front. So does each part of a text that would be a cell of its own
    where Excel splits cells at another sign than a comma.
    """
    on_screen = out.isatty()
    out.write(mark)
    writer = csv.writer(out)
    writer.writerow(name for name, _ in _columns(None))

    def write(entry: Entry) -> None:
        cells = (_cell(value) for _, value in _columns(entry))
        writer.writerow(map(visible, cells) if on_screen else cells)

    return write


def _escaped(match: re.Match[str]) -> str:
    return match[0] if visible(match[0]) == match[0] else json.dumps(match[0])[1:-1]


def _columns(entry: Entry | None) -> Iterator[tuple[str, Any]]:
    for name, of in _FIELDS.items():
        value = of(entry) if entry else None
        if name in _NESTED:
            inner = [each.name for each in fields(_NESTED[name]) if each.name not in _NO_COLUMN]
            yield from ((f"{name}_{each}", getattr(value, each, None)) for each in inner)
        else:
            yield name, value


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case tuple():
            value = " ".join(value)
    text = _LATER_PART.sub(lambda part: _not_run(part[0], part[0].replace('"', "")), str(value))
    return _not_run(text, str(value))


def _not_run(text: str, read: str) -> str:
    return f"'{text}" if _is_formula(read) else text


def _is_formula(text: str) -> bool:
    """Whether a spreadsheet may run a text: by its first sign, also in full width, after what may be left out of it."""
    first = next((each for each in text if unicodedata.category(each)[0] not in "CZ"), "")
    return text.startswith(("\t", "\r")) or unicodedata.normalize("NFKC", first) in _FORMULA


GAP = "  "
CUT = "…"


@dataclass(frozen=True, slots=True)
class Column:
    """A column, at least `narrowest` of the terminal's cells wide. It gets `share` parts of what is left over."""

    title: str
    of: Callable[[Entry], str | None]
    narrowest: int
    share: int = 0


def _outcome(entry: Entry) -> str:
    """Return the outcome word, with the action where that is not a sign-out and the word does not say it."""
    action = entry.ask.options.action
    return entry.kind if action == SIGN_OUT or entry.kind == ACTIONS[action].outcome else f"{entry.kind} ({action})"


def _size(entry: Entry) -> str | None:
    return None if (size := _of(entry, "listed", "size")) is None else f"{size:,} accounts"


def _rule_or_error(entry: Entry) -> str:
    if entry.count > 1:
        return f"{entry.count:,} times {entry.rule}"
    approval = entry.request.approval if entry.request and entry.kind in {Kind.APPROVED, Kind.DENIED} else None
    if approval and approval.approver:
        by = f"{approval.rule}, {approval.approver.name} ({approval.approver.id})"
        return f"{by}: {approval.reason}" if approval.reason else by
    return (entry.request and entry.request.error_code) or entry.rule


# Where a terminal is too narrow for all, the first ones stay.
COLUMNS = (
    Column("Time (UTC)", lambda entry: f"{entry.at:%Y-%m-%d %H:%M:%S}", 19),
    Column("Outcome", _outcome, 10),
    Column("Target", lambda entry: entry.ask.options.target, 10, 3),
    Column("Operator", lambda entry: f"{entry.ask.operator.name} ({entry.ask.operator.id})", 10, 3),
    Column("Account", lambda entry: entry.chosen.username if entry.chosen else _size(entry), 8, 3),
    Column("Pool", lambda entry: entry.chosen.pool if entry.chosen else _of(entry, "listed", "pool"), 8, 1),
    Column("Reason", lambda entry: entry.ask.options.reason, 8, 3),
    Column("Rule or error", _rule_or_error, 13, 1),
    Column("Request", lambda entry: entry.ask.id, 26),
)
NOTHING_CUT = 24


def as_table(out: TextIO, width: int | None) -> Write:
    """Write a header, then each entry as one line of at most `width` cells; where it is None nothing is cut."""
    columns = _sized(width)

    def line(texts: Iterable[str]) -> str:
        cells = (_padded(visible(text), size, cut=bool(width)) for text, (_, size) in zip(texts, columns, strict=True))
        return f"{GAP.join(cells).rstrip()}\n"

    out.write(line(column.title for column, _ in columns))
    return lambda entry: out.write(line(column.of(entry) or "" for column, _ in columns))


def _sized(width: int | None) -> Sequence[tuple[Column, int]]:
    """Return the columns that fit, the first three at least, and how wide each is."""
    if width is None:
        return [(each, NOTHING_CUT if each.share else each.narrowest) for each in COLUMNS]
    columns = list(COLUMNS)
    while (spare := width + len(GAP) - sum(each.narrowest + len(GAP) for each in columns)) < 0 and columns[3:]:
        columns.pop()
    shares = sum(each.share for each in columns)
    return [(each, each.narrowest + max(spare, 0) * each.share // shares) for each in columns]


def _padded(text: str, size: int, *, cut: bool) -> str:
    if cut and _cells(text) > size:
        while _cells(text) > size - len(CUT):
            text = text[:-1]
        text += CUT
    return text + " " * (size - _cells(text))


def _cells(text: str) -> int:
    """Return how many cells of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.category(each) in {"Mn", "Me"} else 1 + (unicodedata.east_asian_width(each) in {"W", "F"})
        for each in text
    )
