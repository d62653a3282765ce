"""More than a sign-out, by clicks: keep out, let back in, a new password; what Cognito's panel shows of each."""

import re
from collections.abc import Iterator

import pytest
from headless import KIM, SUPPORT, Headless
from playwright.sync_api import Locator, expect

from bot.action import ACTIONS
from bot.sandbox.cognito import Moto
from browser.conftest import PHONE, Open
from browser.test_accessibility import violations
from browser.window import SIGN_OUT_ADA, Window

DONALD = "/signout donald@example.com"
KATHERINE = "/signout katherine@example.com"
NONE_TO_RESET = "This user signs in through Google, so Cognito has no password of theirs to reset."
STILL_REFRESHES = "moto still takes a refresh token of a disabled account. AWS refuses it."
SIGNED_OUT_ALL_THE_SAME = "moto signs out a disabled account. AWS may refuse that"
AFTER_A_RESET = "with NEW_PASSWORD_REQUIRED, AWS with PasswordResetRequiredException."


@pytest.fixture
def headless(moto: Moto) -> Iterator[Headless]:
    """A stage with a federated and a disabled account."""
    with Headless(moto, people=("ada", "Google_1172", "katherine")) as stage:
        yield stage


def result(window: Window, title: str) -> Locator:
    return window.ephemerals.filter(has=window.page.get_by_role("heading", name=title, exact=True))


def test_the_third_lesson_can_be_clicked_through(window: Window, open_window: Open) -> None:
    window.page.get_by_text("Third lesson: keep a thief out").click()
    assert violations(window) == []
    window.button(SIGN_OUT_ADA).last.click()
    window.page.keyboard.press("Enter")
    expect(window.ephemerals).to_contain_text(f"Keep out  {ACTIONS['keep_out'].effect}")
    window.button("Keep out").click()

    expect(result(window, "Kept out: ada")).to_contain_text("No one can sign in with this account until it is enabled.")
    expect(window.button("Let back in")).to_have_count(0)
    ada = window.cognito("Ada")
    for words in ("Account disabled", "Password refused", "NotAuthorizedException"):
        expect(ada).to_contain_text(words)
    expect(window.device("Ada's phone")).to_contain_text("Refresh token revoked")
    ada.get_by_role("button", name="Sign in again").click()
    expect(window.page.get_by_role("alert")).to_contain_text("Cognito refuses: User is disabled.")

    link = window.page.get_by_role("link", name="Only a senior lets people back in. Open a window as Kim Okafor")
    expect(link).to_have_attribute("href", f"?person={KIM}&channel={SUPPORT}")
    kims = open_window(KIM)
    kims.ask_for_card(f"{SIGN_OUT_ADA} --let-in", "Let back in")
    kims.button("Let back in").click()
    expect(result(kims, "Let back in: ada")).to_contain_text("The person can sign in again.")
    expect(ada).to_contain_text("Account enabled")
    expect(ada).to_contain_text("Password works")
    expect(window.page.get_by_role("status")).to_contain_text("Ada Lindgren: account enabled")
    expect(window.device("Ada's phone")).to_contain_text("Refresh token revoked")
    ada.get_by_role("button", name="Sign in again").click()
    expect(ada).to_contain_text("1 signed in")
    window.go_to("signout-audit")
    for title in ("Kept out: ada", "Let back in: ada"):
        expect(window.messages.get_by_role("heading", name=title)).to_be_visible()


@pytest.mark.usefixtures("bot")
def test_who_may_do_both_lets_back_in_with_the_results_own_button(open_window: Open) -> None:
    window = open_window(KIM)
    window.page.get_by_text("Third lesson: keep a thief out").click()
    window.button(SIGN_OUT_ADA).last.click()
    window.page.keyboard.press("Enter")
    window.button("Keep out").click()
    window.button("Let back in").click()
    expect(window.messages).to_contain_text("Let this user back in?")
    expect(result(window, "Kept out: ada")).to_be_visible()
    window.ephemerals.last.get_by_role("button", name="Let back in").click()
    expect(result(window, "Let back in: ada")).to_be_visible()
    expect(window.cognito("Ada")).to_contain_text("Account enabled")


def test_a_new_password_is_approved_and_set_and_then_works(window: Window, open_window: Open) -> None:
    kims = open_window(KIM)
    kims.go_to("signout-audit")
    window.ask_for_card()
    window.button("New password").click()
    expect(window.ephemerals).to_contain_text("waits for a second person's approval")
    kims.button("Approve").click()
    expect(result(window, "Password reset: ada")).to_contain_text("Cognito sends the person a code")
    ada = window.cognito("Ada")
    for words in ("RESET_REQUIRED", "Password must be set again", AFTER_A_RESET):
        expect(ada).to_contain_text(words)
    expect(window.device("Ada's phone")).to_contain_text("Refresh token revoked")
    assert violations(window) == []
    ada.get_by_role("button", name="Set a new password").click()
    expect(ada).to_contain_text("Password works")
    expect(ada).to_contain_text("1 signed in")


def test_a_federated_person_cannot_get_a_new_password_and_the_card_has_no_such_button(window: Window) -> None:
    window.cognito("Donald").get_by_text("1 signed in").click()
    expect(window.cognito("Donald")).to_contain_text("Password none: signs in through Google")
    window.ask_for_card(DONALD)
    expect(window.ephemerals).to_contain_text(f"New password  {NONE_TO_RESET}")
    expect(window.button("Keep out")).to_be_visible()
    expect(window.button("New password")).to_have_count(0)
    window.send(f"{DONALD} --new-password")
    expect(window.ephemerals.last).to_have_text(re.compile(f"[^?]*{NONE_TO_RESET}"))
    expect(window.device("Donald's desktop")).to_contain_text("Refresh token works")


def test_a_disabled_account_is_shown_with_what_moto_does_otherwise_than_aws(window: Window) -> None:
    katherine = window.cognito("Katherine")
    expect(katherine).to_contain_text("disabled")
    katherine.get_by_text("1 signed in").click()
    for words in ("Account disabled", "Password refused", STILL_REFRESHES, SIGNED_OUT_ALL_THE_SAME):
        expect(katherine).to_contain_text(words)
    assert violations(window) == []
    window.ask_for_card(KATHERINE)
    expect(window.button("Keep out")).to_have_count(0)
    window.button("Sign out").click()
    expect(result(window, "Signed out: katherine")).to_be_visible()
    expect(window.device("Katherine's laptop")).to_contain_text("Refresh token revoked")
    expect(katherine).to_contain_text(SIGNED_OUT_ALL_THE_SAME)
    expect(katherine).not_to_contain_text(STILL_REFRESHES)


def test_a_refused_second_step_is_read_with_both_its_halves(window: Window) -> None:
    window.weather("Cognito throttles sign-outs").click()
    window.ask_for_card()
    window.button("Keep out").click()
    halves = result(window, "Disabled. Not signed out: ada")
    expect(halves).to_contain_text("Sessions that were open may go on.", timeout=20_000)
    expect(window.cognito("Ada")).to_contain_text("Account disabled")
    expect(window.device("Ada's phone")).to_contain_text("Refresh token works")


@pytest.mark.usefixtures("bot")
def test_keeping_out_is_done_on_a_phone(open_window: Open) -> None:
    window = open_window(viewport=PHONE, color_scheme="dark")
    window.ask_for_card()
    window.button("Keep out").click()
    expect(result(window, "Kept out: ada")).to_be_visible()
    window.page.get_by_role("button", name="Cognito").click()
    expect(window.cognito("Ada")).to_contain_text("Account disabled")
    assert violations(window) == []
