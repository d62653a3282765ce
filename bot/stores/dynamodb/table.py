"""The DynamoDB table: its keys, its one index, and what an instance may do with it. One definition for every use.

| pk | sk | holds |
|---|---|---|
| `request#ID` | `request` | a request as it is now |
| `request#ID` | `card` | where its card is, and which version of it is to be shown: `due` says `card`, later `place` |
| `log#YYYY-MM` | entry id | an audit entry, in the month of its id: the log is read in time order without an index |
| `account#POOL_ID#USERNAME` | `account` | which request last signed this account out |
| `tally#ENTRY_ID` | `tally` | refusals of one operator that are still counted, until they become that entry |
| `meta` | `meta` | the table's schema, and the months that have a log |

What something is still to be done about is in the index, and nothing else: `due` says what, `due_at` from when on.

Instances of two versions may use the table at once. A request and an entry have a shape (documents.py), and a card has
that of its request; a bot leaves what has a shape that it does not know as it is. Of a card each write changes single
attributes: a later version may add some, and keeps the meaning of these.
"""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bot.errors import StoreError, StoreUnavailableError
from bot.stores.dynamodb.items import EXPIRES

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import (
        PointInTimeRecoverySpecificationTypeDef,
        TableDescriptionTypeDef,
        TimeToLiveSpecificationTypeDef,
    )

NOT_THERE = "ResourceNotFoundException"
INDEX = "due"
# What an instance does with the table, and with its index (only Query). Transactions need no more than these.
ACTIONS = (
    "dynamodb:DescribeTable",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:DeleteItem",
    "dynamodb:Query",
)
INDEX_ACTIONS = ("dynamodb:Query",)

_KEYS: Sequence[Mapping[str, str]] = (
    {"AttributeName": "pk", "KeyType": "HASH"},
    {"AttributeName": "sk", "KeyType": "RANGE"},
)
_INDEX_KEYS: Sequence[Mapping[str, str]] = (
    {"AttributeName": "due", "KeyType": "HASH"},
    {"AttributeName": "due_at", "KeyType": "RANGE"},
)
TIME_TO_LIVE: "TimeToLiveSpecificationTypeDef" = {"AttributeName": EXPIRES, "Enabled": True}
RECOVERY: "PointInTimeRecoverySpecificationTypeDef" = {"PointInTimeRecoveryEnabled": True}


def definition(name: str) -> dict[str, Any]:
    """Return the table as CreateTable takes it, and CloudFormation too."""
    return {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": key["AttributeName"], "AttributeType": "S"} for key in (*_KEYS, *_INDEX_KEYS)
        ],
        "KeySchema": list(_KEYS),
        "GlobalSecondaryIndexes": [
            {"IndexName": INDEX, "KeySchema": list(_INDEX_KEYS), "Projection": {"ProjectionType": "ALL"}}
        ],
        "DeletionProtectionEnabled": True,
    }


def cloud_formation(name: str) -> str:
    """Return a CloudFormation template of the table. Deleting the stack leaves the table."""
    properties = definition(name) | {
        "TimeToLiveSpecification": TIME_TO_LIVE,
        "PointInTimeRecoverySpecification": RECOVERY,
    }
    table = {
        "Type": "AWS::DynamoDB::Table",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": properties,
    }
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "The store of signout-bot",
        "Resources": {"SignOutTable": table},
    }
    return json.dumps(template, indent=2)


def check_form(name: str, found: "TableDescriptionTypeDef") -> None:
    """Raise `StoreError` for a table of another form, and `StoreUnavailableError` for one that is not ready yet."""
    indexes = {index.get("IndexName"): index for index in found.get("GlobalSecondaryIndexes", [])}
    index = indexes.get(INDEX, {})
    if found.get("TableStatus") not in {"ACTIVE", "UPDATING"}:
        raise StoreUnavailableError(f"the table {name} is {str(found.get('TableStatus')).lower()}")
    if _keys(found.get("KeySchema")) != _keys(_KEYS) or (index and _keys(index.get("KeySchema")) != _keys(_INDEX_KEYS)):
        raise StoreError(f"The table {name} was made for something else: its keys are others. Give another name.")
    if not index or index.get("Projection", {}).get("ProjectionType") != "ALL":
        raise StoreError(
            f"The table {name} lacks the index {INDEX} over all attributes."
            " `python -m bot table` prints how it must be."
        )
    if index.get("IndexStatus") not in {"ACTIVE", "UPDATING"}:
        raise StoreUnavailableError(f"the index of the table {name} is {str(index.get('IndexStatus')).lower()}")


def _keys(schema: Any) -> set[frozenset[Any]]:
    return {frozenset(key.items()) for key in schema or ()}
