"""A SQLite store full of old requests: one of each sort, made by a real bot, and copied as often as wanted.

Of the store it takes for granted only that ids are ULIDs and times are ISO 8601, each as text or inside of text.
"""

import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from headless import RAY, SAM, Headless, shows
from ulid import ULID
from whole_bot import CANCEL, CONFIRM, SIGN_OUT, card_for

from bot.sandbox.wire import Fault, refuse, reset

AGE = timedelta(days=100)
REFUSED = refuse(400, "NotAuthorizedException")
# What Cognito answers to each confirmed request: yes, no, and nothing clear.
ANSWERS: Sequence[Sequence[Fault]] = ((), (REFUSED,), (reset(), REFUSED))
SORTS = len(ANSWERS) + 2  # and one that is cancelled, and one that expires
# The store is thrown away afterwards: journal and waiting for the disk are for what someone would miss.
FAST = ("journal_mode = OFF", "synchronous = OFF", "cache_size = -500000")
TIDY_SECONDS = 30.0
_ULID = re.compile(r"\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b")

Row = dict[str, Any]


def make_history(headless: Headless, path: Path, requests: int) -> None:
    """Make a store of that many requests, all ended and delivered, with about three audit entries to each.

    A fifth of them ended in each way. A fifth as many commands each were refused, or found no account. The few
    examples of which the others are copies come on top.
    """
    _make_examples(headless, path)
    _put_times_back(path)
    _let_a_bot_expire_and_wipe(headless, path)
    _put_times_back(path)
    copied = copy_rows(path, -(-requests // SORTS))
    if copied < requests:
        raise LookupError(f"only {copied} rows were copied: does the store still have ULIDs?")


def _make_examples(headless: Headless, path: Path) -> None:
    with headless.bot_in_process(SIGNOUT_STORE=f"sqlite:///{path}"):
        for number, answers in enumerate(ANSWERS, 1):
            headless.before_cognito(SIGN_OUT, *answers)
            headless.press(SAM, card_for(headless, SAM), CONFIRM)
            headless.wait_for(partial(_has_posted, headless, number))
        headless.command(RAY, "ada")
        headless.wait_for(partial(_has_posted, headless, len(ANSWERS) + 1))
        headless.press(SAM, card_for(headless, SAM), CANCEL)
        headless.wait_for(lambda: not any(shows(message, "", CONFIRM) for message in headless.messages(SAM)))
        seen = len(headless.messages(SAM))
        headless.command(SAM, "no-such-name --pool customers")
        headless.wait_for(lambda: len(headless.messages(SAM)) > seen)
        card_for(headless, SAM)


def _has_posted(headless: Headless, times: int) -> bool:
    return len(headless.audit()) == times


def _let_a_bot_expire_and_wipe(headless: Headless, path: Path) -> None:
    """Let a bot do with old rows what it always does: end the card that is open, and forget Slack's addresses."""
    before = len(_rows(path))
    with headless.bot_in_process(SIGNOUT_STORE=f"sqlite:///{path}"):
        headless.wait_for(lambda: len(_rows(path)) > before, TIDY_SECONDS)  # the entry that it expired
        headless.wait_for(lambda: headless.stage.workspace.address not in str(_rows(path)), TIDY_SECONDS)
        headless.wait_for(lambda: not _cards_due(path), TIDY_SECONDS)  # copies of one would be work, not history
    headless.do(headless.stage.workspace.messages.clear)  # a card of long ago is not in the way of a new one


def _cards_due(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as db:
        return "cards" in _tables(db) and bool(db.execute("SELECT 1 FROM cards WHERE due_at IS NOT NULL").fetchall())


def _rows(path: Path) -> list[Row]:
    with closing(sqlite3.connect(path)) as db:
        return [row for table in _tables(db) for row in _rows_of(db, table)]


def _put_times_back(path: Path) -> None:
    """Make everything of yesterday, today or tomorrow as old as `AGE`: an address may end after midnight."""
    today = datetime.now(UTC).date()
    with closing(sqlite3.connect(path)) as db, db:
        for table in _tables(db):
            for column in _columns(db, table, "TEXT"):
                for day in (today + timedelta(days=1), today, today - timedelta(days=1)):
                    sql = f"UPDATE {table} SET {column} = replace({column}, ?, ?)"  # noqa: S608 -- the store's own names
                    db.execute(sql, (f"{day}", f"{day - AGE}"))


def copy_rows(path: Path, copies: int) -> int:
    """Copy each row that has an id in it, with new ids: those of the same copy go together as the examples do.

    Return how many rows were made.
    """
    time_of_ids = str(ULID.from_datetime(datetime.now(UTC) - AGE))[:10]
    with closing(sqlite3.connect(path)) as db:
        for pragma in FAST:
            db.execute(f"PRAGMA {pragma}")
        with db:
            for table in _tables(db):
                for row in _rows_of(db, table):
                    if _ULID.search(str(row)):
                        _copy_row(db, table, row, time_of_ids, copies)
        return db.total_changes


def _copy_row(db: sqlite3.Connection, table: str, row: Row, time_of_ids: str, copies: int) -> None:
    expressions, values = [], list[Any]()
    for value in row.values():
        expression = "?"
        values.append(value)
        for ulid in sorted(set(_ULID.findall(value))) if isinstance(value, str) else ():
            expression = f"replace({expression}, ?, ? || printf('%010d', n) || ?)"
            values += [ulid, time_of_ids, ulid[-6:]]
        expressions.append(expression)
    # A row that is the only one of its kind, with any ids in it, stays as it is.
    db.execute(
        "WITH RECURSIVE copies (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copies WHERE n < ?)"  # noqa: S608 -- as above
        f" INSERT OR IGNORE INTO {table} ({', '.join(row)}) SELECT {', '.join(expressions)} FROM copies",
        (copies, *values),
    )


def _tables(db: sqlite3.Connection) -> list[str]:
    found = db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return [name for (name,) in found]


def _columns(db: sqlite3.Connection, table: str, *types: str) -> list[str]:
    """The columns that can be written, of these types or of all, without a number that SQLite gives each row."""
    found = db.execute(f"PRAGMA table_xinfo({table})").fetchall()
    return [
        name
        for _, name, kind, _, _, is_key, is_hidden in found
        if not is_hidden and not (is_key and kind == "INTEGER") and (not types or kind in types)
    ]


def _rows_of(db: sqlite3.Connection, table: str) -> list[Row]:
    columns = _columns(db, table)
    found = db.execute(f"SELECT {', '.join(columns)} FROM {table}")  # noqa: S608 -- as above
    return [dict(zip(columns, row, strict=True)) for row in found]
