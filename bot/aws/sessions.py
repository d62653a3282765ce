"""Credentials that a thread signs with for a while: how one client serves the sessions of many operators."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from botocore.credentials import CredentialProvider, Credentials, ReadOnlyCredentials
from botocore.exceptions import NoCredentialsError

_present: ContextVar[ReadOnlyCredentials] = ContextVar("present")


@contextmanager
def signing_with(session: ReadOnlyCredentials) -> Iterator[None]:
    """Sign what this thread sends through clients of `PresentSession` with these credentials."""
    token = _present.set(session)
    try:
        yield
    finally:
        _present.reset(token)


class PresentSession(CredentialProvider):
    """Gives a client no credentials but those of `signing_with`: it never falls back to the bot's own."""

    METHOD = CANONICAL_NAME = "present-session"

    def load(self) -> Credentials:
        """Return credentials that are looked up again for each request."""
        return _OfThePresent("", "", method=self.METHOD)


class _OfThePresent(Credentials):
    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        try:
            return _present.get()
        except LookupError:
            raise NoCredentialsError from None
