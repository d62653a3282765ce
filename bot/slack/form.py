"""The form that `/signout` alone opens: its views, and opening and updating them. What it finds is a card as ever."""

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from slack_sdk import WebClient

from bot.options import MAX_REASON, MAX_TARGET
from bot.slack.cards import Message
from bot.slack.clients import reason_of
from bot.slack.text import Block, paragraph, plain, words

FORM = "signout_form"
TARGET, POOL, REASON = "target", "pool", "reason"
ALL_POOLS = "*"  # no pool can be called that

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class FormState:
    """What a form must remember until it is sent: it travels in the view's private_metadata, seen by Slack alone."""

    channel_id: str
    pools: Sequence[str]
    reason_required: bool
    response_url: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Filled:
    """What was put into a form, as it was typed."""

    target: str = ""
    pool: str | None = None
    reason: str | None = None


class Forms:
    """Opens and updates forms. Slack may refuse either; neither is needed for anything to be safe."""

    def __init__(self, client: WebClient) -> None:
        self._client = client

    def open(self, trigger_id: str, state: FormState) -> bool:
        """Open an empty form; return whether Slack did. A trigger_id is good for 3 s."""
        return self._call("views.open", trigger_id=trigger_id, view=form_view(state))

    def show(self, view_id: str, view: dict[str, Any]) -> bool:
        """Put another view in place of a form; return whether Slack did."""
        return self._call("views.update", view_id=view_id, view=view)

    def _call(self, method: str, **arguments: Any) -> bool:
        try:
            self._client.api_call(method, json=arguments)
        except Exception as error:  # noqa: BLE001 -- the operator is told all the same
            log.warning("%s failed: %s", method, reason_of(error))
            return False
        return True


def form_view(state: FormState, filled: Filled | None = None, trouble: Message | None = None) -> dict[str, Any]:
    """Return the form, with what was put in before and what was wrong with it."""
    filled = filled or Filled()
    return _view(
        *(trouble.blocks if trouble else ()),
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
        else "The account was found, but the card could not be shown. Nothing has happened. Run /signout anew."
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
