"""slack_sdk's clients, set up so that nothing is retried, or posted twice, behind our back."""

import logging
from collections.abc import Callable
from http.client import HTTPException
from typing import Any, Protocol
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, build_opener, install_opener

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.proxy_env_variable_loader import load_http_proxy_from_env
from slack_sdk.web import SlackResponse
from slack_sdk.webhook import WebhookClient

from bot.facts.slack_words import LOOPBACK, SLACK_HOST
from bot.slack.cards import Message

TIMEOUT_SECONDS = 5
_OK, _TOO_MANY = 200, 429

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


def _unheard(_: str, __: str) -> None:
    """Hear of nothing."""


class _BlockingClient(WebClient):
    failed: Failed = staticmethod(_unheard)

    def api_call(self, api_method: str, **arguments: Any) -> SlackResponse:
        try:
            return super().api_call(api_method, **arguments)
        except Exception as error:
            self.failed(api_method, kind_of(error))
            raise


def web_client(token: str, base_url: str, failed: Failed = _unheard) -> WebClient:
    """Return a Web API client that tries once."""
    client = _BlockingClient(token=token, base_url=base_url, timeout=TIMEOUT_SECONDS, retry_handlers=[])
    client.failed = failed
    client.proxy = None  # see refuse_redirects
    return client


def kind_of(error: Exception) -> str:
    """Return Slack's word for what went wrong, else one for the sort of trouble on the way."""
    if isinstance(error, SlackApiError):
        status = getattr(error.response, "status_code", _OK)
        return _http(status) if status != _OK else reason_of(error)
    # urllib wraps a time-out while it connects, and gives one while it reads as it is.
    if isinstance(error, TimeoutError) or isinstance(getattr(error, "reason", None), TimeoutError):
        return "timed_out"
    return "unreachable" if isinstance(error, OSError | HTTPException) else "malformed"


def _http(status: int) -> str:
    return "ratelimited" if status == _TOO_MANY else f"http_{status // 100}xx"


def reason_of(error: Exception) -> str:
    """Return Slack's word for what went wrong, or the error's kind: nothing of what was sent."""
    answer = error.response.data if isinstance(error, SlackApiError) else None
    return str(answer.get("error")) if isinstance(answer, dict) else type(error).__name__


class Respond(Protocol):
    """`respond`, counted."""

    def __call__(self, response_url: str | None, message: Message, *, replace: bool = False) -> bool:
        """Show an operator a message."""


def is_slacks(response_url: str, base_url: str) -> bool:
    """Return whether an address is one of Slack's; of this machine's only where Slack itself is pretended there."""
    url = urlsplit(response_url)
    if urlsplit(base_url).hostname in LOOPBACK:
        return url.scheme in {"http", "https"} and url.hostname in LOOPBACK
    return url.scheme == "https" and url.username is None and bool(SLACK_HOST.fullmatch(url.hostname or ""))


def respond(
    response_url: str | None,
    message: Message,
    *,
    replace: bool = False,
    failed: Failed = _unheard,
    base_url: str = "https://slack.com/api/",
) -> bool:
    """Show an operator a message, in place of the card where `replace`; return whether Slack took it.

    Nothing is sent where the address is not of the Slack at `base_url`: with a stolen signing secret, a forged command
    could name any. An ephemeral message may be lost whatever Slack answers: what must not be lost goes to the audit
    channel.
    """
    if not response_url:
        return False
    try:
        if not is_slacks(response_url, base_url):
            log.error("An operator was not told: the response_url is not Slack's. Was the signing secret stolen?")
            return False
        webhook = WebhookClient(response_url, timeout=TIMEOUT_SECONDS, retry_handlers=[])
        webhook.proxy = None  # see refuse_redirects
        answer = webhook.send(
            text=message.text,
            blocks=message.blocks,
            response_type="ephemeral",
            replace_original=replace,
            unfurl_links=False,
            unfurl_media=False,
        )
    except Exception as error:  # noqa: BLE001 -- whatever was wrong with the answer, the request goes on
        log.warning("An operator could not be told: %s", type(error).__name__)
        failed("response_url", kind_of(error))
        return False
    if answer.status_code != _OK:
        log.warning("An operator could not be told: Slack answered %d", answer.status_code)
        failed("response_url", _http(answer.status_code))
    return answer.status_code == _OK
