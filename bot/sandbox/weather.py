"""The weather between the bot and the two services: a proxy before Cognito, a middleware before Slack, and switches."""

import json
import time
import uuid
import zlib
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.sandbox.cast import AUDIT_CHANNEL
from bot.sandbox.cognito import JSON, TARGET, Cognito
from bot.sandbox.sessions import REVOKE
from bot.sandbox.web_api import arguments_of
from bot.sandbox.wire import EVERY_ACTION, REQUEST_ID, Call, Exchange, Fault, Wire, ratelimited, refuse, reset, slow
from bot.sandbox.workspace import Workspace

SIGN_OUT = "AdminUserGlobalSignOut"
CHANGES_AN_ACCOUNT = frozenset({SIGN_OUT, REVOKE, "AdminDisableUser", "AdminEnableUser", "AdminResetUserPassword"})
POSTS = ("chat.postMessage", "chat.update")
FORWARDED_HEADERS = ("X-Amz-Target", "Content-Type", "Authorization", "X-Amz-Date")


@dataclass(kw_only=True)
class Switch:
    """One kind of bad weather; `fault` is None where it lies in the workspace itself."""

    name: str
    label: str
    actions: tuple[str, ...] = (EVERY_ACTION,)
    fault: Fault | None = None
    on: bool = False


class Weather:
    """The wires to the workspace and to the `pools`, and the switches that the page shows."""

    def __init__(self, workspace: Workspace, pools: Cognito) -> None:
        self.cognito, self.slack = Wire(), Wire()
        self.switches = {switch.name: switch for switch in _switches()}
        self._workspace = workspace
        self._pools = pools

    def switch(self, name: str, *, on: bool) -> None:
        """Turn one kind of weather on or off."""
        switch = self.switches[name]
        switch.on = on
        if switch.fault is None:
            self._workspace.channels[AUDIT_CHANNEL].archived = on
        else:
            wire = self.cognito if name.startswith("cognito") else self.slack
            for action in switch.actions:
                wire.always(action, switch.fault if on else None, f"{name} {action}")
        self._workspace.changes.note()

    async def before_cognito(self, request: web.Request) -> web.Response:
        """Carry one call to `pools` and back."""
        body = await request.read()
        call = Call(
            action=request.headers.get("X-Amz-Target", "").removeprefix(TARGET),
            parameters=json.loads(body or b"{}"),
            at=time.time(),
        )

        async def onward() -> web.Response:
            headers = {name: request.headers[name] for name in FORWARDED_HEADERS if name in request.headers}
            status, said = await self._pools.answer(call.action, call.parameters, body, headers)
            ids = {REQUEST_ID: str(uuid.uuid4())}  # moto's own have another form than AWS's
            return web.Response(status=status, body=said, content_type=JSON, headers=ids)

        response = await self.cognito.carry(request, call, onward)
        call.request_id = response.headers.get(REQUEST_ID, "")
        return response

    @web.middleware
    async def before_slack(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Carry one call to the workspace. Actions are the methods' names, `response_url` and `link`."""
        action = "link" if request.path == "/link/" else request.match_info.get("method", "response_url")
        call = Call(action=action, parameters=await arguments_of(request), at=time.time())

        async def onward() -> web.Response:
            return await handler(request)  # type: ignore[return-value]  # or a WebSocket, which no fault looks into

        return await self.slack.carry(request, call, onward)

    def release(self) -> None:
        """End every call that a fault still holds."""
        self.cognito.closing.set()
        self.slack.closing.set()


def for_some(fault: Fault) -> Fault:
    """Let a fault meet the calls for one account in eight, always for the same."""

    async def met_or_not(exchange: Exchange) -> web.Response:
        is_met = zlib.crc32(str(exchange.call.parameters.get("Username")).encode()) % 8 == 0
        return await (fault(exchange) if is_met else exchange.forward())

    return met_or_not


def _switches() -> tuple[Switch, ...]:
    throttled = refuse(400, "TooManyRequestsException", "Rate exceeded")
    broken = refuse(500, "InternalErrorException")
    return (
        Switch(name="cognito_slow", label="Cognito is slow", fault=slow(3)),
        Switch(name="cognito_throttling", label="Cognito throttles sign-outs", actions=(SIGN_OUT,), fault=throttled),
        Switch(
            name="cognito_patchy", label="Cognito fails for some people", actions=(SIGN_OUT,), fault=for_some(broken)
        ),
        Switch(name="cognito_down", label="Cognito is down", fault=reset()),
        Switch(name="slack_rate_limited", label="Slack answers 429", actions=POSTS, fault=ratelimited(5)),
        Switch(name="audit_channel_archived", label="The audit channel is archived"),
    )
