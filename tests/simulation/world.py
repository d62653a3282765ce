"""One world, made of one seed: machines, people, Slack, Cognito, and a store on the disk."""

import logging
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import bot.slack.live_card
from bot.recover import CLOCKS_AGREE_WITHIN

import bot.request
from bot.errors import StoreUnavailableError
from simulation.instances import START, Instance, Machine
from simulation.operators import Person
from simulation.schedule import Schedule
from simulation.seen import Row, Seen
from simulation.slack import Slack
from simulation.store import opened
from simulation.weather import Weather

MOST_STEPS = 3000
BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
GROUPS = {"S0ONE": frozenset({"U0GIL"}), "S0TWO": frozenset({"U0HAL"})}
NEVER = 600.0


@dataclass(eq=False)
class World:
    """Everything that one seed decides."""

    seed: int
    path: Path
    trace: list[str] | None = None
    seen: Seen = field(default_factory=Seen)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.weather = Weather.of(self.random)
        self.schedule = Schedule(self.random, trace=self.trace)
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

    def delay(self, slowest: float) -> None:
        """Take some time for a call, mostly little."""
        share = self.random.random()
        self.schedule.pause(slowest * share**4)

    def unexpected(self, error: Exception) -> None:
        """Note an error that ended a round, or work on a lane."""
        self.schedule.note(f"it failed: {error!r}")
        if not isinstance(error, StoreUnavailableError):
            self.seen.unexpected.append(repr(error))

    def any_instance(self) -> Instance | None:
        """Return an instance that Slack could reach, or None."""
        alive = [each.instance for each in self.machines if each.instance and each.instance.alive]
        return self.random.choice(alive) if alive else None

    def stored(self, request_id: str | None) -> Row | None:
        """Return a request as it is in the store's file."""
        return self._row("SELECT * FROM requests WHERE id = ?", request_id)

    def entry(self, entry_id: str) -> Row | None:
        """Return an entry as it is in the store's file."""
        return self._row("SELECT id, kind, request_id, delivered_at FROM audit_entries WHERE id = ?", entry_id)

    def refusals(self) -> Sequence[Row]:
        """Return the refusals that are in the store's file."""
        sql = "SELECT request_id, team_id, operator_id FROM audit_entries WHERE kind = 'refused'"
        return self.observer._db().execute(sql).fetchall()

    def resumable_in(self) -> float:
        """Return how long until a claim can be resumed by true time, at most."""
        skew = CLOCKS_AGREE_WITHIN.total_seconds()
        return self._due("SELECT min(lease_until) FROM requests WHERE state = 'signing_out'") + skew

    def expirable_in(self) -> float:
        """Return how long until a card expires by true time, at most."""
        return self._due("SELECT min(expires_at) FROM requests WHERE state LIKE 'awaiting%'")

    def something_waits(self) -> bool:
        """Whether any entry has yet to be delivered."""
        return self.observer.next_delivery_at() is not None

    def _row(self, sql: str, key: str | None) -> Row | None:
        row = self.observer._db().execute(sql, (key,)).fetchone()
        return dict(row) if row else None

    def _due(self, sql: str) -> float:
        at = self.observer._db().execute(sql).fetchone()[0]
        return (datetime.fromisoformat(at) - START).total_seconds() - self.schedule.now if at else NEVER

    def _begin(self) -> None:
        self.machines = [Machine(self, number) for number in range(1, self.weather.machines + 1)]
        for machine in self.machines:
            self.schedule.spawn(f"machine {machine.number}", machine.live)
        for _ in range(self.random.choice((1, 2, 2, 3))):
            self.schedule.spawn("person", Person(self).live)
        if self.chance(0.5):
            self.schedule.spawn("admin", self._change_groups)
        self.schedule.kill_chance = self.weather.kills

    def _change_groups(self) -> None:
        """Take somebody out of a group, and perhaps back in."""
        group = self.random.choice(sorted(GROUPS))
        for members in (frozenset[str](), GROUPS[group]):
            self.schedule.pause(self.random.uniform(0.0, self.weather.horizon * 0.6))
            self.slack.groups[group] = members
            self.schedule.note(f"{group} becomes {sorted(members)}")

    def _until_calm(self) -> None:
        while self.schedule.now < self.weather.horizon and self.schedule.steps < MOST_STEPS:
            self.schedule.step()
        self.weather.calm = True
        self.schedule.kill_chance = 0.0
        self.schedule.note("calm")
        self.random.choice(self.machines).start()

    def _until_quiet(self) -> bool:
        """Let some instance run on until nothing is due; return whether it came to that."""
        steps = self.schedule.steps + MOST_STEPS
        while self.schedule.steps < steps:
            if self.schedule.steps % 8 == 0 and self._is_quiet():
                return True
            self.schedule.step()
        return False

    def _is_quiet(self) -> bool:
        sql = (
            "SELECT EXISTS (SELECT 1 FROM requests WHERE ended_at IS NULL)"
            " OR EXISTS (SELECT 1 FROM audit_entries WHERE next_at IS NOT NULL)"
        )
        busy = any(task.owner and task.name.endswith("lane") for task in self.schedule.waiting())
        return not busy and not self.observer._db().execute(sql).fetchone()[0]

    def _read_the_store(self) -> None:
        seen = self.seen
        seen.requests = {each.id: each for each in self.observer._requests("TRUE ORDER BY id")}
        seen.entries = self.observer._entries("TRUE ORDER BY rowid")
        seen.backlog = self.observer.backlog().entries
        seen.resume_within = self.weather.resume_within

    @contextmanager
    def _in_place(self) -> Iterator[None]:
        """Put this world in the place of the few things that the rules do not take as parameters."""
        live_card: Any = bot.slack.live_card
        request: Any = bot.request
        kept = live_card.threading, request.ULID, logging.root.manager.disable
        live_card.threading = SimpleNamespace(Lock=lambda: Lock(self.schedule))
        request.ULID = SimpleNamespace(from_datetime=self._ulid)
        logging.disable()
        try:
            yield
        finally:
            live_card.threading, request.ULID, disabled = kept
            logging.disable(disabled)

    def _ulid(self, at: datetime) -> str:
        """Return a ULID of this world: of no two the same, and those of one millisecond in any order."""
        self.ids += 1
        milliseconds = (at - datetime(1970, 1, 1, tzinfo=at.tzinfo)) // timedelta(milliseconds=1)
        return _base32(milliseconds, 10) + _base32(self.random.getrandbits(60), 12) + _base32(self.ids, 4)


class Lock:
    """A lock for tasks: all of them run on one thread, which a real one would stop for good."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._held = False

    def __enter__(self) -> None:
        while self._held:
            self._schedule.pause(0.5)
        self._held = True

    def __exit__(self, *_: object) -> None:
        self._held = False


def _base32(number: int, digits: int) -> str:
    return "".join(BASE32[number >> 5 * place & 31] for place in reversed(range(digits)))


def run(seed: int, folder: Path, trace: list[str] | None = None) -> tuple[World, Seen]:
    """Live through the world of a seed, with its store in `folder`."""
    template = folder / "empty.db"
    if not template.exists():
        opened(template).close()
    path = folder / "simulation.db"
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    shutil.copyfile(template, path)
    world = World(seed, path, trace)
    return world, world.run()
