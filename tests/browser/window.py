"""A window on the sandbox, in the words of the person who looks at it."""

import re

from playwright.sync_api import Locator, Page, expect

PATIENCE = 10_000  # milliseconds within which what is expected must be seen

SIGN_OUT_ADA = "/signout ada@example.com"


class Window:
    """What a person does and sees. Everything is found by its role and its words."""

    def __init__(self, page: Page) -> None:
        self.page = page

    # Slack

    @property
    def composer(self) -> Locator:
        """Where one types."""
        return self.page.get_by_role("main").get_by_role("combobox")

    @property
    def messages(self) -> Locator:
        """Everything in the channel that is open."""
        return self.page.get_by_role("region", name="Messages in")

    @property
    def ephemerals(self) -> Locator:
        """The messages that only this person sees."""
        return self.messages.get_by_role("listitem").filter(has_text="Only visible to you")

    def button(self, name: str) -> Locator:
        """A button in a message."""
        return self.messages.get_by_role("button", name=name, exact=True)

    def channel(self, name: str) -> Locator:
        """A channel in the sidebar; its name ends with how many messages are unread."""
        return self.page.get_by_role("navigation").get_by_role("button", name=re.compile(f"^{name}"))

    @property
    def form(self) -> Locator:
        """The form that the bot opened."""
        return self.page.get_by_role("dialog")

    def send(self, text: str) -> None:
        """Type a line and press Enter."""
        self.composer.click()
        self.page.keyboard.type(text)
        self.page.keyboard.press("Enter")

    def ask_for_card(self, command: str = SIGN_OUT_ADA, button: str = "Sign out") -> None:
        """Send the command, and wait for the card."""
        self.send(command)
        expect(self.button(button)).to_be_visible()

    def go_to(self, channel: str) -> None:
        """Open a channel."""
        self.channel(channel).click()
        expect(self.page.get_by_role("heading", name=f"#{channel}", exact=True)).to_be_visible()

    def become(self, name: str) -> None:
        """Go on as someone else."""
        self.page.get_by_role("radio", name=name).check()

    # Beside it

    def cognito(self, person: str) -> Locator:
        """A person in the Cognito panel."""
        panel = self.page.get_by_role("complementary", name="Cognito")
        return panel.get_by_role("listitem").filter(has=self.page.get_by_role("group")).filter(has_text=person).first

    def device(self, name: str) -> Locator:
        """A device in the Cognito panel, once its person is opened."""
        heading = self.page.get_by_role("heading", name=name, exact=True)
        return self.page.get_by_role("complementary", name="Cognito").get_by_role("listitem").filter(has=heading).last

    def weather(self, name: str) -> Locator:
        """A switch in the Weather panel."""
        return self.page.get_by_role("complementary", name="Weather").get_by_role("switch", name=name)

    def focused(self) -> Locator:
        """Where the keyboard is."""
        return self.page.locator(":focus")
