"""The second person: who that may be, and what they decide. `Confirmations.needs` says when one is needed."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from bot import errors
from bot.authorize import Allowlist, Authorized, Denied
from bot.decide import AlreadyDecidedError, Decisions, Press
from bot.limits import counted
from bot.request import Approval, Request, State

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
class Approvals(Decisions):
    """The rules between the operator's press and the second person's. Each press is one conditional write.

    A press raises `UnknownRequestError`, `PoolChangedError`, `DeniedError`, `AlreadyDecidedError`, and what
    `clock.error` returns.
    """

    def may(self, press: Press) -> Request:
        """Return the request, if the presser may approve or deny it. Asks Slack at most, never AWS."""
        return self._request(press)[0]

    def approve(self, press: Press) -> Request:
        """Decide that a request is to be done."""
        request, approval = self._answered(press)
        while True:
            now = self._in_time(request, None)
            approval, count = replace(approval, at=now), self.limits.count(request.ask.operator, counted(request), now)
            with suppress(errors.CountChangedError):  # another decision was counted at the same moment
                return self._move(request, State.READY, None, now, count.windows, approval=approval, decided_at=now)

    def deny(self, press: Press) -> Request:
        """End a request with a no."""
        request, approval = self._answered(press)
        now = self._in_time(request, None)
        approval = replace(approval, at=now, reason=press.reason)
        return self._move(request, State.DENIED, None, now, approval=approval, ended_at=now)

    def _answered(self, press: Press) -> tuple[Request, Approval]:
        """Return the request, and its approval with who pressed."""
        request, approver = self._request(press)
        if request.approval is None:
            raise LookupError("no one was asked to approve this")
        ((_, rule),) = approver.rules.items()
        return request, replace(request.approval, approver=approver.operator, rule=rule)

    def _request(self, press: Press) -> tuple[Request, Authorized]:
        request = self._stored(press)
        ask, account = replace(request.ask, operator=press.operator), request.chosen
        if press.operator.id == request.ask.operator.id:  # also where they pressed in another workspace
            raise self.refused(ask, Denied("pressed Approve or Deny on their own request"), account, OWN)
        if not account and not request.listed:  # no one was asked to approve it
            raise errors.UnknownRequestError
        decision = self.as_approver(press, request)
        if isinstance(decision, Denied):
            pressed = replace(decision, rule=f"pressed Approve or Deny: {decision.rule}")
            raise self.refused(ask, pressed, account, NOT_AN_APPROVER)
        if request.state is not State.APPROVING:
            raise AlreadyDecidedError(request)
        return request, decision


def has_approvers(approvers: Allowlist, pool: str, asker: str = "") -> bool:
    """Whether someone other than the `asker` may approve what is asked of a pool; a group may have someone else."""
    allowed = approvers.of(pool)
    return bool(allowed.users - {asker} or allowed.groups)
