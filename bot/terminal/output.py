"""What is written: to standard error for people, and to standard output, whose reader may leave early, as `head` does.

`signout` keeps the AWS CLI's standard output: empty.
"""

import os
import sys

from bot.errors import BotError
from bot.visible import visible


class OutputError(BotError):
    """Standard output does not take what was asked for: why."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"Standard output does not take it: {error.strerror}.")


def say(text: str) -> None:
    """Write text to standard error, its lines as they are and nothing in them raw."""
    print("\n".join(map(visible, text.split("\n"))), file=sys.stderr)  # noqa: T201 -- a command line speaks there


def show(text: str) -> None:
    """Write a text and a line's end. Once its reader has left, everything goes nowhere; raises `OutputError`."""
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        write_no_more()
    except OSError as error:
        write_no_more()
        raise OutputError(error) from None


def write_no_more() -> None:
    """Send what is still buffered nowhere: at its end Python would complain about it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
