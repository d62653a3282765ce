"""Reads the settings from the environment and a TOML file. Every fault is reported at once."""

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from functools import reduce
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from bot.settings import environment as env
from bot.settings import names, references
from bot.settings.faults import NO_OPERATORS, SettingsError, lacking_approvers, missing, sentences
from bot.settings.model import ENVIRONMENT, LISTS, NEVER_IN_THE_FILE, SECRETS, Settings, StoreSettings
from bot.settings.names import CONFIG_FILE, CONFIG_TEXT

DEFAULT_FILE = "signout.toml"
# For verbs that have nothing to do with Slack.
_STAND_INS = {
    **dict.fromkeys(SECRETS, references.STAND_IN),
    "SIGNOUT_AUDIT_CHANNEL": "C00000000",
    "SIGNOUT_ALLOW_USERS": "U00000000",
}
_EMPTIED = (
    "is empty, so it is as if it were not set: the file's list counts. To take everyone off that list, empty it there."
)

S = TypeVar("S", bound=StoreSettings)


def load(environment: Mapping[str, str], resolve: references.Resolve | None = None, *, http: bool = False) -> Settings:
    """Read the settings: a file, or what `SIGNOUT_CONFIG_TEXT` has of one, and a `correct` environment, which wins.

    The file is the one that `SIGNOUT_CONFIG` names, else `signout.toml` if it exists. A reference to a secret is kept
    as it is unless `resolve` is given. With `http` the secret of HTTP mode must be there; otherwise Socket Mode's token
    or HTTP mode's secret is enough. Raises `SettingsError` with every fault.
    """
    faults: list[str] = []
    found = references.followed(SECRETS, environment, resolve, faults)
    given = _given({**environment, **found}, faults)
    if "slack_signing_secret" not in given and (http or "slack_app_token" not in given):
        faults.append(missing("SLACK_SIGNING_SECRET" if http else "SLACK_APP_TOKEN", environment))
    if not _allows_people(given):
        faults.append(NO_OPERATORS)
    settings = _checked(Settings, given, faults, environment)
    if unapproved := lacking_approvers(settings):
        raise SettingsError(unapproved)
    return settings


def emptied(environment: Mapping[str, str], settings: Settings) -> dict[str, str]:
    """Return what to say of each variable that is empty, where someone may believe that it empties the file's list."""
    emptied = [name for name in LISTS if environment.get(name) == ""]
    held: dict[str, Any] = {name: reduce(getattr, ENVIRONMENT[name], settings) for name in emptied}
    return {name: _EMPTIED for name, listed in held.items() if listed}


def load_store(environment: Mapping[str, str]) -> StoreSettings:
    """Read what it takes to read the store, as `load` does; other settings may be missing. Raises `SettingsError`."""
    faults: list[str] = []
    given = _given(environment, faults)
    faults += [names.unknown_key([key]) for key in given if key not in Settings.model_fields]
    return _checked(StoreSettings, given, faults, environment)


def load_without_slack(environment: Mapping[str, str]) -> Settings:
    """Read as `load` does, but without secrets: nothing about Slack has to be there. Raises `SettingsError`."""
    about_aws = {name: value for name, value in environment.items() if not name.startswith("SLACK_")}
    return load(about_aws | {name: value for name, value in _STAND_INS.items() if not about_aws.get(name)})


def _given(given: Mapping[str, str], faults: list[str]) -> dict[str, Any]:
    """Return what the file says, and over it the environment; add what is wrong already to `faults`."""
    unclear = env.faults_in(given)
    faults += [*names.resembling(given, ours=True), *unclear.values()]
    values = _file_values(given, faults)
    for name, path in ENVIRONMENT.items():
        if given.get(name):
            table = values
            for key in path[:-1]:
                table[key] = table[key] if isinstance(table.get(key), dict) else {}
                table = table[key]
            table[path[-1]] = env.unquoted(given[name]) if name in unclear else given[name]
    return values


def _file_values(given: Mapping[str, str], faults: list[str]) -> dict[str, Any]:
    named, text = given.get(CONFIG_FILE), given.get(CONFIG_TEXT, "").strip()
    if named and text:
        faults.append(f"{CONFIG_FILE} and {CONFIG_TEXT} are both set. Leave one out.")
    if text:
        return _parsed(text.encode(errors="surrogateescape"), CONFIG_TEXT, faults)
    path = Path(named or DEFAULT_FILE)
    if not named and not path.exists():
        return {}
    try:
        return _parsed(path.read_bytes(), f"The settings file {path}", faults)
    except OSError as error:
        faults.append(f"The settings file {path} cannot be read: {error.strerror}. Check {CONFIG_FILE}.")
        return {}


def _parsed(content: bytes, what: str, faults: list[str]) -> dict[str, Any]:
    text = ""
    try:
        text = env.decoded(content)
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        invalid = f"{error}{_strange_sign(text, str(error))}"
        known = {tomllib.TOMLDecodeError: invalid, UnicodeDecodeError: "it is not UTF-8"}
        where = known.get(type(error), "it is nested too deeply, or a number is too long")
        faults.append(f"{what} is not valid TOML: {where}.")
        return {}
    faults += [
        f"{key} never belongs in the file. Set {key.upper()} in the environment, and replace the token."
        for key in NEVER_IN_THE_FILE
        if values.pop(key, None) is not None
    ]
    return values


def _strange_sign(text: str, said: str) -> str:
    """Name the sign that word processors and web pages leave in the line with the error."""
    place = re.search(r"\(at line (\d+), ", said)
    line = text.split("\n")[int(place[1]) - 1] if place else ""
    sign = next((each for each in line if not each.isascii() and not each.isalnum()), None)
    if not sign:
        return ""
    name = unicodedata.name(sign, "a sign").lower()
    return f". In that line is U+{ord(sign):04X} ({name}). TOML has straight quotes and plain blanks only"


def _checked(kind: type[S], given: Mapping[str, Any], faults: list[str], environment: Mapping[str, str]) -> S:
    try:
        settings = kind.model_validate(given)
    except ValidationError as error:
        faults += sentences(error, environment)
    if faults:
        raise SettingsError([*faults, *names.resembling(environment, ours=False)])
    return settings


def _allows_people(values: Mapping[str, Any]) -> bool:
    pools = values.get("pools")
    places = [values, *(pools.values() if isinstance(pools, dict) else ())]
    allows = [place.get("allow") for place in places if isinstance(place, dict)]
    allows += [allow.get("ask") for allow in allows if isinstance(allow, dict)]
    lists = [allow.get(kind) for allow in allows if isinstance(allow, dict) for kind in ("users", "groups")]
    return any(any(map(env.bare, each.split(","))) if isinstance(each, str) else each for each in lists)
