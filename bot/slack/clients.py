"""slack_sdk's clients, set up so that nothing is retried, or posted twice, behind our back."""

import logging
from typing import Any
from urllib.request import HTTPRedirectHandler, build_opener, install_opener

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from bot.slack.cards import Message

TIMEOUT_SECONDS = 5
_OK = 200

log = logging.getLogger(__name__)


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow none: urllib would send the token along to any host."""


def refuse_redirects() -> None:
    """Let urllib, through which slack_sdk speaks, follow no redirects in this process. Slack's API sends none."""
    install_opener(build_opener(_NoRedirects))


def web_client(token: str, base_url: str) -> WebClient:
    """Return a Web API client that tries once."""
    return WebClient(token=token, base_url=base_url, timeout=TIMEOUT_SECONDS, retry_handlers=[])


def reason_of(error: Exception) -> str:
    """Return Slack's word for what went wrong, or the error's kind: nothing of what was sent."""
    answer = error.response.data if isinstance(error, SlackApiError) else None
    return str(answer.get("error")) if isinstance(answer, dict) else type(error).__name__


def respond(response_url: str | None, message: Message, *, replace: bool = False) -> bool:
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
        return False
    if answer.status_code != _OK:
        log.warning("An operator could not be told: Slack answered %d", answer.status_code)
    return answer.status_code == _OK
