"""One world, made of one seed: machines, people, Slack, Cognito, and a store on the disk."""

import logging
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import bot.list_run
import bot.preview
import bot.request
from bot.audit import Entry
from bot.errors import StoreUnavailableError
from bot.list_work import LIST_LEASE
from bot.refusals import TALLIED_FOR
from bot.request import Operator, Request
from bot.slack import audit_channel, reply
from bot.work import CLOCKS_AGREE_WITHIN, LEFT_TO_ITS_OWN
from simulation.acts import Accounts, Acts
from simulation.brakes import LEADS, LIZ, Approver, Brakes
from simulation.cognito import NAMES, Registered
from simulation.crowd import Crowd
from simulation.instances import START, Instance, Machine
from simulation.listers import Bystander, Lister, Meddler
from simulation.operators import EVERYBODY, GIL, SAM, Person, Stranger
from simulation.schedule import Schedule
from simulation.seen import Seen
from simulation.slack import Slack, drawn_for_lists
from simulation.store import opened
from simulation.weather import Weather

MOST_STEPS = 3000
MOST_WITH_LISTS = 9000
ACCOUNTS_IN_A_PORTION = 4  # so that short lists have several
TICK = 0.5  # of the run of a list, so that its steps are not most of all
BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
GROUPS = {"S0ONE": frozenset({"U0GIL"}), "S0TWO": frozenset({"U0HAL"})}
NEVER = 600.0
DRAWN: Sequence[tuple[Any, str]] = (
    *((reply, name) for name in ("card", "approval_message", "progress_message")),
    (audit_channel, "audit_message"),
)


@dataclass(eq=False)
class World:
    """Everything that one seed decides."""

    seed: int
    path: Path
    trace: list[str] | None = None
    lists: bool = True  # people may ask for lists
    seen: Seen = field(default_factory=Seen)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.clocks = Random(f"{self.seed} clocks")
        self.weather = Weather.of(self.random, self.clocks)
        self.crowd = Crowd.of(self.seed, self.weather.horizon) if self.lists else Crowd()
        if self.crowd.on:
            self.weather = self.weather.for_lists()
        accounts = Random(f"accounts of {self.seed}")
        self.registered = Registered.of(accounts, self.weather.horizon, self.crowd.changes)
        self.schedule = Schedule(self.random, trace=self.trace)
        self.brakes = Brakes.of(self.seed, self.weather.horizon, lists=self.crowd.on)
        self.acts = Acts.of(self.seed, self.weather.horizon, NAMES)
        self.accounts = Accounts(self)
        self.slack = Slack(self, dict(GROUPS))
        self.ids = 0

    def run(self) -> Seen:
        """Live through it, let it come to rest, and return what was seen."""
        self.observer = opened(self.path)
        with self._in_place():
            self._begin()
            self._until_calm()
            self.seen.quiet = self._until_quiet()
            self._read_the_store()
            self.schedule.end()
        self.observer.close()
        return self.seen

    def chance(self, chance: float) -> bool:
        """Draw; in calm weather nothing goes wrong."""
        return not self.weather.calm and self.random.random() < chance

    def some_of(self, slowest: float) -> float:
        """Draw how long something takes: mostly little."""
        return slowest * self.random.random() ** 4

    def delay(self, slowest: float) -> None:
        """Take some time for a call."""
        self.schedule.pause(self.some_of(slowest))

    def unexpected(self, error: Exception) -> None:
        """Note an error that ended a round, or work on a lane."""
        self.schedule.note(f"it failed: {error!r}")
        if not isinstance(error, StoreUnavailableError):
            self.seen.unexpected.append(repr(error))

    def any_instance(self) -> Instance | None:
        """Return an instance that Slack could reach, or None."""
        alive = [each.instance for each in self.machines if each.instance and each.instance.alive]
        return self.random.choice(alive) if alive else None

    def stored(self, request_id: str) -> Request | None:
        """Return a request as it is in the store's file."""
        return self.observer.get(request_id)

    def entry(self, entry: Entry) -> Entry | None:
        """Return an entry as it is in the store's file."""
        return next((each for each in self.observer.entries(None, entry.ask.id) if each.id == entry.id), None)

    def refused_at(self, operator: Operator) -> float | None:
        """Return when an operator was last refused with an entry in the store's file, by true time."""
        sql = (
            "SELECT id FROM entries WHERE refused AND json_extract(document, '$.asked.operator.id') = :id"
            " AND json_extract(document, '$.asked.operator.team_id') = :team_id"
        )
        stored = {row[0] for row in self.observer._file.rows(sql, {"id": operator.id, "team_id": operator.team_id})}
        return max((each.at for each in self.seen.refused if each.entry_id in stored), default=None)

    def runnable_in(self) -> float:
        """Return how long until a request can be run or taken over by true time, at most."""
        ready = self._due("SELECT min(due_at) FROM requests WHERE due = 'ready'") + LEFT_TO_ITS_OWN.total_seconds()
        dead = self._due("SELECT min(due_at) FROM requests WHERE due = 'running'")
        return min(ready, dead + CLOCKS_AGREE_WITHIN.total_seconds())

    def expirable_in(self) -> float:
        """Return how long until a card expires by true time, at most."""
        return self._due("SELECT min(due_at) FROM requests WHERE due = 'awaiting'")

    def showable_in(self) -> float:
        """Return how long until a card is due by true time, at most."""
        return self._due("SELECT min(due_at) FROM cards")

    def lists_in(self) -> float:
        """Return how long until a list can be taken up by true time, at most."""
        if not self.crowd.on:
            return NEVER
        sql = (
            "SELECT min(datetime(due_at, iif(json_extract(document, '$.state') = 'running', :lease, '+0 seconds')))"
            " FROM requests WHERE due = 'list'"
        )
        lease = f"+{LIST_LEASE.total_seconds():.0f} seconds"
        at = self.observer._file.rows(sql, {"lease": lease})[0][0]
        return (datetime.fromisoformat(f"{at}+00:00") - START).total_seconds() + 1 - self.schedule.now if at else NEVER

    def lease(self, pool: str) -> str | None:
        """Return which instance holds the lease of a pool's quota in the store's file."""
        sql = "SELECT holder FROM leases WHERE key = :key"
        rows = self.observer._file.rows(sql, {"key": self.crowd.quota_of(pool)})
        return rows[0][0] if rows else None

    def something_waits(self) -> bool:
        """Whether any entry has yet to be delivered."""
        return any(self.observer.next_entry_at(refused=refused) for refused in (False, True))

    def next_tally_in(self) -> float:
        """Return how long until a tally may be a dead process's by true time, at most."""
        return self._due("SELECT min(at) FROM tallies") + TALLIED_FOR.total_seconds()

    def plan_rounds(self) -> None:
        """Let some instances look for what was written just now as soon as it is due."""
        for machine in self.machines:
            if machine.instance and machine.instance.alive:
                for rounds in machine.instance.planned:
                    if self.chance(0.6):
                        rounds.plan()

    def _due(self, sql: str) -> float:
        at = self.observer._file.rows(sql)[0][0]
        return (datetime.fromisoformat(at) - START).total_seconds() - self.schedule.now if at else NEVER

    def _begin(self) -> None:
        self.machines = [Machine(self, number) for number in range(1, self.weather.machines + 1)]
        for machine in self.machines:
            self.schedule.spawn(f"machine {machine.number}", machine.live)
            if self.weather.jumps:
                self.schedule.spawn(f"clock {machine.number}", machine.set_clock_now_and_then)
        self._let_people_ask()
        if self.chance(0.4):
            self.schedule.spawn("stranger", Stranger(self).live)
        if self.chance(0.5):
            self.schedule.spawn("admin", partial(self._change_groups, sorted(GROUPS)))
        if self.brakes.on:
            self.slack.groups[LEADS] = frozenset({LIZ.id})
            self.schedule.spawn("admin", partial(self._change_groups, [LEADS]))
            for _ in range(2):
                self.schedule.spawn("approver", Approver(self).live)
        if self.crowd.on:
            self._let_people_ask_for_lists()
        self.schedule.kill_chance = self.weather.kills

    def _let_people_ask(self) -> None:
        self.people = [Person(self) for _ in range(self.random.choice((1, 2, 2, 3)))]
        if self.acts.on:
            self.people += [Person(self, (SAM, GIL)), Person(self, (SAM, GIL))]
        if self.brakes.on:
            self._let_more_ask()
        for person in self.people:
            self.schedule.spawn("person", person.live)
        for at, (pool, username), step in self.acts.elsewhere:
            self.schedule.spawn("admin", partial(self.accounts.carry_out, step, pool, username, None), after=at)

    def _let_more_ask(self) -> None:
        """Let one person ask for several accounts, mostly at about the same time, so that limits are reached."""
        first = self.people[0]
        first.begins = self.random.uniform(2.0, self.weather.horizon * 0.4)
        for _ in range(self.random.choice((1, 2, 3))):
            more = Person(self)
            more.who, more.begins = first.who, first.begins
            self.people.append(more)

    def _let_people_ask_for_lists(self) -> None:
        listers = [Lister(self) for _ in range(self.random.choice((1, 2, 3)))]
        self.people += listers
        for lister in listers:
            self.schedule.spawn("lister", lister.live)
        self.schedule.spawn("bystander", Bystander(self).live)
        if self.crowd.outage:
            self.schedule.spawn("outage", partial(self._fail_all, *self.crowd.outage))
        if self.crowd.meddles:
            self.schedule.spawn("meddler", Meddler(self).live)

    def _fail_all(self, at: float, seconds: float) -> None:
        """Kill all instances at once, and bring none up for a while."""
        self.schedule.pause(at)
        if not self.weather.calm:
            for machine in self.machines:
                machine.fail_for(seconds)

    def any_operator(self) -> Operator:
        """Return anyone."""
        return self.random.choice(EVERYBODY)

    def _change_groups(self, groups: Sequence[str]) -> None:
        """Take someone out of a group, and perhaps back in."""
        group = self.random.choice(groups)
        for members in (frozenset[str](), self.slack.groups[group]):
            self.schedule.pause(self.random.uniform(0.0, self.weather.horizon * 0.6))
            self.slack.groups[group] = members
            self.schedule.note(f"{group} becomes {sorted(members)}")

    @property
    def _most_steps(self) -> int:
        return MOST_WITH_LISTS if self.crowd.on else MOST_STEPS

    def _until_calm(self) -> None:
        while self.schedule.now < self.weather.horizon and self.schedule.steps < self._most_steps:
            self.schedule.step()
        self.weather.calm = True
        for machine in self.machines:
            machine.set_clock(0.0)
        self.schedule.kill_chance = 0.0
        self.schedule.note("calm")
        self.random.choice(self.machines).start()

    def _until_quiet(self) -> bool:
        """Let some instance run on until nothing is due; return whether it came to that."""
        steps = self.schedule.steps + self._most_steps
        while self.schedule.steps < steps:
            if self.schedule.steps % 8 == 0 and self._is_quiet():
                return True
            self.schedule.step()
        return False

    def _is_quiet(self) -> bool:
        sql = (
            "SELECT EXISTS (SELECT 1 FROM requests WHERE due IS NOT NULL)"
            " OR EXISTS (SELECT 1 FROM entries WHERE next_at IS NOT NULL)"
            " OR EXISTS (SELECT 1 FROM cards WHERE due_at IS NOT NULL)"
            " OR EXISTS (SELECT 1 FROM tallies)"
        )
        busy = any(
            each.name == "slack" or (each.owner and each.name.endswith(("lane", "lists")))
            for each in self.schedule.waiting()
        )
        busy = busy or any(machine.instance.counts for machine in self.machines if machine.instance)
        return not busy and not self.observer._file.rows(sql)[0][0]

    def _read_the_store(self) -> None:
        seen = self.seen
        seen.entries = list(self.observer.entries(None, None))
        ids = {each.request.id for each in seen.entries if each.request} | {each.after.id for each in seen.moves}
        found = {id_: self.observer.get(id_) for id_ in sorted(ids)}
        seen.requests = {id_: request for id_, request in found.items() if request}
        seen.backlog = self.observer.backlog().entries
        seen.resume_within = self.weather.resume_within
        seen.store_is_sound = self.weather.store == 0
        seen.on_screen = self._on_screen()
        seen.approval_ts, seen.progress_ts = self._messages("/approval"), self._messages("/progress")
        seen.crowd, seen.brakes, seen.acts, seen.clocks_were_set = (
            *(self.crowd, self.brakes, self.acts),
            self.weather.jumps,
        )

    def _messages(self, kind: str) -> dict[str, list[str]]:
        """Return Slack's ids of the messages of a kind, by their request."""
        sql = "SELECT request_id, ts FROM cards WHERE ts IS NOT NULL AND request_id LIKE :kind"
        rows = self.observer._file.rows(sql, {"kind": f"%{kind}"})
        return {row["request_id"].removesuffix(kind): row["ts"].split() for row in rows}

    def _on_screen(self) -> dict[str, list[Request]]:
        """Return of each request the cards as its operator can read them now."""
        cards = {id_: list(drawn) for id_, drawn in self.slack.directs.items()}
        for person in self.people:
            for shown in person.thread.messages:
                if shown.drawn and shown.drawn.ask.operator == person.who:
                    cards.setdefault(shown.drawn.id, []).append(shown.drawn)
        return cards

    @contextmanager
    def _in_place(self) -> Iterator[None]:
        """Put this world in the place of the few things that the rules do not take as parameters."""
        disabled = logging.root.manager.disable
        in_place: Sequence[tuple[Any, str, Any]] = (
            (bot.request, "ULID", SimpleNamespace(from_datetime=self._ulid)),
            (bot.list_run, "TICK", TICK),
            (bot.preview, "ACCOUNTS_IN_A_PORTION", ACCOUNTS_IN_A_PORTION),
            *((module, name, drawn_for_lists(name, getattr(module, name))) for module, name in DRAWN),
        )
        kept = [(module, name, getattr(module, name)) for module, name, _ in in_place]
        for module, name, value in in_place:
            setattr(module, name, value)
        logging.disable()
        try:
            yield
        finally:
            for module, name, value in kept:
                setattr(module, name, value)
            logging.disable(disabled)

    def _ulid(self, at: datetime) -> str:
        """Return a ULID of this world: of no two the same, and those of one millisecond in any order."""
        self.ids += 1
        milliseconds = (at - datetime(1970, 1, 1, tzinfo=at.tzinfo)) // timedelta(milliseconds=1)
        return _base32(milliseconds, 10) + _base32(self.random.getrandbits(60), 12) + _base32(self.ids, 4)


def _base32(number: int, digits: int) -> str:
    return "".join(BASE32[number >> 5 * place & 31] for place in reversed(range(digits)))


def run(seed: int, folder: Path, trace: list[str] | None = None, *, lists: bool = True) -> tuple[World, Seen]:
    """Live through the world of a seed, with its store in `folder`. Without `lists`, no one asks for one."""
    template = folder / "empty.db"
    if not template.exists():
        opened(template).close()
    path = folder / "simulation.db"
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    shutil.copyfile(template, path)
    world = World(seed, path, trace, lists)
    return world, world.run()
