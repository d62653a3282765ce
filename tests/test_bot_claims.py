"""What a press must not get past, and what must not be said after it. Each test here fails when its rule is broken."""

import logging
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from examples import NOON, SAM
from headless import AUDIT, KIM, SUPPORT, Headless, shows
from headless import SAM as SAM_ID
from whole_bot import (
    ACKED_WITHIN,
    CONFIRM,
    FIND,
    POST,
    SIGN_OUT,
    TELL,
    card_for,
    entries,
    held_by,
    states,
    store_of,
    store_path,
    trail,
    travel,
)

from bot.audit import entry_of_ask
from bot.decide import Press
from bot.ports import LiveMessage, Place, Show
from bot.sandbox.wire import Exchange, hang, reset
from bot.wiring import run


def test_a_rule_for_another_pool_does_not_confirm_this_one(headless: Headless) -> None:
    with headless.bot_in_process():
        card = card_for(headless, KIM)
    settings = headless.stage.folder / "signout.toml"
    settings.write_text(settings.read_text() + f'allow.users = ["{KIM}"]\n')  # the last pool is staff
    with headless.bot_in_process(SIGNOUT_ALLOW_GROUPS=""):
        headless.press(KIM, card, CONFIRM)
        headless.wait_for_message(KIM, containing="You may no longer do this in pool customers.")
    assert headless.cognito_calls(SIGN_OUT) == []


def test_a_card_whose_pool_name_stands_for_another_pool_by_now_does_nothing(headless: Headless) -> None:
    with headless.bot_in_process():
        card = card_for(headless, SAM_ID)
    customers, staff = headless.stage.cognito.pools.values()
    settings = headless.stage.folder / "signout.toml"
    settings.write_text(
        settings.read_text().replace(customers.id, "x").replace(staff.id, customers.id).replace("x", staff.id, 1)
    )
    with headless.bot_in_process():
        headless.press(SAM_ID, card, CONFIRM)
        headless.wait_for_message(
            SAM_ID, containing="The bot's pools have changed since then, so your press did nothing."
        )
    assert headless.cognito_calls(SIGN_OUT) == []


def test_the_same_user_id_of_another_team_may_not_press(headless: Headless) -> None:
    with headless.bot_in_process():
        card = card_for(headless, SAM_ID)
        headless.press(SAM_ID, card, "signout_cancel", value="01JZZZZZZZZZZZZZZZZZZZZZZZ")
        envelope = headless.last_sent()
        action = envelope["payload"]["actions"][0]
        action |= {"action_id": CONFIRM, "value": card.button(CONFIRM)["value"]}
        envelope["payload"]["user"]["team_id"] = "T0PARTNER1"
        envelope["envelope_id"] = "another-team"
        headless.redeliver(envelope)
        headless.wait_for(lambda: entries(headless) == ["opened", "refused"])
    assert headless.cognito_calls(SIGN_OUT) == []


def test_a_progress_card_whose_answer_is_broken_never_says_that_nothing_was_done(headless: Headless) -> None:
    async def cut_off(exchange: Exchange) -> object:
        response = await exchange.forward()
        transport = exchange._request.transport
        assert transport
        transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nok")
        transport.close()
        return response

    held = headless.pause(SIGN_OUT)
    with headless.bot_in_process():
        card = card_for(headless, SAM_ID)
        headless.before_slack(TELL, cut_off)  # type: ignore[arg-type]
        headless.press(SAM_ID, card, CONFIRM)
        headless.wait_for_message(SAM_ID, containing="Signing out ")
        held.release()
        headless.wait_for_message(SAM_ID, AUDIT, containing="Signed out: ada")
        headless.wait_for_message(SAM_ID, containing="Signed out: ada")
    assert not [message for message in headless.messages(SAM_ID) if shows(message, "Nothing was")]


def test_progress_that_comes_late_never_covers_the_result(headless: Headless) -> None:
    signing_out = headless.pause(SIGN_OUT)
    with headless.bot_in_process():
        card = card_for(headless, SAM_ID)
        progress = headless.pause(TELL)
        headless.press(SAM_ID, card, CONFIRM)
        progress.wait_until_arrived()
        signing_out.release()
        headless.wait_for_message(SAM_ID, containing="Signed out: ada")
        progress.release()
        headless.wait_for(lambda: len(headless.slack_calls(TELL)) == 4)  # card, progress, result, the result again
        headless.wait_for_message(SAM_ID, containing="Signed out: ada")
    (only,) = [message for message in headless.messages(SAM_ID, SUPPORT) if message.ts == card.ts]
    assert shows(only, "Signed out: ada")


def test_each_delivery_attempt_is_one_post_without_unfurling(headless: Headless) -> None:
    headless.before_slack(POST, reset())
    with headless.bot_in_process():
        headless.press(SAM_ID, card_for(headless, SAM_ID), CONFIRM)
        headless.wait_for_message(SAM_ID, AUDIT, containing="Signed out: ada")
        headless.wait_for(lambda: trail(headless)[-1].delivery.delivered_at)
    assert trail(headless)[-1].delivery.attempts == 2
    assert len(headless.slack_calls(POST)) == 2
    for call in headless.slack_calls(POST):
        assert [str(call.parameters[name]).lower() for name in ("unfurl_links", "unfurl_media")] == ["false", "false"]


def test_presses_that_come_to_nothing_take_no_room_from_others(headless: Headless) -> None:
    with headless.bot_in_process():
        card = card_for(headless, SAM_ID)
        for _ in range(60):
            headless.press(SAM_ID, card, CONFIRM, value="01JZZZZZZZZZZZZZZZZZZZZZZZ")
        headless.wait_for(lambda: len(headless.slack_calls(TELL)) == 61)
        headless.press(SAM_ID, card, CONFIRM)
        headless.wait_for_message(SAM_ID, containing="Signed out: ada")


def test_the_presss_response_url_is_kept_for_the_result_and_forgotten_after_thirty_minutes(
    headless: Headless, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = travel(headless)
    monkeypatch.setattr(run, "SECONDS_BETWEEN_LOOKS", 0.2)
    with headless.bot_in_process():
        card = card_for(headless, SAM_ID)
        assert "/commands/" in held_by(headless)
        headless.press(SAM_ID, card, CONFIRM)
        headless.wait_for_message(SAM_ID, containing="Signed out: ada")
        assert "/commands/" not in held_by(headless)
        assert "/actions/" in held_by(headless)
        clock.forward(minutes=31)
        headless.wait_for(lambda: headless.stage.workspace.address not in held_by(headless))


def test_a_second_connection_on_a_sqlite_store_is_an_error_in_the_log(
    headless: Headless, caplog: pytest.LogCaptureFixture
) -> None:
    with headless.bot_in_process():
        other = {"SIGNOUT_STORE": headless.environment["SIGNOUT_STORE"] + ".other"}
        with headless.bot_in_process(**other):
            headless.wait_for(lambda: "Slack counted 2 connections" in caplog.text)
    assert [each.levelno for each in caplog.records if "Slack counted" in each.message] == [logging.ERROR]


def test_what_holds_a_response_url_does_not_show_it() -> None:
    place = Place(response_url="https://hooks.slack.com/actions/T/1/secret", until=NOON, replaces=True)
    press = Press(request_id="1", operator=SAM, place=place)
    card = LiveMessage(request_id="1", version=1, place=place)
    assert "secret" not in f"{place!r}{press!r}{card!r}{Show(at=NOON, place=place)!r}"


def test_the_logs_of_a_process_hide_what_has_a_secrets_form() -> None:
    script = (
        "import logging; from bot.edge.logs import configure; configure('DEBUG', ['hunter2'])\n"
        "logging.getLogger('slack_sdk').error('to https://hooks.slack.com/actions/T/1/abcdef with hunter2')\n"
        "logging.getLogger('slack_sdk').debug('a whole payload')"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "/actions/[hidden] with [hidden]" in ended.stderr
    assert "payload" not in ended.stderr


def test_refusals_of_one_person_do_not_hold_up_another_persons_outcome(headless: Headless) -> None:
    with headless.bot_in_process():
        headless.command("U0RAY00001", "ada")
        headless.wait_for_message(SAM_ID, AUDIT, containing="Refused: ada")
        (refused,) = trail(headless)
        with store_of(headless) as store:
            for _ in range(200):
                store.record(entry_of_ask(refused.kind, refused.ask, refused.rule, refused.at))
        headless.press(SAM_ID, card_for(headless, SAM_ID), CONFIRM)
        headless.wait_for_message(SAM_ID, AUDIT, containing="Signed out: ada")


@pytest.mark.parametrize("document", ['{"secret": "of this row"}', "[]", "7", "of this row", ""])
def test_a_row_that_cannot_be_read_does_not_hold_up_the_others(
    headless: Headless, caplog: pytest.LogCaptureFixture, document: str
) -> None:
    with headless.bot_in_process():
        headless.press(SAM_ID, card_for(headless, SAM_ID), CONFIRM)
        headless.wait_for_message(SAM_ID, AUDIT, containing="Signed out: ada")
        opened = trail(headless)[0]
        with closing(sqlite3.connect(store_path(headless), isolation_level=None)) as db:
            db.execute("UPDATE entries SET document = ?, next_at = at WHERE id = ?", (document, opened.id))
        headless.press(KIM, card_for(headless, KIM, "grace"), CONFIRM)
        headless.wait_for_message(SAM_ID, AUDIT, containing="Signed out: grace")
        headless.wait_for(lambda: f"Row {opened.id} cannot be read" in caplog.text)
    assert "of this row" not in caplog.text


def test_a_claim_is_stored_before_cognito_is_called(headless: Headless) -> None:
    held = headless.pause(SIGN_OUT)
    with headless.bot_in_process():
        headless.press(SAM_ID, card_for(headless, SAM_ID), CONFIRM)
        held.wait_until_arrived()
        assert states(headless) == ["running"]
        held.release()
        headless.wait_for_message(SAM_ID, containing="Signed out: ada")


def test_an_ack_waits_neither_for_the_store_nor_for_slack_nor_for_cognito(headless: Headless) -> None:
    with headless.bot_in_process():
        card = card_for(headless, SAM_ID)
        headless.before_slack("usergroups.users.list", hang())
        headless.before_cognito(FIND, hang())
        db = sqlite3.connect(store_path(headless), isolation_level=None)
        db.execute("BEGIN IMMEDIATE")  # as long as this lasts, a write waits for five seconds and then fails
        asked = [headless.command(person, "grace") for person in (KIM, SAM_ID)]
        acks = [*asked, headless.press(SAM_ID, card, CONFIRM)]
        db.execute("ROLLBACK")
        db.close()
    assert [ack.error for ack in acks] == [None, None, None]
    assert max(ack.seconds for ack in acks) < ACKED_WITHIN
