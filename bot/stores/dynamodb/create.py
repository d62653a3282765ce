"""Make the DynamoDB table that table.py defines, and wait until it can be used."""

import time
from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError

from bot.errors import StoreError, StoreUnavailableError
from bot.stores.dynamodb.calls import Calls
from bot.stores.dynamodb.table import RECOVERY, TIME_TO_LIVE, check_form, definition

WAIT_SECONDS = 600
LOOK_EVERY_SECONDS = 2.0


def create(name: str, say: Callable[[str], None]) -> None:
    """Make the table, or what is still missing of it; `say` is told each step. Raises `StoreError`.

    It needs credentials that may make tables; those of an instance may not.
    """
    calls = Calls(name)
    try:
        _make(calls, say)
        _wait(calls, say)
        _protect(calls)
    except (ClientError, BotoCoreError) as error:
        raise StoreError(f"The table {name} could not be made: {error}") from None
    finally:
        calls.close()
    say(f"The table {name} is ready: SIGNOUT_STORE=dynamodb://{name}")


def _make(calls: Calls, say: Callable[[str], None]) -> None:
    try:
        calls.client().create_table(**definition(calls.table))
        say(f"The table {calls.table} is being made")
    except calls.client().exceptions.ResourceInUseException:
        say(f"The table {calls.table} is there already")


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
    client, table = calls.client(), calls.table
    client.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=RECOVERY)
    sweeps = client.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    if sweeps.get("TimeToLiveStatus") not in {"ENABLED", "ENABLING"}:
        client.update_time_to_live(TableName=table, TimeToLiveSpecification=TIME_TO_LIVE)
