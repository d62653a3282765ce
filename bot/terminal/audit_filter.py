"""Which entries are to be shown."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from bot.audit import Entry, Kind


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What an entry must be to be shown; None and an empty set ask for nothing. Letter case does not count."""

    since: datetime | None = None
    until: datetime | None = None
    operator: str | None = None
    target: str | None = None
    pool: str | None = None
    outcomes: Collection[Kind] = frozenset()

    def passes(self, entry: Entry) -> bool:
        """Return whether this entry is wanted: from `since` on, and before `until`."""
        ask, account = entry.ask, entry.chosen
        return (
            (self.since is None or entry.at >= self.since)
            and (self.until is None or entry.at < self.until)
            and (not self.outcomes or entry.kind in self.outcomes)
            and _is_one_of(self.operator, ask.operator.id, ask.operator.name)
            and _is_one_of(self.pool, *((account.pool, account.pool_id) if account else ()))
            and _is_one_of(
                self.target,
                ask.options.target,
                *((account.username, account.email, account.phone, account.sub) if account else ()),
            )
        )


def _is_one_of(wanted: str | None, *values: str | None) -> bool:
    return wanted is None or wanted.casefold() in {value.casefold() for value in values if value}
