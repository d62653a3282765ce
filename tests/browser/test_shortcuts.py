"""The shortcuts, in the browser: from a ticket's thread and from anywhere to the form, and on to the result."""

import pytest
from headless import RAY, Headless
from playwright.sync_api import Locator, expect

from bot.sandbox.cast import SHORTCUT
from bot.sandbox.ticket import ONE, SEVERAL, TICKET, open_ticket
from browser.conftest import Open
from browser.test_accessibility import violations
from browser.window import Window


@pytest.fixture(autouse=True)
def ticket(headless: Headless) -> None:
    """A ticket with a thread."""
    headless.do(lambda: open_ticket(headless.stage.workspace))


def message(window: Window, text: str) -> Locator:
    return window.messages.get_by_role("listitem").filter(has_text=text[:30])


def use(window: Window, menu: Locator) -> None:
    """Open a menu, and use the shortcut in it."""
    menu.click()
    window.page.get_by_role("button", name=SHORTCUT).locator("visible=true").click()
    expect(window.form).to_be_visible()


def test_from_an_answer_in_a_thread_to_a_sign_out(window: Window) -> None:
    expect(message(window, ONE)).to_contain_text("In the thread")
    expect(message(window, TICKET)).not_to_contain_text("In the thread")
    menu = message(window, ONE).get_by_label("More actions")
    menu.click()
    expect(window.page.get_by_role("button", name=SHORTCUT).locator("visible=true")).to_have_count(1)
    assert violations(window) == []
    window.page.keyboard.press("Escape")
    expect(menu).to_be_focused()

    use(window, menu)
    expect(window.form.get_by_label("Whose account")).to_have_value("grace@example.com")
    window.form.get_by_role("button", name="Look up").click()
    expect(window.form).to_contain_text("The card is in the channel of the message, not in a thread.")
    window.page.keyboard.press("Escape")
    expect(window.ephemerals).to_contain_text("g…@example.com")
    expect(window.ephemerals.get_by_label("More actions")).to_have_count(0)
    window.button("Sign out").click()
    expect(window.messages.get_by_role("heading", name="Signed out: grace")).to_be_visible()


def test_of_two_people_in_an_answer_one_is_chosen(window: Window) -> None:
    use(window, message(window, SEVERAL).get_by_label("More actions"))
    choice = window.form.get_by_label("Whose account")
    expect(choice).to_have_value("")
    assert choice.get_by_role("option").all_text_contents()[1:] == ["margaret@example.com", "barbara@example.com"]
    assert violations(window) == []
    window.form.get_by_role("button", name="Look up").click()
    expect(window.form).to_contain_text("Say whom to sign out: TARGET is missing.")
    choice.select_option("barbara@example.com")
    window.form.get_by_role("button", name="Look up").click()
    expect(window.form).to_contain_text("No one was found")
    expect(choice).to_have_value("barbara@example.com")
    window.form.get_by_label("Someone else").fill("ada@example.com")
    window.form.get_by_role("button", name="Look up").click()
    window.page.keyboard.press("Escape")
    expect(window.ephemerals).to_contain_text("a…@example.com")


def test_from_anywhere_the_card_is_a_direct_message(window: Window) -> None:
    keys = window.page.keyboard
    window.page.get_by_label("Shortcuts").focus()
    keys.press("Enter")
    keys.press("Tab")
    expect(window.focused()).to_have_accessible_name(f"{SHORTCUT} Sign-out")
    assert violations(window) == []
    keys.press("Enter")
    expect(window.form.get_by_label("Whose account")).to_have_value("")
    window.form.get_by_label("Whose account").fill("ada@example.com")
    keys.press("Enter")
    expect(window.form).to_contain_text("The card is a direct message from this app.")
    keys.press("Escape")
    window.channel("Sign-out").click()
    window.button("Sign out").click()
    expect(window.messages.get_by_role("heading", name="Signed out: ada")).to_be_visible()


@pytest.mark.usefixtures("bot")
def test_someone_who_may_not_is_told_instead_of_the_form(open_window: Open) -> None:
    window = open_window(RAY)
    use(window, window.page.get_by_label("Shortcuts"))
    expect(window.form).to_contain_text("You are not on the list")
    expect(window.form.get_by_role("textbox")).to_have_count(0)
