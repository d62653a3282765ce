"""Cognito for the sandbox: moto's server with two pools of people who are really signed in on their devices."""

import asyncio
import json
import logging
import threading
import time
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import aiohttp

from bot.sandbox import accounts, quotas
from bot.sandbox.accounts import Refused
from bot.sandbox.cast import PROTECTED_GROUP
from bot.sandbox.changes import Changes
from bot.sandbox.devices import CAST, DEVICES, OTHER, Kind
from bot.sandbox.sessions import SET, Sessions, claims

REGION = "eu-central-1"
TARGET = "AWSCognitoIdentityProviderService."
JSON = "application/x-amz-json-1.1"
SIGNED_FOR = (
    f"AWS4-HMAC-SHA256 Credential=sandbox/20260101/{REGION}/cognito-idp/aws4_request, SignedHeaders=host, Signature=0"
)


class Moto:
    """moto's server on a loopback port, in threads of its own."""

    def __init__(self) -> None:
        from moto.moto_server import werkzeug_app as moto  # noqa: PLC0415 - takes a second, and not all need it
        from werkzeug.serving import make_server  # noqa: PLC0415

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        app = moto.DomainDispatcherApplication(moto.create_backend_app)
        self._server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=moto.MotoRequestHandler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="moto", daemon=True).start()

    def stop(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()


@dataclass(kw_only=True)
class Device:
    """Somewhere a person is signed in, with the tokens that prove it and what Cognito last said about them."""

    id: str
    name: str
    kind: Kind
    refresh_token: str = field(repr=False)
    access_token: str = field(repr=False)
    access_expires: int
    refresh_works: bool = True
    access_works: bool = True
    checked: float
    session_id: str  # of its tokens
    sso_id: str | None  # of its browser, where that met the login page
    sso_works: bool  # that browser needs no password


@dataclass(kw_only=True)
class Account:
    """One person in a pool, with what Cognito last said about them."""

    username: str
    name: str
    email: str
    state: accounts.AccountState
    groups: tuple[str, ...] = ()
    devices: list[Device] = field(default_factory=list)


@dataclass(kw_only=True)
class Pool:
    """A user pool, the app client through which its people sign in, and its people by user name.

    Those of a `crowded` one are only counted, so what is tried is their tokens, after a call of the bot's for them.
    """

    name: str
    id: str
    client_id: str
    crowded: bool = False
    accounts: dict[str, Account] = field(default_factory=dict)


class Cognito:
    """The pools and their people. It asks moto itself, never through the weather."""

    def __init__(self, changes: Changes) -> None:
        self.url = ""
        self.pools: dict[str, Pool] = {}
        self.sessions = Sessions(self.ask)
        self.changes = changes
        self._session: aiohttp.ClientSession | None = None
        self._checking = asyncio.Lock()

    async def seed(self, only: Iterable[str] | None = None, tracked: Container[str] = ()) -> None:
        """Make fresh pools and sign everyone in (or the people named in `only`; without any, make no pools).

        The pools named in `tracked` track their sessions.
        """
        self._session = aiohttp.ClientSession()
        wanted = None if only is None else set(only)
        for name, people in CAST.items() if wanted != set() else ():
            await self.open_pool(name, tracked=name in tracked)
            for username, (full_name, devices) in people.items():
                if wanted is None or username in wanted:
                    await self.add(name, username, full_name, devices)

    async def open_pool(self, name: str, *, tracked: bool = False, crowded: bool = False) -> None:
        """Make a pool without people, but with the group of those who are protected."""
        made = await self.ask("CreateUserPool", PoolName=name)
        pool_id = made["UserPool"]["Id"]
        flows = ["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
        client = await self.ask("CreateUserPoolClient", UserPoolId=pool_id, ClientName="app", ExplicitAuthFlows=flows)
        await self.ask("CreateGroup", UserPoolId=pool_id, GroupName=PROTECTED_GROUP)
        if tracked:
            on: dict[str, Any] = {"UserSessionTracking": "ENABLED", "TokenSession": {"MaxPerUser": 20}}
            await self.ask(SET, UserPoolId=pool_id, **on)
        client_id = client["UserPoolClient"]["ClientId"]
        self.pools[name] = Pool(name=name, id=pool_id, client_id=client_id, crowded=crowded)

    async def add(  # noqa: PLR0913 - what there is to say of a person
        self,
        pool_name: str,
        username: str,
        full_name: str,
        devices: Iterable[str] = ("phone",),
        *,
        email: str | None = None,
        phone: str | None = None,
        protected: bool = False,
    ) -> Account:
        """Create a person and sign them in on these devices."""
        pool, email = self.pools[pool_name], email or accounts.email_of(username, full_name)
        groups = (PROTECTED_GROUP,) if protected or username in accounts.PROTECTED else ()
        attributes = {"name": full_name, "email": email} | ({"phone_number": phone} if phone else {})
        await accounts.create(self.ask, pool.id, username, attributes, groups)
        account = Account(username=username, name=full_name, email=email, groups=groups, state=accounts.fresh(username))
        pool.accounts[username] = account
        for device in devices:
            await self.sign_in(pool_name, username, device)
        if username in accounts.DISABLED:
            await self.ask("AdminDisableUser", UserPoolId=pool.id, Username=username)
            await self.check(username)
        return account

    async def sign_in(
        self, pool_name: str, username: str, device: str = "new device", through: str | None = None
    ) -> Device:
        """Sign a person in on one more device, or in a browser with an SSO session; `Refused` where that has ended."""
        if through and not self.sessions.works(through):
            raise Refused("NotAuthorizedException")
        pool = self.pools[pool_name]
        account = pool.accounts[username]
        answer = await self.ask("AdminInitiateAuth", **accounts.with_password(pool.id, pool.client_id, username))
        tokens, kind = answer["AuthenticationResult"], DEVICES.get(device, OTHER)
        of = {"pool_id": pool.id, "username": username, "client_id": pool.client_id}
        session = self.sessions.begin(tokens, kind, through, **of)
        signed_in = Device(
            id=f"{pool_name}/{username}/{len(account.devices)}",
            name=f"{account.name.split()[0]}'s {device}",
            kind=kind,
            refresh_token=tokens["RefreshToken"],
            access_token=tokens["AccessToken"],
            access_expires=int(claims(tokens["AccessToken"])["exp"]),
            checked=time.time(),
            session_id=session.id,
            sso_id=session.through,
            sso_works=session.through is not None,
        )
        account.devices.append(signed_in)
        self.changes.note()
        return signed_in

    async def sign_in_again(self, pool: Pool, account: Account) -> str | None:
        """Sign someone in on one more device, with a new password where they need one; return Cognito's no."""
        state = await accounts.state_of(self.ask, pool.id, pool.client_id, account.username)
        if state.enabled and state.status == accounts.RESET:
            await accounts.set_password(self.ask, pool.id, account.username)
        try:
            await self.sign_in(pool.name, account.username)
        except Refused as refused:
            return f"Cognito refuses: {refused}"
        finally:
            await self.check(account.username)
        return None

    def devices(self, username: str) -> list[Device]:
        """Give a person's devices, as they were when last checked."""
        return [
            device
            for pool in self.pools.values()
            if username in pool.accounts
            for device in pool.accounts[username].devices
        ]

    def head_count(self) -> tuple[int, int]:
        """Count people and devices."""
        everyone = [account for pool in self.pools.values() for account in pool.accounts.values()]
        return len(everyone), sum(len(account.devices) for account in everyone)

    async def try_refresh(self, pool: Pool, device: Device) -> bool:
        """Whether Cognito still gives new tokens for this device's refresh token."""
        parameters = {"REFRESH_TOKEN": device.refresh_token}
        return await self._accepts(
            "InitiateAuth", ClientId=pool.client_id, AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters=parameters
        )

    async def try_access(self, device: Device) -> bool:
        """Whether Cognito's own API still accepts this device's access token."""
        return await self._accepts("GetUser", AccessToken=device.access_token)

    async def check(self, username: str | None = None) -> None:
        """Ask how everyone's account is, or one person's, and really try the password and the tokens.

        In a crowded pool, try only the refresh tokens, and only those of the one person.
        """
        async with self._checking:
            for pool in self.pools.values():
                for account in pool.accounts.values():
                    if username == account.username or (username is None and not pool.crowded):
                        await self._check(pool, account)
            self.changes.note()

    async def _check(self, pool: Pool, account: Account) -> None:
        for device in account.devices:
            device.refresh_works = device.refresh_works and await self.try_refresh(pool, device)
        if pool.crowded:
            return
        account.state = await accounts.state_of(self.ask, pool.id, pool.client_id, account.username)
        for device in account.devices:
            device.access_works = device.access_works and await self.try_access(device)
            device.sso_works = device.sso_id is not None and self.sessions.works(device.sso_id)
            device.checked = time.time()

    async def ask(self, action: str, **parameters: Any) -> dict[str, Any]:
        """Call one of Cognito's actions; Refused where Cognito refuses."""
        headers = {"X-Amz-Target": TARGET + action, "Content-Type": JSON, "Authorization": SIGNED_FOR}
        status, said = await self.answer(action, parameters, json.dumps(parameters).encode(), headers)
        answer: dict[str, Any] = json.loads(said or b"{}")
        if status != HTTPStatus.OK:
            raise Refused(answer.get("__type", str(status)), answer.get("message", ""))
        return answer

    async def answer(
        self, action: str, parameters: dict[str, Any], body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        """Give the status and the body of the answer to a call: of `sessions` where moto cannot answer, else moto's."""
        if self._session is None:
            raise RuntimeError("seed the pools first")
        try:
            own = quotas.instead(action, parameters) or await self.sessions.instead(action, parameters)
        except Refused as refused:
            return HTTPStatus.BAD_REQUEST, json.dumps({"__type": refused.code, "message": "refused"}).encode()
        if own is not None:
            return HTTPStatus.OK, json.dumps(own).encode()
        async with self._session.post(self.url, data=body, headers=headers) as response:
            said = accounts.with_providers(await response.read())
        if response.ok:
            self.sessions.done(action, parameters)
        return response.status, said

    async def close(self) -> None:
        """Hang up."""
        if self._session:
            await self._session.close()

    async def _accepts(self, action: str, **parameters: Any) -> bool:
        try:
            await self.ask(action, **parameters)
        except Refused as refused:
            if refused.code != "NotAuthorizedException":
                raise
            return False
        return True
