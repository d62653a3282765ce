"""The second person: when one is needed, who that may be, and what they decide."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from bot import errors
from bot.authorize import Allowed, Allowlist, Authorized, Denied, authorize
from bot.decide import AlreadyDecidedError, Decisions, Press
from bot.limits import Limits, counted
from bot.request import Approval, Request, State

NO_ONE = Allowlist(Allowed(), {}, table="approve")
OWN = "You asked for this, so someone else has to approve or deny it. Your press did nothing. Cancel it in your card."
NOT_AN_APPROVER = "You are not on the list of people who may approve this. Your press did nothing."


@dataclass(frozen=True, kw_only=True, slots=True)
class ApprovalSettings:
    """What a pool's settings say of a second person: for which actions one is always needed, where, and how long."""

    channel_id: str
    actions: frozenset[str] = frozenset()
    above: int | None = None  # for lists of more accounts one is always needed
    within: timedelta = timedelta(minutes=15)


@dataclass(frozen=True, kw_only=True)
class Approvers(Decisions):
    """Who may approve."""

    approvers: Allowlist = NO_ONE

    def as_approver(self, press: Press, request: Request) -> Authorized | Denied:
        """Return the proof that the presser may approve what is asked of the request's pool, or why not."""
        pool = (request.listed or request.account).pool
        if pool not in self.approvers.pools:
            raise errors.PoolChangedError
        approvers = replace(self.approvers, pools={pool: self.approvers.pools[pool]})
        return authorize(press.operator, approvers, partial(self.members, press.operator.id), self.home())


@dataclass(frozen=True, kw_only=True)
class Approvals(Approvers):
    """The rules between the operator's press and the second person's. Each press is one conditional write.

    A press raises `UnknownRequestError`, `PoolChangedError`, `DeniedError`, `AlreadyDecidedError`, and what
    `clock.error` returns.
    """

    limits: Limits = field(default_factory=Limits)

    def may(self, press: Press) -> Request:
        """Return the request, if the presser may approve or deny it. Asks Slack at most, never AWS."""
        return self._request(press)[0]

    def approve(self, press: Press) -> Request:
        """Decide that a request is to be done."""

        def ready(request: Request, approval: Approval, now: datetime) -> Request:
            windows = self.limits.count(request.ask.operator, counted(request), now).windows
            return self._move(request, State.READY, None, now, windows, approval=approval, decided_at=now)

        return self._decided(press, ready)

    def deny(self, press: Press) -> Request:
        """End a request with a no."""

        def denied(request: Request, approval: Approval, now: datetime) -> Request:
            approval = replace(approval, reason=press.reason)
            return self._move(request, State.DENIED, None, now, approval=approval, ended_at=now)

        return self._decided(press, denied)

    def _decided(self, press: Press, decide: Callable[[Request, Approval, datetime], Request]) -> Request:
        request, approver = self._request(press)
        ((_, rule),) = approver.rules.items()
        while True:
            now = self._in_time(request, None)
            approval = replace(_asked(request), approver=approver.operator, rule=rule, at=now)
            try:
                return decide(request, approval, now)
            except errors.CountChangedError:  # another decision was counted at the same moment
                continue

    def _request(self, press: Press) -> tuple[Request, Authorized]:
        request = self._stored(press)
        ask, account = replace(request.ask, operator=press.operator), request.chosen
        if press.operator.id == request.ask.operator.id:  # also where they pressed in another workspace
            raise self.refused(ask, Denied("pressed Approve or Deny on their own request"), account, OWN)
        if not account and not request.listed:
            raise errors.PoolChangedError
        decision = self.as_approver(press, request)
        if isinstance(decision, Denied):
            pressed = replace(decision, rule=f"pressed Approve or Deny: {decision.rule}")
            raise self.refused(ask, pressed, account, NOT_AN_APPROVER)
        if request.state is not State.APPROVING:
            raise AlreadyDecidedError(request)
        return request, decision


def _asked(request: Request) -> Approval:
    if request.approval is None:
        raise LookupError("no one was asked to approve this")
    return request.approval


def has_approvers(approvers: Allowlist, pool: str, asker: str = "") -> bool:
    """Whether someone other than the `asker` may approve what is asked of a pool; a group may have someone else."""
    listed = approvers.of(pool)
    return bool(listed.users - {asker} or listed.groups)
