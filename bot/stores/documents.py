"""Requests, entries and cards as the values that a store keeps, and back: the same in every store.

A request and an entry are JSON documents, each with the few values beside it that queries need. A document says in
`shape` which fields it has. Requests are written again with each move. Entries never are, so each shape that was ever
stored is read. A request that is part of an entry has the entry's shape. Times are as `text` gives them.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import TypeAdapter
from pydantic_core import from_json

from bot.account import Account
from bot.action import Step
from bot.audit import Entry, Kind
from bot.errors import StoreError
from bot.limits import Window
from bot.ports import LiveMessage, MessageKind, Show
from bot.request import AWAITING, ENDED, TERMINAL, Request, State

T = TypeVar("T")
Values = dict[str, Any]
Stored = Mapping[str, Any]  # values by their names, those of a request, of an entry or of a card

SHAPE = 4  # what is written. Each one before it is read as it is: the fields that came later have defaults
# What requests, entries and cards wait as.
UNDELIVERED: Mapping[bool, str] = {False: "undelivered", True: "undelivered refusal"}  # by whether it is a refusal
AWAITED, READY, RUNNING, LIST, TALLY, CARD = "awaiting", "ready", "running", "list", "tally", "card"
BESIDE = {kind: f"/{kind}" for kind in (MessageKind.APPROVAL, MessageKind.PROGRESS)}  # after the id of its request
ID_LENGTH = 26  # of a request's and of an entry's id
DUE_AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)  # a message is due then for everyone, even where clocks differ
_REQUEST = TypeAdapter(Request)
_ENTRY = TypeAdapter(Entry)
_CARD = TypeAdapter(LiveMessage)
_WINDOW = TypeAdapter(Window)
_PORTION = TypeAdapter(list[Account])

log = logging.getLogger(__name__)


def values_of_request(request: Request) -> Values:
    """Return the values of a request: what it is `due` as until it ends, and when; which `account` it signed out."""
    due, due_at = _due(request)
    return {
        "id": request.id,
        "version": request.version,
        "due": due,
        "due_at": text(due_at),
        "account": request.account.key if Step.SIGN_OUT in request.done and request.state is State.DONE else None,
        "ended_at": text(request.ended_at) if request.state in ENDED else None,
        "document": f'{{"shape":{SHAPE},{_REQUEST.dump_json(request)[1:].decode()}',
    }


def _due(request: Request) -> tuple[str | None, datetime | None]:
    """Return what a request is due as, and when. An account of a list is not due: who runs the list knows it."""
    if request.state in AWAITING:
        return AWAITED, request.expires_at
    if request.listed and _wants_work(request):
        return LIST, request.listed.worked_at or request.decided_at
    if request.state is State.READY and not request.list_id:
        return READY, request.decided_at
    if request.state is State.RUNNING and not request.list_id:
        return RUNNING, request.claim.until if request.claim else None
    return None, None


def _wants_work(request: Request) -> bool:
    """Whether someone has to work on a list. Even one that is paused may have accounts that are under way."""
    is_at_rest = request.state is State.PAUSED and request.contents.at_rest
    return request.state not in ENDED and not is_at_rest


def request_of(stored: Stored) -> Request:
    """Return a stored request. Raises `ValueError`, `LookupError` or `TypeError` for one that cannot be read."""
    return _REQUEST.validate_python(_document_of(stored))


def values_of_entry(entry: Entry) -> Values:
    """Return the values of an entry. Its delivery is beside the document, since it changes."""
    delivery = entry.delivery
    return {
        "id": entry.id,
        "request_id": entry.ask.id,
        "list_id": entry.list_id,
        "at": text(entry.at),
        "refused": entry.kind is Kind.REFUSED,
        "attempts": delivery.attempts,
        "next_at": text(delivery.next_at),
        "delivered_at": text(delivery.delivered_at),
        "ts": delivery.ts,
        "document": f'{{"shape":{SHAPE},{_ENTRY.dump_json(entry, exclude={"delivery"})[1:].decode()}',
    }


def read_entry(stored: Stored) -> Entry:
    """Return a stored entry. Raises `ValueError`, `LookupError` or `TypeError` for one that cannot be read."""
    delivery = {name: stored[name] for name in ("attempts", "next_at", "delivered_at", "ts") if name in stored}
    return _ENTRY.validate_python({**_document_of(stored), "delivery": delivery})


def _document_of(stored: Stored) -> Values:
    document: Values = from_json(stored["document"])
    if not 1 <= document["shape"] <= SHAPE:
        raise LookupError("a newer bot wrote it")
    return document


def new_card(request: Request, show: Show) -> LiveMessage:
    """Return the card of a new request."""
    return LiveMessage(request_id=request.id, version=request.version, due_at=show.at, place=show.place)


def message_id(request_id: str, kind: MessageKind) -> str:
    """Return what tells a request's message of this kind apart from all others."""
    return f"{request_id}{BESIDE.get(kind, '')}"


def values_of_card(card: LiveMessage) -> Values:
    """Return the values of a card, each value of its place None where that is not known."""
    place = card.place
    return {
        "id": message_id(card.request_id, card.kind),
        "version": card.version,
        "due_at": text(card.due_at),
        "failures": card.failures,
        "held_by": card.hold,
        "response_url": place and place.response_url,
        "place_until": place and text(place.until),
        "replaces": place and place.replaces,
        "ts": " ".join(card.ts) or None,
    }


def card_of(stored: Stored) -> LiveMessage:
    """Return a stored card. Raises `ValueError`, `LookupError` or `TypeError` for one that cannot be read."""
    if stored.get("shape", SHAPE) > SHAPE:
        raise LookupError("a newer bot moved its request")
    until = stored.get("place_until")
    place = {"until": until, "response_url": stored.get("response_url"), "replaces": stored.get("replaces")}
    request_id, _, kind = stored["id"].partition("/")  # as `message_id` makes it
    identity = {"request_id": request_id, "kind": kind or MessageKind.CARD, "ts": (stored.get("ts") or "").split()}
    return _CARD.validate_python(
        {**stored, **identity, "hold": stored.get("held_by"), "place": place if until else None}
    )


def other_messages(request: Request, *, with_card: bool) -> Sequence[LiveMessage]:
    """Return the messages beside its card that a move makes due at once.

    One asks a second person, or tells what came of it; it changes when the card does. One shows how far a list is. A
    list of a terminal has both, and no card.
    """
    without = request.listed and request.ask.source == TERMINAL and request.state is not State.RUNNING
    kinds = [MessageKind.APPROVAL] if request.approval and (with_card or without) else []
    kinds += [MessageKind.PROGRESS] if request.has_progress else []
    return [
        LiveMessage(request_id=request.id, kind=kind, version=request.version, due_at=DUE_AT_ONCE) for kind in kinds
    ]


def text_of_portion(accounts: Sequence[Account]) -> str:
    """Return the accounts of a portion of a list as text."""
    return _PORTION.dump_json(list(accounts)).decode()


def portion_of(text: str) -> Sequence[Account]:
    """Return the accounts of a portion."""
    return _PORTION.validate_json(text)


def values_of_window(window: Window) -> Values:
    """Return the values of a window as it is written over the version that was read."""
    written = replace(window, version=window.version + 1)
    return {"key": window.key, "version": written.version, "document": _WINDOW.dump_json(written).decode()}


def window_of(stored: Stored) -> Window:
    """Return a stored window. Raises `ValueError` or `LookupError` for one that cannot be read."""
    return _WINDOW.validate_json(stored["document"])


def of_another_version(store: str, schema: int | None, known: int) -> StoreError:
    """Return what is said of a store that a newer bot has taken, or (None) that version 0.1 made."""
    if schema is None:
        return StoreError(
            f"The {store} is one of version 0.1, which this version does not read.",
            "Let the old bot deliver what waits, save what its `audit --format json` prints, and start with a new"
            " store.",
        )
    sentence = f"The {store} has schema {schema}, this bot knows {known}."
    return StoreError(sentence, "Run the newer bot, or give another store.")


class Readings:
    """Reads each row or item by itself, since one that cannot be read must not hold up the others.

    Such a one is logged once, by its `name`, and is left as it is: it may be a newer bot's.
    """

    def __init__(self, name: Callable[[Stored], str]) -> None:
        self._name = name
        self._unreadable: set[str] = set()

    def each(self, read: Callable[[Stored], T], found: Iterable[Stored]) -> Iterator[T]:
        """Give what `read` makes of each that can be read."""
        for stored in found:
            try:
                yield read(stored)
            except Exception:  # noqa: BLE001 -- it may be wrong in any way
                self._tell(self._name(stored))

    def _tell(self, name: str) -> None:
        if name not in self._unreadable:
            self._unreadable.add(name)
            log.error("%s cannot be read. It is left as it is", name)


def text(time: datetime | None) -> str | None:
    """Return a time as stored: UTC, to the microsecond, of fixed width, so that texts sort as their times do."""
    return None if time is None else time.astimezone(UTC).isoformat(timespec="microseconds")
