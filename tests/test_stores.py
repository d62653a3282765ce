"""What every store promises; each test runs on each store."""

import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any

import pytest
from dynamodb import DynamoDB
from examples import (
    ADA,
    KIM,
    NOON,
    SAM,
    added_to,
    approved_in,
    approving_in,
    asked,
    awaiting,
    claimed_in,
    decided_in,
    delivered_all,
    done_in,
    listing,
)
from lists import portion

from bot.account import Account
from bot.action import Step
from bot.audit import (
    Delivery,
    Entry,
    Kind,
    by_account,
    by_operator,
    by_target,
    entry_of,
    entry_of_ask,
    pool_subject,
)
from bot.errors import CountChangedError, StoreUnavailableError, SupersededError
from bot.facts.finding import COUNTED_UP_TO, Backlog
from bot.limits import EVERYONE, Window
from bot.list_accounts import child_of
from bot.ports import LiveMessage, MessageKind, Place, Show
from bot.request import (
    ENDED,
    LIST_MOVES,
    MOVES,
    TERMINAL,
    Approval,
    Claim,
    Earlier,
    IllegalMoveError,
    Operator,
    Request,
    State,
    new_id,
)
from bot.stores.dynamodb import items
from bot.stores.dynamodb.store import DynamoDBStore
from bot.stores.sqlite.store import SQLiteStore
from bot.wiring.stores import Store
from bot.work import LEASE

MOMENT = timedelta(microseconds=1)
SECOND = timedelta(seconds=1)
HOOK = "https://hooks.slack.com/commands/T/1/secret"
PLACE = Place(response_url=HOOK, until=NOON + timedelta(minutes=30), replaces=False)


@pytest.fixture(params=["sqlite", pytest.param("dynamodb", marks=pytest.mark.long("a server"))])
def store(request: pytest.FixtureRequest) -> Store:
    """A new store of each kind."""
    opened: Store = request.getfixturevalue(f"{request.param}_store")
    return opened


def test_what_was_stored_comes_back_as_it_was(store: Store) -> None:
    bare = awaiting(
        ask=asked(source=TERMINAL, channel_id=""),
        chosen=Account(pool="p", pool_id="x_1", region="x", username="\u00e4\u202e'\x00"),
        candidates=(),
        state=State.CHOOSING,
    )
    store.add(bare, entry_of(bare, NOON), None)
    claimed = claimed_in(store, earlier=Earlier(at=NOON, by="kim"), matches=9, candidates=(ADA, ADA))
    full = claimed.move(
        State.PARTLY,
        in_doubt=True,
        done=("a", "b"),
        aws_request_ids=("a", "b"),
        attempts=2,
        ended_at=NOON + MOMENT,
        access_until=NOON,
        login_until=NOON,
        error_code="x",
    )
    store.move(claimed, full, entry_of(full, NOON), None)
    assert store.get(bare.id) == bare
    assert store.get(full.id) == full
    assert store.get("01JZZZZZZZZZZZZZZZZZZZZZZZ") is None


def test_an_entry_comes_back_as_it_was(store: Store) -> None:
    claimed = claimed_in(store)
    ended = claimed.move(State.DONE, aws_request_ids=("a",), ended_at=NOON)
    entry = entry_of(ended, NOON)
    store.move(claimed, ended, entry, None)
    assert store.due_entries(NOON, 9) == [entry]
    assert store.due_entries(NOON - MOMENT, 9) == []


def test_an_entry_of_what_moved_nothing_comes_back_as_it_was(store: Store) -> None:
    entry = entry_of_ask(Kind.REFUSED, asked(), "not allowed", NOON, ADA)
    store.record(entry)
    assert list(store.entries(None, None)) == [entry]


def test_a_request_whose_id_is_there_already_is_refused_with_its_entry(store: Store) -> None:
    request = awaiting()
    store.add(request, entry_of(request, NOON), None)
    with pytest.raises(SupersededError):
        store.add(replace(request, allowed_by="another"), entry_of(request, NOON), Show(at=NOON))
    assert store.get(request.id) == request
    assert count(store, Kind.OPENED) == 1


def test_a_second_move_from_the_same_version_is_refused_with_its_entry(store: Store) -> None:
    request = awaiting()
    store.add(request, entry_of(request, NOON), None)
    cancelled = request.move(State.CANCELLED)
    store.move(request, cancelled, entry_of(cancelled, NOON), None)
    ready = request.move(State.READY, decided_at=NOON)
    with pytest.raises(SupersededError):
        store.move(request, ready, entry_of(ready, NOON), None)
    assert store.get(request.id) == cancelled
    assert count(store, Kind.CONFIRMED) == 0


def test_a_move_whose_entry_cannot_be_written_does_not_happen(store: Store) -> None:
    request = awaiting()
    entry = entry_of(request, NOON)
    store.add(request, entry, Show(at=NOON, place=PLACE))
    with pytest.raises((StoreUnavailableError, sqlite3.IntegrityError)):
        store.move(request, request.move(State.CANCELLED), entry, Show(at=NOON + SECOND))  # an entry id twice
    assert store.get(request.id) == request


@pytest.mark.parametrize("old", State)
def test_the_store_refuses_every_move_that_the_table_does_not_have(store: Store, old: State) -> None:
    request = awaiting(state=old)
    store.add(request, entry_of(request, NOON), None)
    for new in set(State) - MOVES[old]:
        moved = replace(request, state=new, version=2)
        with pytest.raises(IllegalMoveError):
            store.move(request, moved, None, None)
    assert store.get(request.id) == request


def test_of_many_claims_at_once_one_succeeds(store: Store) -> None:
    for _ in range(20):
        request = decided_in(store)
        start = threading.Barrier(8)
        won: list[str] = []

        def claim(
            name: str, request: Request = request, start: threading.Barrier = start, won: list[str] = won
        ) -> None:
            claimed = request.move(State.RUNNING, claim=Claim(id=name, at=NOON, until=NOON + LEASE))
            start.wait()
            try:
                store.move(request, claimed, None, None)
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
        assert stored.claim
        assert won == [stored.claim.id]


def test_due_work_is_found_by_its_time(store: Store) -> None:
    claimed, decided, request = claimed_in(store), decided_in(store), added_to(store)
    choosing = added_to(store, state=State.CHOOSING, chosen=None)
    assert store.dead(NOON + LEASE, 9) == []
    assert store.dead(NOON + LEASE + MOMENT, 9) == [claimed]
    assert store.ready(NOON, 9) == []
    assert store.ready(NOON + MOMENT, 9) == [decided]
    assert store.expired(request.expires_at - MOMENT, 9) == []
    assert by_id(store.expired(request.expires_at, 9)) == by_id([request, choosing])


def test_what_is_due_beyond_a_time_is_found_as_well_and_comes_last(store: Store) -> None:
    far, beyond = NOON + timedelta(days=30), NOON + timedelta(hours=1)
    times = (far, NOON, far - SECOND, beyond - MOMENT)
    awaits = [added_to(store, expires_at=at) for at in times]
    decided = [decided_in(store, at) for at in times]
    claimed = [claimed_in(store, at - LEASE) for at in times]
    cards = [added_to(store, show=Show(at=at)).id for at in times]
    now = NOON + MOMENT
    looks = ((store.expired, awaits), (store.ready, decided), (store.dead, claimed))
    for look, found in looks:
        assert look(now, 9) == [found[1]]
        assert look(now, 9, beyond) == [found[1], found[2], found[0]]
        assert look(now, 2, beyond) == [found[1], found[2]]
        assert look(now, 1, beyond) == [found[1]]
        assert look(now, 9, beyond - MOMENT) == [found[1], found[3], found[2], found[0]]
    assert [each.request_id for each in store.due_messages(now, 9, beyond)] == [cards[1], cards[2], cards[0]]


def test_entries_that_are_due_beyond_a_time_are_found_as_well(store: Store) -> None:
    far = NOON + timedelta(days=30)
    entries = [entry_of_ask(Kind.REFUSED, asked(id=new_id(NOON)), "no", NOON) for _ in range(3)]
    for entry in entries:
        store.record(entry)
    store.postponed(entries[0], far)
    store.postponed(entries[1], NOON + timedelta(minutes=9))
    assert [each.id for each in store.due_entries(NOON, 9, refused=True)] == [entries[2].id]
    found = store.due_entries(NOON, 9, NOON + timedelta(minutes=10), refused=True)
    assert {each.id for each in found} == {entries[2].id, entries[0].id}
    held = store.hold(next(each for each in found if each.id == entries[0].id), NOON + SECOND)
    assert held
    assert held.delivery.next_at == NOON + SECOND


def test_tallies_that_a_clock_ahead_began_are_found_as_well(store: Store) -> None:
    far = NOON + timedelta(days=30)
    tally = replace(entry_of_ask(Kind.REFUSED, asked(id=new_id(far)), "no", far), delivery=Delivery())
    store.tally([tally])
    assert store.tallies(NOON, 9) == []
    assert [each.id for each in store.tallies(NOON, 9, NOON + timedelta(minutes=2))] == [tally.id]


def test_what_has_ended_is_due_no_longer(store: Store) -> None:
    done_in(store)
    failed, cancelled = decided_in(store), added_to(store)
    for request, state in ((failed, State.FAILED), (cancelled, State.CANCELLED)):
        ended = request.move(state, ended_at=NOON)
        store.move(request, ended, entry_of(ended, NOON), None)
    later = NOON + timedelta(days=1)
    assert [*store.dead(later, 9), *store.ready(later, 9), *store.expired(later, 9)] == []


def test_of_due_requests_the_first_come_first_and_no_more_than_asked_for(store: Store) -> None:
    minutes = [timedelta(minutes=number) for number in (2, 0, 1)]
    awaits = [added_to(store, expires_at=NOON + each) for each in minutes]
    decided = [decided_in(store, NOON + each) for each in minutes]
    claimed = [claimed_in(store, NOON + each) for each in minutes]
    later = NOON + timedelta(days=1)
    assert store.expired(later, 2) == [awaits[1], awaits[2]]
    assert store.ready(later, 2) == [decided[1], decided[2]]
    assert store.dead(later, 2) == [claimed[1], claimed[2]]


def test_a_claim_that_is_renewed_or_taken_over_is_due_by_its_new_lease(store: Store) -> None:
    claimed = claimed_in(store)
    renewed = claimed.move(State.RUNNING, claim=Claim(id="claim-1", at=NOON, until=NOON + 2 * LEASE), done=("a",))
    store.move(claimed, renewed, None, None)
    assert store.dead(NOON + 2 * LEASE, 9) == []
    assert store.dead(NOON + 2 * LEASE + MOMENT, 9) == [renewed]
    assert [entry.kind for entry in store.entries(None, claimed.id)] == [Kind.OPENED, Kind.CONFIRMED]


def test_delivery_is_noted(store: Store) -> None:
    entry = refused(store)
    (waiting,) = store.due_entries(NOON, 9, refused=True)
    assert waiting == entry
    store.postponed(entry, NOON + timedelta(minutes=1))
    assert store.next_entry_at(refused=True) == NOON + timedelta(minutes=1)
    (postponed,) = store.due_entries(NOON + timedelta(minutes=1), 9, refused=True)
    assert postponed.delivery.attempts == 1
    assert store.hold(entry, NOON + timedelta(hours=1)) is None, "it was postponed since it was read"
    held = store.hold(postponed, NOON + timedelta(hours=1))
    assert store.due_entries(NOON + timedelta(minutes=59), 9, refused=True) == []
    assert store.due_entries(NOON + timedelta(hours=1), 9, refused=True) == [held]
    store.delivered(entry, "1.0", NOON + timedelta(minutes=2))
    assert store.next_entry_at(refused=True) is None
    assert store.due_entries(NOON + timedelta(hours=1), 9, refused=True) == []


@pytest.mark.parametrize("refusals", [0, 150])
def test_outcomes_and_refusals_wait_apart(store: Store, refusals: int) -> None:
    """So however many refusals wait, an outcome is found at once."""
    for _ in range(refusals):
        refused(store, NOON - timedelta(hours=1))
    assert store.next_entry_at() is None
    ended = done_in(store, NOON)
    (entry,) = store.due_entries(NOON, 9)
    assert entry.request == replace(ended, candidates=())
    assert store.next_entry_at() == NOON
    assert len(store.due_entries(NOON, 9, refused=True)) == min(refusals, 9)
    assert store.next_entry_at(refused=True) == (NOON - timedelta(hours=1) if refusals else None)


# Tallies: refusals that are still counted.


def tallied(count: int = 1, at: datetime = NOON) -> Entry:
    """Return a tally as the rules make it."""
    entry = entry_of_ask(Kind.REFUSED, asked(id=new_id(at)), "not allowed", at)
    return replace(entry, count=count, until=at, examples=("ada", "\u202e"), delivery=Delivery())


def test_a_tally_grows_unseen_and_becomes_one_entry_that_is_due(store: Store) -> None:
    tally = tallied()
    store.tally([tally])
    grown = replace(tally, count=4_899, until=NOON + timedelta(seconds=58))
    store.tally([grown, tallied(at=NOON + SECOND)])
    assert list(store.entries(None, None)) == []
    assert store.tallies(NOON, 9) == []
    assert store.tallies(NOON + MOMENT, 9) == [grown]
    now = NOON + timedelta(minutes=2)
    store.settle(tally.id, now)
    (entry,) = store.entries(None, None)
    assert entry == replace(grown, delivery=Delivery(next_at=now))
    assert store.due_entries(now, 9, refused=True) == [entry]
    assert store.tallies(NOON + MOMENT, 9) == []


def test_a_tally_becomes_an_entry_once_however_often_that_is_tried(store: Store) -> None:
    tally = tallied(7)
    store.tally([tally])
    for _ in range(3):
        store.settle(tally.id, NOON)
    assert [entry.count for entry in store.entries(None, None)] == [7]
    store.settle("01JZZZZZZZZZZZZZZZZZZZZZZZ", NOON)


def test_of_a_tally_that_grew_after_it_was_taken_for_a_dead_ones_the_rest_is_told(store: Store) -> None:
    tally = tallied(7)
    store.tally([tally])
    store.settle(tally.id, NOON)
    store.tally([tally])  # a write that was late
    store.settle(tally.id, NOON)
    assert [entry.count for entry in store.entries(None, None)] == [7]
    store.tally([replace(tally, count=10)])
    for _ in range(2):
        store.settle(tally.id, NOON)
    assert sorted(entry.count for entry in store.entries(None, None)) == [3, 7]
    assert store.tallies(NOON + SECOND, 9) == []


def test_of_many_that_make_a_tally_an_entry_at_once_one_does(store: Store) -> None:
    tallies = [tallied(7) for _ in range(10)]
    store.tally(tallies)
    start = threading.Barrier(4)

    def settle() -> None:
        start.wait()
        for tally in tallies:
            store.settle(tally.id, NOON)

    threads = [threading.Thread(target=settle) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [entry.count for entry in store.entries(None, None)] == [7] * 10


def test_more_tallies_than_a_store_writes_at_once_are_all_kept(store: Store) -> None:
    store.tally([tallied(at=NOON + number * MOMENT) for number in range(130)])
    assert len(store.tallies(NOON + SECOND, 999)) == 130
    assert len(store.tallies(NOON + SECOND, 3)) == 3


def by_id(requests: Sequence[Request]) -> list[Request]:
    return sorted(requests, key=attrgetter("id"))


def count(store: Store, kind: Kind) -> int:
    return [entry.kind for entry in store.entries(None, None)].count(kind)


def refusal_of(operator: Operator, at: datetime) -> Entry:
    return entry_of_ask(Kind.REFUSED, asked(operator=operator, id=new_id(at)), "not allowed", at)


def refused(store: Store, at: datetime = NOON, operator: Operator = SAM) -> Entry:
    entry = refusal_of(operator, at)
    store.record(entry)
    return entry


def test_the_last_sign_out_of_an_account_is_the_latest_whatever_was_stored_last(store: Store) -> None:
    assert store.last_signed_out(ADA) is None
    latest = done_in(store, NOON)
    earlier = done_in(store, NOON - timedelta(minutes=1))
    assert store.get(earlier.id) == earlier, "what it signed out is not the latest, but it ended all the same"
    assert store.last_signed_out(ADA) == latest
    assert store.last_signed_out(replace(ADA, username="grace")) is None
    assert store.last_signed_out(replace(ADA, pool_id="eu-central-1_Other")) is None


@pytest.mark.parametrize("id_", ["", "x", "x" * 2000, "\u00fc" * 2000, "request", "a#b", "\ud800"])
def test_what_no_request_can_be_called_is_not_there(store: Store, id_: str) -> None:
    assert store.get(id_.encode("utf-8", "replace").decode()) is None


def test_each_of_many_entries_is_held_once_by_many_at_once(store: Store) -> None:
    entries = [refused(store) for _ in range(60)]
    start = threading.Barrier(4)
    got: list[str] = []

    def hold() -> None:
        due = store.due_entries(NOON, 60, refused=True)
        start.wait()
        got.extend(entry.id for entry in due if store.hold(entry, NOON + timedelta(seconds=20)))

    threads = [threading.Thread(target=hold) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == sorted(entry.id for entry in entries)
    assert store.due_entries(NOON, 60, refused=True) == []


def test_a_hold_gets_what_no_one_else_has_taken_and_only_that(store: Store) -> None:
    first, second, third = (refused(store) for _ in range(3))
    until = NOON + timedelta(seconds=20)
    held = store.hold(second, until)
    store.delivered(third, "1.0", NOON)
    got = [store.hold(each, until) for each in (first, second, third)]
    assert [entry and entry.id for entry in got] == [first.id, None, None]
    assert [entry.delivery.next_at for entry in (got[0], held) if entry] == [until] * 2


def test_what_was_noted_of_a_delivery_stays(store: Store) -> None:
    ended = done_in(store, NOON)
    (entry,) = store.due_entries(NOON, 9)
    store.delivered(entry, "1.0", NOON + timedelta(seconds=1))
    store.delivered(entry, "2.0", NOON + timedelta(seconds=2))
    store.postponed(entry, NOON + timedelta(hours=1))
    store.delivered(replace(entry, id=new_id(NOON)), "3.0", NOON)
    told = [each for each in store.entries(None, ended.id) if each.kind is Kind.SIGNED_OUT]
    assert told == [replace(entry, delivery=Delivery(attempts=1, delivered_at=NOON + timedelta(seconds=1), ts="1.0"))]
    assert store.next_entry_at() is None


def test_what_someone_took_since_is_not_postponed(store: Store) -> None:
    entry = refused(store)
    held = store.hold(entry, NOON + timedelta(seconds=20))
    assert held
    store.postponed(entry, NOON + timedelta(hours=1))
    assert store.next_entry_at(refused=True) == NOON + timedelta(seconds=20)
    store.postponed(held, NOON + timedelta(minutes=1))
    (postponed,) = store.due_entries(NOON + timedelta(minutes=1), 9, refused=True)
    assert postponed.delivery == Delivery(next_at=NOON + timedelta(minutes=1), attempts=1)


def test_of_what_is_due_the_oldest_comes_first_however_long_it_waited(store: Store) -> None:
    for number in range(4):
        done_in(store, NOON + timedelta(seconds=number))
    entries = store.due_entries(NOON + timedelta(minutes=1), 9)
    store.postponed(entries[0], NOON + timedelta(minutes=5))
    store.postponed(entries[1], NOON + timedelta(minutes=9))
    due = store.due_entries(NOON + timedelta(minutes=5), 2)
    assert [entry.id for entry in due] == [entries[0].id, entries[2].id]
    assert store.next_entry_at() == NOON + timedelta(seconds=2)


def test_the_backlog_counts_what_waits_and_since_when_the_oldest_outcome_does_whatever_refusals_wait(
    store: Store,
) -> None:
    assert store.backlog() == Backlog(0, None)
    done_in(store, NOON)
    entry = refused(store, NOON - timedelta(hours=1))
    store.postponed(entry, NOON + timedelta(hours=1))
    assert store.backlog() == Backlog(2, NOON)
    store.delivered(entry, "1.0", NOON)
    assert store.backlog() == Backlog(1, NOON)
    delivered_all(store, NOON)
    refused(store, NOON)
    assert store.backlog() == Backlog(1, None)


def test_all_entries_are_given_in_the_order_of_time_across_months(store: Store) -> None:
    days = [-70, -31, -30, 0, 40]
    entries = [refused(store, NOON + timedelta(days=day)) for day in reversed(days)][::-1]
    assert list(store.entries(None, None)) == entries
    assert list(store.entries(NOON - timedelta(days=31), None)) == entries[1:]
    assert list(store.entries(NOON - timedelta(days=31) + timedelta(microseconds=1), None)) == entries[2:]
    assert list(store.entries(NOON + timedelta(days=41), None)) == []


def test_entries_are_given_from_a_time_and_for_an_id_before_all_that_there_can_be(store: Store) -> None:
    store.record(entry_of_ask(Kind.REFUSED, asked(), "not allowed", NOON))
    assert list(store.entries(datetime(1960, 1, 1, tzinfo=UTC), None)) == list(store.entries(None, None))
    assert list(store.entries(None, "0" * 26)) == []


def test_only_the_entries_of_one_request_are_given(store: Store) -> None:
    first, second = done_in(store, NOON), done_in(store, NOON + timedelta(days=40))
    for request in (first, second):
        kinds = [entry.kind for entry in store.entries(None, request.id)]
        assert sorted(kinds) == ["confirmed", "opened", "signed_out"]
    assert {entry.ask.id for entry in store.entries(None, second.id)} == {second.id}
    assert list(store.entries(NOON + timedelta(days=1), first.id)) == []
    assert list(store.entries(None, "no such request")) == []


def test_a_request_is_found_in_the_log_though_slacks_clock_which_its_id_tells_is_ahead(store: Store) -> None:
    ended = done_in(store, NOON, ask=asked(id=new_id(NOON + timedelta(minutes=5))))
    assert len(list(store.entries(None, ended.id))) == 3


def newest() -> Entry:
    """Return an entry for the end of a log: the newest one is never forgotten."""
    return entry_of_ask(Kind.NOT_FOUND, asked(), "allow.users", NOON + timedelta(days=999))


def forget(store: Store, before: datetime) -> int:
    """Forget all that can be; return how many entries."""
    total = 0
    while forgotten := store.forget(before):
        total += forgotten
    return total


def test_what_ended_and_was_delivered_is_forgotten_with_all_that_tells_of_it(store: Store) -> None:
    ended = [done_in(store, NOON), done_in(store, NOON + timedelta(days=2))]
    delivered_all(store, NOON + timedelta(days=2))
    last = newest()
    store.record(last)
    assert forget(store, NOON + timedelta(days=3)) == 6
    assert [store.get(request.id) for request in ended] == [None, None]
    assert store.last_signed_out(ADA) is None
    assert list(store.entries(None, None)) == [last]


def test_only_what_is_older_is_forgotten(store: Store) -> None:
    old, young = done_in(store, NOON), done_in(store, NOON + timedelta(days=2))
    delivered_all(store, NOON + timedelta(days=2))
    assert forget(store, NOON + timedelta(days=1)) == 3
    assert store.get(old.id) is None
    assert store.get(young.id) == young
    assert store.last_signed_out(ADA) == young
    assert {entry.ask.id for entry in store.entries(None, None)} == {young.id}


def test_what_was_not_delivered_or_has_not_ended_is_never_forgotten(store: Store) -> None:
    waiting, claimed, undelivered = added_to(store), claimed_in(store), done_in(store, NOON)
    refusal = refused(store)
    forget(store, NOON + timedelta(days=999))
    assert [store.get(request.id) for request in (waiting, claimed, undelivered)] == [waiting, claimed, undelivered]
    assert {entry.ask.id for entry in store.entries(None, None)} >= {undelivered.id, refusal.ask.id}
    assert store.backlog() == Backlog(2, NOON)
    delivered_all(store, NOON)
    store.record(newest())
    forget(store, NOON + timedelta(days=999))
    assert [store.get(request.id) for request in (waiting, claimed, undelivered)] == [waiting, claimed, None]
    assert store.backlog() == Backlog(0, None)


def test_more_than_one_round_of_forgetting_forgets_everything_but_the_newest_entry(store: Store) -> None:
    for number in range(120):
        entry = entry_of_ask(Kind.NOT_FOUND, asked(), "allow.users", NOON + timedelta(seconds=number))
        store.record(entry)
    assert 0 < store.forget(NOON + timedelta(days=1)) <= 120
    forget(store, NOON + timedelta(days=1))
    assert list(store.entries(None, None)) == [entry]


def test_trying_whether_the_store_can_be_written_leaves_nothing_behind(store: Store) -> None:
    store.check_writable()
    assert list(store.entries(None, None)) == []
    assert store.backlog() == Backlog(0, None)


@pytest.fixture
def record_many(store: Store, request: pytest.FixtureRequest) -> Callable[[Iterable[Entry]], None]:
    """Record many entries past what takes time: in DynamoDB its server, in SQLite the waiting for the disk."""
    if isinstance(store, DynamoDBStore):
        server: DynamoDB = request.getfixturevalue("dynamodb")
        table = store._calls.table
        return lambda entries: server.put_many(table, map(items.item_of_entry, entries))
    assert isinstance(store, SQLiteStore)
    with store._file.connection() as db:
        db.execute("PRAGMA synchronous = OFF")

    def one_by_one(entries: Iterable[Entry]) -> None:
        for entry in entries:
            store.record(entry)

    return one_by_one


def test_a_backlog_is_counted_up_to_a_limit(store: Store, record_many: Callable[[Iterable[Entry]], None]) -> None:
    done_in(store, NOON)
    record_many(refusal_of(SAM, NOON - SECOND) for _ in range(COUNTED_UP_TO + 5))
    assert store.backlog() == Backlog(COUNTED_UP_TO, NOON, more=True)


# Cards. `carded` adds a request whose card is due at noon.


def carded(store: Store, at: datetime = NOON, place: Place | None = PLACE, **changes: object) -> Request:
    return added_to(store, at, Show(at=NOON, place=place), **changes)


def moved(store: Store, request: Request, at: datetime, place: Place | None = None) -> Request:
    """Return a request that was confirmed; its card is due then."""
    ready = request.move(State.READY, decided_at=NOON)
    store.move(request, ready, entry_of(ready, NOON), Show(at=at, place=place))
    return ready


def due(store: Store, now: datetime) -> LiveMessage:
    (message,) = store.due_messages(now, 9)
    return message


def test_a_new_request_has_a_card_where_that_is_said(store: Store) -> None:
    added_to(store)
    request = carded(store)
    assert store.due_messages(NOON - MOMENT, 9) == []
    assert store.due_messages(NOON, 9) == [LiveMessage(request_id=request.id, version=1, due_at=NOON, place=PLACE)]


def test_a_card_may_be_nowhere_yet(store: Store) -> None:
    request = carded(store, place=None)
    assert due(store, NOON) == LiveMessage(request_id=request.id, version=1, due_at=NOON)


def test_a_move_says_when_its_card_is_due_and_where_it_is(store: Store) -> None:
    request = carded(store)
    clicked = replace(PLACE, response_url=f"{HOOK}2", replaces=True)
    moved(store, request, NOON + SECOND, clicked)
    assert store.due_messages(NOON, 9) == []
    assert due(store, NOON + SECOND) == LiveMessage(
        request_id=request.id, version=2, due_at=NOON + SECOND, place=clicked
    )


def test_a_move_that_says_no_place_leaves_the_card_where_it_is(store: Store) -> None:
    moved(store, carded(store), NOON + SECOND)
    assert due(store, NOON + SECOND).place == PLACE


def test_a_move_that_says_nothing_of_the_card_leaves_it_as_it_is(store: Store) -> None:
    request = carded(store)
    ready = request.move(State.READY, decided_at=NOON)
    store.move(request, ready, entry_of(ready, NOON), None)
    assert due(store, NOON) == LiveMessage(request_id=request.id, version=1, due_at=NOON, place=PLACE)


def test_a_move_of_what_has_no_card_makes_none_and_is_done(store: Store) -> None:
    ready = moved(store, added_to(store), NOON, PLACE)
    assert store.get(ready.id) == ready
    assert store.due_messages(NOON, 9) == []


def test_a_move_that_is_refused_leaves_the_card_as_it_is(store: Store) -> None:
    request = carded(store)
    ready = moved(store, request, NOON + SECOND)
    before = due(store, NOON + SECOND)
    with pytest.raises(SupersededError):
        moved(store, request, NOON, replace(PLACE, replaces=True))
    assert due(store, NOON + SECOND) == before
    assert before.version == ready.version


def test_the_card_of_a_request_that_cannot_be_added_stays_as_it_is(store: Store) -> None:
    request = carded(store)
    with pytest.raises(SupersededError):
        store.add(request, entry_of(request, NOON), Show(at=NOON + SECOND))
    assert due(store, NOON).place == PLACE


def test_of_due_cards_the_first_come_first_and_no_more_than_asked_for(store: Store) -> None:
    requests = [added_to(store, show=Show(at=NOON + number * SECOND)) for number in (2, 0, 1)]
    found = store.due_messages(NOON + 5 * SECOND, 2)
    assert [each.request_id for each in found] == [requests[1].id, requests[2].id]


def test_a_card_is_held_once(store: Store) -> None:
    carded(store)
    message = due(store, NOON)
    held = store.hold_message(message, NOON + SECOND)
    assert held
    assert held.hold
    assert held == replace(message, due_at=NOON + SECOND, hold=held.hold)
    assert store.hold_message(message, NOON + 2 * SECOND) is None
    assert store.due_messages(NOON, 9) == []
    assert due(store, NOON + SECOND) == held
    again = store.hold_message(held, NOON + 2 * SECOND)
    assert again
    assert again.hold != held.hold, "it took too long"


def test_a_card_that_was_shown_since_or_is_not_there_cannot_be_held(store: Store) -> None:
    request = carded(store)
    message = due(store, NOON)
    store.shown(LiveMessage(request_id=request.id, version=1))
    assert store.hold_message(message, NOON + SECOND) is None
    assert store.hold_message(replace(message, due_at=None), NOON + SECOND) is None
    assert store.hold_message(replace(message, request_id=new_id(NOON)), NOON + SECOND) is None


def held_in(store: Store, until: datetime = NOON + timedelta(minutes=1)) -> LiveMessage:
    held = store.hold_message(due(store, NOON), until)
    assert held
    return held


def test_a_card_that_was_shown_is_due_no_longer(store: Store) -> None:
    carded(store)
    store.shown(held_in(store))
    assert store.due_messages(NOON + timedelta(days=1), 9) == []


def test_a_card_that_its_own_process_showed_is_due_no_longer(store: Store) -> None:
    request = carded(store)
    store.shown(LiveMessage(request_id=request.id, version=request.version))
    assert store.due_messages(NOON + timedelta(days=1), 9) == []


def test_a_card_that_someone_else_holds_stays_due_for_them(store: Store) -> None:
    request = carded(store)
    held = held_in(store)
    store.shown(LiveMessage(request_id=request.id, version=request.version))
    store.shown(replace(held, hold="another's"))
    assert store.due_messages(NOON + timedelta(minutes=1), 9) == [held]


@pytest.mark.parametrize("by_hold", [True, False])
def test_a_card_whose_request_moved_on_while_it_was_shown_is_due_at_once(store: Store, *, by_hold: bool) -> None:
    request = carded(store)
    message = held_in(store) if by_hold else LiveMessage(request_id=request.id, version=1)
    moved(store, request, NOON + timedelta(hours=1))
    store.shown(message)
    again = due(store, NOON - timedelta(days=9))
    assert (again.version, again.hold) == (2, None)


def test_a_card_shown_late_makes_a_newer_one_due_at_once_though_another_holds_it(store: Store) -> None:
    request = carded(store)
    moved(store, request, NOON)
    held = held_in(store)
    store.shown(LiveMessage(request_id=request.id, version=1))
    assert due(store, NOON - timedelta(days=9)).hold == held.hold


def test_a_card_that_is_due_at_once_stays_due_until_it_was_held_and_shown(store: Store) -> None:
    request = carded(store)
    moved_on = moved(store, request, NOON)
    store.shown(LiveMessage(request_id=request.id, version=1))
    store.shown(LiveMessage(request_id=request.id, version=moved_on.version))  # Slack may have had it before the other
    held = held_in(store)
    store.show_again(request.id)
    store.shown(held)
    assert due(store, NOON - timedelta(days=9)).hold is None
    store.shown(held_in(store))
    assert store.due_messages(NOON + timedelta(days=1), 9) == []


def test_a_card_that_was_shown_as_of_a_later_version_than_it_was_held_is_due_no_longer(store: Store) -> None:
    request = carded(store)
    held = held_in(store)
    ready = moved(store, request, NOON + SECOND)
    store.shown(replace(held, version=ready.version))
    assert store.due_messages(NOON + timedelta(days=1), 9) == []


def test_a_failure_is_counted_and_says_when_to_try_again(store: Store) -> None:
    carded(store)
    held = held_in(store)
    store.not_shown(held, NOON + timedelta(minutes=2))
    assert store.due_messages(NOON + timedelta(minutes=1), 9) == []
    again = due(store, NOON + timedelta(minutes=2))
    assert again == replace(held, due_at=NOON + timedelta(minutes=2), hold=None, failures=1)
    held_again = store.hold_message(again, NOON + timedelta(minutes=3))
    assert held_again
    store.not_shown(held_again, NOON + timedelta(minutes=4))
    assert due(store, NOON + timedelta(minutes=4)).failures == 2


def test_a_card_that_was_shown_after_failures_has_none(store: Store) -> None:
    request = carded(store)
    store.not_shown(held_in(store), NOON)
    store.shown(held_in(store))
    store.show_again(request.id)
    assert due(store, NOON).failures == 0


def test_a_failure_of_someone_who_no_longer_holds_the_card_changes_nothing(store: Store) -> None:
    carded(store)
    first = held_in(store, NOON)
    second = store.hold_message(first, NOON + SECOND)
    store.not_shown(first, NOON)
    assert store.due_messages(NOON + SECOND, 9) == [second]


@pytest.mark.parametrize("still_held", [True, False])
def test_a_failure_to_show_what_has_moved_on_since_makes_the_newer_card_due_at_once(
    store: Store, *, still_held: bool
) -> None:
    """What failed may come all the same, and late: it would hide the newer card."""
    request = carded(store)
    held = held_in(store)
    moved_on = moved(store, request, NOON + SECOND)
    others = None if still_held else store.hold_message(due(store, NOON + SECOND), NOON + timedelta(hours=1))
    store.not_shown(held, NOON + timedelta(hours=1))
    store.shown(LiveMessage(request_id=request.id, version=moved_on.version))  # Slack may have had it before the other
    again = due(store, NOON - timedelta(days=9))
    assert (again.version, again.hold) == (2, others and others.hold)


def test_a_card_that_reads_differently_is_due_at_once_even_if_another_holds_it(store: Store) -> None:
    shown, held = carded(store), carded(store)
    for message in store.due_messages(NOON, 9):
        got = store.hold_message(message, NOON + timedelta(minutes=1))
        assert got
        if got.request_id == shown.id:
            store.shown(got)
    for request in (shown, held):
        store.show_again(request.id)
    found = store.due_messages(NOON - timedelta(days=9), 9)
    assert {each.request_id for each in found} == {shown.id, held.id}
    store.show_again(new_id(NOON))


def test_a_place_is_forgotten_once_it_has_ended_and_the_card_stays_due(store: Store) -> None:
    ending, staying = carded(store), carded(store, place=replace(PLACE, until=PLACE.until + MOMENT))
    store.forget_places(PLACE.until - MOMENT)
    assert all(each.place for each in store.due_messages(NOON, 9))
    store.forget_places(PLACE.until)
    places = {each.request_id: each.place for each in store.due_messages(NOON, 9)}
    assert places == {ending.id: None, staying.id: replace(PLACE, until=PLACE.until + MOMENT)}


@pytest.mark.parametrize("state", State)
def test_a_place_is_forgotten_in_every_state(store: Store, state: State) -> None:
    carded(store, state=state, decided_at=NOON, claim=Claim(id="x", at=NOON, until=NOON + LEASE))
    store.forget_places(PLACE.until)
    assert due(store, NOON).place is None


def test_a_card_whose_place_was_forgotten_may_get_another(store: Store) -> None:
    request = carded(store)
    store.forget_places(PLACE.until)
    moved(store, request, NOON, replace(PLACE, replaces=True))
    assert due(store, NOON).place == replace(PLACE, replaces=True)


def test_a_card_is_forgotten_with_its_request(store: Store) -> None:
    request = carded(store)
    cancelled = request.move(State.CANCELLED, ended_at=NOON)
    store.move(request, cancelled, entry_of(cancelled, NOON), Show(at=NOON))
    store.record(newest())
    forget(store, NOON + SECOND)
    assert store.get(request.id) is None
    assert store.due_messages(NOON + SECOND, 9) == []


def test_a_store_is_not_outdated(store: Store) -> None:
    assert not store.is_outdated


def test_each_entry_that_counts_is_told_once_it_is_durable_and_none_that_was_refused(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Entry] = []

    def written(entry: Entry) -> None:
        assert entry.id in {each.id for each in store.entries(None, None)}
        told.append(entry)

    monkeypatch.setattr(store, "_written", written)
    ready, refusal = decided_in(store), refused(store)
    claimed = ready.move(State.RUNNING, claim=Claim(id="x", at=NOON, until=NOON))
    store.move(ready, claimed, None, None)
    with pytest.raises(SupersededError):
        store.move(ready, claimed, entry_of(claimed, NOON), None)
    taken_over = claimed.move(State.RUNNING, claim=Claim(id="y", at=NOON, until=NOON))
    store.move(claimed, taken_over, entry_of(taken_over, NOON), None)
    done = taken_over.move(State.DONE, ended_at=NOON)
    store.move(taken_over, done, entry_of(done, NOON), None)
    assert [each.kind for each in told] == [Kind.REFUSED, Kind.RESUMED, Kind.SIGNED_OUT], "others count for nothing"
    assert told[0] == refusal


# Windows: what was counted, in the same write as the decision.

MINE = "T0SIGNOUT1/U0SAM00001"


def test_outcomes_are_found_by_account_operator_and_target_and_steps_are_not(store: Store) -> None:
    done, waiting = done_in(store), approving_in(store)
    (outcome,) = [entry for entry in store.entries(None, None) if entry.kind is Kind.SIGNED_OUT]
    place = pool_subject(ADA.pool_id, ADA.region)
    for subject in (by_account(ADA), by_operator(place, SAM), by_target(place, "ADA")):
        assert store.past([subject], 9) == [outcome], "no step on the way to it, and nothing that still waits"
    assert (outcome.request, waiting.state) == (replace(done, candidates=()), State.APPROVING)
    for other in (by_account(replace(ADA, sub="another")), by_operator(place, KIM), by_target("", "ada"), "x" * 3_000):
        assert store.past([other], 9) == []


def test_the_last_outcomes_come_oldest_first_and_each_once(store: Store) -> None:
    entries = [refused(store, NOON + number * SECOND) for number in range(5)]
    subjects = [by_target("", "ada"), by_operator("", SAM), by_operator("", SAM)]
    assert store.past(subjects, 3) == entries[-3:]
    assert store.past(subjects, 9) == entries
    assert store.past([], 9) == []


def test_an_entry_that_is_not_written_is_in_no_history(store: Store) -> None:
    request = done_in(store)
    with suppress(SupersededError):
        store.add(request, entry_of(replace(request, state=State.CANCELLED), NOON), None)
    assert len(store.past([by_account(ADA)], 9)) == 1


def test_a_history_ends_with_its_entries(store: Store) -> None:
    done_in(store)
    delivered_all(store, NOON)
    store.record(newest())
    forget(store, NOON + SECOND)
    kept = len(held_in_history(store))
    left = approving_in(store, NOON + timedelta(days=1))
    assert store.past([by_account(ADA)], 9) == []
    ended = left.move(State.CANCELLED, ended_at=NOON)
    store.move(left, ended, entry_of(ended, NOON + timedelta(days=1)), None)
    assert [entry.request for entry in store.past([by_account(ADA)], 9)] == [replace(ended, candidates=())]
    assert len(held_in_history(store)) == kept + 3, "nothing is left of what was forgotten"


def held_in_history(store: Store) -> Sequence[object]:
    if isinstance(store, SQLiteStore):
        return store._file.rows("SELECT * FROM history")
    found = store._calls.client().scan(TableName=store._calls.table, ConsistentRead=True)["Items"]
    return [item for item in found if str(item["pk"]).startswith("history#")]


def test_a_tally_is_in_a_history_once_it_is_an_entry_by_each_target_that_it_names(store: Store) -> None:
    tally = replace(tallied(7), examples=("ada", "grace"))
    store.tally([tally])
    assert store.past([by_target("", "grace")], 9) == []
    store.settle(tally.id, NOON)
    for target in tally.examples:
        assert [entry.count for entry in store.past([by_target("", target)], 9)] == [7]


def test_the_longest_target_and_any_text_has_a_history(store: Store) -> None:
    for target in ("\U0001f600" * 128, "a#b", "' OR 1", "%", "x" * 5_000):
        entry = entry_of_ask(Kind.NOT_FOUND, asked(target, id=new_id(NOON)), "allow.users", NOON)
        store.record(entry)
        assert store.past([by_operator("", SAM)], 1) == [entry]
        if len(target) < 5_000:  # no command takes more than 128
            assert store.past([by_target("", target)], 9) == [entry]


def counting(store: Store, *names: str, key: str = MINE) -> Window:
    """Return a window as it is written over what is stored now, with these accounts."""
    (window,) = store.windows([key])
    return replace(window, accounts=dict.fromkeys(names, NOON))


def counted(store: Store, request: Request, *windows: Window) -> Request:
    ready = request.move(State.READY, decided_at=NOON)
    store.move(request, ready, entry_of(ready, NOON), Show(at=NOON), windows)
    return ready


def test_a_window_that_no_one_wrote_is_empty_and_each_write_makes_another_version(store: Store) -> None:
    assert store.windows([MINE, EVERYONE]) == [Window(key=MINE), Window(key=EVERYONE)]
    counted(store, added_to(store), counting(store, "a"), counting(store, "a", "b#\u00e4'", key=EVERYONE))
    mine, everyone = store.windows([MINE, EVERYONE])
    assert mine == Window(key=MINE, version=1, accounts={"a": NOON})
    assert everyone == Window(key=EVERYONE, version=1, accounts={"a": NOON, "b#\u00e4'": NOON})
    assert store.windows([EVERYONE, MINE]) == [everyone, mine]
    counted(store, added_to(store), counting(store, "c"))
    assert [each.version for each in store.windows([MINE, EVERYONE])] == [2, 1]
    assert store.windows([]) == []


@pytest.mark.parametrize("stored_before", [False, True])
def test_a_decision_is_not_made_where_a_window_was_written_since_it_was_read(
    store: Store, *, stored_before: bool
) -> None:
    if stored_before:
        counted(store, added_to(store), counting(store, "a"))
    request, read, other = (
        added_to(store, show=Show(at=NOON + SECOND)),
        counting(store, "b"),
        counting(store, "d", key="other"),
    )
    counted(store, added_to(store), counting(store, "c"))
    before = store.windows([MINE, "other"]), count(store, Kind.CONFIRMED)
    with pytest.raises(CountChangedError):
        counted(store, request, other, read)
    assert store.get(request.id) == request
    assert (store.windows([MINE, "other"]), count(store, Kind.CONFIRMED)) == before
    assert [each for each in store.due_messages(NOON, 9) if each.request_id == request.id] == []
    assert counted(store, request, counting(store, "b")) == store.get(request.id)


def test_a_decision_that_someone_else_made_counts_nothing_whatever_was_written_since(store: Store) -> None:
    request, read = added_to(store), counting(store, "a")
    counted(store, request)
    counted(store, added_to(store), counting(store, "b"))
    with pytest.raises(SupersededError):
        counted(store, request, read)
    assert set(store.windows([MINE])[0].accounts) == {"b"}


def test_of_many_decisions_at_once_each_is_counted_or_is_not_made(store: Store) -> None:
    requests, start = [added_to(store) for _ in range(6)], threading.Barrier(6)
    made: list[str] = []

    def decide(request: Request) -> None:
        read = counting(store, request.id)
        start.wait()
        with suppress(CountChangedError):
            made.append(counted(store, request, read).id)

    threads = [threading.Thread(target=decide, args=(request,)) for request in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert set(store.windows([MINE])[0].accounts) == set(made)


def test_what_is_told_of_a_limit_is_written_with_its_entry_or_not_at_all(store: Store) -> None:
    told = entry_of_ask(Kind.LIMITED, asked(), "limits.all", NOON, ADA)
    windows = [replace(counting(store, key=key), told_at=NOON) for key in (MINE, EVERYONE)]
    store.tell(windows, told)
    assert list(store.entries(None, None)) == [told]
    assert [each.told_at for each in store.windows([MINE, EVERYONE])] == [NOON, NOON]
    with pytest.raises(CountChangedError):
        store.tell([counting(store), windows[1]], replace(told, id=new_id(NOON)))
    assert list(store.entries(None, None)) == [told]
    assert store.windows([MINE])[0].version == 1


# Approval messages: beside the card, under the same request.


def approval_in(store: Store, now: datetime = NOON) -> LiveMessage:
    (message,) = (each for each in store.due_messages(now, 9) if each.kind is MessageKind.APPROVAL)
    return message


def shown_approval(store: Store, ts: str = "5.0") -> LiveMessage:
    held = store.hold_message(approval_in(store), NOON + SECOND)
    assert held
    store.shown(replace(held, ts=(ts,)))
    return held


def test_a_request_that_needs_an_approval_has_a_message_for_it_due_at_once(store: Store) -> None:
    request = approving_in(store)
    found = store.due_messages(NOON, 9)
    assert [(each.kind, each.version) for each in found] == [(MessageKind.APPROVAL, 2), (MessageKind.CARD, 2)]
    assert {each.request_id for each in found} == {request.id}
    assert (found[0].place, found[0].ts, found[0].failures) == (None, (), 0)
    assert store.due_messages(NOON - timedelta(days=9), 9) == [found[0]], "whatever a clock says"


def test_without_a_card_or_an_approval_there_is_no_such_message(store: Store) -> None:
    moved(store, carded(store), NOON)
    asked_in_terminal = added_to(store)
    approval = Approval(asked_at=NOON, channel_id="C0APPROVE1")
    approving = asked_in_terminal.move(State.APPROVING, approval=approval)
    store.move(asked_in_terminal, approving, entry_of(approving, NOON), None)
    assert [each.kind for each in store.due_messages(NOON, 9)] == [MessageKind.CARD]


def test_an_approval_message_that_was_posted_is_due_no_longer_and_each_later_move_makes_it_due_with_its_ts(
    store: Store,
) -> None:
    ready = approved_in(store)
    shown_approval(store)
    assert [each.kind for each in store.due_messages(NOON + SECOND, 9)] == [MessageKind.CARD]
    failed = ready.move(State.FAILED, ended_at=NOON)
    store.move(ready, failed, entry_of(failed, NOON), Show(at=NOON + timedelta(hours=1)))
    again = approval_in(store)
    assert (again.version, again.ts, again.hold) == (failed.version, ("5.0",), None)
    shown_approval(store, "5.0")
    assert store.due_messages(NOON + SECOND, 9) == []


def test_a_first_claim_which_shows_nothing_leaves_the_approval_message(store: Store) -> None:
    ready = approved_in(store)
    shown_approval(store)
    store.move(ready, ready.move(State.RUNNING, claim=Claim(id="x", at=NOON, until=NOON + LEASE)), None, None)
    assert [each.kind for each in store.due_messages(NOON + SECOND, 9)] == [MessageKind.CARD]


def test_an_approval_message_that_is_posted_while_its_request_moves_on_keeps_its_ts_and_is_due_at_once(
    store: Store,
) -> None:
    approving = approving_in(store)
    held = store.hold_message(approval_in(store), NOON + SECOND)
    assert held
    denied = approving.move(State.DENIED, ended_at=NOON)
    store.move(approving, denied, entry_of(denied, NOON), Show(at=NOON + SECOND))
    store.shown(replace(held, ts=("5.0",)))
    again = approval_in(store)
    assert (again.version, again.ts, again.hold) == (denied.version, ("5.0",), None)


def test_an_approval_message_is_held_once_and_apart_from_the_card(store: Store) -> None:
    approving_in(store)
    message = approval_in(store)
    (card,) = (each for each in store.due_messages(NOON, 9) if each.kind is MessageKind.CARD)
    held = store.hold_message(message, NOON + SECOND)
    assert held
    assert held.kind is MessageKind.APPROVAL
    assert store.hold_message(message, NOON + SECOND) is None
    assert store.due_messages(NOON, 9) == [card]
    store.not_shown(held, NOON + timedelta(minutes=1))
    assert [each.kind for each in store.due_messages(NOON + SECOND, 9)] == [MessageKind.CARD]
    again = approval_in(store, NOON + timedelta(minutes=1))
    assert (again.failures, again.ts) == (1, ())
    store.shown(card)
    assert store.hold_message(again, NOON + timedelta(hours=1))


def test_an_approval_message_is_forgotten_with_its_request_and_no_sooner(store: Store) -> None:
    approving, waiting = approving_in(store), approving_in(store)
    denied = approving.move(State.DENIED, ended_at=NOON)
    store.move(approving, denied, entry_of(denied, NOON), Show(at=NOON))
    delivered_all(store, NOON)
    store.record(newest())
    forget(store, NOON + SECOND)
    assert store.get(denied.id) is None
    assert {(each.request_id, each.kind) for each in store.due_messages(NOON, 9)} == {
        (waiting.id, kind) for kind in (MessageKind.CARD, MessageKind.APPROVAL)
    }


def test_a_message_that_is_pressed_is_one_more_approval_message_if_it_was_not_noted(store: Store) -> None:
    request = approving_in(store)
    held = store.hold_message(approval_in(store), NOON + timedelta(minutes=1))
    store.keep_up_to_date(request.id, "5.0")
    found = approval_in(store)
    assert (found.ts, found.version, found.hold) == (("5.0",), request.version, held and held.hold)
    store.keep_up_to_date(carded(store).id, "5.0")  # no one was asked to approve that
    for _ in range(2):
        store.keep_up_to_date(request.id, "6.0")
    assert approval_in(store).ts == ("5.0", "6.0")


def test_a_message_that_is_pressed_before_another_is_noted_is_not_forgotten_for_it(store: Store) -> None:
    request = approving_in(store)
    held = store.hold_message(approval_in(store), NOON + timedelta(minutes=1))
    assert held
    store.keep_up_to_date(request.id, "5.0")
    store.shown(replace(held, ts=("6.0",)))
    again = approval_in(store)
    assert again.ts == ("5.0", "6.0")
    held = store.hold_message(again, NOON + timedelta(minutes=1))
    assert held
    store.shown(held)
    store.keep_up_to_date(request.id, "6.0")
    assert [each.kind for each in store.due_messages(NOON, 9)] == [MessageKind.CARD], "both were noted"


@pytest.mark.parametrize("is_pressed", [True, False])
def test_a_message_that_was_posted_late_is_not_forgotten_though_another_instance_shows_it_by_then(
    store: Store, *, is_pressed: bool
) -> None:
    request = approving_in(store)
    late = store.hold_message(approval_in(store), NOON + SECOND)
    if is_pressed:
        store.keep_up_to_date(request.id, "5.0")
    taken_over = store.hold_message(approval_in(store, NOON + SECOND), NOON + timedelta(minutes=1))
    assert late
    assert taken_over
    store.shown(replace(late, ts=("6.0",)))
    store.shown(replace(taken_over, ts=taken_over.ts or ("5.0",)))
    store.keep_up_to_date(request.id, "7.0")
    assert set(approval_in(store).ts) == {"5.0", "6.0", "7.0"}


def test_what_awaits_an_approval_is_counted(store: Store) -> None:
    assert store.awaiting_approval() == 0
    carded(store)
    approved_in(store)
    for _ in range(2):
        approving_in(store)
    assert store.awaiting_approval() == 2


def test_a_request_with_all_that_a_second_person_said_comes_back_as_it_was(store: Store) -> None:
    approval = Approval(
        asked_at=NOON, channel_id="C0", approver=SAM, rule="approve.users", at=NOON + MOMENT, reason="\u202e no"
    )
    request = added_to(store, approval=approval, needs=("a", "b"), chosen=replace(ADA, protected="protect.subs"))
    assert store.get(request.id) == request


# Lists: requests whose accounts are in portions. Each account becomes a request that only its list's runner looks for.

LONGEST_LEASE = timedelta(seconds=30)


def listed_in(store: Store, at: datetime = NOON, **changes: object) -> Request:
    """Return a list that was opened and confirmed then: it is READY."""
    request = listing(**{"id": new_id(at)} | changes)
    store.add(request, entry_of(request, at), Show(at=at))
    ready = request.move(State.READY, decided_at=at)
    store.move(request, ready, entry_of(ready, at), Show(at=at))
    return ready


def noted(store: Store, request: Request, state: State, at: datetime, **changes: Any) -> Request:
    """Return a list once it was noted how far it is. `changes` are of what it holds."""
    holds = replace(request.contents, worked_at=at, **changes)
    after = request.move(state, listed=holds, ended_at=at if state in ENDED else None)
    store.move(request, after, None, None)
    return after


def account_of(request: Request, index: int = 0) -> Request:
    return child_of(request, index, replace(ADA, username=f"p{index}"), NOON)


def account_in(store: Store, request: Request, index: int = 0, at: datetime = NOON) -> Request:
    """Return the request of an account of a list that was signed out then."""
    child = account_of(request, index)
    store.add(child, None, None)
    running = child.move(State.RUNNING, claim=Claim(id="x", at=at, until=at + LEASE))
    store.move(child, running, None, None)
    done = running.move(State.DONE, done=(str(Step.SIGN_OUT),), ended_at=at)
    store.move(running, done, entry_of(done, at), None)
    return done


@pytest.mark.parametrize("old", State)
def test_the_store_refuses_every_move_of_a_list_that_the_table_does_not_have(store: Store, old: State) -> None:
    request = listing(state=old)
    store.add(request, entry_of(request, NOON), None)
    for new in set(State) - LIST_MOVES[old]:
        with pytest.raises(IllegalMoveError):
            store.move(request, replace(request, state=new, version=2), None, None)
    assert store.get(request.id) == request


def test_a_request_is_added_without_entry_and_card_and_only_once(store: Store) -> None:
    child = account_of(listed_in(store))
    before = list(store.entries(None, None)), store.due_messages(NOON, 9)
    store.add(child, None, None)
    with pytest.raises(SupersededError):
        store.add(replace(child, allowed_by="another"), None, None)
    assert store.get(child.id) == child
    assert (list(store.entries(None, None)), store.due_messages(NOON, 9)) == before


def test_only_who_runs_a_list_looks_for_its_accounts(store: Store) -> None:
    request = listed_in(store)
    children = [account_of(request, index) for index in range(2)]
    for child in children:
        store.add(child, None, None)
    running = children[1].move(State.RUNNING, claim=Claim(id="x", at=NOON, until=NOON))
    store.move(children[1], running, None, None)
    later = NOON + timedelta(days=1)
    assert [*store.ready(later, 9), *store.dead(later, 9), *store.expired(later, 9)] == []
    assert store.lists(later, 9) == [request]


def test_what_an_account_of_a_list_came_to_is_not_posted_and_counts_as_its_sign_out(store: Store) -> None:
    request = listed_in(store)
    assert store.signed_out_at(ADA) is None
    done = account_in(store, request, at=NOON + SECOND)
    assert store.signed_out_at(done.account) == NOON + SECOND
    assert store.last_signed_out(done.account) == done
    assert store.signed_out_at(ADA) is None
    assert store.backlog() == Backlog(0, None)
    later = done_in(store, NOON + timedelta(minutes=1), chosen=done.account)
    assert store.signed_out_at(done.account) == later.ended_at


def test_a_portion_comes_back_as_it_was_and_may_be_written_again(store: Store) -> None:
    odd = Account(pool="p", pool_id="x_1", region="x", username="\u00e4\u202e'\x00", email="\U0001f600@x.org")
    store.put_portion("a", 0, [ADA, odd])
    store.put_portion("a", 11, [odd])
    store.put_portion("b", 0, [ADA] * 100)
    assert [list(portion(store, *each)) for each in (("a", 0), ("a", 11))] == [[ADA, odd], [odd]]
    assert [list(portion(store, *each)) for each in (("a", 1), ("c", 0))] == [[], []]
    assert [list(store.portions("a", numbers)) for numbers in (range(1), range(1, 2), range(2, 12))] == [
        [[ADA, odd]],
        [],
        [[odd]],
    ]
    store.put_portion("a", 0, [odd])
    assert (list(portion(store, "a", 0)), len(portion(store, "b", 0))) == ([odd], 100)


def leased(store: Store, holder: str, now: datetime, key: str = "own/eu-central-1") -> bool:
    return store.lease(key, holder, now, now + LEASE, LONGEST_LEASE)


def test_a_lease_is_of_one_holder_who_can_prolong_it_until_its_end(store: Store) -> None:
    assert leased(store, "a", NOON)
    assert not leased(store, "b", NOON + LEASE)
    assert leased(store, "a", NOON + LEASE)
    assert not leased(store, "b", NOON + 2 * LEASE), "it was prolonged"
    assert leased(store, "b", NOON + 2 * LEASE + MOMENT)
    assert not leased(store, "a", NOON + 2 * LEASE + MOMENT)
    assert leased(store, "a", NOON, key="own/us-west-2")


def test_a_lease_that_a_wrong_clock_took_for_long_is_taken_over(store: Store) -> None:
    assert store.lease("k", "ahead", NOON, NOON + LONGEST_LEASE + MOMENT, LONGEST_LEASE)
    assert leased(store, "b", NOON, key="k")
    assert store.lease("other", "ahead", NOON, NOON + LONGEST_LEASE, LONGEST_LEASE)
    assert not leased(store, "b", NOON, key="other")


def test_a_lease_is_given_back_by_its_holder_only(store: Store) -> None:
    store.give_back("own/eu-central-1", "a")
    assert leased(store, "a", NOON)
    store.give_back("own/eu-central-1", "b")
    assert not leased(store, "b", NOON)
    store.give_back("own/eu-central-1", "a")
    assert leased(store, "b", NOON)


def test_of_many_that_want_a_lease_at_once_one_gets_it(store: Store) -> None:
    start, got = threading.Barrier(6), list[str]()

    def take(holder: str) -> None:
        start.wait()
        if leased(store, holder, NOON):
            got.append(holder)

    threads = [threading.Thread(target=take, args=(f"holder-{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1
    assert leased(store, got[0], NOON + LEASE)


def test_lists_are_found_while_something_is_to_be_done_and_as_nothing_else(store: Store) -> None:
    states = (State.READY, State.RUNNING, State.PAUSED, State.STOPPING, State.DONE, State.FAILED)
    lists = {state: listing(state=state, id=new_id(NOON), decided_at=NOON) for state in states}
    under_way = replace(listing().contents, at_rest=False)
    pausing = listing(state=State.PAUSED, id=new_id(NOON), decided_at=NOON, listed=under_way)
    awaits = [listing(state=state, id=new_id(NOON)) for state in (State.PREVIEWING, State.CONFIRMING, State.APPROVING)]
    for request in (*lists.values(), pausing, *awaits):
        store.add(request, entry_of(request, NOON), None)
    wanted = [lists[state] for state in (State.READY, State.RUNNING, State.STOPPING)]
    assert by_id(store.lists(NOON, 9)) == by_id([*wanted, pausing])
    later = NOON + timedelta(days=1)
    assert [*store.ready(later, 9), *store.dead(later, 9)] == []
    assert by_id(store.expired(later, 9)) == by_id(awaits)


def test_the_list_on_which_no_one_worked_for_longest_comes_first(store: Store) -> None:
    first, second, third = (listed_in(store, NOON + number * SECOND) for number in range(3))
    first = noted(store, first, State.RUNNING, NOON + timedelta(seconds=9))
    far, now = NOON + timedelta(days=30), NOON + timedelta(seconds=9)
    assert store.lists(NOON, 9) == []
    assert store.lists(now, 9) == [second, third, first]
    assert store.lists(now, 2) == [second, third]
    third = noted(store, third, State.RUNNING, far)
    assert store.lists(now, 9) == [second, first]
    assert store.lists(now, 9, NOON + timedelta(hours=1)) == [second, first, third], "a wrong clock noted that"


def test_a_paused_list_is_found_until_none_of_its_accounts_is_under_way_and_again_once_it_goes_on(
    store: Store,
) -> None:
    running = noted(store, listed_in(store), State.RUNNING, NOON, at_rest=False)
    pausing = noted(store, running, State.PAUSED, NOON)
    assert store.lists(NOON, 9) == [pausing]
    paused = noted(store, pausing, State.PAUSED, NOON, at_rest=True)
    assert store.lists(NOON + timedelta(days=1), 9) == []
    ready = noted(store, paused, State.READY, NOON)
    assert store.lists(NOON, 9) == [ready]


# Progress messages: beside a list's card.


def progress_in(store: Store, now: datetime = NOON) -> LiveMessage | None:
    found = [each for each in store.due_messages(now, 9) if each.kind is MessageKind.PROGRESS]
    assert len(found) <= 1
    return found[0] if found else None


def shown_progress(store: Store, ts: str | None) -> None:
    message = progress_in(store)
    held = message and store.hold_message(message, NOON + SECOND)
    assert held
    store.shown(replace(held, ts=(ts,) if ts else ()))


def test_the_progress_of_a_list_is_due_at_once_with_each_move_since_its_decision(store: Store) -> None:
    request = listing()
    store.add(request, entry_of(request, NOON), Show(at=NOON))
    chosen = request.move(State.CONFIRMING)
    store.move(request, chosen, entry_of(chosen, NOON), Show(at=NOON))
    assert progress_in(store) is None
    ready = chosen.move(State.READY, decided_at=NOON)
    store.move(chosen, ready, entry_of(ready, NOON), Show(at=NOON))
    message = progress_in(store, NOON - timedelta(days=9))
    assert message
    assert (message.request_id, message.version, message.ts, message.place) == (request.id, ready.version, (), None)
    shown_progress(store, "7.0")
    assert progress_in(store, NOON + timedelta(days=9)) is None
    running = noted(store, ready, State.RUNNING, NOON)
    again = progress_in(store)
    assert again
    assert (again.version, again.ts, again.hold) == (running.version, ("7.0",), None)


def test_where_the_progress_of_a_list_is_posted_is_known_once_it_was(store: Store) -> None:
    request = listed_in(store)
    assert store.progress_ts(request.id) is None
    shown_progress(store, "7.0")
    assert store.progress_ts(request.id) == "7.0"
    noted(store, request, State.RUNNING, NOON)
    assert store.progress_ts(request.id) == "7.0"
    assert store.progress_ts(new_id(NOON)) is None


def test_progress_that_is_posted_while_its_list_goes_on_keeps_its_ts_and_is_due_at_once(store: Store) -> None:
    request = listed_in(store)
    message = progress_in(store)
    held = message and store.hold_message(message, NOON + SECOND)
    assert held
    running = noted(store, request, State.RUNNING, NOON)
    store.shown(replace(held, ts=("7.0",)))
    again = progress_in(store)
    assert again
    assert (again.version, again.ts) == (running.version, ("7.0",))


def test_a_list_that_was_asked_for_in_a_terminal_has_progress_and_no_card(store: Store) -> None:
    request = listing(source=TERMINAL)
    store.add(request, entry_of(request, NOON), None)
    ready = request.move(State.READY, decided_at=NOON)
    store.move(request, ready, entry_of(ready, NOON), None)
    assert [each.kind for each in store.due_messages(NOON, 9)] == [MessageKind.PROGRESS]


def test_an_account_of_a_list_has_no_messages(store: Store) -> None:
    request = listed_in(store)
    before = store.due_messages(NOON, 9)
    account_in(store, request)
    assert store.due_messages(NOON, 9) == before


# What is logged of a list, and what is forgotten with it.


def test_the_entries_of_a_list_are_its_own_and_those_of_its_accounts(store: Store) -> None:
    request, other = listed_in(store), listed_in(store)
    done_in(store)
    refused(store)
    children = [account_in(store, request, index, NOON + SECOND) for index in range(3)]
    account_in(store, other)
    found = list(store.entries(None, None, request.id))
    assert [entry.kind for entry in found] == [Kind.OPENED, Kind.CONFIRMED, *[Kind.SIGNED_OUT] * 3]
    assert {entry.ask.id for entry in found} == {request.id, *(each.id for each in children)}
    assert list(store.entries(NOON + SECOND, None, request.id)) == found[2:]
    assert len(list(store.entries(None, request.id))) == 2
    assert list(store.entries(None, None, "no such list")) == []


def test_all_entries_can_be_given_without_those_of_the_accounts_of_lists(store: Store) -> None:
    request, single = listed_in(store), done_in(store)
    account_in(store, request)
    assert len(list(store.entries(None, None))) == 6
    found = list(store.entries(None, None, each_account=False))
    assert sorted(entry.ask.id for entry in found) == sorted([request.id] * 2 + [single.id] * 3)


def test_all_entries_of_a_list_that_has_ended_are_found_though_a_clock_was_behind_at_its_end(store: Store) -> None:
    request = listed_in(store)
    running = noted(store, request, State.RUNNING, NOON)
    account_in(store, request, at=NOON + 9 * SECOND)
    noted(store, running, State.DONE, NOON)
    done_in(store, NOON + timedelta(days=99))
    assert len(list(store.entries(None, None, request.id))) == 3
    assert list(store.entries(NOON + timedelta(days=99), None, request.id)) == []


@pytest.mark.parametrize("counted", [2, 0], ids=["all portions", "one that it does not count"])
def test_a_list_is_forgotten_with_its_accounts_its_messages_and_its_portions(store: Store, counted: int) -> None:
    """A look-up that was broken off, or a choice that came too late, stored portions that the list does not count."""
    request, other = listed_in(store), listed_in(store)
    for each in (request, other):
        for number in range(2):
            store.put_portion(each.id, number, [ADA])
    children = [account_in(store, each) for each in (request, other)]
    shown_all(store)
    running = noted(store, request, State.RUNNING, NOON, portions=counted)
    done = running.move(State.DONE, ended_at=NOON)
    store.move(running, done, entry_of(done, NOON), Show(at=NOON))
    delivered_all(store, NOON)
    store.record(newest())
    forget(store, NOON + timedelta(days=1))
    assert [store.get(each.id) for each in (request, *children)] == [None, None, None]
    assert [list(portion(store, request.id, number)) for number in range(2)] == [[], []]
    assert [list(portion(store, other.id, number)) for number in range(2)] == [[ADA], [ADA]]
    assert (store.progress_ts(request.id), store.progress_ts(other.id)) == (None, "7.0")
    assert store.due_messages(NOON + SECOND, 9) == []
    assert store.get(other.id) == other
    assert store.signed_out_at(children[0].account) is None


def shown_all(store: Store) -> None:
    for message in store.due_messages(NOON, 9):
        held = store.hold_message(message, NOON + SECOND)
        assert held
        store.shown(replace(held, ts=() if message.kind is MessageKind.CARD else ("7.0",)))
