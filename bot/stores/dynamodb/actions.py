"""What a write to the table is made of: Put, Update and Delete, each with the condition that it depends on."""

from collections.abc import Mapping
from typing import Any

from bot.stores.dynamodb.items import Item, Key

Action = dict[str, Any]
IS_NEW = "attribute_not_exists(pk)"
IS_THERE = "attribute_exists(pk)"


def put(item: Item, condition: str = "", **values: Any) -> Action:
    """Return what replaces a whole item. A condition's `:name` is the value of that name."""
    return {"Put": {"Item": item, **_where(condition, values)}}


def update(key: Key, change: str, condition: str = "", **values: Any) -> Action:
    """Return what changes some attributes of an item, and makes it where it is not there."""
    return {"Update": {"Key": key, "UpdateExpression": change, **_where(condition, values)}}


def assign(key: Key, attributes: Mapping[str, Any], condition: str, **values: Any) -> Action:
    """Return what gives an item these attributes, without those that are None, and leaves its others as they are."""
    given = {name: value for name, value in attributes.items() if value is not None}
    changes = ["SET " + ", ".join(f"{name} = :{name}" for name in given)] if given else []
    if gone := sorted(attributes.keys() - given.keys()):
        changes.append("REMOVE " + ", ".join(gone))
    return update(key, " ".join(changes), condition, **given, **values)


def delete(key: Key, condition: str = "", **values: Any) -> Action:
    """Return what deletes an item where it is there."""
    return {"Delete": {"Key": key, **_where(condition, values)}}


def _where(condition: str, values: Mapping[str, Any]) -> Action:
    where: Action = {"ConditionExpression": condition} if condition else {}
    if values:
        where["ExpressionAttributeValues"] = {f":{name}": value for name, value in values.items()}
    return where
