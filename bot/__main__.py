"""`python -m bot VERB`: the table of verbs is at the end. Each imports what it needs when it is run."""

import asyncio
import json
import logging
import os
import signal
import sys
from argparse import ArgumentTypeError
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from bot.errors import BotError, UsageError
from bot.options import asks_for_help
from bot.settings.environment import correct
from bot.terminal import command_lines
from bot.terminal.output import DONE, FAILED, INTERRUPTED, OF_SIGNOUT, say, show

if TYPE_CHECKING:
    from bot.settings.model import Settings
    from bot.settings.references import Resolve


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a verb; return the exit code: 0 done, 1 it could not be done, 2 wrong usage. `signout` has the AWS CLI's."""
    words = _with_help(sys.argv[1:] if arguments is None else list(arguments))
    if not words or words[0] not in VERBS:
        command_lines.read_no_verb(words)
    name = words[0]
    correct(os.environ)
    try:
        return VERBS[name](words[1:])
    except KeyboardInterrupt:
        return INTERRUPTED
    except BotError as error:
        usage = error.usage if isinstance(error, UsageError) else None
        say(f"{usage}\n\n{error}" if usage else str(error))
        return OF_SIGNOUT[error.code] if name == "signout" else FAILED


def _with_help(words: Sequence[str]) -> Sequence[str]:
    """Return the words with each way to ask for help, of the bot or of a verb, as the one that all of them know."""
    if words and asks_for_help(words[0]):
        return [*(word for word in words[1:2] if word in VERBS), "--help"]
    if words[1:] and words[0] in VERBS and asks_for_help(words[1]):
        return [words[0], "--help"]
    return words


def _run(words: Sequence[str]) -> int:
    given = command_lines.read("run", words)
    from bot.aws.secrets import secret
    from bot.settings.load import emptied
    from bot.settings.names import unused
    from bot.wiring.run import build

    settings = _settings(secret, http=given.http)
    port = _port_of_environment() if given.port is None else given.port
    _log(settings)
    for name, sentence in (unused(os.environ) | emptied(os.environ, settings)).items():
        logging.getLogger("bot.settings").warning("%s %s", name, sentence)
    bot = build(settings, http=given.http)

    async def until_signalled() -> None:
        stop = asyncio.Event()
        for each in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(each, stop.set)
        await bot.serve(given.host, port, stop)

    asyncio.run(until_signalled())
    return DONE


def _check(words: Sequence[str]) -> int:
    given = command_lines.read("check", words)
    from bot.aws.secrets import secret
    from bot.settings.faults import SettingsError
    from bot.settings.load import emptied
    from bot.settings.names import unused
    from bot.terminal.check_report import doubtful_variables, faulty_settings, report
    from bot.wiring.check import checks

    try:
        settings = _settings(secret)
    except SettingsError as error:  # here it is a finding
        faults = "\n".join(error.faults)
        others = {name: said for name, said in unused(os.environ).items() if name not in faults}
        return report(chain(doubtful_variables(others), faulty_settings(error.faults)), as_json=given.json)
    _log(settings, "CRITICAL")  # what the libraries would log is in the lines, in other words
    doubtful = doubtful_variables(unused(os.environ) | emptied(os.environ, settings))
    found = chain(doubtful, checks(settings, post=not given.no_post))
    return report(found, as_json=given.json, secrets=settings.secrets)


def _signout(words: Sequence[str]) -> int:
    from bot.aws.spelling import AwsSpelling
    from bot.terminal.output import without_complaints
    from bot.terminal.signout_command import read, read_file

    if not (command := read(words, AwsSpelling(read_file).read)):
        return DONE
    from bot.wiring.terminal import sign_out  # after that, since it takes a second

    (options, yes), settings = command, _settings()
    _log(settings, "WARNING")
    with without_complaints():
        return sign_out(settings, options, yes=yes)


def _audit(words: Sequence[str]) -> int:
    from datetime import UTC, datetime

    from bot.settings.load import load_store
    from bot.terminal import audit_command
    from bot.terminal.output import ending_at_once

    wanted = audit_command.parse(words, datetime.now(UTC))
    from bot.wiring.stores import followed_entries, stored_entries  # after that, since it takes a second

    store = load_store(os.environ)
    with ending_at_once():
        if wanted.follow:
            audit_command.write_entries(followed_entries(store, wanted.after, wanted.since), wanted)
            return DONE
        with stored_entries(store, wanted.since, wanted.request, wanted.list) as entries:
            audit_command.write_entries(entries, wanted)
    return DONE


def _manifest(words: Sequence[str]) -> int:
    given = command_lines.read("manifest", words)
    from bot.slack.manifest import manifest

    show(manifest(given.http, grid=given.grid).rstrip("\n"))
    return DONE


def _iam_policy(words: Sequence[str]) -> int:
    given = command_lines.read("iam-policy", words)
    from bot.settings.load import load_without_slack
    from bot.settings.model import SECRETS
    from bot.settings.references import found_in
    from bot.wiring.iam import iam_policies

    settings, references = load_without_slack(os.environ), found_in(os.environ, SECRETS)
    policies = iam_policies(settings, references, principal=given.principal, own_account=given.account)
    show(json.dumps(policies, indent=2))
    return DONE


def _table(words: Sequence[str]) -> int:
    given = command_lines.read("table", words)
    from bot.settings.faults import SettingsError
    from bot.settings.load import load_store
    from bot.stores.dynamodb.create import create
    from bot.stores.dynamodb.table import cloud_formation

    kind, name = load_store(os.environ).kind_and_place
    if kind != "dynamodb":
        raise SettingsError(["SIGNOUT_STORE names no DynamoDB table. Set it to dynamodb://TABLE."])
    if given.create:
        create(name, show)
    else:
        show(cloud_formation(name))
    return DONE


def _sandbox(words: Sequence[str]) -> int:
    given = command_lines.read("sandbox", words)
    try:
        from bot.sandbox.start import run
    except ModuleNotFoundError:
        hint = "Run it from a clone: see Try it in the README."
        raise BotError("The sandbox is not in this image.", hint) from None
    return asyncio.run(run(given.port, browser=not given.no_browser, grid=given.grid)) or DONE


def _settings(resolve: "Resolve | None" = None, *, http: bool = False) -> "Settings":
    """Load them, and take Slack's secrets out of the environment.

    Bolt would read them there, and what boto3 starts for credentials would inherit them. Raises `SettingsError`, also
    for a way to Slack or AWS that cannot be used.
    """
    from bot.facts.way import faults
    from bot.settings.faults import SettingsError
    from bot.settings.load import load
    from bot.settings.model import SECRETS

    wrong = list(faults())
    try:
        settings = load(os.environ, resolve, http=http)
    except SettingsError as error:
        wrong += error.faults
    if wrong:
        raise SettingsError(wrong)
    for name in SECRETS:
        os.environ.pop(name, None)
    return settings


def _log(settings: "Settings", level: str | None = None) -> None:
    """Log as the settings say; with a `level`, for the person at this terminal."""
    from bot.edge.logs import configure

    configure(level or settings.log_level, settings.secrets, "console" if level else settings.log_format)


def _port_of_environment() -> int:
    from bot.settings.faults import SettingsError

    try:
        return command_lines.port(os.environ.get("PORT") or str(command_lines.DEFAULT_PORT))
    except ArgumentTypeError as error:
        raise SettingsError([f"PORT {error}."]) from None


VERBS: Mapping[str, Callable[[Sequence[str]], int]] = {  # what each takes are the words after it
    "run": _run,
    "check": _check,
    "signout": _signout,
    "audit": _audit,
    "manifest": _manifest,
    "iam-policy": _iam_policy,
    "table": _table,
    "sandbox": _sandbox,
}

if __name__ == "__main__":
    sys.exit(main())
