"""What all verbs have in common: help, wrong usage, and a standard output that does not take everything."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

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
# Each verb that writes to standard output without asking anybody, and its exit code. `check` lacks its settings here.
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


def test_help_names_each_verb_in_a_line_and_imports_nothing_that_takes_long() -> None:
    code = "import sys; from bot.__main__ import main\ntry: main(['--help'])\nfinally: print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=SETTINGS, check=True)
    *shown, modules = ran.stdout.splitlines()
    told = [line.split(maxsplit=1) for line in shown if re.match(r" {4}\w", line)]
    assert [verb for verb, _ in told] == VERBS
    assert HEAVY.isdisjoint(modules.split())


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_has_help_that_needs_no_settings(verb: str) -> None:
    with started(f"{verb} --help", subprocess.PIPE) as process:
        out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert out.startswith(f"usage: signout-bot {verb} ")


@pytest.mark.parametrize(("words", "code"), SPEAKING.items())
def test_a_reader_who_leaves_changes_no_exit_code_and_makes_no_noise(words: str, code: int) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with started(words, writing) as process:
        os.close(writing)
        _, err = process.communicate()
    assert (process.returncode, err) == (code, "")


@pytest.mark.parametrize("words", SPEAKING)
def test_a_full_disk_is_a_sentence(words: str) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    with started(words, full) as process:
        os.close(full)
        _, err = process.communicate()
    assert err == "Standard output does not take it: No space left on device.\n"
    assert process.returncode == (255 if words.startswith("signout") else 1)


def test_a_pipe_to_head_shows_the_beginning_alone() -> None:
    line = f"{sys.executable} -m bot check | head -1"
    ran = subprocess.run(line, shell=True, capture_output=True, text=True, env=SETTINGS, cwd="/", check=True)  # noqa: S602
    assert ran.stdout.startswith("✗ settings: ")
    assert (ran.stdout.count("\n"), ran.stderr) == (1, "")


@pytest.mark.parametrize("words", ["", "sing-out", "run --port 70000", "check --no-p", "audit --since yesterday"])
def test_wrong_usage_is_exit_code_2_and_says_why(words: str) -> None:
    with started(words, subprocess.PIPE) as process:
        out, err = process.communicate()
    assert (process.returncode, out) == (2, "")
    assert "error: " in err
