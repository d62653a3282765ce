"""Tries the store without making one, changing its schema, or standing in a running bot's way."""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from bot.errors import StoreError, StoreUnavailableError
from bot.facts.finding import Finding
from bot.stores.dynamodb import DynamoDBStore
from bot.stores.schema import STEPS
from bot.stores.sqlite_file import BUSY_SECONDS

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


def try_table(store: DynamoDBStore) -> Sequence[Finding]:
    """Say whether the table is there, as this bot knows it, and can be written."""
    fix = "Check SIGNOUT_STORE, the region, and what the bot's role may do with the table (iam-policy prints it)."
    try:
        store.open()
        store.check_writable()
    except StoreUnavailableError as error:
        return [Finding(NAME, "missing", f"The table cannot be used: {error.reason}.", fix)]
    except StoreError as error:
        return [Finding(NAME, "missing", str(error), "")]
    finally:
        store.close()
    return [Finding(NAME, "ok", "the table is there and writable")]


def _existing(path: Path) -> Finding:
    address = f"{path.absolute().as_uri()}?mode=rw"  # never `rwc`, which would make a file
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, isolation_level=None)) as db:
            version = _written(db)
    except (OSError, sqlite3.Error) as error:
        return Finding(NAME, "missing", f"{path} cannot be used: {error}.", _FIX)
    if version > len(STEPS):
        sentence = f"{path} has schema {version}, and this bot knows {len(STEPS)}."
        return Finding(NAME, "missing", sentence, "Run the newer bot, or give another store.")
    later = "" if version == len(STEPS) else f"; the next start takes its schema from {version} to {len(STEPS)}"
    return Finding(NAME, "ok", f"{path} is writable{later}")


def _written(db: sqlite3.Connection) -> int:
    """Return the schema's version after writing it as it stands, which changes nothing. A newer store is only read."""
    db.execute("BEGIN IMMEDIATE")
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    if version <= len(STEPS):
        db.execute(f"PRAGMA user_version = {version}")
    db.execute("COMMIT")
    return version
