"""What people type and paste as a target: who is meant, and what the card says about it."""

from headless import SAM, Headless, shows
from whole_bot import CONFIRM, SIGN_OUT, card_for

GET = "AdminGetUser"


def test_24_username_is_an_email(headless: Headless) -> None:
    """`--username` is resolved as Cognito does: the card shows the account that has the email, with its own name."""
    pool_id = headless.stage.cognito.pools["customers"].id
    with headless.bot_in_process():
        card = card_for(headless, SAM, f"--user-pool-id {pool_id} --username ada@example.com")
        assert shows(card, "User name  ada")
        assert not shows(card, "Exactly as typed")
        headless.press(SAM, card, CONFIRM)
        headless.wait_for_message(SAM, containing="Signed out: ada")
    assert [call.parameters["Username"] for call in headless.cognito_calls(SIGN_OUT)] == ["ada"]
    assert headless.cognito_calls(GET) == []


def test_26_formatting_around_a_target(headless: Headless) -> None:
    """What no one has as typed is tried without the signs around it, and the card says what was left out."""
    said = "Exactly as typed, no one was found. The bot looked for {} instead. Left out: {}"
    with headless.bot_in_process():
        for typed, how in (
            ("`ada`", said.format("ada", "` and `")),
            ("*ada*", said.format("ada", "* and *")),
            ('"ada"', said.format("ada", '" and "')),
            ("<ada@example.com>", said.format("a…@example.com", "&lt; and &gt;")),
            ("ada,", said.format("ada", ",")),
            ("mailto:ada@example.com", said.format("a…@example.com", "mailto:")),
            ("Ada L <ada@example.com>", said.format("a…@example.com", "Ada L &lt; and &gt;")),
            ("@ada", said.format("ada", "@")),
        ):
            headless.command(SAM, f"{typed} --pool customers")
            assert shows(headless.wait_for_message(SAM, button=CONFIRM, containing=how), "User name  ada")
        headless.run(headless.stage.cognito.add("customers", "*ada*", "Star"))
        headless.command(SAM, "*ada* --pool customers")
        card = headless.wait_for_message(SAM, button=CONFIRM, containing="User name  *ada*")
    assert not shows(card, "Exactly as typed")


def test_27_letters_that_look_the_same(headless: Headless) -> None:
    """Another form of the letters is tried, and the card says so; else the answer names what is unusual about them."""
    said = "Exactly as typed, no one was found. The bot looked for {} instead, with {}."
    headless.run(headless.stage.cognito.add("customers", "jos\u00e9", "Jos\u00e9"))
    with headless.bot_in_process():
        for typed, how in (
            ("jose\u0301", said.format("jos\u00e9", "its letters in another form")),
            ("\uff41\uff44\uff41", said.format("ada", "its letters in another form")),
            ("ADA@example.com", said.format("a…@example.com", "other capital letters")),
        ):
            headless.command(SAM, f"{typed} --pool customers")
            headless.wait_for_message(SAM, button=CONFIRM, containing=how)
        headless.command(SAM, "\u0430da --pool customers")
        headless.wait_for_message(
            SAM, containing="Look at \u201c\u0430\u201d (U+0430, CYRILLIC SMALL LETTER A): is another letter meant?"
        )
