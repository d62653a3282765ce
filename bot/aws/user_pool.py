"""One Cognito user pool: find an account, and do a step of an action to it. One attempt for each call."""

import json
import re
import time
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError

from bot.account import Account, Session
from bot.action import Answer, Done, Refused, Step, Unclear
from bot.aws.answers import answer_to
from bot.aws.clients import Clients
from bot.aws.roles import NotAssumedError, Role
from bot.errors import NO_CREDENTIALS, NOT_READ, PoolUnavailableError
from bot.facts.advice import advice
from bot.facts.clock import date_of
from bot.facts.leaving import Departure, TooLateError, leaving, within
from bot.options import Attribute
from bot.ports import Left
from bot.work import CALL

MAX_FILTER_VALUE = 200  # of the 256 characters that a filter may have
MAX_PAGES = 50
_NOT_IN_A_FILTER = re.compile(r'["\\\s]')
_OK = 200
QUOTA = "GetProvisionedLimit"  # of the AWS account and region, not of a pool
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
        asked = {"Filter": f'{attribute} = "{value}"'}
        for _ in range(MAX_PAGES):
            page = self._ask("ListUsers", **asked)
            accounts += [self._account(each) for each in page.get("Users", ())]
            if not page.get("PaginationToken"):
                return accounts
            asked["PaginationToken"] = page["PaginationToken"]
        raise PoolUnavailableError("Cognito found too many users to list. Write the user name itself.")

    def get_user(self, username: str) -> Account | None:
        """Return the account of this user name or alias (AdminGetUser, which counts towards the pool's bill)."""
        found = self._ask("AdminGetUser", Username=username)
        return found and self._account(found)

    def everyone(self, token: str | None = None) -> tuple[Sequence[Account], str | None]:
        """Return a page of all accounts (ListUsers without a filter) and the next one's token; None after the last."""
        page = self._ask("ListUsers", unsure="who is in it", **({"PaginationToken": token} if token else {})) or {}
        return [self._account(each) for each in page.get("Users", ())], page.get("PaginationToken")

    def members_of(self, group: str) -> frozenset[str]:
        """Return the user names that ListUsersInGroup gives. Raises `PoolUnavailableError` for no such group too."""
        members = self._each("ListUsersInGroup", "Users", unsure="who is protected", GroupName=group)
        return frozenset(each["Username"] for each in members)

    def quota(self, category: str) -> int:
        """Return how many calls of a category a second GetProvisionedLimit says. Raises `PoolUnavailableError`."""
        of = {"LimitClass": "API_CATEGORY", "Attributes": {"Category": category}}
        return int(self._ask(QUOTA, unsure="how much it takes", LimitDefinition=of)["Limit"]["ProvisionedLimitValue"])

    def prepare(self) -> None:
        """Assume the pool's role, where it has one, so that the next call can leave at once."""
        if self.role:
            with suppress(NotAssumedError, TooLateError):
                self.role.roles.session(self.role, self.region)

    def groups_of(self, username: str) -> frozenset[str]:
        """Return the names of the groups that AdminListGroupsForUser gives; none for someone who is not there."""
        groups = self._each("AdminListGroupsForUser", "Groups", Username=username)
        return frozenset(each["GroupName"] for each in groups)

    def tracks_sessions(self) -> bool:
        """Return whether GetUserPoolSessionConfiguration says ENABLED, which a pool has to be set to."""
        given = self._ask("GetUserPoolSessionConfiguration", unsure="whether it tracks sessions") or {}
        return bool(given.get("UserSessionTracking") == "ENABLED")

    def sessions(self, username: str) -> Sequence[Session]:
        """Return what AdminListUserSessions gives: the sessions of some seconds ago, neither ended nor expired."""
        found = self._each("AdminListUserSessions", "Sessions", unsure="which sessions are left", Username=username)
        try:
            return [_session(each) for each in found]
        except (LookupError, TypeError, AttributeError):
            raise PoolUnavailableError("Cognito's list of sessions cannot be read.", NOT_READ) from None

    def end_session(self, session_id: str, username: str, left: Left) -> Answer:
        """Call AdminRevokeUserSession once with LINKED. A yes does not say that the linked sessions are ended already.

        From an SSO session, LINKED reaches the tokens that came through it. From tokens, it reaches the SSO session
        that they came through, or their browser would get new ones without a password; but no other tokens of that SSO
        session: to end those too, end the SSO session. A browser has an SSO session of its own, so no other device is
        reached. AWS documents no error for a session that has ended already: `sessions` says what is left.
        """
        linked = {"SessionId": session_id, "RevokeAssociatedSessions": "LINKED"}
        return self.call(Step.END_SESSION, username, left, **linked)

    def call(self, step: Step, username: str, left: Left, **more: str) -> Answer:
        """Call a step's operation once, with `more` parameters; it leaves while time is `left` or not at all."""
        departure = Departure(lambda: left().total_seconds())
        try:
            given = self._call(step, departure, Username=username, **more)
        except Exception as error:  # noqa: BLE001 -- any error is not a yes
            answer = self._no(error, departure)
            self.failed(step, answer.code)
            return answer
        answered = given["ResponseMetadata"]
        return Done(answered["RequestId"], date_of(answered.get("HTTPHeaders", {})))

    def _each(self, operation: str, key: str, **parameters: Any) -> Iterator[Any]:
        """Give what is on all pages of a list; nothing for an account that is not there."""
        for _ in range(MAX_PAGES):
            page = self._ask(operation, **parameters) or {}
            yield from page.get(key, ())
            if not page.get("NextToken"):
                return
            parameters["NextToken"] = page["NextToken"]
        raise PoolUnavailableError(f"Cognito found too many {key.lower()} to list.", NOT_READ)

    def _ask(self, operation: str, unsure: str = "who is meant", **parameters: Any) -> Any:
        """Return what Cognito says; None for no such account. An error says that `unsure` is not certain."""
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
            f"Pool {self.name} could not be asked, so it is not certain {unsure}."
            f" {advice(answer.code, is_clear=refused)}",
            answer.code,
            refused=refused and (answer.sent or not answer.may_retry),
            may_retry=answer.may_retry,
        )

    def _call(self, operation: str, departure: Departure, **parameters: Any) -> Any:
        """Call an operation once and return its yes. What it raises is for `_no`."""
        with leaving(departure):
            if self.role:  # STS may be asked first, within the time that the call has to leave
                departure.credentials = self.role.roles.session(self.role, self.region)
            client = self.clients.of(self.region, "present session" if self.role else "own")
            of_pool = {} if operation == QUOTA else {"UserPoolId": self.pool_id}
            given = getattr(client, xform_name(operation))(**of_pool, **parameters)
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

    def _account(self, user: Any) -> Account:
        attributes = user.get("Attributes", user.get("UserAttributes", ()))  # the latter is AdminGetUser's word
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


def _session(session: Any) -> Session:
    place = session.get("LastLocation") or {}
    return Session(
        id=session["SessionId"],
        kind=session["SessionType"],
        device=_known(session.get("DeviceType")),
        last_active_at=_aware(session.get("LastActiveDate")),
        began_at=_aware(session.get("CreateDate")),
        city=_known(place.get("City")),
        country=_known(place.get("Country")),
        address=_known(session.get("LastIPAddress")),
        origin_id=session.get("OriginSessionId"),
    )


def _aware(time: datetime | None) -> datetime | None:
    """Return a time of Cognito's. Where it names no zone it is UTC."""
    return time.replace(tzinfo=UTC) if time and time.tzinfo is None else time


def _known(text: str | None) -> str | None:
    return text if text and text.lower() != "unknown" else None
