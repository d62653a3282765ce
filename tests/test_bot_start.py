"""A start whose store or Slack is away waits, says so with growing pauses, and begins by itself when they come."""

import json
import logging
import re
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from headless import AUDIT, SAM, BotProcess, Headless
from whole_bot import CONFIRM, POST, SIGN_OUT, card_for, states, travel

from bot.backoff import pause
from bot.sandbox.wire import answer, hang

ENDLESS = 600
SILENT_NAME_SERVER = f"""
import socket, time

def getaddrinfo(host, *_, **__):
    print("looking up", host)
    time.sleep({ENDLESS})

socket.getaddrinfo = getaddrinfo
"""


def test_a_store_that_is_away_is_waited_for_beside_a_health_page_that_answers(headless: Headless) -> None:
    folder = headless.stage.folder / "not-mounted-yet"
    with headless.bot_process(connected=False, SIGNOUT_STORE=f"sqlite:///{folder / 'signout.db'}") as bot:
        headless.wait_for(lambda: "trying again in 2 s" in bot.log(), timeout=ENDLESS)
        assert json.load(urllib.request.urlopen(health_page(bot))) == {"status": "ok"}  # noqa: S310 -- loopback
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(health_page(bot).replace("healthz", "readyz"))  # noqa: S310 -- loopback
        assert caught.value.code == 503
        assert "The store is not open yet. The log says what the bot waits for." in json.load(caught.value)["reasons"]
        caught.value.close()
        assert headless.connections() == 0
        folder.mkdir()
        headless.wait_for(lambda: headless.connections() == 1, timeout=ENDLESS)
        headless.press(SAM, card_for(headless, SAM), CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
        assert bot.terminate() == 0
    said = [json.loads(line)["message"] for line in bot.log().splitlines()]
    waits = re.findall(r"The store cannot be opened \((.+)\); trying again in (\d+) s", "\n".join(said))
    assert waits[:2] == [("No such file or directory", "1"), ("No such file or directory", "2")]
    assert [int(seconds) for _, seconds in waits] == [int(pause(n + 1).total_seconds()) for n in range(len(waits))]
    assert said.count("The store is open") == 1


def test_sigterm_while_the_store_is_waited_for_ends_at_once(headless: Headless) -> None:
    store = f"sqlite:///{headless.stage.folder / 'no' / 'such' / 'folder'}"
    with headless.bot_process(connected=False, SIGNOUT_STORE=store) as bot:
        headless.wait_for(lambda: "The store cannot be opened" in bot.log(), timeout=ENDLESS)
        assert bot.terminate() == 0
    assert "Traceback" not in bot.log()


def test_an_empty_list_that_leaves_the_files_as_it_is_is_told_first(headless: Headless, tmp_path: Path) -> None:
    given = Path(headless.environment["SIGNOUT_CONFIG"]).read_text("utf-8")
    (tmp_path / "with-list.toml").write_text(f"{given}\n[allow]\nusers = ['{SAM}']\n", "utf-8")
    with headless.bot_process(SIGNOUT_CONFIG=str(tmp_path / "with-list.toml"), SIGNOUT_ALLOW_USERS="") as bot:
        first = bot.log().splitlines()[0]
    assert "SIGNOUT_ALLOW_USERS is empty, so it is as if it were not set: the file's list counts." in first


def test_a_store_that_waiting_will_not_help_ends_the_start_with_its_sentence(headless: Headless) -> None:
    store = headless.stage.folder / "signout.db"
    store.write_text("this is no database, whatever its name says")
    status, log = headless.bot_that_ends()
    assert status == 1
    assert f"The store {store} cannot be opened: file is not a database. Check SIGNOUT_STORE." in log
    assert "Traceback" not in log


def test_a_slack_that_is_away_is_waited_for_while_what_was_left_behind_is_finished(
    headless: Headless, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    clock = travel(headless)
    headless.before_cognito(SIGN_OUT, *[hang()] * 2)
    with headless.bot_in_process(SIGNOUT_DRAIN="1s"):
        headless.press(SAM, card_for(headless, SAM), CONFIRM)
        headless.wait_for(lambda: headless.cognito_calls(SIGN_OUT))
    assert states(headless) == ["running"]
    clock.forward(seconds=36)  # first: a thread of that bot may still be at it, and sends nothing from now on
    headless.do(headless.stage.weather.cognito.clear)
    headless.before_slack("auth.test", *[answer(503, "<html>", "text/html")] * 2)
    held = headless.pause("auth.test")
    caplog.clear()
    finished: list[str] = []

    def look(call: object) -> None:
        if getattr(call, "action", "") == POST:
            finished.extend(states(headless))
            held._pause.released.set()

    headless.do(lambda: headless.stage.weather.slack.observers.append(look))
    with headless.bot_in_process():
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
    assert finished[:1] == ["done"], "told before Slack had even answered auth.test"
    said = [each.message for each in caplog.records if each.name == "bot.edge.socket_mode"]
    assert [re.search(r"trying again in (\d) s", line)[1] for line in said[:-1]] == ["1", "2"]  # type: ignore[index]
    assert said[-1] == "Connected to Slack in Socket Mode"


@pytest.mark.parametrize("address", ["https://slack.com/api/", "the workspace's"])
def test_sigterm_during_a_start_whose_name_server_or_slack_is_silent_ends_soon(
    headless: Headless, tmp_path: Path, address: str
) -> None:
    """The name server is silent for longer than anyone waits; no name is needed on loopback."""
    (tmp_path / "sitecustomize.py").write_text(SILENT_NAME_SERVER)
    silent = {"SLACK_API_URL": address, "PYTHONPATH": str(tmp_path)} if address.startswith("https") else {}
    headless.before_slack("auth.test", hang())
    with headless.bot_process(connected=False, **silent) as bot:
        headless.wait_for(lambda: "looking up slack.com" in bot.log() or headless.slack_calls("auth.test"), ENDLESS)
        assert bot.terminate(60) == 0
    assert "Traceback" not in bot.log()


def health_page(bot: BotProcess) -> str:
    found = re.search(r"Health page on ([^\s\",]+)", bot.log())
    assert found
    return found[1]
