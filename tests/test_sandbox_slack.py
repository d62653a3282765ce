"""The Slack look-alike meets Slack's own clients over real sockets, and refuses what Slack refuses."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from aiohttp import ClientSession, WSServerHandshakeError
from headless import AUDIT, KIM, PAT, SAM, SUPPORT, Headless
from slack_app import ack, app, refused
from slack_sdk.errors import SlackApiError
from slack_sdk.web import WebClient
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook import WebhookClient

from bot.sandbox import cast, socket_mode
from bot.sandbox.cognito import Moto

BUTTON = {"type": "button", "action_id": "go", "value": "R1", "text": {"type": "plain_text", "text": "Go"}}
CARD: dict[str, Any] = {"text": "card", "blocks": [{"type": "actions", "elements": [BUTTON]}]}


@pytest.fixture
def headless(moto: Moto) -> Iterator[Headless]:
    """A stage with no one in Cognito, which is quick to set."""
    with Headless(moto, people=()) as stage:
        yield stage


@pytest.fixture
def client(headless: Headless) -> WebClient:
    return WebClient(token=cast.BOT_TOKEN, base_url=headless.environment["SLACK_API_URL"])


def test_auth_test_names_the_team_and_the_bot(client: WebClient) -> None:
    assert client.auth_test().data == {
        "ok": True,
        "url": "https://signout-sandbox.slack.com/",
        "team": "Sign-out sandbox",
        "user": "signout",
        "team_id": "T0SIGNOUT1",
        "user_id": "U0BOT00001",
        "bot_id": "B0BOT00001",
        "is_enterprise_install": False,
    }


def test_a_message_is_posted_for_everybody(headless: Headless, client: WebClient) -> None:
    metadata = {"event_type": "signed_out", "event_payload": {"entry_id": "E1"}}
    answer = client.chat_postMessage(channel=AUDIT, metadata=metadata, unfurl_links=False, **CARD)
    (message,) = headless.messages(PAT, AUDIT)
    assert (message.ts, message.text, message.metadata) == (answer["ts"], "card", metadata)
    assert answer["message"]["blocks"][0]["block_id"]


def test_a_message_to_a_person_is_seen_only_by_them(headless: Headless, client: WebClient) -> None:
    answer = client.chat_postMessage(channel=SAM, text="hello")
    assert answer["channel"] == "D0SAM00001"
    assert [message.text for message in headless.direct_messages(SAM)] == ["hello"]
    assert headless.direct_messages(KIM) == headless.messages(SAM) == []
    assert headless.messages(KIM, "D0SAM00001") == []


def test_no_one_else_in_the_world_can_be_written_to(client: WebClient) -> None:
    for stranger in (PAT, "U0NOSUCH01", "D0NOSUCH01"):
        assert refused(partial(client.chat_postMessage, channel=stranger, text="hello")) == "channel_not_found"


def test_without_its_messages_tab_the_app_can_write_to_no_one_directly(headless: Headless, client: WebClient) -> None:
    headless.stage.workspace.messages_tab = False
    assert refused(lambda: client.chat_postMessage(channel=SAM, text="hello")) == "messages_tab_disabled"
    assert headless.direct_messages(SAM) == []


def test_a_press_in_a_direct_message_names_no_channel(headless: Headless, client: WebClient) -> None:
    client.chat_postMessage(channel=SAM, **CARD)
    with app(headless, ack) as heard:
        headless.press(SAM, headless.direct_messages(SAM)[0], "go")
    assert heard[0].payload["channel"] == {"id": "D0SAM00001", "name": "directmessage"}
    assert heard[0].payload["message"]["blocks"][0]["elements"] == [BUTTON]


def test_a_form_body_is_read_like_a_json_body(headless: Headless, client: WebClient) -> None:
    client.api_call("chat.postMessage", data={"channel": AUDIT, "text": "x", "blocks": '[{"type": "divider"}]'})
    (message,) = headless.audit()
    assert message.blocks == [{"block_id": "b0", "type": "divider"}]


def test_a_groups_members_are_listed(client: WebClient) -> None:
    assert client.usergroups_users_list(usergroup=cast.SUPPORT_GROUP)["users"] == [KIM]


@pytest.mark.parametrize(
    ("token", "method", "arguments", "error"),
    [
        ("", "auth.test", {}, "not_authed"),
        ("xoxb-other", "auth.test", {}, "invalid_auth"),
        (cast.APP_TOKEN, "auth.test", {}, "not_allowed_token_type"),
        (cast.BOT_TOKEN, "apps.connections.open", {}, "not_allowed_token_type"),
        (cast.BOT_TOKEN, "chat.postmessage", {}, "unknown_method"),
        (cast.BOT_TOKEN, "chat.postMessage", {"channel": "C0NOWHERE1", "text": "x"}, "channel_not_found"),
        (cast.BOT_TOKEN, "chat.postMessage", {"channel": "#support", "text": "x"}, "channel_not_found"),
        (cast.BOT_TOKEN, "chat.postMessage", {"channel": SUPPORT}, "no_text"),
        (cast.BOT_TOKEN, "chat.postMessage", {"channel": SUPPORT, "blocks": "nonsense"}, "invalid_blocks_format"),
        (cast.BOT_TOKEN, "usergroups.users.list", {"usergroup": "S0NOBODY01"}, "no_such_subteam"),
    ],
)
def test_a_call_is_refused_by_slacks_name_for_the_fault(
    headless: Headless, token: str, method: str, arguments: dict[str, Any], error: str
) -> None:
    client = WebClient(token=token, base_url=headless.environment["SLACK_API_URL"])
    assert refused(lambda: client.api_call(method, json=arguments)) == error


def test_a_missing_scope_is_named(headless: Headless, client: WebClient) -> None:
    headless.do(lambda: headless.stage.web_api.scopes[cast.BOT_TOKEN].discard("usergroups:read"))
    with pytest.raises(SlackApiError) as refusal:
        client.usergroups_users_list(usergroup=cast.SUPPORT_GROUP)
    assert refusal.value.response["needed"] == "usergroups:read"
    assert refusal.value.response["provided"] == "chat:write,commands"


def test_an_archived_channel_and_one_without_the_bot_take_no_message(headless: Headless, client: WebClient) -> None:
    headless.stage.workspace.channels[AUDIT].archived = True
    headless.stage.workspace.channels[SUPPORT].bot_is_member = False
    assert refused(lambda: client.chat_postMessage(channel=AUDIT, text="x")) == "is_archived"
    assert refused(lambda: client.chat_postMessage(channel=SUPPORT, text="x")) == "not_in_channel"


def test_a_message_of_the_apps_own_is_edited_and_keeps_its_place_and_what_is_not_sent(
    headless: Headless, client: WebClient
) -> None:
    metadata = {"event_type": "asked", "event_payload": {"id": "1"}}
    ts = client.chat_postMessage(channel=AUDIT, metadata=metadata, **CARD)["ts"]
    assert client.chat_update(channel=AUDIT, ts=ts, text="done", blocks=[{"type": "divider"}])["ts"] == ts
    (message,) = headless.audit()
    assert (message.ts, message.text, message.metadata) == (ts, "done", metadata)
    assert message.blocks == [{"block_id": "b0", "type": "divider"}]
    client.chat_update(channel=AUDIT, ts=ts, text="again")
    assert headless.audit()[0].blocks == message.blocks


def test_no_one_elses_message_and_none_that_is_not_there_is_edited(headless: Headless, client: WebClient) -> None:
    theirs = headless.do(lambda: headless.stage.workspace.say(SAM, "hello", SUPPORT)).ts
    hidden = headless.do(lambda: headless.stage.workspace.post(SUPPORT, CARD, only_for=SAM)).ts
    ours = client.chat_postMessage(channel=SUPPORT, **CARD)["ts"]

    def update(channel: str, ts: str, **content: Any) -> str:
        return refused(lambda: client.chat_update(channel=channel, ts=ts, **({"text": "x"} | content)))

    assert update(SUPPORT, theirs) == "cant_update_message"
    assert update(SUPPORT, hidden) == update(SUPPORT, "1.1") == update(AUDIT, ours) == "message_not_found"
    assert update(SAM, ours) == "channel_not_found"
    assert update(SUPPORT, ours, blocks=[{"type": "mystery"}]) == "invalid_blocks"
    headless.stage.workspace.channels[SUPPORT].archived = True
    assert update(SUPPORT, ours) == "is_inactive"


def test_anyone_may_have_blocks_validated_and_nothing_is_posted(headless: Headless) -> None:
    client = WebClient(base_url=headless.environment["SLACK_API_URL"])
    assert client.blocks_validate(blocks=[{"type": "divider"}])["ok"]
    with pytest.raises(SlackApiError) as refusal:
        client.blocks_validate(message={"blocks": [{"type": "divider"}, {"type": "mystery"}]})
    assert (refusal.value.response["error"], refusal.value.response["errors"]) == (
        "invalid_message",
        [{"pointer": "/blocks/1/type", "code": "failed_constraint", "message": "unsupported type: mystery"}],
    )
    assert headless.audit() == []


def test_invalid_blocks_come_with_the_place_of_the_fault(client: WebClient) -> None:
    with pytest.raises(SlackApiError) as refusal:
        client.chat_postMessage(channel=AUDIT, text="x", blocks=[{"type": "mystery"}])
    assert refusal.value.response["error"] == "invalid_blocks"
    assert refusal.value.response["errors"] == ["unsupported type: mystery [json-pointer:/blocks/0/type]"]


def test_a_command_reaches_the_app_with_every_field_that_slack_sends(headless: Headless) -> None:
    with app(headless, ack) as heard:
        assert headless.command(SAM, "ada").error is None
    assert heard[0].type == "slash_commands"
    assert heard[0].accepts_response_payload
    payload = dict(heard[0].payload)
    assert payload.pop("response_url").startswith(headless.stage.workspace.address + "/commands/T0SIGNOUT1/")
    assert payload.pop("trigger_id")
    assert payload == {
        "token": "deprecated-and-unchecked",
        "team_id": "T0SIGNOUT1",
        "team_domain": "signout-sandbox",
        "channel_id": "C0SUPPORT1",
        "channel_name": "support",
        "user_id": "U0SAM00001",
        "user_name": "sam",
        "command": "/signout",
        "text": "ada",
        "api_app_id": "A0SIGNOUT1",
        "is_enterprise_install": "false",
    }


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("ada@example.com", "<mailto:ada@example.com|ada@example.com>"),
        ("o'brien@example.com --pool x", "<mailto:o'brien@example.com|o'brien@example.com> --pool x"),
        ("+1-202-555-0100", "<tel:+12025550100|+1-202-555-0100>"),
        ("<!channel> & co", "&lt;!channel&gt; &amp; co"),
    ],
)
def test_typed_text_is_rewritten_as_slack_does(headless: Headless, typed: str, sent: str) -> None:
    with app(headless, ack) as heard:
        headless.command(SAM, typed)
    assert heard[0].payload["text"] == sent


def test_what_the_ack_says_is_shown_only_to_that_person(headless: Headless) -> None:
    with app(headless, lambda _: {"text": "busy"}):
        headless.command(SAM, "ada")
    assert [message.text for message in headless.messages(SAM)] == ["busy"]
    assert headless.messages(KIM) == []


def test_an_ack_that_slack_would_refuse_is_an_error(headless: Headless) -> None:
    with app(headless, lambda _: {"blocks": [{"type": "mystery"}]}):
        assert headless.command(SAM, "ada").error == "invalid_blocks"


def test_without_an_app_a_command_fails(headless: Headless) -> None:
    assert headless.command(SAM, "ada").error == "dispatch_failed"


def test_without_an_ack_a_command_times_out(headless: Headless, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_mode, "ACK_WITHIN", 0.1)
    with app(headless):
        assert headless.command(SAM, "ada").error == "operation_timeout"


def test_a_card_is_posted_pressed_and_replaced(headless: Headless) -> None:
    with app(headless, ack) as heard:
        headless.command(SAM, "ada")
        assert WebhookClient(heard[0].payload["response_url"]).send_dict(CARD).status_code == 200
        (card,) = headless.messages(SAM)
        assert headless.messages(KIM) == []
        headless.press(SAM, card, "go")
        press = headless.wait_for(lambda: heard[1:])[0]
        assert press.type == "interactive"
        assert not press.accepts_response_payload
        done = WebhookClient(press.payload["response_url"]).send(text="done", replace_original=True)
    assert (done.status_code, done.body) == (200, "ok")
    (message,) = headless.messages(SAM)
    assert (message.text, message.blocks, message.edited, message.ts) == ("done", None, True, card.ts)


def test_a_press_carries_every_field_that_slack_sends_and_of_an_ephemeral_no_message(headless: Headless) -> None:
    with app(headless, ack) as heard:
        headless.do(lambda: headless.stage.workspace.post(SUPPORT, CARD, only_for=PAT))
        (card,) = headless.messages(PAT)
        headless.press(PAT, card, "go")
    payload = dict(heard[0].payload)
    assert payload.pop("response_url").startswith(headless.stage.workspace.address + "/actions/T0SIGNOUT1/")
    assert payload.pop("trigger_id")
    (action,) = payload.pop("actions")
    assert float(action.pop("action_ts"))
    assert action == {"block_id": "b0", **BUTTON}
    assert payload == {
        "type": "block_actions",
        "user": {"id": PAT, "username": "pat", "name": "pat", "team_id": "T0PARTNER1"},
        "api_app_id": "A0SIGNOUT1",
        "token": "deprecated-and-unchecked",
        "container": {"type": "message", "message_ts": card.ts, "channel_id": SUPPORT, "is_ephemeral": True},
        "team": {"id": "T0SIGNOUT1", "domain": "signout-sandbox"},
        "enterprise": None,
        "is_enterprise_install": False,
        "channel": {"id": SUPPORT, "name": "support"},
        "state": {"values": {}},
    }


def test_a_press_on_a_public_message_carries_the_message(headless: Headless, client: WebClient) -> None:
    client.chat_postMessage(channel=AUDIT, **CARD)
    with app(headless, ack) as heard:
        headless.press(KIM, headless.audit()[0], "go")
    assert heard[0].payload["message"]["blocks"][0]["elements"] == [BUTTON]
    assert heard[0].payload["container"]["is_ephemeral"] is False


def test_a_button_that_is_not_there_cannot_be_pressed_but_forged(headless: Headless) -> None:
    with app(headless, ack) as heard:
        headless.do(lambda: headless.stage.workspace.post(SUPPORT, CARD))
        (card,) = headless.messages(SAM)
        with pytest.raises(LookupError):
            headless.press(SAM, card, "other")
        headless.press(SAM, card, "other", value="forged")
    assert heard[0].payload["actions"][0]["value"] == "forged"


def test_a_button_beside_a_section_can_be_pressed(headless: Headless) -> None:
    section = {"type": "section", "block_id": "s", "text": {"type": "plain_text", "text": "x"}, "accessory": BUTTON}
    with app(headless, ack) as heard:
        message = headless.do(
            lambda: headless.stage.workspace.post(SUPPORT, {"blocks": [{"type": "divider"}, section]})
        )
        headless.press(SAM, message, "go")
    assert heard[0].payload["actions"][0]["block_id"] == "s"


def test_a_response_url_works_five_times(headless: Headless) -> None:
    url = headless.do(lambda: headless.stage.workspace.response_urls.issue(SAM, SUPPORT, None))
    answers = [WebhookClient(url).send(text="again") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 200, 404]
    assert "used_url" in answers[-1].body
    assert len(headless.messages(SAM)) == 5


def test_a_response_url_expires(headless: Headless) -> None:
    headless.stage.workspace.response_urls.lifetime = 0.0
    url = headless.do(lambda: headless.stage.workspace.response_urls.issue(SAM, SUPPORT, None))
    answer = WebhookClient(url).send(text="late")
    assert (answer.status_code, answer.body) == (404, '{"ok": false, "error": "expired_url"}')


def test_an_unknown_response_url_is_refused(headless: Headless) -> None:
    url = headless.stage.workspace.address + "/commands/T0SIGNOUT1/1/guessed"
    assert WebhookClient(url).send(text="x").status_code == 404


@pytest.mark.parametrize("how", [{"replace_original": True}, {"delete_original": True}])
def test_a_commands_response_url_can_neither_replace_nor_delete(headless: Headless, how: dict[str, bool]) -> None:
    url = headless.do(lambda: headless.stage.workspace.response_urls.issue(SAM, SUPPORT, None))
    WebhookClient(url).send(text="first")
    answer = WebhookClient(url).send_dict({"text": "second", **how})
    assert answer.status_code == 400
    assert [message.text for message in headless.messages(SAM)] == ["first"]


def test_a_presss_response_url_can_delete_and_can_post_beside(headless: Headless) -> None:
    card = headless.do(lambda: headless.stage.workspace.post(SUPPORT, CARD, only_for=SAM))
    url = headless.do(lambda: headless.stage.workspace.response_urls.issue(SAM, SUPPORT, card.ts))
    WebhookClient(url).send(text="beside")
    WebhookClient(url).send(delete_original=True)
    WebhookClient(url).send(text="for all", response_type="in_channel")
    assert [message.text for message in headless.messages(SAM)] == ["beside", "for all"]
    assert [message.text for message in headless.messages(KIM)] == ["for all"]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ({"text": ""}, "no_text"),
        ({"blocks": [{"type": "mystery"}]}, "invalid_blocks"),
        ({"text": "x" * 40_001}, "msg_too_long"),
    ],
)
def test_a_response_url_refuses_what_is_no_message(headless: Headless, content: dict[str, Any], error: str) -> None:
    url = headless.do(lambda: headless.stage.workspace.response_urls.issue(SAM, SUPPORT, None))
    answer = WebhookClient(url).send_dict(content)
    assert answer.status_code == 400
    assert error in answer.body


def test_the_app_is_greeted_and_reconnects_when_asked_to(headless: Headless) -> None:
    with app(headless, ack) as heard:
        (first,) = headless.stage.workspace.sockets.connections
        headless.run(headless.stage.workspace.sockets.refresh(warning=0.01))
        headless.wait_for(lambda: headless.connections() == 1 and first not in connections(headless))
        headless.command(SAM, "ada")
    assert len(heard) == 1


def test_envelopes_go_to_one_connection_each_in_turn(headless: Headless) -> None:
    with app(headless, ack) as one, app(headless, ack) as other:
        headless.wait_for(lambda: headless.connections() == 2)
        for _ in range(4):
            headless.command(SAM, "ada")
    assert (len(one), len(other)) == (2, 2)


def test_an_envelope_can_be_delivered_twice(headless: Headless) -> None:
    with app(headless, ack) as heard:
        headless.command(SAM, "ada")
        assert headless.redeliver(headless.last_sent()).error is None
    assert heard[0].envelope_id == heard[1].envelope_id


def test_an_eleventh_connection_is_turned_away(headless: Headless) -> None:
    async def connect() -> list[dict[str, Any]]:
        client = AsyncWebClient(token=cast.APP_TOKEN, base_url=headless.environment["SLACK_API_URL"])
        greetings, sockets = [], []
        async with ClientSession() as session:
            for _ in range(11):
                opened = await client.apps_connections_open(app_token=cast.APP_TOKEN)
                sockets.append(await session.ws_connect(opened["url"]))
                greetings.append(await sockets[-1].receive_json())
        return greetings

    greetings = headless.run(connect())
    assert [greeting["num_connections"] for greeting in greetings[:10]] == list(range(1, 11))
    assert greetings[0]["connection_info"] == {"app_id": "A0SIGNOUT1"}
    assert greetings[10]["reason"] == "too_many_websockets"


def test_a_ticket_admits_once(headless: Headless) -> None:
    async def connect() -> None:
        client = AsyncWebClient(base_url=headless.environment["SLACK_API_URL"])
        opened = await client.apps_connections_open(app_token=cast.APP_TOKEN)
        async with ClientSession() as session:
            await session.ws_connect(opened["url"])
            with pytest.raises(WSServerHandshakeError, match="403"):
                await session.ws_connect(opened["url"])

    headless.run(connect())


def connections(headless: Headless) -> list[socket_mode.Connection]:
    return headless.do(lambda: list(headless.stage.workspace.sockets.connections))
