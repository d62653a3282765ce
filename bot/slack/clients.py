"""The one client to Slack: it keeps its connections, ends in time, and sends nothing twice. Posting through it."""

import json
import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from http.client import HTTPException
from socket import SOCK_STREAM, getaddrinfo, socket
from typing import Any
from urllib.parse import urlencode

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse
from urllib3 import BaseHTTPResponse, PoolManager, ProxyManager
from urllib3.connection import HTTPConnection
from urllib3.exceptions import HTTPError
from urllib3.poolmanager import pool_classes_by_scheme
from urllib3.util import Timeout, parse_url
from urllib3.util.connection import create_connection

from bot.errors import DeliveryError
from bot.facts.clock import CheckedClock
from bot.facts.duration import retry_after
from bot.facts.leaving import Departure, TooLateError, in_time, keep_ready, leaving, time_left, within
from bot.facts.slack_words import TOKEN_ERRORS, word_in
from bot.facts.way import Proxy, proxy_to, tls
from bot.slack.text import Message

CONNECT_SECONDS, ANSWER_SECONDS = 8.0, 5.0  # each in all; a name server is asked again after 5
_SHORTEST = 0.001  # a socket would take 0 for "do not wait"
CONNECTIONS = 150  # to one host: more than the bot has threads
UNSAID = timedelta(seconds=30)  # where a 429 does not say how long
_OK, _TOO_MANY = 200, 429
# Slack's words for a message whose form it does not take.
_MALFORMED = frozenset(
    {
        *("invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "metadata_must_be_sent_from_app"),
        *("invalid_metadata_format", "invalid_metadata_schema", "metadata_too_large"),
    }
)
# Slack's words for a channel, an app or a token that a person has to fix.
_FOR_GOOD = TOKEN_ERRORS | frozenset(
    {
        *("channel_not_found", "not_in_channel", "is_archived", "messages_tab_disabled", "missing_scope"),
        *("restricted_action", "restricted_action_read_only_channel", "restricted_action_thread_only_channel"),
        *("restricted_action_non_threadable_channel", "no_permission", "access_denied", "team_access_not_granted"),
        *("ekm_access_denied", "org_login_required"),
    }
)

Failed = Callable[[str, str], None]  # is told the method of a call that failed, and in one word what was wrong

log = logging.getLogger(__name__)


class _Connection(HTTPConnection):
    """One connection. Where it took too long to make, for any reason, nothing is sent over it."""

    def connect(self) -> None:
        """Connect, past a proxy and with TLS where that is wanted."""
        with leaving(Departure(within(CONNECT_SECONDS))):
            super().connect()

    def _new_conn(self) -> socket:
        """Connect to one of the host's addresses: each gets its share of the time that is left."""
        found = getaddrinfo(self._dns_host, self.port, type=SOCK_STREAM)
        for others, (*_, address) in zip(reversed(range(len(found))), found, strict=True):
            share = max(time_left() / (others + 1), _SHORTEST)
            try:
                made = create_connection((str(address[0]), self.port), share, socket_options=self.socket_options)
                break
            except OSError:
                if not others:
                    raise
        made.settimeout(max(time_left(), _SHORTEST))
        return made


class BlockingClient(WebClient):
    """A client for the Web API and response_urls. It sends once, follows no redirect, and tells `failed` what failed.

    It goes the way of `facts/way.py`. `clock` is compared with each answer.
    """

    def __init__(
        self, token: str, base_url: str, failed: Failed = lambda _, __: None, clock: CheckedClock | None = None
    ) -> None:
        super().__init__(token=token, base_url=base_url)
        self.failed, self._clock = failed, clock
        self._pools: dict[Proxy | None, PoolManager] = {}

    def api_call(self, api_method: str, **arguments: Any) -> SlackResponse:
        """Call a method. Raises `SlackApiError`, and what `send` raises."""
        try:
            return super().api_call(api_method, **arguments)
        except Exception as error:
            self.failed(api_method, kind_of(error))
            raise

    def send(self, *, url: str, args: Mapping[str, Any]) -> dict[str, Any]:
        """Post the arguments' `json`, else their `params` as a form; return `status`, `headers` and `body`.

        Raises `OSError` and `HTTPException` for trouble on the way, urllib3's `HTTPError` for what cannot be read, and
        `WayError`.
        """
        content, kind = json.dumps(args["json"]), "json"
        if not args["json"]:
            content, kind = urlencode(args["params"] or {}), "x-www-form-urlencoded"
        headers = args.get("headers", self.headers) | {"Content-Type": f"application/{kind};charset=utf-8"}
        sent = self._clock.read() if self._clock else None
        answer = self._request("POST", url, body=content, headers=headers)
        if sent and self._clock:
            self._clock.answered(sent, answer.headers)
        return {"status": answer.status, "headers": answer.headers, "body": answer.data.decode(errors="replace")}

    def reach(self, url: str) -> None:
        """Connect to a URL's host, and tell it nothing. Raises as `send` does where no connection comes about."""
        to, departure = parse_url(url), Departure()
        scheme = {"wss": "https", "ws": "http"}.get(to.scheme or "", to.scheme)
        try:
            self._request("HEAD", f"{scheme}://{to.netloc}/", departure)
        except (OSError, HTTPException, HTTPError):
            if not departure.sent:
                raise

    def keep_ready(self, url: str, seconds: float) -> None:
        """See that a connection to a URL's host, which was used before, can be used for so many seconds.

        Raises as `keep_ready` of `facts/leaving.py` does.
        """
        if pools := self._pools.get(proxy_to(url)):
            keep_ready(pools, url, seconds)

    def _request(self, method: str, url: str, departure: Departure | None = None, **more: Any) -> BaseHTTPResponse:
        proxy = proxy_to(url)
        if proxy not in self._pools:
            self._pools.setdefault(proxy, _pools_past(proxy))
        more |= {"redirect": False, "retries": False, "pool_timeout": ANSWER_SECONDS}
        try:
            with leaving(departure):
                return self._pools[proxy].urlopen(method, url, **more)
        except TooLateError:
            raise TimeoutError from None
        except HTTPError as error:
            raise _origin(error) from None

    _perform_urllib_http_request = send  # slack_sdk's own way opens a connection for each call


def _pools_past(proxy: Proxy | None) -> PoolManager:
    """Return room for connections past a proxy, or for those without one."""
    timeout = Timeout(connect=CONNECT_SECONDS, read=ANSWER_SECONDS)
    more: dict[str, Any] = {"maxsize": CONNECTIONS, "block": True, "ssl_context": tls(), "timeout": timeout}
    made = PoolManager(**more)
    if proxy:
        made = ProxyManager(proxy, proxy_headers=proxy.headers, proxy_ssl_context=tls(), **more)
    made.pool_classes_by_scheme = in_time(pool_classes_by_scheme, _Connection)
    return made


def _origin(error: Exception) -> Exception:
    """Return what urllib3 wrapped: its own words quote addresses."""
    inner = error.__cause__ or next((each for each in error.args if isinstance(each, Exception)), None)
    return _origin(inner) if isinstance(inner, Exception) else error


def kind_of(error: Exception) -> str:
    """Return Slack's word for what went wrong, else one for the sort of trouble on the way."""
    if isinstance(error, SlackApiError):
        return kind_of_answer(error.response.status_code, word_in(error.response.data))
    if isinstance(error, TimeoutError):
        return "timed_out"
    return "unreachable" if isinstance(error, OSError | HTTPException | HTTPError) else "malformed"


def kind_of_answer(status: int, word: str | None) -> str:
    """Return in a word what was wrong with an answer: Slack's `word`, or one for an HTTP status other than 200."""
    if status == _OK:
        return word or "malformed"
    return "ratelimited" if status == _TOO_MANY else f"http_{status // 100}xx"


def post(client: WebClient, channel: str, message: Message, metadata: Mapping[str, Any] | None = None) -> str:
    """Post a message to a channel or person; return its `ts`. What Slack finds malformed goes as text.

    Raises `DeliveryError` unless Slack definitely took it, with Slack's word for why, where there is one.
    """
    ids: dict[str, Any] = {"metadata": dict(metadata)} if metadata else {}
    as_text: dict[str, Any] = {"mrkdwn": False}
    for form in ({"blocks": message.blocks, **ids}, as_text | ids, as_text):
        try:
            answer = client.chat_postMessage(
                channel=channel, text=message.text, unfurl_links=False, unfurl_media=False, **form
            )
            ts = answer.get("ts")
        except Exception as error:  # noqa: BLE001 -- any error is not a yes
            failure = failure_of(error)
            failure.for_good = failure.reason in _FOR_GOOD
            if failure.reason not in _MALFORMED or form == as_text:
                raise failure from None
            log.warning("Slack does not take the form of a message (%s): posting it as text", failure.reason)
        else:
            break
    if not ts:
        raise DeliveryError("an answer without ts")
    return str(ts)


def failure_of(error: Exception) -> DeliveryError:
    """Return why a call brought no yes: Slack's word, or the error's kind. It has nothing of what was sent."""
    if not isinstance(error, SlackApiError):
        return DeliveryError(type(error).__name__)
    return not_taken(error.response.status_code, error.response.headers, word_in(error.response.data))


def not_taken(status: int, headers: Mapping[str, Any], word: object) -> DeliveryError:
    """Return the error for an answer that was not a yes, with Slack's `word` for it, where there is one."""
    if status == _TOO_MANY:
        return DeliveryError("ratelimited", retry_after(headers) or UNSAID)
    return DeliveryError(str(word or f"HTTP {status}"))
