"""What Slack tells an app about a command, a press, a form and a shortcut, field by field."""

import secrets
import time
from typing import Any

from bot.sandbox.cast import (
    APP_ID,
    COMMAND,
    ORG_ID,
    ORG_NAME,
    OTHER_ID,
    PARTNER_ID,
    PARTNER_ORG_ID,
    PARTNER_ORG_NAME,
    TEAM_DOMAIN,
    TEAM_ID,
    TEAMS,
    Channel,
    Install,
    Person,
)

VERIFICATION_TOKEN = "deprecated-and-unchecked"  # noqa: S105 - Slack still sends one; no one checks it


def trigger_id() -> str:
    """Make a new trigger id in Slack's shape."""
    return f"{secrets.randbelow(10**13)}.{secrets.randbelow(10**13)}.{secrets.token_hex(16)}"


def slash_command(  # noqa: PLR0913 - the parts of one payload
    person: Person,
    channel: Channel,
    text: str,
    response_url: str,
    command: str = COMMAND,
    *,
    install: Install = Install.WORKSPACE,
) -> dict[str, Any]:
    """Make the payload of a `slash_commands` envelope."""
    _, domain = TEAMS[person.team_id]
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": person.team_id,
        "team_domain": domain,
        **({} if install is Install.WORKSPACE else {"enterprise_id": ORG_ID, "enterprise_name": ORG_NAME}),
        "channel_id": channel.id,
        "channel_name": channel.name,
        "user_id": person.id,
        "user_name": person.name,
        "command": command,
        "text": text,
        "api_app_id": APP_ID,
        "is_enterprise_install": str(install is Install.ORG_WIDE).lower(),
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
    install: Install = Install.WORKSPACE,
) -> dict[str, Any]:
    """Make the payload of an `interactive` envelope for a press. Of an ephemeral message Slack sends no `message`."""
    payload: dict[str, Any] = {
        "type": "block_actions",
        **_everywhere(person, install),
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


def view_submission(person: Person, view: dict[str, Any], install: Install = Install.WORKSPACE) -> dict[str, Any]:
    """Make the payload of an `interactive` envelope for a form that was sent."""
    return {
        "type": "view_submission",
        **_everywhere(person, install),
        "trigger_id": trigger_id(),
        "view": view,
        "response_urls": [],
    }


def view_closed(person: Person, view: dict[str, Any], install: Install = Install.WORKSPACE) -> dict[str, Any]:
    """Make the payload of an `interactive` envelope for a form that was closed unsent."""
    return {"type": "view_closed", **_everywhere(person, install), "view": view, "is_cleared": False}


def view_actions(
    person: Person, view: dict[str, Any], action: dict[str, Any], install: Install = Install.WORKSPACE
) -> dict[str, Any]:
    """Make the payload of an `interactive` envelope for a press or a change in a form."""
    return {
        "type": "block_actions",
        **_everywhere(person, install),
        "container": {"type": "view", "view_id": view["id"]},
        "trigger_id": trigger_id(),
        "view": view,
        "actions": [{**action, "action_ts": f"{time.time():.6f}"}],
    }


def message_action(  # noqa: PLR0913 - the parts of one payload
    person: Person,
    channel: Channel,
    message: dict[str, Any],
    response_url: str,
    callback_id: str,
    *,
    install: Install = Install.WORKSPACE,
) -> dict[str, Any]:
    """Make the payload of an `interactive` envelope for a shortcut in the menu of a message."""
    return {
        "type": "message_action",
        **_of_a_shortcut(person, callback_id, install),
        "channel": {"id": channel.id, "name": "directmessage" if channel.of else channel.name},
        "message_ts": message["ts"],
        "message": message,
        "response_url": response_url,
    }


def shortcut(person: Person, callback_id: str, install: Install = Install.WORKSPACE) -> dict[str, Any]:
    """Make the payload of an `interactive` envelope for a global shortcut: it is in no channel, so has no answer."""
    payload = {"type": "shortcut", **_of_a_shortcut(person, callback_id, install)}
    payload["user"].pop("name")
    return payload


def _of_a_shortcut(person: Person, callback_id: str, install: Install) -> dict[str, Any]:
    everywhere = _everywhere(person, install)
    everywhere.pop("api_app_id")
    return {**everywhere, "callback_id": callback_id, "trigger_id": trigger_id(), "action_ts": f"{time.time():.6f}"}


def _everywhere(person: Person, install: Install) -> dict[str, Any]:
    """Tell who it is, and then of the installation: `team` and `enterprise` do not depend on who presses."""
    team = {"id": TEAM_ID, "domain": TEAM_DOMAIN}
    if install is Install.GRID_WORKSPACE:
        team |= {"enterprise_id": ORG_ID, "enterprise_name": ORG_NAME}
    return {
        "user": {"id": person.id, "username": person.name, "name": person.name, "team_id": person.team_id},
        "api_app_id": APP_ID,
        "token": VERIFICATION_TOKEN,
        "team": None if install is Install.ORG_WIDE else team,
        "enterprise": None if install is Install.WORKSPACE else {"id": ORG_ID, "name": ORG_NAME},
        "is_enterprise_install": install is Install.ORG_WIDE,
    }


def user_info(person: Person, install: Install) -> dict[str, Any]:
    """Show a person as users.info does. Someone of another team is a stranger to the app."""
    user: dict[str, Any] = {
        "id": person.id,
        "team_id": person.team_id,
        "name": person.name,
        "deleted": False,
        "real_name": person.real_name,
        "tz": "Europe/Berlin",
        "profile": {"real_name": person.real_name, "display_name": person.name, "team": person.team_id},
        "is_admin": False,
        "is_owner": False,
        "is_restricted": False,
        "is_bot": False,
        "is_app_user": False,
        "updated": 1700000000,
    }
    is_partner = person.team_id == PARTNER_ID
    if is_partner:
        user["is_stranger"] = True
    if install is not Install.WORKSPACE:
        user["enterprise_user"] = {
            "id": person.id,
            "enterprise_id": PARTNER_ORG_ID if is_partner else ORG_ID,
            "enterprise_name": PARTNER_ORG_NAME if is_partner else ORG_NAME,
            "is_admin": False,
            "is_owner": False,
            "teams": [PARTNER_ID] if is_partner else [TEAM_ID, OTHER_ID],
        }
    return user
