"""The README's two pictures. `UPDATE_SCREENSHOTS=1 pytest tests/browser/test_screenshots.py` writes them again."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import ViewportSize, expect

from browser.conftest import Open
from browser.png import small_png
from browser.window import Window

FOLDER = Path(__file__).parents[2] / ".github"
SIZE: ViewportSize = {"width": 1280, "height": 720}
MOST_BYTES = 80_000


def take(window: Window, name: str) -> None:
    """Take a picture, small enough for a README; keep it where that is asked for."""
    window.page.evaluate("document.fonts.ready")
    window.page.mouse.move(0, 0)
    picture = small_png(window.page.screenshot(animations="disabled", caret="hide"), window.page)
    assert len(picture) < MOST_BYTES
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


@pytest.mark.parametrize("name", ["card.png", "audit.png"])
def test_the_kept_pictures_are_small_and_of_the_fixed_size(name: str) -> None:
    picture = (FOLDER / name).read_bytes()
    assert len(picture) < MOST_BYTES
    width, height = (int.from_bytes(picture[at : at + 4], "big") for at in (16, 20))
    assert {"width": width, "height": height} == SIZE
