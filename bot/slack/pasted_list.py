"""The people in a text as it was pasted: a list, a column, a table, or the recipients of an email.

Each is given as it is written there. What is around a name, such as quotes, is left to `spellings.py`.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import chain, islice

from bot.errors import UsageError

MOST_LINES = 2_000
TOO_MANY = (
    f"These are more than {MOST_LINES:,} people. Make several lists of them, or ask the bot's engineer: in a terminal "
    "a list can have any length."
)
# The first of these that a table has is the column that counts.
_HEADERS = (
    *("sub", "cognito:username", "username", "user name", "email", "emails", "email address", "e-mail"),
    *("phone_number", "phone number", "phone", "preferred_username"),
)
_HIDDEN = "\ufeff\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069"
_AROUND = _HIDDEN + "".join(filter(str.isspace, map(chr, range(0x3001))))
# No expression tries a sign more than twice, so that each takes time in proportion to the text.
_FIELD = re.compile(r'\s*("[^"]*"[^,;\t\uff0c\uff1b\u3001]*|[^,;\t\uff0c\uff1b\u3001]*)[,;\t\uff0c\uff1b\u3001]?')
_BEFORE = re.compile(  # up to three signs before a line, such as `> 1. [ ]`
    r"\A(?:(?:[-*>\u2022\u25e6\u25aa\u2023\u00b7\u2013\u2014]|\d{1,5}[.)]|\[[ xX]?\])[ \t\u00a0]+){1,3}"
)
# `Lindgren, Ada <ada@example.com>`, as some mail programs copy it: the comma is part of a name. A user name such as
# `ada.l` before another person has a sign that no surname has, or no capital letter.
_SURNAME = re.compile(
    r'(^|[,;\t\uff0c\uff1b])([^,;\t\uff0c\uff1b\u3001@<>"\d._]+),([^,;\t\uff0c\uff1b\u3001@<>"]*)(<[^<>@\s]+@[^<>\s]+>)'
)
_CELLS = re.compile(r"(?:^|(?<=\s))\|(?=\s|$)")  # a user name may have one inside
_says_something = re.compile(r"[^\W_]").search  # has a letter or a digit
_SUB = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_BEGINS_A_PHONE = "+(0123456789"


def people_in(text: str) -> Sequence[str]:
    """Return the people in a text, each as a target. Raises `UsageError` where they are too many.

    It runs on the event loop, so no step takes more than linear time.
    """
    found = [*islice(chain.from_iterable(map(_each_in, _fields(text))), MOST_LINES + 1)]
    if len(found) > MOST_LINES:
        raise UsageError(TOO_MANY)
    return found


def _fields(text: str) -> Iterator[str]:
    """Give each field of each line; of a table whose first line names its columns, only those of one column."""
    written, column = [*_written(text)], None
    if len(written) > 1 and (names := _names([*_split(written[0])])):
        del written[0]
        column = names.index(min(filter(None, names), key=_HEADERS.index)) if len(names) > 1 else None
    for line in written:
        if column is None:
            yield from _split(_SURNAME.sub(_quoted, line))
        else:
            fields = [*_split(line)]
            yield from [fields[column]] if any(fields[column : column + 1]) else fields


def _written(text: str) -> Iterator[str]:
    """Give the lines that have a letter or a digit, without what is before them in a list."""
    for each in filter(str.strip, text.splitlines()):
        line = _BEFORE.sub("", each.strip(_AROUND))
        if _says_something(line):
            yield _CELLS.sub("\t", line).strip(_AROUND)


def _split(line: str) -> Iterator[str]:
    end = 0
    while end < len(line) and (found := _FIELD.match(line, end)):
        yield found[1].strip(_AROUND)
        end = found.end()


def _quoted(found: re.Match[str]) -> str:
    before, surname, name, email = found.groups()
    if surname == surname.lower():
        return found[0]
    return f'{before}"{surname.strip()},{name.rstrip()}" {email}'


def _names(fields: Sequence[str]) -> Sequence[str]:
    """Return the names of columns that these fields are, "" for one of no use here; empty where they name none."""
    names = [each.strip("\"'").strip().rstrip(":").lower() for each in fields]
    known = [each if each in _HEADERS else "" for each in names]
    return known if any(known) and not any("@" in each or _SUB.fullmatch(each) for each in names) else []


def _each_in(field: str) -> Iterator[str]:
    """Give each person in a field: several emails, subs or phone numbers may have only blanks between them."""
    words = field.split()
    marks = ("@" in word or word.startswith("+") or bool(_SUB.fullmatch(word)) for word in words)
    if len(words) > 1 and sum(marks) > 1:
        yield from _apart(words)
    elif _says_something(field):
        yield " ".join(words)


def _apart(words: Sequence[str]) -> Iterator[str]:
    """Give each person: an email ends one, as in `Ada <ada@example.com>`, and a plus begins a phone number."""
    together: list[str] = []
    for word in words:
        is_whole = bool(_SUB.fullmatch(word))
        if together and (is_whole or (word.startswith("+") and together[0][0] in _BEGINS_A_PHONE)):
            yield " ".join(together)
            together = []
        together.append(word)
        if is_whole or "@" in word:
            yield " ".join(together)
            together = []
    if together:
        yield " ".join(together)
