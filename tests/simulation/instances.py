"""A machine that runs the bot, dies and comes up again; and the bot on it, joined as wiring/ joins it."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar

from bot.approve import Approvals
from bot.audit import Entry, Kind
from bot.authorize import Allowed, Allowlist, Home
from bot.confirm import Confirmations
from bot.deliver import CardDelivery, EntryDelivery
from bot.edge.lanes import Doorway
from bot.errors import BusyError
from bot.facts.clock import IN_A_ROW, CheckedClock, Reading
from bot.find import Finder
from bot.flow import Flow
from bot.limits import Limits
from bot.refusals import Refusals
from bot.slack.groups import SlackGroups
from bot.slack.shown import Lasting, Shown
from bot.work import Worker
from simulation.cognito import POOLS, SimulatedPool
from simulation.crowd import lists_of
from simulation.seen import Refused
from simulation.slack import HOME, Client, WatchedCards, WatchedChannel
from simulation.store import FaultyStore, opened

if TYPE_CHECKING:
    from simulation.world import World

T = TypeVar("T")
START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
AFTER_A_FAILURE = 5.0
BETWEEN_COUNTS = 1.0
BETWEEN_SWEEPS = 2.0
NEVER = 600.0
BETWEEN_QUESTIONS = 2.0
RETAIN = timedelta(days=60)
ANSWERS_TO_OPEN = 2  # those of DynamoDB, where several instances run
JUMPS = (40.0, 540.0, -540.0, 3 * 86400.0, 30 * 86400.0, -30 * 86400.0, 730 * 86400.0)
CHANNEL = "C0AUDIT"
ALLOWLIST = Allowlist(
    everywhere=Allowed(
        users=frozenset({"U0SAM"}), groups=frozenset({"S0ONE"}), ask=Allowed(users=frozenset({"U0ANN"}))
    ),
    pools={"customers": Allowed(), "staff": Allowed(groups=frozenset({"S0TWO"}))},
)


@dataclass(frozen=True)
class SkewedClock:
    """The clock of one machine: ahead of the true time by up to 5 s, unless someone set it."""

    world: "World"
    machine: "Machine"

    def seconds(self) -> float:
        return self.world.schedule.now + self.machine.ahead + self.machine.set_by

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds())

    def monotonic(self) -> float:
        return self.world.schedule.now

    def sleep(self, seconds: float) -> None:
        self.world.schedule.pause(seconds)


@dataclass
class Knowledge:
    """What an instance could know of its clock, told by what it heard and not by its own rules."""

    machine: "Machine"
    agreed: bool = False
    misses: int = 0
    wrong_since: float | None = None

    def clock_set(self, at: float) -> None:
        """Note that the clock was set: its seconds that no one can set tell so, once an answer agreed."""
        if self.agreed and self.wrong_since is None:
            self.wrong_since = at

    def heard(self, sent_at: float, now: float) -> None:
        """Note an answer, unless the clock was set on its way."""
        if self.machine.set_at >= sent_at:
            return
        if self.machine.set_by:
            self.misses += 1
            if self.misses >= IN_A_ROW and self.wrong_since is None:
                self.wrong_since = now
        else:
            self.agreed, self.misses, self.wrong_since = True, 0, None

    def was_wrong(self, begun: float) -> bool:
        """Whether the clock is wrong, and that could be known when this began."""
        known = self.wrong_since is not None and self.wrong_since < begun
        return bool(self.machine.set_by) and self.machine.set_at < begun and known

    def was_set_since(self, begun: float) -> bool:
        """Whether it was set on the way."""
        return self.machine.set_at >= begun


class Lane:
    """A `Lane` whose threads are tasks. The last place is kept for what is urgent."""

    def __init__(self, name: str, instance: "Instance", places: int, then: Callable[[], object] = lambda: None) -> None:
        self.name = name
        self.instance = instance
        self.free = places
        self.then = then

    def run(self, request_id: str, work: Callable[[], object], *, urgent: bool = False) -> None:
        """Do it, or raise `BusyError`."""
        if self.free <= (0 if urgent else 1):
            self.instance.world.schedule.note(f"{self.name}: no place for {request_id[-4:]}")
            raise BusyError
        self.free -= 1

        def on_a_thread() -> None:
            try:
                work()
            except Exception as error:  # noqa: BLE001 -- as ThreadLane does
                self.instance.world.unexpected(error)
            self.free += 1
            self.then()

        self.instance.world.schedule.spawn(self.name, on_a_thread, self.instance)


class Instance:
    """One life of the bot on a machine, from a start to a kill."""

    def __init__(self, world: "World", name: str, machine: "Machine") -> None:
        self.world = world
        self.name = name
        self.machine = machine
        self.alive = True
        self.stops_at: float | None = None
        skewed = SkewedClock(world, machine)
        self.clock, self.seconds = CheckedClock(skewed), skewed.seconds
        self.knowledge = Knowledge(machine)
        for _ in range(ANSWERS_TO_OPEN):
            self.heard(self.sending())
        self._real = opened(world.path, self._written)
        self._team_known_at = world.schedule.now + world.random.choice((0.0, 2.0))
        self._build(FaultyStore(self._real, self))
        self._begin()

    def stop(self) -> None:
        """Drain, as by SIGTERM."""
        self.flow.draining = True
        self.stops_at = self.world.schedule.now

    def die(self) -> None:
        """End as by SIGKILL: none of its tasks goes on."""
        self.alive = False
        self.world.seen.died[self.name] = self.world.schedule.now
        self._real.close()

    def sending(self) -> tuple[Reading, float]:
        """Return what the clock says before something is sent, and the true time."""
        return self.clock.read(), self.world.schedule.now

    def heard(self, sent: tuple[Reading, float]) -> None:
        """Take an answer of Slack or AWS, whose clocks are right."""
        if self.alive:
            now = self.world.schedule.now
            self.clock.answered(sent[0], {"Date": format_datetime(START + timedelta(seconds=now), usegmt=True)})
            self.knowledge.heard(sent[1], now)

    def looks_at_its_clock(self) -> None:
        """Let the rounds that a clock matters to come soon."""
        for rounds in self.clock_rounds:
            rounds.hurry()

    def work_begun(self) -> float:
        """Return when the present task's work began: this round of it, or all."""
        task = self.world.schedule.current()
        begun: float = task.notes.get("begun", task.begun)
        return begun

    def _build(self, store: Any) -> None:
        world, weather, clock = self.world, self.world.weather, self.clock
        client: Any = Client(self, CHANNEL)
        resume_within = timedelta(seconds=weather.resume_within)
        shown = Shown(
            pii="masked",
            reason_rule=None,
            ticket_url=None,
            lasting=dict.fromkeys(POOLS, Lasting(lifetime="1 hour")),
            resume_within=resume_within,
            performers=world.acts.lists,
        )
        self.delivery = EntryDelivery(
            outbox=store,
            channel=WatchedChannel(self, client, CHANNEL, shown),
            clock=clock,
            jitter=self._jitter,
        )
        self.cards = WatchedCards(
            client=client,
            shown=shown,
            audit_refused=lambda: self.delivery.refusing is not None,
            now=clock.now,
            card_shown=bool,  # no one looks at how long things took
            result_shown=bool,
            respond=world.slack.respond,
            audit_channel=CHANNEL,
            progress_ts=store.progress_ts,
        )
        self.card_delivery = CardDelivery(
            outbox=store, requests=store, cards=self.cards, clock=clock, jitter=self._jitter
        )
        self.client = client
        self._join(store, client, resume_within)

    def _join(self, store: Any, client: Any, resume_within: timedelta) -> None:
        world, weather, clock = self.world, self.world.weather, self.clock
        pools = {name: SimulatedPool(name, self) for name in POOLS}
        self.refusals = WatchedRefusals(self, store)
        shared: dict[str, Any] = {
            "members": SlackGroups(
                client, lambda: world.schedule.now, clock.sleep, lambda: clock.now().timestamp()
            ).members,
            "home": lambda: Home(HOME, frozenset({HOME})) if world.schedule.now >= self._team_known_at else None,
            "requests": store,
            "trail": self.refusals,
            "clock": clock,
            "approvers": world.brakes.approvers,
            "limits": Limits(
                windows=store.windows, per_operator=world.brakes.per_operator, everyone=world.brakes.everyone
            ),
        }
        self.flow = Flow(
            confirmations=Confirmations(
                allowlist=ALLOWLIST,
                actions=world.acts.lists,
                finder=Finder(pools=pools, e164=lambda _, __: None, together=_one_after_the_other),
                confirm_within=timedelta(seconds=weather.confirm_within),
                reason_rule=None,
                approving=world.brakes.approving,
                protections=world.brakes.protections,
                **shared,
            ),
            approvals=Approvals(**shared),
            worker=Worker(
                pools=pools,
                token_lifetimes=dict.fromkeys(POOLS, HOUR),
                requests=store,
                clock=clock,
                resume_within=resume_within,
                jitter=self._jitter,
                protections=world.brakes.protections,
            ),
            outbox=store,
            entrance=Doorway(
                lane=Lane("slack lane", self, weather.places),
                newcomers_lane=Lane("newcomers lane", self, weather.places),
                named=ALLOWLIST.all.users | world.brakes.approvers.all.users,
            ),
            aws_lane=Lane("aws lane", self, weather.places),
            begin_lists=self._hurry_lists,
        )
        lanes = [
            Lane("lists", self, weather.places, lambda: self.lists_rounds.plan_in(1.0)),
            Lane("list accounts lane", self, weather.places),
            Lane("look-ups lane", self, weather.places),
        ]
        self.lists, self.list_worker = lists_of(self, self.flow, store, lanes)
        self._store = store

    def _begin(self) -> None:
        world = self.world
        flow = self.flow
        clock = self.clock
        Rounds(self, "expire", self._where(self._may_begin, flow.confirmations.expire), world.expirable_in)
        Rounds(self, "places", self._where(self._may_delete, lambda: self._store.forget_places(clock.now())))
        self.planned: Sequence[Rounds] = (
            Rounds(self, "sweep", self._where(self._may_begin, flow.sweep), world.runnable_in),
            Rounds(
                self,
                "cards",
                self._where(lambda: not clock.is_doubtful(), self.card_delivery.show_due),
                world.showable_in,
            ),
        )
        self.tally_rounds = Rounds(
            self, "tallies", self._where(self._may_begin, self.refusals.sweep), world.next_tally_in
        )
        self._begin_lists()
        self.refusal_rounds = Rounds(self, "refusals", self._count)
        self._delivery_rounds = Rounds(self, "delivery", self._deliver)
        self.clock_rounds: Sequence[Rounds] = ()
        if world.weather.jumps:
            self.clock_rounds = (
                Rounds(self, "clock", self._ask_the_time, lambda: NEVER if clock.is_confirmed() else BETWEEN_QUESTIONS),
                Rounds(
                    self,
                    "forget",
                    self._where(self._may_delete, lambda: self._store.forget(clock.now() - RETAIN)),
                ),
            )

    def _begin_lists(self) -> None:
        if self.world.crowd.on:
            work = self._where(lambda: not self.clock.is_doubtful(), self.list_worker.sweep)
            self.lists_rounds = Rounds(self, "lists sweep", work, self._lists_in)
            self.planned = (*self.planned, self.lists_rounds)

    def _hurry_lists(self) -> None:
        self.lists_rounds.hurry()

    def _lists_in(self) -> float:
        return BETWEEN_SWEEPS if self.list_worker._holds else self.world.lists_in()

    def _may_begin(self) -> bool:
        return not self.flow.closed() and not self.clock.is_doubtful()

    def _may_delete(self) -> bool:
        return not self.flow.closed() and self.clock.is_confirmed()

    def _where(self, may: Callable[[], bool], task: Callable[[], object]) -> Callable[[], None]:
        def work() -> None:
            if may():
                task()

        return work

    def _ask_the_time(self) -> None:
        if not self.clock.is_confirmed():
            with suppress(TimeoutError):
                self.client.auth_test()

    @property
    def counts(self) -> bool:
        """Whether it has counted refusals that are not in an entry yet."""
        return self.alive and any(each.tally for each in self.refusals.under_way)

    def _count(self) -> float:
        self.refusals.store(all_ended=self.flow.draining)
        return BETWEEN_COUNTS if self.refusals.under_way else NEVER

    def _deliver(self) -> float:
        if self.clock.is_doubtful():
            return BETWEEN_QUESTIONS
        pause = self.delivery.deliver()
        return pause if self.world.something_waits() else NEVER

    def _written(self, entry: Entry) -> None:
        if entry.delivery.next_at or self.world.chance(0.1):
            self._delivery_rounds.hurry()

    def _jitter(self) -> float:
        return self.world.random.uniform(0.8, 1.2)


class WatchedRefusals(Refusals):
    """The real rule; what it is given is seen."""

    def __init__(self, instance: Instance, store: Any) -> None:
        super().__init__(tallies=store, clock=instance.clock)
        self._instance = instance

    @property
    def under_way(self) -> list[Any]:
        """What it has in memory."""
        return [*self._counted.values(), *self._ended]

    def record(self, entry: Entry) -> None:
        """Record or count an entry."""
        world, who = self._instance.world, (entry.ask.operator.team_id, entry.ask.operator.id)
        if entry.kind is not Kind.REFUSED:
            super().record(entry)
            return
        seen = Refused(
            entry_id=entry.id,
            instance=self._instance.name,
            who=who,
            begun=world.schedule.now,
            at=world.schedule.now,
            clock=(entry.at - START).total_seconds(),
            clock_set_at=self._instance.knowledge.machine.set_at,
            draining=self._instance.flow.draining,
        )
        world.seen.refused.append(seen)
        super().record(entry)
        seen.returned = True
        seen.at = world.schedule.now
        self._instance.refusal_rounds.plan_in(BETWEEN_COUNTS)


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
        self._next_at = 0.0
        self._task = self._world.schedule.spawn(name, self._run, instance, after=self._world.random.random())

    def plan(self) -> None:
        """Begin the next round once something is due; what is due by now was written just before."""
        if self._waits:
            due_in = min(max(0.0, self._due_in()), NEVER)  # a clock that was ahead may have put it off for days
            self._world.schedule.wake(self._task, due_in + self._world.random.uniform(0.0, 0.5))

    def plan_in(self, seconds: float) -> None:
        """Begin the next round so many seconds from now, unless one comes sooner."""
        if self._waits and self._next_at > self._world.schedule.now + seconds:
            self._next_at = self._world.schedule.now + seconds
            self._world.schedule.wake(self._task, seconds)

    def hurry(self) -> None:
        """Begin the next round now."""
        self._hurried = True
        if self._waits:
            self._world.schedule.wake(self._task)

    def _run(self) -> None:
        while True:
            self._hurried = False
            self._world.schedule.current().notes["begun"] = self._world.schedule.now
            pause = self._round()
            self._waits = True
            self._next_at = self._world.schedule.now + pause
            self._world.schedule.pause(0.0 if self._hurried else pause)
            self._waits = False

    def _round(self) -> float:
        try:
            pause = self._work()
        except Exception as error:  # noqa: BLE001 -- as the bot's own rounds do
            self._world.unexpected(error)
            return AFTER_A_FAILURE
        return min(max(0.5, self._due_in()) if pause is None else pause, self._at_most())

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
        self.set_by = 0.0
        self.set_at = -1.0
        self._lives = count(1)
        self.instance: Instance | None = None
        self.down_until = 0.0

    def start(self) -> None:
        """Bring an instance up where none runs."""
        if self.world.schedule.now < self.down_until and not self.world.weather.calm:
            return
        if self.instance is None or not self.instance.alive:
            self.instance = Instance(self.world, f"bot{self.number}.{next(self._lives)}", self)
            self.world.schedule.note(f"{self.instance.name} starts")

    def fail_for(self, seconds: float) -> None:
        """Kill its instance, and bring none up for so long."""
        self.down_until = self.world.schedule.now + seconds
        if self.instance and self.instance.alive:
            self.instance.die()
            self.world.schedule.note(f"{self.instance.name} is killed, as all are")

    def set_clock(self, seconds: float) -> None:
        """Set the clock so many seconds ahead, or behind; with 0, right."""
        if seconds != self.set_by:
            self.world.schedule.note(f"the clock of machine {self.number} is set {seconds:.0f} s ahead")
            self.set_by, self.set_at = seconds, self.world.schedule.now
            if self.instance and self.instance.alive:
                self.instance.knowledge.clock_set(self.set_at)
                self.instance.looks_at_its_clock()

    def set_clock_now_and_then(self) -> None:
        """Set it wrong for a while, again and again."""
        world, clocks = self.world, self.world.clocks
        while not world.weather.calm:
            world.schedule.pause(clocks.uniform(3.0, 50.0))
            if not world.weather.calm:
                self.set_clock(clocks.choice(JUMPS))
            world.schedule.pause(clocks.choice((1.0, 10.0, 40.0)) * clocks.random())
            self.set_clock(0.0)

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
            instance.stop()
            self.world.schedule.pause(8.0)
            if instance.alive:
                instance.die()
                self.world.schedule.note(f"{instance.name} is stopped")


def _one_after_the_other(works: Sequence[Callable[[], T]]) -> Sequence[T]:
    return [work() for work in works]
