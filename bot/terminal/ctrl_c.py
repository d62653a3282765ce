"""What Ctrl-C does to a command."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_complaints() -> Iterator[None]:
    """Keep Python from complaining to the person here about what Ctrl-C leaves half made, such as an answer."""
    before, sys.unraisablehook = sys.unraisablehook, lambda _: None
    try:
        yield
    finally:
        sys.unraisablehook = before


@contextmanager
def ending_at_once() -> Iterator[None]:
    """Let Ctrl-C end what only reads: pydantic would make an error of its own of a `KeyboardInterrupt`."""
    before = signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
