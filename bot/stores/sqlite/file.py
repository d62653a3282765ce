"""A SQLite file: made, opened by each thread on its own connection, and told apart from one that took its place."""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakSet

from bot.errors import StoreError, StoreUnavailableError
from bot.stores.sqlite.schema import FoundSchema, look

BUSY_SECONDS = 5
# Of these COMMIT is certain to have written nothing. After any other error, such as a failed fsync, it may have.
_NOTHING_COMMITTED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY})


class File:
    """The file at `path`, opened by each thread on a connection of its own. Safe to use from many threads."""

    def __init__(self, path: Path, connect: Callable[[Path], sqlite3.Connection]) -> None:
        self.path = path.absolute()
        self.known: os.stat_result | None = None  # which file it was when it was opened for writing
        self._connect = connect
        self._local = threading.local()
        self._connections: WeakSet[Connection] = WeakSet()

    def rows(self, statement: str, values: Mapping[str, Any] | None = None) -> list[Any]:
        """Return all rows that a statement gives."""
        with self.connection() as db:
            return db.execute(statement, values or {}).fetchall()

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """Give this thread's connection. Raises `StoreUnavailableError` for trouble with the file."""
        try:
            if self.known and not os.path.samestat(self.known, self.path.stat()):
                # What is written to a removed file is lost, and the first one's -wal does not belong to another.
                raise StoreUnavailableError("another file is in its place")
            own: Connection | None = getattr(self._local, "own", None)
            if own is None:
                self._local.own = own = Connection(self._connect(self.path))
                self._connections.add(own)
            yield own.db
        except sqlite3.IntegrityError:
            raise  # what contradicts the schema is the bot's fault
        except (OSError, sqlite3.Error) as error:
            self.disconnect()
            raise StoreUnavailableError(reason(error)) from error

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Give a connection inside a transaction, which is durable once this ends."""
        with self.connection() as db:
            db.execute("BEGIN IMMEDIATE")  # a deferred transaction could not wait for the lock once it has read
            try:
                yield db
            except BaseException:
                with suppress(sqlite3.Error):  # some errors end the transaction by themselves
                    db.execute("ROLLBACK")
                raise
            try:
                db.execute("COMMIT")
            except sqlite3.Error as error:
                self.disconnect()
                in_doubt = code(error) not in _NOTHING_COMMITTED
                raise StoreUnavailableError(reason(error), in_doubt=in_doubt) from error

    def close(self) -> None:
        """Close every thread's connection. Nothing may use the file afterwards."""
        for each in list(self._connections):
            each.close()

    def disconnect(self) -> None:
        """Close this thread's connection, on which something went wrong: its next call makes another."""
        own: Connection | None = self._local.__dict__.pop("own", None)
        if own:
            own.close()


@dataclass(eq=False)
class Connection:
    """A thread's connection, closed when the thread ends. sqlite3's own object waits for the garbage collector."""

    db: sqlite3.Connection

    def close(self) -> None:
        """Close it. Raises nothing."""
        with suppress(sqlite3.Error):
            self.db.close()

    __del__ = close


def connect(path: Path, how: str) -> sqlite3.Connection:
    """Return a new connection that writes no temporary file. `how` is the query of SQLite's own address."""
    address = f"{path.absolute().as_uri()}?{how}"
    db = sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA temp_store = MEMORY")
    return db


def connect_to_write(path: Path) -> sqlite3.Connection:
    """Return a new connection to a file that is there. What it wrote survives a power cut."""
    db = connect(path, "mode=rw")  # a file that is gone is not made again, without the schema
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    return db


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Return a new connection that needs no right to write, beside a running bot or without one."""
    db = connect(path, "mode=ro")
    try:
        db.execute("PRAGMA schema_version")
    except sqlite3.OperationalError:
        db.close()
        if not _is_at_rest(path):
            raise
        # Without a bot, and in a folder that this reader may not write to, SQLite cannot make what WAL needs.
        db = connect(path, "immutable=1")
    return db


def no_store(path: Path) -> StoreError:
    """Return what is said where a store must be there already."""
    return StoreError(f"There is no store at {path}.", "Check SIGNOUT_STORE, and run this where the bot runs.")


def see_what_it_is(path: Path) -> FoundSchema:
    """Return what the file at `path` is, and leave it as it is. Raises `StoreError` for what is not to be touched."""
    # A connection that can write might write at once.
    with closing(connect(path, "immutable=1" if _is_at_rest(path) else "mode=ro")) as db:
        return look(db, path)


def _is_at_rest(path: Path) -> bool:
    """Return whether everything is in the file itself."""
    log = Path(f"{path}-wal")
    return not log.exists() or not log.stat().st_size


def reason(error: BaseException) -> str:
    """Return what went wrong, without what it was done to."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def code(error: BaseException) -> int:
    """Return SQLite's primary error code: SQLITE_IOERR of SQLITE_IOERR_FSYNC."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
