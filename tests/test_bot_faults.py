"""Bad weather between the bot and its two services, over real sockets."""

import time
from collections.abc import Callable

import pytest
from headless import AUDIT, KIM, SAM, Headless, shows
from whole_bot import ACKED_WITHIN, CANCEL, CONFIRM, FIND, POST, SIGN_OUT, TELL, card_for, states

from bot.sandbox.wire import Fault, answer, hang, ratelimited, refuse, reset
from bot.slack.cards import AUDIT_REFUSED
from bot.work import CALL, LEASE, MARGIN

UNKNOWN = "It may or may not have happened."
THROTTLED = refuse(400, "TooManyRequestsException")


def test_throttled_calls_are_tried_again_until_cognito_says_yes(headless: Headless) -> None:
    headless.before_cognito(SIGN_OUT, THROTTLED, THROTTLED)
    with headless.bot_in_process():
        headless.press(SAM, card_for(headless, SAM), CONFIRM)
        headless.wait_for_message(SAM, containing="Signed out: ada")
        posted = headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
    assert not headless.is_signed_in("ada")
    assert "Calls: 3" in posted.text
    assert all(call.request_id in posted.text for call in headless.cognito_calls(SIGN_OUT))


@pytest.mark.parametrize(
    ("faults", "sentence"),
    [
        ([THROTTLED] * 4, "Cognito takes no more requests just now"),
        ([refuse(400, "UserNotFoundException")], "Cognito no longer has this account"),
        ([refuse(400, "ResourceNotFoundException")], "Cognito has no such user pool"),
        ([refuse(400, "InvalidParameterException")], "Cognito does not accept this user name"),
        ([refuse(400, "NotAuthorizedException")], "Cognito does not allow this: for this account, or to the bot's IAM"),
        (
            [refuse(400, "NotAuthorizedException", "User is disabled.")],
            "Cognito refuses, because this account is disabled.",
        ),
        ([refuse(400, "OperationNotEnabledException")], "not enabled in the user pool"),
        ([refuse(400, "AccessDeniedException")], "AWS does not let the bot do this"),
        ([refuse(400, "SomethingNewException")], "Show this code to the bot's engineer. (SomethingNewException)"),
    ],
)
def test_a_definite_refusal_is_failed_with_advice(headless: Headless, faults: list[Fault], sentence: str) -> None:
    headless.before_cognito(SIGN_OUT, *faults)
    with headless.bot_in_process():
        headless.press(SAM, card_for(headless, SAM), CONFIRM)
        result = headless.wait_for_message(SAM, containing="Not signed out: ada")
        posted = headless.wait_for_message(SAM, AUDIT, containing="Not signed out: ada")
    assert sentence in result.text
    assert sentence in posted.text
    assert states(headless) == ["failed"]
    assert headless.is_signed_in("ada")
    assert len(headless.cognito_calls(SIGN_OUT)) == len(faults)


@pytest.mark.parametrize(
    "doubt",
    [
        hang(),
        hang(after=True),
        reset(),
        reset(after=True),
        refuse(500, "InternalErrorException"),
        refuse(400, "InternalErrorException"),
        answer(502, "<html>Bad gateway</html>", "text/html"),
    ],
    ids=["hang", "done, then hang", "reset", "done, then reset", "500", "400 InternalError", "HTML"],
)
def test_a_refusal_after_a_call_without_a_clear_answer_is_unknown_not_failed(headless: Headless, doubt: Fault) -> None:
    headless.before_cognito(SIGN_OUT, doubt, refuse(400, "NotAuthorizedException"))
    with headless.bot_in_process():
        headless.press(SAM, card_for(headless, SAM), CONFIRM)
        result = headless.wait_for_message(SAM, containing="Not known whether signed out")
        posted = headless.wait_for_message(SAM, AUDIT, containing="Not known whether signed out")
    assert UNKNOWN in result.text
    assert "Running it again is possible; it would also end sessions opened since." in result.text
    assert UNKNOWN in posted.text
    assert states(headless) == ["unknown"]


@pytest.mark.long
def test_a_cognito_that_never_answers_is_unknown_within_the_lease(headless: Headless) -> None:
    headless.before_cognito(SIGN_OUT, *[hang()] * 9)
    with headless.bot_in_process():
        headless.press(SAM, card_for(headless, SAM), CONFIRM)
        headless.wait_for_message(SAM, containing="Signing out ")
        result = headless.wait_for_message(SAM, containing="Not known whether signed out", timeout=25)
    assert "Cognito did not answer in time." in result.text
    calls = headless.cognito_calls(SIGN_OUT)
    assert calls[-1].at - calls[0].at <= (LEASE - CALL - MARGIN).total_seconds(), "a later one might outlive the lease"


def test_a_clear_yes_after_doubt_is_signed_out(headless: Headless) -> None:
    headless.before_cognito(SIGN_OUT, reset())
    with headless.bot_in_process():
        headless.press(SAM, card_for(headless, SAM), CONFIRM)
        headless.wait_for_message(SAM, containing="Signed out: ada")
    assert not headless.is_signed_in("ada")


def test_a_cognito_that_cannot_be_reached_to_find_the_account_opens_nothing(headless: Headless) -> None:
    headless.switch("cognito_down")
    with headless.bot_in_process():
        headless.command(SAM, "ada --pool customers")
        headless.wait_for_message(
            SAM,
            containing="Pool customers could not be asked, so it is not certain who is meant.",
        )
    assert states(headless) == []


@pytest.mark.parametrize(
    "fault",
    [answer(404, "expired_url", "text/plain"), answer(410, {"ok": False}), answer(500, "<html>", "text/html"), reset()],
    ids=["404", "410", "HTML", "reset"],
)
def test_an_operator_who_cannot_be_told_is_no_reason_to_stop(headless: Headless, fault: Fault) -> None:
    with headless.bot_in_process():
        card = card_for(headless, SAM)
        headless.before_slack(TELL, fault)
        headless.press(SAM, card, CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
        headless.press(SAM, card, CONFIRM)
        assert headless.wait_for_message(SAM, containing="Signed out: ada").ts == card.ts
    assert len(headless.cognito_calls(SIGN_OUT)) == 1


@pytest.mark.parametrize(
    "fault",
    [ratelimited(1), answer(500, "oops", "text/plain"), answer(200, {"ok": False, "error": "fatal_error"}), reset()],
    ids=["429", "500", "fatal_error", "reset"],
)
def test_an_audit_message_that_slack_did_not_take_is_posted_again(headless: Headless, fault: Fault) -> None:
    headless.before_slack(POST, fault)
    with headless.bot_in_process():
        headless.press(SAM, card_for(headless, SAM), CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
    first, second = headless.slack_calls(POST)
    assert second.at - first.at > 0.7


def test_an_archived_audit_channel_gets_the_entry_once_it_is_restored(headless: Headless) -> None:
    headless.switch("audit_channel_archived")
    with headless.bot_in_process():
        headless.press(SAM, card_for(headless, SAM), CONFIRM)
        headless.wait_for_message(SAM, containing="Signed out: ada")
        headless.wait_for(lambda: headless.slack_calls(POST))
        assert headless.audit() == []
        headless.switch("audit_channel_archived", on=False)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada", timeout=15)
    assert len(headless.audit()) == 1


def test_a_refusing_audit_channel_is_told_to_each_operator_and_gets_the_entries_oldest_first_once_it_is_restored(
    headless: Headless,
) -> None:
    headless.switch("audit_channel_archived")
    with headless.bot_in_process():
        headless.press(SAM, card_for(headless, SAM), CONFIRM)
        first = headless.wait_for_message(SAM, containing=AUDIT_REFUSED)
        headless.press(KIM, card_for(headless, KIM, "grace --pool customers"), CONFIRM)
        second = headless.wait_for_message(KIM, containing=AUDIT_REFUSED)
        assert headless.audit() == []
        headless.switch("audit_channel_archived", on=False)
        headless.wait_for(lambda: len(headless.audit()) == 2, timeout=60)
        headless.press(SAM, card_for(headless, SAM), CONFIRM)
        headless.wait_for(lambda: len(headless.audit()) == 3, timeout=60)
        headless.wait_for(lambda: said(headless, "Signed out: ada", without=AUDIT_REFUSED))
    assert shows(first, "Signed out: ada")
    assert shows(second, "Signed out: grace")
    told = [next(name for name in ("ada", "grace") if shows(each, f"Signed out: {name}")) for each in headless.audit()]
    assert told == ["ada", "grace", "ada"]


def said(headless: Headless, words: str, *, without: str) -> bool:
    return any(shows(message, words) and not shows(message, without) for message in headless.messages(SAM))


def test_blocks_that_slack_finds_malformed_are_posted_as_text(headless: Headless) -> None:
    headless.before_slack(POST, answer(200, {"ok": False, "error": "invalid_blocks"}))
    with headless.bot_in_process():
        headless.press(SAM, card_for(headless, SAM), CONFIRM)
        posted = headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
    assert posted.blocks is None
    assert posted.metadata
    assert "Allowed by" in posted.text


def test_while_cognito_hangs_commands_are_acked_at_once_and_another_operators_click_is_answered(
    headless: Headless, record_property: Callable[[str, object], None]
) -> None:
    with headless.bot_in_process():
        sams, kims = card_for(headless, SAM), card_for(headless, KIM)
        headless.before_cognito(FIND, *[hang()] * 50)
        acks = [headless.command(SAM, "ada --pool customers") for _ in range(50)]
        assert [ack.error for ack in acks] == [None] * 50
        assert max(ack.seconds for ack in acks) < ACKED_WITHIN
        began = time.monotonic()
        headless.press(KIM, kims, CANCEL)
        headless.wait_for_message(KIM, containing="Cancelled.")
        cancelled = time.monotonic() - began
        headless.press(SAM, sams, CONFIRM)
        headless.wait_for_message(SAM, containing="Signed out: ada")
        signed_out = time.monotonic() - began - cancelled
        busy = [message for message in headless.messages(SAM) if shows(message, "The bot is busy")]
        waiting = len(headless.cognito_calls(FIND)) - 2
    assert waiting + len(busy) == 50, "each command is at work or was told to try again"
    assert max(cancelled, signed_out) < 3
    slowest = sorted(ack.seconds for ack in acks)
    record_property("ack p50, max (ms)", [round(each * 1000, 1) for each in (slowest[25], slowest[-1])])
    record_property("cancel, sign out answered after (s)", [round(cancelled, 2), round(signed_out, 2)])
