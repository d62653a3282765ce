"""DynamoDB's own: its limits, items that cannot be read, an index that lags, and what is never sent."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from dynamodb import DynamoDB, interrupt
from examples import (
    ADA,
    NOON,
    StoppedClock,
    added_to,
    all_due,
    asked,
    awaiting,
    claimed_in,
    decided_in,
    delivered_all,
    done_in,
)
from lists import Setting

from bot.account import Proof, Session
from bot.audit import Delivery, Entry, Kind, entry_of, entry_of_ask
from bot.errors import StoreUnavailableError
from bot.find import MAX_CANDIDATES
from bot.listed import MOST_NAMED
from bot.options import MAX_REASON, MAX_TARGET
from bot.ports import LiveMessage, Place, Show
from bot.request import Request, State, new_id
from bot.sessions import MAX_SESSIONS
from bot.stores.documents import CARD, TALLY
from bot.stores.dynamodb import items
from bot.stores.dynamodb.items import Item, put
from bot.stores.dynamodb.reader import DynamoDBReader
from bot.stores.dynamodb.store import DynamoDBStore
from bot.stores.dynamodb.table import ACTIONS, INDEX
from bot.stores.waiting import ALWAYS, EVER

URL = "https://hooks.slack.com/commands/T/1/secret"
PLACE = Place(response_url=URL, until=NOON + timedelta(minutes=30), replaces=False)
SHOW = Show(at=NOON, place=PLACE)
LATER = NOON + timedelta(days=1)


def refused(store: DynamoDBStore, second: int = 0, **changes: Any) -> Entry:
    entry = entry_of_ask(Kind.REFUSED, asked(**changes), "not allowed", NOON + timedelta(seconds=second))
    store.record(entry)
    return entry


def test_the_longest_texts_that_cognito_and_the_command_take_fit_into_an_item(dynamodb_store: DynamoDBStore) -> None:
    wide = "\U0001f600"
    account = replace(ADA, username=wide * 128, email=wide * 2048, phone=wide * 2048, sub=wide * 2048)
    ask = asked(wide * MAX_TARGET, reason=wide * MAX_REASON)
    device, place = wide * 1024, wide * 256
    session = Session(id="s" * 28, kind="TOKEN", device=device, city=place, country=place, address=wide * 128)
    proof = Proof(at=NOON, left=0, newer=(session,) * MAX_SESSIONS)
    request = awaiting(ask=ask, candidates=(account,) * MAX_CANDIDATES, chosen=account, session=session, proof=proof)
    dynamodb_store.add(request, entry_of(request, NOON), SHOW)
    assert dynamodb_store.get(request.id) == request
    assert len(json.dumps(items.item_of_request(request), ensure_ascii=False).encode()) < 400 * 1024


def test_the_longest_texts_of_a_list_fit_into_its_items(dynamodb_store: DynamoDBStore) -> None:
    wide, names = "\U0001f600", ["a", "b", "c"]
    alike = [
        replace(ADA, username=f"{wide * 120}{each}", sub=each, email=wide * 2048, preferred_username=each[0])
        for each in [f"{name}{number}" for name in names for number in range(MAX_CANDIDATES)]
    ]
    lines = [f"{wide * (MAX_TARGET - 3)}{number:03}" for number in range(2 * MOST_NAMED)]
    others = [replace(ADA, username=f"{wide * 120}{number}", sub=str(number)) for number in range(150)]
    setting = Setting(dynamodb_store, [*alike, *others], StoppedClock())
    unreadable = [f"a b {wide * 9_999}", "\ud83d"] * MOST_NAMED
    request = setting.preview(*lines, *unreadable, *names, *(each.username for each in others))
    contents = request.contents
    counted = contents.size, contents.not_found.count, contents.unreadable.count, contents.several.count
    assert counted == (150, 2 * MOST_NAMED, 2 * MOST_NAMED, 3)
    assert [each.line for each in contents.choices] == ["a", "b"], "there is no room for more"
    assert dynamodb_store.get(request.id) == request
    full = request.move(State.CONFIRMING, listed=replace(contents, protected=contents.not_found))
    assert len(json.dumps(items.item_of_request(full), ensure_ascii=False).encode()) < 400 * 1024


def test_an_item_that_is_too_large_is_refused_whole(dynamodb_store: DynamoDBStore) -> None:
    request = awaiting(ask=asked("x" * 400 * 1024))
    with pytest.raises(StoreUnavailableError) as caught:
        dynamodb_store.add(request, entry_of(request, NOON), SHOW)
    assert not caught.value.in_doubt
    assert list(dynamodb_store.entries(None, None)) == []
    assert dynamodb_store.due_messages(LATER, 9) == []


# Items that cannot be read: broken ones, and those of a newer bot.

BROKEN = '{"shape": 1, "of": "this item"}'
NEWER = '{"shape": 99}'


def spoil(store: DynamoDBStore, key: items.Key, **attributes: Any) -> Item:
    """Change attributes of an item behind the store's back; return the item."""
    item = store._calls.get(key)
    assert item
    store._calls.write([put(item | attributes)])
    return item | attributes


@pytest.mark.parametrize("document", [BROKEN, NEWER])
def test_entries_that_cannot_be_read_do_not_hold_up_the_others_and_are_left_as_they_are(
    dynamodb_store: DynamoDBStore, caplog: pytest.LogCaptureFixture, document: str
) -> None:
    unreadable = [refused(dynamodb_store, second) for second in range(12)]
    spoilt = [spoil(dynamodb_store, items.entry_key(entry.id), document=document) for entry in unreadable]
    sound = [refused(dynamodb_store, 60 + second) for second in range(2)]
    for _ in range(2):
        assert dynamodb_store.due_entries(LATER, 1, refused=True) == sound[:1]
        assert dynamodb_store.next_entry_at(refused=True) == sound[0].at
    delivered_all(dynamodb_store, LATER)
    assert dynamodb_store.due_entries(LATER, 9, refused=True) == []
    assert dynamodb_store.next_entry_at(refused=True) is None, "nothing is due that could be posted here"
    assert dynamodb_store.backlog().entries == 12, "they wait all the same"
    dynamodb_store.forget(LATER)
    assert [dynamodb_store._calls.get(items.key_of(item)) for item in spoilt] == spoilt
    assert caplog.text.count("cannot be read") == 12, "each is told once"
    assert "this item" not in caplog.text


@pytest.mark.parametrize("document", [BROKEN, NEWER])
def test_requests_that_cannot_be_read_do_not_hold_up_the_others_and_are_left_as_they_are(
    dynamodb_store: DynamoDBStore, document: str
) -> None:
    made: list[tuple[Callable[[DynamoDBStore], Request], Callable[[int], Any]]] = [
        (added_to, lambda limit: dynamodb_store.expired(LATER, limit)),
        (decided_in, lambda limit: dynamodb_store.ready(LATER, limit)),
        (claimed_in, lambda limit: dynamodb_store.dead(LATER, limit)),
    ]
    for make, due in made:
        unreadable = [make(dynamodb_store) for _ in range(3)]
        spoilt = [spoil(dynamodb_store, items.make_key("request", each.id), document=document) for each in unreadable]
        sound = make(dynamodb_store)
        assert due(1) == [sound]
        assert dynamodb_store.get(unreadable[0].id) is None
        dynamodb_store.forget(LATER + timedelta(days=999))
        assert [dynamodb_store._calls.get(items.key_of(item)) for item in spoilt] == spoilt


def test_cards_that_cannot_be_read_do_not_hold_up_the_others_and_are_left_as_they_are(
    dynamodb_store: DynamoDBStore,
) -> None:
    unreadable, sound = [added_to(dynamodb_store, show=SHOW) for _ in range(3)], added_to(dynamodb_store, show=SHOW)
    (card,) = [each for each in dynamodb_store.due_messages(NOON, 9) if each.request_id == unreadable[0].id]
    spoilt = [
        spoil(dynamodb_store, items.make_key("request", each.id, "card"), version="a newer bot's")
        for each in unreadable
    ]
    (shown,) = dynamodb_store.due_messages(NOON, 1)
    assert shown.request_id == sound.id
    assert dynamodb_store.hold_message(card, LATER) is None
    dynamodb_store.shown(card)
    dynamodb_store.not_shown(card, LATER)
    dynamodb_store.show_again(card.request_id)
    dynamodb_store.forget_places(LATER)
    assert [dynamodb_store._calls.get(items.key_of(item)) for item in spoilt] == spoilt


def test_what_a_newer_bot_added_to_a_card_stays(dynamodb_store: DynamoDBStore) -> None:
    request = added_to(dynamodb_store, show=SHOW)
    spoil(dynamodb_store, items.make_key("request", request.id, "card"), ts="1.0")
    ready = request.move(State.READY, decided_at=NOON)
    dynamodb_store.move(request, ready, entry_of(ready, NOON), SHOW)
    (card,) = dynamodb_store.due_messages(NOON, 9)
    held = dynamodb_store.hold_message(card, LATER)
    assert held
    dynamodb_store.shown(held)
    dynamodb_store.forget_places(LATER)
    item = dynamodb_store._calls.get(items.make_key("request", request.id, "card"))
    assert item
    assert item["ts"] == "1.0"
    assert "due" not in item
    assert URL not in str(item)


# The index may be seconds behind. Each write depends on the item itself.


def test_an_index_that_lags_forgets_no_place_that_came_since(
    dynamodb_store: DynamoDBStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = added_to(dynamodb_store, show=SHOW)
    lagging = {what: list(dynamodb_store._waiting(what, EVER, ALWAYS, 9)) for what in (CARD, items.PLACE)}
    clicked = replace(PLACE, response_url="https://hooks.slack.com/actions/1", until=PLACE.until + timedelta(minutes=5))
    ready = request.move(State.READY, decided_at=NOON)
    dynamodb_store.move(request, ready, entry_of(ready, NOON), Show(at=NOON, place=clicked))
    with monkeypatch.context() as patched:
        patched.setattr(dynamodb_store, "_waiting", lambda what, *_: (each for each in lagging[what]))
        dynamodb_store.forget_places(PLACE.until)
    (card,) = dynamodb_store.due_messages(NOON, 9)
    assert card.place == clicked


def test_a_card_that_an_index_which_lags_still_tells_of_is_not_held_twice(
    dynamodb_store: DynamoDBStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    added_to(dynamodb_store, show=SHOW)
    lagging = list(dynamodb_store._waiting(CARD, EVER, ALWAYS, 9))
    (card,) = dynamodb_store.due_messages(NOON, 9)
    assert dynamodb_store.hold_message(card, NOON + timedelta(minutes=1))
    monkeypatch.setattr(dynamodb_store, "_waiting", lambda *_: (each for each in lagging))
    assert dynamodb_store.due_messages(NOON, 9) == [card]
    assert dynamodb_store.hold_message(card, NOON + timedelta(minutes=2)) is None


def test_what_is_due_again_is_not_forgotten_by_one_who_read_it_before(
    dynamodb_store: DynamoDBStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = refused(dynamodb_store)
    read_before = [
        {name: value for name, value in item.items() if name != "due"}
        for item in dynamodb_store._in_month(items.month_at(entry.at))
    ]
    with monkeypatch.context() as patched:
        patched.setattr(dynamodb_store, "_in_month", lambda *_, **__: iter(read_before))
        assert dynamodb_store.forget(LATER) == 0
    assert [each.id for each in dynamodb_store.due_entries(LATER, 9, refused=True)] == [entry.id]


def test_an_index_that_lags_makes_no_entry_of_what_a_tally_was(
    dynamodb_store: DynamoDBStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    tally = replace(refused(dynamodb_store), id=new_id(NOON), delivery=Delivery())
    dynamodb_store.tally([tally])
    lagging = list(dynamodb_store._waiting(TALLY, EVER, ALWAYS, 9))
    dynamodb_store.tally([replace(tally, count=9)])
    with monkeypatch.context() as patched:
        patched.setattr(dynamodb_store, "_waiting", lambda *_: (each for each in lagging))
        (old,) = dynamodb_store.tallies(LATER, 9)
        assert old.count == 1
        dynamodb_store.settle(old.id, NOON)
    assert [entry.count for entry in dynamodb_store.entries(None, None)] == [1, 9]


# What happens between a read and the write that depends on it.


def test_of_two_that_hold_a_card_at_once_one_gets_it(dynamodb_store: DynamoDBStore) -> None:
    added_to(dynamodb_store, show=SHOW)
    (card,) = dynamodb_store.due_messages(NOON, 9)
    got: list[LiveMessage | None] = []
    interrupt(dynamodb_store._calls, after="get", happens=lambda: got.append(dynamodb_store.hold_message(card, LATER)))
    assert dynamodb_store.hold_message(card, LATER) is None
    assert [each and each.request_id for each in got] == [card.request_id]


def test_a_tally_that_grows_while_it_is_made_an_entry_is_left_until_the_next_round(
    dynamodb_store: DynamoDBStore,
) -> None:
    tally = replace(refused(dynamodb_store), id=new_id(NOON), delivery=Delivery())
    dynamodb_store.tally([tally])
    grown = replace(tally, count=9)
    interrupt(dynamodb_store._calls, after="get", happens=lambda: dynamodb_store.tally([grown]))
    dynamodb_store.settle(tally.id, NOON)
    assert dynamodb_store.tallies(LATER, 9) == [grown]
    dynamodb_store.settle(tally.id, NOON)
    assert [entry.count for entry in dynamodb_store.entries(None, None)] == [1, 9]


# What is sent.


def test_many_entries_are_read_page_by_page(dynamodb: DynamoDB, dynamodb_store: DynamoDBStore) -> None:
    entries = [refused(dynamodb_store, second, target="x" * 40_000) for second in range(60)]
    dynamodb.calls.clear()
    given = dynamodb_store.entries(None, None)
    assert next(given) == entries[0]
    assert [action for action, _ in dynamodb.calls] == ["GetItem", "Query"], "the next page is asked for when needed"
    assert list(given) == entries[1:]
    assert [action for action, _ in dynamodb.calls] == ["GetItem", *["Query"] * 3]
    assert dynamodb_store.backlog().entries == 60
    assert len(dynamodb_store.due_entries(LATER, 50, refused=True)) == 50


def test_a_reader_writes_nothing(dynamodb: DynamoDB, dynamodb_store: DynamoDBStore) -> None:
    entry = refused(dynamodb_store)
    dynamodb.calls.clear()
    reader = DynamoDBReader(dynamodb_store._calls.table)
    reader.open()
    assert list(reader.entries(None, None)) == [entry]
    reader.close()
    assert {action for action, _ in dynamodb.calls} == {"DescribeTable", "GetItem", "Query"}


def test_the_work_of_a_whole_day_sends_no_scan_and_nothing_that_is_not_listed(dynamodb: DynamoDB, table: str) -> None:
    store = DynamoDBStore(table)
    store.open()
    ended, refusal = done_in(store, show=SHOW), refused(store)
    assert store.last_signed_out(ADA) == ended
    assert [*store.dead(NOON, 9), *store.ready(NOON, 9), *store.expired(NOON, 9)] == []
    for entry in all_due(store, NOON):
        held = store.hold(entry, NOON + timedelta(seconds=20))
        assert held
        store.postponed(held, NOON)
    delivered_all(store, NOON)
    tally = replace(refusal, id=new_id(NOON), count=7, delivery=Delivery())
    store.tally([tally])
    assert store.tallies(LATER, 9) == [tally]
    store.settle(tally.id, NOON)
    delivered_all(store, NOON)
    (card,) = store.due_messages(NOON, 9)
    held_card = store.hold_message(card, NOON)
    assert held_card
    store.not_shown(held_card, NOON)
    store.shown(held_card)
    store.show_again(ended.id)
    store.forget_places(LATER)
    assert (store.backlog().entries, store.next_entry_at()) == (0, None)
    assert len(list(store.entries(None, ended.id))) == 3
    store.check_writable()
    store.record(entry_of_ask(Kind.NOT_FOUND, asked(), "allow.users", LATER))
    assert store.forget(LATER) == 5
    assert store.get(refusal.ask.id) is None
    store.close()
    needed = {each for action, sent in dynamodb.calls for each in permissions(action, sent)}
    assert needed == set(ACTIONS), "each is used, and no other"
    assert {sent["IndexName"] for _, sent in dynamodb.calls if "IndexName" in sent} == {INDEX}


def permissions(action: str, sent: dict[str, Any]) -> list[str]:
    """What IAM asks for: a transaction needs what is in it."""
    if action == "CreateTable":
        return []
    if "TransactItems" not in sent:
        return [f"dynamodb:{action}"]
    return [f"dynamodb:{kind}Item" for item in sent["TransactItems"] for kind in item]
