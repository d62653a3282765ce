"""From what was asked to a decision: authorize, open, choose, confirm, cancel, expire."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from bot import errors
from bot.approve import NO_ONE, ApprovalSettings, has_approvers
from bot.audit import Delivery, Kind, entry_of, entry_of_ask
from bot.authorize import Allowlist, Authorized, Denied, authorize
from bot.decide import LONGEST_APPROVAL, AlreadyDecidedError, Decisions, Press
from bot.deliver import show_card
from bot.find import MAX_CANDIDATES, Finder, Found, pool_of
from bot.limits import Count, Limits, Protection
from bot.options import ReasonRule
from bot.ports import Place
from bot.request import TERMINAL, Account, Approval, Ask, Earlier, Options, Request, State
from bot.work import AT_ONCE, CLOCKS_AGREE_WITHIN

PROTECTED = (
    "This account is protected ({rule}), so no one can sign it out with this bot. Nothing was done. If it must be, ask "
    "the bot's engineer."
)


@dataclass(frozen=True, kw_only=True)
class Confirmations(Decisions):
    """The rules between a command and the operator's press.

    A press raises `UnknownRequestError`, `NotYoursError`, `AlreadyDecidedError`, and what `authorize` raises. A press
    and `open` raise what `clock.error` returns.
    """

    allowlist: Allowlist
    finder: Finder
    confirm_within: timedelta
    reason_rule: ReasonRule | None
    approvers: Allowlist = NO_ONE
    approving: Mapping[str, ApprovalSettings] = field(default_factory=dict)  # by pool
    protections: Mapping[str, Protection] = field(default_factory=dict)  # by pool, where there are any
    limits: Limits = field(default_factory=Limits)

    def authorize(self, ask: Ask, account: Account | None = None) -> Authorized:
        """Return the proof that the operator may act on `account` or, without one, in the pools of its `rules`.

        Of the pools that were named, or of all, these are the ones they may use. Raises `DeniedError`,
        `PoolChangedError`, and `UsageError` for a pool that is not configured. Asks Slack at most, never AWS.
        """
        if account and not pool_of(account, self.finder.pools):
            raise errors.PoolChangedError
        named = [account.pool] if account else self._named(ask.options)
        decision = self._may(ask, named)
        if isinstance(decision, Authorized):
            return decision
        if account:
            raise self.refused(ask, decision, account, f"You may no longer do this in pool {account.pool}.")
        anywhere = decision if len(named) == len(self.finder.pools) else self._may(ask, self.finder.pools)
        if isinstance(anywhere, Denied):
            raise self.refused(ask, anywhere)
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
            return self.refused(ask, denied, sentence=sentence)
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
        found = [*map(partial(self._with_protection, ask), looked_up.accounts[:MAX_CANDIDATES])]
        chosen = found[0] if len(looked_up.accounts) == 1 else None
        needs = self._needs(authorized, ask, chosen) if chosen else ()
        earlier, now = self._earlier(chosen), self.clock.now()
        if error := self.clock.error():  # again: the clock may have been set while AWS was asked
            raise error
        request = Request(
            ask=ask,
            state=State.CONFIRMING if chosen else State.CHOOSING,
            candidates=tuple(found),
            matches=len(looked_up.accounts),
            chosen=chosen,
            searched_as=looked_up.searched_as,
            earlier=earlier,
            allowed_by="; ".join(sorted({authorized.rules[account.pool] for account in looked_up.accounts})),
            needs=needs,
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
        authorized, earlier = self.authorize(request.ask, account), self._earlier(account)
        needs, rule = self._needs(authorized, request.ask, account), authorized.rules[account.pool]
        now = self._in_time(request, press.place)  # again: asking Slack for a group takes time
        changes: dict[str, Any] = {"chosen": account, "allowed_by": rule, "earlier": earlier, "needs": needs}
        return self._move(request, State.CONFIRMING, press.place, now, **changes)

    def confirm(self, press: Press) -> Request:
        """Decide that a request is to be done or, where that needs a second person, that they are asked.

        Of any number of presses exactly one succeeds here. Raises `LimitReachedError` and `SecondPersonError` too.
        """
        request = self._awaiting(press, State.CONFIRMING)
        authorized = self.authorize(request.ask, request.account)
        while True:
            now = self._in_time(request, press.place)  # again, as in `choose`
            try:
                return self._confirmed(request, authorized, press.place, now)
            except errors.CountChangedError:  # another decision was counted at the same moment
                continue

    def _confirmed(self, request: Request, authorized: Authorized, place: Place | None, now: datetime) -> Request:
        account, rule = request.account, authorized.rules[request.account.pool]
        needs = self._needs(authorized, request.ask, account)
        count = self.limits.count(request.ask.operator, account, now)
        if count.rule:
            self._tell_of_limit(request, count, now)
            if not has_approvers(self.approvers, account.pool, request.ask.operator.id):
                raise errors.LimitReachedError(count.rule, (count.free_at or now) - now)
            needs = (*needs, count.rule)
            self._check_second_person(request.ask, account, needs)
        if not needs:
            changes: dict[str, Any] = {"allowed_by": rule, "needs": (), "decided_at": now}
            return self._move(request, State.READY, place, now, count.windows, **changes)
        approving = self.approving[account.pool]
        changes = {"allowed_by": rule, "needs": needs, "expires_at": now + approving.within}
        approval = Approval(asked_at=now, channel_id=approving.channel_id)
        return self._move(request, State.APPROVING, place, now, approval=approval, **changes)

    def _needs(self, authorized: Authorized, ask: Ask, account: Account) -> tuple[str, ...]:
        """Return the rules by which a second person has to approve this; a limit may join them at the press.

        Raises `DeniedError` for a protected account that no one may sign out, and `SecondPersonError` where there is
        no one to ask.
        """
        protection = self.protections.get(account.pool)
        protected = account.protected if protection else None
        if protected and protection and not protection.may_approve:
            raise self.refused(ask, Denied(protected), account, PROTECTED.format(rule=protected))
        rule, only_asks = authorized.rules[account.pool], account.pool in authorized.only_ask
        needs = (*self.always_needs(account.pool, rule, only_asks=only_asks), *([protected] if protected else ()))
        if needs:
            self._check_second_person(ask, account, needs)
        return needs

    def always_needs(self, pool: str, rule: str, *, only_asks: bool) -> tuple[str, ...]:
        """Return the rules by which a second person must approve all that someone let in by `rule` asks of a pool."""
        approving = self.approving.get(pool)
        return (*(["approve.when"] if approving and approving.always else ()), *([rule] if only_asks else ()))

    def _check_second_person(self, ask: Ask, account: Account, needs: Sequence[str]) -> None:
        if ask.source == TERMINAL or not has_approvers(self.approvers, account.pool, ask.operator.id):
            raise errors.SecondPersonError(needs)

    def _tell_of_limit(self, request: Request, count: Count, now: datetime) -> None:
        """Record that a limit was reached. The audit channel is told once an hour."""
        entry = entry_of_ask(Kind.LIMITED, request.ask, str(count.rule), now, request.account)
        while reached := self.limits.reached(request.ask.operator, request.account, now):
            with suppress(errors.CountChangedError):  # another press told it, or was counted
                self.requests.tell(reached, replace(entry, delivery=Delivery(next_at=now)))
                return
        self.trail.record(entry)

    def _with_protection(self, ask: Ask, account: Account) -> Account:
        """Return an account with the rule that protects it. Raises `PoolUnavailableError`."""
        if not (protection := self.protections.get(account.pool)):
            return account
        pool = self.finder.pools[account.pool].on_behalf(ask.id, ask.operator.id)
        return replace(account, protected=protection.rule(account, pool.groups_of))

    def cancel(self, press: Press) -> Request:
        """Cancel a request. It needs no permission."""
        return self._end(self._awaiting(press), State.CANCELLED, press.place)

    def expire(self) -> None:
        """Expire the requests whose card was not pressed in time."""
        now, beyond = self.clock.now(), self.clock.beyond(LONGEST_APPROVAL + CLOCKS_AGREE_WITHIN)
        for request in self.requests.expired(now - CLOCKS_AGREE_WITHIN, AT_ONCE, beyond):
            with suppress(AlreadyDecidedError):
                self._end(request, State.EXPIRED, None)

    def _earlier(self, account: Account | None) -> Earlier | None:
        last = self.requests.last_signed_out(account) if account else None
        return Earlier(at=last.ended_at, by=last.ask.operator.name) if last and last.ended_at else None
