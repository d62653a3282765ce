"""Who runs which lists: for each AWS account and region one instance at a time, under a lease in the store."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from uuid import uuid4

from bot import errors
from bot.limits import Protection
from bot.list_progress import Progress
from bot.list_run import ListRun
from bot.pace import Pace, PacedPool
from bot.ports import Lane, Left, SureClock, UserPool, lasting
from bot.request import ENDED, TERMINAL, Request, State
from bot.store_ports import Lists
from bot.work import AT_ONCE, CLOCKS_AGREE_WITHIN, Worker

LIST_LEASE = timedelta(seconds=15)
LONGEST_LEASE = 2 * LIST_LEASE  # one that ends later is a wrong clock's
RENEWED_EVERY = 3.0  # seconds
GROUPS_READ_EVERY = 60.0  # seconds
READ_AGAIN_AFTER = 5.0  # seconds
STUCK_AFTER = timedelta(minutes=1)
SEEN_FOR = 10.0  # seconds

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Hold:
    """A lease that is held here: for how long, and when it was last renewed."""

    left: Left
    renewed_at: float


@dataclass(kw_only=True)
class ListWorker:
    """Runs lists, several of one AWS account and region side by side at one pace. Safe to use from many threads.

    `quota_of` names the AWS account and region whose quota a pool's calls count for. `per_second` is the pace of each.
    `only`: the one list that a terminal runs. `closed` says whether nothing may be begun. `throttled` gives what
    is called each time that Cognito throttles calls of a quota.
    """

    requests: Lists
    worker: Worker
    lane: Lane  # a thread for each list
    accounts_lane: Lane
    clock: SureClock
    quota_of: Callable[[str], str]
    per_second: float
    closed: Callable[[], object]
    only: str | None = None
    throttled: Callable[[str], Callable[[], object]] = lambda _: lambda: None
    holder: str = field(default_factory=lambda: uuid4().hex)
    running: dict[str, str] = field(default_factory=dict, init=False)  # the quota of each list that runs here
    paces: dict[str, Pace] = field(default_factory=dict, init=False)  # by quota
    _holds: dict[str, _Hold] = field(default_factory=dict, init=False)  # by quota
    _runs: dict[str, ListRun] = field(default_factory=dict, init=False)  # of the lists that run here
    _seen: tuple[float, Sequence[Request]] | None = field(default=None, init=False)  # by the last sweep, and when

    def sweep(self) -> None:
        """Take up the lists that may be run here now, and give back what is not needed any more."""
        if not self.closed():
            now = self.clock.now()
            found = self.requests.lists(now, AT_ONCE, self.clock.beyond(LONGEST_LEASE))
            self._seen = self.clock.monotonic(), found
            for request in found:
                if request.id not in self.running and self._is_mine(request, now):
                    self._begin(request)
        for quota in set(self._holds) - set(self.running.values()):
            del self._holds[quota]
            self.requests.give_back(quota, self.holder)

    def runs(self) -> Sequence[ListRun]:
        """Return the runs that are under way here."""
        return list(self._runs.values())

    def stuck(self) -> Sequence[Request] | None:
        """Return the lists that should go on, here or elsewhere, and of which nothing was noted for over a minute.

        It asks no store: it goes by what the last sweep saw. None where that was too long ago to say.
        """
        seen_at, seen = self._seen or (float("-inf"), ())
        if self.clock.monotonic() - seen_at > SEEN_FOR:
            return None
        now, runs = self.clock.now(), dict(self._runs)
        known = [runs[each.id].request if each.id in runs else each for each in seen]
        return [each for each in known if each.state is not State.PAUSED and now - _worked_at(each, now) > STUCK_AFTER]

    def _is_mine(self, request: Request, now: datetime) -> bool:
        """Whether this instance may try to run a list: no one seems to, and the pool can be asked from here."""
        listed, idle_for = request.contents, abs(now - _worked_at(request, now))
        if self.only:
            return request.id == self.only
        if not self.worker.pool(request):
            return idle_for > self.worker.resume_within  # it can only be paused or ended
        held = self.quota_of(listed.pool) in self._holds
        is_free = request.state is not State.RUNNING or listed.at_rest or held
        return idle_for > LIST_LEASE or (is_free and request.ask.source != TERMINAL)

    def _begin(self, request: Request) -> None:
        quota = self.quota_of(request.contents.pool)
        if not self._keeps(quota):
            return
        self.running[request.id] = quota
        try:
            self.lane.run(request.id, partial(self._run, request, quota), urgent=True)
        except errors.BusyError:  # the next sweep tries again
            self.running.pop(request.id, None)

    def _run(self, request: Request, quota: str) -> None:
        try:
            self._runs[request.id] = run = self._run_of(request, quota)
            if not self.closed():  # again: the clock may have been set since
                run.go()
        finally:
            self._runs.pop(request.id, None)
            self.running.pop(request.id, None)
        if run.request.state in ENDED:
            log.info("Ended as %s after %d accounts", run.request.state, run.request.contents.counts.ended)

    def _run_of(self, request: Request, quota: str) -> ListRun:
        listed, pace, pool = request.contents, self.pace(quota), self.worker.pool(request)
        members, left = _Members(pool, self.worker.protections.get(listed.pool), self.clock), partial(self._left, quota)
        paced = {listed.pool: PacedPool(pool=pool, pace=pace, members=members.known, left=left)} if pool else {}
        return ListRun(
            request=request,
            requests=self.requests,
            worker=replace(self.worker, pools=paced),
            lane=self.accounts_lane,
            clock=self.clock,
            progress=Progress(settled=listed.settled, pace=pace),
            may_work=lambda: not self.closed() and self._keeps(quota),
            may_begin=members.read,
        )

    def pace(self, quota: str) -> Pace:
        """Return the pace of an AWS account and region, the same for all of its lists."""
        new = Pace(clock=self.clock, per_second=self.per_second, throttled=self.throttled(quota))
        return self.paces.setdefault(quota, new)

    def _left(self, quota: str) -> timedelta:
        """Return for how long the lease of a quota is held here at least."""
        hold = self._holds.get(quota)
        return hold.left() if hold else timedelta(0)

    def _keeps(self, quota: str) -> bool:
        """Take or keep the lease of a quota; return whether it is held here. Now and then it is renewed."""
        hold, monotonic, was_held = self._holds.get(quota), self.clock.monotonic(), self._left(quota) > timedelta(0)
        if hold and monotonic - hold.renewed_at < RENEWED_EVERY:
            return was_held
        now, left = self.clock.now(), lasting(self.clock, LIST_LEASE - CLOCKS_AGREE_WITHIN)  # another's may be ahead
        try:
            is_held = self.requests.lease(quota, self.holder, now, now + LIST_LEASE, LONGEST_LEASE)
        except errors.StoreUnavailableError:
            return self._left(quota) > timedelta(0)
        if not is_held:
            self._holds.pop(quota, None)
            return False
        if not was_held:
            self.pace(quota).hold_off()
        self._holds[quota] = _Hold(left, monotonic)
        return left() > timedelta(0)


def _worked_at(request: Request, now: datetime) -> datetime:
    """Return when something was last noted of a list or, before that, when it was decided."""
    return request.contents.worked_at or request.decided_at or now


@dataclass
class _Members:
    """Who is in the groups that protect accounts: read once a minute while a list runs."""

    pool: UserPool | None
    protection: Protection | None
    clock: SureClock
    _known: Mapping[str, frozenset[str]] | None = None
    _read_at: float = 0.0
    _failed_at: float = 0.0
    _error: errors.PoolUnavailableError | None = None

    def known(self) -> Mapping[str, frozenset[str]]:
        """Return the user names in each group, as last read. Raises `PoolUnavailableError` if they were never read."""
        return self.read() if self._known is None else self._known  # unread: only what was under way is ended

    def read(self) -> Mapping[str, frozenset[str]]:
        """Read them, if that was more than a minute ago. Raises `PoolUnavailableError`; after one, asks every 5 s."""
        now = self.clock.monotonic()
        if self._known is not None and now - self._read_at < GROUPS_READ_EVERY:
            return self._known
        if self._error and now - self._failed_at < READ_AGAIN_AFTER:
            raise self._error
        try:
            self._known = self.protection.members(self.pool.members_of) if self.protection and self.pool else {}
        except errors.PoolUnavailableError as error:
            self._failed_at, self._error = now, error
            raise
        self._read_at, self._error = now, None
        return self._known
