"""What people paste and type that is not in the grammar of `/signout`, or only nearly."""

import subprocess
import sys

import pytest
from headless import SAM, Headless, shows
from shell import BARE, Ran, Shell
from whole_bot import CONFIRM, SIGN_OUT

from bot.facts.aws_cli import AWS_USAGE

pytestmark = pytest.mark.long

COMMAND = "cognito-idp admin-user-global-sign-out"
OPTIONS = "--user-pool-id POOL --username ada"
LINE = f"aws {COMMAND} {OPTIONS}"
HELP = "Sign a Cognito user out of all devices"
LEFT_OUT = "The bot left this out, since it changes nothing here: "
# What was pasted, and what its card says was left out.
CARDS = (
    (f"aws --region eu-central-1 {COMMAND} {OPTIONS}", ""),
    (f"{LINE} --output json --no-cli-pager", "--output, --no-cli-pager"),
    (f"{LINE} --query UserPool | cat", "--query, | …"),
    (f"AWS_REGION=eu-central-1 {LINE} > out.json", "> …"),
    (f"$ {LINE}", ""),
    (f"% {LINE}", ""),
    (f"> {LINE}", ""),
    (f"PS C:\\> aws {COMMAND} `\n  --user-pool-id POOL `\n  --username ada", ""),
    (f"C:\\>aws {COMMAND} ^\n  --user-pool-id POOL ^\n  --username ada", ""),
    (f"user@host:~$ {LINE}", ""),
    (f"```\n{LINE}\n```", ""),
    (f"`{LINE}`", ""),
)
ITS_OWN = "The bot asks with its own AWS credentials, and no one can choose others here. Leave it out."
SENTENCES = (
    (f"aws --region eu-central-1 --profile prod {COMMAND} {OPTIONS}", f"--profile is not taken. {ITS_OWN}"),
    (
        f"AWS_PROFILE=prod {LINE}",
        "AWS_PROFILE before `aws` is not taken: it may change who asks, or what is asked. Leave it out.",
    ),
    (
        f"{LINE} --endpoint-url http://localhost:9229",
        "--endpoint-url is not taken. The bot asks the Cognito that it was set up for, and no other. Leave it out.",
    ),
    (
        f"{LINE} && echo done",
        "With `&&` it is more than one command. Paste only the line that begins with `aws`.",
    ),
    (
        f"aws --region us-east-1 {COMMAND} {OPTIONS}",
        "This bot knows no such pool in that region. You may use: customers (eu-central-1), staff (eu-central-1).",
    ),
)


def test_25_pasted_command_lines(
    headless: Headless, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A line of the AWS CLI means the same however it was pasted, and what is wrong with it is named."""
    shell = Shell(headless, monkeypatch)
    with headless.bot_in_process():
        for text, left_out in CARDS:
            headless.command(SAM, text.replace("POOL", shell.customers))
            card = headless.wait_for_message(SAM, button=CONFIRM)
            assert shows(card, "ada"), text
            assert shows(card, f"{LEFT_OUT}{left_out}" if left_out else "ada"), text
            assert shows(card, LEFT_OUT) == bool(left_out), text
            headless.press(SAM, card, "signout_cancel")
            headless.wait_for(lambda: not any(shows(each, "", CONFIRM) for each in headless.messages(SAM)))
        for text, sentence in SENTENCES:
            headless.command(SAM, text.replace("POOL", shell.customers))
            assert shows(headless.wait_for_message(SAM, containing=sentence), AWS_USAGE), text
        headless.command(SAM, f"aws {COMMAND} help")
        headless.wait_for_message(SAM, containing=HELP)
    assert headless.cognito_calls(SIGN_OUT) == []
    words = LINE.replace("POOL", shell.customers).split()
    ran = shell.run(capfd, "aws", "--output", "json", *words[1:], "--region", "eu-central-1", "--yes")
    assert ran == Ran(0, "", f"{LEFT_OUT}--output\n")
    ran = shell.run(capfd, *words, "--profile", "prod", "--yes")
    assert (ran.code, ran.err.splitlines()[-1]) == (
        252,
        "--profile is not taken. Set AWS_PROFILE for this command instead.",
    )


def test_28_help_in_other_spellings(headless: Headless) -> None:
    """Help is shown however it is asked for, in Slack and in a terminal; a name that begins so is a target."""
    with headless.bot_in_process():
        for count, text in enumerate(("help", "--help", "-h", "?", "HELP", "\u2014help", "\u2013h"), 1):
            headless.command(SAM, text)
            headless.wait_for(lambda count=count: len(shown(headless)) == count)  # type: ignore[misc]
        headless.command(SAM, "help@example.com")
        headless.wait_for_message(SAM, containing="No one was found")
    for words in (
        "help",
        "-h",
        "?",
        "check ?",
        "check help",
        "audit -h",
        "help run",
        "signout ?",
        f"signout {LINE} help",
    ):
        command = [sys.executable, "-m", "bot", *words.split()]
        ran = subprocess.run(command, env=BARE, capture_output=True, text=True, check=True)
        verb = next((word for word in words.split() if word in {"check", "audit", "run", "signout"}), "[-h]")
        assert ran.stdout.startswith(f"usage: signout-bot {verb}"), words


def shown(headless: Headless) -> list[object]:
    return [each for each in headless.messages(SAM) if HELP in each.text]
