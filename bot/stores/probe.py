"""Whether `check` finds a store that can be used. It makes none, changes no schema, and is in no running bot's way."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from bot.errors import AwsSetupError, StoreError, StoreUnavailableError
from bot.facts.finding import Finding
from bot.stores.dynamodb.calls import Calls
from bot.stores.dynamodb.create import PROTECTIONS
from bot.stores.dynamodb.schema import SCHEMA
from bot.stores.dynamodb.store import DynamoDBStore
from bot.stores.sqlite.file import connect, reason, see_what_it_is
from bot.stores.sqlite.schema import newest

NAME = "store"
_FIX_FILE = "Check SIGNOUT_STORE, and whose the file and its folder are."
_FIX_TABLE = "Check SIGNOUT_STORE, the region, and what the bot's role may do with the table (iam-policy prints it)."


def try_sqlite(path: Path) -> Sequence[Finding]:
    """Say whether the file can be written, or could be made where it is missing."""
    folder = path.absolute().parent
    try:
        if path.exists():
            return [_existing(path)]
        if not folder.is_dir():
            return [Finding(NAME, "missing", f"There is no folder {folder}.", "Make it, or check SIGNOUT_STORE.")]
    except OSError as error:
        return [Finding(NAME, "missing", f"{path} cannot be reached: {error.strerror}.", _FIX_FILE)]
    if not os.access(folder, os.W_OK | os.X_OK):
        return [Finding(NAME, "missing", f"{path} cannot be made: the folder is not writable here.", _FIX_FILE)]
    return [Finding(NAME, "ok", f"{path} is not there yet and would be made")]


def _existing(path: Path) -> Finding:
    try:
        found = see_what_it_is(path)
        with closing(connect(path, "mode=rw")) as db:  # never `rwc`, which would make a file
            db.execute("BEGIN IMMEDIATE")
            schema = db.execute("PRAGMA user_version").fetchone()[0]
            db.execute(f"PRAGMA user_version = {schema}")  # as it is, which changes nothing
            db.execute("COMMIT" if schema else "ROLLBACK")  # an empty file stays empty
    except StoreError as error:
        return Finding(NAME, "missing", error.sentence, error.hint)
    except (OSError, sqlite3.Error) as error:
        return Finding(NAME, "missing", f"{path} cannot be used: {reason(error)}.", _FIX_FILE)
    later = "" if found.is_up_to_date else f"; the next start takes its schema from {found.schema} to {newest()}"
    return Finding(NAME, "ok", f"{path} is writable{later}")


def try_table(table: str) -> Sequence[Finding]:
    """Say whether the table is there, as this bot knows it, and can be written."""
    try:
        with closing(DynamoDBStore(table)) as store:
            schema = store.table_schema()
            store.check_writable()
    except StoreUnavailableError as error:
        return [Finding(NAME, "missing", f"The table cannot be used: {error.reason}.", _FIX_TABLE)]
    except (AwsSetupError, StoreError) as error:
        return [Finding(NAME, "missing", error.sentence, error.hint)]
    later = "" if schema in (None, SCHEMA) else f"; the next start takes its schema from {schema} to {SCHEMA}"
    return [Finding(NAME, "ok", f"the table is there and writable{later}")]


def try_protection(table: str) -> Iterator[Finding]:
    """Say whether the table can be restored, and whether DynamoDB sweeps it."""
    with closing(Calls(table)) as calls:
        for each in PROTECTIONS:
            line = f"{NAME}, {each.name}"
            try:
                is_on = each.is_on(calls.client(), table)
            except (ClientError, BotoCoreError, AwsSetupError, StoreError) as error:
                why = error.response["Error"].get("Code") if isinstance(error, ClientError) else type(error).__name__
                fix = f"Where the table is there, allow {each.action}."
                yield Finding(line, "not tried", f"not known ({why})", fix)
                continue
            if is_on:
                yield Finding(line, "ok", "is switched on")
            else:
                fix = "`python -m bot table --create` switches it on, with credentials that may."
                yield Finding(line, "warning", f"It is off: {each.without}.", fix)
