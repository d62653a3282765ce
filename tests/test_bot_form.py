"""The form that `/signout` opens with nothing after it, over real sockets."""

from headless import AUDIT, KIM, RAY, SAM, Headless, shows
from whole_bot import CONFIRM, TELL, entries, states

from bot.sandbox.wire import answer


def test_the_form_leads_to_the_same_card(headless: Headless) -> None:
    with headless.bot_in_process():
        ack = headless.command(SAM, "")
        assert ack.error is None
        form = headless.wait_for_form(SAM, containing="Whom to sign out")
        ack = headless.submit(SAM, form, {"target": "ada@example.com", "pool": "customers", "reason": "lost phone"})
        assert ack.error is None
        card = headless.wait_for_message(SAM, button=CONFIRM)
        headless.wait_for_form(SAM, containing="The card is in the channel")
        assert shows(card, "lost phone")
        headless.press(SAM, card, CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
    assert not headless.is_signed_in("ada")


def test_what_is_malformed_is_said_at_once_under_its_field(headless: Headless) -> None:
    with headless.bot_in_process(SIGNOUT_REQUIRE_REASON="true", SIGNOUT_REASON_PATTERN=r"HELP-\d+"):
        headless.command(SAM, "")
        form = headless.wait_for_form(SAM)
        headless.submit(SAM, form, {"target": "ada grace", "reason": "lost"})
        errors = headless.wait_for_form(SAM, containing="More than one TARGET").errors
        assert errors["target"].startswith("More than one TARGET was given.")
        assert errors["reason"].startswith("The reason must contain what")
        again = headless.wait_for_form(SAM)
        headless.submit(SAM, again, {"target": "ada", "reason": "HELP-1"})
        headless.wait_for_message(SAM, button=CONFIRM)
    assert states(headless) == ["confirming"]


def test_who_is_not_found_can_be_corrected_in_the_form(headless: Headless) -> None:
    with headless.bot_in_process():
        headless.command(SAM, "")
        headless.submit(SAM, headless.wait_for_form(SAM), {"target": "adda", "reason": "lost phone"})
        form = headless.wait_for_form(SAM, containing="No one was found in customers and staff")
        assert form.answers({})["target"] == "adda"
        headless.submit(SAM, form, {"target": "ada"})
        card = headless.wait_for_message(SAM, button=CONFIRM)
        assert shows(card, "lost phone")
    assert entries(headless) == ["not_found", "opened"]


def test_who_may_not_gets_the_sentence_and_no_form(headless: Headless) -> None:
    with headless.bot_in_process():
        headless.command(RAY, "")
        headless.wait_for_message(RAY, containing="You are not on the list")
        headless.wait_for_message(SAM, AUDIT, containing="Refused")
        assert headless.form(RAY) is None


def test_a_person_taken_off_the_list_before_sending_the_form_is_refused(headless: Headless) -> None:
    with headless.bot_in_process():
        headless.command(SAM, "")
        form = headless.wait_for_form(SAM)
    with headless.bot_in_process(SIGNOUT_ALLOW_USERS=KIM):
        headless.submit(SAM, form, {"target": "ada"})
        headless.wait_for_form(SAM, containing="You are not on the list")
    assert states(headless) == []


def test_a_form_that_slack_does_not_open_leaves_the_command_to_type(headless: Headless) -> None:
    headless.before_slack("views.open", answer(200, {"ok": False, "error": "expired_trigger_id"}))
    with headless.bot_in_process():
        headless.command(SAM, "")
        told = headless.wait_for_message(SAM, containing="Slack may not have opened the form")
    assert "/signout TARGET" in told.text


def test_a_form_that_can_no_longer_be_shown_still_leads_to_the_card(headless: Headless) -> None:
    with headless.bot_in_process():
        headless.command(SAM, "")
        form = headless.wait_for_form(SAM)
        headless.before_slack("views.update", answer(500, "oops", "text/plain"))
        headless.submit(SAM, form, {"target": "ada"})
        headless.press(SAM, headless.wait_for_message(SAM, button=CONFIRM), CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")


def test_where_one_pool_is_allowed_the_form_asks_for_none(headless: Headless) -> None:
    settings = headless.stage.folder / "signout.toml"
    settings.write_text(settings.read_text() + f'allow.users = ["{RAY}"]\n')
    with headless.bot_in_process():
        headless.command(RAY, "")
        form = headless.wait_for_form(RAY)
        assert set(form.answers({})) == {"target", "reason"}


def test_a_form_closed_while_it_looks_leaves_its_answer_in_the_channel(headless: Headless) -> None:
    with headless.bot_in_process():
        headless.command(SAM, "")
        form = headless.wait_for_form(SAM)
        held = headless.pause("ListUsers")
        headless.submit(SAM, form, {"target": "adda"})
        held.wait_until_arrived()
        headless.close_form(SAM, headless.wait_for_form(SAM))
        held.release()
        headless.wait_for_message(SAM, containing="No one was found in customers and staff")


def test_a_form_whose_card_could_not_be_shown_says_so(headless: Headless) -> None:
    with headless.bot_in_process():
        headless.command(SAM, "")
        form = headless.wait_for_form(SAM)
        headless.before_slack(TELL, answer(404, "expired_url", "text/plain"))
        headless.submit(SAM, form, {"target": "ada"})
        headless.wait_for_form(SAM, containing="Slack may not show its card yet.")


def test_a_reason_of_nothing_visible_is_none(headless: Headless) -> None:
    with headless.bot_in_process(SIGNOUT_REQUIRE_REASON="true"):
        headless.command(SAM, "")
        headless.submit(SAM, headless.wait_for_form(SAM), {"target": "ada", "reason": "\u200b"})
        assert "reason" in headless.wait_for_form(SAM, containing="--reason needs a value").errors
