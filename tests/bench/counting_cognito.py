"""A Cognito that counts: it notes when each sign-out came and for whom, and refuses more than so many a second.

As a script it is a process of its own: its time does not depend on what others do. Its first line is its address.
"""

import asyncio
import json
import logging
import subprocess
import sys
import time
import urllib.request
import uuid
from bisect import bisect_left
from collections import Counter, deque
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Self

from aiohttp import web

SIGN_OUT = "AdminUserGlobalSignOut"
JSON = "application/x-amz-json-1.1"


@dataclass(frozen=True, slots=True)
class Calls:
    """The sign-outs that came: when, by the clock that all processes share and no one can set, and for whom."""

    at: list[float]
    usernames: list[str]
    refused: int

    def most_in_a_second(self) -> int:
        """Return the most calls that any window of one second holds."""
        return max((bisect_left(self.at, start + 1) - index for index, start in enumerate(self.at)), default=0)

    def rate(self) -> float:
        """Return how many came a second, from the first to the last."""
        return (len(self.at) - 1) / (self.at[-1] - self.at[0])

    def more_than_once(self) -> dict[str, int]:
        """Return who was called more than once, and how often."""
        return {name: count for name, count in Counter(self.usernames).items() if count > 1}

    def pauses(self, longer_than: float) -> list[tuple[float, float]]:
        """Return where no call came for so long: when the last one came, and after how many seconds the next."""
        both = zip(self.at, self.at[1:], strict=False)
        return [(before, after - before) for before, after in both if after - before > longer_than]


class CountingCognito(AbstractContextManager["CountingCognito"]):
    """As a context manager: it, in a process of its own, refusing more than `most` calls a second."""

    def __init__(self, most: float) -> None:
        self._most = most

    def __enter__(self) -> Self:
        self._process = subprocess.Popen([sys.executable, __file__, str(self._most)], stdout=subprocess.PIPE, text=True)
        if self._process.stdout is None or not (line := self._process.stdout.readline()):
            raise ChildProcessError("the counting Cognito ended: what it wrote above says why")
        self.address = line.strip()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    @property
    def environment(self) -> dict[str, str]:
        """What a bot needs to find it."""
        return {"AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER": self.address}

    def count(self) -> int:
        """Return how many sign-outs came so far."""
        return int(self._get("count"))

    def calls(self) -> Calls:
        """Return the sign-outs that came so far."""
        return Calls(**json.loads(self._get("calls")))

    def _get(self, what: str) -> bytes:
        with urllib.request.urlopen(f"{self.address}/{what}", timeout=60) as answer:  # noqa: S310 -- our own
            content: bytes = answer.read()
            return content


class _Counter:
    """What answers, on the loop of the script."""

    def __init__(self, most: float) -> None:
        self._most, self._lately = most, deque[float]()
        self._at, self._usernames, self._refused = list[float](), list[str](), 0
        self.app = web.Application()
        self.app.router.add_post("/", self._handle)
        self.app.router.add_get("/count", self._count)
        self.app.router.add_get("/calls", self._calls)

    async def _handle(self, request: web.Request) -> web.Response:
        now, operation = time.monotonic(), request.headers["X-Amz-Target"].partition(".")[2]
        parameters = json.loads(await request.read())
        status, answer = 200, "{}"
        if operation == SIGN_OUT:
            self._at.append(now)
            self._usernames.append(parameters["Username"])
            if self._is_too_much(now):
                self._refused += 1
                status, answer = 400, json.dumps({"__type": "TooManyRequestsException", "message": "Rate exceeded"})
        headers = {"x-amzn-RequestId": str(uuid.uuid4())}
        return web.Response(status=status, text=answer, content_type=JSON, headers=headers)

    def _is_too_much(self, now: float) -> bool:
        while self._lately and self._lately[0] <= now - 1:
            self._lately.popleft()
        self._lately.append(now)
        return len(self._lately) > self._most

    async def _count(self, _: web.Request) -> web.Response:
        return web.Response(text=str(len(self._at)))

    async def _calls(self, _: web.Request) -> web.Response:
        return web.json_response({"at": self._at, "usernames": self._usernames, "refused": self._refused})


async def _serve(most: float) -> None:
    runner = web.AppRunner(_Counter(most).app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    sys.stdout.write(f"http://127.0.0.1:{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    logging.disable()  # a bot that is killed breaks its connections
    asyncio.run(_serve(float(sys.argv[1])))
