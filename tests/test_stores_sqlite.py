"""SQLite's own file."""

import sqlite3
import stat
from pathlib import Path

import pytest
from bot.stores.schema import STEPS
from examples import NOON, awaiting

from bot.audit import entry_of
from bot.errors import StoreError
from bot.stores.sqlite import SQLiteStore


def test_the_file_is_readable_by_its_owner_alone_and_opens_again(tmp_path: Path) -> None:
    path = tmp_path / "signout.db"
    first = SQLiteStore(path)
    first.open()
    request = awaiting()
    first.add(request, entry_of(request, NOON))
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
    db = store._db()
    assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert db.execute("PRAGMA synchronous").fetchone()[0] == 2


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


def newer(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (lambda path: path.mkdir(), "Is a directory"),
        (lambda path: path.write_text("this is no database, whatever its name says"), "not a database"),
        (newer, f"has schema 99, this bot knows {len(STEPS)}"),
    ],
    ids=["directory", "no database", "newer"],
)
def test_a_store_that_cannot_be_opened_says_why(tmp_path: Path, broken: object, sentence: str) -> None:
    path = tmp_path / "signout.db"
    broken(path)  # type: ignore[operator]
    store = SQLiteStore(path)
    with pytest.raises(StoreError, match=sentence):
        store.open()
    store.close()
