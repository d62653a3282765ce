"""The bot token's scopes against those that manifest.yml asks for."""

import re
from pathlib import Path

import yaml

from bot.facts.finding import Finding

ON_GRID = frozenset({"users:read"})  # what the app needs as well in an Enterprise Grid organisation
REINSTALL = "reinstall the app to the workspace (OAuth & Permissions)"
_SCOPE = re.compile(r"[a-z_.:]+|incoming-webhook")


def compare(header: str | None, manifest: Path, *, grid: bool = False) -> Finding:
    """Say what the token lacks, or has too much, going by the header in which Slack lists its scopes.

    `grid`: the app is installed in an Enterprise Grid organisation, or in one of its workspaces.
    """
    name = "scopes"
    if not header:
        return Finding(name, "not tried", "not tried: Slack did not say which the bot token has")
    has = {word for word in map(str.strip, header.split(",")) if _SCOPE.fullmatch(word)}
    shown = ", ".join(sorted(has)) or "none"
    try:
        wanted = frozenset[str](yaml.safe_load(manifest.read_text("utf-8"))["oauth_config"]["scopes"]["bot"])
    except FileNotFoundError:
        return Finding(
            name, "not tried", f"not compared: there is no manifest.yml beside the bot; the token has {shown}"
        )
    except (OSError, ValueError, TypeError, LookupError, yaml.YAMLError):
        return Finding(name, "warning", f"{manifest} cannot be read; the token has {shown}.", "Restore manifest.yml.")
    wanted |= ON_GRID if grid else frozenset()
    source = "what `python -m bot manifest --grid` prints" if grid else "manifest.yml"
    again = "reinstall the app (OAuth & Permissions)" if grid else REINSTALL
    if missing := sorted(wanted - has):
        fix = f"Bring the app's manifest up to date with {source}, and {again}."
        return Finding(name, "missing", f"The bot token lacks {', '.join(missing)}.", fix)
    if more := sorted(has - wanted):
        sentence = f"The bot token has more than it needs: {', '.join(more)}."
        return Finding(name, "warning", sentence, f"Remove them, and {again}.")
    return Finding(name, "ok", f"{shown}, as in {source}")
