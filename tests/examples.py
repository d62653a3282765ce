"""Example values and the few stand-ins that tests of single rules share: a clock that only moves when told."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from bot.action import Answer, Step
from bot.audit import entry_of
from bot.authorize import Allowed, Allowlist
from bot.confirm import Confirmations
from bot.ports import Attribute, Clock, Outbox, Requests, Show, StoreHealth, Trail
from bot.reason import ReasonRule
from bot.request import Account, Ask, Claim, Operator, Options, Request, State, new_id
from bot.work import LEASE, Lifetimes, Worker

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SAM = Operator(team_id="T0SIGNOUT1", id="U0SAM00001", name="sam")
ADA = Account(
    pool="customers",
    pool_id="eu-central-1_AbCdEf123",
    region="eu-central-1",
    username="ada",
    sub="343d94cb-5ddd-4f39-ab9f-be013c348223",
    email="ada@example.com",
    status="CONFIRMED",
    enabled=True,
    created_at=NOON - timedelta(days=400),
)


@dataclass
class StoppedClock:
    """A clock that moves only by `sleep`, or when told."""

    time: datetime = NOON

    def now(self) -> datetime:
        """Return its time."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Move on by so much."""
        self.time += timedelta(seconds=seconds)


class Store(Requests, Trail, Outbox, StoreHealth, Protocol):
    """What every store is."""

    def open(self) -> None:
        """Make it ready."""

    def close(self) -> None:
        """Let go of it."""


class NoGroups:
    """No group has a member."""

    def members(self, group_id: str) -> frozenset[str]:
        """Return no one."""
        assert group_id
        return frozenset()


def asked(target: str = "ada", reason: str | None = None, **changes: object) -> Ask:
    """Return what SAM asked at noon."""
    values: dict[str, object] = {
        "id": new_id(NOON),
        "operator": SAM,
        "source": "slack",
        "channel_id": "C0SUPPORT1",
        "options": Options(target=target, reason=reason),
    }
    return Ask(**(values | changes))  # type: ignore[arg-type]


def awaiting(**changes: object) -> Request:
    """Return a request whose card was just shown."""
    values: dict[str, object] = {
        "ask": asked(reason="lost phone"),
        "state": State.CONFIRMING,
        "candidates": (ADA,),
        "chosen": ADA,
        "allowed_by": "allow.users",
        "created_at": NOON,
        "expires_at": NOON + timedelta(minutes=5),
    }
    return Request(**(values | changes))  # type: ignore[arg-type]


def added_to(store: Store, at: datetime = NOON, show: Show | None = None, **changes: Any) -> Request:
    """Return a request that was stored then, with a card where `show` says so."""
    values = {"ask": asked(reason="lost phone", id=new_id(at)), "created_at": at}
    request = awaiting(**(values | changes))
    store.add(request, entry_of(request, at), show)
    return request


def decided_in(store: Store, at: datetime = NOON, **changes: Any) -> Request:
    """Return a request that was stored and confirmed then: it is READY."""
    request = added_to(store, at, **changes)
    ready = request.move(State.READY, decided_at=at)
    store.move(request, ready, entry_of(ready, at), None)
    return ready


def claimed_in(store: Store, at: datetime = NOON, **changes: Any) -> Request:
    """Return a request that was stored, confirmed and claimed then."""
    ready = decided_in(store, at, **changes)
    claimed = ready.move(State.RUNNING, claim=Claim(id="claim-1", at=at, until=at + LEASE))
    store.move(ready, claimed, None, None)
    return claimed


def done_in(store: Store, at: datetime = NOON, **changes: Any) -> Request:
    """Return a request that was stored, confirmed, claimed and done then."""
    claimed = claimed_in(store, at, **changes)
    done = claimed.move(State.DONE, done=(str(Step.SIGN_OUT),), ended_at=at)
    store.move(claimed, done, entry_of(done, at), None)
    return done


@dataclass
class ScriptedPool:
    """A pool that gives the next of `answers` at each call, taking as long as each says."""

    answers: Iterable[Answer]
    clock: StoppedClock
    seconds: float = 0.1
    called_at: list[datetime] = field(default_factory=list)
    during: Callable[[], object] = lambda: None

    default_region = None
    pool_id = ADA.pool_id

    def on_behalf(self, request_id: str, operator_id: str) -> "ScriptedPool":
        """Answer whoever asks."""
        assert (request_id, operator_id) > ("", "")
        return self

    def list_users(self, attribute: Attribute, value: str) -> list[Account]:
        """Find nobody: the rules under test have found already."""
        raise AssertionError((attribute, value))

    def get_user(self, username: str) -> Account:
        """Find nobody."""
        raise AssertionError(username)

    def call(self, step: Step, username: str, leave_within: timedelta) -> Answer:
        """Give the next answer."""
        assert (step, username) == (Step.SIGN_OUT, "ada")
        assert leave_within > timedelta(0)
        self.called_at.append(self.clock.now())
        self.answers = iter(self.answers)
        self.clock.sleep(self.seconds)
        self.during()
        return next(self.answers)


def worker(requests: Requests, pool: ScriptedPool, clock: StoppedClock) -> Worker:
    """Return the rule over these parts, with lifetimes of 1 h and 2 h."""
    return Worker(
        pools={"customers": pool},
        lifetimes={"customers": Lifetimes(token=timedelta(hours=1), login_cookie=timedelta(hours=2))},
        requests=requests,
        clock=clock,
        resume_within=timedelta(minutes=5),
        jitter=lambda: 1.0,
    )


def confirmations(store: Store, clock: Clock, **changes: Any) -> Confirmations:
    """Return the rules up to a decision, where SAM may and no group is asked."""
    values: dict[str, Any] = {
        "allowlist": Allowlist(Allowed(users=frozenset({SAM.id})), {"customers": Allowed()}),
        "groups": NoGroups(),
        "home_team": lambda: SAM.team_id,
        "pool_ids": {"customers": ADA.pool_id},
        "finder": None,  # nothing is looked for
        "requests": store,
        "trail": store,
        "clock": clock,
        "confirm_within": timedelta(minutes=5),
        "reason_rule": ReasonRule(),
    }
    return Confirmations(**(values | changes))
