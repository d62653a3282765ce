"""Times clicks on a real bot. As a script: in the checkout that it is started in, as often as standard input says.

As a script it takes the bot, and the workspace around it, from PYTHONPATH. What is timed is the same everywhere.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from headless import AUDIT, SAM, SUPPORT, Headless

from bot.sandbox.cognito import Moto
from bot.sandbox.stage import Stage

COMMAND = "ada --pool customers"
CONFIRM = "signout_confirm"  # as in every version: other checkouts run this file with their own tests beside it
RESULT = "Signed out: ada"
WARM_UP = 5
PATIENCE = 60.0

T = TypeVar("T")


def click(headless: Headless) -> float:
    """Sign a person out; the seconds from the click until its result is shown."""
    return headless.run(_click(headless.stage))


def warm_up(headless: Headless) -> None:
    """Let a bot do what only the first clicks do, such as connecting."""
    for _ in range(WARM_UP):
        click(headless)


async def _click(stage: Stage) -> float:
    # On the workspace's own loop, and without copies: so the wait for a turn of another thread is not timed.
    workspace = stage.workspace
    seen = len(workspace.messages)
    await workspace.command(SAM, COMMAND, SUPPORT)
    card = await shown(stage, lambda: next(filter(has_button, workspace.messages[seen:]), None))
    posted = len(_results(stage, AUDIT))
    begun = time.perf_counter()
    await workspace.press(SAM, card, CONFIRM)
    await shown(stage, lambda: is_result(card))
    seconds = time.perf_counter() - begun
    await shown(stage, lambda: len(_results(stage, AUDIT)) > posted)  # so that no click is slowed by the one before
    return seconds


async def shown(stage: Stage, look: Callable[[], T | None]) -> T:
    """Wait until there is something to see; return it."""
    end = time.monotonic() + PATIENCE
    while True:
        count = stage.changes.count
        if found := look():
            return found
        if time.monotonic() > end:
            raise TimeoutError(f"waited {PATIENCE} s in vain")
        await stage.changes.after(count, PATIENCE)


def _results(stage: Stage, channel: str) -> list[Any]:
    return [message for message in stage.workspace.messages if message.channel == channel and is_result(message)]


def is_result(message: Any) -> bool:
    """Whether a message shows the result."""
    return RESULT in message.text


def has_button(message: Any) -> bool:
    """Whether a message has the button that is pressed."""
    try:
        return bool(message.button(CONFIRM))
    except LookupError:
        return False


def _serve() -> None:
    """Answer each line on standard input with the seconds of one click."""
    here = Path.cwd()
    if not Path(sys.modules["bot"].__file__ or "").is_relative_to(here):
        raise SystemExit(f"this is not the bot of {here}")
    moto = Moto()
    try:
        with Headless(moto) as headless, headless.bot_process():
            warm_up(headless)
            for _ in sys.stdin:
                sys.stdout.write(f"{click(headless)}\n")
                sys.stdout.flush()
    finally:
        moto.stop()


if __name__ == "__main__":
    _serve()
