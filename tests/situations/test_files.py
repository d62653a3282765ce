"""Situation 29: what leaves the bot as a file."""

import csv
import io
import subprocess
import sys
from pathlib import Path

from examples import NOON, asked
from shell import BARE

from bot.audit import Kind, entry_of_ask
from bot.stores.sqlite.store import SQLiteStore

TARGETS = ("josé", "＝1+1", "＋49", "－1", "＠SUM(1)", " =1+1")  # noqa: RUF001 -- full-width letters


def audit(store: Path, form: str) -> bytes:
    """Run `python -m bot audit` as a process of its own, into a file."""
    command = [sys.executable, "-m", "bot", "audit", "--format", form]
    environment = BARE | {"SIGNOUT_STORE": f"sqlite:///{store}"}
    return subprocess.run(command, env=environment, capture_output=True, check=True).stdout


def test_29_csv_in_excel(tmp_path: Path) -> None:
    """`csv-excel` begins with the mark that tells Excel of UTF-8; `csv` is the same without it. Neither runs a cell."""
    store = SQLiteStore(tmp_path / "signout.db")
    store.open()
    for target in TARGETS:
        store.record(entry_of_ask(Kind.NOT_FOUND, asked(target), "not found", NOON))
    store.close()
    plain, for_excel = audit(tmp_path / "signout.db", "csv"), audit(tmp_path / "signout.db", "csv-excel")
    assert plain.startswith(b"id,kind,at,")
    assert for_excel == b"\xef\xbb\xbf" + plain
    cells = [row["target"] for row in csv.DictReader(io.StringIO(for_excel.decode("utf-8-sig"), newline=""))]
    assert cells == ["josé", *(f"'{target}" for target in TARGETS[1:])]
