"""`audit`: the store, for reading alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.ports import RequestStore
from bot.settings.model import StoreSettings
from bot.stores.dynamodb import DynamoDBStore
from bot.stores.sqlite_reader import SQLiteReader
from bot.wiring.shared import Store, kind_and_place


@contextmanager
def trail(settings: StoreSettings) -> Iterator[RequestStore]:
    """Give the configured store for reading alone; nothing is made where there is none. Raises `StoreError`."""
    kind, place = kind_and_place(settings)
    store: Store = DynamoDBStore(place) if kind == "dynamodb" else SQLiteReader(Path(place))
    try:
        store.open()
        yield store
    finally:
        store.close()
