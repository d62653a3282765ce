"""The job itself, in the browser: who is signed out, what is said about it, and what happens when it cannot be done."""

import re

import pytest
from headless import KIM, PAT, RAY, Headless
from playwright.sync_api import expect
from whole_bot import travel

from browser.conftest import Open
from browser.window import SIGN_OUT_ADA, Window


def test_a_sign_out_is_seen_to_strike_here_and_nowhere_else(window: Window) -> None:
    phone = window.device("Ada's phone")
    expect(phone).to_contain_text("Refresh token works")
    window.ask_for_card()
    expect(window.ephemerals).to_contain_text("Sign this user out of all devices?")

    window.button("Sign out").click()

    expect(window.messages.get_by_role("heading", name="Signed out: ada")).to_be_visible()
    expect(window.button("Sign out")).to_have_count(0)
    for device in ("Ada's phone", "Ada's laptop", "Ada's tablet"):
        expect(window.device(device)).to_contain_text("Refresh token revoked")
        expect(window.device(device)).to_contain_text("at Cognito revoked")
    expect(phone).to_contain_text(
        re.compile(r"Still accepted by apps that only check the signature until \d\d:\d\d \(\d\d:\d\d left\)")
    )
    window.cognito("Grace").get_by_text("2 signed in").click()
    expect(window.device("Grace's phone")).to_contain_text("Refresh token works")

    expect(window.channel("signout-audit")).to_have_accessible_name("signout-audit 1 unread")
    window.go_to("signout-audit")
    expect(window.messages).to_contain_text("Signed out: ada")
    expect(window.messages).to_contain_text("@Sam Rivera")
    expect(window.channel("signout-audit")).to_have_accessible_name("signout-audit")


def test_someone_new_can_click_through_it(window: Window) -> None:
    window.button(SIGN_OUT_ADA).click()
    expect(window.composer).to_have_value(SIGN_OUT_ADA)
    window.page.get_by_role("button", name="Send").click()
    window.button("Sign out").click()
    expect(window.messages).to_contain_text("Signed out: ada")

    window.cognito("Ada").get_by_role("button", name="Sign in again").click()
    expect(window.cognito("Ada")).to_contain_text("1 signed in")
    expect(window.device("Ada's new device")).to_contain_text("Refresh token works")


def test_cancelling_leaves_everybody_signed_in(window: Window) -> None:
    window.ask_for_card()
    window.button("Cancel").click()
    expect(window.ephemerals).to_contain_text("Cancelled. Nothing was done.")
    expect(window.device("Ada's phone")).to_contain_text("Refresh token works")
    expect(window.channel("signout-audit")).to_have_accessible_name("signout-audit")


@pytest.mark.usefixtures("bot")
@pytest.mark.parametrize("person", [RAY, PAT])
def test_who_may_not_is_refused_and_the_audit_channel_is_told(open_window: Open, person: str) -> None:
    window = open_window(person)
    window.send(SIGN_OUT_ADA)
    expect(window.ephemerals).to_have_count(1)
    expect(window.button("Sign out")).to_have_count(0)
    expect(window.channel("signout-audit")).to_have_accessible_name("signout-audit 1 unread")
    window.go_to("signout-audit")
    expect(window.messages.get_by_role("heading", name="Refused: a…@example.com")).to_be_visible()
    expect(window.device("Ada's phone")).to_contain_text("Refresh token works")


@pytest.mark.usefixtures("bot")
def test_a_member_of_the_group_may(open_window: Open) -> None:
    window = open_window(KIM)
    window.ask_for_card()
    window.button("Sign out").click()
    expect(window.messages).to_contain_text("Signed out: ada")


def test_a_card_pressed_too_late_says_so(headless: Headless, open_window: Open) -> None:
    clock = travel(headless)
    with headless.bot_in_process():
        window = open_window()
        window.ask_for_card()
        clock.forward(minutes=5)
        window.button("Sign out").click()
        expect(window.ephemerals).to_contain_text("This card expired")
        expect(window.button("Sign out")).to_have_count(0)
        expect(window.device("Ada's phone")).to_contain_text("Refresh token works")


def test_throttling_is_told_as_a_failure_and_passes(window: Window) -> None:
    window.weather("Cognito throttles sign-outs").click()
    expect(window.page.get_by_role("main")).to_contain_text("Weather: Cognito throttles sign-outs")
    window.ask_for_card()
    window.button("Sign out").click()
    expect(window.messages.get_by_role("heading", name="Not signed out: ada")).to_be_visible()
    expect(window.device("Ada's phone")).to_contain_text("Refresh token works")

    window.weather("Cognito throttles sign-outs").click()
    window.ask_for_card()
    window.button("Sign out").click()
    expect(window.messages.get_by_role("heading", name="Signed out: ada", exact=True)).to_be_visible()
    expect(window.device("Ada's phone")).to_contain_text("Refresh token revoked")


def test_an_audit_message_waits_until_its_channel_is_back(window: Window) -> None:
    window.weather("The audit channel is archived").click()
    expect(window.channel("signout-audit")).to_contain_text("archived")
    window.ask_for_card()
    window.button("Sign out").click()
    expect(window.messages).to_contain_text("Signed out: ada")
    window.go_to("signout-audit")
    expect(window.page.get_by_role("main")).to_contain_text("#signout-audit is archived. No one can post here.")
    expect(window.composer).to_be_hidden()
    expect(window.messages).to_contain_text("Nothing yet.")

    window.weather("The audit channel is archived").click()
    expect(window.messages.get_by_role("heading", name="Signed out: ada")).to_be_visible()
    expect(window.composer).to_be_visible()
