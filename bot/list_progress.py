"""How far a run of a list is: what was counted, how fast it goes, and whether all accounts fail alike."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from bot import errors
from bot.listed import Counts, Listed
from bot.pace import Pace
from bot.request import Request, State

SAME_FAILURES = 25  # in a row: then all others would fail alike
OF_ONE_ACCOUNT = frozenset({errors.PROTECTED, errors.ACCOUNT_CHANGED, "UserNotFoundException"})
THROTTLED = "TooManyRequestsException"
SAMPLES = 10


@dataclass(kw_only=True)
class Progress:
    """Counts the accounts that end. `settled` has those of the first accounts, up to one that has not ended.

    `add` may be called from many threads, all else from one.
    """

    settled: Counts
    pace: Pace
    monotonic: Callable[[], float]
    trouble: str | None = None  # why no account can be begun just now
    _ended: dict[int, Request] = field(default_factory=dict, init=False)
    _failures: deque[str | None] = field(default_factory=partial(deque, maxlen=SAME_FAILURES), init=False)
    _samples: deque[tuple[float, int]] = field(default_factory=partial(deque, maxlen=SAMPLES), init=False)

    def add(self, index: int, child: Request) -> None:
        """Count an account that has ended."""
        self._ended[index] = child
        self._failures.append(child.error_code if child.state is State.FAILED else None)

    def failing(self) -> str | None:
        """Return the error code with which many accounts failed in a row, if it is not about each of them."""
        codes = set(self._failures)
        alike = len(self._failures) == SAME_FAILURES and len(codes) == 1 and not codes & {None, *OF_ONE_ACCOUNT}
        return codes.pop() if alike else None

    def noted(self, listed: Listed, now: datetime) -> Listed:
        """Return what a list holds, with how far it is now."""
        while child := self._ended.pop(self.settled.ended, None):
            self.settled = _with(self.settled, child)
        counts = self.settled
        for child in list(self._ended.values()):
            counts = _with(counts, child)
        self._samples.append((self.monotonic(), counts.ended))
        (began, first), (until, last) = self._samples[0], self._samples[-1]
        rate = (last - first) / (until - began) if last > first and until > began else listed.rate
        slow = THROTTLED if self.pace.is_slowed else None
        return replace(
            listed, settled=self.settled, counts=counts, worked_at=now, rate=rate, trouble=self.trouble or slow
        )


def _with(counts: Counts, child: Request) -> Counts:
    outcome = {State.DONE: "done", State.UNKNOWN: "unknown"}.get(child.state, "failed")
    return counts.with_one(outcome, child.error_code if outcome != "done" else None)


def state_at_rest(before: Request, listed: Listed) -> State:
    """Return the state of a list once no account is under way."""
    if listed.left and before.state is not State.STOPPING:
        return before.state
    counts = listed.counts
    if counts.unknown:
        return State.UNKNOWN
    if counts.done:
        return State.DONE if counts.done == listed.size else State.PARTLY
    return State.FAILED
