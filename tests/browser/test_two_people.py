"""Two windows, two people: who asks, who approves or denies, and what each of them sees of it."""

import re
from collections.abc import Iterator

import pytest
from headless import AUDIT, KIM, LEE, SAM, SUPPORT, Headless
from playwright.sync_api import Browser, Page, expect

from bot.sandbox.cognito import Moto
from bot.sandbox.stage import SECOND_PERSON
from browser.conftest import SETTINGS
from browser.test_accessibility import violations
from browser.window import Window

SIGN_OUT_FRANCES = "/signout frances@example.com"
OWN = "You asked for this, so someone else has to approve or deny it. Your press did nothing."
WAITS = "waits for a second person's approval"


@pytest.fixture(scope="module")
def headless(moto: Moto) -> Iterator[Headless]:
    """One stage and one bot for all of these tests, with a protected account. Each test ends what it asked for."""
    with Headless(moto, people=("ada", "frances")) as stage, stage.bot_in_process(**SECOND_PERSON):
        yield stage


@pytest.fixture(scope="module")
def pages(chromium: Browser) -> Iterator[tuple[Page, Page]]:
    """Two people's browsers, which the tests use one after the other. None may complain."""
    complaints: list[str] = []
    with chromium.new_context(**SETTINGS) as sams, chromium.new_context(**SETTINGS) as kims:
        for context in (sams, kims):
            context.on("console", lambda message: complaints.append(message.text))
            context.on("weberror", lambda error: complaints.append(str(error.error)))
        yield sams.new_page(), kims.new_page()
    assert complaints == []


@pytest.fixture
def windows(pages: tuple[Page, Page], url: str) -> Iterator[tuple[Window, Window]]:
    """Sam's window on the channel where people work, and Kim's where approvals are asked for."""
    sams, kims = pages
    sams.goto(f"{url}?person={SAM}&channel={SUPPORT}")
    kims.goto(f"{url}?person={KIM}&channel={AUDIT}")
    for page in pages:
        expect(Window(page).composer).to_be_visible()
    yield Window(sams), Window(kims)
    for page in pages:
        page.goto("about:blank")


def ask(window: Window, command: str = SIGN_OUT_FRANCES) -> None:
    window.ask_for_card(command, "Ask for approval")
    window.button("Ask for approval").click()
    expect(window.ephemerals.last).to_contain_text(WAITS)


def test_the_second_lesson_can_be_clicked_through(windows: tuple[Window, Window]) -> None:
    sams, kims = windows
    sams.page.get_by_text("Second lesson: two windows, two people").click()
    expect(sams.cognito("Frances")).to_be_in_viewport()
    expect(sams.cognito("Frances")).to_contain_text("protected")
    assert violations(sams) == []
    link = sams.page.get_by_role("link", name="Open a second window as Kim Okafor")
    expect(link).to_have_attribute("href", f"?person={KIM}&channel={AUDIT}")
    sams.messages.get_by_role("button", name=SIGN_OUT_FRANCES).click()
    sams.page.keyboard.press("Enter")
    sams.button("Ask for approval").click()
    expect(sams.ephemerals).to_contain_text(WAITS)

    sams.go_to("signout-audit")
    sams.button("Approve").click()
    expect(sams.ephemerals).to_contain_text(OWN)
    expect(kims.messages).not_to_contain_text(OWN)
    expect(kims.cognito("Frances")).to_contain_text("2 signed in")

    kims.button("Approve").click()
    for window in (sams, kims):
        expect(window.messages.get_by_role("heading", name="Signed out: frances", exact=True)).to_be_visible()
        expect(window.messages).to_contain_text(re.compile(r"Approved by @Kim Okafor today [\d:]+\. Ended today"))
        expect(window.button("Approve")).to_have_count(0)
        expect(window.device("Frances's phone")).to_contain_text("Refresh token revoked")
    sams.go_to("support")
    expect(sams.ephemerals).to_contain_text("Signed out: frances")
    expect(sams.ephemerals).to_contain_text("approved by @Kim Okafor")


def test_a_no_is_read_with_its_reason_in_both_windows(windows: tuple[Window, Window]) -> None:
    sams, kims = windows
    ask(sams)
    kims.button("Deny").click()
    reason = kims.form.get_by_label("Why not")
    expect(reason).to_be_focused()
    assert violations(kims) == []
    reason.fill("Not the owner of this account")
    kims.form.get_by_role("button", name="Deny", exact=True).click()
    expect(kims.form).to_contain_text("Denied. Request")
    kims.form.get_by_role("button", name="Close").last.click()

    expect(kims.button("Deny")).to_have_count(0)
    expect(kims.messages).to_contain_text(re.compile("Denied by @Kim Okafor .* Why: Not the owner of this account"))
    expect(sams.ephemerals).to_contain_text("Denied: frances")
    expect(sams.ephemerals).to_contain_text("Why  Not the owner of this account")
    expect(sams.button("Cancel")).to_have_count(0)


def test_who_asked_cancels_what_waits_and_no_one_can_approve_it_any_more(windows: tuple[Window, Window]) -> None:
    sams, kims = windows
    ask(sams)
    expect(kims.button("Approve")).to_be_visible()
    sams.button("Cancel").click()
    expect(sams.ephemerals).to_contain_text("Cancelled. Nothing was done.")
    expect(kims.messages.get_by_role("heading", name="Cancelled: frances")).to_be_visible()
    expect(kims.messages).to_contain_text("The person who asked cancelled it today")
    expect(kims.button("Approve")).to_have_count(0)


def test_the_only_approver_is_told_that_there_is_no_one_to_ask(windows: tuple[Window, Window]) -> None:
    _, kims = windows
    kims.go_to("support")
    kims.send(SIGN_OUT_FRANCES)
    expect(kims.ephemerals.last).to_contain_text("and no one can be asked from here. Nothing was done.")


def test_what_someone_may_only_ask_for_is_done_once_it_is_approved(windows: tuple[Window, Window], url: str) -> None:
    lees, kims = windows
    lees.page.goto(f"{url}?person={LEE}")
    expect(lees.messages).to_contain_text("What you ask for is done only if a second person approves it:")
    ask(lees, "/signout ada@example.com")
    expect(kims.messages).to_contain_text("the person who asks may only ask for it (allow.ask.users)")
    expect(kims.device("Ada's phone")).to_contain_text("Refresh token works")
    kims.button("Approve").click()
    expect(lees.ephemerals).to_contain_text("Signed out: ada")
    expect(kims.messages.get_by_role("heading", name="Signed out: ada", exact=True)).to_be_visible()
    expect(kims.device("Ada's phone")).to_contain_text("Refresh token revoked")
