"""Two sides measured in turns, and what comes of it."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median, quantiles


@dataclass
class Side:
    """One of two things that are compared, and the seconds of its clicks so far."""

    name: str
    click: Callable[[], float]
    seconds: list[float] = field(default_factory=list)

    def describe(self) -> str:
        """Its clicks in one line."""
        tenths = quantiles(self.seconds, n=10)
        return (
            f"{self.name}: click to result {1000 * median(self.seconds):.1f} ms in the middle of {len(self.seconds)},"
            f" eight in ten between {1000 * tenths[0]:.1f} and {1000 * tenths[-1]:.1f} ms"
        )


def compare(new: Side, old: Side, sign_outs: int) -> float:
    """Click on both in turns, that many times on each; return new's median as a multiple of old's."""
    for turn in range(sign_outs):
        # One after the other, and who begins changes: what slows the machine down for a while slows both.
        for side in (new, old) if turn % 2 else (old, new):
            side.seconds.append(side.click())
    for side in (old, new):
        say(side.describe())
    return median(new.seconds) / median(old.seconds)


def verdict(what: str, ratio: float, limit: float) -> bool:
    """Say how near a ratio is to its limit; return whether it is within it."""
    is_within = ratio <= limit
    say(f"{what}: {ratio:.2f}x, {'within' if is_within else 'MORE THAN'} {limit}x")
    return is_within


def say(text: str) -> None:
    """Print a line, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
