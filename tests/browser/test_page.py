"""The page around the job: keyboard, channels, people, windows, reloads, narrow screens, hostile names."""

import re

import pytest
from headless import KIM, SAM, Headless
from playwright.sync_api import expect

from bot.sandbox.devices import HOSTILE_NAME
from browser.conftest import DESK, PHONE, Open
from browser.window import SIGN_OUT_ADA, Window

LONG_NAME = "<!here>*_`" + "x" * 118
FROM_THE_RIGHT = "\u202egnitirw\u202c \u05d3\u05d5\u05d3"


def test_the_whole_job_is_done_with_keys(window: Window) -> None:
    keys = window.page.keyboard
    expect(window.composer).to_be_focused()
    keys.type("/si")
    expect(window.page.get_by_role("option")).to_contain_text("/signout TARGET [--pool NAME] [--reason TEXT]")
    keys.press("Tab")
    expect(window.composer).to_have_value("/signout ")
    expect(window.composer).to_have_accessible_description("/signout TARGET [--pool NAME] [--reason TEXT]")
    keys.type("ada@example.com")
    keys.press("Enter")
    expect(window.button("Sign out")).to_be_visible()
    for stop in ("Shortcuts", "Start a command", "Cancel", "New password", "Keep out", "Sign out"):
        keys.press("Shift+Tab")
        expect(window.focused()).to_have_accessible_name(stop)
    keys.press("Enter")
    expect(window.ephemerals).to_contain_text("Signed out: ada")
    expect(window.ephemerals).to_be_focused()


def test_the_composer_completes_recalls_and_complains(window: Window) -> None:
    keys, option = window.page.keyboard, window.page.get_by_role("option")
    window.page.get_by_role("button", name="Start a command").click()
    expect(window.composer).to_have_value("/signout ")
    window.composer.fill("")
    keys.type("/")
    expect(option).to_be_visible()
    keys.press("Escape")
    expect(option).to_be_hidden()
    keys.press("Backspace")
    window.send("/signin ada")
    expect(window.page.get_by_role("alert")).to_contain_text("/signin is not a valid command.")
    expect(window.composer).to_have_value("/signin ada")
    window.composer.fill("")
    window.send("hello")
    expect(window.page.get_by_role("alert")).to_be_empty()
    expect(window.messages).to_contain_text("hello")
    keys.press("ArrowUp")
    expect(window.composer).to_have_value("hello")


def test_what_the_bot_says_to_one_person_is_in_a_channel_that_only_they_have(
    window: Window, headless: Headless
) -> None:
    board = headless.stage.workspace
    headless.do(lambda: board.post(board.direct_messages(SAM).id, {"text": "Signed out: ada"}))
    direct = window.channel("Sign-out")
    expect(direct).to_contain_text("connected1 unread")
    direct.click()
    expect(window.page.get_by_role("heading", name="Sign-out", exact=True)).to_be_visible()
    expect(window.messages).to_contain_text("Signed out: ada")
    expect(window.page.get_by_role("main")).to_contain_text("Sign-out reads no messages.")
    expect(window.composer).to_be_hidden()
    window.become("Kim Okafor")
    expect(window.page.get_by_role("heading", name="#support", exact=True)).to_be_visible()
    expect(direct).to_have_count(0)


def test_a_bot_that_is_away_is_told(open_window: Open) -> None:
    window = open_window()
    expect(window.page.get_by_role("navigation")).to_contain_text("connecting …")
    window.send(SIGN_OUT_ADA)
    expect(window.page.get_by_role("alert")).to_contain_text("/signout failed")
    expect(window.composer).to_have_value(SIGN_OUT_ADA)


def test_what_is_typed_is_shown_as_typed(open_window: Open) -> None:
    window = open_window()
    window.send("<b>bold</b> & <!channel> *loud*")
    expect(window.messages).to_contain_text("<b>bold</b> & <!channel> loud")
    expect(window.messages.get_by_role("strong").filter(has_text=re.compile("^loud$"))).to_be_visible()


def test_windows_are_told_of_each_other_and_keep_to_themselves_what_is_for_one(
    window: Window, open_window: Open
) -> None:
    kims = open_window(KIM)
    kims.go_to("signout-audit")
    window.ask_for_card()
    window.send("one moment")
    expect(kims.channel("support")).to_have_accessible_name("support 1 unread")
    kims.go_to("support")
    expect(kims.messages).to_contain_text("one moment")
    expect(kims.messages).not_to_contain_text("Only visible to you")
    window.button("Sign out").click()
    expect(kims.device("Ada's phone")).to_contain_text("Refresh token revoked")
    expect(kims.channel("signout-audit")).to_have_accessible_name("signout-audit 1 unread")


def test_who_listens_instead_of_looking_is_told_the_news(window: Window) -> None:
    told = window.page.get_by_role("status")
    window.ask_for_card()
    expect(told).to_contain_text("#support, Sign-out, only to you: Sign this user out of all devices?")
    window.button("Sign out").click()
    expect(told).to_contain_text("Ada's phone: refresh token revoked")
    expect(told).to_contain_text(re.compile("#signout-audit, Sign-out: .*Signed out: ada"))


def test_a_line_marks_what_is_new(window: Window, open_window: Open) -> None:
    kims = open_window(KIM)
    kims.go_to("signout-audit")
    kims.go_to("support")
    window.send("read before")
    expect(kims.messages).to_contain_text("read before")
    kims.go_to("signout-audit")
    window.send("and this is new")
    expect(kims.channel("support")).to_have_accessible_name("support 1 unread")
    kims.go_to("support")
    expect(kims.messages.get_by_role("listitem").filter(has_text=re.compile("^New$"))).to_be_visible()
    expect(window.messages.get_by_role("listitem").filter(has_text=re.compile("^New$"))).to_have_count(0)


def test_a_reload_keeps_the_channels_and_loses_what_was_only_for_one(window: Window) -> None:
    window.send("stays")
    window.ask_for_card()
    window.button("Cancel").click()
    expect(window.ephemerals).to_contain_text("Cancelled.")
    window.page.reload()
    expect(window.messages).to_contain_text("stays")
    expect(window.ephemerals).to_have_count(0)


def test_a_reload_forgets_neither_the_channel_nor_what_was_read(window: Window) -> None:
    window.ask_for_card()
    window.button("Sign out").click()
    expect(window.channel("signout-audit")).to_have_accessible_name("signout-audit 1 unread")
    window.page.reload()
    expect(window.channel("signout-audit")).to_have_accessible_name("signout-audit 1 unread")
    window.go_to("signout-audit")
    window.page.reload()
    expect(window.messages).to_contain_text("Signed out: ada")
    window.go_to("support")
    expect(window.channel("signout-audit")).to_have_accessible_name("signout-audit")


def test_one_window_serves_several_people(window: Window) -> None:
    window.ask_for_card()
    window.become("Ray Lindqvist")
    expect(window.messages).to_contain_text("You are Ray Lindqvist (not allowed).")
    expect(window.ephemerals).to_have_count(0)
    window.become("Sam Rivera")
    expect(window.button("Sign out")).to_be_visible()


def test_the_switch_between_dark_and_light_is_remembered(open_window: Open) -> None:
    window = open_window(color_scheme="light")
    ground, switch = window.page.locator("body"), window.page.get_by_role("button", name="Dark theme")
    expect(ground).to_have_css("background-color", "rgb(255, 255, 255)")
    switch.click()
    expect(ground).to_have_css("background-color", "rgb(27, 29, 33)")
    window.page.reload()
    expect(ground).to_have_css("background-color", "rgb(27, 29, 33)")
    expect(switch).to_have_attribute("aria-pressed", "true")


@pytest.mark.usefixtures("bot")
def test_the_job_is_done_on_a_phone(open_window: Open) -> None:
    window = open_window(viewport=PHONE)
    window.ask_for_card()
    window.button("Sign out").click()
    expect(window.messages).to_contain_text("Signed out: ada")
    panel = window.page.get_by_role("button", name="Cognito")
    panel.click()
    expect(window.device("Ada's phone")).to_contain_text("Refresh token revoked")
    window.page.keyboard.press("Escape")
    expect(window.device("Ada's phone")).to_be_hidden()
    expect(panel).to_be_focused()
    window.page.get_by_role("button", name="Channels and people 1 unread").click()
    window.go_to("signout-audit")
    expect(window.page.get_by_role("navigation")).to_be_hidden()
    expect(window.messages).to_contain_text("Signed out: ada")


@pytest.mark.usefixtures("bot")
@pytest.mark.parametrize("username", [HOSTILE_NAME, LONG_NAME, "דוד"])
def test_a_hostile_name_is_plain_text_and_stays_within_its_bounds(
    headless: Headless, open_window: Open, username: str
) -> None:
    headless.run(headless.stage.cognito.add("staff", username, f"<img src=x> {FROM_THE_RIGHT}"))
    window = open_window()
    window.ask_for_card(f"/signout {username} --pool staff")
    expect(window.ephemerals).to_contain_text(username)
    window.button("Sign out").click()
    expect(window.messages).to_contain_text(f"Signed out: {username}")
    window.send(f"{username} {FROM_THE_RIGHT}")
    expect(window.messages).to_contain_text(FROM_THE_RIGHT)
    expect(window.messages.get_by_text(re.compile("@(channel|here)"))).to_have_count(0)
    for viewport in (DESK, PHONE):
        window.page.set_viewport_size(viewport)
        wider = window.messages.evaluate("messages => messages.scrollWidth > messages.clientWidth")
        assert not wider, f"a name breaks out at {viewport['width']} pixels"
