"""What axe finds, at levels A and AA, in each state that the page can be in."""

from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it ships none
from playwright.sync_api import expect

from browser.conftest import PHONE, Open
from browser.window import SIGN_OUT_ADA, Window

LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def violations(window: Window, *only: str) -> list[str]:
    """Each rule that is broken, with what breaks it; of all rules, or `only` of these."""
    wanted = {"type": "rule", "values": only} if only else LEVELS
    found = Axe().run(window.page, options={"runOnly": wanted}).response["violations"]
    return [f"{rule['id']}: {node['html']} {node['failureSummary']}" for rule in found for node in rule["nodes"]]


def in_both_themes(window: Window) -> list[str]:
    """What is broken in the light theme, and in the dark one, in which only the colours are others."""
    found = violations(window)
    _change_to(window, "dark")
    found += violations(window, "color-contrast")
    _change_to(window, "light")
    return found


def _change_to(window: Window, theme: Literal["light", "dark"]) -> None:
    window.page.emulate_media(color_scheme=theme)
    expect(window.page.locator("html")).to_have_attribute("data-theme", theme)


@pytest.mark.usefixtures("bot")
def test_axe_finds_nothing_at_a_desk(open_window: Open) -> None:
    window = open_window(color_scheme="light")
    assert in_both_themes(window) == []
    window.page.keyboard.type("/")
    expect(window.page.get_by_role("option")).to_be_visible()
    assert in_both_themes(window) == [], "while a command is completed"
    window.composer.fill("")
    window.ask_for_card()
    window.weather("Slack answers 429").click()
    assert in_both_themes(window) == [], "with a card"
    window.weather("Slack answers 429").click()
    window.button("Sign out").click()
    expect(window.channel("signout-audit")).to_have_accessible_name("signout-audit 1 unread")
    window.send("/no-such-command")
    expect(window.page.get_by_role("alert")).not_to_be_empty()
    assert in_both_themes(window) == [], "with a result, something unread and a complaint"
    window.go_to("signout-audit")
    expect(window.messages).to_contain_text("Signed out: ada")
    assert in_both_themes(window) == [], "in the audit channel"
    window.weather("The audit channel is archived").click()
    expect(window.composer).to_be_hidden()
    assert in_both_themes(window) == [], "in an archived channel"


@pytest.mark.usefixtures("bot")
def test_axe_finds_nothing_on_a_phone(open_window: Open) -> None:
    window = open_window(color_scheme="light", viewport=PHONE)
    window.ask_for_card(SIGN_OUT_ADA)
    assert in_both_themes(window) == []
    for drawer in ("Channels and people", "Cognito", "Weather"):
        window.page.get_by_role("button", name=drawer).click()
        assert in_both_themes(window) == [], f"with {drawer} open"
        window.page.keyboard.press("Escape")
