"""No work of the SQLite store grows with history: a day of work costs the same after 5,000 requests as after 100."""

import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

import pytest
from examples import (
    ADA,
    NOON,
    SAM,
    added_to,
    approving_in,
    asked,
    claimed_in,
    decided_in,
    delivered_all,
    done_in,
    listing,
)
from lists import portion

from bot.action import Step
from bot.audit import Entry, Kind, by_account, entry_of, entry_of_ask
from bot.limits import EVERYONE, Window
from bot.list_accounts import child_of
from bot.ports import LiveMessage, MessageKind, Place, Show
from bot.request import Claim, Operator, Request, State, new_id
from bot.stores.documents import DUE_AT_ONCE, values_of_window
from bot.stores.sqlite import statements
from bot.stores.sqlite.store import SQLiteStore

LITTLE, MUCH = 100, 5_000
TABLES = ("requests", "entries", "cards", "portions")
# A copy of a request's id; that of a message beside the card ends as the original does.
COPY = "substr({0}, 1, 26) || printf('-%06d', time) || substr({0}, 27)"
OLD = 20  # of the old requests, which are forgotten in the day
YEAR, HOUR, SECOND = timedelta(days=365), timedelta(hours=1), timedelta(seconds=1)
PLACE = Place(response_url="https://hooks.slack.com/commands/T/1/secret", until=NOON + HOUR, replaces=False)
Steps = Mapping[str, int]
TABLES_OF_ALL = re.compile("requests|entries|cards|tallies|windows|history|portions|leases")

pytestmark = pytest.mark.long


class Counting(sqlite3.Connection):
    """A connection that counts SQLite's steps, for each text."""

    steps: ClassVar[Counter[str]] = Counter()
    current = ""

    def count(self) -> None:
        """Count from now on."""
        self.set_progress_handler(self._step, 1)

    def execute(self, sql: str, values: Any = (), /) -> sqlite3.Cursor:
        """Run a statement, whose rows are all read before the next one."""
        self.current = sql
        self.steps[sql] += 0
        return super().execute(sql, values)

    def _step(self) -> None:
        self.steps[self.current] += 1


@contextmanager
def counting() -> Iterator[Counter[str]]:
    """Give the steps of all that is done on connections made in here, once they count."""
    Counting.steps = Counter()
    connect = sqlite3.connect

    def counted(*arguments: Any, **options: Any) -> sqlite3.Connection:
        db = connect(*arguments, **options, factory=Counting)
        assert isinstance(db, Counting)
        db.count()
        return db

    with patch.object(sqlite3, "connect", counted):
        yield Counting.steps


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two files, one with little history and one with much, of the same people and accounts."""
    folder = tmp_path_factory.mktemp("history")
    return with_history(folder / "little.db", LITTLE), with_history(folder / "much.db", MUCH)


def with_history(path: Path, count: int) -> Path:
    """Return a file with so many old requests, each with its card and entries, and as many refusals."""
    store = SQLiteStore(path)
    store.open()
    # The same few are older than a year in both files.
    for at, times in ((NOON - 2 * YEAR, OLD), (NOON - YEAR / 2, count - OLD)):
        first = {table: 1 + last_number(store, table) for table in TABLES}
        done = done_in(store, at, show=Show(at=at))
        store.shown(LiveMessage(request_id=done.id, version=1))
        denied(store, at)
        list_done(store, at)
        refused(store, at=at)
        delivered_all(store, at)
        for table in TABLES:
            multiply(store, table, first[table], times)
    with store._file.write() as db:
        for number in range(count):
            db.execute(statements.PUT_WINDOW, values_of_window(Window(key=f"T0SIGNOUT1/U{number}")))
            values = {"key": f"own/{number}", "holder": "x", "until": "", "now": "", "beyond": ""}
            db.execute(statements.LEASE, values)
    store.close()
    return path


def last_number(store: SQLiteStore, table: str) -> int:
    return int(store._file.rows(f"SELECT coalesce(max(rowid), 0) FROM {table}")[0][0])  # noqa: S608 -- our own name


def multiply(store: SQLiteStore, table: str, first: int, times: int) -> None:
    """Make so many of each row from `first` on, with ids that begin as its own."""
    columns = [row["name"] for row in store._file.rows(f"PRAGMA table_info({table})")]
    if table != "portions":
        columns.remove("number")
    copied = [COPY.format(each) if each in {"id", "request_id", "list_id"} else each for each in columns]
    with store._file.write() as db:
        db.execute(
            f"""
            WITH RECURSIVE times (time) AS (SELECT 1 UNION ALL SELECT time + 1 FROM times WHERE time < {times - 1})
            INSERT INTO {table} ({", ".join(columns)})
            SELECT {", ".join(copied)} FROM times, {table} WHERE {table}.rowid >= {first}
            """  # noqa: S608 -- our own names
        )
        if table == "entries":
            db.execute(
                """
                INSERT INTO history
                SELECT subject, entries.id FROM history, entries WHERE substr(entries.id, 1, 26) = entry_id
                AND length(entries.id) > 26 AND entries.number >= ? AND entries.id NOT IN (SELECT entry_id FROM history)
                """,
                (first,),
            )


def denied(store: SQLiteStore, at: datetime = NOON) -> None:
    """Store a request that was denied, and whose messages were shown."""
    approving = approving_in(store, at)
    ended = approving.move(State.DENIED, ended_at=at)
    store.move(approving, ended, entry_of(ended, at), Show(at=at))
    for kind, due_at in ((MessageKind.CARD, at), (MessageKind.APPROVAL, DUE_AT_ONCE)):
        message = LiveMessage(request_id=ended.id, kind=kind, version=ended.version, due_at=due_at)
        held = store.hold_message(message, at + SECOND)
        assert held
        store.shown(replace(held, ts=("1.0",)))


def list_done(store: SQLiteStore, at: datetime = NOON) -> Request:
    """Store a list of two portions and an account, all of which have ended, and whose messages were shown."""
    request = list_of_a_day(store, at)
    running = request.move(State.RUNNING)
    store.move(request, running, None, None)
    done = running.move(State.DONE, ended_at=at)
    store.move(running, done, entry_of(done, at), Show(at=at))
    for kind, due_at in ((MessageKind.CARD, at), (MessageKind.PROGRESS, DUE_AT_ONCE)):
        message = LiveMessage(request_id=done.id, kind=kind, version=done.version, due_at=due_at)
        held = store.hold_message(message, at + SECOND)
        assert held
        store.shown(replace(held, ts=("1.0",)))
    return done


def list_of_a_day(store: SQLiteStore, at: datetime = NOON) -> Request:
    """Store a list that is READY, and an account of it that was signed out."""
    request = listing(id=new_id(at))
    store.add(request, entry_of(request, at), Show(at=at))
    for number in range(2):
        store.put_portion(request.id, number, [ADA, ADA])
    ready = request.move(State.READY, decided_at=at)
    store.move(request, ready, entry_of(ready, at), Show(at=at))
    child = child_of(ready, 0, ADA, at)
    store.add(child, None, None)
    running = child.move(State.RUNNING, claim=Claim(id="x", at=at, until=at))
    store.move(child, running, None, None)
    done = running.move(State.DONE, done=(str(Step.SIGN_OUT),), ended_at=at)
    store.move(running, done, entry_of(done, at), None)
    return ready


def refused(store: SQLiteStore, operator: Operator = SAM, at: datetime = NOON) -> Entry:
    entry = entry_of_ask(Kind.REFUSED, asked(operator=operator, id=new_id(at)), "not allowed", at)
    store.record(entry)
    return entry


def requests_of_a_day(store: SQLiteStore) -> None:
    for _ in range(3):
        done_in(store, show=Show(at=NOON, place=PLACE))
        added_to(store, show=Show(at=NOON, place=PLACE))
        ready = decided_in(store)
        failed = ready.move(State.FAILED, ended_at=NOON)
        store.move(ready, failed, entry_of(failed, NOON), Show(at=NOON, place=PLACE))
        decided_in(store)
        claimed = claimed_in(store)
        store.get(claimed.id)
        store.last_signed_out(ADA)
        store.last_signed_out(replace(ADA, username="grace"))
        assert len(store.past([by_account(ADA), "target##ada"], 5)) == 5
        count_of_a_day(store)
    for look in (store.expired, store.ready, store.dead):
        assert look(NOON + HOUR, 100)
        assert look(NOON - YEAR, 100, NOON - HOUR)
        look(NOON - YEAR, 100, NOON + YEAR)


def lists_of_a_day(store: SQLiteStore) -> None:
    for _ in range(3):
        request = list_of_a_day(store)
        assert store.lists(NOON, 100)
        assert store.lists(NOON - YEAR, 100, NOON - HOUR)
        assert store.lease("own/7", request.id, NOON, NOON + HOUR, HOUR)
        assert not store.lease("own/7", "another", NOON, NOON + HOUR, HOUR)
        store.give_back("own/7", request.id)
        assert portion(store, request.id, 1)
        assert not portion(store, request.id, 2)
        assert store.signed_out_at(ADA)
        noted = request.move(State.RUNNING, listed=replace(request.contents, worked_at=NOON))
        store.move(request, noted, None, None)
        store.progress_ts(request.id)
        assert len(list(store.entries(None, None, request.id))) == 3


def count_of_a_day(store: SQLiteStore) -> None:
    """Ask a second person, count what was decided, and tell that a limit was reached."""
    approving = approving_in(store)
    ready = approving.move(State.READY, decided_at=NOON)
    read = store.windows(["T0SIGNOUT1/U7", EVERYONE])
    counted = [replace(each, accounts={ADA.key: NOON}) for each in read]
    store.move(approving, ready, entry_of(ready, NOON), Show(at=NOON), counted)
    (window,) = store.windows([EVERYONE])
    store.tell([replace(window, told_at=NOON)], entry_of_ask(Kind.LIMITED, ready.ask, "limits.all", NOON, ADA))
    approving_in(store)
    store.awaiting_approval()


def deliveries_of_a_day(store: SQLiteStore) -> None:
    for operator in (SAM, replace(SAM, id="U0OTHER001")):
        for entry in [refused(store, operator) for _ in range(5)]:
            held = store.hold(entry, NOON + SECOND)
            assert held
            store.postponed(held, NOON + HOUR)
    store.due_entries(NOON - YEAR, 5, NOON - HOUR, refused=True)
    store.next_entry_at()
    store.backlog()
    for refused_ in (False, True):
        store.next_entry_at(refused=refused_)
        for entry in store.due_entries(NOON + HOUR, 5, refused=refused_):
            store.delivered(entry, "1.0", NOON + HOUR)
    tally = replace(refused(store), id=new_id(NOON), count=7)
    store.tally([tally])
    assert store.tallies(NOON + SECOND, 9)
    store.settle(tally.id, NOON)


def cards_of_a_day(store: SQLiteStore) -> None:
    assert store.due_messages(NOON - YEAR, 50, NOON - HOUR)
    held = [store.hold_message(each, NOON + SECOND) for each in store.due_messages(NOON, 50)]
    for number, each in enumerate(filter(None, held)):
        if number % 2:
            store.shown(each)
        else:
            store.not_shown(each, NOON + HOUR)
    request = added_to(store, show=Show(at=NOON, place=PLACE))
    store.shown(LiveMessage(request_id=request.id, version=1))
    store.show_again(request.id)
    store.forget_places(NOON + HOUR)


def rounds_of_a_day(store: SQLiteStore) -> None:
    """Do what is done each second or hour."""
    assert store.forget(NOON - YEAR) == 11 * OLD
    assert store.forget(NOON - YEAR) == 0
    store.check_writable()


def reading_in_a_day(store: SQLiteStore) -> None:
    entries = list(store.entries(NOON, None))
    assert entries
    assert list(store.entries(None, entries[0].ask.id))
    assert len(list(store.entries(NOON, None, each_account=False))) < len(entries)
    for following in (store.follow(entries[0].id, None), store.follow(None, NOON)):
        assert list(iter(following.__next__, None))


def unreadable_rows(store: SQLiteStore) -> None:
    """Break a due row of each kind."""
    added_to(store, show=Show(at=NOON))
    refused(store)
    broken = "UPDATE {0} SET {1} WHERE number = (SELECT max(number) FROM {0});"
    breaks = {"requests": "document = '{}'", "entries": "document = '{}'", "cards": "due_at = ''"}
    with store._file.connection() as db:
        db.executescript("".join(broken.format(*each) for each in breaks.items()))
    store.expired(NOON + HOUR, 9)
    store.due_entries(NOON + HOUR, 9, refused=True)
    store.due_messages(NOON + HOUR, 9)
    store.open()


DAY: tuple[Callable[[SQLiteStore], None], ...] = (
    requests_of_a_day,
    lists_of_a_day,
    deliveries_of_a_day,
    cards_of_a_day,
    rounds_of_a_day,
    reading_in_a_day,
    unreadable_rows,
)


def statements_of_the_store() -> Mapping[str, str]:
    return {
        text: name
        for name, text in vars(statements).items()
        if isinstance(text, str) and name.isupper() and not name.startswith("_")
    }


def steps_of_a_day(files: tuple[Path, Path], folder: Path) -> tuple[Steps, Steps]:
    """Return the steps of a day of work on a copy of each file."""
    little, much = (_steps_of_a_day(path, folder) for path in files)
    return little, much


def _steps_of_a_day(path: Path, folder: Path) -> Steps:
    copy = folder / path.name
    copy.write_bytes(path.read_bytes())
    store = SQLiteStore(copy)
    with counting() as steps:
        store.open()
        for part in DAY:
            part(store)
        store.close()
    return steps


def grown(little: Steps, much: Steps) -> set[str]:
    """Return the statements whose steps are not the same, to a tenth, with little and with much history."""
    return {text for text in little.keys() | much.keys() if abs(much[text] - little[text]) > little[text] / 10}


def test_a_day_of_work_takes_the_same_steps_after_much_history_as_after_little(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    little, much = steps_of_a_day(files, tmp_path)
    assert grown(little, much) == set()
    assert sum(much.values()) == pytest.approx(sum(little.values()), rel=0.1)


def test_every_statement_is_run_in_that_day_and_no_other_one_on_the_tables(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    _, much = steps_of_a_day(files, tmp_path)
    known = statements_of_the_store()
    assert {known[text] for text in known if not much.get(text)} == set(), "never run"
    assert {text for text in much if TABLES_OF_ALL.search(text)} <= set(known)


@pytest.mark.parametrize(
    "careless",
    [
        "undelivered: SELECT id, at, document FROM entries WHERE refused = 0 AND coalesce(next_at, '') = :upto",
        "awaiting: SELECT id, document FROM requests WHERE due_at <= :upto",
        "card: SELECT request_id AS id, version, due_at, failures FROM cards WHERE coalesce(due_at, '') >= :since",
    ],
)
def test_a_statement_that_reads_what_is_over_is_found(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, careless: str
) -> None:
    what, _, text = careless.partition(": ")
    monkeypatch.setattr(statements, "WAITING", {**statements.WAITING, what: text})
    assert text in grown(*steps_of_a_day(files, tmp_path))
