"""Who and what is in the sandbox's workspace."""

from dataclasses import dataclass
from enum import StrEnum

TEAM_ID, TEAM_NAME, TEAM_DOMAIN = "T0SIGNOUT1", "Sign-out sandbox", "signout-sandbox"
PARTNER_ID, PARTNER_NAME, PARTNER_DOMAIN = "T0PARTNER1", "Partner", "partner"
ORG_ID, ORG_NAME, ORG_DOMAIN = "E0SIGNOUT1", "Sign-out organisation", "signout-org"
OTHER_ID, OTHER_NAME, OTHER_DOMAIN = "T0OTHERWS1", "Other workspace", "signout-other"  # of the same organisation
PARTNER_ORG_ID, PARTNER_ORG_NAME = "E0PARTNER1", "Partner organisation"
TEAMS = {
    TEAM_ID: (TEAM_NAME, TEAM_DOMAIN),
    OTHER_ID: (OTHER_NAME, OTHER_DOMAIN),
    PARTNER_ID: (PARTNER_NAME, PARTNER_DOMAIN),
}

APP_ID, BOT_ID, BOT_USER_ID, BOT_NAME = "A0SIGNOUT1", "B0BOT00001", "U0BOT00001", "Sign-out"
OPERATOR, APPROVER, ASKER = "U0SAM00001", "U0KIM00001", "U0LEE00001"
SUPPORT_CHANNEL, AUDIT_CHANNEL, SUPPORT_GROUP = "C0SUPPORT1", "C0AUDIT001", "S0SUPPORT1"

BOT_TOKEN = "xoxb-sandbox-not-a-secret"  # noqa: S105 - opens nothing but this sandbox
APP_TOKEN = "xapp-sandbox-not-a-secret"  # noqa: S105 - opens nothing but this sandbox
SIGNING_SECRET = "sandbox0not0a0secret0000000000000"  # noqa: S105 - opens nothing but this sandbox
BOT_SCOPES = frozenset({"commands", "chat:write", "usergroups:read"})
SCOPES_ON_GRID = frozenset({"users:read"})
APP_SCOPES = frozenset({"connections:write"})

COMMAND = "/signout"
USAGE_HINT = "TARGET [--pool NAME] [--reason TEXT]"
DESCRIPTION = "Sign someone out of all their devices"
OF_A_MESSAGE, ANYWHERE = "signout_message", "signout_anywhere"  # the shortcuts, by their callback_id
SHORTCUT = "Sign out…"  # what both are called

PROTECTED_GROUP = "admins"  # of Cognito


class Role(StrEnum):
    """What someone may do in the sandbox."""

    OPERATOR = "operator"
    APPROVER = "approver"  # and operator
    ASKER = "asker"  # what they ask for always needs an approval
    NO_ONE = "no one"


class Install(StrEnum):
    """Where the app is installed: in a workspace, in one of an Enterprise Grid organisation, in all of it."""

    WORKSPACE = "workspace"
    GRID_WORKSPACE = "grid workspace"
    ORG_WIDE = "org-wide"


@dataclass(frozen=True, kw_only=True)
class Person:
    """A person in Slack. `note` tells the sandbox's visitor what this person may do; `team_id`: where they are now."""

    id: str
    name: str
    real_name: str
    role: Role
    note: str
    team_id: str = TEAM_ID


@dataclass(kw_only=True)
class Channel:
    """A channel, which may be archived and which the bot may not have joined.

    `of` is the person whose direct messages from the app it holds: no one else sees it, and no one writes there.
    """

    id: str
    name: str
    archived: bool = False
    bot_is_member: bool = True
    of: str | None = None


def people() -> dict[str, Person]:
    """Give five people, one for each answer to "may they sign someone out?"."""
    senior = "may also let back in, and approve"
    partner = Person(
        id="U0PAT00001",
        name="pat",
        real_name="Pat Moreau",
        role=Role.NO_ONE,
        note="from another team",
        team_id=PARTNER_ID,
    )
    cast = (
        Person(id=OPERATOR, name="sam", real_name="Sam Rivera", role=Role.OPERATOR, note="may sign out and keep out"),
        Person(id=APPROVER, name="kim", real_name="Kim Okafor", role=Role.APPROVER, note=senior),
        Person(id=ASKER, name="lee", real_name="Lee Novak", role=Role.ASKER, note="may ask, with an approval"),
        Person(id="U0RAY00001", name="ray", real_name="Ray Lindqvist", role=Role.NO_ONE, note="not allowed"),
        partner,
    )
    return {person.id: person for person in cast}


def channels() -> dict[str, Channel]:
    """Give the channel where people work, and the one where the bot reports."""
    rooms = (Channel(id=SUPPORT_CHANNEL, name="support"), Channel(id=AUDIT_CHANNEL, name="signout-audit"))
    return {channel.id: channel for channel in rooms}


def usergroups() -> dict[str, set[str]]:
    """Give the members of each user group, by its id."""
    return {SUPPORT_GROUP: {APPROVER}}
