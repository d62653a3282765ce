"""The processor time to deliver one entry of a large backlog, beside one of a tenth of it, to a channel that takes all.

With any backlog, the disk is waited for twice for each.
"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from examples import awaiting
from sqlite_history import copy_rows

from bench.rows import Row, progress
from bench.sides import say, verdict
from bot.audit import Entry, entry_of
from bot.deliver import EntryDelivery
from bot.facts.clock import CheckedClock
from bot.ports import Left
from bot.request import State
from bot.stores.sqlite.store import SQLiteStore
from bot.wiring.shared import SystemClock, jitter

A_ROUND = 200  # entries
LIMIT = 1.2


class _TakesAll:
    def __init__(self) -> None:
        self.taken = 0

    def post(self, entry: Entry, left: Left) -> str:  # noqa: ARG002 -- as an `AuditChannel` is asked
        self.taken += 1
        return f"{self.taken}.0"


class Backlog:
    """A SQLite store in which so many outcomes are due."""

    def __init__(self, path: Path, entries: int) -> None:
        clock = CheckedClock(SystemClock())
        now, first = clock.now(), SQLiteStore(path)
        first.open()
        first.record(entry_of(awaiting(state=State.DONE, ended_at=now), now))
        first.close()
        copy_rows(path, entries - 1)
        self.entries, self.store, self._channel = entries, SQLiteStore(path), _TakesAll()
        self.store.open()
        self._delivery = EntryDelivery(outbox=self.store, channel=self._channel, clock=clock, jitter=jitter)

    def deliver(self, number: int) -> float:
        """Deliver that many, or a few more; return how many processor milliseconds each took."""
        before, begun = self._channel.taken, time.process_time()
        while self._channel.taken < before + number and self.store.next_entry_at():
            self._delivery.deliver()
        return 1000 * (time.process_time() - begun) / (self._channel.taken - before)


@contextmanager
def _both(entries: int) -> Iterator[tuple[Backlog, Backlog]]:
    progress(f"making backlogs of {entries:,} and {entries // 10:,} entries")
    with tempfile.TemporaryDirectory() as folder:
        large, small = (Backlog(Path(folder) / f"{size}.db", size) for size in (entries, entries // 10))
        try:
            yield large, small
        finally:
            for each in (large, small):
                each.store.close()


def backlog(rounds: int, entries: int) -> Iterator[Row]:
    """Deliver some entries of each backlog, in turns."""
    row = Row(what=f"processor to deliver one entry of {entries:,}", floor=f"one of {entries // 10:,}", goal=LIMIT)
    with _both(entries) as sides:
        for each in range(rounds):
            large, small = (side.deliver(A_ROUND) for side in (sides if each % 2 else sides[::-1]))
            row.rounds.append((large, small) if each % 2 else (small, large))
    yield row


def compare_backlogs(entries: int) -> bool:
    """Deliver all of both; return whether an entry of the large one took within `LIMIT` times one of the other."""
    found = list[float]()
    with _both(entries) as sides:
        for side in sides:
            begun = time.monotonic()
            found.append(side.deliver(side.entries))
            took = time.monotonic() - begun
            say(f"{side.entries:,} entries: {found[-1]:.2f} ms of processor time for each, {took:,.0f} s for all")
    return verdict("Processor time for an entry", found[0] / found[1], LIMIT)
