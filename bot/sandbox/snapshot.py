"""Everything that the page shows, as one person sees it."""

import time
from collections.abc import Iterable
from typing import Any

from bot.sandbox import cast
from bot.sandbox.accounts import PROVIDERS
from bot.sandbox.board import Message
from bot.sandbox.cognito import Account, Device, Pool
from bot.sandbox.crowd import Crowd
from bot.sandbox.stage import Stage
from bot.sandbox.views import View


def snapshot(stage: Stage, person_id: str, since: float) -> dict[str, Any]:
    """Give the whole state; of what only one person sees, what came after the window was opened, at `since`."""
    workspace = stage.workspace
    form = workspace.forms.of(person_id)
    seen = [m for m in workspace.seen_by(person_id) if m.only_for is None or float(m.ts) > since]
    return {
        "now": time.time(),
        "team": {"id": cast.TEAM_ID, "name": cast.TEAM_NAME},
        "bot": {"id": cast.BOT_USER_ID, "name": cast.BOT_NAME, "connected": bool(workspace.sockets.connections)},
        "person": person_id,
        "people": [_person(person) for person in workspace.people.values()],
        "channels": [
            _channel(channel, seen) for channel in workspace.channels.values() if channel.of in {None, person_id}
        ],
        "form": _form(form) if form and form.opened > since else None,
        "command": {"name": cast.COMMAND, "usage_hint": cast.USAGE_HINT, "description": cast.DESCRIPTION},
        "shortcut": {"name": cast.SHORTCUT, "app": cast.BOT_NAME},
        "cognito": [
            _pool(pool, tracked=stage.cognito.sessions.are_tracked(pool.id))
            for pool in stage.cognito.pools.values()
            if not pool.crowded
        ],
        "crowd": _crowd(stage.crowd) if stage.crowd else None,
        "weather": [
            {"name": switch.name, "label": switch.label, "on": switch.on} for switch in stage.weather.switches.values()
        ],
    }


def _person(person: cast.Person) -> dict[str, Any]:
    return {
        "id": person.id,
        "name": person.name,
        "real_name": person.real_name,
        "team_id": person.team_id,
        "team_name": cast.TEAMS[person.team_id][0],
        "role": person.role,
        "note": person.note,
    }


def _channel(channel: cast.Channel, seen: Iterable[Message]) -> dict[str, Any]:
    return {
        "id": channel.id,
        "name": channel.name,
        "archived": channel.archived,
        "direct": channel.of is not None,
        "messages": [_message(message) for message in seen if message.channel == channel.id],
    }


def _message(message: Message) -> dict[str, Any]:
    return {
        "id": message.ts,
        "ts": float(message.ts),
        "from": "bot" if message.author == cast.BOT_USER_ID else message.author,
        "ephemeral": message.only_for is not None,
        "text": message.text,
        "blocks": message.blocks,
        "edited": message.edited,
        "thread": message.thread_ts,
    }


def _form(form: View) -> dict[str, Any]:
    said = {"answered": form.answered, "errors": form.errors, "trouble": form.trouble}
    return {"id": form.id, "view": form.content, **said}


def _pool(pool: Pool, *, tracked: bool) -> dict[str, Any]:
    people = [_account(account, tracked=tracked) for account in pool.accounts.values()]
    return {"pool": pool.name, "pool_id": pool.id, "people": people}


def _crowd(crowd: Crowd) -> dict[str, Any]:
    """Count the people of a pool that has too many to show each. `leaked` is empty until all are there."""
    return {
        "pool": crowd.pool.name,
        "pool_id": crowd.pool.id,
        "size": len(crowd.everyone),
        "there": len(crowd.pool.accounts),
        "signed_in": crowd.signed_in,
        "hit": len(crowd.hit),
        "leaked": crowd.leaked,
    }


def _account(account: Account, *, tracked: bool) -> dict[str, Any]:
    return {
        "username": account.username,
        "name": account.name,
        "email": account.email,
        "enabled": account.state.enabled,
        "status": account.state.status,
        "password": account.state.password,
        "provider": PROVIDERS.get(account.username),
        "groups": account.groups,
        "protected": cast.PROTECTED_GROUP in account.groups,
        "devices": [_device(device) | (_tracked(device) if tracked else {}) for device in account.devices],
    }


def _device(device: Device) -> dict[str, Any]:
    return {
        "id": device.id,
        "name": device.name,
        "refresh": "works" if device.refresh_works else "revoked",
        "access": "works" if device.access_works else "revoked",
        "access_expires": device.access_expires,
        "checked": device.checked,
    }


def _tracked(device: Device) -> dict[str, Any]:
    place = (device.kind.agent, device.kind.city, device.kind.country)
    sso = {"sso": "works" if device.sso_works else "revoked"} if device.sso_id else {}
    return {"place": ", ".join(filter(None, place)), **sso}
