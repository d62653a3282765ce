"""The command line of `signout`: a shell's words to a typed value, or an error that says what is wrong with them."""

import os
import re
from collections.abc import Sequence

from bot.errors import UsageError
from bot.facts.aws_cli import (
    AWS_COMMAND,
    AWS_OPTIONS,
    FLAGS,
    OTHER_COMMAND,
    SKELETON,
    VALUED,
    Help,
    Skeleton,
    Spelling,
    left_out_sentence,
    spelled,
)
from bot.options import asks_for_help
from bot.request import Options
from bot.terminal.output import say, show
from bot.terminal.screen import NO_ONE_TO_ASK, can_ask

HELP = """\
usage: signout-bot signout --user-pool-id ID --username NAME [--region REGION] [--reason TEXT] [--yes]
       signout-bot signout (--cli-input-json | --cli-input-yaml) (DOCUMENT | file://PATH) [--reason TEXT] [--yes]
       signout-bot signout --generate-cli-skeleton [input | yaml-input | output]

Signs a Cognito user out of all devices, as `aws cognito-idp admin-user-global-sign-out` does, but shows the account and
asks first (--yes: does not ask), only for those in allow.terminal, and with an entry for the audit channel.
The AWS CLI's options that change only its output, such as --output, are left out. It asks AWS as the environment says.
Exit codes: 0 done, 252 wrong usage, 253 settings or credentials, 254 Cognito refused, 255 anything else, 130 Ctrl-C."""
USAGE = HELP.partition("\n\n")[0]
MAX_BYTES = 64 * 1024
_VALUED = AWS_OPTIONS | VALUED | {"reason", "region"}
_FLAGS = FLAGS | {"yes"}
# The AWS CLI's options for what the environment says here.
_INSTEAD = {
    "profile": "Set AWS_PROFILE for this command instead.",
    "endpoint-url": "Set AWS_ENDPOINT_URL for this command instead.",
    "ca-bundle": "Set AWS_CA_BUNDLE for this command instead.",
    "no-verify-ssl": "AWS's certificate is always checked. With one of your own, set AWS_CA_BUNDLE.",
    "no-sign-request": "Without AWS credentials no one may sign users out.",
}
_NEGATIVE_NUMBER = re.compile(r"-\d+|-\d*\.\d+")  # the one sort of value with a dash that the AWS CLI takes as one


def read(words: Sequence[str], spelling: Spelling) -> tuple[Options, bool] | None:
    """Return what a command line asks for, which may be the AWS CLI's own in full, and whether without a question.

    A skeleton or help is shown here, the one thing that `signout` writes to standard output; then there is no command.
    Raises `UsageError`.
    """
    try:
        options, yes = _parsed(words, spelling)
    except UsageError as error:
        raise UsageError(error.sentence, USAGE) from None
    match options:
        case Options():
            if not yes and not can_ask():
                raise UsageError(NO_ONE_TO_ASK)
            if options.dropped:
                say(left_out_sentence(options.dropped))
            return options, yes
        case Skeleton(text=text) if text:
            show(text)
        case Help():
            show(HELP)
    return None


def _parsed(words: Sequence[str], spelling: Spelling) -> tuple[Options | Skeleton | Help, bool]:
    # The AWS CLI takes some of its options between the words of its command too.
    expected = list(AWS_COMMAND[AWS_COMMAND.index(words[0]) :]) if words[:1] and words[0] in AWS_COMMAND else []
    given: dict[str, str] = {}
    waiting = list(reversed(words))
    while waiting:
        word = waiting.pop()
        if asks_for_help(word):
            return Help(), False
        if expected and not word.startswith("-"):
            if word != expected.pop(0):
                raise UsageError(OTHER_COMMAND)
            continue
        name, equals, value = _option(word)
        if name in _FLAGS:
            given[name] = ""
            continue
        if name in given:
            raise UsageError(f"--{name} is given twice.")
        if not equals and waiting and _is_value(waiting[-1]):
            value = waiting.pop()
        elif not equals and name != SKELETON:
            raise UsageError(f"argument --{name}: expected one argument.")
        given[name] = value if value or equals or name != SKELETON else "input"
    if expected:
        raise UsageError(OTHER_COMMAND)
    dropped = [f"--{name}" for name in given if name in VALUED | FLAGS]
    return spelled(given, spelling, dropped), "yes" in given


def _option(word: str) -> tuple[str, str, str]:
    """Return the name of an option, its equals sign and its value, the last two where they are in the same word."""
    name, equals, value = word.removeprefix("--").partition("=")
    if word.startswith("--") and name in _INSTEAD:
        raise UsageError(f"--{name} is not taken. {_INSTEAD[name]}")
    if not word.startswith("--") or name not in _VALUED | _FLAGS or (equals and name in _FLAGS):
        raise UsageError(f"Unknown options: {word}.")
    return name, equals, value


def read_file(path: str) -> str:
    """Return the text of a document's file. Raises `UsageError`."""
    try:
        with open(os.path.expandvars(os.path.expanduser(path)), "rb") as file:  # noqa: PTH111, PTH123 -- as the CLI does
            return file.read(MAX_BYTES).decode()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"Unable to load paramfile file://{path}: {why}.") from None


def _is_value(word: str) -> bool:
    return not word.startswith("-") or word == "-" or " " in word or bool(_NEGATIVE_NUMBER.fullmatch(word))
