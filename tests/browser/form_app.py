"""A small Bolt app that opens a form: what the page shows of it does not depend on the bot's own."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any

from headless import PATIENCE, Headless
from slack_app import app as listening_app
from slack_bolt import Ack, App, BoltRequest
from slack_sdk import WebClient
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.sandbox import cast

View = dict[str, Any]


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def option(value: str, text: str, **more: Any) -> View:
    return {"value": value, "text": plain(text), **more}


def block(block_id: str, label: str, element: View, **more: Any) -> View:
    return {"type": "input", "block_id": block_id, "label": plain(label), "element": element, **more}


def modal(*blocks: View, **more: Any) -> View:
    return {"type": "modal", "callback_id": "form", "title": plain("Sign somebody out"), "blocks": list(blocks), **more}


TARGET = {"type": "plain_text_input", "action_id": "text", "placeholder": plain("ada@example.com"), "min_length": 2}
POOL = {
    "type": "static_select",
    "action_id": "pool",
    "placeholder": plain("Choose a pool"),
    "options": [option("customers", "customers"), option("staff", "staff")],
}
REASON = {"type": "plain_text_input", "action_id": "text", "multiline": True}
WHY = {
    "type": "radio_buttons",
    "action_id": "why",
    "initial_option": option("lost", "A device was lost"),
    "options": [
        option("lost", "A device was lost"),
        option("asked", "They asked for it", description=plain("By mail, or on the phone")),
    ],
}
ASK = modal(
    {"type": "section", "text": {"type": "mrkdwn", "text": "Ends the sessions of *one* person on all their devices."}},
    block("target", "Who", TARGET, hint=plain("A user name, an email or a phone number.")),
    block("pool", "Pool", POOL),
    block("why", "Why", WHY),
    block("reason", "Reason", REASON, optional=True, hint=plain("A ticket number, say OPS-12.")),
    submit=plain("Find"),
    close=plain("Cancel"),
    notify_on_close=True,
)
LOOKING = modal({"type": "section", "text": plain("Looking for them …")})
MALFORMED = "That is no ticket number."
GO = {"type": "button", "action_id": "go", "value": "R1", "style": "danger", "text": plain("Go on")}


def found(target: str) -> View:
    return modal(
        {"type": "header", "text": plain(f"Found {target}")},
        {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "*"}]}]},
        {"type": "divider"},
        {"type": "actions", "elements": [GO]},
        {"type": "context", "elements": [plain("Nothing has been done yet.")]},
        close=plain("Done"),
    )


class FormApp:
    """What the app heard beside forms being sent; whether it may ack one; whether it has found whom it looks for."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.may_ack = Event()
        self.may_ack.set()
        self.has_found = Event()


@contextmanager
def form_app(headless: Headless) -> Iterator[FormApp]:
    """Connect the app."""
    state = FormApp()
    client = WebClient(token=cast.BOT_TOKEN, base_url=headless.environment["SLACK_API_URL"])
    app = App(client=client, token_verification_enabled=False)

    @app.command(cast.COMMAND)
    def on_command(ack: Ack, command: dict[str, Any], client: WebClient) -> None:
        ack()
        client.views_open(trigger_id=command["trigger_id"], view=ASK)

    @app.view("form")
    def on_submit(ack: Ack, body: dict[str, Any], view: View, client: WebClient) -> None:
        values = view["state"]["values"]
        state.may_ack.wait(PATIENCE)
        if values["reason"]["text"]["value"] == "nonsense":
            ack(response_action="errors", errors={"reason": MALFORMED})
            return
        ack(response_action="update", view=LOOKING)
        headless.wait_for_form(body["user"]["id"], containing="Looking")
        chosen = [values[name][name]["selected_option"]["value"] for name in ("pool", "why")]
        state.has_found.wait(PATIENCE)
        client.views_update(view_id=view["id"], view=found(" ".join([values["target"]["text"]["value"], *chosen])))

    @app.view_closed("form")
    def on_close(ack: Ack) -> None:
        ack()
        state.heard.append("closed")

    @app.action(re.compile("."))
    def on_action(ack: Ack, action: dict[str, Any]) -> None:
        ack()
        value = action["selected_option"]["value"] if "selected_option" in action else action["value"]
        state.heard.append(f"{action['action_id']} {value}")

    def respond(request: SocketModeRequest) -> dict[str, Any] | None:
        body = app.dispatch(BoltRequest(mode="socket_mode", body=request.payload)).body
        return json.loads(body) if body else None

    with listening_app(headless, respond):
        yield state
