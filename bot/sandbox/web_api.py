"""Slack's Web API, as far as the bot calls it: POST /api/METHOD."""

import json
import secrets
from collections.abc import Callable
from typing import Any

from aiohttp import web

from bot.sandbox import cast
from bot.sandbox.board import as_the_api_shows_it
from bot.sandbox.form_limits import refused_arguments
from bot.sandbox.forms import NotDone
from bot.sandbox.limits import refusal
from bot.sandbox.payloads import user_info
from bot.sandbox.shapes import string
from bot.sandbox.validation import validated
from bot.sandbox.views import View
from bot.sandbox.workspace import Workspace

Arguments = dict[str, Any]
Answer = dict[str, Any]

JSON_ARGUMENTS = ("blocks", "attachments", "message", "metadata", "view")


class WebApi:
    """The methods, each with the kind of token (none: it needs none) and the scope that it needs."""

    def __init__(self, workspace: Workspace) -> None:
        self.scopes = {cast.BOT_TOKEN: set(cast.BOT_SCOPES), cast.APP_TOKEN: set(cast.APP_SCOPES)}
        self.finds_fault_with = set[str]()  # types of blocks and elements that blocks.validate is to refuse
        self._workspace = workspace
        self._methods: dict[str, tuple[str, str | None, Callable[[Arguments], Answer]]] = {
            "auth.test": ("xoxb-", None, self._auth_test),
            "apps.connections.open": ("xapp-", "connections:write", self._connections_open),
            "blocks.validate": ("", None, self._validate),
            "chat.postMessage": ("xoxb-", "chat:write", self._post_message),
            "chat.update": ("xoxb-", "chat:write", self._update_message),
            "auth.teams.list": ("xoxb-", None, self._teams),
            "usergroups.list": ("xoxb-", "usergroups:read", self._usergroups),
            "usergroups.users.list": ("xoxb-", "usergroups:read", self._usergroup_members),
            "users.info": ("xoxb-", "users:read", self._user_info),
            "views.open": ("xoxb-", None, self._open_form),
            "views.update": ("xoxb-", None, self._update_form),
        }

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one call, as Slack does with 200 even where the answer is no."""
        arguments = await arguments_of(request)
        answer = self._refusal(request, arguments) or self._methods[request.match_info["method"]][2](arguments)
        headers = {"X-Slack-Req-Id": secrets.token_hex(16)}
        if (scopes := self.scopes.get(_token(request, arguments))) is not None:
            headers["X-OAuth-Scopes"] = ",".join(sorted(scopes))
        return web.json_response(answer, headers=headers)

    def _refusal(self, request: web.Request, arguments: Arguments) -> Answer | None:
        method = self._methods.get(request.match_info["method"])
        if method is None:
            return _no("unknown_method", req_method=request.match_info["method"])
        kind, scope, _ = method
        return self._refused_token(_token(request, arguments), kind, scope) if kind else None

    def _refused_token(self, token: str, kind: str, scope: str | None) -> Answer | None:
        if not token:
            return _no("not_authed")
        if token not in self.scopes:
            return _no("invalid_auth")
        if not token.startswith(kind):
            return _no("not_allowed_token_type")
        if scope and scope not in self.scopes[token]:
            return _no("missing_scope", needed=scope, provided=",".join(sorted(self.scopes[token])))
        return None

    def _auth_test(self, _: Arguments) -> Answer:
        install, org = self._workspace.install, {"enterprise_id": cast.ORG_ID}
        is_org_wide = install is cast.Install.ORG_WIDE
        return {
            "ok": True,
            "url": f"https://{cast.ORG_DOMAIN if is_org_wide else cast.TEAM_DOMAIN}.slack.com/",
            "team": cast.ORG_NAME if is_org_wide else cast.TEAM_NAME,
            "user": "signout",
            "team_id": cast.ORG_ID if is_org_wide else cast.TEAM_ID,
            "user_id": cast.BOT_USER_ID,
            "bot_id": cast.BOT_ID,
            **({} if install is cast.Install.WORKSPACE else org),
            "is_enterprise_install": is_org_wide,
        }

    def _teams(self, _: Arguments) -> Answer:
        if self._workspace.install is not cast.Install.ORG_WIDE:
            return _no("not_allowed_token_type")
        teams = [{"id": id_, "name": cast.TEAMS[id_][0]} for id_ in (cast.TEAM_ID, cast.OTHER_ID)]
        return {"ok": True, "teams": teams, "response_metadata": {"next_cursor": ""}}

    def _connections_open(self, _: Arguments) -> Answer:
        address = self._workspace.address.replace("http://", "ws://", 1)
        ticket = self._workspace.sockets.issue_ticket()
        return {"ok": True, "url": f"{address}/link/?ticket={ticket}&app_id={cast.APP_ID}"}

    def _validate(self, arguments: Arguments) -> Answer:
        return validated(arguments, self.finds_fault_with)

    def _post_message(self, arguments: Arguments) -> Answer:
        channel = self._channel(str(arguments.get("channel", "")))
        if channel is None:
            return _no("channel_not_found")
        if channel.of and not self._workspace.messages_tab:
            return _no("messages_tab_disabled")
        if channel.archived:
            return _no("is_archived")
        if not channel.bot_is_member:
            return _no("not_in_channel")
        if refused := refusal(arguments):
            explained = {"response_metadata": {"messages": [f"[ERROR] {refused.reason}"]}}
            return _no(refused.error, errors=[refused.reason], **explained)
        message = self._workspace.post(channel.id, arguments)
        return {"ok": True, "channel": channel.id, "ts": message.ts, "message": as_the_api_shows_it(message)}

    def _update_message(self, arguments: Arguments) -> Answer:
        channel = self._workspace.channels.get(str(arguments.get("channel", "")))
        if channel is None:
            return _no("channel_not_found")
        if channel.archived:
            return _no("is_inactive")
        message = self._workspace.find(channel.id, str(arguments.get("ts", "")))
        if message is None or message.only_for:
            return _no("message_not_found")
        if message.author != cast.BOT_USER_ID:
            return _no("cant_update_message")
        content = {"blocks": message.blocks, **arguments}  # what is not sent stays
        if refused := refusal(content):
            return _no(refused.error, errors=[refused.reason])
        self._workspace.replace(message, content)
        return {"ok": True, "channel": channel.id, "ts": message.ts, "text": message.text}

    def _channel(self, named: str) -> cast.Channel | None:
        person = self._workspace.people.get(named)
        ours = {cast.TEAM_ID} if self._workspace.install is cast.Install.WORKSPACE else {cast.TEAM_ID, cast.OTHER_ID}
        if person and person.team_id in ours:
            return self._workspace.direct_messages(person.id)
        return self._workspace.channels.get(named)

    def _usergroups(self, arguments: Arguments) -> Answer:
        if refused := self._without_team(arguments):
            return refused
        ids = self._workspace.usergroups if self._has_groups(arguments) else ()
        groups = [{"id": id_, "team_id": self._workspace.usergroup_team, "is_usergroup": True} for id_ in sorted(ids)]
        return {"ok": True, "usergroups": groups}

    def _has_groups(self, arguments: Arguments) -> bool:
        is_org_wide = self._workspace.install is cast.Install.ORG_WIDE
        return not is_org_wide or arguments.get("team_id") == self._workspace.usergroup_team

    def _without_team(self, arguments: Arguments) -> Answer | None:
        """Refuse what Slack refuses an organisation's token: it wants to know which workspace is meant."""
        is_org_wide = self._workspace.install is cast.Install.ORG_WIDE
        return _no("missing_argument") if is_org_wide and not arguments.get("team_id") else None

    def _user_info(self, arguments: Arguments) -> Answer:
        person = self._workspace.people.get(str(arguments.get("user", "")))
        if person is None:
            return _no("user_not_found")
        return {"ok": True, "user": user_info(person, self._workspace.install)}

    def _usergroup_members(self, arguments: Arguments) -> Answer:
        if refused := self._without_team(arguments):
            return refused
        members = None
        if self._has_groups(arguments):
            members = self._workspace.usergroups.get(str(arguments.get("usergroup", "")))
        return _no("no_such_subteam") if members is None else {"ok": True, "users": sorted(members)}

    def _open_form(self, arguments: Arguments) -> Answer:
        if messages := refused_arguments(arguments, trigger_id=string()):
            return _no("invalid_arguments", response_metadata={"messages": messages})
        return _view(lambda: self._workspace.forms.open(arguments["trigger_id"], arguments["view"]))

    def _update_form(self, arguments: Arguments) -> Answer:
        if messages := refused_arguments(arguments):
            return _no("invalid_arguments", response_metadata={"messages": messages})
        view_id = str(arguments.get("view_id") or arguments.get("external_id") or "")
        view_hash = str(arguments.get("hash") or "")
        return _view(lambda: self._workspace.forms.update(view_id, arguments["view"], view_hash))


async def arguments_of(request: web.Request) -> Arguments:
    """Read a call's arguments, sent as JSON or as a form (where blocks and the like are JSON in a string)."""
    if request.content_type == "application/json":
        try:
            sent = json.loads(await request.read() or b"{}")
        except ValueError:
            return {}
        return sent if isinstance(sent, dict) else {}
    arguments: Arguments = {**request.query, **await request.post()}
    for name in JSON_ARGUMENTS:
        try:
            arguments[name] = json.loads(arguments[name])
        except (KeyError, ValueError, TypeError):
            continue
    return arguments


def _token(request: web.Request, arguments: Arguments) -> str:
    return request.headers.get("Authorization", "").removeprefix("Bearer ") or str(arguments.get("token", ""))


def _view(change: Callable[[], View]) -> Answer:
    try:
        return {"ok": True, "view": change().as_the_api_shows_it()}
    except NotDone as refused:
        return _no(str(refused))


def _no(error: str, **more: Any) -> Answer:
    return {"ok": False, "error": error, **more}
