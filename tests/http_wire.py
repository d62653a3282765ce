"""HTTP as bytes, for what no client library would send."""

import socket
from contextlib import suppress
from urllib.parse import urlencode, urlsplit

from headless import SUPPORT

from bot.sandbox import cast, payloads
from bot.sandbox.request_url import signed

MARK = "NeverLogThis"
SAM = cast.people()["U0SAM00001"]
PATIENCE = 60
Headers = dict[str, str] | list[tuple[str, str]]


def command(**fields: str) -> bytes:
    """Give the body of a slash command, in which some fields are different."""
    channel = cast.channels()[SUPPORT]
    whole = payloads.slash_command(SAM, channel, f"{MARK}@example.com", f"http://127.0.0.1:9/commands/{MARK}")
    return urlencode(whole | {"user_name": MARK} | fields).encode()


def raw(
    body: bytes | None = None,
    headers: Headers | None = None,
    line: str = "POST /slack/events HTTP/1.1",
    *,
    length: int | None = None,
) -> bytes:
    """Give a request; by default a good one. `length` is announced in place of the body's own; -1 announces none."""
    body = command() if body is None else body
    headers = signed(body) if headers is None else headers
    lines = [line, "Host: bot.example.com"]
    lines += [f"{name}: {value}" for name, value in (headers.items() if isinstance(headers, dict) else headers)]
    if length != -1:
        lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body


def answer(address: str, request: bytes, *, half_close: bool = False) -> tuple[int, bytes]:
    """Send bytes; give status and body of what comes back until the end of the connection; 0 where nothing does."""
    url = urlsplit(address)
    with socket.create_connection((str(url.hostname), url.port or 80), timeout=PATIENCE) as connection:
        received = b""
        with suppress(ConnectionError):  # a server need not read all before it answers and closes
            connection.sendall(request)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
        with suppress(ConnectionError):
            while part := connection.recv(65536):
                received += part
    head, _, body = received.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n").partition(b"\r\n\r\n")
    return (int(head.split(b" ")[1]) if head else 0), body
