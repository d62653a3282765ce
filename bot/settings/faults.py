"""What is wrong with the settings, in sentences that never quote what was given: it may be a secret."""

from collections.abc import Mapping

from pydantic import ValidationError

from bot.errors import BotError, Code
from bot.settings.model import ENVIRONMENT, NEVER_IN_THE_FILE
from bot.settings.names import unknown_key

_SENTENCES = {
    "bool_parsing": "must be true or false.",
    "literal_error": "must be one of {expected}.",
    "too_short": "names no user pool: set SIGNOUT_POOL_ID, or [pools.NAME] id in the file.",
}
_COPY_IT = "Copy it from Basic Information > App Credentials of your Slack app."
_HOW_TO_GET = {
    "SLACK_BOT_TOKEN": ". Copy it from OAuth & Permissions of your Slack app; it starts with xoxb-.",
    "SLACK_APP_TOKEN": ". Make one under Basic Information > App-Level Tokens (connections:write); it starts with xapp-"
    f". For HTTP mode, set SLACK_SIGNING_SECRET instead. {_COPY_IT}",
    "SLACK_SIGNING_SECRET": f": HTTP mode needs it to know Slack's requests. {_COPY_IT}",
    "SIGNOUT_AUDIT_CHANNEL": ". Give the id of the audit channel, such as C0123ABCDEF.",
    "SIGNOUT_POOL_ID": ". Set SIGNOUT_POOL_ID, or [pools.NAME] id in the file.",
}
NO_OPERATORS = "No one is allowed to sign users out: set SIGNOUT_ALLOW_USERS or SIGNOUT_ALLOW_GROUPS (Slack ids)."


class SettingsError(BotError):
    """What is wrong with the settings: one sentence for each fault, in `faults`."""

    code = Code.SETTINGS

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("\n".join(faults))


def missing(variable: str, environment: Mapping[str, str], name: str = "") -> str:
    """Return the sentence for a setting that is not there, or that is there but empty; `name`: how it is called."""
    how = "empty" if environment.get(variable) == "" else "missing"
    return f"{name or variable} is {how}{_HOW_TO_GET.get(variable, '.')}"


def sentences(error: ValidationError, environment: Mapping[str, str]) -> list[str]:
    """Return a sentence for each thing that pydantic refused. Its own text quotes the value, which may be a secret."""
    return [
        _sentence(each["loc"], each["type"], each["msg"], environment)
        for each in error.errors(include_input=False)
        if each["type"] != "default_factory_not_called"  # it would have come from a field that is wrong itself
    ]


def _sentence(loc: tuple[int | str, ...], kind: str, message: str, environment: Mapping[str, str]) -> str:
    keys = [str(loc[0]), *(str(key) for key in loc[1:] if key != "[key]" and not isinstance(key, int))]
    # Past three keys (pools.NAME.allow.users) a set's member follows, which is a person's id: left out.
    path = tuple(keys[:4] if keys[0] == "pools" else keys[:2])
    variable = next((name for name, place in ENVIRONMENT.items() if place == path), None)
    name = _name(variable, path)
    if kind == "setting":
        return f"{name} {message}"
    if kind == "extra_forbidden":
        return unknown_key(path)
    if kind == "missing" and path == ("pools",):
        return missing("SIGNOUT_POOL_ID", environment, "" if "SIGNOUT_POOL_ID" in environment else name)
    if kind == "missing":
        return missing(variable or name, environment, name)
    expected = message.removeprefix("Input should be ") if kind == "literal_error" else ""
    return f"{name} {_SENTENCES.get(kind, 'has the wrong form.').format(expected=expected)}"


def _name(variable: str | None, path: tuple[str, ...]) -> str:
    in_file = ".".join(path)
    if variable is None:
        return in_file
    return variable if path[0] in NEVER_IN_THE_FILE else f"{variable} ({in_file} in the file)"
