"""Connections that are ready before a press needs them: while its card is read, they would grow too old to be used."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from bot.ports import Clock

LOOK_AGAIN_SECONDS = 10.0
READY_SECONDS = LOOK_AGAIN_SECONDS + 5.0  # until after the next look


@dataclass(frozen=True, kw_only=True)
class Ahead:
    """Keeps a connection to Slack and to Cognito ready while a card waits for a press: the last one of `waiting`.

    `slack` and `aws` see that one can be used for so many seconds, the former one to a URL's host; both may fail.
    """

    clock: Clock
    waiting: Sequence[tuple[str, datetime]] = field(repr=False)  # response_urls, and until when each card waits
    slack: Callable[[str, float], object]
    aws: Callable[[float], object]

    def look(self) -> None:
        """Make ready what is not, where a card waits."""
        for response_url, until in tuple(self.waiting):
            if self.clock.now() < until:
                with suppress(Exception):  # then the press connects, and says what is wrong
                    self.slack(response_url, READY_SECONDS)
                with suppress(Exception):
                    self.aws(READY_SECONDS)
