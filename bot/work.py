"""From a decision to its outcome: claim, call Cognito in a bounded loop, and say no more than is known."""

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from bot.action import ACTIONS, Answer, Done, Refused, Step, Unclear
from bot.audit import entry_of
from bot.deliver import SHOWN_HERE, show_card
from bot.errors import INTERRUPTED, NO_CALL_MADE, TOO_LATE, NewerVersionError, StoreUnavailableError, SupersededError
from bot.ports import Clock, Requests, UserPool
from bot.request import ENDED, TERMINAL, Claim, Request, State, new_id

# The longest that one call may take: connect 2 s, read 5 s. aws/ builds its clients with these.
CONNECT_SECONDS = 2
READ_SECONDS = 5
CALL = timedelta(seconds=CONNECT_SECONDS + READ_SECONDS)
# A claim's lease outlives all its calls by MARGIN: the longest that a store may take to write, and 5 s more.
MARGIN = timedelta(seconds=15)
LEASE = timedelta(seconds=30)
MAY_LEAVE = LEASE - CALL - MARGIN  # the longest from a claim to the first byte of its last call
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

    `jitter` gives a factor for each pause. What was asked in a terminal of a pool in `with_role` can only be run there:
    the role trusts each operator's own credentials.
    """

    pools: Mapping[str, UserPool]
    lifetimes: Mapping[str, Lifetimes]
    requests: Requests
    clock: Clock
    resume_within: timedelta
    jitter: Callable[[], float]
    with_role: frozenset[str] = frozenset()
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _running: dict[str, float] = field(
        default_factory=dict, init=False
    )  # since when each has its claim, on `monotonic`

    def waiting(self) -> Sequence[Request]:
        """Return what a worker here may take: decided requests that no one claims, and claims of dead workers."""
        now = self.clock.now()
        sure = now - LEFT_TO_ITS_OWN - CLOCKS_AGREE_WITHIN  # a terminal waits for its own result, by its own clock
        ready = self.requests.ready(now - LEFT_TO_ITS_OWN, AT_ONCE)
        ready = [each for each in ready if each.ask.source != TERMINAL or (each.decided_at or now) < sure]
        dead = self.requests.dead(now - CLOCKS_AGREE_WITHIN, AT_ONCE)
        found = [each for each in (*ready, *dead) if each.id not in self._running]
        return [each for each in found if self._pool(each) or now >= self._latest(each)]

    def run(self, request: Request, *, shown_here: bool = True) -> Request | None:
        """Claim a request, carry it out, and return it with its outcome, stored. Unless `shown_here`, its card is due.

        Where another worker took it over on the way, it is the other's outcome. None where another has it still.
        """
        with self._lock:
            if request.id in self._running:  # what this process still works on, it never takes over
                return None
            self._running[request.id] = self.clock.monotonic()
        claimed = None
        try:
            wait = SHOWN_HERE if shown_here else timedelta(0)
            if request.state is State.READY and self.clock.now() >= self._latest(request):
                return self._end(request, _Calls(State.FAILED, TOO_LATE), wait)
            claimed = self._claim(request)
            return self._carry_out(claimed, wait)
        except SupersededError:
            return self._outcome(request) if claimed else None
        finally:
            self._running.pop(request.id, None)

    def _outcome(self, request: Request) -> Request | None:
        """Return what the store says that came of a request, once it has ended."""
        with suppress(NewerVersionError):  # a newer bot shows it
            found = self.requests.get(request.id)
            return found if found and found.state in ENDED else None
        return None

    def _left(self, request: Request) -> timedelta:
        """Return how long from now a call may leave: by the clock, and by the seconds since the claim."""
        if request.claim is None:
            raise ValueError("only a claimed request can be run")
        now, held = self.clock.now(), timedelta(seconds=self.clock.monotonic() - self._running[request.id])
        return min(request.claim.until - CALL - MARGIN - now, self._latest(request) - now, MAY_LEAVE - held)

    def _latest(self, request: Request) -> datetime:
        """Return when the last call may leave: a later one would end sessions opened since the decision."""
        if request.decided_at is None:
            raise ValueError("only a decided request can be run")
        return request.decided_at + self.resume_within

    def _pool(self, request: Request) -> UserPool | None:
        """Return the pool to call; None where its name stands for another by now, or only a terminal may call it."""
        name = request.account.pool
        pool = self.pools.get(name)
        only_there = request.ask.source == TERMINAL and name in self.with_role
        return pool if pool and pool.pool_id == request.account.pool_id and not only_there else None

    def _claim(self, request: Request) -> Request:
        now = self.clock.now()
        dead = request.state is State.RUNNING
        claim = Claim(id=new_id(now), at=now, until=now + LEASE)
        claimed = request.move(State.RUNNING, claim=claim, in_doubt=request.in_doubt or dead)
        self.requests.move(request, claimed, entry_of(claimed, now) if dead else None, None)
        return claimed

    def _carry_out(self, request: Request, wait: timedelta) -> Request:
        steps = ACTIONS[request.ask.options.action].steps
        for step in steps[len(request.done) : -1]:
            calls = self._call(request, step)
            if calls.state is not State.DONE:
                return self._end(request, calls, wait)
            self._running[request.id] = self.clock.monotonic()
            claim = request.claim and replace(request.claim, until=self.clock.now() + LEASE)
            noted = request.move(State.RUNNING, claim=claim, in_doubt=False, **calls.added_to(request))
            self.requests.move(request, noted, None, None)
            request = noted
        return self._end(request, self._call(request, steps[-1]), wait)

    def _call(self, request: Request, step: Step) -> "_Calls":
        calls = _Calls(*((State.UNKNOWN, INTERRUPTED) if request.in_doubt else (State.FAILED, NO_CALL_MADE)), step)
        left = partial(self._left, request)
        pool = self._pool(request)
        pool = pool and pool.on_behalf(request.id, request.ask.operator.id)
        while pool and calls.made < MAX_CALLS and left() > timedelta(0):
            calls.note(pool.call(step, request.account.username, left))
            if calls.settled:
                break
            # The longest one where nothing was sent: STS would not give credentials.
            self.clock.sleep(BACK_OFF_SECONDS[calls.made - 1] * self.jitter())
        return calls

    def _end(self, request: Request, calls: "_Calls", wait: timedelta) -> Request:
        now = self.clock.now()
        lifetimes = self.lifetimes.get(request.account.pool) if calls.state is State.DONE else None
        ended = request.move(
            State.PARTLY if calls.state is State.FAILED and request.done else calls.state,
            **calls.added_to(request),
            error_code=calls.error_code,
            ended_at=now,
            access_until=now + lifetimes.token if lifetimes else None,
            login_until=now + lifetimes.login_cookie if lifetimes and lifetimes.login_cookie else None,
        )
        self._write(request, ended, wait)
        return ended

    def _write(self, request: Request, ended: Request, wait: timedelta) -> None:
        """Store an outcome, for some seconds again and again: to lose it would mean to call once more."""
        now, in_doubt = ended.ended_at or self.clock.now(), False
        for pause in (*BACK_OFF_SECONDS, None):
            try:
                self.requests.move(request, ended, entry_of(ended, now), show_card(ended, now, wait=wait))
            except SupersededError:
                if not in_doubt or self.requests.get(request.id) != ended:  # else an earlier try was done after all
                    raise
            except StoreUnavailableError as error:
                in_doubt = in_doubt or error.in_doubt
                if pause is None:
                    raise
                self.clock.sleep(pause)
                continue
            break


@dataclass
class _Calls:
    """What the calls of one step amount to. Once some call got no clear answer, a later refusal proves nothing."""

    state: State
    error_code: str | None
    step: Step | None = None
    made: int = 0
    settled: bool = False
    aws_request_ids: tuple[str, ...] = ()

    def note(self, answer: Answer) -> None:
        """Take one call's answer into account."""
        self.aws_request_ids += (answer.aws_request_id,) if answer.aws_request_id else ()
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

    def added_to(self, request: Request) -> dict[str, Any]:
        """Return what a request holds once these calls are added to it."""
        return {
            "done": (*request.done, str(self.step)) if self.state is State.DONE else request.done,
            "attempts": request.attempts + self.made,
            "aws_request_ids": request.aws_request_ids + self.aws_request_ids,
        }
