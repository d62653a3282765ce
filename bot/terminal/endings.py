"""How a command ends: its exit code, and what Ctrl-C does to it."""

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from bot.errors import Code

DONE = 0
FAILED = 1
INTERRUPTED = 130  # Ctrl-C
# Those that the AWS CLI v2 documents as its own.
OF_SIGNOUT: Mapping[Code, int] = {
    Code.USAGE: 252,  # the command, or a value in it, is wrong: nothing was asked of AWS
    Code.SETTINGS: 253,  # settings, store, credentials or permission are missing
    Code.REFUSED: 254,  # Cognito said no
    Code.OTHER: 255,  # nothing was begun, it was cancelled, or what became of it is not known
}


@contextmanager
def without_complaints() -> Iterator[None]:
    """Keep Python from printing complaints about what Ctrl-C leaves half made, such as an answer."""
    before, sys.unraisablehook = sys.unraisablehook, lambda _: None
    try:
        yield
    finally:
        sys.unraisablehook = before


@contextmanager
def ending_at_once() -> Iterator[None]:
    """Let Ctrl-C end what only reads: pydantic would make an error of its own of a `KeyboardInterrupt`."""
    before = signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
