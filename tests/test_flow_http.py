"""The whole job in HTTP mode: signed request in, card out, click, Cognito, audit channel."""

import pytest
from flow import ACKED_WITHIN, CANCEL, CONFIRM, SIGN_OUT, card_for, entries, states
from headless import AUDIT, KIM, RAY, SAM, Headless, shows

from bot.sandbox.request_url import signed


def test_signing_out_over_http_ends_that_persons_sessions_and_tells_operator_and_audit_channel(
    headless: Headless,
) -> None:
    with headless.bot_in_process(http=True):
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
    with headless.bot_in_process(http=True):
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
    with headless.bot_in_process(http=True):
        headless.command(SAM, "ada@example.com")
        headless.press(SAM, headless.wait_for_message(SAM, button="signout_choose_0"), "signout_choose_0")
        headless.press(SAM, headless.wait_for_message(SAM, button=CONFIRM), CANCEL)
        headless.wait_for_message(SAM, containing="Cancelled.")
    assert states(headless) == ["cancelled"]
    assert headless.cognito_calls(SIGN_OUT) == []
