"""Hands to Bolt what Slack sent. There is always an answer, and never a traceback, which could quote what was sent."""

import logging
from typing import Any

from slack_bolt import App, BoltRequest, BoltResponse

log = logging.getLogger(__name__)


def dispatched(app: App, payload: dict[str, Any], context: dict[str, Any] | None = None) -> BoltResponse:
    """Return Bolt's answer to a payload, with `context` for its listeners; 400 where Bolt itself fails at it."""
    try:
        # The mode in which Bolt takes what was read already. By itself it would lose a command that says "payload".
        return app.dispatch(BoltRequest(mode="socket_mode", body=payload, context=context))
    except Exception as error:  # noqa: BLE001 -- Bolt may fail at anything in it
        log.error("What Slack sent cannot be read: %s in Bolt", type(error).__name__)  # noqa: TRY400 -- without a traceback
        return BoltResponse(status=400)
