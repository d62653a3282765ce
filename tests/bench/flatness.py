"""What a sign-out, and doing nothing, cost beside very many old requests, against none. On Linux only."""

import tempfile
import threading
import time
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from headless import BotProcess
from sqlite_history import make_history

from bench.clicks import click, warm_up
from bench.latency import acks_of
from bench.rows import Row, progress
from bench.scene import Scene, scene
from bot.sandbox.cognito import Moto

SETTLE_SECONDS = 6.0  # what a bot does once, at its start


@dataclass(kw_only=True)
class Side:
    """A bot with so many old requests, and the processor milliseconds of each round: of a second, and of a sign-out."""

    requests: int
    scene: Scene
    bot: BotProcess
    idle: list[float] = field(default_factory=list)
    sign_out: list[float] = field(default_factory=list)


def history(moto: Moto, rounds: int, options: Namespace) -> Iterator[Row | Side]:
    """Measure all three rows; give, for the chart, the sides as well."""
    requests = options.requests
    sizes = sorted({0, requests // 100, requests // 10, requests})
    with ExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory()))
        scenes = [exits.enter_context(scene(moto)) for _ in sizes]
        progress(f"making stores of {', '.join(f'{size:,}' for size in sizes)} old requests")
        _make(scenes, folder, sizes)
        stores = [f"sqlite:///{folder / f'{size}.db'}" for size in sizes]
        bots = exits.enter_context(ExitStack())
        sides = [
            Side(requests=size, scene=place, bot=bots.enter_context(place.bot(SIGNOUT_STORE=store)))
            for size, place, store in zip(sizes, scenes, stores, strict=True)
        ]
        for side in sides:
            warm_up(side.scene.headless)
        time.sleep(SETTLE_SECONDS)
        for each in range(rounds):
            progress(f"beside {requests:,} old requests: round {each + 1}")
            _do_nothing(sides, options.idle)
            for side in sides if each % 2 else sides[::-1]:
                side.sign_out.append(_sign_outs(side, options.sign_outs))
        bots.close()
        deleting = Row(what=f"ack while retain deletes {requests:,} old requests, p99", floor="empty store", goal=1.5)
        with scenes[0].bot(SIGNOUT_STORE=stores[0]), scenes[-1].bot(SIGNOUT_STORE=stores[-1], SIGNOUT_RETAIN="30d"):
            acks_of(deleting, scenes[-1], scenes[0], rounds, options.acks)
    yield from _rows(sides[-1], sides[0])
    yield deleting
    yield from sides


def _make(scenes: Sequence[Scene], folder: Path, sizes: Sequence[int]) -> None:
    """Make a store of each size, at the same time: most of it is waiting."""
    threads = [
        threading.Thread(target=make_history, args=(place.headless, folder / f"{size}.db", size))
        for place, size in zip(scenes, sizes, strict=True)
        if size
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _do_nothing(sides: Sequence[Side], seconds: float) -> None:
    for side in sides:
        side.scene.clear()
    before = [side.bot.processor_seconds() for side in sides]
    begun = time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - begun
    for side, at in zip(sides, before, strict=True):
        side.idle.append(1000 * (side.bot.processor_seconds() - at) / took)


def _sign_outs(side: Side, number: int) -> float:
    before = side.bot.processor_seconds()
    for _ in range(number):
        click(side.scene.headless)
    return 1000 * (side.bot.processor_seconds() - before) / number


def _rows(many: Side, none: Side) -> Iterator[Row]:
    beside, floor = f"with {many.requests:,} old requests", "empty store"
    yield Row(
        what=f"idle processor {beside}",
        floor=floor,
        goal=1.2,
        unit="ms a second",
        rounds=list(zip(many.idle, none.idle, strict=True)),
    )
    yield Row(
        what=f"processor for a sign-out {beside}",
        floor=floor,
        goal=1.2,
        rounds=list(zip(many.sign_out, none.sign_out, strict=True)),
    )
