"""What each verb is for, and the options of those that have few.

Reading a command line says what is wrong with it, or help, and raises `SystemExit`, as argparse does.
"""

import argparse
import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NoReturn

from bot import __version__
from bot.facts.aws_names import ROLE_OR_USER

DEFAULT_PORT = 3000
HIGHEST_PORT = 65535
_PORT_OF_RUN = f"of the health pages, and of /slack/events over HTTP; 0 picks one (default PORT, else {DEFAULT_PORT})"
# What each verb is for, and what else its help says; `signout` and `audit` have their own.
ABOUT: Mapping[str, tuple[str, str]] = {
    "run": ("serve Slack until SIGTERM", "Over Socket Mode where SLACK_APP_TOKEN is set, else over HTTP."),
    "check": ("try everything the bot needs, and say what is missing", "It signs no one out."),
    "signout": ("sign a person out from this terminal, as the AWS CLI does", ""),
    "audit": ("show the audit log", ""),
    "manifest": ("print the Slack app's manifest", "For Socket Mode, unless there is --http."),
    "iam-policy": ("print the least that AWS must allow the bot", "With role_arn, what that role needs as well."),
    "table": ("print the DynamoDB table, or make it", "As CloudFormation; SIGNOUT_STORE names it."),
    "sandbox": ("try the bot on this machine, without any account", "Ctrl-C stops it all."),
}


def read_no_verb(words: Sequence[str]) -> NoReturn:
    """Take what does not begin with a verb: a question for help or the version, or wrong usage."""
    parser = argparse.ArgumentParser(
        prog="signout-bot",
        description="Sign Cognito users out from Slack.",
        epilog="Exit codes: 0 done, 1 it could not be done, 2 wrong usage, 130 Ctrl-C. signout has the AWS CLI's.",
    )
    parser.add_argument("-V", "--version", action="version", version=f"%(prog)s {__version__}")
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    for name, (line, _) in ABOUT.items():
        verbs.add_parser(name, help=line)
    parser.parse_args(words)
    parser.error("the VERB comes first")


def read(verb: str, words: Sequence[str]) -> argparse.Namespace:
    """Return what was given for the options of a verb; `signout` and `audit` read their own."""
    line, more = ABOUT[verb]
    about = f"{line[0].upper()}{line[1:]}. {more}"
    parser = argparse.ArgumentParser(prog=f"signout-bot {verb}", description=about, allow_abbrev=False)
    _add_options(verb, parser)
    return parser.parse_args(words)


def _add_options(verb: str, parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    match verb:
        case "run":
            add("--http", action="store_true", help="over HTTP in any case")
            add("--host", default="127.0.0.1", help="where it listens (default %(default)s)")
            add("--port", type=port, help=_PORT_OF_RUN)
        case "check":
            add("--no-post", action="store_true", help="post no test line to the audit channel")
            add("--json", action="store_true", help="one JSON object instead of lines")
        case "manifest":
            add("--http", metavar="URL", help="for HTTP mode, with the address at which Slack reaches the bot")
            add("--grid", action="store_true", help="for Enterprise Grid: one workspace of it, or all of it")
        case "iam-policy":
            arn = "must be the ARN of a role, such as arn:aws:iam::123456789012:role/Bot"
            role = partial(matching, ROLE_OR_USER, arn)
            digits = partial(matching, "[0-9]{12}", "must be the 12 digits of an AWS account")
            where = "where the bot runs (default: that of the ARN, else the caller's)"
            add("--principal", type=role, metavar="ARN", help="the bot's own role; for pools with role_arn")
            add("--account", type=digits, metavar="ID", help=where)
        case "table":
            add("--create", action="store_true", help="make the table, with the AWS credentials found here")
        case "sandbox":
            add("--port", type=port, default=DEFAULT_PORT, help="of the page (default %(default)s; 0 picks one)")
            add("--grid", action="store_true", help="in an Enterprise Grid organisation of two workspaces")
            add("--no-browser", action="store_true", help="do not open the page")


def port(text: str) -> int:
    """Return a port. Raises `argparse.ArgumentTypeError`, whose words follow the option's name."""
    if not text.isdecimal() or int(text) > HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to {HIGHEST_PORT}")
    return int(text)


def matching(form: str | re.Pattern[str], wrong: str, text: str) -> str:
    """Return a text of this form. Raises `argparse.ArgumentTypeError` with what is `wrong` of any other."""
    if not re.fullmatch(form, text):
        raise argparse.ArgumentTypeError(wrong)
    return text
