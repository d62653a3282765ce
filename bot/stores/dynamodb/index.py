"""Reading the table's index, and items that may not be readable."""

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from bot.stores.documents import Readings, Stored, text
from bot.stores.dynamodb.calls import Calls
from bot.stores.dynamodb.items import Item
from bot.stores.dynamodb.table import INDEX

T = TypeVar("T")


class Index:
    """Reads through `calls`, and raises as they do. The index may lag behind the table by moments."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self.readable = Readings(lambda item: f"Item {item['pk']} {item['sk']}").each

    def first(self, limit: int, read: Callable[[Stored], T], what: str, when: str = "", **values: Any) -> list[T]:
        """Return the first of what is due under `what`, as `read` makes them, past those that cannot be read."""
        return list(islice(self.readable(read, self.due(limit, what, when, **values)), limit))

    def first_due(  # noqa: PLR0913 -- what all that is due has in common
        self, limit: int, read: Callable[[Stored], T], what: str, when: str, *, at: datetime, beyond: datetime | None
    ) -> list[T]:
        """Return the first of what is due by the condition `when` on `:at`, and then of what is due beyond."""
        due = self.first(limit, read, what, when, at=text(at))
        if beyond is None or len(due) == limit:
            return due
        return due + self.first(limit - len(due), read, what, "due_at >= :at", at=text(beyond))

    def due(self, page: int, what: str, when: str = "", **values: Any) -> Iterator[Item]:
        """Give what the index has under `what`, in the order of `due_at`, asking for a `page` of items at once.

        `when` is a condition on `due_at`; `:name` in it is the value of that name.
        """
        return self._calls.query(
            IndexName=INDEX,
            KeyConditionExpression=f"due = :due{when and f' AND {when}'}",
            ExpressionAttributeValues={":due": what, **{f":{name}": value for name, value in values.items()}},
            Limit=page,
        )
