"""All entries, page by page."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from bot.audit import Entry
from bot.request import new_id
from bot.stores.documents import text
from bot.stores.sqlite.file import File
from bot.stores.sqlite.rows import Readings, Row, entry_of_row
from bot.stores.sqlite.statements import ENTRIES, ENTRIES_OF_REQUEST

# Ids begin with the time they were made at. It helps to find where to begin; what counts is the time in the row.
_IDS_MAY_DIFFER_BY = timedelta(minutes=1)
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC) + _IDS_MAY_DIFFER_BY


def entries(file: File, readings: Readings, since: datetime | None, request_id: str | None) -> Iterator[Entry]:
    """Give all entries, or those from a time on, or of one request, oldest first; memory holds a page of them.

    Nothing is open between two pages: a slow reader is in no one's way. Raises `StoreUnavailableError`.
    """
    statement = ENTRIES if request_id is None else ENTRIES_OF_REQUEST
    values = {"since": text(since) if since else "", "after": _before_ids_of(since), "request_id": request_id}
    while rows := file.rows(statement, values):
        yield from readings.each(entry_of_row, rows)[0]
        values["after"] = _id(rows[-1])


def _before_ids_of(since: datetime | None) -> str:
    return new_id(max(since, _EARLIEST) - _IDS_MAY_DIFFER_BY)[:10] if since else ""


def _id(row: Row) -> str:
    return str(row["id"])
