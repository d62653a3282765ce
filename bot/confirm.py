"""From what was asked to a decision: authorize, open, choose, confirm, cancel, expire."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from bot import errors
from bot.audit import Kind, entry_of, entry_of_ask
from bot.authorize import Allowlist, Authorized, Denied, authorize
from bot.deliver import show_card
from bot.find import MAX_CANDIDATES, Finder, Found
from bot.ports import Beyond, Clock, Place, Requests, Trail, nothing_is
from bot.reason import ReasonRule
from bot.request import AWAITING, Account, Ask, Earlier, Operator, Request, State
from bot.work import AT_ONCE, CLOCKS_AGREE_WITHIN

LONGEST_WAIT = timedelta(minutes=25)  # no `confirm_within` is longer, before a change of the settings or after it


@dataclass(frozen=True, kw_only=True, slots=True)
class Press:
    """A pressed button: on which request (and which of its candidates), by whom, and where the card is."""

    request_id: str
    operator: Operator
    place: Place | None = None
    number: int = 0


@dataclass(eq=False)
class AlreadyDecidedError(Exception):
    """A press on a card that no longer awaits it: show the request as it is."""

    request: Request


@dataclass(frozen=True, kw_only=True)
class Confirmations:
    """The rules between a command and a decision. Safe to use from many threads at once.

    A press raises `UnknownRequestError`, `NotYoursError`, `AlreadyDecidedError`, and what `authorize` raises. A press
    and `open` raise what `clock_error` returns.
    """

    allowlist: Allowlist
    members: Callable[[str, str], frozenset[str] | None]  # who asks, and of which group
    home_team: Callable[[], str | None]  # the bot's workspace; None while Slack has not said it: no one is allowed
    pool_ids: Mapping[str, str]
    finder: Finder
    requests: Requests
    trail: Trail
    clock: Clock
    confirm_within: timedelta
    reason_rule: ReasonRule | None
    beyond: Beyond = nothing_is
    clock_error: Callable[[], errors.BotError | None] = lambda: None

    def authorize(self, ask: Ask, account: Account | None = None) -> Authorized:
        """Return the proof that the operator may act: on an account, or without one in the pools of its `rules`.

        These are the pool that was named, or all that they may use. Raises `DeniedError`, `PoolChangedError`, and
        `UsageError` for a pool that is not configured. Asks Slack at most, never AWS.
        """
        if account and self.pool_ids.get(account.pool) != account.pool_id:
            raise errors.PoolChangedError
        pools = {account.pool: self.allowlist.pools[account.pool]} if account else self.allowlist.pools
        allowlist = replace(self.allowlist, pools=pools)
        decision = authorize(ask.operator, allowlist, partial(self.members, ask.operator.id), self.home_team())
        if isinstance(decision, Denied):
            sentence = f"You may no longer do this in pool {account.pool}." if account else None
            raise self._refused(ask, decision, account, sentence)
        anywhere = account or (ask.options.pool is None and ask.options.pool_id is None)
        return decision if anywhere else self._in_named_pool(decision, ask)

    def _in_named_pool(self, authorized: Authorized, ask: Ask) -> Authorized:
        named, mine = ask.options.pool, ", ".join(sorted(authorized.rules))
        if ask.options.pool_id is not None:
            named = next((name for name, pool_id in self.pool_ids.items() if pool_id == ask.options.pool_id), None)
        if named is None or named not in self.allowlist.pools:
            raise errors.UsageError(f"This bot knows no such pool. You may use: {mine}.")
        if named in authorized.rules:
            return authorized.only(named)
        allowlist = replace(self.allowlist, pools={named: self.allowlist.pools[named]})
        # Again, since a group of this pool may not have been listed.
        decision = authorize(ask.operator, allowlist, partial(self.members, ask.operator.id), self.home_team())
        if isinstance(decision, Authorized):
            return decision
        denied = decision if decision.unsure else Denied(f"not allowed in pool {named}")
        raise self._refused(ask, denied, None, f"You may not do this in pool {named}. You may use: {mine}.")

    def open(self, authorized: Authorized, ask: Ask, place: Place | None) -> Request:
        """Look in AWS for the account, and store a request that awaits a press. Raises as `Finder.find` does.

        Also `UsageError` for a reason that will not do, and `SupersededError` where this ask was opened before.
        """
        if self.reason_rule:
            self.reason_rule.check(ask.options.reason)
        looked_up_at, looked_up = self.clock.now(), self._found(authorized, ask)
        found = looked_up.accounts
        chosen = found[0] if len(found) == 1 else None
        earlier, now = self._earlier(chosen), self.clock.now()
        if error := self.clock_error():  # again: the clock may have been set while AWS was asked
            raise error
        request = Request(
            ask=ask,
            state=State.CONFIRMING if chosen else State.CHOOSING,
            candidates=tuple(found[:MAX_CANDIDATES]),
            matches=len(found),
            chosen=chosen,
            searched_as=looked_up.searched_as,
            earlier=earlier,
            allowed_by="; ".join(sorted({authorized.rules[account.pool] for account in found})),
            looked_up_at=looked_up_at,
            created_at=now,
            expires_at=now + self.confirm_within,
        )
        self.requests.add(request, entry_of(request, now), show_card(request, now, place))
        return request

    def _found(self, authorized: Authorized, ask: Ask) -> Found:
        try:
            return self.finder.find(ask, sorted(authorized.rules))
        except errors.AccountNotFoundError:
            _, rule = min(authorized.rules.items())
            self.trail.record(entry_of_ask(Kind.NOT_FOUND, ask, rule, self.clock.now()))
            raise

    def choose(self, press: Press) -> Request:
        """Choose the candidate at `number`, from 0; it then awaits its confirmation."""
        request = self._awaiting(press, State.CHOOSING)
        if press.number >= len(request.candidates):
            raise errors.UnknownRequestError
        account = request.candidates[press.number]
        rule, earlier = self.authorize(request.ask, account).rules[account.pool], self._earlier(account)
        now = self._in_time(request, press.place)  # again: asking Slack for a group takes time
        return self._move(request, State.CONFIRMING, press.place, now, chosen=account, allowed_by=rule, earlier=earlier)

    def confirm(self, press: Press) -> Request:
        """Decide that a request is to be done. Of any number of presses exactly one succeeds here."""
        request = self._awaiting(press, State.CONFIRMING)
        rule = self.authorize(request.ask, request.account).rules[request.account.pool]
        now = self._in_time(request, press.place)  # again, as in `choose`
        return self._move(request, State.READY, press.place, now, allowed_by=rule, decided_at=now)

    def cancel(self, press: Press) -> Request:
        """Cancel a request. It needs no permission."""
        return self._end(self._awaiting(press), State.CANCELLED, press.place)

    def expire(self) -> None:
        """Expire the requests whose card was not pressed in time."""
        now, beyond = self.clock.now(), self.beyond(LONGEST_WAIT + CLOCKS_AGREE_WITHIN)
        for request in self.requests.expired(now - CLOCKS_AGREE_WITHIN, AT_ONCE, beyond):
            with suppress(AlreadyDecidedError):
                self._end(request, State.EXPIRED, None)

    def _awaiting(self, press: Press, *states: State) -> Request:
        request = self.requests.get(press.request_id)
        if request is None:
            raise errors.UnknownRequestError
        who = request.ask.operator
        if (press.operator.team_id, press.operator.id) != (who.team_id, who.id):
            ask = replace(request.ask, operator=press.operator)
            self._refused(ask, Denied("pressed another's button"), request.chosen)
            raise errors.NotYoursError
        if request.state not in AWAITING or (states and request.state not in states):
            raise AlreadyDecidedError(request)
        self._in_time(request, press.place)
        return request

    def _in_time(self, request: Request, place: Place | None) -> datetime:
        """Return the present time. Where the wait for a press is over, expire the request: `AlreadyDecidedError`."""
        now = self.clock.now()
        if error := self.clock_error():  # again: the clock may have been set while Slack was asked
            raise error
        # The second limit: no card waits for longer, so a later `expires_at` is a wrong clock's.
        if not now < request.expires_at <= now + LONGEST_WAIT + CLOCKS_AGREE_WITHIN:
            raise AlreadyDecidedError(self._end(request, State.EXPIRED, place))
        return now

    def _end(self, request: Request, state: State, place: Place | None) -> Request:
        now = self.clock.now()
        return self._move(request, state, place, now, ended_at=now)

    def _move(self, before: Request, state: State, place: Place | None, at: datetime, **changes: object) -> Request:
        after = before.move(state, **changes)
        try:
            self.requests.move(before, after, entry_of(after, at), show_card(after, at, place))
        except errors.SupersededError:
            raise AlreadyDecidedError(self.requests.get(before.id) or before) from None
        return after

    def _earlier(self, account: Account | None) -> Earlier | None:
        last = self.requests.last_signed_out(account) if account else None
        return Earlier(at=last.ended_at, by=last.ask.operator.name) if last and last.ended_at else None

    def _refused(
        self, ask: Ask, denied: Denied, account: Account | None, sentence: str | None = None
    ) -> errors.DeniedError:
        self.trail.record(entry_of_ask(Kind.REFUSED, ask, denied.rule, self.clock.now(), account))
        return errors.DeniedError(denied.rule, errors.DeniedError.UNSURE if denied.unsure else sentence)
