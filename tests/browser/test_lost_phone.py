"""A lost phone in a pool that tracks sessions: it is ended by a click while the laptop works, and later all are."""

from collections.abc import Iterator

import pytest
from headless import Headless
from playwright.sync_api import Locator, expect

from bot.sandbox.cognito import Moto
from browser.conftest import Open
from browser.test_accessibility import violations
from browser.window import SIGN_OUT_ADA, Window

PHONE, LAPTOP, TABLET = "iOS, Mobile Safari", "macOS, Chrome", "Android, app"
WITHOUT_A_PASSWORD = "Login page, without a password"  # noqa: S105 -- words on the page


@pytest.fixture
def headless(moto: Moto) -> Iterator[Headless]:
    """A stage whose customers' pool tracks its sessions."""
    with Headless(moto, people=["ada"], tracked=["customers"]) as stage:
        stage.do(lambda: setattr(stage.stage.cognito.sessions, "delay", 0.0))
        yield stage


def beside(window: Window, device: str) -> Locator:
    """The button in the row of a device."""
    button = window.page.get_by_role("button", name="End this session", exact=True)
    return window.messages.locator("div").filter(has_text=device).filter(has=button).last.get_by_role("button")


def shows(window: Window, device: str, works: str, *, login_page: bool = True) -> None:
    shown = window.device(device)
    expect(shown).to_contain_text(f"Refresh token {works}")
    expect(shown).to_contain_text(f"at Cognito {works}")
    if login_page:
        expect(shown).to_contain_text(f"{WITHOUT_A_PASSWORD} {works}")


@pytest.mark.usefixtures("bot")
def test_a_lost_phone_is_ended_while_the_laptop_works_and_a_sign_out_ends_the_rest(open_window: Open) -> None:
    window = open_window()
    window.ask_for_card()
    for device in (PHONE, LAPTOP, TABLET):
        expect(beside(window, device)).to_have_count(1)
    assert violations(window) == []

    beside(window, PHONE).click()

    expect(window.messages.get_by_role("heading", name="Session ended: ada")).to_be_visible()
    expect(window.ephemerals.last).to_contain_text(f"{PHONE} · login page")
    expect(window.button("End this session")).to_have_count(0)
    shows(window, "Ada's phone", "revoked")
    shows(window, "Ada's laptop", "works")
    shows(window, "Ada's tablet", "works", login_page=False)
    window.go_to("signout-audit")
    expect(window.messages).to_contain_text("Session ended: ada")
    expect(window.messages).to_contain_text(f"{PHONE} · login page")

    window.go_to("support")
    window.send(SIGN_OUT_ADA)
    card = window.ephemerals.last
    expect(card).to_contain_text(LAPTOP)
    expect(card).not_to_contain_text(PHONE)
    card.get_by_role("button", name="Sign out", exact=True).click()
    expect(window.ephemerals.last).to_contain_text("No session is left (checked ")
    shows(window, "Ada's laptop", "revoked")
    shows(window, "Ada's tablet", "revoked", login_page=False)
    window.go_to("signout-audit")
    expect(window.messages).to_contain_text("No session is left (checked ")
