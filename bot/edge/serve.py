"""Run the bot on the present asyncio loop until it is told to stop, then drain."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from slack_sdk import WebClient

from bot.backoff import pause
from bot.edge.health import serve_health
from bot.edge.http import HttpMode
from bot.edge.lanes import NEWCOMERS, ThreadLane, UnwaitedThreads
from bot.edge.metrics import Metrics, Values
from bot.edge.readiness import NOT_READY, STATUSES, Outlook, WatchedStore, readiness
from bot.edge.rounds import Rounds
from bot.edge.socket_mode import LONGEST_PAUSE, SocketMode, who_are_we
from bot.errors import ClockChangedError, ClockWrongError, StoreUnavailableError
from bot.facts.clock import CheckedClock
from bot.flow import Flow

UNCACHED = {"Cache-Control": "no-store"}
LAST_ACKS_SECONDS = 0.2
LAST_WORD_SECONDS = 1.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Edge:
    """Everything that runs: made by wiring, started and stopped here."""

    front: SocketMode | HttpMode
    store: WatchedStore
    flow: Flow
    lanes: Sequence[ThreadLane]
    outlook: Outlook
    metrics: Metrics
    rounds: Sequence[Rounds]
    learn: Callable[[dict[str, Any]], None]
    client: WebClient
    clock: CheckedClock
    drain_seconds: float

    async def serve(self, host: str, port: int, stop: asyncio.Event) -> None:
        """Serve until `stop` is set, then finish what is under way, within `drain_seconds`.

        What is away at the start is waited for: the store, and then Slack. Once the store is there, waiting requests
        are run and messages are sent. Raises `HealthPageError`, `StoreError` and `RefusedTokenError`.
        """
        asyncio.get_running_loop().set_default_executor(UnwaitedThreads())
        pages = web.get("/readyz", self._readyz), web.get("/metrics", self._numbers)
        health = await serve_health(host, port, (*self.front.routes, *pages))
        log.info("Health page on %s", ", ".join(f"http://{each[0]}:{each[1]}/healthz" for each in health.addresses))
        try:
            if await _until(stop, self._open_store()):
                with closing(self.store):
                    await self._serve(stop)
        finally:
            await health.cleanup()

    async def _open_store(self) -> None:
        failures = 0
        while True:
            try:
                await asyncio.to_thread(self.store.open)
            except StoreUnavailableError as error:
                failures += 1
                wait = pause(failures, LONGEST_PAUSE).total_seconds()
                told = "The store cannot be opened (%s); trying again in %.0f s. `python -m bot check` says more"
                log.warning(told, error.reason, wait)
                await asyncio.sleep(wait)
            else:
                log.info("The store is open")
                return

    async def _serve(self, stop: asyncio.Event) -> None:
        self.outlook.store_is_open = True
        for rounds in self.rounds:
            rounds.start()
        try:
            await _until(stop, self._connect())
            await stop.wait()
        finally:
            await self._drain()
            with suppress(TimeoutError):  # a silent peer would be waited for longer than Docker waits for us
                await asyncio.wait_for(self.front.close(), LAST_WORD_SECONDS)
            for lane in self.lanes:
                lane.stop()
            self.outlook.store_is_open = False

    async def _connect(self) -> None:
        self.learn(await who_are_we(self.client))
        while self.clock.is_doubtful() and not self.clock.error():  # what is wrong is known before anyone presses
            await who_are_we(self.client)
        await self.front.connect()

    async def _drain(self) -> None:
        self.flow.draining = True
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.drain_seconds
        for lane in self.lanes:
            if not await asyncio.to_thread(lane.join, max(deadline - loop.time(), 0)):
                log.warning("Not everything ended in time; the next start goes on with it")
        for rounds in self.rounds:
            await asyncio.to_thread(rounds.stop, max(deadline - loop.time(), 0))
        await asyncio.sleep(LAST_ACKS_SECONDS)

    async def _readyz(self, _: web.Request) -> web.Response:
        status, reasons = await self._readiness()
        answer = {"status": status, "reasons": reasons}
        return web.json_response(answer, status=503 if status == NOT_READY else 200, headers=UNCACHED)

    async def _numbers(self, request: web.Request) -> web.Response:
        status, _ = await self._readiness()
        values: Values = {
            "status": {(each.replace(" ", "_"),): each == status for each in STATUSES},
            "lane_places": {(lane.name,): lane.places for lane in self.lanes},
            "lane_places_taken": {(lane.name,): lane.taken for lane in self.lanes},
        }
        values |= await self.outlook.gauges()
        page, content_type = self.metrics.page(values, request.headers.get("Accept", ""))
        return web.Response(body=page, headers={"Content-Type": content_type} | UNCACHED)

    async def _readiness(self) -> tuple[str, Sequence[str]]:
        needs, wishes = await self.outlook.troubles()
        full = (lane.full() for lane in self.lanes if lane.name != NEWCOMERS)  # strangers fill that one at will
        return readiness((self._closed(), self.front.unreachable(), *needs), (*wishes, self.front.ghosts(), *full))

    def _closed(self) -> str | None:
        match self.flow.closed():
            case None:
                return None
            case ClockWrongError() as error:
                return error.compared
            case ClockChangedError():
                return (
                    "The bot's clock was changed. Until an answer of Slack or AWS agrees with it, the bot does nothing."
                )
        why = "The bot is restarting" if self.flow.draining else "A newer version of the bot is taking over"
        return f"{why}: this instance finishes what it has begun and takes nothing new."


async def _until(stop: asyncio.Event, work: Any) -> bool:
    """Do `work`, giving it up where `stop` is set first; return whether it was done."""
    stopped, done = asyncio.ensure_future(stop.wait()), asyncio.ensure_future(work)
    await asyncio.wait((stopped, done), return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if done.done():
        done.result()
        return True
    done.cancel()
    return False
