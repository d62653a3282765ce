"""boto3's clients, built when they are first needed: for each region one of each kind."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import CredentialResolver

from bot.aws.sessions import PresentSession
from bot.clock import CheckedClock
from bot.facts.told_time import boto3_tells
from bot.work import CONNECT_SECONDS, READ_SECONDS

if TYPE_CHECKING:
    from types_boto3_cognito_idp import CognitoIdentityProviderClient
    from types_boto3_sts import STSClient

SHARED_SECONDS = 1.0

_latest: ContextVar[float] = ContextVar("latest")  # on time.monotonic's clock

# A Cognito client with the bot's own credentials, one with those of the present session, or one that assumes roles.
_Kind = Literal["own", "present session", "sts"]


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


def patience() -> float:
    """Return how many seconds another thread may be waited for: no longer than a call may take, or has left."""
    return max(0.0, min(CONNECT_SECONDS + READ_SECONDS, _latest.get(float("inf")) - time.monotonic()))


def bounded(attempts: int = 1, **more: Any) -> Config:
    """Return the bounds of a call: `CONNECT_SECONDS` and `READ_SECONDS` an attempt, and no more than so many.

    One is what a sign-out takes: botocore's own retries hide doubt, as a time-out followed by a refusal looks like a
    refusal.
    """
    retries: Any = {"total_max_attempts": attempts, "mode": "standard"}
    return Config(connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, retries=retries, **more)


class Clients:
    """Clients by region. Credentials and endpoints come from the environment, as boto3 reads them.

    `clock` is compared with each answer.
    """

    def __init__(self, connections: int, clock: CheckedClock | None = None) -> None:
        self._clock = clock
        self._connections = connections
        self._locks: defaultdict[tuple[_Kind, str], threading.Lock] = defaultdict(threading.Lock)
        self._clients: dict[tuple[_Kind, str], tuple[Any, float]] = {}

    def of(self, region: str) -> "CognitoIdentityProviderClient":
        """Return Cognito's client of a region. Building one looks for credentials, which may take seconds.

        Raises `TooLateError` where another thread is at that for longer than this one can wait.
        """
        client: CognitoIdentityProviderClient = self._get("own", region)
        return client

    def of_present_session(self, region: str) -> "CognitoIdentityProviderClient":
        """Return Cognito's client of a region that signs with what `signing_with` gives. Raises as `of` does."""
        client: CognitoIdentityProviderClient = self._get("present session", region)
        return client

    def sts(self, region: str) -> "STSClient":
        """Return the client of a region's own STS, with the bot's credentials. Raises as `of` does."""
        client: STSClient = self._get("sts", region)
        return client

    def forget(self, region: str) -> None:
        """Build the clients of a region again when next needed, but not for each of many who need them at once."""
        for key, (_, built_at) in list(self._clients.items()):
            if key[1] == region and time.monotonic() - built_at > SHARED_SECONDS:
                self._clients.pop(key, None)

    def close(self) -> None:
        """Close every client's connections."""
        for client, _ in self._clients.values():
            client.close()

    def _get(self, kind: _Kind, region: str) -> Any:
        if found := self._clients.get((kind, region)):
            return found[0]
        lock = self._locks[kind, region]
        if not lock.acquire(timeout=patience()):
            raise TooLateError
        try:
            if (kind, region) not in self._clients:
                self._clients[kind, region] = (self._build(kind, region), time.monotonic())
            return self._clients[kind, region][0]
        finally:
            lock.release()

    def _build(self, kind: _Kind, region: str) -> Any:
        config = bounded(max_pool_connections=self._connections)
        session = botocore.session.get_session()
        session.set_default_client_config(config)  # for the calls, too, by which credentials are got
        if kind == "present session":
            session.register_component("credential_provider", CredentialResolver([PresentSession()]))
        aws = boto3.Session(botocore_session=session)
        # Two calls, so that each has its type.
        client: Any = (
            aws.client("sts", region_name=region, config=config)
            if kind == "sts"
            else aws.client("cognito-idp", region_name=region, config=config)
        )
        client.meta.events.register("before-send", _in_time)
        if self._clock:
            boto3_tells(client, self._clock)
        return client


def _in_time(**_: Any) -> None:
    if time.monotonic() > _latest.get(float("inf")):
        raise TooLateError
