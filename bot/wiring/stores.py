"""The configured store: to work with, to read only, and to be tried. Only this file tells one kind from another.

It imports DynamoDB's side only where it is used: boto3 takes a process longer than all of SQLite's side.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from bot.audit import Entry
from bot.errors import BotError, StoreError, StoreUnavailableError
from bot.facts.clock import CheckedClock
from bot.facts.finding import Finding
from bot.settings.model import StoreSettings
from bot.stores.following import CannotFollowError
from bot.stores.sqlite.store import SQLiteReader, SQLiteStore
from bot.terminal.output import say

if TYPE_CHECKING:
    from bot.stores.dynamodb.reader import DynamoDBReader
    from bot.stores.dynamodb.store import DynamoDBStore

Store: TypeAlias = "DynamoDBStore | SQLiteStore"


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
        from bot.stores.dynamodb.store import DynamoDBStore

        return DynamoDBStore(place, written, clock=clock)
    return SQLiteStore(Path(place), written, make=make)


def probes_of(settings: StoreSettings) -> Sequence[tuple[str, Callable[[], Iterable[Finding]]]]:
    """Return what tries the configured store, each by its name. It makes none and changes nothing."""
    from bot.stores.probe import try_protection, try_sqlite, try_table

    kind, place = settings.kind_and_place
    if kind == "dynamodb":
        return [("store", partial(try_table, place)), ("store, protection", partial(try_protection, place))]
    return [("store", partial(try_sqlite, Path(place)))]


@contextmanager
def stored_entries(
    settings: StoreSettings, since: datetime | None, request_id: str | None, list_id: str | None = None
) -> Iterator[Iterator[Entry]]:
    """Give all entries of the configured store, or those from `since` on, or of one request or list, oldest first.

    Where there is no store, it makes none. Raises `StoreError`, also for what goes wrong while they are read.
    """
    try:
        with closing(_reader(settings)) as reader:
            reader.open()
            yield reader.entries(since, request_id, list_id)
    except StoreUnavailableError as error:
        raise StoreError(f"The store cannot be read: {error.reason}.") from None


def followed_entries(settings: StoreSettings, after: str | None, since: datetime | None) -> Iterator[Entry | None]:
    """Give the entries of the configured store as they come, in its own order; None where there is none for now.

    While the store is away, standard error says so, once. Raises `StoreError` where there is no such entry or store,
    or one cannot be read, and `AwsSetupError`.
    """
    was_open = is_away = False
    while True:
        try:
            with closing(_reader(settings)) as reader:
                reader.open()
                for entry in reader.follow(after, since):
                    if is_away:
                        say("The store can be read again.")
                    after, was_open, is_away = (entry.id if entry else after), True, False
                    yield entry
        except CannotFollowError:
            raise
        except BotError as error:
            if not was_open and not isinstance(error, StoreUnavailableError):
                raise
            if not is_away:
                why = error.reason if isinstance(error, StoreUnavailableError) else error.sentence.rstrip(".")
                say(f"The store cannot be read: {why}. This waits for it.")
            is_away = True
            yield None


def _reader(settings: StoreSettings) -> "DynamoDBReader | SQLiteReader":
    kind, place = settings.kind_and_place
    if kind == "dynamodb":
        from bot.stores.dynamodb.reader import DynamoDBReader

        return DynamoDBReader(place)
    return SQLiteReader(Path(place))
