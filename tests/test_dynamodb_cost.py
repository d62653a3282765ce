"""What each call reads of the table: the same after much history as after little. And what a sign-out writes."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

from dynamodb import DynamoDB
from examples import (
    ADA,
    NOON,
    SAM,
    StoppedClock,
    added_to,
    all_due,
    approved_in,
    approving_in,
    asked,
    awaiting,
    claimed_in,
    decided_in,
    done_in,
    listing,
)
from stand_ins import Channel, delivery

from bot.audit import Delivery, Entry, Kind, by_account, by_operator, entry_of, entry_of_ask
from bot.limits import EVERYONE, HOUR, Window
from bot.list_accounts import child_of
from bot.ports import LiveMessage, MessageKind, Place, Show
from bot.request import Approval, Claim, Request, State, new_id
from bot.store_ports import Lists, Outbox, Requests, Tallies, Trail
from bot.stores.documents import text, text_of_portion
from bot.stores.dynamodb import items
from bot.stores.dynamodb.items import Item
from bot.stores.dynamodb.store import FORGOTTEN_AT_ONCE, DynamoDBStore
from bot.work import LEASE

OLD = NOON - timedelta(days=20)
LATER = NOON + timedelta(hours=1)
PLACE = Place(response_url="https://hooks.slack.com/commands/T/1/x", until=NOON + timedelta(minutes=30), replaces=True)
SHOW = Show(at=NOON, place=PLACE)
REFUSED = entry_of_ask(Kind.REFUSED, asked(), "not allowed", NOON)


def history(number: int) -> Iterator[Item]:
    """All that is left of so many sign-outs, and of as many refusals: ended, shown, delivered."""
    delivered = Delivery(attempts=1, delivered_at=OLD, ts="1.0")
    for second in range(number):
        at = OLD + timedelta(seconds=second)
        account = replace(ADA, username=f"ada-{second}")
        request = awaiting(ask=asked(id=new_id(at)), state=State.DONE, chosen=account, ended_at=at)
        yield items.item_of_request(request)
        yield {**items.item_of_card(LiveMessage(request_id=request.id, version=4)), "write_id": "x"}
        yield {**items.make_key("account", account.key), "request_id": request.id, "ended_at": text(at)}
        yield items.window_counted(Window(key=f"T0SIGNOUT1/U{second}", accounts={account.key: at}))["Put"]["Item"]
        steps = [entry_of(replace(request, state=state), at) for state in (State.CONFIRMING, State.READY)]
        ends = [entry_of(request, at), entry_of_ask(Kind.REFUSED, request.ask, "no", at)]
        if second % 10 == 0:
            yield from history_of_a_list(request)
        for entry in (*steps, *(replace(end, delivery=delivered) for end in ends)):
            yield items.item_of_entry(entry)
            yield from map(dict, items.history_keys(replace(entry, account=ADA) if entry.asked else entry))


def history_of_a_list(request: Request) -> Iterator[Item]:
    """What is left of a list, beside a request of the same time."""
    listed = listing(ask=asked(id=new_id(OLD)), state=State.DONE, decided_at=OLD, ended_at=OLD)
    yield items.item_of_request(listed)
    yield {**items.portion_key(listed.id, 0), "document": text_of_portion([ADA])}
    yield {**items.make_key("lease", request.id), "holder": "x", "ends_at": text(OLD)}
    message = LiveMessage(request_id=listed.id, kind=MessageKind.PROGRESS, version=4, ts=("1.0",))
    yield {**items.item_of_card(message), "write_id": "x"}
    for entry in (entry_of(listed, OLD), entry_of(replace(request, list_id=listed.id), OLD)):
        yield items.item_of_entry(replace(entry, delivery=Delivery()))


def a_list(store: DynamoDBStore, *, ends: bool = False) -> Request:
    """Return a list that was confirmed, with an account that was signed out."""
    request = listing(ask=asked(id=new_id(NOON)))
    store.add(request, entry_of(request, NOON), SHOW)
    ready = request.move(State.READY, decided_at=NOON)
    store.move(request, ready, entry_of(ready, NOON), SHOW)
    child = child_of(ready, 0, ADA, NOON)
    store.add(child, None, None)
    running = child.move(State.RUNNING, claim=Claim(id="x", at=NOON, until=NOON))
    store.move(child, running, None, None)
    done = running.move(State.DONE, done=("AdminUserGlobalSignOut",), ended_at=NOON)
    store.move(running, done, entry_of(done, NOON), None)
    if ends:
        running = ready.move(State.RUNNING)
        store.move(ready, running, None, None)
        ready = running.move(State.DONE, ended_at=NOON)
        store.move(running, ready, entry_of(ready, NOON), SHOW)
    return ready


def present(store: DynamoDBStore) -> None:
    """Put something of every sort in the way of every call."""
    for number in range(3):
        added_to(store, show=SHOW)
        decided_in(store, show=SHOW)
        claimed_in(store, show=SHOW)
        store.shown(LiveMessage(request_id=added_to(store, show=SHOW).id, version=1))
        done_in(store, NOON + timedelta(seconds=number), show=SHOW)
        store.record(entry_of_ask(Kind.REFUSED, asked(), "not allowed", NOON))
        store.tally([replace(REFUSED, id=new_id(NOON))])
    a_list(store)
    approved_in(store)
    approving_in(store)
    store.delivered(told(store, Kind.REFUSED), "1.0", NOON)


def told(store: DynamoDBStore, kind: Kind) -> Entry:
    return next(entry for entry in all_due(store, LATER) if entry.kind is kind)


Call = Callable[[DynamoDBStore], object]


def a_move(store: DynamoDBStore) -> None:
    ready = decided_in(store, show=SHOW)
    store.move(ready, ready.move(State.RUNNING, claim=Claim(id="x", at=NOON, until=NOON + LEASE)), None, None)


def following(store: DynamoDBStore) -> list[Entry]:
    """Return what comes after the first entry of the present."""
    first = next(store.entries(NOON, None))
    return list(iter(store.follow(first.id, None).__next__, None))


# Each method of a store, in an order in which each has something to do.
CALLS: dict[str, Call] = {
    "get": lambda store: store.get(store.ready(LATER, 1)[0].id),
    "last_signed_out": lambda store: store.last_signed_out(ADA),
    "signed_out_at": lambda store: store.signed_out_at(ADA),
    "lists": lambda store: (store.lists(LATER, 2), store.lists(OLD, 2, NOON)),
    "put_portion": lambda store: store.put_portion(store.lists(LATER, 1)[0].id, 0, [ADA]),
    "portions": lambda store: list(store.portions(store.lists(LATER, 1)[0].id, range(2))),
    "lease": lambda store: store.lease("x", "a", NOON, LATER, HOUR),
    "give_back": lambda store: store.give_back("x", "a"),
    "progress_ts": lambda store: store.progress_ts(store.lists(LATER, 1)[0].id),
    "past": lambda store: store.past([by_account(ADA), by_operator("", SAM), "target##nobody"], 5),
    "expired": lambda store: (store.expired(LATER, 2), store.expired(OLD, 2, NOON)),
    "ready": lambda store: (store.ready(LATER, 2), store.ready(OLD, 2, NOON)),
    "dead": lambda store: (store.dead(LATER, 2), store.dead(OLD, 2, NOON)),
    "record": lambda store: store.record(replace(REFUSED, id=new_id(NOON))),
    "entries": lambda store: (
        list(store.entries(NOON, None, each_account=False)),
        list(store.entries(None, store.ready(LATER, 1)[0].id)),
        list(store.entries(None, None, store.lists(LATER, 1)[0].id)),
    ),
    "follow": following,
    "backlog": lambda store: store.backlog(),
    "awaiting_approval": lambda store: store.awaiting_approval(),
    "windows": lambda store: store.windows(["T0SIGNOUT1/U7", EVERYONE]),
    "tell": lambda store: store.tell(
        [replace(store.windows([EVERYONE])[0], told_at=NOON)], replace(REFUSED, id=new_id(NOON))
    ),
    "next_entry_at": lambda store: store.next_entry_at(),
    "due_entries": lambda store: (store.due_entries(LATER, 2), store.due_entries(OLD, 2, NOON)),
    "tally": lambda store: store.tally([replace(REFUSED, id=new_id(NOON))]),
    "tallies": lambda store: (store.tallies(LATER, 2), store.tallies(OLD, 2, NOON)),
    "settle": lambda store: store.settle(store.tallies(LATER, 1)[0].id, NOON),
    "hold": lambda store: store.hold(store.due_entries(LATER, 1)[0], NOON),
    "postponed": lambda store: store.postponed(store.due_entries(LATER, 1)[0], NOON),
    "delivered": lambda store: store.delivered(store.due_entries(LATER, 1)[0], "1.0", NOON),
    "due_messages": lambda store: (store.due_messages(LATER, 2), store.due_messages(OLD, 2, NOON)),
    "keep_up_to_date": lambda store: store.keep_up_to_date(store.expired(LATER, 9)[-1].id, "1.0"),
    "hold_message": lambda store: store.hold_message(store.due_messages(LATER, 1)[0], NOON),
    "not_shown": lambda store: store.not_shown(store.due_messages(LATER, 1)[0], NOON),
    "shown": lambda store: store.shown(store.due_messages(LATER, 1)[0]),
    "show_again": lambda store: store.show_again(store.ready(LATER, 1)[0].id),
    "forget_places": lambda store: store.forget_places(LATER),
    "forget": lambda store: store.forget(OLD - timedelta(days=1)),
    "add": lambda store: added_to(store, show=SHOW),
    "move": a_move,
}


def reads(dynamodb: DynamoDB, table: str, number: int) -> dict[str, int]:
    """How many items each call reads in a table with so much history."""
    dynamodb.put_many(table, history(number))
    store = DynamoDBStore(table)
    store.open()
    present(store)
    counts = {}
    for name, call in CALLS.items():
        before = dynamodb.items_read
        call(store)
        counts[name] = dynamodb.items_read - before
    store.close()
    return counts


def test_no_call_reads_more_after_much_history_than_after_little(dynamodb: DynamoDB) -> None:
    little, much = (reads(dynamodb, dynamodb.new_table(), number) for number in (10, 600))
    assert much == little
    assert max(little.values()) < 150


def test_each_method_of_a_store_is_counted() -> None:
    promised = {name for port in (Requests, Lists, Trail, Tallies, Outbox) for name in vars(port)} | set(
        dir(DynamoDBStore)
    )
    others = {"open", "close", "check_writable", "is_outdated", "table_schema"}
    assert CALLS.keys() == {name for name in promised if not name.startswith("_")} - others


def test_what_is_due_is_not_read_whole_where_a_part_is_asked_for(
    dynamodb: DynamoDB, dynamodb_store: DynamoDBStore
) -> None:
    ready = [awaiting(ask=asked(id=new_id(NOON)), state=State.READY, decided_at=NOON) for _ in range(300)]
    cards = [LiveMessage(request_id=each.id, version=1, due_at=NOON, place=PLACE) for each in ready]
    refusals = [replace(REFUSED, id=new_id(NOON)) for _ in range(1_200)]
    dynamodb.put_many(dynamodb_store._calls.table, map(items.item_of_request, ready))
    dynamodb.put_many(dynamodb_store._calls.table, map(items.item_of_card, cards))
    dynamodb.put_many(dynamodb_store._calls.table, map(items.item_of_entry, refusals))
    tallies = (replace(each, delivery=Delivery()) for each in refusals)
    dynamodb.put_many(dynamodb_store._calls.table, map(items.item_of_tally, tallies))
    done_in(dynamodb_store)
    most: dict[str, tuple[Call, int]] = {
        "ready": (lambda store: store.ready(LATER, 5), 5),
        "ready, beyond": (lambda store: store.ready(OLD, 5, NOON), 5),
        "due_messages": (lambda store: store.due_messages(LATER, 5), 5),
        "due_entries": (lambda store: store.due_entries(LATER, 5), 1),
        "due_entries, refused": (lambda store: store.due_entries(LATER, 1, refused=True), 10),
        "next_entry_at": (lambda store: store.next_entry_at(), 1),
        "next_entry_at, refused": (lambda store: store.next_entry_at(refused=True), 10),
        "tallies": (lambda store: store.tallies(LATER, 5), 5),
        "backlog": (lambda store: store.backlog(), 1_000),
        "forget_places": (lambda store: store.forget_places(NOON), 100),
    }
    for name, (call, limit) in most.items():
        before = dynamodb.items_read
        call(dynamodb_store)
        assert dynamodb.items_read - before <= limit, name


def test_a_round_of_delivery_reads_the_same_however_many_refusals_wait(
    dynamodb: DynamoDB, dynamodb_store: DynamoDBStore
) -> None:
    counts = []
    for _ in range(2):
        refusals = [replace(REFUSED, id=new_id(NOON)) for _ in range(1_000)]
        dynamodb.put_many(dynamodb_store._calls.table, map(items.item_of_entry, refusals))
        before = dynamodb.items_read
        delivery(dynamodb_store, Channel(StoppedClock(LATER))).deliver()
        counts.append(dynamodb.items_read - before)
    assert counts[0] == counts[1] < 30


def test_the_entries_of_a_list_that_has_ended_are_read_without_what_came_later(
    dynamodb: DynamoDB, dynamodb_store: DynamoDBStore
) -> None:
    ended = a_list(dynamodb_store, ends=True)
    later = (entry_of_ask(Kind.REFUSED, asked(), "no", NOON + HOUR + timedelta(seconds=each)) for each in range(300))
    dynamodb.put_many(dynamodb_store._calls.table, map(items.item_of_entry, later))
    before = dynamodb.items_read
    assert len(list(dynamodb_store.entries(None, None, ended.id))) == 4
    assert dynamodb.items_read - before < 10


def test_an_account_of_a_list_costs_two_plain_writes_and_one_with_its_outcome(
    dynamodb: DynamoDB, dynamodb_store: DynamoDBStore
) -> None:
    ready = a_list(dynamodb_store)
    dynamodb.calls.clear()
    child = child_of(ready, 1, ADA, NOON)
    dynamodb_store.add(child, None, None)
    running = child.move(State.RUNNING, claim=Claim(id="x", at=NOON, until=NOON))
    dynamodb_store.move(child, running, None, None)
    done = running.move(State.DONE, done=("AdminUserGlobalSignOut",), ended_at=NOON)
    dynamodb_store.move(running, done, entry_of(done, NOON), None)
    made = [(action, len(sent.get("TransactItems", "1"))) for action, sent in dynamodb.calls]
    assert made == [("PutItem", 1), ("PutItem", 1), ("TransactWriteItems", 4)]
    dynamodb.calls.clear()
    dynamodb_store.move(ready, ready.move(State.RUNNING), None, None)  # with the message that shows how far it is
    assert [(action, len(sent["TransactItems"])) for action, sent in dynamodb.calls] == [("TransactWriteItems", 2)]


def test_forgetting_reads_what_it_forgets(dynamodb: DynamoDB, dynamodb_store: DynamoDBStore) -> None:
    dynamodb.put_many(dynamodb_store._calls.table, history(100))
    dynamodb_store._placed(replace(REFUSED, id=new_id(OLD)))  # notes the month
    before = dynamodb.items_read
    assert dynamodb_store.forget(NOON) == FORGOTTEN_AT_ONCE
    assert dynamodb.items_read - before <= FORGOTTEN_AT_ONCE + 10


def test_a_sign_out_writes_three_times_from_the_press_to_the_result(
    dynamodb: DynamoDB, dynamodb_store: DynamoDBStore
) -> None:
    request = added_to(dynamodb_store, show=SHOW)
    dynamodb.calls.clear()
    ready = request.move(State.READY, decided_at=NOON)
    dynamodb_store.move(request, ready, entry_of(ready, NOON), SHOW)
    claimed = ready.move(State.RUNNING, claim=Claim(id="x", at=NOON, until=NOON + LEASE))
    dynamodb_store.move(ready, claimed, None, None)
    done = claimed.move(State.DONE, ended_at=NOON, done=("AdminUserGlobalSignOut",))
    dynamodb_store.move(claimed, done, entry_of(done, NOON), SHOW)
    written = [(action, len(sent.get("TransactItems", "1"))) for action, sent in dynamodb.calls]
    assert written == [("TransactWriteItems", 3), ("PutItem", 1), ("TransactWriteItems", 7)]
    dynamodb.calls.clear()
    dynamodb_store.shown(LiveMessage(request_id=done.id, version=done.version))
    assert Counter(action for action, _ in dynamodb.calls) == {"GetItem": 1, "UpdateItem": 1}


def test_a_second_person_and_two_limits_add_one_write_and_what_is_counted_with_the_decision(
    dynamodb: DynamoDB, dynamodb_store: DynamoDBStore
) -> None:
    request = added_to(dynamodb_store, show=SHOW)
    dynamodb.calls.clear()
    approving = request.move(State.APPROVING, approval=Approval(asked_at=NOON, channel_id="C0APPROVE1"))
    dynamodb_store.move(request, approving, entry_of(approving, NOON), SHOW)
    ready = approving.move(State.READY, decided_at=NOON)
    windows = [replace(each, accounts={ADA.key: NOON}) for each in dynamodb_store.windows(["T/U", EVERYONE])]
    dynamodb_store.move(approving, ready, entry_of(ready, NOON), SHOW, windows)
    made = [(action, len(sent.get("TransactItems", "1"))) for action, sent in dynamodb.calls]
    assert made == [("TransactWriteItems", 4), ("GetItem", 1), ("GetItem", 1), ("TransactWriteItems", 6)]


def test_a_window_that_no_one_needs_is_swept_away_by_dynamodb_a_day_later(dynamodb_store: DynamoDBStore) -> None:
    request = added_to(dynamodb_store)
    ready = request.move(State.READY, decided_at=NOON)
    window = Window(key=EVERYONE, accounts={"a": NOON - HOUR, "b": NOON})
    dynamodb_store.move(request, ready, entry_of(ready, NOON), SHOW, [window])
    item = dynamodb_store._calls.get(items.make_key("window", EVERYONE))
    assert item
    assert item["expires"] == int((NOON + timedelta(days=1)).timestamp())
