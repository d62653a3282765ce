"""Fixtures that several tests share."""

import gc
import json
import logging
import os
import re
import sys
import threading
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from itertools import islice
from pathlib import Path
from unittest.mock import patch

import pytest
from botocore.config import Config
from botocore.hooks import BaseEventHooks, EventAliaser
from botocore.loaders import JSONFileLoader, Loader
from dynamodb import DynamoDB
from headless import Headless
from hypothesis import settings
from joserfc.jwk import RSAKey
from moto import backends
from moto.core import responses
from moto.core.utils import method_names_from_class

from bot.sandbox.cognito import Moto
from bot.stores.dynamodb import calls
from bot.stores.dynamodb.store import DynamoDBStore
from bot.stores.sqlite.store import SQLiteStore

# How Slack and AWS are reached from this machine is of no test. Its certificates would be read at each AWS session.
OURS = re.compile(r"(AWS|SIGNOUT|SLACK)_.*|SSL_CERT_.*|(CURL|REQUESTS)_CA_BUNDLE|.*_PROXY", re.IGNORECASE)
for name in filter(OURS.fullmatch, list(os.environ)):
    del os.environ[name]

# pytest takes 6 s of the processor to rewrite the assertions of all tests. What it made is kept, also where Python is
# told to keep nothing.
sys.dont_write_bytecode = False

# Several tests run at a time, so how long one example takes says nothing. The examples are the same in every run, so a
# test that fails does so for everyone. `--hypothesis-profile=other-examples` looks for others.
settings.register_profile("same-examples", deadline=None, derandomize=True, database=None)
settings.register_profile("other-examples", deadline=None, derandomize=False)
settings.load_profile("same-examples")

HERE = Path(__file__).parent
WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
# What asks for one of these runs the whole bot, a browser or a server.
LONG = {"headless", "chromium", "moto", "dynamodb_server"}


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark as long what needs long things."""
    if not LONG.isdisjoint(getattr(item, "fixturenames", ())):
        item.add_marker(pytest.mark.long("the whole bot"))


def pytest_collection() -> None:
    """Let each worker rewrite the assertions of its share of the tests, if no one has yet: the others read those."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    for path in sorted(HERE.glob("test_*.py"))[number::WORKERS] if WORKERS > 1 else ():
        if not any(HERE.glob(f"__pycache__/{path.stem}.*-pytest-*")):
            import_module(path.stem)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let each worker begin with what is long by itself, so that it is not last: xdist deals out shares in order.

    What only waits is for the first two workers: where all of them wait at once, the processor has nothing to do.
    """
    long = {item: mark for item in items if (mark := _long_by_itself(item))}
    waiting = [item for item, mark in long.items() if mark.kwargs.get("waits")]
    busy = [item for item in long if item not in waiting]
    others = iter([item for item in items if item not in long])
    ends = [round(number * len(items) / WORKERS) for number in range(WORKERS + 1)]
    dealt: list[pytest.Item] = []
    for number in range(WORKERS):
        dealt += (waiting[number :: min(WORKERS, 2)] if number < 2 else []) + busy[number::WORKERS]
        dealt += islice(others, max(ends[number + 1] - len(dealt), 0))
    dealt += others
    assert sorted(map(id, dealt)) == sorted(map(id, items)), "each test is dealt once"
    items[:] = dealt


def pytest_collection_finish() -> None:
    """Have the garbage collector skip what is there by now: it would look through all of it again and again."""
    gc.collect()
    gc.freeze()


def _long_by_itself(item: pytest.Item) -> pytest.Mark | None:
    return next((mark for mark in item.own_markers if mark.name == "long" and not mark.args), None)


@pytest.fixture(scope="session", autouse=True)
def done_once() -> Iterator[None]:
    """What botocore does again for each session, and moto for each pool and call: together a third of all the work."""
    load, really_list = cache(JSONFileLoader().load_file), Loader.list_available_services
    listed: dict[tuple[str, ...], list[str]] = {}
    services, really_import = tuple(backends.list_of_moto_modules()), RSAKey.import_key
    import_key = cache(lambda key: really_import(json.loads(key)))
    really_alias, aliases = EventAliaser._alias_event_name, dict[str, str]()  # type: ignore[attr-defined]

    def list_services(loader: Loader, type_name: str) -> list[str]:
        where = (type_name, *loader.search_paths)
        if where not in listed:
            listed[where] = really_list(loader, type_name)
        return listed[where]

    def alias(aliaser: EventAliaser, name: str) -> str:
        if name not in aliases:
            aliases[name] = really_alias(aliaser, name)
        return aliases[name]

    with (
        patch.object(JSONFileLoader, "load_file", lambda _, path: load(path)),
        patch.object(Loader, "list_available_services", list_services),
        patch.object(backends, "list_of_moto_modules", lambda: services),
        patch.object(RSAKey, "import_key", lambda key, _=None: import_key(json.dumps(key))),
        patch.object(EventAliaser, "_alias_event_name", alias),
        patch.object(BaseEventHooks, "_verify_accept_kwargs", lambda *_: True),
        patch.object(responses, "method_names_from_class", cache(method_names_from_class)),
    ):
        yield


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """A command run in this process sets logging up for a process of its own: undo that."""
    loggers = [logging.getLogger(), logging.getLogger("bot")]
    before = [(logger, logger.level) for logger in loggers], sys.excepthook, threading.excepthook
    yield
    levels, sys.excepthook, threading.excepthook = before
    for logger, level in levels:
        logger.setLevel(level)
    logging.captureWarnings(capture=False)


@pytest.fixture(scope="session")
def moto() -> Iterator[Moto]:
    """One moto for all tests; each makes pools of its own in it."""
    server = Moto()
    yield server
    server.stop()


@pytest.fixture
def headless(moto: Moto) -> Iterator[Headless]:
    """A stage without a bot, with ada and grace signed in."""
    with Headless(moto) as stage:
        yield stage


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[SQLiteStore]:
    """A new store on the disk."""
    opened = SQLiteStore(tmp_path / "signout.db")
    opened.open()
    yield opened
    opened.close()


@pytest.fixture
def store(sqlite_store: SQLiteStore) -> SQLiteStore:
    """The store of tests to which it does not matter which."""
    return sqlite_store


@pytest.fixture(scope="session")
def dynamodb_server() -> Iterator[DynamoDB]:
    """One DynamoDB for all tests; each makes a table of its own in it."""
    server = DynamoDB()
    yield server
    server.stop()


@pytest.fixture
def dynamodb(dynamodb_server: DynamoDB, monkeypatch: pytest.MonkeyPatch) -> Iterator[DynamoDB]:
    """DynamoDB, where boto3 finds it and without any fault."""
    for name, value in dynamodb_server.environment.items():
        monkeypatch.setenv(name, value)
    # A busy machine is not what is tested.
    monkeypatch.setattr(calls, "CONFIG", calls.CONFIG.merge(Config(read_timeout=30)))
    monkeypatch.setattr(calls, "KEEP_TRYING_SECONDS", 60.0)
    dynamodb_server.calls.clear()
    yield dynamodb_server
    dynamodb_server.clear()


@pytest.fixture
def table(dynamodb: DynamoDB) -> str:
    """A new table; its name."""
    return dynamodb.new_table()


@pytest.fixture
def dynamodb_store(table: str) -> Iterator[DynamoDBStore]:
    """A new store in DynamoDB."""
    opened = DynamoDBStore(table)
    opened.open()
    yield opened
    opened.close()
