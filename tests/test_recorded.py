"""What the bot does with Slack's payloads and answers as they are recorded, over real sockets."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from examples import NOON, at_leisure, awaiting
from headless import AUDIT, KIM, SAM, Headless, texts
from messages import SHOWN
from recorded import FOLDER, NAME_OF, deliver, install, recorded, said
from whole_bot import CONFIRM, SIGN_OUT, card_for, entries, requests, states, trail

from bot.audit import entry_of
from bot.edge.socket_mode import RefusedTokenError, who_are_we
from bot.errors import DeliveryError, DeniedError, NotYoursError
from bot.request import Operator, State
from bot.sandbox.cast import ORG_ID, OTHER_ID, TEAM_ID, Install
from bot.sandbox.wire import answer
from bot.slack.audit_channel import SlackAuditChannel
from bot.slack.clients import BlockingClient
from bot.slack.groups import GroupTeams, SlackGroups
from bot.slack.installation import Install as Installed
from bot.slack.installation import SlackPeople

POST, LIST, ASKED, OPEN = "chat.postMessage", "usergroups.users.list", "users.info", "views.open"
ENTRY = entry_of(awaiting(state=State.UNKNOWN, ended_at=NOON), NOON)
installs = pytest.mark.parametrize("where", Install)


def client(headless: Headless) -> BlockingClient:
    return BlockingClient(headless.environment["SLACK_BOT_TOKEN"], headless.environment["SLACK_API_URL"])


def home(where: Install) -> str:
    return TEAM_ID if where is Install.WORKSPACE else ORG_ID


# The flow


@installs
def test_a_recorded_command_and_press_sign_someone_out(headless: Headless, where: Install) -> None:
    install(headless, where)
    with headless.bot_in_process():
        deliver(headless, f"command.{NAME_OF[where]}")
        card = headless.wait_for_message(SAM, button=CONFIRM)
        deliver(headless, f"press.{NAME_OF[where]}", card.ts, REQUEST_ID=requests(headless)[0].id)
        headless.wait_for_message(SAM, containing="Signed out: ada")
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
    assert entries(headless) == ["opened", "confirmed", "signed_out"]
    assert {(each.ask.operator.team_id, each.ask.operator.id) for each in trail(headless)} == {(home(where), SAM)}


@installs
def test_a_recorded_form_is_the_same_as_a_command(headless: Headless, where: Install) -> None:
    install(headless, where)
    with headless.bot_in_process():
        headless.command(SAM, "")
        form = headless.wait_for_form(SAM)
        metadata = form.content["private_metadata"]
        deliver(headless, f"form.{NAME_OF[where]}", VIEW_ID=form.id, PRIVATE_METADATA=metadata)
        card = headless.wait_for_message(SAM, button=CONFIRM)
        headless.wait_for_form(SAM, containing="The card is in the channel where you typed the command.")
        deliver(headless, f"press.{NAME_OF[where]}", card.ts, REQUEST_ID=requests(headless)[0].id)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
    assert {each.ask.operator.team_id for each in trail(headless)} == {home(where)}


@installs
@pytest.mark.parametrize("name", ["message_action", "shortcut"])
def test_a_recorded_shortcut_opens_the_form(headless: Headless, where: Install, name: str) -> None:
    install(headless, where)
    with headless.bot_in_process():
        deliver(headless, f"{name}.{NAME_OF[where]}")
        assert headless.wait_for_form(SAM).answers({})["target"] == ("ada@example.com" if name != "shortcut" else "")


def test_a_recorded_shortcut_that_leaves_out_the_persons_team_opens_the_form(headless: Headless) -> None:
    with headless.bot_in_process():
        deliver(headless, "message_action.without_the_persons_team")
        assert headless.wait_for_form(SAM).answers({})["target"] == "ada@example.com"


def test_a_recorded_press_may_name_the_organisation_as_the_persons_team(headless: Headless) -> None:
    install(headless, Install.GRID_WORKSPACE)
    with headless.bot_in_process():
        card = card_for(headless, SAM)
        deliver(headless, "press.grid_workspace.organisation", card.ts, REQUEST_ID=requests(headless)[0].id)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
    assert headless.slack_calls(ASKED) == []


@installs
def test_a_recorded_press_over_slack_connect_does_nothing(headless: Headless, where: Install) -> None:
    install(headless, where)
    always = headless.stage.weather.slack.always
    with headless.bot_in_process():
        card = card_for(headless, SAM)
        headless.do(lambda: always(ASKED, answer(200, recorded("users.info", "a_stranger"))))
        deliver(headless, "press.slack_connect", card.ts, REQUEST_ID=requests(headless)[0].id)
        headless.wait_for_message(SAM, containing=str(NotYoursError()))
    assert trail(headless)[-1].rule == "pressed another's button"
    assert states(headless) == ["confirming"]
    assert headless.cognito_calls(SIGN_OUT) == []


# The fake workspace sends the same


def fields(payload: Any, *parts: str) -> dict[str, set[str] | None]:
    """The fields of a payload, and those of some parts of it."""
    held = {part: payload[part] for part in parts}
    return {"": set(payload), **{part: set(each) if isinstance(each, dict) else None for part, each in held.items()}}


@installs
def test_the_fake_workspace_sends_the_recorded_fields(headless: Headless, where: Install) -> None:
    headless.install(where)
    name = NAME_OF[where]
    with headless.bot_in_process():
        headless.move(SAM, OTHER_ID if where is not Install.WORKSPACE else TEAM_ID)
        card = card_for(headless, SAM)
        assert fields(headless.last_sent()["payload"]) == fields(recorded(f"command.{name}"))
        headless.press(SAM, card, CONFIRM)
        parts = ["user", "team", "enterprise", "container", "channel"]
        assert fields(headless.last_sent()["payload"], *parts) == fields(recorded(f"press.{name}"), *parts)
        headless.command(SAM, "")
        headless.submit(SAM, headless.wait_for_form(SAM), {"target": "grace"})
        parts = ["user", "team", "enterprise", "view"]
        assert fields(headless.last_sent()["payload"], *parts) == fields(recorded(f"form.{name}"), *parts)
        said = headless.say(KIM, "She is ada@example.com.", thread_ts="1.2")
        headless.shortcut(SAM, said)
        parts = ["user", "team", "enterprise", "channel", "message"]
        recording = recorded(f"message_action.{name}")
        assert fields(headless.last_sent()["payload"], *parts) == fields(recording, *parts)
        assert texts(headless.last_sent()["payload"]["message"]) == texts(recording["message"])
        headless.shortcut(SAM)
        parts = ["user", "team", "enterprise"]
        assert fields(headless.last_sent()["payload"], *parts) == fields(recorded(f"shortcut.{name}"), *parts)
    assert set(client(headless).auth_test().data) == set(recorded("auth.test", name))


# Answers


@installs
def test_recorded_answers_of_auth_test_say_where_the_app_is(where: Install) -> None:
    installed = Installed.of(recorded("auth.test", NAME_OF[where]))
    assert installed.team_id == (None if where is Install.ORG_WIDE else TEAM_ID)
    assert installed.organisation == (None if where is Install.WORKSPACE else ORG_ID)


@pytest.mark.parametrize(
    ("part", "belongs"),
    [
        ("ours", True),
        ("ours_who_is_no_stranger", True),
        ("of_another_organisation", False),
        ("a_stranger", False),
        ("of_no_organisation", None),
    ],
)
def test_recorded_answers_of_users_info_say_who_is_ours(headless: Headless, part: str, *, belongs: bool | None) -> None:
    headless.before_slack(ASKED, answer(200, recorded("users.info", part)))
    who = Operator(team_id=OTHER_ID, id=SAM, name="sam")
    assert SlackPeople(client(headless)).belongs(ORG_ID, who) is belongs


def test_recorded_lists_of_groups_say_who_is_in_one(headless: Headless) -> None:
    for method in ("auth.teams.list", "usergroups.list", LIST):
        headless.before_slack(method, answer(200, recorded(method, "ok")))
    web = client(headless)
    members = SlackGroups(web, teams=GroupTeams(web, lambda: True)).members(KIM, "S0SUPPORT1")
    assert members == frozenset({KIM, "W0123A4BC5"})
    assert [call.parameters.get("team_id") for call in headless.slack_calls()] == [None, TEAM_ID, TEAM_ID]


def test_every_page_of_the_workspaces_is_read(headless: Headless) -> None:
    first, last = ({"ok": True, "teams": [{"id": id_}]} for id_ in ("T1", "T2"))
    first["response_metadata"] = {"next_cursor": "next"}
    headless.before_slack("auth.teams.list", answer(200, first), answer(200, last))
    for groups in ([], [{"id": "S1"}]):
        headless.before_slack("usergroups.list", answer(200, {"ok": True, "usergroups": groups}))
    assert GroupTeams(client(headless), lambda: True).of("S1") == "T2"
    assert [call.parameters.get("cursor") for call in headless.slack_calls("auth.teams.list")] == [None, "next"]


def test_a_recorded_yes_to_a_post_is_its_ts(headless: Headless) -> None:
    headless.before_slack(POST, answer(200, recorded(POST, "ok")))
    assert SlackAuditChannel(client(headless), AUDIT, SHOWN).post(ENTRY, at_leisure) == "1503435956.000247"


def test_a_recorded_yes_to_a_form_is_no_trouble(headless: Headless) -> None:
    headless.before_slack(OPEN, answer(200, recorded(OPEN, "ok")))
    with headless.bot_in_process():
        headless.command(SAM, "")
        headless.wait_for(lambda: headless.slack_calls(OPEN))
    assert headless.messages(SAM) == []


# Errors

FOR_GOOD = """
    not_in_channel channel_not_found is_archived invalid_auth token_revoked account_inactive not_authed token_expired
    missing_scope team_access_not_granted
"""
PASSING = "internal_error fatal_error service_unavailable request_timeout"
SERVERS = {"server_error": "HTTP 500", "bad_gateway": "HTTP 502", "unavailable": "HTTP 503"}


def test_a_recorded_refusal_of_a_post_is_told_by_slacks_word(headless: Headless) -> None:
    channel = SlackAuditChannel(client(headless), AUDIT, SHOWN)
    told = {}
    for name in (*FOR_GOOD.split(), *PASSING.split(), *SERVERS, "ratelimited", "ratelimited_without_json"):
        headless.before_slack(POST, said(name))
        with pytest.raises(DeliveryError) as caught:
            channel.post(ENTRY, at_leisure)
        told[name] = (caught.value.reason, caught.value.for_good, caught.value.retry_after)
    assert told == {
        **{name: (name, True, None) for name in FOR_GOOD.split()},
        **{name: (name, False, None) for name in PASSING.split()},
        **{name: (word, False, None) for name, word in SERVERS.items()},
        **dict.fromkeys(("ratelimited", "ratelimited_without_json"), ("ratelimited", False, timedelta(seconds=30))),
    }
    headless.before_slack(POST, said("invalid_blocks"))
    assert channel.post(ENTRY, at_leisure), "it goes as text"


@pytest.mark.parametrize("name", ["invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"])
def test_a_recorded_refusal_of_the_token_ends_the_start(headless: Headless, name: str) -> None:
    headless.before_slack("auth.test", said(name))
    with pytest.raises(RefusedTokenError, match=rf"^Slack refuses SLACK_BOT_TOKEN \({name}\)\."):
        asyncio.run(who_are_we(client(headless)))


@pytest.mark.parametrize("name", ["internal_error", "fatal_error", "team_access_not_granted", "server_error"])
def test_a_recorded_trouble_at_the_start_is_waited_out(headless: Headless, name: str) -> None:
    headless.before_slack("auth.test", said(name))
    assert asyncio.run(who_are_we(client(headless)))["team_id"] == TEAM_ID


TROUBLES = """
    ratelimited no_such_subteam missing_scope missing_argument team_access_not_granted enterprise_is_restricted
    internal_error fatal_error server_error bad_gateway user_not_found user_not_visible invalid_auth
"""


@pytest.mark.parametrize("name", TROUBLES.split())
def test_nothing_recorded_as_an_error_lets_anyone_in(headless: Headless, name: str) -> None:
    for method in (LIST, ASKED):
        headless.before_slack(method, said(name))
    web = client(headless)
    assert SlackGroups(web).members(KIM, "S0SUPPORT1") is None
    assert SlackPeople(web).belongs(ORG_ID, Operator(team_id=OTHER_ID, id=KIM, name="kim")) is None


def test_a_recorded_refusal_to_list_a_group_is_told_as_such(headless: Headless) -> None:
    headless.before_slack(LIST, said("missing_scope"))
    with headless.bot_in_process():
        headless.command(KIM, "ada")
        headless.wait_for_message(KIM, containing=DeniedError.UNSURE)
    assert trail(headless)[0].rule == "not allowed (Slack could not list S0SUPPORT1)"


FORM = """
    expired_trigger_id exchanged_trigger_id invalid_trigger_id trigger_expired view_too_large duplicate_external_id
    invalid_arguments missing_scope internal_error server_error ratelimited
"""


def test_a_form_that_slack_does_not_open_is_told_where_the_command_was_typed(headless: Headless) -> None:
    sentence = "Slack may not have opened the form. If there is none, type the target instead."
    with headless.bot_in_process():
        for count, name in enumerate(FORM.split(), 1):
            headless.before_slack(OPEN, said(name))
            headless.command(SAM, "")
            headless.wait_for(lambda count=count: len(headless.messages(SAM)) == count)  # type: ignore[misc]
    assert all(sentence in message.text for message in headless.messages(SAM))


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_each_recording_says_where_it_is_from_and_holds_no_secret(path: Path) -> None:
    text = path.read_text("utf-8")
    assert json.loads(text)["source"]
    assert not [word for word in ("xoxb-", "xapp-", "xoxp-", "hooks.slack.com/services") if word in text]
