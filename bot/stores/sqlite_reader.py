"""The SQLite file for somebody who only reads, beside a running bot or without one."""

import sqlite3
from pathlib import Path

from bot.errors import StoreError, StoreUnavailableError
from bot.stores.schema import check
from bot.stores.sqlite import SQLiteStore


class SQLiteReader(SQLiteStore):
    """A store of which only the reading methods work. Nothing is made or changed, and no right to write is needed."""

    def open(self) -> None:
        """Check that there is a store which this bot can read. Raises `StoreError`."""
        path = self._path
        try:
            if not path.is_file():
                raise StoreError(f"There is no store at {path}. Check SIGNOUT_STORE, and run this where the bot runs.")
            check(self._db())
        except (OSError, sqlite3.Error, StoreUnavailableError) as error:
            why = error.reason if isinstance(error, StoreUnavailableError) else error
            raise StoreError(f"The store {path} cannot be read: {why}. Check SIGNOUT_STORE.") from error

    def _connect(self) -> sqlite3.Connection:
        db = self._connect_to("mode=ro")
        try:
            db.execute("PRAGMA schema_version")
        except sqlite3.OperationalError:
            if not self._is_at_rest():
                raise
            # Without a bot, and in a folder that this reader may not write to, SQLite cannot make what WAL needs.
            db = self._connect_to("immutable=1")
        return db

    def _is_at_rest(self) -> bool:
        """Return whether everything is in the file itself."""
        log = Path(f"{self._path}-wal")
        return not log.exists() or not log.stat().st_size
