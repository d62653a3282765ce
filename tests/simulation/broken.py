"""A rule of the bot, broken: something takes the place of one function or one number, and a check has to find it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from simulation.checks import CHECKS
from simulation.crowd import Crowd
from simulation.world import run

SEEDS = 2000
Any_ = Callable[..., Any]


@dataclass(frozen=True)
class Broken:
    """What takes the place of `owner`'s `name`: a number, or a function that is given the sound one first.

    `found`: by which check. `begin`: the seed to begin with, where most worlds do not show it.
    """

    owner: Any
    name: str
    by: Any
    found: str
    begin: int = 0

    def is_found(self, seeds: Iterable[int], folder: Path, monkeypatch: pytest.MonkeyPatch) -> bool:
        """Whether its check finds it in the world of one of these seeds."""
        sound, by = getattr(self.owner, self.name), self.by

        def instead(*arguments: Any, **named: Any) -> Any:
            return by(sound, *arguments, **named)

        monkeypatch.setattr(self.owner, self.name, instead if callable(sound) else by)
        return any(list(CHECKS[self.found](run(seed, folder)[1])) for seed in seeds)

    @property
    def seeds(self) -> Iterable[int]:
        """The seeds in which it has to be found."""
        return range(self.begin, self.begin + SEEDS)

    @property
    def with_lists(self) -> Iterable[int]:
        """Those of them whose worlds have lists."""
        return (seed for seed in self.seeds if Crowd.of(seed, 1.0).on)
