"""A headless Chromium, windows of it on a sandbox with the real bot, and the promise that no window complains."""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from headless import SAM, Headless
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, ViewportSize, expect, sync_playwright

from bot.sandbox.page import Page as SandboxPage
from bot.sandbox.stage import ACTIONS, SECOND_PERSON
from browser.window import PATIENCE, Window

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
DESK: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
SETTINGS: dict[str, Any] = {
    "viewport": DESK,
    "locale": "en-GB",
    "timezone_id": "Europe/Berlin",
    "reduced_motion": "reduce",
}

Open = Callable[..., Window]


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One browser for all tests of this folder."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed (apt-get install {NAMES[0]})")
    # The page of the next test is shown by the process that is there: a new one takes as long as the page itself.
    # Chromium's own sandbox does not start for root, as whom CI runs.
    told = ["--renderer-process-limit=1", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=told)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def desk(chromium: Browser) -> Iterator[Page]:
    """The page that the tests use one after the other: a new one would take the processor a second each time."""
    with chromium.new_context(**SETTINGS) as context:
        yield context.new_page()


@pytest.fixture
def url(headless: Headless) -> Iterator[str]:
    """The address of the page of this test's stage; no bot is on it yet."""
    page = SandboxPage(headless.stage)
    door = page.open(0)
    yield headless.run(door.__aenter__())
    headless.wait_for(lambda: not page._windows)
    headless.run(door.__aexit__(None, None, None))


@pytest.fixture
def bot(headless: Headless) -> Iterator[None]:
    """The real bot, connected to this test's stage, with all that the sandbox lets one try."""
    with headless.bot_in_process(**SECOND_PERSON, **ACTIONS):
        yield


@pytest.fixture
def open_window(chromium: Browser, desk: Page, url: str) -> Iterator[Open]:
    """Open a window as a person. In the end none may have written to its console, or let an error escape."""
    pages: list[Page] = []
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        complaints.append(message.text)

    def catch(error: Error) -> None:
        complaints.append(str(error))

    def open_one(person: str = SAM, **options: Any) -> Window:
        is_first = not options and desk not in pages
        page = desk if is_first else chromium.new_context(**SETTINGS | options).new_page()
        pages.append(page)
        page.on("console", hear)
        page.on("pageerror", catch)
        page.goto(f"{url}?person={person}")
        window = Window(page)
        expect(window.composer).to_be_visible()
        return window

    yield open_one
    for page in pages:
        if page is desk:
            leave(desk)
            desk.remove_listener("console", hear)
            desk.remove_listener("pageerror", catch)
        else:
            page.context.close()
    assert complaints == []


def leave(page: Page) -> None:
    """Leave what a test had open, forget what it had kept, and be as wide as at first."""
    page.set_viewport_size(DESK)
    page.evaluate("localStorage.clear(); sessionStorage.clear()")
    page.context.clear_cookies()
    page.goto("about:blank")


@pytest.fixture
def window(bot: None, open_window: Open) -> Window:  # noqa: ARG001 - the bot is there before the window
    """One window, as Sam, with the bot connected."""
    return open_window()
