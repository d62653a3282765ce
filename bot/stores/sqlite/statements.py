"""Every statement that the store runs on its tables. None reads more rows than it returns or changes, plus a constant.

A partial index is used only where a statement's WHERE implies the index's own; INDEXED BY makes a statement fail where
it does not. A test counts what each of these costs with little and with much history, and fails for one that it never
ran. Who reads what is due stops at what is wanted: a LIMIT would count rows that cannot be read.
"""

# ruff: noqa: S608 -- what is put into the texts below is our own

from collections.abc import Mapping

from bot.stores import documents

PAGE = 500  # so many rows are read, or forgotten, at once

_ENTRY = "id, at, attempts, next_at, delivered_at, ts, document"
_CARD = "request_id AS id, version, due_at, response_url, place_until, replaces, failures, held_by, ts"

# Requests

ADD_REQUEST = """
INSERT INTO requests (id, version, due, due_at, account, ended_at, document)
VALUES (:id, :version, :due, :due_at, :account, :ended_at, :document) ON CONFLICT (id) DO NOTHING
"""
MOVE_REQUEST = """
UPDATE requests SET version = :version, due = :due, due_at = :due_at, account = :account, ended_at = :ended_at,
    document = :document
WHERE id = :id AND version = :before
"""
REQUEST = "SELECT id, document FROM requests WHERE id = :id"
_SIGNED_OUT_LAST = "requests INDEXED BY requests_signed_out WHERE account = :account ORDER BY ended_at DESC LIMIT 1"
LAST_SIGNED_OUT = f"SELECT id, document FROM {_SIGNED_OUT_LAST}"
SIGNED_OUT_AT = f"SELECT ended_at FROM {_SIGNED_OUT_LAST}"
DUE_REQUESTS = """
SELECT id, document FROM requests INDEXED BY requests_due
WHERE due = :what AND due_at >= :since AND due_at <= :upto ORDER BY due_at
"""

# Entries

ADD_ENTRY = """
INSERT INTO entries (id, request_id, list_id, at, refused, attempts, next_at, delivered_at, ts, document)
VALUES (:id, :request_id, :list_id, :at, :refused, :attempts, :next_at, :delivered_at, :ts, :document)
"""
_NEXT_PAGE = f"id > :after AND at >= :since ORDER BY id LIMIT {PAGE}"
ENTRIES = f"SELECT {_ENTRY} FROM entries WHERE {_NEXT_PAGE}"
# An account of a list has entries that name the list and, as their request, another one.
ENTRIES_WITHOUT_ACCOUNTS = f"""
SELECT {_ENTRY} FROM entries WHERE (list_id IS NULL OR list_id = request_id) AND {_NEXT_PAGE}
"""
ENTRIES_OF_REQUEST = f"""
SELECT {_ENTRY} FROM entries INDEXED BY entries_of_request WHERE request_id = :request_id AND {_NEXT_PAGE}
"""
ENTRIES_OF_LIST = f"""
SELECT {_ENTRY} FROM entries INDEXED BY entries_of_list WHERE list_id = :list_id AND {_NEXT_PAGE}
"""
# In the order of their numbers, which is the order in which they were committed. FORGET_ENTRIES leaves the highest.
NEXT_ENTRIES = f"SELECT number, {_ENTRY} FROM entries WHERE number >= :number ORDER BY number LIMIT {PAGE}"
NUMBER_OF_ENTRY = "SELECT number FROM entries WHERE id = :id"
# With + it is not looked for among all numbers, but among the ids from there on: those of what is given then.
FIRST_NUMBER_SINCE = """
SELECT coalesce(min(+number), (SELECT max(number) + 1 FROM entries), 1) FROM entries WHERE id > :first
"""
ENTRY = f"SELECT {_ENTRY} FROM entries WHERE id = :id"
ADD_TO_HISTORY = "INSERT INTO history (subject, entry_id) VALUES (:subject, :id)"
PAST = "SELECT entry_id FROM history WHERE subject = :subject ORDER BY entry_id DESC LIMIT :limit"
DUE_ENTRIES = f"""
SELECT {_ENTRY} FROM entries INDEXED BY entries_due
WHERE refused = (:what = '{documents.UNDELIVERED[True]}') AND next_at >= :since AND next_at <= :upto ORDER BY next_at
"""
PUT_TALLY = """
INSERT INTO tallies (id, at, document) VALUES (:id, :at, :document)
ON CONFLICT (id) DO UPDATE SET document = excluded.document
"""
TALLIES = """
SELECT id, document FROM tallies INDEXED BY tallies_begun WHERE at >= :since AND at <= :upto ORDER BY at
"""
ONE_TALLY = "SELECT id, document FROM tallies WHERE id = :id"
END_TALLY = "DELETE FROM tallies WHERE id = :id"
DELIVERED = """
UPDATE entries SET next_at = NULL, attempts = attempts + 1, delivered_at = :now, ts = :ts
WHERE id = :id AND delivered_at IS NULL
"""
DUE_AGAIN = """
UPDATE entries SET next_at = :later, attempts = attempts + :failed WHERE id = :id AND next_at = :next_at
"""

# Cards, and the messages beside them: `request_id` then ends with what documents.BESIDE says

# The card of a new request, or a message beside a card, which has no place.
PUT_CARD = """
INSERT INTO cards (request_id, version, due_at, response_url, place_until, replaces)
VALUES (:id, :version, :due_at, :response_url, :place_until, :replaces)
ON CONFLICT (request_id) DO UPDATE SET version = excluded.version, due_at = excluded.due_at
"""
MOVE_CARD = """
UPDATE cards SET version = :version, due_at = :due_at, response_url = coalesce(:response_url, response_url),
    place_until = coalesce(:place_until, place_until), replaces = coalesce(:replaces, replaces)
WHERE request_id = :id
"""
CARD_OF_REQUEST = f"SELECT {_CARD} FROM cards WHERE request_id = :id"
CHANGE_CARD = """
UPDATE cards SET due_at = :due_at, failures = :failures, held_by = :held_by, ts = :ts WHERE request_id = :id
"""
DUE_CARDS = f"""
SELECT {_CARD} FROM cards INDEXED BY cards_due WHERE due_at >= :since AND due_at <= :upto ORDER BY due_at
"""
FORGET_PLACES = f"""
UPDATE cards SET response_url = NULL, place_until = NULL, replaces = NULL WHERE request_id IN
    (SELECT request_id FROM cards INDEXED BY cards_placed WHERE place_until <= :now ORDER BY place_until LIMIT {PAGE})
"""

# Lists

PUT_PORTION = """
INSERT INTO portions (list_id, number, document) VALUES (:list_id, :number, :document)
ON CONFLICT (list_id, number) DO UPDATE SET document = excluded.document
"""
PORTION = "SELECT document FROM portions WHERE list_id = :list_id AND number = :number"
LEASE = """
INSERT INTO leases (key, holder, until) VALUES (:key, :holder, :until)
ON CONFLICT (key) DO UPDATE SET holder = excluded.holder, until = excluded.until
WHERE holder = excluded.holder OR until < :now OR until > :beyond
"""
GIVE_BACK = "DELETE FROM leases WHERE key = :key AND holder = :holder"

# Windows

WINDOW = "SELECT key, version, document FROM windows WHERE key = :key"
PUT_WINDOW = """
INSERT INTO windows (key, version, document) VALUES (:key, :version, :document)
ON CONFLICT (key) DO UPDATE SET version = excluded.version, document = excluded.document
WHERE version = excluded.version - 1
"""

# What is old. A request goes with one of its entries, once it has ended and none of them waits. The newest entry stays:
# so no number is given twice, and who follows the trail finds the last entry that they have.

_OLD = f"""
FROM entries INDEXED BY entries_settled
WHERE next_at IS NULL AND at < :before AND number < (SELECT max(number) FROM entries) ORDER BY at LIMIT {PAGE}
"""
_BESIDE = ", ".join(f"('{each}')" for each in ("", *documents.BESIDE.values()))
FORGET_REQUESTS = f"""
DELETE FROM requests WHERE id IN (SELECT request_id {_OLD}) AND ended_at < :before
    AND NOT EXISTS (SELECT 1 FROM entries WHERE request_id = requests.id AND next_at IS NOT NULL)
"""
FORGET_CARDS = f"""
WITH old AS (SELECT request_id {_OLD})
DELETE FROM cards
WHERE request_id IN (SELECT request_id || beside.column1 FROM old, (VALUES {_BESIDE}) AS beside)
    AND NOT EXISTS (SELECT 1 FROM requests WHERE id = substr(cards.request_id, 1, {documents.ID_LENGTH}))
"""
FORGET_PORTIONS = f"""
DELETE FROM portions WHERE list_id IN (SELECT request_id {_OLD})
    AND NOT EXISTS (SELECT 1 FROM requests WHERE id = portions.list_id)
"""
FORGET_HISTORY = f"DELETE FROM history WHERE entry_id IN (SELECT id {_OLD})"
FORGET_ENTRIES = f"DELETE FROM entries WHERE number IN (SELECT number {_OLD})"

SCHEMA = "PRAGMA user_version"

# What gives what waits, by what it waits as.
WAITING: Mapping[str, str] = {
    **dict.fromkeys((documents.AWAITED, documents.READY, documents.RUNNING, documents.LIST), DUE_REQUESTS),
    **dict.fromkeys(documents.UNDELIVERED.values(), DUE_ENTRIES),
    documents.TALLY: TALLIES,
    documents.CARD: DUE_CARDS,
}
