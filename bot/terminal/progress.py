"""How far something is: a bar on a terminal, else a line now and then."""

import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tqdm import tqdm

from bot.terminal.output import say

LINE_EVERY = 10.0  # seconds
UNKNOWN_SIZE = os.terminal_size((80, 24))  # of a terminal that does not say its size
_BAR = "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt}{postfix}"
_NO_END = "Looked up: {n_fmt} so far, {elapsed}"  # only a look-up has no known end


@dataclass(kw_only=True)
class Bar:
    """Shows on standard error how far something is. For one thread."""

    monotonic: Callable[[], float]
    _bar: "tqdm[Any] | None" = field(default=None, init=False)
    _said_at: float = field(default=float("-inf"), init=False)
    _said: str = field(default="", init=False)

    def show(self, done: int, total: int | None, *, beside: str, line: str) -> None:
        """Show that so much of the total is done: `beside` the bar, or on a `line`."""
        if not sys.stderr.isatty():
            self._say(line)
            return
        bar = self._bar = self._begun(total) if self._bar is None else self._bar
        bar.n = done
        bar.set_postfix_str(beside, refresh=False)
        bar.refresh()

    def say(self, text: str) -> None:
        """Write text between."""
        if self._bar is not None:
            self._bar.clear()
        say(text)
        if self._bar is not None:
            self._bar.refresh()

    def close(self) -> None:
        """End the bar's line, where there is one; `show` begins the next."""
        if self._bar is not None:
            self._bar.close()
        self._bar, self._said_at = None, float("-inf")

    def _say(self, line: str) -> None:
        now = self.monotonic()
        if line != self._said and now - self._said_at >= LINE_EVERY:
            self._said, self._said_at = line, now
            say(line)

    def _begun(self, total: int | None) -> "tqdm[Any]":
        tqdm.monitor_interval = 0  # else it begins a thread
        tqdm.set_lock(threading.RLock())  # else it makes one that processes share
        size = os.get_terminal_size(sys.stderr.fileno())
        known = size.columns and size.lines
        return tqdm(
            total=total,
            bar_format=_BAR if total else _NO_END,
            ncols=None if known else UNKNOWN_SIZE.columns,
            nrows=None if known else UNKNOWN_SIZE.lines,
            dynamic_ncols=bool(known),
            file=sys.stderr,
        )
