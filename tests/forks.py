"""Bots as processes that take a tenth of a second to start: forks of one that has imported all of a bot."""

import os
import sys
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path
from signal import Signals
from subprocess import TimeoutExpired

FORKS = get_context("forkserver")
STORES = ("bot.stores.sqlite.store", "bot.stores.dynamodb.store")
FORKS.set_forkserver_preload(["bot.__main__", "bot.aws.secrets", "bot.wiring.run", *STORES])


class Fork:
    """What `python -m bot` with these words would be, in this environment; as `subprocess.Popen` has it."""

    def __init__(self, words: Sequence[str], environment: dict[str, str], log: Path) -> None:
        self._process = FORKS.Process(target=_live, args=(words, environment, log))
        self._process.start()
        assert self._process.pid
        self.pid = self._process.pid

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()

    def send_signal(self, sent: Signals) -> None:
        """Send it, unless the process has ended."""
        if self.poll() is None:
            os.kill(self.pid, sent)

    def poll(self) -> int | None:
        """Return the exit status, or None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; give the exit status."""
        self._process.join(timeout)
        status = self.poll()
        if status is None:
            assert timeout
            raise TimeoutExpired("bot", timeout)
        return status


def _live(words: Sequence[str], environment: dict[str, str], log: Path) -> None:
    from bot.__main__ import main  # noqa: PLC0415 - not in the process that only asks for forks

    os.environ.clear()
    os.environ.update(environment)
    with log.open("wb") as output:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(output.fileno(), stream.fileno())
    sys.exit(main(words))
