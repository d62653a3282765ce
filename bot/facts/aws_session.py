"""A botocore session that says where its credentials come from, or why there are none, before anything is sent."""

import logging
import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

import botocore.session
from botocore.config import Config
from botocore.credentials import CredentialProvider, Credentials, ReadOnlyCredentials
from botocore.exceptions import (
    BotoCoreError,
    ConfigParseError,
    InvalidConfigError,
    NoCredentialsError,
    ProfileNotFound,
)

from bot.errors import AwsSetupError
from bot.facts.aws_credentials import NO_SOURCE, SETTINGS, explained, words_for
from bot.facts.aws_names import home_region
from bot.facts.boto3_way import lead
from bot.facts.way import faults, unreadable

PROCESS_SECONDS = 20.0  # for a credential_process
_FAULTY_SETTINGS = (ConfigParseError, InvalidConfigError, ProfileNotFound)
_Profiles = Mapping[str, Mapping[str, Any]]
# By which settings the profile of a source is known.
_KEPT_IN: Mapping[str, Sequence[str]] = {
    "sso": ("sso_session", "sso_account_id", "sso_role_name"),
    "login": ("login_session",),
    "process": ("credential_process",),
    "mfa": ("mfa_serial",),
    "keys": ("aws_access_key_id",),
    "token": ("web_identity_token_file",),
}
_NOT_ASKED = "the instance (IMDS) is not asked, by AWS_EC2_METADATA_DISABLED"
_NO_ROLE = "the instance's metadata service (IMDS) does not answer or has no role"
_CA_SETTINGS = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")


class MfaError(Exception):
    """A profile wants a code typed."""


class AwsSession(botocore.session.Session):
    """A session as botocore makes it. Each method raises `AwsSetupError` where settings or credentials do not work.

    No one is asked for an MFA code, and no program that gives credentials runs for longer than `PROCESS_SECONDS`.
    """

    _own: "_Own | None" = None

    def get_credentials(self) -> "_Own":
        """Return the credentials of the first source that is set up. Where it gives none, their use fails."""
        if self._own is None:
            if fault := self._way_fault():
                raise fault
            self._own = self._loaded()
        return self._own or _Own(self, None)

    def ask(self) -> str:
        """Get credentials that can be used now; return the words for their source."""
        self.get_credentials().get_frozen_credentials()
        if fault := self._way_fault():
            raise fault
        return self.source

    @property
    def source(self) -> str:
        """The words for where the credentials come from."""
        return words_for(self.get_credentials().method, self._names())

    @property
    def region(self) -> str | None:
        """The region for what has none of its own."""
        with self.explaining():
            return home_region(self.get_config_variable("region"))

    @contextmanager
    def explaining(self, method: str = SETTINGS) -> Iterator[None]:
        """Make an `AwsSetupError` of what a source of credentials meets, or of what is wrong with the settings."""
        try:
            yield
        except AwsSetupError:
            raise
        except Exception as error:
            if method == SETTINGS and not isinstance(error, _FAULTY_SETTINGS):
                raise
            raise explained(error, method, self._names()) from None

    def _loaded(self) -> "_Own | None":
        with self.explaining():
            providers: list[CredentialProvider] = self.get_component("credential_provider").providers
        return next(filter(None, (each.load() for each in self.told(providers))), None)

    def told(self, providers: Iterable[CredentialProvider]) -> "list[_Told]":
        """Return these sources, so that each says what is wrong, also where it is another's source."""
        return [each if isinstance(each, _Told) else _Told(self, each) for each in providers]

    def create_client(self, *given: Any, **named: Any) -> Any:
        """Return a client that goes the way of `way.py`. It trusts what `_ca_bundle` names, else what `way.py` does."""
        if named.get("verify") is None:  # botocore would refuse an empty variable
            named["verify"] = self._ca_bundle() or True
        client = super().create_client(*given, **named)
        lead(client)
        return client

    def _ca_bundle(self) -> str | None:
        with self.explaining():
            return self.get_config_variable("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE") or None

    def _way_fault(self) -> AwsSetupError | None:
        """Say what is wrong with the way to AWS, the certificates that are trusted there among it."""
        if wrong := faults():
            return AwsSetupError(" ".join(wrong), "", source=SETTINGS, kind="Way")
        if not (path := self._ca_bundle()) or not (why := unreadable(path)):
            return None
        name = next((each for each in _CA_SETTINGS if os.environ.get(each) == path), "ca_bundle in the AWS settings")
        sentence = f"{name} names {path}, but {why}, so nothing can be sent to AWS."
        return AwsSetupError(sentence, f"Correct or remove {name}.", source=SETTINGS, kind="CaBundle")

    def _names(self) -> Mapping[str, str]:
        """Return the names that sentences need: profiles and files."""
        chosen = str(self.get_config_variable("profile") or "default")
        profiles: _Profiles = {}
        with suppress(BotoCoreError):
            profiles = self.full_config.get("profiles", {})
        names = {name: _profile_with(settings, profiles, chosen) for name, settings in _KEPT_IN.items()}
        in_profile = profiles.get(names["token"], {}).get("web_identity_token_file", "")
        is_off = os.environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true"
        return {
            **names,
            "profile": chosen,
            "token_file": os.environ.get("AWS_WEB_IDENTITY_TOKEN_FILE") or in_profile,
            "config": str(self.get_config_variable("config_file")),
            "credentials": str(self.get_config_variable("credentials_file")),
            "imds": _NOT_ASKED if is_off else _NO_ROLE,
        }


def _profile_with(settings: Iterable[str], profiles: _Profiles, chosen: str) -> str:
    """Return the chosen profile, or that of its sources which has one of these settings."""
    name, seen = chosen, set[str]()
    while name not in seen:
        if any(each in profiles.get(name, {}) for each in settings):
            return name
        seen.add(name)
        name = profiles.get(name, {}).get("source_profile", chosen)
    return chosen


class _Told(CredentialProvider):
    """One source. Where it gives nothing that it should, that is said as `AwsSetupError`."""

    def __init__(self, session: AwsSession, its: Any) -> None:
        self._session, self._its = session, its
        self.METHOD, self.CANONICAL_NAME = its.METHOD, its.CANONICAL_NAME
        # There is no public way to these.
        if hasattr(its, "_popen"):
            its._popen = _Process  # noqa: SLF001
        if hasattr(its, "_prompter"):
            its._prompter = _no_code  # noqa: SLF001
            sourcer, builder = its._credential_sourcer, its._profile_provider_builder  # noqa: SLF001
            sourcer._providers = session.told(sourcer._providers)  # noqa: SLF001
            build = builder.providers
            builder.providers = lambda *given, **named: session.told(build(*given, **named))

    def load(self) -> "_Own | None":
        with self._session.explaining(str(self.METHOD)):
            found = self._its.load()
        return _Own(self._session, found) if found else None


class _Own(Credentials):
    """Credentials of a session; where they cannot be renewed, that is said as `AwsSetupError`."""

    def __init__(self, session: AwsSession, found: Credentials | None) -> None:
        self.method, self._session, self._found = str(found.method) if found else NO_SOURCE, session, found

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        with self._session.explaining(self.method):
            if not self._found:
                raise NoCredentialsError
            return self._found.get_frozen_credentials()

    access_key = property(lambda self: self.get_frozen_credentials().access_key)
    secret_key = property(lambda self: self.get_frozen_credentials().secret_key)
    token = property(lambda self: self.get_frozen_credentials().token)
    account_id = property(lambda self: self.get_frozen_credentials().account_id)


class _Process(subprocess.Popen[bytes]):
    """A program that gives credentials, which is stopped when its time is over."""

    def communicate(self, *given: Any, **named: Any) -> Any:
        try:
            return super().communicate(*given, **{"timeout": PROCESS_SECONDS, **named})
        except subprocess.TimeoutExpired:
            with self:  # closes its pipes, and waits
                self.kill()
            raise


def aws_session(config: Config | None = None) -> AwsSession:
    """Return a session; with a `config`, one that keeps to its bounds, also in the calls that get credentials."""
    for name in ("botocore.credentials", "botocore.tokens"):
        logging.getLogger(name).addFilter(_without_traceback)
    session = AwsSession()
    if config:
        session.set_default_client_config(config)
    return session


def _no_code(_: str) -> NoReturn:
    raise MfaError


def _without_traceback(record: logging.LogRecord) -> bool:
    """Keep out what a source of credentials printed, and what is said again where credentials were needed."""
    record.exc_info = record.exc_text = None
    return "mandatory" not in record.getMessage()
