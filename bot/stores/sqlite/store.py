"""Requests, audit entries and cards in one SQLite file on a local disk, for exactly one instance."""

import sqlite3
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from bot.audit import COUNTED, Entry
from bot.errors import SupersededError
from bot.ports import COUNTED_UP_TO, Backlog, LiveMessage, Show
from bot.request import Account, Request, check_move
from bot.stores.documents import account_key, operator_key, text, text_or_none, time_or_none
from bot.stores.sqlite import statements as sql
from bot.stores.sqlite.file import WritableFile
from bot.stores.sqlite.migrate import migrate
from bot.stores.sqlite.rows import (
    Readings,
    Row,
    entry_of_row,
    message_of_row,
    request_of_row,
    values_of_entry,
    values_of_request,
    values_of_show,
)
from bot.stores.sqlite.trail import entries

T = TypeVar("T")

AT_ONCE = text(datetime(1970, 1, 1, tzinfo=UTC))  # due for everyone, even where clocks differ


class SQLiteStore:
    """The `Requests`, `Trail` and `Outbox` in the file at `path`. Safe to use from many threads.

    What a method wrote is on the disk once it has returned. `written` is called after each `COUNTED` entry is.
    """

    def __init__(self, path: Path, written: Callable[[Entry], None] = lambda _: None) -> None:
        self._file = WritableFile(path)
        self._written = written
        self._readings = Readings()

    def open(self) -> None:
        """Make the file where there is none, and bring its schema up to date.

        Raises `StoreError` for a file that is no store of this bot's, and `StoreUnavailableError` for what may pass.
        """
        self._file.open(_prepare)

    def close(self) -> None:
        """Close every thread's connection. Nothing may use the store afterwards."""
        self._file.close()

    # Requests

    def add(self, request: Request, entry: Entry, show: Show | None) -> None:
        """Store a new request, its entry and its card."""
        with self._file.write() as db:
            if not db.execute(sql.ADD_REQUEST, values_of_request(request)).rowcount:
                raise SupersededError
            db.execute(sql.ADD_ENTRY, values_of_entry(entry))
            if show:
                db.execute(sql.ADD_CARD, values_of_show(request, show))
        if entry.kind in COUNTED:
            self._written(entry)

    def move(self, before: Request, after: Request, entry: Entry | None, show: Show | None) -> None:
        """Replace `before` by `after`, add the entry and note the card, all or nothing."""
        check_move(before.state, after.state)
        with self._file.write() as db:
            # The version is the whole condition: each move makes a new one.
            moved = db.execute(sql.MOVE_REQUEST, values_of_request(after) | {"before": before.version})
            if not moved.rowcount:
                raise SupersededError
            if entry:
                db.execute(sql.ADD_ENTRY, values_of_entry(entry))
            if show:
                db.execute(sql.MOVE_CARD, values_of_show(after, show))
        if entry and entry.kind in COUNTED:
            self._written(entry)

    def get(self, request_id: str) -> Request | None:
        """Return a request, or None."""
        return self._one(request_of_row, sql.REQUEST, id=request_id)

    def last_signed_out(self, account: Account) -> Request | None:
        """Return the request that last signed this account out, or None."""
        return self._one(request_of_row, sql.LAST_SIGNED_OUT, account=account_key(account))

    def expired(self, now: datetime, limit: int) -> Sequence[Request]:
        """Return the requests that still await their operator after `expires_at`."""
        return self._due_requests(sql.EXPIRED, now=text(now), limit=limit)

    def ready(self, decided_before: datetime, limit: int) -> Sequence[Request]:
        """Return the requests in READY that were decided before then."""
        return self._due_requests(sql.DECIDED, due="ready", before=text(decided_before), limit=limit)

    def dead(self, lease_before: datetime, limit: int) -> Sequence[Request]:
        """Return the requests in RUNNING whose lease ended before then."""
        return self._due_requests(sql.DECIDED, due="running", before=text(lease_before), limit=limit)

    # Trail

    def record(self, entry: Entry) -> None:
        """Store an entry that belongs to no move, such as a refusal."""
        self._run(sql.ADD_ENTRY, values_of_entry(entry))
        if entry.kind in COUNTED:
            self._written(entry)

    def entries(self, since: datetime | None, request_id: str | None) -> Iterator[Entry]:
        """Give all entries, or those from a time on, or of one request, oldest first; memory holds a page of them."""
        return entries(self._file, self._readings, since, request_id)

    def forget(self, before: datetime) -> int:
        """Delete some of what ended, and was delivered where it had to be, before then; return how many entries."""
        old = {"before": text(before)}
        with self._file.write() as db:
            db.execute(sql.FORGET_REQUESTS, old)
            db.execute(sql.FORGET_CARDS, old)
            return db.execute(sql.FORGET_ENTRIES, old).rowcount

    # Outbox

    def backlog(self) -> Backlog:
        """Return what waits for the audit channel, counted up to a limit."""
        count, oldest_at = self._file.rows(sql.BACKLOG)[0]
        return Backlog(count, time_or_none(oldest_at), more=count == COUNTED_UP_TO)

    def next_entry_at(self) -> datetime | None:
        """Return when the next entry is due, or None where none waits."""
        return self._time(sql.NEXT_ENTRY_AT)

    def due_entries(self, now: datetime, limit: int) -> Sequence[Entry]:
        """Return entries that are due for delivery."""
        return self._due(entry_of_row, sql.UNREADABLE_ENTRY, sql.DUE_ENTRIES, now=text(now), limit=limit)

    def refusals_waiting(self, team_id: str, operator_id: str, limit: int) -> Sequence[Entry]:
        """Return an operator's undelivered refusals."""
        operator = operator_key(team_id, operator_id)
        return self._due(entry_of_row, sql.UNREADABLE_ENTRY, sql.REFUSALS_WAITING, operator=operator, limit=limit)

    def last_refusal_delivered_at(self, team_id: str, operator_id: str) -> datetime | None:
        """Return when the channel last took a refusal of this operator."""
        return self._time(sql.LAST_REFUSAL_DELIVERED_AT, operator=operator_key(team_id, operator_id))

    def hold(self, entries: Sequence[Entry], until: datetime) -> Sequence[Entry]:
        """Take entries for delivery: no one else gets them before `until`. Return those that were got, so held."""
        with self._file.write() as db:
            got = [each for each in entries if db.execute(sql.HOLD_ENTRY, _as_read(each, until=text(until))).rowcount]
        return [replace(each, delivery=replace(each.delivery, next_at=until)) for each in got]

    def delivered(self, entries: Sequence[Entry], ts: str, now: datetime) -> None:
        """Note that Slack took these entries, as message `ts`. What was noted before stays."""
        self._run(sql.DELIVERED, *({"id": each.id, "ts": ts, "now": text(now)} for each in entries))

    def postponed(self, entries: Sequence[Entry], next_at: datetime, *, failed: bool) -> None:
        """Note when to try these entries again, unless someone took them since; `failed` counts an attempt."""
        self._run(sql.POSTPONED, *(_as_read(each, later=text(next_at), failed=int(failed)) for each in entries))

    def due_messages(self, now: datetime, limit: int) -> Sequence[LiveMessage]:
        """Return the cards that are due to be shown."""
        return self._due(message_of_row, sql.UNREADABLE_CARD, sql.DUE_CARDS, now=text(now), limit=limit)

    def hold_message(self, message: LiveMessage, until: datetime) -> LiveMessage | None:
        """Take a card to show it: no one else gets it before `until`. None where it was taken or shown since."""
        hold = uuid.uuid4().hex
        values = {"id": message.request_id, "due_at": text_or_none(message.due_at), "until": text(until), "hold": hold}
        return replace(message, due_at=until, hold=hold) if self._run(sql.HOLD_CARD, values) else None

    def shown(self, message: LiveMessage) -> None:
        """Note that Slack took the card as of `message.version`."""
        values = {"id": message.request_id, "version": message.version, "hold": message.hold, "at_once": AT_ONCE}
        self._run(sql.SHOWN, values)

    def not_shown(self, message: LiveMessage, next_at: datetime | None) -> None:
        """Note that Slack may not have taken the card, and when to try again."""
        values = {"id": message.request_id, "version": message.version, "hold": message.hold, "at_once": AT_ONCE}
        self._run(sql.NOT_SHOWN, values | {"later": text_or_none(next_at)})

    def show_again(self, request_id: str) -> None:
        """Make the card of a request due at once, since it reads differently now."""
        self._run(sql.SHOW_AGAIN, {"id": request_id, "at_once": AT_ONCE})

    def forget_places(self, now: datetime) -> None:
        """Forget the response_urls that Slack no longer takes."""
        self._run(sql.FORGET_PLACES, {"now": text(now)})

    # How it is

    def check_writable(self) -> None:
        """Write something and take it back. Raises `StoreUnavailableError`."""
        with self._file.write() as db:
            version = _schema_now(db)
            db.execute(f"PRAGMA user_version = {version}")  # a page that is written and synchronised, and says the same

    def is_outdated(self) -> bool:
        """Return False: no other instance, and so no newer one, has this file open."""
        return False

    def _run(self, statement: str, *each: dict[str, Any]) -> int:
        """Run a statement with each of these values in one transaction; return how many rows it changed."""
        with self._file.write() as db:
            return sum(db.execute(statement, values).rowcount for values in each)

    def _one(self, read: Callable[[Row], T], statement: str, **values: Any) -> T | None:
        found, _ = self._readings.each(read, self._file.rows(statement, values))
        return found[0] if found else None

    def _time(self, statement: str, **values: Any) -> datetime | None:
        rows = self._file.rows(statement, values)
        return time_or_none(rows[0][0]) if rows else None

    def _due_requests(self, statement: str, **values: Any) -> Sequence[Request]:
        return self._due(request_of_row, sql.UNREADABLE_REQUEST, statement, **values)

    def _due(self, read: Callable[[Row], T], unreadable: str, statement: str, **values: Any) -> Sequence[T]:
        """Return what is due. What cannot be read is passed over from now on, or it would take the others' places."""
        found, ids = self._readings.each(read, self._file.rows(statement, values))
        if ids:
            self._run(unreadable, *({"id": id_} for id_ in ids))
        return found


def _prepare(file: WritableFile) -> None:
    migrate(file)
    with file.write() as db:
        for again in (sql.TRY_REQUESTS_AGAIN, sql.TRY_ENTRIES_AGAIN, sql.TRY_CARDS_AGAIN):
            db.execute(again)


def _as_read(entry: Entry, **values: Any) -> dict[str, Any]:
    return {"id": entry.id, "next_at": text_or_none(entry.delivery.next_at), **values}


def _schema_now(db: sqlite3.Connection) -> int:
    version: int = db.execute(sql.SCHEMA_NOW).fetchone()[0]
    return version
