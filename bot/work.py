"""From a decision to its outcome: claim, call Cognito in a bounded loop, and say no more than is known."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial

from bot import errors
from bot.action import Answer, Done, Refused, Step, Unclear, ends_tokens
from bot.audit import Entry, entry_of
from bot.deliver import SHOWN_HERE, show_card
from bot.find import pool_of
from bot.limits import Protection
from bot.offer import steps_of
from bot.ports import Left, Show, SureClock, UserPool, lasting
from bot.request import ENDED, TERMINAL, Claim, Request, State, new_id
from bot.sessions import Ending
from bot.store_ports import Requests

# The longest that one call may take: connect 2 s, read 5 s. aws/ builds its clients with these.
CONNECT_SECONDS, READ_SECONDS = 2, 5
CALL = timedelta(seconds=CONNECT_SECONDS + READ_SECONDS)
# A claim's lease outlives all its calls by MARGIN: the longest that a store may take to write, and 5 s more.
MARGIN = timedelta(seconds=15)
LEASE = timedelta(seconds=30)
FARTHEST = 2 * LEASE  # no lease lasts longer, not even a newer bot's; a time further ahead is a wrong clock's
MAY_LEAVE = LEASE - CALL - MARGIN  # the longest from a claim to the first byte of its last call
MAX_CALLS = 4
BACK_OFF_SECONDS = (0.5, 1.0, 2.0)
LEFT_TO_ITS_OWN = timedelta(seconds=2)  # after a decision only the process that decided may run it for so long
CLOCKS_AGREE_WITHIN = timedelta(seconds=5)
SAME_ACCOUNT_FOR = timedelta(seconds=60)  # after that, the user name may be another person's
AT_ONCE = 100  # requests that are read from the store together


@dataclass(frozen=True, kw_only=True)
class Worker:
    """Carries decided requests out. Safe to use from many threads, and in several instances at once."""

    pools: Mapping[str, UserPool]
    token_lifetimes: Mapping[str, timedelta]  # by the settings
    requests: Requests
    clock: SureClock
    resume_within: timedelta
    jitter: Callable[[], float]  # a factor for each pause
    # What was asked in a terminal of these pools can only be run there: the role trusts the operator's own credentials.
    with_role: frozenset[str] = frozenset()
    protections: Mapping[str, Protection] = field(default_factory=dict)  # by pool, where there are any
    _running: dict[str, Left] = field(default_factory=dict, init=False)  # by request id: how long a call may be sent

    def waiting(self) -> Sequence[Request]:
        """Return the requests that may be run here now: decided and not claimed, or claimed by a dead worker."""
        now, beyond = self.clock.now(), self.clock.beyond(FARTHEST)
        ready = self.requests.ready(now - LEFT_TO_ITS_OWN, AT_ONCE, beyond)
        ready = [each for each in ready if each.ask.source != TERMINAL or self._is_abandoned(each, now)]
        found = (*ready, *self.requests.dead(now - CLOCKS_AGREE_WITHIN, AT_ONCE, beyond))
        free = [each for each in found if each.id not in self._running]
        return [each for each in free if self.pool(each) or now >= self._latest(each)]

    def run(self, request: Request, *, shown_here: bool = True) -> Request | None:
        """Claim a request and carry it out; return it with its outcome, stored, or None where another worker has it.

        If another took it over on the way and has ended it, the outcome is the other's.
        """
        left = lasting(self.clock, MAY_LEAVE)
        if self._running.setdefault(request.id, left) is not left:  # what this process works on, it never takes over
            return None
        claimed, known = None, replace(request, error_code=errors.TOO_LATE)
        try:
            if request.state is not State.READY or self.clock.now() < self._latest(request):
                claimed = self._claim(request)
                request, known = self._carry_out(claimed)
            return self._end(request, known, SHOWN_HERE if shown_here else timedelta(0))
        except errors.SupersededError:
            with suppress(errors.NewerVersionError):  # a newer bot shows it
                found = self.requests.get(request.id) if claimed else None
                return found if found and found.state in ENDED else None
            return None
        finally:
            self._running.pop(request.id, None)

    def _left(self, request: Request) -> timedelta:
        """Return for how long from now a call may still be sent."""
        return min(self._running[request.id](), self._latest(request) - self.clock.now())

    def _is_abandoned(self, request: Request, now: datetime) -> bool:
        """Whether the terminal that decided a request no longer works on it. Its clock may differ from ours."""
        sure = now - LEFT_TO_ITS_OWN - CLOCKS_AGREE_WITHIN
        return (request.decided_at or now) < sure or now >= self._latest(request)

    def _latest(self, request: Request) -> datetime:
        """Return until when a call may be sent: a later one would end sessions opened since the decision."""
        if request.decided_at is None:
            raise ValueError("only a decided request can be run")
        beyond = self.clock.beyond(FARTHEST)
        if beyond and request.decided_at >= beyond:  # by a wrong clock: it is not known when that was
            return datetime.min.replace(tzinfo=UTC)
        return request.decided_at + self.resume_within

    def pool(self, request: Request) -> UserPool | None:
        """Return the pool to call; None where its name now means another pool, or only a terminal may call it."""
        pool = pool_of(request.subject, self.pools)
        only_there = request.ask.source == TERMINAL and request.subject.pool in self.with_role
        return pool.on_behalf(request.id, request.ask.operator.id) if pool and not only_there else None

    def _claim(self, request: Request) -> Request:
        now, dead = self.clock.now(), request.state is State.RUNNING
        claim = Claim(id=new_id(now), at=now, until=now + LEASE)
        claimed = request.move(State.RUNNING, claim=claim, in_doubt=request.in_doubt or dead)
        self.requests.move(request, claimed, entry_of(claimed, now) if dead else None, None)
        return claimed

    def _carry_out(self, request: Request) -> tuple[Request, Request]:
        """Return the request twice: as it is in the store by then, and with all that is known of it."""
        if stopped := self._stopped(request):
            return request, replace(request, error_code=stopped)
        steps = steps_of(request)
        while True:
            step = steps[len(request.done)]
            code = errors.INTERRUPTED if request.in_doubt else errors.NO_CALL_MADE  # until there is an answer
            if step is Step.END_SESSIONS:
                request, known = self._end_sessions(request, code)
            else:
                known = self._call(replace(request, error_code=code), step)
            if known.done == request.done or len(known.done) == len(steps):
                return request, known
            request = self._noted(request, known)

    def _noted(self, before: Request, known: Request) -> Request:
        """Store what is known of a request by now, and renew the lease. Raises `SupersededError`."""
        claim, left, until = known.claim, lasting(self.clock, MAY_LEAVE), self.clock.now() + LEASE
        if claim and not self.clock.error():  # a lease by a clock that was set ahead is a dead worker's to others
            self._running[before.id], claim = left, replace(claim, until=max(claim.until, until))
        noted = known.move(State.RUNNING, claim=claim)
        self._write(before, noted, None, None)
        return noted

    def _stopped(self, request: Request) -> str | None:
        """Return the code for what stops all steps: the account changed, is protected, or that is not known."""
        pool = self.pool(request)
        if not pool:
            return None  # no step sends anything then
        code: str | None = errors.NO_CALL_MADE
        for pause in (*BACK_OFF_SECONDS, 0):
            if self._left(request) <= timedelta(0):
                break
            try:
                code = self._changed(request, pool)
                break
            except errors.PoolUnavailableError as error:
                code = error.error_code or errors.NO_CALL_MADE
                self.clock.sleep(pause * self.jitter())
        return errors.INTERRUPTED if code and request.in_doubt else code

    def _changed(self, request: Request, pool: UserPool) -> str | None:
        """Return the code for what is no longer as the card said, or None. A list looks no one up again."""
        account, looked_up = request.account, request.looked_up_at
        if not request.list_id and (not looked_up or abs(self.clock.now() - looked_up) > SAME_ACCOUNT_FOR):
            found = pool.get_user(account.username)
            if not found or found.sub != account.sub:
                return errors.ACCOUNT_CHANGED
        protection = self.protections.get(account.pool)
        is_protected = protection and protection.rule(account, pool.groups_of)
        was_approved = protection and protection.may_approve and account.protected and request.approval
        return errors.PROTECTED if is_protected and not was_approved else None

    def _call(self, request: Request, step: Step) -> Request:
        """Call a step until its answer is clear or its time is over. Return the request with what is known then."""
        left, made, username = partial(self._left, request), 0, request.account.username
        pool = self.pool(request)
        while pool and left() > timedelta(0):
            one = request.session if step is Step.END_SESSION else None
            answer = pool.end_session(one.id, username, left) if one else pool.call(step, username, left)
            request = known_after(answer, step, request, made)
            made += answer.sent
            if made == MAX_CALLS or not answer.may_retry:
                break
            # The longest pause (the index is -1) where nothing was sent: STS would not give credentials.
            self.clock.sleep(BACK_OFF_SECONDS[made - 1] * self.jitter())
        return request

    def _end_sessions(self, request: Request, code: str) -> tuple[Request, Request]:
        """Do what `Ending` does, and renew the lease on the way. Return what `_carry_out` returns."""

        def renew() -> None:
            nonlocal request
            if self._running[request.id]() < MAY_LEAVE / 2:
                request = self._noted(request, request)

        if not (pool := self.pool(request)):
            return request, replace(request, error_code=code)
        ending = Ending(
            pool=pool,
            username=request.account.username,
            decided_at=request.decided_at or request.created_at,
            left=partial(self._left, request),
            clock=self.clock,
            renew=renew,
        )
        answer = ending.run()  # first: `request` may be another one then
        known = known_after(answer, Step.END_SESSIONS, replace(request, error_code=code), 0)
        return request, replace(known, attempts=request.attempts + ending.sent, proof=ending.proof)

    def _end(self, request: Request, known: Request, wait: timedelta) -> Request:
        """Store the outcome of what is `known` of a request. Its card is due after `wait`."""
        now, state = self.clock.now(), State.FAILED
        if len(known.done) == len(steps_of(known)):
            state = State.DONE
        elif known.in_doubt:
            state = State.UNKNOWN
        elif known.done:
            state = State.PARTLY
        lifetime = self.token_lifetimes.get(request.account.pool) if ends_tokens(known.done) else None
        until = now + lifetime if lifetime else None
        ended = known.move(state, in_doubt=request.in_doubt, ended_at=now, access_until=until)
        self._write(request, ended, entry_of(ended, now), show_card(ended, now, wait=wait))
        return ended

    def _write(self, before: Request, after: Request, entry: Entry | None, show: Show | None) -> None:
        """Store an answer or an outcome. Try for some seconds: Cognito would be called once more if it were lost."""
        in_doubt = False
        for pause in (*BACK_OFF_SECONDS, None):
            try:
                self.requests.move(before, after, entry, show)
            except errors.SupersededError:
                if not in_doubt or self.requests.get(before.id) != after:  # else an earlier try was done after all
                    raise
            except errors.StoreUnavailableError as error:
                in_doubt = in_doubt or error.in_doubt
                if pause is None:
                    raise
                self.clock.sleep(pause)
                continue
            return


def known_after(answer: Answer, step: Step, request: Request, made: int) -> Request:
    """Return what is known of a request after an answer to a step. `made`: how many calls of the step came before."""
    ids = (answer.aws_request_id,) if answer.aws_request_id else ()
    known = replace(request, attempts=request.attempts + answer.sent, aws_request_ids=(*request.aws_request_ids, *ids))
    match answer:
        case Done(at=at):
            at = at if step is Step.SIGN_OUT else known.signed_out_at
            return replace(known, done=(*known.done, str(step)), in_doubt=False, error_code=None, signed_out_at=at)
        case Unclear(code=code):  # from now on a refusal proves nothing
            return replace(known, in_doubt=True, error_code=code)
        case Refused(code=code, sent=sent):
            # Of several refusals the last says most; one that was never sent says nothing about those before it.
            return replace(known, error_code=code) if not known.in_doubt and (sent or not made) else known
