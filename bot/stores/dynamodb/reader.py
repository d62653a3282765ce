"""Reading all entries of a table. Each month has a partition, in the order of the ids."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from ulid import ULID

from bot.audit import Entry
from bot.facts.clock import CheckedClock
from bot.stores.documents import Readings, Stored, entry_of, text
from bot.stores.dynamodb import items
from bot.stores.dynamodb.calls import Calls
from bot.stores.dynamodb.items import Item
from bot.stores.dynamodb.schema import SCHEMA, Schema

# A request's id may tell the time of Slack, which signed what was asked, or of another instance.
CLOCKS_DIFFER_BY = timedelta(minutes=10)


# An account of a list has entries that name the list and, as their request, another one. The table leaves them out.
NOT_OF_ONE_ACCOUNT = "attribute_not_exists(list_id) OR list_id = request_id"


class DynamoDBReader:
    """The trail in the table `name`. Nothing is written, and no right to write is needed.

    `schema` is the newest one that this bot knows. `clock` is compared with each answer.
    """

    def __init__(self, name: str, *, schema: int = SCHEMA, clock: CheckedClock | None = None) -> None:
        self.schema = schema
        self._calls = Calls(name, clock)
        self._schema = Schema(self._calls, schema)
        self._readings = Readings(lambda item: f"Item {item['pk']} {item['sk']}")

    def open(self) -> None:
        """Check that there is a table which this bot can read.

        Raises `AwsSetupError`, `StoreError` or `StoreUnavailableError`.
        """
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
        return self._readings.each(entry_of, self._logged(since, request_id, list_id, **options))

    def _logged(
        self, since: datetime | None, request_id: str | None, list_id: str | None, **options: Any
    ) -> Iterator[Stored]:
        start = max(filter(None, (since, _made_at(request_id or list_id))), default=None)
        earliest = text(since) or ""
        for month in self._months():
            if start and month < items.month_at(start):
                continue
            for item in self._in_month(month, first=first_id_at(start) if start else "0", **options):
                is_meant = request_id in (None, item["request_id"]) and list_id in (None, item.get("list_id"))
                if is_meant and item["at"] >= earliest:
                    yield items.stored(item)

    def _months(self) -> list[str]:
        return sorted((self._calls.get(items.META) or {}).get("months", ()))

    def _in_month(self, month: str, *, first: str = "0", last: str = "z", **options: Any) -> Iterator[Item]:
        return self._calls.query(
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues={":pk": f"log#{month}", ":first": first, ":last": last},
            ConsistentRead=True,
            **options,
        )


def first_id_at(time: datetime) -> str:
    """Return what sorts before each id of that millisecond and later, and after each of before."""
    return str(ULID.from_datetime(time))[:10]


def _made_at(request_id: str | None) -> datetime | None:
    """Return a time before anything can have been logged of a request; None where its id does not tell."""
    try:
        return ULID.from_str(request_id).datetime - CLOCKS_DIFFER_BY if request_id else None
    except ValueError:
        return None
