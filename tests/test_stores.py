"""What every store promises; each test runs on each store."""

import sqlite3
import threading
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from examples import ADA, NOON, SAM, asked, awaiting, claimed_in

from bot.audit import AuditEntry, Kind, entry_of, entry_of_ask
from bot.errors import StoreUnavailableError, SupersededError
from bot.ports import Backlog
from bot.request import MOVES, Account, IllegalMoveError, Operator, SignOutRequest, State, new_id
from bot.sign_out import LEASE
from bot.wiring.shared import Store


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


def test_a_request_whose_id_is_there_already_is_refused_with_its_entry(store: Store) -> None:
    request = awaiting()
    store.add(request, entry_of(request, NOON))
    with pytest.raises(SupersededError):
        store.add(replace(request, target="another"), entry_of(request, NOON))
    assert store.get(request.id) == request
    assert count(store, Kind.OPENED) == 1


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


def signed_out(store: Store, at: datetime, **changes: object) -> SignOutRequest:
    request = awaiting(**{"id": new_id(at), "created_at": at, **changes})
    store.add(request, entry_of(request, at))
    claimed = request.move(State.SIGNING_OUT, claim_id="claim-1", claimed_at=at, lease_until=at + LEASE)
    store.advance(request, claimed, entry_of(claimed, at))
    ended = claimed.move(State.SIGNED_OUT, ended_at=at)
    store.advance(claimed, ended, entry_of(ended, at))
    return ended


def refused(store: Store, at: datetime = NOON, operator: Operator = SAM) -> AuditEntry:
    entry = entry_of_ask(Kind.REFUSED, asked(operator=operator, id=new_id(at)), "not allowed", at)
    store.record(entry)
    return entry


def test_the_last_sign_out_of_an_account_is_the_latest_whatever_was_stored_last(store: Store) -> None:
    assert store.last_signed_out(ADA) is None
    latest = signed_out(store, NOON)
    earlier = signed_out(store, NOON - timedelta(minutes=1))
    assert store.get(earlier.id) == earlier, "what it signed out is not the latest, but it ended all the same"
    assert store.last_signed_out(ADA) == latest
    assert store.last_signed_out(replace(ADA, username="grace")) is None
    assert store.last_signed_out(replace(ADA, pool_id="eu-central-1_Other")) is None


@pytest.mark.parametrize("id_", ["", "x", "x" * 2000, "\u00fc" * 2000, "request", "a#b", "\ud800"])
def test_what_no_request_can_be_called_is_not_there(store: Store, id_: str) -> None:
    assert store.get(id_.encode("utf-8", "replace").decode()) is None


def test_response_urls_are_forgotten_in_every_state_and_nothing_else_is(store: Store) -> None:
    waiting, young = awaiting(), awaiting(created_at=NOON + timedelta(minutes=1))
    for request in (waiting, young):
        store.add(request, entry_of(request, NOON))
    claimed, ended = claimed_in(store), signed_out(store, NOON)
    late = awaiting(created_at=NOON - timedelta(hours=1))
    store.add(late, entry_of(late, NOON))
    pressed = late.move(State.SIGNING_OUT, claimed_at=NOON + timedelta(minutes=1), lease_until=NOON)
    store.advance(late, pressed, entry_of(pressed, NOON))
    store.wipe_response_urls(NOON)
    assert store.get(waiting.id) == waiting
    store.wipe_response_urls(NOON + timedelta(seconds=1))
    for request in (waiting, claimed, ended):
        assert store.get(request.id) == replace(request, response_url=None)
    assert [store.get(request.id) for request in (young, pressed)] == [young, pressed]
    cancelled = waiting.move(State.CANCELLED, response_url=None)
    store.advance(waiting, cancelled, entry_of(cancelled, NOON))
    dead = store.dead_claims(NOON + timedelta(hours=1))
    assert {request.response_url for request in dead} == {pressed.response_url, None}


def test_each_of_many_entries_is_held_once_by_many_at_once(store: Store) -> None:
    entries = [refused(store) for _ in range(60)]
    start = threading.Barrier(4)
    got: list[str] = []

    def hold() -> None:
        due = store.undelivered(NOON, 60)
        start.wait()
        got.extend(entry.id for entry in store.hold(due, NOON + timedelta(seconds=20)))

    threads = [threading.Thread(target=hold) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == sorted(entry.id for entry in entries)
    assert store.undelivered(NOON, 60) == []


def test_a_hold_gets_what_nobody_else_has_taken_and_only_that(store: Store) -> None:
    first, second, third = (refused(store) for _ in range(3))
    (held,) = store.hold([second], NOON + timedelta(seconds=20))
    store.delivered([third], "1.0", NOON)
    got = store.hold([first, second, third], NOON + timedelta(seconds=20))
    assert [entry.id for entry in got] == [first.id]
    assert [entry.next_at for entry in (*got, held)] == [NOON + timedelta(seconds=20)] * 2
    assert store.hold([], NOON) == []


def test_what_was_noted_of_a_delivery_stays(store: Store) -> None:
    ended = signed_out(store, NOON)
    (entry,) = store.undelivered(NOON, 9)
    store.delivered([entry], "1.0", NOON + timedelta(seconds=1))
    store.delivered([entry], "2.0", NOON + timedelta(seconds=2))
    store.postponed([entry], NOON + timedelta(hours=1), failed=True)
    store.delivered([replace(entry, id=new_id(NOON))], "3.0", NOON)
    told = [each for each in store.entries(None, ended.id) if each.kind is Kind.SIGNED_OUT]
    assert told == [
        replace(entry, next_at=None, delivery_attempts=1, delivered_at=NOON + timedelta(seconds=1), ts="1.0")
    ]
    assert store.next_delivery_at() is None


def test_a_refusal_noted_twice_keeps_the_time_at_which_the_channel_heard_of_it(store: Store) -> None:
    entry = refused(store)
    store.delivered([entry], "1.0", NOON + timedelta(seconds=1))
    store.delivered([entry], "2.0", NOON + timedelta(minutes=9))
    assert store.last_refusal_delivered_at(SAM.team_id, SAM.id) == NOON + timedelta(seconds=1)
    assert store.last_refusal_delivered_at(SAM.team_id, "U0OTHER001") is None


def test_what_somebody_took_since_is_not_postponed(store: Store) -> None:
    entry = refused(store)
    (held,) = store.hold([entry], NOON + timedelta(seconds=20))
    store.postponed([entry], NOON + timedelta(hours=1), failed=True)
    assert store.next_delivery_at() == NOON + timedelta(seconds=20)
    store.postponed([held], NOON + timedelta(minutes=1), failed=False)
    (postponed,) = store.undelivered(NOON + timedelta(minutes=1), 9)
    assert (postponed.next_at, postponed.delivery_attempts) == (NOON + timedelta(minutes=1), 0)


def test_of_what_is_due_the_oldest_comes_first_however_long_it_waited(store: Store) -> None:
    entries = [refused(store, NOON + timedelta(seconds=number)) for number in range(4)]
    store.postponed(entries[:1], NOON + timedelta(minutes=5), failed=True)
    store.postponed(entries[1:2], NOON + timedelta(minutes=9), failed=True)
    due = store.undelivered(NOON + timedelta(minutes=5), 2)
    assert [entry.id for entry in due] == [entries[0].id, entries[2].id]
    assert [entry.id for entry in store.refusals_waiting(SAM.team_id, SAM.id, 2)] == [entries[0].id, entries[1].id]
    assert store.next_delivery_at() == NOON + timedelta(seconds=2)


def test_an_operators_refusals_are_not_anothers_and_no_outcomes(store: Store) -> None:
    signed_out(store, NOON)
    mine, other = refused(store), refused(store, operator=replace(SAM, id="U0OTHER001"))
    refused(store, operator=replace(SAM, team_id="T0OTHER001"))
    assert store.refusals_waiting(SAM.team_id, SAM.id, 9) == [mine]
    assert store.refusals_waiting(SAM.team_id, "U0OTHER001", 9) == [other]


def test_the_backlog_counts_what_waits_and_since_when(store: Store) -> None:
    assert store.backlog() == Backlog(0, None)
    signed_out(store, NOON)
    entry = refused(store, NOON - timedelta(hours=1))
    store.postponed([entry], NOON + timedelta(hours=1), failed=True)
    assert store.backlog() == Backlog(2, NOON - timedelta(hours=1))
    store.delivered([entry], "1.0", NOON)
    assert store.backlog() == Backlog(1, NOON)


def test_all_entries_are_given_in_the_order_of_time_across_months(store: Store) -> None:
    days = [-70, -31, -30, 0, 40]
    entries = [refused(store, NOON + timedelta(days=day)) for day in reversed(days)][::-1]
    assert list(store.entries(None, None)) == entries
    assert list(store.entries(NOON - timedelta(days=31), None)) == entries[1:]
    assert list(store.entries(NOON - timedelta(days=31) + timedelta(microseconds=1), None)) == entries[2:]
    assert list(store.entries(NOON + timedelta(days=41), None)) == []


def test_the_entries_of_one_request_are_given_alone(store: Store) -> None:
    first, second = signed_out(store, NOON), signed_out(store, NOON + timedelta(days=40))
    for request in (first, second):
        kinds = [entry.kind for entry in store.entries(None, request.id)]
        assert sorted(kinds) == ["confirmed", "opened", "signed_out"]
    assert {entry.request_id for entry in store.entries(None, second.id)} == {second.id}
    assert list(store.entries(NOON + timedelta(days=1), first.id)) == []
    assert list(store.entries(None, "no such request")) == []


def test_a_request_is_found_in_the_log_though_slacks_clock_which_its_id_tells_is_ahead(store: Store) -> None:
    ended = signed_out(store, NOON, id=new_id(NOON + timedelta(minutes=5)))
    assert len(list(store.entries(None, ended.id))) == 3


def forget(store: Store, before: datetime) -> int:
    """Forget all that can be; return how many entries."""
    total = 0
    while forgotten := store.forget_delivered(before):
        total += forgotten
    return total


def test_what_ended_and_was_delivered_is_forgotten_with_all_that_tells_of_it(store: Store) -> None:
    ended = [signed_out(store, NOON), signed_out(store, NOON + timedelta(days=2))]
    store.delivered(store.undelivered(NOON + timedelta(days=2), 9), "1.0", NOON + timedelta(days=2))
    assert forget(store, NOON + timedelta(days=3)) == 6
    assert [store.get(request.id) for request in ended] == [None, None]
    assert store.last_signed_out(ADA) is None
    assert list(store.entries(None, None)) == []


def test_only_what_is_older_is_forgotten(store: Store) -> None:
    old, young = signed_out(store, NOON), signed_out(store, NOON + timedelta(days=2))
    store.delivered(store.undelivered(NOON + timedelta(days=2), 9), "1.0", NOON)
    assert forget(store, NOON + timedelta(days=1)) == 3
    assert store.get(old.id) is None
    assert store.get(young.id) == young
    assert store.last_signed_out(ADA) == young
    assert {entry.request_id for entry in store.entries(None, None)} == {young.id}


def test_what_was_not_delivered_or_has_not_ended_is_never_forgotten(store: Store) -> None:
    waiting, claimed, undelivered = awaiting(), claimed_in(store), signed_out(store, NOON)
    store.add(waiting, entry_of(waiting, NOON))
    refusal = refused(store)
    forget(store, NOON + timedelta(days=999))
    assert [store.get(request.id) for request in (waiting, claimed, undelivered)] == [waiting, claimed, undelivered]
    assert {entry.request_id for entry in store.entries(None, None)} >= {undelivered.id, refusal.request_id}
    assert store.backlog() == Backlog(2, NOON)
    store.delivered(store.undelivered(NOON, 9), "1.0", NOON)
    forget(store, NOON + timedelta(days=999))
    assert [store.get(request.id) for request in (waiting, claimed, undelivered)] == [waiting, claimed, None]
    assert store.backlog() == Backlog(0, None)


def test_more_than_one_round_of_forgetting_forgets_everything(store: Store) -> None:
    for number in range(120):
        entry = entry_of_ask(Kind.NOT_FOUND, asked(), "allow.users", NOON + timedelta(seconds=number))
        store.record(entry)
    assert 0 < store.forget_delivered(NOON + timedelta(days=1)) <= 120
    forget(store, NOON + timedelta(days=1))
    assert list(store.entries(None, None)) == []


def test_trying_whether_the_store_can_be_written_leaves_nothing_behind(store: Store) -> None:
    store.check_writable()
    assert list(store.entries(None, None)) == []
    assert store.backlog() == Backlog(0, None)
