"""Where AWS credentials may come from: a home with real files in it, and endpoints on loopback that give them."""

import hashlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from far_end import FarEnd

from bot.sandbox import cast

ROOT, NOWHERE = Path(__file__).parent.parent, "http://127.0.0.1:9"
START_URL, SECRET = "https://example.awsapps.com/start", "SECRET-of-these-tests"
ROLE = "arn:aws:iam::123456789012:role/Bot"
SSO = f"""
[profile support]
sso_session = people
sso_account_id = 123456789012
sso_role_name = Support

[sso-session people]
sso_region = eu-central-1
sso_start_url = {START_URL}
"""


@dataclass
class Home:
    """A home directory, and the environment of a shell in it, which has no credentials yet."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        kept = {name: value for name, value in os.environ.items() if name in {"PATH", "LANG", "LC_ALL"}}
        own = {"HOME": str(self.folder), "AWS_EC2_METADATA_DISABLED": "true", "AWS_DEFAULT_REGION": "eu-central-1"}
        self.environment = kept | own

    @property
    def config(self) -> Path:
        """~/.aws/config."""
        return self.folder / ".aws" / "config"

    def has(self, config: str, profile: str | None = None) -> "Home":
        """Write ~/.aws/config, and choose a profile."""
        self.config.parent.mkdir(exist_ok=True)
        self.config.write_text(config, "utf-8")
        return self.with_(AWS_PROFILE=profile) if profile else self

    def with_(self, **environment: str) -> "Home":
        """Set variables."""
        self.environment |= environment
        return self

    def with_bot(self, store: str) -> "Home":
        """Set what a bot needs, with no way to Slack and Cognito."""
        return self.with_(
            SLACK_BOT_TOKEN=cast.BOT_TOKEN,
            SLACK_APP_TOKEN=cast.APP_TOKEN,
            SLACK_API_URL=f"{NOWHERE}/api/",
            SIGNOUT_AUDIT_CHANNEL="C0SIGNOUT1",
            SIGNOUT_ALLOW_USERS="U0SAM00001",
            SIGNOUT_POOL_ID="eu-central-1_AbCdEf123",
            SIGNOUT_STORE=store,
            AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER=NOWHERE,
            AWS_ENDPOINT_URL_DYNAMODB=NOWHERE,
        )

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a verb in this home. It has no terminal to ask at, tells no secret, and ends without a traceback."""
        done = subprocess.run(
            [sys.executable, "-m", "bot", *words],
            env=self.environment,
            cwd=ROOT,
            input="123456\n",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            start_new_session=True,
        )
        assert SECRET not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    def file(self, name: str, content: str) -> Path:
        """Write a file."""
        path = self.folder / name
        path.write_text(content, "utf-8")
        return path

    def program(self, script: str) -> Path:
        """Write a program for a shell."""
        path = self.file("program", f"#!/bin/sh\n{script}\n")
        path.chmod(0o700)
        return path

    def logged_in(self, lives: timedelta) -> "Home":
        """Leave what `aws sso login` leaves for the session `people`, without a way to renew it."""
        cache = self.folder / ".aws" / "sso" / "cache"
        cache.mkdir(parents=True, exist_ok=True)
        token = {"startUrl": START_URL, "region": "eu-central-1", "accessToken": SECRET, "expiresAt": ends(lives)}
        (cache / f"{hashlib.sha1(b'people').hexdigest()}.json").write_text(json.dumps(token))  # noqa: S324 -- botocore's
        return self

    def with_web_identity(self, sts: FarEnd | None = None, token: str | None = SECRET) -> "Home":
        """Set what EKS sets for a pod whose service account has a role; `token` is what is in the file."""
        path = self.folder / "token"
        if token is not None:
            path.write_text(token)
        if sts:
            self.with_(AWS_ENDPOINT_URL_STS=url(sts))
        return self.with_(AWS_WEB_IDENTITY_TOKEN_FILE=str(path), AWS_ROLE_ARN=ROLE)


def ends(lives: timedelta) -> str:
    """Return when what lives for so long ends, as AWS writes it."""
    return f"{datetime.now(UTC) + lives:%Y-%m-%dT%H:%M:%SZ}"


def url(end: FarEnd) -> str:
    """Return the address of a far end."""
    return f"http://127.0.0.1:{end.port}"


def says(
    body: str, status: int = 200, kind: str = "text/xml", **headers: str
) -> Callable[[FarEnd, socket.socket], None]:
    """Return what gives each request this answer, as an AWS service does."""
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    more += f"x-amzn-RequestId: 1\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    head = f"HTTP/1.1 {status} X\r\n{more}\r\n"
    return lambda end, sock: end.answers(sock, lambda it: it.sendall(f"{head}{body}".encode()))


def sts_says_no(code: str, status: int = 403) -> Callable[[FarEnd, socket.socket], None]:
    """Return what refuses as STS does."""
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{SECRET}</Message></Error>"
    return says(f"<ErrorResponse>{error}<RequestId>1</RequestId></ErrorResponse>", status)


def sts_gives(action: str, lives: timedelta) -> Callable[[FarEnd, socket.socket], None]:
    """Return what gives a session as STS does."""
    keys = "<AccessKeyId>ASIATESTS</AccessKeyId><SecretAccessKey>x</SecretAccessKey><SessionToken>y</SessionToken>"
    made = f"<Credentials>{keys}<Expiration>{ends(lives)}</Expiration></Credentials>"
    who = f"<AssumedRoleUser><Arn>{ROLE}</Arn><AssumedRoleId>A:b</AssumedRoleId></AssumedRoleUser>"
    return says(
        f"<{action}Response><{action}Result>{made}{who}</{action}Result>"
        f"<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{action}Response>"
    )


def container_gives(lives: timedelta) -> Callable[[FarEnd, socket.socket], None]:
    """Return what gives credentials as a container's endpoint does."""
    keys = {"AccessKeyId": "ASIATESTS", "SecretAccessKey": "x", "Token": "y", "Expiration": ends(lives)}
    return says(json.dumps(keys), kind="application/json")


def json_says_no(code: str, status: int) -> Callable[[FarEnd, socket.socket], None]:
    """Return what refuses as services that speak JSON do."""
    return says(json.dumps({"message": SECRET}), status, "application/json", x_amzn_ErrorType=code)
