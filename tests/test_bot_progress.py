"""Progress is shown only where there is something to wait for."""

from headless import SAM, Headless, shows
from whole_bot import CONFIRM, SIGN_OUT, TELL, Travel, card_for, travel

from bot.deliver import PROGRESS_AFTER
from bot.errors import UnderWayError


def test_a_result_that_is_there_at_once_is_the_only_message_after_the_press(headless: Headless) -> None:
    clock = travel(headless, runs=False)
    with headless.bot_in_process():
        card = card_for(headless, SAM)
        headless.press(SAM, card, CONFIRM)
        headless.wait_for_message(SAM, containing="Signed out: ada")
        clock.forward(seconds=PROGRESS_AFTER.total_seconds())
    sent = [call.parameters["text"] for call in headless.slack_calls(TELL)]
    assert [text.splitlines()[0] for text in sent] == ["Sign this user out of all devices?", "Signed out: ada"]


def test_progress_takes_the_place_of_the_buttons_where_cognito_is_slow_and_a_second_press_is_told_so(
    headless: Headless,
) -> None:
    headless.clock = clock = Travel(runs=False)  # which waits for no rest: the sign-out is held
    with headless.bot_in_process():
        card, paused = card_for(headless, SAM), headless.pause(SIGN_OUT)
        headless.press(SAM, card, CONFIRM)
        paused.wait_until_arrived()
        assert shows(headless.wait_for_message(SAM), "", CONFIRM), "for a moment the card stays as it is"
        headless.press(SAM, card, CONFIRM)
        headless.wait_for_message(SAM, containing=UnderWayError().sentence)
        clock.forward(seconds=PROGRESS_AFTER.total_seconds())
        progress = headless.wait_for_message(SAM, containing="Signing out ada, confirmed")
        assert (progress.ts, shows(progress, "", CONFIRM)) == (card.ts, False)
        paused.release()
        assert headless.wait_for_message(SAM, containing="Signed out: ada").ts == card.ts
    assert len(headless.cognito_calls(SIGN_OUT)) == 1
