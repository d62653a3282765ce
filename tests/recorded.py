"""What Slack sends and answers, as its documentation and its own SDKs' tests show it: tests/payloads/.

Ids are the sandbox's, and what differs each time is a word in capitals, to be filled in.
"""

import json
from pathlib import Path
from typing import Any

from headless import SAM, SUPPORT, Headless

from bot.sandbox.cast import Install
from bot.sandbox.wire import Fault, answer

FOLDER = Path(__file__).parent / "payloads"
NAME_OF = {Install.WORKSPACE: "workspace", Install.GRID_WORKSPACE: "grid_workspace", Install.ORG_WIDE: "org_wide"}


def recorded(name: str, part: str = "payload", **filled: str) -> Any:
    """Return a part of a file, with what belongs in place of the words in capitals."""
    content = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))[part]
    return _filled(content, filled)


def _filled(content: Any, filled: dict[str, str]) -> Any:
    match content:
        case dict():
            return {name: _filled(held, filled) for name, held in content.items()}
        case list():
            return [_filled(held, filled) for held in content]
        case str():
            return filled.get(content, content)
    return content


def said(name: str) -> Fault:
    """Answer with a recorded error."""
    error = recorded("errors", name)
    headers = {each.replace("-", "_"): value for each, value in error["headers"].items() if each != "Content-Type"}
    kind = error["headers"].get("Content-Type", "application/json").partition(";")[0]
    return answer(error["status"], error["body"], kind, **headers)


def install(headless: Headless, where: Install) -> None:
    """Install the app there, and let auth.test and users.info answer as they are recorded."""
    headless.install(where)
    always = headless.stage.weather.slack.always
    headless.do(lambda: always("auth.test", answer(200, recorded("auth.test", NAME_OF[where]))))
    headless.do(lambda: always("users.info", answer(200, recorded("users.info", "ours"))))


def deliver(headless: Headless, name: str, message_ts: str | None = None, **filled: str) -> None:
    """Send a recorded payload to the bot; `message_ts`: of the card that is pressed."""
    workspace = headless.stage.workspace
    url = headless.do(lambda: workspace.response_urls.issue(SAM, SUPPORT, message_ts))
    words = {"RESPONSE_URL": url, "TRIGGER_ID": f"1.2.{url[-8:]}", "MESSAGE_TS": message_ts or "", **filled}
    payload, kind = recorded(name, **words), recorded(name, "kind")
    headless.do(lambda: workspace.forms.admit(payload, SAM))
    is_press = payload.get("type") == "block_actions"
    ack = headless.run(workspace.sockets.deliver(kind, payload, accepts_response=not is_press))
    assert ack.error is None
