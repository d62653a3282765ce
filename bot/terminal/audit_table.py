"""Audit entries as a table for people."""

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TextIO

from bot.audit import Entry
from bot.terminal.audit_formats import Write
from bot.visible import visible

GAP = "  "
CUT = "…"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: at least `narrowest` wide, and taking `share` parts of what is left over."""

    title: str
    of: Callable[[Entry], str | None]
    narrowest: int
    share: int = 0


# The first stay where a terminal is too narrow for all.
COLUMNS = (
    Column("Time (UTC)", lambda entry: f"{entry.at:%Y-%m-%d %H:%M:%S}", 19),
    Column("Outcome", lambda entry: entry.kind, 10),
    Column("Target", lambda entry: entry.ask.options.target, 10, 3),
    Column("Operator", lambda entry: f"{entry.ask.operator.name} ({entry.ask.operator.id})", 10, 3),
    Column("Account", lambda entry: entry.chosen.username if entry.chosen else None, 8, 3),
    Column("Pool", lambda entry: entry.chosen.pool if entry.chosen else None, 8, 1),
    Column("Reason", lambda entry: entry.ask.options.reason, 8, 3),
    Column("Rule or error", lambda entry: (entry.request and entry.request.error_code) or entry.rule, 13, 1),
    Column("Request", lambda entry: entry.ask.id, 26),
)
NOTHING_CUT = 24


def as_table(out: TextIO, width: int | None) -> Write:
    """Write a header, then each entry as one line of at most `width` cells; where it is None nothing is cut."""
    columns = COLUMNS[: _fitting(width)] if width else COLUMNS
    widths = _widths(columns, width) if width else [max(each.narrowest, each.share and NOTHING_CUT) for each in columns]

    def line(texts: Iterable[str]) -> str:
        cells = (_padded(visible(text), size, cut=bool(width)) for text, size in zip(texts, widths, strict=True))
        return f"{GAP.join(cells).rstrip()}\n"

    out.write(line(column.title for column in columns))
    return lambda entry: out.write(line(column.of(entry) or "" for column in columns))


def _fitting(width: int) -> int:
    """Return how many columns fit; the first three are always shown."""
    return max(3, *(n for n in range(len(COLUMNS) + 1) if _least(COLUMNS[:n]) <= width))


def _least(columns: Sequence[Column]) -> int:
    return sum(column.narrowest for column in columns) + len(GAP) * (len(columns) - 1)


def _widths(columns: Sequence[Column], width: int) -> list[int]:
    spare = max(width - _least(columns), 0)
    shares = sum(column.share for column in columns)
    return [column.narrowest + spare * column.share // shares for column in columns]


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
