"""The form that `/signout` with nothing after it opens: its views, and what is told in it. What it finds is a card."""

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from slack_sdk import WebClient

from bot.errors import BotError, UsageError
from bot.options import MAX_REASON, MAX_TARGET, check_reason, check_target
from bot.ports import Place
from bot.reason import ReasonRule
from bot.request import Request
from bot.slack.clients import reason_of
from bot.slack.reply import CardReply
from bot.slack.text import Block, paragraph, plain, words

FORM = "signout_form"
TARGET, POOL, REASON = "target", "pool", "reason"
ALL_POOLS = "*"  # no pool can be called that

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class FormState:
    """What a form must remember until it is sent: it is in the view's private_metadata, which only Slack sees.

    The command's response_url works until `until`, in seconds since 1970.
    """

    channel_id: str
    pools: Sequence[str]
    reason_required: bool
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


@dataclass(frozen=True)
class NewForm(CardReply):
    """A form that is not open yet: what is wrong until then is said where the command was typed."""

    trigger_id: str
    channel_id: str

    def open(self, pools: Sequence[str]) -> None:
        """Open it. A trigger_id is good for 3 s."""
        rule = self.cards.shown.reason_rule
        state = FormState(
            channel_id=self.channel_id,
            pools=pools,
            reason_required=bool(rule and rule.required),
            response_url=self.place.response_url if self.place else None,
            until=self.place.until.timestamp() if self.place else 0,
        )
        if not _took(self.cards.client, "views.open", trigger_id=self.trigger_id, view=form_view(state)):
            self.say(UsageError("The form could not be opened in time. Type the target instead."))


@dataclass(frozen=True)
class FormReply:
    """A `Reply` to a form that was sent: the card is in the channel, and what was wrong is in the form."""

    card: CardReply
    view_id: str
    state: FormState
    filled: Filled

    @property
    def place(self) -> Place | None:
        """Where the card will be."""
        return self.card.place

    def show(self, request: Request) -> bool:
        """Show the card; return whether Slack took it."""
        shown = self.card.show(request)
        self._update(found_view(shown=shown))
        return shown

    def say(self, error: BotError) -> None:
        """Say in the form, to be corrected there, what was wrong; in the channel where the form was closed."""
        if not self._update(form_view(self.state, self.filled, str(error))):
            self.card.say(error)

    def _update(self, view: dict[str, Any]) -> bool:
        return _took(self.card.cards.client, "views.update", view_id=self.view_id, view=view)


def _took(client: WebClient, method: str, **arguments: Any) -> bool:
    try:
        client.api_call(method, json=arguments)
    except Exception as error:  # noqa: BLE001 -- the operator is told all the same
        log.warning("%s failed: %s", method, reason_of(error))
        return False
    return True


def form_view(state: FormState, filled: Filled | None = None, trouble: str | None = None) -> dict[str, Any]:
    """Return the form, with what was put in before and what was wrong with it."""
    filled = filled or Filled()
    return _view(
        *([paragraph(words(trouble))] if trouble else ()),
        _input(
            TARGET,
            "Whom to sign out",
            _text(TARGET, filled.target, MAX_TARGET),
            hint="User name, email, phone number with its country code, or sub.",
        ),
        *([_pool(state.pools, filled.pool)] if len(state.pools) > 1 else []),
        _input(REASON, "Reason", _text(REASON, filled.reason, MAX_REASON), optional=not state.reason_required),
        private_metadata=json.dumps(asdict(state)),
        submit=plain("Look up"),
    )


def looking_view() -> dict[str, Any]:
    """Return what is shown while the account is looked for."""
    return _view(paragraph(words("Looking for the account …")))


def found_view(*, shown: bool) -> dict[str, Any]:
    """Return what is shown once the account was found; `shown`: the card is in the channel."""
    sentence = (
        "The card is in the channel where you typed the command. Nothing has happened yet."
        if shown
        else "The account was found, but the card could not be shown yet. Nothing has happened. If the card is not in "
        "the channel in a minute, run /signout again."
    )
    return _view(paragraph(words(sentence)))


def state_of(view: dict[str, Any]) -> FormState:
    """Return what a form remembers."""
    return FormState(**json.loads(view["private_metadata"]))


def filled_of(view: dict[str, Any]) -> Filled:
    """Return what was put into a form."""
    values = {block: next(iter(actions.values())) for block, actions in view["state"]["values"].items()}
    pool = (values.get(POOL, {}).get("selected_option") or {}).get("value")
    return Filled(
        target=values[TARGET].get("value") or "",
        pool=None if pool == ALL_POOLS else pool,
        reason=values[REASON].get("value") or None,
    )


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


def _view(*blocks: Block, **more: Any) -> dict[str, Any]:
    return {
        "type": "modal",
        "callback_id": FORM,
        "title": plain("Sign out"),
        "close": plain("Close"),
        "blocks": list(blocks),
        **more,
    }


def _input(
    block_id: str, label: str, element: dict[str, Any], *, hint: str | None = None, optional: bool = False
) -> Block:
    block = {"type": "input", "block_id": block_id, "label": plain(label), "element": element, "optional": optional}
    return block | ({"hint": plain(hint)} if hint else {})


def _text(action_id: str, value: str | None, longest: int) -> dict[str, Any]:
    element = {"type": "plain_text_input", "action_id": action_id, "max_length": longest}
    return element | ({"initial_value": value} if value else {})


def _pool(pools: Sequence[str], chosen: str | None) -> Block:
    every = _option("All pools I may use", ALL_POOLS)
    options = [every, *(_option(pool, pool) for pool in pools)]
    initial = next((option for option in options if option["value"] == chosen), every)
    return _input(
        POOL,
        "Pool",
        {"type": "static_select", "action_id": POOL, "options": options, "initial_option": initial},
    )


def _option(label: str, value: str) -> dict[str, Any]:
    return {"text": plain(label), "value": value}
