"""The DynamoDB table: its keys, its one index, and what an instance may do with it. One definition for every use.

| pk | sk | holds |
|---|---|---|
| `request#ID` | `request` | a request as it is now |
| `request#ID` | `card` | where its card is, and which version of it is to be shown: `due` says `card`, later `place` |
| `request#ID` | `approval`, `progress` | the same of the messages beside the card |
| `log#YYYY-MM` | entry id | an audit entry, in the month of its id: the log is read in time order without an index |
| `history#SUBJECT` | entry id | nothing: the history finds that entry by this subject (`bot.audit.subjects_of`) |
| `account#POOL_ID#USERNAME` | `account` | which request last signed this account out |
| `list#ID` | `portion#NUMBER` | some accounts of a list |
| `window#KEY` | `window` | the accounts of the last hour that a limit counts, for a day |
| `lease#KEY` | `lease` | who runs the lists of an AWS account and region, and until when |
| `tally#ID` | `tally` | refusals of one operator that are still counted, until they become an entry |
| `tally#ID` | `told` | how many of them entries tell of, for a day |
| `meta` | `meta` | the table's schema, and the months that have a log |

What something is still to be done about is in the index, and nothing else: `due` says what, `due_at` from when on.

Instances of two versions may use the table at once. A request and an entry have a shape (documents.py), and a card has
that of its request; a bot leaves what has a shape that it does not know as it is. Of a card each write changes single
attributes: a later version may add some, and keeps the meaning of these.
"""

import json
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
_ACTIONS = ("DescribeTable", "GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query")
ACTIONS = tuple(f"dynamodb:{each}" for each in _ACTIONS)
INDEX_ACTIONS = ("dynamodb:Query",)

_KEYS, _INDEX_KEYS = ("pk", "sk"), ("due", "due_at")  # each a hash key and a range key
TIME_TO_LIVE: "TimeToLiveSpecificationTypeDef" = {"AttributeName": EXPIRES, "Enabled": True}
RECOVERY: "PointInTimeRecoverySpecificationTypeDef" = {"PointInTimeRecoveryEnabled": True}


def definition(name: str) -> dict[str, Any]:
    """Return the table as CreateTable takes it, and CloudFormation too."""
    return {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in (*_KEYS, *_INDEX_KEYS)],
        "KeySchema": _schema_of(_KEYS),
        "GlobalSecondaryIndexes": [
            {"IndexName": INDEX, "KeySchema": _schema_of(_INDEX_KEYS), "Projection": {"ProjectionType": "ALL"}}
        ],
        "DeletionProtectionEnabled": True,
    }


def cloud_formation(name: str) -> str:
    """Return a CloudFormation template of the table. Deleting the stack leaves the table."""
    table = {
        "Type": "AWS::DynamoDB::Table",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": {
            **definition(name),
            "TimeToLiveSpecification": TIME_TO_LIVE,
            "PointInTimeRecoverySpecification": RECOVERY,
        },
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
    has_our_keys = found.get("KeySchema") == _schema_of(_KEYS)
    if not has_our_keys or (index and index.get("KeySchema") != _schema_of(_INDEX_KEYS)):
        raise StoreError(f"The table {name} was made for something else: its keys are others. Give another name.")
    if not index or index.get("Projection", {}).get("ProjectionType") != "ALL":
        hint = "`python -m bot table` prints how it must be."
        raise StoreError(f"The table {name} lacks the index {INDEX} over all attributes.", hint)
    if index.get("IndexStatus") not in {"ACTIVE", "UPDATING"}:
        raise StoreUnavailableError(f"the index of the table {name} is {str(index.get('IndexStatus')).lower()}")


def _schema_of(keys: tuple[str, str]) -> list[dict[str, str]]:
    """Return keys as DynamoDB takes and gives them: always the hash key first."""
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(keys, ("HASH", "RANGE"), strict=True)]
