"""Ctrl-C for what the tests start."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def taken() -> Iterator[None]:
    """Start something inside, and Ctrl-C reaches it.

    A shell starts its background jobs with Ctrl-C ignored. Where pytest is one, what it starts would inherit that.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a handler is not inherited, ignoring is
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
