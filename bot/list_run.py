"""One run of a list: from the moment at which an instance takes it up to its end, a pause or a stop.

Each account becomes a request of its own, READY, whose id follows from the list and its place in it. So an instance
that takes the list over finds those that are under way, and makes none twice.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from bot import errors
from bot.account import Account
from bot.audit import entry_of
from bot.deliver import show_card
from bot.list_accounts import accounts_of, added, child_id, child_of, is_held, sizes_as_decided
from bot.list_progress import Progress, other_changes, state_at_rest
from bot.listed import Listed
from bot.ports import Lane, SureClock
from bot.preview import NOTED_EVERY
from bot.request import ENDED, Claim, Request, State, new_id
from bot.store_ports import Lists
from bot.work import Worker

MOST_AT_ONCE = 32  # accounts that are under way
LOOK_EVERY = timedelta(seconds=1)
TICK = 0.05  # seconds: meanwhile those that are under way still have their turns to wait for
_BEGINS = frozenset({State.READY, State.RUNNING})

log = logging.getLogger(__name__)


@dataclass(kw_only=True)
class ListRun:
    """Runs one list for as long as `may_work` says so. For one thread; its accounts are run on the `lane`.

    `worker` waits for turns. `may_begin` raises `PoolUnavailableError` while it is not known who is protected.
    """

    request: Request
    requests: Lists
    worker: Worker
    lane: Lane
    clock: SureClock
    progress: Progress
    may_work: Callable[[], bool]
    may_begin: Callable[[], object]
    _claim: Claim = field(init=False)
    _sizes: Sequence[int] | None = field(default=(), init=False)  # of its portions; None: it was changed
    _is_lost: bool = field(default=False, init=False)  # another run has it: this one writes nothing more of the list
    _is_probing: bool = field(default=True, init=False)  # the next account may have been begun by an earlier run
    _under_way: dict[int, str] = field(default_factory=dict, init=False)  # on the lane, by their places
    _waiting: dict[int, str] = field(default_factory=dict, init=False)  # held by another worker, or without room
    _without_room: set[int] = field(default_factory=set, init=False)  # of `_waiting`: those without room
    _looked_at: datetime = field(init=False)
    _noted_at: datetime = field(init=False)

    def go(self) -> None:
        """Run it. Raises `StoreUnavailableError`: then it is taken up again."""
        self._take_up()
        try:
            self._begin_all()
        except Exception:  # the next run is of another worker, which does not know what this one has under way
            self._wait_for_lane()
            raise
        self._wait_for_lane()
        self._finish()

    def _begin_all(self) -> None:
        settled, size = self.progress.settled.ended, self.request.contents.size
        accounts: Iterable[tuple[int, Account | None]] = ((index, None) for index in range(settled, size))
        if self._goes_on:  # else its portions may be gone
            sizes = self._sizes or ()
            accounts = accounts_of(self.requests, self.request, self.may_work, sizes=sizes, settled=settled)
        if all(index < settled or self._begin(index, account) for index, account in accounts):
            self._is_probing = False
        while (self._under_way or self._waiting) and self._tick():
            pass

    def _wait_for_lane(self) -> None:
        """Wait for what is on the lane, also where the list is another run's now."""
        while self._under_way:
            self.clock.sleep(TICK)

    @property
    def _goes_on(self) -> bool:
        """Whether accounts are begun. Else only those that are under way are ended."""
        return self.request.state is State.RUNNING and not self._is_lost

    def _take_up(self) -> None:
        """Claim the list. Where it may not go on, only what is under way is ended."""
        state, worked_at = self.request.state, self.request.contents.worked_at or self.request.decided_at
        if state in _BEGINS:
            self._sizes = sizes_as_decided(self.requests, self.request, self.may_work)
        now = self.clock.now()  # only now: it takes time to read a long list
        self._looked_at = self._noted_at = now
        self._claim = Claim(id=new_id(now), at=now, until=now)
        if self._sizes is None:
            self._move(State.STOPPING, trouble=errors.LIST_CHANGED)
        elif state in _BEGINS and abs(now - (worked_at or now)) > self.worker.resume_within:
            self._move(State.PAUSED, trouble=errors.TOO_LATE)
        elif state in _BEGINS:
            self._move(State.RUNNING, at_rest=False)
        else:
            self._note()

    def _begin(self, index: int, account: Account | None) -> bool:
        """Begin an account once there is room; if begun before, look at it. No `account`: only look. False: no more."""
        while not self._is_lost and (self._is_full() or not self._knows_protected()):
            if not self._tick():
                return False
        if self._is_lost or not self._look_around():
            return False
        child = self.requests.get(child_id(self.request.id, index)) if self._is_probing else None
        if child is None:
            self._is_probing = False
            if not account or not self._goes_on:
                return False
            child = added(self.requests, child_of(self.request, index, account, self.clock.now()))
        self._hand_over(index, child)
        return True

    def _room(self) -> int:
        """Return how many accounts of all lists of this pace may be under way: each gets its turn in about a second."""
        return min(MOST_AT_ONCE, max(2, round(self.progress.pace.rate)))

    def _is_full(self) -> bool:
        return bool(self._without_room) or self.progress.pace.under_way >= self._room()

    def _knows_protected(self) -> bool:
        """Whether it is known who is protected; notes the trouble if not. What is under way is ended all the same."""
        try:
            if self._goes_on:
                self.may_begin()
        except errors.PoolUnavailableError as error:
            self.progress.trouble = error.error_code or errors.NO_CALL_MADE
            return False
        self.progress.trouble = None
        return True

    def _hand_over(self, index: int, child: Request) -> None:
        """Run an account that waits to be run, or that its holder left; count one that has ended."""
        self._waiting.pop(index, None)
        self._without_room.discard(index)
        if child.state in ENDED:
            self.progress.add(index, child)
        elif child.state is State.RUNNING and is_held(child, self.clock):
            self._waiting[index] = child.id
        elif not self._start(index, child):
            self._waiting[index] = child.id
            self._without_room.add(index)

    def _start(self, index: int, child: Request) -> bool:
        if not self.progress.pace.enter(self._room()):
            return False
        self._under_way[index] = child.id
        try:
            self.lane.run(child.id, partial(self._run, index, child), urgent=True)
        except errors.BusyError:
            self._leave_lane(index)
            return False
        return True

    def _leave_lane(self, index: int) -> None:
        self._under_way.pop(index, None)
        self.progress.pace.leave()

    def _run(self, index: int, child: Request) -> None:
        """Run an account, on a thread of the lane."""
        try:
            if not self.clock.error() and (ended := self.worker.run(child)):
                self.progress.add(index, ended)
            else:
                self._waiting[index] = child.id
        except Exception as error:  # noqa: BLE001 -- it is looked at again
            log.warning("An account of a list did not end, so it is looked at again (%s)", type(error).__name__)
            self._waiting[index] = child.id
        finally:
            self._leave_lane(index)

    def _tick(self) -> bool:
        """Wait a moment, and look around."""
        self.clock.sleep(TICK)
        return self._look_around()

    def _look_around(self) -> bool:
        """See now and then what was pressed, and note how far it is. False once this run has to end."""
        now = self.clock.now()
        if abs(now - self._looked_at) >= LOOK_EVERY and not self._is_lost:
            self._looked_at = now
            self._follow(self.requests.get(self.request.id))
            for index, id_ in list(self._waiting.items()):
                if child := self.requests.get(id_):
                    self._hand_over(index, child)
        if abs(now - self._noted_at) >= NOTED_EVERY:
            self._noted_at = now
            self._note()
        if self._goes_on and (code := self.progress.failing()):
            self._move(State.PAUSED, trouble=code)
        return not self._is_lost and self.may_work()

    def _follow(self, found: Request | None) -> None:
        """Take the list as it is stored: someone may have pressed a button, or another run may have it."""
        if found and found.claim and found.claim.id == self._claim.id:
            self.request = found
            self._is_lost = found.state is State.READY or found.state in ENDED
        else:
            self._is_lost = True

    def _note(self) -> None:
        """Store how far the list is."""
        self._write(lambda before, _: before.state)

    def _move(self, state: State, **changes: Any) -> None:
        """Take the list to another state, unless someone pressed meanwhile."""
        was = self.request.state
        self._write(lambda before, _: state if before.state is was else None, **changes)

    def _finish(self) -> None:
        """Note that no account is under way or, where no other is to be begun, how the list ended."""
        if self._waiting or self._is_probing:  # some may be under way: the next run looks at them
            self._note()
        else:
            self._write(state_at_rest, at_rest=True)

    def _write(self, next_state: Callable[[Request, Listed], State | None], **changes: Any) -> None:
        """Store the list in what `next_state` returns (None: do not). If someone moved it, take that and try again.

        Nothing is stored by a wrong clock: who takes the list over goes by when it was worked on last.
        """
        while not self._is_lost and not self.clock.error():
            before, now = self.request, self.clock.now()
            listed = self.progress.of(before, now, **changes)
            if not (state := next_state(before, listed)):
                return
            after = before.move(state, listed=listed, claim=self._claim, **other_changes(before, state, listed, now))
            is_shown = state is not before.state or (state is State.RUNNING and before.claim != self._claim)
            begins = before.state is State.READY and state is State.RUNNING  # which has no entry
            entry = entry_of(after, now) if is_shown and not begins else None
            show = show_card(after, now, wait=timedelta(0)) if is_shown else None
            try:
                self.requests.move(before, after, entry, show)
            except errors.SupersededError:
                self._follow(self.requests.get(before.id))
            else:
                self.request = after
                return
