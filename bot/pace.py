"""How fast a list goes: its calls leave one after the other, and more slowly while Cognito throttles."""

import threading
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import TypeVar

from bot.account import Account, Session
from bot.action import Answer, Refused, Step
from bot.errors import PoolUnavailableError, SupersededError
from bot.options import Attribute
from bot.ports import Clock, Left, UserPool
from bot.work import MAX_CALLS

T = TypeVar("T")
SLOWEST = 0.5  # calls a second
FIRST_WAIT = 1.0  # seconds
BETWEEN_SLOW_DOWNS = 1.0  # seconds: what was refused in between was sent at the pace before
SECONDS_TO_SPEED_UP = 60.0  # from no pace to all of it
A_MOMENT = 0.000_001  # seconds


@dataclass(slots=True)
class Turn:
    """One turn: when its call left, at the latest, or before that is known when the turn came."""

    left_at: float


@dataclass(kw_only=True)
class Pace:
    """Gives each call its turn: at most `per_second` in any second, and one more. Safe to use from many threads.

    A turn that is taken late is made up for, if it was late by no more than half of what is between two. The second is
    counted from when a call left.

    It counts by the clock that no one can set. Once Cognito throttles, it halves the pace at once, and gets faster by a
    sixtieth of `per_second` each second. `throttled` is called each time that Cognito does.
    """

    clock: Clock
    per_second: float
    throttled: Callable[[], object] = lambda: None
    under_way: int = field(default=0, init=False)  # what has a place: see `enter`
    _slowed_to: float = field(default=0.0, init=False)
    _slowed_at: float | None = field(default=None, init=False)
    _next: float = field(default=0.0, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _first_in_line: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        self._slowed_to = self.per_second
        self._lately = deque[Turn](maxlen=int(self.per_second) + 1)  # as many as a second may hold

    @property
    def rate(self) -> float:
        """Calls a second, just now."""
        if self._slowed_at is None:
            return self.per_second
        since = self.clock.monotonic() - self._slowed_at
        return min(self.per_second, self._slowed_to + since * self.per_second / SECONDS_TO_SPEED_UP)

    @property
    def is_slowed(self) -> bool:
        """Whether it is slower than the settings say, since Cognito throttled."""
        return self.rate < self.per_second

    def hold_off(self) -> None:
        """Give the next turn only in a second: the one who had the lease before may have called just now."""
        with self._lock:
            self._next = max(self._next, self.clock.monotonic() + FIRST_WAIT)

    def enter(self, most: int) -> bool:
        """Take one of `most` places for what needs turns, until `leave`; return whether one was free."""
        with self._lock:
            is_free = self.under_way < most
            self.under_way += is_free
        return is_free

    def leave(self) -> None:
        """Give a place back."""
        with self._lock:
            self.under_way -= 1

    def wait(self) -> "Turn":
        """Wait for the next turn, and take it."""
        with self._first_in_line:  # the others wait behind, so a turn that is taken late puts off theirs
            while (seconds := self._until_turn()) > A_MOMENT:
                self.clock.sleep(seconds)
            return self._lately[-1]

    def _until_turn(self) -> float:
        """Return how many seconds it is until the next turn, and take it where that is now."""
        with self._lock:
            now, gap = self.clock.monotonic(), 1 / self.rate
            is_full = len(self._lately) == self._lately.maxlen
            seconds = max(self._next, self._lately[0].left_at + 1 if is_full else 0) - now
            if seconds <= A_MOMENT:
                self._lately.append(Turn(now))
                self._next = max(self._next + gap, now + gap / 2)
            return seconds

    def answered(self, turn: "Turn") -> None:
        """Note that the call of a turn was answered: so late it may have arrived, or as late as the next turn."""
        turn.left_at = min(self.clock.monotonic(), turn.left_at + 1 / self.rate)

    def slow_down(self) -> None:
        """Note that Cognito throttled."""
        self.throttled()
        with self._lock:
            now, rate = self.clock.monotonic(), self.rate
            if self._slowed_at is not None and now - self._slowed_at < BETWEEN_SLOW_DOWNS:
                return
            self._slowed_to, self._slowed_at = max(min(SLOWEST, self.per_second), rate / 2), now
            self._next = now + 1 / self._slowed_to


@dataclass(frozen=True, kw_only=True)
class PacedPool:
    """A `UserPool` whose calls wait for their turn. `members` are those of its protected groups, by group.

    Without `members`, it is asked for them. No step is called once no time is `left`: another instance may call then.
    """

    pool: UserPool
    pace: Pace
    members: Callable[[], Mapping[str, Collection[str]]] | None = None
    left: Left = lambda: timedelta.max

    @property
    def pool_id(self) -> str:
        """The user pool's id."""
        return self.pool.pool_id

    @property
    def region(self) -> str:
        """The AWS region where it is asked."""
        return self.pool.region

    def on_behalf(self, request_id: str, operator_id: str) -> "PacedPool":
        """Return this pool, asked for this request."""
        return replace(self, pool=self.pool.on_behalf(request_id, operator_id))

    def list_users(self, attribute: Attribute, value: str) -> Sequence[Account]:
        """Return every account with this value."""
        return self._asked(lambda: self.pool.list_users(attribute, value))

    def get_user(self, username: str) -> Account | None:
        """Return who has this name or alias."""
        return self._asked(lambda: self.pool.get_user(username))

    def everyone(self, token: str | None = None) -> tuple[Sequence[Account], str | None]:
        """Return some of the accounts, and what gives the next ones."""
        return self._asked(lambda: self.pool.everyone(token))

    def members_of(self, group: str) -> frozenset[str]:
        """Return the user names in a group."""
        return self._asked(lambda: self.pool.members_of(group))

    def groups_of(self, username: str) -> frozenset[str]:
        """Return which of the protected groups someone is in, as they were read last."""
        if self.members is None:
            return self._asked(lambda: self.pool.groups_of(username))
        return frozenset(group for group, names in self.members().items() if username in names)

    def tracks_sessions(self) -> bool:
        """Return whether the pool tracks sessions: a list ends none one by one."""
        return False

    def sessions(self, username: str) -> Sequence[Session]:  # noqa: ARG002 -- a list asks for none
        """Return no sessions."""
        return ()

    def end_session(self, session_id: str, username: str, left: Left) -> Answer:
        """End a session."""
        return self._called(partial(self.pool.end_session, session_id, username), left)

    def prepare(self) -> None:
        """Get what signs the next call."""
        self.pool.prepare()

    def call(self, step: Step, username: str, left: Left) -> Answer:
        """Call a step's operation once, in its turn. Raises `SupersededError` where it may not call any more."""
        return self._called(partial(self.pool.call, step, username), left)

    def _called(self, call: Callable[[Left], Answer], left: Left) -> Answer:
        self.pool.prepare()  # before the turn, or the call would leave late
        turn = self.pace.wait()
        if self.left() <= timedelta(0):
            raise SupersededError

        def left_now() -> timedelta:  # asked for last just before the call leaves
            turn.left_at = self.pace.clock.monotonic()
            return min(left(), self.left())

        answer = call(left_now)
        self.pace.answered(turn)
        if isinstance(answer, Refused) and answer.may_retry and answer.sent:
            self.pace.slow_down()
        return answer

    def _asked(self, ask: Callable[[], T]) -> T:
        """Ask in turn; where Cognito may soon answer, slow down and ask again, a few times."""
        tries = 1
        while True:
            self.pool.prepare()
            self.pace.wait()
            try:
                return ask()
            except PoolUnavailableError as error:
                if not error.may_retry or tries == MAX_CALLS:
                    raise
                self.pace.slow_down()
                tries += 1
