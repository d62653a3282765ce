"""`run`: the whole bot."""

import asyncio

from bot.ports import Clock
from bot.settings.model import Settings
from bot.wiring.shared import (
    SystemClock,
)

SLACK_THREADS = 16
PRESSES_WAITING = 64
KEPT_FOR_PRESSES = 16
SECONDS_BETWEEN_SWEEPS = 1.0
SECONDS_BETWEEN_CARDS = 0.5
SECONDS_BETWEEN_CLEARINGS = 300.0
SECONDS_BETWEEN_DELETIONS = 0.1  # so that others get to write between two of them
SECONDS_BETWEEN_LOOKS = 5.0


async def serve(  # noqa: PLR0913 -- what the command line says of how it runs
    settings: Settings,
    *,
    host: str,
    port: int,
    stop: asyncio.Event,
    http: bool = False,
    clock: Clock | None = None,
) -> None:
    """Run the whole bot on this loop until `stop` is set, then drain. Raises as `Edge.serve` does.

    `http`: in HTTP mode even where there is a token for Socket Mode.
    """
    await build(settings, clock or SystemClock(), http=http).serve(host, port, stop)
