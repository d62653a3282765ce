"""The audit log in the table: a partition for each month, in which entries stand in the order of their ids."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from ulid import ULID

from bot.audit import Kind
from bot.stores import items
from bot.stores.actions import Action, delete, update
from bot.stores.calls import Calls, ConditionError
from bot.stores.items import Item
from bot.stores.reader import Reader
from bot.stores.rows import text

# With these a request ends, so that it can be forgotten together with one. Its other moves stand before in the log.
ENDINGS = frozenset({Kind.SIGNED_OUT, Kind.FAILED, Kind.UNKNOWN, Kind.CANCELLED, Kind.EXPIRED})
FORGOTTEN_AT_ONCE = 100
# A request's id may tell the time of Slack, which signed what was asked, or of another instance.
CLOCKS_DIFFER_BY = timedelta(minutes=10)


class Log:
    """The log of the table behind `calls`. Raises as they do."""

    def __init__(self, calls: Calls, reader: Reader) -> None:
        self._calls = calls
        self._reader = reader
        self._known: set[str] = set()

    def make_room(self, entry_id: str) -> None:
        """Note the month of an entry before the entry is written: nobody would look for it there otherwise."""
        month = items.month_of(entry_id)
        if month not in self._known:
            self._calls.write([update(items.META, "ADD months :months", months={month})])
            self._known.add(month)

    def items(self, since: datetime | None, request_id: str | None) -> Iterator[Item]:
        """Give all items, or those from a time on, or of one request, oldest first."""
        start = max(filter(None, (since, _made_at(request_id))), default=None)
        first = items.first_id_at(start) if start else "0"
        for month in self._months():
            if start and month < items.month_at(start):
                continue
            for item in self._in_month(month, first=first):
                if request_id in (None, item["request_id"]) and item["at"] >= (text(since) or ""):
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
        actions = [delete(items.key_of(item), "attribute_exists(pk) AND attribute_not_exists(due)")]
        if item["kind"] in ENDINGS:
            for entry in self._reader.readable(items.entry_of_item, [item]):
                if entry.account:
                    self._did(delete(items.account_key(entry.account), "request_id = :id", id=entry.request_id))
            actions.append(delete(items.request_key(item["request_id"])))
        return self._did(*actions)

    def _forget_month(self, month: str) -> None:
        # Whoever writes an entry writes it now: nothing more comes to a month that had ended before `before`.
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
