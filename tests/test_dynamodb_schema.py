"""Which version of the bot a table belongs to, and what instances of two versions do on one table."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dynamodb import DynamoDB, interrupt, refuse
from examples import NOON, added_to, awaiting

from bot.audit import entry_of
from bot.errors import NewerVersionError, StoreError, SupersededError
from bot.request import State
from bot.stores.dynamodb import items, schema
from bot.stores.dynamodb.calls import Calls
from bot.stores.dynamodb.items import put, update
from bot.stores.dynamodb.reader import DynamoDBReader
from bot.stores.dynamodb.schema import LOOK_EVERY_SECONDS, SCHEMA
from bot.stores.dynamodb.store import DynamoDBStore
from bot.stores.probe import try_table

READS = {"DescribeTable", "GetItem", "Query"}


def sent(dynamodb: DynamoDB) -> set[str]:
    return {action for action, _ in dynamodb.calls}


def that_knows(schema: int, table: str) -> DynamoDBStore:
    """Return the store of a bot that knows schemas up to this one."""
    store = DynamoDBStore(table)
    store._schema.known = schema
    return store


def test_a_new_table_gets_this_bots_schema_once(dynamodb: DynamoDB, table: str) -> None:
    stores = [DynamoDBStore(table) for _ in range(2)]
    assert stores[0].table_schema() is None
    assert sent(dynamodb) <= READS | {"CreateTable"}
    stores[0].open()
    assert stores[0].table_schema() == schema.SCHEMA
    dynamodb.calls.clear()
    stores[1].open()
    assert sent(dynamodb) <= READS
    for store in stores:
        store.close()


@pytest.mark.parametrize("earlier", [None, 1])
def test_of_instances_that_open_a_table_at_once_an_older_one_takes_none_from_a_newer(
    table: str, earlier: int | None
) -> None:
    if earlier:
        first = that_knows(earlier, table)
        first.open()
        first.close()
    older, newer = that_knows(2, table), that_knows(3, table)
    interrupt(older._calls, after="get", happens=newer.open)
    with pytest.raises(StoreError, match="has schema 3, this bot knows 2"):
        older.open()
    assert newer.table_schema() == 3
    for store in (older, newer):
        store.close()


def test_a_bot_of_version_0_1_refuses_a_table_of_this_bot(dynamodb_store: DynamoDBStore) -> None:
    meta = dynamodb_store._calls.get(items.META)
    assert meta
    assert meta["schema_version"] > 1, "it knows 1 and refuses what is more"


@pytest.fixture
def old_table(dynamodb: DynamoDB, table: str) -> str:
    """A table that version 0.1 used; its name."""
    calls = Calls(table)
    calls.write([put({**items.META, "schema_version": 1, "months": {"2026-11"}})])
    calls.close()
    dynamodb.calls.clear()
    return table


def test_a_table_of_version_0_1_is_refused_with_what_to_do_and_never_written_to(
    dynamodb: DynamoDB, old_table: str
) -> None:
    for made in (DynamoDBStore(old_table), DynamoDBReader(old_table)):
        with pytest.raises(StoreError) as caught:
            made.open()
        assert (
            caught.value.sentence == f"The table {old_table} is one of version 0.1, which this version does not read."
        )
        assert "`audit --format json`" in caught.value.hint
        made.close()
    (finding,) = try_table(old_table)
    assert (finding.status, finding.sentence) == ("missing", caught.value.sentence)
    assert finding.fix == caught.value.hint
    assert sent(dynamodb) <= READS


def test_a_table_of_a_newer_bot_is_refused_and_never_written_to(dynamodb: DynamoDB, table: str) -> None:
    newer = that_knows(99, table)
    newer.open()
    dynamodb.calls.clear()
    for made in (DynamoDBStore(table), DynamoDBReader(table)):
        with pytest.raises(StoreError, match=rf"has schema 99, this bot knows {SCHEMA}\. Run the newer bot"):
            made.open()
        made.close()
    assert sent(dynamodb) <= READS
    newer.close()


def test_check_says_that_the_next_start_takes_an_older_table_and_leaves_that_to_it(table: str) -> None:
    older = that_knows(SCHEMA - 1, table)
    older.open()
    (finding,) = try_table(table)
    steps = f"from {SCHEMA - 1} to {SCHEMA}"
    assert finding.sentence == f"the table is there and writable; the next start takes its schema {steps}"
    assert older.table_schema() == SCHEMA - 1
    store = DynamoDBStore(table)
    store.open()
    (finding,) = try_table(table)
    assert (finding.status, finding.sentence) == ("ok", "the table is there and writable")
    assert not store._schema.look()
    for each in (older, store):
        each.close()


# A newer bot takes the table while this one runs.


def take(store: DynamoDBStore) -> None:
    """Let a newer bot open the store's table."""
    newer = that_knows(SCHEMA + 1, store._calls.table)
    newer.open()
    newer.close()


def looks(dynamodb: DynamoDB) -> int:
    """How often the schema was looked at."""
    asked = [parameters for action, parameters in dynamodb.calls if action == "GetItem"]
    return sum(parameters["Key"]["pk"] == {"S": "meta"} for parameters in asked)


def let_a_minute_pass(store: DynamoDBStore) -> None:
    store._schema._looked_at -= LOOK_EVERY_SECONDS


def test_the_schema_is_looked_at_once_a_minute_by_sweeps(dynamodb: DynamoDB, dynamodb_store: DynamoDBStore) -> None:
    store = dynamodb_store

    def sweep_often() -> None:
        for _ in range(5):
            assert [*store.expired(NOON, 9), *store.ready(NOON, 9), *store.dead(NOON, 9)] == []

    dynamodb.calls.clear()
    sweep_often()
    assert looks(dynamodb) == 0
    for minute in (1, 2):
        let_a_minute_pass(store)
        sweepers = [threading.Thread(target=sweep_often) for _ in range(4)]
        for sweeper in sweepers:
            sweeper.start()
        for sweeper in sweepers:
            sweeper.join()
        assert looks(dynamodb) == minute
    take(store)
    dynamodb.calls.clear()
    assert not store.is_outdated
    assert dynamodb.calls == [], "it asks no one: the loop calls it"
    let_a_minute_pass(store)
    store.expired(NOON, 9)
    assert store.is_outdated


def test_the_schema_is_looked_at_after_a_refused_write(dynamodb_store: DynamoDBStore) -> None:
    request = added_to(dynamodb_store)
    take(dynamodb_store)
    cancelled = request.move(State.CANCELLED)
    dynamodb_store.move(request, cancelled, entry_of(cancelled, NOON), None)
    assert not dynamodb_store.is_outdated, "that one was not refused"
    with pytest.raises(SupersededError):
        dynamodb_store.move(request, cancelled, entry_of(cancelled, NOON), None)
    assert dynamodb_store.is_outdated


def test_a_look_that_fails_says_nothing_and_is_made_again(dynamodb: DynamoDB, dynamodb_store: DynamoDBStore) -> None:
    take(dynamodb_store)
    let_a_minute_pass(dynamodb_store)
    dynamodb.next("GetItem", refuse(400, "AccessDeniedException"))
    assert dynamodb_store.expired(NOON, 9) == []
    assert not dynamodb_store.is_outdated
    let_a_minute_pass(dynamodb_store)
    dynamodb_store.expired(NOON, 9)
    assert dynamodb_store.is_outdated


def test_a_request_that_only_a_newer_bot_can_read_is_not_said_to_be_missing(dynamodb_store: DynamoDBStore) -> None:
    request = awaiting()
    newer = {**items.item_of_request(request), "document": '{"shape": 99}'}
    dynamodb_store._calls.write([put(newer)])
    assert dynamodb_store.get(request.id) is None, "it is broken: the table is this bot's"
    dynamodb_store._calls.write([update(items.META, "SET table_schema = :newer", newer=SCHEMA + 1)])
    with pytest.raises(NewerVersionError):
        dynamodb_store.get(request.id)
    assert dynamodb_store.is_outdated


# Two real processes.

Instance = Callable[..., str]


@pytest.fixture
def start(dynamodb: DynamoDB, table: str) -> Iterator[Callable[[int, float], Instance]]:
    """Start an instance of a schema; what it returns does what it is told, and gives the answer."""
    started: list[subprocess.Popen[str]] = []

    def start(known: int, seconds_between_looks: float = 3600) -> Instance:
        command = [sys.executable, str(Path(__file__).parent / "instance.py"), table, str(known)]
        process = subprocess.Popen(
            [*command, str(seconds_between_looks)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parent.parent,
            env={**dynamodb.environment, "PYTHONPATH": "."},
        )
        started.append(process)
        assert process.stdin
        assert process.stdout
        stdin, stdout = process.stdin, process.stdout
        assert stdout.readline() == "open\n"

        def do(*words: str) -> str:
            stdin.write(" ".join(words) + "\n")
            stdin.flush()
            return stdout.readline().rstrip("\n")

        return do

    yield start
    for process in started:
        process.communicate()
        assert process.returncode == 0


def all_items(table: str, *request_ids: str) -> list[items.Item]:
    """The requests, their cards and all entries, as they are in the table."""
    calls = Calls(table)
    keys = [items.make_key("request", each, sort) for each in request_ids for sort in ("request", "card")]
    found = list(filter(None, map(calls.get, keys)))
    found += calls.query(
        KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": f"log#{items.month_at(NOON)}"}
    )
    calls.close()
    return found


def test_an_older_instance_finishes_what_it_holds_and_leaves_the_newer_ones_items(
    table: str, start: Callable[..., Instance]
) -> None:
    old = start(1, 0)
    held, asked = old("claim"), old("ask")
    new = start(2)
    theirs = new("claim"), new("ask")
    assert new("finish") == "done"
    assert old("outdated") == "False"
    before = all_items(table, *theirs)
    assert old("sweep") == "2 requests, 0 entries, 2 cards", "what is its own"
    assert old("outdated") == "True"
    assert all_items(table, *theirs) == before
    assert [old("read", each) for each in theirs] == ["NewerVersionError"] * 2
    assert old("finish") == "done"
    assert [new("read", each) for each in (held, asked)] == ["done", "confirming"]
    assert old("sweep") == "1 requests, 1 entries, 1 cards", "it tells what came of what it held"
    assert new("sweep") == "2 requests, 1 entries, 2 cards"


def test_an_older_instance_sees_at_a_refused_write_that_a_newer_one_took_over(
    start: Callable[..., Instance],
) -> None:
    old = start(1)
    asked = old("ask")
    new = start(2)
    assert new("cancel", asked) == "cancelled"
    assert (old("sweep"), old("outdated")) == ("0 requests, 0 entries, 0 cards", "False")
    assert old("press_late") == "superseded"
    assert old("outdated") == "True"
    assert old("read", asked) == "NewerVersionError"
