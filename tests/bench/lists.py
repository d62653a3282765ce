"""Lists for a bot to run: made in its store, as a preview and a confirmation would leave them, and watched there."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from typing import Any, cast
from unittest.mock import patch

from botocore.config import Config
from dynamodb import DynamoDB
from headless import SAM, SUPPORT, Headless
from moto.core.models import DEFAULT_ACCOUNT_ID as ACCOUNT
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

from bot.account import Account
from bot.audit import entry_of
from bot.errors import StoreUnavailableError
from bot.list_accounts import digest_of
from bot.listed import Listed
from bot.preview import ACCOUNTS_IN_A_PORTION
from bot.request import ENDED, Ask, Operator, Options, Request, State, new_id
from bot.sandbox.cognito import REGION
from bot.store_ports import Lists
from bot.stores.dynamodb import calls
from bot.stores.dynamodb.store import DynamoDBStore
from bot.stores.sqlite.store import SQLiteStore

POOL = "customers"
LOOK_EVERY_SECONDS = 0.5
PATIENCE = 600.0  # without any account that ends
Store = SQLiteStore | DynamoDBStore


def accounts(headless: Headless, count: int) -> Iterator[Account]:
    """Give so many accounts of a pool, which only a stand-in for Cognito knows."""
    pool_id = headless.stage.cognito.pools[POOL].id
    for number in range(count):
        yield Account(
            pool=POOL,
            pool_id=pool_id,
            region=REGION,
            username=f"person{number:07}",
            sub=f"00000000-0000-4000-8000-{number:012}",
            email=f"person{number:07}@example.com",
        )


def make_list(headless: Headless, store: Store, count: int) -> Request:
    """Store a list of so many accounts that was decided on; return it once it waits to be run."""
    now, digest, portions, some = datetime.now(UTC), "", 0, list[Account]()
    operator = Operator(team_id=headless.stage.workspace.people[SAM].team_id, id=SAM, name="sam")
    ask = Ask(
        id=new_id(now), operator=operator, source="slack", channel_id=SUPPORT, options=Options(target="", pool=POOL)
    )
    for account in accounts(headless, count):
        some.append(account)
        if len(some) == ACCOUNTS_IN_A_PORTION:
            store.put_portion(ask.id, portions, some)
            digest, portions, some = digest_of(some, digest), portions + 1, []
    if some:
        store.put_portion(ask.id, portions, some)
        digest, portions = digest_of(some, digest), portions + 1
    listed = Listed(
        pool=POOL,
        pool_id=headless.stage.cognito.pools[POOL].id,
        region=REGION,
        lines=count,
        size=count,
        portions=portions,
        digest=digest,
    )
    confirming = Request(
        ask=ask,
        state=State.CONFIRMING,
        candidates=(),
        chosen=None,
        allowed_by="allow.users",
        looked_up_at=now,
        created_at=now,
        expires_at=now,
        listed=listed,
    )
    decided_at = datetime.now(UTC)
    ready = replace(confirming, state=State.READY, decided_at=decided_at)
    store.add(ready, entry_of(ready, decided_at), None)
    return ready


def wait_for_end(store: Lists, request: Request, meanwhile: Callable[[Request], object] = lambda _: None) -> Request:
    """Wait until a list has ended; return it. `meanwhile` is called again and again with it as it is."""
    ended, end = 0, time.monotonic() + PATIENCE
    while True:
        found = _read(store, request)
        if found.state in ENDED:
            return found
        if found.contents.counts.ended > ended:
            ended, end = found.contents.counts.ended, time.monotonic() + PATIENCE
        if time.monotonic() > end:
            raise TimeoutError(f"no account ended for {PATIENCE:.0f} s: {found.state}, {found.contents.trouble}")
        meanwhile(found)
        time.sleep(LOOK_EVERY_SECONDS)


def _read(store: Lists, request: Request) -> Request:
    with suppress(StoreUnavailableError):  # a stand-in is busy
        if found := store.get(request.id):
            return found
    return request


def outcomes(store: Store, request: Request) -> Counter[str]:
    """Return how many outcomes the trail has of each account of a list, by its request's id."""
    found = Counter[str]()
    for entry in store.entries(None, None, request.id):
        if entry.request and entry.request.list_id and entry.request.state in ENDED:
            found[entry.ask.id] += 1
    return found


@contextmanager
def sqlite_store(headless: Headless) -> Iterator[tuple[Store, dict[str, str]]]:
    """Give a store beside the bots, and what they need to find it."""
    path = headless.stage.folder / "lists.db"
    with closing(SQLiteStore(path)) as store:
        store.open()
        yield store, {"SIGNOUT_STORE": f"sqlite:///{path}"}


class _Large(DynamoDB):
    """A DynamoDB for very many items of one table: it keeps what the index holds, and forgets the calls."""

    def __init__(self) -> None:
        self._due: dict[tuple[str, str], Any] = {}
        super().__init__()

    @property
    def _items_in_reach(self) -> Callable[[Table], list[Any]]:
        everywhere = super()._items_in_reach

        def in_reach(table: Table) -> list[Any]:
            if self._asks_index:
                return list(self._due.values())
            values = self.calls[-1][1].get("ExpressionAttributeValues", {}).values()
            partitions = (table.items.get(DynamoType(each)) for each in values)
            return next((list(each.values()) for each in partitions if each), None) or everywhere(table)

        return in_reach

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        answer = super().__call__(environ, start_response)
        action, parameters = self.calls.pop()
        actions = parameters.get("TransactItems") or [{action.removesuffix("Item"): parameters}]
        for what in chain.from_iterable(each.values() for each in actions):
            if key := what.get("Key") or what.get("Item"):
                table: Table = dynamodb_backends[ACCOUNT][REGION].tables[what["TableName"]]
                item = table.get_item(DynamoType(key["pk"]), DynamoType(key["sk"]))
                name = key["pk"]["S"], key["sk"]["S"]
                if item is not None and "due" in item.attrs:
                    self._due[name] = item
                else:
                    self._due.pop(name, None)
        return answer


@contextmanager
def dynamodb_store(_: Headless) -> Iterator[tuple[Store, dict[str, str]]]:
    """Give a table beside the bots, and what they need to find it."""
    dynamodb = _Large()
    try:
        table, environment = dynamodb.new_table(), dynamodb.environment
        patient = patch.object(calls, "CONFIG", calls.CONFIG.merge(Config(read_timeout=60)))
        with patient, patch.dict("os.environ", environment), closing(DynamoDBStore(table)) as store:
            store.open()
            yield cast(Store, store), {**environment, "SIGNOUT_STORE": f"dynamodb://{table}"}
    finally:
        dynamodb.stop()


STORES = {"sqlite": sqlite_store, "dynamodb": dynamodb_store}
