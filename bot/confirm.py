"""From what was asked to a claimed request: authorize, open, confirm, cancel, expire."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from ulid import ULID

from bot.audit import Kind, entry_of, entry_without_request
from bot.authorize import Allowlist, Authorized, Denied, authorize
from bot.errors import (
    AccountNotFoundError,
    DeniedError,
    NotYoursError,
    SupersededError,
    UnknownRequestError,
    UsageError,
)
from bot.ports import Clock, Groups, RequestStore, UserPool
from bot.request import Ask, Operator, SignOutRequest, State
from bot.sign_out import LEASE


class AlreadyDecidedError(Exception):
    """A press on a card that no longer awaits one: show the request as it stands."""

    def __init__(self, request: SignOutRequest) -> None:
        super().__init__(request.state)
        self.request = request


@dataclass(frozen=True, kw_only=True)
class Confirmations:
    """The rules between a command and a claim. Safe to use from many threads at once.

    `home_team` tells the workspace the bot is installed in, or None while Slack has not yet said; nobody is allowed
    then.
    """

    allowlist: Allowlist
    groups: Groups
    home_team: Callable[[], str | None]
    pools: Mapping[str, UserPool]
    store: RequestStore
    clock: Clock
    confirm_within: timedelta

    def authorize(self, ask: Ask) -> tuple[Authorized, str]:
        """Return the proof that the operator may, and the pool to look in.

        Raises `DeniedError` (and writes its audit entry), or `UsageError` where the pool is not clear. Asks Slack at
        most, never AWS.
        """
        authorized = self._authorize(ask)
        mine = ", ".join(sorted(authorized.rules))
        if ask.pool is None:
            if len(authorized.rules) > 1:
                raise UsageError(f"Say which pool with --pool NAME. You may use: {mine}.")
            return authorized, next(iter(authorized.rules))
        if ask.pool not in self.allowlist.pools:
            raise UsageError(f"There is no pool of that name. You may use: {mine}.")
        if ask.pool not in authorized.rules:
            raise self._refused(ask, f"not allowed in pool {ask.pool}")
        return authorized, ask.pool

    def open(self, authorized: Authorized, pool: str, ask: Ask) -> SignOutRequest:
        """Find the account and store a request that awaits its confirmation.

        Raises `AccountNotFoundError` or `PoolUnavailableError`; asks AWS.
        """
        try:
            account = self.pools[pool].find(ask.target)
        except AccountNotFoundError:
            entry = entry_without_request(Kind.NOT_FOUND, ask, authorized.rules[pool], self.clock.now())
            self.store.record(entry)
            raise
        now = self.clock.now()
        request = SignOutRequest(
            id=str(ULID()),
            state=State.AWAITING_CONFIRMATION,
            operator=authorized.operator,
            source=ask.source,
            channel_id=ask.channel_id,
            target=ask.target,
            account=account,
            reason=ask.reason,
            allowed_by=authorized.rules[pool],
            created_at=now,
            expires_at=now + self.confirm_within,
            response_url=ask.response_url,
        )
        self.store.add(request, entry_of(request, now))
        return request

    def confirm(self, request_id: str, presser: Operator, response_url: str | None) -> SignOutRequest:
        """Claim a request for signing out: exactly one of any number of presses gets past this.

        Raises `UnknownRequestError`, `NotYoursError`, `DeniedError`, or for a second or late press
        `AlreadyDecidedError`.
        """
        request = self._awaiting(request_id, presser)
        authorized = self._authorize(_ask_again(request, presser), request)
        rule = authorized.rules.get(request.account.pool)
        if rule is None:
            raise self._refused(_ask_again(request, presser), "no longer allowed in this pool", request)
        self._expire_if_late(request)  # once more: asking Slack for a group takes time
        now = self.clock.now()
        claimed = request.move(
            State.SIGNING_OUT,
            allowed_by=rule,
            claim_id=str(uuid4()),
            claimed_at=now,
            lease_until=now + LEASE,
            response_url=response_url,
        )
        return self._advance(request, claimed, now)

    def cancel(self, request_id: str, presser: Operator) -> SignOutRequest:
        """Cancel a request. Raises as `confirm` does, but asks nobody's permission."""
        request = self._awaiting(request_id, presser)
        now = self.clock.now()
        return self._advance(request, request.move(State.CANCELLED, ended_at=now), now)

    def expire(self) -> None:
        """Expire every request whose card was not pressed in time."""
        now = self.clock.now()
        for request in self.store.expired(now):
            try:
                self._advance(request, request.move(State.EXPIRED, ended_at=now), now)
            except AlreadyDecidedError:
                continue

    def _awaiting(self, request_id: str, presser: Operator) -> SignOutRequest:
        request = self.store.get(request_id)
        if request is None:
            raise UnknownRequestError
        if (presser.team_id, presser.id) != (request.operator.team_id, request.operator.id):
            ask = _ask_again(request, presser)
            self.store.record(
                entry_without_request(Kind.REFUSED, ask, "pressed another's button", self.clock.now(), request)
            )
            raise NotYoursError
        if not request.state.awaits_operator:
            raise AlreadyDecidedError(request)
        self._expire_if_late(request)
        return request

    def _expire_if_late(self, request: SignOutRequest) -> None:
        now = self.clock.now()
        if now >= request.expires_at:
            raise AlreadyDecidedError(self._advance(request, request.move(State.EXPIRED, ended_at=now), now))

    def _advance(self, before: SignOutRequest, after: SignOutRequest, now: datetime) -> SignOutRequest:
        try:
            self.store.advance(before, after, entry_of(after, now))
        except SupersededError:
            raise AlreadyDecidedError(self.store.get(before.id) or before) from None
        return after

    def _authorize(self, ask: Ask, request: SignOutRequest | None = None) -> Authorized:
        decision = authorize(ask.operator, self.allowlist, self.groups.members, self.home_team())
        if isinstance(decision, Denied):
            raise self._refused(ask, decision.rule, request)
        return decision

    def _refused(self, ask: Ask, rule: str, request: SignOutRequest | None = None) -> DeniedError:
        self.store.record(entry_without_request(Kind.REFUSED, ask, rule, self.clock.now(), request))
        return DeniedError(rule)


def _ask_again(request: SignOutRequest, presser: Operator) -> Ask:
    return Ask(
        operator=presser,
        source=request.source,
        channel_id=request.channel_id,
        target=request.target,
        pool=request.account.pool,
        reason=request.reason,
    )
