"""What every store promises; each test runs on each store."""

import sqlite3
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from examples import NOON, SAM, asked, awaiting, claimed_in

from bot.audit import Kind, entry_of, entry_of_ask
from bot.errors import StoreUnavailableError, SupersededError
from bot.request import MOVES, Account, IllegalMoveError, SignOutRequest, State
from bot.sign_out import LEASE
from bot.wiring import Store


@pytest.fixture(params=["sqlite", "dynamodb"])
def store(request: pytest.FixtureRequest) -> Store:
    """A new store of each kind."""
    opened: Store = request.getfixturevalue(f"{request.param}_store")
    return opened


def test_what_was_stored_comes_back_as_it_was(store: Store) -> None:
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


def test_an_entry_comes_back_as_it_was(store: Store) -> None:
    ended = claimed_in(store).move(State.SIGNED_OUT, aws_request_ids=("a",), ended_at=NOON)
    entry = entry_of(ended, NOON)
    store.advance(replace(ended, version=2, state=State.SIGNING_OUT), ended, entry)
    assert store.undelivered(NOON, 9) == [entry]
    assert store.undelivered(NOON - timedelta(microseconds=1), 9) == []


def test_a_second_move_from_the_same_version_is_refused_with_its_entry(store: Store) -> None:
    request = awaiting()
    store.add(request, entry_of(request, NOON))
    cancelled = request.move(State.CANCELLED)
    store.advance(request, cancelled, entry_of(cancelled, NOON))
    claimed = request.move(State.SIGNING_OUT)
    with pytest.raises(SupersededError):
        store.advance(request, claimed, entry_of(claimed, NOON))
    assert store.get(request.id) == cancelled
    assert count(store, Kind.CONFIRMED) == 0


def test_a_move_whose_entry_cannot_be_written_does_not_happen(store: Store) -> None:
    request = awaiting()
    entry = entry_of(request, NOON)
    store.add(request, entry)
    with pytest.raises((StoreUnavailableError, sqlite3.IntegrityError)):
        store.advance(request, request.move(State.CANCELLED), entry)  # an entry id twice
    assert store.get(request.id) == request


@pytest.mark.parametrize("old", State)
def test_the_store_refuses_every_move_that_the_table_does_not_have(store: Store, old: State) -> None:
    request = awaiting(state=old)
    store.add(request, entry_of(request, NOON))
    for new in set(State) - MOVES[old]:
        moved = replace(request, state=new, version=2)
        with pytest.raises(IllegalMoveError):
            store.advance(request, moved, entry_of(moved, NOON))
    assert store.get(request.id) == request


def test_of_many_claims_at_once_one_succeeds(store: Store) -> None:
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
    assert count(store, Kind.CONFIRMED) == 20


def test_due_work_is_found_by_its_time(store: Store) -> None:
    claimed, request = claimed_in(store), awaiting()
    store.add(request, entry_of(request, NOON))
    assert store.dead_claims(NOON + LEASE) == []
    assert store.dead_claims(NOON + LEASE + timedelta(microseconds=1)) == [claimed]
    assert store.expired(request.expires_at - timedelta(microseconds=1)) == []
    assert store.expired(request.expires_at) == [request]


def test_delivery_is_noted(store: Store) -> None:
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


def count(store: Store, kind: Kind) -> int:
    return [entry.kind for entry in store.entries(None, None)].count(kind)
