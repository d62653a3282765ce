"""One Cognito user pool: find an account, sign it out. One attempt a call, and every failure classified."""

from typing import TYPE_CHECKING

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
from bot.ports import Refused, SignedOut, Unclear
from bot.request import Account
from bot.sign_out import CONNECT_SECONDS, READ_SECONDS

if TYPE_CHECKING:
    from types_boto3_cognito_idp import CognitoIdentityProviderClient

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

    def __init__(self, name: str, pool_id: str, region: str, cognito: "CognitoIdentityProviderClient") -> None:
        self._name = name
        self._pool_id = pool_id
        self._region = region
        self._cognito = cognito

    def find(self, username: str) -> Account:
        """Return the account of this user name (AdminGetUser, which counts towards the pool's bill)."""
        try:
            found = self._cognito.admin_get_user(UserPoolId=self._pool_id, Username=username)
        except (ClientError, BotoCoreError) as error:
            code = _answer(error).code
            if code == "UserNotFoundException":
                raise AccountNotFoundError(
                    f"There is no such user in pool {self._name}. User names are case-sensitive: check the spelling."
                ) from None
            raise PoolUnavailableError(f"The user could not be looked up. {advice(code)}") from None
        attributes = {each["Name"]: each.get("Value") for each in found.get("UserAttributes", ())}
        return Account(
            pool=self._name,
            pool_id=self._pool_id,
            region=self._region,
            username=found["Username"],
            sub=attributes.get("sub"),
            email=attributes.get("email"),
            status=found.get("UserStatus"),
            enabled=found.get("Enabled"),
            created_at=found.get("UserCreateDate"),
        )

    def sign_out(self, username: str) -> SignedOut | Refused | Unclear:
        """Call AdminUserGlobalSignOut once."""
        try:
            answer = self._cognito.admin_user_global_sign_out(UserPoolId=self._pool_id, Username=username)
        except (ClientError, BotoCoreError) as error:
            return _answer(error)
        return SignedOut(answer["ResponseMetadata"].get("RequestId"))


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
