"""CloudFormation's templates deployed on moto's AWS.

moto resolves the templates' functions. It does not make alarms and metric filters, and drops some of what a task
definition says; so a test reads what the template says of each resource, with every function resolved.
"""

import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
from moto import mock_aws

ACCOUNT, REGION = "123456789012", "eu-central-1"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",  # thousands, of which no template needs one
}


@contextmanager
def aws_environment() -> Iterator[None]:
    """Have the variables of someone who deploys, until the end."""
    with patch.dict(os.environ, ENVIRONMENT), patch.object(boto3, "DEFAULT_SESSION", None):
        yield


@contextmanager
def moto_aws() -> Iterator[None]:
    """Have an AWS account, in this process, until the end."""
    with aws_environment(), mock_aws():
        yield


def network() -> dict[str, str]:
    """Return what the account has already: a network, its subnets, and a certificate."""
    ec2 = boto3.client("ec2")
    (vpc,) = ec2.describe_vpcs()["Vpcs"]
    subnets = ",".join(each["SubnetId"] for each in ec2.describe_subnets()["Subnets"])
    certificate = boto3.client("acm").request_certificate(DomainName="signout.example.com")["CertificateArn"]
    return {"Vpc": vpc["VpcId"], "Subnets": subnets, "LoadBalancerSubnets": subnets, "Certificate": certificate}


def deploy(template: Path, stack: str, parameters: Mapping[str, str]) -> Mapping[str, Any]:
    """Make a stack of a template. Return the properties of each resource that it has."""
    given = [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Tried to parse AWS::")
        boto3.client("cloudformation").create_stack(
            StackName=stack,
            TemplateBody=template.read_text("utf-8"),
            Parameters=given,
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
    return _resources_of(stack)


def _resources_of(stack: str) -> Mapping[str, Any]:
    from moto.cloudformation.models import cloudformation_backends  # noqa: PLC0415 -- it imports all of moto
    from moto.cloudformation.parsing import clean_json  # noqa: PLC0415

    stacks = cloudformation_backends[ACCOUNT][REGION].stacks.values()
    (found,) = (each for each in stacks if each.name == stack)
    things = found.resource_map
    return {
        name: _given(clean_json(resource.get("Properties", {}), things))
        for name, resource in found.template_dict["Resources"].items()
        if things.lazy_condition_map.get(resource.get("Condition"), True)
    }


def _given(value: Any) -> Any:
    """Return a value without what is AWS::NoValue in it."""
    if isinstance(value, dict):
        return {name: _given(each) for name, each in value.items() if each is not None}
    return [_given(each) for each in value if each is not None] if isinstance(value, list) else value
