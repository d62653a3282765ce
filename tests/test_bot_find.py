"""The right account, over real sockets: several matches, a choice, what the card tells, and the reason."""

import shlex

import pytest
from directory import Directory, user
from headless import AUDIT, KIM, RAY, SAM, Headless, shows
from whole_bot import CANCEL, CONFIRM, SIGN_OUT, TELL, card_for, entries, requests, states

CHOOSE = "signout_choose_{}"
LOCAL = user("ada", email="ada@example.com", sub="1")
GOOGLE = user("Google_123", provider="Google", email="ada@example.com", sub="2")


def stand_in(headless: Headless, *users: dict[str, object]) -> None:
    directory = Directory(users)
    headless.do(lambda: headless.stage.weather.cognito.always("ListUsers", directory.list_users))
    headless.do(lambda: headless.stage.weather.cognito.always("AdminGetUser", directory.admin_get_user))


def test_a_person_is_found_by_email_in_all_pools_without_naming_one(headless: Headless) -> None:
    with headless.bot_in_process():
        card = card_for(headless, SAM, "ada@example.com")
        assert shows(card, "customers (eu-central-1)")
        headless.press(SAM, card, CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
    assert not headless.is_signed_in("ada")


def test_of_several_matches_the_operator_chooses_and_only_then_confirms(headless: Headless) -> None:
    stand_in(headless, LOCAL, GOOGLE)
    with headless.bot_in_process():
        headless.command(SAM, "ada@example.com --pool customers")
        choice = headless.wait_for_message(SAM, button=CHOOSE.format(0))
        assert shows(choice, "2 accounts match. Which one is it?")
        assert shows(choice, "through Google (federated)")
        assert not shows(choice, "", button=CONFIRM)
        assert states(headless) == ["choosing"]
        headless.press(SAM, choice, CHOOSE.format(1))
        card = headless.wait_for_message(SAM, button=CONFIRM)
        assert card.ts == choice.ts
        assert shows(card, "Google_123")
        headless.press(SAM, card, CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Google_123")
    assert [call.parameters["Username"] for call in headless.cognito_calls(SIGN_OUT)] == ["Google_123"]


@pytest.mark.parametrize("target", ["ada@example.com", '"<ada@example.com>"'])
def test_two_accounts_behind_the_email_of_username_are_a_choice_too(headless: Headless, target: str) -> None:
    stand_in(headless, LOCAL, GOOGLE)
    pool_id = headless.stage.cognito.pools["customers"].id
    with headless.bot_in_process():
        headless.command(SAM, f"--user-pool-id {pool_id} --username {shlex.quote(target)}")
        choice = headless.wait_for_message(SAM, button=CHOOSE.format(1))
        assert shows(choice, "2 accounts match. Which one is it?")
        is_as_typed = target == LOCAL["Attributes"][0]["Value"]
        assert shows(choice, "Exactly as typed, no one was found.") is not is_as_typed
        headless.press(SAM, choice, CHOOSE.format(1))
        headless.press(SAM, headless.wait_for_message(SAM, button=CONFIRM), CONFIRM)
        posted = headless.wait_for_message(SAM, AUDIT, containing="Google_123")
    assert [call.parameters["Username"] for call in headless.cognito_calls(SIGN_OUT)] == ["Google_123"]
    assert ("read as a…@example.com" in posted.text) is not is_as_typed
    assert {request.searched_as for request in requests(headless)} == {None if is_as_typed else "ada@example.com"}


def test_a_preferred_username_is_searched_for_and_shown(headless: Headless) -> None:
    stand_in(headless, user("7f", sub="7f", preferred_username="countess"))
    with headless.bot_in_process():
        card = card_for(headless, SAM, "countess --pool customers")
    assert shows(card, "User name  7f")
    assert shows(card, "Preferred name  countess")


def test_an_account_that_only_cognito_itself_knows_by_its_email_is_shown_and_signed_out_by_its_name(
    headless: Headless,
) -> None:
    directory = Directory([LOCAL])
    stand_in(headless)
    headless.do(lambda: headless.stage.weather.cognito.always("AdminGetUser", directory.admin_get_user))
    pool_id = headless.stage.cognito.pools["customers"].id
    with headless.bot_in_process():
        card = card_for(headless, SAM, f"--user-pool-id {pool_id} --username ada@example.com")
        headless.press(SAM, card, CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
    assert [call.parameters["Username"] for call in headless.cognito_calls(SIGN_OUT)] == ["ada"]
    assert len(headless.cognito_calls("AdminGetUser")) == 1


def test_a_confirmation_forged_before_the_choice_signs_no_one_out(headless: Headless) -> None:
    with headless.bot_in_process():
        stand_in(headless, LOCAL, GOOGLE)
        headless.command(SAM, "ada@example.com --pool customers")
        choice = headless.wait_for_message(SAM, button=CHOOSE.format(0))
        request_id = choice.button(CANCEL)["value"]
        headless.press(SAM, choice, CONFIRM, value=request_id)
        headless.press(SAM, choice, CHOOSE.format(7), value=request_id)
        headless.wait_for_message(SAM, containing="The bot no longer knows this request")
        headless.press(KIM, choice, CHOOSE.format(1))
        headless.wait_for_message(KIM, containing="Only the person who ran the command")
    assert states(headless) == ["choosing"]
    assert headless.cognito_calls(SIGN_OUT) == []


def test_a_choice_can_be_cancelled_and_a_second_choice_changes_nothing(headless: Headless) -> None:
    stand_in(headless, LOCAL, GOOGLE)
    with headless.bot_in_process():
        headless.command(SAM, "ada@example.com --pool customers")
        choice = headless.wait_for_message(SAM, button=CHOOSE.format(0))
        headless.press(SAM, choice, CHOOSE.format(0))
        headless.wait_for_message(SAM, button=CONFIRM)
        headless.press(SAM, choice, CHOOSE.format(1))
        headless.wait_for_message(SAM, containing="The card shows the account that you chose first.")
        headless.wait_for(lambda: len(headless.slack_calls(TELL)) == 4)
        card = headless.wait_for_message(SAM, button=CONFIRM)
        assert shows(card, "local")
        headless.press(SAM, card, CANCEL)
        headless.wait_for_message(SAM, containing="Cancelled.")
    assert entries(headless) == ["opened", "opened", "cancelled"]


def test_of_many_matches_the_first_ten_are_shown_with_a_hint(headless: Headless) -> None:
    stand_in(headless, *(user(f"ada-{number}", email="ada@example.com", sub=f"{number}") for number in range(12)))
    with headless.bot_in_process():
        headless.command(SAM, "ada@example.com --pool customers")
        choice = headless.wait_for_message(SAM, button=CHOOSE.format(9))
    assert shows(choice, "12 accounts match")
    assert shows(choice, "These are the first 10: add a user name, sub or --pool.")
    assert not shows(choice, "ada-10")


def test_the_card_tells_when_and_by_whom_the_account_was_last_signed_out(headless: Headless) -> None:
    with headless.bot_in_process():
        first = card_for(headless, SAM)
        assert not shows(first, "Last signed out")
        headless.press(SAM, first, CONFIRM)
        headless.wait_for_message(SAM, containing="Signed out: ada")
        card = card_for(headless, KIM)
    assert shows(card, "Last signed out")
    assert shows(card, " by @sam")


def test_a_reason_can_be_compulsory_and_must_match_and_becomes_a_link(headless: Headless) -> None:
    with headless.bot_in_process(
        SIGNOUT_REQUIRE_REASON="true",
        SIGNOUT_REASON_PATTERN=r"HELP-\d+",
        SIGNOUT_TICKET_URL="https://tickets.example.com/browse/{}",
    ):
        headless.command(SAM, "ada")
        headless.wait_for_message(SAM, containing="A reason is needed: add --reason TEXT")
        headless.command(SAM, "ada --reason lost")
        headless.wait_for_message(SAM, containing="The reason must contain what")
        assert states(headless) == []
        headless.press(SAM, card_for(headless, SAM, "ada --reason 'lost phone, HELP-17'"), CONFIRM)
        posted = headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
    assert "https://tickets.example.com/browse/HELP-17" in str(posted.blocks)
    assert "lost phone, HELP-17" in posted.text


@pytest.mark.parametrize(("pii", "shown"), [("masked", "a…@example.com"), ("full", "ada@example.com")])
def test_personal_data_is_shown_as_the_settings_say(headless: Headless, pii: str, shown: str) -> None:
    with headless.bot_in_process(SIGNOUT_PII=pii):
        card = card_for(headless, SAM, "ada@example.com")
        assert shows(card, shown)
        headless.command(KIM, "no-one@example.com")
        headless.wait_for_message(KIM, containing="No one was found")
    assert pii == "full" or not shows(card, "ada@example.com")


def test_a_person_allowed_elsewhere_is_told_which_pools_they_may_use(headless: Headless) -> None:
    settings = headless.stage.folder / "signout.toml"
    settings.write_text(settings.read_text() + f'allow.users = ["{RAY}"]\n')  # the last pool is staff
    with headless.bot_in_process():
        headless.command(RAY, "ada --pool customers")
        headless.wait_for_message(RAY, containing="You may not do this in pool customers. You may use: staff.")
        headless.wait_for_message(SAM, AUDIT, containing="not allowed in pool customers")


def test_the_rule_of_the_chosen_accounts_pool_is_the_one_recorded(headless: Headless) -> None:
    settings = headless.stage.folder / "signout.toml"
    settings.write_text(settings.read_text() + f'allow.users = ["{KIM}"]\n')
    stand_in(headless, LOCAL)
    with headless.bot_in_process():
        headless.command(KIM, "ada@example.com")
        choice = headless.wait_for_message(KIM, button=CHOOSE.format(1))
        headless.press(KIM, choice, CHOOSE.format(1))
        headless.press(KIM, headless.wait_for_message(KIM, button=CONFIRM), CONFIRM)
        posted = headless.wait_for_message(SAM, AUDIT, containing="pool staff")
    assert "pools.staff.allow.users" in posted.text


@pytest.mark.parametrize("pattern", [r"[^x]", r".+"])
def test_a_pattern_that_matches_everywhere_does_not_cost_the_card(headless: Headless, pattern: str) -> None:
    with headless.bot_in_process(
        SIGNOUT_REASON_PATTERN=pattern, SIGNOUT_TICKET_URL="https://tickets.example.com/browse/{}"
    ):
        card_for(headless, SAM, "ada --reason " + "ü " * 240)
