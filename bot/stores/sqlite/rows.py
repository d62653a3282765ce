"""Requests, entries and cards as values of statements, and back."""

import logging
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from bot.audit import Entry, Kind
from bot.ports import LiveMessage, Place, Show
from bot.request import ENDED, Request
from bot.stores.documents import (
    account_key,
    due,
    entry_of_json,
    json_of_entry,
    json_of_request,
    operator_key,
    request_of_json,
    signed_out,
    text,
    text_or_none,
    time_or_none,
)

T = TypeVar("T")
Row = Any  # sqlite3.Row: its columns by name
Values = dict[str, Any]

log = logging.getLogger(__name__)


def values_of_request(request: Request) -> Values:
    """Return a request as the values of its row."""
    due_as, due_at = due(request) or (None, None)
    account = signed_out(request)
    return {
        "id": request.id,
        "version": request.version,
        "due": due_as,
        "due_at": due_at,
        "account": account and account_key(account),
        "ended_at": text_or_none(request.ended_at) if request.state in ENDED else None,
        "document": json_of_request(request),
    }


def request_of_row(row: Row) -> Request:
    """Return the request of a row."""
    return request_of_json(row["document"])


def values_of_entry(entry: Entry) -> Values:
    """Return an entry as the values of its row."""
    who = entry.ask.operator
    return {
        "id": entry.id,
        "request_id": entry.ask.id,
        "at": text(entry.at),
        "refused": operator_key(who.team_id, who.id) if entry.kind is Kind.REFUSED else None,
        "attempts": entry.delivery.attempts,
        "next_at": text_or_none(entry.delivery.next_at),
        "delivered_at": text_or_none(entry.delivery.delivered_at),
        "ts": entry.delivery.ts,
        "document": json_of_entry(entry),
    }


def entry_of_row(row: Row) -> Entry:
    """Return the entry of a row."""
    delivery = {name: row[name] for name in ("attempts", "next_at", "delivered_at", "ts")}
    return entry_of_json(row["document"], delivery)


def values_of_show(request: Request, show: Show) -> Values:
    """Return what a move does to its card, as values of the card's row."""
    place = show.place
    return {
        "id": request.id,
        "version": request.version,
        "due_at": text(show.at),
        "response_url": place and place.response_url,
        "until": place and text(place.until),
        "replaces": place and int(place.replaces),
    }


def message_of_row(row: Row) -> LiveMessage:
    """Return the card of a row."""
    until = time_or_none(row["until"])
    return LiveMessage(
        request_id=row["id"],
        version=row["version"],
        due_at=time_or_none(row["due_at"]),
        place=Place(response_url=row["response_url"], until=until, replaces=bool(row["replaces"])) if until else None,
        failures=row["failures"],
        hold=row["hold"],
    )


class Readings:
    """Reads each row by itself, since one that cannot be read must not hold up the others. Tells of each once."""

    def __init__(self) -> None:
        self._unreadable: set[str] = set()

    def each(self, read: Callable[[Row], T], rows: Iterable[Row]) -> tuple[list[T], list[str]]:
        """Return what could be read, and the ids of the rows that could not."""
        found, unreadable = [], []
        for row in rows:
            try:
                found.append(read(row))
            except Exception:  # noqa: BLE001 -- it may be wrong in any way
                unreadable.append(row["id"])
                self._tell(row["id"])
        return found, unreadable

    def _tell(self, id_: str) -> None:
        if id_ not in self._unreadable:
            self._unreadable.add(id_)
            log.error("Row %s cannot be read. It is left as it is", id_)
