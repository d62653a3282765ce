"""Asking what may hang, such as a store, for a page that must not."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Generic, TypeVar

from bot.edge.lanes import ThreadLane, settle

T = TypeVar("T")


class Probe(Generic[T]):
    """Calls `ask` on a thread of `lane`, one call at a time. An answer is given for `fresh` seconds.

    Of a call that hangs each asker waits until `WITHIN` seconds after its beginning. Used on one loop.
    """

    WITHIN = 2.0

    def __init__(self, lane: ThreadLane, ask: Callable[[], T], fresh: float = 3.0) -> None:
        self._lane = lane
        self._ask = ask
        self._fresh = fresh
        self._begun = 0.0
        self._stale_at = 0.0
        self._answer: Future[T] | None = None

    async def answer(self) -> T:
        """Return the answer, at most `fresh` seconds old. Raises `TimeoutError`, or as `ask` does."""
        now = time.monotonic()
        if self._answer is None or (self._answer.done() and now >= self._stale_at):
            self._answer, self._begun = Future(), now
            self._lane.run(None, partial(settle, self._answer, self._dated), urgent=True)
        if self._answer.done():
            return self._answer.result()
        left = max(self._begun + self.WITHIN - now, 0)
        heard = asyncio.wrap_future(self._answer)
        heard.add_done_callback(_no_complaint)
        return await asyncio.wait_for(asyncio.shield(heard), left)

    def _dated(self) -> T:
        try:
            return self._ask()
        finally:
            self._stale_at = time.monotonic() + self._fresh


def _no_complaint(heard: "asyncio.Future[T]") -> None:
    """Keep asyncio from complaining of a failure that came after its askers had gone."""
    if not heard.cancelled():
        heard.exception()
