"""The way to Slack over real sockets: what is kept open, what ends in time, and what is never sent twice."""

import json
import socket
import ssl
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from http.client import RemoteDisconnected
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from examples import NOON, at_leisure, awaiting
from headless import SAM, Headless
from messages import SHOWN
from test_odd_slack import ENTRY, channel
from whole_bot import CONFIRM, POST, TELL, card_for

from bot.deliver import HOLD
from bot.deliver import POST as LEASE
from bot.errors import DeliveryError
from bot.facts import leaving
from bot.ports import Place, lasting
from bot.sandbox.wire import EVERY_ACTION, Exchange
from bot.slack import clients
from bot.slack.audit_channel import SlackAuditChannel
from bot.slack.clients import ANSWER_SECONDS, CONNECT_SECONDS, BlockingClient, kind_of
from bot.slack.reply import SlackCards
from bot.slack.responses import respond
from bot.slack.text import lines, message
from bot.wiring.shared import SystemClock

OURS = {POST, TELL, "usergroups.users.list"}
YES = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"ok":true}'
LATE = str(DeliveryError("TimeoutError"))
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@dataclass
class Peer:
    """A server on a loopback port, and what was sent to it: a list of requests for each connection."""

    answer: Callable[[socket.socket, bytes], object]
    tls: ssl.SSLContext | None = None
    sent: list[list[bytes]] = field(default_factory=list)
    port: int = 0
    at_once: int = 0
    most_at_once: int = 0

    @property
    def address(self) -> str:
        return f"{'https' if self.tls else 'http'}://localhost:{self.port}"

    @property
    def requests(self) -> list[bytes]:
        return [request for each in self.sent for request in each]

    def serve(self, connection: socket.socket) -> None:
        requests: list[bytes] = []
        self.sent.append(requests)
        with (
            suppress(OSError),
            self.tls.wrap_socket(connection, server_side=True) if self.tls else connection as opened,
        ):
            while request := received(opened):
                requests.append(request)
                self.at_once += 1
                self.most_at_once = max(self.at_once, self.most_at_once)
                self.answer(opened, request)
                self.at_once -= 1


@contextmanager
def peer(
    answer: Callable[[socket.socket, bytes], object] = lambda opened, _: opened.sendall(YES),
    tls: ssl.SSLContext | None = None,
) -> Iterator[Peer]:
    """Listen while the context lasts."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        made = Peer(answer, tls, port=door.getsockname()[1])

        def accept() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=made.serve, args=[door.accept()[0]], daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield made
        door.shutdown(socket.SHUT_RDWR)


def received(opened: socket.socket) -> bytes:
    """Return a request, or nothing where there is none."""
    request = b""
    while part := opened.recv(65536):
        request += part
        head, end, body = request.partition(b"\r\n\r\n")
        length = next((line[15:] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), b"0")
        if end and len(body) >= int(length):
            return request
    return b""


def client(of: Peer, failed: Callable[[str, str], None] = lambda _, __: None) -> BlockingClient:
    return BlockingClient("xoxb-secret", f"{of.address}/api/", failed)


def tell(by: BlockingClient, to: Peer) -> None:
    respond(by, f"{to.address}/commands/1", message(lines([["A card"]])), replace=False)


def refused(act: Callable[[], object]) -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: PT011 -- which it is, the test says
        act()
    return caught.value


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """What a server needs whose certificate only SSL_CERT_FILE vouches for."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.OID_COMMON_NAME, "test")])
    named = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
    now, known = datetime.now(UTC), x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
        .add_extension(named, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(known, critical=False)
        .sign(key, hashes.SHA256())
    )
    whole = tmp_path / "whole.pem"
    encoded = serialization.Encoding.PEM
    private = key.private_bytes(encoded, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    whole.write_bytes(private + made.public_bytes(encoded))
    (tmp_path / "ca.pem").write_bytes(made.public_bytes(encoded))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(whole)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return context


# Kept connections


def test_forty_sign_outs_take_a_handful_of_connections(headless: Headless) -> None:
    senders: list[object] = []

    async def note(exchange: Exchange) -> web.Response:
        if exchange.call.action in OURS:
            senders.append(exchange._request.transport)
        return await exchange.forward()

    headless.do(lambda: headless.stage.weather.slack.always(EVERY_ACTION, note))
    with headless.bot_in_process():
        for number in range(1, 41):
            headless.press(SAM, card_for(headless, SAM), CONFIRM)
            headless.wait_for(lambda number=number: len(headless.audit()) == number)  # type: ignore[misc]
    assert len(senders) >= 120
    assert len(set(senders)) <= 6


def test_the_web_api_and_response_urls_go_over_one_kept_connection() -> None:
    with peer() as slack:
        ours = client(slack)
        for _ in range(5):
            ours.auth_test()
            tell(ours, slack)
    assert [len(each) for each in slack.sent] == [10]


def test_a_connection_that_slack_closed_while_it_was_idle_costs_no_call() -> None:
    def once(opened: socket.socket, _: bytes) -> None:
        opened.sendall(YES)
        opened.shutdown(socket.SHUT_RDWR)

    with peer(once) as slack:
        ours = client(slack)
        for _ in range(3):
            ours.auth_test()
            time.sleep(0.2)
    assert [len(each) for each in slack.sent] == [1, 1, 1], "each was sent once, and over a new connection"


def test_what_slack_may_have_read_before_it_closed_is_not_sent_again() -> None:
    def answers_first(opened: socket.socket, _: bytes) -> None:
        if len(slack.requests) == 1:
            opened.sendall(YES)
        else:
            opened.shutdown(socket.SHUT_RDWR)

    failed: list[tuple[str, str]] = []
    with peer(answers_first) as slack:
        ours = client(slack, lambda *call: failed.append(call))
        ours.auth_test()
        error = refused(lambda: tell(ours, slack))
        assert isinstance(refused(ours.auth_test), RemoteDisconnected)
    assert isinstance(error, DeliveryError)
    assert (error.reason, error.gone) == ("RemoteDisconnected", False)
    assert [len(each) for each in slack.sent] == [2, 1]
    assert failed == [("response_url", "unreachable"), ("auth.test", "unreachable")]


def test_a_page_of_a_proxy_counts_as_malformed_for_the_web_api_as_for_a_response_url() -> None:
    page = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>"
    failed: list[tuple[str, str]] = []
    with peer(lambda opened, _: opened.sendall(page)) as proxy:
        ours = client(proxy, lambda *call: failed.append(call))
        refused(lambda: tell(ours, proxy))
        refused(ours.auth_test)
    assert failed == [("response_url", "malformed"), ("auth.test", "malformed")]


def test_nothing_of_what_a_proxy_says_in_place_of_slack_is_quoted() -> None:
    body = b'{"error": "cannot reach https://hooks.slack.com/commands/T1/SECRET"}'
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    with peer(lambda opened, _: opened.sendall(answer)) as proxy:
        error = refused(lambda: tell(client(proxy), proxy))
    assert "SECRET" not in str(error)
    assert isinstance(error, DeliveryError)
    assert "SECRET" not in error.reason


def test_a_connection_that_was_idle_for_long_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be closed just as it is used, or be forgotten by what is on the way."""
    assert leaving.KEPT_SECONDS < 60, "what load balancers close"
    monkeypatch.setattr(leaving, "KEPT_SECONDS", 0.2)
    with peer() as slack:
        ours = client(slack)
        ours.auth_test()
        ours.auth_test()
        time.sleep(0.3)
        ours.auth_test()
    assert [len(each) for each in slack.sent] == [2, 1]


def test_connections_are_bounded_and_who_waits_for_one_in_vain_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "CONNECTIONS", 3)
    monkeypatch.setattr(clients, "ANSWER_SECONDS", 1.0)

    def slow(opened: socket.socket, _: bytes) -> None:
        time.sleep(0.6)
        opened.sendall(YES)

    errors: list[Exception] = []
    with peer(slow) as slack:
        ours = client(slack)

        def ask() -> None:
            try:
                ours.auth_test()
            except Exception as error:  # noqa: BLE001 -- it is looked at below
                errors.append(error)

        threads = [threading.Thread(target=ask) for _ in range(9)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert slack.most_at_once == len(slack.sent) == 3
    assert len(slack.requests) == 9 - len(errors)
    assert errors
    assert {kind_of(error) for error in errors} == {"unreachable"}


# In time


@pytest.mark.long
@pytest.mark.parametrize("whole", [YES, YES.replace(b'{"ok"', b' {"ok"').replace(b"11", b"99")], ids=["head", "body"])
@pytest.mark.parametrize("encrypted", [False, True])
def test_an_answer_that_comes_drop_by_drop_ends_in_time(
    whole: bytes, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, *, encrypted: bool
) -> None:
    monkeypatch.setattr(clients, "ANSWER_SECONDS", 2.2)

    def drip(opened: socket.socket, _: bytes) -> None:
        head, end, body = whole.partition(b"\r\n\r\n")
        if b"99" in whole:
            opened.sendall(head + end)
        for number, byte in enumerate(body if b"99" in whole else whole):
            opened.sendall(bytes([byte]))
            time.sleep(1 if number < 2 else 30)

    with peer(drip, tls if encrypted else None) as slack:
        ours = client(slack)
        for act in (ours.auth_test, lambda: tell(ours, slack)):
            begun = time.monotonic()
            error = refused(act)
            assert 2.1 < time.monotonic() - begun < 20, "nor at the next drop"
            assert isinstance(error, TimeoutError) or (
                isinstance(error, DeliveryError) and error.reason == "TimeoutError"
            )
    assert [len(each) for each in slack.sent] == [1, 1]


def test_an_entry_that_is_posted_late_is_answered_or_given_up_before_another_instance_may_post_it() -> None:
    waiting_for_a_connection = ANSWER_SECONDS
    longest = timedelta(seconds=waiting_for_a_connection + CONNECT_SECONDS + ANSWER_SECONDS)
    assert HOLD + longest < LEASE


def stalled(seconds: float, *found: str) -> Callable[..., list[Any]]:
    """Stand in for a name server that takes its time."""

    def getaddrinfo(_: str, port: int, **__: object) -> list[Any]:
        time.sleep(seconds)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    return getaddrinfo


@pytest.mark.long
def test_what_waited_too_long_for_a_name_server_is_never_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "CONNECT_SECONDS", 0.5)
    with peer() as slack:
        ours = client(slack)
        monkeypatch.setattr(clients, "getaddrinfo", stalled(1, "127.0.0.1"))
        error = refused(lambda: tell(ours, slack))
        assert kind_of(refused(ours.auth_test)) == "timed_out"
        time.sleep(0.2)
    assert str(error) == LATE
    assert slack.requests == []


def test_a_post_whose_hold_ended_on_the_way_is_never_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with peer() as slack:
        ours = client(slack)
        audit, at_once = SlackAuditChannel(ours, "C0AUDIT001", SHOWN), timedelta(0)
        cards = SlackCards(
            client=ours, shown=SHOWN, audit_refused=bool, now=lambda: NOON, card_shown=bool, result_shown=bool
        )
        place = Place(response_url=f"{slack.address}/commands/1", until=NOON, replaces=False)
        posts = (
            lambda left: audit.post(ENTRY, left),
            lambda left: cards.show(awaiting(), place, left),
            lambda left: cards.show(awaiting(), None, left),
        )
        with monkeypatch.context() as patched:
            patched.setattr(clients, "getaddrinfo", stalled(0.4, "127.0.0.1"))
            for post in posts:
                assert str(refused(partial(post, lasting(SystemClock(), timedelta(seconds=0.2))))) == LATE
        ours.auth_test()  # whose connection is kept
        for post in posts:
            assert str(refused(partial(post, lambda: at_once))) == LATE
    assert [request.split()[1] for request in slack.requests] == [b"/api/auth.test"]


@pytest.mark.parametrize("encrypted", [False, True])
def test_a_peer_that_is_silent_from_the_first_byte_is_given_up_in_time(
    monkeypatch: pytest.MonkeyPatch, *, encrypted: bool
) -> None:
    monkeypatch.setattr(clients, "CONNECT_SECONDS", 0.5)
    monkeypatch.setattr(clients, "ANSWER_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        ours = BlockingClient("xoxb-secret", f"{'https' if encrypted else 'http'}://localhost:{port}/api/")
        begun = time.monotonic()
        assert isinstance(refused(ours.auth_test), TimeoutError)
        assert time.monotonic() - begun < 5


@pytest.mark.long
def test_addresses_that_are_silent_leave_time_for_the_one_that_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "CONNECT_SECONDS", 2.0)
    with peer() as slack, socket.socket() as full:
        full.bind(("127.0.0.2", slack.port))
        full.listen(0)
        queued = [socket.socket() for _ in range(4)]
        for each in queued:
            each.setblocking(False)  # noqa: FBT003 -- the standard library's form
            each.connect_ex(("127.0.0.2", slack.port))
        monkeypatch.setattr(clients, "getaddrinfo", stalled(0, "127.0.0.2", "127.0.0.2", "127.0.0.1"))
        client(slack).auth_test()
        begun = time.monotonic()
        monkeypatch.setattr(clients, "getaddrinfo", stalled(0, *["127.0.0.2"] * 5))
        assert isinstance(refused(client(slack).auth_test), TimeoutError)
        assert time.monotonic() - begun < 8, "in all, and not for each address"
        for each in queued:
            each.close()


# TLS and proxies


def test_over_tls_connections_are_kept_too_and_what_ssl_cert_file_vouches_for_is_trusted(tls: ssl.SSLContext) -> None:
    with peer(tls=tls) as slack:
        ours = client(slack)
        for _ in range(3):
            ours.auth_test()
    assert [len(each) for each in slack.sent] == [3]


def test_a_certificate_that_no_one_vouches_for_gets_nothing(
    tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with peer(tls=tls) as slack:
        assert isinstance(refused(client(slack).auth_test), ssl.SSLCertVerificationError)
    assert slack.requests == []


def onward(opened: socket.socket, request: bytes) -> None:
    """Be a proxy's tunnel."""
    host, _, port = request.split()[1].partition(b":")
    with socket.create_connection((host.decode(), int(port))) as other:
        opened.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        back = threading.Thread(target=carry, args=[other, opened], daemon=True)
        back.start()
        carry(opened, other)


def carry(source: socket.socket, to: socket.socket) -> None:
    with suppress(OSError):
        while part := source.recv(65536):
            to.sendall(part)
        to.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("scheme", ["http://", ""])
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY"])
def test_the_environments_proxy_is_used_with_its_password_and_sees_nothing_of_what_is_said(
    tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, name: str, scheme: str
) -> None:
    with peer(tls=tls) as slack, peer(onward) as proxy:
        monkeypatch.setenv(name, f"{scheme}ada:pass%20word@127.0.0.1:{proxy.port}")
        ours = client(slack)
        for _ in range(2):
            ours.auth_test()
            tell(ours, slack)
    (((tunnel,),),) = (proxy.sent,)
    assert tunnel.startswith(f"CONNECT localhost:{slack.port} ".encode())
    assert b"Proxy-Authorization: Basic " + b64encode(b"ada:pass word") in tunnel.replace(b"proxy-a", b"Proxy-A")
    assert b"xoxb" not in tunnel
    assert [len(each) for each in slack.sent] == [4]
    assert [request for request in slack.requests if b"roxy-" in request] == []


@pytest.mark.parametrize("but_for", ["localhost", "*", "example.com,localhost"])
def test_what_no_proxy_names_is_reached_directly(monkeypatch: pytest.MonkeyPatch, but_for: str) -> None:
    with peer() as slack, peer() as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", but_for)
        ours = client(slack)
        ours.auth_test()
        tell(ours, slack)
    assert (len(slack.requests), proxy.requests) == (2, [])


# What is sent


def test_the_token_goes_to_the_web_api_and_not_to_a_response_url() -> None:
    with peer() as slack:
        ours = client(slack)
        ours.usergroups_users_list(usergroup="S0SUPPORT1")
        ours.chat_postMessage(channel="C1", text="hello")
        ours.apps_connections_open(app_token="xapp-secret")  # noqa: S106 -- an example
        tell(ours, slack)
    listed, posted, opened, told = slack.requests
    assert listed.startswith(b"POST /api/usergroups.users.list ")
    assert listed.endswith(b"\r\n\r\nusergroup=S0SUPPORT1")
    assert b"\r\nContent-Type: application/x-www-form-urlencoded" in listed
    assert b"\r\nAuthorization: Bearer xoxb-secret\r\n" in listed
    assert b"\r\nAuthorization: Bearer xapp-secret\r\n" in opened
    assert b"\r\nAuthorization: Bearer xoxb-secret\r\n" in posted
    assert json.loads(posted.partition(b"\r\n\r\n")[2]) == {"channel": "C1", "text": "hello"}
    assert b"secret" not in told
    assert b"uthorization" not in told


def test_no_message_lets_slack_open_its_links(headless: Headless) -> None:
    channel(headless).post(ENTRY, at_leisure)
    ours = BlockingClient("xoxb-secret", headless.environment["SLACK_API_URL"])
    url = headless.do(lambda: headless.stage.workspace.response_urls.issue(SAM, "C0SUPPORT1", None))
    with suppress(DeliveryError):
        respond(ours, url, message(lines([["https://example.com"]])), replace=False)
    sent = [*headless.slack_calls(POST), *headless.slack_calls(TELL)]
    assert [(each.parameters["unfurl_links"], each.parameters["unfurl_media"]) for each in sent] == [(False, False)] * 2
