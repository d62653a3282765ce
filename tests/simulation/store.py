"""The real SQLite store, each call of which may be late, refused, or done although nobody hears of it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.errors import StoreUnavailableError
from bot.stores.sqlite import SQLiteStore
from simulation.seen import Move

if TYPE_CHECKING:
    from simulation.instances import Instance

SLOWEST = 2.5
WRITES = frozenset({"add", "advance", "record", "wipe_response_urls", "hold", "delivered", "postponed"})


def opened(path: Path) -> SQLiteStore:
    """Return a store. A killed process loses nothing that it gave to the system, so no disk has to turn for this."""
    store = SQLiteStore(path)
    store.open()
    store._db().execute("PRAGMA synchronous = OFF")
    return store


class FaultyStore:
    """A `RequestStore` for one instance."""

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
        fault = world.chance(world.weather.store)
        world.delay(SLOWEST)
        if fault and (not writes or world.chance(0.5)):
            world.schedule.note(f"store.{name}: unavailable")
            raise StoreUnavailableError("simulated")
        result = method(*arguments, **named)
        if name in {"add", "advance"}:
            before, after = (None, arguments[0]) if name == "add" else arguments[:2]
            self._saw(before, after)
        elif world.schedule.trace is not None:
            world.schedule.note(f"store.{name}: {len(result) if isinstance(result, list) else 'done'}")
        if writes and (fault or world.chance(0.3)):
            world.delay(SLOWEST)
        if fault:
            world.schedule.note(f"store.{name}: done, but the answer is lost")
            raise StoreUnavailableError("simulated", in_doubt=True)
        return result

    def _saw(self, before: Any, after: Any) -> None:
        world = self._instance.world
        world.seen.moves.append(
            Move(
                before=before,
                after=after,
                instance=self._instance.name,
                at=world.schedule.now,
                clock=self._instance.clock.seconds(),
            )
        )
        world.schedule.note(f"store: {after.id[-4:]} is {after.state} (version {after.version})")
