"""Reading the table's index, and items that may not be readable."""

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from bot.stores.calls import Calls
from bot.stores.items import Item
from bot.stores.table import INDEX

T = TypeVar("T")

log = logging.getLogger(__name__)


class Reader:
    """Reads through `calls`, and raises as they do. The index may lag behind the table by moments."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._unreadable: set[str] = set()

    def due(self, what: str, when: str = "", where: str = "", most: int = 0, **values: Any) -> Iterator[Item]:
        """Give what the index has under `what`, in the order of `due_at`, `most` on a page.

        `when` is a condition on `due_at`, `where` on other attributes; `:name` in them is the value of that name.
        """
        return self._calls.query(
            IndexName=INDEX,
            KeyConditionExpression=f"due = :due{when and f' AND {when}'}",
            ExpressionAttributeValues={":due": what, **{f":{name}": value for name, value in values.items()}},
            **({"FilterExpression": where} if where else {}),
            **({"Limit": most} if most else {}),
        )

    def readable(
        self, read: Callable[[Item], T], items: Iterable[Item], otherwise: Callable[[Item], object] = lambda _: None
    ) -> Iterator[T]:
        """Give what `read` makes of each item, by itself: one that cannot be read must not hold up the others."""
        for item in items:
            try:
                yield read(item)
            except Exception:  # noqa: BLE001 -- whatever is wrong with it
                self._tell(f"{item['pk']} {item['sk']}")
                otherwise(item)

    def _tell(self, name: str) -> None:
        if name not in self._unreadable:
            self._unreadable.add(name)
            log.error("Item %s cannot be read. It is left as it is", name)
