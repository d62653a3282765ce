"""SQLite's own file."""

import re
import sqlite3
import stat
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from examples import NOON, asked, awaiting

from bot.audit import Entry, Kind, entry_of, entry_of_ask
from bot.errors import StoreError, StoreUnavailableError
from bot.stores.probe import try_sqlite
from bot.stores.sqlite import file as sqlite_file
from bot.stores.sqlite.file import connect_to_read
from bot.stores.sqlite.schema import APPLICATION_ID, newest
from bot.stores.sqlite.store import SQLiteReader, SQLiteStore

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
    assert store._file.rows("PRAGMA journal_mode")[0][0] == "wal"
    assert store._file.rows("PRAGMA synchronous")[0][0] == 2


def test_no_statement_writes_a_temporary_file(store: SQLiteStore) -> None:
    memory = 2
    assert store._file.rows("PRAGMA temp_store")[0][0] == memory
    with closing(connect_to_read(store._file.path)) as db:
        assert db.execute("PRAGMA temp_store").fetchone()[0] == memory


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
    with pytest.raises(StoreError, match=rf"has schema 0, this bot reads {newest()}\. Start this bot on it once first"):
        SQLiteReader(path).open()
    (found,) = try_sqlite(path)
    assert (found.status, path.stat().st_size) == ("ok", 0)
    store = SQLiteStore(path)
    store.open()
    store.check_writable()
    store.close()


# A reader takes a file by itself only where everything is in it.


@pytest.fixture
def killed(tmp_path: Path) -> tuple[Path, Entry]:
    """Return a store as a killed bot leaves it, with an entry that is only in the -wal."""
    store = SQLiteStore(tmp_path / "signout.db")
    store.open()
    entry = entry_of_ask(Kind.REFUSED, asked(), "not allowed", NOON)
    with closing(sqlite3.connect(tmp_path / "signout.db")) as reader:
        reader.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        store.record(entry)
        (tmp_path / "left").mkdir()
        left = tmp_path / "left" / "signout.db"
        for end in ("", "-wal"):
            Path(f"{left}{end}").write_bytes((tmp_path / f"signout.db{end}").read_bytes())
    store.close()
    return left, entry


def read_by(path: Path) -> list[str]:
    reader = SQLiteReader(path)
    with closing(reader):
        reader.open()
        return [each.id for each in reader.entries(None, None)]


def test_a_reader_sees_what_is_in_the_wal(killed: tuple[Path, Entry]) -> None:
    path, entry = killed
    assert Path(f"{path}-wal").stat().st_size > 0
    assert read_by(path) == [entry.id]


def test_where_a_wal_cannot_be_read_a_reader_says_so_and_never_leaves_out_what_is_in_it(
    killed: tuple[Path, Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _ = killed
    really = sqlite_file.connect

    class CannotMakeTheShm(sqlite3.Connection):
        def execute(self, *_: object) -> sqlite3.Cursor:
            raise sqlite3.OperationalError("unable to open database file")

    def without_the_right_to_write(path: Path, how: str) -> sqlite3.Connection:
        return CannotMakeTheShm(":memory:") if how == "mode=ro" else really(path, how)

    monkeypatch.setattr(sqlite_file, "connect", without_the_right_to_write)
    with pytest.raises((StoreError, StoreUnavailableError), match="unable to open database file"):
        read_by(path)
    with pytest.raises(sqlite3.OperationalError):
        connect_to_read(path)
    Path(f"{path}-wal").write_bytes(b"")
    assert read_by(path) == []
