"""The audit channel: one post an outcome, told as taken only when Slack said so."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from structlog.contextvars import bound_contextvars

from bot.audit import AuditEntry
from bot.backoff import retry_after
from bot.errors import DeliveryError
from bot.facts.slack_words import TOKEN_ERRORS
from bot.slack.accounts import Shown
from bot.slack.audit_messages import audit_message, metadata

UNSAID = timedelta(seconds=30)  # where a 429 does not say how long
_TOO_MANY = 429
# Slack's words for a channel, an app or a token that a person has to fix.
_FOR_GOOD = TOKEN_ERRORS | frozenset(
    {
        "channel_not_found",
        "not_in_channel",
        "is_archived",
        "restricted_action",
        "restricted_action_read_only_channel",
        "restricted_action_thread_only_channel",
        "restricted_action_non_threadable_channel",
        "missing_scope",
        "no_permission",
        "access_denied",
        "team_access_not_granted",
        "ekm_access_denied",
        "org_login_required",
        "messages_tab_disabled",
    }
)
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

log = logging.getLogger(__name__)


class SlackAuditChannel:
    """An `AuditChannel`: chat.postMessage to one channel."""

    def __init__(self, client: WebClient, channel_id: str, shown: Shown) -> None:
        self._client = client
        self._channel_id = channel_id
        self._shown = shown

    def post(self, entries: Sequence[AuditEntry]) -> str:
        """Post one message; return its `ts`. Raises `DeliveryError` unless Slack definitely took it."""
        with bound_contextvars(request_id=entries[0].request_id, entry_id=entries[0].id):
            ts = self._post_or_plainly(entries)
            log.info("The audit channel took the entry")
            return ts

    def _post_or_plainly(self, entries: Sequence[AuditEntry]) -> str:
        message, ids = audit_message(self._shown, entries), metadata(entries)
        as_text = {"mrkdwn": False}
        for form in ({"blocks": message.blocks, "metadata": ids}, as_text | {"metadata": ids}):
            try:
                return self._post(message.text, **form)
            except DeliveryError as error:
                if error.reason not in _MALFORMED:
                    raise
                log.warning("Slack refuses the form of entry %s (%s): posting it as text", entries[0].id, error.reason)
        return self._post(message.text, **as_text)

    def _post(self, text: str, **more: Any) -> str:
        try:
            answer = self._client.chat_postMessage(
                channel=self._channel_id, text=text, unfurl_links=False, unfurl_media=False, **more
            )
            ts = answer.get("ts")
        except SlackApiError as error:
            raise _delivery_error(error) from None
        except Exception as error:  # noqa: BLE001 -- whatever was wrong with the answer, it was no yes
            raise DeliveryError(type(error).__name__) from None
        if not ts:
            raise DeliveryError("an answer without ts")
        return str(ts)


def _delivery_error(error: SlackApiError) -> DeliveryError:
    response = error.response
    if response.status_code == _TOO_MANY:
        return DeliveryError("ratelimited", retry_after(response.headers.get("Retry-After")) or UNSAID)
    answer = response.data if isinstance(response.data, dict) else {}
    reason = str(answer.get("error") or f"HTTP {response.status_code}")
    return DeliveryError(reason, for_good=reason in _FOR_GOOD)
