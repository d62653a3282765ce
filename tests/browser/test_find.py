"""The right account, in the browser: found by what people know, chosen where there are several, asked for in a form."""

import pytest
from directory import Directory, user
from headless import Headless
from playwright.sync_api import expect

from browser.conftest import Open
from browser.window import Window


def test_somebody_is_found_by_email(window: Window) -> None:
    window.ask_for_card("/signout grace@example.com")
    expect(window.ephemerals).to_contain_text("g…@example.com")
    expect(window.ephemerals).to_contain_text("customers (eu-central-1)")
    window.button("Sign out").click()
    expect(window.messages.get_by_role("heading", name="Signed out: grace")).to_be_visible()


def test_of_two_matches_one_is_chosen_and_then_signed_out(headless: Headless, window: Window) -> None:
    two = Directory(
        [
            user("ada", email="ada@example.com", sub="1"),
            user("Google_123", provider="Google", email="ada@example.com", sub="2"),
        ]
    )
    headless.do(lambda: headless.stage.weather.cognito.always("ListUsers", two.list_users))
    window.send("/signout ada@example.com --pool customers")
    expect(window.messages.get_by_role("heading", name="2 accounts match. Which one is it?")).to_be_visible()
    expect(window.messages).to_contain_text("through Google (federated)")
    expect(window.button("Sign out")).to_have_count(0)

    window.button("This one").first.click()

    expect(window.messages.get_by_role("heading", name="Sign this user out of all devices?")).to_be_visible()
    window.button("Sign out").click()
    expect(window.messages.get_by_role("heading", name="Signed out: ada")).to_be_visible()
    expect(window.device("Ada's phone")).to_contain_text("Refresh token revoked")


def test_no_match_says_where_it_looked_and_what_to_try(window: Window) -> None:
    window.send("/signout nobody@example.com")
    expect(window.ephemerals).to_contain_text(
        "No one was found in customers and staff, looking for a user name, preferred_username or email."
    )


def test_a_pasted_line_of_the_aws_cli_leads_to_the_card(headless: Headless, window: Window) -> None:
    customers = headless.stage.cognito.pools["customers"].id
    window.ask_for_card(
        f"/signout aws cognito-idp admin-user-global-sign-out --user-pool-id {customers} --username ada"
    )
    expect(window.ephemerals).to_contain_text("customers (eu-central-1)")
    window.button("Sign out").click()
    expect(window.messages.get_by_role("heading", name="Signed out: ada")).to_be_visible()


@pytest.fixture
def strict(headless: Headless, open_window: Open) -> object:
    """A window on a bot that wants a ticket number."""
    with headless.bot_in_process(
        SIGNOUT_REASON_PATTERN=r"HELP-\d+", SIGNOUT_TICKET_URL="https://tickets.example.com/{}"
    ):
        yield open_window()


def test_the_form_says_what_is_malformed_and_then_leads_to_the_card(strict: Window) -> None:
    window = strict
    window.send("/signout")
    expect(window.form).to_be_visible()
    window.form.get_by_label("Whom to sign out").fill("ada@example.com")
    window.form.get_by_label("Reason").fill("lost phone")
    window.form.get_by_role("button", name="Look up").click()
    expect(window.form).to_contain_text("The reason must contain what HELP-\\d+ matches, such as a ticket number.")
    window.form.get_by_label("Reason").fill("lost phone, HELP-17")
    window.form.get_by_role("button", name="Look up").click()
    expect(window.form).to_contain_text("The card is in the channel where you typed the command.")
    window.page.keyboard.press("Escape")
    expect(window.messages.get_by_role("link", name="HELP-17")).to_have_attribute(
        "href", "https://tickets.example.com/HELP-17"
    )
    window.button("Sign out").click()
    expect(window.messages.get_by_role("heading", name="Signed out: ada")).to_be_visible()
