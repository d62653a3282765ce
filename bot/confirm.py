"""From what was asked to a decision: authorize, open, choose, confirm, cancel, expire."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from bot import errors
from bot.account import Account, Session
from bot.action import END_SESSION, SIGN_OUT
from bot.approve import has_approvers
from bot.audit import Delivery, Kind, entry_of, entry_of_ask
from bot.authorize import Authorized, Denied
from bot.decide import LONGEST_APPROVAL, AlreadyDecidedError, Press
from bot.deliver import show_card
from bot.find import MAX_CANDIDATES, Found, pool_of
from bot.limits import Count, Protection, counted, rule_of
from bot.listed import Listed
from bot.offer import obstacle, offered
from bot.options import ONLY_SIGNS_OUT, ReasonRule
from bot.permit import Permissions, for_action
from bot.ports import Place
from bot.request import TERMINAL, Approval, Ask, Earlier, Options, Request, State, new_id
from bot.sessions import MAX_SESSIONS, each_device
from bot.work import AT_ONCE, CLOCKS_AGREE_WITHIN

PROTECTED = (
    "This account is protected ({rule}), so no one can change it or sign it out with this bot. Nothing was done. If it "
    "must be, ask the bot's engineer."
)


@dataclass(frozen=True, kw_only=True)
class Confirmations(Permissions):
    """The rules between a command and the operator's press.

    A press raises `UnknownRequestError`, `NotYoursError`, `AlreadyDecidedError`, and what `authorize` raises. A press
    and `open` raise what `clock.error` returns.
    """

    confirm_within: timedelta
    reason_rule: ReasonRule | None
    protections: Mapping[str, Protection] = field(default_factory=dict)  # by pool, where there are any
    tracked: Collection[str] = ()  # the pools that track sessions

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
        offer = self._offer(authorized, ask, chosen) if chosen else {}
        sessions = self._sessions(ask, chosen) if chosen else None
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
            **offer,
            sessions=sessions,
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
        offer, rule = self._offer(authorized, request.ask, account), authorized.rules[account.pool]
        now = self._in_time(request, press.place)  # again: asking Slack for a group takes time
        changes: dict[str, Any] = {"chosen": account, "allowed_by": rule, "earlier": earlier, **offer}
        # Its sessions are not listed now: that would take a call of Cognito, and a press waits for none.
        return self._move(request, State.CONFIRMING, press.place, now, **changes)

    def confirm(self, press: Press) -> Request:
        """Decide that a request is to be done or, where that needs a second person, that they are asked.

        With the `action` of the press, that is done instead of what was asked for. Of any number of presses exactly one
        succeeds here. Raises `LimitReachedError` and `SecondPersonError` too.
        """
        request = self._awaiting(press, State.CONFIRMING)
        request = replace(request, ask=for_action(request.ask, press.action or request.action))
        if request.listed and request.action != SIGN_OUT:
            raise errors.UsageError(ONLY_SIGNS_OUT)
        if request.action == END_SESSION:
            if press.number >= len(sessions := request.sessions or ()):
                raise errors.UnknownRequestError
            request = replace(request, session=sessions[press.number])
        authorized = self.authorize(request.ask, request.subject)
        while True:
            now = self._in_time(request, press.place)  # again, as in `choose`
            with suppress(errors.CountChangedError):  # another decision was counted at the same moment
                return self._confirmed(request, authorized, press.place, now)

    def _confirmed(self, request: Request, authorized: Authorized, place: Place | None, now: datetime) -> Request:
        subject, rule = request.subject, authorized.rules[request.subject.pool]
        needs = self.needs(authorized, request.ask, subject)
        count = self.limits.count(request.ask.operator, counted(request), now)
        if count.rule:
            self._tell_of_limit(request, count, now)
            if not has_approvers(self.approvers, subject.pool, request.ask.operator.id):
                raise errors.LimitReachedError(count.rule, count.free_at - now if count.free_at else None)
            needs = (*needs, count.rule)
            self._check_second_person(request.ask, subject, needs)
        if not needs:
            changes: dict[str, Any] = {"allowed_by": rule, "needs": (), "decided_at": now}
            return self._move(request, State.READY, place, now, count.windows, **changes)
        approving = self.approving[subject.pool]
        changes = {"allowed_by": rule, "needs": needs, "expires_at": now + approving.within}
        digest = request.listed.digest if request.listed else None
        approval = Approval(asked_at=now, channel_id=approving.channel_id, digest=digest)
        return self._move(request, State.APPROVING, place, now, approval=approval, **changes)

    def needs(self, authorized: Authorized, ask: Ask, subject: Account | Listed) -> tuple[str, ...]:
        """Return the rules by which a second person has to approve this; a limit may join them at the press.

        Raises `DeniedError` where the account is protected from everyone or the action does not fit it as it is, and
        `SecondPersonError` where there is no one to ask.
        """
        always = self.always_needs(ask.options.action, subject.pool, authorized)
        more = self._needs_of_list(subject) if isinstance(subject, Listed) else self._needs_of_account(ask, subject)
        if needs := (*always, *more):
            self._check_second_person(ask, subject, needs)
        return needs

    def _needs_of_list(self, listed: Listed) -> Sequence[str]:
        approving = self.approving.get(listed.pool)
        above = approving.above if approving else None
        return ["approve.above"] if above is not None and listed.size > above else []

    def _needs_of_account(self, ask: Ask, account: Account) -> Sequence[str]:
        if cannot := obstacle(ask.options.action, account):
            refused = self.refused(ask, Denied("not possible for the account as it is"), account, cannot)
            refused.code = errors.Code.REFUSED  # as if Cognito had been asked
            raise refused
        protection = self.protections.get(account.pool)
        protected = account.protected if protection else None
        if protected and protection and not protection.may_approve:
            raise self.refused(ask, Denied(protected), account, PROTECTED.format(rule=protected))
        return [protected] if protected else []

    def _offer(self, authorized: Authorized, ask: Ask, account: Account) -> dict[str, Any]:
        """Return the fields `needs`, `may`, `may_ask` and `tracks_sessions` of a `Request`."""
        needs, more = self.needs(authorized, ask, account), self.more_needs(ask, account.pool)
        protected = account.pool in self.protections and account.protected
        may_ask = tuple(each for each, rules in more.items() if rules or protected)
        tracks = account.pool in self.tracked
        return {"needs": needs, "may": (SIGN_OUT, *more) if more else (), "may_ask": may_ask, "tracks_sessions": tracks}

    def follow_up(self, press: Press) -> Ask | None:
        """Return what a press asks for on a card with an outcome; None where that has no such button.

        The same account is then looked up again. Only who asked for the first may. Raises as a press does.
        """
        request = self._stored(press)
        if not press.action or request.state is State.CONFIRMING or press.action not in offered(request):
            return None
        return self._asked_after(press, request, target=request.account.username, exactly=True, action=press.action)

    def _asked_after(self, press: Press, request: Request, **options: Any) -> Ask:
        """Return what a press asks for after an outcome, with these options and the first ones' pool and reason."""
        self._check_presser(press, request)
        if not pool_of(request.subject, self.finder.pools):  # someone else there may have this user name
            raise errors.PoolChangedError
        new = Options(pool=request.subject.pool, reason=request.ask.options.reason, **options)
        return replace(request.ask, id=new_id(self.clock.now()), operator=press.operator, options=new)

    def _check_second_person(self, ask: Ask, subject: Account | Listed, needs: Sequence[str]) -> None:
        waits = ask.source != TERMINAL or isinstance(subject, Listed)  # a list waits in a terminal too
        if not waits or not has_approvers(self.approvers, subject.pool, ask.operator.id):
            raise errors.SecondPersonError(needs)

    def _tell_of_limit(self, request: Request, count: Count, now: datetime) -> None:
        """Record that a limit was reached. The audit channel is told once an hour."""
        entry = entry_of_ask(Kind.LIMITED, request.ask, str(count.rule), now, request.chosen)
        while reached := self.limits.reached(request.ask.operator, counted(request), now):
            with suppress(errors.CountChangedError):  # another press told it, or was counted
                # By now another limit may be reached than the one that stopped the press.
                self.requests.tell(reached, replace(entry, rule=rule_of(reached), delivery=Delivery(next_at=now)))
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
        """Expire what waited too long: for the operator, for an approver, or for a look-up that stopped."""
        now, beyond = self.clock.now(), self.clock.beyond(LONGEST_APPROVAL + CLOCKS_AGREE_WITHIN)
        for request in self.requests.expired(now - CLOCKS_AGREE_WITHIN, AT_ONCE, beyond):
            with suppress(AlreadyDecidedError):
                self._end(request, State.EXPIRED, None)

    def _sessions(self, ask: Ask, account: Account) -> tuple[Session, ...] | None:
        """Return the sessions that an account's card shows; None where they are not known."""
        is_shown = ask.options.action == SIGN_OUT and ask.source != TERMINAL
        if account.pool not in self.tracked or not is_shown:
            return None
        pool = self.finder.pools[account.pool].on_behalf(ask.id, ask.operator.id)
        try:
            return each_device(pool.sessions(account.username))[:MAX_SESSIONS]
        except errors.PoolUnavailableError:  # a sign-out does not wait for that
            return None

    def _earlier(self, account: Account | None) -> Earlier | None:
        last = self.requests.last_signed_out(account) if account else None
        return Earlier(at=last.ended_at, by=last.ask.operator.name) if last and last.ended_at else None
