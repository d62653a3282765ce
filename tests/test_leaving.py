"""A call leaves in time or not at all: the real adapter over real sockets, with a stall at each place on the way."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aws_wire import lasting
from botocore.credentials import RefreshableCredentials
from examples import ADA, ScriptedPool, StoppedClock, decided_in, worker
from far_end import YES, FarEnd, behind_tls, certificate_for, drop_by_drop, far_end, proxy_to, silent
from whole_bot import Travel

from bot import __version__
from bot.action import Done, Refused, Step, Unclear
from bot.aws.clients import Clients
from bot.aws.identity import CallerUnknownError, caller
from bot.aws.roles import Role, Roles
from bot.aws.secrets import secret
from bot.aws.user_pool import CognitoUserPool
from bot.errors import Code, PoolUnavailableError, SecretError
from bot.facts import leaving
from bot.facts.clock import CheckedClock
from bot.request import State
from bot.wiring.shared import SystemClock
from bot.wiring.stores import Store

LATE = Refused("NoCallMade", None, sent=False)
UNREACHABLE = Refused("Unreachable", None, may_retry=True, sent=False)
TIMED_OUT = Refused("TimedOut", None, may_retry=True, sent=False)
NAME = "cognito.test"  # which no name server knows
REGION = "eu-central-1"
SHORT, STALL, LONG = 0.2, 0.5, 10
QUICK = 9  # drop by drop it would take ten seconds and more


class Way:
    """The way to AWS: what is at its other end, and how long it takes to look a name up."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, ends: ExitStack) -> None:
        self.looking_up, self.looked_up = 0.0, 0
        self.set = monkeypatch.setenv
        self._ends = ends
        self._resolve = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self._look_up)

    def serve(self, talk: Callable[..., Any] = FarEnd.answers, scheme: str = "http") -> FarEnd:
        """Put a Cognito at its other end."""
        end = self._ends.enter_context(far_end(talk))
        self.set("AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER", f"{scheme}://{NAME}:{end.port}")
        return end

    def put(self, setting: str, talk: Callable[..., Any]) -> FarEnd:
        """Put something else on it, where this setting names it."""
        end = self._ends.enter_context(far_end(talk))
        self.set(setting, f"http://127.0.0.1:{end.port}")
        return end

    def _look_up(self, host: Any, *given: Any, **named: Any) -> Any:
        self.looked_up += 1
        time.sleep(self.looking_up)
        return self._resolve("127.0.0.1" if host == NAME else host, *given, **named)


@pytest.fixture
def ends() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def way(monkeypatch: pytest.MonkeyPatch, ends: ExitStack) -> Way:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "NO_PROXY", "no_proxy", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setattr("bot.facts.aws_session.CONNECT_SECONDS", 1)
    monkeypatch.setattr("bot.facts.aws_session.READ_SECONDS", 1)
    monkeypatch.setattr("bot.aws.clients.CALL", timedelta(seconds=2))
    return Way(monkeypatch, ends)


@pytest.fixture
def clients(ends: ExitStack, way: Way) -> Clients:
    assert way
    made = Clients(4)
    ends.callback(made.close)
    return made


@pytest.fixture
def pool(clients: Clients) -> CognitoUserPool:
    return CognitoUserPool("customers", ADA.pool_id, REGION, clients)


def sign_out(pool: CognitoUserPool, seconds: float = LONG) -> Any:
    pool.clients.of(REGION)  # so that the time is not over before the call begins
    return pool.call(Step.SIGN_OUT, "ada", lasting(seconds))


def test_a_call_that_leaves_in_time_is_made_over_one_connection_that_is_kept(pool: CognitoUserPool, way: Way) -> None:
    cognito = way.serve()
    assert [sign_out(pool), sign_out(pool)] == [Done("1"), Done("1")]
    assert (len(cognito.requests), cognito.connections) == (2, 1)


def test_a_call_says_which_bot_makes_it(pool: CognitoUserPool, way: Way) -> None:
    cognito = way.serve()
    sign_out(pool)
    assert f"User-Agent: signout-bot/{__version__}\r\n".encode() in cognito.requests[0]


def test_a_connection_that_was_idle_for_long_is_not_used_again(
    pool: CognitoUserPool, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be closed just as it is used, and then no one would know whether someone was signed out."""
    monkeypatch.setattr(leaving, "KEPT_SECONDS", 0.2)
    cognito = way.serve()
    sign_out(pool)
    time.sleep(0.3)
    assert sign_out(pool) == Done("1")
    assert (len(cognito.requests), cognito.connections) == (2, 2)


def test_a_kept_connection_is_given_no_request_that_is_too_late(pool: CognitoUserPool, way: Way) -> None:
    cognito = way.serve()
    sign_out(pool)
    assert sign_out(pool, 0) == LATE
    assert (len(cognito.requests), cognito.connections) == (1, 1)


def test_a_stall_in_name_resolution_ends_before_the_first_byte(pool: CognitoUserPool, way: Way) -> None:
    cognito = way.serve()
    way.looking_up = STALL
    assert sign_out(pool, SHORT) == LATE
    assert cognito.requests == []
    assert sign_out(pool) == Done("1"), "another call may still be made"


def test_where_the_time_is_over_no_connection_is_made(pool: CognitoUserPool, way: Way) -> None:
    way.serve()
    assert sign_out(pool, 0) == LATE
    assert way.looked_up == 0


def test_a_name_that_is_not_found_means_that_nothing_was_sent(
    pool: CognitoUserPool, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "no name server answers")

    way.serve()
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert sign_out(pool) == UNREACHABLE


def test_a_connection_that_is_never_accepted_means_that_nothing_was_sent(
    pool: CognitoUserPool, ends: ExitStack, way: Way
) -> None:
    door = ends.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
    address = door.getsockname()
    for _ in range(4):  # no more fit into the queue
        waiting = ends.enter_context(socket.socket())
        waiting.setblocking(False)  # noqa: FBT003 -- its only parameter
        waiting.connect_ex(address)
    way.set("AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER", f"http://127.0.0.1:{address[1]}")
    assert sign_out(pool) == TIMED_OUT


def test_a_connection_that_is_refused_means_that_nothing_was_sent(pool: CognitoUserPool, way: Way) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    way.set("AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER", f"http://127.0.0.1:{port}")
    assert sign_out(pool) == UNREACHABLE
    with pytest.raises(PoolUnavailableError) as caught:
        pool.get_user("ada")
    assert caught.value.code is Code.OTHER, "no refusal of Cognito's, after which scripts need not try again"


@pytest.fixture
def certificate(tmp_path: Path, way: Way) -> Path:
    made = certificate_for(NAME, tmp_path)
    way.set("AWS_CA_BUNDLE", str(made))
    return made


class TestTLS:
    def test_a_call_leaves_over_it(self, pool: CognitoUserPool, way: Way, certificate: Path) -> None:
        cognito = way.serve(behind_tls(certificate), "https")
        assert [sign_out(pool), sign_out(pool), sign_out(pool, 0)] == [Done("1"), Done("1"), LATE]
        assert (len(cognito.requests), cognito.connections) == (2, 1)

    def test_a_stall_in_it_ends_before_the_first_byte(self, pool: CognitoUserPool, way: Way, certificate: Path) -> None:
        cognito = way.serve(behind_tls(certificate, after=STALL), "https")
        assert sign_out(pool, SHORT) == LATE
        assert (cognito.requests, cognito.connections) == ([], 1)

    @pytest.mark.usefixtures("certificate")
    def test_a_server_that_never_greets_is_given_up_and_nothing_was_sent(self, pool: CognitoUserPool, way: Way) -> None:
        way.serve(silent, "https")
        assert sign_out(pool) == TIMED_OUT

    def test_a_certificate_that_is_not_trusted_means_that_nothing_was_sent(
        self, pool: CognitoUserPool, way: Way, tmp_path: Path
    ) -> None:
        cognito = way.serve(behind_tls(certificate_for(NAME, tmp_path)), "https")
        assert sign_out(pool) == UNREACHABLE
        assert cognito.requests == []


CONNECTED = b"HTTP/1.1 200 OK\r\n\r\n"


def test_a_connection_that_is_kept_ready_takes_the_next_call_and_none_that_is_too_late(
    pool: CognitoUserPool, way: Way, certificate: Path
) -> None:
    cognito = way.serve(behind_tls(certificate), "https")
    proxy = way.put("HTTPS_PROXY", proxy_to(cognito.port, lambda sock: sock.sendall(CONNECTED)))
    pool.clients.keep_ready(LONG)
    assert cognito.connections == 0, "no client was needed yet"
    pool.clients.of(REGION)
    pool.clients.keep_ready(LONG)
    assert (cognito.requests, cognito.connections, proxy.connections) == ([], 1, 1)
    assert [sign_out(pool), sign_out(pool, 0)] == [Done("1"), LATE]
    assert (len(cognito.requests), cognito.connections) == (1, 1)


def test_credentials_are_renewed_ahead_of_the_call(pool: CognitoUserPool, way: Way) -> None:
    way.serve()
    renewed = list[str]()
    credentials = RefreshableCredentials.create_from_metadata(
        metadata=_credentials_until(timedelta(minutes=10)),
        refresh_using=lambda: renewed.append("") or _credentials_until(timedelta(hours=1)),  # type: ignore[func-returns-value]
        method="test",
    )
    its: Any = pool.clients.of(REGION)
    its._request_signer._credentials = credentials
    pool.clients.keep_ready(LONG)
    assert renewed == [""]
    assert sign_out(pool) == Done("1")
    assert renewed == [""]


def _credentials_until(later: timedelta) -> dict[str, str]:
    names = ("access_key", "secret_key", "token")
    return dict.fromkeys(names, "test") | {"expiry_time": (datetime.now(UTC) + later).isoformat()}


class TestProxy:
    @pytest.fixture
    def cognito(self, way: Way, certificate: Path) -> FarEnd:
        return way.serve(behind_tls(certificate), "https")

    def test_a_call_leaves_through_it(self, pool: CognitoUserPool, way: Way, cognito: FarEnd) -> None:
        proxy = way.put("HTTPS_PROXY", proxy_to(cognito.port, lambda sock: sock.sendall(CONNECTED)))
        assert [sign_out(pool), sign_out(pool, 0)] == [Done("1"), LATE]
        assert (len(cognito.requests), proxy.connections) == (1, 1)

    def test_a_stall_in_its_answer_ends_before_the_first_byte(
        self, pool: CognitoUserPool, way: Way, cognito: FarEnd
    ) -> None:
        def late(sock: socket.socket) -> None:
            time.sleep(STALL)
            sock.sendall(CONNECTED)

        way.put("HTTPS_PROXY", proxy_to(cognito.port, late))
        assert sign_out(pool, SHORT) == LATE
        assert (cognito.requests, cognito.connections) == ([], 1)

    @pytest.mark.parametrize(
        ("talk", "answer"),
        [
            pytest.param(silent, TIMED_OUT, id="silent"),
            pytest.param(lambda _, sock: sock.close(), UNREACHABLE, id="broken"),
            pytest.param(lambda _, sock: sock.sendall(b"HTTP/1.1 403 No\r\n\r\n"), UNREACHABLE, id="refuses"),
            pytest.param(lambda _, sock: drop_by_drop(CONNECTED * 5)(sock), TIMED_OUT, id="drop by drop"),
        ],
    )
    def test_one_that_does_not_connect_means_that_nothing_was_sent(
        self, pool: CognitoUserPool, way: Way, cognito: FarEnd, talk: Callable[..., Any], answer: Refused
    ) -> None:
        begun = time.monotonic()
        proxy = way.put("HTTPS_PROXY", talk)
        assert sign_out(pool) == answer
        assert (proxy.connections, cognito.connections) == (1, 0)
        assert time.monotonic() - begun < QUICK


BLANK = YES.replace(b"Length: 2", b"Length: 99").removesuffix(b"{}"), b" " * 97 + b"{}"


def _drops_of_the_body(sock: socket.socket) -> None:
    head, body = BLANK
    sock.sendall(head)
    drop_by_drop(body)(sock)


class TestAnswer:
    """What failed once a byte may have left is never told as refused."""

    @pytest.mark.parametrize(
        ("talk", "code"),
        [
            pytest.param(silent, "TimedOut", id="never"),
            pytest.param(lambda _, sock: sock.recv(9), "Unreachable", id="broken"),
            pytest.param(partial(FarEnd.answers, give=drop_by_drop(YES)), "TimedOut", id="drop by drop"),
            pytest.param(partial(FarEnd.answers, give=_drops_of_the_body), "TimedOut", id="its body drop by drop"),
        ],
    )
    def test_one_that_does_not_come_whole_and_in_time_is_unclear(
        self, pool: CognitoUserPool, way: Way, talk: Callable[..., Any], code: str
    ) -> None:
        begun = time.monotonic()
        way.serve(talk)
        assert sign_out(pool) == Unclear(code)
        assert time.monotonic() - begun < QUICK

    def test_one_that_took_most_of_its_time_leaves_the_next_its_own(self, pool: CognitoUserPool, way: Way) -> None:
        def give(sock: socket.socket) -> None:
            time.sleep(0.7)
            sock.sendall(YES)

        cognito = way.serve(partial(FarEnd.answers, give=give))
        assert [sign_out(pool), sign_out(pool)] == [Done("1"), Done("1")]
        assert cognito.connections == 1


@pytest.mark.long
@pytest.mark.parametrize(
    ("service", "ask", "error"),
    [
        ("SSM", lambda: secret("ssm:/token"), SecretError),
        ("STS", lambda: caller(REGION), CallerUnknownError),
    ],
)
def test_what_is_asked_at_the_start_ends_in_time_too(
    way: Way, service: str, ask: Callable[[], object], error: type[Exception]
) -> None:
    begun = time.monotonic()
    way.set("AWS_DEFAULT_REGION", REGION)
    way.put(f"AWS_ENDPOINT_URL_{service}", partial(FarEnd.answers, give=_drops_of_the_body))
    with pytest.raises(error):
        ask()
    assert time.monotonic() - begun < QUICK


def test_the_machines_clock_counts_seconds_that_no_one_can_set() -> None:
    before = time.monotonic()
    assert before <= SystemClock.monotonic() <= time.monotonic()


@pytest.mark.parametrize(("body", "now", "left"), [(b"", 0.96, 0.04), (b"123456789", 1.0, 1.0)])
def test_each_read_of_an_answer_has_only_what_the_others_left_though_it_never_pauses(
    monkeypatch: pytest.MonkeyPatch, body: bytes, now: float, left: float
) -> None:
    clock = [0.0]
    monkeypatch.setattr(leaving, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    here, there = socket.socketpair()
    with here, there:
        here.settimeout(1)
        there.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
        with leaving._Answer(here) as answer:
            answer.begin()
            there.sendall(body)
            clock[0] = now
            with pytest.raises(TimeoutError):
                answer.read(4)
            assert here.gettimeout() == pytest.approx(left)


def _metadata(end: FarEnd, sock: socket.socket) -> None:
    """Give credentials as an EC2 machine does, after a while."""

    def give(sock: socket.socket) -> None:
        found = "a-role"
        if end.requests[-1].split(b" ")[1].endswith(b"a-role"):
            time.sleep(STALL)
            until = (datetime.now(UTC) + timedelta(hours=6)).strftime("%Y-%m-%dT%H:%M:%SZ")
            found = json.dumps(
                {"AccessKeyId": "a", "SecretAccessKey": "b", "Token": "c", "Expiration": until, "Code": "Success"}
            )
        sock.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(found)}\r\n\r\n{found}".encode())

    end.answers(sock, give)


_MADE = b"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>a</AccessKeyId><SecretAccessKey>b</SecretAccessKey><SessionToken>c</SessionToken>
<Expiration>2030-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"""
SESSION = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(_MADE), _MADE)


class TestCredentials:
    """They come before a call: late ones make it late, and where there are none, nothing was sent."""

    @pytest.fixture
    def machine(self, way: Way, monkeypatch: pytest.MonkeyPatch) -> Callable[..., FarEnd]:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        monkeypatch.delenv("AWS_EC2_METADATA_DISABLED", raising=False)
        way.set("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        return partial(way.put, "AWS_EC2_METADATA_SERVICE_ENDPOINT")

    @pytest.mark.parametrize(("seconds", "answer"), [(SHORT, LATE), (LONG, Done("1"))])
    def test_those_of_the_machine_that_come_late_make_the_call_late(
        self, pool: CognitoUserPool, way: Way, machine: Callable[..., FarEnd], seconds: float, answer: object
    ) -> None:
        cognito = way.serve()
        machine(_metadata)
        assert pool.call(Step.SIGN_OUT, "ada", lasting(seconds)) == answer
        assert len(cognito.requests) == isinstance(answer, Done)

    def test_where_the_machine_gives_none_nothing_was_sent(
        self, pool: CognitoUserPool, way: Way, machine: Callable[..., FarEnd]
    ) -> None:
        cognito = way.serve()
        machine(silent)
        assert sign_out(pool) == Refused("NoCredentials", None, sent=False)
        assert cognito.connections == 0

    def test_what_sts_was_sent_says_nothing_of_the_call(self, clients: Clients, way: Way) -> None:
        """STS gives a session, and then Cognito cannot be reached: it was never asked."""
        way.put("AWS_ENDPOINT_URL_STS", partial(FarEnd.answers, give=lambda sock: sock.sendall(SESSION)))
        with socket.create_server(("127.0.0.1", 0)) as door:
            port = door.getsockname()[1]
        way.set("AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER", f"http://127.0.0.1:{port}")
        role = Role("arn:aws:iam::123456789012:role/SignOut", Roles(clients))
        pool = CognitoUserPool("customers", ADA.pool_id, REGION, clients, role=role)
        assert sign_out(pool.on_behalf("request", "operator")) == UNREACHABLE

    @pytest.mark.parametrize("talk", [silent, lambda _, sock: sock.close()])
    def test_where_sts_gives_no_session_of_a_role_nothing_was_sent(
        self, clients: Clients, way: Way, talk: Callable[..., Any]
    ) -> None:
        cognito = way.serve()
        sts = way.put("AWS_ENDPOINT_URL_STS", talk)
        role = Role("arn:aws:iam::123456789012:role/SignOut", Roles(clients))
        pool = CognitoUserPool("customers", ADA.pool_id, REGION, clients, role=role)
        answer = pool.on_behalf("request", "operator").call(Step.SIGN_OUT, "ada", lasting(LONG))
        assert answer == Refused("AssumeRoleUnanswered", None, may_retry=True, sent=False)
        assert (sts.connections, cognito.connections) == (1, 0)


def test_a_claim_that_is_lost_in_a_stall_sends_nothing_and_shows_what_the_other_made_of_it(
    pool: CognitoUserPool, way: Way, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looking the name up takes a minute. The process never takes over what it works on itself; another one does."""
    cognito, clock, other = way.serve(), Travel(), ScriptedPool([Done("there")], StoppedClock())
    there = worker(store, other, CheckedClock(clock))
    here = replace(there, pools={"customers": pool})
    request = decided_in(store, clock.now())
    found: list[object] = []

    def meanwhile(*_: object, **__: object) -> Any:
        clock.forward(minutes=1)
        (dead,) = there.waiting()
        found.extend([here.waiting(), here.run(dead), there.run(dead)])
        return way._resolve("127.0.0.1", cognito.port, 0, socket.SOCK_STREAM)

    monkeypatch.setattr(socket, "getaddrinfo", meanwhile)
    shown = here.run(request)
    assert found == [[], None, shown]
    assert shown
    assert (shown.state, shown.aws_request_ids) == (State.DONE, ("there",))
    assert cognito.requests == []
