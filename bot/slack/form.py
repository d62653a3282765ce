"""The form that `/signout` with nothing after it and the shortcuts open: its views, and what is told in it."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from bot.action import ACTIONS, OTHERS, SIGN_OUT
from bot.errors import BotError, DeniedError, UsageError
from bot.options import MAX_REASON, MAX_TARGET, ReasonRule, check_reason, check_target
from bot.ports import Place
from bot.request import Options, Request
from bot.slack.modal import field_of, modal, select, took, typed, updated
from bot.slack.reply import CardReply
from bot.slack.text import Drawn, plain

FORM = "signout_form"
FOUND, TARGET, POOL, REASON, ACTION = "found", "target", "pool", "reason", "action"
# Where the card is.
TYPED = "in the channel where you typed the command"
OF_MESSAGE = "in the channel of the message, not in a thread"
DIRECT = "a direct message from this app"
ALL_POOLS = "*"  # no pool can be called that
HINT = "User name, email, phone number with its country code, or sub."
COUNTS = "What you type here counts instead of what you chose above."

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class FormState:
    """What a form must remember until it is sent: it is in the view's private_metadata, which only Slack sees.

    The response_url works until `until`, in seconds since 1970; a global shortcut has none. `of_message`: a shortcut of
    a message opened it. What was `found` in that is in the view's blocks instead, which have more room.
    """

    channel_id: str
    pools: Sequence[str]
    reason_required: bool
    actions: Sequence[str] = ()
    response_url: str | None = field(default=None, repr=False)
    until: float = 0
    of_message: bool = False
    found: Sequence[str] = ()

    @property
    def place(self) -> Place | None:
        """Where the card will be."""
        until = datetime.fromtimestamp(self.until, UTC)
        return Place(response_url=self.response_url, until=until, replaces=False) if self.response_url else None

    @property
    def where(self) -> str:
        """The same in words."""
        return (OF_MESSAGE if self.of_message else TYPED) if self.response_url else DIRECT


@dataclass(frozen=True, slots=True)
class Filled:
    """What was put into a form, as it was typed."""

    target: str = ""
    pool: str | None = None
    reason: str | None = None
    action: str = SIGN_OUT

    @property
    def options(self) -> Options:
        """What it asks for. Raises `UsageError`."""
        if self.action not in {SIGN_OUT, *OTHERS}:  # a newer bot opened the form, or it was forged
            raise UsageError("This bot does not know what is to be done. Close the form, and run the command again.")
        target, reason = check_target(self.target), check_reason(self.reason)
        return Options(target=target, pool=self.pool, reason=reason, action=self.action)


@dataclass(frozen=True)
class NewForm(CardReply):
    """A form that is not open yet. Until it is, an error is said where the command was typed, or the message is.

    A global shortcut has no such place: there the error is shown instead of the form or, where it is too late for that,
    in a direct message.
    """

    trigger_id: str
    channel_id: str
    found: Sequence[str] | None = None  # in the message; None where no message opened it

    def open(self, pools: Sequence[str], actions: Sequence[str]) -> None:
        """Open it. A trigger_id is good for 3 s."""
        found = {"of_message": self.found is not None, "found": self.found or ()}
        state = state_for(self, self.channel_id, pools, actions=actions, **found)
        filled = Filled(*state.found) if len(state.found) == 1 else None
        if not self._opened(form_view(state, filled)):
            super().say(UsageError("Slack may not have opened the form. If there is none, type the target instead."))

    def say(self, error: BotError) -> None:
        """Say what was wrong and what to do."""
        is_stranger, view = isinstance(error, DeniedError) and error.everywhere, modal(FORM, "Sign out", [str(error)])
        if self.place:
            super().say(error)
        elif is_stranger and not self.cards.may_show_a_stranger():
            log.warning("Someone who may not was not told: there were too many within a minute")
        elif not self._opened(view) and not is_stranger:  # the bot writes to no stranger
            super().say(error)

    def _opened(self, view: Drawn) -> bool:
        return took(self.cards.client, "views.open", trigger_id=self.trigger_id, view=view)


@dataclass(frozen=True)
class FormReply(CardReply):
    """A `Reply` to a form that was sent: the card is where its state says, and what was wrong is in the form."""

    view_id: str
    state: FormState
    filled: Filled

    def show(self, request: Request) -> bool:
        """Show the card; return whether Slack took it."""
        is_shown = super().show(request)
        view = found_view(shown=is_shown, approval=bool(request.needs), where=self.state.where)
        updated(self.cards.client, self.view_id, view)
        return is_shown

    def say(self, error: BotError) -> None:
        """Say what was wrong in the form, to be corrected there; where the form was closed, where the card would be."""
        if not updated(self.cards.client, self.view_id, form_view(self.state, self.filled, str(error))):
            super().say(error)


def state_for(reply: CardReply, channel_id: str, pools: Sequence[str], **more: Any) -> FormState:
    """Return what a form must remember whose card will be where `reply` is."""
    rule, place = reply.cards.shown.reason_rule, reply.place
    return FormState(
        channel_id=channel_id,
        pools=pools,
        reason_required=bool(rule and rule.required),
        response_url=place.response_url if place else None,
        until=place.until.timestamp() if place else 0,
        **more,
    )


def form_view(state: FormState, filled: Filled | None = None, trouble: str | None = None) -> Drawn:
    """Return the form, with what was put in before and what was wrong with it."""
    filled = filled or Filled()
    pools = {ALL_POOLS: "All pools I may use"} | {pool: pool for pool in state.pools}
    actions = {action: ACTIONS[action].button for action in state.actions if action in ACTIONS}
    whose = "Whose account" if len(actions) > 1 else "Whom to sign out"
    return modal(
        FORM,
        "Sign out",
        [trouble] if trouble else [],
        *_targets(whose, state.found, filled.target),
        field_of(ACTION, "What to do", select(actions, filled.action)) if len(actions) > 1 else {},
        field_of(POOL, "Pool", select(pools, filled.pool)) if len(state.pools) > 1 else {},
        field_of(REASON, "Reason", typed(filled.reason, MAX_REASON), optional=not state.reason_required),
        private_metadata=json.dumps({**asdict(state), "found": ()}),
        submit=plain("Look up"),
    )


def _targets(whose: str, found: Sequence[str], target: str) -> Sequence[Drawn]:
    """Return the field for the target; where several were found, a choice between them too."""
    if len(found) <= 1:
        return [field_of(TARGET, whose, typed(target, MAX_TARGET), hint=plain(HINT))]
    choice = field_of(FOUND, whose, select({each: each for each in found}, target, first=False), optional=True)
    other = typed("" if target in found else target, MAX_TARGET)
    return [choice, field_of(TARGET, "Someone else", other, optional=True, hint=plain(f"{COUNTS} {HINT}"))]


def looking_view() -> Drawn:
    """Return what is shown while the account is looked for."""
    return modal(FORM, "Sign out", ["Looking for the account …"])


def found_view(*, shown: bool, approval: bool = False, where: str = TYPED) -> Drawn:
    """Return what is shown once the account was found.

    `shown`: the card is `where` it says. `approval`: a second person has to approve it.
    """
    sentence = (
        f"The card is {where}. Nothing happens before you press a button on it."
        if shown
        else "The account was found, but Slack may not show its card yet. Nothing happens before you press a button on "
        "it. If there is no card in a minute, run /signout again."
    )
    then = [" Then a second person has to approve it."] if approval else []
    return modal(FORM, "Sign out", [sentence, *then])


def state_of(view: Drawn) -> FormState:
    """Return what a form remembers."""
    choices = (block["element"] for block in view["blocks"] if block.get("block_id") == FOUND)
    found = tuple(option["value"] for choice in choices for option in choice["options"])
    return FormState(**{**json.loads(view["private_metadata"]), "found": found})


def filled_of(view: Drawn) -> Filled:
    """Return what was put into a form."""
    values = values_of(view)
    pool = values.get(POOL)
    return Filled(
        target=values[TARGET] or values.get(FOUND) or "",
        pool=None if pool == ALL_POOLS else pool,
        reason=values[REASON],
        action=values.get(ACTION) or SIGN_OUT,
    )


def values_of(view: Drawn) -> Mapping[str, str | None]:
    """Return what was typed or chosen in each field of a form that was sent; None where nothing was."""
    fields = {id_: next(iter(widgets.values())) for id_, widgets in view["state"]["values"].items()}
    return {id_: (each.get("selected_option") or each).get("value") or None for id_, each in fields.items()}


def troubles_in(filled: Filled, rule: ReasonRule | None) -> dict[str, str]:
    """Return what is wrong with each field, as far as that can be seen without asking anyone."""
    troubles: dict[str, str] = {}
    try:
        check_target(filled.target)
    except UsageError as error:
        troubles[TARGET] = error.sentence
    return troubles | trouble_with_reason(filled.reason, rule)


def trouble_with_reason(reason: str | None, rule: ReasonRule | None) -> dict[str, str]:
    """Return what is wrong with the reason, by its field; empty where nothing is."""
    try:
        checked = check_reason(reason)
        if rule:
            rule.check(checked)
    except UsageError as error:
        return {REASON: error.sentence}
    return {}
