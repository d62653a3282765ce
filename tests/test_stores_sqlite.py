"""SQLite's own file."""

import re
import sqlite3
import stat
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from examples import ADA, NOON, SAM, added_to, asked, awaiting, done_in

from bot.audit import Kind, entry_of, entry_of_ask
from bot.errors import StoreError
from bot.ports import Show
from bot.request import new_id
from bot.stores.sqlite.file import connect_to_read
from bot.stores.sqlite.probe import try_sqlite
from bot.stores.sqlite.reader import SQLiteReader
from bot.stores.sqlite.schema import APPLICATION_ID, newest
from bot.stores.sqlite.store import SQLiteStore

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)


def test_the_file_is_readable_by_its_owner_only_and_opens_again(tmp_path: Path) -> None:
    path = tmp_path / "signout.db"
    first = SQLiteStore(path)
    first.open()
    request = awaiting()
    first.add(request, entry_of(request, NOON), None)
    for file in tmp_path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    first.close()
    again = SQLiteStore(path)
    again.open()
    assert again.get(request.id) == request
    again.close()


def test_what_a_killed_bot_left_open_to_others_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "signout.db"
    killed = SQLiteStore(path)
    killed.open()
    for file in tmp_path.iterdir():
        file.chmod(0o644)
    assert len(list(tmp_path.iterdir())) == 3
    SQLiteStore(path).open()
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}
    killed.close()


def test_each_write_is_synchronised_to_the_disk(store: SQLiteStore) -> None:
    db = store._file.db()
    assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert db.execute("PRAGMA synchronous").fetchone()[0] == 2


def test_no_statement_writes_a_temporary_file(store: SQLiteStore) -> None:
    memory = 2
    for db in (store._file.db(), connect_to_read(store._file.path)):
        assert db.execute("PRAGMA temp_store").fetchone()[0] == memory
        db.close()


def test_a_store_that_was_open_to_others_no_longer_is(tmp_path: Path) -> None:
    path = tmp_path / "signout.db"
    for _ in range(2):
        store = SQLiteStore(path)
        store.open()
        store.close()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.chmod(0o644)


def test_a_file_that_is_something_else_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "passwd"
    path.write_text("root:x:0:0:root:/root:/bin/bash\n" * 99)
    path.chmod(0o644)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="not a database"):
        SQLiteStore(path).open()
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (before, 0o644)
    assert list(tmp_path.iterdir()) == [path]


def make_folder(path: Path) -> None:
    path.mkdir()


def make_text(path: Path) -> None:
    path.write_text("this is no database, whatever its name says")


def make_newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.executescript(
            f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 99; PRAGMA journal_mode = WAL;"
            "CREATE TABLE something_new (id TEXT);"
        )


def make_another(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE addresses (name TEXT)")


# What version 0.1 made, as far as it tells which it is.
OLD = """
PRAGMA journal_mode = WAL;
CREATE TABLE requests (id TEXT PRIMARY KEY, version INTEGER NOT NULL, state TEXT NOT NULL) STRICT;
CREATE TABLE audit_entries (id TEXT PRIMARY KEY, snapshot TEXT NOT NULL) STRICT;
INSERT INTO audit_entries VALUES ('01JZZZZZZZZZZZZZZZZZZZZZZZ', '{}');
"""


def make_old(path: Path, schema: int = 3) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.executescript(f"{OLD} PRAGMA user_version = {schema};")


def make_old_and_killed(path: Path) -> None:
    """Make it, but as a killed bot leaves it: all that it wrote is in the -wal."""
    with TemporaryDirectory() as folder, closing(sqlite3.connect(Path(folder) / "old.db")) as db:
        db.executescript(f"{OLD} PRAGMA user_version = 3;")
        for end in ("", "-wal"):
            Path(f"{path}{end}").write_bytes(Path(f"{folder}/old.db{end}").read_bytes())


REFUSED = [
    (make_folder, "Is a directory|There is no store|unable to open"),
    (make_text, "not a database"),
    (make_newer, f"has schema 99, this bot knows {newest()}. Run the newer bot, or give another store"),
    (make_another, "is a database of something else. Check SIGNOUT_STORE"),
    (
        make_old,
        "is one of version 0.1, which this version does not read. Let the old bot deliver what waits, save what",
    ),
    (make_old_and_killed, "audit --format json` prints, and start with a new store"),
]


def content(folder: Path) -> Mapping[str, object]:
    """Return what is in a folder. A -shm says nothing: SQLite makes it from the other files, also to read them."""
    return {
        path.name: path.is_file() and (path.read_bytes(), stat.S_IMODE(path.stat().st_mode))
        for path in folder.iterdir()
        if not path.name.endswith("-shm")
    }


@pytest.mark.parametrize(("make", "sentence"), REFUSED)
def test_what_is_no_store_of_this_version_is_refused_with_the_reason_and_never_written_to(
    tmp_path: Path, make: Callable[[Path], None], sentence: str
) -> None:
    path = tmp_path / "odd?#%.db"
    make(path)
    if path.is_file():
        path.chmod(0o644)
    before = content(tmp_path)
    for opened in (SQLiteStore(path), SQLiteReader(path)):
        with pytest.raises(StoreError, match=sentence):
            opened.open()
        opened.close()
    (found,) = try_sqlite(path)
    assert found.status == "missing"
    assert re.search(sentence, f"{found.sentence} {found.fix}")
    assert content(tmp_path) == before


@pytest.mark.parametrize("schema", [1, 2, 3])
def test_every_schema_of_version_0_1_is_refused(tmp_path: Path, schema: int) -> None:
    make_old(tmp_path / "signout.db", schema)
    with pytest.raises(StoreError, match=r"is one of version 0\.1"):
        SQLiteStore(tmp_path / "signout.db").open()


def test_an_empty_file_is_a_new_store_for_the_bot_and_none_for_a_reader(tmp_path: Path) -> None:
    path = tmp_path / "signout.db"
    path.touch()
    with pytest.raises(StoreError, match=r"has schema 0, this bot reads 1\. Start this bot on it once first"):
        SQLiteReader(path).open()
    (found,) = try_sqlite(path)
    assert (found.status, path.stat().st_size) == ("ok", 0)
    store = SQLiteStore(path)
    store.open()
    store.check_writable()
    store.close()


def test_a_store_that_a_newer_version_took_over_is_outdated(store: SQLiteStore) -> None:
    assert not store.is_outdated()
    with closing(sqlite3.connect(store._file.path)) as db:
        db.execute("PRAGMA user_version = 99")
    assert store.is_outdated()


# Rows that cannot be read


def break_(store: SQLiteStore, table: str, change: str) -> None:
    store._file.db().execute(f"UPDATE {table} SET {change}")  # noqa: S608 -- our own text


def rows(store: SQLiteStore, table: str) -> list[dict[str, object]]:
    """Return all rows of a table, but not the mark that they cannot be read."""
    return [{**row, "unreadable": None} for row in map(dict, store._file.rows(f"SELECT * FROM {table}"))]  # noqa: S608


def due_requests(store: SQLiteStore) -> Sequence[object]:
    return store.expired(NOON + DAY, 3)


def due_entries(store: SQLiteStore) -> Sequence[object]:
    return store.due_entries(NOON + DAY, 3)


def refusals(store: SQLiteStore) -> Sequence[object]:
    return store.refusals_waiting(SAM.team_id, SAM.id, 3)


def due_cards(store: SQLiteStore) -> Sequence[object]:
    return store.due_messages(NOON + DAY, 3)


DUE = [
    ("requests", "document = '{}'", due_requests),
    ("requests", "document = replace(document, '\"shape\":1', '\"shape\":99')", due_requests),
    ("requests", "document = replace(document, 'confirming', 'pondering')", due_requests),
    ("entries", "document = ''", due_entries),
    ("entries", "document = 'null'", refusals),
    ("cards", "due_at = '0'", due_cards),
]


@pytest.mark.parametrize(("table", "change", "due"), DUE)
def test_due_rows_that_cannot_be_read_keep_no_others_waiting_and_are_left_as_they_are(
    store: SQLiteStore, caplog: pytest.LogCaptureFixture, table: str, change: str, due: Callable[..., Sequence[object]]
) -> None:
    for number in range(3):
        one_of_each(store, NOON + number * SECOND)
    assert len(due(store)) == 3
    break_(store, table, change)
    before = rows(store, table)
    one_of_each(store, NOON + HOUR)
    assert due(store) == []
    assert len(due(store)) == 1
    assert len(due(store)) == 1
    assert rows(store, table)[: len(before)] == before
    told = [record.message for record in caplog.records]
    assert len(told) == len(set(told)) == 3
    assert all("cannot be read. It is left as it is" in each for each in told)


@pytest.mark.parametrize(("table", "change", "due"), DUE)
def test_the_next_start_tries_what_could_not_be_read_again(
    store: SQLiteStore, table: str, change: str, due: Callable[..., Sequence[object]]
) -> None:
    one_of_each(store, NOON)
    (before,) = due(store)
    column = change.partition(" ")[0]
    stored = rows(store, table)
    break_(store, table, change)
    assert due(store) == due(store) == []
    for row in stored:
        break_(store, table, f"{column} = '{row[column]}' WHERE number = {row['number']}")
    assert due(store) == []
    store.open()
    assert due(store) == [before]


def one_of_each(store: SQLiteStore, at: datetime) -> None:
    added_to(store, at, Show(at=at))
    store.record(entry_of_ask(Kind.REFUSED, asked(id=new_id(at)), "not allowed", at))


def test_an_entry_that_cannot_be_read_counts_in_the_backlog_and_wakes_no_one(store: SQLiteStore) -> None:
    one_of_each(store, NOON)
    break_(store, "entries", "document = ''")
    store.due_entries(NOON, 9)
    assert store.next_entry_at() is None
    assert store.backlog().entries == 1


def test_a_request_that_cannot_be_read_is_not_there(store: SQLiteStore) -> None:
    done = done_in(store)
    break_(store, "requests", "document = '[]'")
    assert store.get(done.id) is None
    assert store.last_signed_out(ADA) is None


# What `check` finds


def test_a_file_that_can_be_written_is_ok_and_left_as_it_is(store: SQLiteStore) -> None:
    before = list(store._file.db().iterdump())
    (found,) = try_sqlite(store._file.path)
    assert (found.status, found.sentence) == ("ok", f"{store._file.path} is writable")
    assert list(store._file.db().iterdump()) == before


def test_a_file_that_is_not_there_yet_would_be_made_and_is_not(tmp_path: Path) -> None:
    (found,) = try_sqlite(tmp_path / "signout.db")
    assert (found.status, found.sentence) == ("ok", f"{tmp_path}/signout.db is not there yet and would be made")
    (found,) = try_sqlite(tmp_path / "nowhere" / "signout.db")
    assert (found.status, found.sentence) == ("missing", f"There is no folder {tmp_path}/nowhere.")
    assert list(tmp_path.iterdir()) == []
