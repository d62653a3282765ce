"""`audit`: its command line, and the log to standard output, an entry at a time."""

import argparse
import gc
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TextIO

from bot.audit import Entry, Kind
from bot.facts.duration import read_duration
from bot.terminal.audit_filter import Wanted
from bot.terminal.audit_formats import Write, as_csv, as_json
from bot.terminal.audit_table import as_table
from bot.terminal.output import OutputError, write_no_more

LOOKED_AT_ONCE = 500  # after so many entries, what was found among them is written
_ABOUT = """\
Shows the audit log from the bot's store, oldest first. Run it where the bot runs: it needs the store's setting and the
right to read the store, and neither Slack nor Cognito. All of it is shown, personal data too: the
setting `pii` does not matter here."""
_FORMATS = """\
WHEN is how long ago (90s, 30m, 2h, 7d), a date (its first moment), or a date with a time: 2026-11-20T10:00Z. Without an
offset it is UTC, as is everything shown.

table: for people; cut to the width of a terminal, uncut elsewhere. Invisible characters show as \\u202E.
json:  one object a line, with all fields of the entry.
csv:   the same fields, with a header. A text that a spreadsheet would run as a formula (it begins with = + - @, a tab
       or a carriage return) gets an apostrophe in front; the JSON has the text as it was.

Exit codes: 0 done, also where nothing matches; 1 the store or the output fails; 2 wrong usage; 130 Ctrl-C."""


@dataclass(frozen=True, slots=True)
class AuditOptions:
    """What a command line asks for."""

    wanted: Wanted
    request_id: str | None
    format: str


def parse(words: Sequence[str], now: datetime) -> AuditOptions:
    """Read a command line. Says what is wrong with it, or help, and raises `SystemExit` as argparse does."""
    parser = _parser(now)
    given = parser.parse_args(words)
    if given.since and given.until and given.since >= given.until:
        parser.error("--since must be before --until: nothing lies between them")
    wanted = Wanted(
        since=given.since,
        until=given.until,
        operator=given.operator,
        target=given.target,
        pool=given.pool,
        outcomes=frozenset(given.outcome),
    )
    return AuditOptions(wanted, given.request, given.format)


def _parser(now: datetime) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "signout-bot audit",
        description=_ABOUT,
        epilog=_FORMATS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add, moment = parser.add_argument, _moment(now)
    add("--since", type=moment, metavar="WHEN", help="nothing older")
    add("--until", type=moment, metavar="WHEN", help="only what is older")
    add("--operator", metavar="WHO", help="Slack id, ARN or name of who asked")
    add("--target", metavar="WHAT", help="as typed, or the account's user name, email, phone or sub")
    add("--pool", metavar="POOL", help="short name or id")
    kinds = f"{', '.join(Kind)}; may be given several times"
    add("--outcome", type=Kind, choices=list(Kind), metavar="WHICH", action="append", default=[], help=kinds)
    add("--request", type=_request_id, metavar="ID", help="one request, from its card to its outcome")
    add("--format", choices=("table", "json", "csv"), default="table", help="(default %(default)s)")
    return parser


def write_entries(entries: Iterable[Entry], wanted: Wanted, form: str) -> None:
    """Write what is wanted to standard output. Memory holds one entry. Raises `OutputError`."""
    out = sys.stdout
    gc.freeze()  # else every few entries everything that was imported is searched for garbage
    try:
        _stream(entries, wanted, _writer(form, out), out)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        write_no_more()
    except OSError as error:
        write_no_more()
        raise OutputError(error) from None


def _stream(entries: Iterable[Entry], wanted: Wanted, write: Write, out: TextIO) -> None:
    for count, entry in enumerate(entries):
        if wanted.passes(entry):
            write(entry)
        if count % LOOKED_AT_ONCE == 0:
            out.flush()
    out.flush()


def _writer(form: str, out: TextIO) -> Write:
    out.reconfigure(encoding="utf-8", newline="")  # type: ignore[attr-defined]  # in any locale
    if form == "json":
        return as_json(out)
    if form == "csv":
        return as_csv(out)
    return as_table(out, shutil.get_terminal_size().columns if out.isatty() else None)


def _moment(now: datetime) -> Callable[[str], datetime]:
    def read(text: str) -> datetime:
        try:
            if (ago := read_duration(text)) is not None:
                return now - ago
            given = datetime.fromisoformat(text)
            return (given if given.tzinfo else given.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            wrong = "must be 90s, 30m, 2h or 7d ago, or a date such as 2026-11-20 or 2026-11-20T10:00Z"
            raise argparse.ArgumentTypeError(wrong) from None

    return read


def _request_id(text: str) -> str:
    if not re.fullmatch(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", text.upper()):
        raise argparse.ArgumentTypeError("must be a request id of 26 characters, such as 01M81J18G0S2FYJA4JPP0958ZR")
    return text.upper()
