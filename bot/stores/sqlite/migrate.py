"""Takes a file to the newest schema: step by step, each in small portions, so that a killed start is gone on with."""

import logging
import sqlite3
import time

from bot.stores.sqlite import schema as known
from bot.stores.sqlite.file import WritableFile
from bot.stores.sqlite.schema import Step, create, look

PORTION = 2_000  # rows; so little is written at once that neither memory nor the -wal grows
SECONDS_BETWEEN_LINES = 5.0
_INSTRUCTIONS_BETWEEN_LOOKS = 1_000_000  # of SQLite's: some hundredths of a second

_EMPTY_THE_LOG = "PRAGMA wal_checkpoint(TRUNCATE)"
# The name that is put into these is a step's table.
_LAST = "SELECT max(number) FROM {}"
_UPTO = "SELECT max(number) FROM (SELECT number FROM {} WHERE number > ? ORDER BY number LIMIT ?)"

log = logging.getLogger(__name__)


def migrate(file: WritableFile) -> None:
    """Make the tables in an empty file, and take every step that a file still lacks.

    Raises `StoreError` for a file that this bot cannot use.
    """
    with file.write() as db:
        found = look(db, file.path)
        if not found.schema:
            create(db)
    done = max(found.schema, 1) - found.unfinished
    for schema, step in enumerate(known.STEPS[done - 1 :], done + 1):
        _take(file, step, schema)


def _take(file: WritableFile, step: Step, schema: int) -> None:
    """Take a step, or go on with it where it was begun before."""
    progress = _Progress(schema, file.rows(_LAST.format(step.table))[0][0] if step.table else None)
    with file.write() as db:
        db.set_progress_handler(progress.tell, _INSTRUCTIONS_BETWEEN_LOOKS)  # also while one statement runs for long
        _begin(db, file, step, schema)
    while progress.position is not None:
        with file.write() as db:
            progress.position = _portion(db, step)
        while file.rows(_EMPTY_THE_LOG)[0][0]:  # a reader keeps us from it: the -wal is not to grow meanwhile
            progress.tell()
        progress.tell()
    db.set_progress_handler(None, 0)


def _begin(db: sqlite3.Connection, file: WritableFile, step: Step, schema: int) -> None:
    """Make room for what is new, and note that the step is begun: from here on no older bot opens the file."""
    if not look(db, file.path).unfinished:
        for statement in step.begin:
            db.execute(statement)
        db.execute("INSERT INTO migration (position) VALUES (0)")
        db.execute(f"PRAGMA user_version = {schema}")


def _portion(db: sqlite3.Connection, step: Step) -> int | None:
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


class _Progress:
    """Tells every few seconds how far a step is."""

    def __init__(self, schema: int, rows: int | None) -> None:
        self.position: int | None = 0
        self._schema = schema
        self._rows = rows
        self._told = time.monotonic()

    def tell(self) -> None:
        """Write a line, unless the last one is not old yet."""
        if time.monotonic() >= self._told + SECONDS_BETWEEN_LINES:
            self._told = time.monotonic()
            log.info("The store is taken to schema %s: row %s of %s", self._schema, self.position, self._rows)
