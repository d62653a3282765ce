"""Answering at a response_url."""

import json
import logging
from urllib.parse import urlsplit

from urllib3.util import parse_url

from bot.errors import DeliveryError
from bot.facts.slack_words import LOOPBACK, SLACK_HOST, word_in
from bot.slack.clients import BlockingClient, kind_of, kind_of_answer, not_taken
from bot.slack.text import Message

_OK = 200
_FOR_ONE_PERSON = {"response_type": "ephemeral", "unfurl_links": False, "unfurl_media": False}
# An address that Slack gave out, but that takes nothing more, or whose message is not there any more.
_GONE_STATUS = frozenset({404, 410})
_GONE = frozenset({"expired_url", "used_url", "cannot_replace_original", "message_not_found"})

log = logging.getLogger(__name__)


def is_slacks(response_url: str, base_url: str) -> bool:
    """Return whether an address is at Slack or, where `base_url` is on this machine (sandbox), on this machine."""
    try:
        url = parse_url(response_url)  # as the client reads it
    except ValueError:
        return False
    host = (url.host or "").strip("[]")
    if urlsplit(base_url).hostname in LOOPBACK:
        return url.scheme in {"http", "https"} and host in LOOPBACK
    return url.scheme == "https" and url.auth is None and bool(SLACK_HOST.fullmatch(host))


def respond(client: BlockingClient, response_url: str, message: Message, *, replace: bool) -> None:
    """Show a message to one person, in place of the card where `replace`. Raises `DeliveryError` unless Slack took it.

    Nothing is sent where the address is not of the client's Slack: with a stolen signing secret, a forged command could
    name any. An ephemeral message may be lost even after Slack's yes: what must not be lost is in the audit channel.
    """
    if not is_slacks(response_url, client.base_url):
        log.error("An operator was not told: the response_url is not Slack's. Was the signing secret stolen?")
        raise DeliveryError("not an address of Slack's", gone=True)
    content = {"text": message.text, "blocks": message.blocks, "replace_original": replace, **_FOR_ONE_PERSON}
    try:
        answer = client.send(url=response_url, args={"json": content})
    except Exception as error:  # noqa: BLE001 -- any error is not a yes
        client.failed("response_url", kind_of(error))
        raise DeliveryError(type(error).__name__) from None
    status, word = answer["status"], _word_in(answer["body"])
    if status != _OK or word is not None:
        client.failed("response_url", kind_of_answer(status, word))
        refusal = not_taken(status, answer["headers"], word)
        refusal.gone = status in _GONE_STATUS or word in _GONE
        raise refusal


def _word_in(body: str) -> str | None:
    """Return Slack's word for what was wrong, "" where there is none; None for its yes, which no proxy would say."""
    try:
        answer = {"ok": True} if body == "ok" else json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        return ""
    return None if answer.get("ok") is True else word_in(answer) or ""
