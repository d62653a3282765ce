"""The form that `/signout` with nothing after it opens: its views, and what is told in it. What it finds is a card."""

import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from slack_sdk import WebClient

from bot.action import ACTIONS, OTHERS, SIGN_OUT
from bot.errors import BotError, UsageError
from bot.options import MAX_REASON, MAX_TARGET, ReasonRule, check_reason, check_target
from bot.ports import Place
from bot.request import Options, Request
from bot.slack.clients import failure_of
from bot.slack.reply import CardReply
from bot.slack.text import Drawn, lines, plain

FORM = "signout_form"
TARGET, POOL, REASON, ACTION = "target", "pool", "reason", "action"
ALL_POOLS = "*"  # no pool can be called that

# On its way, an update may overtake the ack. Then what the ack shows would replace it.
ACK_FIRST_SECONDS = 0.1

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class FormState:
    """What a form must remember until it is sent: it is in the view's private_metadata, which only Slack sees.

    The command's response_url works until `until`, in seconds since 1970.
    """

    channel_id: str
    pools: Sequence[str]
    reason_required: bool
    actions: Sequence[str] = ()
    response_url: str | None = field(default=None, repr=False)
    until: float = 0

    @property
    def place(self) -> Place | None:
        """Where the card will be."""
        until = datetime.fromtimestamp(self.until, UTC)
        return Place(response_url=self.response_url, until=until, replaces=False) if self.response_url else None


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
    """A form that is not open yet. Until it is, an error is said where the command was typed."""

    trigger_id: str
    channel_id: str

    def open(self, pools: Sequence[str], actions: Sequence[str]) -> None:
        """Open it. A trigger_id is good for 3 s."""
        rule = self.cards.shown.reason_rule
        state = FormState(
            channel_id=self.channel_id,
            pools=pools,
            actions=actions,
            reason_required=bool(rule and rule.required),
            response_url=self.place.response_url if self.place else None,
            until=self.place.until.timestamp() if self.place else 0,
        )
        if not took(self.cards.client, "views.open", trigger_id=self.trigger_id, view=form_view(state)):
            self.say(UsageError("Slack may not have opened the form. If there is none, type the target instead."))


@dataclass(frozen=True)
class FormReply(CardReply):
    """A `Reply` to a form that was sent: the card is in the channel, and what was wrong is in the form."""

    view_id: str
    state: FormState
    filled: Filled

    def show(self, request: Request) -> bool:
        """Show the card; return whether Slack took it."""
        is_shown = super().show(request)
        self._update(found_view(shown=is_shown, approval=bool(request.needs)))
        return is_shown

    def say(self, error: BotError) -> None:
        """Say what was wrong in the form, to be corrected there; where the form was closed, in the channel."""
        if not self._update(form_view(self.state, self.filled, str(error))):
            super().say(error)

    def _update(self, view: Drawn) -> bool:
        return updated(self.cards.client, self.view_id, view)


def updated(client: WebClient, view_id: str, view: Drawn) -> bool:
    """Show something else in a form that was sent, after its ack; return whether Slack said yes."""
    time.sleep(ACK_FIRST_SECONDS)
    return took(client, "views.update", view_id=view_id, view=view)


def took(client: WebClient, method: str, **arguments: Any) -> bool:
    """Call a method for views; return whether Slack said yes."""
    try:
        client.api_call(method, json=arguments)
    except Exception as error:  # noqa: BLE001 -- the operator is told all the same
        log.warning("%s failed: %s", method, failure_of(error).reason)
        return False
    return True


def form_view(state: FormState, filled: Filled | None = None, trouble: str | None = None) -> Drawn:
    """Return the form, with what was put in before and what was wrong with it."""
    filled = filled or Filled()
    pools = {ALL_POOLS: "All pools I may use"} | {pool: pool for pool in state.pools}
    actions = {action: ACTIONS[action].button for action in state.actions if action in ACTIONS}
    whose = "Whose account" if len(actions) > 1 else "Whom to sign out"
    hint = "User name, email, phone number with its country code, or sub."
    return modal(
        FORM,
        "Sign out",
        *([lines([[trouble]])] if trouble else ()),
        field_of(TARGET, whose, typed(filled.target, MAX_TARGET), hint=plain(hint)),
        *([field_of(ACTION, "What to do", _select(actions, filled.action))] if len(actions) > 1 else []),
        *([field_of(POOL, "Pool", _select(pools, filled.pool))] if len(state.pools) > 1 else []),
        field_of(REASON, "Reason", typed(filled.reason, MAX_REASON), optional=not state.reason_required),
        private_metadata=json.dumps(asdict(state)),
        submit=plain("Look up"),
    )


def looking_view() -> Drawn:
    """Return what is shown while the account is looked for."""
    return modal(FORM, "Sign out", lines([["Looking for the account …"]]))


def found_view(*, shown: bool, approval: bool = False) -> Drawn:
    """Return what is shown once the account was found.

    `shown`: the card is in the channel. `approval`: a second person has to approve it.
    """
    sentence = (
        "The card is in the channel where you typed the command. Nothing happens before you press a button on it."
        if shown
        else "The account was found, but Slack may not show its card yet. Nothing happens before you press a button on "
        "it. If the card is not in the channel in a minute, run /signout again."
    )
    return modal(
        FORM, "Sign out", lines([[sentence, *([" Then a second person has to approve it."] if approval else [])]])
    )


def state_of(view: Drawn) -> FormState:
    """Return what a form remembers."""
    return FormState(**json.loads(view["private_metadata"]))


def filled_of(view: Drawn) -> Filled:
    """Return what was put into a form."""
    values = {id_: next(iter(inputs.values())) for id_, inputs in view["state"]["values"].items()}
    pool = _chosen(values, POOL)
    return Filled(
        target=values[TARGET].get("value") or "",
        pool=None if pool == ALL_POOLS else pool or None,
        reason=values[REASON].get("value") or None,
        action=_chosen(values, ACTION) or SIGN_OUT,
    )


def _chosen(values: Mapping[str, Drawn], field: str) -> str | None:
    return (values.get(field, {}).get("selected_option") or {}).get("value")


def troubles_in(filled: Filled, rule: ReasonRule | None) -> dict[str, str]:
    """Return what is wrong with each field, as far as that can be seen without asking anyone."""
    troubles: dict[str, str] = {}
    try:
        check_target(filled.target)
    except UsageError as error:
        troubles[TARGET] = error.sentence
    try:
        reason = check_reason(filled.reason)
        if rule:
            rule.check(reason)
    except UsageError as error:
        troubles[REASON] = error.sentence
    return troubles


def modal(callback_id: str, title: str, *blocks: Drawn, **more: Any) -> Drawn:
    """Return a view of these blocks."""
    view = {"type": "modal", "callback_id": callback_id, "title": plain(title), "close": plain("Close")}
    return {**view, "blocks": list(blocks), **more}


def field_of(id_: str, label: str, widget: Drawn, *, optional: bool = False, **more: Drawn) -> Drawn:
    """Return a field with its label."""
    widget = {**widget, "action_id": id_}
    return {"type": "input", "block_id": id_, "label": plain(label), "element": widget, "optional": optional, **more}


def typed(value: str | None, longest: int) -> Drawn:
    """Return what is typed into, with what was typed before."""
    return {"type": "plain_text_input", "max_length": longest, **({"initial_value": value} if value else {})}


def _select(labels: Mapping[str, str], chosen: str | None) -> Drawn:
    """Return a choice of one of several values, each with its label; the first one unless it has the chosen one."""
    options = {value: {"text": plain(label), "value": value} for value, label in labels.items()}
    initial = options.get(chosen or "", next(iter(options.values())))
    return {"type": "static_select", "options": list(options.values()), "initial_option": initial}
