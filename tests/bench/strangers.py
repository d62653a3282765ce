"""Times an operator on a real bot, with or without a hostile stranger, in the checkout that this is started in.

As a script it takes the bot, and the workspace around it, from PYTHONPATH. What is timed is the same everywhere.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from clicks import CONFIRM, has_button  # type: ignore[import-not-found]  # beside this file
from headless import AUDIT, KIM, RAY, SAM, SUPPORT, Headless

from bot.sandbox.cognito import Moto
from bot.sandbox.workspace import Workspace

BETWEEN_SIGN_OUTS = 0.5
BETWEEN_LOOKS = 0.005
WARM_UP = 3.0
CARD_WITHIN = 20.0
CHANNEL_WITHIN = 120.0  # what has not come by then is taken to come then

T = TypeVar("T")


@dataclass
class Times:
    """The seconds of each ack of the operators' commands and presses, and from each press to the audit channel."""

    acks: list[float] = field(default_factory=list)
    channel: list[float] = field(default_factory=list)
    tried: int = 0
    turned_away: int = 0  # sign-outs that came to nothing, such as where the bot was busy
    hostile: int = 0  # commands of the stranger


class Run:
    """Some time of operators at work, with so many hostile commands a second, of so many people."""

    def __init__(self, workspace: Workspace, rate: float, people: int = 1) -> None:
        self.times = Times()
        self._workspace = workspace
        self._rate = rate
        self._strangers = [f"U0STRANGER{number:03}" for number in range(people)]
        for each in self._strangers:
            workspace.people[each] = replace(workspace.people[RAY], id=each)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._posted: dict[str, float] = {}
        self._seen = 0

    async def live(self, seconds: float, afterwards: float) -> None:
        """Let it go on for so long, then without the stranger, and then until the audit channel has every outcome."""
        stranger = asyncio.create_task(self._be_hostile())
        watch = asyncio.create_task(self._watch())
        try:
            await self._work_for(seconds)
            stranger.cancel()
            acks = list(self.times.acks)
            await self._work_for(afterwards)
            self.times.acks = acks  # those beside the stranger
            await asyncio.gather(*self._tasks, return_exceptions=True)
        finally:
            stranger.cancel()
            watch.cancel()

    async def _work_for(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for who in (SAM, KIM):  # one is listed, the other one is in a group
                await self._sign_out(who)
                await asyncio.sleep(BETWEEN_SIGN_OUTS)

    async def _be_hostile(self) -> None:
        if not self._rate:
            return
        begun = time.monotonic()
        while True:
            while self.times.hostile < (time.monotonic() - begun) * self._rate:
                self.times.hostile += 1
                who = self._strangers[self.times.hostile % len(self._strangers)]
                self._start(self._workspace.command(who, f"person-{self.times.hostile}", SUPPORT))
            await asyncio.sleep(0.5 / self._rate)

    def _start(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _watch(self) -> None:
        """Note when each request came to the audit channel, with its outcome."""
        while True:
            for message in self._new_messages():
                if message.channel == AUDIT and message.metadata:
                    self._posted[message.metadata["event_payload"]["request_id"]] = time.perf_counter()
            await asyncio.sleep(BETWEEN_LOOKS)

    def _new_messages(self) -> Iterator[Any]:
        messages = self._workspace.messages
        while self._seen < len(messages):
            yield messages[self._seen]
            self._seen += 1

    async def _sign_out(self, who: str) -> None:
        self.times.tried += 1
        before = len(self._workspace.messages)
        self.times.acks.append((await self._workspace.command(who, "ada --pool customers", SUPPORT)).seconds)
        with suppress(TimeoutError):
            card = await _shown(lambda: self._card(who, before), CARD_WITHIN)
            begun = time.perf_counter()
            self.times.acks.append((await self._workspace.press(who, card, CONFIRM)).seconds)
            self._start(self._note_channel(card.button(CONFIRM)["value"], begun))
            return
        self.times.turned_away += 1

    def _card(self, who: str, begin: int) -> Any:
        messages = self._workspace.messages
        for number in range(begin, len(messages)):
            if messages[number].only_for == who and has_button(messages[number]):
                return messages[number]
        return None

    async def _note_channel(self, request_id: str, begun: float) -> None:
        with suppress(TimeoutError):
            await _shown(lambda: request_id in self._posted, CHANNEL_WITHIN)
        self.times.channel.append(min(self._posted.get(request_id, time.perf_counter()) - begun, CHANNEL_WITHIN))


async def _shown(look: Callable[[], T | None], seconds: float) -> T:
    end = time.monotonic() + seconds
    while True:
        if found := look():
            return found
        if time.monotonic() > end:
            raise TimeoutError
        await asyncio.sleep(BETWEEN_LOOKS)


def _serve() -> None:
    """Write the times of one run to standard output, as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--afterwards", type=float, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--people", type=int, required=True)
    options = parser.parse_args()
    here = Path.cwd()
    if not Path(sys.modules["bot"].__file__ or "").is_relative_to(here):
        raise SystemExit(f"this is not the bot of {here}")
    moto = Moto()
    try:
        with Headless(moto) as headless, headless.bot_process():
            workspace, loop = headless.stage.workspace, headless._loop
            asyncio.run_coroutine_threadsafe(Run(workspace, 0.0).live(WARM_UP, 0.0), loop).result()
            run = Run(workspace, options.rate, options.people)
            asyncio.run_coroutine_threadsafe(run.live(options.seconds, options.afterwards), loop).result()
    finally:
        moto.stop()
    sys.stdout.write(f"{json.dumps(asdict(run.times))}\n")


if __name__ == "__main__":
    _serve()
