"""One account of a user pool, and its sessions."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """The Cognito user that a target turned out to be. `pool` is the short name of its pool."""

    pool: str
    pool_id: str
    region: str
    username: str
    sub: str | None = None
    email: str | None = None
    phone: str | None = None
    provider: str | None = None  # where a federated account signs in, such as Google
    status: str | None = None
    enabled: bool | None = None
    created_at: datetime | None = None
    modified_at: datetime | None = None
    preferred_username: str | None = None
    protected: str | None = None  # by which rule, when it was looked up

    @property
    def key(self) -> str:
        """What no other account has. A pool's id has no `#` in it, and no `@`.

        A replica has its pool's id, but its accounts have keys of their own: a sign-out there may not count here.
        """
        replica = "" if self.pool_id.startswith(f"{self.region}_") else f"@{self.region}"
        return f"{self.pool_id}{replica}#{self.username}"

    @property
    def sign_in(self) -> str:
        """How its person signs in, in words."""
        return f"through {self.provider} (federated)" if self.provider else "local"

    @property
    def status_in_words(self) -> str:
        """Its status, and whether it is enabled, in words. Empty where neither is known."""
        enabled = None if self.enabled is None else ("enabled" if self.enabled else "disabled")
        return ", ".join(filter(None, (self.status, enabled)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """One session of an account, as a pool that tracks them lists it. What is not known is None."""

    id: str
    kind: str  # "TOKEN": an app's tokens. "SSO": a browser's, with which the login page asks for no password
    device: str | None = None  # what was used last: operating system, and browser or app
    last_active_at: datetime | None = None
    began_at: datetime | None = None
    city: str | None = None  # where it was used last, by its address
    country: str | None = None  # its English name
    address: str | None = field(default=None, repr=False)  # of the network that it was used from last
    origin_id: str | None = None  # of a "TOKEN": the "SSO" session that it came through, if it did


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """What a list `at` the end of a run says: so many of the sessions that had begun before the decision are `left`.

    `newer` are the devices' sessions that began since, and there are so many `more`: none was ended one by one.
    """

    at: datetime
    left: int
    newer: tuple[Session, ...] = ()
    more: int = 0
