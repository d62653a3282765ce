"""Connections that are ready before a press needs them: while its card is read, they would grow too old to be used."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from bot.ports import Clock

LOOK_AGAIN_SECONDS = 10.0
READY_SECONDS = LOOK_AGAIN_SECONDS + 5.0  # until after the next look


@dataclass
class Ahead:
    """Keeps a connection to Slack and to Cognito ready while a card waits for a press. Safe to use from many threads.

    `slack` and `aws` see that one can be used for so many seconds, the former one to a URL's host; both may fail.
    """

    clock: Clock
    slack: Callable[[str, float], object]
    aws: Callable[[float], object]
    _waits: tuple[str, datetime] | None = field(default=None, init=False)

    def card_waits(self, response_url: str, until: datetime) -> None:
        """Note that there is a card which waits until then."""
        self._waits = response_url, until

    def look(self) -> None:
        """Make ready what is not, where a card waits."""
        if not self._waits or self.clock.now() >= self._waits[1]:
            return
        with suppress(Exception):  # then the press connects, and says what is wrong
            self.slack(self._waits[0], READY_SECONDS)
        with suppress(Exception):
            self.aws(READY_SECONDS)
