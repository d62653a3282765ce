"""What stands in for Slack, Cognito and threads in tests of single rules. Each does what the test tells it."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from examples import ADA, SAM, StoppedClock

from bot.action import Answer, Step
from bot.audit import Entry
from bot.authorize import Allowed, Allowlist
from bot.confirm import Confirmations
from bot.deliver import CardDelivery, Delivery
from bot.errors import BotError, BusyError, DeliveryError
from bot.find import Finder
from bot.flow import Flow
from bot.ports import Attribute, Clock, Outbox, Place, Requests, Trail
from bot.reason import ReasonRule
from bot.request import Account, Request
from bot.work import Lifetimes, Worker


class Store(Requests, Trail, Outbox, Protocol):
    """What the rules need of a store."""


def meanwhile(store: Store, **happens: Callable[..., object]) -> Any:
    """Return a store with interruptions: `before_move=work` does that work before each move, `after_get` after a get."""
    return _Interrupted(store, happens)


class _Interrupted:
    def __init__(self, store: Store, happens: dict[str, Callable[..., object]]) -> None:
        self._store = store
        self._happens = happens

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        before, after = (self._happens.get(f"{when}_{name}", _nothing) for when in ("before", "after"))

        def call(*arguments: Any, **named: Any) -> Any:
            before()
            result = method(*arguments, **named)
            after()
            return result

        return call


def _nothing() -> None:
    pass


@dataclass
class ScriptedPool:
    """A pool of `accounts` that gives the next of `answers` at each call, after `seconds`."""

    answers: Iterable[Answer]
    clock: StoppedClock
    seconds: float = 0.1
    accounts: Sequence[Account] = (ADA,)
    called_at: list[datetime] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    during: Callable[[], object] = lambda: None

    default_region = None
    pool_id = ADA.pool_id

    def on_behalf(self, request_id: str, operator_id: str) -> "ScriptedPool":
        """Answer everyone alike."""
        assert (request_id, operator_id) > ("", "")
        return self

    def list_users(self, attribute: Attribute, value: str) -> list[Account]:
        """Find accounts by user name or email."""
        return [each for each in self.accounts if value == {"username": each.username, "email": each.email}[attribute]]

    def get_user(self, username: str) -> Account | None:
        """Find no account that the list does not have."""
        assert all(each.username != username for each in self.accounts)
        return None

    def call(self, step: Step, username: str, leave_within: timedelta) -> Answer:
        """Give the next answer."""
        assert username in {each.username for each in self.accounts}
        assert leave_within > timedelta(0)
        self.called_at.append(self.clock.now())
        self.steps.append(step)
        self.answers = iter(self.answers)
        self.clock.sleep(self.seconds)
        self.during()
        return next(self.answers)


@dataclass
class Channel:
    """An audit channel that refuses as often as it was told to."""

    clock: StoppedClock
    refusals: list[DeliveryError] = field(default_factory=list)
    posts: list[list[str]] = field(default_factory=list)
    during: Callable[[], object] = lambda: None

    def post(self, entries: Sequence[Entry]) -> str:
        """Take the entries, or refuse."""
        if self.refusals:
            raise self.refusals.pop(0)
        self.during()
        self.posts.append([entry.ask.options.target for entry in entries])
        return f"{len(self.posts)}.0"


@dataclass
class SlackCards:
    """Slack's side of the cards: `shown` is what it took, each as the state and where (None: a direct message)."""

    refusals: deque[DeliveryError | None] = field(default_factory=deque)
    shown: list[tuple[str, str | None]] = field(default_factory=list)
    during: Callable[[], object] = lambda: None

    def show(self, request: Request, place: Place | None) -> None:
        """Take a card, or refuse. It reaches people at the end: another may come before it."""
        if self.refusals and (refusal := self.refusals.popleft()):
            raise refusal
        self.during()
        self.shown.append((request.state.value, place.response_url if place else None))


@dataclass
class Told:
    """A `Reply` and a form: what one operator was told. Where Slack does not `take` a card, nothing is certain."""

    place: Place | None = None
    shown: list[Request] = field(default_factory=list)
    said: list[BotError] = field(default_factory=list)
    opened: list[Sequence[str]] = field(default_factory=list)
    takes: bool = True

    def show(self, request: Request) -> bool:
        """Show a request."""
        self.shown.append(request)
        return self.takes

    def say(self, error: BotError) -> None:
        """Say what was wrong."""
        self.said.append(error)

    def open(self, pools: Sequence[str]) -> None:
        """Open the form."""
        self.opened.append(pools)


@dataclass
class StepLane:
    """A lane whose work is done when the test says so. `room` is how much of it may wait."""

    room: int = 9
    works: deque[Callable[[], object]] = field(default_factory=deque)

    def run(self, request_id: str, work: Callable[[], object], *, urgent: bool = False) -> None:
        """Keep it for later. The last place is for what is urgent."""
        assert request_id
        if len(self.works) >= self.room - (not urgent):
            raise BusyError
        self.works.append(work)

    def do(self) -> int:
        """Do all that waits; return how much that was."""
        count = len(self.works)
        for _ in range(count):
            self.works.popleft()()
        return count


@dataclass
class Members:
    """Slack's groups: ids of members, or None for one that Slack cannot list. `during` happens while it is asked."""

    of: dict[str, frozenset[str] | None] = field(default_factory=dict)
    during: Callable[[], object] = lambda: None

    def members(self, group_id: str) -> frozenset[str] | None:
        """Return the members."""
        self.during()
        return self.of[group_id]


def confirmations(store: Store, clock: Clock, pool: ScriptedPool | None = None, **changes: Any) -> Confirmations:
    """Return the rules up to a decision, where SAM may and no group is asked."""
    pools = {"customers": pool or ScriptedPool([], StoppedClock())}
    values: dict[str, Any] = {
        "allowlist": Allowlist(Allowed(users=frozenset({SAM.id})), {"customers": Allowed()}),
        "groups": Members(),
        "home_team": lambda: SAM.team_id,
        "pool_ids": {"customers": ADA.pool_id},
        "finder": Finder(pools=pools, e164=lambda _, __: None, together=lambda works: [work() for work in works]),
        "requests": store,
        "trail": store,
        "clock": clock,
        "confirm_within": timedelta(minutes=5),
        "reason_rule": ReasonRule(),
    }
    return Confirmations(**(values | changes))


def worker(store: Store, pool: ScriptedPool, clock: Clock, **changes: Any) -> Worker:
    """Return a worker, with lifetimes of 1 h and 2 h."""
    values: dict[str, Any] = {
        "pools": {"customers": pool},
        "lifetimes": {"customers": Lifetimes(token=timedelta(hours=1), login_cookie=timedelta(hours=2))},
        "requests": store,
        "clock": clock,
        "resume_within": timedelta(minutes=5),
        "jitter": lambda: 1.0,
    }
    return Worker(**(values | changes))


def delivery(store: Store, channel: Channel) -> Delivery:
    """Return what posts to the channel, without jitter."""
    return Delivery(outbox=store, channel=channel, clock=channel.clock, jitter=lambda: 1.0)


def card_delivery(store: Store, cards: SlackCards, clock: Clock) -> CardDelivery:
    """Return what shows cards, without jitter."""
    return CardDelivery(outbox=store, requests=store, cards=cards, clock=clock, jitter=lambda: 1.0)


def flow(store: Store, pool: ScriptedPool, **changes: Any) -> Flow:
    """Return the flow, on lanes that wait for the test."""
    values: dict[str, Any] = {
        "confirmations": confirmations(store, pool.clock, pool),
        "worker": worker(store, pool, pool.clock),
        "outbox": store,
        "slack_lane": StepLane(),
        "aws_lane": StepLane(),
    }
    return Flow(**(values | changes))
