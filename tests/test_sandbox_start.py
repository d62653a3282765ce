"""`python -m bot sandbox`, started as a newcomer starts it."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import ctrl_c
import pytest

from bot.sandbox.start import CannotStartError, open_browser, refuse_what_is_not_loopback

COMMAND = [sys.executable, "-m", "bot", "sandbox", "--no-browser", "--port"]


class Sandbox:
    """A running sandbox."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.steps: list[str] = []
        assert process.stdout
        for line in process.stdout:
            self.steps.append(line.rstrip())
            if found := re.search(r"Open http://(127\.0\.0\.1:\d+)/", line):
                self.host = found[1]
                return
        raise AssertionError(
            f"the sandbox ended: {process.wait()} {self.steps} {process.stderr and process.stderr.read()}"
        )

    def do(self, what: str, **details: Any) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        connection = http.client.HTTPConnection(self.host, timeout=10)
        with closing(connection):
            connection.request("POST", f"/do/{what}", json.dumps(details), headers)
            answer: dict[str, Any] = json.load(connection.getresponse())
        return answer

    def first_message(self, person: str = "U0SAM00001") -> dict[str, Any]:
        """Wait for the bot's first message to this person; gives it."""
        connection = http.client.HTTPConnection(self.host, timeout=10)
        with closing(connection):
            connection.request("GET", f"/events?person={person}&since=0")
            for line in connection.getresponse():
                messages = json.loads(line[6:])["channels"][0]["messages"] if line.startswith(b"data: ") else ()
                if bots := [message for message in messages if message["from"] == "bot"]:
                    message: dict[str, Any] = bots[0]
                    return message
        raise AssertionError("the events ended")

    def stop(self, how: signal.Signals) -> int:
        """Stop it; gives the exit code. "At once" is less than a hanging call takes."""
        self.process.send_signal(how)
        return self.process.wait(10)


@contextmanager
def sandbox(folder: Path, *options: str, **environment: str) -> Iterator[Sandbox]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder)} | environment
    with ctrl_c.taken():
        process = subprocess.Popen(
            [*COMMAND, "0", *options], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
    with process:
        try:
            yield Sandbox(process)
        finally:
            process.kill()


@pytest.mark.long
def test_each_step_of_the_start_is_shown_with_its_time_and_a_stop_leaves_nothing_behind(tmp_path: Path) -> None:
    with sandbox(tmp_path) as running:
        assert all(re.match(r" *\d+\.\d s  \w", step) for step in running.steps)
        assert [re.sub(r"http\S+", "URL", step[9:]) for step in running.steps] == [
            "Starting, on this machine only",
            "Cognito (moto) is there",
            "12 people are in the pools, with 20 devices",
            "A Slack workspace is there",
            "The bot is connected",
            "Open URL   (Ctrl-C stops everything)",
        ]
        assert list(tmp_path.iterdir())
        code = running.stop(signal.SIGTERM)
        assert running.process.stderr
        assert running.process.stderr.read() == ""
    assert code == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
def test_it_may_play_enterprise_grid(tmp_path: Path) -> None:
    with sandbox(tmp_path, "--grid") as running:
        running.do("say", text="/signout ada --pool customers", person="U0KIM00001", channel="C0SUPPORT1")
        assert "ada" in running.first_message("U0KIM00001")["text"]


@pytest.mark.long
def test_a_protected_account_needs_a_second_person(tmp_path: Path) -> None:
    with sandbox(tmp_path) as running:
        running.do("say", text="/signout frances --pool staff", person="U0SAM00001", channel="C0SUPPORT1")
        assert "the account is protected (protect.groups: admins)" in running.first_message()["text"]


@pytest.mark.long
def test_ctrl_c_stops_it_at_once_though_the_bot_is_busy(tmp_path: Path) -> None:
    with sandbox(tmp_path) as running:
        where = {"person": "U0SAM00001", "channel": "C0SUPPORT1"}
        running.do("weather", name="cognito_throttling", on=True)
        running.do("say", text="/signout ada --pool customers", **where)
        card = running.first_message()
        assert running.do("press", message=card["id"], action_id="signout_confirm", **where) == {"ok": True}
        code = running.stop(signal.SIGINT)
        assert running.process.stderr
        assert running.process.stderr.read() == ""
    assert code == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
def test_what_leads_off_this_machine_is_dropped_from_the_environment_and_it_listens_only_on_loopback(
    tmp_path: Path,
) -> None:
    profile = tmp_path / ".aws" / "config"
    profile.parent.mkdir()
    profile.write_text("[default]\nignore_configured_endpoint_urls = true\nregion = us-east-1\n")
    outside = {
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
        "AWS_PROFILE": "production",
        "AWS_ENDPOINT_URL": "https://cognito-idp.eu-central-1.amazonaws.com",
        "HTTPS_PROXY": "http://proxy.example:3128",
        "http_proxy": "http://proxy.example:3128",
        "SSL_CERT_FILE": "/gone/ca.pem",
        "AWS_CA_BUNDLE": "/gone/ca.pem",
        "REQUESTS_CA_BUNDLE": "/gone/ca.pem",
        "SLACK_API_URL": "https://slack.com/api/",
        "SIGNOUT_ALLOW_USERS": "U0NOBODY01",
    }
    with sandbox(tmp_path, **outside) as running:
        said = running.do("say", person="U0SAM00001", channel="C0SUPPORT1", text="/signout ada --pool customers")
        assert said == {"ok": True}
        if Path("/proc/self/net/tcp").exists():  # only Linux tells
            listening = listens(running.process.pid)
            assert len(listening) >= 4  # moto, the weather, the workspace, the page
            assert set(listening) == {"0100007F"}


def listens(pid: int) -> list[str]:
    """Return the addresses on which a process listens, as Linux writes them."""
    proc = Path(f"/proc/{pid}")
    own = {str(each.readlink()) for each in (proc / "fd").iterdir() if each.exists()}
    rows = [line.split() for table in ("tcp", "tcp6") for line in (proc / "net" / table).read_text().splitlines()[1:]]
    return [row[1].partition(":")[0] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in own]


def test_a_taken_port_gets_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = subprocess.run([*COMMAND, str(port)], capture_output=True, text=True, check=False, timeout=30)
    assert ended.returncode == 1
    sentence = f"Port {port} is taken. Choose another: python -m bot sandbox --port 0 picks a free one.\n"
    assert ended.stderr == sentence
    assert ended.stdout == ""


@pytest.mark.parametrize("url", ["https://slack.com/api/", "http://10.0.0.1/", "http://localhost.example/", ""])
def test_an_address_off_this_machine_is_refused(url: str) -> None:
    with pytest.raises(CannotStartError):
        refuse_what_is_not_loopback(["http://127.0.0.1:1/", url])


def test_without_a_display_no_browser_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr("webbrowser.open", pytest.fail)
    open_browser("http://127.0.0.1:1/")
