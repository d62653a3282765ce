"""`audit --follow`: each entry once, in an order that never changes, also after kills, delays and deletions."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import ctrl_c
import pytest
from dynamodb import DynamoDB, refuse
from examples import NOON, StoppedClock, asked
from shell import BARE
from ulid import ULID

from bot.__main__ import main
from bot.audit import Delivery, Entry, Kind, entry_of_ask
from bot.facts.clock import AGREES_WITHIN, CheckedClock
from bot.request import new_id
from bot.settings.model import StoreSettings
from bot.stores.dynamodb import calls, items
from bot.stores.dynamodb.reader import FINAL_AFTER, DynamoDBReader
from bot.stores.dynamodb.store import DynamoDBStore
from bot.stores.following import CannotFollowError
from bot.stores.sqlite.store import SQLiteStore
from bot.wiring.stores import Store, followed_entries

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
Following = Iterator[Entry | None]


@pytest.fixture(params=["sqlite", "dynamodb"])
def store(request: pytest.FixtureRequest) -> Store:
    """Each store in turn."""
    found: Store = request.getfixturevalue(f"{request.param}_store")
    return found


def refusal(at: datetime = NOON, target: str = "ada") -> Entry:
    return entry_of_ask(Kind.REFUSED, asked(target), "not allowed", at)


def recorded(store: Store, at: datetime = NOON) -> Entry:
    entry = refusal(at)
    store.record(entry)
    return entry


def come(following: Following) -> list[Entry]:
    """Return what has come by now."""
    return [entry for entry in iter(following.__next__, None) if entry]


def after(store: Store, entry: Entry | None) -> list[Entry]:
    return come(store.follow(entry.id if entry else None, None))


# The order


def test_each_entry_comes_once_from_wherever_one_goes_on(store: Store) -> None:
    written = [recorded(store, NOON + timedelta(seconds=number // 3)) for number in range(12)]
    all_of = after(store, None)
    assert sorted(each.id for each in all_of) == sorted(each.id for each in written)
    assert [after(store, each) for each in all_of] == [all_of[number:] for number in range(1, 13)]


def test_what_is_written_while_one_follows_comes_then_and_nothing_comes_again(store: Store) -> None:
    following = store.follow(None, None)
    assert come(following) == []
    for second in range(3):
        entry = recorded(store, NOON + second * SECOND)
        assert come(following) == [entry]
        assert come(following) == []


def test_a_start_at_a_time_leaves_out_what_is_long_before_and_nothing_after(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_told(monkeypatch, NOON + 99 * DAY)
    recorded(store, NOON - DAY)
    later = [recorded(store, NOON), recorded(store, NOON + 40 * DAY)]
    assert come(store.follow(None, NOON)) == later
    assert come(store.follow(None, NOON + 50 * DAY)) == []
    assert come(store.follow(None, datetime(1, 1, 1, tzinfo=UTC))) == after(store, None)


def test_after_a_deleted_entry_no_one_goes_on_as_if_nothing_had_been_missed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_told(monkeypatch, NOON + 99 * DAY)
    old, newest = recorded(store), recorded(store, NOON + DAY)
    for each in store.due_entries(NOON + DAY, 9, refused=True):
        store.delivered(each, "1.0", NOON)
    while store.forget(NOON + 9 * DAY):
        pass
    for unknown in (old.id, new_id(NOON), "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"):
        with pytest.raises(CannotFollowError, match=f"Entry {unknown} is not in this store: it was deleted"):
            come(store.follow(unknown, None))
    assert after(store, newest) == [], "where nothing has come since, nothing was missed"
    again = recorded(store, NOON + 10 * DAY)
    assert after(store, newest) == [again], "and the place of no entry is given twice"


def test_an_entry_that_cannot_be_read_is_not_left_out_unless_one_says_so(store: Store) -> None:
    first, unreadable, last = (recorded(store, NOON + second * SECOND) for second in range(3))
    if isinstance(store, SQLiteStore):
        with store._file.write() as db:
            db.execute("UPDATE entries SET document = '{}' WHERE id = ?", (unreadable.id,))
    else:
        store._calls.write_one(items.assign(items.entry_key(unreadable.id), {"document": "{}"}, ""))
    following = store.follow(None, None)
    assert next(following) == first
    with pytest.raises(CannotFollowError, match=f"Entry {unreadable.id} cannot be read .* --after {unreadable.id}"):
        next(following)
    assert after(store, unreadable) == [last]


def test_in_a_file_an_entry_that_was_late_comes_when_it_is_there(sqlite_store: SQLiteStore) -> None:
    tally = replace(refusal(), count=7, until=NOON, examples=("ada",), delivery=Delivery())
    sqlite_store.tally([tally])
    later = recorded(sqlite_store, NOON + DAY)
    following = sqlite_store.follow(None, None)
    assert come(following) == [later]
    sqlite_store.settle(tally.id, NOON + DAY)
    assert [each.id for each in come(following)] == [tally.id]
    assert [each.id for each in after(sqlite_store, later)] == [tally.id]


# DynamoDB, with several instances


class Unchecked(CheckedClock):
    """A clock that believes itself: an instance's that is a little off."""

    def answered(self, *_: object) -> None:
        """Do nothing."""


def of_clock(table: str, at: datetime, kind: type[CheckedClock] = Unchecked) -> DynamoDBStore:
    store = DynamoDBStore(table, clock=kind(StoppedClock(at)))
    store.open()
    return store


def is_told(monkeypatch: pytest.MonkeyPatch, at: datetime) -> None:
    """Let DynamoDB's answers tell this time."""
    monkeypatch.setattr(calls, "date_of", lambda _: at.replace(microsecond=0))


def made_at(entry: Entry) -> datetime:
    return ULID.from_str(entry.id).datetime


def test_an_entry_gets_its_id_as_it_is_written_however_old_it_is(table: str) -> None:
    store = of_clock(table, NOON)
    store.record(refusal(NOON - 40 * DAY))
    tally = replace(refusal(NOON - DAY), count=7, delivery=Delivery())
    store.tally([tally])
    store.settle(tally.id, NOON)
    entries = list(store.entries(None, None))
    assert sorted(each.at for each in entries) == [NOON - 40 * DAY, NOON - DAY]
    assert {made_at(each) for each in entries} == {NOON}
    store.tally([replace(tally, count=9)])
    store.settle(tally.id, NOON)
    assert sorted(each.count for each in store.entries(None, None)) == [1, 2, 7], "no refusal is told twice"
    store.close()


def test_a_clock_that_is_known_to_be_wrong_makes_no_id_of_a_wrong_time(table: str) -> None:
    begun = datetime.now(UTC)
    store = of_clock(table, begun - DAY, CheckedClock)
    for _ in range(3):
        store.get("anything")
    store.record(refusal())
    (entry,) = store.entries(None, None)
    assert begun - AGREES_WITHIN < made_at(entry) <= datetime.now(UTC) + AGREES_WITHIN
    store.close()


def test_an_entry_comes_when_no_earlier_one_can_come_any_more_by_dynamodbs_own_clock(
    table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores = [of_clock(table, NOON + ahead) for ahead in (5 * SECOND, -5 * SECOND, timedelta(0))]
    for each in stores:
        each.record(refusal())
    following = DynamoDBReader(table).follow(None, None)
    counts = []
    for seconds in (-6, -5, -4, 0, 1, 5, 6, 99):
        is_told(monkeypatch, NOON + FINAL_AFTER + seconds * SECOND)
        counts.append(len(come(following)))
    assert counts == [0, 0, 1, 0, 1, 0, 1, 0]
    for each in stores:
        each.close()


@dataclass
class Late:
    """An entry that an instance makes at `at`, by a clock that is wrong, and that is there a while later."""

    entry: Entry
    there_at: datetime


def late(chance: random.Random) -> Late:
    at = NOON + chance.uniform(0, 120) * SECOND
    clock = chance.choice([-10, -5, 0, 5, 10])
    entry = refusal(at + clock * SECOND)
    return Late(entry, at + chance.choice([0.0, 0.5, 9.9]) * SECOND)


@pytest.mark.parametrize("seed", range(3))
def test_however_late_and_out_of_order_entries_are_there_none_is_missed_and_none_comes_twice(
    dynamodb: DynamoDB, table: str, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    waiting = sorted((late(chance) for _ in range(60)), key=lambda each: each.there_at)
    expected = sorted(each.entry.id for each in waiting)
    dynamodb.put_many(table, [{**items.META, "months": {"2026-11"}}])
    got: list[str] = []
    now, following = NOON, DynamoDBReader(table).follow(None, None)
    while now < NOON + timedelta(minutes=4):
        now += chance.uniform(0, 6) * SECOND
        there = [each for each in waiting if each.there_at <= now]
        waiting = waiting[len(there) :]
        dynamodb.put_many(table, [items.item_of_entry(each.entry) for each in there])
        is_told(monkeypatch, now)
        if chance.random() < 0.3:  # killed, and started on another machine
            following = DynamoDBReader(table).follow(got[-1] if got else None, None)
        some = chance.choice([None, 1])
        got += [each.id for each in islice(iter(following.__next__, None), some) if each]
    assert got == expected


def test_no_write_of_an_entry_lasts_longer_than_followers_wait() -> None:
    longest = timedelta(seconds=calls.KEEP_TRYING_SECONDS + calls.CONNECT_SECONDS + calls.READ_SECONDS)
    assert longest + AGREES_WITHIN < FINAL_AFTER


# The command


def started(environment: dict[str, str], *words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "bot", "audit", "--follow", *words]
    with ctrl_c.taken():
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def environment_of(store: Store) -> dict[str, str]:
    """Return what a command needs to read this store."""
    if isinstance(store, SQLiteStore):
        return BARE | {"SIGNOUT_STORE": f"sqlite:///{store._file.path}"}
    aws = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    return BARE | aws | {"SIGNOUT_STORE": f"dynamodb://{store._calls.table}"}


@contextmanager
def busy(write: Callable[[int], object], number: int) -> Iterator[None]:
    """Write so many, one after the other, while what is inside goes on."""
    enough = threading.Event()

    def work() -> None:
        for each in range(number):
            if enough.is_set():
                return
            write(each)

    writer = threading.Thread(target=work)
    writer.start()
    try:
        yield
    finally:
        enough.set()
        writer.join()


def whole_lines(out: Sequence[bytes]) -> list[str]:
    """Return the ids in lines, as one who keeps them does: not a last one that was cut."""
    return [json.loads(line)["id"] for line in out if line.endswith(b"\n")]


@pytest.mark.long
def test_killed_at_any_moment_it_goes_on_without_a_gap_or_a_repeat(store: Store) -> None:
    number, environment = 90, environment_of(store)
    got: list[str] = []
    with busy(lambda each: recorded(store, NOON + timedelta(milliseconds=each)), number):
        for enough in (1, 20, 50, number):
            words = ["--after", got[-1]] if got else []
            with started(environment, *words) as process:
                assert process.stdout
                while len(got) < enough:
                    got += whole_lines([process.stdout.readline()])
                process.kill()
                got += whole_lines(process.stdout.readlines())
    assert got == [each.id for each in after(store, None)]
    assert len(set(got)) == number


@pytest.mark.long
def test_it_waits_for_a_store_that_is_away_and_ends_when_no_one_reads_any_more(sqlite_store: SQLiteStore) -> None:
    path = sqlite_store._file.path
    first = recorded(sqlite_store)
    with started(environment_of(sqlite_store)) as process:
        assert process.stdout
        assert process.stderr
        assert whole_lines([process.stdout.readline()]) == [first.id]
        away = path.rename(path.with_name("away"))
        assert process.stderr.readline().startswith(b"The store cannot be read: ")
        away.rename(path)
        assert process.stderr.readline() == b"The store can be read again.\n"
        second = recorded(sqlite_store)
        assert whole_lines([process.stdout.readline()]) == [second.id]
        process.stdout.close()
        assert (process.wait(), process.stderr.read()) == (0, b"")


def test_a_table_that_refuses_for_a_while_is_waited_for(
    dynamodb: DynamoDB, dynamodb_store: DynamoDBStore, capfd: pytest.CaptureFixture[str]
) -> None:
    first = recorded(dynamodb_store)
    following = followed_entries(StoreSettings(store=f"dynamodb://{dynamodb_store._calls.table}"), None, None)
    assert come(following) == [first]
    dynamodb.next("Query", refuse(400, "AccessDeniedException"))
    dynamodb.next("DescribeTable", refuse(400, "AccessDeniedException"))
    second = recorded(dynamodb_store, NOON + SECOND)
    assert [next(following), next(following)] == [None, None]
    assert capfd.readouterr().err == "The store cannot be read: Query: AccessDeniedException. This waits for it.\n"
    assert come(following) == [second]
    assert capfd.readouterr().err == "The store can be read again.\n"


@pytest.mark.long
def test_ctrl_c_ends_it_with_130(sqlite_store: SQLiteStore) -> None:
    first = recorded(sqlite_store)
    with started(environment_of(sqlite_store)) as process:
        assert process.stdout
        assert whole_lines([process.stdout.readline()]) == [first.id]
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert (process.returncode, out, err) == (130, b"", b"")


def test_where_it_cannot_go_on_it_says_why_and_ends(
    sqlite_store: SQLiteStore, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    recorded(sqlite_store)
    monkeypatch.setenv("SIGNOUT_STORE", f"sqlite:///{sqlite_store._file.path}")
    unknown = new_id(NOON)
    assert main(["audit", "--follow", "--after", unknown]) == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith(f"Entry {unknown} is not in this store: it was deleted after `retain`, or it is of another")
    assert "leave out --after" in err


def test_without_a_store_there_is_nothing_to_wait_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SIGNOUT_STORE", f"sqlite:///{tmp_path}/none.db")
    assert main(["audit", "--follow"]) == 1
    assert capfd.readouterr().err.startswith(f"There is no store at {tmp_path}/none.db.")
