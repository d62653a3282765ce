"""boto3's clients, built when they are first needed: for each region one of each kind."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Literal

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import CredentialProvider, CredentialResolver, Credentials, ReadOnlyCredentials
from botocore.exceptions import NoCredentialsError

from bot.clock import CheckedClock
from bot.facts.leaving import TooLateError, boto3_in_time, boto3_keeps_ready, time_left
from bot.facts.told_time import boto3_tells
from bot.work import CONNECT_SECONDS, READ_SECONDS

if TYPE_CHECKING:
    from types_boto3_cognito_idp import CognitoIdentityProviderClient
    from types_boto3_sts import STSClient

SHARED_SECONDS = 1.0

# A Cognito client with the bot's own credentials, one with those of the present session, or one that assumes roles.
_Kind = Literal["own", "present session", "sts"]
_present: ContextVar[ReadOnlyCredentials] = ContextVar("present")


@contextmanager
def patiently(lock: threading.Lock) -> Iterator[None]:
    """Hold a lock. Raises `TooLateError` where that would take longer than a call may, or has left."""
    if not lock.acquire(timeout=max(0.0, min(CONNECT_SECONDS + READ_SECONDS, time_left()))):
        raise TooLateError
    try:
        yield
    finally:
        lock.release()


@contextmanager
def signing_with(credentials: ReadOnlyCredentials) -> Iterator[None]:
    """Sign what this thread sends through clients of `of_present_session` with these credentials."""
    token = _present.set(credentials)
    try:
        yield
    finally:
        _present.reset(token)


class _OfThePresent(Credentials):
    """Credentials that are looked up again for each request."""

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        try:
            return _present.get()
        except LookupError:
            raise NoCredentialsError from None


class _PresentSession(CredentialProvider):
    """Gives a client no credentials but those of `signing_with`: it never falls back to the bot's own."""

    METHOD = CANONICAL_NAME = "present-session"

    def load(self) -> Credentials:
        return _OfThePresent("", "", method=self.METHOD)


def bounded(attempts: int = 1, **more: Any) -> Config:
    """Return the bounds of a call: `CONNECT_SECONDS` and `READ_SECONDS` an attempt, and no more than so many.

    One is what a sign-out takes: botocore's own retries hide doubt, as a time-out followed by a refusal looks like a
    refusal.
    """
    retries: Any = {"total_max_attempts": attempts, "mode": "standard"}
    return Config(connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, retries=retries, **more)


def session_of(config: Config) -> botocore.session.Session:
    """Return a session that keeps to these bounds, also in the calls that get credentials."""
    session = botocore.session.get_session()
    session.set_default_client_config(config)
    return session


def client_of(service: Any, region: str | None, config: Config, session: botocore.session.Session | None = None) -> Any:
    """Return a client of boto3 that keeps to these bounds and to `leaving`."""
    aws = boto3.Session(botocore_session=session or session_of(config))
    return boto3_in_time(aws.client(service, region_name=region, config=config))


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

    def keep_ready(self, seconds: float) -> None:
        """See that each Cognito client has a connection for so many seconds, and credentials that do not end soon.

        Raises as getting these does.
        """
        for (kind, _), (client, _) in list(self._clients.items()):
            if kind != "sts":  # STS was asked for the session of a request when its account was looked up
                boto3_keeps_ready(client, seconds)
            if kind == "own":
                client._request_signer._credentials.get_frozen_credentials()  # noqa: SLF001 -- there is no public way

    def forget(self, region: str) -> None:
        """Build the clients of a region again when next needed; but only once where many need them at the same time."""
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
        with patiently(self._locks[kind, region]):
            if (kind, region) not in self._clients:
                self._clients[kind, region] = (self._build(kind, region), time.monotonic())
            return self._clients[kind, region][0]

    def _build(self, kind: _Kind, region: str) -> Any:
        config = bounded(max_pool_connections=self._connections)
        session = session_of(config)
        if kind == "present session":
            session.register_component("credential_provider", CredentialResolver([_PresentSession()]))
        client = client_of("sts" if kind == "sts" else "cognito-idp", region, config, session)
        if self._clock:
            boto3_tells(client, self._clock)
        return client
