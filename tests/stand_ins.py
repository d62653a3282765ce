"""What stands in for Slack, Cognito and threads in tests of single rules. Each does what the test tells it."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from examples import COMMAND, NOON, SAM, ScriptedPool, StoppedClock, approvals, awaiting, confirmations, worker

from bot.audit import Entry, entry_of
from bot.deliver import CardDelivery, EntryDelivery, show_card
from bot.edge.lanes import Doorway
from bot.errors import BotError, BusyError, DeliveryError
from bot.flow import Flow
from bot.history import Past
from bot.list_flow import ListFlow
from bot.lists import ListRules
from bot.pace import Pace
from bot.ports import Left, Place, SureClock
from bot.request import Claim, Request, State
from bot.whoami import Standing
from bot.wiring.stores import Store
from bot.work import LEASE


def added(store: Store, request: Request, place: Place | None = COMMAND) -> Request:
    """Return a request once it is stored, as a command opens it at noon."""
    store.add(request, entry_of(request, NOON), show_card(request, NOON, place))
    return request


def moved(store: Store, before: Request, state: State, at: datetime = NOON, **changes: Any) -> Request:
    """Return a request once it was moved, with its entry and card as the rules have them."""
    after = before.move(state, **changes)
    running = state is State.RUNNING
    entry = None if running and before.state is State.READY else entry_of(after, at)
    store.move(before, after, entry, None if running else show_card(after, at))
    return after


def ready_in(store: Store, **changes: Any) -> Request:
    """Return a request that was opened, and decided at noon."""
    return moved(store, added(store, awaiting(**changes)), State.READY, decided_at=NOON)


def running_in(store: Store, **changes: Any) -> Request:
    """Return a request that was opened, and decided and claimed at noon."""
    claim = Claim(id="claim-1", at=NOON, until=NOON + LEASE)
    return moved(store, ready_in(store, **changes), State.RUNNING, claim=claim)


def meanwhile(store: Store, **happens: Callable[..., object]) -> Any:
    """Return a store with interruptions: `before_move` is done before each move, `after_get` after each get."""
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
class Channel:
    """An audit channel that refuses as often as it was told to."""

    clock: StoppedClock
    refusals: list[DeliveryError] = field(default_factory=list)
    posts: list[str] = field(default_factory=list)
    asked_at: list[datetime] = field(default_factory=list)
    on_the_way: Callable[[], object] = lambda: None
    during: Callable[[], object] = lambda: None

    def post(self, entry: Entry, left: Left) -> str:
        """Take an entry, or refuse. What is on the way for too long does not get here."""
        self.asked_at.append(self.clock.now())
        self.on_the_way()
        if left() <= timedelta(0):
            raise DeliveryError("TimeoutError")
        if self.refusals:
            raise self.refusals.pop(0)
        self.during()
        self.posts.append(entry.ask.options.target)
        return f"{len(self.posts)}.0"


@dataclass
class TakenCards:
    """Slack's side of the cards: `shown` is what it took, each as the state and where (None: a direct message)."""

    refusals: deque[DeliveryError | None] = field(default_factory=deque)
    shown: list[tuple[str, str | None]] = field(default_factory=list)
    approvals: list[tuple[str, str | None]] = field(default_factory=list)  # the state, and what it was edited at
    progress: list[tuple[str, str | None]] = field(default_factory=list)  # the same, of lists
    on_the_way: Callable[[], object] = lambda: None
    during: Callable[[], object] = lambda: None

    def show(self, request: Request, place: Place | None, left: Left) -> None:
        """Take a card, or refuse. It reaches people at the end: another may come before it."""
        self._take(left)
        self.shown.append((request.state.value, place.response_url if place else None))

    def show_approval(self, request: Request, ts: str | None, left: Left) -> str:
        """Take an approval message, or refuse; it keeps its first `ts`."""
        self._take(left)
        self.approvals.append((request.state.value, ts))
        return ts or f"{len(self.approvals)}.0"

    def show_progress(self, request: Request, ts: str | None, left: Left) -> str:
        """Take a list's progress message, or refuse; it keeps its first `ts`."""
        self._take(left)
        self.progress.append((request.state.value, ts))
        return ts or f"{len(self.progress)}.5"

    def _take(self, left: Left) -> None:
        self.on_the_way()
        if left() <= timedelta(0):
            raise DeliveryError("TimeoutError")
        if self.refusals and (refusal := self.refusals.popleft()):
            raise refusal
        self.during()


@dataclass
class Told:
    """A `Reply` and a form: what one operator was told. Where Slack does not `take` a card, nothing is certain."""

    place: Place | None = None
    shown: list[Request] = field(default_factory=list)
    said: list[BotError] = field(default_factory=list)
    opened: list[Sequence[str]] = field(default_factory=list)
    standings: list[Standing] = field(default_factory=list)
    pasts: list[Past] = field(default_factory=list)
    takes: bool = True

    def show(self, request: Request) -> bool:
        """Show a request."""
        self.shown.append(request)
        return self.takes

    def say(self, error: BotError) -> None:
        """Say what was wrong."""
        self.said.append(error)

    def tell(self, standing: Standing) -> None:
        """Tell what the operator may do."""
        self.standings.append(standing)

    def recount(self, past: Past) -> None:
        """Tell what was asked for before."""
        self.pasts.append(past)

    def open(self, pools: Sequence[str], actions: Sequence[str]) -> None:  # noqa: ARG002
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

    def members(self, _: str, group_id: str) -> frozenset[str] | None:
        """Return the members."""
        self.during()
        return self.of[group_id]


def delivery(store: Store, channel: Channel) -> EntryDelivery:
    """Return what posts to the channel, without jitter."""
    return EntryDelivery(outbox=store, channel=channel, clock=channel.clock, jitter=lambda: 1.0)


def card_delivery(store: Store, cards: TakenCards, clock: SureClock) -> CardDelivery:
    """Return what shows cards, without jitter."""
    return CardDelivery(outbox=store, requests=store, cards=cards, clock=clock, jitter=lambda: 1.0)


def flow(store: Store, pool: ScriptedPool, **changes: Any) -> Flow:
    """Return the flow, on lanes that wait for the test. SAM is known."""
    allowed = {"allowlist": changes.pop("allowlist")} if "allowlist" in changes else {}
    lane, newcomers_lane = (changes.pop(name, None) or StepLane() for name in ("slack_lane", "newcomers_lane"))
    rules = confirmations(store, pool.clock, pool, **allowed)
    values: dict[str, Any] = {
        "confirmations": rules,
        "approvals": approvals(rules),
        "worker": worker(store, pool, pool.clock),
        "outbox": store,
        "entrance": Doorway(lane=lane, newcomers_lane=newcomers_lane, named=frozenset({SAM.id})),
        "aws_lane": StepLane(),
    }
    return Flow(**(values | changes))


def list_flow(flow: Flow) -> ListFlow:
    """Return the flow of lists beside that of single requests, on a lane that waits for the test."""
    rules, clock = flow.confirmations, flow.worker.clock
    shared = {each.name: getattr(rules, each.name) for each in fields(rules)}
    look_ups = Pace(clock=clock, per_second=1000.0)
    return ListFlow(flow=flow, rules=ListRules(**shared, per_second=12.0, look_ups=lambda _: look_ups), lane=StepLane())


def lanes(rules: Flow) -> tuple[StepLane, StepLane]:
    """Return the lane of operators in Slack, and that of AWS."""
    assert isinstance(rules.entrance, Doorway)
    slack, aws = rules.entrance.lane, rules.aws_lane
    assert isinstance(slack, StepLane)
    assert isinstance(aws, StepLane)
    return slack, aws
