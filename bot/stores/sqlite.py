"""Requests and audit entries in one SQLite file on a local disk, for exactly one instance."""

import logging
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from bot.audit import AuditEntry, Kind
from bot.errors import SupersededError
from bot.ports import Backlog
from bot.request import MOVES, Account, IllegalMoveError, SignOutRequest, State
from bot.stores.rows import Row, entry_of_json, entry_of_row, request_of_row, row_of_entry, row_of_request, text, time
from bot.stores.sqlite_file import SQLiteFile
from bot.stores.trail import forget, pages

T = TypeVar("T")

log = logging.getLogger(__name__)


class SQLiteStore(SQLiteFile):
    """A `RequestStore` in the file at `path`. What a method wrote is on the disk once it has returned."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._unreadable: set[str] = set()

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


def _insert(db: sqlite3.Connection, table: str, row: Row, otherwise: str = "") -> int:
    marks = ", ".join(f":{name}" for name in row)
    sql = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks}) {otherwise}"  # noqa: S608 -- our own names
    return db.execute(sql, row).rowcount
