"""The processor time of each account of a list, beside that of a bare boto3 call in the same run. On Linux only."""

import time
from typing import Any

from headless import Headless

from bench.counting_cognito import CountingCognito
from bench.floor import Floor
from bench.list_kills import NO_QUOTA
from bench.lists import STORES, make_list, wait_for_end
from bench.rows import Row, progress, table
from bench.scene import Scene
from bench.sides import say
from bot.sandbox.cognito import Moto

LIMITS = {"sqlite": 4.0, "dynamodb": 7.0}
BARE_CALLS = 200  # a round


def compare_costs(store_kind: str, rounds: int, count: int, pace: float) -> bool:
    """Run a list of so many accounts, and make bare calls, in turns; return whether the ratio is within its limit."""
    row, moto = (
        Row(what=f"processor for an account of a list, {store_kind}", floor="a bare call", goal=LIMITS[store_kind]),
        Moto(),
    )
    try:
        with (
            CountingCognito(NO_QUOTA) as cognito,
            Headless(moto, ("ada",)) as headless,
            STORES[store_kind](headless) as (store, where),
        ):
            settings: dict[str, Any] = {**where, **cognito.environment, "SIGNOUT_LISTS_PACE": f"{pace:g}/s"}
            scene = Scene(headless=headless, cognito=None, environment=cognito.environment, to_slack=None)  # type: ignore[arg-type]
            with headless.bot_process(**settings) as bot, Floor("calls", scene) as floor:
                wait_for_end(store, make_list(headless, store, 100))
                for each in range(rounds + 1):
                    progress(f"{row.what}: round {each} (0: to warm up)")
                    before = bot.processor_seconds()
                    wait_for_end(store, make_list(headless, store, count))
                    ours = (bot.processor_seconds() - before) / count
                    bare = _bare_call(floor, pace)
                    if each:
                        row.rounds.append((1000 * ours, 1000 * bare))
    finally:
        moto.stop()
    say(table([row]))
    return row.is_reached


def _bare_call(floor: Floor, pace: float) -> float:
    """Return the processor seconds of a bare call, made as far apart as those of the list."""
    seconds = 0.0
    for _ in range(BARE_CALLS):
        seconds += floor.calls()[1]
        time.sleep(1 / pace)
    return seconds / BARE_CALLS
