"""What someone may do here, and whether a second person has to approve it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.action import SIGN_OUT
from bot.authorize import Allowed, Authorized, Denied, authorize
from bot.confirm import Confirmations
from bot.request import Ask, Operator


@dataclass(frozen=True, slots=True)
class WhoAmI:
    """`/signout whoami`, and `signout whoami` in a terminal."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InPool:
    """What someone may do in one pool: ask by the rule `asks`, approve by the rule `approves`; None: they may not.

    `needs`: the rules by which one of the `approvers` has to approve each sign-out. Where it is empty, one may still
    have to, for a protected account or a limit. `more`: the same for each other action that they may ask for.
    """

    pool: str
    asks: str | None
    approves: str | None
    needs: tuple[str, ...]
    approvers: Allowed
    more: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What an operator may do, pool by pool, and how many accounts more are `left` now, by the name of each limit.

    `unsure`: Slack did not say all that it was asked, so they may be allowed more.
    """

    operator: Operator
    pools: Sequence[InPool]
    left: Mapping[str, int]
    unsure: bool = False


def standing(rules: Confirmations, ask: Ask) -> Standing:
    """Return what the operator may do. Raises `DeniedError` for someone who may neither ask nor approve anything."""
    asks = authorize(ask.operator, rules.allowlist, rules.members, rules.home())
    approves = authorize(ask.operator, rules.approvers, rules.members, rules.home())
    if isinstance(asks, Denied) and isinstance(approves, Denied):
        raise rules.refused(ask, asks if asks.sentence else approves)
    mine = asks.rules if isinstance(asks, Authorized) else {}
    others = approves.rules if isinstance(approves, Authorized) else {}
    pools = [
        InPool(
            pool=pool,
            asks=mine.get(pool),
            approves=others.get(pool),
            needs=rules.always_needs(SIGN_OUT, pool, asks) if isinstance(asks, Authorized) and pool in mine else (),
            approvers=rules.approvers.of(pool),
            more=rules.more_needs(ask, pool) if pool in mine else {},
        )
        for pool in sorted({*mine, *others})
    ]
    operator = asks.operator if isinstance(asks, Authorized) else ask.operator  # with the team that limits count by
    left = rules.limits.left(operator, rules.clock.now()) if mine else {}
    unsure = any(isinstance(each, Denied) and each.sentence for each in (asks, approves))
    return Standing(operator=operator, pools=pools, left=left, unsure=unsure)
