"""Whose AWS credentials these are (STS GetCallerIdentity)."""

import re

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from bot.errors import AwsSetupError, BotError, Code
from bot.facts.aws_credentials import code_of
from bot.facts.aws_session import AwsSession, bounded
from bot.facts.clock import CheckedClock

_ASSUMED = re.compile(r"arn:(?P<partition>[\w-]+):sts::(?P<account>\d+):assumed-role/(?P<role>[^/]+)/.*", re.DOTALL)


class CallerUnknownError(BotError):
    """AWS does not say whose credentials these are."""

    code = Code.SETTINGS


def caller(region: str, clock: CheckedClock | None = None) -> str:
    """Return the ARN of the caller's IAM user or role; tell `clock` the answer's time. Raises `CallerUnknownError`.

    A role's has no path, since STS does not tell it, and no session name, which the person who assumes it chooses.
    """
    session = AwsSession(bounded(attempts=2), clock=clock)
    try:
        return role_without_session(session.create_client("sts", region).get_caller_identity()["Arn"])
    except AwsSetupError as error:
        raise CallerUnknownError(error.sentence, error.hint) from None
    except (ClientError, ResponseParserError, LookupError, TypeError, AttributeError) as error:
        if not (code := code_of(error)):  # botocore makes any of the others of a page, too
            fix = "Check the proxy, AWS_ENDPOINT_URL and the region."
            raise CallerUnknownError("What answers in the place of AWS STS is not AWS.", fix) from None
        sentence = f"AWS refuses these credentials ({code}). They come from {session.source}."
        raise CallerUnknownError(sentence, "Renew them, or choose others.") from None
    except Exception as error:  # noqa: BLE001 -- for any error: it is not known
        said = str(error).rstrip(".") if isinstance(error, BotoCoreError) else type(error).__name__
        sentence = f"AWS does not say whose credentials these are: {said}."
        raise CallerUnknownError(sentence, "Check this shell's AWS settings.") from None


def role_without_session(arn: str) -> str:
    """Return an ARN as it is in `allow.terminal`: an assumed role as the role, anything else as it is."""
    return _ASSUMED.sub(r"arn:\g<partition>:iam::\g<account>:role/\g<role>", arn)
