"""The part of the store that knows which audit entries wait for the channel."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from itertools import islice
from operator import attrgetter

from bot.audit import Entry
from bot.facts.finding import COUNTED_UP_TO, Backlog
from bot.stores.documents import FIRST_DUE, text, time_or_none
from bot.stores.dynamodb import items
from bot.stores.dynamodb.calls import ConditionError
from bot.stores.dynamodb.items import IS_THERE, undelivered, update
from bot.stores.dynamodb.reader import DynamoDBReader

PAST_UNREADABLE = 10  # so many are read for one, since the first may be one that cannot be read


class EntryOutbox(DynamoDBReader):
    """What an `Outbox` does for entries. Each write depends on what was read, so an index that lags does no harm."""

    def backlog(self) -> Backlog:
        outcomes = [item["at"] for item in islice(self._due(COUNTED_UP_TO, items.UNDELIVERED), COUNTED_UP_TO)]
        left = COUNTED_UP_TO - len(outcomes)
        count = len(outcomes) + (len(list(islice(self._due(left, items.REFUSAL), left))) if left else 0)
        return Backlog(count, time_or_none(min(outcomes, default=None)), more=count == COUNTED_UP_TO)

    def next_entry_at(self, *, refused: bool = False) -> datetime | None:
        first = self._first(PAST_UNREADABLE, items.entry_of_item, undelivered(refused=refused))
        return first[0].delivery.next_at if first else None

    def due_entries(
        self, now: datetime, limit: int, beyond: datetime | None = None, *, refused: bool = False
    ) -> Sequence[Entry]:
        most = max(limit, PAST_UNREADABLE if refused else FIRST_DUE)
        read, what = items.entry_of_item, undelivered(refused=refused)
        due = self._first_due(most, read, what, "due_at <= :at", at=now, beyond=beyond)
        return sorted(due, key=attrgetter("id"))[:limit]

    def hold(self, entry: Entry, until: datetime) -> Entry | None:
        is_held = self._due_again(entry, until, failures=0)
        return replace(entry, delivery=replace(entry.delivery, next_at=until)) if is_held else None

    def delivered(self, entry: Entry, ts: str, now: datetime) -> None:
        change = "SET attempts = attempts + :one, delivered_at = :now, ts = :ts REMOVE due, due_at"
        condition = f"{IS_THERE} AND attribute_not_exists(delivered_at)"
        with suppress(ConditionError):
            self._calls.write([update(items.entry_key(entry.id), change, condition, one=1, now=text(now), ts=ts)])

    def postponed(self, entry: Entry, next_at: datetime) -> None:
        self._due_again(entry, next_at, failures=1)

    def _due_again(self, entry: Entry, at: datetime, *, failures: int) -> bool:
        change = "SET due_at = :at, attempts = attempts + :failures"
        was = text(entry.delivery.next_at)  # where someone took it since, it is another time, or none
        again = update(items.entry_key(entry.id), change, "due_at = :was", at=text(at), failures=failures, was=was)
        try:
            self._calls.write([again])  # as a transaction, which may be sent again when its answer was lost
        except ConditionError:
            return False
        return True
