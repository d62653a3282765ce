"""Lists in tests of single rules: the rules and a worker over one store and one pool, with a stopped clock."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from typing import Any

from examples import ADA, SAM, ScriptedPool, StoppedClock, asked, confirmations, worker

from bot.account import Account
from bot.action import Answer, Done, Step
from bot.audit import Entry
from bot.decide import Press
from bot.edge.lanes import CallersThread
from bot.errors import BusyError
from bot.list_work import ListWorker
from bot.lists import ListRules, Wanted
from bot.pace import Pace
from bot.request import Operator, Request
from bot.wiring.stores import Store

PACE = 12.0


def people(count: int, **changes: Any) -> list[Account]:
    """Return so many accounts of the pool customers: p00000, p00001 and so on."""
    return [
        replace(
            ADA, username=f"p{n:05}", sub=f"00000000-0000-4000-8000-{n:012}", email=f"p{n:05}@example.com", **changes
        )
        for n in range(count)
    ]


class Always:
    """Gives the same answer for ever."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def __iter__(self) -> "Always":
        return self

    def __next__(self) -> Answer:
        return self.answer


@dataclass
class EventfulClock(StoppedClock):
    """A clock at which something happens once it has come so far: `events`, each with its seconds since noon."""

    events: list[tuple[float, Callable[[], object]]] = field(default_factory=list)

    def at(self, seconds: float, event: Callable[[], object]) -> None:
        """Let something happen so many seconds after noon."""
        self.events.append((seconds, event))

    def sleep(self, seconds: float) -> None:
        """Move on, and let happen what is due."""
        super().sleep(seconds)
        due = [each for each in self.events if each[0] <= self.monotonic()]
        self.events = [each for each in self.events if each not in due]
        for _, event in due:
            event()


@dataclass
class ListPool(ScriptedPool):
    """A pool that may have an answer for each account; `called` has the user names of all calls."""

    answer_to: Callable[[str], Answer] | None = None
    called: list[str] = field(default_factory=list)

    def call(self, step: Step, username: str, left: Callable[[], timedelta]) -> Answer:
        """Give the answer for this account, or else the next one."""
        self.called.append(username)
        answer = super().call(step, username, left)
        return self.answer_to(username) if self.answer_to else answer


@dataclass
class HeldLane:
    """A `Lane` on which nothing is done before `release`. It has `room` for so many."""

    room: int = 99
    work: list[Callable[[], object]] = field(default_factory=list)

    def run(self, request_id: str, work: Callable[[], object], *, urgent: bool = False) -> None:
        """Take some work."""
        assert request_id
        assert urgent
        if len(self.work) >= self.room:
            raise BusyError
        self.work.append(work)

    def release(self) -> None:
        """Do what was taken."""
        work, self.work = self.work, []
        for each in work:
            each()


@dataclass
class Setting:
    """A store with the rules of lists over a pool of `accounts`, and the worker of one instance."""

    store: Store
    accounts: Sequence[Account]
    clock: StoppedClock = field(default_factory=StoppedClock)
    answers: Iterable[Answer] = field(default_factory=lambda: Always(Done("aws-1")))
    changes: dict[str, Any] = field(default_factory=dict)  # of the rules
    closed: bool = False
    pools: type[ListPool] = ListPool

    def __post_init__(self) -> None:
        self.pool = self.pools(self.answers, self.clock, accounts=self.accounts, seconds=0.0)
        rules = confirmations(self.store, self.clock, self.pool, **self.changes)
        shared = {each.name: getattr(rules, each.name) for each in fields(rules)}
        self.rules = ListRules(**shared, per_second=PACE, look_ups=lambda _: Pace(clock=self.clock, per_second=1000.0))
        self.instance = self.another()

    def another(self, **changes: Any) -> ListWorker:
        """Return what runs lists in one more instance."""
        values: dict[str, Any] = {
            "requests": self.store,
            "worker": worker(self.store, self.pool, self.clock, protections=self.rules.protections),
            "lane": CallersThread(),
            "accounts_lane": CallersThread(),
            "clock": self.clock,
            "quota_of": lambda _: "own/eu-central-1",
            "per_second": PACE,
            "closed": lambda: self.closed,
        }
        return ListWorker(**(values | changes))

    def names(self) -> list[str]:
        """Return the user names of all accounts, as lines."""
        return [each.username for each in self.accounts]

    def preview(self, *lines: str, looking: Callable[[Request], object] = lambda _: None, **wanted: Any) -> Request:
        """Return a list whose lines were looked up."""
        ask = asked("", pool="customers", reason="leaked")
        authorized = self.rules.authorize(ask)
        return self.rules.preview(authorized, ask, Wanted(lines=lines, **wanted), None, looking)

    def confirmed(self, *lines: str, **wanted: Any) -> Request:
        """Return a list that SAM confirmed."""
        return self.rules.confirm(press(self.preview(*lines, **wanted)))

    def run(self) -> None:
        """Let the instance take up what waits."""
        self.instance.sweep()

    def get(self, request: Request) -> Request:
        """Return a request as it is stored."""
        found = self.store.get(request.id)
        assert found
        return found

    def entries(self, request: Request) -> list[Entry]:
        """Return the entries of a list and of its accounts."""
        return list(self.store.entries(None, None, request.id))


def portion(store: Store, list_id: str, number: int) -> Sequence[Account]:
    """Return the accounts of a portion; none where there is no such portion."""
    return next(store.portions(list_id, range(number, number + 1)), ())


def press(request: Request, operator: Operator = SAM, **changes: Any) -> Press:
    """Return a press on a list's button."""
    return Press(request_id=request.id, operator=operator, **changes)
