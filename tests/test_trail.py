"""The trail of a SQLite store: going through it, clearing its old end, and reading it without a right to write."""

import logging
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from examples import NOON, added_to, asked, awaiting, delivered_all, done_in

from bot.audit import POSTED, Delivery, Entry, Kind, entry_of, entry_of_ask
from bot.errors import StoreError
from bot.request import State, new_id
from bot.stores.sqlite.statements import PAGE
from bot.stores.sqlite.store import SQLiteReader, SQLiteStore

DAY = timedelta(days=1)


def recorded(store: SQLiteStore, at: datetime, target: str = "ada", kind: Kind = Kind.NOT_FOUND) -> Entry:
    entry = entry_of_ask(kind, asked(target, id=new_id(at)), "no such account", at)
    store.record(entry)
    return entry


def all_of(store: SQLiteStore | SQLiteReader) -> list[Entry]:
    return list(store.entries(None, None))


def sql(store: SQLiteStore, statement: str, *values: object) -> None:
    with sqlite3.connect(store._file.path) as db:
        db.execute(statement, values)
    db.close()


@pytest.fixture
def reader(store: SQLiteStore) -> Iterator[SQLiteReader]:
    """The same file, for reading."""
    opened = SQLiteReader(store._file.path)
    opened.open()
    yield opened
    opened.close()


# Going through it


def test_entries_come_oldest_first_page_after_page_and_whole(store: SQLiteStore) -> None:
    written = [recorded(store, NOON + timedelta(milliseconds=n), str(n)) for n in range(2 * PAGE + 1)]
    assert all_of(store) == written


def test_an_entry_comes_with_its_delivery_as_it_stands(store: SQLiteStore) -> None:
    entry = recorded(store, NOON, kind=Kind.REFUSED)
    assert all_of(store) == [entry]
    store.postponed(entry, NOON + DAY)
    assert all_of(store) == [replace(entry, delivery=Delivery(attempts=1, next_at=NOON + DAY))]
    store.delivered(entry, '1."0', NOON)
    assert all_of(store) == [replace(entry, delivery=Delivery(attempts=2, delivered_at=NOON, ts='1."0'))]


def test_since_is_compared_with_the_time_of_the_entry_to_the_microsecond(store: SQLiteStore) -> None:
    before, at, after = (recorded(store, NOON + timedelta(microseconds=n)) for n in (-1, 0, 1))
    assert list(store.entries(NOON, None)) == sorted([at, after], key=lambda entry: entry.id)
    assert list(store.entries(NOON + timedelta(microseconds=1), None)) == [after]
    assert {each.id for each in store.entries(NOON - DAY, None)} == {before.id, at.id, after.id}


def test_an_id_made_by_a_clock_that_ran_slow_hides_no_entry(store: SQLiteStore) -> None:
    entry = replace(recorded(store, NOON), id=new_id(NOON - timedelta(seconds=30)))
    store.record(entry)
    assert entry in store.entries(NOON, None)


@pytest.mark.parametrize("year", [1, 1969, 1970])
def test_since_may_be_before_ids_began(store: SQLiteStore, year: int) -> None:
    entry = recorded(store, NOON)
    assert list(store.entries(datetime(year, 1, 1, tzinfo=UTC), None)) == [entry]


def test_one_request_is_given_from_its_card_to_its_outcome_and_no_other(store: SQLiteStore) -> None:
    done = done_in(store)
    done_in(store)
    kinds = {entry.kind for entry in store.entries(None, done.id)}
    assert kinds == {Kind.OPENED, Kind.CONFIRMED, Kind.SIGNED_OUT}
    assert {entry.ask.id for entry in store.entries(None, done.id)} == {done.id}
    assert list(store.entries(NOON + DAY, done.id)) == []


@pytest.mark.parametrize("broken", ["", "{", "{}", "[]", "null", '{"id":"x"}', "\x00", '{"at": "soon"}'])
def test_an_entry_that_cannot_be_read_is_named_in_the_log_and_keeps_no_one_from_the_others(
    store: SQLiteStore, caplog: pytest.LogCaptureFixture, broken: str
) -> None:
    entries = [recorded(store, NOON + timedelta(seconds=n)) for n in range(3)]
    sql(store, "UPDATE entries SET document = ? WHERE id = ?", broken, entries[1].id)
    with caplog.at_level(logging.ERROR):
        assert all_of(store) == [entries[0], entries[2]]
    assert f"Row {entries[1].id} cannot be read" in caplog.text


def test_pages_that_cannot_be_read_at_all_come_to_an_end(store: SQLiteStore) -> None:
    for n in range(PAGE + 1):
        recorded(store, NOON + timedelta(milliseconds=n))
    sql(store, "UPDATE entries SET document = '{}'")
    last = recorded(store, NOON + DAY)
    assert all_of(store) == [last]


def test_a_slow_reader_keeps_no_one_from_writing_and_sees_what_came_meanwhile(store: SQLiteStore) -> None:
    for n in range(PAGE):
        recorded(store, NOON + timedelta(milliseconds=n))
    slow = store.entries(None, None)
    next(slow)
    sql(store, "PRAGMA wal_checkpoint(TRUNCATE)")
    late = recorded(store, NOON + DAY)
    assert list(slow)[-1] == late


# Clearing its old end


def test_what_ended_and_was_delivered_before_is_forgotten_with_its_request(store: SQLiteStore) -> None:
    old, new = done_in(store), done_in(store, NOON + DAY)
    delivered_all(store, NOON + DAY)
    assert store.forget(NOON + timedelta(microseconds=1)) == 3
    assert store.get(old.id) is None
    assert store.get(new.id) == new
    assert {entry.ask.id for entry in all_of(store)} == {new.id}
    assert store.forget(NOON + timedelta(microseconds=1)) == 0


def test_before_is_compared_with_the_time_of_the_entry(store: SQLiteStore) -> None:
    entry, newest = recorded(store, NOON), recorded(store, NOON + DAY)
    assert store.forget(NOON) == 0
    assert all_of(store) == [entry, newest]
    assert store.forget(NOON + timedelta(microseconds=1)) == 1


def test_an_entry_that_waits_for_delivery_is_kept_with_its_request_however_old(store: SQLiteStore) -> None:
    done = done_in(store)
    recorded(store, NOON, kind=Kind.REFUSED)
    assert store.forget(NOON + 999 * DAY) == 2
    assert {entry.kind for entry in all_of(store)} == {Kind.SIGNED_OUT, Kind.REFUSED}
    assert store.get(done.id) == done
    delivered_all(store, NOON + DAY)
    recorded(store, NOON + 999 * DAY)
    assert store.forget(NOON + 999 * DAY) == 2
    assert store.get(done.id) is None


@pytest.mark.parametrize("state", State)
def test_a_request_is_forgotten_only_in_a_state_without_a_way_out(store: SQLiteStore, state: State) -> None:
    request = awaiting(state=state, ended_at=NOON)
    store.add(request, replace(entry_of(request, NOON), delivery=Delivery()), None)
    recorded(store, NOON + DAY)
    store.forget(NOON + DAY)
    over = {State.DONE, State.PARTLY, State.FAILED, State.UNKNOWN, State.CANCELLED, State.EXPIRED, State.DENIED}
    assert (store.get(request.id) is None) == (state in over)


def test_a_request_that_ends_long_after_its_card_is_forgotten_when_that_is_long_ago(store: SQLiteStore) -> None:
    request = added_to(store)
    recorded(store, NOON + DAY)
    assert store.forget(NOON + DAY) == 1
    cancelled = request.move(State.CANCELLED, ended_at=NOON + 2 * DAY)
    store.move(request, cancelled, entry_of(cancelled, NOON + 2 * DAY), None)
    assert store.forget(NOON + DAY) == 0
    assert store.get(request.id) == cancelled
    recorded(store, NOON + 3 * DAY)
    assert store.forget(NOON + 3 * DAY) == 2
    assert store.get(request.id) is None


def test_one_call_deletes_a_bounded_number(store: SQLiteStore) -> None:
    for n in range(PAGE + 3):
        recorded(store, NOON + timedelta(milliseconds=n))
    recorded(store, NOON + DAY)
    assert [store.forget(NOON + DAY) for _ in range(3)] == [PAGE, 3, 0]


# Reading without a right to write


def test_a_reader_sees_what_a_running_bot_writes(store: SQLiteStore, reader: SQLiteReader) -> None:
    entry = recorded(store, NOON)
    assert all_of(reader) == [entry]
    late = recorded(store, NOON + DAY)
    assert all_of(reader) == [entry, late]


def test_where_there_is_no_store_a_reader_says_so_and_makes_none(tmp_path: Path) -> None:
    for path in (tmp_path / "none.db", tmp_path / "no folder" / "none.db"):
        with pytest.raises(StoreError, match=r"There is no store at .*none\.db\. Check SIGNOUT_STORE"):
            SQLiteReader(path).open()
    assert list(tmp_path.iterdir()) == []


def without_the_powers_of_root() -> list[str]:
    """Return what to put before a command so that permissions count, also where the tests run as root."""
    if os.geteuid():
        return []
    setpriv = shutil.which("setpriv")
    assert setpriv, "as root these tests need setpriv (util-linux)"
    return [setpriv, "--inh-caps=-all", "--bounding-set=-all"]


READ = """
import sys
from pathlib import Path
from bot.errors import StoreError
from bot.stores.sqlite.store import SQLiteReader
reader = SQLiteReader(Path(sys.argv[1]))
try:
    reader.open()
except StoreError as error:
    sys.exit(str(error))
print(*(entry.id for entry in reader.entries(None, None)))
"""


def read_elsewhere(path: Path) -> subprocess.CompletedProcess[str]:
    command = [*without_the_powers_of_root(), sys.executable, "-c", READ, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("running", [True, False], ids=["beside a bot", "without a bot"])
def test_a_file_in_a_folder_that_may_only_be_read_is_read(tmp_path: Path, *, running: bool) -> None:
    folder = tmp_path / "store"
    folder.mkdir()
    store = SQLiteStore(folder / "signout.db")
    store.open()
    entry = recorded(store, NOON)
    if not running:
        store.close()
    there = sorted(folder.iterdir())
    for path in (*there, folder):
        path.chmod(0o500 if path.is_dir() else 0o400)
    ran = read_elsewhere(store._file.path)
    folder.chmod(0o700)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == f"{entry.id}\n"
    assert sorted(folder.iterdir()) == there
    store.close()


def test_a_file_that_may_not_be_read_is_said(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "signout.db")
    store.open()
    store.close()
    store._file.path.chmod(0)
    ran = read_elsewhere(store._file.path)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "cannot be read: unable to open database file. Check SIGNOUT_STORE" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_the_kinds_that_are_posted_are_those_that_wait(store: SQLiteStore) -> None:
    for kind in Kind:
        recorded(store, NOON, kind=kind)
    recorded(store, NOON + DAY, kind=Kind.REFUSED)
    store.forget(NOON + DAY)
    assert {entry.kind for entry in all_of(store)} == POSTED
