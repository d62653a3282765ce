"""The command line of `signout`: a shell's words to a typed value, or an error that says what is wrong with them."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.errors import UsageError
from bot.facts.aws_cli import AWS_COMMAND, AWS_OPTIONS, SKELETON, Help, Skeleton, Spelling, spelled
from bot.request import Options
from bot.terminal.output import show
from bot.terminal.screen import NO_ONE_TO_ASK, can_ask

HELP = """\
usage: signout-bot signout --user-pool-id ID --username NAME [--reason TEXT] [--yes]
       signout-bot signout (--cli-input-json | --cli-input-yaml) (DOCUMENT | file://PATH) [--reason TEXT] [--yes]
       signout-bot signout --generate-cli-skeleton [input | yaml-input | output]

Signs a Cognito user out of all devices, as `aws cognito-idp admin-user-global-sign-out` does, but shows the account and
asks first (--yes: does not ask), only for those in allow.terminal, and with an entry for the audit channel.
Exit codes: 0 done, 252 wrong usage, 253 settings or credentials, 254 Cognito refused, 255 anything else, 130 Ctrl-C."""
USAGE = HELP.partition("\n\n")[0]
MAX_BYTES = 64 * 1024
_VALUED = AWS_OPTIONS | {"reason"}
_NEGATIVE_NUMBER = re.compile(r"-\d+|-\d*\.\d+")  # the one sort of value with a dash that the AWS CLI takes as one


@dataclass(frozen=True, slots=True)
class Command:
    """What a command line asks for; `yes`: without a question."""

    options: Options
    yes: bool


def read(words: Sequence[str], spelling: Spelling) -> Command | None:
    """Return what a command line asks for, which may be the AWS CLI's own in full. Raises `UsageError`.

    A skeleton or help is shown here, the one thing that `signout` writes to standard output; then there is no command.
    """
    try:
        options, yes = _parsed(words, spelling)
    except UsageError as error:
        raise UsageError(error.sentence, USAGE) from None
    match options:
        case Options():
            if not yes and not can_ask():
                raise UsageError(NO_ONE_TO_ASK)
            return Command(options, yes)
        case Skeleton(text=text) if text:
            show(text)
        case Help():
            show(HELP)
    return None


def _parsed(words: Sequence[str], spelling: Spelling) -> tuple[Options | Skeleton | Help, bool]:
    if words[:1] and words[0] in {"help", "--help", "-h"}:
        return Help(), False
    if tuple(words[: len(AWS_COMMAND)]) == AWS_COMMAND:
        words = words[len(AWS_COMMAND) :]
    given: dict[str, str] = {}
    yes, waiting = False, list(reversed(words))
    while waiting:
        word = waiting.pop()
        if word == "--yes":
            yes = True
            continue
        name, equals, value = word.removeprefix("--").partition("=")
        if not word.startswith("--") or name not in _VALUED:
            raise UsageError(f"Unknown options: {word}.")
        if name in given:
            raise UsageError(f"--{name} is given twice.")
        if not equals and waiting and _is_value(waiting[-1]):
            value = waiting.pop()
        elif not equals and name != SKELETON:
            raise UsageError(f"argument --{name}: expected one argument.")
        given[name] = value if value or equals or name != SKELETON else "input"
    return spelled(given, spelling), yes


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
