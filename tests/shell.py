"""`signout-bot signout` as it is run by a person who has assumed a role in moto's AWS."""

import logging
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
import ctrl_c
import pytest
from forks import Fork
from headless import Headless
from whole_bot import store_path

from bot.__main__ import main
from bot.stores.sqlite.store import SQLiteStore

ROLE = "arn:aws:iam::123456789012:role/Support"
BARE = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "LC_ALL"}}
# A command whose terminal is that of standard error.
_WITH_INPUT = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(2, termios.TIOCSCTTY, 0)
os.dup2(os.open(sys.argv[1], os.O_RDONLY), 0)
os.execv(sys.argv[2], sys.argv[2:])
"""


@dataclass
class Ran:
    """What a command left."""

    code: int
    out: str
    err: str


def run_here(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], environment: dict[str, str], *words: str
) -> Ran:
    """Run a command in this process: the same code as in one of its own, but for a second's start."""
    with monkeypatch.context() as patch:
        for name in os.environ:
            patch.delenv(name)
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.setattr(boto3, "DEFAULT_SESSION", None)  # it keeps the credentials it saw first
        patch.setattr(logging.root, "handlers", [])
        capfd.readouterr()
        code = main(words)
    out, err = capfd.readouterr()
    return Ran(code, out, err)


class Shell:
    """A shell with the settings of a stage, whose bot ran before, and the credentials of a session of `ROLE`."""

    def __init__(self, headless: Headless, monkeypatch: pytest.MonkeyPatch, *, allowed: str = ROLE) -> None:
        settings = headless.stage.folder / "terminal.toml"
        pools = Path(headless.environment["SIGNOUT_CONFIG"]).read_text("utf-8")
        settings.write_text(f"{pools}\n[allow]\nterminal = ['{allowed}']\n", "utf-8")
        store = SQLiteStore(store_path(headless))
        store.open()
        store.close()
        self._monkeypatch = monkeypatch
        self.environment = BARE | headless.environment | _session(headless.stage.cognito.url)
        self.environment |= {"SIGNOUT_CONFIG": str(settings), "AWS_ENDPOINT_URL_STS": headless.stage.cognito.url}
        self.customers = headless.stage.cognito.pools["customers"].id if headless.stage.cognito.pools else ""

    def run(self, capfd: pytest.CaptureFixture[str], *words: str, **environment: str) -> Ran:
        """Run a command in this process."""
        return run_here(self._monkeypatch, capfd, self.environment | environment, "signout", *words)

    @contextmanager
    def terminal(self, *words: str, standard_input: Path | None = None) -> Iterator["Tty"]:
        """Run a command as a process of its own, on a terminal of its own; its standard input may be a file instead."""
        ours, theirs = pty.openpty()
        process: subprocess.Popen[bytes] | Fork
        if standard_input:
            command = [sys.executable, "-c", _WITH_INPUT, str(standard_input), sys.executable, "-m", "bot", "signout"]
            command += words
            with ctrl_c.taken():
                process = subprocess.Popen(command, env=self.environment, stdin=theirs, stdout=theirs, stderr=theirs)
        else:
            process = Fork(["signout", *words], self.environment, theirs)
        os.close(theirs)
        tty = Tty(process, ours)
        try:
            yield tty
        finally:
            process.kill()
            process.wait()
            os.close(ours)


class Tty:
    """A terminal with a command in it."""

    def __init__(self, process: subprocess.Popen[bytes] | Fork, door: int) -> None:
        self._process, self._door = process, door
        self.shown = ""

    def wait_for(self, words: str) -> None:
        """Read on until these words are shown."""
        while words not in self.shown:
            read = self._read()
            assert read, f"the command ended; it showed {self.shown}"

    def type(self, text: str) -> None:
        """Type."""
        os.write(self._door, text.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C: what the terminal makes of it for the process in front."""
        self._process.send_signal(signal.SIGINT)

    def terminate(self) -> None:
        """SIGTERM."""
        self._process.terminate()

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()

    def ended(self) -> int:
        """Read to the end; give the exit code."""
        while self._read():
            pass
        return self._process.wait()

    def _read(self) -> str:
        try:
            read = os.read(self._door, 65536).decode()
        except OSError:  # Linux: the other side is closed
            read = ""
        self.shown += read
        return read


def _session(url: str) -> dict[str, str]:
    session = boto3.Session("x", "x", region_name="eu-central-1")
    sts = session.client("sts", endpoint_url=url)
    made = sts.assume_role(RoleArn=ROLE, RoleSessionName="whatever-sam-likes")["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": made["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"],
        "AWS_SESSION_TOKEN": made["SessionToken"],
    }
