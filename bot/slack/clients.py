"""slack_sdk's clients, set up so that nothing is retried, or posted twice, behind our back."""

import logging
from collections.abc import Callable
from http.client import HTTPException
from typing import Any, Protocol
from urllib.request import HTTPRedirectHandler, build_opener, install_opener

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse
from slack_sdk.webhook import WebhookClient

from bot.slack.cards import Message

TIMEOUT_SECONDS = 5
_OK, _TOO_MANY = 200, 429

Failed = Callable[[str, str], None]  # hears of each call that failed: its method, and what was wrong in one word

log = logging.getLogger(__name__)


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow none: urllib would send the token along to any host."""


def refuse_redirects() -> None:
    """Let urllib, through which slack_sdk speaks, follow no redirects in this process. Slack's API sends none."""
    install_opener(build_opener(_NoRedirects))


def _unheard(_: str, __: str) -> None:
    """Hear of nothing."""


class _Client(WebClient):
    failed: Failed = staticmethod(_unheard)

    def api_call(self, api_method: str, **arguments: Any) -> SlackResponse:
        try:
            return super().api_call(api_method, **arguments)
        except Exception as error:
            self.failed(api_method, kind_of(error))
            raise


def web_client(token: str, base_url: str, failed: Failed = _unheard) -> WebClient:
    """Return a Web API client that tries once."""
    client = _Client(token=token, base_url=base_url, timeout=TIMEOUT_SECONDS, retry_handlers=[])
    client.failed = failed
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


def respond(response_url: str | None, message: Message, *, replace: bool = False, failed: Failed = _unheard) -> bool:
    """Show an operator a message, in place of the card where `replace`; return whether Slack took it.

    An ephemeral message may be lost whatever Slack answers: what must not be lost goes to the audit channel.
    """
    if not response_url:
        return False
    try:
        answer = WebhookClient(response_url, timeout=TIMEOUT_SECONDS, retry_handlers=[]).send(
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
