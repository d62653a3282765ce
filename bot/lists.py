"""A list: many accounts at once. A preview opens it, and it is confirmed, paused, let go on and stopped."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from bot import errors
from bot.action import SIGN_OUT
from bot.audit import entry_of
from bot.authorize import Authorized, Denied
from bot.confirm import Confirmations
from bot.decide import AlreadyDecidedError, Press
from bot.deliver import show_card
from bot.list_accounts import accounts_of, child_id, digest_of
from bot.listed import Listed
from bot.options import ONLY_SIGNS_OUT
from bot.pace import Pace, PacedPool
from bot.ports import Place
from bot.preview import UNNOTED_FOR, Looking, Preview, trimmed
from bot.request import STOPPABLE, Ask, Operator, Request, State
from bot.store_ports import Lists

NOT_YOURS = (
    "Only the person who asked for this list, and people who may approve it, can press this. Your press did nothing."
)
MOVED_ON = "Your press changed nothing: the list was confirmed, paused, let go on, stopped or at its end before."
GOES_ON_FOR = timedelta(hours=24)  # after its look-up: later, its user names may be other people's
_TO_PAUSE = frozenset({State.READY, State.RUNNING})


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is to hold: what each of the `lines` means, the whole pool, or what of a list was not done."""

    lines: Iterable[str] = ()
    everyone: bool = False
    again_of: str | None = None


@dataclass(frozen=True, kw_only=True)
class ListRules(Confirmations):
    """The rules for lists beside those that they share with single requests. A press raises what those raise.

    `look_ups` gives a pool's calls their turns while lines are looked up. `per_second` is the pace of the settings.
    """

    requests: Lists
    per_second: float
    look_ups: Callable[[str], Pace]

    def preview(
        self, authorized: Authorized, ask: Ask, wanted: Wanted, place: Place | None, looking: Looking
    ) -> Request:
        """Look up what a list is to hold, and store it: it then awaits its confirmation.

        `looking` is called every few seconds. Raises `AlreadyDecidedError` where the list was ended meanwhile,
        `AccountNotFoundError` for an empty one, `UsageError`, and what else `needs` and `Preview` raise. On an error it
        tries to cancel the list.
        """
        if self.reason_rule:
            self.reason_rule.check(ask.options.reason)
        opened, is_open, preview = self._opened(authorized, ask, wanted), False, None
        try:
            preview = self._preview(opened, looking)
            self._take(preview, wanted)
            listed, candidates = preview.end()
            request = preview.request
            if not listed.size:
                raise errors.AccountNotFoundError(_nothing_in(listed))
            if error := self.clock.error():  # again: the clock may have been set while AWS was asked
                raise error
            needs, now = self.needs(authorized, request.ask, listed), self.clock.now()
            changes: dict[str, Any] = {"listed": listed, "candidates": tuple(candidates), "needs": needs}
            until = now + self.confirm_within
            request = self._move(request, State.CONFIRMING, place, now, expires_at=until, **changes)
            is_open = True
        except errors.SupersededError:
            raise AlreadyDecidedError(self.requests.get(opened.id) or opened) from None
        finally:
            if not is_open:
                with suppress(AlreadyDecidedError, errors.StoreUnavailableError):
                    self._end(preview.request if preview else opened, State.CANCELLED, None)
        return request

    def _opened(self, authorized: Authorized, ask: Ask, wanted: Wanted) -> Request:
        if ask.options.action != SIGN_OUT:
            raise errors.UsageError(ONLY_SIGNS_OUT)
        if len(authorized.rules) > 1:
            pools = ", ".join(sorted(authorized.rules))
            raise errors.UsageError(f"A list is of one pool. Say which: --pool NAME. You may use: {pools}.")
        ((name, rule),) = authorized.rules.items()
        pool, now = self.finder.pools[name], self.clock.now()
        request = Request(
            ask=replace(ask, operator=authorized.operator, options=replace(ask.options, pool=name)),
            state=State.PREVIEWING,
            candidates=(),
            chosen=None,
            allowed_by=rule,
            looked_up_at=now,
            created_at=now,
            expires_at=now + UNNOTED_FOR,
            listed=Listed(
                pool=name,
                pool_id=pool.pool_id,
                region=pool.region,
                pace=self.per_second,
                everyone=wanted.everyone,
                again_of=wanted.again_of,
            ),
        )
        self.requests.add(request, entry_of(request, now), show_card(request, now))  # it has no place yet
        return request

    def _preview(self, request: Request, looking: Looking) -> Preview:
        name = request.contents.pool
        pool = self.finder.pools[name].on_behalf(request.id, request.ask.operator.id)
        paced, protection = PacedPool(pool=pool, pace=self.look_ups(name)), self.protections.get(name)
        members = protection.members(paced.members_of) if protection else {}
        paced = replace(paced, members=lambda: members)
        return Preview(
            request=request,
            pool=paced,
            finder=replace(self.finder, pools={name: paced}),
            protection=protection,
            requests=self.requests,
            clock=self.clock,
            looking=looking,
        )

    def _take(self, preview: Preview, wanted: Wanted) -> None:
        if wanted.everyone:
            preview.take_everyone()
        elif wanted.again_of:
            preview.take_lines(self._not_done(wanted.again_of))
        else:
            preview.take_lines(wanted.lines)

    def _not_done(self, list_id: str) -> Iterator[str]:
        """Give what names each account of a list that was not done, or of which that is not known.

        By now another person may have its user name, and no one else will ever have its sub.
        """
        for index, account in accounts_of(self.requests, self._list(list_id)):
            child = self.requests.get(child_id(list_id, index))
            if not child or child.state is not State.DONE:
                yield account.sub or account.username

    def choose(self, press: Press) -> Request:
        """Take one more account into a list: the candidate at `number`, from 0, of a line that means several."""
        request = self._awaiting(press, State.CONFIRMING)
        listed = request.contents
        choice = next((each for each in listed.choices if 0 <= press.number - each.begin < each.count), None)
        if not choice:
            raise AlreadyDecidedError(request)
        account = trimmed(request.candidates[press.number])
        left = replace(listed, choices=tuple(each for each in listed.choices if each != choice))
        if any(each.key == account.key for _, each in accounts_of(self.requests, request)):
            listed = replace(left, twice=left.twice + 1)
        else:  # before the move, which may fail: then the list does not name this portion
            chosen, digest = (*left.chosen, press.number), digest_of([account], left.digest)
            self.requests.put_portion(request.id, left.portions + press.number, [account])
            listed = replace(left, chosen=chosen, digest=digest, size=left.size + 1)
        needs = self.needs(self.authorize(request.ask, listed), request.ask, listed)
        now = self._in_time(request, press.place)
        return self._move(request, State.CONFIRMING, press.place, now, listed=listed, needs=needs)

    def pause(self, press: Press) -> Request:
        """Pause a list: what is under way ends, and nothing more is begun until someone lets it go on."""
        return self._pressed(press, _TO_PAUSE, State.PAUSED)

    def go_on(self, press: Press) -> Request:
        """Let a list that is paused go on. Who presses must be allowed, now, to ask for it or to approve it.

        Raises `OldListError` too.
        """
        return self._pressed(press, frozenset({State.PAUSED}), State.READY)

    def stop(self, press: Press) -> Request:
        """Stop a list: what is under way ends, and nothing more is ever begun."""
        return self._pressed(press, STOPPABLE, State.STOPPING)

    def again(self, press: Press) -> Ask:
        """Return what asks for a list of what was not done of one that has ended. Raises as a press does."""
        request = self._list(press.request_id)
        ask = self._asked_after(press, request, target="")
        if request.state not in {State.PARTLY, State.FAILED, State.UNKNOWN}:
            raise AlreadyDecidedError(request)
        return ask

    def _pressed(self, press: Press, awaited: frozenset[State], state: State) -> Request:
        """Move a list as a press says. If its progress was noted in between, try again."""
        while True:
            request = self._list(press.request_id)
            operator = self._may_press(press, request, recheck=state is State.READY)
            if request.state not in awaited:
                raise AlreadyDecidedError(request)
            if error := self.clock.error():  # again: the clock may have been set while Slack was asked
                raise error
            now = self.clock.now()
            if state is State.READY and abs(now - (request.looked_up_at or request.created_at)) > GOES_ON_FOR:
                raise errors.OldListError
            listed = replace(request.contents, trouble=None)
            listed = replace(listed, worked_at=now) if state is State.READY else listed
            with suppress(AlreadyDecidedError):
                return self._move(request, state, press.place, now, pressed_by=operator, listed=listed)

    def _may_press(self, press: Press, request: Request, *, recheck: bool) -> Operator:
        """Return who presses, if they may. `recheck`: the asker must also be allowed now."""
        if self._is_asker(press.operator, request):
            return self.authorize(request.ask, request.contents).operator if recheck else press.operator
        approver = self.as_approver(press, request)
        if isinstance(approver, Denied):
            denied = replace(approver, rule=f"pressed a list's button: {approver.rule}")
            raise self.refused(replace(request.ask, operator=press.operator), denied, None, NOT_YOURS)
        return approver.operator

    def _list(self, list_id: str) -> Request:
        request = self.requests.get(list_id)
        if request is None or not request.listed:
            raise errors.UnknownRequestError
        return request


def _nothing_in(listed: Listed) -> str:
    found = f"None of the {listed.lines:,} lines leads to an account that can be signed out"
    counts = {
        "not found": listed.not_found,
        "with several accounts": listed.several,
        "protected": listed.protected,
        "not readable": listed.unreadable,
    }
    said = ", ".join(f"{each.count:,} {what}" for what, each in counts.items() if each.count)
    return f"{found}{f': {said}' if said else ''}."
