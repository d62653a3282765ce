"""The table itself: as it is printed, made and checked."""

import json
import uuid
from typing import Any

import pytest
from dynamodb import DynamoDB, refuse

from bot.__main__ import main
from bot.errors import StoreError, StoreUnavailableError
from bot.stores.dynamodb.store import DynamoDBStore
from bot.stores.dynamodb.table import check_form, definition


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
