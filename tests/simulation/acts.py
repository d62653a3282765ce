"""What a world's settings say of other actions than a sign-out, and the accounts as Cognito has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import TYPE_CHECKING

from bot.action import OTHERS
from bot.authorize import Allowed, Allowlist
from simulation.outcomes import DISABLE, ENABLE, RESET
from simulation.seen import Effect

if TYPE_CHECKING:
    from simulation.world import World

SHARE = 0.5  # of the worlds configure other actions
Name = tuple[str, str]  # a pool and a user name


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What Cognito says of an account."""

    enabled: bool = True
    status: str = "CONFIRMED"
    provider: str | None = None

    def refusal(self, step: str) -> str | None:
        """Return the code with which Cognito refuses a step; None where it does it."""
        if step != RESET:
            return None
        has_none = self.provider or self.status == "FORCE_CHANGE_PASSWORD"
        return "NotAuthorizedException" if has_none or not self.enabled else None

    def after(self, step: str) -> "Standing":
        """Return it after a step."""
        if step == RESET:
            return replace(self, status="RESET_REQUIRED")
        return replace(self, enabled={ENABLE: True, DISABLE: False}.get(step, self.enabled))


@dataclass(frozen=True, kw_only=True)
class Acts:
    """What one world has of it: lists by action; how each account was at first, and what is done to it elsewhere."""

    lists: Mapping[str, Allowlist] = field(default_factory=dict)
    at_first: Mapping[Name, Standing] = field(default_factory=dict)
    elsewhere: Sequence[tuple[float, Name, str]] = ()

    @classmethod
    def of(cls, seed: int, horizon: float, names: Sequence[Name]) -> "Acts":
        """Draw it. Most worlds have none, and then nothing else is drawn for it."""
        random = Random(f"actions of {seed}")
        if random.random() >= SHARE:
            return cls()
        return cls(
            lists={action: _who_may(random, action) for action in OTHERS if random.random() < 0.9},
            at_first={each: _drawn(random) for each in names},
            elsewhere=[
                (random.uniform(0.0, horizon), each, random.choice((DISABLE, ENABLE)))
                for each in names
                if random.random() < 0.2
            ],
        )

    @property
    def on(self) -> bool:
        """Whether someone may do more here than sign out."""
        return bool(self.lists)


def _who_may(random: Random, action: str) -> Allowlist:
    """Draw who may, for all pools and for one. Mal is on each of these lists, and never on the allowlist."""
    return Allowlist(
        everywhere=Allowed(users=_some(random, "U0SAM", "U0ANN") | {"U0MAL"}, groups=_some(random, "S0ONE")),
        pools={
            "customers": Allowed(users=_some(random, "U0SAM", "U0GIL")),
            "staff": Allowed(groups=_some(random, "S0TWO")),
        },
        table=f"actions.{action}",
    )


def _some(random: Random, *of: str) -> frozenset[str]:
    return frozenset(each for each in of if random.random() < 0.7)


def _drawn(random: Random) -> Standing:
    return Standing(
        enabled=random.random() < 0.85,
        status="FORCE_CHANGE_PASSWORD" if random.random() < 0.1 else "CONFIRMED",
        provider="Google" if random.random() < 0.1 else None,
    )


@dataclass(eq=False)
class Accounts:
    """The accounts now. One that is registered again begins as a new one."""

    world: "World"
    _now: dict[tuple[str, str, str], Standing] = field(default_factory=dict)

    def standing(self, pool: str, username: str) -> Standing | None:
        """Return what Cognito says of a user name; None where there is no such account."""
        sub = self._sub(pool, username)
        return self._now.get((pool, username, sub), self._first(pool, username, sub)) if sub else None

    def carry_out(self, step: str, pool: str, username: str, request_id: str | None) -> str | None:
        """Do a step or refuse it; return the code of a refusal. Without a request, someone did it elsewhere."""
        sub, before = self._sub(pool, username), self.standing(pool, username)
        if not sub or not before:
            return "UserNotFoundException"
        if code := before.refusal(step):
            return code
        self._now[pool, username, sub] = before.after(step)
        at = self.world.schedule.now
        self.world.seen.effects.append(
            Effect(step=step, pool=pool, username=username, sub=sub, request_id=request_id, at=at)
        )
        return None

    def _sub(self, pool: str, username: str) -> str | None:
        return self.world.registered.sub(pool, username, self.world.schedule.now)

    def _first(self, pool: str, username: str, sub: str) -> Standing:
        return self.world.acts.at_first.get((pool, username), Standing()) if sub == "sub-1" else Standing()
