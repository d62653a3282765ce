"""How a command speaks and ends: standard error for people, standard output, its exit code, and what Ctrl-C does to it.

`signout` keeps the AWS CLI's standard output: empty.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from typing import TextIO

from bot.errors import BotError, Code
from bot.visible import visible

DONE = 0
FAILED = 1
INTERRUPTED = 130  # Ctrl-C
# Those that the AWS CLI v2 documents as its own.
OF_SIGNOUT: Mapping[Code, int] = {
    Code.USAGE: 252,  # the command, or a value in it, is wrong: nothing was asked of AWS
    Code.SETTINGS: 253,  # settings, store, credentials or permission are missing
    Code.REFUSED: 254,  # Cognito or a limit said no
    Code.OTHER: 255,  # nothing was begun, only a part was done, or what became of it is not known
}


class OutputError(BotError):
    """Standard output does not take what was asked for."""


def say(text: str) -> None:
    """Write text to standard error, its lines as they are, with hidden characters made visible."""
    print("\n".join(map(visible, text.split("\n"))), file=sys.stderr)  # noqa: T201 -- a command line speaks there


def to_a_person(text: str) -> None:
    """Write text to standard error where that is a terminal: someone waits there."""
    if sys.stderr.isatty():
        say(text)


def show(text: str) -> None:
    """Write a text and a line's end to standard output, as `writing` does."""
    with writing() as out:
        out.write(f"{text}\n")


@contextmanager
def writing() -> Iterator[TextIO]:
    """Give standard output. Once its reader has left, as `head` does, all goes nowhere. Raises `OutputError`."""
    try:
        yield sys.stdout
        sys.stdout.flush()
    except OSError as error:
        nowhere = os.open(os.devnull, os.O_WRONLY)  # for what is still buffered: Python would complain about it
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        if not isinstance(error, BrokenPipeError):
            raise OutputError(f"Standard output does not take it: {error.strerror}.") from None


@contextmanager
def without_complaints() -> Iterator[None]:
    """Keep Python from printing complaints about what Ctrl-C leaves half made, such as an answer."""
    before, sys.unraisablehook = sys.unraisablehook, lambda _: None
    try:
        yield
    finally:
        sys.unraisablehook = before


def ending_at_once() -> AbstractContextManager[None]:
    """Let Ctrl-C end what only reads: pydantic would make an error of its own of a `KeyboardInterrupt`."""
    return _taken({signal.SIGINT: lambda *_: os._exit(INTERRUPTED)})


@contextmanager
def _taken(by: Mapping[signal.Signals, Callable[..., object]]) -> Iterator[None]:
    """Let each of these signals be taken by its function."""
    before = {each: signal.signal(each, takes) for each, takes in by.items()}
    try:
        yield
    finally:
        for each, took in before.items():
            signal.signal(each, took)


@dataclass
class Signals:
    """Notes signals, so that what runs can be ended in good order. A second Ctrl-C ends the process at once."""

    last_words: str  # what is said then
    interrupted: bool = False  # Ctrl-C
    ended: bool = False  # SIGTERM, or the terminal is gone

    def noted(self) -> AbstractContextManager[None]:
        """Note what comes inside."""
        return _taken({signal.SIGTERM: self._end, signal.SIGHUP: self._end, signal.SIGINT: self._interrupt})

    def _interrupt(self, *_: object) -> None:
        if self.interrupted:
            with suppress(OSError):  # not through `sys.stderr`, which may be in the middle of a line
                os.write(sys.stderr.fileno(), f"\n{self.last_words}\n".encode())
            os._exit(INTERRUPTED)
        self.interrupted = True

    def _end(self, *_: object) -> None:
        self.ended = True
