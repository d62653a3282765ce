"""`python -m bot VERB`. A verb imports what it needs when it is run."""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.options import SignOutOptions

DEFAULT_PORT = 3000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a verb; return the exit code: 0 done, 1 it could not be done, 2 wrong usage. `signout` has the AWS CLI's."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        if words[:1] == ["signout"]:
            return _signout(words[1:])
        options = _parser().parse_args(words)
        verb: Callable[[argparse.Namespace], int] = options.verb
        return verb(options)
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="signout-bot", description="Sign Cognito users out from Slack.")
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    run = verbs.add_parser("run", help="serve Slack over Socket Mode")
    run.add_argument("--host", default="127.0.0.1", help="where /healthz listens (default %(default)s)")
    run.add_argument("--port", type=_port, help="of /healthz; 0 picks one (default PORT, else 3000)")
    run.set_defaults(verb=_run)
    sandbox = verbs.add_parser("sandbox", help="try the bot on this machine, without any account")
    sandbox.add_argument("--port", type=_port, default=DEFAULT_PORT, help="of the page (default %(default)s)")
    sandbox.add_argument("--no-browser", action="store_true", help="do not open the page")
    sandbox.set_defaults(verb=_sandbox)
    table = verbs.add_parser("table", help="print the DynamoDB table of SIGNOUT_STORE as CloudFormation, or make it")
    table.add_argument("--create", action="store_true", help="make the table, with the AWS credentials found here")
    table.set_defaults(verb=_table)
    verbs.add_parser("signout", help="sign out from this terminal, spelled as the AWS CLI spells it")
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:  # noqa: PLR2004 -- the highest port there is
        raise argparse.ArgumentTypeError("must be a number from 0 to 65535")
    return int(text)


def _run(options: argparse.Namespace) -> int:
    from bot.config import SettingsError, load
    from bot.edge.health import HealthPageError
    from bot.edge.logs import configure
    from bot.edge.socket_mode import RefusedTokenError
    from bot.errors import StoreError
    from bot.wiring import serve

    try:
        settings = load(os.environ)
        port = options.port if options.port is not None else _port_of(os.environ)
    except SettingsError as error:
        return _failed(*error.faults)
    for secret in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"):
        os.environ.pop(secret, None)  # Bolt would read them by itself, and whatever is started from here inherit them
    configure(settings.log_level, settings.secrets)
    try:
        asyncio.run(_until_signalled(lambda stop: serve(settings, host=options.host, port=port, stop=stop)))
    except (HealthPageError, RefusedTokenError, StoreError) as error:
        return _failed(str(error))
    return 0


def _port_of(environment: Mapping[str, str]) -> int:
    from bot.config import SettingsError

    try:
        return _port(environment.get("PORT") or str(DEFAULT_PORT))
    except argparse.ArgumentTypeError as error:
        raise SettingsError([f"PORT {error}."]) from None


def _sandbox(options: argparse.Namespace) -> int:
    try:
        from bot.sandbox.start import run
    except ModuleNotFoundError:
        return _failed("The sandbox is not in this image. Run it from a clone: see Try it in the README.")
    return asyncio.run(run(options.port, browser=not options.no_browser)) or 0


def _table(options: argparse.Namespace) -> int:
    from bot.config import SettingsError, store_address
    from bot.errors import StoreError, StoreUnavailableError
    from bot.stores.create import create
    from bot.stores.table import cloud_formation

    try:
        kind, _, name = store_address(os.environ).partition("://")
        if kind != "dynamodb":
            return _failed("SIGNOUT_STORE names no DynamoDB table. Set it to dynamodb://TABLE.")
        if options.create:
            create(name, print)
        else:
            print(cloud_formation(name))  # noqa: T201 -- this is what was asked for
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
    from bot.config import SettingsError, load
    from bot.edge.logs import configure
    from bot.errors import CallerUnknownError, StoreError
    from bot.terminal.codes import Code
    from bot.wiring import terminal

    try:
        settings = load(os.environ)
        configure("WARNING", settings.secrets)
        with _no_complaints(), terminal(settings) as opened:
            return opened.sign_out(options, yes=yes)
    except SettingsError as error:
        _failed(*error.faults)
    except (CallerUnknownError, StoreError) as error:
        _failed(str(error))
    return Code.SETTINGS


@contextmanager
def _no_complaints() -> Iterator[None]:
    """Keep Python from complaining to the person here about what Ctrl-C leaves half made, such as an answer."""
    before, sys.unraisablehook = sys.unraisablehook, lambda _: None
    try:
        yield
    finally:
        sys.unraisablehook = before


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
