"""The configured store: to work with, to read only, and to be tried. Only this file tells one kind from another."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

from bot.audit import Entry
from bot.errors import StoreError, StoreUnavailableError
from bot.facts.clock import CheckedClock
from bot.facts.finding import Finding
from bot.settings.model import StoreSettings
from bot.stores.dynamodb.reader import DynamoDBReader
from bot.stores.dynamodb.store import DynamoDBStore
from bot.stores.probe import try_protection, try_sqlite, try_table
from bot.stores.sqlite.store import SQLiteReader, SQLiteStore

Store = DynamoDBStore | SQLiteStore


def build_store(
    settings: StoreSettings,
    clock: CheckedClock,
    written: Callable[[Entry], None] = lambda _: None,
    *,
    make: bool = True,
) -> Store:
    """Return the configured store, not yet opened. `written` is told each `COUNTED` entry once it is durable.

    `make`: a SQLite file may be made where there is none.
    """
    kind, place = settings.kind_and_place
    if kind == "dynamodb":
        return DynamoDBStore(place, written, clock=clock)
    return SQLiteStore(Path(place), written, make=make)


def probes_of(settings: StoreSettings) -> Sequence[tuple[str, Callable[[], Iterable[Finding]]]]:
    """Return what tries the configured store, each by its name. It makes none and changes nothing."""
    kind, place = settings.kind_and_place
    if kind == "dynamodb":
        table = ("store", partial(try_table, DynamoDBStore(place)))
        return [table, ("store, protection", partial(try_protection, place))]
    return [("store", partial(try_sqlite, Path(place)))]


@contextmanager
def stored_entries(
    settings: StoreSettings, since: datetime | None, request_id: str | None
) -> Iterator[Iterator[Entry]]:
    """Give all entries of the configured store, or those from `since` on, or of one request, oldest first.

    Where there is no store, it makes none. Raises `StoreError`, also for what goes wrong while they are read.
    """
    kind, place = settings.kind_and_place
    try:
        with closing(DynamoDBReader(place) if kind == "dynamodb" else SQLiteReader(Path(place))) as reader:
            reader.open()
            yield reader.entries(since, request_id)
    except StoreUnavailableError as error:
        raise StoreError(f"The store cannot be read: {error.reason}.") from None
