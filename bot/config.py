"""Frozen settings from the environment and a TOML file. Every fault is reported at once; secrets are never shown."""

import tomllib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from bot import formats, references
from bot.authorize import Allowed, Allowlist
from bot.reason import ReasonRule

# Every setting that the environment may give, and where it stands in the file.
ENVIRONMENT: Mapping[str, tuple[str, ...]] = {
    "SLACK_BOT_TOKEN": ("slack_bot_token",),
    "SLACK_APP_TOKEN": ("slack_app_token",),
    "SLACK_SIGNING_SECRET": ("slack_signing_secret",),
    "SLACK_API_URL": ("slack_api_url",),
    "SIGNOUT_AUDIT_CHANNEL": ("audit_channel",),
    "SIGNOUT_ALLOW_USERS": ("allow", "users"),
    "SIGNOUT_ALLOW_GROUPS": ("allow", "groups"),
    "SIGNOUT_POOL_ID": ("pools", "default", "id"),
    "SIGNOUT_STORE": ("store",),
    "SIGNOUT_RETAIN": ("retain",),
    "SIGNOUT_CONFIRM_WITHIN": ("confirm_within",),
    "SIGNOUT_RESUME_WITHIN": ("resume_within",),
    "SIGNOUT_REQUIRE_REASON": ("require_reason",),
    "SIGNOUT_REASON_PATTERN": ("reason_pattern",),
    "SIGNOUT_TICKET_URL": ("ticket_url",),
    "SIGNOUT_PII": ("pii",),
    "SIGNOUT_DRAIN": ("drain",),
    "SIGNOUT_LOG_LEVEL": ("log_level",),
    "SIGNOUT_LOG_FORMAT": ("log_format",),
}
CONFIG_FILE = "SIGNOUT_CONFIG"
DEFAULT_FILE = "signout.toml"
# Each may also be a reference to where it is kept, or stand in a file that NAME_FILE names.
SECRETS = tuple(name for name in ENVIRONMENT if name.startswith("SLACK_") and name != "SLACK_API_URL")
# For what has nothing to do with Slack.
_STAND_INS = {
    **dict.fromkeys(SECRETS, references.STAND_IN),
    "SIGNOUT_AUDIT_CHANNEL": "C00000000",
    "SIGNOUT_ALLOW_USERS": "U00000000",
}
_NEVER_IN_THE_FILE = tuple(name.lower() for name in ENVIRONMENT if name.startswith("SLACK_"))

S = TypeVar("S", bound="StoreSettings")


class SettingsError(Exception):
    """What is wrong with the settings: one sentence a fault, in `faults`."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("\n".join(faults))


_FROZEN = ConfigDict(extra="forbid", frozen=True)


class Allow(BaseModel):
    """Slack user ids and user group ids."""

    model_config = _FROZEN
    users: formats.UserIds = frozenset()
    groups: formats.GroupIds = frozenset()

    def rule(self) -> Allowed:
        """Return this as the rules know it."""
        return Allowed(self.users, self.groups)


class AllowEverywhere(Allow):
    """These for all pools, and the AWS users and roles that may in a terminal."""

    terminal: formats.CallerArns = frozenset()


class Pool(BaseModel):
    """One user pool. Its two lifetimes are what Cognito is configured with; the bot never asks Cognito for them."""

    model_config = _FROZEN
    id: formats.PoolId
    token_lifetime: Annotated[timedelta, formats.duration("5m", "1d")] = timedelta(hours=1)
    login_cookie_lifetime: Annotated[timedelta, formats.duration("0s", "90d")] = timedelta(hours=1)
    default_region: formats.CountryCode | None = None
    role_arn: formats.RoleArn | None = None
    allow: Allow = Allow()

    @property
    def region(self) -> str:
        """The AWS region, which is in the id."""
        return self.id.split("_", 1)[0]


class StoreSettings(BaseSettings):
    """What it takes to read the store. Made by `load_store` alone."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    store: formats.StoreAddress = "sqlite:///signout.db"


class Settings(StoreSettings):
    """Everything that can be set. Made by `load` alone."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True)

    slack_bot_token: formats.BotToken
    slack_app_token: formats.AppToken | None = None
    slack_signing_secret: formats.SigningSecret | None = None
    slack_api_url: formats.SlackAddress = "https://slack.com/api/"
    audit_channel: formats.ChannelId
    allow: AllowEverywhere = AllowEverywhere()
    pools: Annotated[dict[formats.PoolName, Pool], Field(min_length=1)]
    retain: Annotated[timedelta, formats.duration("1d", "36500d")] | None = None
    confirm_within: Annotated[timedelta, formats.duration("30s", "25m")] = timedelta(minutes=5)
    resume_within: Annotated[timedelta, formats.duration("1m", "1h")] = timedelta(minutes=5)
    require_reason: bool = False
    reason_pattern: formats.ReasonPattern | None = None
    ticket_url: formats.TicketUrl | None = None
    pii: Literal["masked", "full"] = "masked"
    drain: Annotated[timedelta, formats.duration("1s", "10m")] = timedelta(seconds=8)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["auto", "json", "console"] = "auto"

    @property
    def secrets(self) -> Sequence[str]:
        """What no log may show."""
        secrets = (self.slack_bot_token, self.slack_app_token, self.slack_signing_secret)
        return [secret.get_secret_value() for secret in secrets if secret]

    @property
    def groups(self) -> Sequence[str]:
        """Every user group that a list names."""
        return sorted(self.allow.groups.union(*(pool.allow.groups for pool in self.pools.values())))

    @property
    def reason_rule(self) -> ReasonRule:
        """What is asked of a reason, as the rules know it."""
        return ReasonRule(self.require_reason, self.reason_pattern)

    @property
    def allowlist(self) -> Allowlist:
        """Who may, as the rules know it."""
        pools = {name: pool.allow.rule() for name, pool in self.pools.items()}
        return Allowlist(self.allow.rule(), pools, self.allow.terminal)


def load(environment: Mapping[str, str], resolve: references.Resolve | None = None, *, http: bool = False) -> Settings:
    """Read the settings: `SIGNOUT_CONFIG`, else `signout.toml` where there is one, and `environment`, which wins.

    References to secrets stay what they are unless there is somebody to `resolve` them. `http`: for HTTP mode in any
    case; otherwise Socket Mode's token or HTTP mode's secret will do. Raises `SettingsError` with every fault at once.
    """
    faults: list[str] = []
    found = references.followed(SECRETS, _stripped(environment), resolve, faults)
    in_environment, in_file = _given({**environment, **found}, faults)
    if "slack_signing_secret" not in in_environment and (http or "slack_app_token" not in in_environment):
        faults.append(_NO_SECRET if http else NO_FRONT)
    if not _names_anybody(in_environment) and not _names_anybody(in_file):
        faults.append(
            "Nobody is allowed to sign users out: set SIGNOUT_ALLOW_USERS or SIGNOUT_ALLOW_GROUPS (Slack ids)."
        )
    return _checked(Settings, in_environment, in_file, faults)


def load_store(environment: Mapping[str, str]) -> StoreSettings:
    """Read what it takes to read the store, from the same places as `load`; other settings may be missing.

    Raises `SettingsError` with every fault at once, of which a name that is no setting is one.
    """
    faults: list[str] = []
    in_environment, in_file = _given(environment, faults)
    faults += [_unknown(key) for key in in_file if key not in Settings.model_fields]
    return _checked(StoreSettings, in_environment, in_file, faults)


def _stripped(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value.strip() for name, value in environment.items() if value.strip(" ,")}


def _given(environment: Mapping[str, str], faults: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what stands in the environment and in the file; add what is wrong already to `faults`."""
    given = _stripped(environment)
    faults += [
        _unknown(name)
        for name in sorted(given)
        if name.startswith("SIGNOUT_") and name not in ENVIRONMENT and name != CONFIG_FILE
    ]
    in_file = _read_file(given.get(CONFIG_FILE), faults)
    return _nested(given), in_file


def _checked(kind: type[S], in_environment: dict[str, Any], in_file: dict[str, Any], faults: list[str]) -> S:
    class Given(kind):  # type: ignore[misc, valid-type]  # whichever of the two it is
        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, InitSettingsSource(settings_cls, in_file)  # the first wins, key by key

    try:
        settings: S = Given(**in_environment)
    except ValidationError as error:
        # Only type and place: pydantic's own text quotes what was put in, a secret included.
        faults += [_sentence(each["loc"], each["type"], each["msg"]) for each in error.errors(include_input=False)]
    if faults:
        raise SettingsError(faults)
    return settings


def load_without_slack(environment: Mapping[str, str]) -> Settings:
    """Read what the settings say of AWS: nothing that concerns Slack has to be there, and no secret is read."""
    others = {name: value for name, value in environment.items() if not name.startswith("SLACK_") and value.strip()}
    return load(_STAND_INS | others)


def _read_file(named: str | None, faults: list[str]) -> dict[str, Any]:
    path = Path(named or DEFAULT_FILE)
    if not named and not path.exists():
        return {}
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        faults.append(f"The settings file {path} cannot be read: {error.strerror}. Mend {CONFIG_FILE}.")
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        where = str(error) if isinstance(error, tomllib.TOMLDecodeError) else "it is not UTF-8"
        faults.append(f"The settings file {path} is not valid TOML: {where}.")
        return {}
    faults += [
        f"{key} never belongs in the file. Set {key.upper()} in the environment, and replace the token."
        for key in _NEVER_IN_THE_FILE
        if values.pop(key, None) is not None
    ]
    return values


def _unknown(name: str) -> str:
    return f"{name} {_NO_SETTING}"


def _nested(given: Mapping[str, str]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for name, path in ENVIRONMENT.items():
        if name in given:
            place = nested
            for key in path[:-1]:
                place = place.setdefault(key, {})
            place[path[-1]] = given[name]
    return nested


def _names_anybody(values: Mapping[str, Any]) -> bool:
    pools = values.get("pools")
    places = [values, *(pools.values() if isinstance(pools, dict) else ())]
    allows = [place.get("allow") for place in places if isinstance(place, dict)]
    return any(allow.get("users") or allow.get("groups") for allow in allows if isinstance(allow, dict))


_NO_SETTING = "is no setting of this bot. Check its spelling."
_SENTENCES = {
    "missing": "is missing.",
    "extra_forbidden": _NO_SETTING,
    "bool_parsing": "must be true or false.",
    "literal_error": "must be one of {expected}.",
    "too_short": "names no user pool: set SIGNOUT_POOL_ID, or [pools.NAME] id in the file.",
}
_HOW_TO_GET = {
    "SLACK_BOT_TOKEN": "Copy it from OAuth & Permissions of your Slack app; it starts with xoxb-.",
    "SIGNOUT_AUDIT_CHANNEL": "Give the id of the audit channel, such as C0123ABCDEF.",
    "pools": "Set SIGNOUT_POOL_ID, or [pools.NAME] id in the file.",
}
_COPY_IT = "Copy it from Basic Information > App Credentials of your Slack app."
_NO_SECRET = f"SLACK_SIGNING_SECRET is missing: HTTP mode needs it to know Slack's requests. {_COPY_IT}"
NO_FRONT = (
    "SLACK_APP_TOKEN is missing. Make one under Basic Information > App-Level Tokens (connections:write); it starts "
    f"with xapp-. For HTTP mode, set SLACK_SIGNING_SECRET instead. {_COPY_IT}"
)


def _sentence(loc: tuple[int | str, ...], kind: str, message: str) -> str:
    keys = [str(key) for key in loc if key != "[key]" and not isinstance(key, int)]
    # Past three keys (pools.NAME.allow.users) a set's member follows, which is somebody's id: left out.
    path = tuple(keys[:4] if keys[0] == "pools" else keys[:2])
    named = next((name for name, place in ENVIRONMENT.items() if place == path), None)
    name = (
        f"{named} ({'.'.join(path)} in the file)"
        if named and path[0] not in _NEVER_IN_THE_FILE
        else named or ".".join(path)
    )
    how = _HOW_TO_GET.get(named or name, "") if kind == "missing" else ""
    if kind == "setting":
        return f"{name} {message}"
    expected = message.removeprefix("Input should be ") if kind == "literal_error" else ""
    return f"{name} {_SENTENCES.get(kind, 'has the wrong form.').format(expected=expected)} {how}".rstrip()
