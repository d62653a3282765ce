"""The validator refuses the forms that Slack refuses, with the place of the fault, and takes what is just within."""

from typing import Any

import pytest

from bot.sandbox.form_limits import is_too_large, refused_arguments

Content = dict[str, Any]


def plain(text: str = "x") -> Content:
    return {"type": "plain_text", "text": text}


def view(*blocks: Any, **more: Any) -> Content:
    return {"type": "modal", "title": plain(), "submit": plain(), "blocks": list(blocks), **more}


def block(element: Content, **more: Any) -> Content:
    return {"type": "input", "label": plain(), "element": element, **more}


def asks(**more: Any) -> Content:
    return view(block(text(**more)))


def text(**more: Any) -> Content:
    return {"type": "plain_text_input", **more}


def options(count: int = 2) -> list[Content]:
    return [{"text": plain(str(number)), "value": str(number)} for number in range(count)]


def offers(kind: str = "static_select", **more: Any) -> Content:
    return view(block({"type": kind, "options": options(), **more}))


def offered(kind: str = "static_select", **more: Any) -> Content:
    return offers(kind, options=[{"text": plain(), "value": "x", **more}])


def without_submit(*blocks: Any) -> Content:
    return {"type": "modal", "title": plain(), "blocks": list(blocks)}


MRKDWN = {"type": "mrkdwn", "text": "x"}
DIVIDER = {"type": "divider"}
BUTTON = {"type": "button", "text": plain(), "action_id": "a"}
DISPATCH = {"trigger_actions_on": ["on_character_entered"]}

# Each limit: what is just within it, what is just beyond it, and what is said of that.
LIMITS: dict[str, tuple[Content, Content, str]] = {
    "a title": (view(title=plain("x" * 24)), view(title=plain("x" * 25)), "less than 25 characters "),
    "an empty title": (view(), view(title=plain("")), "/view/title/text"),
    "a title in mrkdwn": (view(), view(title=MRKDWN), "unsupported type: mrkdwn"),
    "a submit": (view(submit=plain("x" * 24)), view(submit=plain("x" * 25)), "/view/submit/text"),
    "a close": (view(close=plain("x" * 24)), view(close=plain("x" * 25)), "/view/close/text"),
    "blocks": (view(*[DIVIDER] * 100), view(*[DIVIDER] * 101), "no more than 100 items allowed"),
    "private_metadata": (view(private_metadata="x" * 3000), view(private_metadata="x" * 3001), "/private_metadata"),
    "a callback_id": (view(callback_id="x" * 255), view(callback_id="x" * 256), "/view/callback_id"),
    "an external_id": (view(external_id="x" * 255), view(external_id="x" * 256), "/view/external_id"),
    "a flag": (view(notify_on_close=True), view(notify_on_close="true"), "/view/notify_on_close"),
    "a property": (view(clear_on_close=True), view(color="red"), "invalid additional property: color"),
    "a type": (view(), view(type="home"), "unsupported type: home [json-pointer:/view/type]"),
    "a submit with an input": (without_submit(DIVIDER), without_submit(block(text())), "required field: submit"),
    "a block": (view(DIVIDER, {"type": "actions", "elements": [BUTTON]}), view({"type": "file"}), "type: file"),
    "an input in place": (asks(), view({"type": "actions", "elements": [text()]}), "type: plain_text_input"),
    "an element": (asks(), view(block(BUTTON)), "unsupported type: button"),
    "block_ids": (
        view(block(text(), block_id="a"), block(text(), block_id="b")),
        view(*[block(text(), block_id="a")] * 2),
        "block_id a is used more than once [json-pointer:/view/blocks]",
    ),
    "action_ids": (
        view(*[block(text(action_id="a"))] * 2),
        view(*[{"type": "actions", "elements": [BUTTON]}] * 2),
        "action_id a",
    ),
    "an action_id": (asks(action_id="x" * 255), asks(action_id="x" * 256), "/element/action_id"),
    "a label": (view(block(text(), label=plain("x" * 2000))), view(block(text(), label=plain("x" * 2001))), "/label"),
    "no label": (asks(), view({"type": "input", "element": text()}), "missing required field: label"),
    "a hint": (view(block(text(), hint=plain("x" * 2000))), view(block(text(), hint=plain("x" * 2001))), "/hint"),
    "optional": (view(block(text(), optional=True)), view(block(text(), optional=1)), "/blocks/0/optional"),
    "dispatch_action": (
        view(block(text(dispatch_action_config=DISPATCH), dispatch_action=True)),
        asks(dispatch_action_config={"trigger_actions_on": ["on_blur"]}),
        "trigger_actions_on/0",
    ),
    "a placeholder": (asks(placeholder=plain("x" * 150)), asks(placeholder=plain("x" * 151)), "/placeholder/text"),
    "an initial value": (asks(initial_value="x" * 3000), asks(initial_value="x" * 3001), "/initial_value"),
    "lines": (asks(multiline=True), asks(multiline="yes"), "/multiline"),
    "a least length": (asks(min_length=0), asks(min_length=-1), "must be from 0 to 3000"),
    "a most length": (asks(max_length=3000), asks(max_length=3001), "must be from 1 to 3000"),
    "lengths": (asks(min_length=2, max_length=2), asks(min_length=3, max_length=2), "/min_length"),
    "a length": (asks(max_length=5), asks(max_length="5"), "must be an integer"),
    "what stands in it": (
        asks(max_length=3, initial_value="xxx"),
        asks(max_length=3, initial_value="xxxx"),
        "/initial_value",
    ),
    "focus": (
        view(block(text(focus_on_load=True)), block(text())),
        view(*[block(text(focus_on_load=True))] * 2),
        "focus_on_load",
    ),
    "a select": (offers(options=options(100)), offers(options=options(101)), "no more than 100 items allowed"),
    "no options": (offers(options=options(1)), offers(options=[]), "no fewer than 1 items allowed"),
    "an option's text": (offered(text=plain("x" * 75)), offered(text=plain("x" * 76)), "/options/0/text/text"),
    "an option in mrkdwn": (offered("radio_buttons", text=MRKDWN), offered(text=MRKDWN), "unsupported type: mrkdwn"),
    "an option's value": (offered(value="x" * 150), offered(value="x" * 151), "/options/0/value"),
    "an option's description": (
        offered(description=plain("x" * 75)),
        offered(description=plain("x" * 76)),
        "/options/0/description/text",
    ),
    "a first choice": (
        offers(initial_option=options()[0]),
        offers(initial_option={"text": plain("0"), "value": "5"}),
        "must be one of the options [json-pointer:/view/blocks/0/element/initial_option]",
    ),
    "a select's placeholder": (
        offers(placeholder=plain("x" * 150)),
        offers(placeholder=plain("x" * 151)),
        "/placeholder/text",
    ),
    "radio buttons": (
        offers("radio_buttons", options=options(10)),
        offers("radio_buttons", options=options(11)),
        "no more than 10 items allowed",
    ),
    "a first radio button": (
        offers("radio_buttons", initial_option=options()[1]),
        offers("radio_buttons", initial_option=options(3)[2]),
        "must be one of the options",
    ),
    "radio buttons' placeholder": (
        offers("radio_buttons"),
        offers("radio_buttons", placeholder=plain()),
        "invalid additional property: placeholder",
    ),
}


@pytest.mark.parametrize(("within", "beyond", "reason"), LIMITS.values(), ids=LIMITS)
def test_what_slack_takes_is_taken_and_what_it_refuses_is_refused(
    within: Content, beyond: Content, reason: str
) -> None:
    assert refused_arguments({"view": within}) == []
    (message,) = refused_arguments({"view": beyond})
    assert message.startswith("[ERROR] ")
    assert reason in message


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({}, "missing required field: view [json-pointer:]"),
        ({"view": "not JSON"}, "must be an object [json-pointer:/view]"),
        ({"view": {"type": "modal", "title": plain()}}, "missing required field: blocks [json-pointer:/view]"),
        ({"view": view(5)}, "must be an object [json-pointer:/view/blocks/0]"),
    ],
)
def test_what_is_no_view_is_refused(arguments: Content, reason: str) -> None:
    assert refused_arguments(arguments) == [f"[ERROR] {reason}"]


def test_a_view_may_have_250_000_characters() -> None:
    section = {"type": "section", "text": plain("x" * 2900)}
    assert not is_too_large(view(*[section] * 80))
    assert is_too_large(view(*[section] * 100))
