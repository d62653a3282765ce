"""Requests, audit entries and cards in one SQLite file on a local disk: for exactly one instance, or only to read."""

import sqlite3
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from bot.account import Account
from bot.audit import COUNTED, Entry, entry_of_tally, subjects_of
from bot.errors import CountChangedError, StoreError, SupersededError
from bot.limits import Window
from bot.ports import LiveMessage, MessageKind, Show
from bot.request import Request, check_move
from bot.stores.documents import (
    Readings,
    Stored,
    Values,
    card_of,
    message_id,
    new_card,
    other_messages,
    read_entry,
    request_of,
    text,
    values_of_card,
    values_of_entry,
    values_of_request,
    values_of_window,
    window_of,
)
from bot.stores.following import entry_in, first_id_since, not_there
from bot.stores.sqlite import statements as sql
from bot.stores.sqlite.file import File, connect_to_read, connect_to_write, no_store, reason, see_what_it_is
from bot.stores.sqlite.lists import SQLiteLists
from bot.stores.sqlite.migrate import open_to_write
from bot.stores.sqlite.schema import newest
from bot.stores.waiting import CardRule, Waiting

T = TypeVar("T")


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
            self._file.known = path.stat()
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"The store {path} cannot be read: {reason(error)}.", "Check SIGNOUT_STORE.") from error

    def close(self) -> None:
        """Close every thread's connection. Nothing may use the file afterwards."""
        self._file.close()

    def entries(
        self, since: datetime | None, request_id: str | None, list_id: str | None = None, *, each_account: bool = True
    ) -> Iterator[Entry]:
        """Give all entries, or those from a time on, or of one request or list; memory holds a page of them.

        Not `each_account`: without those of the single accounts of lists, which then cost little.
        Nothing is open between two pages: a slow reader is in no one's way. Raises `StoreUnavailableError`.
        """
        statement = sql.ENTRIES if each_account else sql.ENTRIES_WITHOUT_ACCOUNTS
        statement = sql.ENTRIES_OF_REQUEST if request_id is not None else statement
        statement = sql.ENTRIES_OF_LIST if list_id else statement
        first_id = first_id_since(since) if since else ""
        values = {"since": text(since) or "", "after": first_id, "request_id": request_id, "list_id": list_id}
        while rows := self._file.rows(statement, values):
            yield from self._readings.each(read_entry, map(dict, rows))
            values["after"] = rows[-1]["id"]

    def follow(self, after: str | None, since: datetime | None) -> Iterator[Entry | None]:
        """Give all entries after an id, or those of about a time and later, or all, in the order of their commits.

        None comes where there is no further one yet, again and again. Memory holds a page of them. Raises
        `CannotFollowError` and `StoreUnavailableError`.
        """
        number = self._number_to_begin_with(after, since)
        while True:
            rows = self._file.rows(sql.NEXT_ENTRIES, {"number": number})
            for row in rows:
                yield entry_in(dict(row), row["id"])
                number = row["number"] + 1
            if not rows:
                self._file.disconnect()  # one that was made without a bot would not see what a bot writes
                yield None

    def _number_to_begin_with(self, after: str | None, since: datetime | None) -> int:
        if after:
            rows = self._file.rows(sql.NUMBER_OF_ENTRY, {"id": after})
            if not rows:
                raise not_there(after)
            return int(rows[0][0]) + 1
        if not since:
            return 0
        return int(self._file.rows(sql.FIRST_NUMBER_SINCE, {"first": first_id_since(since)})[0][0])


class SQLiteStore(SQLiteReader, SQLiteLists, Waiting):
    """The `Lists`, `Tallies` and `Outbox` in the file at `path`. Safe to use from many threads.

    What a method wrote is on the disk once it has returned. `written` is called after each `COUNTED` entry is.
    `make`: the file may be made.
    """

    is_outdated = False  # no other instance, and so no newer one, has this file open

    def __init__(self, path: Path, written: Callable[[Entry], None] = lambda _: None, *, make: bool = True) -> None:
        super().__init__(path, connect_to_write)
        self._written = written
        self._make = make

    def open(self) -> None:
        """Make the file where there is none and one may be made, and bring its schema up to date.

        Raises `StoreError` for a file that is not this bot's store, and `StoreUnavailableError` if it may work later.
        """
        open_to_write(self._file, make=self._make)

    def check_writable(self) -> None:
        with self._file.write() as db:
            schema = db.execute(sql.SCHEMA).fetchone()[0]
            db.execute(f"{sql.SCHEMA} = {schema}")  # a page that is written and synchronised, and says the same

    # Requests

    def add(self, request: Request, entry: Entry | None, show: Show | None) -> None:
        card = [(sql.PUT_CARD, values_of_card(new_card(request, show)))] if show else ()
        self._write((sql.ADD_REQUEST, values_of_request(request)), entry, card)

    def move(
        self, before: Request, after: Request, entry: Entry | None, show: Show | None, counted: Sequence[Window] = ()
    ) -> None:
        check_move(before, after.state)
        # The version is the whole condition: each move makes a new one.
        moved = sql.MOVE_REQUEST, values_of_request(after) | {"before": before.version}
        shown = [(sql.MOVE_CARD, values_of_card(new_card(after, show)))] if show else []
        shown += [(sql.PUT_CARD, values_of_card(each)) for each in other_messages(after, with_card=bool(show))]
        self._write(moved, entry, shown, counted)

    def windows(self, keys: Sequence[str]) -> Sequence[Window]:
        found = [self._file.rows(sql.WINDOW, {"key": key}) for key in keys]
        return [window_of(dict(rows[0])) if rows else Window(key=key) for key, rows in zip(keys, found, strict=True)]

    def tell(self, windows: Sequence[Window], entry: Entry) -> None:
        self._write(None, entry, (), windows)

    def get(self, request_id: str) -> Request | None:
        return self._one(request_of, sql.REQUEST, id=request_id)

    def last_signed_out(self, account: Account) -> Request | None:
        return self._one(request_of, sql.LAST_SIGNED_OUT, account=account.key)

    def signed_out_at(self, account: Account) -> datetime | None:
        rows = self._file.rows(sql.SIGNED_OUT_AT, {"account": account.key})
        return datetime.fromisoformat(rows[0]["ended_at"]) if rows else None

    def past(self, subjects: Sequence[str], limit: int) -> Sequence[Entry]:
        found = (self._file.rows(sql.PAST, {"subject": each, "limit": limit}) for each in subjects)
        ids = {row["entry_id"] for rows in found for row in rows}
        return [entry for each in sorted(ids)[-limit:] if (entry := self._one(read_entry, sql.ENTRY, id=each))]

    # Entries

    def record(self, entry: Entry) -> None:
        self._write(None, entry)

    def tally(self, tallies: Sequence[Entry]) -> None:
        with self._file.write() as db:
            for each in tallies:
                db.execute(sql.PUT_TALLY, values_of_entry(each))

    def settle(self, tally_id: str, now: datetime) -> None:
        with self._file.write() as db:
            tally = self._one(read_entry, sql.ONE_TALLY, id=tally_id)
            before = self._one(read_entry, sql.ENTRY, id=tally_id)
            entry = entry_of_tally(tally, now, before.count if before else 0) if tally else None
            if tally:
                db.execute(sql.END_TALLY, {"id": tally_id})
            if entry:
                _add(db, entry)
        if entry:
            self._written(entry)

    def delivered(self, entry: Entry, ts: str, now: datetime) -> None:
        with self._file.write() as db:
            db.execute(sql.DELIVERED, {"id": entry.id, "ts": ts, "now": text(now)})

    def forget(self, before: datetime) -> int:
        """Forget some of what had ended before then. Return how many entries; 0 once there are no more."""
        old = {"before": text(before)}
        with self._file.write() as db:
            db.execute(sql.FORGET_REQUESTS, old)
            db.execute(sql.FORGET_CARDS, old)
            db.execute(sql.FORGET_PORTIONS, old)
            db.execute(sql.FORGET_HISTORY, old)
            return db.execute(sql.FORGET_ENTRIES, old).rowcount

    def forget_places(self, now: datetime) -> None:
        """Forget some response_urls that no longer work."""
        with self._file.write() as db:
            db.execute(sql.FORGET_PLACES, {"now": text(now)})

    def _waiting(self, what: str, since: str | None, upto: str | None, _: int) -> Generator[Stored, None, None]:
        values = {"what": what, "since": since, "upto": upto}
        with self._file.connection() as db, closing(db.execute(sql.WAITING[what], values)) as rows:
            yield from map(dict, rows)

    def _due_again(self, entry: Entry, at: datetime, *, failures: int) -> bool:
        values = {"id": entry.id, "next_at": text(entry.delivery.next_at), "later": text(at), "failed": failures}
        with self._file.write() as db:
            return bool(db.execute(sql.DUE_AGAIN, values).rowcount)

    def _card(self, request_id: str, kind: MessageKind) -> LiveMessage | None:
        return self._one(card_of, sql.CARD_OF_REQUEST, id=message_id(request_id, kind))

    def _change_card(self, request_id: str, kind: MessageKind, rule: CardRule) -> LiveMessage | None:
        with self._file.write() as db:
            card = self._one(card_of, sql.CARD_OF_REQUEST, id=message_id(request_id, kind))
            after = rule(card) if card else None
            if after and after != card:
                db.execute(sql.CHANGE_CARD, values_of_card(after))
            return after

    def _write(
        self,
        change: tuple[str, Values] | None,
        entry: Entry | None,
        shown: Sequence[tuple[str, Values]] = (),
        counted: Sequence[Window] = (),
    ) -> None:
        """Change a request, add an entry, note its messages and what was counted, all or nothing."""
        with self._file.write() as db:
            if change and not db.execute(*change).rowcount:
                raise SupersededError
            for window in counted:
                if not db.execute(sql.PUT_WINDOW, values_of_window(window)).rowcount:
                    raise CountChangedError
            if entry:
                _add(db, entry)
            for each in shown:
                db.execute(*each)
        if entry and entry.kind in COUNTED:
            self._written(entry)

    def _one(self, read: Callable[[Stored], T], statement: str, **values: str) -> T | None:
        """Return what a statement gives; None where there is no such row, or it cannot be read."""
        with self._file.connection() as db:
            rows = db.execute(statement, values).fetchall()
        return next(self._readings.each(read, map(dict, rows)), None)


def _add(db: sqlite3.Connection, entry: Entry) -> None:
    """Add an entry, and what the history finds it by."""
    db.execute(sql.ADD_ENTRY, values_of_entry(entry))
    for each in subjects_of(entry):
        db.execute(sql.ADD_TO_HISTORY, {"subject": each, "id": entry.id})
