"""Bots as processes that take a tenth of a second to start: forks of one that has imported all of a bot."""

import os
import signal
import sys
from collections.abc import Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from signal import Signals
from subprocess import TimeoutExpired

FORKS = get_context("forkserver")
STORES = ("bot.stores.sqlite.store", "bot.stores.dynamodb.store")
FORKS.set_forkserver_preload(["bot.__main__", "bot.aws.secrets", "bot.wiring.run", *STORES])


class Fork:
    """What `python -m bot` with these words would be, in this environment; as `subprocess.Popen` has it."""

    def __init__(self, words: Sequence[str], environment: dict[str, str], shown_in: Path | int) -> None:
        """`shown_in`: a file for its output, or the open door of a terminal, at which it then also reads."""
        # In a Connection a door gets to another process.
        where = shown_in if isinstance(shown_in, Path) else Connection(os.dup(shown_in))
        self._process = FORKS.Process(target=_live, args=(words, environment, where))
        self._process.start()
        assert self._process.pid
        self.pid = self._process.pid

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()

    def terminate(self) -> None:
        """SIGTERM."""
        self._process.terminate()

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


def _live(words: Sequence[str], environment: dict[str, str], where: "Path | Connection[None, None]") -> None:
    from bot.__main__ import main  # noqa: PLC0415 - not in the process that only asks for forks

    os.environ.clear()
    os.environ.update(environment)
    with where.open("wb") if isinstance(where, Path) else where as shown_in:
        for number in (1, 2) if isinstance(where, Path) else (0, 1, 2):
            os.dup2(shown_in.fileno(), number)
    if not isinstance(where, Path):  # Python looks only when it starts whether it has a terminal, and Ctrl-C
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w")
    sys.exit(main(words))
