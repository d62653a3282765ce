"""What may be at the other end of a connection: a service that answers, is slow or silent, has TLS, or is a proxy."""

import socket
import ssl
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

YES = (
    b"HTTP/1.1 200 OK\r\nx-amzn-RequestId: 1\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: 2\r\n\r\n{}"
)
PATIENCE = 20
Talk = Callable[[socket.socket], object]


@dataclass
class FarEnd:
    """A listening port. `requests` are the requests that came, whole; `connections` counts what was accepted."""

    port: int = 0
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0

    def answers(
        self, sock: socket.socket, give: Callable[[socket.socket], object] = lambda it: it.sendall(YES)
    ) -> None:
        """Take requests, as long as some come, and give each the same answer."""
        while request := _request(sock):
            self.requests.append(request)
            give(sock)


@contextmanager
def far_end(talk: Callable[[FarEnd, socket.socket], object] = FarEnd.answers) -> Iterator[FarEnd]:
    """Give a port on which each connection is talked to like this."""
    end, threads = FarEnd(), []
    with socket.create_server(("127.0.0.1", 0)) as door:
        end.port = door.getsockname()[1]

        def one(sock: socket.socket) -> None:
            sock.settimeout(PATIENCE)
            with sock, suppress(OSError):
                talk(end, sock)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    sock, _ = door.accept()
                    end.connections += 1
                    threads.append(threading.Thread(target=one, args=(sock,), daemon=True))
                    threads[-1].start()

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield end
        finally:
            door.shutdown(socket.SHUT_RDWR)
            accepting.join()


def silent(_: FarEnd, sock: socket.socket) -> None:
    """Read all that comes, and say nothing."""
    while sock.recv(65536):
        pass


def drop_by_drop(answer: bytes, pause: float = 0.1) -> Talk:
    """Return what gives an answer one byte at a time."""

    def give(sock: socket.socket) -> None:
        for number in range(len(answer)):
            sock.sendall(answer[number : number + 1])
            time.sleep(pause)

    return give


def behind_tls(certificate: Path, after: float = 0.0) -> Callable[[FarEnd, socket.socket], None]:
    """Return what answers over TLS, and begins with that only after a while."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def talk(end: FarEnd, sock: socket.socket) -> None:
        time.sleep(after)
        with context.wrap_socket(sock, server_side=True) as wrapped:
            end.answers(wrapped)

    return talk


def proxy_to(port: int, answer: Talk) -> Callable[..., None]:
    """Return what takes a CONNECT, gives this answer to it, and then carries bytes to that port and back."""

    def talk(end: FarEnd, sock: socket.socket) -> None:
        end.requests.append(_head(sock))
        answer(sock)
        with socket.create_connection(("127.0.0.1", port)) as onward:
            back = threading.Thread(target=carry, args=(onward, sock), daemon=True)
            back.start()
            carry(sock, onward)
            back.join()

    return talk


def asking(login: str, talk: Callable[..., None]) -> Callable[..., None]:
    """Return a proxy that wants a login: it gives a 407 to those that tell another one or none."""
    wanted = f"Proxy-Authorization: Basic {b64encode(login.encode()).decode()}\r\n".lower().encode()

    def give(end: FarEnd, sock: socket.socket) -> None:
        head = sock.recv(65536, socket.MSG_PEEK)
        if login and wanted not in head.lower():
            sock.sendall(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n")
        else:
            talk(end, sock)

    return give


def certificate_for(name: str, folder: Path, *also: str) -> Path:
    """Make a certificate that signs itself, with its key, in one file; return the file."""
    key = ec.generate_private_key(ec.SECP256R1())
    itself = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(itself, itself, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in (name, *also)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{name}.pem"
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(made.public_bytes(pem) + secret)
    return file


def _head(sock: socket.socket) -> bytes:
    read = b""
    while not read.endswith(b"\r\n\r\n"):
        part = sock.recv(1)
        if not part:
            return b""
        read += part
    return read


def _request(sock: socket.socket) -> bytes:
    head = _head(sock)
    body, length = b"", 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    while len(body) < length:
        body += sock.recv(length - len(body))
    return head + body


def carry(here: socket.socket, there: socket.socket) -> None:
    """Carry bytes until there are no more."""
    with suppress(OSError):
        while part := here.recv(65536):
            there.sendall(part)
        there.shutdown(socket.SHUT_WR)
