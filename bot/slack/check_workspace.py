"""Tries the tokens, the scopes, the audit channel and the groups."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from slack_sdk.web import SlackResponse

from bot.authorize import Allowlist
from bot.facts.finding import Finding
from bot.facts.way import proxy_to, trouble_of
from bot.slack.answers import Answer, ask
from bot.slack.clients import BlockingClient
from bot.slack.group_teams import GroupTeams, NoWorkspaceError
from bot.slack.groups import CALLS_A_MINUTE, MOST_GROUPS
from bot.slack.installation import Install
from bot.slack.manifest import FILE
from bot.slack.scopes import REINSTALL, compare

TEST_LINE = "This line was posted by the bot's `check` command, to see that it can. No one was signed out."
_WAY_FIX = "Check the way there: network, proxy (HTTPS_PROXY, NO_PROXY), certificates (SSL_CERT_FILE)"
SHOWN = 5  # workspaces of an organisation
_NO_ADDRESS_FIX = "Make one under Basic Information > App-Level Tokens with connections:write, and set SLACK_APP_TOKEN."
_CHANNEL_FIXES = {
    "channel_not_found": "Check SIGNOUT_AUDIT_CHANNEL; a private channel must have the app in it (/invite).",
    "not_in_channel": "Type /invite and the app's name in the channel.",
    "is_archived": "Unarchive the channel, or set another.",
    "missing_scope": f"Add chat:write, and {REINSTALL}.",
}
_NO_ONE_FIX = "Put people into the groups, or set SIGNOUT_ALLOW_USERS."
_GROUP_FIXES = {
    "no_such_subteam": "Check its id in SIGNOUT_ALLOW_GROUPS or allow.groups.",
    NoWorkspaceError.strerror: "Check its id, and add the app to the workspace that has the group.",
    "missing_scope": f"Add usergroups:read, and {REINSTALL}.",
    "ratelimited": "Run the check again in a minute.",
}


@dataclass(frozen=True, kw_only=True)
class SlackChecks:
    """The probes of one workspace. Without `app_token`, Slack speaks over HTTP; without `post_to`, nothing is posted.

    Each waits for what those before it found out, so start them in their order.
    """

    client: BlockingClient
    app_token: str | None = field(repr=False)
    post_to: str | None
    allowlist: Allowlist
    judge_clock: Callable[[str, str | None, datetime, datetime], Finding]
    manifest: Path = FILE
    _why_not: "Future[str]" = field(default_factory=Future, init=False)
    _teams: "Future[GroupTeams]" = field(default_factory=Future, init=False)
    _members: "dict[str, Future[frozenset[str] | None]]" = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        rules = (self.allowlist.everywhere, *self.allowlist.pools.values())
        for id_ in sorted(frozenset[str]().union(*(rule.groups for rule in rules))):
            self._members[id_] = Future()

    @property
    def probes(self) -> Sequence[tuple[str, Callable[[], Iterator[Finding]]]]:
        """The probes by name, in the order in which they are shown."""
        return (
            ("Slack", self.tokens),
            ("app-level token", self.connection),
            ("audit channel", self.audit_channel),
            *((f"group {id_}", partial(self.group, id_)) for id_ in self._members),
            ("allowlist", self.anyone),
        )

    def tokens(self) -> Iterator[Finding]:
        """Try the address and the bot token (auth.test); look at its scopes, and at Slack's clock."""
        answer, way = ask(self.client.auth_test), _way_to(self.client.base_url)
        install = Install.of(answer.body)
        self._why_not.set_result(_why_not(answer))
        self._teams.set_result(GroupTeams(self.client, lambda: install.is_org_wide))
        if not answer.is_slacks:
            sentence = f"{self.client.base_url} does not answer as Slack does{way} ({answer.trouble})."
            yield Finding("Slack's address", "missing", sentence, f"{_WAY_FIX}, SLACK_API_URL.")
            yield Finding("bot token", "not tried", "not tried: Slack could not be asked")
        else:
            yield Finding("Slack's address", "ok", f"{self.client.base_url} answers{way}")
            yield _bot_token(answer, install)
        scopes = "" if _why_not(answer) else answer.headers.get("x-oauth-scopes")
        yield compare(scopes, self.manifest, grid=install.organisation is not None)
        if not _why_not(answer) and install.is_org_wide:
            yield _workspaces(ask(self.client.auth_teams_list))
        yield self.judge_clock("clock against Slack", answer.headers.get("date"), answer.asked_at, answer.answered_at)

    def connection(self) -> Iterator[Finding]:
        """Try the app-level token: ask for a Socket Mode address, which is not used."""
        name = "app-level token"
        if self.app_token is None:
            yield Finding("signing secret", "ok", "is set; only Slack's first request shows whether it is the app's")
            return
        answer = ask(partial(self.client.apps_connections_open, app_token=self.app_token))
        if not answer.trouble and answer.body.get("url"):
            yield from self._socket_mode(name, str(answer.body["url"]))
        elif answer.is_slacks:
            sentence = f"Slack gives no Socket Mode address for it ({answer.trouble or 'no url'})."
            yield Finding(name, "missing", sentence, _NO_ADDRESS_FIX)
        else:
            yield Finding(name, "not tried", f"not tried: Slack could not be asked ({answer.trouble})")

    def _socket_mode(self, token: str, url: str) -> Iterator[Finding]:
        """Connect to the host of a Socket Mode address, and use nothing of its ticket."""
        host, may = f"{urlsplit(url).hostname}{_way_to(url)}", "may open a Socket Mode connection (none was opened)"
        try:
            self.client.reach(url)
        except Exception as error:  # noqa: BLE001 -- anything may be on the way
            yield Finding(token, "ok", may)
            yield Finding("Socket Mode", "missing", f"{host} cannot be reached ({trouble_of(error)}).", f"{_WAY_FIX}.")
        else:
            yield Finding(token, "ok", f"{may}; {host} can be reached")

    def audit_channel(self) -> Iterator[Finding]:
        """Post a line."""
        name, channel, why = "audit channel", self.post_to, self._why_not.result()
        if why or channel is None:
            yield Finding(name, "not tried", why or "not tried (--no-post): whether the bot can post there")
            return
        post = partial(self.client.chat_postMessage, mrkdwn=False, unfurl_links=False, unfurl_media=False)
        answer = ask(partial(post, channel=channel, text=TEST_LINE))
        if answer.trouble:
            fix = _CHANNEL_FIXES.get(answer.trouble, "Look that word up at chat.postMessage in Slack's API pages.")
            yield Finding(name, "missing", f"Slack takes no post to {channel} ({answer.trouble}).", fix)
        else:
            yield Finding(name, "ok", f"a test line was posted to {channel}")

    def group(self, id_: str) -> Iterator[Finding]:
        """List a group."""
        if why := self._why_not.result():
            self._members[id_].set_result(None)
            yield Finding(f"group {id_}", "not tried", why)
        else:
            answer = ask(partial(self._listed, id_))
            self._members[id_].set_result(_members(answer))
            yield _group(id_, answer)

    def _listed(self, id_: str) -> SlackResponse:
        return self.client.usergroups_users_list(usergroup=id_, team_id=self._teams.result().of(id_))

    def anyone(self) -> Iterator[Finding]:
        """Say whether anyone may sign people out, and whether Slack can be asked about so many groups."""
        if (groups := len(self._members)) > MOST_GROUPS:
            sentence = (
                f"{groups} groups are more than the {MOST_GROUPS} that can be kept up to date with Slack's about "
                f"{CALLS_A_MINUTE} calls of usergroups.users.list a minute. Some people may be told to try again."
            )
            yield Finding("number of groups", "warning", sentence, "Use fewer groups, or name people (allow.users).")
        members = {id_: listed.result() for id_, listed in self._members.items()}
        everywhere = self.allowlist.everywhere
        people = {
            pool: everywhere.users.union(rule.users, *(members[id_] or () for id_ in everywhere.groups | rule.groups))
            for pool, rule in self.allowlist.pools.items()
        }
        count = len(frozenset[str]().union(*people.values()))
        lacking = ", ".join(sorted(pool for pool, who in people.items() if not who))
        if not lacking:
            yield Finding("allowlist", "ok", f"people who may sign out: {count}")
        elif None in members.values():
            yield Finding("allowlist", "not tried", "not tried: it needs groups that could not be listed")
        elif count:
            yield Finding("allowlist", "warning", f"No one may sign out of: {lacking}.", _NO_ONE_FIX)
        else:
            yield Finding("allowlist", "missing", "No one may sign out.", _NO_ONE_FIX)


def _why_not(answer: Answer) -> str:
    """Return why nothing else can be tried with the bot token; nothing where it can."""
    trouble = answer.trouble or ("" if answer.body.get("bot_id") else "it is a person's")
    return f"not tried: the bot token does not work ({trouble})" if trouble else ""


def _bot_token(answer: Answer, install: Install) -> Finding:
    name = "bot token"
    if answer.trouble:
        fix = "Copy it again (OAuth & Permissions > Bot User OAuth Token), and set SLACK_BOT_TOKEN."
        return Finding(name, "missing", f"Slack refuses it ({answer.trouble}).", fix)
    if not answer.body.get("bot_id"):
        fix = "Give the Bot User OAuth Token, which starts with xoxb-, as SLACK_BOT_TOKEN."
        return Finding(name, "missing", "It is a person's token, not a bot's.", fix)
    team, user = (str(answer.body.get(key))[:80] for key in ("team", "user"))
    organisation = f"the Enterprise Grid organisation {str(install.organisation)[:20]}"
    if install.is_org_wide:
        return Finding(name, "ok", f"@{user}, installed in all of {organisation} ({team})")
    of_it = f", a workspace of {organisation}" if install.organisation else ""
    return Finding(name, "ok", f"@{user} of the workspace {team} ({str(install.team_id)[:20]}){of_it}")


def _workspaces(answer: Answer) -> Finding:
    name, teams = "workspaces", answer.body.get("teams")
    if answer.trouble or not isinstance(teams, list):
        return Finding(name, "not tried", f"not tried: Slack does not list them ({answer.trouble or 'no teams'})")
    if not teams:
        sentence = "The app is in no workspace of the organisation, so no one can type /signout."
        return Finding(name, "missing", sentence, "Add it to some, where the organisation's apps are managed.")
    ids = [str(team.get("id"))[:20] for team in teams[:SHOWN]]
    return Finding(name, "ok", f"the app is in {', '.join(ids)}{', …' if len(teams) > SHOWN else ''}")


def _members(answer: Answer) -> frozenset[str] | None:
    listed = answer.body.get("users")
    return frozenset(map(str, listed)) if not answer.trouble and isinstance(listed, list) else None


def _group(id_: str, answer: Answer) -> Finding:
    name, members = f"group {id_}", _members(answer)
    if members is None:
        fix = _GROUP_FIXES.get(answer.trouble, "Look that word up at usergroups.users.list in Slack's API pages.")
        sentence = f"Slack cannot list it ({answer.trouble or 'no members'}), so it lets no one in."
        return Finding(name, "missing", sentence, fix)
    if not members:
        return Finding(name, "warning", "It is empty: no one may sign out through it.", "Put people into it.")
    return Finding(name, "ok", f"can be listed; people in it: {len(members)}")


def _way_to(url: str) -> str:
    return f" through the proxy {proxy}" if (proxy := proxy_to(url)) else ""
