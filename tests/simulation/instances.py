"""A machine that runs the bot, dies and comes up again; and the bot on it, joined as wiring/ joins it."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar, cast

from bot.recover import Delivery, Recovery
from bot.sign_out import Lifetimes, SignOuts
from bot.slack.accounts import Shown
from bot.slack.conversation import Conversation

from bot.authorize import Allowed, Allowlist
from bot.confirm import Confirmations
from bot.errors import BusyError
from bot.find import Finder
from bot.ports import RequestStore
from bot.reason import ReasonRule
from bot.request import SignOutRequest
from bot.slack.cards import Cards
from bot.slack.form import Forms
from bot.slack.groups import SlackGroups
from simulation.cognito import POOLS, SimulatedPool
from simulation.slack import HOME, Client, WatchedChannel
from simulation.store import FaultyStore, opened

if TYPE_CHECKING:
    from simulation.world import World

T = TypeVar("T")
START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
AFTER_A_FAILURE = 5.0
NEVER = 600.0
CHANNEL = "C0AUDIT"
ALLOWLIST = Allowlist(
    everywhere=Allowed(users=frozenset({"U0SAM"}), groups=frozenset({"S0ONE"})),
    pools={"customers": Allowed(), "staff": Allowed(groups=frozenset({"S0TWO"}))},
)


@dataclass(frozen=True)
class SkewedClock:
    """The clock of one machine: ahead of the true time by up to 5 s."""

    world: "World"
    ahead: float

    def seconds(self) -> float:
        return self.world.schedule.now + self.ahead

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds())

    def sleep(self, seconds: float) -> None:
        self.world.schedule.pause(seconds)


class Lane:
    """A `Lane` whose threads are tasks."""

    def __init__(self, name: str, instance: "Instance", places: int) -> None:
        self.name = name
        self.instance = instance
        self.free = places

    def reserve(self, *, urgent: bool = False) -> "Lane":
        """Return a place, which is the lane itself. The last one is kept for what is urgent."""
        if self.free <= (0 if urgent else 1):
            raise BusyError
        self.free -= 1
        return self

    def run(self, work: Callable[[], object]) -> None:
        def on_a_thread() -> None:
            try:
                work()
            except Exception as error:  # noqa: BLE001 -- as ThreadLane does
                self.instance.world.unexpected(error)
            self.release()

        self.instance.world.schedule.spawn(self.name, on_a_thread, self.instance)

    def release(self) -> None:
        self.free += 1


class NoMeter:
    """Nobody looks at how long things took."""

    def card_shown(self, seconds: float) -> None:
        """Note nothing."""

    def result_shown(self, seconds: float) -> None:
        """Note nothing."""


class WatchedSignOuts(SignOuts):
    """The real rule; for whose claim a task calls Cognito is written on the task."""

    def sign_out(self, claimed: SignOutRequest) -> SignOutRequest:
        store: Any = self.store
        store._instance.world.schedule.current().notes["claim_id"] = claimed.claim_id
        return super().sign_out(claimed)


class Instance:
    """One life of the bot on a machine, from a start to a kill."""

    def __init__(self, world: "World", name: str, ahead: float) -> None:
        self.world = world
        self.name = name
        self.alive = True
        self.clock = SkewedClock(world, ahead)
        self._real = opened(world.path)
        self._team_known_at = world.schedule.now + world.random.choice((0.0, 2.0))
        self._build(cast("RequestStore", FaultyStore(self._real, self)))
        self._begin()

    def die(self) -> None:
        """End as by SIGKILL: none of its tasks goes on."""
        self.alive = False
        self._real.close()

    def _build(self, store: RequestStore) -> None:
        world, weather, clock = self.world, self.world.weather, self.clock
        client: Any = Client(self)
        pools = {name: SimulatedPool(name, self) for name in POOLS}
        shown = Shown(
            pii="masked", reason_rule=ReasonRule(), ticket_url=None, token_lifetimes=dict.fromkeys(POOLS, HOUR)
        )
        sign_outs = WatchedSignOuts(
            pools=pools,
            lifetimes=dict.fromkeys(POOLS, Lifetimes(token=HOUR, login_cookie=HOUR)),
            store=store,
            clock=clock,
            resume_within=timedelta(seconds=weather.resume_within),
            jitter=self._jitter,
        )
        self.recovery = Recovery(sign_outs=sign_outs, store=store, clock=clock)
        self.confirmations = Confirmations(
            allowlist=ALLOWLIST,
            groups=SlackGroups(client, lambda: world.schedule.now),
            home_team=lambda: HOME if world.schedule.now >= self._team_known_at else None,
            pool_ids=POOLS,
            finder=Finder(pools=pools, e164=lambda _, __: None, together=_one_after_the_other),
            store=store,
            clock=clock,
            confirm_within=timedelta(seconds=weather.confirm_within),
            reason_rule=ReasonRule(),
        )
        self.delivery = Delivery(
            store=store,
            channel=WatchedChannel(self, CHANNEL, shown),
            clock=clock,
            jitter=self._jitter,
            kept=lambda entry: self.conversation.tell_kept(entry),  # noqa: PLW0108 -- each knows the other
        )
        self.conversation = Conversation(
            confirmations=self.confirmations,
            sign_outs=sign_outs,
            recovery=self.recovery,
            cards=Cards(shown),
            forms=Forms(client),
            respond=world.slack.respond,
            meter=NoMeter(),
            slack_lane=Lane("slack lane", self, weather.places),
            aws_lane=Lane("aws lane", self, weather.places),
            entry_written=self._hurry,
            audit_refused=lambda: self.delivery.refusing is not None,
        )

    def _begin(self) -> None:
        world = self.world
        Rounds(self, "resume", self._resume, world.resumable_in)
        Rounds(self, "expire", self.confirmations.expire, world.expirable_in)
        if world.chance(0.2):  # it is not due within these minutes, and must do no harm before
            Rounds(self, "wipe", self.recovery.wipe_response_urls)
        self._delivery_rounds = Rounds(self, "delivery", self._deliver)

    def _resume(self) -> None:
        if not self.conversation.draining:
            with suppress(BusyError):
                for dead in self.recovery.dead_claims():
                    self.conversation.resume(dead)

    def _deliver(self) -> float:
        due = self.delivery.deliver()
        return max(due.total_seconds(), 0.1) if due else NEVER

    def _hurry(self) -> None:
        if self.world.something_waits() or self.world.chance(0.1):
            self._delivery_rounds.hurry()

    def _jitter(self) -> float:
        return self.world.random.uniform(0.8, 1.2)


class Rounds:
    """A task that does its work again and again. Rounds that would find nothing due are mostly left out."""

    def __init__(
        self,
        instance: Instance,
        name: str,
        work: Callable[[], float | None],
        due_in: Callable[[], float] = lambda: NEVER,
    ) -> None:
        self._world = instance.world
        self._work = work
        self._due_in = due_in
        self._hurried = False
        self._waits = False
        self._task = self._world.schedule.spawn(name, self._run, instance, after=self._world.random.random())

    def hurry(self) -> None:
        """Begin the next round now."""
        self._hurried = True
        if self._waits:
            self._world.schedule.wake(self._task)

    def _run(self) -> None:
        while True:
            self._hurried = False
            pause = self._round()
            self._waits = True
            self._world.schedule.pause(0.0 if self._hurried else pause)
            self._waits = False

    def _round(self) -> float:
        try:
            pause = self._work()
        except Exception as error:  # noqa: BLE001 -- as the bot's own rounds do
            self._world.unexpected(error)
            return AFTER_A_FAILURE
        return min(max(1.0, self._due_in()) if pause is None else pause, self._at_most())

    def _at_most(self) -> float:
        if self._world.weather.calm:
            return NEVER
        between = (0.3, 3.0) if self._world.chance(0.1) else (30.0, 90.0)
        return self._world.random.uniform(*between)


class Machine:
    """Where one instance after another runs, all with the same clock."""

    def __init__(self, world: "World", number: int) -> None:
        self.world = world
        self.number = number
        self.ahead = world.random.uniform(0.0, 5.0)
        self._lives = count(1)
        self.instance: Instance | None = None

    def start(self) -> None:
        """Bring an instance up where none runs."""
        if self.instance is None or not self.instance.alive:
            self.instance = Instance(self.world, f"bot{self.number}.{next(self._lives)}", self.ahead)
            self.world.schedule.note(f"{self.instance.name} starts")

    def live(self) -> None:
        """Keep one running: after each kill another, some time later. Now and then it is stopped as by SIGTERM."""
        world = self.world
        while not world.weather.calm:
            self.start()
            world.schedule.pause(world.random.uniform(1.0, 30.0))
            if world.chance(world.weather.kills * 2):
                self._stop()
        self.start()

    def _stop(self) -> None:
        instance = self.instance
        if instance and instance.alive:
            instance.conversation.draining = True
            self.world.schedule.pause(8.0)
            if instance.alive:
                instance.die()
                self.world.schedule.note(f"{instance.name} is stopped")


def _one_after_the_other(works: Sequence[Callable[[], T]]) -> Sequence[T]:
    return [work() for work in works]
