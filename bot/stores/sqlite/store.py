"""Requests, audit entries and cards in one SQLite file on a local disk, for exactly one instance."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

from bot.audit import COUNTED, Entry, entry_of_tally
from bot.errors import SupersededError
from bot.facts.finding import COUNTED_UP_TO, Backlog
from bot.ports import LiveMessage, Show
from bot.request import Account, Request, check_move
from bot.stores.documents import (
    DUE_AT_ONCE,
    FIRST_DUE,
    Stored,
    account_key,
    card_of,
    entry_of,
    request_of,
    text,
    time_or_none,
    values_of_entry,
    values_of_place,
    values_of_request,
)
from bot.stores.sqlite import statements as sql
from bot.stores.sqlite.file import WritableFile
from bot.stores.sqlite.migrate import migrate
from bot.stores.sqlite.reader import entries

T = TypeVar("T")
ALWAYS = "~"  # sorts after every time


class SQLiteStore:
    """The `Requests`, `Tallies` and `Outbox` in the file at `path`. Safe to use from many threads.

    What a method wrote is on the disk once it has returned. `written` is called after each `COUNTED` entry is.
    `make`: the file may be made.
    """

    is_outdated = False  # no other instance, and so no newer one, has this file open

    def __init__(self, path: Path, written: Callable[[Entry], None] = lambda _: None, *, make: bool = True) -> None:
        self._file = WritableFile(path)
        self._written = written
        self._make = make

    def open(self) -> None:
        """Make the file where there is none and one may be made, and bring its schema up to date.

        Raises `StoreError` for a file that is no store of this bot's, and `StoreUnavailableError` for what may pass.
        """
        self._file.open(migrate, make=self._make)

    def close(self) -> None:
        self._file.close()

    def check_writable(self) -> None:
        with self._file.write() as db:
            schema = db.execute(sql.SCHEMA).fetchone()[0]
            db.execute(f"{sql.SCHEMA} = {schema}")  # a page that is written and synchronised, and says the same

    # Requests

    def add(self, request: Request, entry: Entry, show: Show | None) -> None:
        with self._file.write() as db:
            if not db.execute(sql.ADD_REQUEST, values_of_request(request)).rowcount:
                raise SupersededError
            db.execute(sql.ADD_ENTRY, values_of_entry(entry))
            if show:
                card = {"id": request.id, "version": request.version, "due_at": text(show.at)}
                db.execute(sql.ADD_CARD, card | values_of_place(show.place))
        if entry.kind in COUNTED:
            self._written(entry)

    def move(self, before: Request, after: Request, entry: Entry | None, show: Show | None) -> None:
        check_move(before.state, after.state)
        with self._file.write() as db:
            # The version is the whole condition: each move makes a new one.
            if not db.execute(sql.MOVE_REQUEST, values_of_request(after) | {"before": before.version}).rowcount:
                raise SupersededError
            if entry:
                db.execute(sql.ADD_ENTRY, values_of_entry(entry))
            if show:
                db.execute(sql.MOVE_CARD, {"id": after.id, "version": after.version, "due_at": text(show.at)})
            if show and show.place:
                db.execute(sql.PLACE_CARD, {"id": after.id, **values_of_place(show.place)})
        if entry and entry.kind in COUNTED:
            self._written(entry)

    def get(self, request_id: str) -> Request | None:
        return next(iter(self._first(1, request_of, sql.REQUEST, id=request_id)), None)

    def last_signed_out(self, account: Account) -> Request | None:
        return next(iter(self._first(1, request_of, sql.LAST_SIGNED_OUT, account=account_key(account))), None)

    def expired(self, now: datetime, limit: int, beyond: datetime | None = None) -> Sequence[Request]:
        return self._due(limit, request_of, sql.EXPIRED, beyond, now=text(now))

    def ready(self, decided_before: datetime, limit: int, beyond: datetime | None = None) -> Sequence[Request]:
        return self._due(limit, request_of, sql.DECIDED, beyond, due="ready", before=text(decided_before))

    def dead(self, lease_before: datetime, limit: int, beyond: datetime | None = None) -> Sequence[Request]:
        return self._due(limit, request_of, sql.DECIDED, beyond, due="running", before=text(lease_before))

    # Trail

    def record(self, entry: Entry) -> None:
        with self._file.write() as db:
            db.execute(sql.ADD_ENTRY, values_of_entry(entry))
        if entry.kind in COUNTED:
            self._written(entry)

    def tally(self, tallies: Sequence[Entry]) -> None:
        with self._file.write() as db:
            for each in tallies:
                db.execute(sql.PUT_TALLY, {name: values_of_entry(each)[name] for name in ("id", "at", "document")})

    def tallies(self, before: datetime, limit: int, beyond: datetime | None = None) -> Sequence[Entry]:
        return self._due(limit, entry_of, sql.TALLIES, beyond, before=text(before))

    def settle(self, tally_id: str, now: datetime) -> None:
        with self._file.write() as db:
            entry = None
            for tally in self._first(1, entry_of, sql.TALLY, id=tally_id):
                before = self._first(1, entry_of, sql.ENTRY, id=tally_id)
                entry = entry_of_tally(tally, now, before[0] if before else None)
                db.execute(sql.END_TALLY, {"id": tally_id})
            if entry:
                db.execute(sql.ADD_ENTRY, values_of_entry(entry))
        if entry:
            self._written(entry)

    def entries(self, since: datetime | None, request_id: str | None) -> Iterator[Entry]:
        return entries(self._file, since, request_id)

    def forget(self, before: datetime) -> int:
        """Forget some of what had ended before then. Return how many entries; 0 once there are no more."""
        old = {"before": text(before)}
        with self._file.write() as db:
            db.execute(sql.FORGET_REQUESTS, old)
            db.execute(sql.FORGET_CARDS, old)
            return db.execute(sql.FORGET_ENTRIES, old).rowcount

    # Outbox

    def backlog(self) -> Backlog:
        count, oldest_at = self._file.rows(sql.BACKLOG)[0]
        return Backlog(count, time_or_none(oldest_at), more=count == COUNTED_UP_TO)

    def next_entry_at(self, *, refused: bool = False) -> datetime | None:
        first = self._first(1, entry_of, sql.WAITING_ENTRIES, refused=refused)
        return first[0].delivery.next_at if first else None

    def due_entries(
        self, now: datetime, limit: int, beyond: datetime | None = None, *, refused: bool = False
    ) -> Sequence[Entry]:
        most = limit if refused else max(limit, FIRST_DUE)
        due = self._due(most, entry_of, sql.DUE_ENTRIES, beyond, refused=refused, now=text(now))
        return sorted(due, key=attrgetter("id"))[:limit]

    def hold(self, entry: Entry, until: datetime) -> Entry | None:
        values = {"id": entry.id, "next_at": text(entry.delivery.next_at), "later": text(until), "failed": 0}
        with self._file.write() as db:
            is_held = db.execute(sql.DUE_AGAIN, values).rowcount
        return replace(entry, delivery=replace(entry.delivery, next_at=until)) if is_held else None

    def delivered(self, entry: Entry, ts: str, now: datetime) -> None:
        with self._file.write() as db:
            db.execute(sql.DELIVERED, {"id": entry.id, "ts": ts, "now": text(now)})

    def postponed(self, entry: Entry, next_at: datetime) -> None:
        values = {"id": entry.id, "next_at": text(entry.delivery.next_at), "later": text(next_at), "failed": 1}
        with self._file.write() as db:
            db.execute(sql.DUE_AGAIN, values)

    def due_messages(self, now: datetime, limit: int, beyond: datetime | None = None) -> Sequence[LiveMessage]:
        return self._due(limit, lambda row: card_of(row["id"], row), sql.DUE_CARDS, beyond, now=text(now))

    def hold_message(self, message: LiveMessage, until: datetime) -> LiveMessage | None:
        hold = uuid.uuid4().hex
        values = {"id": message.request_id, "due_at": text(message.due_at), "until": text(until), "hold": hold}
        with self._file.write() as db:
            is_held = db.execute(sql.HOLD_CARD, values).rowcount
        return replace(message, due_at=until, hold=hold) if is_held else None

    def shown(self, message: LiveMessage) -> None:
        values = {"id": message.request_id, "version": message.version, "hold": message.hold}
        with self._file.write() as db:
            db.execute(sql.SHOWN, values | {"at_once": text(DUE_AT_ONCE)})

    def not_shown(self, message: LiveMessage, next_at: datetime | None) -> None:
        values = {"id": message.request_id, "version": message.version, "hold": message.hold, "later": text(next_at)}
        with self._file.write() as db:
            db.execute(sql.NOT_SHOWN, values | {"at_once": text(DUE_AT_ONCE)})

    def show_again(self, request_id: str) -> None:
        with self._file.write() as db:
            db.execute(sql.SHOW_AGAIN, {"id": request_id, "at_once": text(DUE_AT_ONCE)})

    def forget_places(self, now: datetime) -> None:
        """Forget some response_urls that no longer work."""
        with self._file.write() as db:
            db.execute(sql.FORGET_PLACES, {"now": text(now)})

    def _due(
        self, limit: int, read: Callable[[Stored], T], statement: str, beyond: datetime | None, **upto: Any
    ) -> list[T]:
        """Return the first of what is due up to a time, and then of what is due beyond."""
        due = self._first(limit, read, statement, since="", **upto)
        if beyond is None or len(due) == limit:
            return due
        always = {name: value if name in {"due", "refused"} else ALWAYS for name, value in upto.items()}
        return due + self._first(limit - len(due), read, statement, since=text(beyond), **always)

    def _first(self, limit: int, read: Callable[[Stored], T], statement: str, **values: Any) -> list[T]:
        """Return the first of what a statement gives, past rows that cannot be read."""
        with self._file.connection() as db, closing(db.execute(statement, values)) as rows:
            return list(islice(self._file.readings.each(read, map(dict, rows)), limit))
