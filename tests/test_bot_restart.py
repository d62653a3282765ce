"""A bot that is told to stop between a click and its outcome, as a process of its own; test_bot_kills.py kills it."""

import re

import pytest
from headless import AUDIT, KIM, SAM, Headless, shows
from whole_bot import CONFIRM, FIND, SIGN_OUT, card_for, entries, held_by, states

from bot.sandbox.wire import hang, refuse

RESTARTING = "The bot is restarting and did not take this."


def test_sigterm_lets_a_running_sign_out_finish_and_answers_newcomers(headless: Headless) -> None:
    held = headless.pause(SIGN_OUT)
    with headless.forked_bot() as bot:
        headless.press(SAM, card_for(headless, SAM), CONFIRM)
        held.wait_until_arrived()
        bot.signal_to_stop()
        headless.wait_for(lambda: _restarting(headless))
        held.release()
        assert bot.wait() == 0
    headless.wait_for_message(SAM, containing="Signed out: ada")
    headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
    kinds = [kind for kind in entries(headless) if kind != "opened"]  # newcomers just before the signal get a card
    assert kinds == ["confirmed", "signed_out"]


def test_presses_and_forms_are_told_that_it_restarts_and_keep_what_they_show(headless: Headless) -> None:
    held = headless.pause(SIGN_OUT)
    with headless.forked_bot(SIGNOUT_DRAIN="60s") as bot:
        kims = card_for(headless, KIM, "grace --pool customers")
        headless.command(KIM, "")
        form = headless.wait_for_form(KIM)
        headless.press(SAM, card_for(headless, SAM), CONFIRM)
        held.wait_until_arrived()
        bot.signal_to_stop()
        headless.wait_for(lambda: _restarting(headless))
        headless.press(KIM, kims, CONFIRM)
        headless.wait_for_message(KIM, containing=RESTARTING)
        headless.submit(KIM, form, {"target": "grace"})
        headless.wait_for_form(KIM, containing=RESTARTING)
        assert RESTARTING in str(headless.command(KIM, "").payload)
        held.release()
        assert bot.wait() == 0
    headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
    assert headless.is_signed_in("grace")
    with headless.bot_in_process():
        headless.press(KIM, headless.wait_for_message(KIM, button=CONFIRM), CONFIRM)
        headless.wait_for_message(KIM, containing="Signed out: grace")


def _restarting(headless: Headless) -> bool:
    headless.command(SAM, "grace --pool customers")
    return any(shows(message, "The bot is restarting") for message in headless.messages(SAM))


def test_a_hanging_cognito_does_not_hold_up_sigterm_beyond_the_drain(headless: Headless) -> None:
    headless.before_cognito(SIGN_OUT, *[hang()] * 4)
    with headless.forked_bot(SIGNOUT_DRAIN="1s") as bot:
        headless.press(SAM, card_for(headless, SAM), CONFIRM)
        headless.wait_for(lambda: headless.cognito_calls(SIGN_OUT))
        assert bot.terminate() == 0
        assert "Not everything ended in time; the next start goes on with it" in bot.log()
    assert states(headless) == ["running"], "it ended before the calls did"


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"SLACK_BOT_TOKEN": "xoxb-not-the-one-of-this-workspace"}, "Slack refuses SLACK_BOT_TOKEN (invalid_auth)"),
        ({"SLACK_APP_TOKEN": "xapp-not-the-one-of-this-workspace"}, "Slack refuses SLACK_APP_TOKEN (invalid_auth)"),
        ({"SLACK_BOT_TOKEN": "xoxp-of-a-person", "SIGNOUT_PII": "some"}, "SLACK_BOT_TOKEN must be a bot token"),
    ],
)
def test_a_start_that_cannot_succeed_says_why_without_showing_a_secret(
    headless: Headless, overrides: dict[str, str], sentence: str
) -> None:
    status, log = headless.bot_that_ends(SIGNOUT_LOG_LEVEL="DEBUG", **overrides)
    assert status == 1
    assert sentence in log
    for secret in (headless.environment | overrides).items():
        if secret[0].startswith("SLACK_") and secret[0].endswith("TOKEN"):
            assert secret[1] not in log


def test_no_secret_is_in_any_log_of_a_full_flow_at_debug(headless: Headless) -> None:
    with headless.forked_bot(SIGNOUT_LOG_LEVEL="DEBUG") as bot:
        headless.press(SAM, card_for(headless, SAM), CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
        (response_url,) = re.findall(r"http:[^']+/actions/[^']+", held_by(headless))
        assert bot.terminate() == 0
        log = bot.log()
    assert response_url.startswith(headless.stage.workspace.address)
    assert "Connected to Slack" in log
    assert "Traceback" not in log
    for secret in (*(headless.environment[name] for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN")), response_url):
        assert secret not in log
    for personal in ("/actions/", "/commands/", "ticket=", "ada", "a…@example.com", 'sandbox"}'):
        assert personal not in log


def test_a_dropped_connection_is_made_again(headless: Headless) -> None:
    with headless.bot_in_process():
        sockets = headless.stage.workspace.sockets
        (dropped,) = sockets.connections
        headless.run(sockets.refresh())
        headless.wait_for(lambda: headless.do(lambda: sockets.connections and dropped not in sockets.connections))
        headless.press(SAM, card_for(headless, SAM), CONFIRM)
        headless.wait_for_message(SAM, containing="Signed out: ada")


def test_a_throttled_lookup_tells_to_try_again(headless: Headless) -> None:
    headless.before_cognito(FIND, refuse(400, "TooManyRequestsException"))
    with headless.bot_in_process():
        headless.command(SAM, "ada --pool customers")
        headless.wait_for_message(SAM, containing="Wait a minute and run the command again")
