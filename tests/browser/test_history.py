"""A history in the browser: a table that one can read, with times and people as everywhere else."""

import re

import pytest
from playwright.sync_api import expect

from browser.conftest import PHONE
from browser.test_accessibility import violations
from browser.window import Window

HISTORY = "/signout history ada"


@pytest.mark.usefixtures("bot")
def test_a_history_is_a_table_in_which_hostile_text_is_text(window: Window) -> None:
    window.ask_for_card('/signout ada --reason "<!channel> *bold* \u202e :wave:"')
    window.button("Sign out").click()
    expect(window.messages.get_by_role("heading", name="Signed out: ada")).to_be_visible()
    window.ask_for_card("/signout ada@example.com", "Cancel")
    window.button("Cancel").click()
    expect(window.ephemerals.last).to_contain_text("Cancelled")

    window.send(HISTORY)
    told = window.ephemerals.last
    expect(told.get_by_role("heading", name="History of ada", exact=True)).to_be_visible()
    expect(told.get_by_role("columnheader")).to_have_text(["When", "What came of it", "Asked by", "Why"])
    expect(told.get_by_role("row")).to_have_count(3)
    cancelled, signed_out = told.get_by_role("row").nth(1), told.get_by_role("row").nth(2)
    expect(cancelled.get_by_role("cell")).to_have_text(
        [re.compile(r"\d\d:\d\d:\d\d$"), "Cancelled", "@Sam Rivera", "-"]
    )
    expect(signed_out.get_by_role("cell").nth(1)).to_have_text("Signed out")
    expect(signed_out.get_by_role("cell").last).to_have_text(r"<!channel> *bold* \u202E :wave:")
    assert violations(window) == []

    window.page.set_viewport_size(PHONE)
    region = told.get_by_role("region", name="Table")
    region.focus()
    assert region.evaluate("it => it.scrollWidth > it.clientWidth && it.clientWidth < innerWidth"), "it is scrolled"
    assert violations(window) == [], "on a phone"
