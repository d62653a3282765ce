"""Each source of AWS credentials, with real files and endpoints: where they come from, or why there are none."""

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aws_sources import (
    ROLE,
    SECRET,
    SSO,
    Home,
    container_gives,
    ends,
    json_says_no,
    says,
    sts_gives,
    sts_says_no,
    url,
)
from aws_wire import lasting
from botocore.credentials import SSOProvider
from botocore.tokens import SSOTokenProvider
from far_end import FarEnd, far_end, silent
from shell import run_here

from bot.action import Step
from bot.aws.clients import Clients
from bot.aws.identity import CallerUnknownError, caller
from bot.aws.roles import Role, Roles
from bot.aws.user_pool import CognitoUserPool
from bot.aws.watch import try_credentials
from bot.errors import AwsSetupError, Code, PoolUnavailableError, StoreUnavailableError
from bot.facts import aws_session
from bot.facts.aws_session import AwsSession
from bot.facts.finding import Finding
from bot.facts.leaving import Departure, TooLateError, leaving, within
from bot.stores.dynamodb.calls import Calls

HOUR, MINUTES = timedelta(hours=1), timedelta(minutes=12)
NOTHING, NO_FILE = FarEnd(port=9), "/no/such"
JWT = f"eyJhbGciOiJSUzI1NiJ9.{SECRET}.{'x' * 300}"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIATESTS", "AWS_SECRET_ACCESS_KEY": SECRET}
BY_ROLE = f"""
[profile app]
role_arn = {ROLE}
source_profile = base
"""
BASE = """
[profile base]
aws_access_key_id = AKIATESTS
aws_secret_access_key = x
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    cache = str(tmp_path / ".aws" / "sso" / "cache")
    for each in (SSOProvider, SSOTokenProvider):  # botocore looks for the home when it is imported
        monkeypatch.setattr(each, "_SSO_TOKEN_CACHE_DIR", cache)
    return Home(tmp_path)


@contextmanager
def shell(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        for name in os.environ:
            patch.delenv(name)
        for name, value in home.environment.items():
            patch.setenv(name, value)
        yield


def checked(home: Home, monkeypatch: pytest.MonkeyPatch) -> Finding:
    """Return what `check` finds, which never tells a secret or an account."""
    with shell(home, monkeypatch):
        finding = try_credentials()
    assert finding.name == "AWS credentials"
    assert SECRET not in f"{finding}"
    assert "123456789012" not in f"{finding}"
    return finding


def in_an_instance(home: Home, end: FarEnd) -> Home:
    return home.with_(AWS_EC2_METADATA_DISABLED="", AWS_EC2_METADATA_SERVICE_ENDPOINT=url(end))


def imds(*, gives: bool) -> Callable[..., None]:
    """Return what answers as an instance's metadata service does: it has one role, or none."""
    keys = {"Code": "Success", "AccessKeyId": "A", "SecretAccessKey": "x", "Token": "y", "Expiration": ends(HOUR)}

    def give(end: FarEnd, sock: socket.socket) -> None:
        asked = end.requests[-1].split(b"\r\n")[0]
        body = b"Role"
        if asked.startswith(b"PUT"):
            body = b"token"
        elif b"/Role" in asked:
            body = json.dumps(keys).encode()
        status = b"200" if gives or asked.startswith(b"PUT") else b"404"
        sock.sendall(b"HTTP/1.1 %s X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))

    return lambda end, sock: end.answers(sock, lambda it: give(end, it))


GIVES: dict[str, tuple[Callable[[Home, FarEnd], Home], Callable[..., object] | None, str]] = {
    "env": (lambda home, _: home.with_(**KEYS), None, "the environment"),
    "keys in the config": (lambda home, _: home.has(BASE, "base"), None, "the keys of profile base"),
    "role": (
        lambda home, sts: home.has(BY_ROLE + BASE, "app").with_(AWS_ENDPOINT_URL_STS=url(sts)),
        sts_gives("AssumeRole", HOUR),
        "the role of profile app",
    ),
    "web identity": (
        lambda home, sts: home.with_web_identity(sts),
        sts_gives("AssumeRoleWithWebIdentity", HOUR),
        "the web identity token file {home}/token",
    ),
    "sso": (
        lambda home, sso: home.has(SSO, "support").logged_in(HOUR).with_(AWS_ENDPOINT_URL_SSO=url(sso)),
        says(
            '{"roleCredentials": {"accessKeyId": "A", "secretAccessKey": "x", "sessionToken": "y", '
            '"expiration": 4102444800000}}',
            kind="application/json",
        ),
        "the SSO login of profile support",
    ),
    "process": (
        lambda home, _: home.has(
            "[profile tool]\ncredential_process = "
            + str(home.program('echo \'{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "x"}\'')),
            "tool",
        ),
        None,
        "the credential_process of profile tool",
    ),
    "container": (
        lambda home, end: home.with_(AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{url(end)}/role"),
        container_gives(HOUR),
        "the container's credentials endpoint",
    ),
    "pod identity": (
        lambda home, end: home.with_(
            AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{url(end)}/v1/credentials",
            AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=str(home.file("pod-token", "pod")),
        ),
        container_gives(HOUR),
        "the container's credentials endpoint",
    ),
    "instance": (in_an_instance, imds(gives=True), "the instance's role (IMDS)"),
}


@pytest.mark.parametrize(("set_up", "talk", "source"), GIVES.values(), ids=GIVES)
def test_a_source_that_gives_credentials_is_named(
    home: Home,
    monkeypatch: pytest.MonkeyPatch,
    set_up: Callable[[Home, FarEnd], Home],
    talk: Callable[[FarEnd, object], object] | None,
    source: str,
) -> None:
    with far_end(talk or silent) as end:
        finding = checked(set_up(home, end), monkeypatch)
    assert (finding.status, finding.sentence) == ("ok", f"come from {source.format(home=home.folder)}")


def failing_program(home: Home, script: str) -> Home:
    return home.has(f"[profile tool]\ncredential_process = {home.program(script)}", "tool")


class Case(NamedTuple):
    """How a source is set up, what its endpoint says, and what is told then."""

    set_up: Callable[[Home, FarEnd], Home]
    talk: Callable[..., object] | None
    sentence: str
    fix: str


PAGES = (
    "no",
    "",
    "<html><head><title>Log in</title></head><body><p>Who</p><p>are you?</p></body></html>",
    '{"error": "log in"}',
    "[]",
)


def a_proxys(page: str, status: int) -> Callable[[FarEnd, socket.socket], None]:
    given = f"HTTP/1.1 {status} X\r\nContent-Type: text/html\r\nContent-Length: {len(page)}\r\n\r\n{page}"
    return lambda end, sock: end.answers(sock, lambda it: it.sendall(given.encode()))


BEHIND_A_PROXY: dict[str, Callable[[Home, FarEnd], Home]] = {
    "the web identity token file {home}/token": lambda home, sts: home.with_web_identity(sts),
    "the role of profile app": lambda home, sts: home.has(BY_ROLE + BASE, "app").with_(AWS_ENDPOINT_URL_STS=url(sts)),
    "the SSO login of profile support": lambda home, sso: (
        home.has(SSO, "support").logged_in(HOUR).with_(AWS_ENDPOINT_URL_SSO=url(sso))
    ),
}
FAILS: dict[str, Case] = {
    "nothing anywhere": Case(
        lambda home, _: home,
        None,
        "There are no AWS credentials: none in the environment or in profile default, no web identity, no container's "
        "endpoint, and the instance's IMDS is switched off, does not answer or has no role.",
        "Give the bot an IAM role, or this shell its credentials.",
    ),
    "an instance without a role": Case(
        in_an_instance,
        imds(gives=False),
        (
            "There are no AWS credentials: none in the environment or in profile default, no web identity, no "
            "container's endpoint, and the instance's IMDS is switched off, does not answer or has "
            "no role."
        ),
        "From a container on an EC2 instance, IMDS needs a hop limit of 2.",
    ),
    "half a key": Case(
        lambda home, _: home.with_(AWS_ACCESS_KEY_ID="AKIATESTS"),
        None,
        "AWS_SECRET_ACCESS_KEY is missing in the environment.",
        "Set it there, or remove the other half.",
    ),
    "keys that ended": Case(
        lambda home, _: home.with_(**KEYS, AWS_CREDENTIAL_EXPIRATION=ends(-HOUR)),
        None,
        "The environment gave credentials that have expired already.",
        "Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.",
    ),
    "half a key in a file": Case(
        lambda home, _: home.has("[default]\naws_access_key_id = A\n"),
        None,
        "aws_secret_access_key is missing in the keys of profile default.",
        "Set it there",
    ),
    "no such profile": Case(
        lambda home, _: home.has(BASE, "nowhere"),
        None,
        "There is no profile nowhere in ~/.aws/config or ~/.aws/credentials.",
        "Check AWS_PROFILE",
    ),
    "no such source profile": Case(
        lambda home, _: home.has(BY_ROLE, "app"),
        None,
        'The AWS settings do not fit together: The source_profile "base" referenced in the profile "app" does not '
        "exist.",
        "Correct that in ~/.aws/config.",
    ),
    "a circle": Case(
        lambda home, _: home.has(BY_ROLE + f"[profile base]\nrole_arn = {ROLE}\nsource_profile = app\n", "app"),
        None,
        "The AWS settings do not fit together: a source_profile leads back to itself.",
        "~/.aws/config",
    ),
    "a role without a source": Case(
        lambda home, _: home.has(f"[profile app]\nrole_arn = {ROLE}\n", "app"),
        None,
        "Profile app has role_arn, but neither source_profile nor credential_source.",
        "Set one of the two in ~/.aws/config.",
    ),
    "a role without a source behind a role": Case(
        lambda home, _: home.has(f"{BY_ROLE}[profile base]\nrole_arn = {ROLE}\n", "app"),
        None,
        "Profile base has role_arn, but neither source_profile nor credential_source.",
        "Set one of the two in ~/.aws/config.",
    ),
    "settings without a header": Case(
        lambda home, _: home.has(f"aws_secret_access_key = {SECRET}\n"),
        None,
        "{home}/.aws/config is not written as AWS settings are, in line 1.",
        "Correct it",
    ),
    "settings with a stray line": Case(
        lambda home, _: home.has(f"[default]\nregion = eu-central-1\n{SECRET}\n"),
        None,
        "{home}/.aws/config is not written as AWS settings are, in line 3.",
        "Correct it",
    ),
    "settings twice": Case(
        lambda home, _: home.has("[default]\nregion = a\n[default]\nregion = b\n"),
        None,
        "{home}/.aws/config is not written as AWS settings are, in line 3.",
        "Correct it",
    ),
    "mfa": Case(
        lambda home, _: home.has(BY_ROLE + "mfa_serial = arn:aws:iam::123456789012:mfa/sam\n" + BASE, "app"),
        None,
        "Profile app asks for an MFA code (mfa_serial), and no one can type one here.",
        "Use a role without mfa_serial.",
    ),
    "mfa of the source's source": Case(
        lambda home, _: home.has(
            BY_ROLE + f"[profile base]\nrole_arn = {ROLE}\nsource_profile = keys\nmfa_serial = 123\n"
            "[profile keys]\naws_access_key_id = A\naws_secret_access_key = x\n",
            "app",
        ),
        None,
        "Profile base asks for an MFA code (mfa_serial), and no one can type one here.",
        "Use a role without mfa_serial.",
    ),
    "sso: no login": Case(
        lambda home, _: home.has(SSO, "support"),
        None,
        "The SSO login of profile support is missing or has ended.",
        "Run `aws sso login --profile support`",
    ),
    "sso: an old login": Case(
        lambda home, _: home.has(SSO, "support").logged_in(-HOUR),
        None,
        "The SSO login of profile support is missing or has ended.",
        "Run `aws sso login --profile support`",
    ),
    "sso: a login taken back": Case(
        lambda home, sso: home.has(SSO, "support").logged_in(HOUR).with_(AWS_ENDPOINT_URL_SSO=url(sso)),
        json_says_no("UnauthorizedException", 401),
        "The SSO login of profile support is missing or has ended.",
        "Run `aws sso login --profile support`",
    ),
    "sso: not this role": Case(
        lambda home, sso: home.has(SSO, "support").logged_in(HOUR).with_(AWS_ENDPOINT_URL_SSO=url(sso)),
        json_says_no("ForbiddenException", 403),
        "The SSO login of profile support gives no AWS credentials (ForbiddenException).",
        "Check sso_account_id and sso_role_name in ~/.aws/config",
    ),
    "sso: out of reach": Case(
        lambda home, _: home.has(SSO, "support").logged_in(HOUR).with_(AWS_ENDPOINT_URL_SSO=url(NOTHING)),
        None,
        "The SSO login of profile support gives no AWS credentials: 127.0.0.1 cannot be reached "
        "(EndpointConnectionError).",
        "Check the way to AWS: network, proxy, region, endpoint.",
    ),
    "sso: no such session": Case(
        lambda home, _: home.has(SSO.replace("[sso-session people]", "[sso-session others]"), "support"),
        None,
        'The AWS settings do not fit together: The specified sso-session does not exist: "people".',
        "~/.aws/config",
    ),
    "sso behind a role": Case(
        lambda home, _: home.has(BY_ROLE.replace("base", "support") + SSO, "app").logged_in(-HOUR),
        None,
        "The SSO login of profile support is missing or has ended.",
        "Run `aws sso login --profile support`",
    ),
    "aws login": Case(
        lambda home, _: home.has("[profile dev]\nlogin_session = arn:aws:iam::123456789012:user/sam\n", "dev"),
        None,
        "Profile dev gets its credentials from `aws login`, and the package awscrt, which that needs, is not "
        "installed.",
        'Install it: pip install "botocore[crt]".',
    ),
    "aws login behind a role": Case(
        lambda home, _: home.has(BY_ROLE + "[profile base]\nlogin_session = sam\n", "app"),
        None,
        "Profile base gets its credentials from `aws login`, and the package awscrt, which that needs, is not "
        "installed.",
        "botocore[crt]",
    ),
    "web identity: no file": Case(
        lambda home, _: home.with_web_identity(token=None),
        None,
        "The web identity token file {home}/token gives no AWS credentials (No such file or directory: {home}/token).",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    ),
    "web identity: a token where a path belongs": Case(
        lambda home, _: home.with_(AWS_WEB_IDENTITY_TOKEN_FILE=JWT, AWS_ROLE_ARN=ROLE),
        None,
        "The web identity token file (AWS_WEB_IDENTITY_TOKEN_FILE) gives no AWS credentials (File name too long).",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    ),
    "web identity: a token where a path belongs, by profile": Case(
        lambda home, _: home.has(f"[profile w]\nrole_arn = {ROLE}\nweb_identity_token_file = {JWT}\n", "w"),
        None,
        "The web identity token file (web_identity_token_file) gives no AWS credentials (File name too long).",
        "AWS_WEB_IDENTITY_TOKEN_FILE (or web_identity_token_file) names it.",
    ),
    "web identity: a short token where a path belongs": Case(
        lambda home, _: home.with_(AWS_WEB_IDENTITY_TOKEN_FILE=SECRET, AWS_ROLE_ARN=ROLE),
        None,
        "The web identity token file (AWS_WEB_IDENTITY_TOKEN_FILE) gives no AWS credentials (No such file or "
        "directory).",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    ),
    "container: a token where a path belongs": Case(
        lambda home, _: home.with_(
            AWS_CONTAINER_CREDENTIALS_FULL_URI="http://127.0.0.1:9/role", AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=JWT
        ),
        None,
        "The container's credentials endpoint gives no AWS credentials (File name too long).",
        "the AWS_CONTAINER_ variables",
    ),
    "certificates: a token where a path belongs": Case(
        lambda home, _: home.with_(**KEYS, AWS_CA_BUNDLE=JWT),
        None,
        "AWS_CA_BUNDLE names a file, but it cannot be read (File name too long), so nothing can be sent to AWS.",
        "Correct or remove AWS_CA_BUNDLE.",
    ),
    "certificates of all: a token where a path belongs": Case(
        lambda home, _: home.with_(**KEYS, SSL_CERT_FILE=JWT),
        None,
        "SSL_CERT_FILE names a file, but it cannot be read (File name too long).",
        "",
    ),
    "settings: a token where a path belongs": Case(
        lambda home, _: home.with_(AWS_PROFILE="a", AWS_CONFIG_FILE=SECRET, AWS_SHARED_CREDENTIALS_FILE=SECRET),
        None,
        "There is no profile a in $AWS_CONFIG_FILE or $AWS_SHARED_CREDENTIALS_FILE.",
        "Check AWS_PROFILE",
    ),
    "a program: a token where a path belongs": Case(
        lambda home, _: home.has(f"[default]\ncredential_process = {SECRET}\n"),
        None,
        "The credential_process of profile default gives no AWS credentials (No such file or directory).",
        "Run that command",
    ),
    "web identity: no file, by profile": Case(
        lambda home, _: home.has(f"[profile w]\nrole_arn = {ROLE}\nweb_identity_token_file = /no/such\n", "w"),
        None,
        "The web identity token file /no/such gives no AWS credentials (No such file or directory: /no/such).",
        "web_identity_token_file",
    ),
    "web identity: an empty file": Case(
        lambda home, _: home.with_web_identity(token=""),
        None,
        "The web identity token file {home}/token gives no AWS credentials: "
        "the token is empty, or the role is not an ARN.",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    ),
    "web identity: no role": Case(
        lambda home, _: home.with_(AWS_WEB_IDENTITY_TOKEN_FILE=NO_FILE),
        None,
        "The web identity token file /no/such is named, but no role to assume with it.",
        "Set AWS_ROLE_ARN (or role_arn in ~/.aws/config).",
    ),
    "web identity: out of reach": Case(
        lambda home, _: home.with_web_identity(NOTHING),
        None,
        "The web identity token file {home}/token gives no AWS credentials: 127.0.0.1 cannot be reached "
        "(EndpointConnectionError).",
        "Check the way to AWS",
    ),
    **{
        f"a proxy's page for {source}: {status} {number}": Case(
            set_up, a_proxys(page, status), f"What answers for {source} is not AWS (", "Check the way to AWS"
        )
        for source, set_up in BEHIND_A_PROXY.items()
        for status in (200, 403, 407)
        for number, page in enumerate(PAGES)
    },
    **{
        f"web identity: {code}": Case(
            lambda home, sts: home.with_web_identity(sts), sts_says_no(code, status), said, fix
        )
        for code, status, said, fix in [
            (
                "AccessDenied",
                403,
                "The web identity token file {home}/token gives no AWS credentials (AccessDenied).",
                "The trust policy of AWS_ROLE_ARN must allow sts:AssumeRoleWithWebIdentity",
            ),
            (
                "InvalidIdentityToken",
                400,
                "The web identity token file {home}/token gives no AWS credentials (InvalidIdentityToken).",
                "OIDC provider as an identity provider in IAM",
            ),
            (
                "IDPCommunicationError",
                400,
                "The web identity token file {home}/token gives no AWS credentials (IDPCommunicationError).",
                "check the issuer's address",
            ),
            (
                "IDPRejectedClaim",
                403,
                "The web identity token file {home}/token gives no AWS credentials (IDPRejectedClaim).",
                "when the pod starts",
            ),
            (
                "ExpiredTokenException",
                400,
                "The web identity token file {home}/token gives no AWS credentials (ExpiredTokenException).",
                "when the pod starts",
            ),
            (
                "RegionDisabledException",
                403,
                "The web identity token file {home}/token gives no AWS credentials (RegionDisabledException).",
                "Activate AWS STS for this region in IAM's account settings",
            ),
            (
                "InternalFailure",
                500,
                "The web identity token file {home}/token gives no AWS credentials just now (InternalFailure).",
                "Try again in a minute.",
            ),
            (
                "Throttling",
                400,
                "The web identity token file {home}/token gives no AWS credentials just now (Throttling).",
                "Try again in a minute.",
            ),
            (
                "PackedPolicyTooLarge",
                400,
                "The web identity token file {home}/token gives no AWS credentials (PackedPolicyTooLarge).",
                "AWS_ROLE_ARN",
            ),
        ]
    },
    **{
        f"role: {code}": Case(
            lambda home, sts: home.has(BY_ROLE + BASE, "app").with_(AWS_ENDPOINT_URL_STS=url(sts)),
            sts_says_no(code),
            said,
            fix,
        )
        for code, said, fix in [
            (
                "AccessDenied",
                "The role of profile app gives no AWS credentials (AccessDenied).",
                "allow sts:AssumeRole on both sides",
            ),
            (
                "InvalidClientTokenId",
                "The role of profile app gives no AWS credentials (InvalidClientTokenId).",
                "renew the credentials of its source_profile",
            ),
        ]
    },
    "web identity behind a role": Case(
        lambda home, _: home.has(
            f"{BY_ROLE}[profile base]\nrole_arn = {ROLE}\nweb_identity_token_file = /no/such\n", "app"
        ),
        None,
        "The web identity token file /no/such gives no AWS credentials (No such file or directory: /no/such).",
        "web_identity_token_file",
    ),
    "half a key behind a role": Case(
        lambda home, _: home.has(f"{BY_ROLE}[profile base]\naws_access_key_id = A\n", "app"),
        None,
        "aws_secret_access_key is missing in the keys of profile base.",
        "Set it there",
    ),
    "container behind a role": Case(
        lambda home, end: home.has(
            f"[profile app]\nrole_arn = {ROLE}\ncredential_source = EcsContainer\n", "app"
        ).with_(AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{url(end)}/role"),
        says(SECRET, 401),
        "The container's credentials endpoint gives no AWS credentials (HTTP 401).",
        "Check the task's role (ECS)",
    ),
    **{
        f"{source} behind {chosen}, where there is none": Case(
            lambda home, _, source=source, chosen=chosen: home.has(  # type: ignore[misc]
                f"[profile app]\nrole_arn = {ROLE}\ncredential_source = {source}\n"
                f"[profile top]\nrole_arn = {ROLE}\nsource_profile = app\n",
                chosen,
            ),
            None,
            f"Profile app takes AWS credentials from {source} (credential_source), which gave none.",
            fix,
        )
        for chosen in ("app", "top")
        for source, fix in [
            ("Environment", "Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY"),
            ("EcsContainer", "the AWS_CONTAINER_ variables"),
            ("Ec2InstanceMetadata", "Check that the instance has a role."),
        ]
    },
    "an unknown source behind a role": Case(
        lambda home, _: home.has(f"[profile app]\nrole_arn = {ROLE}\ncredential_source = Magic\n", "app"),
        None,
        'The AWS settings do not fit together: The credential source "Magic" referenced in profile "app" is not valid.',
        "~/.aws/config",
    ),
    "process: fails": Case(
        lambda home, _: failing_program(home, f"echo {SECRET} >&2; exit 1"),
        None,
        "The credential_process of profile tool gives no AWS credentials (CredentialRetrievalError).",
        "Run that command of ~/.aws/config as the bot's user",
    ),
    "process: rubbish": Case(
        lambda home, _: failing_program(home, f"echo {SECRET}"),
        None,
        "The credential_process of profile tool gives no AWS credentials (",
        "it must print credentials as JSON",
    ),
    "process: a list": Case(
        lambda home, _: failing_program(home, "echo '[]'"),
        None,
        "The credential_process of profile tool gives no AWS credentials (",
        "it must print credentials as JSON",
    ),
    **{
        f"process: {keys}": Case(
            lambda home, _, keys=keys: failing_program(home, f"echo '{{\"Version\": 1, {keys}}}'"),  # type: ignore[misc]
            None,
            "The credential_process of profile tool gives no AWS credentials (TypeError).",
            "it must print credentials as JSON",
        )
        for keys in (
            '"AccessKeyId": 1, "SecretAccessKey": "x"',
            '"AccessKeyId": "A", "SecretAccessKey": ["x"]',
            '"AccessKeyId": "A", "SecretAccessKey": ""',
            '"AccessKeyId": "A", "SecretAccessKey": "x", "SessionToken": {"a": 1}',
        )
    },
    "process: a strange date": Case(
        lambda home, _: failing_program(
            home, 'echo \'{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "x", "Expiration": "soon"}\''
        ),
        None,
        "The credential_process of profile tool gives no AWS credentials (",
        "it must print credentials as JSON",
    ),
    "process: not there": Case(
        lambda home, _: home.has("[default]\ncredential_process = /no/such\n"),
        None,
        "The credential_process of profile default gives no AWS credentials (No such file or directory: /no/such).",
        "Run that command",
    ),
    "process: an open quotation mark": Case(
        lambda home, _: home.has("[default]\ncredential_process = /bin/echo 'a\n"),
        None,
        "The credential_process of profile default gives no AWS credentials (ValueError).",
        "Run that command",
    ),
    "container: refuses": Case(
        lambda home, end: home.with_(AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{url(end)}/role"),
        says(SECRET, 403),
        "The container's credentials endpoint gives no AWS credentials (HTTP 403).",
        "Check the task's role (ECS)",
    ),
    "container: out of reach": Case(
        lambda home, _: home.with_(AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{url(NOTHING)}/role"),
        None,
        "The container's credentials endpoint gives no AWS credentials (CredentialRetrievalError).",
        "Check the task's role (ECS)",
    ),
    "container: no token": Case(
        lambda home, _: home.with_(
            AWS_CONTAINER_CREDENTIALS_FULL_URI="http://127.0.0.1:9/role",
            AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=NO_FILE,
        ),
        None,
        "The container's credentials endpoint gives no AWS credentials (No such file or directory: /no/such).",
        "the AWS_CONTAINER_ variables",
    ),
    "container: an address that botocore refuses": Case(
        lambda home, _: home.with_(AWS_CONTAINER_CREDENTIALS_FULL_URI="http://example.com/role"),
        None,
        "The container's credentials endpoint gives no AWS credentials (ValueError).",
        "the AWS_CONTAINER_ variables",
    ),
    "no authorities": Case(
        lambda home, _: home.with_(**KEYS, AWS_CA_BUNDLE="/no/such.pem"),
        None,
        "AWS_CA_BUNDLE names /no/such.pem, but there is no such file, so nothing can be sent to AWS.",
        "Correct or remove AWS_CA_BUNDLE.",
    ),
    "no authorities, by profile": Case(
        lambda home, _: home.has(BASE + "ca_bundle = /no/such.pem\n", "base"),
        None,
        "ca_bundle in the AWS settings names /no/such.pem, but there is no such file, so nothing can be sent to AWS.",
        "Correct or remove ca_bundle",
    ),
    "no authorities in the file": Case(
        lambda home, _: home.with_(**KEYS, AWS_CA_BUNDLE=str(home.file("ca.pem", "empty"))),
        None,
        "AWS_CA_BUNDLE names {home}/ca.pem, but it has no certificates in PEM form, so nothing can be sent to AWS.",
        "Correct or remove AWS_CA_BUNDLE.",
    ),
}


@pytest.mark.parametrize(("set_up", "talk", "sentence", "fix"), FAILS.values(), ids=FAILS)
def test_a_source_that_gives_none_is_told_with_what_to_do(  # noqa: PLR0913, PLR0917 -- fixtures
    home: Home,
    monkeypatch: pytest.MonkeyPatch,
    set_up: Callable[[Home, FarEnd], Home],
    talk: Callable[[FarEnd, object], object] | None,
    sentence: str,
    fix: str,
) -> None:
    monkeypatch.setattr("botocore.utils.ContainerMetadataFetcher.SLEEP_TIME", 0)
    with far_end(talk or silent) as end:
        finding = checked(set_up(home, end), monkeypatch)
    assert finding.status == "missing"
    assert finding.sentence.startswith(sentence.format(home=home.folder))
    assert fix in finding.fix


@pytest.mark.parametrize("status", [200, 403])
@pytest.mark.parametrize("page", PAGES)
def test_a_page_in_the_place_of_sts_is_told_to_who_asks_whose_credentials_these_are(
    home: Home, monkeypatch: pytest.MonkeyPatch, page: str, status: int
) -> None:
    with far_end(a_proxys(page, status)) as sts:
        environment = home.with_(**KEYS, AWS_ENDPOINT_URL_STS=url(sts))
        with shell(environment, monkeypatch), pytest.raises(CallerUnknownError) as caught:
            caller("eu-central-1")
    assert caught.value.sentence == "What answers in the place of AWS STS is not AWS."
    assert caught.value.hint == "Check the proxy, AWS_ENDPOINT_URL and the region."


@pytest.mark.parametrize("page", PAGES)
def test_a_page_in_the_place_of_sts_gives_no_session_of_a_pools_role(
    home: Home, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    clients = Clients(1)
    pool = CognitoUserPool("role", "eu-central-1_a", "eu-central-1", clients, Role(ROLE, Roles(clients)))
    with far_end(a_proxys(page, 403)) as sts, shell(home.with_(**KEYS, AWS_ENDPOINT_URL_STS=url(sts)), monkeypatch):
        answer = pool.on_behalf("R1", "U1").call(Step.SIGN_OUT, "ada", lasting(10))
    assert (answer.sent, getattr(answer, "code", None)) == (False, "AssumeRoleUnanswered")
    clients.close()


def test_a_missing_login_session_is_told_where_awscrt_is_installed(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.credentials.EC", object())
    home.has("[profile dev]\nlogin_session = arn:aws:iam::123456789012:user/sam\n", "dev")
    finding = checked(home, monkeypatch)
    assert finding.sentence == "The `aws login` session of profile dev is missing or has ended."
    assert finding.fix.startswith("Run `aws login --profile dev` where the bot runs.")


def test_a_write_without_credentials_is_never_in_doubt_and_says_why(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = Calls("signout")
    with shell(home.with_web_identity(token=None), monkeypatch), pytest.raises(StoreUnavailableError) as caught:
        calls.write_one({"Delete": {"Key": {"pk": "a", "sk": "b"}}})
    calls.close()
    assert caught.value.reason.startswith(f"DeleteItem: The web identity token file {home.folder}/token gives no")
    assert not caught.value.in_doubt


@pytest.mark.parametrize("sts", [sts_says_no("InternalFailure", 500), sts_says_no("AccessDenied")])
def test_what_needed_credentials_was_never_sent_whatever_sts_said(
    home: Home, monkeypatch: pytest.MonkeyPatch, sts: Callable[..., object]
) -> None:
    """Also where the pool has a role, which the bot assumes with its own credentials."""
    clients = Clients(1)
    role = Role(ROLE, Roles(clients))
    with far_end(sts) as end, shell(home.with_web_identity(end), monkeypatch):
        for pool in (
            CognitoUserPool("own", "eu-central-1_a", "eu-central-1", clients),
            CognitoUserPool("role", "eu-central-1_a", "eu-central-1", clients, role).on_behalf("R1", "U1"),
        ):
            answer = pool.call(Step.SIGN_OUT, "ada", lasting(10))
            assert (answer.sent, getattr(answer, "code", None)) == (False, "NoCredentials")
            with pytest.raises(PoolUnavailableError) as caught:
                pool.get_user("ada")
            assert caught.value.code is Code.SETTINGS
    clients.close()


def test_a_failed_renewal_is_logged_without_what_the_source_said(
    home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    keys = {"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "x", "SessionToken": "y", "Expiration": ends(MINUTES)}
    home.file("keys", json.dumps(keys))
    failing_program(home, f"cat {home.folder}/keys || (echo {SECRET} >&2; exit 1)")
    with shell(home, monkeypatch):
        session = AwsSession()
        session.ask()
        (home.folder / "keys").unlink()
        assert session.ask() == "the credential_process of profile tool", "the old ones are still good"
    assert "Refreshing temporary credentials failed during advisory refresh period." in caplog.text
    assert SECRET not in caplog.text
    assert "Traceback" not in caplog.text


def test_a_program_that_hangs_is_stopped(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws_session, "PROCESS_SECONDS", 0.2)
    began = time.monotonic()
    finding = checked(failing_program(home, "exec sleep 60"), monkeypatch)
    assert finding.sentence == "The credential_process of profile tool did not end in time, and was stopped."
    assert time.monotonic() - began < 10


def test_a_program_that_hangs_behind_a_role_is_stopped_too(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws_session, "PROCESS_SECONDS", 0.2)
    home.has(f"{BY_ROLE}[profile base]\ncredential_process = {home.program('exec sleep 60')}\n", "app")
    assert "profile base did not end in time" in checked(home, monkeypatch).sentence


def test_what_a_program_that_hangs_has_started_is_stopped_too(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws_session, "PROCESS_SECONDS", 0.5)
    checked(failing_program(home, f"sleep 60 & echo $! >{home.folder}/started; wait"), monkeypatch)
    started = int((home.folder / "started").read_text())
    for _ in range(100):
        state = Path(f"/proc/{started}/stat")
        if not state.exists() or state.read_text().split()[2] == "Z":  # no one may have waited for it
            return
        time.sleep(0.05)
    pytest.fail("it still runs")


def renewing_by(home: Home, later: str) -> Home:
    """Let a program give credentials. When they must be renewed, it does `later`, and counts that."""
    keys = {"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "x", "SessionToken": "y", "Expiration": ends(HOUR)}
    home.file("keys", json.dumps(keys))
    first = f"[ -e {home.folder}/ran ] || exec cat {home.folder}/keys"
    return failing_program(home, f"{first}; echo >>{home.folder}/ran; {later}")


def ended(home: Home) -> AwsSession:
    """Return a session whose credentials have ended."""
    session = AwsSession()
    session.ask()
    found: Any = session.get_credentials()
    found._found._expiry_time -= HOUR
    home.file("ran", "")
    return session


def all_together(session: AwsSession, seconds: float, threads: int = 8) -> list[str]:
    """Ask on several threads at once, each with so much time; return what each met."""

    def ask(_: int) -> str:
        try:
            with leaving(Departure(within(seconds))):
                return str(session.get_credentials().get_frozen_credentials().access_key)
        except (AwsSetupError, TooLateError) as error:
            return error.kind if isinstance(error, AwsSetupError) else "TooLateError"

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(ask, range(threads)))


def test_a_renewal_that_hangs_is_waited_for_once_and_by_no_one_for_longer_than_there_is_time(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aws_session, "PROCESS_SECONDS", 1.5)
    with shell(renewing_by(home, "exec sleep 60"), monkeypatch):
        session = ended(home)
        began = time.monotonic()
        met = all_together(session, seconds=0.3)
        assert sorted(met) == ["TimeoutExpired", *["TooLateError"] * 7]
        assert all_together(session, seconds=10) == ["TimeoutExpired"] * 8, "it is not tried again at once"
    assert time.monotonic() - began < 8
    assert (home.folder / "ran").read_text() == "\n"


def test_where_there_is_no_end_of_time_a_slow_renewal_is_waited_for_as_long_as_it_may_last(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with shell(renewing_by(home, "exec sleep 60"), monkeypatch):
        session = ended(home)
        monkeypatch.setattr(session.get_credentials(), "_lock", lock := threading.Lock())
        monkeypatch.setattr(aws_session, "PROCESS_SECONDS", 0.1)
        with lock, pytest.raises(AwsSetupError) as caught:
            session.ask()
    assert caught.value.may_pass
    assert caught.value.sentence == (
        "The credential_process of profile tool is being asked for new AWS credentials, and has not answered yet."
    )


def test_a_renewal_that_works_again_is_taken_after_a_few_seconds(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    again = f"[ -e {home.folder}/well ] && exec cat {home.folder}/keys; exit 1"
    with shell(renewing_by(home, again), monkeypatch):
        session = ended(home)
        assert all_together(session, seconds=9, threads=2) == ["CredentialRetrievalError"] * 2
        home.file("well", "")
        assert all_together(session, seconds=9, threads=2) == ["CredentialRetrievalError"] * 2
        monkeypatch.setattr(aws_session, "FAILED_FOR_SECONDS", 0.0)
        assert all_together(session, seconds=9) == ["A"] * 8
    assert (home.folder / "ran").read_text() == "\n\n"


WITHOUT: dict[str, tuple[Callable[[Home], Home], str]] = {
    "an old sso login": (
        lambda home: home.has(SSO, "support").logged_in(-HOUR),
        "The SSO login of profile support is missing or has ended. Run `aws sso login --profile support`",
    ),
    "a stray line": (
        lambda home: home.has(f"[default]\nregion = eu-central-1\n{SECRET}\n"),
        "/.aws/config is not written as AWS settings are, in line 3. Correct it",
    ),
    "no such profile": (lambda home: home.has(BASE, "nowhere"), "There is no profile nowhere in ~/.aws/config or"),
    "no token file": (
        lambda home: home.with_web_identity(token=None),
        "/token gives no AWS credentials (No such file or directory: ",
    ),
    "mfa": (
        lambda home: home.has(f"{BY_ROLE}mfa_serial = 1\n{BASE}", "app"),
        "Profile app asks for an MFA code (mfa_serial), and no one can type one here. Use a role without mfa_serial.",
    ),
    "no authorities": (
        lambda home: home.with_(**KEYS, AWS_CA_BUNDLE=NO_FILE),
        "AWS_CA_BUNDLE names /no/such, but there is no such file, so nothing can be sent to AWS. Correct or remove",
    ),
}


@pytest.mark.long
@pytest.mark.parametrize(("set_up", "told"), WITHOUT.values(), ids=WITHOUT)
def test_every_verb_that_needs_aws_says_so_in_the_same_words(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    set_up: Callable[[Home], Home],
    told: str,
) -> None:
    home = set_up(Home(tmp_path).with_bot("dynamodb://signout"))
    for words in (("audit",), ("table", "--create"), ("iam-policy",)):
        ran = run_here(monkeypatch, capfd, home.environment, *words)
        assert (ran.code, ran.out) == (1, ""), words
        assert told in ran.err, words
        assert SECRET not in ran.err, words
        assert len(ran.err) < 900, words
    done = run_here(monkeypatch, capfd, home.environment, "check", "--no-post", "--json")
    lines = {each["name"]: f"{each['sentence']} {each['fix']}" for each in json.loads(done.out)["checks"]}
    assert done.code == 1
    assert told in lines["store"]
    assert told in lines["AWS credentials"]


@pytest.mark.long
def test_a_secret_that_a_setting_refers_to_needs_credentials_and_says_the_same(tmp_path: Path) -> None:
    home = Home(tmp_path).with_bot("dynamodb://signout").has(SSO, "support").logged_in(-HOUR)
    home.environment["SLACK_BOT_TOKEN"] = "ssm:/bot"  # noqa: S105 -- where it is
    done = home.run("check", "--no-post")
    assert done.returncode == 1
    assert (
        "SLACK_BOT_TOKEN could not be read. The SSO login of profile support is missing or has ended. "
        "Run `aws sso login --profile support`" in done.stdout
    )
