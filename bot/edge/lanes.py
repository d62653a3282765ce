"""A lane: a bounded number of threads for one sort of work. Where there is no room, work is refused at once.

People who have not been authorized yet take no place that operators need.
"""

import logging
import queue
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import Context, copy_context
from dataclasses import KW_ONLY, dataclass, field
from functools import partial
from typing import Any, TypeVar

from structlog.contextvars import bind_contextvars, bound_contextvars

from bot.errors import BusyError
from bot.ports import Lane
from bot.request import Operator

T = TypeVar("T")
NEWCOMERS = "newcomers"  # the lane of people who were not allowed before
OF_ONE_NEWCOMER = 3  # commands and presses at once; the next may only be a press
REMEMBERED = 10_000  # operators

log = logging.getLogger(__name__)


@dataclass(eq=False)
class ThreadLane:
    """A `Lane` of `threads` threads, each begun once no other is idle. So much of what is urgent may be `waiting` too.

    The last `kept` threads are for what is urgent. `turned_away` is called whenever there is no room. The threads
    are daemons: what hangs past the drain does not keep the process from ending.
    """

    name: str
    threads: int
    _: KW_ONLY
    kept: int = 0
    waiting: int = 0
    turned_away: Callable[[], object] = lambda: None

    def __post_init__(self) -> None:
        self.places = self._free = self.threads + self.waiting
        self._changed = threading.Condition()
        self._work: queue.SimpleQueue[tuple[Context, Callable[[], object]] | None] = queue.SimpleQueue()
        self._begun = 0  # threads

    def run(self, request_id: str, work: Callable[[], object], *, urgent: bool = False) -> None:
        """Do `work` on one of the threads, its log lines with the request's id; or raise `BusyError`."""
        with self._changed:
            if self._free <= (0 if urgent else self.kept + self.waiting):
                self.turned_away()
                raise BusyError
            if self.places - self._free >= self._begun < self.threads:  # else a thread is free
                self._begin()
            self._free -= 1
            context = copy_context()
            context.run(bind_contextvars, request_id=request_id)
            self._work.put((context, work))

    def _begin(self) -> None:
        """Begin a thread. Where the system gives none, those that there are do the work, else it is refused."""
        try:
            threading.Thread(target=self._run, name=f"{self.name}-{self._begun + 1}", daemon=True).start()
            self._begun += 1
        except RuntimeError:
            log.warning("The system gives the %s lane no more threads than %s", self.name, self._begun)
            if not self._begun:
                self.turned_away()
                raise BusyError from None

    @property
    def taken(self) -> int:
        """How many places are taken."""
        return self.places - self._free

    def full(self) -> str | None:
        """Say where what is not urgent finds no room."""
        if self._free > self.kept + self.waiting:
            return None
        return f"The {self.name} lane is full, so new commands are told that the bot is busy."

    def join(self, seconds: float) -> bool:
        """Wait until nothing runs, for `seconds` at most; return whether nothing runs."""
        with self._changed:
            return self._changed.wait_for(lambda: self._free == self.places, seconds)

    def stop(self) -> None:
        """Let each thread end once it has nothing to do."""
        for _ in range(self._begun):
            self._work.put(None)

    def _run(self) -> None:
        while (found := self._work.get()) is not None:
            context, work = found
            try:
                context.run(work)
            except Exception:  # noqa: BLE001 -- logged within the context, with the request's id
                context.run(log.exception, "Work on a lane failed")
            finally:
                with self._changed:
                    self._free += 1
                    self._changed.notify_all()


class CallersThread:
    """A `Lane` in the thread of its caller, who waits: for a process that does one thing."""

    def run(self, request_id: str, work: Callable[[], object], *, urgent: bool = False) -> None:  # noqa: ARG002 -- always
        """Do `work`, its log lines with the request's id."""
        with bound_contextvars(request_id=request_id):
            work()


@dataclass(kw_only=True)
class Doorway:
    """An `Entrance`. Known is who is `named` by user id, and who was allowed before in this process.

    It costs the same for few people and for many. Safe to use from many threads.
    """

    lane: Lane
    newcomers_lane: Lane
    named: frozenset[str] = frozenset()
    _allowed: dict[tuple[str, str], None] = field(default_factory=dict, init=False)  # the latest comes last
    _inside: Counter[tuple[str, str]] = field(default_factory=Counter, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def knows(self, who: Operator) -> bool:
        """Whether they have the lane of operators."""
        return who.id in self.named or (who.team_id, who.id) in self._allowed

    def run(self, who: Operator, request_id: str, work: Callable[[], object], *, urgent: bool = False) -> None:
        """Do `work` on their lane, or raise `BusyError`."""
        if self.knows(who):
            self.lane.run(request_id, work, urgent=urgent)
            return
        key = (who.team_id, who.id)
        with self._lock:
            if self._inside[key] >= OF_ONE_NEWCOMER + urgent:
                raise BusyError
            self._inside[key] += 1

        def work_and_leave() -> None:
            try:
                work()
            finally:
                self._leave(key)

        try:
            self.newcomers_lane.run(request_id, work_and_leave, urgent=urgent)
        except BusyError:
            self._leave(key)
            raise

    def _leave(self, key: tuple[str, str]) -> None:
        with self._lock:
            self._inside[key] -= 1
            if not self._inside[key]:
                del self._inside[key]

    def note(self, who: Operator, *, allowed: bool) -> None:
        """Note whether they were allowed just now."""
        key = (who.team_id, who.id)
        with self._lock:
            self._allowed.pop(key, None)
            if allowed:
                self._allowed[key] = None
            if len(self._allowed) > REMEMBERED:
                del self._allowed[next(iter(self._allowed))]


class UnwaitedThreads(ThreadPoolExecutor):
    """An executor for the loop, a daemon thread for each call: asyncio, and Python at its end, would wait for others.

    The loop looks names up in its executor, and a name server that is silent holds such a thread for half a minute.
    """

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> "Future[T]":
        """Begin a call."""
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()  # what has begun cannot be cancelled: at worst no one takes its result
        threading.Thread(target=_settle, args=(future, partial(fn, *args, **kwargs)), daemon=True).start()
        return future


def together(works: Sequence[Callable[[], T]]) -> Sequence[T]:
    """Do several things at the same time, each on a thread; return all results, or raise the first error."""
    if len(works) == 1:
        return [works[0]()]
    threads = UnwaitedThreads()
    return [future.result() for future in [threads.submit(copy_context().run, work) for work in works]]


def _settle(future: "Future[T]", work: Callable[[], T]) -> None:
    """Do `work`, and put its result or its error into `future`."""
    try:
        future.set_result(work())
    except Exception as error:  # noqa: BLE001 -- it is raised where the result is asked for
        future.set_exception(error)
