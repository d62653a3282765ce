"""Reading all entries of a table. Each month has a partition, in the order of the ids."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from ulid import ULID

from bot.audit import Entry
from bot.facts.clock import CheckedClock
from bot.request import first_id_at
from bot.stores.documents import ID_LENGTH, Readings, Stored, read_entry, text
from bot.stores.dynamodb import items
from bot.stores.dynamodb.calls import Calls
from bot.stores.dynamodb.items import Item
from bot.stores.dynamodb.schema import Schema
from bot.stores.following import entry_in, first_id_since, not_there

# A request's id may tell the time of Slack, which signed what was asked, or of another instance.
CLOCKS_DIFFER_BY = timedelta(minutes=10)
EPOCH, FOREVER = datetime(1970, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)  # what ids can tell
# An entry gets its id as it is written. The write ends within 10 s (calls.py), and the writer's clock agrees with AWS's
# within 10 s (clock.py). So whose id is older than this is there, or never will be.
FINAL_AFTER = timedelta(seconds=20)
# An account of a list has entries that name the list and, as their request, another one. The table leaves them out.
NOT_OF_ONE_ACCOUNT = "attribute_not_exists(list_id) OR list_id = request_id"


class DynamoDBReader:
    """The trail in the table `name`, read without any right to write. `clock` is compared with each answer."""

    def __init__(self, name: str, *, clock: CheckedClock | None = None) -> None:
        self._clock = clock
        self._calls = Calls(name, clock)
        self._schema = Schema(self._calls)
        self._readings = Readings(lambda item: f"Item {item['pk']} {item['sk']}")

    def open(self) -> None:
        """Check that this bot can read the table. Raises `AwsSetupError`, `StoreError` or `StoreUnavailableError`."""
        self.table_schema()

    def close(self) -> None:
        """Close the connections. Nothing may use the table afterwards."""
        self._calls.close()

    def table_schema(self) -> int | None:
        """Return the table's schema, or None for a new table. Raises as `open` does, and writes nothing."""
        self._calls.ask()
        return self._schema.stored()

    def entries(
        self, since: datetime | None, request_id: str | None, list_id: str | None = None, *, each_account: bool = True
    ) -> Iterator[Entry]:
        options = {} if each_account else {"FilterExpression": NOT_OF_ONE_ACCOUNT}
        return self._readings.each(read_entry, self._logged(since, request_id, list_id, **options))

    def _logged(
        self, since: datetime | None, request_id: str | None, list_id: str | None, **options: Any
    ) -> Iterator[Stored]:
        start = max(since or EPOCH, _made_at(request_id or list_id), EPOCH)
        end = self._ended_at(list_id) if list_id else FOREVER
        earliest = text(since) or ""
        first, last = first_id_at(start), first_id_at(end)
        for month in self._months():
            if not items.month_at(start) <= month <= items.month_at(end) or last < first:
                continue
            for item in self._in_month(month, first=first, last=last, **options):
                is_meant = request_id in (None, item["request_id"]) and list_id in (None, item.get("list_id"))
                if is_meant and item["at"] >= earliest:
                    yield items.stored(item)

    def _ended_at(self, list_id: str) -> datetime:
        """Return a time after which nothing is logged of a list and its accounts."""
        key = items.make_key("request", list_id)
        at = (self._calls.get(key) or {}).get("ended_at") if items.fits(key) else None
        return datetime.fromisoformat(at) + CLOCKS_DIFFER_BY if at else FOREVER

    def follow(self, after: str | None, since: datetime | None) -> Iterator[Entry | None]:
        """Give all entries after an id, or those of about a time and later, or all, in the order of their ids.

        An entry comes `FINAL_AFTER` its id was made, by DynamoDB's own clock. None comes where there is no further one
        yet, again and again. Memory holds a page of DynamoDB's. Raises `CannotFollowError` and `StoreUnavailableError`.
        """
        last = self._id_to_begin_after(after, since)
        while True:
            months = self._months()
            final = first_id_at((self._calls.server_time or datetime.now(UTC)) - FINAL_AFTER)
            for month in months:
                if month < items.month_of(last.ljust(ID_LENGTH, "0")) or final < last:  # refused where it ends first
                    continue
                for item in self._in_month(month, first=last, last=final):
                    if item["sk"] != last:
                        yield entry_in(items.stored(item), item["sk"])
                        last = item["sk"]
            yield None

    def _id_to_begin_after(self, after: str | None, since: datetime | None) -> str:
        if not after:
            return first_id_since(since) if since else "0"
        with suppress(ValueError):  # an id of no year that there is
            if self._calls.get(items.entry_key(after)):
                return after
        raise not_there(after)

    def _months(self) -> list[str]:
        return sorted((self._calls.get(items.META) or {}).get("months", ()))

    def _in_month(self, month: str, *, first: str = "0", last: str = "z", **options: Any) -> Iterator[Item]:
        return self._calls.query(
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues={":pk": f"log#{month}", ":first": first, ":last": last},
            ConsistentRead=True,
            **options,
        )


def _made_at(request_id: str | None) -> datetime:
    """Return a time before anything can have been logged of a request, as far as its id tells."""
    try:
        return ULID.from_str(request_id).datetime - CLOCKS_DIFFER_BY if request_id else EPOCH
    except ValueError:
        return EPOCH
