"""The settings, their defaults and their names. They are frozen, and secrets are never shown.

The line under each, here and in tables.py, is shown in .github/docs/settings.md, with what the setting must be.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from bot.action import ACTIONS, OTHERS, SESSION_CALLS, Step
from bot.approve import ApprovalSettings
from bot.authorize import Allowed, Allowlist
from bot.facts.aws_names import region_of
from bot.limits import Protection
from bot.options import ReasonRule
from bot.settings import syntax
from bot.settings.tables import (
    FROZEN,
    ActionSettings,
    Allow,
    AllowEverywhere,
    Approve,
    LimitSettings,
    ListSettings,
    Protect,
)


class Pool(BaseModel):
    """One user pool, as Cognito is configured; the bot never asks Cognito for that."""

    model_config = FROZEN
    id: syntax.PoolId
    """The id of the user pool, in any AWS partition."""
    region: syntax.Region = Field(default_factory=lambda given: region_of(given["id"]))
    """The AWS region in which a replica of a pool is asked. Without it, the one that the id begins with."""
    token_lifetime: Annotated[timedelta, syntax.duration("5m", "1d")] = timedelta(hours=1)
    """The longest lifetime of the access and ID tokens of the pool's app clients."""
    login_cookie_lifetime: Annotated[timedelta, syntax.duration("0s", "90d")] = timedelta(hours=1)
    """`0s` says that the hosted login page is not used. Any other length says that it is."""
    identity_pool: bool | None = None
    """Whether an identity pool gives AWS credentials to its people. Without it, the result says *if there is one*."""
    sessions: bool = False
    """With `true`, a card lists the account's sessions, and a sign-out ends these too. The pool has to track them."""
    default_region: syntax.CountryCode | None = None
    """The country of a phone number that is typed without a country code."""
    role_arn: syntax.RoleArn | None = None
    """The role with which the bot asks this pool. Without it, the bot's own credentials are used."""
    allow: Allow = Allow()
    actions: ActionSettings = ActionSettings()
    approve: Approve = Approve()
    protect: Protect = Protect()


class StoreSettings(BaseModel):
    """What it takes to read the store. Only `load_store` makes it."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    store: syntax.StoreAddress = "sqlite:///signout.db"
    """Where requests and the audit log are kept: a file on a local disk for one instance, a table for several."""

    @property
    def kind_and_place(self) -> tuple[str, str]:
        """`dynamodb` and the table's name, or `sqlite` and the file's path."""
        kind, _, place = self.store.partition("://")
        return kind, place.removeprefix("/") if kind == "sqlite" else place


class Settings(StoreSettings):
    """Everything that can be set. Only `load` makes it."""

    model_config = FROZEN
    slack_bot_token: syntax.BotToken
    """The bot token of a Slack app without token rotation."""
    slack_app_token: syntax.AppToken | None = None
    """The app-level token, for Socket Mode. This or the signing secret is required."""
    slack_signing_secret: syntax.SigningSecret | None = None
    """The Slack app's signing secret, for HTTP mode."""
    slack_api_url: syntax.SlackAddress = "https://slack.com/api/"
    """Where Slack's Web API is."""
    audit_channel: syntax.ChannelId
    """The channel that gets the audit messages."""
    allow: AllowEverywhere = AllowEverywhere()
    actions: ActionSettings = ActionSettings()
    approve: Approve = Approve()
    protect: Protect = Protect()
    limits: LimitSettings = LimitSettings()
    lists: ListSettings = ListSettings()
    pools: Annotated[dict[syntax.PoolName, Pool], Field(min_length=1), AfterValidator(syntax.one_name_each)]
    retain: Annotated[timedelta, syntax.duration("1d", "36500d")] | None = None
    """How long audit entries and ended requests are kept. The newest and what the audit channel has not taken stay."""
    confirm_within: Annotated[timedelta, syntax.duration("30s", "25m")] = timedelta(minutes=5)
    """How long a card can be pressed."""
    resume_within: Annotated[timedelta, syntax.duration("1m", "1h")] = timedelta(minutes=5)
    """How long after the press what was confirmed may still begin, or go on after its bot was killed."""
    require_reason: bool = False
    """With `true`, nothing is done without a reason."""
    reason_pattern: syntax.ReasonPattern | None = None
    r"""What a reason must contain, such as `HELP-\d+`."""
    ticket_url: syntax.TicketUrl | None = None
    """Makes each match of `reason_pattern` in a reason a link. `{}` becomes the match."""
    pii: Literal["masked", "full"] = "masked"
    """How emails and phone numbers are shown in Slack, in a reason and a user name too. The store has them in full."""
    drain: Annotated[timedelta, syntax.duration("1s", "10m")] = timedelta(seconds=8)
    """How long the bot may go on with what was decided, after SIGTERM."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """The least that is logged."""
    log_format: Literal["auto", "json", "console"] = "auto"
    """`auto`: `console` on a terminal, else `json`."""

    @property
    def secrets(self) -> Sequence[str]:
        """What no log may show."""
        secrets = (self.slack_bot_token, self.slack_app_token, self.slack_signing_secret)
        return [secret.get_secret_value() for secret in secrets if secret]

    @property
    def groups(self) -> Sequence[str]:
        """The ids of the Slack user groups in all lists."""
        lists = (self.allowlist, self.approvers, *self.performers.values())
        return sorted({group for each in lists for group in each.all.groups})

    @property
    def reason_rule(self) -> ReasonRule | None:
        """What is asked of a reason, as the rules know it; None where it is nothing."""
        asked = self.require_reason or self.reason_pattern
        return ReasonRule(self.require_reason, self.reason_pattern) if asked else None

    @property
    def allowlist(self) -> Allowlist:
        """Who may sign out, as the rules know it."""
        pools = {name: pool.allow.rule() for name, pool in self.pools.items()}
        return Allowlist(replace(self.allow.rule(), terminal=self.allow.terminal), pools)

    @property
    def performers(self) -> Mapping[str, Allowlist]:
        """Who may do each other action, where someone may."""
        found: dict[str, Allowlist] = {}
        for action in OTHERS:
            everywhere = getattr(self.actions, action)
            pools = {name: getattr(pool.actions, action).rule() for name, pool in self.pools.items()}
            allowlist = Allowlist(everywhere.rule(), pools, f"actions.{action}")
            if any(_names_someone(allowlist, name) for name in self.pools):
                found[action] = allowlist
        return found

    @property
    def approvers(self) -> Allowlist:
        """Who may approve, as the rules know it."""
        pools = {name: Allowed(pool.approve.users, pool.approve.groups) for name, pool in self.pools.items()}
        return Allowlist(Allowed(self.approve.users, self.approve.groups), pools, table="approve")

    @property
    def approving(self) -> Mapping[str, ApprovalSettings]:
        """What each pool says of a second person, as the rules know it."""
        return {
            name: ApprovalSettings(
                channel_id=pool.approve.channel or self.approve.channel or self.audit_channel,
                actions=(self.approve.when if pool.approve.when is None else pool.approve.when) or frozenset(),
                above=self.approve.above if pool.approve.above is None else pool.approve.above,
                within=pool.approve.within or self.approve.within or timedelta(minutes=15),
            )
            for name, pool in self.pools.items()
        }

    @property
    def protections(self) -> Mapping[str, Protection]:
        """Which accounts are protected, by pool, where there are any."""
        found = {
            name: Protection(
                groups=self.protect.groups | pool.protect.groups,
                usernames=self.protect.usernames | pool.protect.usernames,
                subs=self.protect.subs | pool.protect.subs,
                may_approve=(pool.protect.how or self.protect.how) == "approve",
            )
            for name, pool in self.pools.items()
        }
        return {name: each for name, each in found.items() if each.groups or each.usernames or each.subs}

    @property
    def with_sessions(self) -> Collection[str]:
        """The pools whose tracked sessions are listed and ended."""
        return [name for name, pool in self.pools.items() if pool.sessions]

    @property
    def further_operations(self) -> Mapping[str, Collection[str]]:
        """What Cognito is asked beside the look-up and the sign-out: each operation, with the pools where it is."""
        found: dict[str, list[str]] = {}
        for name in self.pools:
            for operation in self._further_operations(name):
                found.setdefault(operation, []).append(name)
        return found

    def _further_operations(self, pool: str) -> Collection[str]:
        with_groups = pool in self.protections and self.protections[pool].groups
        actions = [ACTIONS[action] for action, allowlist in self.performers.items() if _names_someone(allowlist, pool)]
        steps = {step: step for action in actions for step in action.steps if step is not Step.SIGN_OUT}
        of_sessions = SESSION_CALLS if self.pools[pool].sessions else ()
        return [*(["AdminListGroupsForUser", "ListUsersInGroup"] if with_groups else []), *steps, *of_sessions]


def _names_someone(allowlist: Allowlist, pool: str) -> bool:
    return {allowlist.everywhere, allowlist.pools[pool]} != {Allowed()}


def _places(table: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Give the place in the file of each setting and table that is in a table."""
    for key, field in table.model_fields.items():
        yield (*path, key)
        if isinstance(field.default, BaseModel):
            yield from _places(type(field.default), (*path, key))


def _variable(place: Sequence[str]) -> str:
    name = "_".join(place).upper()
    return name if name.startswith("SLACK_") else f"SIGNOUT_{name}"


PLACES = (*_places(Settings), *_places(Pool, ("pools", "NAME")))
TABLES = frozenset(place[:depth] for place in PLACES for depth in range(1, len(place)))
# Every setting that the environment may give, and its place in the file. Who may in a terminal is in the file only.
ENVIRONMENT: Mapping[str, tuple[str, ...]] = {
    **{_variable(each): each for each in _places(Settings) if each not in TABLES and each[-1] != "terminal"},
    "SIGNOUT_POOL_ID": ("pools", "default", "id"),
}
# Of these, the lists: one that is empty takes no one off the file's.
LISTS = tuple(name for name in ENVIRONMENT if name.endswith(("_USERS", "_GROUPS", "_USERNAMES", "_SUBS")))
# Each may also be a reference to where it is kept, or be in a file that NAME_FILE names.
SECRETS = tuple(name for name in ENVIRONMENT if name.startswith("SLACK_") and name != "SLACK_API_URL")
NEVER_IN_THE_FILE = tuple(name.lower() for name in ENVIRONMENT if name.startswith("SLACK_"))
