"""Requests and audit entries in one SQLite file on a local disk, for exactly one instance."""

import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakSet

from bot.audit import AuditEntry, Kind
from bot.errors import StoreError, StoreUnavailableError, SupersededError
from bot.ports import Backlog
from bot.request import MOVES, Account, IllegalMoveError, SignOutRequest, State
from bot.stores.rows import Row, entry_of_json, entry_of_row, request_of_row, row_of_entry, row_of_request, text, time
from bot.stores.schema import migrate
from bot.stores.trail import forget, pages

BUSY_SECONDS = 5
# Of these COMMIT is certain to have written nothing. After any other error, such as a failed fsync, it may have.
_NOTHING_COMMITTED = frozenset({"SQLITE_BUSY", "SQLITE_FULL", "SQLITE_READONLY"})
_NOT_OURS = frozenset({"SQLITE_CORRUPT", "SQLITE_NOTADB"})
T = TypeVar("T")

log = logging.getLogger(__name__)


class SQLiteStore:
    """A `RequestStore` in the file at `path` (made with mode 0600). Safe to use from many threads.

    WAL with `synchronous=FULL`: what a method wrote survives a power cut once it has returned.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()
        self._file: tuple[int, int] | None = None  # device and inode
        self._local = threading.local()
        self._unreadable: set[str] = set()
        self._connections: WeakSet[Connection] = WeakSet()

    def open(self) -> None:
        """Make the file where there is none, and bring its schema up to date.

        Raises `StoreError` for a file that is no store of this bot's, and `StoreUnavailableError` for what may pass.
        """
        try:
            file = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
            os.fchmod(file, 0o600)  # a file that was there before may be open to others
            os.close(file)
            for beside in ("-wal", "-shm"):  # SQLite gives those that it makes the file's mode, but leaves old ones be
                with suppress(FileNotFoundError):
                    Path(f"{self._path}{beside}").chmod(0o600)
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

    def _unusable(self, error: Exception) -> StoreError:
        return StoreError(f"The store {self._path} cannot be opened: {_reason(error)}. Check SIGNOUT_STORE.")

    def add(self, request: SignOutRequest, entry: AuditEntry) -> None:
        """Store a new request together with its entry."""
        with self._write() as db:
            if not _insert(db, "requests", row_of_request(request), "ON CONFLICT (id) DO NOTHING"):
                raise SupersededError
            _insert(db, "audit_entries", row_of_entry(entry))

    def advance(self, before: SignOutRequest, after: SignOutRequest, entry: AuditEntry) -> None:
        """Replace `before` by `after` and add the entry, both or neither."""
        if after.state not in MOVES[before.state]:
            raise IllegalMoveError(before.state, after.state)
        row = row_of_request(after)
        assignments = ", ".join(f"{name} = :{name}" for name in row)
        with self._write() as db:
            # The version is the whole condition: each move makes a new one.
            moved = db.execute(
                f"UPDATE requests SET {assignments} WHERE id = :id AND version = :version - 1",  # noqa: S608
                row,
            )
            if moved.rowcount != 1:
                raise SupersededError
            _insert(db, "audit_entries", row_of_entry(entry))

    def get(self, request_id: str) -> SignOutRequest | None:
        """Return a request, or None."""
        found = self._requests("id = ?", request_id)
        return found[0] if found else None

    def last_signed_out(self, account: Account) -> SignOutRequest | None:
        """Return the request that last signed this account out, or None."""
        found = self._requests(
            "state = ? AND chosen_pool_id = ? AND chosen_username = ? ORDER BY ended_at DESC LIMIT 1",
            State.SIGNED_OUT,
            account.pool_id,
            account.username,
        )
        return found[0] if found else None

    def dead_claims(self, now: datetime) -> Sequence[SignOutRequest]:
        """Return the requests in SIGNING_OUT whose lease has run out, oldest first."""
        return self._requests("state = ? AND lease_until < ? ORDER BY id", State.SIGNING_OUT, text(now))

    def expired(self, now: datetime) -> Sequence[SignOutRequest]:
        """Return the requests that still await their operator after `expires_at`, oldest first."""
        awaiting = (State.AWAITING_CHOICE, State.AWAITING_CONFIRMATION)
        return self._requests("state IN (?, ?) AND expires_at <= ? ORDER BY id", *awaiting, text(now))

    def wipe_response_urls(self, created_before: datetime) -> None:
        """Forget the response_urls that Slack no longer takes."""
        with self._write() as db:
            db.execute(
                "UPDATE requests SET response_url = NULL"
                " WHERE response_url IS NOT NULL AND coalesce(claimed_at, created_at) < ?",
                (text(created_before),),
            )

    def record(self, entry: AuditEntry) -> None:
        """Store an entry that belongs to no move, such as a refusal."""
        with self._write() as db:
            _insert(db, "audit_entries", row_of_entry(entry))

    def entries(self, since: datetime | None, request_id: str | None) -> Iterator[AuditEntry]:
        """Give all entries, or those from a time on, or of one request, oldest first; memory holds a page of them.

        Nothing is open between two pages: a reader who dawdles is in nobody's way.
        """
        sql, values = pages(since, request_id)
        while True:
            found, unreadable = self._readable(lambda row: (row["id"], entry_of_json(row["entry"])), sql, values)
            yield from (entry for _, entry in found)
            last = max([*unreadable, *(id_ for id_, _ in found)], default=None)
            if last is None:
                return
            values[0] = last

    def backlog(self) -> Backlog:
        """Return what waits for delivery."""
        sql = "SELECT count(*), min(at) FROM audit_entries WHERE next_at IS NOT NULL"
        entries, oldest_at = self._rows(sql)[0]
        return Backlog(entries, time(oldest_at))

    def forget_delivered(self, before: datetime) -> int:
        """Delete some of what ended and was delivered before then; return how many entries."""
        with self._write() as db:
            return forget(db, before)

    def check_writable(self) -> None:
        """Write something and take it back. Raises `StoreUnavailableError`."""
        with self._write() as db:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            db.execute(f"PRAGMA user_version = {version}")  # a page that is written and synchronised, and says the same

    def undelivered(self, now: datetime, limit: int) -> Sequence[AuditEntry]:
        """Return entries that are due for delivery, oldest first."""
        return self._entries("next_at <= ? ORDER BY id LIMIT ?", text(now), limit)

    def refusals_waiting(self, team_id: str, operator_id: str, limit: int) -> Sequence[AuditEntry]:
        """Return an operator's undelivered refusals, oldest first."""
        return self._entries(
            "next_at IS NOT NULL AND kind = ? AND team_id = ? AND operator_id = ? ORDER BY id LIMIT ?",
            Kind.REFUSED,
            team_id,
            operator_id,
            limit,
        )

    def last_refusal_delivered_at(self, team_id: str, operator_id: str) -> datetime | None:
        """Return when the channel last heard of a refusal of this operator."""
        sql = "SELECT max(delivered_at) FROM audit_entries WHERE kind = ? AND team_id = ? AND operator_id = ?"
        return time(self._rows(sql, Kind.REFUSED, team_id, operator_id)[0][0])

    def next_delivery_at(self) -> datetime | None:
        """Return when the next entry is due, or None where nothing waits."""
        return time(self._rows("SELECT min(next_at) FROM audit_entries")[0][0])

    def hold(self, entries: Sequence[AuditEntry], until: datetime) -> Sequence[AuditEntry]:
        """Take these entries for delivery: nobody else gets them before `until`. Return those that were got."""
        sql = "UPDATE audit_entries SET next_at = ? WHERE id = ? AND next_at = ?"
        with self._write() as db:
            return [
                replace(entry, next_at=until)
                for entry in entries
                if db.execute(sql, (text(until), entry.id, text(entry.next_at))).rowcount
            ]

    def delivered(self, entries: Sequence[AuditEntry], ts: str, now: datetime) -> None:
        """Note that Slack took these entries, as message `ts`. What was noted before stays."""
        with self._write() as db:
            db.executemany(
                "UPDATE audit_entries SET next_at = NULL, delivery_attempts = delivery_attempts + 1,"
                " delivered_at = ?, ts = ? WHERE id = ? AND delivered_at IS NULL",
                [(text(now), ts, entry.id) for entry in entries],
            )

    def postponed(self, entries: Sequence[AuditEntry], next_at: datetime, *, failed: bool) -> None:
        """Note when to try these entries again, unless somebody took them since; `failed` counts an attempt."""
        with self._write() as db:
            db.executemany(
                "UPDATE audit_entries SET next_at = ?, delivery_attempts = delivery_attempts + ?"
                " WHERE id = ? AND next_at = ?",
                [(text(next_at), int(failed), entry.id, text(entry.next_at)) for entry in entries],
            )

    def _requests(self, where: str, *values: Any) -> list[SignOutRequest]:
        return self._readable(request_of_row, f"SELECT * FROM requests WHERE {where}", values)[0]  # noqa: S608 -- our text

    def _entries(self, where: str, *values: Any) -> list[AuditEntry]:
        sql = f"SELECT * FROM audit_entries WHERE {where}"  # noqa: S608 -- our own text
        entries, unreadable = self._readable(entry_of_row, sql, values)
        if unreadable:
            later = text(datetime.now(UTC) + timedelta(hours=1))
            with self._write() as db:
                db.executemany(
                    "UPDATE audit_entries SET next_at = ? WHERE id = ?", [(later, id_) for id_ in unreadable]
                )
        return entries

    def _readable(self, read: Callable[[Row], T], sql: str, values: Sequence[Any]) -> tuple[list[T], list[str]]:
        """Read each row by itself, since one that cannot be read must not hold up the others; return those ids too."""
        found, unreadable = [], []
        for row in self._rows(sql, *values):
            try:
                found.append(read(dict(row)))
            except Exception:  # noqa: BLE001 -- whatever is wrong with it
                unreadable.append(row["id"])
                if row["id"] not in self._unreadable:
                    log.error("Row %s cannot be read. It is left as it is", row["id"])  # noqa: TRY400 -- it quotes the row
                    self._unreadable.add(row["id"])
        return found, unreadable

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
        db = sqlite3.connect(
            f"{self._path.as_uri()}?mode=rw",  # a file that is gone is not made anew, without the schema
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        self._local.own = own = Connection(db)
        self._connections.add(own)
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
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


def _insert(db: sqlite3.Connection, table: str, row: Row, otherwise: str = "") -> int:
    marks = ", ".join(f":{name}" for name in row)
    sql = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks}) {otherwise}"  # noqa: S608 -- our own names
    return db.execute(sql, row).rowcount
