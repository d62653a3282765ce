"""Faults on the way to DynamoDB: what is tried again, what is done once, and what is known afterwards."""

import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from time import sleep
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.config import Config
from dynamodb import DynamoDB, Fault, answer_500_after, cancel, foreign, lose_answer, lose_call, refuse
from examples import ADA, NOON, asked, awaiting, decided_in
from lists import portion

from bot.audit import Delivery, Entry, Kind, entry_of, entry_of_ask
from bot.errors import StoreUnavailableError, SupersededError
from bot.ports import Place, Show
from bot.request import Claim, Request, State, new_id
from bot.stores.dynamodb import calls
from bot.stores.dynamodb.calls import Calls
from bot.stores.dynamodb.store import DynamoDBStore
from bot.stores.sqlite.file import BUSY_SECONDS
from bot.work import LEASE, MARGIN

URL = "https://hooks.slack.com/commands/T/1/secret"
SHOW = Show(at=NOON, place=Place(response_url=URL, until=NOON + timedelta(minutes=30), replaces=True))
WRITE, WRITE_ONE = "TransactWriteItems", "PutItem"
KEEP_TRYING_SECONDS = calls.KEEP_TRYING_SECONDS
LONGEST_WRITES = {
    "dynamodb": KEEP_TRYING_SECONDS + calls.CONNECT_SECONDS + calls.READ_SECONDS,
    "sqlite": BUSY_SECONDS,
}

# Of each call: what is done, however often it fails in these ways, if only it succeeds in the end.
PASSING = [
    lose_answer,
    lose_call,
    answer_500_after,
    refuse(500, "InternalServerError"),
    refuse(503, "ServiceUnavailable"),
    refuse(408, "RequestTimeout"),
    foreign(200),
    foreign(400, "AccessDeniedException"),
    refuse(400, "ThrottlingException"),
    refuse(400, "ProvisionedThroughputExceededException"),
]
LASTING = [
    (lose_answer, "ConnectionClosedError", True),
    (lose_call, "ConnectionClosedError", True),
    (answer_500_after, "InternalServerError", True),
    (refuse(500, "InternalServerError"), "InternalServerError", True),
    (refuse(408, "RequestTimeout"), "RequestTimeout", True),
    (foreign(200), "NotDynamoDBError", True),
    (foreign(400, "AccessDeniedException"), "AccessDeniedException", True),
    (foreign(400, "ConditionalCheckFailedException"), "ConditionalCheckFailedException", True),
    (refuse(400, "ThrottlingException"), "ThrottlingException", False),
    (refuse(400, "AccessDeniedException"), "AccessDeniedException", False),
    (refuse(400, "ResourceNotFoundException"), "ResourceNotFoundException", False),
    (refuse(400, "ValidationException"), "ValidationException", False),
    (refuse(400, "ExpiredTokenException"), "ExpiredTokenException", False),
]


@pytest.fixture
def passed(dynamodb: DynamoDB, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let time pass in the pauses only, so that however busy the machine is, as much is tried; the seconds so far."""
    assert dynamodb
    now = [0.0]

    def within(seconds: float) -> Callable[[], float]:
        end = now[0] + seconds
        return lambda: end - now[0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(calls, "KEEP_TRYING_SECONDS", KEEP_TRYING_SECONDS)
    monkeypatch.setattr(calls, "within", within)
    monkeypatch.setattr(calls, "time", SimpleNamespace(sleep=sleep))
    return now


def claimed(ready: Request, claim_id: str = "mine") -> Request:
    return ready.move(State.RUNNING, claim=Claim(id=claim_id, at=NOON, until=NOON + LEASE))


def taken_over(request: Request) -> tuple[Request, Request, Entry]:
    """Return a claim, the claim that takes it over, and the entry of that."""
    after = claimed(request, "another's")
    return request, after, entry_of(after, NOON)


def kinds(store: DynamoDBStore) -> list[Kind]:
    return sorted(entry.kind for entry in store.entries(None, None))


def claimed_in(store: DynamoDBStore) -> Request:
    ready = decided_in(store, show=SHOW)
    request = claimed(ready)
    store.move(ready, request, None, None)
    return request


@pytest.mark.parametrize(
    "fault",
    [
        *PASSING,
        refuse(400, "TransactionInProgressException"),
        cancel("TransactionConflict", "None"),
        cancel("None", "ThrottlingError"),
        cancel("TransactionConflict", "ProvisionedThroughputExceeded"),
    ],
)
def test_what_passes_is_tried_again_and_done_once(
    dynamodb: DynamoDB, dynamodb_store: DynamoDBStore, fault: Fault
) -> None:
    before, after, entry = taken_over(claimed_in(dynamodb_store))
    dynamodb.next(WRITE, fault, fault)
    dynamodb_store.move(before, after, entry, SHOW)
    assert dynamodb_store.get(before.id) == after
    assert kinds(dynamodb_store) == [Kind.CONFIRMED, Kind.OPENED, Kind.RESUMED]
    with pytest.raises(SupersededError):
        dynamodb_store.move(before, claimed(before, "late"), replace(entry, id=new_id(NOON)), SHOW)


@pytest.mark.parametrize("fault", [*PASSING, refuse(400, "TransactionConflictException")])
def test_a_first_claim_that_passes_is_tried_again_and_done_once(
    dynamodb: DynamoDB, dynamodb_store: DynamoDBStore, fault: Fault
) -> None:
    ready = decided_in(dynamodb_store)
    dynamodb.next(WRITE_ONE, fault, fault)
    dynamodb_store.move(ready, claimed(ready), None, None)
    assert dynamodb_store.get(ready.id) == claimed(ready)
    with pytest.raises(SupersededError):
        dynamodb_store.move(ready, claimed(ready, "late"), None, None)


@pytest.mark.usefixtures("passed")
@pytest.mark.parametrize(
    ("fault", "reason", "in_doubt"),
    [
        *LASTING,
        (cancel("TransactionConflict", "None"), "TransactionConflict", False),
        (cancel("None", "ValidationError"), "ValidationError", False),
        (cancel("None", "ItemCollectionSizeLimitExceeded"), "ItemCollectionSizeLimitExceeded", False),
    ],
)
def test_what_does_not_pass_says_why_and_whether_it_may_have_been_done(
    dynamodb: DynamoDB, dynamodb_store: DynamoDBStore, fault: Fault, reason: str, *, in_doubt: bool
) -> None:
    before, after, entry = taken_over(claimed_in(dynamodb_store))
    dynamodb.next(WRITE, *[fault] * 50)
    with pytest.raises(StoreUnavailableError) as caught:
        dynamodb_store.move(before, after, entry, SHOW)
    assert (caught.value.reason, caught.value.in_doubt) == (f"{WRITE}: {reason}", in_doubt)
    assert URL not in f"{caught.value!r}{caught.getrepr(chain=True)}"
    dynamodb.clear()
    done = dynamodb_store.get(before.id) == after
    assert done == (fault in (lose_answer, answer_500_after))
    assert (Kind.RESUMED in kinds(dynamodb_store)) == done


@pytest.mark.usefixtures("passed")
@pytest.mark.parametrize(("fault", "reason", "in_doubt"), LASTING)
def test_a_first_claim_that_does_not_pass_says_why_and_whether_it_may_have_been_done(
    dynamodb: DynamoDB, dynamodb_store: DynamoDBStore, fault: Fault, reason: str, *, in_doubt: bool
) -> None:
    ready = decided_in(dynamodb_store)
    dynamodb.next(WRITE_ONE, *[fault] * 50)
    with pytest.raises(StoreUnavailableError) as caught:
        dynamodb_store.move(ready, claimed(ready), None, None)
    assert (caught.value.reason, caught.value.in_doubt) == (f"{WRITE_ONE}: {reason}", in_doubt)
    dynamodb.clear()
    done = dynamodb_store.get(ready.id) == claimed(ready)
    assert done == (fault in (lose_answer, answer_500_after))


def test_a_claim_that_was_lost_on_its_way_is_not_taken_for_done_where_another_came_first(
    dynamodb: DynamoDB, dynamodb_store: DynamoDBStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = decided_in(dynamodb_store)
    other = DynamoDBStore(dynamodb_store._calls.table)
    dynamodb.next(WRITE_ONE, lose_call)
    meanwhile = partial(other.move, ready, claimed(ready, "another's"), None, None)
    monkeypatch.setattr("bot.stores.dynamodb.calls.time.sleep", lambda _: meanwhile())
    with pytest.raises(SupersededError):
        dynamodb_store.move(ready, claimed(ready), None, None)
    assert dynamodb_store.get(ready.id) == claimed(ready, "another's")
    other.close()


@pytest.mark.usefixtures("passed")
def test_a_claim_that_cannot_be_read_back_after_a_lost_answer_is_in_doubt(
    dynamodb: DynamoDB, dynamodb_store: DynamoDBStore
) -> None:
    ready = decided_in(dynamodb_store)
    dynamodb.next(WRITE_ONE, lose_answer)
    dynamodb.next("GetItem", *[refuse(400, "ThrottlingException")] * 50)
    with pytest.raises(StoreUnavailableError) as caught:
        dynamodb_store.move(ready, claimed(ready), None, None)
    assert caught.value.in_doubt
    dynamodb.clear()
    assert dynamodb_store.get(ready.id) == claimed(ready)


def test_a_first_claim_is_one_write_of_one_item_and_reads_nothing(
    dynamodb: DynamoDB, dynamodb_store: DynamoDBStore
) -> None:
    ready = decided_in(dynamodb_store)
    dynamodb.calls.clear()
    dynamodb_store.move(ready, claimed(ready), None, None)
    assert [action for action, _ in dynamodb.calls] == [WRITE_ONE]


def test_a_refusal_after_a_lost_answer_leaves_the_doubt(dynamodb: DynamoDB, dynamodb_store: DynamoDBStore) -> None:
    before, after, entry = taken_over(claimed_in(dynamodb_store))
    dynamodb.next(WRITE, lose_answer, refuse(400, "ExpiredTokenException"))
    with pytest.raises(StoreUnavailableError) as caught:
        dynamodb_store.move(before, after, entry, None)
    assert (caught.value.reason, caught.value.in_doubt) == (f"{WRITE}: ExpiredTokenException", True)


def test_each_kind_of_write_of_an_entry_is_done_once_where_its_answer_is_lost(
    dynamodb: DynamoDB, dynamodb_store: DynamoDBStore
) -> None:
    entry = entry_of_ask(Kind.REFUSED, asked(), "not allowed", NOON)
    dynamodb.next(WRITE, lose_answer, lose_answer, lose_answer)
    dynamodb_store.record(entry)
    dynamodb.next(WRITE, lose_answer)
    held = dynamodb_store.hold(entry, NOON + timedelta(seconds=20))
    assert held
    dynamodb.next(WRITE, lose_answer)
    dynamodb_store.postponed(held, NOON)
    (postponed,) = dynamodb_store.due_entries(NOON, 9, refused=True)
    dynamodb.next(WRITE, lose_answer)
    dynamodb_store.delivered(postponed, "1.0", NOON)
    (told,) = dynamodb_store.entries(None, None)
    assert told == replace(entry, delivery=Delivery(attempts=2, delivered_at=NOON, ts="1.0"))
    tally = replace(entry, id=new_id(NOON), count=7)
    dynamodb.next(WRITE, lose_answer)
    dynamodb_store.tally([tally])
    dynamodb.next(WRITE, lose_answer)
    dynamodb_store.settle(tally.id, NOON)
    assert [each.count for each in dynamodb_store.entries(None, None)] == [1, 7]


def test_each_kind_of_write_of_a_card_is_done_once_where_its_answer_is_lost(
    dynamodb: DynamoDB, dynamodb_store: DynamoDBStore
) -> None:
    request = decided_in(dynamodb_store, show=SHOW)
    (card,) = dynamodb_store.due_messages(NOON, 9)
    dynamodb.next("UpdateItem", lose_answer)
    held = dynamodb_store.hold_message(card, NOON + timedelta(seconds=20))
    assert held, "it is this one's, though its answer was lost"
    dynamodb.next("UpdateItem", lose_answer)
    dynamodb_store.not_shown(held, NOON)
    (failed,) = dynamodb_store.due_messages(NOON, 9)
    assert failed == replace(card, failures=1)
    held = dynamodb_store.hold_message(failed, NOON + timedelta(seconds=20))
    assert held
    dynamodb.next("UpdateItem", lose_answer)
    dynamodb_store.shown(held)
    (once_more,) = dynamodb_store.due_messages(NOON + timedelta(days=1), 9)
    assert once_more == replace(card, due_at=NOON + timedelta(seconds=20)), "the try that failed may still come"
    held = dynamodb_store.hold_message(once_more, NOON + timedelta(seconds=40))
    assert held
    dynamodb.next("UpdateItem", lose_answer)
    dynamodb_store.shown(held)
    assert dynamodb_store.due_messages(NOON + timedelta(days=1), 9) == []
    dynamodb.next("UpdateItem", lose_answer)
    dynamodb_store.show_again(request.id)
    dynamodb.next("UpdateItem", lose_answer)
    dynamodb_store.forget_places(NOON + timedelta(hours=1))
    (again,) = dynamodb_store.due_messages(NOON, 9)
    assert (again.place, again.failures, again.hold) == (None, 0, None)


def test_each_kind_of_write_of_a_list_is_done_once_where_its_answer_is_lost(
    dynamodb: DynamoDB, dynamodb_store: DynamoDBStore
) -> None:
    child = awaiting(state=State.READY, decided_at=NOON, list_id="x")
    dynamodb.next(WRITE_ONE, lose_answer)
    dynamodb_store.add(child, None, None)
    assert dynamodb_store.get(child.id) == child
    dynamodb.next(WRITE_ONE, lose_answer)
    dynamodb_store.put_portion("x", 0, [ADA])
    assert portion(dynamodb_store, "x", 0) == [ADA]
    lease = partial(dynamodb_store.lease, "k", until=NOON, longest=timedelta(minutes=1))
    dynamodb.next(WRITE_ONE, lose_answer)
    assert lease("a", NOON), "it is this one's, though its answer was lost"
    assert not lease("b", NOON)
    dynamodb.next("DeleteItem", lose_answer)
    dynamodb_store.give_back("k", "a")
    assert lease("b", NOON)


def test_an_account_of_a_list_that_another_added_first_is_not_taken_for_this_ones(
    dynamodb: DynamoDB, dynamodb_store: DynamoDBStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = awaiting(state=State.READY, decided_at=NOON, list_id="x")
    another = replace(mine, decided_at=NOON + timedelta(seconds=1))
    meanwhile = partial(dynamodb_store.add, another, None, None)
    dynamodb.next(WRITE_ONE, lose_call)
    monkeypatch.setattr("bot.stores.dynamodb.calls.time.sleep", lambda _: meanwhile())
    with pytest.raises(SupersededError):
        dynamodb_store.add(mine, None, None)
    assert dynamodb_store.get(mine.id) == another


@pytest.fixture
def black_hole() -> Iterator[str]:
    """An address that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        yield f"http://127.0.0.1:{door.getsockname()[1]}"


@pytest.mark.usefixtures("passed")
def test_a_black_hole_is_given_up_after_seconds(
    dynamodb_store: DynamoDBStore, black_hole: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = decided_in(dynamodb_store)
    monkeypatch.setattr(calls, "CONFIG", calls.CONFIG.merge(Config(read_timeout=0.2)))
    monkeypatch.setattr(calls, "KEEP_TRYING_SECONDS", 0.3)  # of pauses: a few tries
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", black_hole)
    lost = DynamoDBStore(dynamodb_store._calls.table)
    for operation, call in (
        ("DescribeTable", lost.open),
        ("GetItem", lambda: lost.get(ready.id)),
        ("GetItem", lambda: list(lost.entries(None, None))),  # first it looks which months there are
    ):
        with pytest.raises(StoreUnavailableError) as caught:
            call()
        assert (caught.value.reason, caught.value.in_doubt) == (f"{operation}: ReadTimeoutError", False)
    with pytest.raises(StoreUnavailableError) as caught:
        lost.move(ready, claimed(ready), None, None)
    assert (caught.value.reason, caught.value.in_doubt) == (f"{WRITE_ONE}: ReadTimeoutError", True)
    lost.close()
    assert dynamodb_store.get(ready.id) == ready


@pytest.mark.usefixtures("passed")
def test_where_nothing_listens_nothing_was_done(table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"http://127.0.0.1:{door.getsockname()[1]}")
    store = DynamoDBStore(table)
    entry = entry_of_ask(Kind.REFUSED, asked(), "not allowed", NOON)
    tried: dict[str, Callable[[], object]] = {
        "DescribeTable": store.open,
        "PutItem": store.check_writable,
        "TransactWriteItems": lambda: store.record(entry),
    }
    for operation, call in tried.items():
        with pytest.raises(StoreUnavailableError) as caught:
            call()
        assert (caught.value.reason, caught.value.in_doubt) == (f"{operation}: EndpointConnectionError", False)
    store.close()


@pytest.mark.parametrize("jitter", [0.5, 1.0])
def test_a_transaction_in_progress_is_sent_again_until_aws_completes_it(
    passed: list[float],
    dynamodb: DynamoDB,
    dynamodb_store: DynamoDBStore,
    monkeypatch: pytest.MonkeyPatch,
    jitter: float,
) -> None:
    """A retry more than 5 s after the first attempt completes it."""
    before, after, entry = taken_over(claimed_in(dynamodb_store))
    begun = passed[0]

    def in_progress(carry_out: Callable[[], tuple[int, bytes]]) -> tuple[int, bytes] | None:
        return carry_out() if passed[0] - begun > 5 else refuse(400, "TransactionInProgressException")(carry_out)

    monkeypatch.setattr("bot.stores.dynamodb.calls.random.uniform", lambda _, __: jitter)
    dynamodb.next(WRITE, *[in_progress] * 99)
    dynamodb_store.move(before, after, entry, SHOW)
    dynamodb.clear()
    assert passed[0] - begun > 5
    assert dynamodb_store.get(before.id) == after


@pytest.mark.parametrize("store", LONGEST_WRITES)
def test_the_margin_of_a_lease_is_the_longest_write_of_a_store_and_5_s_more(store: str) -> None:
    assert timedelta(seconds=LONGEST_WRITES[store] + 5) <= MARGIN


def test_a_write_that_could_not_leave_in_time_was_not_done(
    dynamodb: DynamoDB, dynamodb_store: DynamoDBStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here no name is resolved in time. An attempt that left later would make the longest write longer."""
    ready = decided_in(dynamodb_store)
    late = DynamoDBStore(dynamodb_store._calls.table)
    late._calls.client()
    resolve = socket.getaddrinfo

    def stall(*given: Any, **named: Any) -> Any:
        sleep(0.4)
        return resolve(*given, **named)

    monkeypatch.setattr(calls, "KEEP_TRYING_SECONDS", 0.2)
    monkeypatch.setattr(socket, "getaddrinfo", stall)
    dynamodb.calls.clear()
    with pytest.raises(StoreUnavailableError) as caught:
        late.move(ready, claimed(ready), None, None)
    assert (caught.value.reason, caught.value.in_doubt, dynamodb.calls) == ("PutItem: TooLateError", False, [])
    late.close()


def test_an_item_is_read_as_it_is_now(dynamodb: DynamoDB, dynamodb_store: DynamoDBStore) -> None:
    """DynamoDB may otherwise answer with what was there a moment ago."""
    request = decided_in(dynamodb_store)
    dynamodb.calls.clear()
    dynamodb_store.get(request.id)
    assert [(action, asked_for["ConsistentRead"]) for action, asked_for in dynamodb.calls] == [("GetItem", True)]


@pytest.mark.parametrize("name", ["AWS_DEFAULT_REGION", "AWS_REGION"])
def test_the_region_is_boto3s_or_the_one_that_a_containers_engine_sets(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for each in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(each, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv(name, "eu-west-3")
    assert Calls("signout").client().meta.region_name == "eu-west-3"
