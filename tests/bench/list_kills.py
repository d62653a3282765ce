"""A very large list, run by two bots of which the one that runs it is killed again and again. On Linux only."""

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headless import BotProcess, Headless

from bench.counting_cognito import Calls, CountingCognito
from bench.lists import STORES, make_list, outcomes, wait_for_end
from bench.rows import progress
from bench.sides import say
from bot.list_run import MOST_AT_ONCE
from bot.list_work import LIST_LEASE
from bot.request import Request, State
from bot.sandbox.cognito import Moto

NO_QUOTA = 1_000_000.0
LOOK_SECONDS = 10.0
# A lease, the second before the first call, that between two looks, and one to read the list.
MOST_LOST = LIST_LEASE.total_seconds() + 3
A_PAUSE = 3.0  # seconds without a call: longer ones are told
FLAT = 1.25  # the memory that bots have in the last quarter of a list, as a multiple of that in the second one


@dataclass
class Pair:
    """Two bots on one store; the one that runs a list is killed, and started again, every so many seconds."""

    headless: Headless
    settings: dict[str, Any]
    kill_every: float
    exits: ExitStack
    bots: list[BotProcess] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)  # megabytes, once such a share has ended
    kills: list[float] = field(default_factory=list)
    _looked_at: float = 0.0
    _killed_at: float = field(default_factory=time.monotonic)

    def begin(self) -> None:
        """Start a bot."""
        self.bots.append(self.exits.enter_context(self.headless.bot_process(**self.settings)))

    def look(self, request: Request) -> None:
        """Note memory, and kill the one that runs the list, each where it is time for that."""
        now = time.monotonic()
        if now - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            listed = request.contents
            self.memory.append((listed.counts.ended / listed.size, max(map(_megabytes, self.bots))))
            progress(f"{listed.counts.ended:,} of {listed.size:,} have ended")
        if now - self._killed_at >= self.kill_every and request.state is State.RUNNING:
            self._kill()
            self._killed_at = time.monotonic()

    def _kill(self) -> None:
        before = [bot.processor_seconds() for bot in self.bots]
        time.sleep(2)
        busy = [bot.processor_seconds() - at for bot, at in zip(self.bots, before, strict=True)]
        bot = self.bots.pop(busy.index(max(busy)))
        self.kills.append(time.monotonic())
        bot.kill()
        progress(f"killed the bot that ran the list ({len(self.kills)})")
        self.begin()


def run_through_kills(store_kind: str, count: int, pace: float, kill_every: float) -> bool:
    """Run a list; return whether each account was called, and recorded once, with flat memory and little delay."""
    moto = Moto()
    try:
        with ExitStack() as exits:
            cognito = exits.enter_context(CountingCognito(NO_QUOTA))
            headless = exits.enter_context(Headless(moto, ("ada",)))
            store, where = exits.enter_context(STORES[store_kind](headless))
            settings = {**where, **cognito.environment, "SIGNOUT_LISTS_PACE": f"{pace:g}/s"}
            bots = exits.enter_context(ExitStack())
            pair = Pair(headless, settings, kill_every, bots)
            for _ in range(2):
                pair.begin()
            progress(f"a list of {count:,} accounts at {pace:g}/s on {store_kind}")
            begun, request = time.monotonic(), make_list(headless, store, count)
            ended = wait_for_end(store, request, pair.look)
            took = time.monotonic() - begun
            bots.close()
            calls, recorded = cognito.calls(), outcomes(store, request)
    finally:
        moto.stop()
    say(f"{ended.contents.counts.done:,} of {count:,} accounts are done ({ended.state}) after {took:,.0f} s")
    return all(
        (
            ended.state is State.DONE,
            _is_complete(count, calls, recorded, len(pair.kills)),
            _is_soon_taken_over(calls, pair.kills),
            _is_flat(pair.memory),
        )
    )


def _is_complete(count: int, calls: Calls, recorded: Counter[str], kills: int) -> bool:
    called, more = len(set(calls.usernames)), calls.more_than_once()
    once = sum(each == 1 for each in recorded.values())
    say(f"{called:,} accounts were called; {once:,} were recorded once, {len(recorded) - once:,} more than once")
    say(
        f"{len(more):,} accounts were called twice or more ({max(more.values(), default=1)} times at most), after"
        f" {kills} kills: they were under way at a kill, so their answers were lost. At most {MOST_AT_ONCE} are at once"
    )
    return called == count == once == len(recorded) and len(more) <= kills * MOST_AT_ONCE


def _is_soon_taken_over(calls: Calls, kills: Sequence[float]) -> bool:
    longest = 0.0
    for killed_at in kills:
        before = max((at for at in calls.at if at <= killed_at + 1), default=killed_at)
        lost = next((at for at in calls.at if at > killed_at + 1), before) - before
        longest = max(longest, lost)
        say(f"A kill cost {lost:.1f} s without a call")
    say(f"At most {MOST_LOST:.0f} s are wanted: a lease and three seconds")
    others = [took for at, took in calls.pauses(A_PAUSE) if not any(abs(at - killed) < 3 for killed in kills)]
    say(f"Other pauses of more than {A_PAUSE:.0f} s: {', '.join(f'{each:.1f} s' for each in others) or 'none'}")
    return longest <= MOST_LOST


def _is_flat(memory: Sequence[tuple[float, float]]) -> bool:
    early = max((size for share, size in memory if 0.25 <= share < 0.5), default=1.0)
    late = max((size for share, size in memory if share >= 0.75), default=1.0)
    say(f"The memory of a bot was {early:.0f} MB at most in the second quarter of the list, {late:.0f} MB in the last")
    return late <= FLAT * early


def _megabytes(bot: BotProcess) -> float:
    status = Path(f"/proc/{bot.pid}/status").read_text("ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024
