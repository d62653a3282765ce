"""A SQLite file of an earlier schema is taken to the present one in portions, and a killed start is gone on with."""

import logging
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from examples import ADA, NOON, added_to, approved_in, approving_in, asked, done_in, listing
from lists import portion
from test_approve import LEE
from test_documents import ENTRY_1, NO_DELIVERY, REFUSAL_1, REQUEST_1, entry_of_json, request_of_json

from bot.audit import Kind, entry_of, entry_of_ask
from bot.errors import StoreError
from bot.limits import Window
from bot.ports import MessageKind
from bot.request import new_id
from bot.stores.documents import text
from bot.stores.probe import try_sqlite
from bot.stores.sqlite import migrate, schema
from bot.stores.sqlite.schema import SchemaStep
from bot.stores.sqlite.store import SQLiteReader, SQLiteStore

# A row of each table in a file of version 0.2.0: a request that was done, its outcome, a refusal, and a due card.
DONE_AT, REFUSED_AT = "2026-11-22T12:00:03.000000+00:00", "2026-11-22T12:00:00.000000+00:00"
ROWS_1 = {
    "INSERT INTO requests VALUES (1, ?, 4, NULL, NULL, 'eu-central-1_AbCdEf123#ada', ?, ?)": (DONE_AT, REQUEST_1),
    "INSERT INTO entries VALUES (1, '1', ?, ?, 0, 0, '2026-11-22T12:00:03.000000+00:00', NULL, NULL, ?)": (
        DONE_AT,
        ENTRY_1,
    ),
    "INSERT INTO entries VALUES (2, '2', ?, ?, 1, 0, NULL, '2026-11-22T12:00:01.000000+00:00', '1.0', ?)": (
        REFUSED_AT,
        REFUSAL_1,
    ),
    "INSERT INTO cards VALUES (1, ?, 4, ?, 'https://hooks.slack.com/actions/T/2/secret', ?, 1, 2, NULL)": (
        DONE_AT,
        "2026-11-22T12:30:00.000000+00:00",
    ),
}

# Made up: each request's operator gets a column and an index, and a table is left for later.
THIRD = SchemaStep(
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
FOURTH = SchemaStep(begin=("CREATE TABLE approvals (id TEXT) STRICT",))
ROWS = 10
WITHOUT_LISTS = (
    "DROP INDEX entries_of_list",
    "ALTER TABLE entries DROP COLUMN list_id",
    "DROP TABLE portions",
    "DROP TABLE leases",
)
RELEASED = schema.newest()


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of the newest schema, for a bot that knows two more and takes three rows at once."""
    store = SQLiteStore(tmp_path / "signout.db")
    store.open()
    for _ in range(ROWS - 1):
        added_to(store)
    done_in(store, NOON)
    store.close()
    monkeypatch.setattr(schema, "STEPS", (*schema.STEPS, THIRD, FOURTH))
    monkeypatch.setattr(migrate, "PORTION", 3)
    return tmp_path / "signout.db"


def opened(path: Path) -> SQLiteStore:
    store = SQLiteStore(path)
    store.open()
    return store


def killed_at(path: Path, portion: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start a bot that is killed before this portion is over."""
    left, take = iter(range(1, portion)), migrate._portion

    def interrupted(db: sqlite3.Connection, step: SchemaStep) -> int | None:
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
    assert store._file.rows("PRAGMA user_version")[0][0] == RELEASED + 2
    assert store._file.rows("SELECT count(*) FROM requests WHERE operator IS NOT NULL")[0][0] == ROWS
    for table in ("operators", "approvals", "migration"):
        assert store._file.rows(f"SELECT * FROM {table}") == []  # noqa: S608 -- our own names
    added_to(store)
    store.close()


def entries_before(path: Path, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    with monkeypatch.context() as patch:
        patch.setattr(schema, "STEPS", schema.STEPS[:-2])
        store = opened(path)
        entries: list[object] = list(store.entries(None, None))
        store.close()
    return entries


def test_every_step_is_taken_and_no_entry_is_changed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = entries_before(path, monkeypatch)
    check_migrated(path, before)


@pytest.mark.parametrize("portion", range(1, 6))
def test_a_killed_start_is_gone_on_with(path: Path, monkeypatch: pytest.MonkeyPatch, portion: int) -> None:
    before = entries_before(path, monkeypatch)
    killed_at(path, portion, monkeypatch)
    (found,) = try_sqlite(path)
    assert f"the next start takes its schema from {RELEASED + 1} to {RELEASED + 2}" in found.sentence
    with pytest.raises(StoreError, match="Start this bot on it once first"):
        SQLiteReader(path).open()
    check_migrated(path, before)


def test_no_older_bot_opens_a_file_whose_migration_has_begun(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed_at(path, 1, monkeypatch)
    monkeypatch.setattr(schema, "STEPS", schema.STEPS[:-2])
    with pytest.raises(StoreError, match=rf"has schema {RELEASED + 1}, this bot knows {RELEASED}\. Run the newer bot"):
        SQLiteStore(path).open()


def test_what_was_done_is_not_done_twice(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed_at(path, 3, monkeypatch)
    taken: list[int] = []
    take = migrate._portion

    def noted(db: sqlite3.Connection, step: SchemaStep) -> int | None:
        taken.append(db.execute("SELECT position FROM migration").fetchone()[0])
        return take(db, step)

    monkeypatch.setattr(migrate, "_portion", noted)
    opened(path).close()
    assert taken == [6, 9, 10, 0], "two portions of three were done; the last step has no rows"


def test_progress_is_told_every_few_seconds(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(migrate, "SECONDS_BETWEEN_LINES", 0.0)
    with caplog.at_level(logging.INFO):
        opened(path).close()
    assert f"The store is taken to schema {RELEASED + 1}: row 3 of 10" in caplog.text
    assert f"The store is taken to schema {RELEASED + 1}: row 9 of 10" in caplog.text


# The steps that were released.


@pytest.fixture
def of_schema_1(tmp_path: Path) -> Path:
    path = tmp_path / "0.2.0.db"
    with closing(sqlite3.connect(path)) as db, db:
        for statement in schema.TABLES:
            db.execute(statement)
        for statement, values in ROWS_1.items():
            db.execute(statement, (request_of_json(REQUEST_1).id, *values))
    return path


def test_a_file_of_version_0_2_0_is_read_as_it_was_and_then_holds_approvals_and_counts(of_schema_1: Path) -> None:
    with pytest.raises(StoreError, match=f"has schema 1, this bot reads {RELEASED}"):
        SQLiteReader(of_schema_1).open()
    store = opened(of_schema_1)
    request = request_of_json(REQUEST_1)
    assert store.get(request.id) == store.last_signed_out(ADA) == request
    done, refusal = store.entries(None, None)
    due = NO_DELIVERY | {"next_at": text(done.at)}
    assert (done, refusal.ask) == (entry_of_json(ENTRY_1, due), entry_of_json(REFUSAL_1, NO_DELIVERY).ask)
    (card,) = store.due_messages(NOON + timedelta(minutes=1), 9)
    assert (card.kind, card.request_id, card.ts, card.failures) == (MessageKind.CARD, request.id, (), 2)
    assert store.windows(["all"]) == [Window(key="all")]
    asked = approved_in(store)
    kinds = {each.kind for each in store.due_messages(NOON, 9) if each.request_id == asked.id}
    assert kinds == {MessageKind.CARD, MessageKind.APPROVAL}
    (window,) = store.windows(["all"])
    store.tell([replace(window, told_at=NOON)], entry_of_ask(Kind.LIMITED, asked.ask, "limits.all", NOON))
    store.close()


def test_a_start_that_was_killed_on_its_way_from_0_2_0_is_gone_on_with(
    of_schema_1: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed_at(of_schema_1, 1, monkeypatch)
    monkeypatch.setattr(schema, "STEPS", ())
    with pytest.raises(StoreError, match=r"has schema 2, this bot knows 1\. Run the newer bot"):
        SQLiteStore(of_schema_1).open()
    monkeypatch.undo()
    store = opened(of_schema_1)
    assert len(list(store.entries(None, None))) == 2
    assert store.windows(["all"]) == [Window(key="all")]
    store.close()


def test_the_history_has_what_was_stored_before_there_was_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "signout.db"
    store = opened(path)
    monkeypatch.setattr(migrate, "PORTION", 3)
    done_in(store)
    approving_in(store)
    replica = replace(ADA, region="eu-west-1", sub=None, username="Zoë#")
    done_in(store, ask=asked("ZOË@x.org", operator=LEE, id=new_id(NOON)), candidates=(replica,), chosen=replica)
    for options in ({"pool": "customers"}, {"pool_id": "eu-central-1_x", "exactly": True}, {}):
        store.record(entry_of_ask(Kind.NOT_FOUND, asked("Nobody", id=new_id(NOON), **options), "allow.users", NOON))
    tally = entry_of_ask(Kind.REFUSED, asked("a", id=new_id(NOON)), "not allowed", NOON, ADA)
    store.record(replace(tally, count=7, examples=("A", "b'", "c")))
    before = [tuple(row) for row in store._file.rows("SELECT * FROM history")]
    with store._file.write() as db:
        db.execute(
            "INSERT INTO entries (id, request_id, at, refused, attempts, document) VALUES ('9', '9', '', 0, 0, '{')"
        )
        for statement in (*WITHOUT_LISTS, "DROP TABLE history", "PRAGMA user_version = 2"):
            db.execute(statement)
    store.close()
    store = opened(path)
    assert [tuple(row) for row in store._file.rows("SELECT * FROM history")] == before
    assert len(before) == 3 + 3 + 3 * 2 + 5
    store.close()


@pytest.mark.parametrize("released", range(1, RELEASED))
def test_a_file_of_each_schema_is_read_as_it_was_and_then_holds_lists(
    of_schema_1: Path, monkeypatch: pytest.MonkeyPatch, released: int
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(schema, "STEPS", schema.STEPS[: released - 1])
        opened(of_schema_1).close()
        assert schema.newest() == released
    check_holds_lists(of_schema_1)


@pytest.mark.parametrize("portion", range(1, 5))
def test_a_start_that_was_killed_at_any_step_is_gone_on_with_and_the_file_then_holds_lists(
    of_schema_1: Path, monkeypatch: pytest.MonkeyPatch, portion: int
) -> None:
    killed_at(of_schema_1, portion, monkeypatch)
    check_holds_lists(of_schema_1)


def check_holds_lists(path: Path) -> None:
    store = opened(path)
    assert [entry.list_id for entry in store.entries(None, None)] == [None, None]
    request = listing()
    store.add(request, entry_of(request, NOON), None)
    store.put_portion(request.id, 0, [ADA])
    assert portion(store, request.id, 0) == [ADA]
    assert store.lease("k", "a", NOON, NOON, timedelta(0))
    assert [entry.ask.id for entry in store.entries(None, None, request.id)] == [request.id]
    assert len(list(store.entries(None, None))) == 3
    store.close()


def test_a_migrated_file_has_the_same_tables_as_a_new_one(of_schema_1: Path, tmp_path: Path) -> None:
    opened(of_schema_1).close()
    opened(tmp_path / "new.db").close()
    old, new = (tables(path) for path in (of_schema_1, tmp_path / "new.db"))
    assert old == new


def tables(path: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT name, sql FROM sqlite_schema ORDER BY name").fetchall()
