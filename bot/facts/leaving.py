"""Requests that leave in time or not at all, and answers that end in time, over connections of urllib3's kind."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from http.client import HTTPResponse
from io import BufferedReader, RawIOBase
from socket import socket
from ssl import SSLSocket
from threading import Lock
from typing import Any

from urllib3 import PoolManager
from urllib3.util import parse_url
from urllib3.util.proxy import connection_requires_http_tunnel

SETTLE_SECONDS = 0.5  # what a server says after TLS's handshake is there by then
KEPT_SECONDS = 30.0  # what was idle for longer may be closed just as it is used, and was perhaps read


class TooLateError(Exception):
    """A request was not sent, since it could not leave in time."""


@dataclass(slots=True)
class Departure:
    """One request, which may leave while seconds are `left`. `sent`: a byte may have left. `too_late`: it was stopped.

    What fails before that did nothing at the other end, with any error: no credentials, no address, no TLS.
    `credentials` sign it, where its client has none of its own.
    """

    left: Callable[[], float] = lambda: float("inf")
    sent: bool = False
    too_late: bool = False
    credentials: Any = field(default=None, repr=False)

    def check(self, *, sent: bool) -> None:
        """Raise `TooLateError` where no time is left; else note whether a byte leaves now."""
        self.too_late = self.left() <= 0
        if self.too_late:
            raise TooLateError
        self.sent = sent


_OF_NO_ONE = Departure()
_present = ContextVar("present", default=_OF_NO_ONE)
present = _present.get  # the request that is sent now; outside `leaving`, one without a limit


def time_left() -> float:
    """Return how many seconds the present request has left to leave."""
    return present().left()


@contextmanager
def leaving(departure: Departure | None = None) -> Iterator[None]:
    """Send one request inside, with no more time than there is around it.

    Raises `TooLateError` where it was stopped for that, even if a library made another error of it.
    """
    departure, around = departure or Departure(), present().left
    own = departure.left
    departure.left = lambda: min(own(), around())
    token = _present.set(departure)
    try:
        yield
    except Exception as error:
        if departure.too_late:
            raise TooLateError from error
        raise
    finally:
        _present.reset(token)


@contextmanager
def holding(lock: Lock, seconds: float, too_long: type[Exception] = TooLateError) -> Iterator[None]:
    """Hold a lock. Raises `too_long` where it is not free within `seconds`, `TooLateError` where no time is left."""
    if not lock.acquire(timeout=max(0.0, min(seconds, time_left()))):
        raise TooLateError if time_left() <= 0 else too_long
    try:
        yield
    finally:
        lock.release()


def within(seconds: float) -> Callable[[], float]:
    """Return what counts down from so many seconds, beginning now."""
    end = time.monotonic() + seconds
    return lambda: end - time.monotonic()


def in_time(pools: Mapping[str, Any], *before: type) -> dict[str, Any]:
    """Return urllib3's classes of connection pools, by scheme, with connections that keep to `leaving`.

    An answer ends within the time-out for reading, in all and not only for each read. There must be a time-out.
    `before` goes before each connection's own class.
    """
    return {
        scheme: _with(pool, ConnectionCls=_with(pool.ConnectionCls, *before, _Connection))
        for scheme, pool in pools.items()
    }


def keep_ready(pools: PoolManager, url: str, seconds: float) -> None:
    """See that one of the connections to a URL's host can take a request at once, and for so many seconds from now.

    The pools are those of `in_time`. Where there is none, one is opened, and told nothing. Raises as connecting does,
    and where all are in use.
    """
    pool: Any = pools.connection_from_url(url)
    first = pool._get_conn(timeout=0)  # noqa: SLF001 -- there is no public way
    try:
        if first.kept_for() >= seconds:
            return
        other = pool._get_conn(timeout=0)  # noqa: SLF001
    finally:
        pool._put_conn(first)  # noqa: SLF001 -- it may be used while the other one connects
    try:
        other.close()
        other.timeout = pool.timeout.connect_timeout
        tunnels = connection_requires_http_tunnel(pool.proxy, pool.proxy_config, parse_url(url).scheme)
        pool._prepare_proxy(other) if tunnels else other.connect()  # noqa: SLF001
        other.settle()
    except BaseException:
        other.close()
        raise
    finally:
        pool._put_conn(other)  # noqa: SLF001 -- the one that was put there last is used first


def _with(kind: Any, *before: type, **more: Any) -> Any:
    return type(kind.__name__, (*before, kind), more)


class _Answer(HTTPResponse):
    def __init__(self, sock: socket, *args: Any, **named: Any) -> None:
        super().__init__(sock, *args, **named)
        self.fp = BufferedReader(_Bounded(sock, self.fp.detach()))


class _Bounded(RawIOBase):
    """Reads for as long, in all, as the socket's time-out was at first."""

    def __init__(self, sock: socket, raw: Any) -> None:
        self._sock, self._raw, self._end = sock, raw, time.monotonic() + (sock.gettimeout() or 0)
        self.readable, self.close = raw.readable, raw.close  # type: ignore[method-assign]  # they are the socket's

    def readinto(self, buffer: Any) -> Any:
        if (left := self._end - time.monotonic()) <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)


class _Connection:
    """Goes before a connection's own class."""

    response_class = _Answer
    sock: socket | None
    _kept_until = 0.0

    @property
    def is_connected(self) -> bool:
        return time.monotonic() < self._kept_until and bool(super().is_connected)  # type: ignore[misc]

    def request(self, *args: Any, **named: Any) -> None:
        self._kept_until = time.monotonic() + KEPT_SECONDS
        if self.sock is not None:  # it was kept, or TLS has just made it; else `connect` comes next
            present().check(sent=True)
        super().request(*args, **named)  # type: ignore[misc]

    def connect(self) -> None:
        present().check(sent=False)
        super().connect()  # type: ignore[misc]  # what a proxy is sent to connect is not part of the request
        self._kept_until = time.monotonic() + KEPT_SECONDS
        present().check(sent=True)

    def kept_for(self) -> float:
        """Return for how many seconds it can be used yet."""
        return self._kept_until - time.monotonic() if self.is_connected else 0.0

    def settle(self) -> None:
        """Take what TLS says after its handshake: a connection with bytes to read counts as one that was closed."""
        if isinstance(self.sock, SSLSocket):
            self.sock.settimeout(SETTLE_SECONDS)
            with suppress(TimeoutError):
                self.sock.recv(1)
                raise ConnectionError("it was closed, or speaks first")
