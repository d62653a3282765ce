"""When requests last ended, by outcome. The store knows it, so it is known after a crash and of every instance."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta

from bot.audit import OUTCOMES, Entry
from bot.ports import Clock

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
LOOK_BACK = timedelta(hours=1)
OVERLAP = timedelta(minutes=1)  # an entry is there some seconds after its time, and clocks differ


class Endings:
    """Reads from the trail what came since it last looked. Used by one thread at a time."""

    def __init__(self, entries: Callable[[datetime | None, str | None], Iterable[Entry]], clock: Clock) -> None:
        self._entries = entries
        self._clock = clock
        self._read_until = LONG_AGO
        self._last = dict.fromkeys(map(str, OUTCOMES), 0.0)

    def last(self) -> Mapping[str, float]:
        """Return for each outcome when a request last ended so, in seconds since 1970.

        0: not as far as is known. What ended more than an hour before a look may be missed.
        Raises `StoreUnavailableError`.
        """
        now = self._clock.now()
        until = self._read_until if self._read_until <= now else LONG_AGO  # that clock has been put right since
        for entry in self._entries(max(now - LOOK_BACK, until - OVERLAP), None):
            if entry.kind in OUTCOMES and entry.at <= now + OVERLAP:  # else it was written by a clock that was ahead
                self._last[entry.kind] = max(self._last[entry.kind], entry.at.timestamp())
        self._read_until = now
        return dict(self._last)
