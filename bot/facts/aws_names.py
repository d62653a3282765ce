"""How regions, error codes and the ARN of an IAM user or role look."""

import re

# Of every partition, and of those to come: botocore's own list of regions is as old as the lock.
REGION = r"[a-z]+(?:-[a-z0-9]+)+-[0-9]{1,2}"
_DOMAINS = {"cn-": "amazonaws.com.cn", "eusc-": "amazonaws.eu"}  # of the partitions that have one of their own
_NAMED = r"arn:aws[\w-]*:iam::\d{{12}}:(?:{})/[\w+=,.@/-]+"
CODE = re.compile(r"[A-Za-z][\w.]{0,79}")  # of an error
THROTTLED = frozenset({"TooManyRequestsException", "ThrottlingException", "Throttling", "LimitExceededException"})
ROLE = re.compile(_NAMED.format("role"), re.ASCII)
ROLE_OR_USER = re.compile(_NAMED.format("role|user"), re.ASCII)


def region_of(pool_id: str) -> str:
    """Return the region that is in a user pool's id: where the pool was made. Its replicas are elsewhere."""
    return pool_id.partition("_")[0]


def issuer_of(pool_id: str) -> str:
    """Return the `iss` of a user pool's tokens, where its issuer is not of the newer type UPDATED."""
    region = region_of(pool_id)
    domain = next((each for of, each in _DOMAINS.items() if region.startswith(of)), "amazonaws.com")
    return f"https://cognito-idp.{region}.{domain}/{pool_id}"


def account_of(arn: str) -> str:
    """Return the 12 digits of the account that is in an ARN."""
    return arn.split(":")[4]
