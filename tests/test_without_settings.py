"""A bot with no setting of approvals, protection or limits: all that it calls, says and asks for, on one page.

A bot from before there were such settings wrote the same page, but for the help's line on `whoami`.
"""

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from headless import AUDIT, KIM, RAY, SAM, Headless, texts
from shell import BARE, run_here
from whole_bot import CANCEL, CONFIRM, card_for, store_path

from bot.sandbox.socket_mode import Ack
from bot.sandbox.wire import Call

PAGE = Path(__file__).parent / "without_settings.md"
# What differs from run to run.
CHANGES = {
    r"[0-9A-HJKMNP-TV-Z]{26}": "ID",
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}": "UUID",
    r"eu-central-1_\w+": "POOL",
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d( UTC)?": "TIME",
    r"http://127.0.0.1:\d+": "ADDRESS",
    r"\bbot \d+\.\d+\.\d+": "bot VERSION",
    r"takes all \d+ \(\d+ calls": "takes all NUMBER (NUMBER calls",
}
PROGRESS = "Signing out"  # what is shown if Cognito is not very fast


def steps(headless: Headless) -> Iterator[tuple[str, Callable[[], Any]]]:
    """What people do, one after the other, each until all is told."""

    def press(action: str, said: str) -> None:
        headless.press(SAM, headless.wait_for_message(SAM, button=CONFIRM), action)
        headless.wait_for_message(SAM, containing=said)

    def fill_in() -> None:
        headless.submit(KIM, headless.wait_for_form(KIM), {"target": "grace", "reason": "lost phone"})
        headless.wait_for_form(KIM, containing="The card is in the channel")
        headless.wait_for_message(KIM, button=CONFIRM)

    def refuse() -> None:
        headless.command(RAY, "ada")
        headless.wait_for_message(RAY, containing="You are not on the list")
        headless.wait_for_message(SAM, AUDIT, containing="Refused: ada")

    def sign_out() -> None:
        press(CONFIRM, "Signed out: ada")
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")

    yield "/signout help", lambda: headless.command(SAM, "help")
    yield "/signout ada", lambda: card_for(headless, SAM)
    yield "Sign out", sign_out
    yield "/signout grace", lambda: card_for(headless, SAM, "grace --pool customers --reason 'lost phone'")
    yield "Cancel", lambda: press(CANCEL, "Cancelled")
    yield "/signout", lambda: (headless.command(KIM, ""), headless.wait_for_form(KIM))
    yield "Find", fill_in
    yield "/signout ada, by someone who is not allowed", refuse


def words_of(call: Call) -> str:
    """What a call to Slack says, and in which parameters."""
    sent = {name: _read(value) for name, value in call.parameters.items()}
    said = sent.get("text") or "\n".join(texts(sent.get("view", {}).get("blocks")))
    buttons = re.findall(r'"action_id": "(\w+)"', json.dumps(sent))
    lines = [f"{call.action} {' '.join(sorted(sent))}", *said.splitlines(), *(f"[{each}]" for each in buttons)]
    return "\n    ".join(lines).rstrip()


def _read(value: Any) -> Any:
    """A view or blocks, which come as JSON, or any other value as it is."""
    return json.loads(value) if isinstance(value, str) and value[:1] in {"{", "["} else value


def told(headless: Headless, since: tuple[int, int]) -> list[str]:
    """Each different call to Slack and to Cognito since then."""
    slack = [words_of(call) for call in headless.slack_calls()[since[0] :]]
    cognito = [
        f"{call.action} {json.dumps(call.parameters, sort_keys=True)}" for call in headless.cognito_calls()[since[1] :]
    ]
    return sorted({each for each in (*slack, *cognito) if PROGRESS not in each})


def page(headless: Headless, run: Callable[..., str]) -> str:
    parts = ["# Without approvals, protection and limits\n"]
    parts.append("Made by test_without_settings.py. `UPDATE_WITHOUT=1` writes it again.\n")
    since = (0, 0)
    with headless.bot_in_process():
        for title, act in steps(headless):
            shown = act()
            said = [shown.payload["text"]] if isinstance(shown, Ack) and shown.payload else []
            parts.append("\n".join([f"## {title}\n", "```text", *said, *told(headless, since), "```\n"]))
            since = len(headless.slack_calls()), len(headless.cognito_calls())
    verbs = ("check --no-post", "manifest", "iam-policy --account 123456789012")
    parts += [f"## signout-bot {words}\n\n```text\n{run(*words.split())}```\n" for words in verbs]
    text = "\n".join(parts).replace(str(store_path(headless).parent), "FOLDER")
    for pattern, name in CHANGES.items():
        text = re.sub(pattern, name, text)
    return text


def test_without_these_settings_a_bot_calls_says_and_asks_for_what_it_always_did(
    headless: Headless, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    made = page(headless, lambda *words: run_here(monkeypatch, capfd, BARE | headless.environment, *words).out)
    if os.environ.get("UPDATE_WITHOUT"):
        PAGE.write_text(made, "utf-8")
    assert made == PAGE.read_text("utf-8")
