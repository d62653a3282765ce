"""Make the DynamoDB table that table.py defines, and wait until it can be used."""

import time
from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError

from bot.errors import StoreError, StoreUnavailableError
from bot.stores.dynamodb.calls import Calls
from bot.stores.dynamodb.protection import PROTECTIONS, Protection
from bot.stores.dynamodb.table import check_form, definition

WAIT_SECONDS = 600
LOOK_EVERY_SECONDS = 2.0
_NOT_YET = "ContinuousBackupsUnavailableException"  # for some time after a table was made


def create(name: str, say: Callable[[str], None]) -> None:
    """Make the table, or what is still missing of it; `say` is told each step. Raises `StoreError`.

    It needs credentials that may make tables; those of an instance may not.
    """
    calls = Calls(name)
    try:
        _make(calls, say)
        _wait(calls, say)
        _protect(calls)
    finally:
        calls.close()
    say(f"The table {name} is ready: SIGNOUT_STORE=dynamodb://{name}")


def _make(calls: Calls, say: Callable[[str], None]) -> None:
    try:
        calls.client().create_table(**definition(calls.table))
        say(f"The table {calls.table} is being made")
    except calls.client().exceptions.ResourceInUseException:
        say(f"The table {calls.table} is there already")
    except ClientError as error:
        raise StoreError(f"The table {calls.table} could not be made: {error}.") from None
    except BotoCoreError as error:
        hint = "Run this again: it goes on with what is there."
        raise StoreError(f"CreateTable of {calls.table} got no answer: {str(error).rstrip('.')}.", hint) from None


def _wait(calls: Calls, say: Callable[[str], None]) -> None:
    end = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            return check_form(calls.table, calls.describe())
        except StoreUnavailableError as error:
            if time.monotonic() > end:
                raise StoreError(f"Giving up: {error.reason}. Run this again.") from None
            say(f"Waiting: {error.reason}")
        time.sleep(LOOK_EVERY_SECONDS)


def _protect(calls: Calls) -> None:
    """Switch on what protects it, each whether or not another could be."""
    faults = [fault for fault in (_switch_on(calls, each) for each in PROTECTIONS) if fault]
    if faults:
        hint = "Allow that, and run this again."
        raise StoreError(f"The table {calls.table} is there and can be used, but {'; '.join(faults)}.", hint)


def _switch_on(calls: Calls, protection: Protection) -> str | None:
    """Return why it could not be switched on; None where it was."""
    end = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            protection.switch_on(calls.client(), calls.table)
        except (ClientError, BotoCoreError) as error:
            code = error.response["Error"].get("Code") if isinstance(error, ClientError) else None
            if code != _NOT_YET or time.monotonic() > end:
                return f"its {protection.name} could not be switched on: {str(error).rstrip('.')}"
        else:
            return None
        time.sleep(LOOK_EVERY_SECONDS)
