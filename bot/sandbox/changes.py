"""Lets others wait until something changed, without polling."""

import asyncio


class Changes:
    """A counter of changes that one can wait on. For one event loop."""

    def __init__(self) -> None:
        self.count = 0
        self._next = asyncio.Event()

    def note(self) -> None:
        """Count one change and wake everyone who waits."""
        self.count += 1
        self._next.set()
        self._next = asyncio.Event()

    async def after(self, count: int, timeout: float | None = None) -> bool:  # noqa: ASYNC109 - a caller's bound
        """Whether the counter passed `count` within `timeout` seconds (without one, wait for ever)."""
        if self.count == count:
            try:
                await asyncio.wait_for(self._next.wait(), timeout)
            except TimeoutError:
                return False
        return True
