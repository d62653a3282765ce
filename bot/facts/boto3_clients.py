"""What boto3's clients do besides: they go the way of `way.py`, keep to `leaving`, and tell a clock the time."""
# ruff: noqa: SLF001 -- there is no public way

from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from operator import attrgetter
from ssl import SSLContext
from typing import Any

from bot.facts.clock import CheckedClock
from bot.facts.leaving import in_time, keep_ready
from bot.facts.way import certificates, proxy_to, tls


def lead(client: Any) -> None:
    """Let a client go that way, and leave in time. Unless it trusts a file of its own, it trusts what `way.py` names.

    Its requests need a time-out.
    """
    http = client._endpoint.http_session
    http._pool_classes_by_scheme.update(in_time(http._pool_classes_by_scheme))
    http._proxy_config.proxy_url_for = cache(proxy_to)  # AWS's few addresses: else it is read for each request
    http._proxy_config.proxy_headers_for = attrgetter("headers")
    http._setup_proxy_ssl_context = lambda url: tls() if url.startswith("https:") else None
    file, folder = certificates()
    if http._verify is True and (file or folder):
        http._get_ssl_context = partial(_trusting, http._get_ssl_context, file, folder)
        http._manager.connection_pool_kw["ssl_context"] = http._get_ssl_context()


def keep_client_ready(client: Any, seconds: float) -> None:
    """See that a client that `lead` led has a connection for so many seconds. Raises as `keep_ready` does."""
    http, url = client._endpoint.http_session, client.meta.endpoint_url
    pools = http._get_connection_manager(url, http._proxy_config.proxy_url_for(url))
    http._setup_ssl_cert(pools.connection_from_url(url), url, http._verify)
    keep_ready(pools, url, seconds)


def _trusting(make: Callable[[], SSLContext], file: str | None, folder: str | None) -> SSLContext:
    context = make()
    with suppress(OSError):  # without them TLS is refused, and nothing is sent
        context.load_verify_locations(file, folder)
    return context


def tell_time(client: Any, clock: CheckedClock) -> None:
    """Compare a clock with each answer to a client."""
    http = client._endpoint.http_session

    def send(request: Any, send: Callable[[Any], Any] = http.send) -> Any:
        sent, answer = clock.read(), send(request)
        clock.answered(sent, answer.headers)
        return answer

    http.send = send
