"""Keys of items; requests, entries and cards as items: a document, and beside it what the table is asked for."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ulid import ULID

from bot.audit import Entry
from bot.ports import LiveMessage, Place
from bot.request import Account, Request
from bot.stores import documents
from bot.stores.documents import entry_of_json, json_of_entry, json_of_request, text, text_or_none, time_or_none

Item = dict[str, Any]
Key = Mapping[str, str]

# What is due, as the index has it. For requests documents.py says it.
UNDELIVERED, CARD, PLACE = "undelivered", "card", "place"

META: Key = {"pk": "meta", "sk": "meta"}
REFUSALS = "refusals"
LONGEST_KEY = 1024  # bytes


def request_key(request_id: str) -> Key:
    """Return the key of a request."""
    return {"pk": f"request#{request_id}", "sk": "request"}


def card_key(request_id: str) -> Key:
    """Return the key of a request's card."""
    return {"pk": f"request#{request_id}", "sk": "card"}


def entry_key(entry_id: str) -> Key:
    """Return the key of an entry, made from its id."""
    return {"pk": log_of(month_of(entry_id)), "sk": entry_id}


def account_key(account: Account) -> Key:
    """Return the key of what is known of an account."""
    return {"pk": f"account#{documents.account_key(account)}", "sk": "account"}


def refusals_key(team_id: str, operator_id: str) -> Key:
    """Return the key of what is known of an operator's refusals."""
    return {"pk": f"refusals#{team_id}#{operator_id}", "sk": REFUSALS}


def waiting_key(refusal: Entry) -> Key:
    """Return the key of what says that this refusal waits for delivery. Ids of entries sort before `REFUSALS`."""
    operator = refusal.ask.operator
    return {**refusals_key(operator.team_id, operator.id), "sk": refusal.id}


def log_of(month: str) -> str:
    """Return the partition of a month's entries."""
    return f"log#{month}"


def month_of(entry_id: str) -> str:
    """Return the month, such as 2026-11, in which an id was made."""
    return month_at(ULID.from_str(entry_id).datetime)


def month_at(time: datetime) -> str:
    """Return the month of a time."""
    return time.astimezone(UTC).strftime("%Y-%m")


def first_id_at(time: datetime) -> str:
    """Return what sorts before each id of that millisecond and later, and after each of before."""
    return str(ULID.from_datetime(time))[:10]


def key_of(item: Item) -> Key:
    """Return the key of an item."""
    return {name: item[name] for name in ("pk", "sk")}


def fits(key: Key) -> bool:
    """Return whether there can be such a key: what is asked for may be any text."""
    return all(0 < len(part.encode(errors="replace")) <= LONGEST_KEY for part in key.values())


def epoch(time: datetime) -> int:
    """Return a time as DynamoDB's time to live takes it."""
    return int(time.timestamp())


def item_of_request(request: Request) -> Item:
    """Return a request as an item, in the index while something is to be done about it."""
    due = documents.due(request)
    return {
        **request_key(request.id),
        "version": request.version,
        **({"due": due[0], "due_at": due[1]} if due else {}),
        "document": json_of_request(request),
    }


def request_of_item(item: Item) -> Request:
    """Return the request that an item holds. Raises as `documents.request_of_json` does."""
    return documents.request_of_json(item["document"])


def item_of_entry(entry: Entry) -> Item:
    """Return an entry as an item. Its `next_at` is the index's own key."""
    delivery = entry.delivery
    beside = {
        "request_id": entry.ask.id,
        "kind": entry.kind,
        "at": text(entry.at),
        "attempts": delivery.attempts,
        "delivered_at": text_or_none(delivery.delivered_at),
        "ts": delivery.ts,
        **({"due": UNDELIVERED, "due_at": text(delivery.next_at)} if delivery.next_at else {}),
    }
    return {**entry_key(entry.id), **_without_none(beside), "document": json_of_entry(entry)}


def entry_of_item(item: Item) -> Entry:
    """Return the entry that an item holds. Raises as `documents.entry_of_json` does."""
    delivery = {"attempts": int(item["attempts"]), "next_at": item.get("due_at")}
    return entry_of_json(item["document"], delivery | {name: item.get(name) for name in ("delivered_at", "ts")})


def attributes_of_card(card: LiveMessage) -> Item:
    """Return what a card's item holds but its key; None for what it is to be without.

    It is due to be shown or, after that, once its place is to be forgotten.
    """
    place = attributes_of_place(card.place)
    due, due_at = (CARD, text(card.due_at)) if card.due_at else (PLACE, place["place_until"])
    return {
        "version": card.version,
        "due": due if due_at else None,
        "due_at": due_at,
        "failures": card.failures,
        "held_by": card.hold,
        **place,
    }


def attributes_of_place(place: Place | None) -> Item:
    """Return what a card's item holds of its place."""
    return {
        "response_url": place.response_url if place else None,
        "place_until": text(place.until) if place else None,
        "replaces": place.replaces if place else None,
    }


def item_of_card(card: LiveMessage) -> Item:
    """Return a new card as an item. Its shape is that of its request: a bot that cannot read the one has no card."""
    return {**card_key(card.request_id), **_without_none(attributes_of_card(card)), "shape": documents.SHAPE}


def card_of_item(item: Item) -> LiveMessage:
    """Return the card that an item holds. Raises `ValueError` or `LookupError` for one that cannot be read."""
    if item["shape"] not in documents.SHAPES:
        raise LookupError("a newer bot moved its request")
    until = time_or_none(item.get("place_until"))
    return LiveMessage(
        request_id=item["pk"].removeprefix("request#"),
        version=int(item["version"]),
        due_at=time_or_none(item["due_at"]) if item.get("due") == CARD else None,
        place=Place(response_url=item["response_url"], until=until, replaces=item["replaces"]) if until else None,
        failures=int(item["failures"]),
        hold=item.get("held_by"),
    )


def _without_none(attributes: Item) -> Item:
    return {name: value for name, value in attributes.items() if value is not None}
