"""A SQLite file: made, opened by each thread on its own connection, and told apart from one that took its place."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from weakref import WeakSet

from bot.errors import StoreError, StoreUnavailableError
from bot.stores.schema import migrate

BUSY_SECONDS = 5
# Of these COMMIT is certain to have written nothing. After any other error, such as a failed fsync, it may have.
_NOTHING_COMMITTED = frozenset({"SQLITE_BUSY", "SQLITE_FULL", "SQLITE_READONLY"})
_HEADER = b"SQLite format 3\0"
_NOT_OURS = frozenset({"SQLITE_CORRUPT", "SQLITE_NOTADB"})


class SQLiteFile:
    """The file at `path` (made with mode 0600), with the schema of this bot. Safe to use from many threads.

    WAL with `synchronous=FULL`: what was written survives a power cut.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()
        self._file: tuple[int, int] | None = None  # device and inode
        self._local = threading.local()
        self._connections: WeakSet[Connection] = WeakSet()

    def open(self) -> None:
        """Make the file where there is none, and bring its schema up to date.

        Raises `StoreError` for a file that is no store of this bot's, and `StoreUnavailableError` for what may pass.
        """
        try:
            with os.fdopen(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600), "rb") as file:
                if file.read(len(_HEADER)) in {b"", _HEADER}:  # whatever else it is, it is left alone
                    self._close_to_others()
            with self._write() as db:
                migrate(db)
            self._file = self._file_now()
        except OSError as error:
            if isinstance(error, IsADirectoryError):
                raise self._unusable(error) from None
            raise StoreUnavailableError(_reason(error)) from None
        except StoreUnavailableError as error:
            if isinstance(error.__cause__, sqlite3.Error) and _code(error.__cause__) in _NOT_OURS:
                raise self._unusable(error.__cause__) from None
            raise

    def _close_to_others(self) -> None:
        """Give it, and what an earlier bot left beside it, mode 0600. SQLite sees to that for what it makes itself."""
        self._path.chmod(0o600)
        for beside in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                Path(f"{self._path}{beside}").chmod(0o600)

    def _unusable(self, error: Exception) -> StoreError:
        return StoreError(f"The store {self._path} cannot be opened: {_reason(error)}. Check SIGNOUT_STORE.")

    def close(self) -> None:
        """Close every thread's connection. Nothing may use the store afterwards."""
        for each in list(self._connections):
            each.close()

    def _db(self) -> sqlite3.Connection:
        if self._file not in {None, self._file_now()}:
            # What is written to a removed file is lost, and to one in its place the first one's -wal does not belong.
            raise StoreUnavailableError("another file is in its place")
        own: Connection | None = getattr(self._local, "own", None)
        return own.db if own else self._connect()

    def _file_now(self) -> tuple[int, int]:
        found = self._path.stat()
        return found.st_dev, found.st_ino

    def _connect(self) -> sqlite3.Connection:
        db = self._connect_to("mode=rw")  # a file that is gone is not made anew, without the schema
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        return db

    def _connect_to(self, how: str) -> sqlite3.Connection:
        address = f"{self._path.as_uri()}?{how}"
        db = sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        self._local.own = own = Connection(db)
        self._connections.add(own)
        db.row_factory = sqlite3.Row
        return db

    def _disconnect(self) -> None:
        """Close this thread's connection, on which something went wrong: its next call makes another."""
        own: Connection | None = self._local.__dict__.pop("own", None)
        if own:
            own.close()

    @contextmanager
    def _available(self) -> Iterator[None]:
        """Whatever is wrong with the file becomes `StoreUnavailableError`; what contradicts the schema is our fault."""
        try:
            yield
        except sqlite3.IntegrityError:
            raise
        except (OSError, sqlite3.Error) as error:
            self._disconnect()
            raise StoreUnavailableError(_reason(error)) from error

    def _rows(self, sql: str, *values: Any) -> list[Any]:
        with self._available():
            return self._db().execute(sql, values).fetchall()

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._available():
            db = self._db()
            db.execute("BEGIN IMMEDIATE")  # a deferred transaction could not wait for the lock once it has read
            try:
                yield db
            except BaseException:
                with suppress(sqlite3.Error):  # some errors end the transaction by themselves
                    db.execute("ROLLBACK")
                raise
            self._commit(db)

    def _commit(self, db: sqlite3.Connection) -> None:
        try:
            db.execute("COMMIT")
        except sqlite3.Error as error:
            self._disconnect()
            in_doubt = _code(error) not in _NOTHING_COMMITTED
            raise StoreUnavailableError(_reason(error), in_doubt=in_doubt) from error


class Connection:
    """A thread's connection, closed at the latest when the thread ends."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db

    def close(self) -> None:
        """Close it, whatever state it is in."""
        with suppress(sqlite3.Error):
            self.db.close()

    __del__ = close


def _code(error: sqlite3.Error) -> str:
    """Return the primary error code: SQLITE_IOERR of SQLITE_IOERR_FSYNC."""
    return "_".join(getattr(error, "sqlite_errorname", "").split("_")[:2])


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
