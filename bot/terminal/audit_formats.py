"""Audit entries as JSON lines and CSV, for machines. A format takes where to write; what it returns writes an entry."""

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, TextIO

from pydantic_core import to_json

from bot.audit import Entry
from bot.request import Account, Operator, Request
from bot.visible import visible

Write = Callable[[Entry], object]


def _claimed_at(request: Request | None) -> datetime | None:
    """Return the time of the press until a worker has claimed the request."""
    if request is None:
        return None
    return request.claim.at if request.claim else request.decided_at


# People script against these names, their order and their meaning. `attempts` counts calls of AWS.
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
}
_NESTED = {"operator": Operator, "account": Account}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NOT_PLAIN = re.compile(r"[^ -~]")


def as_json(out: TextIO) -> Write:
    """Write each entry as one line, an object of all fields, its times in UTC.

    Hidden characters are escaped as JSON can, so that none acts on a terminal.
    """

    def write(entry: Entry) -> None:
        line = to_json({name: of(entry) for name, of in _FIELDS.items()}).decode()
        out.write(f"{_NOT_PLAIN.sub(_escaped, line)}\n")

    return write


def as_csv(out: TextIO) -> Write:
    """Write a header, then each entry as one row as RFC 4180 has it: the fields of the JSON, `operator_id` for nested.

    A text that a spreadsheet would run as a formula gets an apostrophe in front.
    """
    on_screen = out.isatty()
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
            yield from ((f"{name}_{inner.name}", getattr(value, inner.name, None)) for inner in fields(_NESTED[name]))
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
            return " ".join(value)
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
