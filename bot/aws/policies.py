"""The least that the bot, and each role that it assumes, must be allowed: as IAM takes it, with exact ARNs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import botocore.session
from botocore.exceptions import UnknownRegionError

from bot.action import Step
from bot.aws.roles import session_word
from bot.aws.secrets import parameter_name, secret_arn
from bot.aws.user_pool import QUOTA
from bot.facts.aws_names import account_of

OPERATIONS = ("ListUsers", "AdminGetUser", Step.SIGN_OUT)  # in every pool
ASSUME = ("sts:AssumeRole", "sts:SetSourceIdentity")
ULID = "?" * 26
SLACK_OPERATORS = ("U*", "W*")

Json = Mapping[str, Any]
Pools = Sequence[tuple[str, str]]  # each pool's region and id


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """What the settings let the bot reach in AWS, and who may sign out in a terminal.

    `pools` are user pools, by the role that they are asked with: None for the bot's own. `further` has each operation
    beside `OPERATIONS`, and the pools that are asked for it. `table` is what the bot does with a DynamoDB table and its
    index, and the resource, each under its statement's id.
    """

    pools: Mapping[str | None, Pools]
    further: Mapping[str, Pools] = field(default_factory=dict)
    references: Sequence[str] = ()
    table: Mapping[str, tuple[Sequence[str], str]] = field(default_factory=dict)
    terminal: Iterable[str] = ()

    @property
    def parameters(self) -> Sequence[str]:
        """The names of the parameters. Raises `SecretError` for what is not a reference."""
        return sorted({parameter_name(reference) for reference in self.references if not secret_arn(reference)})

    @property
    def needs_account(self) -> bool:
        """Whether the bot reaches something in its own AWS account. No setting has that account's id."""
        return self.needs_region or None in self.pools

    @property
    def needs_region(self) -> bool:
        """Whether the bot reaches something in its own region, which comes from the environment."""
        return bool(self.table or self.parameters)


def policies(reach: Reach, *, account: str, region: str, principal: str) -> Json:
    """Return the bot's policy, and the policy and the trust policy of each role. `principal` is the bot's own role.

    `account` and `region` are the bot's own. Raises `SecretError` for what is not a reference to a secret.
    """
    roles = {
        arn: {
            "policy": _policy(_pools(pools, reach.further, account_of(arn))),
            "trust": _policy(_trust(principal, reach.terminal)),
        }
        for arn, pools in reach.pools.items()
        if arn
    }
    secrets = sorted({arn for reference in reach.references if (arn := secret_arn(reference))})
    parameters = [_arn("ssm", region, account, f"parameter{name}") for name in reach.parameters]
    statements = [
        *_pools(reach.pools.get(None, ()), reach.further, account),
        _allow("Roles", ASSUME, list(roles)),
        _allow("Secrets", ("secretsmanager:GetSecretValue",), secrets),
        _allow("Parameters", ("ssm:GetParameter",), parameters),
        *(_allow(sid, did, [_arn("dynamodb", region, account, it)]) for sid, (did, it) in reach.table.items()),
    ]
    return {"bot": _policy(statements), "roles": roles}


def _pools(pools: Pools, further: Mapping[str, Pools], account: str) -> Iterable[Json]:
    asked = {operation: [pool for pool in pools if pool in places] for operation, places in further.items()}
    for sid, operations, places in (("Pools", OPERATIONS, pools), *((each, (each,), asked[each]) for each in asked)):
        arns = [_arn("cognito-idp", region, account, f"userpool/{pool_id}") for region, pool_id in places]
        yield _allow(sid, [f"cognito-idp:{each}" for each in operations], arns)
    if pools:
        yield _allow("Quota", (f"cognito-idp:{QUOTA}",), ["*"])  # what `check` asks; the bot itself does without


def _trust(principal: str, terminal: Iterable[str]) -> Iterable[Json]:
    """Let the bot act only for people in Slack, and each person in a terminal only for themselves."""
    yield _trusted("Bot", principal, SLACK_OPERATORS)
    for number, arn in enumerate(sorted(terminal), 1):
        head, kind, name = arn.partition(":role/")
        if not kind:
            yield _trusted(f"Terminal{number}", arn, [session_word(arn)])
            continue
        # The settings do not know this role's path, so it cannot be the principal itself.
        of_the_role = {"ArnLike": {"aws:PrincipalArn": [arn, f"{head}:role/*/{name}"]}}
        yield _trusted(f"Terminal{number}", f"{head}:root", [session_word(arn)], of_the_role)


def _trusted(sid: str, principal: str, operators: Sequence[str], condition: Json | None = None) -> Json:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"AWS": principal},
        "Action": list(ASSUME),
        "Condition": {
            "StringLike": {"sts:SourceIdentity": list(operators)},  # not there at all: not allowed
            "StringLikeIfExists": {"sts:RoleSessionName": ULID},  # which belongs to sts:AssumeRole only
            **(condition or {}),
        },
    }


def _allow(sid: str, actions: Sequence[str], resources: Sequence[str]) -> Json:
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def _policy(statements: Iterable[Json]) -> Json:
    """Return the policy, without what it would allow on no resource: IAM takes no empty list."""
    return {"Version": "2012-10-17", "Statement": [each for each in statements if each.get("Resource") != []]}


def _arn(service: str, region: str, account: str, resource: str) -> str:
    try:
        partition = botocore.session.get_session().get_partition_for_region(region)
    except UnknownRegionError:  # newer than botocore, which takes it for one of these too when it calls AWS there
        partition = "aws"
    return f"arn:{partition}:{service}:{region}:{account}:{resource}"
