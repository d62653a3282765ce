"""The lines of a list, one after the other: those of a text, or one column of CSV. From a file or standard input."""

import csv
import sys
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from itertools import chain
from typing import BinaryIO

from bot.errors import UsageError

STANDARD_INPUT = "-"
LONGEST_LINE = 64 * 1024  # bytes
COLUMNS_NAMED = 20
_DELIMITERS = ",;\t"  # Excel writes one of them, as the country of its user has it
_NOT_TEXT = "Line {} of {} is not text in UTF-8. Save the list as text, or as CSV, in UTF-8 (Excel: CSV UTF-8)."


def lines_of(path: str, column: str | None) -> Iterator[str]:
    """Return the lines of a text or, with a `column`, its cells; blank lines are left out, and empty cells are not.

    The first line is read at once, and memory holds one. Raises `UsageError` for what cannot be read, also later.
    """
    name = "standard input" if path == STANDARD_INPUT else path
    lines = _read(path, name)
    if (first := next(lines, None)) is None:
        raise UsageError(f"There is nothing in {name}.")
    if column is not None:
        return _cells(lines, *_place_of(column, first, name), name)
    return (line for each in chain([first], lines) if (line := each.strip()))


def _read(path: str, name: str) -> Iterator[str]:
    """Give each line as it is, with its end."""
    try:
        with nullcontext(sys.stdin.buffer) if path == STANDARD_INPUT else open(path, "rb") as file:  # noqa: PTH123 -- "-"
            yield from _decoded(file, name)
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}.") from None


def _decoded(file: BinaryIO, name: str) -> Iterator[str]:
    number = 0
    while raw := file.readline(LONGEST_LINE + 1):
        number += 1
        try:
            line = raw.decode("utf-8" if number > 1 else "utf-8-sig")
        except UnicodeDecodeError:
            line = "\0"
        if "\0" in line:
            raise UsageError(_NOT_TEXT.format(number, name))
        if len(raw) > LONGEST_LINE:
            raise UsageError(f"Line {number} of {name} is longer than {LONGEST_LINE:,} bytes, so it names no account.")
        yield line


def _cells(lines: Iterable[str], delimiter: str, index: int, name: str) -> Iterator[str]:
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        for row in rows:
            if any(cell.strip() for cell in row):
                yield row[index].strip() if index < len(row) else ""
    except csv.Error as error:
        raise UsageError(f"{name} is not valid CSV near line {rows.line_num + 1}: {error}.") from None


def _place_of(column: str, header: str, name: str) -> tuple[str, int]:
    """Return the sign between the cells, and the place of a column. Letter case counts where two differ only in it."""
    try:
        headers = {sign: [each.strip() for each in next(csv.reader([header], delimiter=sign))] for sign in _DELIMITERS}
    except csv.Error as error:
        raise UsageError(f"{name} is not valid CSV in its first line: {error}.") from None
    for sign, names in headers.items():
        exact = [place for place, each in enumerate(names) if each == column.strip()]
        alike = [place for place, each in enumerate(names) if each.casefold() == column.strip().casefold()]
        if len(found := exact or alike) == 1:
            return sign, found[0]
        if found:
            raise UsageError(f"{name} has several columns {column}. Give one of them another name.")
    names = max(headers.values(), key=len)
    more = f" and {len(names) - COLUMNS_NAMED:,} more" if len(names) > COLUMNS_NAMED else ""
    raise UsageError(f"{name} has no column {column}. Its columns are {', '.join(names[:COLUMNS_NAMED])}{more}.")
