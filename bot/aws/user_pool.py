"""One Cognito user pool: find an account, sign it out. One attempt a call, and every failure classified."""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ReadTimeoutError,
    TokenRetrievalError,
)

from bot.errors import AccountNotFoundError, PoolUnavailableError, advice
from bot.ports import Attribute, Refused, SignedOut, Unclear
from bot.request import Account
from bot.sign_out import CONNECT_SECONDS, READ_SECONDS

if TYPE_CHECKING:
    from types_boto3_cognito_idp import CognitoIdentityProviderClient

MAX_FILTER_VALUE = 200  # of the 256 characters that a filter may have
MAX_PAGES = 50
_NOT_IN_A_FILTER = re.compile(r'["\\\s\x00-\x1f\x7f]')
_THROTTLED = frozenset({"TooManyRequestsException", "ThrottlingException", "Throttling", "LimitExceededException"})
_BAD_CREDENTIALS = (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError, TokenRetrievalError)
_REQUEST_TIMEOUT, _TOO_MANY, _SERVER_ERROR = 408, 429, 500


def client(region: str, connections: int) -> "CognitoIdentityProviderClient":
    """Return a client for a region's Cognito. Credentials and endpoint come from the environment, as boto3 reads them.

    botocore's own retries would hide doubt (a time-out followed by a refusal looks like a refusal), so there are none.
    """
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"total_max_attempts": 1, "mode": "standard"},
        max_pool_connections=connections,
    )
    return boto3.client("cognito-idp", region_name=region, config=config)


class CognitoUserPool:
    """A `UserPool`: the configured pool `name`. Safe to use from many threads."""

    def __init__(
        self,
        name: str,
        pool_id: str,
        region: str,
        cognito: "CognitoIdentityProviderClient",
        default_region: str | None = None,
    ) -> None:
        self._name = name
        self._pool_id = pool_id
        self._region = region
        self._cognito = cognito
        self._default_region = default_region

    @property
    def default_region(self) -> str | None:
        """The country in which phone numbers without a country code are read."""
        return self._default_region

    def list_users(self, attribute: Attribute, value: str) -> Sequence[Account]:
        """Return every account that ListUsers gives for this value; pages may be empty and still go on."""
        # An empty filter, or one that a quote ends early, would return everybody.
        if not value or len(value) > MAX_FILTER_VALUE or _NOT_IN_A_FILTER.search(value):
            raise PoolUnavailableError("This cannot be looked for in Cognito.")
        accounts: list[Account] = []
        token: dict[str, Any] = {}
        for _ in range(MAX_PAGES):
            page = self._ask(
                partial(self._cognito.list_users, UserPoolId=self._pool_id, Filter=f'{attribute} = "{value}"', **token)
            )
            accounts += [self._account(each, each.get("Attributes", ())) for each in page["Users"]]
            if not page.get("PaginationToken"):
                return accounts
            token = {"PaginationToken": page["PaginationToken"]}
        raise PoolUnavailableError("Cognito found too many users to list. Write the user name itself.")

    def get_user(self, username: str) -> Account | None:
        """Return the account of this user name (AdminGetUser, which counts towards the pool's bill)."""
        try:
            found = self._ask(partial(self._cognito.admin_get_user, UserPoolId=self._pool_id, Username=username))
        except AccountNotFoundError:
            return None
        return self._account(found, found.get("UserAttributes", ()))

    def _ask(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except (ClientError, BotoCoreError) as error:
            code = _answer(error).code
            if code == "UserNotFoundException":
                raise AccountNotFoundError from None
            raise PoolUnavailableError(
                f"Pool {self._name} could not be asked, so it is not certain who is meant. {advice(code)}"
            ) from None

    def _account(self, user: Any, attributes: Iterable[Any]) -> Account:
        values = {each["Name"]: each.get("Value") for each in attributes}
        return Account(
            pool=self._name,
            pool_id=self._pool_id,
            region=self._region,
            username=user["Username"],
            sub=values.get("sub"),
            email=values.get("email"),
            phone=values.get("phone_number"),
            provider=_provider(values.get("identities"), user.get("UserStatus")),
            status=user.get("UserStatus"),
            enabled=user.get("Enabled"),
            created_at=user.get("UserCreateDate"),
            modified_at=user.get("UserLastModifiedDate"),
        )

    def sign_out(self, username: str) -> SignedOut | Refused | Unclear:
        """Call AdminUserGlobalSignOut once."""
        try:
            answer = self._cognito.admin_user_global_sign_out(UserPoolId=self._pool_id, Username=username)
        except (ClientError, BotoCoreError) as error:
            return _answer(error)
        return SignedOut(answer["ResponseMetadata"].get("RequestId"))


def _provider(identities: str | None, status: str | None) -> str | None:
    """Return the name of a federated account's provider. A local account may have identities linked to it as well."""
    if status != "EXTERNAL_PROVIDER":
        return None
    try:
        return str(json.loads(identities or "[]")[0]["providerName"])
    except (ValueError, LookupError, TypeError):
        return "another provider"


def _answer(error: ClientError | BotoCoreError) -> Refused | Unclear:
    if isinstance(error, ClientError):
        metadata = error.response["ResponseMetadata"]
        status, request_id = metadata["HTTPStatusCode"], metadata.get("RequestId")
        code = error.response["Error"]["Code"]
        if status >= _SERVER_ERROR or status == _REQUEST_TIMEOUT or code == "InternalErrorException":
            return Unclear(code, request_id)
        return Refused(code, request_id, may_retry=status == _TOO_MANY or code in _THROTTLED)
    if isinstance(error, _BAD_CREDENTIALS):
        return Refused("NoCredentials", None)  # nothing was sent
    if isinstance(error, ParamValidationError):
        return Refused("InvalidParameterException", None)  # nothing was sent
    timed_out = isinstance(error, ReadTimeoutError | ConnectTimeoutError)
    return Unclear("TimedOut" if timed_out else "Unreachable")
