"""The commands in README.md and the pages in .github/: what can run here runs, and of the others the words are read."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path

import boto3
import pytest

from bot import __main__ as command
from bot.aws.spelling import AwsSpelling
from bot.settings.names import KNOWN
from bot.slack.typed import parse
from bot.stores.sqlite.store import SQLiteStore
from bot.terminal import audit_command, command_lines, signout_command

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / ".github").rglob("*.md"))]
SHELL_BLOCK = re.compile(r"^ *```sh\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
OURS = re.compile(r"(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?python (?:-m bot [a-z]|-m pytest|tests/)")
VALUES = {"ARN": "arn:aws:iam::123456789012:role/Bot", "S": "7"}  # of placeholders
# Programs of which no word is tried here, and why.
ELSEWHERE: Mapping[str, str] = {
    "python3": "makes a virtual environment: .ci/run runs README's line",
    ".venv/bin/pip": "installs from a registry: .ci/run runs README's line",
    "pip-audit": "asks a registry",
    "uv": "asks a registry",
    "aws": "needs an account: tests/test_cloudformation.py carries out what it is told to deploy",
    ".github/docs/deploy/kubernetes/apply": "needs a cluster: tests/test_kubernetes.py runs it without one",
    "docker": "needs an engine",
    "buildah": "needs an engine",
    "python": "runs a program of verify.md: test_verify_page.py does so too",
    "export": "is the shell's own",
    "for": "is the shell's own",
    "done": "is the shell's own",
}
# Verbs that need Slack or AWS, or go on until Ctrl-C. Each has tests of its own.
NEED_MORE = {"run", "check", "sandbox", "signout", "table --create"}


def texts() -> Iterator[str]:
    """Give each command of the pages, as it is written."""
    for page in PAGES:
        text = page.read_text("utf-8")
        for block in SHELL_BLOCK.findall(text):
            yield from filter(None, map(str.strip, block.replace("\\\n", " ").splitlines()))
        yield from filter(OURS.match, re.findall(r"(?<!`)`([^`\n]+)`(?!`)", SHELL_BLOCK.sub("", text)))


def commands() -> Iterator[tuple[dict[str, str], Sequence[str]]]:
    """Give the environment and the words of each command, the program first."""
    for text in texts():
        for part in text.split(" && "):
            words = [VALUES.get(word, word) for word in shlex.split(part.partition(" > ")[0], comments=True)]
            set_here = list(takewhile(re.compile(r"[A-Z_]+=").match, words))
            yield dict(word.split("=", 1) for word in set_here), words[len(set_here) :]


def of(*program: str) -> list[tuple[dict[str, str], Sequence[str]]]:
    """Return the environment and the words after it of each command that begins so."""
    found = [(environment, [words[0].rpartition("/")[2], *words[1:]]) for environment, words in commands() if words]
    length = len(program)
    return [(environment, words[length:]) for environment, words in found if tuple(words[:length]) == program]


def test_each_command_is_tried_or_it_is_said_why_not() -> None:
    others = {words[0] for _, words in commands() if words and not OURS.match(shlex.join(words))}
    assert others == set(ELSEWHERE)


def test_a_variable_that_is_set_for_a_command_is_a_setting_or_read_by_the_tests_that_it_runs() -> None:
    for environment, words in commands():
        read = "".join(ROOT.joinpath(word).read_text("utf-8") for word in words if word.startswith("tests/test_"))
        names = {name for name in environment if not name.startswith("UPDATE_") and f'"{name}"' not in read}
        assert names <= KNOWN


@pytest.mark.parametrize(("environment", "words"), of("python", "-m", "bot"))
def test_a_command_of_the_bot_runs_or_is_read(
    environment: dict[str, str],
    words: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    if words[0] == "signout":
        monkeypatch.setattr(signout_command, "can_ask", lambda **_: True)
        assert signout_command.read(words[1:], AwsSpelling().read)
    elif "--follow" in words:
        assert audit_command.parse(words[1:], datetime.now(UTC)).follow
    elif " ".join(words) in NEED_MORE:
        assert command_lines.read(words[0], words[1:])
    else:
        store = SQLiteStore(tmp_path / "signout.db")
        store.open()
        store.close()
        here = {"SIGNOUT_STORE": f"sqlite:///{tmp_path}/signout.db", "SIGNOUT_POOL_ID": "eu-central-1_AbCdEf123"}
        for name, value in (here | environment).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
        assert command.main(words) == 0
        assert not capfd.readouterr().err


@pytest.mark.parametrize("words", [words for _, words in of("python", "-m", "pytest")])
def test_a_command_that_tests_names_a_file_or_a_marker_that_is_there(words: list[str]) -> None:
    marker, in_one_process = ["-m", "not long"], ["-n", "0"]  # as pyproject.toml has the marker
    files = words[:-2] if words[-2:] == in_one_process else words
    assert words in ([], marker) or all(ROOT.joinpath(word).is_file() for word in files)


@pytest.mark.parametrize("words", [words for _, words in commands() if words[1:] and words[1].startswith("tests/")])
def test_a_command_of_the_clone_takes_its_options(words: list[str]) -> None:
    program, options = ROOT / words[1], [word for word in words[2:] if word.startswith("--")]
    assert program.joinpath("__main__.py").is_file()
    if options:
        asked = [sys.executable, str(program), "--help"]
        told = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
        assert set(options) <= set(re.findall(r"--[\w-]+", told))


@pytest.mark.long
def test_a_world_of_the_simulation_can_be_looked_at_as_the_page_says() -> None:
    (words,) = {tuple(words) for _, words in commands() if words[1:2] == ["tests/simulation"] and "--trace" in words}
    ran = subprocess.run([sys.executable, *words[1:]], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "1 seeds" in ran.stdout


@pytest.mark.parametrize(
    "text", sorted({code for page in PAGES for code in re.findall(r"`(/signout[^`\n…\[]*)`", page.read_text("utf-8"))})
)
def test_what_a_page_says_to_type_in_slack_is_understood(text: str) -> None:
    typed = text.removeprefix("/signout").strip()
    assert not typed or parse(typed, AwsSpelling().read)
