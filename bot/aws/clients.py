"""boto3's clients, one for each region, built when they are first needed."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.config import Config

from bot.sign_out import CONNECT_SECONDS, READ_SECONDS

if TYPE_CHECKING:
    from types_boto3_cognito_idp import CognitoIdentityProviderClient

SHARED_SECONDS = 1.0

_latest: ContextVar[float] = ContextVar("latest")  # on time.monotonic's clock


class TooLateError(Exception):
    """A request was not sent, since it could not leave in time."""


@contextmanager
def leaving_within(length: timedelta) -> Iterator[None]:
    """Send no request that leaves later than this from now, say because credentials were slow to come."""
    token = _latest.set(time.monotonic() + length.total_seconds())
    try:
        yield
    finally:
        _latest.reset(token)


class Clients:
    """Cognito clients by region. Credentials and endpoints come from the environment, as boto3 reads them."""

    def __init__(self, connections: int) -> None:
        self._connections = connections
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._clients: dict[str, tuple[CognitoIdentityProviderClient, float]] = {}

    def of(self, region: str) -> "CognitoIdentityProviderClient":
        """Return the client of a region. Building one looks for credentials, which may take seconds.

        Raises `TooLateError` where another thread is at that for longer than a call may take.
        """
        if found := self._clients.get(region):
            return found[0]
        lock = self._locks[region]
        if not lock.acquire(timeout=CONNECT_SECONDS + READ_SECONDS):
            raise TooLateError
        try:
            if region not in self._clients:
                self._clients[region] = (self._build(region), time.monotonic())
            return self._clients[region][0]
        finally:
            lock.release()

    def forget(self, region: str) -> None:
        """Build the client of a region anew when it is next needed, but not for each of many who need it at once."""
        found = self._clients.get(region)
        if found and time.monotonic() - found[1] > SHARED_SECONDS:
            self._clients.pop(region, None)

    def close(self) -> None:
        """Close every client's connections."""
        for client, _ in self._clients.values():
            client.close()

    def _build(self, region: str) -> "CognitoIdentityProviderClient":
        # botocore's own retries would hide doubt: a time-out followed by a refusal looks like a refusal.
        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"total_max_attempts": 1, "mode": "standard"},
            max_pool_connections=self._connections,
        )
        session = botocore.session.get_session()
        session.set_default_client_config(config)  # for the calls, too, by which credentials are got
        client = boto3.Session(botocore_session=session).client("cognito-idp", region_name=region, config=config)
        client.meta.events.register("before-send.cognito-idp", _in_time)
        return client


def _in_time(**_: Any) -> None:
    if time.monotonic() > _latest.get(float("inf")):
        raise TooLateError
