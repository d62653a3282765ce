"""`audit`: its command line, and the log to standard output, an entry at a time."""

import argparse
import gc
import select
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TextIO

from bot.audit import Entry, Kind
from bot.facts.duration import read_duration
from bot.terminal.audit_formats import MARK, Write, as_csv, as_json, as_table
from bot.terminal.command_lines import matching
from bot.terminal.output import writing

LOOK_EVERY_SECONDS = 1
LOOKED_AT_ONCE = 500  # after so many entries, what was found among them is written
_ABOUT = """\
Shows the audit log from the bot's store, oldest first. Run it where the bot runs: it needs the store's setting and the
right to read the store, and neither Slack nor Cognito. All of it is shown, personal data too: the
setting `pii` does not matter here."""
FORMATS: Mapping[str, Callable[[TextIO], Write]] = {
    "table": lambda out: as_table(out, shutil.get_terminal_size().columns if out.isatty() else None),
    "json": as_json,
    "csv": as_csv,
    "csv-excel": partial(as_csv, mark=MARK),
}
_ABOUT_FORMATS = """\
WHEN is how long ago (90s, 30m, 2h, 7d), a date (its first moment), or a date with a time: 2026-11-20T10:00Z. Without an
offset it is UTC, as is everything shown.

table: for people; cut to the width of a terminal, uncut elsewhere. Invisible characters show as \\u202E.
json:  one object a line, with all fields of the entry.
csv:   the same fields, with a header. A text that a spreadsheet would run as a formula (it begins with = + - @, also
       after blanks or in full width, or with a tab or a carriage return) gets an apostrophe in front, and so
       does each part after a semicolon, tab or line break; the JSON has the text as it was.
csv-excel: the same with a byte order mark, so that Excel shows every letter rightly after a double click on the file.
       Where Excel expects semicolons (in many countries), import it instead: Data, From Text/CSV.

Exit codes: 0 done, also where nothing matches; 1 the store or the output fails; 2 wrong usage; 130 Ctrl-C."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditQuery:
    """What a command line asks for; None and an empty list ask for nothing. Letter case does not count.

    `request` and `list` are the store's to ask.
    """

    since: datetime | None = None
    until: datetime | None = None
    operator: str | None = None
    target: str | None = None
    pool: str | None = None
    outcome: Sequence[Kind] = ()
    request: str | None = None
    list: str | None = None
    last: int | None = None
    follow: bool = False
    after: str | None = None
    format: str = "table"

    def passes(self, entry: Entry) -> bool:
        """Return whether this entry is wanted: from `since` on, and before `until`."""
        ask, account = entry.ask, entry.chosen
        listed = entry.request and entry.request.listed
        where = account or listed
        names = (account.username, account.email, account.phone, account.sub) if account else ()
        return (
            (self.since is None or entry.at >= self.since)
            and (self.until is None or entry.at < self.until)
            and (not self.outcome or entry.kind in self.outcome)
            and _is_one_of(self.operator, ask.operator.id, ask.operator.name)
            and _is_one_of(self.pool, *((where.pool, where.pool_id) if where else ()))
            and _is_one_of(self.target, ask.options.target, *names)
        )


def _is_one_of(wanted: str | None, *values: str | None) -> bool:
    return wanted is None or wanted.casefold() in {value.casefold() for value in values if value}


def parse(words: Sequence[str], now: datetime) -> AuditQuery:
    """Read a command line. Says what is wrong with it, or help, and raises `SystemExit` as argparse does."""
    parser = _parser(now)
    given = parser.parse_args(words)
    given.format = given.format or ("json" if given.follow else "table")
    query = AuditQuery(**vars(given))
    if query.since and query.until and query.since >= query.until:
        parser.error("--since must be before --until: nothing lies between them")
    if query.after and not query.follow:
        parser.error("--after needs --follow")
    one = query.request or query.list
    if query.follow and (query.until or one or query.last or query.format != "json"):
        parser.error("--follow writes --format json, and goes on: it takes no --until, --request, --list or --last")
    if query.request and query.list:
        parser.error("--request and --list do not go together")
    return query


def _parser(now: datetime) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "signout-bot audit",
        description=_ABOUT,
        epilog=_ABOUT_FORMATS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add, moment = parser.add_argument, partial(_moment, now)
    add("--since", type=moment, metavar="WHEN", help="nothing older")
    add("--until", type=moment, metavar="WHEN", help="only what is older")
    add("--operator", metavar="WHO", help="Slack id, ARN or name of who asked")
    add("--target", metavar="WHAT", help="as typed, or the account's user name, email, phone or sub")
    add("--pool", metavar="POOL", help="short name or id")
    kinds = f"{', '.join(Kind)}; may be given several times"
    add("--outcome", type=Kind, choices=list(Kind), metavar="WHICH", action="append", default=[], help=kinds)
    add("--follow", action="store_true", help="go on, with each entry as it comes, until Ctrl-C; JSON")
    add("--after", type=_id, metavar="ENTRY", help="with --follow: only what comes after the entry with this id")
    add("--request", type=_id, metavar="ID", help="one request, from its card to its outcome")
    add("--list", type=_id, metavar="ID", help="one list, with each of its accounts that has ended")
    add("--last", type=_number, metavar="N", help="only the last N of what the other options leave")
    add("--format", choices=FORMATS, default=None, help="(default table; with --follow json)")
    return parser


def write_entries(entries: Iterable[Entry | None], query: AuditQuery) -> None:
    """Write what is wanted to standard output. Memory holds one entry, or the `last` ones. Raises `OutputError`.

    At None, what there is was written: the next is asked for `LOOK_EVERY_SECONDS` later, if someone still reads.
    """
    if query.last:
        entries = deque((each for each in entries if each and query.passes(each)), maxlen=query.last)
    gc.freeze()  # else every few entries everything that was imported is searched for garbage
    with writing() as out:
        out.reconfigure(encoding="utf-8", newline="")  # type: ignore[attr-defined]  # in any locale
        write = FORMATS[query.format](out)
        for count, entry in enumerate(entries):
            if entry and query.passes(entry):
                write(entry)
            if query.follow or count % LOOKED_AT_ONCE == 0:
                out.flush()
            if not entry and _reader_leaves(out):
                break


def _reader_leaves(out: TextIO) -> bool:
    """Wait `LOOK_EVERY_SECONDS`; return at once, and True, where the other end of a pipe is closed meanwhile."""
    end = select.poll()
    end.register(out, 0)
    return bool(end.poll(LOOK_EVERY_SECONDS * 1000))


def _moment(now: datetime, text: str) -> datetime:
    try:
        if (ago := read_duration(text)) is not None:
            return now - ago
        given = datetime.fromisoformat(text)
        return (given if given.tzinfo else given.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        wrong = "must be 90s, 30m, 2h or 7d ago, or a date such as 2026-11-20 or 2026-11-20T10:00Z"
        raise argparse.ArgumentTypeError(wrong) from None


def _number(text: str) -> int:
    return int(matching(r"0*[1-9][0-9]{0,4}", "must be a number from 1 to 99999", text))


def _id(text: str) -> str:
    wrong = "must be an id of 26 characters, such as 01M81J18G0S2FYJA4JPP0958ZR"
    return matching(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", wrong, text.upper())
