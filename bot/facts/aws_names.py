"""How regions, error codes and the ARN of an IAM user or role look, and the names of the calls for sessions."""

import re

# Of every partition, and of those to come: botocore's own list of regions is as old as the lock.
REGION = r"[a-z]+(?:-[a-z0-9]+)+-[0-9]{1,2}"
_NAMED = r"arn:aws[\w-]*:iam::(?P<account>\d{{12}}):(?:{})/[\w+=,.@/-]+"
CODE = re.compile(r"[A-Za-z][\w.]{0,79}")  # of an error
THROTTLED = frozenset({"TooManyRequestsException", "ThrottlingException", "Throttling", "LimitExceededException"})
ROLE = re.compile(_NAMED.format("role"), re.ASCII)
ROLE_OR_USER = re.compile(_NAMED.format("role|user"), re.ASCII)
# What a pool that tracks its sessions is asked: whether it does, for someone's, and to end one.
SESSION_CALLS = ("GetUserPoolSessionConfiguration", "AdminListUserSessions", "AdminRevokeUserSession")


def region_of(pool_id: str) -> str:
    """Return the region that is in a user pool's id: where the pool was made. Its replicas are elsewhere."""
    return pool_id.partition("_")[0]


def account_of(arn: str) -> str:
    """Return the 12 digits of the account of a role or user. Raises `ValueError` for anything else."""
    found = ROLE_OR_USER.fullmatch(arn)
    if not found:
        raise ValueError("this is not the ARN of a role or user")
    return found["account"]
