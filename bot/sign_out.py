"""From a claim to its outcome: call AdminUserGlobalSignOut in a bounded loop, and say no more than is known."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from bot.audit import entry_of
from bot.errors import INTERRUPTED, NO_CALL_MADE
from bot.ports import Clock, Refused, RequestStore, SignedOut, Unclear, UserPool
from bot.request import SignOutRequest, State

# The longest a single call may take: connect 2 s, read 5 s. aws/ builds its clients with these.
CONNECT_SECONDS = 2
READ_SECONDS = 5
CALL = timedelta(seconds=CONNECT_SECONDS + READ_SECONDS)
MARGIN = timedelta(seconds=10)
# A claim's lease outlives all its calls by MARGIN: no call starts with less than CALL + MARGIN left.
LEASE = timedelta(seconds=30)
MAX_CALLS = 4
BACK_OFF_SECONDS = (0.5, 1.0, 2.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Lifetimes:
    """How long what a pool has issued outlives a sign-out, from its configuration."""

    token: timedelta
    login_cookie: timedelta


@dataclass(frozen=True, kw_only=True)
class SignOuts:
    """Carries claims out. `jitter` returns a factor for each pause, so that instances do not retry in step."""

    pools: Mapping[str, UserPool]
    lifetimes: Mapping[str, Lifetimes]
    store: RequestStore
    clock: Clock
    resume_within: timedelta
    jitter: Callable[[], float]

    def sign_out(self, claimed: SignOutRequest) -> SignOutRequest:
        """Return the request in SIGNED_OUT, FAILED or UNKNOWN, stored with its audit entry.

        A holder that lost its claim writes nothing: then this raises `SupersededError`.
        """
        calls = _Calls(doubt=claimed.resumed)
        pool = self._pool(claimed)
        while pool and (leave_within := self._time_to_call(claimed, calls)):
            calls.note(pool.sign_out(claimed.account.username, leave_within))
            if calls.settled:
                break
            pause = BACK_OFF_SECONDS[min(calls.made, len(BACK_OFF_SECONDS)) - 1]
            self.clock.sleep(pause * self.jitter())
        return self._complete(claimed, calls)

    def _pool(self, claimed: SignOutRequest) -> UserPool | None:
        """Return the account's pool; None where its name stands for another by now, which holds somebody else."""
        pool = self.pools.get(claimed.account.pool)
        known = pool is not None and pool.pool_id == claimed.account.pool_id
        return pool.on_behalf(claimed.id, claimed.operator.id) if pool and known else None

    def _time_to_call(self, claimed: SignOutRequest, calls: "_Calls") -> timedelta | None:
        """Return how long from now a call may still leave; None where no further one may."""
        if claimed.lease_until is None or claimed.claimed_at is None:
            raise ValueError("only a claimed request can be signed out")
        latest = min(claimed.lease_until - CALL - MARGIN, claimed.claimed_at + self.resume_within)
        left = latest - self.clock.now()
        return left if calls.made < MAX_CALLS and left > timedelta(0) else None

    def _complete(self, claimed: SignOutRequest, calls: "_Calls") -> SignOutRequest:
        now = self.clock.now()
        lifetimes = self.lifetimes.get(claimed.account.pool) if calls.state is State.SIGNED_OUT else None
        ended = claimed.move(
            calls.state,
            attempts=claimed.attempts + calls.made,
            error_code=calls.error_code,
            aws_request_ids=claimed.aws_request_ids + tuple(calls.aws_request_ids),
            ended_at=now,
            access_until=now + lifetimes.token if lifetimes else None,
            login_until=now + lifetimes.login_cookie if lifetimes and lifetimes.login_cookie else None,
        )
        self.store.advance(claimed, ended, entry_of(ended, now))
        return ended


class _Calls:
    """What the calls so far amount to. Once some call got no clear answer, a later refusal proves nothing."""

    def __init__(self, *, doubt: bool) -> None:
        self.state = State.UNKNOWN if doubt else State.FAILED
        self.error_code: str | None = INTERRUPTED if doubt else NO_CALL_MADE
        self.made = 0
        self.aws_request_ids: list[str] = []
        self.settled = False

    def note(self, answer: SignedOut | Refused | Unclear) -> None:
        if answer.aws_request_id:
            self.aws_request_ids.append(answer.aws_request_id)
        match answer:
            case SignedOut():
                self.made += 1
                self.state, self.error_code, self.settled = State.SIGNED_OUT, None, True
            case Refused(code=code, may_retry=may_retry, sent=sent):
                self.settled = not may_retry
                # Of several refusals the last says most; one that was never sent says nothing about those before it.
                if self.state is State.FAILED and (sent or not self.made):
                    self.error_code = code
                self.made += sent
            case Unclear(code=code):
                self.made += 1
                self.state, self.error_code = State.UNKNOWN, code
