"""`/readyz` and `/metrics`: how the bot is, in words and in numbers. Neither ever waits for long."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from bot.edge.lanes import ThreadLane
from bot.edge.metrics import Metrics, Scrape
from bot.edge.readiness import NOT_READY, Outlook, Readiness, readiness, room_in
from bot.errors import BotError

_UNCACHED = {"Cache-Control": "no-store"}


class Closes(Protocol):
    """What begins nothing while it drains, or once a newer version of the bot takes over."""

    draining: bool

    def closed(self) -> BotError | None:
        """Return why nothing is begun just now; None where it is."""


class Reached(Protocol):
    """What Slack reaches the bot through."""

    async def unreachable(self) -> str | None:
        """Say where Slack cannot reach the bot."""

    async def ghosts(self) -> str | None:
        """Say where Slack counts more connections of this app than there should be."""

    async def connected_for(self) -> float | None:
        """Return since how many seconds it is connected, or None."""


@dataclass(frozen=True, kw_only=True)
class Pages:
    """The two pages of one instance."""

    flow: Closes
    front: Reached
    lanes: Sequence[ThreadLane]
    outlook: Outlook
    metrics: Metrics

    @property
    def routes(self) -> Sequence[web.RouteDef]:
        """Where they are served."""
        return (web.get("/readyz", self._readyz), web.get("/metrics", self._numbers))

    async def _readyz(self, _: web.Request) -> web.Response:
        found = await self._readiness()
        answer = {"status": found.status, "reasons": list(found.reasons)}
        return web.json_response(answer, status=503 if found.status == NOT_READY else 200, headers=_UNCACHED)

    async def _numbers(self, request: web.Request) -> web.Response:
        found, backlog = await self._readiness(), await self.outlook.backlog()
        scrape = Scrape(
            status=found.status,
            lanes={lane.name: (lane.places, lane.taken) for lane in self.lanes},
            connected_for=await self.front.connected_for(),
            credentials=await self.outlook.credentials() is None,
            pools={pool: why is not None for pool, why in self.outlook.pool_troubles().items()},
            audit_refusing=await self.outlook.audit_channel() is not None,
            last_ended=await self.outlook.last_ended(),
            undelivered=backlog.entries if backlog else None,
            oldest_undelivered=self.outlook.age(backlog.oldest_at).total_seconds() if backlog else None,
        )
        page, content_type = self.metrics.page(scrape, request.headers.get("Accept", ""))
        return web.Response(body=page, headers={"Content-Type": content_type} | _UNCACHED)

    async def _readiness(self) -> Readiness:
        outlook, rooms = self.outlook, (room_in(lane) for lane in self.lanes)
        needs = (self._closed, self.front.unreachable, outlook.store, outlook.credentials)
        return await readiness(
            needs, (outlook.audit_channel, outlook.delivery, outlook.cognito, outlook.groups, self.front.ghosts, *rooms)
        )

    async def _closed(self) -> str | None:
        if not self.flow.closed():
            return None
        why = "The bot is restarting" if self.flow.draining else "A newer version of the bot is taking over"
        return f"{why}: this instance finishes what it has begun and takes nothing new."
