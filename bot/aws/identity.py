"""Whose AWS credentials these are (STS GetCallerIdentity), and in which region they are used by default."""

import re
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from bot.aws.clients import bounded, client_of
from bot.errors import AwsSetupError, BotError, Code
from bot.facts.aws_session import aws_session
from bot.facts.clock import CheckedClock
from bot.facts.told_time import boto3_tells

if TYPE_CHECKING:
    from types_boto3_sts import STSClient
    from types_boto3_sts.type_defs import GetCallerIdentityResponseTypeDef

_ASSUMED = re.compile(r"arn:(?P<partition>[\w-]+):sts::(?P<account>\d+):assumed-role/(?P<role>[^/]+)/.*", re.DOTALL)


def own_region() -> str | None:
    """Return the region for what has none of its own: boto3's or, where a container's engine sets it, AWS_REGION.

    Raises `AwsSetupError`.
    """
    return aws_session().region


class CallerUnknownError(BotError):
    """AWS does not say whose credentials these are."""

    code = Code.SETTINGS


def caller(region: str, clock: CheckedClock | None = None) -> str:
    """Return the ARN of the caller's IAM user or role. A role's has no path, since STS does not tell it.

    A role's session name is left out: the person who assumes the role chooses it. Raises `CallerUnknownError`. `clock`
    is compared with the answer.
    """
    return role_without_session(_caller(region, clock)["Arn"])


def account(region: str) -> str:
    """Return the caller's account. Raises `CallerUnknownError`."""
    return _caller(region, None)["Account"]


def _caller(region: str, clock: CheckedClock | None) -> "GetCallerIdentityResponseTypeDef":
    session = aws_session(bounded(attempts=2))
    try:
        sts: STSClient = client_of("sts", region, bounded(attempts=2), session)
        if clock:
            boto3_tells(sts, clock)
        return sts.get_caller_identity()
    except AwsSetupError as error:
        raise CallerUnknownError(error.sentence, error.hint) from None
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise CallerUnknownError(
            f"AWS refuses these credentials ({code}). They come from {session.source}.", "Renew them, or choose others."
        ) from None
    except BotoCoreError as error:
        raise CallerUnknownError(
            f"AWS does not say whose credentials these are: {str(error).rstrip('.')}. Check this shell's AWS settings."
        ) from None


def role_without_session(arn: str) -> str:
    """Return an ARN as it is in `allow.terminal`: an assumed role as the role, anything else as it is."""
    return _ASSUMED.sub(r"arn:\g<partition>:iam::\g<account>:role/\g<role>", arn)
