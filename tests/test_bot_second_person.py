"""Where a second person is asked, and who is protected while Cognito cannot say, over real sockets."""

from headless import AUDIT, KIM, SAM, SUPPORT, Headless, shows
from test_bot_approval import ALWAYS, APPROVE, has_buttons
from whole_bot import CONFIRM, SIGN_OUT, card_for, states

from bot.sandbox.wire import refuse

LOOK = "AdminListGroupsForUser"
DENIED = refuse(400, "AccessDeniedException")


def test_approvers_are_asked_in_their_own_channel_and_the_audit_channel_gets_only_what_came_of_it(
    headless: Headless,
) -> None:
    with headless.bot_in_process(**ALWAYS | {"SIGNOUT_APPROVE_CHANNEL": SUPPORT}):
        headless.press(SAM, card_for(headless, SAM), CONFIRM)
        asked = headless.wait_for_message(KIM, SUPPORT, button=APPROVE)
        assert headless.audit() == []
        headless.press(KIM, asked, APPROVE)
        headless.wait_for(lambda: not any(has_buttons(message) for message in headless.messages(KIM, SUPPORT)))
        headless.wait_for_message(SAM, AUDIT, containing="Approver kim")
    assert [shows(message, "Signed out: ada") for message in headless.audit()] == [True]


def test_without_cognitos_word_on_who_is_protected_there_is_no_card(headless: Headless) -> None:
    headless.before_cognito(LOOK, *[DENIED] * 9)
    with headless.bot_in_process(SIGNOUT_PROTECT_GROUPS="admins"):
        headless.command(SAM, "ada --pool customers")
        headless.wait_for_message(SAM, containing="AccessDeniedException")
    assert states(headless) == []


def test_without_cognitos_word_on_who_is_protected_the_worker_signs_no_one_out(headless: Headless) -> None:
    with headless.bot_in_process(SIGNOUT_PROTECT_GROUPS="admins"):
        card = card_for(headless, SAM)
        headless.before_cognito(LOOK, *[DENIED] * 9)
        headless.press(SAM, card, CONFIRM)
        headless.wait_for_message(SAM, containing="Not signed out: ada")
        headless.wait_for_message(SAM, AUDIT, containing="Not signed out: ada")
    assert states(headless) == ["failed"]
    assert headless.cognito_calls(SIGN_OUT) == []
    assert headless.is_signed_in("ada")
