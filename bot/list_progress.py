"""How far a run of a list is: what was counted, how fast it goes, and whether all accounts fail alike."""

from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from bot import errors
from bot.listed import Counts, Listed
from bot.pace import Pace
from bot.request import ENDED, Request, State

SAME_FAILURES = 25  # in a row: then all others would fail alike
CODES_OF_ONE_ACCOUNT = frozenset(
    {errors.PROTECTED, errors.ACCOUNT_CHANGED, "UserNotFoundException", "NotAuthorizedException.UserDisabled"}
)
TOO_MANY = "TooManyRequestsException"
SAMPLES = 10


@dataclass(kw_only=True)
class Progress:
    """Counts the accounts that end. `settled` has those of the first accounts, up to one that has not ended.

    `add` may be called from many threads, all else from one.
    """

    settled: Counts
    pace: Pace
    trouble: str | None = None  # why no account can be begun just now
    _ended: dict[int, Request] = field(default_factory=dict, init=False)
    _failures: deque[str | None] = field(default_factory=partial(deque, maxlen=SAME_FAILURES), init=False)
    _samples: deque[tuple[float, int]] = field(default_factory=partial(deque, maxlen=SAMPLES), init=False)

    def add(self, index: int, child: Request) -> None:
        """Count an account that has ended."""
        self._ended[index] = child
        self._failures.append(None if child.state is State.DONE else child.error_code)

    def failing(self) -> str | None:
        """Return the error code with which many accounts in a row were not done, if it is not about each of them."""
        codes = set(self._failures)
        alike = len(self._failures) == SAME_FAILURES and len(codes) == 1 and not codes & {None, *CODES_OF_ONE_ACCOUNT}
        return codes.pop() if alike else None

    @property
    def rate(self) -> float:
        """Accounts a second, over about half a minute up to the last note; 0.0 where none ended."""
        if not (samples := list(self._samples)):
            return 0.0
        (began, first), (until, last) = samples[0], samples[-1]
        return (last - first) / (until - began) if until > began else 0.0

    def of(self, before: Request, now: datetime, **changes: Any) -> Listed:
        """Return what a list holds, with how far it is now. Its trouble stays what it is where it does not run."""
        listed, trouble = before.contents, before.contents.trouble
        while child := self._ended.pop(self.settled.ended, None):
            self.settled = _with(self.settled, child)
        counts = self.settled
        for child in list(self._ended.values()):
            counts = _with(counts, child)
        if counts.ended < listed.counts.ended:  # who took the list over has not seen again all that had ended
            counts = listed.counts
        self._samples.append((self.pace.clock.monotonic(), counts.ended))
        if before.state is State.RUNNING:
            trouble = self.trouble or (TOO_MANY if self.pace.is_slowed else None)
        told = {"begun_at": listed.begun_at or now, "rate": self.rate or listed.rate, "trouble": trouble}
        return replace(listed, settled=self.settled, counts=counts, worked_at=now, **{**told, **changes})


def _with(counts: Counts, child: Request) -> Counts:
    """Return the counts with one account more."""
    outcome = {State.DONE: "done", State.UNKNOWN: "unknown"}.get(child.state, "failed")
    more: dict[str, Any] = {outcome: getattr(counts, outcome) + 1, "ended": counts.ended + 1}
    if child.error_code and child.state is not State.DONE:
        more["reasons"] = {**counts.reasons, child.error_code: counts.reasons.get(child.error_code, 0) + 1}
    return replace(counts, **more)


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


def other_changes(before: Request, state: State, listed: Listed, now: datetime) -> dict[str, Any]:
    """Return what else a move changes: when the list ended, and that no one pressed where the bot itself moves it."""
    if state in ENDED:
        return {"ended_at": now, "error_code": listed.trouble if before.state is State.STOPPING else None}
    return {"pressed_by": None} if state is not before.state and state is not State.RUNNING else {}
