"""What Slack accepts as a form (a view of type `modal`), and how it words what it does not accept."""

import json
from collections.abc import Iterator
from typing import Any

from bot.sandbox.limits import BLOCKS, CONFIRM, NAMED, duplicates, flag, plain, words
from bot.sandbox.shapes import Rule, by_type, items, one_of, shape, string, whole

MOST_IN_A_VIEW = 250_000
LONGEST_ANSWER = 3000


def refused_arguments(arguments: dict[str, Any], **more: Rule) -> list[str]:
    """Say all that is wrong with a `view`, and with `more` arguments, in Slack's words; nothing where it would do."""
    required = {"view": VIEW, **more}
    given = {name: arguments[name] for name in required if name in arguments}
    return [f"[ERROR] {reason}" for reason in shape(None, **required)(given, "")]


def is_too_large(view: dict[str, Any]) -> bool:
    """Whether a view has more characters than Slack takes."""
    return len(json.dumps(view, ensure_ascii=False)) > MOST_IN_A_VIEW


def modal(value: Any, at: str) -> Iterator[str]:
    """Check a modal's own fields and its blocks, and then what holds between them."""
    reasons = list(MODAL(value, at))
    yield from reasons
    if reasons:
        return
    inputs = [block["element"] for block in value["blocks"] if block["type"] == "input"]
    if inputs and "submit" not in value:
        yield f"missing required field: submit [json-pointer:{at}]"
    if sum(element.get("focus_on_load") is True for element in inputs) > 1:
        yield f"only one element can have focus_on_load [json-pointer:{at}/blocks]"
    yield from duplicates(value["blocks"], f"{at}/blocks")


def text_input(value: Any, at: str) -> Iterator[str]:
    """Check a text input, whose lengths must agree with each other and with its first value."""
    reasons = list(TEXT_INPUT(value, at))
    yield from reasons
    if reasons:
        return
    least, most = value.get("min_length", 0), value.get("max_length", LONGEST_ANSWER)
    if least > most:
        yield f"must be no more than max_length [json-pointer:{at}/min_length]"
    elif "initial_value" in value:
        yield from string(most, least=0)(value["initial_value"], f"{at}/initial_value")


def choice(most: int, option: Rule, **more: Rule) -> Rule:
    """Take an element that offers options, of which one may be chosen at first."""
    rule = shape(
        {"action_id": string(), "initial_option": option, "confirm": CONFIRM, "focus_on_load": flag, **more},
        options=items(option, most=most),
    )

    def check(value: Any, at: str) -> Iterator[str]:
        reasons = list(rule(value, at))
        yield from reasons
        if not reasons and "initial_option" in value and value["initial_option"] not in value["options"]:
            yield f"must be one of the options [json-pointer:{at}/initial_option]"

    return check


TEXT_INPUT = shape(
    {
        "action_id": string(),
        "placeholder": plain(150),
        "initial_value": string(LONGEST_ANSWER, least=0),
        "multiline": flag,
        "min_length": whole(0, LONGEST_ANSWER),
        "max_length": whole(1, LONGEST_ANSWER),
        "dispatch_action_config": shape(
            trigger_actions_on=items(one_of("on_enter_pressed", "on_character_entered"), most=2)
        ),
        "focus_on_load": flag,
    }
)
PLAIN_OPTION = shape({"description": plain(75)}, text=plain(75), value=string(150))
OPTION = shape({"description": words(75)}, text=words(75), value=string(150))
INPUTS = by_type(
    {
        "plain_text_input": text_input,
        "static_select": choice(100, PLAIN_OPTION, placeholder=plain(150)),
        "radio_buttons": choice(10, OPTION),
    }
)
INPUT = shape(
    {"hint": plain(2000), "optional": flag, "dispatch_action": flag, **NAMED}, label=plain(2000), element=INPUTS
)
MODAL = shape(
    {
        "submit": plain(24),
        "close": plain(24),
        "private_metadata": string(3000, least=0),
        "callback_id": string(least=0),
        "external_id": string(least=0),
        "clear_on_close": flag,
        "notify_on_close": flag,
    },
    title=plain(24),
    blocks=items(by_type({**BLOCKS, "input": INPUT}), most=100, least=0),
)
VIEW = by_type({"modal": modal})
