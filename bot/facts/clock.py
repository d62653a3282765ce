"""Is this machine's clock right? It is compared with the `Date` of each answer from Slack and AWS."""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from bot.errors import BotError, ClockChangedError, ClockWrongError
from bot.facts.finding import Finding
from bot.ports import Clock

AGREES_WITHIN = timedelta(seconds=10)
SECOND = timedelta(seconds=1)  # a `Date` leaves out what is less
IN_A_ROW = 3
RIGHT = timedelta(0)
WARN_FROM_SECONDS = 5.0  # instances' clocks are assumed to agree within that
FAIL_FROM_SECONDS = 60.0  # Slack and AWS refuse what is signed five minutes away

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a clock said (`time`), and what it would have said when its `monotonic` was 0 (`zero`).

    Readings with a different `zero`: the clock was set in between, or the machine slept.
    """

    time: datetime
    zero: datetime


class CheckedClock:
    """A `SureClock` that is told of answers. Safe to use from many threads.

    `changed` is told by how many seconds the clock is ahead of the answers (behind: negative), or 0 once it is right.
    """

    def __init__(self, clock: Clock, changed: Callable[[float], object] = lambda _: None) -> None:
        self.now, self.monotonic, self.sleep = clock.now, clock.monotonic, clock.sleep
        self._changed = changed
        self._lock = threading.Lock()
        self._agreed: Reading | None = None
        self._misses = 0
        self._off = RIGHT

    def read(self) -> Reading:
        """Return what it says now: ask before something is sent, for `answered`."""
        now = self.now()
        return Reading(now, now - timedelta(seconds=self.monotonic()))

    def answered(self, sent: Reading, headers: Mapping[str, object]) -> None:
        """Compare the clock with the `Date` of an answer to what was sent then. Without a readable one, do nothing."""
        received = self.read()
        off = ahead(sent.time, headers, received.time)
        if off is None or abs(received.zero - sent.zero) > AGREES_WITHIN:
            return
        with self._lock:
            if abs(off) <= AGREES_WITHIN:
                self._agreed, self._misses, off = received, 0, RIGHT
            else:
                self._misses += 1
            if off != self._off and (not off or self._misses >= IN_A_ROW):
                self._note(off)

    def told_now(self) -> datetime:
        """Return the time that Slack and AWS tell: what the clock says, unless it is known to be wrong."""
        return self.now() - self._off

    def error(self) -> BotError | None:
        """Return why nothing may be begun or decided by this clock; None where there is no reason."""
        if self._off:
            return ClockWrongError(self._off)
        agreed = self._agreed
        return ClockChangedError() if agreed and abs(self.read().zero - agreed.zero) > AGREES_WITHIN else None

    def is_doubtful(self) -> bool:
        """Whether something speaks against it, so that an answer is needed: the last one, or that it was set since."""
        return self._misses > 0 or self.error() is not None

    def is_confirmed(self) -> bool:
        """Whether the last answer agreed with it, and it was not set since."""
        return self._agreed is not None and not self.is_doubtful()

    def beyond(self, longest: timedelta) -> datetime | None:
        """Return the end of `longest`, from now; None while it is not confirmed."""
        return self.now() + longest if self.is_confirmed() else None

    def _note(self, off: timedelta) -> None:
        if off and not self._off:
            log.error("%s", ClockWrongError(off).compared)
        elif not off:
            log.warning("The clock is right again")
        self._changed(off.total_seconds())
        self._off = off


def ahead(sent: datetime, headers: Mapping[str, object], received: datetime) -> timedelta | None:
    """Return how far a clock is certainly ahead of an answer's `Date` (behind: negative); else None."""
    told = date_of(headers)
    return None if told is None else (max(sent - told - SECOND, RIGHT) or min(received - told, RIGHT))


def judge_clock(name: str, date: str | None, asked_at: datetime, answered_at: datetime) -> Finding:
    """Compare this machine's clock with a Date header; only what is certainly wrong is said."""
    certainly = ahead(asked_at, {"date": date}, answered_at)
    if certainly is None:
        return Finding(name, "not tried", "not tried: no answer with a date")
    off = certainly.total_seconds()
    if abs(off) < WARN_FROM_SECONDS:
        return Finding(name, "ok", f"agrees within {WARN_FROM_SECONDS:.0f} s")
    sentence = f"This machine's clock is {abs(off):.0f} s {'ahead' if off > 0 else 'behind'}."
    return Finding(name, "warning" if abs(off) < FAIL_FROM_SECONDS else "missing", sentence, "Set it, by NTP.")


def date_of(headers: Mapping[str, object]) -> datetime | None:
    """Return the `Date` of an answer, in whole seconds; None where there is no readable one."""
    date = next((value for name, value in headers.items() if str(name).lower() == "date"), None)
    try:
        told = parsedate_to_datetime(str(date))
    except Exception:  # noqa: BLE001 -- a proxy may have written anything
        return None
    return told if told.tzinfo else told.replace(tzinfo=UTC)
