"""The Slack app's manifest: the one file, and its variant for HTTP mode."""

from pathlib import Path
from urllib.parse import urlsplit

import yaml

import bot
from bot.errors import BotError

FILE = Path(bot.__file__).parents[1] / "manifest.yml"
EVENTS = "/slack/events"


class ManifestError(BotError):
    """Why it cannot be printed, and what to do."""


def manifest(http: str | None) -> str:
    """Return the manifest as it is, for Socket Mode; or for HTTP mode, where Slack reaches the bot at `http`.

    Raises `ManifestError`.
    """
    try:
        text = FILE.read_text("utf-8")
    except OSError as error:
        raise ManifestError(
            f"{FILE} cannot be read: {error.strerror}. It belongs beside the bot's folder: take it from the repository."
        ) from error
    return text if http is None else _over_http(text, _request_url(http))


def _request_url(address: str) -> str:
    url = urlsplit(address)
    if url.scheme != "https" or not url.hostname:
        raise ManifestError("--http must be an address that Slack can reach, such as https://signout.example.com.")
    return address if url.path.strip("/") else f"https://{url.netloc}{EVENTS}"


def _over_http(text: str, url: str) -> str:
    app = yaml.safe_load(text)
    for command in app["features"]["slash_commands"]:
        command["url"] = url
    app["settings"]["interactivity"]["request_url"] = url
    app["settings"]["socket_mode_enabled"] = False
    return "# The Slack app, for HTTP mode.\n" + yaml.safe_dump(app, sort_keys=False, allow_unicode=True, width=120)
