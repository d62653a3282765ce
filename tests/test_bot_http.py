"""The whole job in HTTP mode: signed request in, card out, click, Cognito, audit channel."""

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import pytest
from headless import AUDIT, KIM, RAY, SAM, SUPPORT, Headless, shows
from http_wire import answer, raw
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_bot_find import GOOGLE, LOCAL, stand_in
from ulid import ULID
from whole_bot import ACKED_WITHIN, CANCEL, CONFIRM, SIGN_OUT, card_for, entries, requests, states, store_path

from bot.sandbox import cast, payloads
from bot.sandbox.wire import Pause


def test_signing_out_over_http_ends_that_persons_sessions_and_tells_operator_and_audit_channel(
    headless: Headless,
) -> None:
    with headless.bot_in_process("--http"):
        card = card_for(headless, SAM, "ada --pool customers --reason 'lost phone'")
        assert headless.is_signed_in("ada")
        assert headless.press(SAM, card, CONFIRM).seconds < ACKED_WITHIN
        result = headless.wait_for_message(SAM, containing="Signed out: ada")
        posted = headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
    assert not headless.is_signed_in("ada")
    assert headless.is_signed_in("grace")
    assert result.ts == card.ts, "the card became the result"
    assert "lost phone" in posted.text
    assert entries(headless) == ["opened", "confirmed", "signed_out"]
    assert headless.connections() == 0
    assert headless.slack_calls("apps.connections.open") == []


def test_the_form_works_over_http_as_its_acks_are_the_answers(headless: Headless) -> None:
    with headless.bot_in_process("--http"):
        headless.command(KIM, "")
        form = headless.wait_for_form(KIM)
        assert headless.submit(KIM, form, {"target": "ada --force"}).error is None
        form = headless.wait_for_form(KIM)
        headless.submit(KIM, form, {"target": "ada"})
        headless.press(KIM, headless.wait_for_message(KIM, button=CONFIRM), CONFIRM)
        headless.wait_for_message(KIM, containing="Signed out: ada")
        headless.wait_for_form(KIM, containing="The card is in the channel")
    assert not headless.is_signed_in("ada")


def test_choosing_and_cancelling_work_over_http(headless: Headless) -> None:
    with headless.bot_in_process("--http"):
        stand_in(headless, LOCAL, GOOGLE)
        headless.command(SAM, "ada@example.com --pool customers")
        headless.press(SAM, headless.wait_for_message(SAM, button="signout_choose_0"), "signout_choose_0")
        headless.press(SAM, headless.wait_for_message(SAM, button=CONFIRM), CANCEL)
        headless.wait_for_message(SAM, containing="Cancelled.")
    assert states(headless) == ["cancelled"]
    assert headless.cognito_calls(SIGN_OUT) == []


def test_no_one_else_may_press_over_http_and_no_one_off_the_list_may_ask(headless: Headless) -> None:
    with headless.bot_in_process("--http"):
        card = card_for(headless, SAM)
        headless.press(KIM, card, CONFIRM)
        headless.wait_for_message(KIM, containing="Only the person who ran the command")
        headless.command(RAY, "ada")
        headless.wait_for_message(RAY, containing="You are not on the list")
        headless.wait_for_message(SAM, AUDIT, containing="pressed another's button")
    assert headless.cognito_calls(SIGN_OUT) == []


def test_sigterm_over_http_answers_newcomers_finishes_what_runs_and_closes_the_port(headless: Headless) -> None:
    held = headless.pause(SIGN_OUT)
    with headless.bot_process("--http", SIGNOUT_LOG_LEVEL="DEBUG") as bot:
        headless.press(SAM, card_for(headless, SAM), CONFIRM)
        held.wait_until_arrived()
        bot.signal_to_stop()
        headless.wait_for(lambda: _restarting(headless))
        held.release()
        assert bot.wait() == 0
        assert headless.command(SAM, "grace").error == "dispatch_failed", "no one listens any more"
        log = bot.log()
    headless.wait_for_message(SAM, containing="Signed out: ada")
    headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
    for private in (cast.SIGNING_SECRET, "ada", "v0=", "/commands/", "/actions/"):
        assert private not in log


def _restarting(headless: Headless) -> bool:
    headless.command(SAM, "grace --pool customers")
    return any(shows(message, "The bot is restarting") for message in headless.messages(SAM))


def test_until_slack_has_said_who_the_bot_is_it_answers_try_again(headless: Headless) -> None:
    held = headless.run(_pause())
    headless.before_slack("auth.test", held)
    with _told_that_it_starts(headless):
        headless.do(held.released.set)
    assert entries(headless) == ["opened"]


def test_until_its_store_is_open_it_answers_try_again(headless: Headless) -> None:
    elsewhere = sqlite3.connect(store_path(headless), isolation_level=None)
    elsewhere.execute("BEGIN EXCLUSIVE")
    with _told_that_it_starts(headless):
        elsewhere.close()
    assert entries(headless) == ["opened"]


@contextmanager
def _told_that_it_starts(headless: Headless) -> Iterator[None]:
    """Start a bot that something keeps from taking commands until this ends."""
    bot = headless._start({}, ["--http"])
    try:
        page = headless.wait_for(lambda: re.search(r"Health page on (http://[\d.]+:\d+)", bot.log()), timeout=20)
        headless.deliver_to(page[1] if page else None)
        assert headless.command(SAM, "ada").error is None
        headless.wait_for_message(
            SAM, containing="The bot is starting and has done nothing yet. Try again in a moment."
        )
        press = headless.press(SAM, headless.messages(SAM)[0], CONFIRM, value="x")
        assert press.error == "dispatch_failed", "Slack itself marks the button"
        yield
        headless.wait_for(lambda: "Taking Slack's requests" in bot.log(), timeout=20)
        card_for(headless, SAM)
    finally:
        bot.kill()


async def _pause() -> Pause:
    return Pause()


def test_a_command_replayed_after_a_restart_is_the_same_request_and_begins_nothing(
    headless: Headless, caplog: pytest.LogCaptureFixture
) -> None:
    with headless.bot_in_process("--http"):
        card_for(headless, SAM)
        headers, body = headless.request_url.sent[-1]
    with headless.bot_in_process("--http"):
        assert headless.run(headless.request_url.post(headers, body)).error is None
        headless.wait_for(lambda: "came before" in caplog.text)
    assert entries(headless) == ["opened"]
    assert len(headless.messages(SAM)) == 1
    (request,) = requests(headless)
    assert int(ULID.from_str(request.id).timestamp) == int(headers["X-Slack-Request-Timestamp"])


def test_presses_and_commands_replayed_while_it_runs_do_nothing_twice(headless: Headless) -> None:
    with headless.bot_in_process("--http"):
        card = card_for(headless, SAM)
        headless.press(KIM, card, CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="pressed another's button")
        headless.press(SAM, card, CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
        headless.wait_for_message(SAM, containing="Signed out: ada")
        before = len(headless.slack_calls()), entries(headless)
        for headers, body in list(headless.request_url.sent):
            assert headless.run(headless.request_url.post(headers, body)).payload is None
    assert (len(headless.slack_calls()), entries(headless)) == before
    assert len(headless.cognito_calls(SIGN_OUT)) == 1


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
ray, room = cast.people()[RAY], cast.channels()[SUPPORT]
remembered = {"channel_id": SUPPORT, "pools": ["customers"], "reason_required": False, "response_url": None}
view = {
    "id": "V1",
    "type": "modal",
    "callback_id": "signout_form",
    "private_metadata": json.dumps(remembered),
    "state": {"values": {"target": {"a": {"value": "ada"}}, "reason": {"a": {"value": None}}}},
}
button = {"action_id": CONFIRM, "value": "01JZZZZZZZZZZZZZZZZZZZZZZZ", "type": "button"}
whole = st.sampled_from(
    [
        payloads.slash_command(ray, room, "ada", ""),
        payloads.view_submission(ray, view),
        payloads.block_actions(ray, room, message_ts="1.2", message=None, action=button, response_url=""),
    ]
)


def put(payload: dict[str, Any], key: str, value: object) -> dict[str, Any]:
    """Put a value in the place of a key's, anywhere that the key is."""
    return {
        name: value if name == key else put(held, key, value) if isinstance(held, dict) else held
        for name, held in payload.items()
    }


keys = st.sampled_from(
    [
        "text",
        "command",
        "user_id",
        "team_id",
        "channel_id",
        "trigger_id",
        "response_url",
        "type",
        "user",
        "id",
        "actions",
        "view",
        "state",
        "values",
        "private_metadata",
        "callback_id",
        "team",
        "enterprise",
        "container",
        "is_enterprise_install",
        "authorizations",
        "event",
        "target",
    ]
)


def test_a_signed_request_is_never_answered_500_and_the_bot_goes_on(headless: Headless) -> None:
    @settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
    @given(payload=whole, key=keys, value=anything)
    def check(payload: dict[str, Any], key: str, value: object) -> None:
        odd = put(payload, key, value) if key in json.dumps(payload) else payload | {key: value}
        form = odd if "command" in payload else {"payload": json.dumps(odd)}
        body = urlencode(form, errors="replace").encode()
        assert answer(headless.request_url.address, raw(body))[0] in {200, 400, 404}

    with headless.bot_in_process("--http"):
        check()
        headless.wait_for(lambda: _card(headless), timeout=60)
        headless.press(SAM, headless.wait_for_message(SAM, button=CONFIRM), CONFIRM)
        headless.wait_for_message(SAM, containing="Signed out: ada")


def _card(headless: Headless) -> bool:
    """Ask until there is room again: what came before is still being refused."""
    headless.command(SAM, "ada --pool customers")
    return any(shows(message, "", CONFIRM) for message in headless.messages(SAM))
