"""One Cognito user pool: find an account, and do a step of an action to it. One attempt for each call."""

import copy
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from botocore import xform_name
from botocore.exceptions import ClientError

from bot.action import Answer, Done, Refused, Step, Unclear
from bot.aws.answers import NO_CREDENTIALS, answer_to
from bot.aws.clients import Clients
from bot.aws.roles import Key, NotAssumedError, Role
from bot.aws.sessions import signing_with
from bot.errors import PoolUnavailableError
from bot.facts.advice import advice
from bot.facts.leaving import Departure, leaving, within
from bot.ports import Attribute
from bot.request import Account
from bot.work import CALL

if TYPE_CHECKING:
    from types_boto3_cognito_idp import CognitoIdentityProviderClient

MAX_FILTER_VALUE = 200  # of the 256 characters that a filter may have
MAX_PAGES = 50
_NOT_IN_A_FILTER = re.compile(r'["\\\s\x00-\x1f\x7f]')
_OK = 200
NO_ACCOUNT = "UserNotFoundException"
_SESSION_OVER = {"ExpiredTokenException", "UnrecognizedClientException"}


class CognitoUserPool:
    """A `UserPool`: the configured pool `name`. Safe to use from many threads.

    One with a `role` can only be asked on someone's behalf. `failed` is told the operation and the error code of each
    call that was not answered with yes.
    """

    def __init__(  # noqa: PLR0913, PLR0917 -- what is configured of a pool
        self,
        name: str,
        pool_id: str,
        region: str,
        clients: Clients,
        default_region: str | None = None,
        role: Role | None = None,
        failed: Callable[[str, str], None] = lambda _, __: None,
    ) -> None:
        self._name = name
        self._pool_id = pool_id
        self._region = region
        self._clients = clients
        self._default_region = default_region
        self._role = role
        self._failed = failed
        self._key: Key | None = None

    @property
    def pool_id(self) -> str:
        """The user pool's id."""
        return self._pool_id

    @property
    def default_region(self) -> str | None:
        """The country in which phone numbers without a country code are read."""
        return self._default_region

    def on_behalf(self, request_id: str, operator_id: str) -> "CognitoUserPool":
        """Return this pool, asked with a session of its role that names both, where it has one."""
        if not self._role:
            return self
        view = copy.copy(self)
        view._key = Key(self._role.arn, request_id, operator_id)  # noqa: SLF001 -- it is one of us
        return view

    def list_users(self, attribute: Attribute, value: str) -> Sequence[Account]:
        """Return every account that ListUsers gives for this value; pages may be empty and still go on."""
        # An empty filter, or one that a quote ends early, would return everyone.
        if not value or len(value) > MAX_FILTER_VALUE or _NOT_IN_A_FILTER.search(value):
            raise PoolUnavailableError("This cannot be looked for in Cognito.")
        accounts: list[Account] = []
        token: dict[str, Any] = {}
        for _ in range(MAX_PAGES):
            page = self._ask("ListUsers", Filter=f'{attribute} = "{value}"', **token)
            accounts += [self._account(each, each.get("Attributes", ())) for each in page.get("Users", ())]
            if not page.get("PaginationToken"):
                return accounts
            token = {"PaginationToken": page["PaginationToken"]}
        raise PoolUnavailableError("Cognito found too many users to list. Write the user name itself.")

    def get_user(self, username: str) -> Account | None:
        """Return the account of this user name (AdminGetUser, which counts towards the pool's bill)."""
        found = self._ask("AdminGetUser", Username=username)
        return found and self._account(found, found.get("UserAttributes", ()))

    def _ask(self, operation: str, **parameters: Any) -> Any:
        """Return the answer; None where there is no such account."""
        departure = Departure(within(CALL.total_seconds())) if self._role else Departure()
        try:
            with leaving(departure), self._cognito() as cognito:
                answer = getattr(cognito, xform_name(operation))(UserPoolId=self._pool_id, **parameters)
        except Exception as error:  # noqa: BLE001 -- an answer that cannot be read names no one
            if isinstance(error, ClientError) and error.response["Error"].get("Code") == NO_ACCOUNT:
                return None
            trouble = self._answer(error, sent=departure.sent)
        else:
            if _request_id_of_yes(answer):
                return answer
            trouble = Unclear("Unreachable")
        self._failed(operation, trouble.code)
        raise PoolUnavailableError(
            f"Pool {self._name} could not be asked, so it is not certain who is meant."
            f" {advice(trouble.code, is_clear=isinstance(trouble, Refused))}",
            trouble.code,
            refused=isinstance(trouble, Refused) and (trouble.sent or not trouble.may_retry),
        )

    @contextmanager
    def _cognito(self) -> Iterator["CognitoIdentityProviderClient"]:
        """Give the client to call with. May ask STS first, within the time that the call has to leave."""
        if not self._role:
            yield self._clients.of(self._region)
        elif not self._key:
            raise RuntimeError("a pool with a role is only asked on someone's behalf")
        else:
            with signing_with(self._role.roles.session(self._key, self._region)):
                yield self._clients.of_present_session(self._region)

    def _answer(self, error: Exception, *, sent: bool) -> Refused | Unclear:
        if isinstance(error, NotAssumedError):
            return error.refused
        answer = answer_to(error, sent=sent)
        if self._role and self._key and answer.code in _SESSION_OVER:
            self._role.roles.forget(self._key)
        if answer.code == NO_CREDENTIALS:
            self._clients.forget(self._region)  # a client keeps what it found, or did not find, when it was built
        return answer

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
            provider=_provider(values.get("identities")) if user.get("UserStatus") == "EXTERNAL_PROVIDER" else None,
            status=user.get("UserStatus"),
            enabled=user.get("Enabled"),
            created_at=user.get("UserCreateDate"),
            modified_at=user.get("UserLastModifiedDate"),
        )

    def call(self, step: Step, username: str, left: Callable[[], timedelta]) -> Answer:
        """Call a step's operation once; it leaves while time is `left` or not at all."""
        departure = Departure(lambda: left().total_seconds())
        try:
            with leaving(departure), self._cognito() as cognito:
                answer = getattr(cognito, xform_name(step))(UserPoolId=self._pool_id, Username=username)
        except Exception as error:  # noqa: BLE001 -- any error is no yes
            trouble = self._answer(error, sent=departure.sent)
        else:
            if request_id := _request_id_of_yes(answer):
                return Done(request_id)
            trouble = Unclear("Unreachable")
        self._failed(step, trouble.code)
        return trouble


def _provider(identities: str | None) -> str:
    """Return the name of a federated account's provider. A local account may have identities linked to it as well."""
    try:
        return str(json.loads(identities or "[]")[0]["providerName"])
    except (ValueError, LookupError, TypeError):
        return "another provider"


def _request_id_of_yes(answer: Any) -> str | None:
    # botocore takes any 2xx for a yes, a proxy's login page included: Cognito's own carries its request id.
    request_id: str | None = answer["ResponseMetadata"].get("RequestId")
    return request_id if answer["ResponseMetadata"]["HTTPStatusCode"] == _OK else None
