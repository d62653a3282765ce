"""Accounts that are not like most in the pools, and what moto cannot tell of them."""

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

PROTECTED = ("frances",)  # those in the group that is protected
DISABLED = ("katherine",)  # from the start
PROVIDERS = {"Google_1172": "Google"}  # where federated accounts sign in
PASSWORD = "Sandbox-1234!"  # noqa: S105 - of invented people
WORKS, RESET, FEDERATED = "works", "RESET_REQUIRED", "EXTERNAL_PROVIDER"

AskCognito = Callable[..., Awaitable[dict[str, Any]]]


class Refused(Exception):  # noqa: N818 - it is Cognito's answer, not an error of ours
    """Cognito's refusal, by its error code and its words."""

    def __init__(self, code: str, words: str = "") -> None:
        super().__init__(f"{words} ({code})" if words else code)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class AccountState:
    """What Cognito said of an account. `password`: `WORKS`, or what came of a sign-in with it; empty: it has none."""

    enabled: bool
    status: str
    password: str


def fresh(username: str) -> AccountState:
    """Give the state of an account that was just created."""
    local = username not in PROVIDERS
    return AccountState(enabled=True, status="CONFIRMED" if local else FEDERATED, password=WORKS if local else "")


def email_of(username: str, full_name: str) -> str:
    """Give someone's email: of their user name, or of their first name where that one has signs in it."""
    return f"{username if username.isalnum() else full_name.split(maxsplit=1)[0].strip('*<>').lower()}@example.com"


async def create(
    ask: AskCognito, pool_id: str, username: str, attributes: Mapping[str, str], groups: Iterable[str]
) -> None:
    """Create an account with a password, in groups that are there. To moto, a federated one has a password too."""
    attributes = {**attributes, "email_verified": "true"}
    if provider := PROVIDERS.get(username):
        attributes["identities"] = json.dumps([{"providerName": provider, "userId": username}])
    who = {"UserPoolId": pool_id, "Username": username}
    listed = [{"Name": name, "Value": value} for name, value in attributes.items()]
    await ask("AdminCreateUser", **who, UserAttributes=listed, MessageAction="SUPPRESS")
    await set_password(ask, pool_id, username)
    for group in groups:
        await ask("AdminAddUserToGroup", **who, GroupName=group)


async def set_password(ask: AskCognito, pool_id: str, username: str) -> None:
    """Give someone a password, as they do themselves with the code that a reset sends them."""
    await ask("AdminSetUserPassword", UserPoolId=pool_id, Username=username, Password=PASSWORD, Permanent=True)


async def state_of(ask: AskCognito, pool_id: str, client_id: str, username: str) -> AccountState:
    """Ask how an account is, and really try its password."""
    told, password = await ask("AdminGetUser", UserPoolId=pool_id, Username=username), ""
    if username not in PROVIDERS:
        try:
            said = await ask("AdminInitiateAuth", **with_password(pool_id, client_id, username))
            password = said.get("ChallengeName", WORKS)
        except Refused as refused:
            password = refused.code
    return AccountState(enabled=told["Enabled"], status=told["UserStatus"], password=password)


def with_password(pool_id: str, client_id: str, username: str) -> dict[str, Any]:
    """Give what AdminInitiateAuth takes for a sign-in with the password."""
    return {
        "UserPoolId": pool_id,
        "ClientId": client_id,
        "AuthFlow": "ADMIN_USER_PASSWORD_AUTH",
        "AuthParameters": {"USERNAME": username, "PASSWORD": PASSWORD},
    }


def with_providers(said: bytes) -> bytes:
    """Give what moto said as Cognito would: a federated account has a status of its own, which moto does not know."""
    if b"identities" not in said:
        return said
    told = json.loads(said)
    for each in (told, *told.get("Users", ())):
        attributes = each.get("UserAttributes", each.get("Attributes", ()))
        if any(attribute["Name"] == "identities" for attribute in attributes):
            each["UserStatus"] = FEDERATED
    return json.dumps(told).encode()
