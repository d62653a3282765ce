"""The SQL that goes through the whole trail, or clears its old end, in bounded steps."""

import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.request import MOVES, State, new_id
from bot.stores.rows import text

STEP = 500  # so many rows are read, or deleted, at once
ENDED = [state for state in State if not MOVES[state]]

# Ids begin with the time they were made at. It helps to find where to begin; what counts is the time in the row.
_IDS_MAY_DIFFER_BY = timedelta(minutes=1)
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC) + _IDS_MAY_DIFFER_BY

# A snapshot, which is one JSON object, with its delivery put in before the closing brace.
_ENTRY = """
    substr(snapshot, 1, length(snapshot) - 1) || ',' || substr(json_object('delivery_attempts', delivery_attempts,
        'next_at', next_at, 'delivered_at', delivered_at, 'ts', ts), 2)
"""
_FORGET_ENTRIES = f"""
    DELETE FROM audit_entries WHERE id IN (
        SELECT id FROM audit_entries WHERE id < ? AND at < ? AND next_at IS NULL ORDER BY id LIMIT {STEP})
"""  # noqa: S608 -- our own text
_FORGET_REQUESTS = f"""
    DELETE FROM requests WHERE id IN (
        SELECT id FROM requests WHERE id < ? AND ended_at < ? AND state IN ({", ".join("?" for _ in ENDED)})
            AND NOT EXISTS (SELECT 1 FROM audit_entries WHERE request_id = requests.id AND next_at IS NOT NULL)
            ORDER BY id LIMIT {STEP})
"""  # noqa: S608 -- our own text


def pages(since: datetime | None, request_id: str | None) -> tuple[str, list[Any]]:
    """Return the query for one page of entries, as an id and JSON each, and its values.

    The first value is the id after which the page begins.
    """
    wanted = {"at >= ?": text(since), "request_id = ?": request_id}
    given = {clause: value for clause, value in wanted.items() if value is not None}
    where = " AND ".join(["id > ?", *given])
    after = _time_of_id(max(since, _EARLIEST) - _IDS_MAY_DIFFER_BY) if since else ""
    sql = f"SELECT id, {_ENTRY} AS entry FROM audit_entries WHERE {where} ORDER BY id LIMIT {STEP}"  # noqa: S608
    return sql, [after, *given.values()]


def forget(db: sqlite3.Connection, before: datetime) -> int:
    """Delete a step of what ended before then and waits for no delivery; return how many entries."""
    first_kept = _time_of_id(max(before, _EARLIEST) + _IDS_MAY_DIFFER_BY)
    db.execute(_FORGET_REQUESTS, (first_kept, text(before), *ENDED))
    return db.execute(_FORGET_ENTRIES, (first_kept, text(before))).rowcount


def _time_of_id(at: datetime) -> str:
    return new_id(at)[:10]
