"""Where commands and presses come in: what has not been authorized yet takes no place that operators need."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.errors import BusyError
from bot.ports import Lane
from bot.request import Operator

AT_ONCE = 3  # of one newcomer
REMEMBERED = 10_000  # operators


@dataclass(kw_only=True)
class Entrance:
    """Gives each command and press a lane: one for operators who are known, another for newcomers, few of each person.

    Known is who is `listed` by user id, and who was allowed before in this process. This decides nothing: everyone is
    authorized all the same. It costs the same however many come. Safe to use from many threads.
    """

    lane: Lane
    newcomers_lane: Lane
    listed: frozenset[str] = frozenset()
    _allowed: dict[tuple[str, str], None] = field(default_factory=dict, init=False)  # the latest comes last
    _inside: Counter[tuple[str, str]] = field(default_factory=Counter, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def knows(self, who: Operator) -> bool:
        """Whether they have the lane of operators."""
        return who.id in self.listed or (who.team_id, who.id) in self._allowed

    def run(self, who: Operator, request_id: str, work: Callable[[], object], *, urgent: bool = False) -> None:
        """Do `work` on their lane. Raises `BusyError` where there is no room, or too much of theirs is under way."""
        if self.knows(who):
            self.lane.run(request_id, work, urgent=urgent)
            return
        key = (who.team_id, who.id)
        with self._lock:
            if self._inside[key] >= AT_ONCE:
                raise BusyError
            self._inside[key] += 1

        def work_and_leave() -> None:
            try:
                work()
            finally:
                self._leave(key)

        try:
            self.newcomers_lane.run(request_id, work_and_leave, urgent=urgent)
        except BusyError:
            self._leave(key)
            raise

    def _leave(self, key: tuple[str, str]) -> None:
        with self._lock:
            self._inside[key] -= 1
            if not self._inside[key]:
                del self._inside[key]

    def note(self, who: Operator, *, allowed: bool) -> None:
        """Note whether they were allowed just now."""
        key = (who.team_id, who.id)
        with self._lock:
            self._allowed.pop(key, None)
            if allowed:
                self._allowed[key] = None
            if len(self._allowed) > REMEMBERED:
                del self._allowed[next(iter(self._allowed))]
