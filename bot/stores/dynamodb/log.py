"""The audit log in the table: a partition for each month, in which entries are in the order of their ids."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from ulid import ULID

from bot.audit import OUTCOMES, Entry, Kind
from bot.stores.documents import signed_out, text
from bot.stores.dynamodb import items
from bot.stores.dynamodb.actions import IS_THERE, Action, delete, update
from bot.stores.dynamodb.calls import Calls, ConditionError
from bot.stores.dynamodb.index import Index
from bot.stores.dynamodb.items import Item

# With these a request ends, so that it can be forgotten together with one. Its other moves are before it in the log.
ENDINGS = OUTCOMES - {Kind.REFUSED, Kind.NOT_FOUND}
FORGOTTEN_AT_ONCE = 100
# A request's id may tell the time of Slack, which signed what was asked, or of another instance.
CLOCKS_DIFFER_BY = timedelta(minutes=10)


class Log:
    """The log of the table behind `calls`. Raises as they do."""

    def __init__(self, calls: Calls, index: Index) -> None:
        self._calls = calls
        self._index = index
        self._known: set[str] = set()

    def make_room(self, entry_id: str) -> None:
        """Note the month of an entry before the entry is written: it would not be looked for there otherwise."""
        month = items.month_of(entry_id)
        if month not in self._known:
            self._calls.write([update(items.META, "ADD months :months", months={month})])
            self._known.add(month)

    def entries(self, since: datetime | None, request_id: str | None) -> Iterator[Entry]:
        """Give all entries, or those from a time on, or of one request, oldest first; memory holds a page of them."""
        return self._index.readable(items.entry_of_item, self._items(since, request_id))

    def _items(self, since: datetime | None, request_id: str | None) -> Iterator[Item]:
        start = max(filter(None, (since, _made_at(request_id))), default=None)
        first, earliest = items.first_id_at(start) if start else "0", text(since) if since else ""
        for month in self._months():
            if start and month < items.month_at(start):
                continue
            for item in self._in_month(month, first=first):
                if request_id in (None, item["request_id"]) and item["at"] >= earliest:
                    yield item

    def forget(self, before: datetime) -> int:
        """Delete some entries from before then that wait for nothing, a request with its last; return how many."""
        forgotten = 0
        for month in self._months():
            if month > items.month_at(before):
                break
            empty = True
            for item in self._in_month(month, last=items.first_id_at(before), Limit=FORGOTTEN_AT_ONCE):
                empty = False
                forgotten += "due" not in item and self._forget(item)
                if forgotten == FORGOTTEN_AT_ONCE:
                    return forgotten
            if empty and month < items.month_at(before):
                self._forget_month(month)
        return forgotten

    def _forget(self, item: Item) -> bool:
        """Forget an entry that can be read, and with the one of its end a request and its card."""
        for entry in self._index.readable(items.entry_of_item, [item]):
            actions = [delete(items.key_of(item), f"{IS_THERE} AND attribute_not_exists(due)")]
            if entry.kind in ENDINGS:
                if account := entry.request and signed_out(entry.request):
                    self._did(delete(items.account_key(account), "request_id = :id", id=entry.ask.id))
                actions += [delete(items.request_key(entry.ask.id)), delete(items.card_key(entry.ask.id))]
            return self._did(*actions)
        return False

    def _forget_month(self, month: str) -> None:
        # An entry is written at its own time: nothing more comes to a month that had ended before `before`.
        self._calls.write([update(items.META, "DELETE months :months", months={month})])
        self._known.discard(month)

    def _did(self, *actions: Action) -> bool:
        try:
            self._calls.write(actions)
        except ConditionError:
            return False
        return True

    def _months(self) -> list[str]:
        return sorted((self._calls.get(items.META) or {}).get("months", ()))

    def _in_month(self, month: str, *, first: str = "0", last: str = "z", **options: Any) -> Iterator[Item]:
        return self._calls.query(
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues={":pk": items.log_of(month), ":first": first, ":last": last},
            ConsistentRead=True,
            **options,
        )


def _made_at(request_id: str | None) -> datetime | None:
    """Return a time before anything can have been logged of a request; None where its id does not tell."""
    try:
        return ULID.from_str(request_id).datetime - CLOCKS_DIFFER_BY if request_id else None
    except ValueError:
        return None
