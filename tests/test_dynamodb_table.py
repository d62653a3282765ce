"""The table itself: as it is printed, made and checked."""

import json
import uuid
from typing import Any

import pytest
from dynamodb import DynamoDB, lose_answer, refuse

from bot.__main__ import main
from bot.errors import StoreError, StoreUnavailableError
from bot.settings.load import load_store
from bot.stores.dynamodb.calls import Calls
from bot.stores.dynamodb.store import DynamoDBStore
from bot.stores.dynamodb.table import check_form, definition
from bot.stores.probe import try_protection
from bot.wiring.stores import probes_of


def described_index() -> dict[str, Any]:
    (index,) = definition("signout")["GlobalSecondaryIndexes"]
    return {**index, "IndexStatus": "ACTIVE"}


def described() -> dict[str, Any]:
    """A table as DynamoDB describes it."""
    return definition("signout") | {"TableStatus": "ACTIVE", "GlobalSecondaryIndexes": [described_index()]}


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
        check_form("signout", described() | {"TableStatus": state})  # type: ignore[arg-type]  # enough of it
    assert caught.value.reason == f"the table signout is {state.lower()}"


def test_an_index_that_is_not_ready_is_waited_for() -> None:
    found = described()
    found["GlobalSecondaryIndexes"][0]["IndexStatus"] = "CREATING"
    with pytest.raises(StoreUnavailableError) as caught:
        check_form("signout", found)  # type: ignore[arg-type]  # enough of it
    assert caught.value.reason == "the index of the table signout is creating"


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
        check_form("signout", described() | change)  # type: ignore[arg-type]  # enough of it


def test_without_a_region_the_bot_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(StoreError, match="set AWS_DEFAULT_REGION"):
        DynamoDBStore("signout").open()


PROTECTIONS = ("point-in-time recovery", "time to live")
UPDATES = ("UpdateContinuousBackups", "UpdateTimeToLive")
LOOKS = ("DescribeContinuousBackups", "DescribeTimeToLive")


@pytest.fixture
def new_name(dynamodb: DynamoDB, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a table that `table --create` is to make."""
    assert dynamodb.calls == []
    name = f"signout-{uuid.uuid4()}"
    monkeypatch.setenv("SIGNOUT_STORE", f"dynamodb://{name}")
    monkeypatch.setattr("bot.stores.dynamodb.create.LOOK_EVERY_SECONDS", 0.01)
    return name


def found(table: str) -> dict[str, tuple[str, str]]:
    """What `check` says of the table's protection: status, and the sentence with the fix."""
    return {each.name: (each.status, f"{each.sentence} {each.fix}") for each in try_protection(table)}


@pytest.mark.parametrize(("update", "name"), list(zip(UPDATES, PROTECTIONS, strict=True)))
def test_a_table_that_was_made_but_could_not_be_protected_is_told_as_that_and_check_sees_it(
    dynamodb: DynamoDB, new_name: str, capsys: pytest.CaptureFixture[str], update: str, name: str
) -> None:
    dynamodb.next(update, refuse(400, "AccessDeniedException"))
    assert main(["table", "--create"]) == 1
    told = capsys.readouterr().err
    assert f"The table {new_name} is there and can be used, but its {name} could not be switched on" in told
    assert "AccessDeniedException" in told
    assert "could not be made" not in told
    assert {action for action, _ in dynamodb.calls} >= set(UPDATES), "the other one is tried all the same"
    status, words = found(new_name).pop(f"store, {name}")
    assert (status, "It is off" in words, "table --create` switches it on" in words) == ("warning", True, True)
    assert sorted(status for status, _ in found(new_name).values()) == ["ok", "warning"]
    assert main(["table", "--create"]) == 0
    assert {status for status, _ in found(new_name).values()} == {"ok"}


def test_both_that_could_not_be_switched_on_are_told_at_once(
    dynamodb: DynamoDB, new_name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for update in UPDATES:
        dynamodb.next(update, refuse(400, "AccessDeniedException"))
    assert main(["table", "--create"]) == 1
    told = capsys.readouterr().err
    assert new_name in told
    assert all(f"its {name} could not be switched on" in told for name in PROTECTIONS)


def test_recovery_that_a_new_table_does_not_take_yet_is_waited_for(dynamodb: DynamoDB, new_name: str) -> None:
    dynamodb.next(UPDATES[0], *[refuse(400, "ContinuousBackupsUnavailableException")] * 3)
    assert main(["table", "--create"]) == 0
    assert {status for status, _ in found(new_name).values()} == {"ok"}


def test_a_table_whose_making_got_no_answer_is_not_said_to_be_missing(
    dynamodb: DynamoDB, new_name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    dynamodb.next("CreateTable", lose_answer)
    assert main(["table", "--create"]) == 1
    told = capsys.readouterr().err
    assert f"CreateTable of {new_name} got no answer" in told
    assert "Run this again: it goes on with what is there." in told
    assert main(["table", "--create"]) == 0


@pytest.mark.usefixtures("new_name")
def test_a_new_table_is_waited_for_and_given_up_only_after_a_while(
    dynamodb: DynamoDB, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    not_yet = refuse(400, "ResourceNotFoundException")
    dynamodb.next("DescribeTable", not_yet, not_yet)
    assert main(["table", "--create"]) == 0
    assert capsys.readouterr().out.count("Waiting: ") == 2
    dynamodb.next("DescribeTable", not_yet)
    monkeypatch.setattr("bot.stores.dynamodb.create.WAIT_SECONDS", -1.0)
    assert main(["table", "--create"]) == 1
    assert "Giving up: DescribeTable: ResourceNotFoundException. Run this again." in capsys.readouterr().err


def test_check_says_what_it_may_not_see(dynamodb: DynamoDB, table: str) -> None:
    for look in LOOKS:
        dynamodb.next(look, refuse(400, "AccessDeniedException"))
    assert found(table) == {
        f"store, {name}": (
            "not tried",
            f"not known (AccessDeniedException) Where the table is there, allow dynamodb:{look}.",
        )
        for name, look in zip(PROTECTIONS, LOOKS, strict=True)
    }


def test_check_looks_at_the_protection_of_a_table_and_at_none_of_a_file(table: str) -> None:
    probes = probes_of(load_store({"SIGNOUT_STORE": f"dynamodb://{table}"}))
    assert {each.name: each.status for _, probe in probes for each in probe()} == {
        "store": "ok",
        "store, point-in-time recovery": "warning",
        "store, time to live": "warning",
    }
    assert [name for name, _ in probes_of(load_store({}))] == ["store"]


def test_time_to_live_by_another_attribute_is_off(table: str) -> None:
    calls = Calls(table)
    other = {"AttributeName": "other", "Enabled": True}
    calls.client().update_time_to_live(TableName=table, TimeToLiveSpecification=other)  # type: ignore[arg-type]
    calls.close()
    assert found(table)["store, time to live"][0] == "warning"


def test_a_table_that_may_not_be_looked_at_names_the_operation(dynamodb: DynamoDB, table: str) -> None:
    dynamodb.next("DescribeTable", refuse(400, "AccessDeniedException"))
    store = DynamoDBStore(table)
    with pytest.raises(StoreUnavailableError) as caught:
        store.open()
    store.close()
    assert caught.value.reason == "DescribeTable: AccessDeniedException"
