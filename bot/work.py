"""From a decision to its outcome: claim, call Cognito in a bounded loop, and say no more than is known."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from bot.action import ACTIONS, Answer, Done, Refused, Step, Unclear
from bot.audit import entry_of
from bot.deliver import SHOWN_HERE, show_card
from bot.errors import INTERRUPTED, NO_CALL_MADE, TOO_LATE, SupersededError
from bot.ports import Clock, Requests, UserPool
from bot.request import TERMINAL, Claim, Request, State, new_id

# The longest that one call may take: connect 2 s, read 5 s. aws/ builds its clients with these.
CONNECT_SECONDS = 2
READ_SECONDS = 5
CALL = timedelta(seconds=CONNECT_SECONDS + READ_SECONDS)
MARGIN = timedelta(seconds=10)
# A claim's lease outlives all its calls by MARGIN: no call starts with less than CALL + MARGIN left.
LEASE = timedelta(seconds=30)
MAX_CALLS = 4
BACK_OFF_SECONDS = (0.5, 1.0, 2.0)
LEFT_TO_ITS_OWN = timedelta(seconds=2)  # a decided request is for the process that decided it
CLOCKS_AGREE_WITHIN = timedelta(seconds=5)
AT_ONCE = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Lifetimes:
    """How long what a pool has issued outlives a sign-out, from its configuration."""

    token: timedelta
    login_cookie: timedelta


@dataclass(frozen=True, kw_only=True)
class Worker:
    """Carries decided requests out. Safe to use from many threads, and in several instances at once.

    `jitter` returns a factor for each pause, so that instances do not retry in step. Of the pools in `with_role`, what
    was asked in a terminal can only be run by that terminal: their roles trust each operator's own credentials.
    """

    pools: Mapping[str, UserPool]
    lifetimes: Mapping[str, Lifetimes]
    requests: Requests
    clock: Clock
    resume_within: timedelta
    jitter: Callable[[], float]
    with_role: frozenset[str] = frozenset()
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _running: set[str] = field(default_factory=set, init=False)

    def waiting(self) -> Sequence[Request]:
        """Return what a worker here may take: decided requests that no one claims, and claims of dead workers."""
        now = self.clock.now()
        ready = self.requests.ready(now - LEFT_TO_ITS_OWN, AT_ONCE)
        dead = self.requests.dead(now - CLOCKS_AGREE_WITHIN, AT_ONCE)
        return [each for each in (*ready, *dead) if each.id not in self._running and self._may_take(each)]

    def run(self, request: Request, *, shown_here: bool = True) -> Request | None:
        """Claim a request, carry it out, and return it with its outcome, stored with its audit entry.

        None where another worker has it, or took it over on the way. Unless it is `shown_here`, its card is due at
        once.
        """
        with self._lock:
            if request.id in self._running:  # what this process still works on, it never takes over
                return None
            self._running.add(request.id)
        try:
            wait = SHOWN_HERE if shown_here else timedelta(0)
            if request.state is State.READY and self._is_too_late(request):
                return self._end(request, _Calls(error_code=TOO_LATE), wait)
            return self._carry_out(self._claim(request), wait)
        except SupersededError:
            return None
        finally:
            self._running.discard(request.id)

    def _may_take(self, request: Request) -> bool:
        of_a_terminal = request.ask.source == TERMINAL and request.account.pool in self.with_role
        return not of_a_terminal or self._is_too_late(request)

    def _is_too_late(self, request: Request) -> bool:
        return self.clock.now() >= self._latest(request)

    def _latest(self, request: Request) -> datetime:
        if request.decided_at is None:
            raise ValueError("only a decided request can be run")
        return request.decided_at + self.resume_within

    def _claim(self, request: Request) -> Request:
        now = self.clock.now()
        taken_over = request.state is State.RUNNING
        claim = Claim(id=new_id(now), at=now, until=now + LEASE)
        claimed = request.move(State.RUNNING, claim=claim, in_doubt=request.in_doubt or taken_over)
        self.requests.move(request, claimed, entry_of(claimed, now) if taken_over else None, None)
        return claimed

    def _carry_out(self, request: Request, wait: timedelta) -> Request:
        steps = ACTIONS[request.ask.options.action].steps
        while True:
            step = steps[len(request.done)]
            calls = self._call(request, step)
            if not calls.yes or len(request.done) + 1 == len(steps):
                return self._end(request, calls, wait)
            now = self.clock.now()
            noted = request.move(State.RUNNING, claim=_renewed(request, now), in_doubt=False, **calls.noted_in(request))
            self.requests.move(request, noted, None, None)
            request = noted

    def _call(self, request: Request, step: Step) -> "_Calls":
        calls = _Calls(step, INTERRUPTED if request.in_doubt else NO_CALL_MADE, in_doubt=request.in_doubt)
        pool = self._pool(request)
        while pool and (leave_within := self._time_to_call(request)):
            calls.note(pool.call(step, request.account.username, leave_within))
            if calls.settled:
                break
            # The longest one where nothing was sent: STS would not give credentials.
            self.clock.sleep(BACK_OFF_SECONDS[calls.made - 1] * self.jitter())
        return calls

    def _pool(self, request: Request) -> UserPool | None:
        """Return the account's pool; None where its name stands for another by now, which holds other people."""
        pool = self.pools.get(request.account.pool)
        if pool is None or pool.pool_id != request.account.pool_id or not self._may_take(request):
            return None
        return pool.on_behalf(request.id, request.ask.operator.id)

    def _time_to_call(self, request: Request) -> timedelta | None:
        """Return how long from now a call may still leave; None where no further one may."""
        if request.claim is None:
            raise ValueError("only a claimed request can be run")
        left = min(request.claim.until - CALL - MARGIN, self._latest(request)) - self.clock.now()
        return left if left > timedelta(0) else None

    def _end(self, request: Request, calls: "_Calls", wait: timedelta) -> Request:
        now = self.clock.now()
        done = calls.state is State.DONE
        lifetimes = self.lifetimes.get(request.account.pool) if done else None
        ended = request.move(
            State.PARTLY if calls.state is State.FAILED and request.done else calls.state,
            **calls.noted_in(request),
            error_code=calls.error_code,
            ended_at=now,
            access_until=now + lifetimes.token if lifetimes else None,
            login_until=now + lifetimes.login_cookie if lifetimes and lifetimes.login_cookie else None,
        )
        self.requests.move(request, ended, entry_of(ended, now), show_card(ended, now, wait=wait))
        return ended


def _renewed(request: Request, now: datetime) -> Claim | None:
    return replace(request.claim, until=now + LEASE) if request.claim else None


class _Calls:
    """What the calls of one step amount to. Once some call got no clear answer, a later refusal proves nothing."""

    def __init__(self, step: Step | None = None, error_code: str | None = None, *, in_doubt: bool = False) -> None:
        self.state = State.UNKNOWN if in_doubt else State.FAILED
        self.error_code = error_code
        self.made = 0
        self.settled = False
        self._step = step
        self._aws_request_ids: list[str] = []

    @property
    def yes(self) -> bool:
        """Whether the step was done."""
        return self.state is State.DONE

    def note(self, answer: Answer) -> None:
        """Take one call's answer into account."""
        if answer.aws_request_id:
            self._aws_request_ids.append(answer.aws_request_id)
        match answer:
            case Done():
                self.made += 1
                self.state, self.error_code, self.settled = State.DONE, None, True
            case Refused(code=code, may_retry=may_retry, sent=sent):
                self.settled = not may_retry
                # Of several refusals the last says most; one that was never sent says nothing about those before it.
                if self.state is State.FAILED and (sent or not self.made):
                    self.error_code = code
                self.made += sent
            case Unclear(code=code):
                self.made += 1
                self.state, self.error_code = State.UNKNOWN, code
        self.settled = self.settled or self.made == MAX_CALLS

    def noted_in(self, request: Request) -> dict[str, Any]:
        """Return what a request holds once these calls are added to it."""
        return {
            "done": (*request.done, str(self._step)) if self.yes else request.done,
            "attempts": request.attempts + self.made,
            "aws_request_ids": (*request.aws_request_ids, *self._aws_request_ids),
        }
