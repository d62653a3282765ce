"""What `check` gets back from a call to the Web API. Any answer is taken, and no answer is quoted."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ssl import SSLCertVerificationError
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

_WORD = re.compile(r"[a-z][a-z_]{0,59}")  # Slack's words have no dashes, and tokens do

_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})\b")  # http.client's words


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer; `trouble` is Slack's word for what was wrong, or ours. `is_slacks`: it came from Slack."""

    asked_at: datetime
    answered_at: datetime
    trouble: str = ""
    is_slacks: bool = True
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def ask(call: Callable[[], SlackResponse]) -> Answer:
    """Call once, and say what came back. Raises nothing."""
    asked_at = datetime.now(UTC)
    try:
        response: Any = call()
    except SlackApiError as error:
        response = error.response
    except Exception as error:  # noqa: BLE001 -- the way to Slack, or a proxy on it, may answer with anything
        return Answer(asked_at, datetime.now(UTC), broken(error), is_slacks=False)
    body = getattr(response, "data", None)
    body = body if isinstance(body, dict) else {}
    trouble = "" if body.get("ok") is True else str(body.get("error"))
    is_slacks = not trouble or bool(_WORD.fullmatch(trouble))
    return Answer(
        asked_at,
        datetime.now(UTC),
        trouble if is_slacks else f"HTTP {getattr(response, 'status_code', '?')}, but not in Slack's words",
        is_slacks=is_slacks,
        body=body,
        headers={name.lower(): value for name, value in (getattr(response, "headers", None) or {}).items()},
    )


def broken(error: Exception) -> str:
    """Say what is wrong with the way, where no answer came."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if refused := _TUNNEL.match(str(error)):
        return f"the proxy says HTTP {refused[1]}"
    return getattr(error, "strerror", None) or type(error).__name__
