"""The tables, and what a file is: a store of this bot, of another version of it, or something else."""

import sqlite3
from dataclasses import dataclass

from bot.errors import StoreError
from bot.stores.documents import of_another_version

APPLICATION_ID = 0x5347_4E4F  # in the file's header: "SGNO"

# Schema 1. A request is `due` while something is to be done about it; its `account` is the one that it signed out.
# `refused`: an entry is a refusal. `migration` has a row while a step is under way.
TABLES = (
    """
    CREATE TABLE requests (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        version INTEGER NOT NULL,
        due TEXT,
        due_at TEXT,
        account TEXT,
        ended_at TEXT,
        document TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX requests_due ON requests (due, due_at) WHERE due IS NOT NULL",
    "CREATE INDEX requests_signed_out ON requests (account, ended_at) WHERE account IS NOT NULL",
    """
    CREATE TABLE entries (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        request_id TEXT NOT NULL,
        at TEXT NOT NULL,
        refused INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        next_at TEXT,
        delivered_at TEXT,
        ts TEXT,
        document TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX entries_of_request ON entries (request_id, id)",
    "CREATE INDEX entries_due ON entries (refused, next_at, at) WHERE next_at IS NOT NULL",
    "CREATE INDEX entries_settled ON entries (at) WHERE next_at IS NULL",
    "CREATE TABLE tallies (id TEXT PRIMARY KEY, at TEXT NOT NULL, document TEXT NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE INDEX tallies_begun ON tallies (at)",
    """
    CREATE TABLE cards (
        number INTEGER PRIMARY KEY,
        request_id TEXT NOT NULL UNIQUE,
        version INTEGER NOT NULL,
        due_at TEXT,
        response_url TEXT,
        place_until TEXT,
        replaces INTEGER,
        failures INTEGER NOT NULL DEFAULT 0,
        held_by TEXT
    ) STRICT
    """,
    "CREATE INDEX cards_due ON cards (due_at) WHERE due_at IS NOT NULL",
    "CREATE INDEX cards_placed ON cards (place_until) WHERE place_until IS NOT NULL",
    "CREATE TABLE migration (position INTEGER NOT NULL) STRICT",
    f"PRAGMA application_id = {APPLICATION_ID}",
    "PRAGMA user_version = 1",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class SchemaStep:
    """What takes a file from one schema to the next. All of it may be interrupted, and then goes on.

    `begin` is done in one transaction, `end` with the last portion. In between `portion` changes the rows of `table`
    with `number > :after AND number <= :upto`, some thousand at once.

    Neither of the first two may write much. For an index over many rows, add a column without a value, and the index
    over the rows that have one; then give each row its value. Entries' documents are not changed: their reader knows
    each shape.
    """

    begin: tuple[str, ...] = ()
    table: str | None = None
    portion: tuple[str, ...] = ()
    end: tuple[str, ...] = ()


_HISTORY_OF_OLD_ENTRIES = """
INSERT OR IGNORE INTO history (subject, entry_id)
WITH
    old AS (
        SELECT id, iif(json_valid(document), document, '{}') AS document FROM entries
        WHERE number > :after AND number <= :upto
    ),
    outcome AS (
        SELECT
            id,
            coalesce(json_extract(document, '$.request.ask'), json_extract(document, '$.asked')) AS ask,
            coalesce(json_extract(document, '$.request.chosen'), json_extract(document, '$.account')) AS account,
            coalesce(json_extract(document, '$.examples'), '[]') AS examples
        FROM old
        WHERE json_extract(document, '$.kind') NOT IN ('opened', 'confirmed', 'approved', 'resumed', 'limited')
    ),
    placed AS (
        SELECT *,
            coalesce(
                json_extract(account, '$.pool_id') || '@' || json_extract(account, '$.region'),
                json_extract(ask, '$.options.pool'), json_extract(ask, '$.options.pool_id'), ''
            ) AS pool
        FROM outcome
    )
SELECT
    'operator#' || pool || '#' || json_extract(ask, '$.operator.team_id') || '/' || json_extract(ask, '$.operator.id'),
    id
FROM placed
UNION ALL
SELECT 'account#' || pool || '#' || coalesce(json_extract(account, '$.sub'), json_extract(account, '$.username')), id
FROM placed WHERE account IS NOT NULL
UNION ALL
SELECT 'target#' || pool || '#' || lower(typed.value), placed.id
FROM placed, json_each(json_insert(examples, '$[#]', json_extract(ask, '$.options.target'))) AS typed
WHERE typed.value <> ''
"""

# The first leads from schema 1 to 2, and so on. A step that was released is never edited.
STEPS: tuple[SchemaStep, ...] = (
    SchemaStep(  # 2: a second person, and limits
        begin=(
            "ALTER TABLE cards ADD COLUMN ts TEXT",
            "CREATE TABLE windows (key TEXT PRIMARY KEY, version INTEGER NOT NULL, document TEXT NOT NULL) STRICT",
        )
    ),
    SchemaStep(  # 3: the history, by each subject that `subjects_of` gives an outcome
        begin=(
            """
            CREATE TABLE history (subject TEXT NOT NULL, entry_id TEXT NOT NULL, PRIMARY KEY (subject, entry_id))
            STRICT, WITHOUT ROWID
            """,
            "CREATE INDEX history_of_entry ON history (entry_id)",
        ),
        table="entries",
        portion=(_HISTORY_OF_OLD_ENTRIES,),
    ),
    SchemaStep(  # 4: lists
        begin=(
            """
            CREATE TABLE portions (
                list_id TEXT NOT NULL, number INTEGER NOT NULL, document TEXT NOT NULL, PRIMARY KEY (list_id, number)
            ) STRICT
            """,
            "CREATE TABLE leases (key TEXT PRIMARY KEY, holder TEXT NOT NULL, until TEXT NOT NULL) STRICT",
            "ALTER TABLE entries ADD COLUMN list_id TEXT",
            "CREATE INDEX entries_of_list ON entries (list_id, id) WHERE list_id IS NOT NULL",
        )
    ),
)


@dataclass(frozen=True, slots=True)
class FoundSchema:
    """The schema of a store, 0 for an empty file; `unfinished` where the step to it is still under way."""

    schema: int
    unfinished: bool = False

    @property
    def is_up_to_date(self) -> bool:
        """Whether no step is lacking."""
        return self.schema == newest() and not self.unfinished


def newest() -> int:
    """Return the schema that this bot reads and writes."""
    return 1 + len(STEPS)


def look(db: sqlite3.Connection, path: object) -> FoundSchema:
    """Return what a file is. Raises `StoreError` for one that this bot cannot use."""
    schema: int = db.execute("PRAGMA user_version").fetchone()[0]
    tables = {row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        if not tables:
            return FoundSchema(0)
        if "audit_entries" in tables:
            raise of_another_version(f"store {path}", None, newest())
        raise StoreError(f"The file {path} is a database of something else.", "Check SIGNOUT_STORE.")
    if schema > newest():
        raise of_another_version(f"store {path}", schema, newest())
    return FoundSchema(schema, unfinished=db.execute("SELECT 1 FROM migration").fetchone() is not None)
