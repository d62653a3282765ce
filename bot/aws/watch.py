"""Whether the bot can work with AWS: its credentials, and how the last call for each pool ended."""

import time
from collections.abc import Mapping

from bot.aws.check_pools import TROUBLES
from bot.aws.user_pool import Heard
from bot.errors import AwsSetupError
from bot.facts.aws_session import AwsSession
from bot.facts.finding import Finding

CREDENTIALS = "AWS credentials"  # as `check` calls them
TOLD_FOR_SECONDS = 1800.0
NOT_ASKED: Heard = (None, 0.0)


class OwnCredentials:
    """The bot's own credentials, from where boto3 finds them. Used by one thread at a time."""

    def __init__(self) -> None:
        self._session: AwsSession | None = None

    def missing(self) -> AwsSetupError | None:
        """Say why there are none; None where there are some. May take seconds."""
        try:
            # What was found is kept: botocore asks for new ones only when these are about to expire.
            self._session = self._session or AwsSession()
            self._session.ask()
        except AwsSetupError as error:
            self._session = None
            return error
        return None


def try_credentials() -> Finding:
    """Say where the bot's own credentials come from, or why there are none."""
    try:
        return Finding(CREDENTIALS, "ok", f"come from {AwsSession().ask()}")
    except AwsSetupError as error:
        return Finding(CREDENTIALS, "missing", error.sentence, error.hint)


def troubles(heard: Mapping[str, Heard]) -> Mapping[str, str | None]:
    """Say for each pool why the last call did not reach Cognito, or why Cognito did not take the credentials.

    None where Cognito answered, or was not asked for half an hour.
    """
    since = time.monotonic() - TOLD_FOR_SECONDS
    said = {code: " ".join(told) for code, told in TROUBLES.items()}
    return {
        pool: f"The last call for pool {pool} failed. {said[code]}" if code in said and at > since else None
        for pool, (code, at) in heard.items()
    }
