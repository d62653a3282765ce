"""The way to Slack and AWS: one rule for proxies and certificates, which every client keeps."""

import asyncio
import os
import socket
import ssl
import subprocess
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from select import select
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import SSLError
from far_end import PATIENCE, FarEnd, certificate_for, far_end, proxy_to, silent
from slack_over_tls import COGNITO, CONNECTED, HOOKS, LINK, SLACK, There, connected, past_it, there

from bot.__main__ import main
from bot.edge.metrics import Metrics
from bot.edge.socket_mode import SocketMode
from bot.errors import AwsSetupError
from bot.facts.aws_session import AwsSession
from bot.facts.way import Proxy, WayError, faults, trouble_of
from bot.facts.way import proxy_to as way_to
from bot.settings.environment import correct
from bot.slack.check_workspace import try_app_token
from bot.slack.clients import BlockingClient
from bot.slack.responses import respond
from bot.slack.text import message
from bot.stores.dynamodb.calls import _build

WEB, LINKED, ANSWERS = (
    "https://slack.com/api/",
    "wss://wss-primary.slack.com/link/?ticket=x",
    "https://hooks.slack.com/",
)
PROXY = "http://proxy:3128"
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUEST_METHOD")
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_CONFIG_FILE": "/dev/null"}
FORM = "Write http://HOST:PORT or http://NAME:PASSWORD@HOST:PORT; in a name or password write each sign that is no"
NO_PROXY_OF = f"is not the address of a proxy. {FORM}"


@pytest.fixture(autouse=True)
def given(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    for name in (*VARIABLES, *map(str.lower, VARIABLES), "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)

    def give(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        correct(os.environ)

    return give


def login_of(proxy: Proxy | None) -> str:
    assert proxy
    return str(proxy.headers.get("Proxy-Authorization", "")).removeprefix("Basic ")


@pytest.mark.parametrize(
    ("variables", "https", "http"),
    [
        ({}, None, None),
        ({"HTTPS_PROXY": "http://proxy:3128"}, PROXY, None),
        ({"https_proxy": "http://proxy:3128"}, PROXY, None),
        ({"HTTPS_PROXY": "proxy:3128"}, PROXY, None),
        ({"HTTPS_PROXY": "//proxy:3128"}, PROXY, None),
        ({"HTTPS_PROXY": "HTTP://Proxy:3128/"}, PROXY, None),
        ({"HTTPS_PROXY": "  http://proxy:3128\n"}, PROXY, None),
        ({"HTTPS_PROXY": '"http://proxy:3128"'}, PROXY, None),
        ({"HTTPS_PROXY": "127.0.0.1:3128"}, "http://127.0.0.1:3128", None),
        ({"HTTPS_PROXY": "localhost:3128"}, "http://localhost:3128", None),
        ({"HTTPS_PROXY": "proxy"}, "http://proxy", None),
        ({"HTTPS_PROXY": "[::1]:3128"}, "http://[::1]:3128", None),
        ({"HTTPS_PROXY": "https://proxy:3129"}, "https://proxy:3129", None),
        ({"HTTPS_PROXY": "http://ada:secret@proxy:3128"}, PROXY, None),
        ({"HTTPS_PROXY": "http://upper:1", "https_proxy": "proxy:3128"}, PROXY, None),
        ({"HTTPS_PROXY": "http://upper:1", "https_proxy": ""}, None, None),
        ({"HTTPS_PROXY": "", "ALL_PROXY": ""}, None, None),
        ({"HTTPS_PROXY": " "}, None, None),
        ({"ALL_PROXY": "proxy:3128"}, PROXY, PROXY),
        ({"all_proxy": "proxy:3128", "HTTPS_PROXY": "http://other:1"}, "http://other:1", PROXY),
        ({"ALL_PROXY": "socks5://other:1", "HTTPS_PROXY": "proxy:3128", "HTTP_PROXY": "proxy:3128"}, PROXY, PROXY),
        ({"HTTP_PROXY": "proxy:3128"}, PROXY, PROXY),
        ({"HTTP_PROXY": "http://other:1", "HTTPS_PROXY": "proxy:3128"}, PROXY, "http://other:1"),
        ({"HTTP_PROXY": "http://from-a-caller:1", "REQUEST_METHOD": "GET"}, None, None),
        ({"http_proxy": "proxy:3128", "REQUEST_METHOD": "GET"}, PROXY, PROXY),
        ({"HTTPS_PROXY": "socks5://proxy:1", "NO_PROXY": "*"}, None, None),
    ],
)
def test_the_variables_name_the_proxy(
    given: Callable[..., None], variables: dict[str, str], https: str | None, http: str | None
) -> None:
    given(**variables)
    ways = {url: way_to(url) for url in (WEB, LINKED, ANSWERS)}
    assert ways == dict.fromkeys((WEB, LINKED, ANSWERS), https)
    assert [*map(way_to, ("http://slack.com/", "ws://slack.com/"))] == [http, http]


@pytest.mark.parametrize(
    ("written", "login"),
    [
        ("ada:secret", "ada:secret"),
        ("ada:p%40ss%3Aw%2Frd%25", "ada:p@ss:w/rd%"),
        ("ada:p@ss", "ada:p@ss"),
        ("ada:50%off", "ada:50%off"),
        ("ada:50%off%40", "ada:50%off@"),
        ("DOMAIN%5Cada:secret", "DOMAIN\\ada:secret"),
        ("ada", "ada:"),
        ("ada:", "ada:"),
        ("ada:p%C3%A4ss", "ada:päss"),
        ("ada:päss€", "ada:päss€"),
        ("", ""),
    ],
)
def test_a_name_and_password_are_told_to_the_proxy_and_shown_to_no_one(
    given: Callable[..., None], written: str, login: str
) -> None:
    for scheme in ("", "http://"):
        given(HTTPS_PROXY=f"{scheme}{written}@proxy:3128")
        proxy = way_to(WEB)
        assert proxy
        assert login_of(proxy) == b64encode(login.encode()).decode()
        assert "headers" not in repr(proxy)
        assert not login or login not in repr(proxy)
        assert proxy == PROXY


@pytest.mark.parametrize(
    ("no_proxy", "direct"),
    [
        ("", False),
        (",", False),
        (".", False),
        ("slack.com", True),
        (".slack.com", True),
        ("*.slack.com", True),
        ("SLACK.com", True),
        ("slack.com.", True),
        ("slack.com:443", True),
        ("slack.com:80", False),
        ("https://slack.com/", True),
        ("https://slack.com:443", True),
        ("*:443", True),
        ("*", True),
        (" * ", True),
        ("localhost,*", True),
        ('"localhost,slack.com"', True),
        ("localhost, 127.0.0.1 ,\tslack.com", True),
        ("localhost 127.0.0.1 slack.com", True),
        ("com", True),
        ("lack.com", False),
        ("notslack.com", False),
        ("api.slack.com", False),
        ("slack.com.evil.example", False),
        ("10.0.0.0/8", False),
    ],
)
def test_no_proxy_names_hosts_and_domains(given: Callable[..., None], no_proxy: str, *, direct: bool) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        given(HTTPS_PROXY=PROXY, **{name: no_proxy})
        for url in (WEB, LINKED, ANSWERS, "https://SLACK.com./api/", "https://slack.com:443/"):
            assert (way_to(url) is None) is direct, url


@pytest.mark.parametrize(
    ("no_proxy", "host", "direct"),
    [
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3:8443", "10.1.2.3:8443", True),
        ("10.1.2.3:8443", "10.1.2.3", False),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.1.2.3/8", "10.9.9.9", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.0.0.0/8", "10.example", False),
        ("::1", "[::1]:8443", True),
        ("[::1]", "[::1]", True),
        ("[::1]:8443", "[::1]:8443", True),
        ("[::1]:8443", "[::1]", False),
        ("fd00::/8", "[fd12::1]", True),
        ("fd00::/8", "10.1.2.3", False),
        ("wss-primary.slack.com", "slack.com", False),
        ("amazonaws.com", "cognito-idp.eu-central-1.amazonaws.com", True),
        (".eu-central-1.amazonaws.com", "sts.us-east-1.amazonaws.com", False),
    ],
)
def test_no_proxy_names_addresses_and_ranges_where_a_host_is_written_as_an_address(
    given: Callable[..., None], no_proxy: str, host: str, *, direct: bool
) -> None:
    given(HTTPS_PROXY=PROXY, NO_PROXY=no_proxy)
    assert (way_to(f"https://{host}/") is None) is direct


def test_a_port_that_can_be_none_in_no_proxy_names_nothing(given: Callable[..., None]) -> None:
    for port in ("9" * 5_000, "0" * 5_000 + "443", "443443"):
        given(HTTPS_PROXY="proxy:3128", NO_PROXY=f"slack.com:{port}")
        assert faults() == []
        assert way_to(WEB) is not None


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("socks5://proxy:1080", f"names a SOCKS proxy, and the bot can use HTTP proxies only. {FORM}"),
        ("SOCKS5h://ada:secret@proxy:1080", f"names a SOCKS proxy, and the bot can use HTTP proxies only. {FORM}"),
        ("ftp://proxy", NO_PROXY_OF),
        ("http://", NO_PROXY_OF),
        ("http:proxy:3128", NO_PROXY_OF),
        ("http:/proxy:3128", NO_PROXY_OF),
        ("proxy:port", NO_PROXY_OF),
        ("proxy:99999", NO_PROXY_OF),
        ("::1:3128", NO_PROXY_OF),
        ("my proxy:3128", NO_PROXY_OF),
        ("http://proxy:3128/path", NO_PROXY_OF),
        ("http://ada:sec/ret@proxy:3128", NO_PROXY_OF),
        ("http://ada:123#secret@proxy:3128", NO_PROXY_OF),
        ("http://ada:12?secret@proxy:3128", NO_PROXY_OF),
        ("DIRECT", None),
    ],
)
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_proxy_that_cannot_be_used_is_named_by_its_variable_and_not_quoted(
    given: Callable[..., None], name: str, value: str, sentence: str | None
) -> None:
    given(**{name: value})
    if sentence is None:
        assert faults() == []
        return
    (said,) = faults()
    assert said.startswith(f"{name} {sentence}")
    assert "secret" not in said
    with pytest.raises(WayError):
        way_to(WEB)
    given(NO_PROXY="slack.com,amazonaws.com")
    assert faults() == [], "it is on no way"


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
def test_a_file_of_certificates_that_cannot_be_used_is_named(
    given: Callable[..., None], tmp_path: Path, variable: str
) -> None:
    def said(file: Path | str) -> str:
        given(**{variable: str(file)}, **CREDENTIALS)
        if variable == "SSL_CERT_FILE":
            return "".join(faults())
        try:
            AwsSession().ask()
        except AwsSetupError as error:
            return str(error)
        return ""

    so = f". Correct or remove {variable}."
    if variable != "SSL_CERT_FILE":
        so = f", so nothing can be sent to AWS{so}"
    (empty := tmp_path / "empty.pem").touch()
    (text := tmp_path / "text.pem").write_text("-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n")
    gone = tmp_path / "gone.pem"
    assert said(gone) == f"{variable} names {gone}, but there is no such file{so}"
    assert said(tmp_path) == f"{variable} names {tmp_path}, but it cannot be read (Is a directory){so}"
    for each in (empty, text):
        assert said(each) == f"{variable} names {each}, but it has no certificates in PEM form{so}"
    for good in (certificate_for("localhost", tmp_path), ""):
        assert said(good) == ""


def test_what_aws_ca_bundle_hides_is_not_looked_at(given: Callable[..., None], tmp_path: Path) -> None:
    given(AWS_CA_BUNDLE=str(certificate_for("localhost", tmp_path)), REQUESTS_CA_BUNDLE="/gone.pem", **CREDENTIALS)
    assert AwsSession().ask()


@pytest.mark.parametrize("verb", ["check", "run", "signout --user-pool-id eu-central-1_AbCdEf123 --username ada --yes"])
def test_a_way_that_cannot_be_used_ends_each_verb_with_a_sentence_before_anything_is_sent(
    given: Callable[..., None], capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    given(HTTPS_PROXY="socks5://proxy:1080", SSL_CERT_FILE="/gone.pem", SIGNOUT_POOL_ID="eu-central-1_AbCdEf123")
    code = main(verb.split())
    said = "".join(capsys.readouterr())
    assert code == (253 if verb.startswith("signout") else 1)
    assert "HTTPS_PROXY names a SOCKS proxy" in said
    assert "SSL_CERT_FILE names /gone.pem, but there is no such file." in said
    assert "SLACK_BOT_TOKEN is missing" in said, "with what is wrong in the settings"


@pytest.mark.parametrize("verb", ["audit", "table --create"])
def test_it_ends_also_what_only_reads_or_makes_a_table(
    given: Callable[..., None], capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    given(AWS_CA_BUNDLE="/gone.pem", SIGNOUT_STORE="dynamodb://table", AWS_DEFAULT_REGION="eu-north-1")
    assert main(verb.split()) == 1
    assert (
        "AWS_CA_BUNDLE names /gone.pem, but there is no such file, so nothing can be sent to AWS."
        in capsys.readouterr().err
    )


# Over real sockets, for whose names only a proxy knows an address


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[There]:
    with there(tmp_path_factory.mktemp("services")) as made:
        yield made


@pytest.fixture
def far(services: There, given: Callable[..., None]) -> There:
    services.heard.clear()
    given(SSL_CERT_FILE=str(services.ca), **CREDENTIALS)
    return services


def unwrapping(context: ssl.SSLContext, port: int) -> Callable[..., None]:
    """Return what takes TLS off, and carries what was in it to a port."""

    def talk(_: object, sock: socket.socket) -> None:
        onward = socket.create_connection(("127.0.0.1", port))
        with context.wrap_socket(sock, server_side=True) as opened, onward:
            other = {opened: onward, onward: opened}
            # On one thread: TLS takes no two at a time.
            while ready := [opened] if opened.pending() else select(other, (), (), PATIENCE)[0]:
                for each in ready:
                    if not (part := each.recv(65536)):
                        return
                    other[each].sendall(part)

    return talk


def web_api() -> None:
    BlockingClient("xoxb-secret", WEB).auth_test()


def response_url() -> None:
    respond(BlockingClient("xoxb-secret", WEB), f"https://{HOOKS}/commands/T/1/x", message(["A card"]), replace=False)


def checks_way() -> None:
    BlockingClient("xoxb-secret", WEB).reach(LINKED)


def socket_mode() -> None:
    async def connect() -> None:
        opened: Any = SimpleNamespace(data={"url": f"wss://{LINK}/link?ticket=x"})
        app: Any = None
        socket = SocketMode(app, lambda: opened, Metrics(), sole_instance=True)
        try:
            async with asyncio.timeout(2):
                await socket.connect()
        finally:
            await socket.close()
            await asyncio.sleep(0.1)  # until TLS has said goodbye

    asyncio.run(connect())


def aws() -> None:
    with closing(AwsSession().create_client("cognito-idp", "eu-central-1")) as cognito:
        cognito.list_users(UserPoolId="eu-central-1_AbCdEf123")


GOES = {web_api: SLACK, response_url: HOOKS, checks_way: LINK, socket_mode: LINK, aws: COGNITO}
CLIENTS = pytest.mark.parametrize("go", GOES, ids=lambda go: go.__name__)


@CLIENTS
@pytest.mark.parametrize(
    ("login", "written"), [("", ""), ("ada:p@ss:wörd%", "ada:p%40ss:w%C3%B6rd%25@"), ("ada:", "ada@")]
)
def test_each_client_goes_past_the_proxy_with_its_login(
    given: Callable[..., None], far: There, go: Callable[[], None], login: str, written: str
) -> None:
    with past_it(far, login) as proxy:
        given(HTTPS_PROXY=f"{written}127.0.0.1:{proxy.port}")
        go()
    assert connected(proxy) == {f"{GOES[go]}:443"}
    assert [heard.partition("/")[0] for heard in far.heard] == [GOES[go]]


@CLIENTS
def test_each_client_fails_where_the_proxy_refuses_its_login(
    given: Callable[..., None], far: There, caplog: pytest.LogCaptureFixture, go: Callable[[], None]
) -> None:
    caplog.set_level("INFO")  # below it the bot shows nothing of what libraries say
    with past_it(far, "ada:right") as proxy:
        given(HTTPS_PROXY=f"ada:wrong-password@127.0.0.1:{proxy.port}")
        with pytest.raises(Exception) as caught:  # noqa: PT011 -- each client has its own
            go()
    assert far.heard == []
    assert "wrong-password" not in f"{caplog.text}{caught.value!r}"
    assert go is not socket_mode or "Socket Mode is lost (HTTP 407)" in caplog.text
    assert go not in {web_api, checks_way} or trouble_of(caught.value) == "the proxy says HTTP 407"


@CLIENTS
@pytest.mark.parametrize("no_proxy", ["slack.com,amazonaws.com", "*", ".slack.com:443 .amazonaws.com:443"])
def test_each_client_leaves_out_the_proxy_for_what_no_proxy_names(
    given: Callable[..., None], monkeypatch: pytest.MonkeyPatch, go: Callable[[], None], no_proxy: str
) -> None:
    asked: list[str] = []

    def unknown(host: Any, *_: object, **__: object) -> None:
        asked.append(host.decode() if isinstance(host, bytes) else host)
        raise OSError("no name server here")

    monkeypatch.setattr("socket.getaddrinfo", unknown)
    monkeypatch.setattr("bot.slack.clients.getaddrinfo", unknown)
    given(**CREDENTIALS)
    with far_end(silent) as proxy:
        given(HTTPS_PROXY=f"127.0.0.1:{proxy.port}", NO_PROXY=no_proxy)
        with suppress(Exception):
            go()
    assert set(asked) == {GOES[go]}
    assert proxy.connections == 0


@CLIENTS
def test_each_client_goes_past_a_proxy_that_has_tls_itself(
    given: Callable[..., None], far: There, go: Callable[[], None]
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(far.ca)
    with past_it(far) as inner, far_end(unwrapping(context, inner.port)) as proxy:
        given(HTTPS_PROXY=f"https://localhost:{proxy.port}")
        go()
    assert connected(inner) == {f"{GOES[go]}:443"}


def test_check_says_where_only_the_host_of_socket_mode_is_out_of_reach(given: Callable[..., None], far: There) -> None:
    def picky(end: FarEnd, sock: socket.socket) -> None:
        if LINK.encode() in sock.recv(65536, socket.MSG_PEEK):
            sock.sendall(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")
        else:
            proxy_to(far.port, lambda sock: sock.sendall(CONNECTED))(end, sock)

    with far_end(picky) as proxy:
        given(HTTPS_PROXY=f"127.0.0.1:{proxy.port}")
        found = list(try_app_token(BlockingClient("xoxb-secret", WEB), "xapp-secret"))
    assert [(each.name, each.status) for each in found] == [("app-level token", "ok"), ("Socket Mode", "missing")]
    assert f"{found[1].sentence} {found[1].fix}" == (
        f"wss-primary.slack.com through the proxy http://127.0.0.1:{proxy.port} cannot be reached (the proxy says HTTP "
        "403). Check the way there: network, proxy (HTTPS_PROXY, NO_PROXY), certificates (SSL_CERT_FILE)."
    )


def test_clients_that_get_credentials_go_the_same_way(given: Callable[..., None], far: There, tmp_path: Path) -> None:
    (token := tmp_path / "token").write_text("a-token")
    given(
        AWS_WEB_IDENTITY_TOKEN_FILE=str(token), AWS_ROLE_ARN="arn:aws:iam::1:role/bot", AWS_DEFAULT_REGION="eu-north-1"
    )
    with past_it(far) as proxy:
        given(HTTPS_PROXY=f"127.0.0.1:{proxy.port}", AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
        with suppress(Exception):
            aws()
    assert connected(proxy) == {"sts.eu-central-1.amazonaws.com:443"}


def test_a_file_of_certificates_that_is_gone_later_stops_a_call_before_anything_is_sent(
    given: Callable[..., None], far: There
) -> None:
    with past_it(far) as proxy:
        given(HTTPS_PROXY=f"127.0.0.1:{proxy.port}", SSL_CERT_FILE="/gone.pem")
        with pytest.raises(AwsSetupError, match="no such file"):
            aws()
    assert far.heard == []


def test_the_dynamodb_store_goes_the_same_way(given: Callable[..., None], far: There) -> None:
    given(AWS_DEFAULT_REGION="eu-north-1")
    with past_it(far) as proxy:
        given(HTTPS_PROXY=f"127.0.0.1:{proxy.port}")
        with pytest.raises(SSLError):  # it is told that it reached Slack
            _build(AwsSession()).list_tables()
    assert connected(proxy) == {"dynamodb.eu-north-1.amazonaws.com:443"}


# Certificates


@CLIENTS
def test_each_client_trusts_no_one_else(
    given: Callable[..., None],
    far: There,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    go: Callable[[], None],
) -> None:
    (other := tmp_path / "other").mkdir()
    given(SSL_CERT_FILE=str(certificate_for(SLACK, other, LINK, HOOKS, COGNITO)))
    with past_it(far) as proxy:
        given(HTTPS_PROXY=f"127.0.0.1:{proxy.port}")
        with pytest.raises(Exception) as caught:  # noqa: PT011 -- each client has its own
            go()
    if go in {web_api, checks_way}:
        assert trouble_of(caught.value) == "its certificate is not trusted: self-signed certificate"
    assert go is not socket_mode or "(its certificate is not trusted: self-signed certificate)" in caplog.text
    assert (connected(proxy), far.heard) == ({f"{GOES[go]}:443"}, [])


@CLIENTS
def test_ssl_cert_dir_counts_for_each_client_and_an_empty_file_name_does_not(
    given: Callable[..., None], far: There, tmp_path: Path, go: Callable[[], None]
) -> None:
    (folder := tmp_path / "folder").mkdir()
    asked = ["openssl", "x509", "-subject_hash", "-noout", "-in", str(far.ca)]
    name = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    (folder / f"{name}.0").symlink_to(far.ca)
    with past_it(far) as proxy:
        given(HTTPS_PROXY=f"127.0.0.1:{proxy.port}", SSL_CERT_FILE="", SSL_CERT_DIR=str(folder))
        go()
    assert len(far.heard) == 1


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
def test_a_bundle_for_aws_counts_only_for_aws_and_is_all_that_it_trusts(
    given: Callable[..., None], far: There, tmp_path: Path, variable: str
) -> None:
    (other := tmp_path / "other").mkdir()
    with past_it(far) as proxy:
        given(HTTPS_PROXY=f"127.0.0.1:{proxy.port}", **{variable: str(certificate_for("other", other))})
        web_api()
        with pytest.raises(SSLError):
            aws()
        given(**{variable: str(far.ca)}, SSL_CERT_FILE="")
        aws()
        with pytest.raises(ssl.SSLCertVerificationError):
            web_api()
        given(**{variable: ""}, SSL_CERT_FILE=str(far.ca))
        aws()
