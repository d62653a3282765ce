"""An app on Slack's own Socket Mode client, for tests of the look-alike."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from headless import Headless
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import cast

Respond = Callable[[SocketModeRequest], dict[str, Any] | None]


@contextmanager
def app(headless: Headless, respond: Respond | None = None) -> Iterator[list[SocketModeRequest]]:
    """Connect an app; gives what it has heard. `respond` makes its acks; without it there are none."""
    heard: list[SocketModeRequest] = []

    async def listen(client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        heard.append(request)
        if respond:
            answer = await asyncio.to_thread(respond, request)  # it may ask the stage, which shares this loop
            await client.send_socket_mode_response(SocketModeResponse(request.envelope_id, answer))

    async def connect() -> SocketModeClient:
        web_client = AsyncWebClient(base_url=headless.environment["SLACK_API_URL"])
        client = SocketModeClient(app_token=cast.APP_TOKEN, web_client=web_client)
        client.socket_mode_request_listeners.append(listen)
        await client.connect()  # type: ignore[no-untyped-call]  # slack_sdk has no annotation there
        return client

    already = headless.connections()
    client = headless.run(connect())
    headless.wait_for(lambda: headless.connections() > already)
    try:
        yield heard
    finally:
        headless.run(client.close())  # type: ignore[no-untyped-call]  # slack_sdk has no annotation there
        headless.wait_for(lambda: headless.connections() <= already)


def ack(_: SocketModeRequest) -> None:
    """Acknowledge with nothing to say."""


def refused(call: Callable[[], Any]) -> str:
    """Give Slack's name for why it refused a call."""
    with pytest.raises(SlackApiError) as refusal:
        call()
    return str(refusal.value.response["error"])
