"""Example values and the few stand-ins that tests of single rules share: a clock that only moves when told."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from bot.account import Account, Session
from bot.action import OTHERS, SIGN_OUT, Answer, Step
from bot.approve import Approvals
from bot.audit import Entry, entry_of
from bot.authorize import Allowed, Allowlist, Home
from bot.confirm import Confirmations
from bot.errors import BotError, PoolUnavailableError
from bot.find import Finder
from bot.listed import Listed
from bot.options import Attribute, ReasonRule
from bot.ports import Place, Show, SureClock
from bot.request import Approval, Ask, Claim, Operator, Options, Request, State, new_id
from bot.store_ports import Requests
from bot.wiring.stores import Store
from bot.work import LEASE, Worker

T = TypeVar("T")

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HOME = Home("T0SIGNOUT1", frozenset({"T0SIGNOUT1"}))
SAM = Operator(team_id="T0SIGNOUT1", id="U0SAM00001", name="sam")
KIM = Operator(team_id="T0SIGNOUT1", id="U0KIM00001", name="kim")
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
COMMAND = Place(
    response_url="https://hooks.slack.com/commands/T/1/secret", until=NOON + timedelta(minutes=30), replaces=False
)
CLICK = Place(
    response_url="https://hooks.slack.com/actions/T/2/secret", until=NOON + timedelta(minutes=30), replaces=True
)


@dataclass
class StoppedClock:
    """A clock that moves only by `sleep`, or when told."""

    time: datetime = NOON
    error: Callable[[], BotError | None] = lambda: None
    beyond: Callable[[timedelta], datetime | None] = lambda _: None  # as no answer ever confirmed it

    def now(self) -> datetime:
        """Return its time."""
        return self.time

    def monotonic(self) -> float:
        """Return the seconds since noon: a test that sets the time back has a clock of its own."""
        return (self.time - NOON).total_seconds()

    def sleep(self, seconds: float) -> None:
        """Move on by so much."""
        self.time += timedelta(seconds=seconds)


def at_leisure() -> timedelta:
    """Give the time that a message has left to leave: very much."""
    return timedelta.max


ASKED_FOR = (SIGN_OUT, *OTHERS)  # the actions that a command can ask for


def asked(target: str = "ada", **changes: Any) -> Ask:
    """Return what SAM asked at noon. `changes` are fields of the ask or of its options."""
    ask = Ask(id=new_id(NOON), operator=SAM, source="slack", channel_id="C0SUPPORT1", options=Options(target=target))
    return changed(ask, changes)


def awaiting(**changes: Any) -> Request:
    """Return a request whose card was just shown. `changes` are fields of it, of its ask or of the options."""
    request = Request(
        ask=asked(reason="lost phone"),
        state=State.CONFIRMING,
        candidates=(ADA,),
        chosen=ADA,
        allowed_by="allow.users",
        looked_up_at=NOON,
        created_at=NOON,
        expires_at=NOON + timedelta(minutes=5),
    )
    return changed(request, changes)


def choosing(**changes: Any) -> Request:
    """Return a request for which two accounts were found, and neither is chosen yet."""
    both = (ADA, replace(ADA, username="Google_ada", sub="9", provider="Google"))
    return awaiting(**{"state": State.CHOOSING, "candidates": both, "matches": 2, "chosen": None} | changes)


def listing(**changes: Any) -> Request:
    """Return a list of two accounts whose preview was just shown."""
    listed = Listed(pool=ADA.pool, pool_id=ADA.pool_id, region=ADA.region, lines=2, size=2, portions=1, digest="x")
    return awaiting(**{"target": "", "candidates": (), "chosen": None, "listed": listed} | changes)


def changed(value: T, changes: Mapping[str, Any]) -> T:
    """Return it with fields changed that are its own, or those of the ask or the options inside it."""
    own = {each.name for each in fields(value)}  # type: ignore[arg-type]  # it is a dataclass
    inner = {name: change for name, change in changes.items() if name not in own}
    new: Any = replace(value, **{name: change for name, change in changes.items() if name in own})  # type: ignore[type-var]
    for part in ("ask", "options"):
        if inner and part in own:
            return replace(new, **{part: changed(getattr(new, part), inner)})  # type: ignore[no-any-return]
    assert not inner, f"there is no field {sorted(inner)}"
    return new  # type: ignore[no-any-return]


def added_to(store: Store, at: datetime = NOON, show: Show | None = None, **changes: Any) -> Request:
    """Return a request that was stored then, with a card where `show` says so."""
    values = {"ask": asked(reason="lost phone", id=new_id(at)), "looked_up_at": at, "created_at": at}
    request = awaiting(**(values | changes))
    store.add(request, entry_of(request, at), show)
    return request


def decided_in(store: Store, at: datetime = NOON, **changes: Any) -> Request:
    """Return a request that was stored and confirmed then: it is READY."""
    request = added_to(store, at, **changes)
    ready = request.move(State.READY, decided_at=at)
    store.move(request, ready, entry_of(ready, at), None)
    return ready


def approving_in(store: Store, at: datetime = NOON, **changes: Any) -> Request:
    """Return a request that was stored and confirmed then, with a card: a second person has to approve it."""
    request = added_to(store, at, **({"show": Show(at=at)} | changes))
    approval = Approval(asked_at=at, channel_id="C0APPROVE1")
    approving = request.move(State.APPROVING, approval=approval, expires_at=at + timedelta(minutes=15))
    store.move(request, approving, entry_of(approving, at), Show(at=at))
    return approving


def approved_in(store: Store, at: datetime = NOON, **changes: Any) -> Request:
    """Return a request that was stored, confirmed and approved by KIM then: it is READY."""
    approving = approving_in(store, at, **changes)
    assert approving.approval
    approval = replace(approving.approval, approver=KIM, rule="approve.users", at=at)
    ready = approving.move(State.READY, approval=approval, decided_at=at)
    store.move(approving, ready, entry_of(ready, at), Show(at=at))
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


def all_due(store: Store, now: datetime) -> list[Entry]:
    """Return the outcomes and the refusals that are due."""
    return [*store.due_entries(now, 99), *store.due_entries(now, 99, refused=True)]


def delivered_all(store: Store, now: datetime, ts: str = "1.0") -> None:
    """Note that Slack took everything that is due."""
    for entry in all_due(store, now):
        store.delivered(entry, ts, now)


@dataclass
class ScriptedPool:
    """A pool of `accounts` that gives the next of `answers` at each call, after `seconds`.

    `registered` is who has a user name later on, or what is raised, the next at each question; the last one stays.
    """

    answers: Iterable[Answer]
    clock: StoppedClock
    seconds: float = 0.1
    accounts: Sequence[Account] = (ADA,)
    called_at: list[datetime] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    during: Callable[[], object] = lambda: None
    registered: list[Account | PoolUnavailableError | None] = field(default_factory=list)
    looked_at: list[datetime] = field(default_factory=list)
    pool_id: str = ADA.pool_id
    region: str = ADA.region
    groups: dict[str, frozenset[str]] = field(default_factory=dict)  # by user name
    asked_for_groups: list[str] = field(default_factory=list)
    silent: PoolUnavailableError | None = None  # raised where groups are asked for
    page_size: int = 60

    def on_behalf(self, request_id: str, operator_id: str) -> "ScriptedPool":
        """Answer everyone alike."""
        assert (request_id, operator_id) > ("", "")
        return self

    def list_users(self, attribute: Attribute, value: str) -> list[Account]:
        """Find accounts by any attribute."""
        attribute_of = {"phone_number": "phone"}
        return [each for each in self.accounts if value == getattr(each, attribute_of.get(attribute, attribute))]

    def get_user(self, username: str) -> Account | None:
        """Find an account by its user name, as it is by now."""
        self.looked_at.append(self.clock.now())
        if not self.registered:
            return next((each for each in self.accounts if each.username == username), None)
        self.clock.sleep(self.seconds)
        found = self.registered.pop(0) if len(self.registered) > 1 else self.registered[0]
        if isinstance(found, PoolUnavailableError):
            raise found
        return found

    def groups_of(self, username: str) -> frozenset[str]:
        """Tell the groups of someone."""
        self.asked_for_groups.append(username)
        if self.silent:
            raise self.silent
        return self.groups.get(username, frozenset())

    def everyone(self, token: str | None = None) -> tuple[Sequence[Account], str | None]:
        """Give `page_size` accounts at once."""
        start = int(token or 0)
        end = start + self.page_size
        return self.accounts[start:end], str(end) if end < len(self.accounts) else None

    def members_of(self, group: str) -> frozenset[str]:
        """Tell who is in a group."""
        self.asked_for_groups.append(group)
        if self.silent:
            raise self.silent
        return frozenset(name for name, groups in self.groups.items() if group in groups)

    def prepare(self) -> None:
        """Have what signs a call."""

    def tracks_sessions(self) -> bool:
        """Track none."""
        return False

    def sessions(self, username: str) -> list[Session]:
        """List none: no test asks."""
        raise NotImplementedError(username)

    def end_session(self, session_id: str, username: str, left: Callable[[], timedelta]) -> Answer:
        """End none: no test asks."""
        raise NotImplementedError(session_id, username, left)

    def call(self, step: Step, username: str, left: Callable[[], timedelta]) -> Answer:
        """Give the next answer."""
        assert username in {each.username for each in self.accounts}
        assert left() > timedelta(0)
        self.steps.append(step)
        self.called_at.append(self.clock.now())
        self.answers = iter(self.answers)
        self.clock.sleep(self.seconds)
        self.during()
        return next(self.answers)


def worker(requests: Requests, pool: ScriptedPool, clock: SureClock, **changes: Any) -> Worker:
    """Return a worker, with tokens that live for 1 h."""
    values: dict[str, Any] = {
        "pools": {"customers": pool},
        "token_lifetimes": {"customers": timedelta(hours=1)},
        "requests": requests,
        "clock": clock,
        "resume_within": timedelta(minutes=5),
        "jitter": lambda: 1.0,
    }
    return Worker(**(values | changes))


def approvals(rules: Confirmations) -> Approvals:
    """Return the rules of the second person that go with those of the operator."""
    shared = (each.name for each in fields(Approvals))
    return Approvals(**{name: getattr(rules, name) for name in shared})


def confirmations(store: Store, clock: SureClock, pool: ScriptedPool | None = None, **changes: Any) -> Confirmations:
    """Return the rules up to a decision, where SAM may and no group is asked."""
    allowlist = changes.get("allowlist") or Allowlist(Allowed(users=frozenset({SAM.id})), {"customers": Allowed()})
    customers = pool or ScriptedPool([], StoppedClock())
    pools = {name: replace(customers, pool_id=f"eu-central-1_{name}") for name in allowlist.pools}
    pools |= {"customers": customers} | changes.pop("pools", {})
    values: dict[str, Any] = {
        "allowlist": allowlist,
        "members": lambda _: frozenset(),
        "home": lambda: HOME,
        "finder": Finder(pools=pools, e164=lambda _, __: None, together=lambda works: [work() for work in works]),
        "requests": store,
        "trail": store,
        "clock": clock,
        "confirm_within": timedelta(minutes=5),
        "reason_rule": ReasonRule(),
    }
    return Confirmations(**(values | changes))
