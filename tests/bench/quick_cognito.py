"""A Cognito that knows one person and answers at once, so that what is measured is the bot; or not at all."""

import asyncio
import json
import uuid
from typing import Any

from aiohttp import web

ADA = {
    "Username": "ada",
    "Attributes": [
        {"Name": "sub", "Value": "0b9ad3a1-5c1f-4b0e-9f58-2f1d6a6b7c11"},
        {"Name": "email", "Value": "ada@example.com"},
        {"Name": "email_verified", "Value": "true"},
    ],
    "UserCreateDate": 1_750_000_000.0,
    "UserLastModifiedDate": 1_750_000_000.0,
    "Enabled": True,
    "UserStatus": "CONFIRMED",
}
ANSWERS: dict[str, dict[str, Any]] = {
    "ListUsers": {"Users": [ADA]},
    "AdminGetUser": {**ADA, "UserAttributes": ADA["Attributes"]},
    "AdminUserGlobalSignOut": {},
}


class QuickCognito:
    """Serves every pool. While it `hangs` no call is answered; afterwards all are. For one event loop."""

    def __init__(self) -> None:
        self._answers = asyncio.Event()
        self._answers.set()
        self.app = web.Application()
        self.app.router.add_post("/", self._handle)

    def hang(self, *, on: bool) -> None:
        """Stop answering, or go on."""
        if on:
            self._answers.clear()
        else:
            self._answers.set()

    async def _handle(self, request: web.Request) -> web.Response:
        operation = request.headers["X-Amz-Target"].partition(".")[2]
        await request.read()
        await self._answers.wait()
        return web.Response(
            body=json.dumps(ANSWERS[operation]).encode(),
            content_type="application/x-amz-json-1.1",
            headers={"x-amzn-RequestId": str(uuid.uuid4())},
        )
