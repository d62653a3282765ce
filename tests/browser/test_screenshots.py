"""The pictures of the README and of in-slack.md. `UPDATE_SCREENSHOTS=1 pytest` on this file writes them again."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from directory import Directory, user
from headless import Headless
from playwright.sync_api import Locator, ViewportSize, expect

from browser.conftest import Open
from browser.png import small_png
from browser.window import Window

FOLDER = Path(__file__).parents[2] / ".github"
SIZE: ViewportSize = {"width": 1280, "height": 720}
MOST_BYTES = 80_000
OF_ONE_MESSAGE = ["docs/form.png", "docs/choice.png", "docs/card.png", "docs/result.png", "docs/actions.png"]
OF_A_LIST = ["docs/list.png", "docs/progress.png"]  # test_list_screenshots.py takes them
MOST_BYTES_OF_ONE_MESSAGE = 60_000


def take(window: Window, name: str, only: Locator | None = None) -> None:
    """Take a picture, small enough for a page, of `only` a part where that is given; keep it where that is asked."""
    window.page.evaluate("document.fonts.ready")
    window.page.mouse.move(0, 0)
    picture = small_png((only or window.page).screenshot(animations="disabled", caret="hide"), window.page)
    assert len(picture) < (MOST_BYTES_OF_ONE_MESSAGE if only else MOST_BYTES)
    if os.environ.get("UPDATE_SCREENSHOTS"):
        (FOLDER / name).write_bytes(picture)


@pytest.mark.usefixtures("bot")
def test_the_pictures_are_small(open_window: Open) -> None:
    window = open_window(viewport=SIZE)
    window.ask_for_card()
    take(window, "card.png")
    window.button("Sign out").click()
    expect(window.messages).to_contain_text("Signed out: ada")
    window.go_to("signout-audit")
    expect(window.messages).to_contain_text("Signed out: ada")
    expect(window.cognito("Ada")).to_contain_text("signed out")
    take(window, "audit.png")


@pytest.fixture
def plain_bot(headless: Headless) -> Iterator[None]:
    """A bot that can only sign out, as it is where no setting says more."""
    with headless.bot_in_process():
        yield


@pytest.mark.usefixtures("bot")
def test_the_picture_of_a_card_with_several_actions_is_smaller(open_window: Open) -> None:
    window = open_window(viewport=SIZE)
    window.ask_for_card('/signout ada@example.com --pool customers --reason "stolen laptop"')
    expect(window.button("Keep out")).to_be_visible()
    take(window, "docs/actions.png", window.ephemerals.last)


@pytest.mark.usefixtures("plain_bot")
def test_the_pictures_of_single_messages_are_smaller(headless: Headless, open_window: Open) -> None:
    window = open_window(viewport=SIZE)
    window.send("/signout")
    window.form.get_by_label("Whom to sign out").fill("ada@example.com")
    window.form.get_by_label("Reason").fill("lost phone")
    take(window, "docs/form.png", window.form)
    window.page.keyboard.press("Escape")
    expect(window.form).to_be_hidden()

    two = Directory(
        [
            user("ada", email="ada@example.com", sub="9b2cd01e-46a3-4e8b-8a4b-5d1f0c3e7a10"),
            user("Google_1172", provider="Google", email="ada@example.com", sub="c41f77aa-0d52-4f0e-9a63-2e8f5b6d9c21"),
        ]
    )
    headless.do(lambda: headless.stage.weather.cognito.always("ListUsers", two.list_users))
    window.send('/signout ada@example.com --pool customers --reason "lost phone"')
    expect(window.button("This one").first).to_be_visible()
    take(window, "docs/choice.png", window.ephemerals.last)
    window.button("This one").first.click()
    expect(window.button("Sign out")).to_be_visible()
    take(window, "docs/card.png", window.ephemerals.last)
    window.button("Sign out").click()
    expect(window.messages.get_by_role("heading", name="Signed out: ada")).to_be_visible()
    take(window, "docs/result.png", window.ephemerals.last)


@pytest.mark.parametrize("name", ["card.png", "audit.png"])
def test_the_kept_pictures_are_small_and_of_the_fixed_size(name: str) -> None:
    picture = (FOLDER / name).read_bytes()
    assert len(picture) < MOST_BYTES
    width, height = (int.from_bytes(picture[at : at + 4], "big") for at in (16, 20))
    assert {"width": width, "height": height} == SIZE


@pytest.mark.parametrize("name", [*OF_ONE_MESSAGE, *OF_A_LIST])
def test_each_kept_picture_of_a_message_is_small_and_is_shown_on_the_page_for_support_staff(name: str) -> None:
    assert len((FOLDER / name).read_bytes()) < MOST_BYTES_OF_ONE_MESSAGE
    assert f"]({Path(name).name})" in (FOLDER / "docs/in-slack.md").read_text("utf-8")
