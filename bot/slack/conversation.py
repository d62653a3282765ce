"""Between listeners and rules: each step on the lane it belongs to, and whatever comes of it told to the operator."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from structlog.contextvars import bound_contextvars

from bot.audit import AuditEntry
from bot.authorize import Authorized
from bot.confirm import AlreadyDecidedError, Confirmations
from bot.errors import (
    BotError,
    BusyError,
    RestartingError,
    StoreUnavailableError,
    SupersededError,
    UsageError,
)
from bot.options import USAGE
from bot.recover import Recovery
from bot.request import Ask, Operator, SignOutRequest, State
from bot.sign_out import SignOuts
from bot.slack.cards import Cards, Message, note, usage
from bot.slack.clients import Respond
from bot.slack.form import Forms, FormState, found_view
from bot.slack.lane import Lane, Meter
from bot.slack.live_card import LiveCard

STILL_SIGNING_OUT = "This sign-out is already under way. Its result will replace the card."
CHOSEN_BEFORE = "The card shows the account that you chose first. For another, cancel and run the command again."
UNFINISHED = (
    "The outcome could not be recorded yet, so it is not known here. The bot keeps at it by itself; "
    "the audit channel will hear how it ended."
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Press:
    """A pressed button: which request (and which of its candidates), by whom, and where to answer."""

    request_id: str
    operator: Operator
    response_url: str | None = field(repr=False)
    number: int = 0
    came_at: float = field(default_factory=time.monotonic, repr=False)


@dataclass(kw_only=True)
class Conversation:
    """Takes commands and presses. `entry_written` is called whenever there may be something to deliver.

    `audit_refused` tells whether the audit channel takes no message before somebody mends it.
    `slack_lane` does what needs Slack and the store alone, `aws_lane` what needs AWS, so that a hanging Cognito never
    starves a press. While `draining`, nothing is begun. What is logged on the way carries the request's id.
    """

    confirmations: Confirmations
    sign_outs: SignOuts
    recovery: Recovery
    cards: Cards
    forms: Forms
    respond: Respond
    meter: Meter
    slack_lane: Lane
    aws_lane: Lane
    entry_written: Callable[[], None]
    audit_refused: Callable[[], bool]
    draining: bool = False

    def ask(self, ask: Ask) -> None:
        """Begin a command. Raises `BusyError` or `RestartingError` at once, before anything was begun."""
        if self.draining:
            raise RestartingError
        told = partial(self._told, ask.response_url)
        show = partial(self._show_card, time.monotonic())
        with bound_contextvars(request_id=ask.id):
            self.slack_lane.reserve().run(partial(self._authorize, ask, told, show))

    def ask_by_form(self, ask: Ask, trigger_id: str) -> None:
        """Begin to open a form. Raises as `ask`; the target of this `ask` is empty."""
        if self.draining:
            raise RestartingError
        with bound_contextvars(request_id=ask.id):
            self.slack_lane.reserve().run(partial(self._open_form, ask, trigger_id))

    def submit(self, ask: Ask, view_id: str, again: Callable[[Message], dict[str, Any]]) -> None:
        """Begin to look for what a form asks; `again` makes the form anew, with what was wrong. Raises as `ask`."""
        if self.draining:
            raise RestartingError
        told = partial(self._told_in_form, view_id, again, ask.response_url)
        show = partial(self._found_by_form, view_id, time.monotonic())
        with bound_contextvars(request_id=ask.id):
            self.slack_lane.reserve().run(partial(self._authorize, ask, told, show))

    def choose(self, press: Press) -> None:
        """Choose one of several accounts."""
        self._begin(press, self._choose)

    def confirm(self, press: Press) -> None:
        """Begin to sign out."""
        self._begin(press, self._confirm)

    def cancel(self, press: Press) -> None:
        """Cancel."""
        self._begin(press, self._cancel)

    def resume(self, dead: SignOutRequest) -> None:
        """Begin to finish what a dead holder left. Raises `BusyError`: it is found again in the next round."""
        with bound_contextvars(request_id=dead.id):
            self.aws_lane.reserve().run(partial(self._resume, dead))

    def tell_kept(self, entry: AuditEntry) -> None:
        """Begin to tell an operator, in their result, that the audit channel does not take its entry yet."""
        if entry.claimed_at:
            # Where there is no place: the audit channel's trouble is in the log and on /readyz as well.
            with suppress(BusyError), bound_contextvars(request_id=entry.request_id):
                self.slack_lane.reserve().run(partial(self._tell_kept, entry.request_id))

    def _tell_kept(self, request_id: str) -> None:
        request = self.confirmations.store.get(request_id)
        if request and request.response_url:
            self.respond(request.response_url, self.cards.card(request, audit_kept=True), replace=True)

    def _begin(self, press: Press, work: Callable[[Press], None]) -> None:
        with bound_contextvars(request_id=press.request_id):
            self._begin_or_tell(press, work)

    def _begin_or_tell(self, press: Press, work: Callable[[Press], None]) -> None:
        try:
            if self.draining:
                work = self._restarting
            self.slack_lane.reserve().run(partial(work, press))
        except BotError as error:
            # The ack of a press cannot carry a sentence, and the lane that could say it is full: the other one tries.
            # Where that is full as well, the card simply keeps its buttons.
            with suppress(BotError):
                self.aws_lane.reserve(urgent=True).run(partial(self.respond, press.response_url, note(error.sentence)))

    def _restarting(self, press: Press) -> None:
        self.respond(press.response_url, note(RestartingError.sentence))

    def _authorize(self, ask: Ask, told: "Told", found: "Found") -> None:
        with told():
            authorized = self.confirmations.authorize(ask)
            pools = self.confirmations.pools_of(authorized, ask)
            self.aws_lane.reserve().run(partial(self._open, authorized, pools, ask, told, found))

    def _open(self, authorized: Authorized, pools: Sequence[str], ask: Ask, told: "Told", found: "Found") -> None:
        with told():
            try:
                request = self.confirmations.open(authorized, pools, ask)
            except SupersededError:  # whoever took it the first time shows its card
                log.warning("Command %s came before. It was not begun again", ask.id)
                return
            found(request)

    def _show_card(self, begun: float, request: SignOutRequest) -> bool:
        card = self.cards.card(request, self.confirmations.last_signed_out(request))
        shown = self.respond(request.response_url, card)
        if shown:
            self.meter.card_shown(time.monotonic() - begun)
            log.info("The card is shown")
        return shown

    def _open_form(self, ask: Ask, trigger_id: str) -> None:
        with self._told(ask.response_url):
            authorized = self.confirmations.authorize(ask)
            state = FormState(
                channel_id=ask.channel_id,
                pools=sorted(authorized.rules),
                reason_required=self.confirmations.reason_rule.required,
                response_url=ask.response_url,
            )
            if not self.forms.open(trigger_id, state):
                self.respond(
                    ask.response_url, usage("The form could not be opened in time. Type the target instead.", USAGE)
                )

    def _found_by_form(self, view_id: str, begun: float, request: SignOutRequest) -> None:
        self.forms.show(view_id, found_view(shown=self._show_card(begun, request)))

    def _choose(self, press: Press) -> None:
        with self._told(press.response_url):
            try:
                chosen = self.confirmations.choose(press.request_id, press.number, press.operator)
            except AlreadyDecidedError as error:
                if error.request.state is not State.AWAITING_CONFIRMATION:
                    raise
                chosen = error.request  # the card shows the first choice, so a second one must not look like it
                self.respond(press.response_url, note(CHOSEN_BEFORE))
            card = self.cards.card(chosen, self.confirmations.last_signed_out(chosen))
            self.respond(press.response_url, card, replace=True)

    def _confirm(self, press: Press) -> None:
        with self._told(press.response_url):
            seat = self.aws_lane.reserve(urgent=True)  # before the claim: a claim that nobody can carry out is no use
            try:
                claimed = self.confirmations.confirm(press.request_id, press.operator, press.response_url)
            except BaseException:
                seat.release()
                raise
            # From here on nothing may tell the operator that nothing was done: neither of these raises.
            log.info("Confirmed and claimed")
            card = LiveCard(partial(self.respond, press.response_url), self.cards, self.audit_refused)
            seat.run(partial(self._sign_out, claimed, card, press.came_at))
            card.show(claimed)

    def _cancel(self, press: Press) -> None:
        with self._told(press.response_url):
            cancelled = self.confirmations.cancel(press.request_id, press.operator)
            self.respond(press.response_url, self.cards.card(cancelled), replace=True)

    def _sign_out(self, claimed: SignOutRequest, card: LiveCard, pressed_at: float) -> None:
        try:
            ended = self.sign_outs.sign_out(claimed)
        except Exception as error:  # noqa: BLE001 -- nobody else would tell the operator
            _log_failed(f"Request {claimed.id} did not end; it will be resumed", error)
            self.respond(claimed.response_url, note(UNFINISHED))
            return
        log.info("Ended as %s after %d calls", ended.state, ended.attempts)
        if card.show(ended):
            self.meter.result_shown(time.monotonic() - pressed_at)
        self.entry_written()

    def _resume(self, dead: SignOutRequest) -> None:
        try:
            ended = self.recovery.resume(dead)
        except Exception as error:  # noqa: BLE001 -- whatever it was, the claim is found again
            _log_failed(f"Request {dead.id} could not be resumed; it will be tried again", error)
            return
        if ended:
            log.info("Resumed, and ended as %s after %d calls", ended.state, ended.attempts)
            card = self.cards.card(ended, audit_kept=self.audit_refused())
            self.respond(ended.response_url, card, replace=True)
            self.entry_written()

    @contextmanager
    def _told(self, response_url: str | None) -> Iterator[None]:
        """Whatever is raised inside becomes what the operator reads."""
        try:
            yield
        except AlreadyDecidedError as error:
            self._already_decided(error.request, response_url)
        except Exception as error:  # noqa: BLE001 -- nobody else would tell the operator
            self.respond(response_url, _sentence_of(error))
        self.entry_written()

    @contextmanager
    def _told_in_form(
        self, view_id: str, again: Callable[[Message], dict[str, Any]], response_url: str | None
    ) -> Iterator[None]:
        """Whatever is raised inside stands in the form, which can then be mended; in the channel, if it is closed."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 -- nobody else would tell the operator
            trouble = _sentence_of(error)
            if not self.forms.show(view_id, again(trouble)):
                self.respond(response_url, trouble)
        self.entry_written()

    def _already_decided(self, request: SignOutRequest, response_url: str | None) -> None:
        if request.state is State.SIGNING_OUT:
            self.respond(response_url, note(STILL_SIGNING_OUT))
        else:
            last = self.confirmations.last_signed_out(request) if request.state.awaits_operator else None
            self.respond(response_url, self.cards.card(request, last), replace=True)


Told = Callable[[], AbstractContextManager[None]]
Found = Callable[[SignOutRequest], object]


def _sentence_of(error: Exception) -> Message:
    if isinstance(error, UsageError):
        return usage(error.sentence, USAGE)
    if isinstance(error, StoreUnavailableError) or not isinstance(error, BotError):
        _log_failed("A command or press failed", error)
    return note(error.sentence if isinstance(error, BotError) else BotError.sentence)


def _log_failed(what: str, error: Exception) -> None:
    """Say it with a traceback, unless it is the store, whose trouble is everybody's: that is one line each."""
    if isinstance(error, StoreUnavailableError):
        log.error("%s: the store is out of order (%s)", what, error.reason)
    else:
        log.error(what, exc_info=error)
