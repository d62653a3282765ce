"""What a world's settings say of a second person, of protected accounts and of limits; and the people who approve."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING

from bot.action import ACTIONS, OTHERS
from bot.approve import ApprovalSettings
from bot.authorize import NO_ONE, Allowed, Allowlist
from bot.decide import Press
from bot.errors import BotError
from bot.limits import Protection
from bot.ports import Place
from bot.request import Operator
from bot.slack.approvals import APPROVE, DENY
from bot.slack.denial import ApproverReply
from bot.slack.reply import CardReply
from simulation.cognito import NAMES, POOLS
from simulation.crowd import PEOPLES_NAMES
from simulation.seen import Press as SeenPress
from simulation.slack import APPROVALS, HOME, Thread, buttons

if TYPE_CHECKING:
    from simulation.world import World

SHARE = 0.4  # of the worlds have any of it
LEADS = "S0LEADS"
VIPS = "vips"
KIM = Operator(team_id=HOME, id="U0KIM", name="kim")  # approves, by id
LIZ = Operator(team_id=HOME, id="U0LIZ", name="liz")  # by a group
ANN = Operator(team_id=HOME, id="U0ANN", name="ann")  # may only ask
APPROVERS = Allowlist(
    everywhere=Allowed(users=frozenset({KIM.id, "U0SAM"}), groups=frozenset({LEADS})),  # sam asks, too
    pools={"customers": Allowed(), "staff": Allowed()},
    table="approve",
)
Membership = Mapping[tuple[str, str], tuple[float, float]]  # when a pool's user name is one of the VIPs


@dataclass(frozen=True, kw_only=True)
class Brakes:
    """What one world has of it. Times are in seconds."""

    approvers: Allowlist = NO_ONE
    always: frozenset[str] = frozenset()  # the pools in which each request needs an approval
    named: Mapping[str, frozenset[str]] = field(default_factory=dict)  # the actions that need one, in the others
    approve_within: float = 60.0
    protection: Protection | None = None
    vips: Membership = field(default_factory=dict)
    per_operator: int | None = None
    everyone: int | None = None
    above: int | None = None  # lists of more accounts need an approval

    @classmethod
    def of(cls, seed: int, horizon: float, *, lists: bool) -> "Brakes":
        """Draw it. Most worlds have none, and then nothing else is drawn for it. With `lists`, limits are higher."""
        random = Random(f"brakes of {seed}")
        if random.random() >= SHARE:
            return cls()
        protects = random.random() < 0.6
        drawn = cls(
            approvers=APPROVERS if random.random() < 0.75 else NO_ONE,
            always=frozenset(name for name in POOLS if random.random() < 0.35),
            approve_within=random.choice([20.0, 60.0, 150.0]),
            protection=Protection(groups=frozenset({VIPS}), may_approve=random.random() < 0.6) if protects else None,
            vips={each: cls._membership(random, horizon) for each in NAMES if protects and random.random() < 0.5},
            per_operator=random.choice([None, 1, 2]),
            everyone=random.choice([None, 1, 2, 3]),
            named={name: frozenset(each for each in OTHERS if random.random() < 0.4) for name in POOLS},
        )
        return drawn._with_lists(random, horizon) if lists else drawn

    def _with_lists(self, random: Random, horizon: float) -> "Brakes":
        vips = {each: self._membership(random, horizon) for each in PEOPLES_NAMES if random.random() < 0.15}
        return replace(
            self,
            above=random.choice([None, 3, 6]),
            per_operator=random.choice([None, None, 8, 20]),
            everyone=random.choice([None, None, 12, 30]),
            vips={**self.vips, **(vips if self.protection else {})},
        )

    @staticmethod
    def _membership(random: Random, horizon: float) -> tuple[float, float]:
        """Mostly for all the time; else from some time on, or until then."""
        at = random.uniform(0.0, horizon * 0.7)
        return random.choice(((0.0, 1e9), (at, 1e9), (at, 1e9), (0.0, at)))

    @property
    def on(self) -> bool:
        """Whether someone may approve here, or something is limited or protected."""
        return self != Brakes()

    @property
    def approving(self) -> Mapping[str, ApprovalSettings]:
        """What the settings say, by pool."""
        within = timedelta(seconds=self.approve_within)
        has_approvers = self.approvers is not NO_ONE
        return {
            name: ApprovalSettings(
                channel_id=APPROVALS,
                actions=frozenset(ACTIONS) if name in self.always else self.named.get(name, frozenset()),
                above=self.above,
                within=within,
            )
            for name in POOLS
            if has_approvers
        }

    @property
    def protections(self) -> Mapping[str, Protection]:
        """What the settings say, by pool."""
        return dict.fromkeys(POOLS, self.protection) if self.protection else {}

    def groups(self, pool: str, username: str, now: float) -> frozenset[str]:
        """Return the groups that an account is in at a time."""
        since, until = self.vips.get((pool, username), (1e9, 0.0))
        return frozenset({VIPS}) if since <= now < until else frozenset({"others"})


class Approver:
    """People who look at the channel: they approve, deny, press twice or late, and press what they may not."""

    def __init__(self, world: "World") -> None:
        self.world = world

    def live(self) -> None:
        """Press this and that."""
        world = self.world
        while not world.weather.calm:
            world.schedule.pause(world.random.uniform(0.5, 10.0))
            shown = list(world.slack.approvals.items())
            waiting = [each for each in shown if buttons(each[1])]
            if world.chance(0.1):
                waiting = shown
            ts, drawn = world.random.choice(waiting) if waiting else ("", None)
            if drawn and drawn.drawn:
                for _ in range(world.random.choice((1, 1, 2, 3))):
                    self._press(drawn.drawn.id, drawn.drawn.ask.operator, ts)

    def _press(self, request_id: str, asker: Operator, ts: str) -> None:
        world = self.world
        instance = world.any_instance()
        if instance is None:
            return
        who = world.random.choice((KIM, KIM, LIZ, LIZ, asker, world.any_operator()))
        action = APPROVE if world.random.random() < 0.7 else DENY
        now = instance.clock.now()
        url = world.slack.response_url(Thread(), None, request_id, who)
        place = Place(response_url=url, until=now + timedelta(minutes=30), replaces=False)
        reply = ApproverReply(CardReply(instance.cards, place, now), instance.flow.outbox, ts)
        press = Press(request_id=request_id, operator=who, reason="no" if action == DENY else None)
        world.seen.presses.append(
            SeenPress(
                action=action,
                request_id=request_id,
                number=0,
                operator=who,
                instance=instance.name,
                at=world.schedule.now,
            )
        )
        world.schedule.note(f"{who.name} presses {action} of {request_id[-4:]} at {instance.name}")
        try:
            (instance.flow.approve if action == APPROVE else instance.flow.deny)(press, reply)
        except BotError as error:  # the ack to the form of a no says it
            world.schedule.note(f"answered: {type(error).__name__}")
