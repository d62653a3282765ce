"""What a list holds beside its accounts: what came of its lines, and how far it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Self

MOST_NAMED = 50  # lines that a preview names of each sort; it counts all
LONGEST_NAMED = 200  # characters: of a longer line, these


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """Lines that were left out of a list: how many, and the first of them as they were written, cut where long."""

    count: int = 0
    first: tuple[str, ...] = ()

    def with_line(self, line: str) -> Self:
        """Return it with one line more."""
        kept = line[:LONGEST_NAMED].encode("utf-8", "replace").decode()  # no store can hold a lone surrogate
        first = self.first if len(self.first) >= MOST_NAMED else (*self.first, kept)
        return replace(self, count=self.count + 1, first=first)


@dataclass(frozen=True, kw_only=True, slots=True)
class Several:
    """A line that means several accounts: so many candidates of the request, from the one at `begin` on."""

    line: str
    begin: int
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """How many accounts of a list have `ended`, each as one of the next three; `reasons` has why not, by error code."""

    ended: int = 0
    done: int = 0
    failed: int = 0
    unknown: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """What a list holds. Its accounts are in the store, in `portions`; `size` counts them.

    `digest` tells one sequence of accounts from every other. Some lines are left out: `not_found`, `unreadable`,
    `protected`, and `several`, which mean more than one account. `twice` counts lines whose account is there already.
    `recent` accounts were signed out within the hour before; they are signed out again.
    """

    pool: str
    pool_id: str
    region: str
    everyone: bool = False  # the whole pool, and not what lines name
    again_of: str | None = None  # the list whose accounts that were not done these are
    lines: int = 0  # that were looked up
    size: int = 0
    portions: int = 0
    digest: str = ""
    not_found: LeftOut = LeftOut()
    unreadable: LeftOut = LeftOut()
    protected: LeftOut = LeftOut()
    several: LeftOut = LeftOut()
    choices: tuple[Several, ...] = ()  # the first of `several`, each until one of its accounts is chosen
    chosen: tuple[int, ...] = ()  # the candidates that were chosen; each has a portion of its own, after the others
    twice: int = 0
    recent: int = 0
    pace: float = 12.0  # accounts a second, by the settings
    counts: Counts = Counts()
    settled: Counts = Counts()  # of the first accounts, up to one that has not ended: who takes over begins there
    begun_at: datetime | None = None
    worked_at: datetime | None = None  # when an instance last noted how far it is, or someone let it go on
    rate: float | None = None  # accounts a second, since it began or went on
    trouble: str | None = None  # an error code: why it waits, is slow or was paused
    at_rest: bool = True  # no account of it is under way

    @property
    def numbers(self) -> Sequence[int]:
        """The numbers of its portions, in the order of its accounts."""
        return [*range(self.portions), *(self.portions + each for each in self.chosen)]

    @property
    def looked_up(self) -> int:
        """How many lines of a preview were looked up so far."""
        left_out = (self.not_found, self.unreadable, self.protected, self.several)
        return self.size + self.twice + sum(each.count for each in left_out)

    @property
    def left(self) -> int:
        """How many accounts have not ended."""
        return self.size - self.counts.ended

    @property
    def time_left(self) -> timedelta:
        """How long the rest takes, as fast as it goes now or, before it has begun, at the pace of the settings."""
        return timedelta(seconds=self.left / (self.rate or self.pace))
