"""Opens a file for writing, and takes it to the newest schema, step by step.

Each step is taken in small portions, so that a killed start is gone on with.
"""

import logging
import os
import sqlite3
import time
from contextlib import suppress
from itertools import chain
from pathlib import Path

from bot.errors import StoreError, StoreUnavailableError
from bot.stores.sqlite import schema as known
from bot.stores.sqlite.file import File, code, no_store, reason, see_what_it_is
from bot.stores.sqlite.schema import TABLES, SchemaStep, look

PORTION = 2_000  # rows; so little is written at once that neither memory nor the -wal grows
SECONDS_BETWEEN_LINES = 5.0
_NOT_OURS = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_EMPTY_THE_LOG = "PRAGMA wal_checkpoint(TRUNCATE)"
# The name that is put into these is a step's table.
_LAST = "SELECT max(number) FROM {}"
_UPTO = "SELECT max(number) FROM (SELECT number FROM {} WHERE number > ? ORDER BY number LIMIT ?)"

log = logging.getLogger(__name__)


def open_to_write(file: File, *, make: bool) -> None:
    """Do what `SQLiteStore.open` promises. Where there is no file, `make` one, with mode 0600."""
    try:
        os.close(os.open(file.path, (os.O_CREAT if make else 0) | os.O_RDWR, 0o600))
        if not see_what_it_is(file.path).schema and not make:
            raise no_store(file.path)
        for end in ("", "-wal", "-shm"):  # those that an earlier bot left; SQLite does so for what it makes itself
            with suppress(FileNotFoundError):
                Path(f"{file.path}{end}").chmod(0o600)
        _migrate(file)
        file.known = file.path.stat()
    except sqlite3.IntegrityError:
        raise
    except (OSError, sqlite3.Error, StoreUnavailableError) as error:
        cause = error.__cause__ or error
        if isinstance(cause, FileNotFoundError) and not make:
            raise no_store(file.path) from None
        if isinstance(cause, IsADirectoryError) or code(cause) in _NOT_OURS:
            sentence = f"The store {file.path} cannot be opened: {reason(cause)}."
            raise StoreError(sentence, "Check SIGNOUT_STORE.") from None
        if isinstance(error, StoreUnavailableError):
            raise
        raise StoreUnavailableError(reason(error)) from None


def _migrate(file: File) -> None:
    """Make the tables in an empty file, and take every step that a file still lacks."""
    with file.write() as db:
        found = look(db, file.path)
        if not found.schema:  # it has no rows, so each step is done at once
            for statement in (*TABLES, *chain(*((*step.begin, *step.end) for step in known.STEPS))):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {known.newest()}")
            return
    done = found.schema - found.unfinished
    for schema, step in enumerate(known.STEPS[done - 1 :], done + 1):
        _take(file, step, schema)


def _take(file: File, step: SchemaStep, schema: int) -> None:
    """Take a step, or go on with it where it was begun before. Every few seconds a line says how far it is."""
    with file.write() as db:
        if not look(db, file.path).unfinished:
            for statement in (*step.begin, "INSERT INTO migration (position) VALUES (0)"):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {schema}")  # from here on no older bot opens the file
    rows = file.rows(_LAST.format(step.table))[0][0] if step.table else None
    position: int | None = 0
    is_log_empty, told = True, time.monotonic()
    while position is not None:
        if is_log_empty:
            with file.write() as db:
                position = _portion(db, step)
        is_log_empty = not file.rows(_EMPTY_THE_LOG)[0][0]  # a reader may keep us from it: the -wal is not to grow
        if time.monotonic() >= told + SECONDS_BETWEEN_LINES:
            told = time.monotonic()
            log.info("The store is taken to schema %s: row %s of %s", schema, position, rows)


def _portion(db: sqlite3.Connection, step: SchemaStep) -> int | None:
    """Change the next rows, and return the number of the last one; where there are no more, end the step: None."""
    after = db.execute("SELECT position FROM migration").fetchone()[0]
    upto: int | None = db.execute(_UPTO.format(step.table), (after, PORTION)).fetchone()[0] if step.table else None
    for statement in step.end if upto is None else step.portion:
        db.execute(statement, {"after": after, "upto": upto})
    if upto is None:
        db.execute("DELETE FROM migration")
    else:
        db.execute("UPDATE migration SET position = ?", (upto,))
    return upto
