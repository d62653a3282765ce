"""What every press goes through: whose it is, whether it is in time, and the one move that it makes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from bot import errors
from bot.account import Account
from bot.audit import Kind, entry_of, entry_of_ask
from bot.authorize import NO_ONE, NOT_TOLD, Allowlist, Authorized, Denied, Home, Members, authorize
from bot.deliver import SHOWN_HERE, show_card
from bot.limits import Limits, Window
from bot.ports import Place, SureClock
from bot.request import AWAITING, Ask, Operator, Request, State
from bot.store_ports import Requests, Trail
from bot.work import CLOCKS_AGREE_WITHIN

# The most that the settings `confirm_within` and `approve.within` may be: no wait for a press is ever longer.
LONGEST_WAIT, LONGEST_APPROVAL = timedelta(minutes=25), timedelta(minutes=60)
_LONGEST: Mapping[State, timedelta] = {State.APPROVING: LONGEST_APPROVAL}


@dataclass(frozen=True, kw_only=True, slots=True)
class Press:
    """A pressed button: on which request (and which of its candidates or sessions), by whom, and where the card is.

    `action` is another one than was asked for, if its button was pressed. `reason` goes with a no.
    """

    request_id: str
    operator: Operator
    place: Place | None = None
    number: int = 0
    action: str | None = None
    reason: str | None = None


@dataclass(eq=False)
class AlreadyDecidedError(Exception):
    """The request no longer waits for this press. Show it as it is now: `request`."""

    request: Request


@dataclass(frozen=True, kw_only=True)
class Decisions:
    """What the rules for presses share. Safe to use from many threads at once."""

    members: Members
    home: Callable[[], Home | None]  # whose people may; None while Slack has not said it: no one is allowed
    requests: Requests
    trail: Trail
    clock: SureClock
    approvers: Allowlist = NO_ONE
    limits: Limits = field(default_factory=Limits)

    def as_approver(self, press: Press, request: Request) -> Authorized | Denied:
        """Return the proof that the presser may approve what is asked of the request's pool, or why not."""
        pool = request.subject.pool
        if pool not in self.approvers.pools:
            raise errors.PoolChangedError
        return authorize(press.operator, self.approvers.within([pool]), self.members, self.home())

    def _stored(self, press: Press) -> Request:
        request = self.requests.get(press.request_id)
        if request is None:
            raise errors.UnknownRequestError
        return request

    def _awaiting(self, press: Press, *states: State) -> Request:
        """Return the pressed request. Raises unless who asked for it pressed, in time, and it waits for this press."""
        request = self._stored(press)
        self._check_presser(press, request)
        if request.state not in (states or AWAITING):
            raise AlreadyDecidedError(request)
        self._in_time(request, press.place)
        return request

    def _check_presser(self, press: Press, request: Request) -> None:
        """Raise unless this is the operator who asked."""
        if not self._is_asker(press.operator, request):
            ask = replace(request.ask, operator=press.operator)
            self.refused(ask, Denied("pressed another's button"), request.chosen)
            raise errors.NotYoursError

    def _is_asker(self, presser: Operator, request: Request) -> bool:
        """Whether this is the operator who asked. In another workspace their id may be someone else's.

        Raises `DeniedError` where Slack could not tell.
        """
        who, home = request.ask.operator, self.home()
        if presser.id != who.id or presser.team_id == who.team_id:
            return presser.id == who.id
        person = home.person(presser) if home else NOT_TOLD
        if person is NOT_TOLD:
            raise self.refused(replace(request.ask, operator=presser), NOT_TOLD, request.chosen)
        return bool(home and isinstance(person, Operator) and person.team_id == home.known(who).team_id)

    def _in_time(self, request: Request, place: Place | None) -> datetime:
        """Return the current time. If the wait is over, expire the request and raise `AlreadyDecidedError`."""
        now = self.clock.now()
        if error := self.clock.error():  # again: the clock may have been set while Slack was asked
            raise error
        # The second limit: nothing waits for longer, so a later `expires_at` is a wrong clock's.
        longest = _LONGEST.get(request.state, LONGEST_WAIT) + CLOCKS_AGREE_WITHIN
        if not now < request.expires_at <= now + longest:
            raise AlreadyDecidedError(self._end(request, State.EXPIRED, place))
        return now

    def _end(self, request: Request, state: State, place: Place | None, **changes: Any) -> Request:
        now = self.clock.now()
        return self._move(request, state, place, now, ended_at=now, **changes)

    def _move(
        self,
        before: Request,
        state: State,
        place: Place | None,
        at: datetime,
        counted: Sequence[Window] = (),
        **changes: Any,
    ) -> Request:
        """Make a move, its entry and its count in one write. Raises `AlreadyDecidedError`, `CountChangedError`."""
        # Where someone's other sessions are is kept no longer than the card that shows them.
        after = before.move(state, sessions=None, **changes)
        wait = SHOWN_HERE if place or not after.approval else timedelta(0)  # who approves or denies shows no card
        try:
            self.requests.move(before, after, entry_of(after, at), show_card(after, at, place, wait), counted)
        except errors.SupersededError:
            raise AlreadyDecidedError(self.requests.get(before.id) or before) from None
        return after

    def refused(
        self, ask: Ask, denied: Denied, account: Account | None = None, sentence: str | None = None
    ) -> errors.DeniedError:
        """Record a refusal; return the error that tells of it, and nothing of the rule."""
        if home := self.home():
            ask = replace(ask, operator=home.known(ask.operator))
        self.trail.record(entry_of_ask(Kind.REFUSED, ask, denied.rule, self.clock.now(), account))
        return errors.DeniedError(denied.sentence or sentence)
