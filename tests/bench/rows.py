"""The rows of the table: what was measured in each round, beside its floor in the same round."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median


@dataclass(kw_only=True)
class Row:
    """One row. `rounds` has pairs: what was measured, and its floor.

    The goal holds for their ratio or, where it is `absolute`, for what was measured.
    `samples` are single values of both sides, for the chart.
    """

    what: str
    floor: str
    goal: float
    unit: str = "ms"
    absolute: bool = False
    rounds: list[tuple[float, float]] = field(default_factory=list)
    samples: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))

    def add(self, measured: Sequence[float], floor: Sequence[float], share: float = 0.5) -> None:
        """Note a round by what it measured: the median of both sides, or another quantile."""
        self.rounds.append((quantile(measured, share), quantile(floor, share)))
        self.samples[0].extend(measured)
        self.samples[1].extend(floor)

    @property
    def ratios(self) -> list[float]:
        """The ratio of each round; none where the floor is nothing."""
        return [measured / floor for measured, floor in self.rounds if floor]

    @property
    def value(self) -> float:
        """What is held against the goal: the median of all rounds."""
        return median([measured for measured, _ in self.rounds] if self.absolute else self.ratios)

    @property
    def is_reached(self) -> bool:
        """Whether the goal is reached."""
        return self.value <= self.goal

    def cells(self) -> Iterator[str]:
        """What the row says, cell by cell."""
        measured, floor = (median(side) for side in zip(*self.rounds, strict=True))
        yield self.what
        yield f"{self.floor} ({self._amount(floor)})" if floor else self.floor
        yield self._amount(measured)
        yield f"{median(self.ratios):.2f}x" if self.ratios else "-"
        yield self._spread()
        yield f"{'≤'} {f'{self.goal:g} {self.unit}'.strip() if self.absolute else f'{self.goal:g}x'}"
        yield "yes" if self.is_reached else "NO"

    def _amount(self, value: float) -> str:
        return f"{value:,.1f} {self.unit}" if self.unit else f"{value:,.0f}"

    def _spread(self) -> str:
        if self.absolute:
            values = [measured for measured, _ in self.rounds]
            return f"{self._amount(min(values))} to {self._amount(max(values))}"
        return f"{min(self.ratios):.2f}x to {max(self.ratios):.2f}x"


TITLES = ("what", "floor", "measured", "ratio", "spread of the rounds", "goal", "reached")


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a table in Markdown, its columns aligned."""
    lines = [TITLES, *(tuple(row.cells()) for row in rows)]
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    lines.insert(1, tuple("-" * width for width in widths))
    return "\n".join(
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))} |" for line in lines
    )


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value below which such a share of them is; the median is between the two in the middle."""
    return median(values) if share == 0.5 else sorted(values)[min(int(share * len(values)), len(values) - 1)]


def progress(text: str) -> None:
    """Say what is being done, beside the table."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
