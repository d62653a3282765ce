"""The whole bot on Enterprise Grid, in one workspace of an organisation and in all of it."""

from typing import Any

import pytest
from headless import AUDIT, KIM, PAT, RAY, SAM, Headless
from whole_bot import CANCEL, CONFIRM, FIND, SIGN_OUT, card_for, entries, states, trail

from bot.errors import DeniedError, NotYoursError
from bot.sandbox.cast import ORG_ID, OTHER_ID, PARTNER_ID, TEAM_ID, Install
from bot.sandbox.wire import Fault, answer, hang, ratelimited

ASKED, LIST = "users.info", "usergroups.users.list"
NOT_ON_THE_LIST = str(DeniedError())
UNKNOWN = {"ok": True, "user": {"id": SAM, "team_id": OTHER_ID}}
STRANGER = {"ok": True, "user": {"id": SAM, "enterprise_user": {"enterprise_id": ORG_ID}, "is_stranger": True}}

grid = pytest.mark.parametrize("install", [Install.GRID_WORKSPACE, Install.ORG_WIDE])


def told(body: Any, status: int = 200) -> Fault:
    return answer(status, body, *([] if isinstance(body, dict) else ["text/html"]))


def by_form(headless: Headless, person: str) -> None:
    headless.command(person, "")
    headless.submit(person, headless.wait_for_form(person), {"target": "ada"})


def press_as(headless: Headless, card: Any, **user: str | None) -> None:
    """Press [Sign out] with another `user`; None leaves a field out. The rest of the payload is as Slack sends it."""
    headless.press(SAM, card, CANCEL, value="01JZZZZZZZZZZZZZZZZZZZZZZZ")
    envelope = headless.last_sent()
    envelope["payload"]["actions"][0] |= {"action_id": CONFIRM, "value": card.button(CONFIRM)["value"]}
    whole = envelope["payload"]["user"] | user
    envelope["payload"]["user"] = {name: value for name, value in whole.items() if value is not None}
    envelope["envelope_id"] = "forged"
    headless.redeliver(envelope)


@grid
def test_by_the_form_from_two_workspaces_it_is_one_person(headless: Headless, install: Install) -> None:
    headless.install(install)
    with headless.bot_in_process():
        headless.move(SAM, OTHER_ID)
        by_form(headless, SAM)
        card = headless.wait_for_message(SAM, button=CONFIRM)
        headless.move(SAM, TEAM_ID)
        headless.press(SAM, card, CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
    assert {(each.ask.operator.team_id, each.ask.operator.id) for each in trail(headless)} == {(ORG_ID, SAM)}
    assert entries(headless) == ["opened", "confirmed", "signed_out"]


@grid
def test_over_http_a_press_from_another_workspace_counts(headless: Headless, install: Install) -> None:
    headless.install(install)
    with headless.bot_in_process("--http"):
        card = card_for(headless, KIM)
        headless.move(KIM, OTHER_ID)
        headless.press(KIM, card, CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
    assert {(each.ask.operator.team_id, each.ask.operator.id) for each in trail(headless)} == {(ORG_ID, KIM)}


@grid
def test_a_card_may_be_cancelled_from_another_workspace(headless: Headless, install: Install) -> None:
    headless.install(install)
    with headless.bot_in_process():
        card = card_for(headless, SAM)
        headless.move(SAM, OTHER_ID)
        headless.press(SAM, card, CANCEL)
        headless.wait_for_message(SAM, containing="Cancelled. Nothing was done.")
    assert states(headless) == ["cancelled"]


@grid
@pytest.mark.parametrize("form", [False, True], ids=["command", "form"])
def test_a_stranger_may_not_ask_and_slack_is_not_asked_about_them(
    headless: Headless, install: Install, *, form: bool
) -> None:
    headless.install(install)
    with headless.bot_in_process():
        headless.command(PAT, "" if form else "ada")
        headless.wait_for_message(PAT, containing=NOT_ON_THE_LIST)
        headless.wait_for_message(SAM, AUDIT, containing="Refused")
    assert (trail(headless)[0].rule, trail(headless)[0].ask.operator.team_id) == ("not allowed", PARTNER_ID)
    assert headless.slack_calls(ASKED) == headless.cognito_calls(FIND) == []


@grid
@pytest.mark.parametrize("form", [False, True], ids=["command", "form"])
def test_a_stranger_with_an_operators_user_id_may_not_ask(headless: Headless, install: Install, *, form: bool) -> None:
    headless.install(install)
    with headless.bot_in_process():
        headless.move(SAM, PARTNER_ID)
        headless.command(SAM, "" if form else "ada")
        headless.wait_for_message(SAM, containing=NOT_ON_THE_LIST)
        headless.wait_for_message(SAM, AUDIT, containing="Refused")
    assert (trail(headless)[0].rule, trail(headless)[0].ask.operator.team_id) == ("from another team", PARTNER_ID)
    assert headless.cognito_calls(FIND) == []


@grid
def test_a_stranger_who_sends_an_operators_form_is_refused_in_it(headless: Headless, install: Install) -> None:
    headless.install(install)
    with headless.bot_in_process():
        headless.command(SAM, "")
        form = headless.wait_for_form(SAM)
        headless.move(SAM, PARTNER_ID)
        headless.submit(SAM, form, {"target": "ada"})
        headless.wait_for_form(SAM, containing=NOT_ON_THE_LIST)
    assert trail(headless)[-1].rule == "from another team"
    assert headless.cognito_calls(FIND) == []


FAULTS: dict[str, Fault] = {
    "it refuses": told({"ok": False, "error": "missing_scope", "needed": "users:read", "provided": "commands"}),
    "a field is missing": told(UNKNOWN),
    "HTTP 500": told("<html>oops</html>", 500),
}


@grid
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_where_users_info_does_not_tell_no_one_may_and_the_sentence_says_so(
    headless: Headless, install: Install, fault: Fault
) -> None:
    headless.install(install)
    with headless.bot_in_process():
        card = card_for(headless, SAM)
        headless.move(SAM, OTHER_ID)
        headless.before_slack(ASKED, fault)
        headless.press(SAM, card, CONFIRM)
        headless.wait_for_message(SAM, containing=DeniedError.NOT_TOLD)
        assert states(headless) == ["confirming"]
        headless.press(SAM, card, CONFIRM)  # within a second: Slack is not asked again yet
        headless.wait_for(lambda: _presses_until_it_counts(headless, card))
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
    refused = trail(headless)[1]
    assert refused.rule == "not allowed (Slack could not tell whether they belong here)"
    assert (refused.ask.operator.team_id, refused.ask.operator.id) == (OTHER_ID, SAM)


def _presses_until_it_counts(headless: Headless, card: Any) -> bool:
    if states(headless) == ["confirming"]:
        headless.press(SAM, card, CONFIRM)
    return states(headless) == ["done"]


@grid
def test_a_command_of_someone_whom_users_info_does_not_tell_of_looks_nothing_up(
    headless: Headless, install: Install
) -> None:
    headless.install(install)
    with headless.bot_in_process():
        headless.move(SAM, OTHER_ID)
        headless.before_slack(ASKED, ratelimited(30))
        headless.command(SAM, "ada")
        headless.wait_for_message(SAM, containing=DeniedError.NOT_TOLD)
        headless.command(SAM, "")
        headless.wait_for(lambda: len(headless.messages(SAM)) == 2)
    assert len(headless.slack_calls(ASKED)) == 1
    assert headless.cognito_calls(FIND) == []


@grid
def test_who_is_a_stranger_by_users_info_is_none_of_ours_whatever_the_organisation(
    headless: Headless, install: Install
) -> None:
    headless.install(install)
    with headless.bot_in_process():
        headless.move(SAM, OTHER_ID)
        headless.before_slack(ASKED, told(STRANGER))
        headless.command(SAM, "ada")
        headless.wait_for_message(SAM, containing=NOT_ON_THE_LIST)
    assert trail(headless)[0].rule == "from another team"


def test_users_info_that_hangs_delays_no_one_else(headless: Headless) -> None:
    headless.install(Install.GRID_WORKSPACE)
    with headless.bot_in_process():
        headless.move(SAM, OTHER_ID)
        headless.before_slack(ASKED, hang())
        for _ in range(3):
            headless.command(SAM, "ada")
        headless.wait_for(lambda: headless.slack_calls(ASKED))
        headless.press(KIM, card_for(headless, KIM, "grace"), CONFIRM)
        headless.wait_for_message(KIM, containing="Signed out: grace")
        assert len(headless.slack_calls(ASKED)) == 1
        headless.wait_for_message(SAM, containing=DeniedError.NOT_TOLD, timeout=20)


def test_outside_grid_a_stranger_is_refused_by_their_team_and_slack_is_not_asked(headless: Headless) -> None:
    with headless.bot_in_process():
        card = card_for(headless, SAM)
        press_as(headless, card, team_id=PARTNER_ID)
        headless.wait_for_message(SAM, containing=str(NotYoursError()))
        headless.move(SAM, OTHER_ID)
        headless.command(SAM, "grace")
        headless.wait_for_message(SAM, containing=NOT_ON_THE_LIST)
    assert [each.rule for each in trail(headless)[1:]] == ["pressed another's button", "from another team"]
    assert headless.slack_calls(ASKED) == headless.cognito_calls(SIGN_OUT) == []


def test_on_grid_slack_is_not_asked_about_who_comes_from_the_workspace_or_the_organisation(headless: Headless) -> None:
    headless.install(Install.GRID_WORKSPACE)
    with headless.bot_in_process():
        press_as(headless, card_for(headless, SAM), team_id=ORG_ID)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
        headless.press(KIM, card_for(headless, KIM, "grace"), CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: grace")
    assert headless.slack_calls(ASKED) == []


@pytest.mark.parametrize("install", Install)
def test_a_press_that_does_not_say_of_which_team_its_person_is_takes_none_from_the_installation(
    headless: Headless, install: Install
) -> None:
    headless.install(install)
    with headless.bot_in_process():
        card = card_for(headless, SAM)
        before = len(headless.slack_calls(ASKED))
        press_as(headless, card, team_id=None)
        headless.wait_for_message(SAM, containing=DeniedError.NOT_TOLD)
    assert states(headless) == ["confirming"]
    assert len(headless.slack_calls(ASKED)) == before


@grid
@pytest.mark.parametrize("team", [PARTNER_ID, "T0EVIL00001", "E0EVIL00001"])
def test_a_press_of_a_stranger_with_the_operators_user_id_does_nothing(
    headless: Headless, install: Install, team: str
) -> None:
    headless.install(install)
    with headless.bot_in_process():
        press_as(headless, card_for(headless, SAM), team_id=team, name="evil")
        headless.wait_for_message(SAM, containing=str(NotYoursError()))
    assert states(headless) == ["confirming"]
    assert (trail(headless)[-1].rule, trail(headless)[-1].ask.operator.team_id) == ("pressed another's button", team)
    assert headless.cognito_calls(SIGN_OUT) == []


@grid
def test_someone_of_the_organisation_who_is_on_no_list_may_not(headless: Headless, install: Install) -> None:
    headless.install(install)
    with headless.bot_in_process():
        headless.move(RAY, OTHER_ID)
        headless.command(RAY, "ada")
        headless.wait_for_message(RAY, containing=NOT_ON_THE_LIST)
    assert headless.slack_calls(ASKED) == []


@pytest.mark.parametrize("where", [TEAM_ID, OTHER_ID])
def test_installed_in_the_organisation_a_group_of_any_workspace_lets_its_people_in(
    headless: Headless, where: str
) -> None:
    headless.install(Install.ORG_WIDE)
    headless.do(lambda: setattr(headless.stage.workspace, "usergroup_team", where))
    with headless.bot_in_process():
        headless.press(KIM, card_for(headless, KIM), CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
    assert {call.parameters.get("team_id") for call in headless.slack_calls(LIST)} == {where}


def test_a_group_in_no_workspace_lets_no_one_in_and_the_sentence_says_why(headless: Headless) -> None:
    headless.install(Install.ORG_WIDE)
    headless.do(lambda: setattr(headless.stage.workspace, "usergroup_team", "T0NOTADDED"))
    with headless.bot_in_process():
        headless.command(KIM, "ada")
        headless.wait_for_message(KIM, containing=DeniedError.UNSURE)
    assert headless.slack_calls(LIST) == []
