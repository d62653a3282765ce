"""The shortcuts: the form opens from a message or from anywhere, over real sockets, and does nothing by itself."""

from headless import AUDIT, KIM, LEE, PAT, RAY, SAM, Headless, form_words, shows
from whole_bot import CONFIRM, FIND, entries, states, trail

from bot.errors import DeniedError
from bot.sandbox.board import Message
from bot.sandbox.cast import ORG_ID, OTHER_ID, Install
from bot.sandbox.wire import answer

NOT_ON_THE_LIST = str(DeniedError())


def in_a_thread(headless: Headless, text: str) -> Message:
    ticket = headless.say(LEE, "HELP-4711: a stolen phone")
    return headless.say(KIM, text, thread_ts=ticket.ts)


def test_from_a_message_in_a_thread_to_a_sign_out(headless: Headless) -> None:
    with headless.bot_in_process():
        ack = headless.shortcut(SAM, in_a_thread(headless, "She is ada@example.com."))
        assert ack.error is None
        form = headless.wait_for_form(SAM, containing="Whom to sign out")
        assert form.answers({})["target"] == "ada@example.com"
        headless.rest()
        assert headless.cognito_calls(FIND) == [], "nothing is looked for before the form is sent"
        headless.submit(SAM, form, {"pool": "customers", "reason": "HELP-4711"})
        card = headless.wait_for_message(SAM, button=CONFIRM)
        headless.wait_for_form(SAM, containing="The card is in the channel of the message, not in a thread.")
        assert (card.only_for, card.thread_ts) == (SAM, None)
        headless.press(SAM, card, CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
    assert not headless.is_signed_in("ada")
    assert entries(headless) == ["opened", "confirmed", "signed_out"]


def test_of_several_in_a_message_one_is_chosen_and_is_there_again_where_no_one_is_found(headless: Headless) -> None:
    with headless.bot_in_process():
        headless.shortcut(SAM, in_a_thread(headless, "Is it adda@example.com or grace@example.com?"))
        form = headless.wait_for_form(SAM, containing="Someone else")
        headless.submit(SAM, form, {})
        form = headless.wait_for_form(SAM, containing="Say whom to sign out")
        headless.submit(SAM, form, {"found": "adda@example.com"})
        form = headless.wait_for_form(SAM, containing="No one was found in customers and staff")
        assert form.answers({})["found"] == "adda@example.com"
        headless.submit(SAM, form, {"found": "grace@example.com"})
        assert shows(headless.wait_for_message(SAM, button=CONFIRM), "grace")
    assert entries(headless) == ["not_found", "opened"]


def test_from_anywhere_the_card_and_its_result_are_a_direct_message(headless: Headless) -> None:
    with headless.bot_in_process():
        headless.shortcut(SAM)
        form = headless.wait_for_form(SAM, containing="Whom to sign out")
        assert form.answers({})["target"] == ""
        headless.submit(SAM, form, {"target": "ada@example.com"})
        headless.wait_for_form(SAM, containing="The card is a direct message from this app.")
        (card,) = headless.direct_messages(SAM)
        assert "may not show its result" not in card.text
        headless.press(SAM, card, CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
        headless.wait_for(lambda: shows(headless.direct_messages(SAM)[0], "Signed out: ada"))
        headless.rest()
    assert len(headless.direct_messages(SAM)) == 1
    assert headless.messages(SAM) == []
    assert [each.ask.channel_id for each in trail(headless)] == [""] * 3


def test_what_was_wrong_once_the_form_from_anywhere_is_closed_is_a_direct_message(headless: Headless) -> None:
    with headless.bot_in_process():
        headless.shortcut(SAM)
        form = headless.wait_for_form(SAM)
        headless.before_slack("views.update", answer(200, {"ok": False, "error": "not_found"}))
        headless.submit(SAM, form, {"target": "adda"})
        headless.wait_for(lambda: headless.direct_messages(SAM))
    assert shows(headless.direct_messages(SAM)[0], "No one was found in customers and staff")


def test_who_may_not_gets_the_sentence_and_no_form_and_is_written_to_nowhere_else(headless: Headless) -> None:
    with headless.bot_in_process():
        headless.shortcut(RAY, in_a_thread(headless, "She is ada@example.com."))
        headless.wait_for_message(RAY, containing=NOT_ON_THE_LIST)
        assert headless.form(RAY) is None
        headless.shortcut(RAY)
        form = headless.wait_for_form(RAY, containing=NOT_ON_THE_LIST)
        assert form.inputs() == {}
        headless.shortcut(PAT)
        headless.wait_for_form(PAT, containing=NOT_ON_THE_LIST)
        headless.rest()
    assert headless.direct_messages(RAY) == headless.direct_messages(PAT) == []
    assert {str(each) for each in entries(headless)} == {"refused"}
    assert states(headless) == []


def test_in_a_whole_organisation_both_open_the_form_for_its_people(headless: Headless) -> None:
    headless.install(Install.ORG_WIDE)
    with headless.bot_in_process():
        headless.move(SAM, OTHER_ID)
        headless.shortcut(SAM, in_a_thread(headless, "She is ada@example.com."))
        form = headless.wait_for_form(SAM)
        assert headless.last_sent()["payload"]["team"] is None
        headless.close_form(SAM, form)
        headless.shortcut(SAM)
        headless.submit(SAM, headless.wait_for_form(SAM), {"target": "ada"})
        headless.wait_for(lambda: headless.direct_messages(SAM))
    assert {each.ask.operator.team_id for each in trail(headless)} == {ORG_ID}


def test_over_http_both_open_the_form_too(headless: Headless) -> None:
    with headless.bot_in_process("--http"):
        assert headless.shortcut(SAM, in_a_thread(headless, "She is ada@example.com.")).error is None
        headless.close_form(SAM, headless.wait_for_form(SAM))
        assert headless.shortcut(SAM).error is None
        headless.wait_for_form(SAM)


def test_what_is_hidden_in_a_message_can_be_seen_in_the_form(headless: Headless) -> None:
    with headless.bot_in_process():
        headless.shortcut(SAM, in_a_thread(headless, "\u202eada@example.com grace@exa\u200bmple.com <!channel>"))
        form = headless.wait_for_form(SAM)
    assert "\\u202Eada@example.com" in form_words(form)
    assert "grace@exa\\u200Bmple.com" in form_words(form)
    assert "\u202e" not in str(form.content)
