"""Reading the table's index, and items that may not be readable."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, TypeVar

from bot.stores.documents import Readings, Stored
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
