"""From what was asked to a decision: authorize, open, choose, confirm, cancel, expire."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.audit import Kind, entry_of, entry_of_ask
from bot.authorize import Allowlist, Authorized, Denied, authorize
from bot.deliver import show_card
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
from bot.ports import Clock, Groups, Place, Requests, Trail
from bot.reason import ReasonRule
from bot.request import AWAITING, Account, Ask, Earlier, Operator, Request, State
from bot.work import CLOCKS_AGREE_WITHIN

AT_ONCE = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Press:
    """A pressed button: on which request (and which of its candidates), by whom, and where the card is."""

    request_id: str
    operator: Operator
    place: Place | None = None
    number: int = 0


class AlreadyDecidedError(Exception):
    """A press on a card that no longer awaits it: show the request as it is."""

    def __init__(self, request: Request) -> None:
        self.request = request


@dataclass(frozen=True, kw_only=True)
class Confirmations:
    """The rules between a command and a decision. Safe to use from many threads at once.

    `home_team` tells the bot's workspace; no one is allowed while Slack has not said it (None).
    """

    allowlist: Allowlist
    groups: Groups
    home_team: Callable[[], str | None]
    pool_ids: Mapping[str, str]
    finder: Finder
    requests: Requests
    trail: Trail
    clock: Clock
    confirm_within: timedelta
    reason_rule: ReasonRule | None

    def authorize(self, ask: Ask, account: Account | None = None) -> Authorized:
        """Return the proof that the operator may, in some pool or in that of an account.

        Raises `DeniedError`. Asks Slack at most, never AWS.
        """
        pools = {account.pool: self.allowlist.pools[account.pool]} if account else self.allowlist.pools
        allowlist = replace(self.allowlist, pools=pools)
        decision = authorize(ask.operator, allowlist, self.groups.members, self.home_team())
        if isinstance(decision, Denied):
            sentence = f"You may no longer do this in pool {account.pool}." if account else None
            raise self._refused(ask, decision.rule, account, sentence)
        return decision

    def pools_of(self, authorized: Authorized, ask: Ask) -> Sequence[str]:
        """Return the pools to look in: the one that was named, or all that the operator may use.

        Raises `DeniedError` where they may not use it, and `UsageError` where it is not configured.
        """
        mine, named = sorted(authorized.rules), ask.options.pool
        if ask.options.pool_id is not None:
            named = next((name for name, pool_id in self.pool_ids.items() if pool_id == ask.options.pool_id), "")
        if named is None:
            return mine
        if named not in self.allowlist.pools:
            raise UsageError(f"This bot knows no such pool. You may use: {', '.join(mine)}.")
        if named not in authorized.rules:
            sentence = f"You may not do this in pool {named}. You may use: {', '.join(mine)}."
            raise self._refused(ask, f"not allowed in pool {named}", None, sentence)
        return [named]

    def open(self, authorized: Authorized, pools: Sequence[str], ask: Ask, place: Place | None) -> Request:
        """Find the accounts that are meant, and store a request that awaits a choice or its confirmation. Asks AWS.

        Raises `UsageError` for a reason that will not do, `AccountNotFoundError`, `PoolUnavailableError`, and
        `SupersededError` where this ask was opened before.
        """
        if self.reason_rule:
            self.reason_rule.check(ask.options.reason)
        try:
            found = self.finder.find(ask, pools)
        except AccountNotFoundError:
            rule = authorized.rules[pools[0]]
            self.trail.record(entry_of_ask(Kind.NOT_FOUND, ask, rule, self.clock.now()))
            raise
        chosen = found[0] if len(found) == 1 else None
        earlier, now = self._earlier(chosen), self.clock.now()
        request = Request(
            ask=ask,
            state=State.CONFIRMING if chosen else State.CHOOSING,
            candidates=tuple(found[:MAX_CANDIDATES]),
            matches=len(found),
            chosen=chosen,
            earlier=earlier,
            allowed_by="; ".join(sorted({authorized.rules[account.pool] for account in found})),
            created_at=now,
            expires_at=now + self.confirm_within,
        )
        self.requests.add(request, entry_of(request, now), show_card(request, now, place))
        return request

    def choose(self, press: Press) -> Request:
        """Choose the candidate at `number`, from 0; it then awaits its confirmation. Raises as `confirm` does."""
        request = self._awaiting(press, State.CHOOSING)
        if press.number >= len(request.candidates):
            raise UnknownRequestError
        account = request.candidates[press.number]
        change = {"chosen": account, "allowed_by": self._rule_now(request, account), "earlier": self._earlier(account)}
        return self._move(request, State.CONFIRMING, press.place, self._in_time(request, press.place), **change)

    def confirm(self, press: Press) -> Request:
        """Decide that a request is to be done: exactly one of any number of presses gets past this.

        Raises `UnknownRequestError`, `NotYoursError`, `PoolChangedError`, `DeniedError`, `AlreadyDecidedError`.
        """
        request = self._awaiting(press, State.CONFIRMING)
        rule = self._rule_now(request, request.account)
        now = self._in_time(request, press.place)  # again: asking Slack for a group takes time
        return self._move(request, State.READY, press.place, now, allowed_by=rule, decided_at=now)

    def cancel(self, press: Press) -> Request:
        """Cancel a request. Raises as `confirm` does, but needs no permission."""
        return self._end(self._awaiting(press), State.CANCELLED, press.place)

    def expire(self) -> None:
        """Expire the requests whose card was not pressed in time."""
        for request in self.requests.expired(self.clock.now() - CLOCKS_AGREE_WITHIN, AT_ONCE):
            with suppress(AlreadyDecidedError):
                self._end(request, State.EXPIRED, None)

    def _rule_now(self, request: Request, account: Account) -> str:
        """Return the rule that allows the operator this account now."""
        if self.pool_ids.get(account.pool) != account.pool_id:
            raise PoolChangedError
        return self.authorize(request.ask, account).rules[account.pool]

    def _awaiting(self, press: Press, *states: State) -> Request:
        request = self.requests.get(press.request_id)
        if request is None:
            raise UnknownRequestError
        who = request.ask.operator
        if (press.operator.team_id, press.operator.id) != (who.team_id, who.id):
            ask = replace(request.ask, operator=press.operator)
            rule = "pressed another's button"
            self.trail.record(entry_of_ask(Kind.REFUSED, ask, rule, self.clock.now(), request.chosen))
            raise NotYoursError
        if request.state not in AWAITING or (states and request.state not in states):
            raise AlreadyDecidedError(request)
        self._in_time(request, press.place)
        return request

    def _in_time(self, request: Request, place: Place | None) -> datetime:
        """Return a time at which the wait for a press had not ended; where it has, expire the request."""
        now = self.clock.now()
        if now >= request.expires_at:
            raise AlreadyDecidedError(self._end(request, State.EXPIRED, place))
        return now

    def _end(self, request: Request, state: State, place: Place | None) -> Request:
        now = self.clock.now()
        return self._move(request, state, place, now, ended_at=now)

    def _move(self, before: Request, state: State, place: Place | None, at: datetime, **changes: object) -> Request:
        after = before.move(state, **changes)
        try:
            self.requests.move(before, after, entry_of(after, at), show_card(after, at, place))
        except SupersededError:
            raise AlreadyDecidedError(self.requests.get(before.id) or before) from None
        return after

    def _earlier(self, account: Account | None) -> Earlier | None:
        last = self.requests.last_signed_out(account) if account else None
        return Earlier(at=last.ended_at, by=last.ask.operator.name) if last and last.ended_at else None

    def _refused(self, ask: Ask, rule: str, account: Account | None, sentence: str | None = None) -> DeniedError:
        self.trail.record(entry_of_ask(Kind.REFUSED, ask, rule, self.clock.now(), account))
        return DeniedError(rule, sentence)
