"""A very large list, run by two bots of which the one that runs it is killed again and again. On Linux only."""

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from headless import BotProcess, Headless

from bench.counting_cognito import Calls, CountingCognito
from bench.lists import STORES, make_list, outcomes, wait_for_end
from bench.rows import progress
from bench.sides import say
from bot.list_run import MOST_AT_ONCE
from bot.list_work import LEASE
from bot.request import Request, State
from bot.sandbox.cognito import Moto
from bot.work import CLOCKS_AGREE_WITHIN

NO_QUOTA = 1_000_000.0
LOOK_SECONDS = 10.0
# A lease, with what clocks may differ by; the second before the first call, and the second between two looks.
MOST_LOST = (LEASE + CLOCKS_AGREE_WITHIN).total_seconds() + 2
A_PAUSE = 3.0  # seconds without a call: longer ones are told
FLAT = 1.25  # the memory of a bot late in a list, as a multiple of that early in it


@dataclass
class Life:
    """One life of a bot: its process, and so many megabytes at each look."""

    bot: BotProcess
    pid: int
    begun: float = field(default_factory=time.monotonic)
    memory: list[tuple[float, float]] = field(default_factory=list)  # at so many seconds of its life

    def look(self) -> None:
        """Note how much memory it has."""
        status = Path(f"/proc/{self.pid}/status").read_text("ascii")
        kilobytes = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
        self.memory.append((time.monotonic() - self.begun, kilobytes / 1024))


@dataclass
class Pair:
    """Two bots on one store; the one that runs a list is killed, and started again, every so many seconds."""

    headless: Headless
    settings: dict[str, Any]
    kill_every: float
    exits: ExitStack
    lives: list[Life] = field(default_factory=list)
    ended: list[Life] = field(default_factory=list)
    kills: list[float] = field(default_factory=list)
    _looked_at: float = 0.0
    _killed_at: float = field(default_factory=time.monotonic)

    def begin(self) -> None:
        """Start a bot."""
        bot = self.exits.enter_context(self.headless.bot_process(**self.settings))
        self.lives.append(Life(bot, bot.pid))

    def look(self, request: Request) -> None:
        """Note memory, and kill the one that runs the list, each where it is time for that."""
        now = time.monotonic()
        if now - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            for life in self.lives:
                life.look()
            progress(f"{request.contents.counts.ended:,} of {request.contents.size:,} have ended")
        if now - self._killed_at >= self.kill_every and request.state is State.RUNNING:
            self._kill()
            self._killed_at = time.monotonic()

    def _kill(self) -> None:
        before = [life.bot.processor_seconds() for life in self.lives]
        time.sleep(2)
        busy = [life.bot.processor_seconds() - at for life, at in zip(self.lives, before, strict=True)]
        life = self.lives.pop(busy.index(max(busy)))
        self.kills.append(time.monotonic())
        life.bot.kill()
        self.ended.append(life)
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
            _is_flat([*pair.ended, *pair.lives]),
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
    say(f"At most {MOST_LOST:.0f} s are wanted: a lease, what clocks may differ by, and two seconds")
    others = [took for at, took in calls.pauses(A_PAUSE) if not any(abs(at - killed) < 3 for killed in kills)]
    say(f"Other pauses of more than {A_PAUSE:.0f} s: {', '.join(f'{each:.1f} s' for each in others) or 'none'}")
    return longest <= MOST_LOST


def _is_flat(lives: Sequence[Life]) -> bool:
    """Compare the memory that bots have after their first half minute with what they have later in their lives."""
    settled = [[size for at, size in life.memory if at >= 30] for life in lives]
    grown = [each[-1] / each[0] for each in settled if len(each) > 1]
    sizes = list(chain(*settled))
    if not sizes:
        say("No bot lived for long enough to tell how its memory grows")
        return True
    say(f"Memory of a bot: {min(sizes):.0f} to {max(sizes):.0f} MB; it grew to {max(grown, default=1):.2f}x at most")
    return max(grown, default=1.0) <= FLAT
