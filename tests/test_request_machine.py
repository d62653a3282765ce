"""A request's whole life against a model of it: whatever is done to it in whatever order, both stand alike."""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from bot.recover import CLOCKS_AGREE_WITHIN, Recovery
from bot.sign_out import LEASE, Lifetimes, SignOuts
from examples import ADA, SAM, ScriptedPool, StoppedClock, asked
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, precondition, rule

from bot.audit import AuditEntry, Kind
from bot.authorize import Allowed, Allowlist
from bot.confirm import AlreadyDecidedError, Confirmations
from bot.errors import (
    AccountNotFoundError,
    DeniedError,
    NotYoursError,
    StoreUnavailableError,
    UnknownRequestError,
)
from bot.find import Finder
from bot.ports import Attribute, Refused, SignedOut, Unclear
from bot.reason import ReasonRule
from bot.request import Account, Operator, SignOutRequest, State, new_id
from bot.stores.sqlite import SQLiteStore

GIL = replace(SAM, id="U0GIL00001", name="gil")  # allowed as long as he is in the group
MAL = replace(SAM, id="U0MAL00001", name="mal")  # not allowed
GROUP = "S0SUPPORT1"
ANSWERS: Mapping[str, SignedOut | Refused | Unclear] = {
    "yes": SignedOut("aws-yes"),
    "no": Refused("UserNotFoundException", "aws-no"),
    "later": Refused("TooManyRequestsException", "aws-later", may_retry=True),
    "unclear": Unclear("TimedOut"),
}
CONFIRM_WITHIN = timedelta(minutes=1)
RESUME_WITHIN = timedelta(minutes=2)

operators = st.sampled_from((SAM, SAM, GIL, MAL))
pressers = st.sampled_from((None, None, None, None, SAM, GIL, MAL))  # None: whoever asked
answers = st.lists(st.sampled_from((*ANSWERS, "killed")), min_size=4, max_size=4)


class Killed(BaseException):
    """The end of a process, as far as a single thread can play it."""


@dataclass
class Pool(ScriptedPool):
    """A pool of two adas, of whom one may be meant or both. It does what it is told, and keeps who was called for."""

    script: Iterator[str] = field(default_factory=lambda: iter(()))
    given: list[str] = field(default_factory=list)

    def list_users(self, attribute: Attribute, value: str) -> list[Account]:
        """Find one ada, or both."""
        assert attribute is Attribute.USERNAME or "@" in value
        both = [ADA, replace(ADA, username="Google_ada", provider="Google")]
        return both if attribute is Attribute.EMAIL else [each for each in both if each.username == value]

    def get_user(self, username: str) -> Account:
        """Find nobody else."""
        raise AccountNotFoundError(username)

    def sign_out(self, username: str, leave_within: timedelta) -> SignedOut | Refused | Unclear:
        """Give the next answer of the script, or let the caller die of it."""
        assert username in {"ada", "Google_ada"}
        assert leave_within > timedelta(0)
        self.given.append(next(self.script))
        self.called_at.append(self.clock.now())
        self.clock.sleep(self.seconds)
        if self.given[-1] == "killed":
            raise Killed
        return ANSWERS[self.given[-1]]


class LossyStore(SQLiteStore):
    """The real store; the answer to a write gets lost where it is told so."""

    loses = False

    def advance(self, before: SignOutRequest, after: SignOutRequest, entry: AuditEntry) -> None:
        """Write, and perhaps not say so."""
        super().advance(before, after, entry)
        if self.loses:
            self.loses = False
            raise StoreUnavailableError("lost", in_doubt=True)


@dataclass
class Expected:
    """The model of one request."""

    operator: Operator
    choices: int
    state: State
    expires_at: datetime
    path: list[Kind] = field(default_factory=lambda: [Kind.OPENED])
    claimed_at: datetime | None = None
    lease_until: datetime | None = None
    doubt: bool = False

    def become(self, state: State, kind: Kind) -> None:
        self.state = state
        self.path.append(kind)


class Requests(RuleBasedStateMachine):
    ids = Bundle("ids")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.store = LossyStore(Path(self.folder.name) / "signout.db")
        self.store.open()
        self.store._db().execute("PRAGMA synchronous = OFF")
        self.clock = StoppedClock()
        self.pool = Pool([], self.clock)
        self.group = {GIL.id}
        self.expected: dict[str, Expected] = {}
        self.refused = 0
        pools = {"customers": self.pool}
        self.sign_outs = SignOuts(
            pools=pools,
            lifetimes={"customers": Lifetimes(token=timedelta(hours=1), login_cookie=timedelta(0))},
            store=self.store,
            clock=self.clock,
            resume_within=RESUME_WITHIN,
            jitter=lambda: 1.0,
        )
        self.recovery = Recovery(sign_outs=self.sign_outs, store=self.store, clock=self.clock)
        self.confirmations = Confirmations(
            allowlist=Allowlist(Allowed(frozenset({SAM.id}), frozenset({GROUP})), {"customers": Allowed()}),
            groups=self,
            home_team=lambda: SAM.team_id,
            pool_ids={"customers": ADA.pool_id},
            finder=Finder(pools=pools, e164=lambda _, __: None, together=lambda works: [work() for work in works]),
            store=self.store,
            clock=self.clock,
            confirm_within=CONFIRM_WITHIN,
            reason_rule=ReasonRule(),
        )

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    def members(self, group_id: str) -> frozenset[str]:
        """Be the groups."""
        assert group_id == GROUP
        return frozenset(self.group)

    @rule(seconds=st.sampled_from((0.5, 3.0, 12.0)))
    def wait(self, seconds: float) -> None:
        self.clock.sleep(seconds)

    @precondition(lambda self: len(self.expected) % 3 == 0 or State.SIGNING_OUT in self._states())
    @rule(seconds=st.sampled_from((36.0, 61.0, 130.0)))
    def wait_long(self, seconds: float) -> None:
        self.clock.sleep(seconds)

    @precondition(lambda self: GIL.id not in self.group or len(self.expected) > 1)
    @rule()
    def change_the_group(self) -> None:
        self.group ^= {GIL.id}

    @rule(loses=st.booleans())
    def lose_the_answer_to_the_next_write(self, *, loses: bool) -> None:
        self.store.loses = loses

    @initialize(target=ids)
    def ask_first(self) -> object:
        return self.ask(SAM, both=False)

    @rule(target=ids, operator=operators, both=st.booleans())
    def ask(self, operator: Operator, *, both: bool) -> object:
        ask = asked(ADA.email or "" if both else "ada", id=new_id(self.clock.now()), operator=operator)
        with self._refused_unless(self._may(operator)) as let_in:
            self.confirmations.open(self.confirmations.authorize(ask), ["customers"], ask)
        if not let_in:
            return multiple()
        state = State.AWAITING_CHOICE if both else State.AWAITING_CONFIRMATION
        self.expected[ask.id] = Expected(operator, 1 + both, state, self.clock.now() + CONFIRM_WITHIN)
        return ask.id

    @rule(request_id=ids, presser=pressers, number=st.integers(0, 3))
    def choose(self, request_id: str, presser: Operator | None, number: int) -> None:
        expected = self.expected[request_id]
        presser = presser or expected.operator

        def press() -> None:
            if number < expected.choices:
                self.confirmations.choose(request_id, number, presser)
            else:
                try:
                    self.confirmations.choose(request_id, number, presser)
                except UnknownRequestError:
                    return
                raise AssertionError(number)

        there = number < expected.choices
        if self._press(expected, presser, State.AWAITING_CHOICE, press, asks=there) and there:
            expected.become(State.AWAITING_CONFIRMATION, Kind.OPENED)

    @rule(request_id=ids, presser=pressers, script=answers)
    def confirm(self, request_id: str, presser: Operator | None, script: Sequence[str]) -> None:
        expected = self.expected[request_id]
        presser = presser or expected.operator
        claimed: list[SignOutRequest] = []

        def press() -> None:
            claimed.append(self.confirmations.confirm(request_id, presser, None))

        if self._press(expected, presser, State.AWAITING_CONFIRMATION, press, asks=True):
            expected.become(State.SIGNING_OUT, Kind.CONFIRMED)
            expected.claimed_at = self.clock.now()
            expected.lease_until = self.clock.now() + LEASE
            for each in claimed:
                self._sign_out(expected, script, lambda each=each: self.sign_outs.sign_out(each))  # type: ignore[misc]
            if not claimed:  # its holder never knew
                expected.doubt = True

    @rule(request_id=ids, presser=pressers, sure=st.sampled_from((False, False, False, True)))
    def cancel(self, request_id: str, presser: Operator | None, *, sure: bool) -> None:
        expected = self.expected[request_id]
        if not sure:  # else little else would come of most requests
            return
        presser = presser or expected.operator
        states = (State.AWAITING_CHOICE, State.AWAITING_CONFIRMATION)
        state = expected.state if expected.state in states else State.AWAITING_CHOICE
        if self._press(expected, presser, state, lambda: self.confirmations.cancel(request_id, presser), asks=False):
            expected.become(State.CANCELLED, Kind.CANCELLED)

    @rule()
    def expire(self) -> None:
        self.store.loses = False
        self.confirmations.expire()
        for expected in self.expected.values():
            if expected.state.awaits_operator and self.clock.now() >= expected.expires_at:
                expected.become(State.EXPIRED, Kind.EXPIRED)

    @precondition(lambda self: State.SIGNING_OUT in self._states())
    @rule(script=answers, later=st.sampled_from((0.0, 36.0, 130.0)))
    def resume(self, script: Sequence[str], later: float) -> None:
        self.clock.sleep(later)
        dead = self.recovery.dead_claims()
        limit = self.clock.now() - CLOCKS_AGREE_WITHIN
        assert [each.id for each in dead] == [
            request_id
            for request_id, each in sorted(self.expected.items())
            if each.state is State.SIGNING_OUT and each.lease_until and each.lease_until < limit
        ]
        if dead:
            self._resume(dead[0], script)

    @invariant()
    def what_is_stored_is_what_the_model_says(self) -> None:
        for request_id, expected in self.expected.items():
            stored = self.store.get(request_id)
            assert stored
            assert (stored.state, stored.version) == (expected.state, len(expected.path))
            assert stored.claimed_at == expected.claimed_at
            assert stored.lease_until == expected.lease_until

    @invariant()
    def every_move_and_every_refusal_has_its_entry(self) -> None:
        entries = self.store._entries("TRUE ORDER BY rowid")
        for request_id, expected in self.expected.items():
            kinds = [each.kind for each in entries if each.request_id == request_id]
            assert [kind for kind in kinds if kind is not Kind.REFUSED] == expected.path
        assert sum(each.kind is Kind.REFUSED for each in entries) == self.refused

    def _resume(self, dead: SignOutRequest, script: Sequence[str]) -> None:
        expected = self.expected[dead.id]
        expected.become(State.SIGNING_OUT, Kind.RESUMED)
        expected.lease_until = self.clock.now() + LEASE
        expected.doubt = True
        if self.store.loses:
            self._lost(lambda: self.recovery.resume(dead))
        else:
            self._sign_out(expected, script, lambda: self.recovery.resume(dead))
        assert self.recovery.resume(dead) is None, "it is another's by now"

    def _states(self) -> set[State]:
        return {each.state for each in self.expected.values()}

    def _may(self, operator: Operator) -> bool:
        return operator is SAM or operator.id in self.group

    @contextmanager
    def _refused_unless(self, may: bool) -> Iterator[list[bool]]:  # noqa: FBT001 -- it reads as it is called
        let_in: list[bool] = []
        try:
            yield let_in
            let_in.append(True)
            assert may
        except DeniedError:
            assert not may
            self.refused += 1

    def _press(
        self, expected: Expected, presser: Operator, state: State, press: Callable[[], object], *, asks: bool
    ) -> bool:
        """Press; return whether it counted. `asks`: whether it takes a permission."""
        late = self.clock.now() >= expected.expires_at
        if presser is not expected.operator:
            error: type[Exception] = NotYoursError
            self.refused += 1
        elif expected.state is not state:
            error = AlreadyDecidedError
        elif late:
            error = StoreUnavailableError if self.store.loses else AlreadyDecidedError
            expected.become(State.EXPIRED, Kind.EXPIRED)
        elif asks and not self._may(presser):
            error = DeniedError
            self.refused += 1
        else:
            if self.store.loses:
                self._lost(press, or_not=not asks)
            else:
                press()
            return True
        try:
            press()
        except error:
            return False
        raise AssertionError(error)

    def _lost(self, work: Callable[[], object], *, or_not: bool = False) -> None:
        with suppress(StoreUnavailableError):
            work()
            assert or_not

    def _sign_out(self, expected: Expected, script: Sequence[str], work: Callable[[], object]) -> None:
        """Carry a claim out, and judge by the answers that were really given."""
        self.pool.script, self.pool.given, self.pool.called_at = iter(script), [], []
        try:
            with suppress(StoreUnavailableError):  # the outcome is written, only the answer is lost
                work()
        except Killed:
            expected.doubt = True
            return
        given = self.pool.given
        assert expected.claimed_at
        assert all(at < expected.claimed_at + RESUME_WITHIN for at in self.pool.called_at)
        assert not {"yes", "no"} & set(given[:-1]), "after a clear answer there is nothing to ask"
        if given[-1:] == ["yes"]:
            expected.become(State.SIGNED_OUT, Kind.SIGNED_OUT)
        elif expected.doubt or "unclear" in given:
            expected.become(State.UNKNOWN, Kind.UNKNOWN)
        else:
            expected.become(State.FAILED, Kind.FAILED)


TestRequests = pytest.mark.long(Requests.TestCase)
TestRequests.settings = settings(
    max_examples=250,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
