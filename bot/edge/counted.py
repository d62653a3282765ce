"""A store and pools that are counted on the way: each ask ends in exactly one write, whoever makes it."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, cast

from bot.audit import AuditEntry
from bot.errors import PoolUnavailableError
from bot.ports import Attribute, Refused, RequestStore, SignedOut, Unclear, UserPool
from bot.request import Account, SignOutRequest

Failed = Callable[[str, str], None]  # which operation, and its error code


def counted(store: RequestStore, written: Callable[[AuditEntry], None]) -> RequestStore:
    """Return `store`, but so that `written` hears of each entry that ends something, once it is durable."""
    return cast("RequestStore", _CountedStore(store, written))


class _CountedStore:
    def __init__(self, store: RequestStore, written: Callable[[AuditEntry], None]) -> None:
        self._store = store
        self._written = written

    def advance(self, before: SignOutRequest, after: SignOutRequest, entry: AuditEntry) -> None:
        self._store.advance(before, after, entry)
        self._written(entry)

    def record(self, entry: AuditEntry) -> None:
        self._store.record(entry)
        self._written(entry)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class CountedPool:
    """A `UserPool` whose failed calls are counted."""

    def __init__(self, pool: UserPool, failed: Failed) -> None:
        self._pool = pool
        self._failed = failed

    @property
    def pool_id(self) -> str:
        """The user pool's id."""
        return self._pool.pool_id

    @property
    def default_region(self) -> str | None:
        """The country in which phone numbers without a country code are read."""
        return self._pool.default_region

    def on_behalf(self, request_id: str, operator_id: str) -> "CountedPool":
        """Return this pool for one request, counted as well."""
        return CountedPool(self._pool.on_behalf(request_id, operator_id), self._failed)

    def list_users(self, attribute: Attribute, value: str) -> Sequence[Account]:
        """Return the accounts of this value."""
        try:
            return self._pool.list_users(attribute, value)
        except PoolUnavailableError as error:
            self._count("ListUsers", error)
            raise

    def get_user(self, username: str) -> Account | None:
        """Return the account of this name."""
        try:
            return self._pool.get_user(username)
        except PoolUnavailableError as error:
            self._count("AdminGetUser", error)
            raise

    def sign_out(self, username: str, leave_within: timedelta) -> SignedOut | Refused | Unclear:
        """Call AdminUserGlobalSignOut once."""
        answer = self._pool.sign_out(username, leave_within)
        if not isinstance(answer, SignedOut):
            self._failed("AdminUserGlobalSignOut", answer.code)
        return answer

    def _count(self, operation: str, error: PoolUnavailableError) -> None:
        if error.code:  # without one, Cognito was not asked
            self._failed(operation, error.code)
