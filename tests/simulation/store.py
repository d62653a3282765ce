"""The real SQLite store, each call of which may be late, refused, or done although no one is told of it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.audit import Entry
from bot.errors import StoreUnavailableError
from bot.ports import Show
from bot.request import Request, State
from bot.stores.sqlite.store import SQLiteStore
from simulation.seen import Move

if TYPE_CHECKING:
    from simulation.instances import Instance

SLOWEST = 2.5
WRITES = frozenset(
    {
        *("add", "move", "record", "tell", "tally", "settle", "hold", "delivered", "postponed"),
        *("hold_message", "shown", "not_shown", "show_again", "forget_places", "forget"),
        *("put_portion", "lease", "give_back"),
    }
)


def opened(path: Path, written: Callable[[Entry], None] = lambda _: None) -> SQLiteStore:
    """Return a store. A killed process loses nothing that it gave to the system, so no disk has to turn for this."""
    store = SQLiteStore(path, written)
    store.open()
    store._file.rows("PRAGMA synchronous = OFF")
    return store


class FaultyStore:
    """A store as one instance reaches it."""

    def __init__(self, real: SQLiteStore, instance: "Instance") -> None:
        self._real = real
        self._instance = instance

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._real, name)

        def call(*arguments: Any, **named: Any) -> Any:
            return self._call(name, method, arguments, named)

        setattr(self, name, call)
        return call

    def _call(self, name: str, method: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        world = self._instance.world
        writes = name in WRITES
        fault = world.chance(max(world.weather.store, world.crowd.leases if name == "lease" else 0.0))
        world.delay(SLOWEST)
        if fault and (not writes or world.chance(0.5)):
            world.schedule.note(f"store.{name}: unavailable")
            raise StoreUnavailableError("simulated")
        result = method(*arguments, **named)
        if name == "forget":
            world.seen.forgotten += result
        if name == "add":
            self._saw(None, arguments[0], arguments[2])
        elif name == "move":
            self._saw(arguments[0], arguments[1], arguments[3])
        else:
            self._saw_more(name, arguments, named, result)
        if writes and (fault or world.chance(0.3)):
            world.delay(SLOWEST)
        if fault:
            world.schedule.note(f"store.{name}: done, but the answer is lost")
            raise StoreUnavailableError("simulated", in_doubt=True)
        return result

    def _saw_more(self, name: str, arguments: tuple[Any, ...], named: dict[str, Any], result: Any) -> None:
        world = self._instance.world
        if name == "record":
            world.seen.recorded.add(arguments[0].id)
        elif name == "tally":
            for tally in arguments[0]:
                key = self._instance.name, (tally.ask.operator.team_id, tally.ask.operator.id), tally.id
                world.seen.tallied[key] = tally.count
        elif name == "put_portion":
            list_id, number, accounts = arguments
            world.seen.portions.setdefault(list_id, {})[number] = tuple(accounts)
        elif name == "hold":
            world.schedule.current().notes["held"] = world.schedule.now
        elif name == "delivered":
            world.seen.noted.setdefault(arguments[0].id, world.schedule.now)
        elif name == "due_entries":
            notes = world.schedule.current().notes
            due = {entry.id for entry in world.observer.due_entries(arguments[0], 99)}
            if named.get("refused"):
                notes["overtaken"] = sorted(due & notes.get("outcomes", due))
            else:
                notes["outcomes"] = due
        if world.schedule.trace is not None:
            world.schedule.note(f"store.{name}: {len(result) if isinstance(result, list) else 'done'}")

    def _saw(self, before: Request | None, after: Request, show: Show | None) -> None:
        world, instance = self._instance.world, self._instance
        task = world.schedule.current()
        if after.state is State.RUNNING and after.claim:
            task.notes["claim_id"] = after.claim.id
        move = Move(
            before=before,
            after=after,
            instance=instance.name,
            at=world.schedule.now,
            clock=instance.seconds(),
            clock_wrong=instance.knowledge.was_wrong(instance.work_begun()),
            clock_set=instance.knowledge.was_set_since(instance.work_begun()),
            drained=None if instance.stops_at is None else task.begun - instance.stops_at,
        )
        world.seen.moves.append(move)
        world.schedule.note(f"store: {after.id[-4:]} is {after.state} (version {after.version})")
        if show or (after.state is State.READY and not after.list_id):
            world.plan_rounds()
