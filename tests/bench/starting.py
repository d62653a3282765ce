"""How long a start takes, until Slack sees the connection."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial

from bench.floor import Floor
from bench.rows import Row, progress
from bench.scene import Scene, scene
from bot.sandbox.cognito import Moto

PATIENCE = 60.0


def starts(moto: Moto, rounds: int) -> Iterator[Row]:
    """Measure starts of the bot beside starts of what only imports, makes the clients and connects."""
    row = Row(what="start to connected", floor="the imports and clients it needs", goal=1.25)
    with scene(moto) as place:
        _bot(place), _floor(place)  # both once, so that all files are read from memory
        for each in range(rounds):
            progress(f"{row.what}: round {each + 1}")
            if each % 2:
                measured, floor = _bot(place), _floor(place)
            else:
                floor, measured = _floor(place), _bot(place)
            row.add([1000 * measured], [1000 * floor])
    yield row


def _bot(place: Scene) -> float:
    return _seconds(place, partial(place.bot, connected=False))


def _floor(place: Scene) -> float:
    return _seconds(place, partial(Floor, "start", place))


def _seconds(place: Scene, start: Callable[[], AbstractContextManager[object]]) -> float:
    """The seconds until what is started is connected."""
    place.headless.wait_for(lambda: not place.headless.connections(), PATIENCE)  # what was killed before has gone
    begun = time.perf_counter()
    with start():
        place.headless.wait_for(place.headless.connections, PATIENCE)
        return time.perf_counter() - begun
