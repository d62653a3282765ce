"""What a write to the table is made of: Put, Update and Delete, each with the condition that it depends on."""

from collections.abc import Mapping
from typing import Any

from bot.stores.items import Item, Key

Action = dict[str, Any]
IS_NEW = "attribute_not_exists(pk)"


def put(item: Item, condition: str, **values: Any) -> Action:
    """Return what replaces a whole item. A condition's `:name` is the value of that name."""
    return {"Put": {"Item": item, "ConditionExpression": condition, **_values(values)}}


def update(key: Key, change: str, condition: str = "", **values: Any) -> Action:
    """Return what changes some attributes of an item, and makes it where it is not there."""
    only = {"ConditionExpression": condition} if condition else {}
    return {"Update": {"Key": key, "UpdateExpression": change, **only, **_values(values)}}


def delete(key: Key, condition: str, **values: Any) -> Action:
    """Return what deletes an item."""
    return {"Delete": {"Key": key, "ConditionExpression": condition, **_values(values)}}


def _values(values: Mapping[str, Any]) -> Action:
    return {"ExpressionAttributeValues": {f":{name}": value for name, value in values.items()}} if values else {}
