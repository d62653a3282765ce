"""boto3's clients, built when they are first needed: for each region one of each kind."""

import threading
import time
from collections import defaultdict
from typing import Any, Literal

from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import NoCredentialsError

from bot.facts.aws_session import AwsSession, bounded
from bot.facts.boto3_clients import keep_client_ready
from bot.facts.clock import CheckedClock
from bot.facts.leaving import holding, present
from bot.work import CALL

SHARED_SECONDS = 1.0

# A Cognito client with the bot's own credentials, one with those of the present session, or one that assumes roles.
_Kind = Literal["own", "present session", "sts"]


class _OfThePresent(Credentials):
    """Those of the present `Departure`, looked up again for each request: never the bot's own."""

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        credentials: ReadOnlyCredentials | None = present().credentials
        if not credentials:
            raise NoCredentialsError
        return credentials


class Clients:
    """Clients by region. Credentials and endpoints come from the environment, as boto3 reads them.

    `clock` is compared with each answer.
    """

    def __init__(self, connections: int, clock: CheckedClock | None = None) -> None:
        self._clock = clock
        self._connections = connections
        self._locks: defaultdict[tuple[_Kind, str], threading.Lock] = defaultdict(threading.Lock)
        self._clients: dict[tuple[_Kind, str], tuple[Any, float]] = {}

    def of(self, region: str, kind: _Kind = "own") -> Any:
        """Return Cognito's client of a region, or its STS. Building one looks for credentials, which may take seconds.

        Raises `AwsSetupError`, and `TooLateError` where another thread is at that for longer than this one can wait.
        """
        if found := self._clients.get((kind, region)):
            return found[0]
        with holding(self._locks[kind, region], CALL.total_seconds()):
            if (kind, region) not in self._clients:
                self._clients[kind, region] = (self._build(kind, region), time.monotonic())
            return self._clients[kind, region][0]

    def keep_ready(self, seconds: float) -> None:
        """See that each Cognito client has a connection for so many seconds, and credentials that do not end soon.

        Raises as getting these does.
        """
        for (kind, _), (client, _) in list(self._clients.items()):
            if kind != "sts":  # STS was asked for the session of a request when its account was looked up
                keep_client_ready(client, seconds)
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

    def _build(self, kind: _Kind, region: str) -> Any:
        present = _OfThePresent("", "") if kind == "present session" else None
        session = AwsSession(bounded(max_pool_connections=self._connections), present, self._clock)
        return session.create_client("sts" if kind == "sts" else "cognito-idp", region)
