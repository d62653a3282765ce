"""An incident, by clicks: a pasted list, its preview, a second person, and what can be done while it runs."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from headless import AUDIT, KIM, Headless
from playwright.sync_api import Locator, expect

from bot import deliver, list_run
from bot.sandbox.cognito import Moto
from bot.sandbox.stage import ACTIONS, SECOND_PERSON
from bot.sandbox.weather import SIGN_OUT, for_some
from bot.sandbox.wire import Pause
from browser.conftest import PHONE, Open
from browser.test_accessibility import violations
from browser.window import Window

CROWD, LEAKED = 60, 45
INCIDENT = f"An incident: {LEAKED} leaked accounts"
CLIPBOARD = {"permissions": ["clipboard-read", "clipboard-write"]}
OTHERS = SECOND_PERSON | ACTIONS | {"SIGNOUT_APPROVE_ABOVE": "40"}


@pytest.fixture(scope="module")
def stage(moto: Moto) -> Iterator[Headless]:
    """One stage for all of these tests, with a crowd."""
    with Headless(moto, people=("ada",), crowd=CROWD) as stage:
        assert stage.stage.crowd
        stage.run(stage.stage.crowd.gather())
        yield stage


@pytest.fixture
def headless(stage: Headless) -> Headless:
    """That stage, with everyone signed in."""
    assert stage.stage.crowd
    stage.run(stage.stage.crowd.sign_in_again())
    stage.switch("cognito_patchy", on=False)
    return stage


@pytest.fixture
def bot(headless: Headless, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A bot that signs out so many accounts a second, 100 unless the test says otherwise, and tells of it at once."""
    monkeypatch.setattr(deliver, "EDITED_EVERY", 0.2)
    monkeypatch.setattr(list_run, "NOTED_EVERY", list_run.LOOK_EVERY / 5)
    monkeypatch.setattr(list_run, "LOOK_EVERY", list_run.LOOK_EVERY / 5)
    with headless.bot_in_process(**OTHERS, SIGNOUT_LISTS_PACE=getattr(request, "param", "100/s")):
        yield


def at(pace: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("bot", [pace], indirect=True)


def crowd(window: Window) -> Locator:
    return window.page.get_by_role("region", name="Pool shop")


def look_up(window: Window, text: str) -> None:
    """Type the command, put the list into its form, send that, and close it once the preview is there."""
    window.send("/signout list")
    window.form.get_by_label("Whom to sign out").fill(text)
    window.form.get_by_label("Pool").select_option("shop")
    window.form.get_by_role("button", name="Look up").click()
    expect(window.form).to_contain_text("The preview is a card in the channel where you typed the command.")
    window.page.keyboard.press("Escape")
    expect(window.form).to_be_hidden()


@contextmanager
def some_wait(headless: Headless) -> Iterator[None]:
    """Hold the sign-outs of some accounts, so that a list is not at its end."""
    held = Pause()
    wire = headless.cognito_wire
    headless.do(lambda: wire.always(SIGN_OUT, for_some(held)))
    yield
    headless.do(lambda: wire.always(SIGN_OUT, None))
    headless.do(held.released.set)


def names(headless: Headless, count: int) -> list[str]:
    assert headless.stage.crowd
    return [each.username for each in headless.stage.crowd.hit[:count]]


@pytest.mark.usefixtures("bot")
def test_the_sixth_lesson_can_be_clicked_through(headless: Headless, open_window: Open) -> None:
    window = open_window(**CLIPBOARD)
    expect(crowd(window)).to_contain_text("60 of 60 signed in")
    window.page.get_by_text("Sixth lesson: a whole list at once").click()
    assert violations(window) == []
    window.messages.get_by_role("button", name=INCIDENT).click()
    expect(window.messages.get_by_text("Copied", exact=True)).to_be_visible()
    window.button("/signout list").click()
    window.page.keyboard.press("Enter")
    expect(window.form.get_by_label("Whom to sign out")).to_be_focused()
    window.page.keyboard.press("ControlOrMeta+v")
    window.form.get_by_label("Pool").select_option("shop")
    assert violations(window) == [], "in the form"
    window.form.get_by_role("button", name="Look up").click()
    expect(window.form).to_contain_text("The preview is a card in the channel where you typed the command.")
    window.form.get_by_role("button", name="Close").last.click()

    card = window.ephemerals.last
    expect(card.get_by_role("heading", name=f"Sign out {LEAKED} accounts?")).to_be_visible()
    for sort in ("Not found: 5", "Several accounts: 1", "Protected, so left out: 2", "Twice: 2"):
        expect(card).to_contain_text(sort)
    assert violations(window) == [], "with the preview"
    card.get_by_role("button", name="Add this one").first.click()
    expect(card.get_by_role("heading", name="Sign out 46 accounts?")).to_be_visible()
    expect(card.get_by_role("button", name="Add this one")).to_have_count(0)
    card.get_by_role("button", name="Ask for approval: 46 accounts").click()
    expect(card).to_contain_text("waits for a second person's approval")
    expect(crowd(window)).to_contain_text("60 of 60 signed in")

    link = window.page.get_by_role("link", name="Open a second window as Kim Okafor")
    expect(link).to_have_attribute("href", f"?person={KIM}&channel={AUDIT}")
    kims = open_window(KIM)
    kims.go_to("signout-audit")
    with some_wait(headless):
        kims.button("Approve").click()
        progress = kims.messages.get_by_role("listitem").filter(has_text="pool shop").last
        expect(progress.get_by_role("heading", name="Signing out: 46 accounts")).to_be_visible()
        expect(progress).to_contain_text(re.compile(r"[1-9]\d signed out, 0 failed, 0 not known, \d+ left\."))
        for each in (window, kims):
            expect(crowd(each)).to_contain_text(re.compile(r"[12]\d of 60 signed in"))
        assert violations(kims) == [], "while it runs"
        card.get_by_role("link", name="The audit channel").click()
        expect(window.page.get_by_role("heading", name="#signout-audit", exact=True)).to_be_visible()
        expect(window.page.locator(":focus")).to_contain_text("Signing out: 46 accounts")
    expect(kims.messages.get_by_role("heading", name="Signed out: 46 accounts").first).to_be_visible()
    expect(crowd(kims)).to_contain_text("14 of 60 signed in")
    window.go_to("support")
    expect(card.get_by_role("heading", name="Signed out: 46 accounts")).to_be_visible()
    crowd(window).get_by_role("button", name="Sign all in again").click()
    expect(crowd(window)).to_contain_text("60 of 60 signed in")


@at("2/s")  # so slow that it cannot end by itself meanwhile
@pytest.mark.usefixtures("bot")
def test_a_list_is_paused_goes_on_and_is_stopped_by_who_asked_and_by_an_approver(
    headless: Headless, open_window: Open
) -> None:
    window, kims = open_window(), open_window(KIM, color_scheme="dark")
    look_up(window, ", ".join(names(headless, 40)))
    window.button("Sign out 40 accounts").click()
    card = window.ephemerals.last
    for each in (window, kims):
        each.go_to("signout-audit")
    window.button("Pause").click()
    expect(window.messages.get_by_role("heading", name="Paused: 40 accounts")).to_be_visible()
    expect(kims.messages).to_contain_text("Paused by @Sam Rivera.")
    assert violations(kims) == [], "while it is paused"
    kims.button("Go on").click()
    expect(kims.messages.get_by_role("heading", name="Signing out: 40 accounts")).to_be_visible()
    kims.button("Stop").click()
    again = kims.page.get_by_role("button", name="Try the rest again")
    stopped = kims.messages.get_by_role("listitem").filter(has=again)
    expect(stopped).to_contain_text("Stopped by @Kim Okafor.")
    expect(stopped).to_contain_text(re.compile(r"[1-9]\d* accounts were not begun: nothing was sent for them"))
    window.go_to("support")
    expect(card).to_contain_text("Stopped by @Kim Okafor.")
    expect(card.get_by_role("button", name="Pause")).to_have_count(0)
    card.get_by_role("button", name="Try the rest again").click()
    expect(window.messages.get_by_role("heading", name=re.compile(r"^Sign out [123]\d accounts\?$"))).to_be_visible()


@pytest.mark.usefixtures("bot")
def test_on_a_phone_what_failed_is_tried_again(headless: Headless, open_window: Open) -> None:
    window = open_window(viewport=PHONE)
    headless.switch("cognito_patchy")
    look_up(window, "\n".join(names(headless, 40)))
    assert violations(window) == [], "with the preview"
    window.button("Sign out 40 accounts").click()
    failed = window.messages.get_by_role("heading", name=re.compile(r"^Signed out: \d+ of 40 accounts"))
    expect(failed).to_be_visible()
    expect(window.ephemerals.last).to_contain_text("Cognito had an internal error (InternalErrorException)")
    assert violations(window) == [], "with failures"
    headless.switch("cognito_patchy", on=False)
    window.button("Try the failed again").click()
    window.messages.get_by_role("button", name=re.compile(r"^Sign out \d accounts?$")).click()
    expect(window.messages.get_by_role("heading", name=re.compile(r"^Signed out: \d accounts?$"))).to_be_visible()
    window.page.get_by_role("button", name="Cognito").click()
    expect(crowd(window)).to_contain_text("20 of 60 signed in")
    assert violations(window) == [], "with the panel"


def test_where_the_clipboard_cannot_be_used_the_list_is_shown(headless: Headless, open_window: Open) -> None:
    window = open_window(viewport=PHONE, color_scheme="dark")
    assert headless.stage.crowd
    window.page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    window.page.get_by_role("button", name="Cognito").click()
    window.page.get_by_role("button", name=INCIDENT).click()
    text = window.page.get_by_label("The list")
    expect(text).to_have_value(headless.stage.crowd.leaked)
    assert violations(window) == []
    window.page.get_by_role("button", name="Close").click()
    expect(text).to_be_hidden()
