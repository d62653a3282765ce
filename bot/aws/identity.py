"""Whose AWS credentials these are (STS GetCallerIdentity)."""

import re

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bot.errors import CallerUnknownError
from bot.sign_out import CONNECT_SECONDS, READ_SECONDS

_ASSUMED = re.compile(r"arn:(?P<partition>[\w-]+):sts::(?P<account>\d+):assumed-role/(?P<role>[^/]+)/.*", re.DOTALL)


def caller(region: str) -> str:
    """Return the ARN of the caller's IAM user, or of their role: without its path, which STS does not tell.

    A role's session name is left out: whoever assumes the role chooses it. Raises `CallerUnknownError`.
    """
    config = Config(connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, retries={"total_max_attempts": 2})
    try:
        arn = boto3.client("sts", region_name=region, config=config).get_caller_identity()["Arn"]
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise CallerUnknownError(f"AWS refuses these credentials ({code}). Renew them, or choose others.") from None
    except BotoCoreError as error:
        raise CallerUnknownError(
            f"AWS does not say whose credentials these are: {str(error).rstrip('.')}. Check this shell's AWS settings."
        ) from None
    return role_without_session(arn)


def role_without_session(arn: str) -> str:
    """Return an ARN as it stands in `allow.terminal`: an assumed role as the role, anything else as it is."""
    return _ASSUMED.sub(r"arn:\g<partition>:iam::\g<account>:role/\g<role>", arn)
