"""Whether the bot can work with AWS: its credentials, and how the last call for each pool ended."""

import time
from collections.abc import Mapping

from botocore.credentials import Credentials

from bot.aws.check_pools import TROUBLES
from bot.aws.clients import bounded, session_of
from bot.aws.user_pool import Heard

TOLD_FOR_SECONDS = 1800.0
NOT_ASKED: Heard = (None, 0.0)


class OwnCredentials:
    """The bot's own credentials, from where boto3 finds them. Used by one thread at a time."""

    def __init__(self) -> None:
        self._found: Credentials | None = None

    def missing(self) -> str | None:
        """Say why there are none; None where there are some. May take seconds.

        What was found is kept: botocore asks for new ones (STS, IMDS, a process) only when these are about to expire.
        """
        try:
            if self._found is None:
                self._found = session_of(bounded()).get_credentials()
            if self._found is None:
                return "NoCredentialsError"
            self._found.get_frozen_credentials()
        except Exception as error:  # noqa: BLE001 -- for any error: there are none
            self._found = None
            return type(error).__name__
        return None


def troubles(heard: Mapping[str, Heard]) -> Mapping[str, str | None]:
    """Say for each pool why the last call did not reach Cognito, or why Cognito did not take the credentials.

    None where Cognito answered, or was not asked for half an hour.
    """
    since = time.monotonic() - TOLD_FOR_SECONDS
    return {name: _sentence(name, code) if code and at > since else None for name, (code, at) in heard.items()}


def _sentence(pool: str, code: str) -> str | None:
    return f"The last call for pool {pool} failed. {' '.join(TROUBLES[code])}" if code in TROUBLES else None
