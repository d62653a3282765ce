"""Click to result after the operator has read the card for a while, which takes no processor: beside the other rows."""

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from headless import SAM, SUPPORT

from bench.clicks import COMMAND, CONFIRM, has_button, is_result, shown
from bench.latency import RAW, Pair
from bench.rows import Row
from bench.scene import FAR_AND_GUARDED
from bot.sandbox.cognito import Moto
from bot.sandbox.stage import Stage

AT_ONCE = 2  # bots, so that all rounds are over before the other rows are


@contextmanager
def read_meanwhile(moto: Moto, rounds: int, seconds: float) -> Iterator[Callable[[], Row]]:
    """Measure the row while other rows are measured. What this gives waits for it."""
    row = Row(what=f"the same, after the card was read for {seconds:.0f} s", floor=RAW, goal=1.3)
    shares = [len(range(number, rounds, AT_ONCE)) for number in range(AT_ONCE)]
    with ThreadPoolExecutor(AT_ONCE, "reading") as executor:
        works = [executor.submit(_read, moto, row, share, seconds) for share in shares if share]

        def result() -> Row:
            for work in works:
                work.result()
            return row

        yield result


def _read(moto: Moto, row: Row, rounds: int, seconds: float) -> None:
    with Pair(moto, FAR_AND_GUARDED) as pair:
        for _ in range(rounds):
            measured = pair.scene.headless.run(_press_after(pair.scene.headless.stage, seconds))
            pair.raw()
            row.add([1000 * measured], [1000 * pair.raw()])


async def _press_after(stage: Stage, seconds: float) -> float:
    workspace = stage.workspace
    seen = len(workspace.messages)
    await workspace.command(SAM, COMMAND, SUPPORT)
    card = await shown(stage, lambda: next(filter(has_button, workspace.messages[seen:]), None))
    await asyncio.sleep(seconds)
    begun = time.perf_counter()
    await workspace.press(SAM, card, CONFIRM)
    await shown(stage, lambda: is_result(card))
    return time.perf_counter() - begun
