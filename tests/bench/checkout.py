"""A checkout of this project that serves clicks in a process of its own."""

import os
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Self

CLICKS = Path(__file__).parent / "clicks.py"


class Checkout(AbstractContextManager["Checkout"]):
    """As a context manager: a bot of the checkout at `path`, with a workspace and a Cognito of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()

    def __enter__(self) -> Self:
        places = os.pathsep.join(map(str, (self._path / "tests", self._path)))
        self._process = subprocess.Popen(
            [sys.executable, CLICKS],
            cwd=self._path,
            env=os.environ | {"PYTHONPATH": places},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=60)

    def click(self) -> float:
        """The seconds of one click. Raises `ChildProcessError` where the process has ended."""
        if self._process.stdin is None or self._process.stdout is None:
            raise ValueError("it was not started")
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        if not (line := self._process.stdout.readline()):
            raise ChildProcessError(f"the bot of {self._path} ended: what it wrote above says why")
        return float(line)
