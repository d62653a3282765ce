"""The flow: which rule comes after which, and on which lane. The operator is told of each step through a `Reply`."""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from bot import errors
from bot.action import ACTIONS
from bot.approve import Approvals
from bot.authorize import Authorized
from bot.confirm import Confirmations
from bot.decide import AlreadyDecidedError, Press
from bot.history import may_look, past
from bot.lists import MOVED_ON
from bot.ports import Entrance, Lane, LiveMessage
from bot.replies import Denial, Form, Introduction, Recount, Reply
from bot.request import Ask, Operator, Request, State
from bot.store_ports import Outbox
from bot.whoami import standing
from bot.work import Worker

log = logging.getLogger(__name__)


@dataclass(kw_only=True)
class Flow:
    """Takes commands and presses, and starts what waits to be run."""

    confirmations: Confirmations
    approvals: Approvals
    worker: Worker
    outbox: Outbox
    entrance: Entrance  # its lanes are for what needs Slack and the store only: a hanging Cognito never delays a press
    aws_lane: Lane
    begin_lists: Callable[[], object] = lambda: None  # called where a list was pressed: it may wait to be run
    is_outdated: Callable[[], bool] = lambda: False  # the store belongs to a newer bot
    draining: bool = False  # while this or `is_outdated` is true, or the clock is wrong, nothing is begun or decided

    def closed(self) -> errors.BotError | None:
        """Return why nothing may be begun or decided just now; None if it may."""
        if self.draining:
            return errors.RestartingError()
        return errors.NewerVersionError() if self.is_outdated() else self.worker.clock.error()

    def ask(self, ask: Ask, reply: Reply, work: Callable[[], object] | None = None) -> None:
        """Begin a command: its `work` or, without any, to look for the account and show a card.

        Raises `BusyError`, or what `closed` returns, before anything was begun.
        """
        if closed := self.closed():
            raise closed
        work = work or partial(self._authorize, ask, reply)
        self.entrance.run(ask.operator, ask.id, partial(self.telling, ask.operator, reply, work))

    def open_form(self, ask: Ask, form: Form, *, acked: bool = False) -> None:
        """Begin to open a form; the target of this `ask` is empty. Raises as `Flow.ask` does; once `acked`, never."""
        if acked:
            press = Press(request_id=ask.id, operator=ask.operator)
            self.press(press, form, lambda _: self._open_form(ask, form), urgent=False)
        else:
            self.ask(ask, form, partial(self._open_form, ask, form))

    def whoami(self, ask: Ask, reply: Introduction) -> None:
        """Tell the operator what they may do; the target of this `ask` is empty. Raises `BusyError`."""
        work = partial(self.telling, ask.operator, reply, lambda: reply.tell(standing(self.confirmations, ask)))
        self.entrance.run(ask.operator, ask.id, work)

    def history(self, ask: Ask, reply: Recount) -> None:
        """Tell what was asked for the target or, where that is empty, by the operator. Raises `BusyError`."""
        work = partial(self.telling, ask.operator, reply, partial(self._history, ask, reply))
        self.entrance.run(ask.operator, ask.id, work)

    def choose(self, press: Press, reply: Reply) -> None:
        """Choose one of several accounts."""
        self.press(press, reply, self.confirmations.choose)

    def confirm(self, press: Press, reply: Reply) -> None:
        """Decide that the request is to be done, and start it."""
        self.press(press, reply, self.confirmations.confirm)

    def act(self, press: Press, reply: Reply, new_reply: Reply) -> None:
        """Confirm another action than was asked for or, after an outcome, ask for one, whose card `new_reply` shows."""
        self.press(press, reply, partial(self._act, new_reply))

    def cancel(self, press: Press, reply: Reply) -> None:
        """Cancel."""
        self.press(press, reply, self.confirmations.cancel)

    def approve(self, press: Press, reply: Reply) -> None:
        """Decide, as a second person, that the request is to be done, and start it."""
        self.press(press, reply, partial(self._approve, reply))

    def deny(self, press: Press, reply: Reply) -> None:
        """End it with a second person's no. Raises as `Flow.ask` does: the ack to a form can say so."""
        if closed := self.closed():
            raise closed
        work = partial(self.telling, press.operator, reply, partial(self._decide, press, reply, self.approvals.deny))
        self.entrance.run(press.operator, press.request_id, work, urgent=True)

    def open_denial(self, press: Press, form: Denial) -> None:
        """Open the form for the reason of a no, if the presser may deny this request."""
        self.press(press, form, lambda _: self._open_denial(press, form))

    def sweep(self) -> None:
        """Start what waits for a worker, also from dead processes. What finds no room waits for the next sweep."""
        with suppress(errors.BusyError):
            for request in () if self.closed() else self.worker.waiting():
                self.aws_lane.run(request.id, partial(self._run, request, None), urgent=True)

    def press(
        self, press: Press, reply: Reply, decide: Callable[[Press], Request | None], *, urgent: bool = True
    ) -> None:
        """Begin to `decide` by a press."""
        work = partial(self.telling, press.operator, reply, partial(self._decide, press, reply, decide))
        try:
            self.entrance.run(press.operator, press.request_id, work, urgent=urgent)
        except errors.BusyError as error:  # the ack to a press cannot say so
            with suppress(errors.BusyError):  # where the other lane is full too, the card keeps its buttons
                if self.entrance.knows(press.operator):  # only people who are known may take a place there
                    self.aws_lane.run(press.request_id, partial(reply.say, error), urgent=True)

    def _open_form(self, ask: Ask, form: Form) -> None:
        if closed := self.closed():  # by now: it may have waited for a place
            raise closed
        pools = sorted(self.confirmations.authorize(ask).rules)
        form.open(pools, self.confirmations.actions_in(ask, pools))

    def _history(self, ask: Ask, reply: Recount) -> None:
        rules, authorized = self.confirmations, may_look(self.confirmations, ask)
        work = partial(self.telling, ask.operator, reply, lambda: reply.recount(past(rules, authorized, ask)))
        self.aws_lane.run(ask.id, work)

    def _authorize(self, ask: Ask, reply: Reply) -> None:
        authorized = self.confirmations.authorize(ask)
        work = partial(self.telling, ask.operator, reply, partial(self._open, authorized, ask, reply))
        self.aws_lane.run(ask.id, work)

    def _open(self, authorized: Authorized, ask: Ask, reply: Reply) -> None:
        if error := self.worker.clock.error():
            raise error
        try:
            self.show(self.confirmations.open(authorized, ask, reply.place), reply)
        except errors.SupersededError:  # the process that took it first shows its card
            log.warning("The command came before. It was not begun again")

    def _approve(self, reply: Reply, press: Press) -> Request:
        request = self.approvals.approve(press)
        reply.show(request)  # now: another instance may do what was approved
        return request

    def _open_denial(self, press: Press, form: Denial) -> Request:
        request = self.approvals.may(press)
        form.open(request)
        return request

    def _act(self, new_reply: Reply, press: Press) -> Request | None:
        following = self.confirmations.follow_up(press)
        if not following:
            return self.confirmations.confirm(press)
        self._authorize(following, new_reply)
        return None

    def _decide(self, press: Press, reply: Reply, decide: Callable[[Press], Request | None]) -> None:
        if closed := self.closed():
            raise closed
        request = decide(press)
        if request is None:
            return
        if request.listed:
            self.begin_lists()
        if request.state is State.READY and not request.listed:
            log.info("Confirmed")
            with suppress(errors.BusyError):  # a sweep takes it up
                self.aws_lane.run(request.id, partial(self._run, request, reply), urgent=True)
        else:
            self.show(request, reply)

    def _run(self, request: Request, reply: Reply | None) -> None:
        try:
            if self.worker.clock.error():  # a sweep takes it up once the clock is right
                return
            ended = self.worker.run(request, shown_here=bool(reply and reply.place))
        except Exception as error:  # noqa: BLE001 -- the operator is told, and a sweep takes the request up again
            _log_failed("A request did not end; it is taken up again", error)
            if reply:
                reply.say(errors.NotRecordedError())
            return
        if ended:
            log.info("Ended as %s after %d calls", ended.state, ended.attempts)
            if reply:
                self.show(ended, reply)

    def telling(self, who: Operator, reply: Reply, work: Callable[[], object]) -> None:
        """Do `work`, and tell the operator of an error in it. Where there is none, note that they were allowed."""
        try:
            work()
            self.entrance.note(who, allowed=True)
        except AlreadyDecidedError as error:
            self._tell_decided(who, error.request, reply)
        except Exception as error:  # noqa: BLE001 -- no one else would tell the operator
            ours = error if isinstance(error, errors.BotError) else None
            if isinstance(error, errors.DeniedError) and error.everywhere:
                self.entrance.note(who, allowed=False)
            if not ours or isinstance(ours, errors.StoreUnavailableError):
                _log_failed("A command or press failed", error)
            reply.say(ours or errors.BotError())

    def _tell_decided(self, who: Operator, request: Request, reply: Reply) -> None:
        is_beside = request.has_progress and not reply.place  # pressed on a message that others see too
        if is_beside or who.id != request.ask.operator.id:  # others may only approve or deny it
            self.show(request, reply)
            moved_on = errors.BotError(MOVED_ON, "The audit channel shows how it is.")
            reply.say(moved_on if is_beside else errors.NothingToApproveError())
            return
        if request.state in {State.READY, State.RUNNING} and not request.listed:
            others = request.may or request.session  # this press may have been on another button
            reply.say(errors.UnderWayError(ACTIONS[request.action].button if others else ""))
            return
        if request.state is State.CONFIRMING and not request.listed:
            reply.say(errors.ChosenBeforeError())
        self.show(request, reply)

    def show(self, request: Request, reply: Reply) -> None:
        """Show a request as it is."""
        was_shown, card = reply.show(request), LiveMessage(request_id=request.id, version=request.version)
        if reply.place:
            with suppress(errors.StoreUnavailableError):  # then the card is shown once more
                self.outbox.shown(card) if was_shown else self.outbox.not_shown(card, None)


def _log_failed(what: str, error: Exception) -> None:
    """Log an error with its traceback; only one line where the store is in trouble, since then each request fails."""
    if isinstance(error, errors.StoreUnavailableError):
        log.error("%s: the store is out of order (%s)", what, error.reason)
    else:
        log.error(what, exc_info=error)
