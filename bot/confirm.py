"""From what was asked to a decision: authorize, open, choose, confirm, cancel, expire."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from bot import errors
from bot.audit import Kind, entry_of, entry_of_ask
from bot.authorize import NOT_TOLD, Allowlist, Authorized, Denied, Home, authorize
from bot.deliver import show_card
from bot.find import MAX_CANDIDATES, Finder, Found, pool_of
from bot.options import ReasonRule
from bot.ports import Place, Requests, SureClock, Trail
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
    and `open` raise what `clock.error` returns.
    """

    allowlist: Allowlist
    members: Callable[[str, str], frozenset[str] | None]  # who asks, and of which group
    home: Callable[[], Home | None]  # whose people may; None while Slack has not said it: no one is allowed
    finder: Finder
    requests: Requests
    trail: Trail
    clock: SureClock
    confirm_within: timedelta
    reason_rule: ReasonRule | None

    def authorize(self, ask: Ask, account: Account | None = None) -> Authorized:
        """Return the proof that the operator may act: on an account, or without one in the pools of its `rules`.

        These are the pools that were named, or all that they may use. Raises `DeniedError`, `PoolChangedError`, and
        `UsageError` for a pool that is not configured. Asks Slack at most, never AWS.
        """
        if account and not pool_of(account, self.finder.pools):
            raise errors.PoolChangedError
        named = [account.pool] if account else self._named(ask.options)
        decision = self._may(ask, named)
        if isinstance(decision, Authorized):
            return decision
        if account:
            raise self._refused(ask, decision, account, f"You may no longer do this in pool {account.pool}.")
        anywhere = decision if len(named) == len(self.finder.pools) else self._may(ask, self.finder.pools)
        if isinstance(anywhere, Denied):
            raise self._refused(ask, anywhere)
        raise self._not_there(replace(ask, operator=anywhere.operator), decision, named, sorted(anywhere.rules))

    def _named(self, options: Options) -> Sequence[str]:
        return [
            name
            for name, pool in self.finder.pools.items()
            if options.pool in {None, name}
            and options.pool_id in {None, pool.pool_id}
            and options.region in {None, pool.region}
        ]

    def _may(self, ask: Ask, pools: Iterable[str]) -> Authorized | Denied:
        allowlist = replace(self.allowlist, pools={name: self.allowlist.pools[name] for name in pools})
        return authorize(ask.operator, allowlist, partial(self.members, ask.operator.id), self.home())

    def _not_there(self, ask: Ask, denied: Denied, named: Sequence[str], mine: Sequence[str]) -> errors.BotError:
        """Return why they may not use the pools that were named, or that there are none. It tells only of `mine`."""
        pools = f"pool {' or '.join(named)}"
        if named:
            denied = denied if denied.sentence else Denied(f"not allowed in {pools}")
            where = pools if ask.options.pool or ask.options.pool_id else "that region"
            sentence = f"You may not do this in {where}. You may use: {', '.join(mine)}."
            return self._refused(ask, denied, sentence=sentence)
        where = ""
        if self._named(replace(ask.options, region=None)):
            where, mine = " in that region", [f"{name} ({self.finder.pools[name].region})" for name in mine]
        return errors.UsageError(f"This bot knows no such pool{where}. You may use: {', '.join(mine)}.")

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
        if error := self.clock.error():  # again: the clock may have been set while AWS was asked
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
        now, beyond = self.clock.now(), self.clock.beyond(LONGEST_WAIT + CLOCKS_AGREE_WITHIN)
        for request in self.requests.expired(now - CLOCKS_AGREE_WITHIN, AT_ONCE, beyond):
            with suppress(AlreadyDecidedError):
                self._end(request, State.EXPIRED, None)

    def _awaiting(self, press: Press, *states: State) -> Request:
        request = self.requests.get(press.request_id)
        if request is None:
            raise errors.UnknownRequestError
        if (press.operator.id, press.operator.team_id) != (request.ask.operator.id, request.ask.operator.team_id):
            self._check_other_presser(press.operator, request)
        if request.state not in AWAITING or (states and request.state not in states):
            raise AlreadyDecidedError(request)
        self._in_time(request, press.place)
        return request

    def _check_other_presser(self, presser: Operator, request: Request) -> None:
        """Raise unless the operator who asked pressed, from another workspace. Someone else may have their id there."""
        who, home, ask = request.ask.operator, self.home(), replace(request.ask, operator=presser)
        if presser.id == who.id:
            person = home.person(presser) if home else NOT_TOLD
            if person is NOT_TOLD:
                raise self._refused(ask, NOT_TOLD, request.chosen)
            if home and isinstance(person, Operator) and person.team_id == home.known(who).team_id:
                return
        self._refused(ask, Denied("pressed another's button"), request.chosen)
        raise errors.NotYoursError

    def _in_time(self, request: Request, place: Place | None) -> datetime:
        """Return the present time. Where the wait for a press is over, expire the request: `AlreadyDecidedError`."""
        now = self.clock.now()
        if error := self.clock.error():  # again: the clock may have been set while Slack was asked
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
        self, ask: Ask, denied: Denied, account: Account | None = None, sentence: str | None = None
    ) -> errors.DeniedError:
        if home := self.home():
            ask = replace(ask, operator=home.known(ask.operator))
        self.trail.record(entry_of_ask(Kind.REFUSED, ask, denied.rule, self.clock.now(), account))
        return errors.DeniedError(denied.rule, denied.sentence or sentence)
