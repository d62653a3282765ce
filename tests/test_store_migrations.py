"""A SQLite file of an earlier schema is taken to the present one in portions, and a killed start is gone on with."""

import logging
import sqlite3
from pathlib import Path

import pytest
from examples import NOON, added_to, done_in

from bot.errors import StoreError
from bot.stores.probe import try_sqlite
from bot.stores.sqlite import migrate, schema
from bot.stores.sqlite.schema import Step
from bot.stores.sqlite.store import SQLiteReader, SQLiteStore

# Made up: each request's operator gets a column and an index, and a table is left for later.
SECOND = Step(
    begin=(
        "ALTER TABLE requests ADD COLUMN operator TEXT",
        "CREATE INDEX requests_of_operator ON requests (operator) WHERE operator IS NOT NULL",
    ),
    table="requests",
    portion=(
        """
        UPDATE requests SET operator = json_extract(document, '$.ask.operator.id')
        WHERE number > :after AND number <= :upto
        """,
    ),
    end=("CREATE TABLE operators (id TEXT) STRICT",),
)
THIRD = Step(begin=("CREATE TABLE approvals (id TEXT) STRICT",))
ROWS = 10


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of schema 1, for a bot that knows schema 3 and takes three rows at once."""
    store = SQLiteStore(tmp_path / "signout.db")
    store.open()
    for _ in range(ROWS - 1):
        added_to(store)
    done_in(store, NOON)
    store.close()
    monkeypatch.setattr(schema, "STEPS", (SECOND, THIRD))
    monkeypatch.setattr(migrate, "PORTION", 3)
    return tmp_path / "signout.db"


def opened(path: Path) -> SQLiteStore:
    store = SQLiteStore(path)
    store.open()
    return store


def killed_at(path: Path, portion: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start a bot that is killed before this portion is over."""
    left, take = iter(range(1, portion)), migrate._portion

    def interrupted(db: sqlite3.Connection, step: Step) -> int | None:
        done = take(db, step)
        if next(left, None) is None:
            raise KeyboardInterrupt
        return done

    with monkeypatch.context() as patch:
        patch.setattr(migrate, "_portion", interrupted)
        with pytest.raises(KeyboardInterrupt):
            SQLiteStore(path).open()


def check_migrated(path: Path, before: list[object]) -> None:
    store = opened(path)
    assert list(store.entries(None, None)) == before
    assert store._file.rows("PRAGMA user_version")[0][0] == 3
    assert store._file.rows("SELECT count(*) FROM requests WHERE operator IS NOT NULL")[0][0] == ROWS
    for table in ("operators", "approvals", "migration"):
        assert store._file.rows(f"SELECT * FROM {table}") == []  # noqa: S608 -- our own names
    added_to(store)
    store.close()


def entries_of_schema_1(path: Path, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    with monkeypatch.context() as patch:
        patch.setattr(schema, "STEPS", ())
        store = opened(path)
        entries: list[object] = list(store.entries(None, None))
        store.close()
    return entries


def test_every_step_is_taken_and_no_entry_is_changed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = entries_of_schema_1(path, monkeypatch)
    check_migrated(path, before)


@pytest.mark.parametrize("portion", range(1, 6))
def test_a_killed_start_is_gone_on_with(path: Path, monkeypatch: pytest.MonkeyPatch, portion: int) -> None:
    before = entries_of_schema_1(path, monkeypatch)
    killed_at(path, portion, monkeypatch)
    (found,) = try_sqlite(path)
    assert "the next start takes its schema from 2 to 3" in found.sentence
    with pytest.raises(StoreError, match="Start this bot on it once first"):
        SQLiteReader(path).open()
    check_migrated(path, before)


def test_no_older_bot_opens_a_file_whose_migration_has_begun(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed_at(path, 1, monkeypatch)
    monkeypatch.setattr(schema, "STEPS", ())
    with pytest.raises(StoreError, match=r"has schema 2, this bot knows 1\. Run the newer bot"):
        SQLiteStore(path).open()


def test_what_was_done_is_not_done_twice(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed_at(path, 3, monkeypatch)
    taken: list[int] = []
    take = migrate._portion

    def noted(db: sqlite3.Connection, step: Step) -> int | None:
        taken.append(db.execute("SELECT position FROM migration").fetchone()[0])
        return take(db, step)

    monkeypatch.setattr(migrate, "_portion", noted)
    opened(path).close()
    assert taken == [6, 9, 10, 0], "two portions of three were done; the third step has no rows"


def test_progress_is_told_every_few_seconds(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(migrate, "SECONDS_BETWEEN_LINES", 0.0)
    with caplog.at_level(logging.INFO):
        opened(path).close()
    assert "The store is taken to schema 2: row 3 of 10" in caplog.text
    assert "The store is taken to schema 2: row 9 of 10" in caplog.text
