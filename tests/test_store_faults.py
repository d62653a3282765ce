"""A SQLite file that is locked, full, read-only, gone, replaced, corrupt, older or newer: provoked for real."""

import os
import resource
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from examples import ADA, NOON, asked, awaiting, claimed_in

from bot.audit import Entry, entry_of
from bot.errors import StoreError, StoreUnavailableError
from bot.ports import LiveMessage, Show
from bot.request import Request, State
from bot.stores.sqlite.store import SQLiteStore

Trouble = Callable[[SQLiteStore], AbstractContextManager[object]]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.stores.sqlite.file.BUSY_SECONDS", 0.05)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "none", folder], check=False).returncode:
        pytest.skip("nothing can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Nothing under this folder can be opened for writing, not even by root."""
    subprocess.run(["mount", "--bind", folder, folder], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
    yield
    subprocess.run(["umount", "-l", folder], check=True)


@contextmanager
def locked(store: SQLiteStore) -> Iterator[None]:
    other = sqlite3.connect(store._file.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.close()


@contextmanager
def full(store: SQLiteStore) -> Iterator[None]:
    filler = store._file.path.with_suffix(".filler")
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    yield
    filler.unlink()


@contextmanager
def out_of_room(_: SQLiteStore) -> Iterator[None]:
    """No file may grow: the disk says no to a write."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def moved_away(store: SQLiteStore) -> Iterator[None]:
    elsewhere = store._file.path.with_suffix(".elsewhere")
    store._file.path.rename(elsewhere)
    yield
    elsewhere.rename(store._file.path)


@contextmanager
def replaced(store: SQLiteStore) -> Iterator[None]:
    with moved_away(store):
        shutil.copy(store._file.path.with_suffix(".elsewhere"), store._file.path)
        yield


def long_request() -> tuple[Request, Entry]:
    request = awaiting(ask=asked(reason="x" * 60_000))
    return request, entry_of(request, NOON)


WRITES = {
    "add": lambda store: store.add(*long_request(), Show(at=NOON)),
    "record": lambda store: store.record(long_request()[1]),
    "tally": lambda store: store.tally([long_request()[1]]),
    "settle": lambda store: store.settle("x", NOON),
    "hold": lambda store: store.hold(long_request()[1], NOON),
    "delivered": lambda store: store.delivered(long_request()[1], "1.0", NOON),
    "postponed": lambda store: store.postponed(long_request()[1], NOON),
    "hold_message": lambda store: store.hold_message(LiveMessage(request_id="x", version=1), NOON),
    "shown": lambda store: store.shown(LiveMessage(request_id="x", version=1)),
    "not_shown": lambda store: store.not_shown(LiveMessage(request_id="x", version=1), NOON),
    "show_again": lambda store: store.show_again("x"),
    "put_portion": lambda store: store.put_portion("x", 0, [ADA]),
    "lease": lambda store: store.lease("x", "a", NOON, NOON, timedelta(0)),
    "give_back": lambda store: store.give_back("x", "a"),
    "forget_places": lambda store: store.forget_places(NOON + timedelta(hours=1)),
    "forget": lambda store: store.forget(NOON),
    "check": lambda store: store.check_writable(),
}
READS = {
    "get": lambda store: store.get("01JZZZZZZZZZZZZZZZZZZZZZZZ"),
    "last_signed_out": lambda store: store.last_signed_out(ADA),
    "signed_out_at": lambda store: store.signed_out_at(ADA),
    "expired": lambda store: store.expired(NOON, 9),
    "ready": lambda store: store.ready(NOON, 9),
    "dead": lambda store: store.dead(NOON, 9),
    "lists": lambda store: store.lists(NOON, 9),
    "portions": lambda store: list(store.portions("x", range(2))),
    "progress_ts": lambda store: store.progress_ts("x"),
    "entries": lambda store: list(store.entries(None, None)),
    "backlog": lambda store: store.backlog(),
    "due_entries": lambda store: store.due_entries(NOON, 9),
    "next_entry_at": lambda store: store.next_entry_at(),
    "tallies": lambda store: store.tallies(NOON, 9),
    "due_messages": lambda store: store.due_messages(NOON, 9),
}
EVERYTHING = WRITES | READS


@pytest.mark.parametrize(
    ("trouble", "methods", "reason", "in_doubt"),
    [
        (locked, WRITES, "database is locked", False),
        (out_of_room, {"add": WRITES["add"]}, "disk I/O error", True),
        (moved_away, EVERYTHING, "No such file or directory", False),
        (replaced, EVERYTHING, "another file is in its place", False),
    ],
)
def test_a_store_in_trouble_says_so_writes_nothing_and_recovers_by_itself(
    store: SQLiteStore,
    trouble: Trouble,
    methods: Mapping[str, Callable[[SQLiteStore], object]],
    reason: str,
    in_doubt: bool,  # noqa: FBT001 -- an example
) -> None:
    check_trouble(store, trouble, methods, (reason, in_doubt))


def test_a_full_disk_is_told_and_room_on_it_repairs_everything(disk: Path) -> None:
    store = SQLiteStore(disk / "signout.db")
    store.open()
    large = {name: WRITES[name] for name in ("add", "record")}
    check_trouble(store, full, large, ("database or disk is full", False))
    store.close()


def check_trouble(
    store: SQLiteStore,
    trouble: Trouble,
    methods: Mapping[str, Callable[[SQLiteStore], object]],
    told: tuple[str, bool],
) -> None:
    claimed = claimed_in(store)
    ended = claimed.move(State.DONE, ended_at=NOON, allowed_by="x" * 60_000)
    with trouble(store):
        for name, method in methods.items():
            with pytest.raises(StoreUnavailableError) as caught:
                method(store)
            assert (caught.value.reason, caught.value.in_doubt) == told, name
        with pytest.raises(StoreUnavailableError):
            store.move(claimed, ended, entry_of(ended, NOON), None)
    assert store.get(claimed.id) == claimed
    assert store.due_entries(NOON, 9) == []
    store.move(claimed, ended, entry_of(ended, NOON), None)
    assert store.get(claimed.id) == ended


def test_a_commit_that_failed_is_in_doubt_and_one_that_never_was_tried_is_not(
    store: SQLiteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorname = "SQLITE_IOERR_FSYNC"

    class FailsAfterCommit:
        """A connection whose COMMIT is done, but not told."""

        def __init__(self, db: sqlite3.Connection) -> None:
            self._db = db

        def execute(self, sql: str, values: Any = ()) -> sqlite3.Cursor:
            done = self._db.execute(sql, values)
            if sql == "COMMIT":
                raise error
            return done

    request = awaiting()
    with monkeypatch.context() as patch, store._file.connection() as db:
        patch.setattr(store._file, "connection", lambda: nullcontext(FailsAfterCommit(db)))
        with pytest.raises(StoreUnavailableError, match="It is not known here what this did") as caught:
            store.add(request, entry_of(request, NOON), None)
    assert caught.value.in_doubt
    assert store.get(request.id) == request


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="this system does not show a process's open files")
def test_many_threads_leave_no_connection_behind(store: SQLiteStore) -> None:
    store.close()
    for _ in range(9):
        thread = threading.Thread(target=store.backlog)
        thread.start()
        thread.join()
    held = [os.path.realpath(link) for link in Path("/proc/self/fd").iterdir()]
    assert held.count(str(store._file.path)) == 0


def dumped(store: SQLiteStore) -> list[str]:
    with store._file.connection() as db:
        return list(db.iterdump())


def test_checking_that_it_is_writable_changes_and_adds_nothing(store: SQLiteStore) -> None:
    claimed_in(store)
    before = dumped(store)
    for _ in range(1100):  # more than the 1000 pages after which SQLite begins its -wal again
        store.check_writable()
    assert dumped(store) == before
    wal = store._file.path.with_name(f"{store._file.path.name}-wal")
    assert wal.stat().st_size < 5_000_000


def test_a_file_that_can_only_be_read_is_read(disk: Path) -> None:
    store = SQLiteStore(disk / "signout.db")
    store.open()
    claimed = claimed_in(store)
    open_still = store._file._local.__dict__.pop("own")
    with read_only(disk):
        with pytest.raises(StoreUnavailableError) as caught:
            store.check_writable()
        assert caught.value.reason in {"attempt to write a readonly database", "unable to open database file"}
        with pytest.raises(StoreUnavailableError, match="could not do this"):
            SQLiteStore(disk / "signout.db").open()
    store.check_writable()
    assert store.get(claimed.id) == claimed
    open_still.close()
    store.close()


def overwrite(path: Path, at: int, length: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\xa5" * length)


def filled(path: Path) -> list[Request]:
    store = SQLiteStore(path)
    store.open()
    requests = [claimed_in(store) for _ in range(200)]
    store.close()
    return requests


def test_a_file_that_was_overwritten_in_the_middle_signs_no_one_out_and_is_no_start(tmp_path: Path) -> None:
    path = tmp_path / "signout.db"
    requests = filled(path)
    store = SQLiteStore(path)
    store.open()
    store._file.disconnect()
    overwrite(path, 4096, path.stat().st_size - 8192)
    with pytest.raises(StoreUnavailableError) as caught:
        store.get(requests[0].id)
    assert caught.value.reason == "database disk image is malformed"
    with pytest.raises(StoreUnavailableError):
        claimed_in(store)
    with pytest.raises(StoreError, match="cannot be opened: database disk image is malformed"):
        SQLiteStore(path).open()
    store.close()


def test_a_corrupt_header_ends_the_start_and_is_told_while_running(tmp_path: Path) -> None:
    path = tmp_path / "signout.db"
    filled(path)
    overwrite(path, 0, 100)
    store = SQLiteStore(path)
    with pytest.raises(StoreError, match="cannot be opened: file is not a database"):
        store.open()
    store.close()


@contextmanager
def missing_folder(path: Path) -> Iterator[None]:
    path.parent.rmdir()
    yield
    path.parent.mkdir()


@contextmanager
def locked_file(path: Path) -> Iterator[None]:
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
    other.close()


@contextmanager
def no_room(path: Path) -> Iterator[None]:
    with out_of_room(SQLiteStore(path)):
        yield


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (missing_folder, "No such file or directory"),
        (locked_file, "database is locked"),
        (no_room, "disk I/O error"),
    ],
)
def test_what_may_pass_does_not_end_a_start(
    tmp_path: Path, trouble: Callable[[Path], AbstractContextManager[None]], reason: str
) -> None:
    path = tmp_path / "folder" / "signout.db"
    path.parent.mkdir()
    store = SQLiteStore(path)
    with trouble(path):
        with pytest.raises(StoreUnavailableError) as caught:
            store.open()
        assert caught.value.reason == reason
    store.open()
    store.check_writable()
    store.close()
