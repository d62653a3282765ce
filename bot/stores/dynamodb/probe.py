"""Whether `check` finds a table that can be used. It makes none, and takes none for this version of the bot."""

from collections.abc import Iterator, Sequence

from botocore.exceptions import BotoCoreError, ClientError

from bot.errors import StoreError, StoreUnavailableError
from bot.facts.finding import Finding
from bot.stores.dynamodb.calls import Calls
from bot.stores.dynamodb.protection import CHECK_ACTIONS, PROTECTIONS
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


def try_protection(table: str) -> Iterator[Finding]:
    """Say whether the table can be restored, and whether DynamoDB sweeps it."""
    calls = Calls(table)
    try:
        for each, action in zip(PROTECTIONS, CHECK_ACTIONS, strict=True):
            line = f"{NAME}, {each.name}"
            try:
                is_on = each.is_on(calls.client(), table)
            except (ClientError, BotoCoreError, StoreError) as error:
                why = error.response["Error"].get("Code") if isinstance(error, ClientError) else type(error).__name__
                yield Finding(line, "not tried", f"not known ({why})", f"Where the table is there, allow {action}.")
                continue
            if is_on:
                yield Finding(line, "ok", "is switched on")
            else:
                fix = "`python -m bot table --create` switches it on, with credentials that may."
                yield Finding(line, "warning", f"It is off: {each.without}.", fix)
    finally:
        calls.close()
