"""What `check` gets back from a call to the Web API. Any answer is taken, and no answer is quoted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from bot.facts.slack_words import word_in
from bot.facts.way import trouble_of


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
        return Answer(asked_at, datetime.now(UTC), trouble_of(error), is_slacks=False)
    body = getattr(response, "data", None)
    body = body if isinstance(body, dict) else {}
    trouble = "" if body.get("ok") is True else word_in(body)
    return Answer(
        asked_at,
        datetime.now(UTC),
        f"HTTP {getattr(response, 'status_code', '?')}, but not in Slack's words" if trouble is None else trouble,
        is_slacks=trouble is not None,
        body=body,
        headers={name.lower(): value for name, value in (getattr(response, "headers", None) or {}).items()},
    )
