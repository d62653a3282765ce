"""A request's whole life against a model of it: after any steps, in any order, both agree."""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from examples import ADA, SAM, ScriptedPool, StoppedClock, asked, confirmations, worker
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, precondition, rule

from bot.action import Answer, Done, Refused, Step, Unclear
from bot.audit import Kind
from bot.authorize import Allowed, Allowlist
from bot.decide import AlreadyDecidedError, Press
from bot.errors import DeniedError, NotYoursError, StoreUnavailableError, UnknownRequestError
from bot.request import AWAITING, Operator, Request, State, new_id
from bot.stores.sqlite.store import SQLiteStore
from bot.work import CLOCKS_AGREE_WITHIN, LEASE, LEFT_TO_ITS_OWN

GIL = replace(SAM, id="U0GIL00001", name="gil")  # allowed as long as he is in the group
MAL = replace(SAM, id="U0MAL00001", name="mal")  # not allowed
GROUP = "S0SUPPORT1"
BOTH = (ADA, replace(ADA, username="Google_ada", sub="9", provider="Google"))
ANSWERS: Mapping[str, Answer] = {
    "yes": Done("aws-yes"),
    "no": Refused("UserNotFoundException", "aws-no"),
    "later": Refused("TooManyRequestsException", "aws-later", may_retry=True),
    "unclear": Unclear("TimedOut"),
}
CONFIRM_WITHIN = timedelta(minutes=1)
RESUME_WITHIN = timedelta(minutes=2)
WORK = {State.READY, State.RUNNING}

operators = st.sampled_from((SAM, SAM, GIL, MAL))
pressers = st.sampled_from((None, None, None, None, SAM, GIL, MAL))  # None: the one who asked
answers = st.lists(st.sampled_from((*ANSWERS, "killed")), min_size=4, max_size=4)


class Killed(BaseException):
    """The end of a process, as far as a single thread can play it."""


@dataclass
class Pool(ScriptedPool):
    """A pool of two adas, of whom one may be meant or both. It answers by a script, or its caller dies of it."""

    script: Iterator[str] = field(default_factory=lambda: iter(()))
    given: list[str] = field(default_factory=list)

    def call(self, step: Step, username: str, left: Callable[[], timedelta]) -> Answer:
        """Give the next answer of the script, or let the caller die of it."""
        self.given.append(next(self.script))
        self.answers = [] if self.given[-1] == "killed" else [ANSWERS[self.given[-1]]]
        try:
            return super().call(step, username, left)
        except StopIteration:
            raise Killed from None


class LossyStore(SQLiteStore):
    """The real store; the answer to a write gets lost where it is told so."""

    loses = False

    def move(self, *arguments: Any) -> None:
        """Write, and perhaps not say so."""
        super().move(*arguments)
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
    moves: int = 1
    decided_at: datetime | None = None
    lease_until: datetime | None = None
    doubt: bool = False

    def become(self, state: State, kind: Kind | None) -> None:
        """Move; `kind` is that of the entry, None for a first claim."""
        self.state = state
        self.moves += 1
        if kind:
            self.path.append(kind)


class Requests(RuleBasedStateMachine):
    ids = Bundle("ids")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.store = LossyStore(Path(self.folder.name) / "signout.db")
        self.store.open()
        self.store._file.rows("PRAGMA synchronous = OFF")
        self.clock = StoppedClock()
        self.pool = Pool([], self.clock, accounts=BOTH)
        self.group = {GIL.id}
        self.expected: dict[str, Expected] = {}
        self.refused = 0
        self.worker = worker(self.store, self.pool, self.clock, resume_within=RESUME_WITHIN)
        self.confirmations = confirmations(
            self.store,
            self.clock,
            self.pool,
            allowlist=Allowlist(Allowed(frozenset({SAM.id}), frozenset({GROUP})), {"customers": Allowed()}),
            members=self.members,
            confirm_within=CONFIRM_WITHIN,
        )

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    def members(self, _: str, group_id: str) -> frozenset[str]:
        """Be the groups."""
        assert group_id == GROUP
        return frozenset(self.group)

    @rule(seconds=st.sampled_from((0.5, 3.0, 12.0)))
    def wait(self, seconds: float) -> None:
        self.clock.sleep(seconds)

    @precondition(lambda self: len(self.expected) % 3 == 0 or self._states() & WORK)
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
            self.confirmations.open(self.confirmations.authorize(ask), ask, None)
        if not let_in:
            return multiple()
        state = State.CHOOSING if both else State.CONFIRMING
        self.expected[ask.id] = Expected(operator, 1 + both, state, self.clock.now() + CONFIRM_WITHIN)
        return ask.id

    @rule(request_id=ids, presser=pressers, number=st.integers(0, 3))
    def choose(self, request_id: str, presser: Operator | None, number: int) -> None:
        expected = self.expected[request_id]
        presser = presser or expected.operator

        there = number < expected.choices

        def press() -> None:
            try:
                self.confirmations.choose(Press(request_id=request_id, operator=presser, number=number))
                assert there
            except UnknownRequestError:
                assert not there

        if self._press(expected, presser, State.CHOOSING, press, asks=there) and there:
            expected.become(State.CONFIRMING, Kind.OPENED)

    @rule(request_id=ids, presser=pressers, script=answers, runs=st.sampled_from((True, True, True, False)))
    def confirm(self, request_id: str, presser: Operator | None, script: Sequence[str], *, runs: bool) -> None:
        """Press; the process that decided runs the request at once, or is killed before."""
        expected = self.expected[request_id]
        operator = presser or expected.operator
        decided: list[Request] = []

        def press() -> None:
            decided.append(self.confirmations.confirm(Press(request_id=request_id, operator=operator)))

        if self._press(expected, operator, State.CONFIRMING, press, asks=True):
            expected.become(State.READY, Kind.CONFIRMED)
            expected.decided_at = self.clock.now()
            if runs and decided:  # else its process never knew
                self._run(decided[0], script)

    @rule(request_id=ids, presser=pressers, sure=st.sampled_from((False, False, False, True)))
    def cancel(self, request_id: str, presser: Operator | None, *, sure: bool) -> None:
        expected = self.expected[request_id]
        if not sure:  # else little else would come of most requests
            return
        presser = presser or expected.operator
        pressed = Press(request_id=request_id, operator=presser)
        state = expected.state if expected.state in AWAITING else State.CHOOSING
        if self._press(expected, presser, state, lambda: self.confirmations.cancel(pressed), asks=False):
            expected.become(State.CANCELLED, Kind.CANCELLED)

    @rule()
    def expire(self) -> None:
        self.store.loses = False
        self.confirmations.expire()
        for expected in self.expected.values():
            if expected.state in AWAITING and self.clock.now() >= expected.expires_at + CLOCKS_AGREE_WITHIN:
                expected.become(State.EXPIRED, Kind.EXPIRED)

    @precondition(lambda self: self._states() & WORK)
    @rule(script=answers, later=st.sampled_from((0.0, 3.0, 36.0, 130.0)))
    def sweep(self, script: Sequence[str], later: float) -> None:
        """Look for what dead processes left, and run one of it."""
        self.clock.sleep(later)
        now = self.clock.now()
        waiting = self.worker.waiting()
        assert {each.id for each in waiting} == {
            request_id
            for request_id, each in self.expected.items()
            if (each.state is State.READY and each.decided_at and each.decided_at < now - LEFT_TO_ITS_OWN)
            or (each.state is State.RUNNING and each.lease_until and each.lease_until < now - CLOCKS_AGREE_WITHIN)
        }
        if waiting:
            self._run(waiting[0], script)
            assert self.worker.run(waiting[0]) is None, "it is another's by now"

    @invariant()
    def what_is_stored_is_what_the_model_says(self) -> None:
        for request_id, expected in self.expected.items():
            stored = self.store.get(request_id)
            assert stored
            assert (stored.state, stored.version) == (expected.state, expected.moves)
            assert stored.decided_at == expected.decided_at
            assert (stored.claim and stored.claim.until) == expected.lease_until

    @invariant()
    def every_move_and_every_refusal_has_its_entry(self) -> None:
        entries = sorted(self.store.entries(None, None), key=lambda each: each.request.version if each.request else 0)
        for request_id, expected in self.expected.items():
            kinds = [each.kind for each in entries if each.ask.id == request_id]
            assert [kind for kind in kinds if kind is not Kind.REFUSED] == expected.path
        assert sum(each.kind is Kind.REFUSED for each in entries) == self.refused

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

    def _run(self, request: Request, script: Sequence[str]) -> None:
        """Run a decided request as a process would, and judge by the answers that were really given."""
        expected = self.expected[request.id]
        self.pool.script, self.pool.given, self.pool.called_at = iter(script), [], []
        loses, now = self.store.loses, self.clock.now()
        assert expected.decided_at
        late = expected.state is State.READY and now >= expected.decided_at + RESUME_WITHIN
        try:
            with suppress(StoreUnavailableError):  # it was written, only the answer is lost
                self.worker.run(request)
        except Killed:
            self._claimed(expected, now)
            return
        if late:
            expected.become(State.FAILED, Kind.FAILED)
            return
        self._claimed(expected, now)
        if not loses:
            self._ended(expected, expected.decided_at + RESUME_WITHIN)

    def _claimed(self, expected: Expected, at: datetime) -> None:
        taken_over = expected.state is State.RUNNING
        expected.become(State.RUNNING, Kind.RESUMED if taken_over else None)
        expected.doubt = taken_over
        expected.lease_until = at + LEASE

    def _ended(self, expected: Expected, latest: datetime) -> None:
        given = self.pool.given
        assert all(at < latest for at in self.pool.called_at)
        assert not {"yes", "no"} & set(given[:-1]), "after a clear answer there is nothing to ask"
        if given[-1:] == ["yes"]:
            expected.become(State.DONE, Kind.SIGNED_OUT)
        elif expected.doubt or "unclear" in given:
            expected.become(State.UNKNOWN, Kind.UNKNOWN)
        else:
            expected.become(State.FAILED, Kind.FAILED)


TestRequests = pytest.mark.long(Requests.TestCase)
TestRequests.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    suppress_health_check=list(HealthCheck),
)
