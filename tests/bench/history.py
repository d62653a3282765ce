"""A bot with very many old requests beside one with none: what each costs while idle, and how fast a click is."""

import tempfile
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from headless import BotProcess, Headless
from sqlite_history import make_history

from bench.clicks import click, warm_up
from bench.sides import Side, compare, say, verdict
from bot.sandbox.cognito import Moto

LIMIT = 1.2
SETTLE_SECONDS = 5.0  # what a bot does once, at its start


def compare_histories(requests: int, idle_seconds: float, sign_outs: int) -> bool:
    """Measure both at the same time; return whether the one with old requests is within `LIMIT` times the other.

    While a bot is busy with its old requests, it slows the clicks on the other one too: look at the idle time first.
    """
    with ExitStack() as exits:
        moto = Moto()
        exits.callback(moto.stop)
        stages = [exits.enter_context(Headless(moto)) for _ in range(2)]
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory()))
        begun = time.monotonic()
        make_history(stages[1], folder / "many.db", requests)
        size = (folder / "many.db").stat().st_size / 1e6
        say(f"A store of {requests:,} old requests: {size:,.0f} MB, made in {time.monotonic() - begun:.0f} s")
        none, many = (
            exits.enter_context(stage.bot_process(SIGNOUT_STORE=f"sqlite:///{folder / name}"))
            for stage, name in zip(stages, ("none.db", "many.db"), strict=True)
        )
        idle = _compare_idle(none, many, idle_seconds)
        sides = [Side(name, partial(click, stage)) for stage, name in zip(stages, ("None", "Many"), strict=True)]
        for stage in stages:
            warm_up(stage)
        ratio = compare(new=sides[1], old=sides[0], sign_outs=sign_outs)
    return all([verdict("Idle processor time", idle, LIMIT), verdict("Click to result", ratio, LIMIT)])


def _compare_idle(none: BotProcess, many: BotProcess, seconds: float) -> float:
    time.sleep(SETTLE_SECONDS)
    before = none.processor_seconds(), many.processor_seconds()
    time.sleep(seconds)
    spent = none.processor_seconds() - before[0], many.processor_seconds() - before[1]
    for name, each in zip(("None", "Many"), spent, strict=True):
        say(f"{name}: idle, {1000 * each / seconds:.2f} ms of processor time a second")
    return spent[1] / spent[0]
