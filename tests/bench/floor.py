"""A floor beside the bot, in a process of its own as the bot is."""

import json
import os
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Self

from bench.scene import Scene

FLOORS = Path(__file__).parent / "floors.py"


class Floor(AbstractContextManager["Floor"]):
    """As a context manager: one of `floors`, on the scene of a bot."""

    def __init__(self, name: str, scene: Scene) -> None:
        self._name = name
        environment = scene.headless.environment | scene.environment
        self._environment = {"PATH": os.environ["PATH"], "PYTHONPATH": ""} | environment

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, FLOORS, self._name],
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def calls(self, *posts: tuple[str, Any], finds: bool = False, apart: float = 0) -> tuple[float, float]:
        """Sign out and post this, the calls so many seconds `apart`: the seconds, and the processor seconds."""
        order = {"finds": finds, "posts": posts, "apart": apart}
        if self._process.stdin is None or self._process.stdout is None:
            raise ValueError("it was not started")
        self._process.stdin.write(f"{json.dumps(order)}\n")
        self._process.stdin.flush()
        if not (line := self._process.stdout.readline()):
            raise ChildProcessError(f"the floor {self._name} ended: what it wrote above says why")
        seconds, processor = json.loads(line)
        return seconds, processor
