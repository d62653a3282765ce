"""Requests that leave in time or not at all, and answers that end in time, over connections of urllib3's kind."""

import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar, Token
from http.client import HTTPResponse
from io import BufferedReader, RawIOBase
from socket import socket
from types import TracebackType
from typing import Any, Self


class TooLateError(Exception):
    """A request was not sent, since it could not leave in time."""


class Departure:
    """Inside it, one request leaves while seconds are `left` or not at all. By default it has the time of that around.

    `sent`: a byte of it may have left. What fails before did nothing at the other end, whatever the error is: there are
    no credentials, no address, no TLS. Raises `TooLateError` where the time was over, whatever a library made of it.
    """

    def __init__(self, left: Callable[[], float] | None = None) -> None:
        around = _present.get()
        self.left: Callable[[], float] = left or (around.left if around else lambda: float("inf"))
        self.sent = self._is_late = False

    def __enter__(self) -> Self:
        self._around: Token[Departure | None] = _present.set(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        _present.reset(self._around)
        if self._is_late and isinstance(error, Exception):
            raise TooLateError from error

    def check(self) -> None:
        """Raise `TooLateError` where no time is left."""
        self._is_late = self.left() <= 0
        if self._is_late:
            raise TooLateError

    def leave(self) -> None:
        """Check, and note that the first byte leaves now."""
        self.check()
        self.sent = True


_present: ContextVar[Departure | None] = ContextVar("present", default=None)


def time_left() -> float:
    """Return how many seconds the present request has left to leave; without a `Departure`, there is no end."""
    present = _present.get()
    return present.left() if present else float("inf")


def within(seconds: float) -> Callable[[], float]:
    """Return what counts down from so many seconds, beginning now."""
    end = time.monotonic() + seconds
    return lambda: end - time.monotonic()


def in_time(pools: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return urllib3's classes of connection pools, by scheme, with connections that keep to the present `Departure`.

    Their answers end within the time-out for reading, in all and not only for each read. There must be a time-out.
    """
    return {scheme: _with(pool, ConnectionCls=_with(pool.ConnectionCls, _Connection)) for scheme, pool in pools.items()}


def boto3_in_time(client: Any) -> None:
    """Let a client of boto3 send its requests over connections of `in_time`."""
    pools = client._endpoint.http_session._pool_classes_by_scheme  # noqa: SLF001 -- there is no public way
    pools.update(in_time(pools))


def _with(kind: Any, *before: type, **more: Any) -> Any:
    return type(kind.__name__, (*before, kind), more)


class _Answer(HTTPResponse):
    def __init__(self, sock: socket, *args: Any, **named: Any) -> None:
        super().__init__(sock, *args, **named)
        self.fp = BufferedReader(_Bounded(sock, self.fp.detach()))


class _Bounded(RawIOBase):
    """Reads for as long, in all, as the socket's time-out was at first."""

    def __init__(self, sock: socket, raw: Any) -> None:
        self._sock, self._raw = sock, raw
        self._end = time.monotonic() + (sock.gettimeout() or 0.0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> Any:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Connection:
    """What is put before a connection's own class."""

    response_class = _Answer
    sock: socket | None

    def request(self, *args: Any, **named: Any) -> None:
        present = _present.get()
        if present and self.sock is not None:  # it was kept, or TLS has just made it; else `connect` comes next
            present.leave()
        super().request(*args, **named)  # type: ignore[misc]

    def connect(self) -> None:
        present = _present.get()
        if present:
            present.check()
        super().connect()  # type: ignore[misc]  # what a proxy is sent to connect is no part of the request
        if present:
            present.leave()
