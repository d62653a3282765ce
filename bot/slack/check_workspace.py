"""Tries the tokens, the scopes, the audit channel and the groups. Any answer is taken, and no answer is quoted."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from bot.facts.clock import judge_clock
from bot.facts.finding import Finding
from bot.facts.slack_words import word_in
from bot.facts.way import proxy_to, trouble_of
from bot.slack.check_people import Lists, Members, people
from bot.slack.clients import BlockingClient
from bot.slack.groups import GroupTeams, NoWorkspaceError, UnfinishedSearchError
from bot.slack.installation import Install
from bot.slack.manifest import REINSTALL, compare

TEST_LINE = "This line was posted by the bot's `check` command, to see that it can. No one was signed out."
_WAY_FIX = "Check the way there: network, proxy (HTTPS_PROXY, NO_PROXY), certificates (SSL_CERT_FILE)"
SHOWN = 5  # workspaces of an organisation
_NO_ADDRESS_FIX = "Make one under Basic Information > App-Level Tokens with connections:write, and set SLACK_APP_TOKEN."
_CHANNEL_FIXES = {
    "channel_not_found": "Check its id (SIGNOUT_AUDIT_CHANNEL, approve.channel); a private one needs the app in it.",
    "not_in_channel": "Type /invite and the app's name in the channel.",
    "is_archived": "Unarchive the channel, or set another.",
    "missing_scope": f"Add chat:write, and {REINSTALL}.",
}
_GROUP_FIXES = {
    "no_such_subteam": "Check its id where the settings name it, such as SIGNOUT_ALLOW_GROUPS.",
    NoWorkspaceError.strerror: "Check its id, and add the app to the workspace that has the group.",
    UnfinishedSearchError.strerror: "A running bot goes on looking where it stopped.",
    "missing_scope": f"Add usergroups:read, and {REINSTALL}.",
    "ratelimited": "Run the check again in a minute.",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer; `trouble` is Slack's word for what was wrong, or ours. `is_slacks`: it came from Slack."""

    trouble: str = ""
    is_slacks: bool = True
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def ask(call: Callable[[], SlackResponse]) -> Answer:
    """Call once, and say what came back. Raises nothing."""
    try:
        response = call()
    except SlackApiError as error:
        response = error.response
    except Exception as error:  # noqa: BLE001 -- the way to Slack, or a proxy on it, may answer with anything
        return Answer(trouble_of(error), is_slacks=False)
    body = response.data if isinstance(response.data, dict) else {}
    headers = {name.lower(): value for name, value in response.headers.items()}
    trouble = "" if body.get("ok") is True else word_in(body)
    if trouble is None:
        said = f"HTTP {response.status_code}, but not in Slack's words"
        return Answer(said, is_slacks=False, body=body, headers=headers)
    return Answer(trouble, body=body, headers=headers)


def try_workspace(
    client: BlockingClient,
    lists: Lists,
    *,
    app_token: str | None,
    channels: Mapping[str, str | None],
) -> Iterator[Finding]:
    """Try all of it. To each of the `channels` by their names a line is posted, unless its id is None.

    Without `app_token`, Slack speaks over HTTP.
    """
    asked_at = datetime.now(UTC)
    answer = ask(client.auth_test)
    answered_at, install = datetime.now(UTC), Install.of(answer.body)
    trouble = answer.trouble or ("" if answer.body.get("bot_id") else "it is a person's")
    why_not = f"not tried: the bot token does not work ({trouble})" if trouble else ""
    yield from _bot_token(client, answer, install)
    yield compare("" if why_not else answer.headers.get("x-oauth-scopes"), grid=bool(install.organisation))
    if not why_not and install.is_org_wide:
        yield _workspaces(ask(client.auth_teams_list))
    yield judge_clock("clock against Slack", answer.headers.get("date"), asked_at, answered_at)
    yield from try_app_token(client, app_token)
    for name, channel in channels.items():
        yield _channel(client, name, channel, why_not)
    teams, members = GroupTeams(client, lambda: install.is_org_wide), dict[str, Members]()
    for id_ in sorted({id_ for listed in lists for id_ in listed.all.groups}):
        members[id_], finding = _group(client, teams, id_, why_not)
        yield finding
    yield from people(lists, members)


def _bot_token(client: BlockingClient, answer: Answer, install: Install) -> Iterator[Finding]:
    """Say what came of auth.test: of the address, and of the bot token."""
    name, way = "bot token", _way_to(client.base_url)
    if not answer.is_slacks:
        sentence = f"{client.base_url} does not answer as Slack does{way} ({answer.trouble})."
        yield Finding("Slack's address", "missing", sentence, f"{_WAY_FIX}, SLACK_API_URL.")
        yield Finding(name, "not tried", "not tried: Slack could not be asked")
        return
    yield Finding("Slack's address", "ok", f"{client.base_url} answers{way}")
    if answer.trouble:
        fix = "Copy it again (OAuth & Permissions > Bot User OAuth Token), and set SLACK_BOT_TOKEN."
        yield Finding(name, "missing", f"Slack refuses it ({answer.trouble}).", fix)
    elif not answer.body.get("bot_id"):
        fix = "Give the Bot User OAuth Token, which starts with xoxb-, as SLACK_BOT_TOKEN."
        yield Finding(name, "missing", "It is a person's token, not a bot's.", fix)
    else:
        team, user = (str(answer.body.get(key))[:80] for key in ("team", "user"))
        where = f" of the workspace {team} ({str(install.team_id)[:20]})"
        if install.organisation:
            organisation = f"the Enterprise Grid organisation {install.organisation[:20]}"
            in_all = f", installed in all of {organisation} ({team})"
            where = in_all if install.is_org_wide else f"{where}, a workspace of {organisation}"
        yield Finding(name, "ok", f"@{user}{where}")


def _workspaces(answer: Answer) -> Finding:
    name, teams = "workspaces", answer.body.get("teams")
    if answer.trouble or not isinstance(teams, list):
        return Finding(name, "not tried", f"not tried: Slack does not list them ({answer.trouble or 'no teams'})")
    if not teams:
        sentence = "The app is in no workspace of the organisation, so no one can type /signout."
        return Finding(name, "missing", sentence, "Add it to some, where the organisation's apps are managed.")
    ids = [str(team.get("id"))[:20] for team in teams[:SHOWN]]
    return Finding(name, "ok", f"the app is in {', '.join(ids)}{', …' if len(teams) > SHOWN else ''}")


def try_app_token(client: BlockingClient, app_token: str | None) -> Iterator[Finding]:
    """Ask for a Socket Mode address, and connect to its host; nothing of its ticket is used."""
    name, may = "app-level token", "may open a Socket Mode connection (none was opened)"
    if app_token is None:
        yield Finding("signing secret", "ok", "is set; only Slack's first request shows whether it is the app's")
        return
    answer = ask(lambda: client.apps_connections_open(app_token=app_token))
    url = "" if answer.trouble else str(answer.body.get("url") or "")
    if not answer.is_slacks:
        yield Finding(name, "not tried", f"not tried: Slack could not be asked ({answer.trouble})")
    elif not url:
        sentence = f"Slack gives no Socket Mode address for it ({answer.trouble or 'no url'})."
        yield Finding(name, "missing", sentence, _NO_ADDRESS_FIX)
    else:
        host = f"{urlsplit(url).hostname}{_way_to(url)}"
        try:
            client.reach(url)
        except Exception as error:  # noqa: BLE001 -- anything may be on the way
            why = f"{host} cannot be reached ({trouble_of(error)})."
            yield Finding(name, "ok", may)
            yield Finding("Socket Mode", "missing", why, f"{_WAY_FIX}.")
        else:
            yield Finding(name, "ok", f"{may}; {host} can be reached")


def _channel(client: BlockingClient, name: str, channel: str | None, why_not: str) -> Finding:
    if why_not or channel is None:
        return Finding(name, "not tried", why_not or "not tried (--no-post): whether the bot can post there")
    answer = ask(lambda: client.chat_postMessage(channel=channel, text=TEST_LINE, mrkdwn=False))  # it has no link
    if answer.trouble:
        fix = _CHANNEL_FIXES.get(answer.trouble, "Look that word up at chat.postMessage in Slack's API pages.")
        return Finding(name, "missing", f"Slack takes no post to {channel} ({answer.trouble}).", fix)
    return Finding(name, "ok", f"a test line was posted to {channel}")


def _group(client: BlockingClient, teams: GroupTeams, id_: str, why_not: str) -> tuple[Members, Finding]:
    name = f"group {id_}"
    if why_not:
        return None, Finding(name, "not tried", why_not)
    answer = ask(lambda: client.usergroups_users_list(usergroup=id_, team_id=teams.of(id_)))
    listed = answer.body.get("users")
    if answer.trouble or not isinstance(listed, list):
        fix = _GROUP_FIXES.get(answer.trouble, "Look that word up at usergroups.users.list in Slack's API pages.")
        sentence = f"Slack cannot list it ({answer.trouble or 'no members'}), so it lets no one in."
        return None, Finding(name, "missing", sentence, fix)
    members = frozenset(map(str, listed))
    if not members:
        empty = "It is empty, so it lets no one in."
        return members, Finding(name, "warning", empty, "Put people into it.")
    return members, Finding(name, "ok", f"can be listed; people in it: {len(members)}")


def _way_to(url: str) -> str:
    return f" through the proxy {proxy}" if (proxy := proxy_to(url)) else ""
