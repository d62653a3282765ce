"""The entries of a SQLite file: all of them, page by page; and for someone who may not write, with or without a bot."""

import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.audit import Entry
from bot.errors import StoreError
from bot.request import new_id
from bot.stores.documents import Readings, entry_of, text
from bot.stores.sqlite.file import File, connect_to_read, no_store, reason, see_what_it_is
from bot.stores.sqlite.schema import newest
from bot.stores.sqlite.statements import ENTRIES, ENTRIES_OF_REQUEST

# Ids begin with the time they were made at. It helps to find where to begin; what counts is the time in the row.
_IDS_MAY_DIFFER_BY = timedelta(minutes=1)
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC) + _IDS_MAY_DIFFER_BY


class SQLiteReader:
    """The trail in the file at `path`. Nothing is made or changed, and no right to write is needed."""

    def __init__(self, path: Path, connect: Callable[[Path], sqlite3.Connection] = connect_to_read) -> None:
        self._file = File(path, connect)
        self._readings = Readings(lambda row: f"Row {row['id']}")

    def open(self) -> None:
        """Check that there is a store which this bot can read. Raises `StoreError`."""
        path = self._file.path
        try:
            if not path.is_file():
                raise no_store(path)
            found = see_what_it_is(path)
            if not found.is_up_to_date:
                sentence = f"The store {path} has schema {found.schema}, this bot reads {newest()}."
                raise StoreError(sentence, "Start this bot on it once first, and wait until it is ready.")
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"The store {path} cannot be read: {reason(error)}.", "Check SIGNOUT_STORE.") from error

    def close(self) -> None:
        """Close every thread's connection. Nothing may use the file afterwards."""
        self._file.close()

    def entries(self, since: datetime | None, request_id: str | None) -> Iterator[Entry]:
        """Give all entries, or those from a time on, or of one request, oldest first; memory holds a page of them.

        Nothing is open between two pages: a slow reader is in no one's way. Raises `StoreUnavailableError`.
        """
        statement = ENTRIES if request_id is None else ENTRIES_OF_REQUEST
        first_id = new_id(max(since, _EARLIEST) - _IDS_MAY_DIFFER_BY)[:10] if since else ""
        values = {"since": text(since) or "", "after": first_id, "request_id": request_id}
        while rows := self._file.rows(statement, values):
            yield from self._readings.each(entry_of, map(dict, rows))
            values["after"] = rows[-1]["id"]
