"""Notes which functions of the bot are entered, with a profiler in each of its threads."""

import inspect
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median_low
from types import FrameType
from typing import Any, NamedTuple, Self

BOT = Path(__file__).parent.parent.parent / "bot"
SANDBOX = BOT / "sandbox"


class Function(NamedTuple):
    """A function of ours: its file below bot/, its first line (of a decorator, where it has one), and its name."""

    file: str
    line: int
    name: str


@dataclass(frozen=True)
class Walk:
    """What was entered: each function once, in the order of first entry, and how often the file changed."""

    functions: Sequence[Function]
    changes: int

    @property
    def files(self) -> dict[str, list[str]]:
        """The names of the functions by file, both in the order of first entry."""
        files: dict[str, list[str]] = {}
        for function in self.functions:
            files.setdefault(function.file, []).append(function.name)
        return files


@dataclass
class Steps:
    """Each entry of each thread, by the thread's name, as it happens."""

    entered: dict[str, list[Function]] = field(default_factory=dict)
    first: dict[Function, None] = field(default_factory=dict)
    count: int = 0

    def note(self, thread: str, function: Function) -> None:
        """Note one entry."""
        self.entered.setdefault(thread, []).append(function)
        self.first[function] = None
        self.count += 1

    def walk(self) -> Walk:
        """What was entered until now.

        Threads run side by side, so their steps are counted one thread after the other: in what order they took turns
        is chance. To go from one thread to the next is one change of file.
        """
        changes = sum(one.file != other.file for steps in self.entered.values() for one, other in pairwise(steps))
        functions = [function for function in self.first if not function.name.rpartition(".")[2].startswith("<")]
        return Walk(functions, changes + max(len(self.entered) - 1, 0))


class Recorder:
    """As a context manager: looks at each thread that begins meanwhile, except those of the names in `without`."""

    def __init__(self, without: frozenset[str]) -> None:
        self._without = without
        self._steps: Steps | None = None
        self._known: dict[str, bool] = {}

    def __enter__(self) -> Self:
        self._before = threading.getprofile()
        threading.setprofile(self._look)
        return self

    def __exit__(self, *_: object) -> None:
        threading.setprofile(self._before)

    @contextmanager
    def steps(self) -> Iterator[Steps]:
        """Note the steps inside."""
        self._steps = steps = Steps()
        try:
            yield steps
        finally:
            self._steps = None

    def _look(self, frame: FrameType, event: str, _: Any) -> None:
        code, steps = frame.f_code, self._steps
        # What a class or module does when it is made is not a function of ours: it has no locals of its own.
        if event != "call" or steps is None or not code.co_flags & inspect.CO_OPTIMIZED:
            return
        # A dataclass's own __init__ has no file.
        if code.co_filename not in self._known:
            path = Path(code.co_filename)
            self._known[code.co_filename] = path.is_relative_to(BOT) and not path.is_relative_to(SANDBOX)
        thread = threading.current_thread().name
        if self._known[code.co_filename] and thread not in self._without:
            file = Path(code.co_filename).relative_to(BOT).as_posix()
            steps.note(thread, Function(file, code.co_firstlineno, code.co_qualname))


def usual(walks: Sequence[Walk]) -> Walk:
    """What most of these walks have in common: what comes round by chance is in one of them."""
    times = Counter(function for walk in walks for function in walk.functions)
    functions = [function for function, count in times.items() if 2 * count > len(walks)]
    return Walk(functions, median_low(walk.changes for walk in walks))
