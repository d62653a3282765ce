"""A list, from the form to its end, with the whole bot over real sockets."""

import pytest
from headless import AUDIT, KIM, RAY, SAM, Headless, shows
from messages import leaves
from whole_bot import CONFIRM, SIGN_OUT, entries, states

from bot.sandbox.board import Message
from bot.sandbox.cognito import Moto
from bot.sandbox.wire import refuse

PAUSE, GO_ON, STOP, AGAIN = (f"signout_list_{name}" for name in ("pause", "go_on", "stop", "again"))
REFUSED = refuse(400, "NotAuthorizedException", "User is disabled.")


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


def links(headless: Headless, person: str) -> list[str]:
    """The addresses to which what this person sees leads."""
    return [leaf["url"] for each in headless.messages(person) for leaf in leaves(each.blocks) if "url" in leaf]


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


@pytest.mark.long
def test_a_list_is_paused_let_go_on_by_an_approver_and_what_failed_is_tried_again(moto: Moto) -> None:
    people = ("ada", "grace", "alan", "edsger")
    with (
        Headless(moto, people) as headless,
        headless.bot_in_process(SIGNOUT_LISTS_PACE="2/s", SIGNOUT_APPROVE_USERS=KIM),
    ):
        card = preview(headless, "\n".join(people))
        headless.before_cognito(SIGN_OUT, REFUSED)
        held = [headless.pause(SIGN_OUT) for _ in range(2)]  # at that pace no more than two are under way
        headless.press(SAM, card, CONFIRM)
        for each in held:
            each.wait_until_arrived()
        progress = headless.wait_for_message(SAM, AUDIT, button=PAUSE)
        address = f"https://signout-sandbox.slack.com/archives/{AUDIT}/p{progress.ts.replace('.', '')}"
        headless.wait_for(lambda: address in links(headless, SAM))
        headless.press(RAY, progress, PAUSE)
        headless.wait_for_message(RAY, AUDIT, containing="Your press did nothing.")
        headless.press(SAM, progress, PAUSE)
        paused = headless.wait_for_message(SAM, AUDIT, button=GO_ON)
        for each in held:
            each.release()
        headless.wait_for_message(SAM, AUDIT, containing="2 signed out, 1 failed, 0 not known, 1 left.")
        headless.press(SAM, progress, PAUSE)
        headless.wait_for_message(SAM, AUDIT, containing="Your press changed nothing")
        headless.press(KIM, paused, GO_ON)
        ended = headless.wait_for_message(SAM, AUDIT, button=AGAIN)
        assert shows(ended, "Signed out: 3 of 4 accounts")
        assert shows(ended, "1: the account is disabled (NotAuthorizedException.UserDisabled)")
        headless.press(SAM, ended, AGAIN)
        again = headless.wait_for_message(SAM, AUDIT, button=CONFIRM)
        assert shows(again, "Sign out 1 account?")
        assert shows(headless.wait_for_message(SAM, AUDIT, button=AGAIN), "Signed out: 3 of 4 accounts")
        headless.press(SAM, again, CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: 1 account")
        assert not any(map(headless.is_signed_in, people))
        assert states(headless).count("done") == 4 + 1
        assert "continued" in entries(headless)
