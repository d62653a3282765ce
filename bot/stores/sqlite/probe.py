"""Tries a SQLite file without making one, changing its schema, or being in a running bot's way."""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from bot.errors import StoreError
from bot.facts.finding import Finding
from bot.stores.sqlite.file import connect, reason, see_what_it_is
from bot.stores.sqlite.schema import newest

NAME = "store"
_FIX = "Check SIGNOUT_STORE, and whose the file and its folder are."


def try_sqlite(path: Path) -> Sequence[Finding]:
    """Say whether the file can be written, or could be made where it is missing."""
    folder = path.absolute().parent
    try:
        if path.exists():
            return [_existing(path)]
        if not folder.is_dir():
            return [Finding(NAME, "missing", f"There is no folder {folder}.", "Make it, or check SIGNOUT_STORE.")]
    except OSError as error:
        return [Finding(NAME, "missing", f"{path} cannot be reached: {error.strerror}.", _FIX)]
    if not os.access(folder, os.W_OK | os.X_OK):
        return [Finding(NAME, "missing", f"{path} cannot be made: the folder is not writable here.", _FIX)]
    return [Finding(NAME, "ok", f"{path} is not there yet and would be made")]


def _existing(path: Path) -> Finding:
    try:
        found = see_what_it_is(path)
        _write_nothing(path)
    except StoreError as error:
        return Finding(NAME, "missing", error.sentence, error.hint)
    except (OSError, sqlite3.Error) as error:
        return Finding(NAME, "missing", f"{path} cannot be used: {reason(error)}.", _FIX)
    later = "" if found.is_up_to_date else f"; the next start takes its schema from {found.schema} to {newest()}"
    return Finding(NAME, "ok", f"{path} is writable{later}")


def _write_nothing(path: Path) -> None:
    """Write the schema's number as it is, which changes nothing. An empty file stays empty."""
    with closing(connect(path, "mode=rw")) as db:  # never `rwc`, which would make a file
        db.execute("BEGIN IMMEDIATE")
        schema = db.execute("PRAGMA user_version").fetchone()[0]
        db.execute(f"PRAGMA user_version = {schema}")
        db.execute("COMMIT" if schema else "ROLLBACK")
