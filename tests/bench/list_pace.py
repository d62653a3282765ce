"""The pace of a list beside a Cognito that refuses more than its quota, and how many calls a second holds."""

import time
from typing import Any

from headless import Headless

from bench.counting_cognito import CountingCognito
from bench.lists import make_list, sqlite_store, wait_for_end
from bench.rows import progress
from bench.sides import say
from bot.request import State
from bot.sandbox.cognito import Moto

QUOTA = 25  # calls a second
LEAST = 0.98  # of the pace


def keep_pace(seconds: float, pace: float) -> bool:
    """Run a list for so long; return whether it kept its pace, and no second held more calls than that and one more."""
    count, moto = round(seconds * pace), Moto()
    try:
        with (
            CountingCognito(QUOTA) as cognito,
            Headless(moto, ("ada",)) as headless,
            sqlite_store(headless) as (
                store,
                where,
            ),
        ):
            settings: dict[str, Any] = {**where, **cognito.environment, "SIGNOUT_LISTS_PACE": f"{pace:g}/s"}
            with headless.bot_process(**settings) as bot:
                progress(f"a list of {count:,} accounts at {pace:g}/s")
                begun, request = time.monotonic(), make_list(headless, store, count)
                ended = wait_for_end(store, request)
                took, processor = time.monotonic() - begun, bot.processor_seconds()
            calls = cognito.calls()
    finally:
        moto.stop()
    rate, most = calls.rate(), calls.most_in_a_second()
    say(f"{ended.contents.counts.done:,} of {count:,} accounts are done ({ended.state}); it took {took:,.0f} s in all")
    say(f"{len(calls.at):,} calls came, {calls.refused:,} were refused; {processor:.0f} s of processor time")
    say(f"{rate:.3f} calls a second: {rate / pace:.2%} of the pace; at least {LEAST:.0%} is wanted")
    say(f"The fullest second holds {most} calls; at most {pace:g} and one more are wanted")
    return ended.state is State.DONE and rate >= LEAST * pace and most <= pace + 1
