"""The entries of a SQLite file for someone who only reads, beside a running bot or without one."""

import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from bot.audit import Entry
from bot.errors import StoreError
from bot.stores.sqlite.file import File, reason, see_what_it_is
from bot.stores.sqlite.rows import Readings
from bot.stores.sqlite.schema import newest
from bot.stores.sqlite.trail import entries


class SQLiteReader:
    """The trail in the file at `path`. Nothing is made or changed, and no right to write is needed."""

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()
        self._file = File(path)
        self._readings = Readings()

    def open(self) -> None:
        """Check that there is a store which this bot can read. Raises `StoreError`."""
        path = self._path
        try:
            if not path.is_file():
                hint = "Check SIGNOUT_STORE, and run this where the bot runs."
                raise StoreError(f"There is no store at {path}.", hint)
            found = see_what_it_is(path)
            if not found.is_up_to_date:
                sentence = f"The store {path} has schema {found.schema}, this bot reads {newest()}."
                raise StoreError(sentence, "Start this bot on it once first, and wait until it is ready.")
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"The store {path} cannot be read: {reason(error)}.", "Check SIGNOUT_STORE.") from error

    def close(self) -> None:
        """Close every thread's connection. Nothing may use the reader afterwards."""
        self._file.close()

    def entries(self, since: datetime | None, request_id: str | None) -> Iterator[Entry]:
        """Give all entries, or those from a time on, or of one request, oldest first; memory holds a page of them."""
        return entries(self._file, self._readings, since, request_id)
