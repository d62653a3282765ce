"""Reading the table's index, and items that may not be readable."""

import logging
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from bot.stores.dynamodb.calls import Calls
from bot.stores.dynamodb.items import Item
from bot.stores.dynamodb.table import INDEX

T = TypeVar("T")

log = logging.getLogger(__name__)


class Index:
    """Reads through `calls`, and raises as they do. The index may lag behind the table by moments."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._unreadable: set[str] = set()

    def first(self, limit: int, read: Callable[[Item], T], what: str, when: str = "", **values: Any) -> list[T]:
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

    def readable(self, read: Callable[[Item], T], items: Iterable[Item]) -> Iterator[T]:
        """Give what `read` makes of each item, by itself: one that cannot be read must not hold up the others.

        It is left as it is, its `due` included: it may be a newer bot's.
        """
        for item in items:
            try:
                yield read(item)
            except Exception:  # noqa: BLE001 -- it may be wrong in any way
                self._tell(f"{item['pk']} {item['sk']}")

    def _tell(self, name: str) -> None:
        if name not in self._unreadable:
            self._unreadable.add(name)
            log.error("Item %s cannot be read. It is left as it is", name)
