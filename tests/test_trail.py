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
from bot.recover import Recovery
from bot.stores.schema import STEPS
from bot.stores.sqlite_reader import SQLiteReader
from bot.stores.trail import STEP
from examples import NOON, ScriptedPool, StoppedClock, asked, awaiting, sign_outs

from bot.audit import POSTED, AuditEntry, Kind, entry_of, entry_of_ask
from bot.errors import StoreError, StoreUnavailableError
from bot.request import SignOutRequest, State, new_id
from bot.stores.sqlite import SQLiteStore

DAY = timedelta(days=1)


def recorded(store: SQLiteStore, at: datetime, target: str = "ada", kind: Kind = Kind.NOT_FOUND) -> AuditEntry:
    entry = entry_of_ask(kind, asked(target, id=new_id(at)), "no such account", at)
    store.record(entry)
    return entry


def ended(store: SQLiteStore, at: datetime, state: State = State.SIGNED_OUT) -> SignOutRequest:
    """Return a request that was opened, claimed and ended then."""
    request = awaiting(id=new_id(at), created_at=at)
    store.add(request, entry_of(request, at))
    for move in (State.SIGNING_OUT, state):
        before, request = request, request.move(move, ended_at=at if move is state else None)
        store.advance(before, request, entry_of(request, at))
    return request


def all_of(store: SQLiteStore) -> list[AuditEntry]:
    return list(store.entries(None, None))


def sql(store: SQLiteStore, statement: str, *values: object) -> None:
    with sqlite3.connect(store._path) as db:
        db.execute(statement, values)
    db.close()


@pytest.fixture
def reader(store: SQLiteStore) -> Iterator[SQLiteReader]:
    """The same file, for reading."""
    opened = SQLiteReader(store._path)
    opened.open()
    yield opened
    opened.close()


# Going through it


def test_entries_come_oldest_first_page_after_page_and_whole(store: SQLiteStore) -> None:
    written = [recorded(store, NOON + timedelta(milliseconds=n), str(n)) for n in range(2 * STEP + 1)]
    assert all_of(store) == written


def test_an_entry_comes_with_its_delivery_as_it_stands(store: SQLiteStore) -> None:
    entry = recorded(store, NOON, kind=Kind.REFUSED)
    assert all_of(store) == [entry]
    store.postponed([entry], NOON + DAY, failed=True)
    assert all_of(store) == [replace(entry, next_at=NOON + DAY, delivery_attempts=1)]
    store.delivered([entry], '1."0', NOON)
    assert all_of(store) == [replace(entry, next_at=None, delivery_attempts=2, delivered_at=NOON, ts='1."0')]


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
    done = ended(store, NOON)
    ended(store, NOON)
    kinds = {entry.kind for entry in store.entries(None, done.id)}
    assert kinds == {Kind.OPENED, Kind.CONFIRMED, Kind.SIGNED_OUT}
    assert {entry.request_id for entry in store.entries(None, done.id)} == {done.id}
    assert list(store.entries(NOON + DAY, done.id)) == []


@pytest.mark.parametrize("broken", ["", "{", "{}", "[]", "null", '{"id":"x"}', "\x00", '{"at": "soon"}'])
def test_an_entry_that_cannot_be_read_is_named_in_the_log_and_keeps_nobody_from_the_others(
    store: SQLiteStore, caplog: pytest.LogCaptureFixture, broken: str
) -> None:
    entries = [recorded(store, NOON + timedelta(seconds=n)) for n in range(3)]
    sql(store, "UPDATE audit_entries SET snapshot = ? WHERE id = ?", broken, entries[1].id)
    with caplog.at_level(logging.ERROR):
        assert all_of(store) == [entries[0], entries[2]]
    assert f"Row {entries[1].id} cannot be read" in caplog.text


def test_pages_that_cannot_be_read_at_all_come_to_an_end(store: SQLiteStore) -> None:
    for n in range(STEP + 1):
        recorded(store, NOON + timedelta(milliseconds=n))
    sql(store, "UPDATE audit_entries SET snapshot = '{}'")
    last = recorded(store, NOON + DAY)
    assert all_of(store) == [last]


def test_a_reader_who_dawdles_keeps_nobody_from_writing_and_sees_what_came_meanwhile(store: SQLiteStore) -> None:
    for n in range(STEP):
        recorded(store, NOON + timedelta(milliseconds=n))
    dawdling = store.entries(None, None)
    next(dawdling)
    sql(store, "PRAGMA wal_checkpoint(TRUNCATE)")
    late = recorded(store, NOON + DAY)
    assert list(dawdling)[-1] == late


# Clearing its old end


def test_what_ended_and_was_delivered_before_is_forgotten_with_its_request(store: SQLiteStore) -> None:
    old, new = ended(store, NOON), ended(store, NOON + DAY)
    store.delivered(store.undelivered(NOON + DAY, 9), "1.0", NOON + DAY)
    assert store.forget_delivered(NOON + timedelta(microseconds=1)) == 3
    assert store.get(old.id) is None
    assert store.get(new.id) == new
    assert {entry.request_id for entry in all_of(store)} == {new.id}
    assert store.forget_delivered(NOON + timedelta(microseconds=1)) == 0


def test_before_is_compared_with_the_time_of_the_entry(store: SQLiteStore) -> None:
    entry = recorded(store, NOON)
    assert store.forget_delivered(NOON) == 0
    assert all_of(store) == [entry]
    assert store.forget_delivered(NOON + timedelta(microseconds=1)) == 1


def test_an_entry_that_waits_for_delivery_is_kept_with_its_request_however_old(store: SQLiteStore) -> None:
    done = ended(store, NOON)
    refused = recorded(store, NOON, kind=Kind.REFUSED)
    assert store.forget_delivered(NOON + 999 * DAY) == 2
    assert {entry.kind for entry in all_of(store)} == {Kind.SIGNED_OUT, Kind.REFUSED}
    assert store.get(done.id) == done
    store.delivered([refused, *store.undelivered(NOON + DAY, 9)], "1.0", NOON)
    assert store.forget_delivered(NOON + 999 * DAY) == 2
    assert store.get(done.id) is None


@pytest.mark.parametrize("state", State)
def test_a_request_is_forgotten_only_in_a_state_without_a_way_out(store: SQLiteStore, state: State) -> None:
    request = awaiting(state=state, ended_at=NOON)
    store.add(request, replace(entry_of(request, NOON), next_at=None))
    store.forget_delivered(NOON + DAY)
    over = {State.SIGNED_OUT, State.FAILED, State.UNKNOWN, State.CANCELLED, State.EXPIRED}
    assert (store.get(request.id) is None) == (state in over)


def test_one_call_deletes_a_bounded_number(store: SQLiteStore) -> None:
    for n in range(STEP + 3):
        recorded(store, NOON + timedelta(milliseconds=n))
    assert [store.forget_delivered(NOON + DAY) for _ in range(3)] == [STEP, 3, 0]


def test_the_rule_forgets_what_is_older_than_retain(store: SQLiteStore) -> None:
    clock = StoppedClock()
    recovery = Recovery(sign_outs=sign_outs(store, ScriptedPool([], clock), clock), store=store, clock=clock)
    recorded(store, NOON)
    clock.time = NOON + 90 * DAY
    assert recovery.forget(90 * DAY) == 0
    clock.time += timedelta(seconds=1)
    assert recovery.forget(90 * DAY) == 1
    assert all_of(store) == []


def test_a_file_of_the_bot_before_is_read_only_once_this_bot_has_brought_it_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "signout.db"
    db = sqlite3.connect(path)
    db.executescript("".join(STEPS[:2]) + "PRAGMA user_version = 2")
    db.close()
    reader, store = SQLiteReader(path), SQLiteStore(path)
    with pytest.raises(StoreError, match=f"has schema 2, this bot reads {len(STEPS)}"):
        reader.open()
    store.open()
    entry = recorded(store, NOON)
    reader.open()
    assert list(reader.entries(None, entry.request_id)) == [entry]
    reader.close()
    store.close()


# Reading without a right to write


def test_a_reader_sees_what_a_running_bot_writes(store: SQLiteStore, reader: SQLiteReader) -> None:
    entry = recorded(store, NOON)
    assert all_of(reader) == [entry]
    late = recorded(store, NOON + DAY)
    assert all_of(reader) == [entry, late]


def test_a_reader_cannot_write(reader: SQLiteReader) -> None:
    with pytest.raises(StoreUnavailableError) as caught:
        recorded(reader, NOON)
    assert "readonly" in caught.value.reason


def test_where_there_is_no_store_a_reader_says_so_and_makes_none(tmp_path: Path) -> None:
    for path in (tmp_path / "none.db", tmp_path / "no folder" / "none.db"):
        with pytest.raises(StoreError, match=r"There is no store at .*none\.db\. Check SIGNOUT_STORE"):
            SQLiteReader(path).open()
    assert list(tmp_path.iterdir()) == []


def make_folder(path: Path) -> None:
    path.mkdir()


def make_text(path: Path) -> None:
    path.write_text("this is no database, whatever its name says")


def make_empty(path: Path) -> None:
    path.touch()


def make_newer(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (make_folder, "There is no store at"),
        (make_text, "cannot be read: file is not a database"),
        (make_empty, f"has schema 0, this bot reads {len(STEPS)}. Start this bot on it once"),
        (make_newer, f"has schema 99, this bot knows {len(STEPS)}. Run the newer bot"),
    ],
)
def test_what_is_no_store_of_this_bot_is_said_and_left_as_it_was(tmp_path: Path, make: object, sentence: str) -> None:
    path = tmp_path / "odd?#%.db"
    make(path)  # type: ignore[operator]
    before = path.is_file() and path.read_bytes()
    reader = SQLiteReader(path)
    with pytest.raises(StoreError, match=sentence):
        reader.open()
    reader.close()
    assert list(tmp_path.iterdir()) == [path]
    assert (path.is_file() and path.read_bytes()) == before


def without_the_powers_of_root() -> list[str]:
    """Return what to put before a command so that permissions count, also where the tests run as root."""
    if os.geteuid():
        return []
    setpriv = shutil.which("setpriv")
    assert setpriv, "as root these tests need setpriv (util-linux)"
    return [setpriv, "--inh-caps=-all", "--bounding-set=-all"]


def read_elsewhere(path: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.defpath, "SIGNOUT_STORE": f"sqlite:///{path}"}
    command = [*without_the_powers_of_root(), sys.executable, "-m", "bot", "audit", "--format", "json"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


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
    ran = read_elsewhere(store._path)
    folder.chmod(0o700)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert entry.id in ran.stdout
    assert sorted(folder.iterdir()) == there
    store.close()


def test_a_file_that_may_not_be_read_is_said(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "signout.db")
    store.open()
    store.close()
    store._path.chmod(0)
    ran = read_elsewhere(store._path)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "cannot be read: unable to open database file. Check SIGNOUT_STORE" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_the_kinds_that_are_posted_are_those_that_wait(store: SQLiteStore) -> None:
    for kind in Kind:
        recorded(store, NOON, kind=kind)
    store.forget_delivered(NOON + DAY)
    assert {entry.kind for entry in all_of(store)} == POSTED
