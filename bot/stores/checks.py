"""Tries the table without changing its schema."""

from collections.abc import Sequence

from bot.errors import StoreError, StoreUnavailableError
from bot.ports import Finding
from bot.stores.dynamodb import DynamoDBStore

NAME = "store"


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
