"""The Cognito panel of a pool that tracks its sessions: each is seen to end, and a browser that needs no password."""

from collections.abc import Iterator

import pytest
from headless import Headless
from playwright.sync_api import expect

from bot.sandbox.cognito import Device, Moto
from bot.sandbox.sessions import REVOKE
from browser.conftest import Open
from browser.test_accessibility import violations

SIGN_OUT = "AdminUserGlobalSignOut"
WITHOUT_A_PASSWORD = "Login page, without a password"  # noqa: S105 -- words on the page


@pytest.fixture
def headless(moto: Moto) -> Iterator[Headless]:
    """A stage without a bot, whose customers' pool tracks its sessions."""
    with Headless(moto, people=["ada"], tracked=["customers"]) as stage:
        stage.stage.cognito.sessions.delay = 0.0
        yield stage


def test_tokens_end_with_a_sign_out_and_the_sessions_of_the_login_page_one_by_one(
    headless: Headless, open_window: Open
) -> None:
    cognito, window = headless.stage.cognito, open_window()
    ada = {"UserPoolId": cognito.pools["customers"].id, "Username": "ada"}
    phone, laptop, tablet = cognito.devices("ada")

    def shows(device: Device, tokens: str, login_page: str | None) -> None:
        shown = window.device(device.name)
        expect(shown).to_contain_text(f"Refresh token {tokens}")
        if login_page:
            expect(shown).to_contain_text(f"{WITHOUT_A_PASSWORD} {login_page}")
        else:
            expect(shown).not_to_contain_text(WITHOUT_A_PASSWORD)

    expect(window.device(phone.name)).to_contain_text("iOS, Mobile Safari, Lisbon, Portugal")
    for each, login_page in ((phone, "works"), (laptop, "works"), (tablet, None)):
        shows(each, "works", login_page)
    assert violations(window) == []

    headless.run(cognito.ask(SIGN_OUT, **ada))
    headless.run(cognito.check("ada"))
    for each, login_page in ((phone, "works"), (laptop, "works"), (tablet, None)):
        shows(each, "revoked", login_page)

    for ended, left in ((phone, "works"), (laptop, "revoked")):
        headless.run(cognito.ask(REVOKE, **ada, SessionId=ended.sso_id, RevokeAssociatedSessions="LINKED"))
        headless.run(cognito.check("ada"))
        shows(ended, "revoked", "revoked")
        shows(laptop, "revoked", left)
        expect(window.page.get_by_role("status")).to_contain_text(f"{ended.name}: session of the login page ended")


def test_a_pool_that_tracks_nothing_shows_none_of_it(headless: Headless, open_window: Open) -> None:
    headless.run(headless.stage.cognito.add("staff", "ken", "Kenneth", ("phone",)))
    ken = open_window().cognito("Kenneth")
    ken.get_by_role("group").click()
    expect(ken).to_contain_text("Refresh token works")
    expect(ken).not_to_contain_text(WITHOUT_A_PASSWORD)
    expect(ken).not_to_contain_text("Lisbon")
