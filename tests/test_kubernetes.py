"""The manifests for Kubernetes are what it takes, as closed as deploy.md says, and with the bot's own settings."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]  # it ships no types
import pytest
import yaml

from bot.settings.load import load

ROOT = Path(__file__).parent.parent
MANIFESTS = ROOT / ".github/docs/deploy/kubernetes"
APPLY = MANIFESTS / "apply"
WRITTEN = [each for path in sorted(MANIFESTS.rglob("*.yml")) for each in yaml.safe_load_all(path.read_text("utf-8"))]
KUBECTL = shutil.which("kubectl")
KUSTOMIZED = f"{sys.executable} {Path(__file__).with_name('kustomized.py')}"  # does what kubectl does, anywhere
IMAGE, ROLE = "registry.example.com:5000/signout-bot:0.2.0", "arn:aws:iam::123456789012:role/signout-bot"
HOST = "bot.example.org"
TOKENS = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1", "SLACK_SIGNING_SECRET": "0123456789abcdef" * 2}
MODES = {"socket-mode": ("socket-mode", IMAGE, ROLE), "http": ("http", IMAGE, ROLE, HOST)}
SETTINGS = """store = "dynamodb://signout"
audit_channel = "C0123ABCDEF"
allow.groups = ["S0123ABCDEF"]
[pools.customers]
id = "eu-central-1_AbCdEf123"
[pools.staff]
id = "us-east-1_GhIjKl456"
role_arn = "arn:aws:iam::210987654321:role/SignOut"
"""
EACH_MODE = pytest.mark.parametrize("mode", MODES)


def run_apply(
    folder: Path, *words: str, kustomize: str = KUSTOMIZED, **environment: str
) -> "subprocess.CompletedProcess[str]":
    """Run the script in a folder. A cluster is not there: `kubectl apply` prints what it would send to one."""
    stand_in = folder / "bin/kubectl"
    stand_in.parent.mkdir()
    stand_in.write_text(f'#!/bin/sh\n[ "$1 $2" = "apply -k" ] && exec {kustomize} "$3"\n', "utf-8")
    stand_in.chmod(0o755)
    given = {"PATH": f"{stand_in.parent}:{os.environ['PATH']}", "TMPDIR": str(folder), "HOME": str(folder)}
    return subprocess.run(
        [APPLY, *words], cwd=folder, env=given | environment, capture_output=True, text=True, check=False
    )


@cache
def applied(mode: str, kustomize: str = KUSTOMIZED) -> Mapping[str, Any]:
    """What the cluster is given, by kind and name."""
    with TemporaryDirectory() as folder:
        Path(folder, "signout.toml").write_text(SETTINGS, "utf-8")
        done = run_apply(Path(folder), *MODES[mode], kustomize=kustomize, **TOKENS)
        assert (done.returncode, done.stderr) == (0, "")
        assert {path.name for path in Path(folder).iterdir()} == {"bin", "signout.toml"}  # nothing is left behind
    resources = {f"{each['kind']} {each['metadata']['name']}": each for each in yaml.safe_load_all(done.stdout)}
    for resource in resources.values():
        validate(resource)
    return resources


def validate(resource: Any) -> None:
    kubernetes_validate.validate(resource, kubernetes_validate.latest_version().rpartition(".")[0], strict=True)


def written(kind: str, name: str = "signout-bot") -> Any:
    (found,) = (each for each in WRITTEN if (each["kind"], each["metadata"]["name"]) == (kind, name))
    return found


def pod(deployment: Any) -> Any:
    return deployment["spec"]["template"]["spec"]


@pytest.mark.skipif(KUBECTL is None, reason="kubectl, which has kustomize in it, is not installed")
@EACH_MODE
def test_kubectl_makes_the_same_of_the_manifests(mode: str) -> None:
    def told(resources: Mapping[str, Any]) -> Any:
        """Each resource, without the hash that kustomize puts at the end of a generated name."""
        return yaml.safe_load(
            re.sub(r"(signout-bot(?:-slack)?)-[a-z0-9]{10}\b", r"\1", yaml.safe_dump([*resources.values()]))
        )

    mine, kubectls = (told(applied(mode, each)) for each in (KUSTOMIZED, f"{KUBECTL} kustomize"))
    in_any_order = partial(json.dumps, sort_keys=True)
    assert sorted(mine, key=in_any_order) == sorted(kubectls, key=in_any_order)


@pytest.mark.parametrize("resource", WRITTEN, ids=lambda each: f"{each['kind']} {each['metadata']['name']}")
def test_each_resource_is_one_that_kubernetes_takes(resource: Any) -> None:
    validate(resource)


def test_the_pod_meets_the_restricted_pod_security_standard_and_writes_nowhere() -> None:
    spec = pod(written("Deployment"))
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert all(mount["readOnly"] for mount in container["volumeMounts"])
    assert not spec["automountServiceAccountToken"]


def test_the_pod_is_given_no_variables_of_other_services() -> None:
    assert pod(written("Deployment"))["enableServiceLinks"] is False


@pytest.mark.parametrize(
    ("name", "namespace"), [("signout-bot", "monitoring"), ("signout-bot-entrance", "ingress-nginx")]
)
def test_a_network_policy_lets_one_namespace_reach_the_port_of_the_bot(name: str, namespace: str) -> None:
    policy, template = written("NetworkPolicy", name)["spec"], written("Deployment")["spec"]["template"]
    assert policy["podSelector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    assert policy["policyTypes"] == ["Ingress"]  # what goes out, to Slack and AWS, is not its matter
    (rule,) = policy["ingress"]
    assert rule["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}]
    (container,) = template["spec"]["containers"]
    assert {each["port"] for each in rule["ports"]} == {each["name"] for each in container["ports"]}


@EACH_MODE
def test_the_bot_reads_the_settings_of_the_file_and_its_secrets_from_files(mode: str, tmp_path: Path) -> None:
    resources = applied(mode)
    settings = settings_in(resources, tmp_path)
    file = tmp_path / "signout.toml"
    file.write_text(SETTINGS, "utf-8")
    other = "SLACK_APP_TOKEN" if mode == "http" else "SLACK_SIGNING_SECRET"
    secrets = {name: TOKENS[name] for name in TOKENS if name != other}
    from_the_file = load({"SIGNOUT_CONFIG": str(file), **secrets})
    assert settings.model_dump(exclude={"drain"}) == from_the_file.model_dump(exclude={"drain"})
    grace = pod(resources["Deployment signout-bot"])["terminationGracePeriodSeconds"]
    assert settings.drain.total_seconds() < grace


def settings_in(resources: Mapping[str, Any], folder: Path) -> Any:
    """What the bot reads of its environment and of the files that are mounted, here under a folder."""
    spec = pod(resources["Deployment signout-bot"])
    (container,) = spec["containers"]
    volumes = {each["name"]: each for each in spec["volumes"]}
    for mount in container["volumeMounts"]:
        place = folder / mount["mountPath"].lstrip("/")
        place.mkdir(parents=True)
        for name, content in files_of(volumes[mount["name"]], resources).items():
            place.joinpath(name).write_bytes(content)
    variables = {each["name"]: each["value"] for each in container["env"]}
    return load({name: re.sub("^/run/", f"{folder}/run/", value) for name, value in variables.items()})


def files_of(volume: Mapping[str, Any], resources: Mapping[str, Any]) -> dict[str, bytes]:
    if "configMap" in volume:
        texts = resources[f"ConfigMap {volume['configMap']['name']}"]["data"]
        return {name: text.encode() for name, text in texts.items()}
    secrets = resources[f"Secret {volume['secret']['secretName']}"]["data"]
    return {name: base64.b64decode(value) for name, value in secrets.items()}


@EACH_MODE
def test_the_pod_has_the_image_and_the_role_that_were_named(mode: str) -> None:
    (container,) = pod(applied(mode)["Deployment signout-bot"])["containers"]
    assert container["image"] == IMAGE
    account = applied(mode)["ServiceAccount signout-bot"]
    assert account["metadata"]["annotations"] == {"eks.amazonaws.com/role-arn": ROLE}


def test_in_socket_mode_there_is_no_way_in_but_that_of_prometheus() -> None:
    kinds = {name.partition(" ")[0] for name in applied("socket-mode")}
    assert kinds == {"ServiceAccount", "ConfigMap", "Secret", "Deployment", "NetworkPolicy"}
    assert "NetworkPolicy signout-bot-entrance" not in applied("socket-mode")


def test_in_http_mode_one_host_and_one_path_lead_to_the_port_of_the_bot() -> None:
    resources = applied("http")
    ingress, service = resources["Ingress signout-bot"]["spec"], resources["Service signout-bot"]["spec"]
    (rule,), (tls,) = ingress["rules"], ingress["tls"]
    assert (rule["host"], tls["hosts"]) == (HOST, [HOST])
    (path,) = rule["http"]["paths"]
    assert (path["path"], path["pathType"]) == ("/slack/events", "Exact")
    assert path["backend"]["service"] == {"name": "signout-bot", "port": {"name": service["ports"][0]["name"]}}
    template = resources["Deployment signout-bot"]["spec"]["template"]
    assert service["selector"] == template["metadata"]["labels"]
    (port,) = pod(resources["Deployment signout-bot"])["containers"][0]["ports"]
    assert service["ports"][0]["targetPort"] == port["name"]


@pytest.mark.parametrize(
    ("words", "lacking", "said"),
    [
        (("compose", IMAGE, ROLE), "", "The first word is socket-mode or http."),
        (("socket-mode", IMAGE), "", "the ARN of the IAM role"),
        (("socket-mode", IMAGE, ROLE), "SLACK_APP_TOKEN", "SLACK_APP_TOKEN"),
        (("http", IMAGE, ROLE, HOST), "SLACK_SIGNING_SECRET", "SLACK_SIGNING_SECRET"),
        (("http", IMAGE, ROLE), "", "the host"),
    ],
)
def test_without_what_it_needs_the_script_says_so_and_sends_nothing(
    words: tuple[str, ...], lacking: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "signout.toml").write_text(SETTINGS, "utf-8")
    done = run_apply(tmp_path, *words, **{name: TOKENS[name] for name in TOKENS if name != lacking})
    assert done.returncode != 0
    assert done.stdout == ""
    assert said in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"bin", "signout.toml"}
