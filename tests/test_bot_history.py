"""`/signout history` through the whole bot: a table for one person's eyes, of what they may see."""

from headless import PAT, RAY, SAM, Headless
from whole_bot import CONFIRM, card_for, entries

from bot.sandbox.board import Message


def rows(message: Message) -> list[list[str]]:
    """The cells of a message's table that say the same at any time, without its titles."""
    lines = message.text.split("\n")
    (titles,) = (number for number, line in enumerate(lines) if line.startswith("When | "))
    return [line.split(" | ")[1:] for line in lines[titles + 1 :]]


def test_an_operator_is_told_what_was_asked_for_an_account_and_by_themselves(headless: Headless) -> None:
    with headless.bot_in_process():
        headless.press(SAM, card_for(headless, SAM, "ada --pool customers --reason lost phone"), CONFIRM)
        headless.wait_for_message(SAM, containing="Signed out: ada")
        headless.command(RAY, "ada@example.com")
        headless.wait_for_message(RAY, containing="You are not on the list")
        calls = len(headless.cognito_calls())

        assert headless.command(SAM, "history").error is None
        own = headless.wait_for_message(SAM, containing="What you asked for")
        assert rows(own) == [["Signed out", "lost phone"]]
        assert len(headless.cognito_calls()) == calls

        assert headless.command(SAM, "history ADA@example.com").error is None
        told = headless.wait_for_message(SAM, containing="History of")
        assert told.only_for == SAM
        assert rows(told) == [
            ["Refused", "a…@example.com", RAY, "not allowed"],
            ["Signed out", "ada (customers)", SAM, "lost phone"],
        ]
        headless.command(PAT, "history ada")
        headless.wait_for_message(PAT, containing="You are not on the list")
    assert entries(headless) == ["opened", "confirmed", "signed_out", "refused", "refused"]
