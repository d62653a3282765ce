"""Audit entries as JSON lines and CSV, for machines. A format takes where to write; what it returns writes an entry."""

import csv
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import datetime
from typing import Any, TextIO

from pydantic_core import to_json

from bot.audit import Entry
from bot.request import Account, Operator
from bot.terminal.audit_fields import Fields, fields_of
from bot.visible import visible

Write = Callable[[Entry], object]

_NESTED = {"operator": Operator, "account": Account}
_NAMES = tuple(field.name for field in fields(Fields))
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NOT_PLAIN = re.compile(r"[^ -~]")


def as_json(out: TextIO) -> Write:
    """Write each entry as one line, an object of all fields, its times in UTC.

    Hidden characters are escaped as JSON can, so that none acts on a terminal.
    """
    return lambda entry: out.write(f"{_plain(to_json(fields_of(entry)).decode())}\n")


def as_csv(out: TextIO) -> Write:
    """Write a header, then each entry as one row as RFC 4180 has it: the fields of the JSON, `operator_id` for nested.

    A text that a spreadsheet would run as a formula gets an apostrophe in front.
    """
    on_screen = out.isatty()
    writer = csv.writer(out)
    writer.writerow(_columns())
    return lambda entry: writer.writerow(visible(cell) if on_screen else cell for cell in map(_cell, _values(entry)))


def _plain(line: str) -> str:
    return line if line.isascii() and "\x7f" not in line else _NOT_PLAIN.sub(_escaped, line)


def _escaped(match: re.Match[str]) -> str:
    return match[0] if visible(match[0]) == match[0] else json.dumps(match[0])[1:-1]


def _columns() -> Iterator[str]:
    for name in _NAMES:
        if name in _NESTED:
            yield from (f"{name}_{inner.name}" for inner in fields(_NESTED[name]))
        else:
            yield name


def _values(entry: Entry) -> Iterator[Any]:
    shown = fields_of(entry)
    for name in _NAMES:
        value = getattr(shown, name)
        if name in _NESTED:
            yield from (getattr(value, inner.name, None) for inner in fields(_NESTED[name]))
        else:
            yield value


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
