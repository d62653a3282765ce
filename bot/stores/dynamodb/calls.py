"""Calls to DynamoDB: each tried again for a few seconds, and what is known once that did not help."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError

from bot.errors import AwsSetupError, StoreError, StoreUnavailableError
from bot.facts.aws_session import AwsSession, bounded
from bot.facts.clock import CheckedClock, date_of
from bot.facts.leaving import Departure, TooLateError, leaving, within

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient

# No attempt leaves later than this after the first began. AWS completes a transaction that it calls "in progress" when
# it is sent again more than 5 s after it was sent first.
KEEP_TRYING_SECONDS = 6.0
LONGEST_PAUSE_SECONDS = 1.0
CONNECTIONS = 150  # more than the bot has threads
CONNECT_SECONDS, READ_SECONDS = 1, 2
CONFIG = bounded(connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, max_pool_connections=CONNECTIONS)
_READS = frozenset({"get_item", "query", "describe_table"})

# Reasons why a whole write was refused, or one action of a transaction.
_CONDITION = frozenset({"ConditionalCheckFailed", "ConditionalCheckFailedException"})
_UNDER_WAY = "TransactionInProgressException"  # an earlier attempt with this token has not ended
_NOT_NOW = frozenset(
    {
        "ThrottlingException",
        "ThrottlingError",
        "ProvisionedThroughputExceededException",
        "ProvisionedThroughputExceeded",
        "RequestLimitExceeded",
        "TransactionConflict",
        "TransactionConflictException",
        _UNDER_WAY,
    }
)
_SERVER_ERROR, _REQUEST_TIMEOUT = 500, 408

Values = dict[str, Any]


@dataclass(eq=False)
class ConditionError(Exception):
    """A condition did not hold, so nothing was written. `failed` tells for each action whether it was its condition.

    `in_doubt`: an earlier attempt got no answer. It may have done this very write, and the condition fails for that.
    """

    failed: Sequence[bool]
    in_doubt: bool


@dataclass(frozen=True, slots=True)
class _Trouble:
    """What a failed attempt means. The reason is a code: a whole message may quote what was to be written.

    `refused` tells for each action whether its condition failed; it is empty where no condition did.
    """

    reason: str
    again: bool
    doubt: bool
    refused: Sequence[bool] = ()


class Calls:
    """Calls on one table. Region, credentials and endpoint come from the environment, as boto3 reads them.

    Each raises `StoreUnavailableError` once trying again for a few seconds did not help, or at once where it cannot;
    `StoreError` where the environment names no region. `clock` is compared with each answer, and `on_refusal` called
    for each write whose condition did not hold. Safe to use from many threads.
    """

    def __init__(self, table: str, clock: CheckedClock | None = None) -> None:
        self.table = table
        self.on_refusal: Callable[[], object] = lambda: None
        self._clock = clock
        self._lock = threading.Lock()
        self._session: AwsSession | None = None
        self.server_time: datetime | None = None  # the time by DynamoDB's last answer, in whole seconds
        self._client: DynamoDBClient | None = None

    def ask(self) -> None:
        """Get credentials, before any call. Raises `AwsSetupError` where there are none."""
        self.client()
        if self._session:
            self._session.ask()

    def write(self, actions: Sequence[Values]) -> None:
        """Do 1 to 100 Puts, Updates and Deletes of different items, once, all or nothing. Raises `ConditionError`."""
        named = [{kind: {"TableName": self.table, **what} for kind, what in action.items()} for action in actions]
        token = str(uuid4())  # by it DynamoDB knows a write that is sent again because its answer was lost
        self._call("transact_write_items", TransactItems=named, ClientRequestToken=token)

    def write_one(self, action: Values) -> None:
        """Do one Put, Update or Delete, at half the price. Raises `ConditionError`, which may be `in_doubt`."""
        ((kind, what),) = action.items()
        self._call(f"{kind.lower()}_item", TableName=self.table, **what)

    def get(self, key: Mapping[str, str]) -> Values | None:
        """Return an item as it is now, or None."""
        found: Values | None = self._call("get_item", TableName=self.table, Key=key, ConsistentRead=True).get("Item")
        return found

    def query(self, **parameters: Any) -> Iterator[Values]:
        """Give the items of a Query, page by page."""
        while True:
            page: Values = self._call("query", TableName=self.table, **parameters)
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            parameters["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def describe(self) -> Any:
        """Return what DynamoDB says about the table itself."""
        return self._call("describe_table", TableName=self.table)["Table"]

    def client(self) -> "DynamoDBClient":
        """Return the client, which takes and gives plain Python values. Raises `AwsSetupError`, as do its calls."""
        with self._lock:
            if self._client is None:
                self._session = AwsSession(CONFIG, clock=self._clock)
                self._client = _build(self._session)
            return self._client

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            if self._client:
                self._client.close()

    def _call(self, name: str, **parameters: Any) -> Any:
        doubt, pause, left, trouble = False, 0.05, within(KEEP_TRYING_SECONDS), None
        while True:
            departure = Departure(left)
            try:
                with leaving(departure):
                    answer = _certain(getattr(self.client(), name)(**parameters))
                    self.server_time = date_of(answer["ResponseMetadata"]["HTTPHeaders"])
                    return answer
            except (AwsSetupError, ClientError, BotoCoreError, TooLateError, NotDynamoDBError) as error:
                late = trouble if isinstance(error, TooLateError) else None  # the try before says more
                trouble = replace(late, again=False, doubt=False) if late else _trouble(error)
            if trouble.refused:
                self.on_refusal()
                raise ConditionError(trouble.refused, in_doubt=doubt)
            doubt = doubt or (trouble.doubt and departure.sent and name not in _READS)
            if not trouble.again or left() < pause:
                # None of botocore's own words: they may quote a response_url.
                operation = name.title().replace("_", "")  # as IAM and AWS's documentation call it
                raise StoreUnavailableError(f"{operation}: {trouble.reason}", in_doubt=doubt)
            time.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


def _build(session: AwsSession) -> "DynamoDBClient":
    try:
        with session.explaining():
            aws = boto3.Session(botocore_session=session)
            return aws.resource("dynamodb").meta.client
    except exceptions.NoRegionError:
        raise StoreError("The DynamoDB store needs a region: set AWS_DEFAULT_REGION, or AWS_PROFILE.") from None


class NotDynamoDBError(Exception):
    """A yes that is not DynamoDB's own, for instance a proxy's page: its own answers carry its request id."""


def _certain(answer: Any) -> Any:
    if not answer["ResponseMetadata"].get("RequestId"):
        raise NotDynamoDBError
    return answer


def _trouble(error: Exception) -> _Trouble:
    """Return what a failed attempt means, if it was sent."""
    if isinstance(error, AwsSetupError):
        return _Trouble(str(error).rstrip("."), again=error.may_pass, doubt=False)
    if not isinstance(error, ClientError):
        return _Trouble(type(error).__name__, again=not isinstance(error, exceptions.ParamValidationError), doubt=True)
    code, metadata = str(error.response["Error"].get("Code")), error.response["ResponseMetadata"]
    status = metadata["HTTPStatusCode"]
    if not metadata.get("RequestId") or status == _REQUEST_TIMEOUT or status >= _SERVER_ERROR:
        return _Trouble(code, again=True, doubt=True)
    codes = [each.get("Code", "None") for each in error.response.get("CancellationReasons", [{"Code": code}])]
    reasons = {each for each in codes if each != "None"}
    refused = [each in _CONDITION for each in codes] if reasons & _CONDITION else ()
    again = bool(reasons) and reasons <= _NOT_NOW
    return _Trouble(", ".join(sorted(reasons)), again=again, doubt=code == _UNDER_WAY, refused=refused)
