"""Ways to a service on loopback: with a distance, with TLS, and past a proxy. Each counts what connects to it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

Carry = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Way:
    """A forwarder on a port of its own; `connections` counts what it accepted. Small packets leave at once on it."""

    address: str = ""
    connections: int = 0
    _open: set[asyncio.Task[None]] = field(default_factory=set)

    async def carry(self, here: asyncio.StreamReader, answers: asyncio.StreamWriter, to: str, away: float) -> None:
        """Carry the bytes of one connection there and back."""
        self.connections += 1
        await asyncio.sleep(away)  # until TCP itself has been there and back
        url = urlsplit(to)
        there, onward = await asyncio.open_connection(url.hostname, url.port)
        try:
            await asyncio.gather(_pour(here, onward, away / 2), _pour(there, answers, away / 2))
        finally:
            onward.close()
            answers.close()

    def keep(self, talk: Carry) -> Carry:
        """Return `talk` as what ends with this way. A connection that breaks is passed over."""

        async def kept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            if task:
                self._open.add(task)
            with suppress(OSError, asyncio.CancelledError, asyncio.IncompleteReadError):
                await talk(reader, writer)
            if task:
                self._open.discard(task)

        return kept

    async def close(self) -> None:
        """End all connections."""
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)


@asynccontextmanager
async def way_to(url: str, *, away: float = 0.0, tls: ssl.SSLContext | None = None) -> AsyncIterator[Way]:
    """Give a way to a service so many seconds `away`, there and back. With `tls` it ends TLS in the service's stead."""
    way = Way()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await way.carry(reader, writer, url, away)

    async with await asyncio.start_server(way.keep(talk), "127.0.0.1", 0, ssl=tls) as server:
        port = server.sockets[0].getsockname()[1]
        way.address = f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}"
        yield way
        await way.close()


@asynccontextmanager
async def proxy_to(url: str) -> AsyncIterator[Way]:
    """Give a proxy that takes a CONNECT to anywhere, and leads to this service."""
    way = Way()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await way.carry(reader, writer, url, 0.0)

    async with await asyncio.start_server(way.keep(talk), "127.0.0.1", 0) as server:
        way.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield way
        await way.close()


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    """Write what comes, each part so many seconds later, and then the end."""
    loop = asyncio.get_running_loop()
    while part := await reader.read(65536):
        _later(loop, seconds, writer, part)
    await asyncio.sleep(seconds)
    if writer.can_write_eof():
        writer.write_eof()
    else:
        writer.close()


def _later(loop: asyncio.AbstractEventLoop, seconds: float, writer: asyncio.StreamWriter, part: bytes) -> None:
    if seconds:
        loop.call_later(seconds, writer.write, part)
    else:
        writer.write(part)
