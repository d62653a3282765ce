"""Fixtures that several tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from headless import Headless

from bot.sandbox.cognito import Moto
from bot.stores.sqlite import SQLiteStore


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
def store(tmp_path: Path) -> Iterator[SQLiteStore]:
    """A new store on the disk."""
    opened = SQLiteStore(tmp_path / "signout.db")
    opened.open()
    yield opened
    opened.close()
