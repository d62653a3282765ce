"""`iam-policy`: what is printed allows exactly what the bot was seen to call, each role alike, and nothing more."""

import json
import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from aws_wire import AwsWire, Sent, aws_wire
from headless import AUDIT, SAM, Headless
from whole_bot import CONFIRM, card_for

from bot.__main__ import main
from bot.action import SESSION_CALLS
from bot.aws.check_pools import try_groups, try_pool, try_quota
from bot.aws.clients import Clients
from bot.aws.policies import Reach, policies
from bot.aws.secrets import secret
from bot.aws.user_pool import QUOTA
from bot.sandbox import cast
from bot.sandbox.sessions import SET
from bot.settings.load import load
from bot.wiring.shared import user_pools

ACCOUNT = "123456789012"
BOT, ROLE = f"arn:aws:iam::{ACCOUNT}:role/Bot", f"arn:aws:iam::{ACCOUNT}:role/SignOut"
ULID = "01JD0000000000000000000001"
OF_NO_POOL = ("cognito-idp:GetProvisionedLimit", "*")  # a question about the AWS account, which has no ARN
Policy = Mapping[str, Any]
Print = Callable[..., "Printed"]


@dataclass
class Printed:
    """What `iam-policy` said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The policies."""
        assert self.code == 0, self.err
        return json.loads(self.out)


@pytest.fixture
def print_policies(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[Print]:
    def run(*words: str, **environment: str) -> Printed:
        with monkeypatch.context() as patch:
            patch.chdir(tmp_path)
            for name in os.environ:
                patch.delenv(name)
            for name, value in environment.items():
                patch.setenv(name, value)
            patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
            patch.setattr(boto3, "DEFAULT_SESSION", None)
            patch.setattr(logging.root, "handlers", [])
            try:
                code = main(["iam-policy", *words])
            except SystemExit as exit_:  # argparse's way
                code = int(str(exit_.code))
        out, err = capsys.readouterr()
        return Printed(code, out, err)

    yield run
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)


def granted(policy: Policy) -> set[tuple[str, str]]:
    """Every action on every resource that a policy of an identity allows."""
    for statement in policy["Statement"]:
        assert statement.keys() == {"Sid", "Effect", "Action", "Resource"}
        assert statement["Effect"] == "Allow"
    return {
        (action, resource)
        for statement in policy["Statement"]
        for action in statement["Action"]
        for resource in statement["Resource"]
    }


def trusts(policy: Policy, action: str, principal: str, **context: str) -> bool:
    """Whether a trust policy lets someone do this. A key of the context is written `sts_SourceIdentity`."""
    given = {name.replace("_", ":"): value for name, value in context.items()} | {"aws:PrincipalArn": principal}
    return any(
        statement["Effect"] == "Allow"
        and action in statement["Action"]
        and statement["Principal"]["AWS"] in (principal, f"arn:aws:iam::{principal.split(':')[4]}:root")
        and all(_holds(operator, keys, given) for operator, keys in statement["Condition"].items())
        for statement in policy["Statement"]
    )


def _holds(operator: str, keys: Mapping[str, Any], given: Mapping[str, str]) -> bool:
    assert operator in {"StringLike", "StringLikeIfExists", "ArnLike"}
    return all(
        (key not in given and operator.endswith("IfExists"))
        or any(_like(pattern, given.get(key)) for pattern in ([patterns] if isinstance(patterns, str) else patterns))
        for key, patterns in keys.items()
    )


def _like(pattern: str, value: str | None) -> bool:
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return value is not None and bool(re.fullmatch(expression, value))


def asked_of(sent: Sent) -> set[tuple[str, str]]:
    """The action and the resource of a call, as AWS authorizes it."""
    parameters, place = sent.parameters, f"{sent.service}:{sent.region}:{ACCOUNT}"
    match sent.service:
        case "cognito-idp" if sent.action == QUOTA:  # which is of no pool
            resource = "*"
        case "cognito-idp":
            resource = f"arn:aws:{place}:userpool/{parameters['UserPoolId']}"
        case "secretsmanager":
            resource = parameters["SecretId"]
        case "ssm":
            resource = f"arn:aws:{place}:parameter{parameters['Name']}"
        case "sts":
            assert parameters["SourceIdentity"]
            return {(action, parameters["RoleArn"]) for action in ("sts:AssumeRole", "sts:SetSourceIdentity")}
        case other:
            raise AssertionError(other)
    return {(sent.iam_action, resource)}


@pytest.fixture
def wire(headless: Headless, monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsWire]:
    with aws_wire(headless.stage.cognito.url, headless.environment["AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER"]) as it:
        for name, value in headless.environment.items():
            if name.startswith("AWS_"):
                monkeypatch.setenv(name, value)
        for service in ("COGNITO_IDENTITY_PROVIDER", "STS", "SECRETS_MANAGER", "SSM"):
            monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", it.url)
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
        yield it


def ask_as_check_does(environment: Mapping[str, str]) -> None:
    """Ask of each pool what no sign-out asks: for the quota, and for the members of the groups that protect."""
    settings, clients = load(environment), Clients(4)
    for name, pool in user_pools(settings, clients).items():
        assert {each.status for each in try_quota(name, pool, settings.lists.pace)} == {"ok"}
        if name in settings.protections:
            list(try_groups(name, pool, settings.protections[name].groups))
    clients.close()


def settings_with_a_role(headless: Headless, wire: AwsWire) -> dict[str, str]:
    """Settings whose pool of customers has a role, the staff's has none, and whose tokens are kept in AWS."""
    arn = boto3.client("secretsmanager").create_secret(
        Name=f"policies/{headless.stage.folder.name}", SecretString=json.dumps({"bot": cast.BOT_TOKEN})
    )["ARN"]
    boto3.client("ssm").put_parameter(
        Name=f"/{headless.stage.folder.name}/app", Value=cast.APP_TOKEN, Type="SecureString"
    )
    wire.sent.clear()
    customers, staff = (headless.stage.cognito.pools[name].id for name in ("customers", "staff"))
    file = headless.stage.folder / "policies.toml"
    file.write_text(
        f'[pools.customers]\nid = "{customers}"\nrole_arn = "{ROLE}"\n[pools.staff]\nid = "{staff}"\n', "utf-8"
    )
    return {
        **headless.environment,
        **{name: value for name, value in os.environ.items() if name.startswith("AWS_ENDPOINT_URL")},
        "SIGNOUT_CONFIG": str(file),
        "SLACK_BOT_TOKEN": f"{arn}#bot",
        "SLACK_APP_TOKEN": f"ssm:/{headless.stage.folder.name}/app",
    }


def test_the_policies_allow_exactly_what_a_whole_flow_was_seen_to_call(
    headless: Headless, wire: AwsWire, print_policies: Print
) -> None:
    environment = settings_with_a_role(headless, wire)
    printed = print_policies("--principal", BOT, **environment).json
    assert wire.sent == []
    headless.run(headless.stage.cognito.add("staff", "ken", "Ken"))
    tokens = load(environment, secret)
    assert tokens.slack_app_token
    environment |= {
        "SLACK_BOT_TOKEN": tokens.slack_bot_token.get_secret_value(),
        "SLACK_APP_TOKEN": tokens.slack_app_token.get_secret_value(),
    }
    with headless.bot_in_process(**environment):
        headless.command(SAM, "nobody")
        headless.wait_for_message(SAM, containing="No one was found")
        for person in ("ada", "ken"):
            headless.press(SAM, card_for(headless, SAM, person), CONFIRM)
            headless.wait_for_message(SAM, AUDIT, containing=f"Signed out: {person}")
    ask_as_check_does(environment)

    by_bot = {pair for each in wire.sent if each.access_key == "sandbox" for pair in asked_of(each)}
    by_role = {pair for each in wire.sent if each.access_key != "sandbox" for pair in asked_of(each)}
    assert granted(printed["bot"]) == by_bot
    assert printed["roles"].keys() == {ROLE}
    assert granted(printed["roles"][ROLE]["policy"]) == by_role
    assert len(by_bot) == 3 + 1 + 2 + 2  # Cognito on the staff's pool, its quota, STS, secrets
    assert len(by_role) == 3 + 1
    trust = printed["roles"][ROLE]["trust"]
    sessions = wire.sessions
    assert len(sessions) == 4
    for each in sessions:
        assert trusts(trust, "sts:SetSourceIdentity", BOT, sts_SourceIdentity=each["SourceIdentity"])
        assert trusts(
            trust,
            "sts:AssumeRole",
            BOT,
            sts_SourceIdentity=each["SourceIdentity"],
            sts_RoleSessionName=each["RoleSessionName"],
        )


def test_groups_are_allowed_and_asked_for_where_they_protect_someone_and_nowhere_else(
    headless: Headless, wire: AwsWire, print_policies: Print
) -> None:
    customers, staff = (headless.stage.cognito.pools[name].id for name in ("customers", "staff"))
    file = headless.stage.folder / "protect.toml"
    file.write_text(
        f'[pools.customers]\nid = "{customers}"\nprotect.groups = ["admins"]\n[pools.staff]\nid = "{staff}"\n', "utf-8"
    )
    environment = {**headless.environment, "SIGNOUT_CONFIG": str(file)}
    environment |= {name: value for name, value in os.environ.items() if name.startswith("AWS_ENDPOINT_URL")}
    printed = print_policies("--account", ACCOUNT, **environment).json
    headless.run(headless.stage.cognito.add("staff", "ken", "Ken"))
    with headless.bot_in_process(**environment):
        headless.command(SAM, "nobody")
        headless.wait_for_message(SAM, containing="No one was found")
        for person in ("ada", "ken"):
            headless.press(SAM, card_for(headless, SAM, person), CONFIRM)
            headless.wait_for_message(SAM, AUDIT, containing=f"Signed out: {person}")
    ask_as_check_does(environment)
    asked = {pair for each in wire.sent for pair in asked_of(each)}
    assert granted(printed["bot"]) == asked
    for operation in ("AdminListGroupsForUser", "ListUsersInGroup"):  # the second one for lists
        groups = {resource for action, resource in asked if action == f"cognito-idp:{operation}"}
        assert [resource.endswith(customers) for resource in groups] == [True]


def test_sessions_are_allowed_and_asked_for_where_a_pool_tracks_them_and_nowhere_else(
    headless: Headless, wire: AwsWire, print_policies: Print
) -> None:
    customers, staff = (headless.stage.cognito.pools[name].id for name in ("customers", "staff"))
    file = headless.stage.folder / "sessions.toml"
    file.write_text(
        f'[pools.customers]\nid = "{customers}"\nsessions = true\nrole_arn = "{ROLE}"\n[pools.staff]\nid = "{staff}"\n',
        "utf-8",
    )
    environment = {**headless.environment, "SIGNOUT_CONFIG": str(file)}
    environment |= {name: value for name, value in os.environ.items() if name.startswith("AWS_ENDPOINT_URL")}
    printed = print_policies("--principal", BOT, **environment).json
    tracked = {"UserSessionTracking": "ENABLED", "TokenSession": {"MaxPerUser": 20}}
    headless.run(headless.stage.cognito.ask(SET, UserPoolId=customers, **tracked))
    clients, settings = Clients(4), load(environment)
    for name, pool in user_pools(settings, clients).items():
        asked = pool.on_behalf(ULID, SAM)
        found = list(try_pool(name, asked, SESSION_CALLS if name in settings.with_sessions else ()))
        assert {each.status for each in found} == {"ok"}
    clients.close()
    ask_as_check_does(environment)
    by_bot = {pair for each in wire.sent if each.access_key == "sandbox" for pair in asked_of(each)}
    by_role = {pair for each in wire.sent if each.access_key != "sandbox" for pair in asked_of(each)}
    assert granted(printed["bot"]) == by_bot
    assert granted(printed["roles"][ROLE]["policy"]) == by_role
    of_sessions = {f"cognito-idp:{call}" for call in SESSION_CALLS}
    assert {action for action, _ in by_role} >= of_sessions
    assert {action for action, _ in by_bot}.isdisjoint(of_sessions)


# What is typed for each action, and what the audit channel then shows
DOES = {"keep_out": "Kept out: ada", "let_in": "Let back in: ada", "new_password": "Password reset: ada"}
ONCE_EACH = [(), *((action,) for action in DOES), ("keep_out", "let_in"), tuple(DOES)]


@pytest.mark.parametrize("actions", ONCE_EACH, ids="-".join)
def test_each_other_action_is_allowed_and_called_where_someone_may_do_it_and_nowhere_else(
    headless: Headless, wire: AwsWire, print_policies: Print, actions: tuple[str, ...]
) -> None:
    customers, staff = (headless.stage.cognito.pools[name].id for name in ("customers", "staff"))
    file = headless.stage.folder / "actions.toml"
    named = "".join(f'actions.{action}.users = ["{SAM}"]\n' for action in actions)
    file.write_text(f'[pools.customers]\nid = "{customers}"\n{named}[pools.staff]\nid = "{staff}"\n', "utf-8")
    environment = {**headless.environment, "SIGNOUT_CONFIG": str(file)}
    environment |= {name: value for name, value in os.environ.items() if name.startswith("AWS_ENDPOINT_URL")}
    printed = print_policies("--account", ACCOUNT, **environment).json
    headless.run(headless.stage.cognito.add("staff", "ken", "Ken"))
    if actions == ("let_in",):
        at_moto = boto3.client("cognito-idp", endpoint_url=headless.stage.cognito.url)
        at_moto.admin_disable_user(UserPoolId=customers, Username="ada")
    wire.sent.clear()
    with headless.bot_in_process(**environment):
        headless.command(SAM, "nobody")
        headless.wait_for_message(SAM, containing="No one was found")
        for action in actions:
            headless.press(SAM, card_for(headless, SAM, f"ada --{action.replace('_', '-')}"), CONFIRM)
            headless.wait_for_message(SAM, AUDIT, containing=DOES[action])
        for person in ("grace", "ken"):
            headless.press(SAM, card_for(headless, SAM, person), CONFIRM)
            headless.wait_for_message(SAM, AUDIT, containing=f"Signed out: {person}")
    ask_as_check_does(environment)
    assert granted(printed["bot"]) == {pair for each in wire.sent for pair in asked_of(each)}


def test_the_page_shows_what_is_printed_for_its_example(print_policies: Print, tmp_path: Path) -> None:
    page = (Path(__file__).parent.parent / ".github/docs/deploy.md").read_text("utf-8")
    (_, section) = page.split("## What the role must be allowed\n")
    (settings, shown) = re.findall(r"^```(?:toml|json)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)[:2]
    (tmp_path / "signout.toml").write_text(settings, "utf-8")
    assert print_policies("--account", ACCOUNT).json["bot"] == json.loads(shown)


TERMINAL, SAMS = f"arn:aws:iam::{ACCOUNT}:role/Support", f"arn:aws:iam::{ACCOUNT}:user/eu/sam"
WITH_A_PATH = f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso/Support"


@pytest.mark.parametrize(
    ("principal", "operator", "session_name", "trusted"),
    [
        (BOT, "U0SAM00001", ULID, True),
        (BOT, "W0SAM00001", ULID, True),
        (BOT, None, ULID, False),
        (BOT, "U0SAM00001", "signout", False),
        (BOT, "U0SAM00001", f"{ULID}0", False),
        (BOT, "role=Support@123456789012", ULID, False),
        (BOT, "sam", ULID, False),
        (TERMINAL, "role=Support@123456789012", ULID, True),
        (WITH_A_PATH, "role=Support@123456789012", ULID, True),
        (TERMINAL, "U0SAM00001", ULID, False),
        (TERMINAL, None, ULID, False),
        (TERMINAL, "role=Support@123456789012", "whatever", False),
        (TERMINAL, "user=sam@123456789012", ULID, False),
        (SAMS, "user=sam@123456789012", ULID, True),
        (SAMS, "role=Support@123456789012", ULID, False),
        (f"arn:aws:iam::{ACCOUNT}:role/Other", "role=Support@123456789012", ULID, False),
        (f"arn:aws:iam::{ACCOUNT}:role/Other", "U0SAM00001", ULID, False),
        (f"arn:aws:iam::{ACCOUNT}:role/NotSupport", "role=Support@123456789012", ULID, False),
        ("arn:aws:iam::999999999999:role/Support", "role=Support@123456789012", ULID, False),
    ],
)
def test_a_role_trusts_the_bot_for_people_in_slack_and_each_terminal_for_itself(
    principal: str, operator: str | None, session_name: str, *, trusted: bool
) -> None:
    reach = Reach(pools={ROLE: [("eu-central-1", "eu-central-1_a")]}, terminal={TERMINAL, SAMS})
    trust = policies(reach, account=ACCOUNT, region="", principal=BOT)["roles"][ROLE]["trust"]
    context = {"sts_RoleSessionName": session_name} | ({"sts_SourceIdentity": operator} if operator else {})
    assert trusts(trust, "sts:AssumeRole", principal, **context) is trusted
    del context["sts_RoleSessionName"]
    assert trusts(trust, "sts:SetSourceIdentity", principal, **context) >= trusted


def test_each_resource_is_exact_and_in_its_own_partition_account_and_region() -> None:
    abroad = "arn:aws-cn:iam::210987654321:role/SignOut"
    reach = Reach(
        pools={
            None: [("eu-central-1", "eu-central-1_a"), ("us-gov-west-1", "us-gov-west-1_b")],
            abroad: [("cn-north-1", "cn-north-1_c"), ("cn-northwest-1", "cn-northwest-1_d")],
        },
        references=["ssm:/signout/bot", "arn:aws:secretsmanager:eu-west-1:999999999999:secret:a/b-AbCdEf#bot"],
        table={
            "Table": (("dynamodb:GetItem", "dynamodb:Query"), "table/signout"),
            "TableIndex": (("dynamodb:Query",), "table/signout/index/due"),
        },
    )
    printed = policies(reach, account=ACCOUNT, region="eu-west-3", principal=BOT)
    assert {resource for _, resource in granted(printed["bot"])} == {
        f"arn:aws:cognito-idp:eu-central-1:{ACCOUNT}:userpool/eu-central-1_a",
        f"arn:aws-us-gov:cognito-idp:us-gov-west-1:{ACCOUNT}:userpool/us-gov-west-1_b",
        abroad,
        "*",
        f"arn:aws:ssm:eu-west-3:{ACCOUNT}:parameter/signout/bot",
        "arn:aws:secretsmanager:eu-west-1:999999999999:secret:a/b-AbCdEf",
        f"arn:aws:dynamodb:eu-west-3:{ACCOUNT}:table/signout",
        f"arn:aws:dynamodb:eu-west-3:{ACCOUNT}:table/signout/index/due",
    }
    assert {resource for _, resource in granted(printed["roles"][abroad]["policy"])} == {
        "arn:aws-cn:cognito-idp:cn-north-1:210987654321:userpool/cn-north-1_c",
        "arn:aws-cn:cognito-idp:cn-northwest-1:210987654321:userpool/cn-northwest-1_d",
        "*",
    }
    both = granted(printed["bot"]) | granted(printed["roles"][abroad]["policy"])
    assert {pair for pair in both if any("*" in part or "?" in part for part in pair)} == {OF_NO_POOL}
    assert ("dynamodb:GetItem", f"arn:aws:dynamodb:eu-west-3:{ACCOUNT}:table/signout/index/due") not in both


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("us-west-2", "aws"),
        ("eusc-de-east-1", "aws-eusc"),
        ("us-isof-south-1", "aws-iso-f"),
        ("eu-isoe-west-1", "aws-iso-e"),
        ("xx-new-north-1", "aws"),  # newer than botocore, which calls AWS there as in this partition
    ],
)
def test_a_pool_is_allowed_where_it_is_asked_whatever_region_is_in_its_id(
    print_policies: Print, tmp_path: Path, region: str, partition: str
) -> None:
    pool_id = POOL["SIGNOUT_POOL_ID"]
    role = f"arn:{partition}:iam::{ACCOUNT}:role/SignOut"
    (tmp_path / "signout.toml").write_text(
        f'[pools.first]\nid = "{pool_id}"\n[pools.replica]\nid = "{pool_id}"\nregion = "{region}"\n'
        f'[pools.other]\nid = "{region}_Other123"\nrole_arn = "{role}"\n',
        "utf-8",
    )
    printed = print_policies("--account", ACCOUNT, "--principal", BOT).json
    there = f"arn:{partition}:cognito-idp:{region}:{ACCOUNT}:userpool"
    replica = f"{there}/{pool_id}"
    assert {arn for action, arn in granted(printed["bot"]) if "cognito-idp" in action} == {POOL_ARN, replica, "*"}
    of_role = granted(printed["roles"][role]["policy"])
    assert {arn for _, arn in of_role - {OF_NO_POOL}} == {f"{there}/{region}_Other123"}


POOL = {"SIGNOUT_POOL_ID": "eu-central-1_AbCdEf123"}
POOL_ARN = f"arn:aws:cognito-idp:eu-central-1:{ACCOUNT}:userpool/eu-central-1_AbCdEf123"


def test_a_pool_is_all_that_must_be_set_and_the_account_is_given_or_the_callers(
    headless: Headless, print_policies: Print
) -> None:
    given = print_policies("--account", ACCOUNT, **POOL)
    assert given.err == ""
    assert given.json["roles"] == {}
    assert {resource for _, resource in granted(given.json["bot"]) - {OF_NO_POOL}} == {POOL_ARN}
    keys = {"AWS_ACCESS_KEY_ID": "sandbox", "AWS_SECRET_ACCESS_KEY": "sandbox"}
    callers = print_policies(**POOL, **keys, AWS_ENDPOINT_URL_STS=headless.stage.cognito.url)
    assert callers.json == given.json
    assert print_policies("--principal", BOT, **POOL).json == given.json


@pytest.mark.parametrize(
    ("words", "environment", "code", "sentence"),
    [
        ([], {}, 1, "pools is missing. Set SIGNOUT_POOL_ID"),
        ([], POOL, 1, "Say in which account the bot runs: --account ID."),
        (["--account", "12345"], POOL, 2, "must be the 12 digits of an AWS account"),
        (["--principal", "*"], POOL, 2, "must be the ARN of a role"),
        (["--account", ACCOUNT], POOL | {"SLACK_BOT_TOKEN": "ssm:/bot"}, 1, "set AWS_DEFAULT_REGION."),
        (
            ["--account", ACCOUNT],
            POOL | {"SLACK_BOT_TOKEN": "arn:aws:sns:x"},
            1,
            "must be the secret itself, ssm:/PATH",
        ),
        (["--account", ACCOUNT], {"SIGNOUT_CONFIG": "roles.toml"}, 1, "Say which role the bot itself runs as"),
    ],
)
def test_what_is_not_said_is_asked_for_and_nothing_is_printed(  # noqa: PLR0913, PLR0917 -- fixtures and examples
    print_policies: Print, tmp_path: Path, words: list[str], environment: dict[str, str], code: int, sentence: str
) -> None:
    (tmp_path / "roles.toml").write_text(f'[pools.a]\nid = "eu-west-1_a"\nrole_arn = "{ROLE}"\n', "utf-8")
    ran = print_policies(*words, **environment)
    assert (ran.code, ran.out) == (code, "")
    assert sentence in ran.err


@pytest.mark.parametrize("arn", ["SignOut", "arn:aws:iam::123456789012:user/sam", "arn:aws:iam::1:role/a", f"{ROLE}*"])
def test_a_role_arn_that_is_none_is_a_fault(print_policies: Print, tmp_path: Path, arn: str) -> None:
    (tmp_path / "signout.toml").write_text(f'[pools.a]\nid = "eu-west-1_a"\nrole_arn = "{arn}"\n', "utf-8")
    assert "pools.a.role_arn must be the ARN of an IAM role such as" in print_policies("--account", ACCOUNT).err
