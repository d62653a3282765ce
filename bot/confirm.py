"""From what was asked to a decision: authorize, open, choose, confirm, cancel, expire."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from bot import errors
from bot.audit import Kind, entry_of, entry_of_ask
from bot.authorize import NOT_TOLD, Allowlist, Authorized, Denied, Home, authorize
from bot.deliver import show_card
from bot.find import MAX_CANDIDATES, Finder, Found
from bot.ports import Beyond, Clock, Place, Requests, Trail, nothing_is
from bot.reason import ReasonRule
from bot.request import AWAITING, Account, Ask, Earlier, Operator, Options, Request, State
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
    home: Callable[[], Home | None]  # whose people may; None while Slack has not said it: no one is allowed
    pool_ids: Mapping[str, str]
    regions: Mapping[str, str]  # of the pools; two of them may share an id in different ones
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

        These are the pools that were named, or all that they may use. Raises `DeniedError`, `PoolChangedError`, and
        `UsageError` for a pool that is not configured. Asks Slack at most, never AWS.
        """
        if account and not self._is_where_it_was(account):
            raise errors.PoolChangedError
        pools = {account.pool: self.allowlist.pools[account.pool]} if account else self.allowlist.pools
        allowlist = replace(self.allowlist, pools=pools)
        decision = authorize(ask.operator, allowlist, partial(self.members, ask.operator.id), self.home())
        if isinstance(decision, Denied):
            sentence = f"You may no longer do this in pool {account.pool}." if account else None
            raise self._refused(ask, decision, account, sentence)
        named = ask.options.pool is not None or ask.options.pool_id is not None or ask.options.region is not None
        return self._in_named_pools(decision, ask) if named and not account else decision

    def _is_where_it_was(self, account: Account) -> bool:
        name = account.pool
        return (self.pool_ids.get(name), self.regions.get(name)) == (account.pool_id, account.region)

    def _in_named_pools(self, authorized: Authorized, ask: Ask) -> Authorized:
        ask, mine = replace(ask, operator=authorized.operator), sorted(authorized.rules)
        named = self._named(ask.options, mine)
        if any(name in authorized.rules for name in named):
            return authorized.only(named)
        allowlist = replace(self.allowlist, pools={name: self.allowlist.pools[name] for name in named})
        # Again, since a group of this pool may not have been listed.
        decision = authorize(ask.operator, allowlist, partial(self.members, ask.operator.id), self.home())
        if isinstance(decision, Authorized):
            return decision
        denied = decision if decision.unsure else Denied(f"not allowed in pool {' or '.join(named)}")
        by_region = ask.options.pool is None and ask.options.pool_id is None
        where = "in that region" if by_region else f"in pool {' or '.join(named)}"
        raise self._refused(ask, denied, None, f"You may not do this {where}. You may use: {', '.join(mine)}.")

    def _named(self, options: Options, mine: Sequence[str]) -> Sequence[str]:
        """Return the pools that options name. Raises `UsageError` where there are none; it tells only of `mine`."""
        ids = [
            name
            for name in self.allowlist.pools
            if options.pool in {None, name} and options.pool_id in {None, self.pool_ids.get(name)}
        ]
        if not ids:
            raise errors.UsageError(f"This bot knows no such pool. You may use: {', '.join(mine)}.")
        named = [name for name in ids if options.region in {None, self.regions.get(name)}]
        if not named:
            mine = [f"{name} ({self.regions[name]})" for name in mine]
            raise errors.UsageError(f"This bot knows no such pool in that region. You may use: {', '.join(mine)}.")
        return named

    def open(self, authorized: Authorized, ask: Ask, place: Place | None) -> Request:
        """Look in AWS for the account, and store a request that awaits a press. Raises as `Finder.find` does.

        Also `UsageError` for a reason that will not do, and `SupersededError` where this ask was opened before.
        """
        ask = replace(ask, operator=authorized.operator)
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
        self._check_presser(press.operator, request)
        if request.state not in AWAITING or (states and request.state not in states):
            raise AlreadyDecidedError(request)
        self._in_time(request, press.place)
        return request

    def _check_presser(self, presser: Operator, request: Request) -> None:
        """Raise unless the operator who asked pressed, from any workspace. Someone elsewhere may have their user id."""
        who, home = request.ask.operator, self.home()
        if (presser.team_id, presser.id) == (who.team_id, who.id):
            return
        ask, person = replace(request.ask, operator=presser), presser
        if presser.id == who.id:
            if home is None or (ours := home.person(presser)) is None:
                raise self._refused(ask, NOT_TOLD, request.chosen)
            who, person = home.known(who), ours
        if (person.team_id, person.id) != (who.team_id, who.id):
            self._refused(ask, Denied("pressed another's button"), request.chosen)
            raise errors.NotYoursError

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
        if home := self.home():
            ask = replace(ask, operator=home.known(ask.operator))
        self.trail.record(entry_of_ask(Kind.REFUSED, ask, denied.rule, self.clock.now(), account))
        return errors.DeniedError(denied.rule, denied.sentence or sentence)
