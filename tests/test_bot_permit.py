"""Who may do more than sign out, over real sockets: Slack, the bot and Cognito."""

import pytest
from headless import AUDIT, KIM, SAM, Headless
from whole_bot import CONFIRM, card_for, entries, requests, states

from bot.action import ACTIONS, OTHERS, Step

LISTS = {action: f"SIGNOUT_ACTIONS_{action.upper()}_USERS" for action in OTHERS}


def steps(headless: Headless) -> list[str]:
    """Each call that changes an account, in order."""
    return [call.action for call in headless.cognito_calls() if call.action in set(Step)]


@pytest.mark.parametrize("action", OTHERS)
def test_a_forged_button_of_another_action_does_nothing_for_someone_who_is_not_on_its_list(
    headless: Headless, action: str
) -> None:
    others = {name: SAM for each, name in LISTS.items() if each != action} | {LISTS[action]: KIM}
    with headless.bot_in_process(**others):
        card = card_for(headless, SAM)
        (waiting,) = requests(headless)
        headless.press(SAM, card, f"signout_{action}", waiting.id)
        headless.wait_for_message(SAM, containing=f"You may not {ACTIONS[action].may} (pool customers).")
        headless.wait_for_message(SAM, AUDIT, containing=f"actions.{action}: not allowed")
    assert states(headless) == ["confirming"]
    assert entries(headless) == ["opened", "refused"]
    assert steps(headless) == []


def test_who_was_taken_off_the_list_of_an_action_can_press_its_button_no_more(headless: Headless) -> None:
    with headless.bot_in_process(**{LISTS["keep_out"]: SAM}):
        card = card_for(headless, SAM)
        assert card == headless.wait_for_message(SAM, button="signout_keep_out")
    with headless.bot_in_process(**{LISTS["keep_out"]: KIM}):
        headless.press(SAM, card, "signout_keep_out")
        headless.wait_for_message(SAM, containing="You may not keep people out (pool customers).")
        assert steps(headless) == []
        headless.press(SAM, card, CONFIRM)
        headless.wait_for_message(SAM, containing="Signed out: ada")
    assert steps(headless) == ["AdminUserGlobalSignOut"]


@pytest.mark.parametrize(("pressed", "waits"), [("signout_keep_out", True), (CONFIRM, False)])
def test_the_action_that_was_pressed_decides_whether_a_second_person_is_asked(
    headless: Headless, pressed: str, *, waits: bool
) -> None:
    needs = {"SIGNOUT_APPROVE_WHEN": "keep_out", "SIGNOUT_APPROVE_USERS": KIM, LISTS["keep_out"]: SAM}
    with headless.bot_in_process(**needs):
        headless.press(SAM, card_for(headless, SAM), pressed)
        if waits:
            asked = headless.wait_for_message(KIM, AUDIT, button="signout_approve")
            assert "Keep this user out?" in asked.text
            assert steps(headless) == []
            headless.press(KIM, asked, "signout_approve")
        headless.wait_for_message(SAM, containing="Kept out: ada" if waits else "Signed out: ada")
    assert steps(headless) == (["AdminDisableUser"] if waits else []) + ["AdminUserGlobalSignOut"]
    assert ("approved" in entries(headless)) is waits


def test_who_may_do_more_in_another_pool_only_is_told_where_and_not_that_they_may_not(headless: Headless) -> None:
    customers, staff = (headless.stage.cognito.pools[name].id for name in ("customers", "staff"))
    file = headless.stage.folder / "permit.toml"
    file.write_text(
        f'[pools.customers]\nid = "{customers}"\n[pools.staff]\nid = "{staff}"\nactions.keep_out.users = ["{SAM}"]\n',
        "utf-8",
    )
    with headless.bot_in_process(SIGNOUT_CONFIG=str(file)):
        headless.command(SAM, "ada --pool customers --keep-out")
        headless.wait_for_message(SAM, containing="You may not do this in pool customers. You may use: staff.")
        headless.command(SAM, "ada --let-in")
        headless.wait_for_message(SAM, containing="You may not let people back in with this bot.")
        headless.command(SAM, "ada --keep-out")
        headless.wait_for_message(SAM, containing="No one was found in staff")
    assert steps(headless) == []
