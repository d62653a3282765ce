"""From what was asked to a claimed request: authorize, open, confirm, cancel, expire."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.audit import Kind, entry_of, entry_of_ask
from bot.authorize import Allowlist, Authorized, Denied, authorize
from bot.errors import (
    AccountNotFoundError,
    DeniedError,
    NotYoursError,
    PoolChangedError,
    SupersededError,
    UnknownRequestError,
    UsageError,
)
from bot.find import MAX_CANDIDATES, Finder
from bot.ports import Clock, Groups, RequestStore
from bot.reason import ReasonRule
from bot.request import Account, Ask, Operator, SignOutRequest, State, new_id
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
    pool_ids: Mapping[str, str]
    finder: Finder
    store: RequestStore
    clock: Clock
    confirm_within: timedelta
    reason_rule: ReasonRule

    def authorize(self, ask: Ask) -> Authorized:
        """Return the proof that the operator may, in some pool.

        Raises `DeniedError` (and writes its audit entry). Asks Slack at most, never AWS.
        """
        return self._authorize(ask)

    def pools_of(self, authorized: Authorized, ask: Ask) -> Sequence[str]:
        """Return the pools to look in: the one that was named, or all that this operator may use.

        Raises `DeniedError` for one that they may not, and `UsageError` for one that is not configured.
        """
        mine = sorted(authorized.rules)
        named = ask.pool
        if ask.pool_id is not None:
            named = next((name for name, pool_id in self.pool_ids.items() if pool_id == ask.pool_id), "")
        if named is None:
            return mine
        if named not in self.allowlist.pools:
            raise UsageError(f"This bot knows no such pool. You may use: {', '.join(mine)}.")
        if named not in authorized.rules:
            raise self._refused(
                ask,
                f"not allowed in pool {named}",
                sentence=f"You may not do this in pool {named}. You may use: {', '.join(mine)}.",
            )
        return [named]

    def open(self, authorized: Authorized, pools: Sequence[str], ask: Ask) -> SignOutRequest:
        """Find the accounts that are meant, and store a request that awaits a choice or its confirmation.

        Raises `UsageError` for a reason that will not do, `AccountNotFoundError` or `PoolUnavailableError`; asks AWS.
        """
        self.reason_rule.check(ask.reason)
        rules = [authorized.rules[pool] for pool in pools]
        try:
            found = self.finder.find(ask, pools)
        except AccountNotFoundError:
            self.store.record(entry_of_ask(Kind.NOT_FOUND, ask, rules[0], self.clock.now()))
            raise
        now = self.clock.now()
        request = SignOutRequest(
            id=ask.id,
            state=State.AWAITING_CHOICE if len(found) > 1 else State.AWAITING_CONFIRMATION,
            operator=authorized.operator,
            source=ask.source,
            channel_id=ask.channel_id,
            target=ask.target,
            candidates=tuple(found[:MAX_CANDIDATES]),
            matches=len(found),
            chosen=found[0] if len(found) == 1 else None,
            reason=ask.reason,
            allowed_by="; ".join(sorted({authorized.rules[account.pool] for account in found})),
            created_at=now,
            expires_at=now + self.confirm_within,
            response_url=ask.response_url,
        )
        self.store.add(request, entry_of(request, now))
        return request

    def choose(self, request_id: str, number: int, presser: Operator) -> SignOutRequest:
        """Choose the candidate at `number`, from 0; it then awaits its confirmation. Raises as `confirm` does."""
        request = self._awaiting(request_id, presser, State.AWAITING_CHOICE)
        if number >= len(request.candidates):
            raise UnknownRequestError
        account = request.candidates[number]
        rule = self._rule_now(request, presser, account)
        now = self.clock.now()
        chosen = request.move(State.AWAITING_CONFIRMATION, chosen=account, allowed_by=rule)
        return self._advance(request, chosen, now)

    def confirm(self, request_id: str, presser: Operator, response_url: str | None) -> SignOutRequest:
        """Claim a request for signing out: exactly one of any number of presses gets past this.

        Raises `UnknownRequestError`, `NotYoursError`, `PoolChangedError`, `DeniedError`, or for a second or late press
        `AlreadyDecidedError`.
        """
        request = self._awaiting(request_id, presser, State.AWAITING_CONFIRMATION)
        rule = self._rule_now(request, presser, request.account)
        now = self.clock.now()
        self._expire_if_late(request, now)  # once more: asking Slack for a group takes time
        claimed = request.move(
            State.SIGNING_OUT,
            allowed_by=rule,
            claim_id=new_id(now),
            claimed_at=now,
            lease_until=now + LEASE,
            response_url=response_url,
        )
        return self._advance(request, claimed, now)

    def last_signed_out(self, request: SignOutRequest) -> SignOutRequest | None:
        """Return the request that signed the chosen account out before, or None."""
        return self.store.last_signed_out(request.chosen) if request.chosen else None

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

    def _rule_now(self, request: SignOutRequest, presser: Operator, account: Account) -> str:
        """Return the rule that allows the presser this account now."""
        if self.pool_ids.get(account.pool) != account.pool_id:
            raise PoolChangedError
        narrowed = self.allowlist.narrowed_to(account.pool)
        return self._authorize(_ask_again(request, presser), request, narrowed).rules[account.pool]

    def _awaiting(self, request_id: str, presser: Operator, *states: State) -> SignOutRequest:
        request = self.store.get(request_id)
        if request is None:
            raise UnknownRequestError
        if (presser.team_id, presser.id) != (request.operator.team_id, request.operator.id):
            ask, rule = _ask_again(request, presser), "pressed another's button"
            self.store.record(entry_of_ask(Kind.REFUSED, ask, rule, self.clock.now(), request.chosen))
            raise NotYoursError
        if not request.state.awaits_operator or (states and request.state not in states):
            raise AlreadyDecidedError(request)
        self._expire_if_late(request, self.clock.now())
        return request

    def _expire_if_late(self, request: SignOutRequest, now: datetime) -> None:
        if now >= request.expires_at:
            raise AlreadyDecidedError(self._advance(request, request.move(State.EXPIRED, ended_at=now), now))

    def _advance(self, before: SignOutRequest, after: SignOutRequest, now: datetime) -> SignOutRequest:
        try:
            self.store.advance(before, after, entry_of(after, now))
        except SupersededError:
            raise AlreadyDecidedError(self.store.get(before.id) or before) from None
        return after

    def _authorize(
        self, ask: Ask, request: SignOutRequest | None = None, allowlist: Allowlist | None = None
    ) -> Authorized:
        decision = authorize(ask.operator, allowlist or self.allowlist, self.groups.members, self.home_team())
        if isinstance(decision, Denied):
            raise self._refused(ask, decision.rule, request)
        return decision

    def _refused(
        self, ask: Ask, rule: str, request: SignOutRequest | None = None, sentence: str | None = None
    ) -> DeniedError:
        account = request.chosen if request else None
        self.store.record(entry_of_ask(Kind.REFUSED, ask, rule, self.clock.now(), account))
        return DeniedError(rule, sentence)


def _ask_again(request: SignOutRequest, presser: Operator) -> Ask:
    return Ask(
        id=request.id,
        operator=presser,
        source=request.source,
        channel_id=request.channel_id,
        target=request.target,
        pool=request.chosen.pool if request.chosen else None,
        reason=request.reason,
    )
