"""How long a start takes, until Slack sees the connection."""

import time
from collections.abc import Iterator

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
    begun = time.perf_counter()
    with place.bot(connected=False):
        return _connected(place, begun)


def _floor(place: Scene) -> float:
    begun = time.perf_counter()
    with Floor("start", place):
        return _connected(place, begun)


def _connected(place: Scene, begun: float) -> float:
    place.headless.wait_for(lambda: place.headless.connections() == 1, PATIENCE)
    return time.perf_counter() - begun
