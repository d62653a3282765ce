"""A single sign-out while a list runs, beside one without a list."""

from contextlib import ExitStack
from typing import Any

from bench.clicks import click, warm_up
from bench.lists import make_list, sqlite_store
from bench.rows import progress, quantile
from bench.scene import scene
from bench.sides import Side, compare, say, verdict
from bot.request import State
from bot.sandbox.cognito import Moto
from bot.store_ports import Lists

LIMIT = 1.5
MANY = 50_000  # accounts: more than end meanwhile


def compare_beside_list(sign_outs: int, pace: float) -> bool:
    """Click on a bot that runs a list and on one that does not, in turns; return whether p99 is within the limit."""
    moto = Moto()
    try:
        with ExitStack() as exits:
            quiet, busy = (exits.enter_context(scene(moto)) for _ in range(2))
            store, where = exits.enter_context(sqlite_store(busy.headless))
            settings: dict[str, Any] = {**where, "SIGNOUT_LISTS_PACE": f"{pace:g}/s"}
            for place, more in ((quiet, {}), (busy, settings)):
                exits.enter_context(place.bot(**more))
                warm_up(place.headless)
            request = make_list(busy.headless, store, MANY)
            busy.headless.wait_for(lambda: _runs(store, request.id))
            progress(f"clicking {sign_outs} times on each side")
            sides = (
                Side("While a list runs", lambda: click(busy.headless)),
                Side("Without one", lambda: click(quiet.headless)),
            )
            compare(*sides, sign_outs)
            if not _runs(store, request.id):
                raise RuntimeError("the list ended too soon: it needs more accounts")
    finally:
        moto.stop()
    late, early = (quantile(side.seconds, 0.99) for side in sides)
    say(f"p99: {1000 * late:.1f} ms while a list runs, {1000 * early:.1f} ms without one")
    return verdict("Click to result, p99", late / early, LIMIT)


def _runs(store: Lists, list_id: str) -> bool:
    found = store.get(list_id)
    return bool(found and found.state is State.RUNNING and found.contents.counts.ended)
