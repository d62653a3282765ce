"""A stand-in for what moto cannot do of Cognito's finding: aliases, federated duplicates, escapes, empty pages.

It answers on the wire, in the shapes that botocore's model gives ListUsers and AdminGetUser (recorded from there, not
from AWS). Everything else of the flow stays real.
"""

import re
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from bot.sandbox.wire import Exchange, answer, refuse

ALIASES = ("username", "sub", "email", "phone_number", "preferred_username")
JSON = "application/x-amz-json-1.1"
_FILTER = re.compile(r'(username|preferred_username|email|phone_number|sub) = "([^"\\]*)"')


def user(username: str, *, status: str = "CONFIRMED", provider: str | None = None, **attributes: str) -> dict[str, Any]:
    """Return a user as ListUsers gives one."""
    if provider:
        status, attributes["identities"] = "EXTERNAL_PROVIDER", f'[{{"providerName":"{provider}","userId":"1"}}]'
    return {
        "Username": username,
        "Attributes": [{"Name": name, "Value": value} for name, value in attributes.items()],
        "UserCreateDate": 1760000000.5,
        "UserLastModifiedDate": 1761000000.5,
        "Enabled": True,
        "UserStatus": status,
    }


class Directory:
    """A user pool's users. `empty_pages` come before each page of results; `page` is how many users are on one."""

    def __init__(self, users: Sequence[dict[str, Any]], *, page: int = 60, empty_pages: int = 0) -> None:
        self._users = users
        self._page = page
        self._empty = empty_pages
        self.filters: list[str] = []

    async def list_users(self, exchange: Exchange) -> web.Response:
        """Answer ListUsers: `username` as it is spelled, emails however they are spelled, every page with its token."""
        parameters = exchange.call.parameters
        text = parameters.get("Filter", "")
        self.filters.append(text)
        match = _FILTER.fullmatch(text)
        if text and not match:
            return await refuse(400, "InvalidParameterException")(exchange)
        found = [each for each in self._users if not match or _is(each, match[1], match[2])]
        turn = int(parameters.get("PaginationToken", "0"))
        start = max(turn - self._empty, 0) * self._page
        users = [] if turn < self._empty else found[start : start + self._page]
        more = turn < self._empty or start + self._page < len(found)
        page = {"Users": users, **({"PaginationToken": str(turn + 1)} if more else {})}
        return await answer(200, page, JSON, x_amzn_RequestId="stand-in")(exchange)

    async def admin_get_user(self, exchange: Exchange) -> web.Response:
        """Answer AdminGetUser, which also takes an alias or a sub."""
        name = exchange.call.parameters["Username"]
        found = [each for each in self._users if any(_is(each, alias, name) for alias in ALIASES)]
        if not found:
            return await refuse(400, "UserNotFoundException")(exchange)
        shown = {**found[0], "UserAttributes": found[0]["Attributes"]}
        del shown["Attributes"]
        return await answer(200, shown, JSON, x_amzn_RequestId="stand-in")(exchange)


def _is(user: dict[str, Any], attribute: str, value: str) -> bool:
    if attribute == "username":
        return bool(user["Username"] == value)
    attributes = {each["Name"]: each["Value"] for each in user["Attributes"]}
    held = attributes.get(attribute, "")
    return bool(held.lower() == value.lower() if attribute == "email" else held == value)
