"""What forms are made of, and showing them."""

import logging
import time
from collections.abc import Mapping
from typing import Any

from slack_sdk import WebClient

from bot.slack.clients import failure_of
from bot.slack.text import Block, Drawn, message, plain

MAX_OPTION = 75
# On its way, an update may overtake the ack. Then what the ack shows would replace it.
ACK_FIRST_SECONDS = 0.1

log = logging.getLogger(__name__)


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


def modal(callback_id: str, title: str, *blocks: Block, **more: Any) -> Drawn:
    """Return a view of these blocks, which are as those of a message."""
    view = {"type": "modal", "callback_id": callback_id, "title": plain(title), "close": plain("Close")}
    return {**view, "blocks": message(*blocks).blocks, **more}


def field_of(id_: str, label: str, widget: Drawn, *, optional: bool = False, **more: Drawn) -> Drawn:
    """Return a field with its label."""
    widget = {**widget, "action_id": id_}
    return {"type": "input", "block_id": id_, "label": plain(label), "element": widget, "optional": optional, **more}


def typed(value: str | None, longest: int) -> Drawn:
    """Return what is typed into, with what was typed before."""
    return {"type": "plain_text_input", "max_length": longest, **({"initial_value": value} if value else {})}


def select(labels: Mapping[str, str], chosen: str | None, *, first: bool = True) -> Drawn:
    """Return a choice of one of several values, each with its label: the chosen one, else the `first` one or none."""
    options = {value: {"text": plain(label, MAX_OPTION), "value": value} for value, label in labels.items()}
    initial = options.get(chosen or "", next(iter(options.values())) if first else None)
    chosen_one = {"initial_option": initial} if initial else {}
    return {"type": "static_select", "options": list(options.values()), **chosen_one}
