"""The command line of `signout`: a shell's words to a typed value, or an error that says what is wrong with them."""

import argparse
import os
from collections.abc import Sequence

from bot.errors import UsageError
from bot.facts import aws_cli
from bot.facts.aws_cli import AWS_COMMAND, AWS_OPTIONS, FLAGS, OTHER_COMMAND, SKELETON, VALUED
from bot.options import ACTION_OPTIONS, asks_for_help
from bot.request import Options
from bot.terminal.lines import STANDARD_INPUT
from bot.terminal.list_command import BESIDE, SOURCES, ListCommand, list_asked
from bot.terminal.output import say, show
from bot.terminal.screen import NO_ONE_TO_ASK, can_ask
from bot.whoami import WhoAmI

HELP = """\
usage: signout-bot signout --user-pool-id ID --username NAME [--region REGION] [--reason TEXT] [--yes]
                           [--keep-out | --let-in | --new-password]
       signout-bot signout (--cli-input-json | --cli-input-yaml) (DOCUMENT | file://PATH) [--reason TEXT] [--yes]
       signout-bot signout --generate-cli-skeleton [input | yaml-input | output]
       signout-bot signout (--list FILE [--column NAME] | --everyone) [--pool NAME | --user-pool-id ID]
                           [--region REGION] [--reason TEXT] [--yes --size N]
       signout-bot signout --again LIST [--yes --size N]
       signout-bot signout whoami

Signs a Cognito user out of all devices, as `aws cognito-idp admin-user-global-sign-out` does, but shows the account and
asks first (--yes: does not ask), only for those in allow.terminal, and with an entry for the audit channel.
--keep-out disables the account and then signs its user out, --let-in enables it again, --new-password resets its
password and then signs its user out. For each you have to be in allow.terminal and in the list of that action:
actions.keep_out.terminal, actions.let_in.terminal or actions.new_password.terminal.
whoami: what you may do here, and how many accounts are left within this hour. What needs a second person is for Slack.

A list signs many accounts out, of one pool and at the pace of the settings (lists.pace). First it is shown how many
accounts it has and which lines are left out. Then their number has to be typed.
--list: a file in UTF-8 with one account on each line, written as for /signout; - is standard input. --column: it is CSV
with a header, and this column of it counts. --everyone: the whole pool. --again: what was not done of an earlier list.
--yes does not ask, and needs --size N: it goes on only if the list has exactly N accounts. A line that is left out is
not one of them, so a list that is not what you believe it to be signs no one out.
Where a second person has to approve it, this waits for them. Ctrl-C cancels a list, and once it runs, stops it: what is
under way ends, and nothing more is begun. After Ctrl-C twice, SIGTERM or a kill, the bot does what is left of a list
that was not stopped, where it may: with role_arn only a terminal may.

The AWS CLI's options that change only its output, such as --output, are left out. It asks AWS as the environment says.
Exit codes: 0 done (of a list: every account), 252 wrong usage, 253 settings or credentials, 254 Cognito refused or a
limit is reached, 255 anything else, such as that a second person is needed, 130 Ctrl-C."""
USAGE = HELP.partition("\n\n")[0]
NOT_OF_THE_AWS_CLI = f"The AWS CLI's command only signs out. With --{{}}, leave out `{' '.join(AWS_COMMAND)}`."
NO_ONE_TO_ASK_OF_A_LIST = (
    "There is no terminal here, so the number of accounts cannot be asked for. Add --yes --size N."
)
MAX_BYTES = 64 * 1024
_VALUED = AWS_OPTIONS | VALUED | {"reason", "region", *SOURCES, *BESIDE} - {"everyone"}
_FLAGS = FLAGS | {"yes", "everyone", *ACTION_OPTIONS}
# The AWS CLI's options for what the environment says here.
_INSTEAD = {
    "profile": "Set AWS_PROFILE for this command instead.",
    "endpoint-url": "Set AWS_ENDPOINT_URL for this command instead.",
    "ca-bundle": "Set AWS_CA_BUNDLE for this command instead.",
    "no-verify-ssl": "AWS's certificate is always checked. With one of your own, set AWS_CA_BUNDLE.",
    "no-sign-request": "Without AWS credentials no one may sign users out.",
}


def read(words: Sequence[str], spelling: aws_cli.Spelling) -> tuple[Options | ListCommand | WhoAmI, bool] | None:
    """Return what a command line asks for, which may be the AWS CLI's own in full, and whether without a question.

    A skeleton or help is shown here, the one thing that `signout` writes to standard output; then there is no command.
    Raises `UsageError`.
    """
    if [word.lower() for word in words] == ["whoami"]:
        return WhoAmI(), False
    try:
        options, yes = _parsed(words, spelling)
    except UsageError as error:
        raise UsageError(error.sentence, USAGE) from None
    match options:
        case Options(dropped=dropped) | ListCommand(options=Options(dropped=dropped)):
            if not yes:
                _check_can_ask(options)
            if dropped:
                say(aws_cli.left_out_sentence(dropped))
            return options, yes
        case aws_cli.Skeleton(text=text) if text:
            show(text)
        case aws_cli.Help():
            show(HELP)
    return None


def _check_can_ask(command: Options | ListCommand) -> None:
    if isinstance(command, Options) and not can_ask():
        raise UsageError(NO_ONE_TO_ASK)
    if isinstance(command, ListCommand) and not can_ask(on_tty=command.file == STANDARD_INPUT):
        raise UsageError(NO_ONE_TO_ASK_OF_A_LIST)


def _parsed(
    words: Sequence[str], spelling: aws_cli.Spelling
) -> tuple[Options | ListCommand | aws_cli.Skeleton | aws_cli.Help, bool]:
    # The AWS CLI is built on argparse too.
    line = argparse.ArgumentParser(
        add_help=False, allow_abbrev=False, argument_default=argparse.SUPPRESS, exit_on_error=False
    )
    line.add_argument(f"--{SKELETON}", dest=SKELETON, action="append", nargs="?", const="input")
    for name in _VALUED - {SKELETON}:
        line.add_argument(f"--{name}", dest=name, action="append")
    for name in _FLAGS:
        line.add_argument(f"--{name}", dest=name, action="store_const", const=[""])
    try:
        found, others = line.parse_known_args(words)
    except argparse.ArgumentError as error:
        raise UsageError(f"{error}.") from None
    if any(map(asks_for_help, others)):
        return aws_cli.Help(), False
    _check(words, others)
    if words and words[0] in AWS_COMMAND and (actions := [name for name in ACTION_OPTIONS if hasattr(found, name)]):
        raise UsageError(NOT_OF_THE_AWS_CLI.format(actions[0]))
    if twice := [name for name, values in vars(found).items() if len(values) > 1]:
        raise UsageError(f"--{twice[0]} is given twice.")
    given = {name: value for name, (value,) in vars(found).items()}
    dropped = [f"--{name}" for name in given if name in VALUED | FLAGS]
    return list_asked(given, words, dropped) or aws_cli.spelled(given, spelling, dropped), "yes" in given


def _check(words: Sequence[str], others: Sequence[str]) -> None:
    """Raise `UsageError` for words that are not options of this command, except the AWS CLI's command or its end."""
    begins_with = words[0] if words and words[0] in AWS_COMMAND else None
    for word in others:
        name = word.removeprefix("--").partition("=")[0]
        if word.startswith("--") and name in _INSTEAD:
            raise UsageError(f"--{name} is not taken. {_INSTEAD[name]}")
        if word.startswith("-") or not begins_with:
            raise UsageError(f"Unknown options: {word}.")
    if begins_with and tuple(others) != AWS_COMMAND[AWS_COMMAND.index(begins_with) :]:
        raise UsageError(OTHER_COMMAND)


def read_file(path: str) -> str:
    """Return the text of a document's file. Raises `UsageError`."""
    try:
        with open(os.path.expandvars(os.path.expanduser(path)), "rb") as file:  # noqa: PTH111, PTH123 -- as the CLI does
            return file.read(MAX_BYTES).decode()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"Unable to load paramfile file://{path}: {why}.") from None
