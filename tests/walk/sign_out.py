"""One command and one press, walked several times by a real bot on the headless workspace."""

import threading
import time
from functools import partial
from typing import NamedTuple

from headless import AUDIT, SAM, SUPPORT, Headless, shows
from whole_bot import CONFIRM

from walk.recorder import Recorder, Steps, Walk, usual

COMMAND = 'ada@example.com --reason "lost phone"'
RESULT = "Signed out: ada"
# These threads look for work each second or so, even if no one asks. Delivery is not among them: a command wakes it.
SWEEPS = frozenset({"forget", "lists", "sweep", "expire", "places", "cards", "refusals", "tallies", "clock"})
# Other things come round each five seconds or so: not in most of these walks, as `usual` wants it.
WALKS = 5
QUIET_SECONDS = 0.2


class Walks(NamedTuple):
    """Of a command: from its envelope until its card is shown. Of a press: until result and audit message are shown.

    Both include what the bot still does then, in any thread, until it is quiet: it notes what Slack took, and looks
    whether there is more to deliver.
    """

    command: Walk
    press: Walk


def walks(headless: Headless) -> Walks:
    """Walk through a command and its press, on a bot that has done both once before."""
    commands, presses = list[Walk](), list[Walk]()
    with Recorder(SWEEPS) as recorder, headless.bot_in_process():
        _there_are(SWEEPS)
        for number in range(1, 2 + WALKS):  # the first makes what is kept
            with recorder.steps() as steps:
                headless.command(SAM, COMMAND)
                card = headless.wait_for_message(SAM, button=CONFIRM)
                _wait_until_quiet(steps)
                commands.append(steps.walk())
            with recorder.steps() as steps:
                headless.press(SAM, card, CONFIRM)
                headless.wait_for(partial(_has_told, headless, number))
                _wait_until_quiet(steps)
                presses.append(steps.walk())
    return Walks(usual(commands[1:]), usual(presses[1:]))


def _there_are(names: frozenset[str]) -> None:
    if missing := names - {thread.name for thread in threading.enumerate()}:
        raise LookupError(f"the bot has no threads {', '.join(sorted(missing))}: correct SWEEPS in {__file__}")


def _has_told(headless: Headless, times: int) -> bool:
    """Whether operator and audit channel each see a result `times` times."""
    return all(
        sum(shows(message, RESULT) for message in headless.messages(SAM, channel)) == times
        for channel in (SUPPORT, AUDIT)
    )


def _wait_until_quiet(steps: Steps) -> None:
    before = -1
    while before != steps.count:
        before = steps.count
        time.sleep(QUIET_SECONDS)
