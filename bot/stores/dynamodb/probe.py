"""Whether `check` finds a table that can be used. It makes none, and takes none for this version of the bot."""

from collections.abc import Sequence

from bot.errors import StoreError, StoreUnavailableError
from bot.facts.finding import Finding
from bot.stores.dynamodb.store import DynamoDBStore

NAME = "store"
_FIX = "Check SIGNOUT_STORE, the region, and what the bot's role may do with the table (iam-policy prints it)."


def try_table(store: DynamoDBStore) -> Sequence[Finding]:
    """Say whether the table is there, as this bot knows it, and can be written."""
    try:
        schema = store.table_schema()
        store.check_writable()
    except StoreUnavailableError as error:
        return [Finding(NAME, "missing", f"The table cannot be used: {error.reason}.", _FIX)]
    except StoreError as error:
        return [Finding(NAME, "missing", error.sentence, error.hint)]
    finally:
        store.close()
    later = (
        "" if schema in (None, store.schema) else f"; the next start takes its schema from {schema} to {store.schema}"
    )
    return [Finding(NAME, "ok", f"the table is there and writable{later}")]
