"""What following the trail is in every store: each entry once, in an order that never changes, and none left out.

The order is the store's own, so the id of the last entry that someone has is all that it takes to go on, on any
machine.
"""

from datetime import UTC, datetime, timedelta

from bot.audit import Entry
from bot.errors import StoreError
from bot.request import first_id_at
from bot.stores.documents import Stored, read_entry

# Ids begin with the time they were made at. It helps to find where to begin; what counts is the time of the entry.
_IDS_MAY_DIFFER_BY = timedelta(minutes=1)
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC) + _IDS_MAY_DIFFER_BY


def first_id_since(since: datetime) -> str:
    """Return what sorts before the id of each entry of that time and later."""
    return first_id_at(max(since, _EARLIEST) - _IDS_MAY_DIFFER_BY)


class CannotFollowError(StoreError):
    """The trail cannot be followed from there. Opening the store again would not help."""


def not_there(entry_id: str) -> CannotFollowError:
    """Return what is said where the entry after which to go on is not in the store."""
    return CannotFollowError(
        f"Entry {entry_id} is not in this store: it was deleted after `retain`, or it is of another store."
        " Entries after it may have been deleted too.",
        "To begin with the oldest entry that is there, leave out --after; with --since, at a time.",
    )


def entry_in(stored: Stored, entry_id: str) -> Entry:
    """Return a stored entry. Raises `CannotFollowError` for one that cannot be read: left out, it would be a gap."""
    try:
        return read_entry(stored)
    except Exception:  # noqa: BLE001 -- it may be wrong in any way
        raise CannotFollowError(
            f"Entry {entry_id} cannot be read by this version of the bot.",
            f"If a newer version wrote it, run that one. To leave it out: --after {entry_id}",
        ) from None
