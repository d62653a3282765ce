"""A botocore session that says where its credentials come from, or why there are none, before anything is sent."""

import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, NoReturn

import botocore.session
from botocore import exceptions
from botocore.config import Config
from botocore.credentials import Credentials, ReadOnlyCredentials, RefreshableCredentials

from bot import __version__
from bot.errors import AwsSetupError
from bot.facts.aws_credentials import NO_SOURCE, SETTINGS, explained, source_of
from bot.facts.boto3_clients import lead, tell_time
from bot.facts.clock import CheckedClock
from bot.facts.leaving import TooLateError, holding, leaving
from bot.facts.way import faults, shown, unreadable
from bot.work import CONNECT_SECONDS, READ_SECONDS

USER_AGENT = f"signout-bot/{__version__}"  # botocore would put its own together twice for each request
PROCESS_SECONDS = 20.0  # for a credential_process
FAILED_FOR_SECONDS = 5.0  # for so long no thread tries again what another's renewal met
_FAULTY_SETTINGS = (exceptions.ConfigParseError, exceptions.InvalidConfigError, exceptions.ProfileNotFound)


def bounded(attempts: int = 1, **more: Any) -> Config:
    """Return the bounds of a call: no more attempts than that, each with the seconds that a call of Cognito has.

    One attempt is what a sign-out takes: botocore's own retries hide doubt, as a time-out followed by a refusal looks
    like a refusal.
    """
    retries = {"total_max_attempts": attempts, "mode": "standard"}
    usual = {"connect_timeout": CONNECT_SECONDS, "read_timeout": READ_SECONDS}
    return Config(**{**usual, "retries": retries, "user_agent": USER_AGENT, **more})


class RenewingError(Exception):
    """Another thread is renewing the credentials for longer than this one can wait."""


class AwsSession(botocore.session.Session):
    """A session as botocore makes it. Each method raises `AwsSetupError` where settings or credentials do not work.

    It signs with `credentials` if given, keeps to `bounds` even while it gets some, and compares `clock` with each
    answer. No one is asked for an MFA code, and no program that gives credentials runs longer than `PROCESS_SECONDS`.
    """

    def __init__(
        self, bounds: Config | None = None, credentials: Credentials | None = None, clock: CheckedClock | None = None
    ) -> None:
        for name in ("botocore.credentials", "botocore.tokens"):
            logging.getLogger(name).addFilter(_without_traceback)
        # A container's engine sets AWS_REGION, which boto3 does not look at.
        super().__init__({"region": ("region", "AWS_DEFAULT_REGION", os.environ.get("AWS_REGION"), None)})
        self._credentials, self._clock = credentials, clock
        self.set_default_client_config(bounds or bounded())

    def get_credentials(self) -> Any:
        """Return the credentials of the first source that is set up. Where it gives none, their use fails."""
        if self._credentials is None:
            self._check_way()
            with self.explaining():
                providers = self.get_component("credential_provider").providers
            self._explained(providers)
        return super().get_credentials() or _Own(self, None)

    def ask(self) -> str:
        """Get credentials that can be used now; return the words for their source."""
        self.get_credentials().get_frozen_credentials()
        return self.source

    @property
    def source(self) -> str:
        """Where the credentials come from, as a part of a sentence."""
        method = str(self.get_credentials().method)
        return source_of(method).words.format_map(self._names(method))

    @property
    def region(self) -> str | None:
        """The region for what has none of its own."""
        with self.explaining():
            region: str | None = self.get_config_variable("region")
        return region

    @contextmanager
    def explaining(self, method: str = SETTINGS) -> Iterator[None]:
        """Make an `AwsSetupError` of what a source of credentials meets, or of what is wrong with the settings."""
        try:
            yield
        except (AwsSetupError, TooLateError):
            raise
        except Exception as error:
            if method == SETTINGS and not isinstance(error, _FAULTY_SETTINGS):
                raise
            raise explained(error, method, self._names(method)) from None

    def _explained(self, providers: Any) -> Any:
        """Return these sources, so that each says what is wrong, also where it is another's source."""
        for each in providers:
            if "load" in vars(each):
                continue  # it does so already
            each.load = partial(self._load, each.load, str(each.METHOD))
            # There is no public way to these.
            if hasattr(each, "_popen"):
                each._popen = _Process  # noqa: SLF001
            if hasattr(each, "_prompter"):
                each._prompter = _no_code  # noqa: SLF001
                builder = each._profile_provider_builder  # noqa: SLF001
                make = builder.providers
                builder.providers = lambda *given, make=make, **named: self._explained(make(*given, **named))
        return providers

    def _load(self, load: Callable[[], Credentials | None], method: str) -> Credentials | None:
        with self.explaining(method):
            found = load()
            if isinstance(found, RefreshableCredentials):
                return _Own(self, found)
            if found:
                _check_texts(found.get_frozen_credentials())
            return found

    def create_client(self, *given: Any, **named: Any) -> Any:
        """Return a client that goes the way of `way.py`, and keeps to `leaving`."""
        with self.explaining():
            client = super().create_client(*given, **named)
        lead(client)
        if self._clock:
            tell_time(client, self._clock)
        return client

    def _check_way(self) -> None:
        """Raise what is wrong with the way to AWS, the certificates that are trusted there among it."""
        if wrong := faults():
            raise AwsSetupError(" ".join(wrong), "", source=SETTINGS, kind="Way")
        with self.explaining():
            path = self.get_config_variable("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE")
        if path and (why := unreadable(path)):
            names = (each for each in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE") if os.environ.get(each) == path)
            name = next(names, "ca_bundle in the AWS settings")
            sentence = f"{name} names {shown(path, 'a file')}, but {why}, so nothing can be sent to AWS."
            raise AwsSetupError(sentence, f"Correct or remove {name}.", source=SETTINGS, kind="CaBundle")

    def _names(self, method: str) -> Mapping[str, str]:
        """Return the names that sentences about a source need: its profile, and files."""
        profiles: Mapping[str, Mapping[str, Any]] = {}
        with suppress(exceptions.BotoCoreError):
            profiles = self.full_config.get("profiles", {})
        chosen = str(self.get_config_variable("profile") or "default")
        chain, kept_in = _chain(profiles, chosen), source_of(method).kept_in
        profile = next((each for each in chain if not profiles.get(each, {}).keys().isdisjoint(kept_in)), chosen)
        variable = os.environ.get("AWS_WEB_IDENTITY_TOKEN_FILE")
        token_file = variable or str(profiles.get(profile, {}).get("web_identity_token_file"))
        return {
            "profile": profile,
            "last": chain[-1],
            "token_file": shown(
                token_file, f"({'AWS_WEB_IDENTITY_TOKEN_FILE' if variable else 'web_identity_token_file'})"
            ),
            "config": shown(str(self.get_config_variable("config_file")), "$AWS_CONFIG_FILE"),
            "credentials": shown(str(self.get_config_variable("credentials_file")), "$AWS_SHARED_CREDENTIALS_FILE"),
        }


def _chain(profiles: Mapping[str, Mapping[str, Any]], chosen: str) -> Sequence[str]:
    """Return the chosen profile, and then those that source_profile leads to."""
    names = [chosen]
    while (source := profiles.get(names[-1], {}).get("source_profile")) and source not in names:
        names.append(source)
    return names


class _Own(Credentials):
    """Credentials that are renewed, or (None) that no source has. Where there are none, it is an `AwsSetupError`."""

    def __init__(self, session: AwsSession, found: RefreshableCredentials | None) -> None:
        self.method, self._session, self._found = str(found.method) if found else NO_SOURCE, session, found
        self._lock, self._failed = threading.Lock(), (float("-inf"), Exception())

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        with self._session.explaining(self.method):
            if not self._found:
                raise exceptions.NoCredentialsError
            # Sooner than they must be renewed, botocore lets one thread do it and no one wait.
            must: int = getattr(self._found, "_mandatory_refresh_timeout")  # noqa: B009 -- there is no public way
            if not self._found.refresh_needed(must):
                return self._renewed(self._found)
            # Others wait as long as they can. botocore would let them wait for ever, and try one by one.
            with holding(self._lock, PROCESS_SECONDS, RenewingError):
                at, met = self._failed
                if time.monotonic() - at < FAILED_FOR_SECONDS:
                    raise met.with_traceback(None)
                return self._renewed(self._found)

    def _renewed(self, found: RefreshableCredentials) -> ReadOnlyCredentials:
        try:
            with leaving():  # its own: what renews them is not part of the call
                renewed: ReadOnlyCredentials = found.get_frozen_credentials()
            _check_texts(renewed)
        except TooLateError:
            raise
        except Exception as error:
            self._failed = time.monotonic(), error
            raise
        return renewed

    account_id = property(lambda self: self.get_frozen_credentials().account_id)


def _check_texts(found: ReadOnlyCredentials) -> None:
    """Raise `TypeError` unless these are texts: a program may print what it likes."""
    for each in (found.access_key, found.secret_key, found.token or "-"):
        if not isinstance(each, str) or not each:
            raise TypeError


class _Process(subprocess.Popen[bytes]):
    """A program that gives credentials, which is stopped, with all that it started, when its time is over."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **{"start_new_session": True, **named})

    def communicate(self, *given: Any, **named: Any) -> Any:
        try:
            return super().communicate(*given, **{"timeout": PROCESS_SECONDS, **named})
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            with self, suppress(OSError):  # closes its pipes, and waits
                os.killpg(self.pid, signal.SIGKILL)
            raise


def _no_code(_: str) -> NoReturn:
    raise exceptions.RefreshWithMFAUnsupportedError


def _without_traceback(record: logging.LogRecord) -> bool:
    """Keep out what a source of credentials printed, and what is said again where credentials were needed."""
    record.exc_info = record.exc_text = None
    return "mandatory" not in record.getMessage()
