"""Make the DynamoDB table that table.py defines, wait until it can be used, and switch on what protects it."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from bot.errors import StoreError, StoreUnavailableError
from bot.stores.dynamodb.calls import Calls
from bot.stores.dynamodb.table import RECOVERY, TIME_TO_LIVE, check_form, definition

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient

WAIT_SECONDS = 600
LOOK_EVERY_SECONDS = 2.0
_NOT_YET = "ContinuousBackupsUnavailableException"  # for some time after a table was made


@dataclass(frozen=True, slots=True)
class TableProtection:
    """What protects a table. `without` says what happens where it is off. Its two calls raise what boto3 does."""

    name: str
    without: str
    action: str  # what IAM calls the question whether it is on
    is_on: "Callable[[DynamoDBClient, str], bool]"
    switch_on: "Callable[[DynamoDBClient, str], object]"


def _is_recoverable(client: "DynamoDBClient", table: str) -> bool:
    found = client.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    return found.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") == "ENABLED"


def _is_swept(client: "DynamoDBClient", table: str) -> bool:
    found = client.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    by_it = found.get("AttributeName") == TIME_TO_LIVE["AttributeName"]
    return by_it and found.get("TimeToLiveStatus") in {"ENABLED", "ENABLING"}


PROTECTIONS: Sequence[TableProtection] = (
    TableProtection(
        "point-in-time recovery",
        "what is lost or overwritten in the table cannot be restored",
        "dynamodb:DescribeContinuousBackups",
        _is_recoverable,
        lambda client, table: client.update_continuous_backups(
            TableName=table, PointInTimeRecoverySpecification=RECOVERY
        ),
    ),
    TableProtection(
        "time to live",
        "small items that nothing needs any more stay in the table",
        "dynamodb:DescribeTimeToLive",
        _is_swept,
        lambda client, table: (
            _is_swept(client, table)  # DynamoDB refuses a second time
            or client.update_time_to_live(TableName=table, TimeToLiveSpecification=TIME_TO_LIVE)
        ),
    ),
)
CHECK_ACTIONS = tuple(each.action for each in PROTECTIONS)  # what `check` needs. The bot itself does without


def create(name: str, say: Callable[[str], None]) -> None:
    """Make the table, or what is still missing of it; `say` is told each step. Raises `StoreError`, `AwsSetupError`."""
    with closing(Calls(name)) as calls:
        calls.ask()
        _make(calls, say)
        _wait(calls, say)
        _protect(calls)
    say(f"The table {name} is ready: SIGNOUT_STORE=dynamodb://{name}")


def _make(calls: Calls, say: Callable[[str], None]) -> None:
    try:
        calls.client().create_table(**definition(calls.table))
        say(f"The table {calls.table} is being made")
    except calls.client().exceptions.ResourceInUseException:
        say(f"The table {calls.table} is there already")
    except ClientError as error:
        raise StoreError(f"The table {calls.table} could not be made: {error}.") from None
    except BotoCoreError as error:
        hint = "Run this again: it goes on with what is there."
        raise StoreError(f"CreateTable of {calls.table} got no answer: {str(error).rstrip('.')}.", hint) from None


def _wait(calls: Calls, say: Callable[[str], None]) -> None:
    end = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            return check_form(calls.table, calls.describe())
        except StoreUnavailableError as error:
            if time.monotonic() > end:
                raise StoreError(f"Giving up: {error.reason}. Run this again.") from None
            say(f"Waiting: {error.reason}")
        time.sleep(LOOK_EVERY_SECONDS)


def _protect(calls: Calls) -> None:
    """Switch on what protects it, each whether or not another could be."""
    faults = [fault for fault in (_switch_on(calls, each) for each in PROTECTIONS) if fault]
    if faults:
        hint = "Allow that, and run this again."
        raise StoreError(f"The table {calls.table} is there and can be used, but {'; '.join(faults)}.", hint)


def _switch_on(calls: Calls, protection: TableProtection) -> str | None:
    """Return why it could not be switched on; None where it was."""
    end = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            protection.switch_on(calls.client(), calls.table)
        except (ClientError, BotoCoreError) as error:
            code = error.response["Error"].get("Code") if isinstance(error, ClientError) else None
            if code != _NOT_YET or time.monotonic() > end:
                return f"its {protection.name} could not be switched on: {str(error).rstrip('.')}"
        else:
            return None
        time.sleep(LOOK_EVERY_SECONDS)
