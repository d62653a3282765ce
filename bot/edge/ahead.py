"""Connections that are ready before a press needs them: while its card is read, they would grow too old to be used."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime

from bot.ports import Clock

LOOK_AGAIN_SECONDS = 10.0
READY_SECONDS = LOOK_AGAIN_SECONDS + 5.0  # until after the next look


def look_ahead(
    clock: Clock,
    waiting: Sequence[tuple[str, datetime]],  # response_urls, and until when each card waits
    slack: Callable[[str, float], object],
    aws: Callable[[float], object],
) -> None:
    """Where a card waits, let `slack` (to its URL's host) and `aws` keep a connection usable for so many seconds."""
    for response_url, until in tuple(waiting):
        if clock.now() < until:
            with suppress(Exception):  # then the press connects, and says what is wrong
                slack(response_url, READY_SECONDS)
            with suppress(Exception):
                aws(READY_SECONDS)
