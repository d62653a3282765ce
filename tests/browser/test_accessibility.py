"""What axe finds, at levels A and AA, in each state that the page can be in."""

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it ships none
from playwright.sync_api import expect

from browser.conftest import PHONE, Open
from browser.window import SIGN_OUT_ADA, Window

LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def violations(window: Window) -> list[str]:
    """Each rule that is broken, with what breaks it."""
    found = Axe().run(window.page, options={"runOnly": LEVELS}).response["violations"]
    return [f"{rule['id']}: {node['html']} {node['failureSummary']}" for rule in found for node in rule["nodes"]]


@pytest.mark.usefixtures("bot")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_at_a_desk(open_window: Open, theme: str) -> None:
    window = open_window(color_scheme=theme)
    assert violations(window) == []
    window.page.keyboard.type("/")
    expect(window.page.get_by_role("option")).to_be_visible()
    assert violations(window) == [], "while a command is completed"
    window.composer.fill("")
    window.ask_for_card()
    window.weather("Slack answers 429").click()
    assert violations(window) == [], "with a card"
    window.weather("Slack answers 429").click()
    window.button("Sign out").click()
    expect(window.channel("signout-audit")).to_have_accessible_name("signout-audit 1 unread")
    window.send("/no-such-command")
    expect(window.page.get_by_role("alert")).not_to_be_empty()
    assert violations(window) == [], "with a result, something unread and a complaint"
    window.go_to("signout-audit")
    expect(window.messages).to_contain_text("Signed out: ada")
    assert violations(window) == [], "in the audit channel"
    window.weather("The audit channel is archived").click()
    expect(window.composer).to_be_hidden()
    assert violations(window) == [], "in an archived channel"


@pytest.mark.usefixtures("bot")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_on_a_phone(open_window: Open, theme: str) -> None:
    window = open_window(color_scheme=theme, viewport=PHONE)
    window.ask_for_card(SIGN_OUT_ADA)
    assert violations(window) == []
    for drawer in ("Channels and people", "Cognito", "Weather"):
        window.page.get_by_role("button", name=drawer).click()
        assert violations(window) == [], f"with {drawer} open"
        window.page.keyboard.press("Escape")
