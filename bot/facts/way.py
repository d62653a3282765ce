"""The way to Slack and AWS as the environment names it: past which proxy, and which certificates are trusted."""

import os
import re
from base64 import b64encode
from collections.abc import Callable
from functools import cache, partial
from ipaddress import ip_address, ip_network
from ssl import PROTOCOL_TLS_CLIENT, SSLCertVerificationError, SSLContext, SSLError, create_default_context
from urllib.parse import unquote_to_bytes

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from bot.errors import BotError, Code

# Whose way is looked at before there is anything to send: the Web API, Socket Mode and AWS.
_USUAL = ("https://slack.com", "wss://wss-primary.slack.com", "https://sts.amazonaws.com")
_HOST_AND_PORT = re.compile(r"(\[[^]]*][^:]*|[^:]*)(?::(\d{1,5}))?")  # an IPv6 address in no brackets has neither
_LIKE_A_PATH = re.compile(r"[/~.]\S{0,199}")
_REFUSED = re.compile(r"Tunnel connection failed: (\d{3})\b")  # http.client's words for a proxy's no
_FORM = (
    "Write http://HOST:PORT or http://NAME:PASSWORD@HOST:PORT; in a name or password write each sign that is not a "
    "letter or digit as % and its code, such as %40 for @."
)


class WayError(BotError):
    """A variable of the environment names a way that cannot be used."""

    code = Code.SETTINGS


class Proxy(str):
    """The address of a proxy, without name and password; `headers` tell them to it, and to no one else."""

    __slots__ = ("headers",)
    headers: dict[str, str]


def proxy_to(url: str) -> Proxy | None:
    """Return the proxy on the way to a URL, None where there is none. Raises `WayError`.

    Each client asks this and nothing else, so that all go the same way.
    """
    to = parse_url(url)
    over_tls = to.scheme in {"https", "wss"}
    # Slack's own libraries take HTTP_PROXY for https too, where there is no other.
    for name in ("HTTPS_PROXY", "ALL_PROXY", "HTTP_PROXY") if over_tls else ("HTTP_PROXY", "ALL_PROXY"):
        variable = name.lower() if name.lower() in os.environ else name  # in small letters it counts, even if empty
        if variable == "HTTP_PROXY" and "REQUEST_METHOD" in os.environ:
            continue  # it may be a header that a caller of a CGI script sent
        if address := os.environ.get(variable):
            host, port = (to.host or "").strip("[]").rstrip(".").lower(), to.port or (443 if over_tls else 80)
            return None if _is_in_no_proxy(host, port) else _proxy(variable, address)
    return None


def certificates() -> tuple[str | None, str | None]:
    """Return the file and the folder with certificates to trust, where they are named."""
    return os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")


def tls() -> SSLContext:
    """Return what says whom to trust: the system, and SSL_CERT_FILE and SSL_CERT_DIR. Raises `WayError`."""
    return _tls(*certificates())


def trouble_of(error: Exception) -> str:
    """Say what is wrong with the way, in words that quote nothing of what was sent or answered."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    error = getattr(error, "certificate_error", error)  # what aiohttp makes another error of
    if isinstance(error, SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if refused := _REFUSED.match(str(error)):
        return f"the proxy says HTTP {refused[1]}"
    if status := getattr(error, "status", None):  # in aiohttp's errors
        return f"HTTP {status}"
    return getattr(error, "strerror", None) or type(error).__name__


def faults() -> list[str]:
    """Return a sentence for each variable that names a way which cannot be used. AWS's own are left to its session."""
    looks: list[Callable[[], object]] = [partial(proxy_to, url) for url in _USUAL]
    looks.append(partial(_load, SSLContext(PROTOCOL_TLS_CLIENT)))
    found: dict[str, None] = {}
    for look in looks:
        try:
            look()
        except WayError as error:
            found[str(error)] = None
    return list(found)


def _is_in_no_proxy(host: str, port: int) -> bool:
    no_proxy = os.environ.get("no_proxy", os.environ.get("NO_PROXY", ""))
    return any(_names(each, host, port) for each in re.split(r"[\s,]+", no_proxy.lower()))


def _names(entry: str, host: str, port: int) -> bool:
    """Say whether an entry names a host: it, its domain, its address, a range of addresses, or `*`; maybe at a port."""
    entry = entry.rpartition("://")[2].rstrip("/")
    parted = _HOST_AND_PORT.fullmatch(entry)
    if parted and parted[2] and int(parted[2]) != port:
        return False
    name = re.sub(r"[][]", "", parted[1] if parted else entry)
    try:
        return ip_address(host) in ip_network(name, strict=False)
    except ValueError:  # one of them is a name
        domain = name.removeprefix("*").strip(".")
        return name == "*" or (bool(domain) and f".{host}".endswith(f".{domain}"))


def _proxy(variable: str, address: str) -> Proxy:
    scheme, _, rest = address.rpartition("://")
    scheme = scheme.lower() or "http"
    if scheme.startswith("socks"):
        raise WayError(f"{variable} names a SOCKS proxy, and the bot can use HTTP proxies only.", _FORM)
    try:
        read = parse_url(f"{scheme}://{rest.removeprefix('//')}")
    except LocationParseError:
        read = parse_url("")
    if scheme not in {"http", "https"} or not read.host or (read.path or "/") != "/" or read.query or read.fragment:
        raise WayError(f"{variable} is not the address of a proxy.", _FORM)
    proxy, login = Proxy(f"{scheme}://{read.netloc}"), unquote_to_bytes(rest.rpartition("@")[0].removeprefix("//"))
    told = login if b":" in login else login + b":"
    proxy.headers = {"Proxy-Authorization": f"Basic {b64encode(told).decode()}"} if login else {}
    return proxy


@cache  # reading all trusted certificates takes 50 ms
def _tls(*_: str | None) -> SSLContext:
    context = create_default_context()
    _load(context)  # again, since OpenSSL does not say what is wrong with it
    return context


def _load(context: SSLContext) -> None:
    """Trust the certificates in SSL_CERT_FILE, if there is one. Raises `WayError`."""
    if (file := certificates()[0]) and (why := unreadable(file, context)):
        raise WayError(f"SSL_CERT_FILE names {shown(file, 'a file')}, but {why}.", "Correct or remove SSL_CERT_FILE.")


def shown(path: str, otherwise: str) -> str:
    """Return a path, or something else where it looks like none: it may be a secret, put into the wrong variable."""
    return path if _LIKE_A_PATH.fullmatch(path) else otherwise


def unreadable(file: str, context: SSLContext | None = None) -> str | None:
    """Trust the certificates in a file; return why they cannot be read, None where they can."""
    try:
        (context or SSLContext(PROTOCOL_TLS_CLIENT)).load_verify_locations(file)
    except SSLError:
        return "it has no certificates in PEM form"
    except FileNotFoundError:
        return "there is no such file"
    except (OSError, ValueError) as error:
        return f"it cannot be read ({getattr(error, 'strerror', None) or 'not the name of a file'})"
    return None
