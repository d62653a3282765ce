"""Refusals: the first of an operator in a minute is an entry at once, all others of that minute are one, at its end.

A person who sends very many costs the store one write a second, and the audit channel two messages a minute.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from math import inf

from bot.audit import Delivery, Entry, Kind
from bot.errors import StoreUnavailableError
from bot.ports import SureClock
from bot.store_ports import Tallies

MINUTE = timedelta(minutes=1)
TALLIED_FOR = 2 * MINUTE  # for so long a tally is for the process that counts it: its minute, and one to write it
EXAMPLES = 3
A_ROUND = 50  # so many tallies are settled in one

log = logging.getLogger(__name__)


@dataclass(kw_only=True, eq=False)
class _Counted:
    """The refusals of one operator after `first_at`, in the same minute. The store has `stored` of them."""

    first_at: datetime
    tally: Entry | None = None
    stored: float = 0


@dataclass(kw_only=True)
class Refusals:
    """A `Trail` that counts refusals. Safe to use from many threads.

    One instance counts what it refused itself. What it had not stored when it was killed is lost: a second's refusals.
    """

    tallies: Tallies
    clock: SureClock
    _counted: dict[tuple[str, str], _Counted] = field(default_factory=dict, init=False)
    _ended: list[_Counted] = field(default_factory=list, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def record(self, entry: Entry) -> None:
        """Store an entry or, where it is one more refusal of that minute, count it. Raises `StoreUnavailableError`."""
        if entry.kind is not Kind.REFUSED:
            self.tallies.record(entry)
            return
        who = (entry.ask.operator.team_id, entry.ask.operator.id)
        with self._lock:
            counted = self._counted.get(who)
            # It may have been asked a moment before the first one.
            if counted and abs(entry.at - counted.first_at) < MINUTE:
                counted.tally = _one_more(counted.tally, entry)
                return
            self._end(who)
            self._counted[who] = _Counted(first_at=entry.at)
        try:
            self.tallies.record(entry)
        except Exception:
            with self._lock:
                self._end(who)  # so that the next one is the first
            raise

    def _end(self, who: tuple[str, str]) -> None:
        counted = self._counted.pop(who, None)
        if counted and counted.tally:
            self._ended.append(counted)

    def store(self, *, all_ended: bool = False) -> None:
        """Store what was counted since the last time, and make entries of the minutes that are over, or of all."""
        now = self.clock.now()
        with self._lock:
            for who, each in list(self._counted.items()):
                if all_ended or abs(now - each.first_at) >= MINUTE:
                    self._end(who)
            ended = list(self._ended)
            tallied = [(each, each.tally) for each in (*self._counted.values(), *ended) if each.tally]
            grown = [(each, tally) for each, tally in tallied if tally.count > each.stored]
        all_were = not grown or _could(partial(self.tallies.tally, [tally for _, tally in grown]))
        for each, tally in grown:
            could = all_were or _could(partial(self.tallies.tally, [tally]))
            each.stored = tally.count if could else inf  # it is dropped, and keeps back no other
        for each in ended:
            if each.tally:
                _could(partial(self.tallies.settle, each.tally.id, now))
            self._ended.remove(each)

    def sweep(self) -> None:
        """Make entries of what dead processes counted."""
        for tally in self.tallies.tallies(self.clock.now() - TALLIED_FOR, A_ROUND, self.clock.beyond(TALLIED_FOR)):
            _could(partial(self.tallies.settle, tally.id, self.clock.now()))


def _could(write: Callable[[], None]) -> bool:
    """Write; return whether it could be written. Raises `StoreUnavailableError` where it may be possible later."""
    try:
        write()
    except StoreUnavailableError:
        raise
    except Exception as error:  # noqa: BLE001 -- its text could quote what was sent
        log.error("Counted refusals cannot be stored: %s", type(error).__name__)  # noqa: TRY400
        return False
    return True


def _one_more(tally: Entry | None, entry: Entry) -> Entry:
    target = entry.ask.options.target
    if tally is None:
        return replace(entry, until=entry.at, examples=(target,), delivery=Delivery())
    return replace(
        tally,
        count=tally.count + 1,
        until=entry.at,
        rule=tally.rule if entry.rule in tally.rule.split("; ") else f"{tally.rule}; {entry.rule}",
        examples=tally.examples if target in tally.examples else (*tally.examples, target)[:EXAMPLES],
    )
