"""`audit`: the store, only for reading."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.settings.model import StoreSettings
from bot.stores.dynamodb.store import DynamoDBStore
from bot.stores.sqlite.reader import SQLiteReader
from bot.wiring.shared import kind_and_place


@contextmanager
def trail_to_read(settings: StoreSettings) -> Iterator[DynamoDBStore | SQLiteReader]:
    """Give the configured store's trail, only for reading; nothing is made where there is none. Raises `StoreError`."""
    kind, place = kind_and_place(settings)
    reader = DynamoDBStore(place) if kind == "dynamodb" else SQLiteReader(Path(place))
    try:
        reader.open()
        yield reader
    finally:
        reader.close()
