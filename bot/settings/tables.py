"""The tables that a pool or all pools may have: who may sign out or do more, who approves, who is protected; limits."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict

from bot.authorize import Allowed
from bot.settings import syntax

FROZEN = ConfigDict(extra="forbid", frozen=True)


class People(BaseModel):
    """Slack user ids and user group ids."""

    model_config = FROZEN
    users: syntax.UserIds = frozenset()
    """The people who may ask for a sign-out that someone else then has to approve."""
    groups: syntax.GroupIds = frozenset()
    """The user groups whose members may ask for a sign-out that someone else then has to approve."""


class Allow(People):
    """Those who may sign out, and in `ask` those who may ask for what someone else then has to approve."""

    users: syntax.UserIds = frozenset()
    """The people who may sign users out. At least one list of people or groups must name someone."""
    groups: syntax.GroupIds = frozenset()
    """The user groups whose members may sign users out."""
    ask: People = People()

    def rule(self) -> Allowed:
        """Return this as the rules know it."""
        return Allowed(self.users, self.groups, Allowed(self.ask.users, self.ask.groups))


class AllowEverywhere(Allow):
    """Those who may sign out of every pool, and the AWS users and roles that may in a terminal."""

    terminal: syntax.CallerArns = frozenset()
    """The AWS roles and users that may sign users out from a terminal. Without it, no one may there."""


class Performers(People):
    """Those who may do one other action than a sign-out, where they may sign out too."""

    users: syntax.UserIds = frozenset()
    """The people who may also do this [ACTION](#more-than-a-sign-out), if they may sign users out of the pool."""
    groups: syntax.GroupIds = frozenset()
    """The user groups whose members may also do this ACTION, if they may sign users out of the pool."""
    terminal: syntax.CallerArns = frozenset()
    """The AWS roles and users that may also do this ACTION from a terminal, if `allow.terminal` names them too."""

    def rule(self) -> Allowed:
        """Return this as the rules know it."""
        return Allowed(self.users, self.groups, terminal=self.terminal)


class ActionSettings(BaseModel):
    """Who may do more than sign users out. Without any of it, the bot offers only that, and needs no permission more.

    `keep_out` disables an account and signs its user out; `let_in` enables it again; `new_password` resets its password
    and signs its user out.
    """

    model_config = FROZEN
    keep_out: Performers = Performers()
    let_in: Performers = Performers()
    new_password: Performers = Performers()


class Approve(People):
    """The second person: whether one is always needed, who that may be, and where and how long they are asked.

    What a pool does not say is as for all pools; who may approve for all pools may do so for each.
    """

    users: syntax.UserIds = frozenset()
    """The people who may approve or deny what others ask for. No one may approve their own request from Slack."""
    groups: syntax.GroupIds = frozenset()
    """The user groups whose members may approve or deny what others ask for."""
    when: syntax.ActionNames | None = None
    """For which actions a second person always has to approve: `never` where nothing says otherwise."""
    above: syntax.NumberOfAccounts | None = None
    """For a list of more accounts than this, a second person always has to approve. With `0`, for each list."""
    channel: syntax.ChannelId | None = None
    """The channel in which approvers are asked: the audit channel where nothing says otherwise."""
    within: Annotated[timedelta, syntax.duration("1m", "60m")] | None = None
    """How long a request waits for an approver: 15m where nothing says otherwise."""


class Protect(BaseModel):
    """Accounts to which no one does anything (`refuse`), or only with a second person's approval (`approve`).

    A pool's own lists come on top of those for all pools; its own `how` counts in place of theirs.
    """

    model_config = FROZEN
    groups: syntax.Names = frozenset()
    """The Cognito groups whose accounts are protected. Nothing is done while Cognito cannot be asked for them."""
    usernames: syntax.Names = frozenset()
    """The user names of protected accounts, as Cognito has them. Capital letters make no difference."""
    subs: syntax.Names = frozenset()
    """The `sub` of each protected account, as Cognito has it."""
    how: Literal["refuse", "approve"] | None = None
    """With `approve`, a second person may approve it. With `refuse`, or where nothing is said, no one may."""


class ListSettings(BaseModel):
    """How a list of accounts is run."""

    model_config = FROZEN
    pace: syntax.PerSecond = 12
    """Sign-outs a second, of all lists of an AWS account and region. Cognito allows 25, for the customers' app too."""


class LimitSettings(BaseModel):
    """How many distinct accounts an hour, such as 10/h."""

    model_config = FROZEN
    per_operator: syntax.PerHour | None = None
    """How many accounts one person may sign out or change within an hour. For more, someone has to approve it."""
    all: syntax.PerHour | None = None
    """The same for all people together."""
