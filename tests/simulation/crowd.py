"""What a world has of lists: the people whose accounts are listed, the pace, and how an instance joins the rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from random import Random
from typing import TYPE_CHECKING, Any

from bot.flow import Flow
from bot.list_flow import ListFlow
from bot.list_work import ListWorker
from bot.lists import ListRules
from bot.pace import Pace
from simulation.schedule import Schedule, Task

if TYPE_CHECKING:
    from simulation.instances import Instance

SHARE = 0.35  # of the worlds have lists
FAMILY = "family@example.com"  # of several accounts
LOOK_UPS_A_SECOND = 50.0
AT_MOST = 3600.0  # seconds in line
PAGE = 5  # accounts that Cognito gives at once
PEOPLE: Mapping[str, Sequence[str]] = {
    "customers": tuple(f"p{number:02}" for number in range(15)),
    "staff": tuple(f"s{number:02}" for number in range(5)),
}
PEOPLES_NAMES = [(pool, username) for pool, usernames in PEOPLE.items() for username in usernames]
Change = tuple[float, str | None]  # from some time on a user name is another account (its sub), or none


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """What one world has of it. Without lists, no one asks for one."""

    on: bool = False
    pace: float = 2.0  # accounts a second
    one_quota: bool = True  # the pools are in one AWS account
    meddles: bool = False  # someone changes a list in the store before it is decided on
    leases: float = 0.0  # how often a lease is not renewed, the store being out of order
    outage: tuple[float, float] | None = None  # when all instances are killed, and for how long none runs
    changes: Mapping[tuple[str, str], Change] | None = None

    @classmethod
    def of(cls, seed: int, horizon: float) -> "Crowd":
        """Draw it. Most worlds have none, and then nothing else is drawn for it."""
        random = Random(f"lists of {seed}")
        if random.random() >= SHARE:
            return cls()
        changes = {each: (random.uniform(0.0, horizon), random.choice(("sub-2", None))) for each in PEOPLES_NAMES}
        return cls(
            on=True,
            pace=random.choice((1.0, 2.0, 4.0)),
            one_quota=random.random() < 0.6,
            meddles=random.random() < 0.2,
            leases=random.choice((0.0, 0.0, 0.6)),
            outage=(horizon * random.uniform(0.2, 0.7), random.uniform(10.0, 70.0)) if random.random() < 0.3 else None,
            changes={each: change for each, change in changes.items() if random.random() < 0.1},
        )

    def quota_of(self, pool: str) -> str:
        """Return the AWS account and region of a pool."""
        return "own/eu-central-1" if self.one_quota else f"{pool}/eu-central-1"


def email_of(pool: str, username: str) -> str | None:
    """Return the email of someone in the crowd."""
    if username not in PEOPLE[pool]:
        return None
    return FAMILY if username in PEOPLE["customers"][:3] else f"{username}@example.com"


def found_by(pool: str, email: str) -> Sequence[str]:
    """Return who has this email."""
    return [each for each in PEOPLE[pool] if email_of(pool, each) == email]


class Line:
    """Who is first in line for a turn of a pace: a lock that lets other tasks go on while one waits for it."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.is_taken = False
        self.behind: list[Task] = []

    def __enter__(self) -> None:
        while self.is_taken:
            self.behind.append(self.schedule.current())
            self.schedule.pause(AT_MOST)
        self.is_taken = True

    def __exit__(self, *_: object) -> None:
        self.is_taken = False
        if self.behind:
            self.schedule.wake(self.behind.pop(0))


def lists_of(instance: "Instance", flow: Flow, store: Any, lanes: Sequence[Any]) -> tuple[ListFlow, ListWorker]:
    """Return the flow of lists and what runs them, joined as wiring/shared.py joins them."""
    crowd, confirmations, look_ups = instance.world.crowd, flow.confirmations, dict[str, Pace]()
    shared = {each.name: getattr(confirmations, each.name) for each in fields(confirmations)}
    lists, accounts, looking = lanes

    def new_pace(per_second: float) -> Pace:
        new = Pace(clock=confirmations.clock, per_second=per_second)
        new._first_in_line = Line(instance.world.schedule)  # type: ignore[assignment]
        return new

    def pace(pool: str) -> Pace:
        return look_ups.setdefault(crowd.quota_of(pool), new_pace(LOOK_UPS_A_SECOND))

    rules = ListRules(**{**shared, "requests": store}, per_second=crowd.pace, look_ups=pace)
    worker = ListWorker(
        requests=store,
        worker=flow.worker,
        lane=lists,
        accounts_lane=accounts,
        clock=confirmations.clock,
        quota_of=crowd.quota_of,
        per_second=crowd.pace,
        closed=flow.closed,
        holder=instance.name,
    )
    worker.paces.update({crowd.quota_of(pool): new_pace(crowd.pace) for pool in PEOPLE})
    return ListFlow(flow=flow, rules=rules, lane=looking), worker
