"""What Slack tells an app about a command, a press and a form, field by field."""

import secrets
import time
from typing import Any

from bot.sandbox.cast import APP_ID, COMMAND, TEAM_DOMAIN, TEAM_ID, TEAMS, Channel, Person

VERIFICATION_TOKEN = "deprecated-and-unchecked"  # noqa: S105 - Slack still sends one; no one checks it


def trigger_id() -> str:
    """Make a new trigger id in Slack's shape."""
    return f"{secrets.randbelow(10**13)}.{secrets.randbelow(10**13)}.{secrets.token_hex(16)}"


def slash_command(
    person: Person, channel: Channel, text: str, response_url: str, command: str = COMMAND
) -> dict[str, Any]:
    """Make the payload of a `slash_commands` envelope."""
    _, domain = TEAMS[person.team_id]
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": person.team_id,
        "team_domain": domain,
        "channel_id": channel.id,
        "channel_name": channel.name,
        "user_id": person.id,
        "user_name": person.name,
        "command": command,
        "text": text,
        "api_app_id": APP_ID,
        "is_enterprise_install": "false",
        "response_url": response_url,
        "trigger_id": trigger_id(),
    }


def block_actions(  # noqa: PLR0913 - the parts of one payload
    person: Person,
    channel: Channel,
    *,
    message_ts: str,
    message: dict[str, Any] | None,
    action: dict[str, Any],
    response_url: str,
) -> dict[str, Any]:
    """Make the payload of an `interactive` envelope for a press. Of an ephemeral message Slack sends no `message`."""
    payload: dict[str, Any] = {
        "type": "block_actions",
        **_everywhere(person),
        "container": {
            "type": "message",
            "message_ts": message_ts,
            "channel_id": channel.id,
            "is_ephemeral": message is None,
        },
        "trigger_id": trigger_id(),
        "channel": {"id": channel.id, "name": "directmessage" if channel.of else channel.name},
        "state": {"values": {}},
        "response_url": response_url,
        "actions": [{**action, "action_ts": f"{time.time():.6f}"}],
    }
    if message is not None:
        payload["message"] = message
    return payload


def view_submission(person: Person, view: dict[str, Any]) -> dict[str, Any]:
    """Make the payload of an `interactive` envelope for a form that was sent."""
    return {
        "type": "view_submission",
        **_everywhere(person),
        "trigger_id": trigger_id(),
        "view": view,
        "response_urls": [],
    }


def view_closed(person: Person, view: dict[str, Any]) -> dict[str, Any]:
    """Make the payload of an `interactive` envelope for a form that was closed unsent."""
    return {"type": "view_closed", **_everywhere(person), "view": view, "is_cleared": False}


def view_actions(person: Person, view: dict[str, Any], action: dict[str, Any]) -> dict[str, Any]:
    """Make the payload of an `interactive` envelope for a press or a change in a form."""
    return {
        "type": "block_actions",
        **_everywhere(person),
        "container": {"type": "view", "view_id": view["id"]},
        "trigger_id": trigger_id(),
        "view": view,
        "actions": [{**action, "action_ts": f"{time.time():.6f}"}],
    }


def _everywhere(person: Person) -> dict[str, Any]:
    return {
        "user": {"id": person.id, "username": person.name, "name": person.name, "team_id": person.team_id},
        "api_app_id": APP_ID,
        "token": VERIFICATION_TOKEN,
        "team": {"id": TEAM_ID, "domain": TEAM_DOMAIN},
        "enterprise": None,
        "is_enterprise_install": False,
    }
