"""The Slack app's manifest: the one file, and its variants for HTTP mode and for Enterprise Grid."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

import bot
from bot.errors import BotError
from bot.slack.scopes import ON_GRID

FILE = Path(bot.__file__).parents[1] / "manifest.yml"
EVENTS = "/slack/events"


class ManifestError(BotError):
    """Why it cannot be printed, and what to do."""


def manifest(http: str | None, *, grid: bool = False) -> str:
    """Return the manifest as it is, for Socket Mode; or for HTTP mode, where Slack reaches the bot at `http`.

    `grid`: for an Enterprise Grid organisation or one of its workspaces. Raises `ManifestError`.
    """
    try:
        text = FILE.read_text("utf-8")
    except OSError as error:
        raise ManifestError(
            f"{FILE} cannot be read: {error.strerror}. It belongs beside the bot's folder: take it from the repository."
        ) from error
    if http is None and not grid:
        return text
    app = yaml.safe_load(text)
    if http is not None:
        _over_http(app, _request_url(http))
    if grid:
        app["oauth_config"]["scopes"]["bot"] += sorted(ON_GRID)
        app["settings"]["org_deploy_enabled"] = True
    front, where = "Socket Mode" if http is None else "HTTP mode", " and Enterprise Grid" if grid else ""
    about = f"# The Slack app, for {front}{where}.\n"
    return about + yaml.safe_dump(app, sort_keys=False, allow_unicode=True, width=120)


def _request_url(address: str) -> str:
    url = urlsplit(address)
    if url.scheme != "https" or not url.hostname:
        raise ManifestError("--http must be an address that Slack can reach, such as https://signout.example.com.")
    return address if url.path.strip("/") else f"https://{url.netloc}{EVENTS}"


def _over_http(app: dict[str, Any], url: str) -> None:
    for command in app["features"]["slash_commands"]:
        command["url"] = url
    app["settings"]["interactivity"]["request_url"] = url
    app["settings"]["socket_mode_enabled"] = False
