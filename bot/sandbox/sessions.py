"""Cognito's tracked sessions, in front of moto, which knows nothing of them. Tokens of an ended session do not work.

All that it takes and gives fits botocore's model. AWS does not document the following, so it is decided here: a pool
that does not track its sessions refuses to list and to end them (OperationNotEnabledException); a session that has
ended, or is someone else's, is not found (ResourceNotFoundException); a session began at the sign-in even where
tracking began later.
"""

import base64
import json
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox import aws_model
from bot.sandbox.accounts import Refused
from bot.sandbox.devices import Kind

TOKEN, SSO = "TOKEN", "SSO"
GET, SET = "GetUserPoolSessionConfiguration", "SetUserPoolSessionConfiguration"
LIST, REVOKE = "AdminListUserSessions", "AdminRevokeUserSession"
PAGE = 125

Json = dict[str, Any]


@dataclass(kw_only=True)
class Session:
    """One session. `keys` are the refresh token and the `origin_jti` of all its access tokens; an SSO session has none.

    `through` is the SSO session that it came through. Times are seconds since 1970.
    """

    id: str
    kind: str
    pool_id: str
    username: str
    client_id: str
    device: Kind
    began_at: float
    active_at: float
    ended_at: float | None = None
    through: str | None = None
    keys: frozenset[str] = field(default=frozenset(), repr=False)

    def shown(self) -> Json:
        """Give it as Cognito does."""
        return _given(
            SessionId=self.id,
            SessionType=self.kind,
            ClientId=self.client_id,
            CreateDate=self.began_at,
            LastActiveDate=self.active_at,
            DeviceType=self.device.agent,
            LastIPAddress=self.device.address,
            LastLocation=_given(City=self.device.city, Country=self.device.country),
            OriginSessionId=self.through,
            IsCurrentSession=False,
        )


class Sessions:
    """The sessions of all pools. `moto` asks moto; `now` is the time.

    A list is as it was `delay` seconds ago. A global sign-out ends the sessions of the kinds in `sign_out_ends`; no one
    could find out what AWS's does. Those of other kinds stay listed, though moto takes no token of theirs any more.
    """

    def __init__(self, moto: Callable[..., Awaitable[Json]], now: Callable[[], float] = time.time) -> None:
        self.delay = 1.0
        self.sign_out_ends: frozenset[str] = frozenset()
        self.page = PAGE
        self.now = now
        self._moto = moto
        self._sessions: dict[str, Session] = {}
        self._configurations: dict[str, Json] = {}
        self._answers = {GET: self._get, SET: self._set, LIST: self._list, REVOKE: self._revoke}

    def begin(self, tokens: Mapping[str, str], device: Kind, through: str | None, **of: str) -> Session:
        """Note a sign-in on a device, `through` an SSO session. A browser at the login page begins one if need be."""
        now = self.now()
        new: Json = {**of, "device": device, "began_at": now, "active_at": now}
        if device.login_page and through is None:
            through = f"sso{uuid.uuid4().hex[:25]}"
            self._sessions[through] = Session(id=through, kind=SSO, **new)
        keys = frozenset({tokens["RefreshToken"], claims(tokens["AccessToken"])["origin_jti"]})
        session = Session(id=f"tkn{uuid.uuid4().hex[:25]}", kind=TOKEN, keys=keys, through=through, **new)
        self._sessions[session.id] = session
        return session

    def works(self, session_id: str) -> bool:
        """Whether a session has not ended."""
        return self._sessions[session_id].ended_at is None

    def are_tracked(self, pool_id: str) -> bool:
        """Whether a pool tracks its sessions."""
        return bool(self._configurations.get(pool_id, {}).get("UserSessionTracking") == "ENABLED")

    async def instead(self, action: str, parameters: Json) -> Json | None:
        """Answer in place of moto; None where moto has to. Raises `Refused`."""
        session = self._session_of(parameters)
        if session and session.ended_at is not None:
            raise Refused("NotAuthorizedException")
        if action not in self._answers:
            return None
        if aws_model.faults(action, parameters):
            raise Refused("InvalidParameterException")
        answer = await self._answers[action](parameters)
        if faults := aws_model.faults(action, answer, answers=True):
            raise ValueError(faults)
        return answer

    def done(self, action: str, parameters: Json) -> None:
        """Note what moto has said yes to."""
        if session := self._session_of(parameters):
            session.active_at = self.now()
        kinds = {"AdminDeleteUser": frozenset({TOKEN, SSO}), "AdminUserGlobalSignOut": self.sign_out_ends}.get(action)
        if kinds:
            self._end(each for each in self._of(parameters) if each.kind in kinds)

    async def _get(self, parameters: Json) -> Json:
        await self._moto("DescribeUserPool", UserPoolId=parameters["UserPoolId"])
        at_first = {"UserSessionTracking": "DISABLED", "TokenSession": {"MaxPerUser": 20}}
        return {**at_first, **self._configurations.get(parameters["UserPoolId"], parameters)}

    async def _set(self, parameters: Json) -> Json:
        await self._moto("DescribeUserPool", UserPoolId=parameters["UserPoolId"])
        self._configurations[parameters["UserPoolId"]] = parameters
        return parameters

    async def _list(self, parameters: Json) -> Json:
        await self._check(parameters)
        start = int(parameters.get("NextToken", "0"))
        listed, end = self._listed(parameters), start + self.page
        shown = [each.shown() for each in listed[start:end]]
        return _given(Sessions=shown, NextToken=str(end) if end < len(listed) else None)

    async def _revoke(self, parameters: Json) -> Json:
        await self._check(parameters)
        session = next((each for each in self._of(parameters) if each.id == parameters["SessionId"]), None)
        if session is None or session.ended_at is not None:
            raise Refused("ResourceNotFoundException")
        linked = self._listed(parameters) if parameters.get("RevokeAssociatedSessions") == "LINKED" else []
        self._end([session, *(each for each in linked if session.id == each.through or each.id == session.through)])
        return {}

    async def _check(self, parameters: Json) -> None:
        await self._moto("AdminGetUser", UserPoolId=parameters["UserPoolId"], Username=parameters["Username"])
        if not self.are_tracked(parameters["UserPoolId"]):
            raise Refused("OperationNotEnabledException")

    def _of(self, parameters: Json) -> list[Session]:
        whose = (parameters["UserPoolId"], parameters["Username"])
        return [each for each in self._sessions.values() if (each.pool_id, each.username) == whose]

    def _listed(self, parameters: Json) -> list[Session]:
        then = self.now() - self.delay
        begun = [each for each in self._of(parameters) if each.began_at <= then]
        return [each for each in begun if each.ended_at is None or each.ended_at > then]

    def _session_of(self, parameters: Json) -> Session | None:
        """Return the session whose token a call has, if it is one of these."""
        key = (parameters.get("AuthParameters") or {}).get("REFRESH_TOKEN")
        # What is not a token of this Cognito's is for moto to refuse.
        with suppress(ValueError, LookupError, TypeError, AttributeError):
            key = key or claims(parameters["AccessToken"])["origin_jti"]
        return next((each for each in self._sessions.values() if key in each.keys), None)

    def _end(self, ended: Iterable[Session]) -> None:
        for each in ended:
            if each.ended_at is None:
                each.ended_at = self.now()


def claims(token: str) -> Json:
    """Give what a JWT says. Raises `ValueError` or `LookupError` where it is not one."""
    said: Json = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    return said


def _given(**members: Any) -> Json:
    return {name: value for name, value in members.items() if value is not None}
