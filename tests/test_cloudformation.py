"""The templates for CloudFormation, deployed: the bot's own settings and policies are what is in the stacks."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import chdir, redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator
from stacks import ACCOUNT, REGION, aws_environment, deploy, moto_aws, network

from bot.__main__ import main
from bot.settings.load import load
from bot.settings.model import Settings
from bot.stores.dynamodb.table import cloud_formation
from bot.wiring.iam import iam_policies

ROOT = Path(__file__).parent.parent
TEMPLATES = ROOT / ".github/docs/deploy"
BOT_ROLE = f"arn:aws:iam::{ACCOUNT}:role/signout-bot"  # named as the stack is
POOL_ROLE = "arn:aws:iam::210987654321:role/SignOut"
PAGE = (ROOT / ".github/docs/deploy.md").read_text("utf-8")
SECRET = f"arn:aws:secretsmanager:eu-central-1:{ACCOUNT}:secret:signout-AbCdEf"
KEY, TOPIC = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/1", f"arn:aws:sns:eu-central-1:{ACCOUNT}:on-call"
COMMON = 'store = "dynamodb://signout"\naudit_channel = "C0123ABCDEF"\nallow.groups = ["S0123ABCDEF"]\n'
ONE_POOL = f'{COMMON}[pools.customers]\nid = "eu-central-1_AbCdEf123"\n'
SEVERAL_POOLS = f"""{ONE_POOL}sessions = true
protect.groups = ["admins"]
[pools.staff]
id = "us-east-1_GhIjKl456"
actions.keep_out.groups = ["S0456SECURE"]
actions.new_password.users = ["U0123ABCDEF"]
"""
ROLES = f'{SEVERAL_POOLS}[pools.partners]\nid = "us-east-1_MnOpQr789"\nrole_arn = "{POOL_ROLE}"\n'
SOCKET_MODE, HTTP = "Socket Mode", "HTTP"
EACH_MODE = pytest.mark.parametrize("mode", [SOCKET_MODE, HTTP])
TOKENS = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1", "SLACK_SIGNING_SECRET": "0123456789abcdef" * 2}
WITHIN = {"SLACK_BOT_TOKEN": "bot_token", "SLACK_APP_TOKEN": "app_token", "SLACK_SIGNING_SECRET": "signing_secret"}

# What the page's commands take of a policy, for a machine without jq.
JQ = """import json, sys
said = json.load(sys.stdin)
taken = {".bot": said["bot"]}
for role in said["roles"].values():
    taken |= {f".roles[] | .{part}": role[part] for part in ("policy", "trust")}
print(json.dumps(taken[sys.argv[2]]))
"""

pytestmark = pytest.mark.long


def printed(toml: str) -> Any:
    """What `iam-policy` prints for a settings file."""
    with TemporaryDirectory() as folder, chdir(folder), redirect_stdout(StringIO()) as out:
        Path("signout.toml").write_text(toml, "utf-8")
        assert main(["iam-policy", "--account", ACCOUNT, "--principal", BOT_ROLE]) == 0
    return json.loads(out.getvalue())


@cache
def stack(toml: str = ONE_POOL, mode: str = SOCKET_MODE) -> Mapping[str, Any]:
    """What the stack has. In HTTP mode it is given what may be given, else only what must be."""
    with moto_aws():
        given = network()
        given |= {"Settings": toml, "Policy": json.dumps(printed(toml)["bot"]), "Secret": SECRET}
        given |= {"Image": "registry.example.com/signout-bot:0.2.0"}
        if mode == HTTP:
            given |= {"Table": "mine", "MakeTable": "false", "SecretKey": KEY, "AlarmTopic": TOPIC, "LogDays": "365"}
        else:
            del given["Certificate"], given["LoadBalancerSubnets"]
        return deploy(TEMPLATES / "cloudformation.yml", "signout-bot", given)


def container_of(resources: Mapping[str, Any]) -> Any:
    (container,) = resources["Task"]["ContainerDefinitions"]
    return container


def settings_in(resources: Mapping[str, Any]) -> Settings:
    """What the bot reads of the environment that ECS would give it."""
    container = container_of(resources)
    secrets = {each["Name"]: TOKENS[each["Name"]] for each in container["Secrets"]}
    return load({each["Name"]: each["Value"] for each in container["Environment"]} | secrets)


def policies_for(resources: Mapping[str, Any]) -> Mapping[str, object]:
    """What the bot needs to be allowed, by what it reads of its environment."""
    with aws_environment():
        return iam_policies(settings_in(resources), [], principal=BOT_ROLE, own_account=ACCOUNT)


def test_cfn_lint_finds_no_fault_in_the_templates() -> None:
    words = ["--include-checks", "I", "--regions", REGION, "us-east-1", "--", *map(str, TEMPLATES.glob("*.yml"))]
    program = Path(sys.executable).with_name("cfn-lint")
    linted = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    assert (linted.returncode, linted.stdout, linted.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("toml", "mode"),
    [(ONE_POOL, SOCKET_MODE), (ONE_POOL, HTTP), (SEVERAL_POOLS, SOCKET_MODE), (ROLES, SOCKET_MODE), (ROLES, HTTP)],
    ids=["one pool, Socket Mode", "one pool, HTTP", "several pools", "roles, Socket Mode", "roles, HTTP"],
)
def test_the_stack_runs_the_bot_with_the_settings_of_the_file(toml: str, mode: str, tmp_path: Path) -> None:
    settings = settings_in(stack(toml, mode))
    file = tmp_path / "signout.toml"
    file.write_text(toml, "utf-8")
    secrets = {name: TOKENS[name] for name in TOKENS if name != unused(mode)}
    from_the_file = load({"SIGNOUT_CONFIG": str(file), **secrets})
    of_the_stack = {"drain", "store"}
    assert settings.model_dump(exclude=of_the_stack) == from_the_file.model_dump(exclude=of_the_stack)
    assert settings.drain.total_seconds() < container_of(stack(toml, mode))["StopTimeout"]


def unused(mode: str) -> str:
    return "SLACK_APP_TOKEN" if mode == HTTP else "SLACK_SIGNING_SECRET"


@pytest.mark.parametrize("toml", [ONE_POOL, SEVERAL_POOLS, ROLES], ids=["one pool", "several pools", "roles"])
def test_the_bots_role_may_do_what_iam_policy_prints_for_the_settings_in_the_stack_and_no_more(toml: str) -> None:
    resources = stack(toml)
    needed = policies_for(resources)
    policy, role = resources["BotPolicy"], resources["BotRole"]
    assert json.loads(policy["PolicyDocument"]) == needed["bot"]
    assert (policy["Roles"], role["RoleName"]) == (["signout-bot"], "signout-bot")
    assert role.keys() == {"RoleName", "AssumeRolePolicyDocument"}
    assert [each["Roles"] for each in resources.values() if "PolicyDocument" in each] == [["signout-bot"]]
    assert resources["Task"]["TaskRoleArn"] == BOT_ROLE


def test_a_role_in_another_account_may_do_what_iam_policy_prints_for_it_and_trusts_the_bots_role() -> None:
    with moto_aws():
        asked = printed(ROLES)["roles"][POOL_ROLE]
        given = {"Name": "SignOut", "Policy": json.dumps(asked["policy"]), "Trust": json.dumps(asked["trust"])}
        (role,) = deploy(TEMPLATES / "pool-role.yml", "signout-pool", given).values()
    needed = policies_for(stack(ROLES))["roles"]
    assert {POOL_ROLE: allowed_to(role)} == needed
    assert role["RoleName"] == "SignOut"
    assert allowed_to(role)["trust"]["Statement"][0]["Principal"] == {"AWS": BOT_ROLE}


def allowed_to(role: Mapping[str, Any]) -> Any:
    (policy,) = role["Policies"]
    return {"policy": json.loads(policy["PolicyDocument"]), "trust": json.loads(role["AssumeRolePolicyDocument"])}


def test_the_table_is_the_one_that_table_prints() -> None:
    (defined,) = json.loads(cloud_formation("signout"))["Resources"].values()
    assert stack()["SignOutTable"] == defined.pop("Properties")
    assert settings_in(stack()).store == "dynamodb://signout"
    # Deleting the stack leaves the table: read as text, since only properties are resolved.
    template = (TEMPLATES / "cloudformation.yml").read_text("utf-8")
    (resource,) = re.findall(r"^  SignOutTable:\n((?:    .*\n)+?)    Properties:$", template, re.MULTILINE)
    assert {f"    {key}: {value}" for key, value in defined.items()} <= set(resource.splitlines())


def test_a_table_that_is_there_already_is_used_and_not_made() -> None:
    assert "SignOutTable" not in stack(mode=HTTP)
    assert settings_in(stack(mode=HTTP)).store == "dynamodb://mine"


@EACH_MODE
def test_the_task_is_one_that_ecs_takes(mode: str) -> None:
    task = as_ecs_has_it(stack(mode=mode)["Task"])
    shape = botocore.session.get_session().get_service_model("ecs").operation_model("RegisterTaskDefinition")
    assert shape.input_shape
    report = ParamValidator().validate(task, shape.input_shape)
    assert not report.has_errors(), report.generate_report()


def as_ecs_has_it(value: Any) -> Any:
    """Return what CloudFormation calls `Name` as `name`, and so on."""
    if isinstance(value, dict):
        return {f"{name[:1].lower()}{name[1:]}": as_ecs_has_it(each) for name, each in value.items()}
    return [as_ecs_has_it(each) for each in value] if isinstance(value, list) else value


def test_the_task_runs_as_nobody_special_and_writes_nowhere() -> None:
    container = container_of(stack())
    assert container["User"] == "10001:10001"
    assert container["ReadonlyRootFilesystem"]
    assert container["LinuxParameters"]["Capabilities"] == {"Drop": ["ALL"]}


def test_the_log_is_kept_for_some_time() -> None:
    assert [stack(mode=mode)["Log"]["RetentionInDays"] for mode in (SOCKET_MODE, HTTP)] == [90, 365]


@EACH_MODE
def test_secrets_are_references_that_ecs_may_follow_and_the_bot_may_not(mode: str) -> None:
    resources = stack(mode=mode)
    references = {each["Name"]: each["ValueFrom"] for each in container_of(resources)["Secrets"]}
    assert references == {name: f"{SECRET}:{key}::" for name, key in WITHIN.items() if name != unused(mode)}
    (policy,) = resources["ExecutionRole"]["Policies"]
    allowed = {each["Action"]: each["Resource"] for each in policy["PolicyDocument"]["Statement"]}
    assert allowed == {"secretsmanager:GetSecretValue": SECRET, **({"kms:Decrypt": KEY} if mode == HTTP else {})}
    assert SECRET not in resources["BotPolicy"]["PolicyDocument"]


@pytest.mark.parametrize("role", ["BotRole", "ExecutionRole"])
def test_only_tasks_of_this_account_may_have_a_role_of_the_stack(role: str) -> None:
    (statement,) = stack()[role]["AssumeRolePolicyDocument"]["Statement"]
    assert statement == {
        "Effect": "Allow",
        "Principal": {"Service": "ecs-tasks.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
    }


def test_in_socket_mode_no_one_can_connect() -> None:
    resources = stack()
    assert "SecurityGroupIngress" not in resources["BotSecurityGroup"]
    assert "LoadBalancers" not in resources["Service"]
    assert not {"LoadBalancer", "LoadBalancerSecurityGroup", "Listener", "Targets", "SlackOnly"} & resources.keys()


def test_in_http_mode_only_the_load_balancer_can_connect_and_passes_on_only_what_slack_posts() -> None:
    resources = stack(mode=HTTP)
    (entry,) = resources["BotSecurityGroup"]["SecurityGroupIngress"]
    (group,) = resources["LoadBalancer"]["SecurityGroups"]
    assert entry.pop("Description")
    assert entry == {"IpProtocol": "tcp", "FromPort": 3000, "ToPort": 3000, "SourceSecurityGroupId": group}
    path, method = resources["SlackOnly"]["Conditions"]
    assert path["PathPatternConfig"]["Values"] == ["/slack/events"]
    assert method["HttpRequestMethodConfig"]["Values"] == ["POST"]
    (otherwise,) = resources["Listener"]["DefaultActions"]
    assert (resources["Listener"]["Protocol"], otherwise["Type"]) == ("HTTPS", "fixed-response")
    (target,) = resources["Service"]["LoadBalancers"]
    (forward,) = resources["SlackOnly"]["Actions"]
    assert (target["ContainerName"], target["TargetGroupArn"]) == ("bot", forward["TargetGroupArn"])


@EACH_MODE
def test_each_alarm_tells_the_topic_that_was_given_and_what_is_counted_in_the_log_has_one(mode: str) -> None:
    resources = stack(mode=mode)
    alarms = {name: each for name, each in resources.items() if "AlarmDescription" in each}
    of_http = {"SlackRefused"} if mode == HTTP else set[str]()
    assert alarms.keys() == {"Gone", "NotDone", "Errors", "ProcessorBusy", "SlackAway"} | of_http
    assert {tuple(each.get("AlarmActions", ())) for each in alarms.values()} == {(TOPIC,) if mode == HTTP else ()}
    counted = [each["MetricTransformations"][0] for each in resources.values() if "FilterPattern" in each]
    watched = {(each.get("Namespace"), each["MetricName"]) for each in alarms.values()}
    assert {(each["MetricNamespace"], each["MetricName"]) for each in counted} < watched


def test_the_alarm_of_what_was_not_done_looks_for_the_line_that_the_bot_logs() -> None:
    sought = re.findall(r'\$\.message = "(.*?)\*"', stack()["NotDoneLines"]["FilterPattern"])
    assert sought == [f"Ended as {state} " for state in ("failed", "unknown", "partly")]
    assert 'log.info("Ended as %s after %d calls", ended.state, ' in (ROOT / "bot/flow.py").read_text("utf-8")
    assert 'log.info("Ended as %s after %d accounts", run.request.state, ' in (ROOT / "bot/list_work.py").read_text(
        "utf-8"
    )


def test_the_alarm_of_slack_looks_for_the_lines_that_the_bot_logs() -> None:
    sought = re.findall(r'\$\.message = "(.*?) \*"', stack()["SlackAwayLines"]["FilterPattern"])
    connecting, delivering = ((ROOT / f"bot/{name}.py").read_text("utf-8") for name in ("edge/socket_mode", "deliver"))
    assert sought.pop() == "Slack did not take an audit entry"
    assert 'log.warning("Slack did not take an audit entry (%s)' in delivering
    assert [each.removesuffix(" was not answered") for each in sought] == re.findall(
        r'ask_slack\(\s*"(.*?)"', connecting
    )
    assert 'log.warning("%s was not answered (%s)' in connecting


def told_by_the_page(template: str, toml: str, folder: Path) -> Mapping[str, str]:
    """Run the command of deploy.md for a template in a shell, beside these settings. Return the parameters it gives."""
    commands = folder / "bin"
    commands.mkdir()
    lines = {"python": f'exec {sys.executable} "$@"', "aws": "printf '%s\\0' \"$@\""}
    if not shutil.which("jq"):
        lines["jq"] = f'exec {sys.executable} -c {shlex.quote(JQ)} "$@"'
    for name, line in lines.items():
        commands.joinpath(name).write_text(f"#!/bin/sh\n{line}\n", "utf-8")
        commands.joinpath(name).chmod(0o755)
    variables = {"PATH": f"{commands}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "AWS_DEFAULT_REGION": REGION}
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (command,) = (each for each in blocks if f" --template-file .github/docs/deploy/{template} " in each)
    (folder / "signout.toml").write_text(toml, "utf-8")
    done = subprocess.run(["sh", "-c", command], cwd=folder, env=variables, capture_output=True, text=True, check=True)
    assert not done.stderr
    words = done.stdout.split("\0")[:-1]
    return dict(word.split("=", 1) for word in words[words.index("--parameter-overrides") + 1 :])


def test_the_command_of_the_page_makes_the_stack_of_the_settings_beside_it(tmp_path: Path) -> None:
    (toml,) = re.findall(r"^```toml\n(store = .*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    given = told_by_the_page("cloudformation.yml", toml, tmp_path)
    with moto_aws():
        there = {name: value for name, value in network().items() if name in given}
        resources = deploy(TEMPLATES / "cloudformation.yml", "signout-bot", {**given, **there})
    assert json.loads(resources["BotPolicy"]["PolicyDocument"]) == policies_for(resources)["bot"]
    assert settings_in(resources).pools.keys() == {"customers"}


def test_the_command_of_the_page_makes_the_role_of_a_pool_in_another_account(tmp_path: Path) -> None:
    given = told_by_the_page("pool-role.yml", ROLES, tmp_path)
    with moto_aws():
        (role,) = deploy(TEMPLATES / "pool-role.yml", "signout-pool", given).values()
    needed = policies_for(stack(ROLES))["roles"]
    assert {POOL_ROLE: allowed_to(role)} == needed
