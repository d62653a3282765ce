"""The examples of how to run the image are what ECS and Kubernetes take, and as closed as deploy.md says."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import botocore.session
import kubernetes_validate  # type: ignore[import-untyped]  # it ships no types
import pytest
import yaml
from botocore.validate import ParamValidator

from bot.settings.load import load

ROOT = Path(__file__).parent.parent
ECS, KUBERNETES = ((ROOT / ".github/deploy" / name).read_text("utf-8") for name in ("ecs.json", "kubernetes.yml"))
TOKENS = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}


def ecs_container() -> Any:
    (container,) = json.loads(ECS)["containerDefinitions"]
    return container


def pod() -> Any:
    (deployment,) = (each for each in yaml.safe_load_all(KUBERNETES) if each["kind"] == "Deployment")
    return deployment["spec"]["template"]["spec"]


def settings_of(environment: Mapping[str, str]) -> Any:
    return load({name: value for name, value in environment.items() if not name.endswith("_FILE")} | TOKENS)


def test_the_task_definition_is_one_that_ecs_takes() -> None:
    shape = botocore.session.get_session().get_service_model("ecs").operation_model("RegisterTaskDefinition")
    assert shape.input_shape
    report = ParamValidator().validate(json.loads(ECS), shape.input_shape)
    assert not report.has_errors(), report.generate_report()


def test_the_task_runs_as_nobody_special_and_writes_nowhere() -> None:
    container = ecs_container()
    assert container["user"] == "10001:10001"
    assert container["readonlyRootFilesystem"]
    assert container["linuxParameters"]["capabilities"] == {"drop": ["ALL"]}


def test_the_task_names_settings_that_the_bot_knows_and_keeps_secrets_out_of_its_environment() -> None:
    environment = {each["name"]: each["value"] for each in ecs_container()["environment"]}
    assert {each["name"] for each in ecs_container()["secrets"]} == set(TOKENS)
    assert settings_of(environment).drain.total_seconds() < ecs_container()["stopTimeout"]


@pytest.mark.parametrize("resource", list(yaml.safe_load_all(KUBERNETES)), ids=lambda resource: resource["kind"])
def test_each_resource_is_one_that_kubernetes_takes(resource: Any) -> None:
    kubernetes_validate.validate(resource, kubernetes_validate.latest_version().rpartition(".")[0], strict=True)


def test_the_pod_meets_the_restricted_pod_security_standard_and_writes_nowhere() -> None:
    (container,) = pod()["containers"]
    assert pod()["securityContext"]["runAsNonRoot"]
    assert pod()["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not pod()["automountServiceAccountToken"]


def test_the_pod_names_settings_that_the_bot_knows_and_reads_its_secrets_from_files() -> None:
    (container,) = pod()["containers"]
    environment = {each["name"]: each["value"] for each in container["env"]}
    (mount,) = container["volumeMounts"]
    files = {name: value for name, value in environment.items() if name.endswith("_FILE")}
    assert {name.removesuffix("_FILE") for name in files} == set(TOKENS)
    assert all(value.startswith(f"{mount['mountPath']}/") for value in files.values())
    assert settings_of(environment).drain.total_seconds() < pod()["terminationGracePeriodSeconds"]


def test_the_pod_is_given_no_variables_of_other_services() -> None:
    assert pod()["enableServiceLinks"] is False


def test_the_network_policy_is_about_the_pods_of_the_deployment_and_lets_only_prometheus_in() -> None:
    resources = {each["kind"]: each for each in yaml.safe_load_all(KUBERNETES)}
    policy, template = resources["NetworkPolicy"]["spec"], resources["Deployment"]["spec"]["template"]
    assert policy["podSelector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    assert policy["policyTypes"] == ["Ingress"]  # what goes out, to Slack and AWS, is not its matter
    (rule,) = policy["ingress"]
    assert rule["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]
    (container,) = template["spec"]["containers"]
    assert {each["port"] for each in rule["ports"]} == {each["name"] for each in container["ports"]}
