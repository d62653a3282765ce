"""Whether the bot can work with AWS: its credentials, and how the last call for each pool ended."""

import time
from collections.abc import Mapping

from bot.aws.check_pools import TROUBLES
from bot.aws.clients import bounded
from bot.aws.user_pool import Heard
from bot.errors import AwsSetupError
from bot.facts.aws_session import AwsSession, aws_session
from bot.facts.finding import Finding

CREDENTIALS = "AWS credentials"  # as `check` calls them
TOLD_FOR_SECONDS = 1800.0
NOT_ASKED: Heard = (None, 0.0)


class OwnCredentials:
    """The bot's own credentials, from where boto3 finds them. Used by one thread at a time."""

    def __init__(self) -> None:
        self._session: AwsSession | None = None

    def ask(self) -> str:
        """Return the words for where they come from. Raises `AwsSetupError`. May take seconds.

        What was found is kept: botocore asks for new ones (STS, IMDS, a process) only when these are about to expire.
        """
        session, self._session = self._session or aws_session(bounded()), None
        source = session.ask()
        self._session = session
        return source

    def missing(self) -> AwsSetupError | None:
        """Say why there are none; None where there are some."""
        try:
            self.ask()
        except AwsSetupError as error:
            return error
        return None


def try_credentials() -> Finding:
    """Say where the bot's own credentials come from, or why there are none."""
    try:
        return Finding(CREDENTIALS, "ok", f"come from {OwnCredentials().ask()}")
    except AwsSetupError as error:
        return Finding(CREDENTIALS, "missing", error.sentence, error.hint)


def troubles(heard: Mapping[str, Heard]) -> Mapping[str, str | None]:
    """Say for each pool why the last call did not reach Cognito, or why Cognito did not take the credentials.

    None where Cognito answered, or was not asked for half an hour.
    """
    since = time.monotonic() - TOLD_FOR_SECONDS
    return {name: _sentence(name, code) if code and at > since else None for name, (code, at) in heard.items()}


def _sentence(pool: str, code: str) -> str | None:
    return f"The last call for pool {pool} failed. {' '.join(TROUBLES[code])}" if code in TROUBLES else None
