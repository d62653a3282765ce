"""DynamoDB's own: faults on the way to it, its limits, the table itself, and what is never sent."""

import json
import socket
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from dynamodb import DynamoDB, Fault, answer_500_after, cancel, lose_answer, lose_call, refuse
from examples import ADA, NOON, asked, awaiting, claimed_in

from bot.__main__ import main
from bot.audit import AuditEntry, Kind, entry_of, entry_of_ask
from bot.errors import StoreError, StoreUnavailableError, SupersededError
from bot.find import MAX_CANDIDATES
from bot.options import MAX_REASON, MAX_TARGET
from bot.request import SignOutRequest, State, new_id
from bot.sign_out import MARGIN
from bot.stores import calls
from bot.stores.actions import put, update
from bot.stores.calls import Calls
from bot.stores.dynamodb import DynamoDBStore
from bot.stores.items import AWAITING, META, item_of_entry, item_of_request
from bot.stores.table import ACTIONS, INDEX, check, definition

URL = "https://hooks.slack.com/commands/T/1/secret"
WRITE = "TransactWriteItems"


def described_index() -> dict[str, Any]:
    (index,) = definition("signout")["GlobalSecondaryIndexes"]
    return {**index, "IndexStatus": "ACTIVE"}


def described() -> dict[str, Any]:
    """A table as DynamoDB describes it."""
    return definition("signout") | {"TableStatus": "ACTIVE", "GlobalSecondaryIndexes": [described_index()]}


LONGEST_WRITE = timedelta(seconds=calls.KEEP_TRYING_SECONDS + calls.CONNECT_SECONDS + calls.READ_SECONDS)


@pytest.fixture
def _impatient(dynamodb: DynamoDB, monkeypatch: pytest.MonkeyPatch) -> None:
    assert dynamodb
    monkeypatch.setattr(calls, "KEEP_TRYING_SECONDS", 0.5)


def opened(store: DynamoDBStore) -> tuple[SignOutRequest, SignOutRequest, AuditEntry]:
    """Store a request; return it, its claim, and the claim's entry."""
    request = awaiting(response_url=URL)
    store.add(request, entry_of(request, NOON))
    claimed = request.move(State.SIGNING_OUT, claim_id="mine", claimed_at=NOON, lease_until=NOON)
    return request, claimed, entry_of(claimed, NOON)


def kinds(store: DynamoDBStore) -> list[Kind]:
    return sorted(entry.kind for entry in store.entries(None, None))


@pytest.mark.parametrize(
    "fault",
    [
        lose_answer,
        lose_call,
        answer_500_after,
        refuse(500, "InternalServerError"),
        refuse(503, "ServiceUnavailable"),
        refuse(400, "ThrottlingException"),
        refuse(400, "ProvisionedThroughputExceededException"),
        refuse(400, "TransactionInProgressException"),
        cancel("TransactionConflict", "None"),
        cancel("None", "ThrottlingError"),
        cancel("TransactionConflict", "ProvisionedThroughputExceeded"),
    ],
)
def test_what_passes_is_tried_again_and_done_once(
    dynamodb: DynamoDB, dynamodb_store: DynamoDBStore, fault: Fault
) -> None:
    request, claimed, entry = opened(dynamodb_store)
    dynamodb.next(WRITE, fault, fault)
    dynamodb_store.advance(request, claimed, entry)
    assert dynamodb_store.get(request.id) == claimed
    assert kinds(dynamodb_store) == [Kind.CONFIRMED, Kind.OPENED]
    with pytest.raises(SupersededError):
        dynamodb_store.advance(request, replace(claimed, claim_id="late"), replace(entry, id=new_id(NOON)))


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize(
    ("fault", "reason", "in_doubt"),
    [
        (lose_answer, "ConnectionClosedError", True),
        (lose_call, "ConnectionClosedError", True),
        (answer_500_after, "InternalServerError", True),
        (refuse(500, "InternalServerError"), "InternalServerError", True),
        (refuse(400, "ThrottlingException"), "ThrottlingException", False),
        (cancel("TransactionConflict", "None"), "TransactionConflict", False),
        (cancel("None", "ValidationError"), "ValidationError", False),
        (cancel("None", "ItemCollectionSizeLimitExceeded"), "ItemCollectionSizeLimitExceeded", False),
        (refuse(400, "AccessDeniedException"), "AccessDeniedException", False),
        (refuse(400, "ResourceNotFoundException"), "ResourceNotFoundException", False),
        (refuse(400, "ValidationException"), "ValidationException", False),
        (refuse(400, "ExpiredTokenException"), "ExpiredTokenException", False),
    ],
)
def test_what_does_not_pass_says_why_and_whether_it_may_have_been_done(
    dynamodb: DynamoDB,
    dynamodb_store: DynamoDBStore,
    fault: Fault,
    reason: str,
    *,
    in_doubt: bool,
) -> None:
    request, claimed, entry = opened(dynamodb_store)
    dynamodb.next(WRITE, *[fault] * 50)
    with pytest.raises(StoreUnavailableError) as caught:
        dynamodb_store.advance(request, claimed, entry)
    assert (caught.value.reason, caught.value.in_doubt) == (reason, in_doubt)
    assert URL not in f"{caught.value!r}{caught.getrepr(chain=True)}"
    dynamodb.clear()
    done = dynamodb_store.get(request.id) == claimed
    assert done == (fault in (lose_answer, answer_500_after))
    assert kinds(dynamodb_store) == [Kind.CONFIRMED, Kind.OPENED][1 - done :]


def test_a_refusal_after_a_lost_answer_leaves_the_doubt(dynamodb: DynamoDB, dynamodb_store: DynamoDBStore) -> None:
    request, claimed, entry = opened(dynamodb_store)
    dynamodb.next(WRITE, lose_answer, refuse(400, "ExpiredTokenException"))
    with pytest.raises(StoreUnavailableError) as caught:
        dynamodb_store.advance(request, claimed, entry)
    assert (caught.value.reason, caught.value.in_doubt) == ("ExpiredTokenException", True)


def test_each_kind_of_write_is_done_once_where_its_answer_is_lost(
    dynamodb: DynamoDB, dynamodb_store: DynamoDBStore
) -> None:
    entry = entry_of_ask(Kind.REFUSED, asked(), "not allowed", NOON)
    dynamodb.next(WRITE, lose_answer, lose_answer, lose_answer)
    dynamodb_store.record(entry)
    dynamodb.next(WRITE, lose_answer)
    (held,) = dynamodb_store.hold([entry], NOON + timedelta(seconds=20))
    dynamodb.next(WRITE, lose_answer)
    dynamodb_store.postponed([held], NOON, failed=True)
    (postponed,) = dynamodb_store.undelivered(NOON, 9)
    dynamodb.next(WRITE, lose_answer)
    dynamodb_store.delivered([postponed], "1.0", NOON)
    (told,) = dynamodb_store.entries(None, None)
    assert told == replace(entry, next_at=None, delivery_attempts=2, delivered_at=NOON, ts="1.0")


@pytest.fixture
def black_hole() -> Iterator[str]:
    """An address that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        yield f"http://127.0.0.1:{door.getsockname()[1]}"


@pytest.mark.usefixtures("_impatient")
def test_a_black_hole_is_given_up_after_seconds(
    dynamodb_store: DynamoDBStore, black_hole: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    request, claimed, entry = opened(dynamodb_store)
    monkeypatch.setattr(calls, "READ_SECONDS", 0.2)
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", black_hole)
    lost = DynamoDBStore(dynamodb_store._calls.table)
    lost._log._known = dynamodb_store._log._known
    for call in (lost.open, lambda: lost.get(request.id), lambda: list(lost.entries(None, None))):
        with pytest.raises(StoreUnavailableError) as caught:
            call()
        assert (caught.value.reason, caught.value.in_doubt) == ("ReadTimeoutError", False)
    with pytest.raises(StoreUnavailableError) as caught:
        lost.advance(request, claimed, entry)
    assert (caught.value.reason, caught.value.in_doubt) == ("ReadTimeoutError", True)
    lost.close()
    assert dynamodb_store.get(request.id) == request


@pytest.mark.usefixtures("_impatient")
def test_where_nothing_listens_nothing_was_done(table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"http://127.0.0.1:{door.getsockname()[1]}")
    store = DynamoDBStore(table)
    request = awaiting()
    for call in (store.open, store.check_writable, lambda: store.add(request, entry_of(request, NOON))):
        with pytest.raises(StoreUnavailableError) as caught:
            call()
        assert (caught.value.reason, caught.value.in_doubt) == ("EndpointConnectionError", False)
    store.close()


def test_a_write_ends_within_the_margin_that_a_lease_keeps_for_it() -> None:
    assert LONGEST_WRITE < MARGIN


def test_the_longest_texts_that_cognito_and_the_command_take_fit_into_an_item(dynamodb_store: DynamoDBStore) -> None:
    wide = "\U0001f600"
    account = replace(ADA, username=wide * 128, email=wide * 2048, phone=wide * 2048, sub=wide * 2048)
    request = awaiting(
        target=wide * MAX_TARGET, reason=wide * MAX_REASON, candidates=(account,) * MAX_CANDIDATES, chosen=account
    )
    dynamodb_store.add(request, entry_of(request, NOON))
    assert dynamodb_store.get(request.id) == request
    assert len(json.dumps(item_of_request(request), ensure_ascii=False).encode()) < 400 * 1024


def test_an_item_that_is_too_large_is_refused_whole(dynamodb_store: DynamoDBStore) -> None:
    request = awaiting(target="x" * 400 * 1024)
    with pytest.raises(StoreUnavailableError) as caught:
        dynamodb_store.add(request, entry_of(request, NOON))
    assert not caught.value.in_doubt
    assert kinds(dynamodb_store) == []


def test_an_item_that_cannot_be_read_does_not_hold_up_the_others(
    dynamodb_store: DynamoDBStore, caplog: pytest.LogCaptureFixture
) -> None:
    broken, sound = (entry_of_ask(Kind.REFUSED, asked(), "not allowed", NOON) for _ in range(2))
    for entry in (broken, sound):
        dynamodb_store.record(entry)
    request = awaiting(response_url=URL)
    dynamodb_store.add(request, entry_of(request, NOON))
    unreadable = [
        put({**item_of_entry(broken), "snapshot": "of this item"}, ""),
        put({**item_of_request(request), "request": "of this item"}, ""),
    ]
    dynamodb_store._calls.write(unreadable)
    assert dynamodb_store.undelivered(NOON, 1) == [sound]
    assert dynamodb_store.undelivered(NOON, 9) == [sound]
    dynamodb_store.delivered([sound], "1.0", NOON)
    later = dynamodb_store.next_delivery_at()
    assert later
    assert later > NOON, "it is not due all the time"
    assert sorted(entry.kind for entry in dynamodb_store.entries(None, None)) == [Kind.OPENED, Kind.REFUSED]
    assert dynamodb_store.get(request.id) is None
    assert dynamodb_store.expired(NOON + timedelta(hours=1)) == []
    assert caplog.text.count("cannot be read") == 2
    assert "this item" not in caplog.text
    assert URL not in caplog.text


def test_many_entries_are_read_page_by_page(dynamodb: DynamoDB, dynamodb_store: DynamoDBStore) -> None:
    entries = [entry_of_ask(Kind.REFUSED, asked("x" * 40_000), "no", NOON + timedelta(seconds=n)) for n in range(60)]
    for entry in entries:
        dynamodb_store.record(entry)
    dynamodb.calls.clear()
    given = dynamodb_store.entries(None, None)
    assert next(given) == entries[0]
    assert [action for action, _ in dynamodb.calls] == ["GetItem", "Query"], "the next page is asked for when needed"
    assert list(given) == entries[1:]
    assert [action for action, _ in dynamodb.calls] == ["GetItem", *["Query"] * 3]
    assert dynamodb_store.backlog().entries == 60
    assert len(dynamodb_store.undelivered(NOON + timedelta(days=1), 50)) == 50


def test_the_work_of_a_whole_day_sends_no_scan_and_nothing_that_is_not_listed(
    dynamodb: DynamoDB, dynamodb_store: DynamoDBStore
) -> None:
    dynamodb.calls.clear()
    again = DynamoDBStore(dynamodb_store._calls.table)
    again.open()
    claimed = claimed_in(again)
    ended = claimed.move(State.SIGNED_OUT, ended_at=NOON)
    again.advance(claimed, ended, entry_of(ended, NOON))
    refusal = entry_of_ask(Kind.REFUSED, asked(), "not allowed", NOON)
    again.record(refusal)
    assert again.last_signed_out(ADA) == ended
    assert [*again.dead_claims(NOON), *again.expired(NOON)] == []
    held = again.hold(again.undelivered(NOON, 9), NOON + timedelta(seconds=20))
    assert again.refusals_waiting(refusal.operator.team_id, refusal.operator.id, 9)
    again.postponed(held, NOON, failed=True)
    again.delivered(again.undelivered(NOON, 9), "1.0", NOON)
    assert again.last_refusal_delivered_at(refusal.operator.team_id, refusal.operator.id) == NOON
    again.wipe_response_urls(NOON + timedelta(hours=1))
    assert again.backlog().entries == 0
    assert again.next_delivery_at() is None
    assert len(list(again.entries(None, ended.id))) == 3
    again.check_writable()
    assert again.forget_delivered(NOON + timedelta(days=1)) == 4
    again.close()
    needed = {each for action, sent in dynamodb.calls for each in permissions(action, sent)}
    assert needed == set(ACTIONS), "each is used, and no other"
    assert {sent["IndexName"] for action, sent in dynamodb.calls if "IndexName" in sent} == {INDEX}


def permissions(action: str, sent: dict[str, Any]) -> list[str]:
    """What IAM asks for: a transaction needs what is in it."""
    if action != WRITE:
        return [f"dynamodb:{action}"]
    return [f"dynamodb:{kind}Item" for item in sent["TransactItems"] for kind in item]


def test_the_template_and_the_table_that_is_made_are_the_same(
    dynamodb: DynamoDB, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"signout-{uuid.uuid4()}"
    monkeypatch.setenv("SIGNOUT_STORE", f"dynamodb://{name}")
    assert main(["table"]) == 0
    (resource,) = json.loads(capsys.readouterr().out)["Resources"].values()
    assert (resource["Type"], resource["DeletionPolicy"]) == ("AWS::DynamoDB::Table", "Retain")
    assert dynamodb.calls == []
    assert main(["table", "--create"]) == 0
    assert main(["table", "--create"]) == 0, "a second time does no harm"
    assert capsys.readouterr().out.splitlines() == [
        f"The table {name} is being made",
        f"The table {name} is ready: SIGNOUT_STORE=dynamodb://{name}",
        f"The table {name} is there already",
        f"The table {name} is ready: SIGNOUT_STORE=dynamodb://{name}",
    ]
    sent: dict[str, Any] = {}
    for action, parameters in dynamodb.calls:
        if action.startswith(("Create", "Update")):
            sent |= parameters
    assert sent == resource["Properties"]
    assert sent["BillingMode"] == "PAY_PER_REQUEST"
    assert sent["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("sqlite:///signout.db", "SIGNOUT_STORE names no DynamoDB table. Set it to dynamodb://TABLE."),
        ("", "SIGNOUT_STORE names no DynamoDB table. Set it to dynamodb://TABLE."),
        ("dynamodb://a b", "must be sqlite:///relative/path.db, sqlite:////absolute/path.db or dynamodb://TABLE."),
    ],
)
def test_the_table_of_another_store_is_not_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], address: str, words: str
) -> None:
    monkeypatch.setenv("SIGNOUT_STORE", address)
    assert main(["table"]) == 1
    assert words in capsys.readouterr().err


def test_a_table_that_may_not_be_made_says_so(
    dynamodb: DynamoDB, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SIGNOUT_STORE", "dynamodb://signout")
    dynamodb.next("CreateTable", refuse(400, "AccessDeniedException"))
    assert main(["table", "--create"]) == 1
    assert "The table signout could not be made: " in capsys.readouterr().err


def test_a_table_that_is_not_there_yet_is_waited_for(dynamodb: DynamoDB) -> None:
    store = DynamoDBStore(f"signout-{len(dynamodb.calls)}-none")
    with pytest.raises(StoreUnavailableError) as caught:
        store.open()
    assert "`python -m bot table --create` makes it" in caught.value.reason


@pytest.mark.parametrize("state", ["CREATING", "DELETING", "ARCHIVED"])
def test_a_table_that_is_not_ready_is_waited_for(state: str) -> None:
    with pytest.raises(StoreUnavailableError) as caught:
        check("signout", described() | {"TableStatus": state})  # type: ignore[arg-type]  # enough of it
    assert caught.value.reason == f"the table signout is {state.lower()}"


def test_an_index_that_is_not_ready_is_waited_for() -> None:
    found = described()
    found["GlobalSecondaryIndexes"][0]["IndexStatus"] = "CREATING"
    with pytest.raises(StoreUnavailableError, match="out of order"):
        check("signout", found)  # type: ignore[arg-type]  # enough of it


@pytest.mark.parametrize(
    "change",
    [
        {"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]},
        {"KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}]},
        {"GlobalSecondaryIndexes": []},
        {"GlobalSecondaryIndexes": [{"IndexName": "due", "KeySchema": [{"AttributeName": "due", "KeyType": "HASH"}]}]},
        {"GlobalSecondaryIndexes": [described_index() | {"Projection": {"ProjectionType": "KEYS_ONLY"}}]},
    ],
)
def test_a_table_of_another_form_is_not_waited_for(change: dict[str, Any]) -> None:
    with pytest.raises(StoreError, match="The table signout"):
        check("signout", described() | change)  # type: ignore[arg-type]  # enough of it


def test_a_table_of_a_newer_bot_is_not_touched(dynamodb_store: DynamoDBStore) -> None:
    dynamodb_store._calls.write([update(META, "SET schema_version = :newer", newer=99)])
    with pytest.raises(StoreError, match="has schema 99, this bot knows 1"):
        dynamodb_store.open()


def test_without_a_region_the_bot_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(StoreError, match="set AWS_DEFAULT_REGION"):
        DynamoDBStore("signout").open()


@pytest.mark.parametrize("name", ["AWS_DEFAULT_REGION", "AWS_REGION"])
def test_the_region_is_boto3s_or_the_one_that_a_containers_engine_sets(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for each in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(each, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv(name, "eu-west-3")
    assert Calls("signout").client().meta.region_name == "eu-west-3"


def test_an_item_past_its_time_to_live_changes_nothing(dynamodb_store: DynamoDBStore) -> None:
    entry = entry_of_ask(Kind.REFUSED, asked(), "not allowed", NOON - timedelta(days=400))
    dynamodb_store.record(entry)
    dynamodb_store.delivered([entry], "1.0", NOON - timedelta(days=400))
    last = dynamodb_store.last_refusal_delivered_at(entry.operator.team_id, entry.operator.id)
    assert last == NOON - timedelta(days=400), "DynamoDB sweeps when it likes: what is still there is told as it is"


def test_an_index_that_lags_wipes_no_response_url_that_came_since(
    dynamodb_store: DynamoDBStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = awaiting()
    dynamodb_store.add(request, entry_of(request, NOON))
    lagging = {AWAITING: list(dynamodb_store._reader.due(AWAITING))}
    pressed_at = NOON + timedelta(minutes=4)
    claimed = request.move(State.SIGNING_OUT, claimed_at=pressed_at, response_url="https://hooks.slack.com/actions/1")
    dynamodb_store.advance(request, claimed, entry_of(claimed, pressed_at))
    monkeypatch.setattr(dynamodb_store._reader, "due", lambda what, *_, **__: iter(lagging.get(what, ())))
    dynamodb_store.wipe_response_urls(NOON + timedelta(minutes=1))
    assert dynamodb_store.get(request.id) == claimed
