"""What every store promises, and SQLite's own file."""

import sqlite3
import stat
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from examples import NOON, SAM, asked, awaiting, claimed_in

from bot.audit import Kind, entry_of, entry_of_ask
from bot.errors import StoreError, SupersededError
from bot.request import MOVES, Account, IllegalMoveError, SignOutRequest, State
from bot.sign_out import LEASE
from bot.stores.schema import STEPS
from bot.stores.sqlite import SQLiteStore


def test_what_was_stored_comes_back_as_it_was(store: SQLiteStore) -> None:
    bare = awaiting(
        reason=None, response_url=None, chosen=Account(pool="p", pool_id="x_1", region="x", username="ä\u202e'")
    )
    full = claimed_in(store).move(
        State.SIGNED_OUT,
        aws_request_ids=("a", "b"),
        attempts=2,
        ended_at=NOON + timedelta(microseconds=1),
        access_until=NOON,
        login_until=NOON,
        error_code="x",
    )
    store.add(bare, entry_of(bare, NOON))
    store.advance(replace(full, version=2, state=State.SIGNING_OUT), full, entry_of(full, NOON))
    assert store.get(bare.id) == bare
    assert store.get(full.id) == full
    assert store.get("01JZZZZZZZZZZZZZZZZZZZZZZZ") is None


def test_an_entry_comes_back_as_it_was(store: SQLiteStore) -> None:
    ended = claimed_in(store).move(State.SIGNED_OUT, aws_request_ids=("a",), ended_at=NOON)
    entry = entry_of(ended, NOON)
    store.advance(replace(ended, version=2, state=State.SIGNING_OUT), ended, entry)
    assert store.undelivered(NOON, 9) == [entry]
    assert store.undelivered(NOON - timedelta(microseconds=1), 9) == []


def test_a_request_whose_id_is_there_already_is_refused_with_its_entry(store: SQLiteStore) -> None:
    request = awaiting()
    store.add(request, entry_of(request, NOON))
    with pytest.raises(SupersededError):
        store.add(replace(request, target="another"), entry_of(request, NOON))
    assert store.get(request.id) == request
    assert count(store, "opened") == 1


def test_a_second_move_from_the_same_version_is_refused_with_its_entry(store: SQLiteStore) -> None:
    request = awaiting()
    store.add(request, entry_of(request, NOON))
    cancelled = request.move(State.CANCELLED)
    store.advance(request, cancelled, entry_of(cancelled, NOON))
    claimed = request.move(State.SIGNING_OUT)
    with pytest.raises(SupersededError):
        store.advance(request, claimed, entry_of(claimed, NOON))
    assert store.get(request.id) == cancelled
    assert count(store, "confirmed") == 0


def test_a_move_whose_entry_cannot_be_written_does_not_happen(store: SQLiteStore) -> None:
    request = awaiting()
    entry = entry_of(request, NOON)
    store.add(request, entry)
    with pytest.raises(sqlite3.IntegrityError):
        store.advance(request, request.move(State.CANCELLED), entry)  # an entry id twice
    assert store.get(request.id) == request


@pytest.mark.parametrize("old", State)
def test_the_store_refuses_every_move_that_the_table_does_not_have(store: SQLiteStore, old: State) -> None:
    request = awaiting(state=old)
    store.add(request, entry_of(request, NOON))
    for new in set(State) - MOVES[old]:
        moved = replace(request, state=new, version=2)
        with pytest.raises(IllegalMoveError):
            store.advance(request, moved, entry_of(moved, NOON))
    assert store.get(request.id) == request


def test_of_many_claims_at_once_one_succeeds(store: SQLiteStore) -> None:
    for _ in range(20):
        request = awaiting()
        store.add(request, entry_of(request, NOON))
        start = threading.Barrier(8)
        won: list[str] = []

        def claim(
            name: str, request: SignOutRequest = request, start: threading.Barrier = start, won: list[str] = won
        ) -> None:
            claimed = request.move(State.SIGNING_OUT, claim_id=name)
            start.wait()
            try:
                store.advance(request, claimed, entry_of(claimed, NOON))
                won.append(name)
            except SupersededError:
                pass

        threads = [threading.Thread(target=claim, args=(f"claim-{number}",)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        stored = store.get(request.id)
        assert stored
        assert won == [stored.claim_id]
    assert count(store, "confirmed") == 20


def test_due_work_is_found_by_its_time(store: SQLiteStore) -> None:
    claimed, request = claimed_in(store), awaiting()
    store.add(request, entry_of(request, NOON))
    assert store.dead_claims(NOON + LEASE) == []
    assert store.dead_claims(NOON + LEASE + timedelta(microseconds=1)) == [claimed]
    assert store.expired(request.expires_at - timedelta(microseconds=1)) == []
    assert store.expired(request.expires_at) == [request]


def test_delivery_is_noted(store: SQLiteStore) -> None:
    entry = entry_of_ask(Kind.REFUSED, asked(), "not allowed", NOON)
    store.record(entry)
    assert store.refusals_waiting(SAM.team_id, SAM.id, 9) == [entry]
    assert store.last_refusal_delivered_at(SAM.team_id, SAM.id) is None
    store.postponed([entry], NOON + timedelta(minutes=1), failed=True)
    assert store.next_delivery_at() == NOON + timedelta(minutes=1)
    (postponed,) = store.refusals_waiting(SAM.team_id, SAM.id, 9)
    assert postponed.delivery_attempts == 1
    assert store.hold([entry], NOON + timedelta(hours=1)) == [], "it was postponed since it was read"
    (held,) = store.hold([postponed], NOON + timedelta(hours=1))
    assert store.undelivered(NOON + timedelta(minutes=59), 9) == []
    assert store.undelivered(NOON + timedelta(hours=1), 9) == [held]
    store.delivered([entry], "1.0", NOON + timedelta(minutes=2))
    assert store.next_delivery_at() is None
    assert store.refusals_waiting(SAM.team_id, SAM.id, 9) == []
    assert store.last_refusal_delivered_at(SAM.team_id, SAM.id) == NOON + timedelta(minutes=2)


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


def test_each_write_is_synchronised_to_the_disk(store: SQLiteStore) -> None:
    db = store._db()
    assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert db.execute("PRAGMA synchronous").fetchone()[0] == 2


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


def count(store: SQLiteStore, kind: str) -> int:
    found: int = store._db().execute("SELECT count(*) FROM audit_entries WHERE kind = ?", (kind,)).fetchone()[0]
    return found
