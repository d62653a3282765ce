"""A list, from the form to its end, with the whole bot over real sockets."""

import pytest
from headless import AUDIT, KIM, SAM, Headless, shows
from whole_bot import CONFIRM, SIGN_OUT, entries, states

from bot.sandbox.board import Message
from bot.sandbox.wire import answer

PAUSE, GO_ON, STOP, AGAIN = (f"signout_list_{name}" for name in ("pause", "go_on", "stop", "again"))
REFUSED = answer(400, {"__type": "NotAuthorizedException", "message": "User is disabled."})


def preview(headless: Headless, *fields: str, **more: str) -> Message:
    """Send the form of a list; return the card with its preview, once the bot has noted it."""
    headless.command(SAM, "list --reason leaked")
    form = headless.wait_for_form(SAM, containing="Whom to sign out")
    assert form.answers({})["reason"] == "leaked"
    ids = ("people", "people_2", "people_3", "people_4")
    sent = headless.submit(SAM, form, {**dict(zip(ids, fields, strict=False)), "pool": "customers", **more})
    assert sent.error is None
    card = headless.wait_for_message(SAM, button=CONFIRM)
    headless.wait_for_form(SAM, containing="The preview is a card in the channel")
    headless.rest()
    return card


@pytest.mark.long
def test_a_list_is_pasted_previewed_confirmed_and_followed_to_its_end(headless: Headless) -> None:
    with headless.bot_in_process():
        card = preview(headless, "email\n- ada@example.com\n- nobody@example.com\n", "grace; ada")
        for fact in ("Sign out 2 accounts?", "from 4 lines", "n…@example.com", "leaked", "Twice: 1"):
            assert shows(card, fact)
        headless.press(SAM, card, CONFIRM)
        progress = headless.wait_for_message(SAM, AUDIT, containing="2 signed out, 0 failed, 0 not known, 0 left")
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: 2 accounts")
        headless.wait_for_message(SAM, containing="Signed out: 2 accounts")
    assert shows(progress, "Signed out: 2 accounts")
    assert not headless.is_signed_in("ada")
    assert not headless.is_signed_in("grace")
    assert entries(headless).count("signed_out") == 3
