"""Requests and entries as JSON documents, and back: the same in every store.

A document says in `shape` which fields it has. Requests are written again with each move; entries never are, so the
table here knows each shape that was ever stored. A request that is part of an entry has the entry's shape.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import from_json

from bot.action import ACTIONS, Step
from bot.audit import Entry
from bot.request import AWAITING, Account, Request, State

Document = dict[str, Any]

SHAPE = 1  # what is written
_REQUEST = TypeAdapter(Request)
_ENTRY = TypeAdapter(Entry)


@dataclass(frozen=True, slots=True)
class Shape:
    """How documents of one shape become documents of the present one."""

    request: Callable[[Document], Document]
    entry: Callable[[Document], Document]


def _as_it_is(document: Document) -> Document:
    return document


SHAPES: Mapping[int, Shape] = {1: Shape(request=_as_it_is, entry=_as_it_is)}


def json_of_request(request: Request) -> str:
    """Return a request as it is stored."""
    return f'{{"shape":{SHAPE},{_REQUEST.dump_json(request)[1:].decode()}'


def request_of_json(stored: str) -> Request:
    """Return a stored request. Raises `ValueError` or `LookupError` for one that cannot be read."""
    document = from_json(stored)
    return _REQUEST.validate_python(SHAPES[document["shape"]].request(document))


def json_of_entry(entry: Entry) -> str:
    """Return an entry as it is stored, without its delivery, which is kept beside it since it changes."""
    return f'{{"shape":{SHAPE},{_ENTRY.dump_json(entry, exclude={"delivery"})[1:].decode()}'


def entry_of_json(stored: str, delivery: Mapping[str, Any]) -> Entry:
    """Return a stored entry with its delivery: the fields of `Delivery` by name, times as `text` gives them.

    Raises `ValueError` or `LookupError` for one that cannot be read.
    """
    document = from_json(stored)
    return _ENTRY.validate_python(SHAPES[document["shape"]].entry(document) | {"delivery": delivery})


def text(time: datetime) -> str:
    """Return a time as stored: UTC, to the microsecond, of fixed width, so that texts sort as their times do."""
    return time.astimezone(UTC).isoformat(timespec="microseconds")


def text_or_none(time: datetime | None) -> str | None:
    """Return a time as stored, or None."""
    return None if time is None else text(time)


def time_or_none(stored: str | None) -> datetime | None:
    """Return a stored time, or None."""
    return None if stored is None else datetime.fromisoformat(stored)


def account_key(account: Account) -> str:
    """Return the key of an account. A pool's id has no `#` in it."""
    return f"{account.pool_id}#{account.username}"


def operator_key(team_id: str, operator_id: str) -> str:
    """Return the key of an operator. A team's id has no `#` in it."""
    return f"{team_id}#{operator_id}"


def signed_out(request: Request) -> Account | None:
    """Return the account that a request signed out, or None."""
    steps = ACTIONS[request.ask.options.action].steps
    return request.chosen if request.state is State.DONE and Step.SIGN_OUT in steps else None


def due(request: Request) -> tuple[str, str] | None:
    """Return as what a request is due, and when, as `text` gives it; None for one that has ended."""
    if request.state in AWAITING:
        return "awaiting", text(request.expires_at)
    if request.state is State.READY and request.decided_at:
        return "ready", text(request.decided_at)
    if request.state is State.RUNNING and request.claim:
        return "running", text(request.claim.until)
    return None
