"""A Slack, or something on the way to it, that answers as no one expects: at the start, and to an audit message."""

import threading
from collections.abc import Awaitable, Callable
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from aiohttp import web
from examples import NOON, at_leisure, awaiting
from headless import AUDIT, Headless
from headless import SAM as SAM_ID
from messages import SHOWN
from slack_cards import POST
from slack_sdk.errors import SlackApiError

from bot.audit import entry_of
from bot.errors import DeliveryError
from bot.request import State
from bot.sandbox.stage import listening
from bot.sandbox.wire import Exchange, Fault, answer, reset
from bot.slack.audit_channel import SlackAuditChannel
from bot.slack.clients import BlockingClient
from bot.slack.responses import respond
from bot.slack.text import message

ENTRY = entry_of(awaiting(state=State.UNKNOWN, ended_at=NOON), NOON)


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
    client = BlockingClient(headless.environment["SLACK_BOT_TOKEN"], headless.environment["SLACK_API_URL"])
    return SlackAuditChannel(client, AUDIT, SHOWN)


@pytest.mark.parametrize("odd", ODD)
def test_no_odd_answer_counts_as_delivered_or_as_anything_but_a_delivery_error(headless: Headless, odd: str) -> None:
    headless.before_slack(POST, ODD[odd])  # type: ignore[arg-type]
    with pytest.raises(DeliveryError) as caught:
        channel(headless).post(ENTRY, at_leisure)
    assert (caught.value.retry_after or timedelta(0)) <= timedelta(minutes=5)
    assert channel(headless).post(ENTRY, at_leisure)


# What Slack documents for chat.postMessage: a person has to fix it, or it passes, or another form of it will do.
FOR_GOOD = """
    is_archived not_in_channel channel_not_found restricted_action restricted_action_read_only_channel
    restricted_action_thread_only_channel restricted_action_non_threadable_channel missing_scope no_permission
    invalid_auth not_authed account_inactive token_revoked token_expired access_denied team_access_not_granted
    ekm_access_denied org_login_required messages_tab_disabled
"""
PASSING = """
    rate_limited ratelimited message_limit_exceeded fatal_error internal_error service_unavailable request_timeout
    team_added_to_org accesslimited something_new
"""
MALFORMED = """
    invalid_blocks invalid_blocks_format msg_blocks_too_long invalid_metadata_format invalid_metadata_schema
    metadata_must_be_sent_from_app metadata_too_large
"""


def no(error: str) -> Fault:
    return answer(200, {"ok": False, "error": error})


@pytest.mark.parametrize(("errors", "for_good"), [(FOR_GOOD, True), (PASSING, False)])
def test_each_refusal_is_told_by_slacks_word_and_one_that_a_person_must_fix_as_such(
    headless: Headless,
    errors: str,
    for_good: bool,  # noqa: FBT001 -- an example
) -> None:
    post = channel(headless).post
    for error in errors.split():
        headless.before_slack(POST, no(error))
        with pytest.raises(DeliveryError) as caught:
            post(ENTRY, at_leisure)
        assert (caught.value.reason, caught.value.for_good) == (error, for_good)
    assert headless.audit() == []


@pytest.mark.parametrize("times", [1, 2])
def test_what_slack_finds_malformed_goes_as_text_and_at_last_without_metadata(headless: Headless, times: int) -> None:
    post = channel(headless).post
    for error in MALFORMED.split():
        headless.before_slack(POST, *[no(error)] * times)
        assert post(ENTRY, at_leisure)
        posted = headless.audit()[-1]
        assert "Not known whether signed out: ada" in posted.text
        assert posted.blocks is None
        assert bool(posted.metadata) is (times == 1), error
    assert len(headless.audit()) == len(MALFORMED.split())


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
    moved: Fault = answer(302, "", "text/plain", Location=f"{address}/api/chat.postMessage")
    headless.before_slack(POST, moved)
    with pytest.raises(DeliveryError):
        channel(headless).post(ENTRY, at_leisure)
    headless.run(context.__aexit__(None, None, None))  # type: ignore[attr-defined]
    assert heard == []


@pytest.mark.parametrize("proxied", [False, True])
def test_neither_the_token_nor_a_card_follows_a_redirect(monkeypatch: pytest.MonkeyPatch, *, proxied: bool) -> None:
    heard: list[str] = []

    class Moved(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(self.command)
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            self.end_headers()

        def do_GET(self) -> None:
            heard.append(self.command)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with HTTPServer(("127.0.0.1", 0), Moved) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.setenv("HTTP_PROXY", address if proxied else "")
        client = BlockingClient("xoxb-secret", f"{address}/api/")
        with pytest.raises(SlackApiError):
            client.auth_test()
        with pytest.raises(DeliveryError):
            respond(client, f"{address}/commands/1", message(["A card"]), replace=False)
        server.shutdown()
    monkeypatch.undo()
    assert heard == ["POST", "POST"]
