"""What each verb is for, and the command lines of those whose options are few.

Reading one says what is wrong with it, or help, and raises `SystemExit`, as argparse does.
"""

import argparse
import re
from collections.abc import Mapping, Sequence
from typing import NoReturn

from bot import __version__
from bot.facts.aws_names import ROLE_OR_USER

DEFAULT_PORT = 3000
HIGHEST_PORT = 65535
ABOUT: Mapping[str, str] = {
    "run": "serve Slack until SIGTERM",
    "check": "try everything the bot needs, and say what is missing",
    "signout": "sign a person out from this terminal, as the AWS CLI does",
    "audit": "show the audit log",
    "manifest": "print the Slack app's manifest",
    "iam-policy": "print the least that AWS must allow the bot",
    "table": "print the DynamoDB table, or make it",
    "sandbox": "try the bot on this machine, without any account",
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
    for name, line in ABOUT.items():
        verbs.add_parser(name, help=line)
    parser.parse_args(words)
    parser.error("the VERB comes first")


def read_run(words: Sequence[str]) -> argparse.Namespace:
    """Return `http`, `host`, and `port` where it was given."""
    parser = _parser("run", "Over Socket Mode where SLACK_APP_TOKEN is set, else over HTTP.")
    parser.add_argument("--http", action="store_true", help="over HTTP in any case")
    parser.add_argument("--host", default="127.0.0.1", help="where it listens (default %(default)s)")
    about = f"of the health pages, and of /slack/events over HTTP; 0 picks one (default PORT, else {DEFAULT_PORT})"
    parser.add_argument("--port", type=port, help=about)
    return parser.parse_args(words)


def read_check(words: Sequence[str]) -> argparse.Namespace:
    """Return `no_post` and `json`."""
    parser = _parser("check", "It signs no one out.")
    parser.add_argument("--no-post", action="store_true", help="post no test line to the audit channel")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    return parser.parse_args(words)


def read_manifest(words: Sequence[str]) -> argparse.Namespace:
    """Return the address of `http`."""
    parser = _parser("manifest", "For Socket Mode, unless there is --http.")
    parser.add_argument("--http", metavar="URL", help="for HTTP mode, with the address at which Slack reaches the bot")
    return parser.parse_args(words)


def read_iam_policy(words: Sequence[str]) -> argparse.Namespace:
    """Return `principal` and `account`."""
    parser = _parser("iam-policy", "With role_arn, what that role needs as well.")
    parser.add_argument(
        "--principal", type=_principal, metavar="ARN", help="the bot's own role; for pools with role_arn"
    )
    where = "where the bot runs (default: that of the ARN, else the caller's)"
    parser.add_argument("--account", type=_account, metavar="ID", help=where)
    return parser.parse_args(words)


def read_table(words: Sequence[str]) -> argparse.Namespace:
    """Return `create`."""
    parser = _parser("table", "As CloudFormation; SIGNOUT_STORE names it.")
    parser.add_argument("--create", action="store_true", help="make the table, with the AWS credentials found here")
    return parser.parse_args(words)


def read_sandbox(words: Sequence[str]) -> argparse.Namespace:
    """Return `port` and `no_browser`."""
    parser = _parser("sandbox", "Ctrl-C stops it all.")
    about = "of the page (default %(default)s; 0 picks one)"
    parser.add_argument("--port", type=port, default=DEFAULT_PORT, help=about)
    parser.add_argument("--no-browser", action="store_true", help="do not open the page")
    return parser.parse_args(words)


def port(text: str) -> int:
    """Return a port. Raises `argparse.ArgumentTypeError`, whose words follow the option's name."""
    if not text.isdecimal() or int(text) > HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to {HIGHEST_PORT}")
    return int(text)


def _parser(verb: str, more: str) -> argparse.ArgumentParser:
    about = f"{ABOUT[verb][0].upper()}{ABOUT[verb][1:]}. {more}"
    return argparse.ArgumentParser(prog=f"signout-bot {verb}", description=about, allow_abbrev=False)


def _principal(text: str) -> str:
    if not ROLE_OR_USER.fullmatch(text):
        raise argparse.ArgumentTypeError("must be the ARN of a role, such as arn:aws:iam::123456789012:role/Bot")
    return text


def _account(text: str) -> str:
    if not re.fullmatch(r"\d{12}", text, re.ASCII):
        raise argparse.ArgumentTypeError("must be the 12 digits of an AWS account")
    return text
