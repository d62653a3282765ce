"""A form (Slack's name for it is view) before one person: what it asks, what was answered, what is shown under it."""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox import cast
from bot.sandbox.form_limits import LONGEST_ANSWER

Content = dict[str, Any]
Answers = Mapping[str, str]


def new_hash() -> str:
    """Make a hash in Slack's shape: another one for each state of a view."""
    return f"{int(time.time())}.{secrets.token_hex(4)}"


@dataclass(kw_only=True)
class View:
    """An open form. `errors` are shown under its inputs, by block_id; `trouble` is shown above all of it.

    Answers are texts by block_id: what was typed, or the value of the option that was chosen.
    """

    person: str
    content: Content
    id: str = field(default_factory=lambda: f"V{secrets.token_hex(5).upper()}")
    hash: str = field(default_factory=new_hash)
    opened: float = field(default_factory=time.time)
    answered: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    trouble: str | None = None

    def __post_init__(self) -> None:
        self.content = _named(self.content)

    def inputs(self) -> dict[str, Content]:
        """Give the blocks that ask for something, by block_id."""
        return {block["block_id"]: block for block in self.content["blocks"] if block["type"] == "input"}

    def become(self, content: Content) -> None:
        """Take other content. An answer stays where its input does, by block_id and action_id, as in Slack."""
        before = self.inputs()
        self.content, self.hash, self.errors, self.trouble = _named(content), new_hash(), {}, None
        kept = {block_id for block_id, block in self.inputs().items() if _same_input(block, before.get(block_id))}
        self.answered = {block_id: text for block_id, text in self.answered.items() if block_id in kept}

    def answers(self, given: Answers) -> dict[str, str]:
        """Give all answers: those given now, else those given before, else what was there at first.

        LookupError where there is no such input, or no such option in it.
        """
        inputs = self.inputs()
        if strangers := given.keys() - inputs.keys():
            raise LookupError(f"the form has no input {', '.join(sorted(strangers))}")
        answers = {block_id: _initial(block["element"]) for block_id, block in inputs.items()}
        answers |= self.answered | dict(given)
        for block_id, text in answers.items():
            options = inputs[block_id]["element"].get("options")
            if options and text and text not in {option["value"] for option in options}:
                raise LookupError(f"{block_id} offers no {text}")
        return answers

    def faults(self, answers: Answers) -> dict[str, str]:
        """Say what Slack's own window complains of before it sends a form, by block_id."""
        inputs = self.inputs()
        found = {block_id: _fault(inputs[block_id], text) for block_id, text in answers.items()}
        return {block_id: fault for block_id, fault in found.items() if fault}

    def as_the_api_shows_it(self, answers: Answers | None = None) -> Content:
        """Show the view as Slack's API returns it, with the answers as its state."""
        inputs = self.inputs()
        values = {
            block_id: {inputs[block_id]["element"]["action_id"]: _state(inputs[block_id]["element"], text)}
            for block_id, text in (answers or {}).items()
        }
        return {
            "id": self.id,
            "team_id": cast.TEAM_ID,
            **DEFAULTS,
            **self.content,
            "state": {"values": values},
            "hash": self.hash,
            "previous_view_id": None,
            "root_view_id": self.id,
            "app_id": cast.APP_ID,
            "app_installed_team_id": cast.TEAM_ID,
            "bot_id": cast.BOT_ID,
        }


DEFAULTS = {
    "private_metadata": "",
    "callback_id": "",
    "external_id": "",
    "clear_on_close": False,
    "notify_on_close": False,
    "close": None,
    "submit": None,
}


def _named(content: Content) -> Content:
    """Give each block and each input that has none an id, as Slack does."""
    blocks = [{"block_id": f"b{number}", **block} for number, block in enumerate(content["blocks"])]
    for block in blocks:
        if block["type"] == "input":
            block["element"] = {"action_id": f"in-{block['block_id']}", **block["element"]}
    return {**content, "blocks": blocks}


def _same_input(block: Content, before: Content | None) -> bool:
    same = ("type", "action_id", "options")
    return before is not None and all(block["element"].get(name) == before["element"].get(name) for name in same)


def _initial(element: Content) -> str:
    return str(element.get("initial_value") or element.get("initial_option", {}).get("value") or "")


def _fault(block: Content, text: str) -> str | None:
    element = block["element"]
    if not text.strip():
        return None if block.get("optional") else "Please complete this required field."
    if element["type"] != "plain_text_input":
        return None
    least, most = element.get("min_length", 0), element.get("max_length", LONGEST_ANSWER)
    if len(text) < least:
        return f"Please enter at least {least} characters."
    return f"Please enter no more than {most} characters." if len(text) > most else None


def _state(element: Content, text: str) -> Content:
    if element["type"] == "plain_text_input":
        return {"type": element["type"], "value": text or None}
    chosen = next((option for option in element["options"] if option["value"] == text), None)
    return {"type": element["type"], "selected_option": chosen}
