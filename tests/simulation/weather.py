"""How bad the world of one seed is: its settings and its chances, all drawn at the start."""

from dataclasses import dataclass, replace
from random import Random


@dataclass(kw_only=True)
class Weather:
    """Chances are from 0 to 1, times in seconds. `calm` ends every fault."""

    machines: int
    horizon: float
    confirm_within: float
    resume_within: float
    kills: float
    store: float
    cognito: float
    slack: float
    refusing_until: float
    url_lasts: float
    places: int
    dawdling: float
    jumps: bool
    calm: bool = False

    def for_lists(self) -> "Weather":
        """Return it with fewer faults in each step: a list takes many steps."""
        lasts = max(self.url_lasts, 30.0)
        resume_within = {45.0: 25.0}.get(self.resume_within, self.resume_within)
        return replace(
            self,
            kills=self.kills / 4,
            store=self.store / 5,
            slack=self.slack / 2,
            url_lasts=lasts,
            resume_within=resume_within,
        )

    @classmethod
    def of(cls, random: Random, clocks: Random) -> "Weather":
        """Draw it. One seed in eight is fine weather, so that what happens without faults is seen as well."""
        fine = random.random() < 1 / 8
        chances = [0.0] if fine else [0.0, 0.03, 0.15]
        horizon = random.choice([60.0, 100.0, 160.0])
        return cls(
            machines=random.choice([1, 2, 2, 3]),
            horizon=horizon,
            confirm_within=random.choice([30.0, 75.0, 150.0]),
            resume_within=random.choice([30.0, 45.0, 90.0, 300.0]),
            kills=0.0 if fine else random.choice([0.0, 0.005, 0.015, 0.04]),
            store=random.choice(chances),
            cognito=random.choice([0.0] if fine else [0.1, 0.5, 0.9]),
            slack=random.choice(chances),
            refusing_until=0.0 if fine else random.choice([0.0, 0.0, random.uniform(0, horizon)]),
            url_lasts=random.choice([1800.0, 1800.0, 20.0, random.uniform(1.0, 120.0)]),
            dawdling=random.choice([0.05, 0.3]),
            places=random.choice([3, 6]),
            jumps=not fine and clocks.random() < 0.3,
        )
