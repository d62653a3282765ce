"""A DynamoDB that counts requests, and the read and write units that AWS bills on demand for them.

By AWS's rules: a write costs a unit for each KB of the item, the larger of before and after, twice that within a
transaction; and as much again in the index for what enters it, leaves it or changes there (twice where a key of the
index changes). A read costs a unit for each 4 KB, half of it where it need not be consistent. No call costs nothing.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from math import ceil
from typing import Any

from dynamodb import DynamoDB
from moto.core.models import DEFAULT_ACCOUNT_ID as ACCOUNT
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

Item = dict[str, Any]
WRITES = ("Put", "Update", "Delete")
KB = 1024


@dataclass
class Units:
    """What some calls came to."""

    requests: int = 0
    read: float = 0
    write: float = 0


class MeteredDynamoDB(DynamoDB):
    """Its `units` grow with each call."""

    def __init__(self) -> None:
        self.units = Units()
        super().__init__()

    @contextmanager
    def metered(self) -> Iterator[Units]:
        """Count what is called inside, in what this gives."""
        self.units = Units()
        try:
            yield self.units
        finally:
            self.units = Units()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Serve one call, as WSGI."""
        action = environ["HTTP_X_AMZ_TARGET"].partition(".")[2]
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        environ["wsgi.input"] = BytesIO(body)
        parameters, units = json.loads(body), self.units
        before = [_stored(*each) for each in _written(action, parameters)]
        answer = b"".join(super().__call__(environ, start_response))
        after = [_stored(*each) for each in _written(action, parameters)]
        units.requests += 1
        twice = 2 if action.startswith("Transact") else 1
        for was, now in zip(before, after, strict=True):
            units.write += twice * max(_kilobytes(was), _kilobytes(now)) + _of_index(was, now)
        units.read += _of_read(action, parameters, json.loads(answer))
        return [answer]


def _written(action: str, parameters: Item) -> list[tuple[str, Item]]:
    """The table and the key of each item that a call writes."""
    if action == "TransactWriteItems":
        writes = [what for each in parameters["TransactItems"] for what in each.values()]
    else:
        writes = [parameters] if action in {f"{kind}Item" for kind in WRITES} else []
    keys = [each.get("Key") or {name: each["Item"][name] for name in ("pk", "sk")} for each in writes]
    return [(each["TableName"], key) for each, key in zip(writes, keys, strict=True)]


def _stored(table: str, key: Item) -> Item | None:
    tables: dict[str, Table] = dynamodb_backends[ACCOUNT]["eu-central-1"].tables
    item = tables[table].get_item(DynamoType(key["pk"]), DynamoType(key["sk"]))
    return dict(item.to_json()["Attributes"]) if item else None


def _size(item: Item) -> int:
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: Item) -> int:
    ((kind, held),) = value.items()
    if kind == "N":
        return len(str(held).strip("-0.")) // 2 + 2
    if kind in {"SS", "NS"}:
        return sum(map(len, held))
    return len(held.encode()) if kind == "S" else 1


def _kilobytes(item: Item | None) -> int:
    return ceil(_size(item) / KB) if item else 1


def _of_index(was: Item | None, now: Item | None) -> int:
    """What a write costs in the index."""
    places = [item and {name: item[name] for name in ("due", "due_at") if name in item} for item in (was, now)]
    before, after = (place if place and len(place) == 2 else None for place in places)
    if before and after and before == after:
        return 0 if was == now else max(_kilobytes(was), _kilobytes(now))
    return (_kilobytes(was) if before else 0) + (_kilobytes(now) if after else 0)


def _of_read(action: str, parameters: Item, answer: Item) -> float:
    if action not in {"GetItem", "Query"}:
        return 0
    found = answer.get("Items", [answer.get("Item", {})])
    whole = max(ceil(sum(map(_size, found)) / (4 * KB)), 1)
    return whole if parameters.get("ConsistentRead") else whole / 2
