"""The part of the store that keeps which audit entries wait for the channel."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from operator import attrgetter

from bot.audit import Entry, Kind
from bot.facts.finding import COUNTED_UP_TO, Backlog
from bot.stores.documents import FIRST_DUE, text, time_or_none
from bot.stores.dynamodb import items
from bot.stores.dynamodb.calls import READ_AT_ONCE, ConditionError
from bot.stores.dynamodb.items import IS_THERE, Action, delete, update
from bot.stores.dynamodb.reader import DynamoDBReader
from bot.stores.dynamodb.table import EXPIRES

AT_ONCE = 33  # with two more writes for each, within the 100 that DynamoDB takes at once
PAST_UNREADABLE = 10  # so many are read for one, since the first may be one that cannot be read
SWEPT_AFTER = timedelta(days=1)


class EntryOutbox(DynamoDBReader):
    """What an `Outbox` does for entries. Each write depends on what was read, so an index that lags does no harm."""

    def backlog(self) -> Backlog:
        times = [item["at"] for item in islice(self._due(COUNTED_UP_TO, items.UNDELIVERED), COUNTED_UP_TO)]
        return Backlog(len(times), time_or_none(min(times, default=None)), more=len(times) == COUNTED_UP_TO)

    def next_entry_at(self) -> datetime | None:
        first = self._first(PAST_UNREADABLE, items.entry_of_item, items.UNDELIVERED)
        return first[0].delivery.next_at if first else None

    def due_entries(self, now: datetime, limit: int, beyond: datetime | None = None) -> Sequence[Entry]:
        most = max(limit, FIRST_DUE)
        read, what = items.entry_of_item, items.UNDELIVERED
        due = self._first_due(most, read, what, "due_at <= :at", at=now, beyond=beyond)
        return sorted(due, key=attrgetter("id"))[:limit]

    def refusals_waiting(self, team_id: str, operator_id: str, limit: int) -> Sequence[Entry]:
        most = min(limit, READ_AT_ONCE)
        waiting = self._calls.query(
            KeyConditionExpression="pk = :pk AND sk < :last",
            ExpressionAttributeValues={":pk": items.refusals_key(team_id, operator_id)["pk"], ":last": items.REFUSALS},
            ConsistentRead=True,
            Limit=most,
        )
        found = self._calls.get_all([items.entry_key(item["sk"]) for item in islice(waiting, most)])
        entries = self._readable(items.entry_of_item, found)
        return [entry for entry in entries if entry.delivery.next_at]

    def last_refusal_delivered_at(self, team_id: str, operator_id: str) -> datetime | None:
        item = self._calls.get(items.refusals_key(team_id, operator_id))
        return time_or_none(item["delivered_at"]) if item else None

    def hold(self, entries: Sequence[Entry], until: datetime) -> Sequence[Entry]:
        got = self._write_each(entries, lambda entry: [_due_again(entry, until)])
        return [replace(entry, delivery=replace(entry.delivery, next_at=until)) for entry in got]

    def delivered(self, entries: Sequence[Entry], ts: str, now: datetime) -> None:
        self._write_each(entries, lambda entry: _taken(entry, ts, now), lambda taken: _refusals_taken(taken, now))

    def postponed(self, entries: Sequence[Entry], next_at: datetime, *, failed: bool) -> None:
        self._write_each(entries, lambda entry: [_due_again(entry, next_at, failures=int(failed))])

    def _write_each(
        self,
        entries: Sequence[Entry],
        actions: Callable[[Entry], Sequence[Action]],
        also: Callable[[Sequence[Entry]], Sequence[Action]] = lambda _: (),
    ) -> Sequence[Entry]:
        """Write the `actions` of those entries whose first one's condition holds, and return these entries."""
        written: list[Entry] = []
        for start in range(0, len(entries), AT_ONCE):
            left = entries[start : start + AT_ONCE]
            while left:
                firsts, others = zip(*((first, rest) for first, *rest in map(actions, left)), strict=True)
                try:
                    self._calls.write([*firsts, *(each for rest in others for each in rest), *also(left)])
                except ConditionError as error:
                    left = [entry for entry, failed in zip(left, error.failed, strict=False) if not failed]
                else:
                    written += left
                    break
        return written


def _due_again(entry: Entry, at: datetime, *, failures: int = 0) -> Action:
    return update(
        items.entry_key(entry.id),
        "SET due_at = :at, attempts = attempts + :failures",
        "due_at = :was",  # where someone took it since, it is another time, or none
        at=text(at),
        failures=failures,
        was=text(entry.delivery.next_at),
    )


def _taken(entry: Entry, ts: str, now: datetime) -> Sequence[Action]:
    noted = update(
        items.entry_key(entry.id),
        "SET attempts = attempts + :one, delivered_at = :now, ts = :ts REMOVE due, due_at",
        f"{IS_THERE} AND attribute_not_exists(delivered_at)",
        one=1,
        now=text(now),
        ts=ts,
    )
    return [noted, delete(items.waiting_key(entry))] if entry.kind is Kind.REFUSED else [noted]


def _refusals_taken(taken: Sequence[Entry], now: datetime) -> Sequence[Action]:
    who = {(each.ask.operator.team_id, each.ask.operator.id) for each in taken if each.kind is Kind.REFUSED}
    change = f"SET delivered_at = :now, {EXPIRES} = :expires"
    expires = items.epoch(now + SWEPT_AFTER)
    return [update(items.refusals_key(*operator), change, now=text(now), expires=expires) for operator in sorted(who)]
