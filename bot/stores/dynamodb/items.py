"""Items of the table: their keys; requests, entries and cards as items, and back; and what a write of them is made of.

A write is made of Puts, Updates and Deletes, each with the condition that it depends on.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import uuid4

from ulid import ULID

from bot.audit import Entry, subjects_of
from bot.limits import Window
from bot.ports import LiveMessage, MessageKind
from bot.request import Request
from bot.stores import documents
from bot.stores.documents import (
    CARD,
    TALLY,
    UNDELIVERED,
    Stored,
    Values,
    message_id,
    text,
    values_of_card,
    values_of_entry,
    values_of_request,
    values_of_window,
)

Item = dict[str, Any]
Key = Mapping[str, str]
ItemKind = Literal["request", "log", "history", "account", "list", "window", "lease", "tally"]
Write = dict[str, Any]

IS_NEW = "attribute_not_exists(pk)"
IS_THERE = "attribute_exists(pk)"
PLACE = "place"  # what the index has under this is a card that waits for nothing else than its place to be forgotten

META: Key = {"pk": "meta", "sk": "meta"}
EXPIRES = "expires"  # when DynamoDB may sweep an item away, in seconds since 1970; no rule looks at it
LONGEST_KEY = 1024  # bytes
KEPT_FOR = timedelta(days=1)  # a window, which tells of an hour, and what is told of a tally


def make_key(kind: ItemKind, name: str, sort: str = "") -> Key:
    """Return the key of an item, as the table in table.py lists them; without a `sort` key, its kind is that too."""
    return {"pk": f"{kind}#{name}", "sk": sort or kind}


def portion_key(list_id: str, number: int) -> Key:
    """Return the key of a portion of a list."""
    return make_key("list", list_id, f"portion#{number:06}")


def entry_key(entry_id: str) -> Key:
    """Return the key of an entry, made from its id."""
    return make_key("log", month_of(entry_id), entry_id)


def history_keys(entry: Entry) -> Sequence[Key]:
    """Return the keys of what says by which subjects the history finds an entry."""
    keys = [make_key("history", subject, entry.id) for subject in subjects_of(entry)]
    return [each for each in keys if fits(each)]


def item_of_told(tally_id: str, count: int, now: datetime) -> Item:
    """Return that entries tell of so many of a tally's refusals. No one grows a tally for a day."""
    return {**make_key("tally", tally_id, "told"), "told": count, EXPIRES: int((now + KEPT_FOR).timestamp())}


def month_of(entry_id: str) -> str:
    """Return the month in which an id was made."""
    return month_at(ULID.from_str(entry_id).datetime)


def month_at(time: datetime) -> str:
    """Return the month of a time, such as 2026-11."""
    return time.astimezone(UTC).strftime("%Y-%m")


def key_of(item: Item) -> Key:
    """Return the key of an item."""
    return {name: item[name] for name in ("pk", "sk")}


def fits(key: Key) -> bool:
    """Return whether DynamoDB takes such a key: people can ask for any text."""
    return all(0 < len(part.encode(errors="replace")) <= LONGEST_KEY for part in key.values())


def item_of_request(request: Request) -> Item:
    """Return a request as an item, in the index while something is to be done about it."""
    return {**make_key("request", request.id), **_attributes(values_of_request(request))}


def item_of_entry(entry: Entry) -> Item:
    """Return an entry as an item, in the index while it waits for delivery: its `next_at` is the index's own key."""
    values = values_of_entry(entry)
    next_at, refused = values.pop("next_at"), values.pop("refused")
    due = {"due": UNDELIVERED[refused], "due_at": next_at} if next_at else {}
    return {**entry_key(entry.id), **_attributes(values), **due}


def item_of_tally(tally: Entry) -> Item:
    """Return a tally as an item, in the index by the time at which it was begun."""
    return {**item_of_entry(tally), **make_key("tally", tally.id), "due": TALLY, "due_at": text(tally.at)}


def stored(item: Item) -> Stored:
    """Return what an item holds as documents.py reads it. Only the index knows when it is due."""
    due, at = item.get("due"), item.get("due_at")
    next_at, due_at = (at if due in UNDELIVERED.values() else None), (at if due == CARD else None)
    id_ = message_id(item["pk"].partition("#")[2], item["sk"])
    return {**item, "id": id_, "next_at": next_at, "due_at": due_at}


def attributes_of_card(card: LiveMessage) -> Values:
    """Return the attributes of a card's item, without its key, with a new `write_id`; None for those to remove.

    It is due to be shown or, after that, once its place is to be forgotten.
    """
    values = values_of_card(card)
    del values["id"]
    due, due_at = (CARD, values["due_at"]) if card.due_at else (PLACE, values["place_until"])
    return {**values, "due": due if due_at else None, "due_at": due_at, "write_id": str(uuid4())}


def item_of_card(card: LiveMessage) -> Item:
    """Return a new card as an item. Its shape is that of its request: a bot that cannot read the one has no card."""
    where = make_key("request", card.request_id, card.kind)
    return {**where, **_attributes(attributes_of_card(card)), "shape": documents.SHAPE}


def card_moved(card: LiveMessage) -> Write:
    """Return what a move does to a message. Its holder stays, and so does its place, unless the move gives another."""
    new = attributes_of_card(card)
    kept = {"failures", "held_by", "ts"} | (set() if card.place else {"response_url", "place_until", "replaces"})
    change = {name: value for name, value in new.items() if name not in kept}
    is_there = IS_THERE if card.kind is MessageKind.CARD else ""  # the others come with a later move
    return assign(make_key("request", card.request_id, card.kind), {**change, "shape": documents.SHAPE}, is_there)


def window_counted(window: Window) -> Write:
    """Return what writes a window over the version that was read."""
    latest = max([*window.accounts.values(), *([window.told_at] if window.told_at else [])])
    values = values_of_window(window)
    item = {**make_key("window", values.pop("key")), **values, EXPIRES: int((latest + KEPT_FOR).timestamp())}
    return put(item, "version = :before", before=window.version) if window.version else put(item, IS_NEW)


def put(item: Mapping[str, Any], condition: str = "", **values: Any) -> Write:
    """Return what replaces a whole item. A condition's `:name` is the value of that name."""
    return {"Put": {"Item": item, **_where(condition, values)}}


def update(key: Key, change: str, condition: str = "", **values: Any) -> Write:
    """Return what changes some attributes of an item, and makes it where it is not there."""
    return {"Update": {"Key": key, "UpdateExpression": change, **_where(condition, values)}}


def assign(key: Key, attributes: Mapping[str, Any], condition: str, **values: Any) -> Write:
    """Return what gives an item these attributes, without those that are None, and leaves its others as they are."""
    given = {name: value for name, value in attributes.items() if value is not None}
    changes = ["SET " + ", ".join(f"{name} = :{name}" for name in given)] if given else []
    if gone := sorted(attributes.keys() - given.keys()):
        changes.append("REMOVE " + ", ".join(gone))
    return update(key, " ".join(changes), condition, **given, **values)


def delete(key: Key, condition: str = "", **values: Any) -> Write:
    """Return what deletes an item where it is there."""
    return {"Delete": {"Key": key, **_where(condition, values)}}


def _attributes(values: Values) -> Item:
    """Return values as attributes: without the id, which is in the key, and what is None."""
    return {name: value for name, value in values.items() if value is not None and name != "id"}


def _where(condition: str, values: Mapping[str, Any]) -> Write:
    where: Write = {"ConditionExpression": condition} if condition else {}
    if values:
        where["ExpressionAttributeValues"] = {f":{name}": value for name, value in values.items()}
    return where
