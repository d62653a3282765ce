"""What is written: to standard error for people, and to standard output, whose reader may leave early, as `head` does.

`signout` keeps the AWS CLI's standard output: empty.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from bot.errors import BotError
from bot.visible import visible


class OutputError(BotError):
    """Standard output does not take what was asked for."""


def say(text: str) -> None:
    """Write text to standard error, its lines as they are, with hidden characters made visible."""
    print("\n".join(map(visible, text.split("\n"))), file=sys.stderr)  # noqa: T201 -- a command line speaks there


def show(text: str) -> None:
    """Write a text and a line's end to standard output, as `writing` does."""
    with writing() as out:
        out.write(f"{text}\n")


@contextmanager
def writing() -> Iterator[TextIO]:
    """Give standard output. Once its reader has left, everything goes nowhere; raises `OutputError`."""
    try:
        yield sys.stdout
        sys.stdout.flush()
    except OSError as error:
        nowhere = os.open(os.devnull, os.O_WRONLY)  # for what is still buffered: Python would complain about it
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        if not isinstance(error, BrokenPipeError):
            raise OutputError(f"Standard output does not take it: {error.strerror}.") from None
