"""The settings, their defaults and their names. They are frozen, and secrets are never shown."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from bot.authorize import Allowed, Allowlist
from bot.facts.aws_names import region_of
from bot.options import ReasonRule
from bot.settings import syntax

_FROZEN = ConfigDict(extra="forbid", frozen=True)


class Allow(BaseModel):
    """Slack user ids and user group ids."""

    model_config = _FROZEN
    users: syntax.UserIds = frozenset()
    groups: syntax.GroupIds = frozenset()

    def rule(self) -> Allowed:
        """Return this as the rules know it."""
        return Allowed(self.users, self.groups)


class AllowEverywhere(Allow):
    """Those who may sign out of every pool, and the AWS users and roles that may in a terminal."""

    terminal: syntax.CallerArns = frozenset()


class Pool(BaseModel):
    """One user pool, as Cognito is configured; the bot never asks Cognito for that.

    `login_cookie_lifetime` is zero where the hosted login page is not used; how long it is otherwise does not matter.
    `identity_pool`: whether one gives out AWS credentials to the pool's people; None where that is not said.
    `region`: where it is asked. A replica has the id of its first pool, and so the name of another region in it.
    """

    model_config = _FROZEN
    id: syntax.PoolId
    region: syntax.Region = Field(default_factory=lambda given: region_of(given["id"]))
    token_lifetime: Annotated[timedelta, syntax.duration("5m", "1d")] = timedelta(hours=1)
    login_cookie_lifetime: Annotated[timedelta, syntax.duration("0s", "90d")] = timedelta(hours=1)
    identity_pool: bool | None = None
    default_region: syntax.CountryCode | None = None
    role_arn: syntax.RoleArn | None = None
    allow: Allow = Allow()


class StoreSettings(BaseModel):
    """What it takes to read the store. Only `load_store` makes it."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    store: syntax.StoreAddress = "sqlite:///signout.db"

    @property
    def kind_and_place(self) -> tuple[str, str]:
        """`dynamodb` and the table's name, or `sqlite` and the file's path."""
        kind, _, place = self.store.partition("://")
        return kind, place.removeprefix("/") if kind == "sqlite" else place


class Settings(StoreSettings):
    """Everything that can be set. Only `load` makes it."""

    model_config = _FROZEN
    slack_bot_token: syntax.BotToken
    slack_app_token: syntax.AppToken | None = None
    slack_signing_secret: syntax.SigningSecret | None = None
    slack_api_url: syntax.SlackAddress = "https://slack.com/api/"
    audit_channel: syntax.ChannelId
    allow: AllowEverywhere = AllowEverywhere()
    pools: Annotated[dict[syntax.PoolName, Pool], Field(min_length=1), AfterValidator(syntax.one_name_each)]
    retain: Annotated[timedelta, syntax.duration("1d", "36500d")] | None = None
    confirm_within: Annotated[timedelta, syntax.duration("30s", "25m")] = timedelta(minutes=5)
    resume_within: Annotated[timedelta, syntax.duration("1m", "1h")] = timedelta(minutes=5)
    require_reason: bool = False
    reason_pattern: syntax.ReasonPattern | None = None
    ticket_url: syntax.TicketUrl | None = None
    pii: Literal["masked", "full"] = "masked"
    drain: Annotated[timedelta, syntax.duration("1s", "10m")] = timedelta(seconds=8)
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
    def reason_rule(self) -> ReasonRule | None:
        """What is asked of a reason, as the rules know it; None where it is nothing."""
        asked = self.require_reason or self.reason_pattern
        return ReasonRule(self.require_reason, self.reason_pattern) if asked else None

    @property
    def allowlist(self) -> Allowlist:
        """Who may sign out, as the rules know it."""
        pools = {name: pool.allow.rule() for name, pool in self.pools.items()}
        return Allowlist(self.allow.rule(), pools, self.allow.terminal)


def _variable(key: str) -> str:
    return key.upper() if key.startswith("slack_") else f"SIGNOUT_{key.upper()}"


# Every setting that the environment may give, and its place in the file.
ENVIRONMENT: Mapping[str, tuple[str, ...]] = {
    **{_variable(key): (key,) for key in Settings.model_fields if key not in {"allow", "pools"}},
    "SIGNOUT_ALLOW_USERS": ("allow", "users"),
    "SIGNOUT_ALLOW_GROUPS": ("allow", "groups"),
    "SIGNOUT_POOL_ID": ("pools", "default", "id"),
}
# Each may also be a reference to where it is kept, or be in a file that NAME_FILE names.
SECRETS = tuple(name for name in ENVIRONMENT if name.startswith("SLACK_") and name != "SLACK_API_URL")
NEVER_IN_THE_FILE = tuple(name.lower() for name in ENVIRONMENT if name.startswith("SLACK_"))
