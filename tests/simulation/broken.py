"""A rule of the bot, broken: something takes the place of one function or one number, and a check has to find it."""

from collections.abc import Callable
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

    def is_found(self, folder: Path, monkeypatch: pytest.MonkeyPatch, *, lists: bool) -> bool:
        """Whether its check finds it in the world of one of the next seeds: those with lists, or all, without them."""
        sound, by = getattr(self.owner, self.name), self.by

        def instead(*arguments: Any, **named: Any) -> Any:
            return by(sound, *arguments, **named)

        monkeypatch.setattr(self.owner, self.name, instead if callable(sound) else by)
        seeds = range(self.begin, self.begin + SEEDS)
        worlds = (run(seed, folder, lists=lists) for seed in seeds if not lists or Crowd.of(seed, 1.0).on)
        return any(list(CHECKS[self.found](seen)) for _, seen in worlds)
