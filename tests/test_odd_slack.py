"""A Slack, or something on the way to it, that answers as nobody expects: at the start, and to an audit message."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from aiohttp import web
from examples import NOON, SAM, awaiting
from flow import POST
from headless import AUDIT, Headless
from headless import SAM as SAM_ID

from bot.audit import entry_of
from bot.errors import DeliveryError
from bot.reason import ReasonRule
from bot.request import State
from bot.sandbox.stage import listening
from bot.sandbox.wire import Exchange, Fault, answer, reset
from bot.slack.accounts import Shown
from bot.slack.audit_channel import SlackAuditChannel
from bot.slack.clients import refuse_redirects, web_client

SHOWN = Shown(pii="masked", reason_rule=ReasonRule(), ticket_url=None, token_lifetimes={})
ENTRY = entry_of(awaiting(state=State.UNKNOWN, operator=SAM, ended_at=NOON), NOON)


async def cut_off(exchange: Exchange) -> object:
    transport = exchange._request.transport
    assert transport
    transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{")
    transport.close()
    return await answer(200, "{}")(exchange)


async def garbage(exchange: Exchange) -> object:
    transport = exchange._request.transport
    assert transport
    transport.write(b"SMTP? HELO\r\n\r\n")
    transport.close()
    return await answer(200, "{}")(exchange)


ODD: dict[str, Callable[[Exchange], Awaitable[object]]] = {
    "HTML": answer(200, "<html>", "text/html"),
    "HTML that says JSON": answer(200, "<html>"),
    "a list": answer(200, "[]"),
    "a string": answer(200, '"ok"'),
    "empty": answer(200, ""),
    "ok without anything": answer(200, {"ok": True}),
    "not ok, no error": answer(200, {"ok": False}),
    "500": answer(500, "oops", "text/plain"),
    "429 as a date": answer(429, {"ok": False, "error": "ratelimited"}, Retry_After="Wed, 21 Oct 2026 07:28:00 GMT"),
    "429 for ever": answer(429, {"ok": False, "error": "ratelimited"}, Retry_After="99999999999999"),
    "cut off": cut_off,
    "garbage": garbage,
    "reset": reset(),
}


def channel(headless: Headless) -> SlackAuditChannel:
    client = web_client(headless.environment["SLACK_BOT_TOKEN"], headless.environment["SLACK_API_URL"])
    return SlackAuditChannel(client, AUDIT, SHOWN)


@pytest.mark.parametrize("odd", ODD)
def test_no_odd_answer_counts_as_delivered_or_as_anything_but_a_delivery_error(headless: Headless, odd: str) -> None:
    headless.before_slack(POST, ODD[odd])  # type: ignore[arg-type]
    with pytest.raises(DeliveryError) as caught:
        channel(headless).post([ENTRY])
    assert (caught.value.retry_after or timedelta(0)) <= timedelta(minutes=5)
    assert channel(headless).post([ENTRY])


@pytest.mark.parametrize("method", ["auth.test", "apps.connections.open"])
@pytest.mark.parametrize("odd", sorted(set(ODD) - {"429 for ever"}))
def test_no_odd_answer_at_the_start_ends_the_bot(headless: Headless, method: str, odd: str) -> None:
    headless.before_slack(method, ODD[odd])  # type: ignore[arg-type]
    with headless.bot_in_process():
        headless.command(SAM_ID, "help")
        headless.wait_for_message(SAM_ID, containing="Sign a Cognito user out")


def test_the_token_follows_no_redirect(headless: Headless) -> None:
    heard: list[str | None] = []

    async def hear(request: web.Request) -> web.Response:
        heard.append(request.headers.get("Authorization"))
        return web.json_response({"ok": True, "ts": "1.1"})

    async def strange() -> tuple[str, object]:
        app = web.Application()
        app.router.add_route("*", "/{anything:.*}", hear)
        context = listening(app)
        return await context.__aenter__(), context

    address, context = headless.run(strange())
    refuse_redirects()
    moved: Fault = answer(302, "", "text/plain", Location=f"{address}/api/chat.postMessage")
    headless.before_slack(POST, moved)
    with pytest.raises(DeliveryError):
        channel(headless).post([ENTRY])
    headless.run(context.__aexit__(None, None, None))  # type: ignore[attr-defined]
    assert heard == []
