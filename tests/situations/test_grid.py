"""Enterprise Grid: who is ours, and who only seems to be."""

import pytest
from headless import AUDIT, SAM, Headless
from whole_bot import CANCEL, CONFIRM, SIGN_OUT, card_for, requests, trail

from bot.errors import NotYoursError
from bot.sandbox.cast import ORG_ID, OTHER_ID, PARTNER_ID, TEAM_ID, Install

NOT_YOURS = str(NotYoursError())
ASKED = "users.info"

grid = pytest.mark.parametrize("install", [Install.GRID_WORKSPACE, Install.ORG_WIDE])


def operators(headless: Headless) -> set[tuple[str, str]]:
    """Each operator that the store knows, as it knows them."""
    return {(who.team_id, who.id) for who in (entry.ask.operator for entry in trail(headless))}


@grid
def test_11_press_from_another_workspace_of_the_organisation(headless: Headless, install: Install) -> None:
    """A person types in one workspace and presses in another: one person, whose press counts."""
    headless.install(install)
    with headless.bot_in_process():
        card = card_for(headless, SAM)
        headless.move(SAM, OTHER_ID)
        headless.press(SAM, card, CONFIRM)
        pressed = headless.last_sent()["payload"]
        headless.wait_for_message(SAM, containing="Signed out: ada")
        told = headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
    assert pressed["user"]["team_id"] == OTHER_ID
    assert pressed["team"] == (
        None
        if install is Install.ORG_WIDE
        else {
            "id": TEAM_ID,
            "domain": "signout-sandbox",
            "enterprise_id": ORG_ID,
            "enterprise_name": "Sign-out organisation",
        }
    )
    assert not headless.is_signed_in("ada")
    assert operators(headless) == {(ORG_ID, SAM)}
    assert f"Operator sam ({SAM}, team {ORG_ID})" in str(told.blocks)


def test_12_org_wide_install(headless: Headless) -> None:
    """auth.test's team_id is the organisation's: the command and its form work in each of its workspaces."""
    headless.install(Install.ORG_WIDE)
    with headless.bot_in_process():
        headless.press(SAM, card_for(headless, SAM), CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
        headless.move(SAM, OTHER_ID)
        headless.command(SAM, "")
        headless.submit(SAM, headless.wait_for_form(SAM), {"target": "grace"})
        headless.press(SAM, headless.wait_for_message(SAM, button=CONFIRM), CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: grace")
    assert operators(headless) == {(ORG_ID, SAM)}
    assert {str(each.state) for each in requests(headless)} == {"done"}
    assert len(headless.slack_calls(ASKED)) == 2, "one for each workspace: it is kept for a minute"


@grid
@pytest.mark.parametrize("user", [{"team_id": PARTNER_ID}, {"id": "U0PAT00001", "team_id": PARTNER_ID}])
def test_13_a_stranger_with_our_team_in_the_payload(headless: Headless, install: Install, user: dict[str, str]) -> None:
    """Someone of another organisation presses, perhaps with the user id of ours: the press does nothing."""
    headless.install(install)
    with headless.bot_in_process():
        card = card_for(headless, SAM)
        headless.press(SAM, card, CANCEL, value="01JZZZZZZZZZZZZZZZZZZZZZZZ")  # a payload to forge
        envelope = headless.last_sent()
        action = envelope["payload"]["actions"][0]
        action |= {"action_id": CONFIRM, "value": card.button(CONFIRM)["value"]}
        envelope["payload"]["user"] |= user
        envelope["payload"]["team"] = {"id": TEAM_ID, "domain": "signout-sandbox", "enterprise_id": ORG_ID}
        envelope["payload"]["enterprise"] = {"id": ORG_ID, "name": "Sign-out organisation"}
        envelope["envelope_id"] = "of a stranger"
        headless.redeliver(envelope)
        headless.wait_for_message(SAM, containing=NOT_YOURS)
        told = headless.wait_for_message(SAM, AUDIT, containing="Refused: ada")
    assert headless.cognito_calls(SIGN_OUT) == []
    refused = trail(headless)[-1]
    assert refused.rule == "pressed another's button"
    assert (refused.ask.operator.team_id, refused.ask.operator.id) == (PARTNER_ID, user.get("id", SAM))
    assert f"team {PARTNER_ID}" in str(told.blocks)
