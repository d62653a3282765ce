"""What the checks share: the tolerances, who was allowed when, and how each check is counted."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from bot.authorize import Allowlist
from bot.request import Operator, Request
from bot.work import CLOCKS_AGREE_WITHIN
from simulation.instances import START
from simulation.seen import Call, Move, Seen
from simulation.slack import HOME

Check = Callable[[Seen], Iterator[str]]
CHECKS: dict[str, Check] = {}
ROUNDING = 1e-5  # a datetime knows microseconds
GROUP_LISTS_ARE_GOOD_FOR = 60.0
# What the rules promise, so that it is still known here where a rule was broken.
SKEW = CLOCKS_AGREE_WITHIN.total_seconds()


def check(function: Check) -> Check:
    """Count a function among the checks."""
    CHECKS[function.__name__] = function
    return function


def violations(seen: Seen) -> Iterator[tuple[str, str]]:
    """Give every check that fails, with what is wrong."""
    for name, function in CHECKS.items():
        for wrong in function(seen):
            yield name, wrong


def is_same(one: Operator, other: Operator) -> bool:
    """Whether two are the same person."""
    return (one.team_id, one.id) == (other.team_id, other.id)


def allowed(seen: Seen, decision: Move, operator: Operator, pool: str, allowlist: Allowlist) -> bool:
    """Whether someone may at the moment of a move: by id, or by a group as Slack listed it to this instance."""
    if operator.team_id != HOME:
        return False
    lists = [allowlist.everywhere, allowlist.pools[pool]]
    lists += [each.ask for each in lists if each.ask and decision.after.approval]
    groups = frozenset[str]().union(*(each.groups for each in lists))
    return any(operator.id in each.users for each in lists) or any(
        operator.id in each.members and each.group_id in groups
        for each in seen.listings
        if each.instance == decision.instance and decision.at - GROUP_LISTS_ARE_GOOD_FOR <= each.at <= decision.at
    )


def calls_for(seen: Seen, request: Request) -> list[Call]:
    """Return the calls for a request."""
    return [call for call in seen.calls if call.request_id == request.id]


def seconds_of(time: datetime) -> float:
    """Return a time in seconds from the start."""
    return (time - START) / timedelta(seconds=1)
