"""The Slack app's manifest: the one file, its variants, and the bot token's scopes against it."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import yaml

import bot
from bot.errors import BotError
from bot.facts.finding import Finding

FILE = Path(bot.__file__).parents[1] / "manifest.yml"
EVENTS = "/slack/events"
ON_GRID = frozenset({"users:read"})  # what the app needs as well in an Enterprise Grid organisation
REINSTALL = "reinstall the app (OAuth & Permissions)"
_SCOPE = re.compile(r"[a-z_.:]+|incoming-webhook")


def manifest(http: str | None, *, grid: bool = False) -> str:
    """Return the manifest as it is, for Socket Mode; or for HTTP mode, where Slack reaches the bot at `http`.

    `grid`: for an Enterprise Grid organisation or one of its workspaces. Raises `BotError`.
    """
    try:
        text = FILE.read_text("utf-8")
    except OSError as error:
        hint = "It belongs beside the bot's folder: take it from the repository."
        raise BotError(f"{FILE} cannot be read: {error.strerror}.", hint) from error
    if http is None and not grid:
        return text
    app = yaml.safe_load(text)
    if http is not None:
        url = _request_url(http)
        for command in app["features"]["slash_commands"]:
            command["url"] = url
        app["settings"]["interactivity"]["request_url"] = url
        app["settings"]["socket_mode_enabled"] = False
    if grid:
        app["oauth_config"]["scopes"]["bot"] += sorted(ON_GRID)
        app["settings"]["org_deploy_enabled"] = True
    front, where = "Socket Mode" if http is None else "HTTP mode", " and Enterprise Grid" if grid else ""
    about = f"# The Slack app, for {front}{where}.\n"
    return about + yaml.safe_dump(app, sort_keys=False, allow_unicode=True, width=120)


def _request_url(address: str) -> str:
    url = urlsplit(address)
    if url.scheme != "https" or not url.hostname:
        raise BotError("--http must be an address that Slack can reach, such as https://signout.example.com.")
    return address if url.path.strip("/") else f"https://{url.netloc}{EVENTS}"


def compare(header: str | None, *, grid: bool = False) -> Finding:
    """Say what the bot token lacks or has too much, by the header with its scopes; `grid`: on Enterprise Grid."""
    name = "scopes"
    if not header:
        return Finding(name, "not tried", "not tried: Slack did not say which the bot token has")
    has = {word for word in map(str.strip, header.split(",")) if _SCOPE.fullmatch(word)}
    shown = ", ".join(sorted(has)) or "none"
    try:
        wanted = frozenset[str](yaml.safe_load(FILE.read_text("utf-8"))["oauth_config"]["scopes"]["bot"])
    except FileNotFoundError:
        sentence = f"not compared: there is no manifest.yml beside the bot; the token has {shown}"
        return Finding(name, "not tried", sentence)
    except (OSError, ValueError, TypeError, LookupError, yaml.YAMLError):
        return Finding(name, "warning", f"{FILE} cannot be read; the token has {shown}.", "Restore manifest.yml.")
    wanted |= ON_GRID if grid else frozenset()
    source = "what `python -m bot manifest --grid` prints" if grid else "manifest.yml"
    if missing := sorted(wanted - has):
        fix = f"Bring the app's manifest up to date with {source}, and {REINSTALL}."
        return Finding(name, "missing", f"The bot token lacks {', '.join(missing)}.", fix)
    if more := sorted(has - wanted):
        sentence = f"The bot token has more than it needs: {', '.join(more)}."
        return Finding(name, "warning", sentence, f"Remove them, and {REINSTALL}.")
    return Finding(name, "ok", f"{shown}, as in {source}")
