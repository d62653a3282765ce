"""The part of the DynamoDB store that keeps which audit entries wait for the channel."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from heapq import nsmallest
from operator import attrgetter

from bot.audit import AuditEntry, Kind
from bot.ports import Backlog
from bot.stores import items
from bot.stores.actions import Action, update
from bot.stores.calls import Calls, ConditionError
from bot.stores.items import Item
from bot.stores.reader import Reader
from bot.stores.rows import text, time
from bot.stores.table import EXPIRES

MOST_AT_ONCE = 50  # with something more for each, within the 100 actions that DynamoDB takes in one write
UNREADABLE_WAITS = timedelta(hours=1)
SWEPT_AFTER = timedelta(days=1)


class Deliveries:
    """What a `RequestStore` does for the delivery of entries."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._reader = Reader(calls)

    def backlog(self) -> Backlog:
        """Return what waits for delivery."""
        waiting, oldest = 0, ""
        for item in self._reader.due(items.UNDELIVERED):
            waiting, oldest = waiting + 1, min(oldest or item["at"], item["at"])
        return Backlog(waiting, time(oldest or None))

    def undelivered(self, now: datetime, limit: int) -> Sequence[AuditEntry]:
        """Return entries that are due for delivery, oldest first."""
        due = self._reader.due(items.UNDELIVERED, "due_at <= :now", now=text(now))
        return self._oldest(limit, due, self._look_later)

    def refusals_waiting(self, team_id: str, operator_id: str, limit: int) -> Sequence[AuditEntry]:
        """Return an operator's undelivered refusals, oldest first."""
        waiting = self._reader.due(
            items.UNDELIVERED,
            where="kind = :kind AND team_id = :team AND operator_id = :operator",
            kind=Kind.REFUSED,
            team=team_id,
            operator=operator_id,
        )
        return self._oldest(limit, waiting)

    def last_refusal_delivered_at(self, team_id: str, operator_id: str) -> datetime | None:
        """Return when the channel last heard of a refusal of this operator."""
        item = self._calls.get(items.refusals_key(team_id, operator_id))
        return time(item["delivered_at"]) if item else None

    def next_delivery_at(self) -> datetime | None:
        """Return when the next entry is due, or None where nothing waits."""
        first = next(self._reader.due(items.UNDELIVERED, most=1), None)
        return time(first["due_at"]) if first else None

    def hold(self, entries: Sequence[AuditEntry], until: datetime) -> Sequence[AuditEntry]:
        """Take these entries for delivery: nobody else gets them before `until`. Return those that were got."""
        got = self._update_each(entries, lambda entry: _due_again(entry, until))
        return [replace(entry, next_at=until) for entry in got]

    def delivered(self, entries: Sequence[AuditEntry], ts: str, now: datetime) -> None:
        """Note that Slack took these entries, as message `ts`. What was noted before stays."""
        self._update_each(entries, lambda entry: _taken(entry, ts, now), lambda noted: _refusals_taken(noted, now))

    def postponed(self, entries: Sequence[AuditEntry], next_at: datetime, *, failed: bool) -> None:
        """Note when to try these entries again, unless somebody took them since; `failed` counts an attempt."""
        self._update_each(entries, lambda entry: _due_again(entry, next_at, failures=int(failed)))

    def _oldest(
        self, limit: int, waiting: Iterable[Item], otherwise: Callable[[Item], object] = lambda _: None
    ) -> Sequence[AuditEntry]:
        entries = self._reader.readable(items.entry_of_item, waiting, otherwise)
        return nsmallest(limit, entries, key=attrgetter("id"))

    def _look_later(self, item: Item) -> None:
        """Put off what cannot be read, so that it is not due all the time."""
        later = text(datetime.now(UTC) + UNREADABLE_WAITS)
        with suppress(ConditionError):
            change = update(items.key_of(item), "SET due_at = :later", "due_at = :was", later=later, was=item["due_at"])
            self._calls.write([change])

    def _update_each(
        self,
        entries: Sequence[AuditEntry],
        change: Callable[[AuditEntry], Action],
        also: Callable[[Sequence[AuditEntry]], Sequence[Action]] = lambda _: (),
    ) -> Sequence[AuditEntry]:
        """Change those of the entries whose condition holds, and return them."""
        changed: list[AuditEntry] = []
        for start in range(0, len(entries), MOST_AT_ONCE):
            left = entries[start : start + MOST_AT_ONCE]
            while left:
                try:
                    self._calls.write([*map(change, left), *also(left)])
                except ConditionError as error:
                    left = [entry for entry, failed in zip(left, error.failed, strict=False) if not failed]
                else:
                    changed += left
                    break
        return changed


def _due_again(entry: AuditEntry, at: datetime, *, failures: int = 0) -> Action:
    return update(
        items.entry_key(entry.id),
        "SET due_at = :at, delivery_attempts = delivery_attempts + :failures",
        "due_at = :was",  # where somebody took it since, it is another time, or none
        at=text(at),
        failures=failures,
        was=text(entry.next_at),
    )


def _taken(entry: AuditEntry, ts: str, now: datetime) -> Action:
    return update(
        items.entry_key(entry.id),
        "SET delivery_attempts = delivery_attempts + :one, delivered_at = :now, ts = :ts REMOVE due, due_at",
        "attribute_exists(pk) AND attribute_not_exists(delivered_at)",
        one=1,
        now=text(now),
        ts=ts,
    )


def _refusals_taken(noted: Sequence[AuditEntry], now: datetime) -> Sequence[Action]:
    operators = {(each.operator.team_id, each.operator.id) for each in noted if each.kind is Kind.REFUSED}
    change = f"SET delivered_at = :now, {EXPIRES} = :expires"
    expires = items.epoch(now + SWEPT_AFTER)
    return [
        update(items.refusals_key(*operator), change, now=text(now), expires=expires) for operator in sorted(operators)
    ]
