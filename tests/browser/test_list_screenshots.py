"""The pictures of a list in in-slack.md. `UPDATE_SCREENSHOTS=1 pytest` on this file writes them, of more people."""

import os
import re
from collections.abc import Iterator

import pytest
from headless import Headless
from playwright.sync_api import expect

from bot.sandbox.cognito import Moto
from browser.conftest import Open
from browser.test_lists import some_wait
from browser.test_screenshots import SIZE, take

PEOPLE, FAR = (400, "[45]\\d%") if os.environ.get("UPDATE_SCREENSHOTS") else (40, "[1-9]\\d%")


@pytest.fixture
def headless(moto: Moto) -> Iterator[Headless]:
    """A stage with a crowd, and a bot that needs no second person."""
    with Headless(moto, people=("ada",), crowd=PEOPLE) as stage:
        assert stage.stage.crowd
        stage.run(stage.stage.crowd.gather())
        with stage.bot_in_process(SIGNOUT_PROTECT_GROUPS="admins"):
            yield stage


def test_the_pictures_of_a_list_are_small(headless: Headless, open_window: Open) -> None:
    crowd, window = headless.stage.crowd, open_window(viewport=SIZE | {"height": 1000})
    assert crowd
    window.send('/signout list --pool shop --reason "HELP-4711: passwords leaked"')
    window.form.get_by_label("Whom to sign out").fill(crowd.leaked)
    window.form.get_by_role("button", name="Look up").click()
    expect(window.form).to_contain_text("The preview is a card in the channel")
    window.page.keyboard.press("Escape")
    take(window, "docs/list.png", window.ephemerals.last)
    with some_wait(headless):
        window.button(f"Sign out {len(crowd.hit)} accounts").click()
        window.go_to("signout-audit")
        progress = window.messages.get_by_role("listitem").filter(has=window.page.get_by_role("button", name="Pause"))
        expect(progress).to_contain_text(re.compile(FAR), timeout=60_000)
        take(window, "docs/progress.png", progress)
