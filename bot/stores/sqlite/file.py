"""A SQLite file: made, opened by each thread on its own connection, and told apart from one that took its place."""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from weakref import WeakSet

from bot.errors import StoreError, StoreUnavailableError
from bot.stores.sqlite.schema import Found, look

BUSY_SECONDS = 5
# Of these COMMIT is certain to have written nothing. After any other error, such as a failed fsync, it may have.
_NOTHING_COMMITTED = frozenset({"SQLITE_BUSY", "SQLITE_FULL", "SQLITE_READONLY"})
_NOT_OURS = frozenset({"SQLITE_CORRUPT", "SQLITE_NOTADB"})


class File:
    """The file at `path`, for reading. Safe to use from many threads."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._opened: os.stat_result | None = None
        self._local = threading.local()
        self._connections: WeakSet[Connection] = WeakSet()

    def rows(self, statement: str, values: Mapping[str, Any] | None = None) -> list[Any]:
        """Return all rows that a statement gives."""
        with self.connection() as db:
            return db.execute(statement, values or {}).fetchall()

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """Give this thread's connection. Raises `StoreUnavailableError` for trouble with the file.

        What contradicts the schema is the bot's fault.
        """
        try:
            if self._opened and not os.path.samestat(self._opened, self.path.stat()):
                # What is written to a removed file is lost, and the first one's -wal does not belong to another.
                raise StoreUnavailableError("another file is in its place")
            own: Connection | None = getattr(self._local, "own", None)
            if own is None:
                self._local.own = own = Connection(self._connect())
                self._connections.add(own)
            yield own.db
        except sqlite3.IntegrityError:
            raise
        except (OSError, sqlite3.Error) as error:
            self._disconnect()
            raise StoreUnavailableError(reason(error)) from error

    def close(self) -> None:
        """Close every thread's connection. Nothing may use the file afterwards."""
        for each in list(self._connections):
            each.close()

    def _connect(self) -> sqlite3.Connection:
        return connect_to_read(self.path)

    def _disconnect(self) -> None:
        """Close this thread's connection, on which something went wrong: its next call makes another."""
        own: Connection | None = self._local.__dict__.pop("own", None)
        if own:
            own.close()


class WritableFile(File):
    """The file at `path` (made with mode 0600), with the schema of this bot. Safe to use from many threads.

    WAL with `synchronous=FULL`: what was written survives a power cut.
    """

    def open(self, prepare: Callable[["WritableFile"], None], *, make: bool) -> None:
        """`prepare` the file; where there is none, `make` it.

        Raises `StoreError` for a file that is no store of this bot's, and `StoreUnavailableError` for what may pass.
        """
        try:
            os.close(os.open(self.path, (os.O_CREAT if make else 0) | os.O_RDWR, 0o600))
            if not see_what_it_is(self.path).schema and not make:
                raise no_store(self.path)
            self._close_to_others()
            prepare(self)
            self._opened = self.path.stat()
        except sqlite3.IntegrityError:
            raise
        except (OSError, sqlite3.Error, StoreUnavailableError) as error:
            cause = error.__cause__ or error
            if isinstance(cause, FileNotFoundError) and not make:
                raise no_store(self.path) from None
            if isinstance(cause, IsADirectoryError) or _code(cause) in _NOT_OURS:
                sentence = f"The store {self.path} cannot be opened: {reason(cause)}."
                raise StoreError(sentence, "Check SIGNOUT_STORE.") from None
            if isinstance(error, StoreUnavailableError):
                raise
            raise StoreUnavailableError(reason(error)) from None

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
                self._disconnect()
                in_doubt = _code(error) not in _NOTHING_COMMITTED
                raise StoreUnavailableError(reason(error), in_doubt=in_doubt) from error

    def _connect(self) -> sqlite3.Connection:
        db = connect(self.path, "mode=rw")  # a file that is gone is not made again, without the schema
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        return db

    def _close_to_others(self) -> None:
        """Give it, and what an earlier bot left beside it, mode 0600. SQLite does so for what it makes itself."""
        self.path.chmod(0o600)
        for beside in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                Path(f"{self.path}{beside}").chmod(0o600)


class Connection:
    """A thread's connection, closed when the thread ends. sqlite3's own object waits for the garbage collector."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db

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


def see_what_it_is(path: Path) -> Found:
    """Return what the file at `path` is, and leave everything as it is.

    Raises `StoreError` for what is not to be touched: a connection that can write might write at once.
    """
    with closing(connect(path, "immutable=1" if _is_at_rest(path) else "mode=ro")) as db:
        return look(db, path)


def _is_at_rest(path: Path) -> bool:
    """Return whether everything is in the file itself."""
    log = Path(f"{path}-wal")
    return not log.exists() or not log.stat().st_size


def reason(error: BaseException) -> str:
    """Return what went wrong, without what it was done to."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _code(error: BaseException) -> str:
    """Return SQLite's primary error code: SQLITE_IOERR of SQLITE_IOERR_FSYNC."""
    return "_".join(getattr(error, "sqlite_errorname", "").split("_")[:2])
