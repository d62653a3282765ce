"""The SQLite schema, as numbered steps. A step that was released is never edited: a change is a new step."""

import sqlite3

from bot.errors import StoreError

STEPS = (
    """
    CREATE TABLE requests (
        id TEXT PRIMARY KEY,
        version INTEGER NOT NULL,
        state TEXT NOT NULL,
        operator_team_id TEXT NOT NULL,
        operator_id TEXT NOT NULL,
        operator_name TEXT NOT NULL,
        source TEXT NOT NULL,
        channel_id TEXT NOT NULL,
        target TEXT NOT NULL,
        candidates TEXT NOT NULL,
        matches INTEGER NOT NULL,
        chosen_pool TEXT,
        chosen_pool_id TEXT,
        chosen_region TEXT,
        chosen_username TEXT,
        chosen_sub TEXT,
        chosen_email TEXT,
        chosen_phone TEXT,
        chosen_provider TEXT,
        chosen_status TEXT,
        chosen_enabled INTEGER,
        chosen_created_at TEXT,
        chosen_modified_at TEXT,
        reason TEXT,
        allowed_by TEXT NOT NULL,
        created_at TEXT NOT NULL,
        expires_at TEXT NOT NULL,
        response_url TEXT,
        claim_id TEXT,
        claimed_at TEXT,
        lease_until TEXT,
        resumed INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        error_code TEXT,
        aws_request_ids TEXT NOT NULL,
        ended_at TEXT,
        access_until TEXT,
        login_until TEXT
    ) STRICT;
    CREATE INDEX requests_claimed ON requests (lease_until) WHERE state = 'signing_out';
    CREATE INDEX requests_awaiting ON requests (expires_at)
        WHERE state IN ('awaiting_choice', 'awaiting_confirmation');
    CREATE INDEX requests_response_url ON requests (created_at) WHERE response_url IS NOT NULL;
    CREATE INDEX requests_signed_out ON requests (chosen_pool_id, chosen_username, ended_at)
        WHERE state = 'signed_out';
    CREATE TABLE audit_entries (
        id TEXT PRIMARY KEY,
        request_id TEXT,
        kind TEXT NOT NULL,
        at TEXT NOT NULL,
        team_id TEXT NOT NULL,
        operator_id TEXT NOT NULL,
        snapshot TEXT NOT NULL,
        delivery_attempts INTEGER NOT NULL,
        next_at TEXT,
        delivered_at TEXT,
        ts TEXT
    ) STRICT;
    CREATE INDEX audit_entries_due ON audit_entries (next_at) WHERE next_at IS NOT NULL;
    CREATE INDEX audit_entries_of_operator ON audit_entries (team_id, operator_id, kind);
    """,
    """
    UPDATE audit_entries SET request_id = id, snapshot = json_set(snapshot, '$.request_id', id)
        WHERE request_id IS NULL;
    """,
    """
    CREATE INDEX audit_entries_of_request ON audit_entries (request_id);
    """,
)


def check(db: sqlite3.Connection) -> None:
    """Raise `StoreError` where a file that may only be read lacks a step."""
    version = db.execute("PRAGMA user_version").fetchone()[0]
    _refuse_newer(version)
    if version < len(STEPS):
        raise StoreError(
            f"The store has schema {version}, this bot reads {len(STEPS)}. Start this bot on it once first."
        )


def migrate(db: sqlite3.Connection) -> None:
    """Take the steps that a file still lacks, inside the caller's transaction. Raises `StoreError`."""
    version = db.execute("PRAGMA user_version").fetchone()[0]
    _refuse_newer(version)
    for step in STEPS[version:]:
        # Not executescript: it would commit the caller's transaction first.
        for statement in filter(str.strip, step.split(";")):
            db.execute(statement)
    db.execute(f"PRAGMA user_version = {len(STEPS)}")


def _refuse_newer(version: int) -> None:
    if version > len(STEPS):
        raise StoreError(
            f"The store has schema {version}, this bot knows {len(STEPS)}. Run the newer bot, or give another store."
        )
