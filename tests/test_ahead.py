"""While a card waits for a press, the connections that the press needs are ready, and nothing is sent on them."""

import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from examples import NOON, StoppedClock
from far_end import FarEnd, behind_tls, certificate_for, far_end, proxy_to
from urllib3 import PoolManager, ProxyManager
from urllib3.poolmanager import pool_classes_by_scheme

from bot.edge.ahead import READY_SECONDS, look_ahead
from bot.facts import leaving
from bot.facts.leaving import in_time, keep_ready

URL = "https://hooks.slack.com/commands/T/1/secret"


@pytest.fixture
def ends() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture(params=["plain", "TLS", "TLS past a proxy"])
def service(request: pytest.FixtureRequest, ends: ExitStack, tmp_path: Path) -> tuple[FarEnd, Any, str]:
    """What is at the other end, the connections to it, and its address."""
    if request.param == "plain":
        end, manager = ends.enter_context(far_end()), PoolManager(timeout=5, maxsize=4)
        address = f"http://127.0.0.1:{end.port}"
    else:
        certificate = certificate_for("localhost", tmp_path)
        end = ends.enter_context(far_end(behind_tls(certificate)))
        address, trusting = f"https://localhost:{end.port}", ssl.create_default_context(cafile=certificate)
        manager = PoolManager(timeout=5, maxsize=4, ssl_context=trusting)
        if request.param == "TLS past a proxy":
            established = b"HTTP/1.1 200 Connection established\r\n\r\n"
            proxy = ends.enter_context(far_end(proxy_to(end.port, lambda sock: sock.sendall(established))))
            manager = ProxyManager(f"http://127.0.0.1:{proxy.port}", timeout=5, maxsize=4, ssl_context=trusting)
    manager.pool_classes_by_scheme = in_time(pool_classes_by_scheme)
    return end, manager, address


def opened(end: FarEnd, number: int) -> bool:
    """Whether so many connections were opened by now: who connects does not wait until they are taken."""
    deadline = time.monotonic() + 5
    while end.connections < number and time.monotonic() < deadline:
        time.sleep(0.01)
    return end.connections == number


def test_a_connection_is_opened_ahead_told_nothing_and_used_by_the_next_request(
    service: tuple[FarEnd, Any, str],
) -> None:
    end, manager, address = service
    keep_ready(manager, address, 15)
    assert opened(end, 1)
    assert end.requests == []
    keep_ready(manager, address, 15)
    for _ in range(2):
        assert manager.request("POST", address, body="{}").status == 200
    assert (end.connections, len(end.requests)) == (1, 2)


def test_one_that_would_soon_be_too_old_is_replaced(
    service: tuple[FarEnd, Any, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    end, manager, address = service
    monkeypatch.setattr(leaving, "KEPT_SECONDS", 1.0)
    manager.request("POST", address, body="{}")
    keep_ready(manager, address, 0.1)
    assert opened(end, 1)
    time.sleep(0.3)
    keep_ready(manager, address, 0.8)
    assert opened(end, 2)
    manager.request("POST", address, body="{}")
    assert (end.connections, len(end.requests)) == (2, 2)


def test_one_that_cannot_be_opened_is_in_no_ones_way() -> None:
    with far_end() as end:
        address = f"http://127.0.0.1:{end.port}"
    manager = PoolManager(timeout=5, maxsize=2, block=True)
    manager.pool_classes_by_scheme = in_time(pool_classes_by_scheme)
    for _ in range(2):
        with pytest.raises(Exception, match="refused"):
            keep_ready(manager, address, 15)


def test_the_one_that_is_there_can_be_used_while_another_is_opened(service: tuple[FarEnd, Any, str]) -> None:
    end, manager, address = service
    manager.request("POST", address, body="{}")
    kind, used = manager.connection_from_url(address).ConnectionCls, list[int]()
    really_new = kind.connect

    def connect_late(connection: Any) -> None:
        used.append(manager.request("POST", address, body="{}").status)
        really_new(connection)

    with patch.object(kind, "connect", connect_late):
        keep_ready(manager, address, 60)
    assert used == [200]
    assert opened(end, 2)


class TestLookAhead:
    def test_nothing_is_opened_before_a_card_waits_and_once_its_time_is_over(self) -> None:
        clock, begun, waiting = StoppedClock(), list[Any](), list[tuple[str, datetime]]()

        def begin(*given: object) -> None:
            begun.append(given)

        look_ahead(clock, waiting, begin, begin)
        assert begun == []
        waiting.append((URL, NOON + timedelta(minutes=5)))
        look_ahead(clock, waiting, begin, begin)
        assert begun == [(URL, READY_SECONDS), (READY_SECONDS,)]
        clock.time = NOON + timedelta(minutes=5)
        look_ahead(clock, waiting, begin, begin)
        assert len(begun) == 2

    def test_what_fails_holds_nothing_up(self) -> None:
        begun: list[float] = []

        def fails(_: str, __: float) -> None:
            raise OSError

        waiting = [(URL, NOON + timedelta(minutes=5))]
        look_ahead(StoppedClock(), waiting, fails, begun.append)
        assert begun == [READY_SECONDS]
