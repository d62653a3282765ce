"""Forms in the browser, which a small Bolt app opens, refuses, changes and is told of."""

from collections.abc import Iterator

import pytest
from headless import KIM, SAM, Headless
from playwright.sync_api import Locator, expect

from browser.conftest import PHONE, Open
from browser.form_app import MALFORMED, FormApp, form_app
from browser.test_accessibility import in_both_themes
from browser.window import Window


@pytest.fixture
def app(headless: Headless) -> Iterator[FormApp]:
    """The app, connected to this test's stage."""
    with form_app(headless) as app:
        yield app


@pytest.fixture
def window(app: FormApp, open_window: Open) -> Window:  # noqa: ARG001 - the app is there before the window
    """Sam's window, with the form open."""
    return with_form(open_window())


def with_form(window: Window) -> Window:
    window.send("/signout")
    expect(window.form).to_have_accessible_name("Sign somebody out")
    return window


def field(window: Window, name: str) -> Locator:
    return window.form.get_by_label(name)


def press(window: Window, name: str) -> None:
    window.form.get_by_role("button", name=name, exact=True).click()


def test_a_form_is_filled_in_corrected_and_becomes_what_was_found(window: Window, app: FormApp) -> None:
    expect(field(window, "Who")).to_be_focused()
    expect(field(window, "Who")).to_have_accessible_description("A user name, an email or a phone number.")
    field(window, "Who").fill("ada")
    field(window, "Pool").select_option("staff")
    window.form.get_by_role("radio", name="They asked for it").check()
    field(window, "Reason").fill("nonsense")
    press(window, "Find")

    reason = field(window, "Reason")
    expect(reason).to_have_accessible_description(f"A ticket number, say OPS-12. {MALFORMED}")
    expect(reason).to_have_attribute("aria-invalid", "true")
    expect(reason).to_be_focused()
    expect(field(window, "Who")).to_have_value("ada")

    reason.fill("OPS-12")
    press(window, "Find")
    expect(window.form).to_contain_text("Looking for them …")
    expect(window.form.get_by_role("button", name="Find")).to_have_count(0)
    app.has_found.set()
    expect(window.form.get_by_role("heading", name="Found ada staff asked")).to_be_visible()
    expect(window.form.get_by_role("separator")).to_be_visible()
    press(window, "Go on")
    press(window, "Done")
    expect(window.form).to_be_hidden()
    expect(window.composer).to_be_focused()
    assert app.heard == ["go R1"]


def test_what_the_window_itself_complains_of_is_told_under_each_input(window: Window) -> None:
    field(window, "Who").fill("a")
    press(window, "Find")
    expect(field(window, "Who")).to_have_accessible_description(
        "A user name, an email or a phone number. Please enter at least 2 characters."
    )
    expect(field(window, "Pool")).to_have_accessible_description("Please complete this required field.")
    expect(field(window, "Who")).to_be_focused()
    field(window, "Who").fill("ada")
    press(window, "Find")
    expect(field(window, "Who")).not_to_have_attribute("aria-invalid", "true")
    expect(field(window, "Pool")).to_be_focused()


def test_a_form_is_used_with_only_keys(window: Window, app: FormApp) -> None:
    keys = window.page.keyboard
    keys.type("ada")
    keys.press("Tab")
    keys.type("cu")
    expect(field(window, "Pool")).to_have_value("customers")
    keys.press("Tab")
    keys.press("ArrowDown")
    expect(window.form.get_by_role("radio", name="They asked for it")).to_be_checked()
    keys.press("Tab")
    keys.type("OPS-12")
    for stop in ("Cancel", "Find"):
        keys.press("Tab")
        expect(window.focused()).to_have_accessible_name(stop)
    keys.press("Enter")
    expect(window.form).to_contain_text("Looking for them …")
    expect(window.form.get_by_role("heading", name="Sign somebody out")).to_be_focused()
    app.has_found.set()
    expect(window.form).to_contain_text("Found ada customers asked")
    expect(window.form.get_by_role("status")).to_contain_text("Found ada customers asked")
    keys.press("Escape")
    expect(window.form).to_be_hidden()


def test_enter_sends_a_form_and_in_a_long_text_it_makes_a_new_line(window: Window) -> None:
    keys = window.page.keyboard
    keys.type("a")
    keys.press("Enter")
    expect(window.form).to_contain_text("Please enter at least 2 characters.")
    field(window, "Reason").focus()
    keys.type("one")
    keys.press("Enter")
    keys.type("two")
    expect(field(window, "Reason")).to_have_value("one\ntwo")
    field(window, "Who").fill("ada")
    field(window, "Reason").focus()
    keys.press("Control+Enter")
    expect(window.form).not_to_contain_text("Please enter at least 2 characters.")


def test_a_form_that_is_being_sent_says_so_and_is_sent_once(window: Window, app: FormApp, headless: Headless) -> None:
    app.may_ack.clear()
    field(window, "Who").fill("ada")
    field(window, "Pool").select_option("staff")
    send = window.form.get_by_role("button", name="Find")
    send.click()
    expect(send).to_have_attribute("aria-disabled", "true")
    expect(window.form.get_by_role("status")).to_have_text("Sending …")
    window.page.keyboard.press("Enter")
    app.may_ack.set()
    expect(window.form).to_contain_text("Looking for them …")
    assert headless.last_sent()["payload"]["type"] == "view_submission"
    assert len(headless.stage.workspace.sockets.sent) == 2
    app.has_found.set()
    expect(window.form).to_contain_text("Found ada staff lost")


def test_the_app_is_told_at_once_of_what_it_asked_to(window: Window, app: FormApp, headless: Headless) -> None:
    form = headless.wait_for_form(SAM)
    said, target, pool, why, _ = ({**block, "dispatch_action": True} for block in form.content["blocks"])
    said.pop("dispatch_action")
    each_letter = {"dispatch_action_config": {"trigger_actions_on": ["on_character_entered"]}}
    reason = {**target, "block_id": "other", "element": {**target["element"], "action_id": "other", **each_letter}}
    view = {**form.content, "blocks": [said, target, pool, why, reason]}
    headless.do(lambda: headless.stage.workspace.forms.update(form.id, view))
    expect(window.form.get_by_label("Reason")).to_have_count(0)
    window.form.get_by_role("textbox").first.fill("ada")
    window.page.keyboard.press("Enter")
    field(window, "Pool").select_option("staff")
    window.form.get_by_role("radio", name="They asked for it").check()
    window.form.get_by_role("textbox").last.fill("gra")
    headless.wait_for(lambda: app.heard == ["text ada", "pool staff", "why asked", "other gra"])
    expect(window.form).to_be_visible()


def test_the_app_is_told_that_a_form_was_closed(window: Window, app: FormApp, headless: Headless) -> None:
    window.page.keyboard.press("Escape")
    expect(window.form).to_be_hidden()
    headless.wait_for(lambda: app.heard == ["closed"])
    for name in ("Cancel", "Close"):
        with_form(window)
        expect(field(window, "Who")).to_have_value("")
        press(window, name)
        expect(window.form).to_be_hidden()
    headless.wait_for(lambda: app.heard == ["closed"] * 3)


def test_the_keyboard_stays_in_the_form(window: Window) -> None:
    inside = "document.querySelector('dialog').contains(document.activeElement) || document.activeElement.localName"
    for _ in range(12):
        window.page.keyboard.press("Tab")
        # The browser's own bar is the only other stop: there the document's body has the focus.
        assert window.page.evaluate(inside) in (True, "body")


def test_a_form_is_shown_to_only_one_person_and_gone_after_a_reload(window: Window, open_window: Open) -> None:
    kims = open_window(KIM)
    kims.send("hello")
    expect(kims.messages).to_contain_text("hello")
    expect(kims.form).to_be_hidden()
    window.page.reload()
    expect(window.messages).to_contain_text("hello")
    expect(window.form).to_be_hidden()


def test_what_is_typed_stays_while_others_write_and_while_the_form_changes(window: Window, headless: Headless) -> None:
    workspace = headless.stage.workspace
    field(window, "Who").press_sequentially("ada")
    headless.do(lambda: workspace.say(KIM, "hello", workspace.channels["C0SUPPORT1"].id))
    expect(window.page.locator("#messages")).to_contain_text("hello")
    field(window, "Who").press_sequentially("@example")
    form = headless.wait_for_form(SAM)
    first, *others = form.content["blocks"]
    hinted = [block | {"hint": {"type": "plain_text", "text": "Changed."}} for block in others]
    headless.do(lambda: workspace.forms.update(form.id, {**form.content, "blocks": [first, *hinted]}))
    expect(field(window, "Who")).to_have_accessible_description("Changed.")
    expect(field(window, "Who")).to_be_focused()
    expect(field(window, "Who")).to_have_value("ada@example")


def test_an_app_that_is_away_is_told_in_the_form(headless: Headless, open_window: Open) -> None:
    with form_app(headless):
        window = with_form(open_window())
    field(window, "Who").fill("ada")
    field(window, "Pool").select_option("staff")
    press(window, "Find")
    expect(window.form.get_by_role("alert")).to_have_text("We had some trouble connecting. Try again?")
    expect(field(window, "Who")).to_have_value("ada")


def test_axe_finds_nothing_and_a_phone_has_room(window: Window, app: FormApp) -> None:
    assert in_both_themes(window) == []
    press(window, "Find")
    expect(field(window, "Who")).to_be_focused()
    window.page.set_viewport_size(PHONE)
    assert in_both_themes(window) == [], "with errors, on a phone"
    box = window.form.bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= PHONE["width"]
    assert box["y"] + box["height"] <= PHONE["height"]
    field(window, "Who").fill("ada")
    field(window, "Pool").select_option("staff")
    press(window, "Find")
    app.has_found.set()
    expect(window.form).to_contain_text("Found ada")
    assert in_both_themes(window) == [], "with what was found"
