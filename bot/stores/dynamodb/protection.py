"""What protects a table: that it can be restored, and that DynamoDB sweeps away what has had its time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.stores.dynamodb.table import RECOVERY, TIME_TO_LIVE

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient

# What `check` needs to see them. The bot itself does without.
CHECK_ACTIONS = ("dynamodb:DescribeContinuousBackups", "dynamodb:DescribeTimeToLive")


@dataclass(frozen=True, slots=True)
class Protection:
    """One of them. `without` says what comes of it where it is off. Its two calls raise what boto3 does."""

    name: str
    without: str
    is_on: "Callable[[DynamoDBClient, str], bool]"
    switch_on: "Callable[[DynamoDBClient, str], object]"


def _is_recoverable(client: "DynamoDBClient", table: str) -> bool:
    found = client.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    return found.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") == "ENABLED"


def _make_recoverable(client: "DynamoDBClient", table: str) -> None:
    client.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=RECOVERY)


def _is_swept(client: "DynamoDBClient", table: str) -> bool:
    found = client.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    by_it = found.get("AttributeName") == TIME_TO_LIVE["AttributeName"]
    return by_it and found.get("TimeToLiveStatus") in {"ENABLED", "ENABLING"}


def _have_swept(client: "DynamoDBClient", table: str) -> None:
    if not _is_swept(client, table):  # DynamoDB refuses a second time
        client.update_time_to_live(TableName=table, TimeToLiveSpecification=TIME_TO_LIVE)


PROTECTIONS: Sequence[Protection] = (
    Protection(
        "point-in-time recovery",
        "what is lost or overwritten in the table cannot be restored",
        _is_recoverable,
        _make_recoverable,
    ),
    Protection("time to live", "small items that nothing needs any more stay in the table", _is_swept, _have_swept),
)
