"""`python -m bot VERB`. A verb imports what it needs when it is run."""

import argparse
import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from bot import __version__
from bot.facts.aws_names import ROLE_OR_USER
from bot.terminal.output import OutputError, show

if TYPE_CHECKING:
    from bot.options import SignOutOptions

DEFAULT_PORT = 3000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a verb; return the exit code: 0 done, 1 it could not be done, 2 wrong usage. `signout` has the AWS CLI's."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        if words[:1] == ["signout"]:
            return _signout(words[1:])
        if words[:1] == ["audit"]:
            return _audit(words[1:])
        options = _parser().parse_args(words)
        verb: Callable[[argparse.Namespace], int] = options.verb
        return verb(options)
    except KeyboardInterrupt:
        return 130
    except OutputError as error:
        return _failed(str(error))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="signout-bot",
        description="Sign Cognito users out from Slack.",
        epilog="Exit codes: 0 done, 1 it could not be done, 2 wrong usage, 130 Ctrl-C. signout has the AWS CLI's.",
    )
    parser.add_argument("-V", "--version", action="version", version=f"%(prog)s {__version__}")
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    def add(name: str, about: str, more: str, verb: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
        whole = f"{about[0].upper()}{about[1:]}. {more}"
        added = verbs.add_parser(name, help=about, description=whole, allow_abbrev=False)
        added.set_defaults(verb=verb)
        return added

    run = add(
        "run", "serve Slack until SIGTERM", "Over Socket Mode where SLACK_APP_TOKEN is set, else over HTTP.", _run
    )
    run.add_argument("--http", action="store_true", help="over HTTP in any case")
    run.add_argument("--host", default="127.0.0.1", help="where it listens (default %(default)s)")
    run.add_argument(
        "--port",
        type=_port,
        help="of the health pages, and of /slack/events over HTTP; 0 picks one (default PORT, else 3000)",
    )
    check = add("check", "try everything the bot needs, and say what is missing", "It signs nobody out.", _check)
    check.add_argument("--no-post", action="store_true", help="post no test line to the audit channel")
    check.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    verbs.add_parser("signout", help="sign somebody out from this terminal, as the AWS CLI does")
    verbs.add_parser("audit", help="show the audit log")
    manifest = add("manifest", "print the Slack app's manifest", "For Socket Mode, unless there is --http.", _manifest)
    manifest.add_argument(
        "--http", metavar="URL", help="for HTTP mode, with the address at which Slack reaches the bot"
    )
    policy = add(
        "iam-policy",
        "print the least that AWS must allow the bot",
        "With role_arn, what that role needs as well.",
        _iam_policy,
    )
    policy.add_argument(
        "--principal", type=_principal, metavar="ARN", help="the bot's own role; for pools with role_arn"
    )
    policy.add_argument(
        "--account",
        type=_account,
        metavar="ID",
        help="where the bot runs (default: that of the ARN, else the caller's)",
    )
    table = add("table", "print the DynamoDB table, or make it", "As CloudFormation; SIGNOUT_STORE names it.", _table)
    table.add_argument("--create", action="store_true", help="make the table, with the AWS credentials found here")
    sandbox = add("sandbox", "try the bot on this machine, without any account", "Ctrl-C stops it all.", _sandbox)
    sandbox.add_argument(
        "--port", type=_port, default=DEFAULT_PORT, help="of the page (default %(default)s; 0 picks one)"
    )
    sandbox.add_argument("--no-browser", action="store_true", help="do not open the page")
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:  # noqa: PLR2004 -- the highest port there is
        raise argparse.ArgumentTypeError("must be a number from 0 to 65535")
    return int(text)


def _principal(text: str) -> str:
    if not ROLE_OR_USER.fullmatch(text):
        raise argparse.ArgumentTypeError("must be the ARN of a role, such as arn:aws:iam::123456789012:role/Bot")
    return text


def _account(text: str) -> str:
    if not re.fullmatch(r"\d{12}", text, re.ASCII):
        raise argparse.ArgumentTypeError("must be the 12 digits of an AWS account")
    return text


def _run(options: argparse.Namespace) -> int:
    from bot.aws.secrets import secret
    from bot.edge.health import HealthPageError
    from bot.edge.logs import configure
    from bot.edge.socket_mode import RefusedTokenError
    from bot.errors import StoreError
    from bot.settings.faults import SettingsError
    from bot.settings.load import load
    from bot.wiring.run import serve

    try:
        settings = load(os.environ, secret, http=options.http)
        port = options.port if options.port is not None else _port(os.environ.get("PORT") or str(DEFAULT_PORT))
    except SettingsError as error:
        return _failed(*error.faults)
    except argparse.ArgumentTypeError as error:
        return _failed(f"PORT {error}.")
    _drop_secrets()
    configure(settings.log_level, settings.secrets, settings.log_format)
    try:
        at = {"host": options.host, "port": port, "http": options.http}
        asyncio.run(_until_signalled(lambda stop: serve(settings, **at, stop=stop)))
    except (HealthPageError, RefusedTokenError, StoreError) as error:
        return _failed(str(error))
    return 0


def _drop_secrets() -> None:
    """Take Slack's out of the environment: Bolt would read them, and what boto3 starts for credentials inherit them."""
    from bot.settings.names import SECRETS

    for name in SECRETS:
        os.environ.pop(name, None)


def _check(options: argparse.Namespace) -> int:
    from bot.aws.secrets import secret
    from bot.edge.logs import configure
    from bot.settings.faults import SettingsError
    from bot.settings.load import load
    from bot.terminal.check_report import faulty_settings, report
    from bot.wiring.check import checks

    try:
        settings = load(os.environ, secret)
    except SettingsError as error:
        return report(faulty_settings(error.faults), as_json=options.json)
    _drop_secrets()
    configure("CRITICAL", settings.secrets, "console")  # what the libraries would log is in the lines, in other words
    return report(checks(settings, post=not options.no_post), as_json=options.json, secrets=settings.secrets)


def _sandbox(options: argparse.Namespace) -> int:
    try:
        from bot.sandbox.start import run
    except ModuleNotFoundError:
        return _failed("The sandbox is not in this image. Run it from a clone: see Try it in the README.")
    return asyncio.run(run(options.port, browser=not options.no_browser)) or 0


def _manifest(options: argparse.Namespace) -> int:
    from bot.slack.manifest import ManifestError, manifest

    try:
        show(manifest(options.http).rstrip("\n"))
    except ManifestError as error:
        return _failed(str(error))
    return 0


def _iam_policy(options: argparse.Namespace) -> int:
    from bot.errors import CallerUnknownError, SecretError
    from bot.settings.faults import SettingsError
    from bot.settings.load import load_without_slack
    from bot.settings.names import SECRETS
    from bot.settings.references import found_in
    from bot.wiring.iam import iam_policies

    try:
        settings = load_without_slack(os.environ)
        printed = iam_policies(
            settings, found_in(os.environ, SECRETS), principal=options.principal, own_account=options.account
        )
    except SettingsError as error:
        return _failed(*error.faults)
    except SecretError as error:
        return _failed(f"A SLACK_ setting {error}")
    except CallerUnknownError as error:
        return _failed("Say in which account the bot runs: --account ID.", str(error))
    show(json.dumps(printed, indent=2))
    return 0


def _table(options: argparse.Namespace) -> int:
    from bot.errors import StoreError, StoreUnavailableError
    from bot.settings.faults import SettingsError
    from bot.settings.load import load_store
    from bot.stores.create import create
    from bot.stores.table import cloud_formation
    from bot.wiring.shared import kind_and_place

    try:
        kind, name = kind_and_place(load_store(os.environ))
        if kind != "dynamodb":
            return _failed("SIGNOUT_STORE names no DynamoDB table. Set it to dynamodb://TABLE.")
        create(name, show) if options.create else show(cloud_formation(name))
    except SettingsError as error:
        return _failed(*error.faults)
    except (StoreError, StoreUnavailableError) as error:
        return _failed(error.reason if isinstance(error, StoreUnavailableError) else str(error))
    return 0


def _signout(words: Sequence[str]) -> int:
    from bot.aws.spelling import AwsSpelling
    from bot.terminal import command

    return command.run(words, AwsSpelling(command.read_file).read, _in_terminal)


def _in_terminal(options: "SignOutOptions", *, yes: bool) -> int:
    from bot.edge.logs import configure
    from bot.errors import CallerUnknownError, StoreError, StoreUnavailableError
    from bot.settings.faults import SettingsError
    from bot.settings.load import load
    from bot.terminal.codes import Code
    from bot.terminal.ctrl_c import without_complaints
    from bot.wiring.terminal import terminal

    try:
        settings = load(os.environ)
        _drop_secrets()
        configure("WARNING", settings.secrets, "console")
        with without_complaints(), terminal(settings) as opened:
            return opened.sign_out(options, yes=yes)
    except SettingsError as error:
        _failed(*error.faults)
    except (CallerUnknownError, StoreError) as error:
        _failed(str(error))
    except StoreUnavailableError as error:
        _failed(f"The store cannot be opened: {error.reason}. Check SIGNOUT_STORE, or try again.")
    return Code.SETTINGS


def _audit(words: Sequence[str]) -> int:
    from datetime import UTC, datetime

    from bot.errors import StoreError, StoreUnavailableError
    from bot.settings.faults import SettingsError
    from bot.settings.load import load_store
    from bot.terminal import audit_log
    from bot.terminal.ctrl_c import ending_at_once

    asked = audit_log.parse(words, datetime.now(UTC))
    from bot.wiring.audit import trail  # after that, since it takes a second

    try:
        with ending_at_once(), trail(load_store(os.environ)) as store:
            return audit_log.show(store.entries(asked.wanted.since, asked.request_id), asked.wanted, asked.format)
    except SettingsError as error:
        return _failed(*error.faults)
    except StoreError as error:
        return _failed(str(error))
    except StoreUnavailableError as error:
        return _failed(f"The store cannot be read: {error.reason}.")


async def _until_signalled(work: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop.set)
    await work(stop)


def _failed(*sentences: str) -> int:
    for sentence in sentences:
        print(sentence, file=sys.stderr)  # noqa: T201 -- a command line speaks on standard error
    return 1


if __name__ == "__main__":
    sys.exit(main())
