"""What all verbs have in common: help, wrong usage, and a standard output that does not take everything."""

import logging
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bot import __main__ as command
from bot.errors import AccountNotFoundError, BotError, NewerVersionError, StoreError, UsageError
from bot.settings.faults import SettingsError
from bot.settings.model import Settings

ROOT = Path(__file__).parent.parent
VERBS = ["run", "check", "signout", "audit", "manifest", "iam-policy", "table", "sandbox"]
HEAVY = {"aiohttp", "boto3", "botocore", "moto", "prometheus_client", "pydantic", "slack_bolt", "slack_sdk", "yaml"}
SETTINGS = {
    "PATH": os.defpath,
    "PYTHONPATH": str(ROOT),
    "SIGNOUT_POOL_ID": "eu-central-1_AbCdEf123",
    "SIGNOUT_STORE": "dynamodb://signout",
    "AWS_DEFAULT_REGION": "eu-central-1",
}
# Each verb that writes to standard output without a question, and its exit code. `check` lacks its settings here.
SPEAKING = {
    "manifest": 0,
    "iam-policy --account 123456789012": 0,
    "table": 0,
    "signout help": 0,
    "signout --generate-cli-skeleton": 0,
    "check": 1,
    "check --json": 1,
}


def started(words: str, stdout: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "bot", *words.split()]
    return subprocess.Popen(
        command, stdout=stdout, stderr=subprocess.PIPE, text=True, env=SETTINGS, cwd=ROOT.joinpath("tests")
    )


def ended(words: list[str]) -> int:
    """Run a command in this process; give its exit code."""
    try:
        return command.main(words)
    except SystemExit as error:
        return int(str(error.code))


def test_help_names_each_verb_in_a_line_and_imports_nothing_that_takes_long() -> None:
    code = "import sys; from bot.__main__ import main\ntry: main(['--help'])\nfinally: print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=SETTINGS, check=True)
    *shown, modules = ran.stdout.splitlines()
    told = [line.split(maxsplit=1) for line in shown if re.match(r" {4}\w", line)]
    assert [verb for verb, _ in told] == VERBS
    assert HEAVY.isdisjoint(modules.split())


@pytest.mark.parametrize("asked", ["-h", "--help", "help", "?", "HELP", "\u2014help"])
@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_has_help_that_needs_no_settings(verb: str, asked: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended([verb, asked]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith(f"usage: signout-bot {verb} ")


@pytest.mark.parametrize(
    ("verb", "error", "code"),
    [
        ("run", BotError("It broke.", "Try again."), 1),
        ("audit", SettingsError(["A is wrong.", "B is wrong."]), 1),
        ("table", UsageError("Say what."), 1),
        ("signout", UsageError("Say whom."), 252),
        ("signout", SettingsError(["A is wrong.", "B is wrong."]), 253),
        ("signout", StoreError("It is full."), 253),
        ("signout", AccountNotFoundError("Not there."), 254),
        ("signout", NewerVersionError(), 255),
    ],
)
def test_an_error_of_a_verb_is_its_words_and_an_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], verb: str, error: BotError, code: int
) -> None:
    def fail(_: Sequence[str]) -> int:
        raise error

    monkeypatch.setitem(command.VERBS, verb, fail)
    assert command.main([verb]) == code
    assert capsys.readouterr() == ("", f"{error}\n")


def test_an_error_never_acts_on_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: Sequence[str]) -> int:
        raise StoreError("\x1b[2J\u202e")

    monkeypatch.setitem(command.VERBS, "audit", fail)
    assert command.main(["audit"]) == 1
    assert capsys.readouterr().err == "\\u001B[2J\\u202E\n"


def test_ctrl_c_in_any_verb_is_exit_code_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: Sequence[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setitem(command.VERBS, "table", interrupted)
    assert command.main(["table"]) == 130


@pytest.mark.long
@pytest.mark.parametrize(("words", "code"), SPEAKING.items())
def test_a_reader_who_leaves_changes_no_exit_code_and_makes_no_noise(words: str, code: int) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with started(words, writing) as process:
        os.close(writing)
        _, err = process.communicate()
    assert (process.returncode, err) == (code, "")


@pytest.mark.long
@pytest.mark.parametrize("words", SPEAKING)
def test_a_full_disk_is_a_sentence(words: str) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    with started(words, full) as process:
        os.close(full)
        _, err = process.communicate()
    assert err == "Standard output does not take it: No space left on device.\n"
    assert process.returncode == (255 if words.startswith("signout") else 1)


def test_a_pipe_to_head_shows_only_the_beginning() -> None:
    line = f"{sys.executable} -m bot check | head -1"
    ran = subprocess.run(line, shell=True, capture_output=True, text=True, env=SETTINGS, cwd="/", check=True)  # noqa: S602
    assert ran.stdout.startswith("✗ settings: ")
    assert (ran.stdout.count("\n"), ran.stderr) == (1, "")


@pytest.mark.parametrize(
    "words",
    ["", "sing-out", "-- run", "run --port 70000", "check --no-p", "audit --since yesterday", "iam-policy --account 1"],
)
def test_wrong_usage_is_exit_code_2_and_says_why(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(words.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "error: " in err


def test_a_wrong_port_in_the_environment_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT", "http")
    monkeypatch.setattr(command, "_settings", lambda *_, **__: None)
    assert command.main(["run"]) == 1
    assert capsys.readouterr().err == "PORT must be a number from 0 to 65535.\n"


@pytest.mark.parametrize("verb", ["run", "check", "signout"])
def test_slacks_secrets_are_not_in_the_environment_while_a_verb_does_its_work(
    monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    """Bolt would take them from there, and a program that boto3 starts for credentials would be given them."""
    left, known = dict[str, str](), list[str]()

    def look(settings: Settings, *_: object, **__: object) -> Any:
        left.update(os.environ)
        known.extend(settings.secrets)
        raise BotError("It was looked at.")

    secrets = {"SLACK_BOT_TOKEN": "xoxb-1-2-x", "SLACK_APP_TOKEN": "xapp-1-A-2-x", "SLACK_SIGNING_SECRET": "5" * 32}
    more = {"SIGNOUT_AUDIT_CHANNEL": "C0AUDIT0001", "SIGNOUT_ALLOW_USERS": "U0SAM00001"}
    for name in list(os.environ):
        monkeypatch.delenv(name)
    for name, value in (SETTINGS | secrets | more).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(logging.root, "handlers", [])
    monkeypatch.setattr("bot.wiring.run.build", look)
    monkeypatch.setattr("bot.wiring.check.checks", look)
    monkeypatch.setattr("bot.wiring.terminal.sign_out", look)
    words = {"signout": ["--user-pool-id", SETTINGS["SIGNOUT_POOL_ID"], "--username", "ada", "--yes"]}
    assert ended([verb, *words.get(verb, [])]) in {1, 255}
    assert sorted(known) == sorted(secrets.values())
    assert left["SIGNOUT_POOL_ID"] == SETTINGS["SIGNOUT_POOL_ID"]
    assert [name for name, value in left.items() if name in secrets or value in secrets.values()] == []


@pytest.mark.parametrize("asked", ["help", "-h", "?", "\u2013help"])
def test_help_may_come_before_the_verb_and_is_of_the_verb_then(asked: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended([asked]) == 0
    assert capsys.readouterr().out.startswith("usage: signout-bot [-h] [-V] VERB")
    assert ended([asked, "table"]) == 0
    assert capsys.readouterr().out.startswith("usage: signout-bot table ")
    assert ended(["bogus", asked]) == 2
