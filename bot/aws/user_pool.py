"""One Cognito user pool: find an account, and do a step of an action to it. One attempt for each call."""

import json
import re
import time
from collections.abc import Callable, Iterable, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError

from bot.action import Answer, Done, Refused, Step, Unclear
from bot.aws.answers import answer_to
from bot.aws.clients import Clients
from bot.aws.roles import NotAssumedError, Role
from bot.errors import NO_CREDENTIALS, PoolUnavailableError
from bot.facts.advice import advice
from bot.facts.leaving import Departure, leaving, within
from bot.ports import Attribute, Left
from bot.request import Account
from bot.work import CALL

MAX_FILTER_VALUE = 200  # of the 256 characters that a filter may have
MAX_PAGES = 50
_NOT_IN_A_FILTER = re.compile(r'["\\\s]')
_OK = 200
NO_ACCOUNT = "UserNotFoundException"
_SESSION_OVER = {"ExpiredTokenException", "UnrecognizedClientException"}
Heard = tuple[str | None, float]  # see `CognitoUserPool`


@dataclass(frozen=True)
class CognitoUserPool:
    """A `UserPool`: the configured pool `name`. Safe to use from many threads.

    One with a `role` can only be asked on someone's behalf. `failed` is told the operation and the error code of each
    call that was not answered with yes. In `heard` it notes under its name the last call's error code (None: there was
    none), and when that was.
    """

    name: str
    pool_id: str
    region: str
    clients: Clients
    role: Role | None = None
    failed: Callable[[str, str], None] = lambda _, __: None
    heard: MutableMapping[str, Heard] = field(default_factory=dict)

    def on_behalf(self, request_id: str, operator_id: str) -> "CognitoUserPool":
        """Return this pool, asked with a session of its role that names both, where it has one."""
        if not self.role:
            return self
        return replace(self, role=replace(self.role, request_id=request_id, operator_id=operator_id))

    def list_users(self, attribute: Attribute, value: str) -> Sequence[Account]:
        """Return every account that ListUsers gives for this value; pages may be empty and still go on."""
        # An empty filter, or one that a quote ends early, would return everyone.
        if not 0 < len(value) <= MAX_FILTER_VALUE or not value.isprintable() or _NOT_IN_A_FILTER.search(value):
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
        """Return the account of this user name or alias (AdminGetUser, which counts towards the pool's bill)."""
        found = self._ask("AdminGetUser", Username=username)
        return found and self._account(found, found.get("UserAttributes", ()))

    def groups_of(self, username: str) -> frozenset[str]:
        """Return the names of the groups that AdminListGroupsForUser gives; none for someone who is not there."""
        names: set[str] = set()
        token: dict[str, Any] = {}
        for _ in range(MAX_PAGES):
            page = self._ask("AdminListGroupsForUser", Username=username, **token) or {}
            names.update(each["GroupName"] for each in page.get("Groups", ()))
            if not page.get("NextToken"):
                return frozenset(names)
            token = {"NextToken": page["NextToken"]}
        raise PoolUnavailableError("Cognito found too many groups to list.")

    def call(self, step: Step, username: str, left: Left) -> Answer:
        """Call a step's operation once; it leaves while time is `left` or not at all."""
        departure = Departure(lambda: left().total_seconds())
        try:
            given = self._call(step, departure, Username=username)
        except Exception as error:  # noqa: BLE001 -- any error is not a yes
            answer = self._no(error, departure)
            self.failed(step, answer.code)
            return answer
        return Done(given["ResponseMetadata"]["RequestId"])

    def _ask(self, operation: str, **parameters: Any) -> Any:
        """Return what Cognito says; None where there is no such account."""
        departure = Departure(within(CALL.total_seconds())) if self.role else Departure()
        try:
            return self._call(operation, departure, **parameters)
        except Exception as error:  # noqa: BLE001 -- an answer that cannot be read names no one
            if isinstance(error, ClientError) and error.response["Error"].get("Code") == NO_ACCOUNT:
                self.heard[self.name] = None, time.monotonic()
                return None
            answer = self._no(error, departure)
        self.failed(operation, answer.code)
        refused = isinstance(answer, Refused)
        raise PoolUnavailableError(
            f"Pool {self.name} could not be asked, so it is not certain who is meant."
            f" {advice(answer.code, is_clear=refused)}",
            answer.code,
            refused=refused and (answer.sent or not answer.may_retry),
        )

    def _call(self, operation: str, departure: Departure, **parameters: Any) -> Any:
        """Call an operation once and return its yes. What it raises is for `_no`."""
        with leaving(departure):
            if self.role:  # STS may be asked first, within the time that the call has to leave
                departure.credentials = self.role.roles.session(self.role, self.region)
            client = self.clients.of(self.region, "present session" if self.role else "own")
            given = getattr(client, xform_name(operation))(UserPoolId=self.pool_id, **parameters)
        # botocore takes any 2xx for a yes, a proxy's login page included: Cognito's own carries its request id.
        if given["ResponseMetadata"]["HTTPStatusCode"] != _OK or not given["ResponseMetadata"].get("RequestId"):
            raise ValueError("this is not Cognito's answer")
        self.heard[self.name] = None, time.monotonic()
        return given

    def _no(self, error: Exception, departure: Departure) -> Refused | Unclear:
        """Return what is known after a call that was not answered with yes."""
        answer = error.refused if isinstance(error, NotAssumedError) else answer_to(error, sent=departure.sent)
        self.heard[self.name] = answer.code, time.monotonic()
        if self.role and answer.code in _SESSION_OVER:
            self.role.roles.forget(self.role)
        if answer.code == NO_CREDENTIALS:
            self.clients.forget(self.region)  # a client keeps what it found, or did not find, when it was built
        return answer

    def _account(self, user: Any, attributes: Iterable[Any]) -> Account:
        values = {each["Name"]: each.get("Value") for each in attributes}
        return Account(
            pool=self.name,
            pool_id=self.pool_id,
            region=self.region,
            username=user["Username"],
            sub=values.get("sub"),
            email=values.get("email"),
            phone=values.get("phone_number"),
            provider=_provider(values.get("identities")) if user.get("UserStatus") == "EXTERNAL_PROVIDER" else None,
            status=user.get("UserStatus"),
            enabled=user.get("Enabled"),
            created_at=user.get("UserCreateDate"),
            modified_at=user.get("UserLastModifiedDate"),
            preferred_username=values.get("preferred_username"),
        )


def _provider(identities: str | None) -> str:
    """Return the name of a federated account's provider. A local account may have identities linked to it as well."""
    try:
        return str(json.loads(identities or "[]")[0]["providerName"])
    except (ValueError, LookupError, TypeError):
        return "another provider"
