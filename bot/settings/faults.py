"""What is wrong with the settings, in sentences that never quote what was given: it may be a secret."""

from collections.abc import Mapping

from pydantic import ValidationError

from bot.approve import has_approvers
from bot.errors import BotError, Code
from bot.settings.model import ENVIRONMENT, NEVER_IN_THE_FILE, TABLES, Settings
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


NO_APPROVERS = (
    "In pool {pool} a second person is needed (approve.when, approve.above, allow.ask or protect.how), and no one may "
    "approve: set SIGNOUT_APPROVE_USERS or SIGNOUT_APPROVE_GROUPS (Slack ids)."
)


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


def lacking_approvers(settings: Settings) -> list[str]:
    """Return a sentence for each pool for which a second person is needed and no one may be that."""
    lacking = [
        name
        for name, pool in settings.pools.items()
        if not has_approvers(settings.approvers, name)
        and (
            settings.approving[name].actions
            or settings.approving[name].above is not None
            or (name in settings.protections and settings.protections[name].may_approve)
            or any(ask.users or ask.groups for ask in (settings.allow.ask, pool.allow.ask))
        )
    ]
    return [NO_APPROVERS.format(pool=name) for name in lacking]


def sentences(error: ValidationError, environment: Mapping[str, str]) -> list[str]:
    """Return a sentence for each thing that pydantic refused. Its own text quotes the value, which may be a secret."""
    return [
        _sentence(each["loc"], each["type"], each["msg"], environment)
        for each in error.errors(include_input=False)
        if each["type"] != "default_factory_not_called"  # it would have come from a field that is wrong itself
    ]


def _sentence(loc: tuple[int | str, ...], kind: str, message: str, environment: Mapping[str, str]) -> str:
    keys = [str(loc[0]), *(str(key) for key in loc[1:] if key != "[key]" and not isinstance(key, int))]
    path = tuple(keys[: _depth(keys)])
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


def _depth(keys: list[str]) -> int:
    """Return how many keys name a setting. After them a set's member follows, which is a person's id."""
    place, depth = (*keys[:1], "NAME", *keys[2:]) if keys[0] == "pools" else tuple(keys), 1
    while depth < len(keys) and place[:depth] in TABLES:
        depth += 1
    return depth


def _name(variable: str | None, path: tuple[str, ...]) -> str:
    in_file = ".".join(path)
    if variable is None:
        return in_file
    return variable if path[0] in NEVER_IN_THE_FILE else f"{variable} ({in_file} in the file)"
