"""The trail of a DynamoDB table for someone who only reads."""

from collections.abc import Iterator
from datetime import datetime

from bot.audit import Entry
from bot.stores.dynamodb.calls import Calls
from bot.stores.dynamodb.index import Index
from bot.stores.dynamodb.log import Log
from bot.stores.dynamodb.schema import SCHEMA, Schema


class DynamoDBReader:
    """The entries in the table `name`. Nothing is written, and no right to write is needed."""

    def __init__(self, name: str) -> None:
        self._calls = Calls(name)

    def open(self) -> None:
        """Check that there is a table which this bot can read. Raises `StoreError` or `StoreUnavailableError`."""
        Schema(self._calls, SCHEMA).stored()

    def close(self) -> None:
        """Close the connections."""
        self._calls.close()

    def entries(self, since: datetime | None, request_id: str | None) -> Iterator[Entry]:
        """Give all entries, or those from a time on, or of one request, oldest first; memory holds a page of them."""
        return Log(self._calls, Index(self._calls)).entries(since, request_id)
