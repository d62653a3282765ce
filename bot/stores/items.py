"""Requests and audit entries as items of the table, and back: JSON, and beside it what the table is asked for."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ulid import ULID

from bot.audit import AuditEntry
from bot.request import MOVES, Account, SignOutRequest, State
from bot.stores.rows import entry_of_row, json_of_request, request_of_json, row_of_entry, text

Item = dict[str, Any]
Key = Mapping[str, str]

# What is due, as the index has it.
AWAITING, CLAIMED, URL_KEPT, UNDELIVERED = "awaiting", "claimed", "url_kept", "undelivered"

META: Key = {"pk": "meta", "sk": "meta"}
LONGEST_KEY = 1024  # bytes


def request_key(request_id: str) -> Key:
    """Return the key of a request."""
    return {"pk": f"request#{request_id}", "sk": "request"}


def entry_key(entry_id: str) -> Key:
    """Return the key of an entry, which its id alone tells."""
    return {"pk": log_of(month_of(entry_id)), "sk": entry_id}


def account_key(account: Account) -> Key:
    """Return the key of what is known of an account. A pool's id has no `#` in it."""
    return {"pk": f"account#{account.pool_id}#{account.username}", "sk": "account"}


def refusals_key(team_id: str, operator_id: str) -> Key:
    """Return the key of what is known of an operator's refusals."""
    return {"pk": f"refusals#{team_id}#{operator_id}", "sk": "refusals"}


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
    """Return whether there can be such a key at all: what is asked for may be anybody's text."""
    return all(0 < len(part.encode(errors="replace")) <= LONGEST_KEY for part in key.values())


def epoch(time: datetime) -> int:
    """Return a time as DynamoDB's broom takes it."""
    return int(time.timestamp())


def item_of_request(request: SignOutRequest) -> Item:
    """Return a request as an item, in the index while something is to be done about it."""
    apart = {"version": request.version, "state": request.state, "response_url": request.response_url}
    return {
        **request_key(request.id),
        **_without_nothing(apart),
        **_due(request),
        "request": json_of_request(request),
    }


def request_of_item(item: Item) -> SignOutRequest:
    """Return the request that an item holds."""
    return request_of_json(item["request"], item.get("response_url"))


def item_of_entry(entry: AuditEntry) -> Item:
    """Return an entry as an item. Its `next_at` is the index's own key."""
    row = row_of_entry(entry)
    next_at = row.pop("next_at")
    due = {"due": UNDELIVERED, "due_at": next_at} if next_at else {}
    return {**entry_key(entry.id), **_without_nothing(row), **due}


def entry_of_item(item: Item) -> AuditEntry:
    """Return the entry that an item holds."""
    return entry_of_row({"delivered_at": None, "ts": None, **item, "next_at": item.get("due_at")})


def has_ended(request: SignOutRequest) -> bool:
    """Return whether no move leads on."""
    return not MOVES[request.state]


def _due(request: SignOutRequest) -> Item:
    if request.state.awaits_operator:
        due, due_at = AWAITING, text(request.expires_at)
    elif request.state is State.SIGNING_OUT:
        due, due_at = CLAIMED, text(request.lease_until)
    else:
        due, due_at = URL_KEPT, text(request.claimed_at or request.created_at) if request.response_url else None
    return {"due": due, "due_at": due_at} if due_at else {}


def _without_nothing(row: Item) -> Item:
    return {name: value for name, value in row.items() if value is not None}
