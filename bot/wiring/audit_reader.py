"""`audit`: the trail, only for reading."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from bot.audit import Entry
from bot.errors import StoreError, StoreUnavailableError
from bot.settings.model import StoreSettings
from bot.stores.dynamodb.reader import DynamoDBReader
from bot.stores.sqlite.reader import SQLiteReader


@contextmanager
def stored_entries(
    settings: StoreSettings, since: datetime | None, request_id: str | None
) -> Iterator[Iterator[Entry]]:
    """Give the entries of the configured store, as `Store.entries` does. Where there is no store, none is made.

    Raises `StoreError`, also for what goes wrong while they are read.
    """
    kind, place = settings.kind_and_place
    try:
        with closing(DynamoDBReader(place) if kind == "dynamodb" else SQLiteReader(Path(place))) as reader:
            reader.open()
            yield reader.entries(since, request_id)
    except StoreUnavailableError as error:
        raise StoreError(f"The store cannot be read: {error.reason}.") from None
