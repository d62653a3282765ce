"""slack_sdk's client, set up so that nothing is retried, or posted twice, behind our back; and posting through it."""

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from http.client import HTTPException
from typing import Any
from urllib.request import HTTPRedirectHandler, ProxyHandler, build_opener, install_opener

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.proxy_env_variable_loader import load_http_proxy_from_env
from slack_sdk.web import SlackResponse

from bot.clock import CheckedClock, Reading
from bot.errors import DeliveryError
from bot.facts.duration import retry_after
from bot.slack.text import Message

TIMEOUT_SECONDS = 5
UNSAID = timedelta(seconds=30)  # where a 429 does not say how long
_OK, _TOO_MANY = 200, 429
# Slack's words for a message whose form it does not take.
_MALFORMED = frozenset(
    {
        "invalid_blocks",
        "invalid_blocks_format",
        "msg_blocks_too_long",
        "invalid_metadata_format",
        "invalid_metadata_schema",
        "metadata_must_be_sent_from_app",
        "metadata_too_large",
    }
)

Failed = Callable[[str, str], None]  # is told of each call that failed: its method, and what was wrong in one word

log = logging.getLogger(__name__)


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow none: urllib would send the token along to any host."""


def refuse_redirects() -> None:
    """Let urllib, through which slack_sdk speaks, follow no redirects in this process. Slack's API sends none.

    With a proxy slack_sdk would make an opener of its own, which follows them: so urllib is given the proxy instead.
    """
    proxy = load_http_proxy_from_env()
    proxies = [ProxyHandler({"http": proxy, "https": proxy})] if proxy else []
    install_opener(build_opener(_NoRedirects, *proxies))


def _not_counted(_: str, __: str) -> None:
    """Do nothing."""


class BlockingClient(WebClient):
    """A Web API client that tries once and tells `failed` of each call that failed.

    `clock` is compared with each answer.
    """

    failed: Failed = staticmethod(_not_counted)
    clock: CheckedClock | None = None

    def api_call(self, api_method: str, **arguments: Any) -> SlackResponse:
        """Call a method. Raises what slack_sdk raises."""
        sent = self.clock.read() if self.clock else None
        try:
            answer = super().api_call(api_method, **arguments)
        except Exception as error:
            self.failed(api_method, kind_of(error))
            self.answered(sent, getattr(getattr(error, "response", None), "headers", None))
            raise
        self.answered(sent, answer.headers)
        return answer

    def answered(self, sent: Reading | None, headers: Mapping[str, Any] | None) -> None:
        """Compare the clock with an answer to what was sent when it read so."""
        if sent and self.clock:
            self.clock.answered(sent, headers)


def web_client(
    token: str, base_url: str, failed: Failed = _not_counted, clock: CheckedClock | None = None
) -> BlockingClient:
    """Return the client."""
    client = BlockingClient(token=token, base_url=base_url, timeout=TIMEOUT_SECONDS, retry_handlers=[])
    client.failed, client.clock = failed, clock
    client.proxy = None  # see refuse_redirects
    return client


def kind_of(error: Exception) -> str:
    """Return Slack's word for what went wrong, else one for the sort of trouble on the way."""
    if isinstance(error, SlackApiError):
        status = getattr(error.response, "status_code", _OK)
        return kind_of_status(status) if status != _OK else reason_of(error)
    # urllib wraps a time-out while it connects, and gives one while it reads as it is.
    if isinstance(error, TimeoutError) or isinstance(getattr(error, "reason", None), TimeoutError):
        return "timed_out"
    return "unreachable" if isinstance(error, OSError | HTTPException) else "malformed"


def kind_of_status(status: int) -> str:
    """Return a word for an HTTP status other than 200."""
    return "ratelimited" if status == _TOO_MANY else f"http_{status // 100}xx"


def reason_of(error: Exception) -> str:
    """Return Slack's word for what went wrong, or the error's kind: nothing of what was sent."""
    answer = error.response.data if isinstance(error, SlackApiError) else None
    return str(answer.get("error")) if isinstance(answer, dict) else type(error).__name__


def post(client: WebClient, channel: str, message: Message, metadata: Mapping[str, Any] | None = None) -> str:
    """Post a message to a channel or person; return its `ts`. What Slack finds malformed goes as text.

    Raises `DeliveryError` unless Slack definitely took it, with Slack's word for why, where there is one.
    """
    ids: dict[str, Any] = {"metadata": dict(metadata)} if metadata else {}
    as_text: dict[str, Any] = {"mrkdwn": False}
    for form in [{"blocks": message.blocks, **ids}, *([as_text | ids] if ids else [])]:
        try:
            return _post(client, channel, message.text, form)
        except DeliveryError as error:
            if error.reason not in _MALFORMED:
                raise
            log.warning("Slack does not take the form of a message (%s): posting it as text", error.reason)
    return _post(client, channel, message.text, as_text)


def _post(client: WebClient, channel: str, text: str, form: Mapping[str, Any]) -> str:
    try:
        answer = client.chat_postMessage(channel=channel, text=text, unfurl_links=False, unfurl_media=False, **form)
        ts = answer.get("ts")
    except SlackApiError as error:
        answer = error.response
        word = answer.data.get("error") if isinstance(answer.data, dict) else None
        raise not_taken(answer.status_code, answer.headers, word) from None
    except Exception as error:  # noqa: BLE001 -- any error is no yes
        raise DeliveryError(type(error).__name__) from None
    if not ts:
        raise DeliveryError("an answer without ts")
    return str(ts)


def not_taken(status: int, headers: Mapping[str, Any], word: object) -> DeliveryError:
    """Return the error for an answer that was no yes, with Slack's `word` for it, where there is one."""
    if status == _TOO_MANY:
        asked = {name.lower(): value for name, value in headers.items()}.get("retry-after")
        return DeliveryError("ratelimited", retry_after(asked) or UNSAID)
    return DeliveryError(str(word or f"HTTP {status}"))
