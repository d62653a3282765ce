"""What Slack said, kept while it is young."""

import logging
import math
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from slack_sdk import WebClient

from bot.backoff import pause
from bot.slack.clients import failure_of

LOOK_AGAIN_SECONDS = 0.05  # for those who wait until another thread has the answer
LONGEST_PAUSE = 60.0
REMEMBERED = 10_000  # answers, and as many failures

Key = TypeVar("Key", bound=Hashable)
Said = TypeVar("Said")

log = logging.getLogger(__name__)


@dataclass(eq=False)
class Kept(ABC, Generic[Key, Said]):
    """Asks Slack about one key after another, and keeps what it said. `what` names that in the log; {} is the key.

    One thread asks, and the others go by what is there or wait. What failed is asked again after a pause, and not
    before Slack wants to be asked.
    """

    what: ClassVar[str]

    client: WebClient
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    wall: Callable[[], float] = time.time

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._said: dict[Key, tuple[float, float, Said]] = {}  # with when Slack was asked, by both clocks
        self._asking: set[Key] = set()
        self._failures: dict[Key, tuple[int, float]] = {}  # how many in a row, and when to ask again
        self._not_before = -math.inf

    @abstractmethod
    def _ask(self, key: Key) -> Said:
        """Ask Slack. Any error means that it could not tell."""

    def _get(self, key: Key, max_age: float, may_ask: Callable[[float, float, Said | None], bool]) -> Said | None:
        """Return what Slack said, asked less than `max_age` seconds ago; None where it did not, or may not be asked.

        `may_ask` is given the time, how old the last answer is, and that answer, even if it is too old.
        """
        while True:
            with self._lock:
                now, wall = self.now(), self.wall()
                age, said = self._last(key, now)
                known = said if age < max_age else None
                if key not in self._asking:
                    _, again_at = self._failures.get(key, (0, -math.inf))
                    if now < max(again_at, self._not_before) or not may_ask(now, age, said):
                        return known
                    self._asking.add(key)
                    break
                if known is not None:
                    return known
            self.sleep(LOOK_AGAIN_SECONDS)
        try:
            self._renew(key, now, wall)
        finally:
            self._asking.discard(key)
        age, said = self._last(key, self.now())
        return said if age < max_age else None

    def _last(self, key: Key, now: float) -> tuple[float, Said | None]:
        asked_at, wall, said = self._said.get(key, (-math.inf, 0.0, None))
        return max(now - asked_at, self.wall() - wall), said  # a machine that sleeps stops one clock; one may be set

    def _renew(self, key: Key, asked_at: float, wall: float) -> None:
        said, wait = None, None
        try:
            said = self._ask(key)
        except Exception as error:  # noqa: BLE001 -- what Slack did not say is not known
            failure = failure_of(error)
            log.warning("Slack did not say %s: %s", self.what.format(key), failure.reason)
            wait = failure.retry_after
        with self._lock:
            now = self.now()
            failures = self._failures.pop(key, (0, 0.0))[0] + 1
            if said is not None:
                self._said.pop(key, None)  # so that the latest comes last
                self._said[key] = (asked_at, wall, said)
            else:
                self._failures[key] = (failures, now + min(pause(failures).total_seconds(), LONGEST_PAUSE))
                self._not_before = now + wait.total_seconds() if wait else self._not_before
            for remembered in (self._said, self._failures):
                if len(remembered) > REMEMBERED:
                    remembered.pop(next(iter(remembered)))
