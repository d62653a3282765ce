"""However many entries go through `signout-bot audit`, it takes the same memory."""

import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from examples import NOON, asked
from shell import BARE

from bot.audit import Kind, entry_of_ask
from bot.stores.sqlite.store import SQLiteStore

# Its own peak is told by the process itself: what the kernel tells of a child holds its parent's before the exec.
AUDIT = """
import runpy, sys
from pathlib import Path
sys.argv = ["bot", "audit", "--format", "json"]
try:
    runpy.run_module("bot", run_name="__main__")
finally:
    sys.stderr.write(Path("/proc/self/status").read_text())
"""
# Ids are the first one's, counted up. Journal and waiting for the disk are for what would be missed.
MULTIPLY = """
    WITH RECURSIVE others (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM others WHERE n < ? - 1)
    INSERT INTO entries (id, request_id, at, refused, attempts, document)
    SELECT substr(id, 1, 16) || 'Z' || substr(1000000000 + n, 2), request_id, at, refused, attempts, document
        FROM entries, others
"""
KILOBYTE = 1 << 10
MEGABYTE = 1 << 20
LESS_THAN_ANYTHING_KEPT = 8  # bytes for each entry: a pointer is as long


def store_of(path: Path, entries: int) -> None:
    store = SQLiteStore(path)
    store.open()
    store.record(entry_of_ask(Kind.NOT_FOUND, asked(), "no such account", NOON))
    store.close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode = OFF")
    db.execute("PRAGMA synchronous = OFF")
    db.execute(MULTIPLY, (entries,))
    db.commit()
    db.close()


def audited(path: Path) -> tuple[int, int]:
    """Run the command; return the lines it wrote, and its peak memory in kilobytes."""
    environment = BARE | {"SIGNOUT_STORE": f"sqlite:///{path}"}
    lines = 0
    with subprocess.Popen(
        [sys.executable, "-c", AUDIT], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stderr
        while some := process.stdout.read(1 << 20):
            lines += some.count(b"\n")
        status = process.stderr.read().decode()
        assert process.wait() == 0, status
    peak = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert peak, status
    return lines, int(peak[1])


@pytest.mark.long
@pytest.mark.timeout(600)  # a machine with more to do may take its time
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells a process its peak memory")
def test_two_hundred_thousand_entries_take_no_more_memory_than_five_thousand(tmp_path: Path) -> None:
    few, many = 5_000, 200_000  # the few already fill SQLite's cache of pages
    store_of(tmp_path / "few.db", few)
    store_of(tmp_path / "many.db", many)
    lines, least = audited(tmp_path / "few.db")
    more_lines, most = audited(tmp_path / "many.db")
    (tmp_path / "many.db").unlink()  # it is large, and pytest keeps what is left here
    assert (lines, more_lines) == (few, many)
    assert (most - least) * KILOBYTE < (many - few) * LESS_THAN_ANYTHING_KEPT
    assert most * KILOBYTE < 200 * MEGABYTE
