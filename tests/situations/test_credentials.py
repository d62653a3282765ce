"""AWS credentials that are missing or do not work, as `check`, the terminal and a press meet them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from aws_sources import ROLE, SECRET, SSO, Home, sts_gives, sts_says_no, url
from far_end import FarEnd, far_end
from headless import SAM, Headless
from shell import run_here
from whole_bot import CONFIRM, SIGN_OUT, card_for, requests, states

pytestmark = pytest.mark.long
SETTINGS = 253
KEYS = {"AWS_ACCESS_KEY_ID": "AKIATESTS", "AWS_SECRET_ACCESS_KEY": SECRET}


@dataclass
class HomeHere(Home):
    """A home whose verbs are run in this process: a start of their own would take most of the time."""

    tools: tuple[pytest.MonkeyPatch, pytest.CaptureFixture[str]] | None = None

    def run(self, *words: str) -> CompletedProcess[str]:
        """Run a verb in this home."""
        assert self.tools
        ran = run_here(*self.tools, self.environment, *words)
        assert SECRET not in ran.out + ran.err
        return CompletedProcess(words, ran.code, ran.out, ran.err)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Home:
    return HomeHere(tmp_path, tools=(monkeypatch, capfd)).with_bot(f"sqlite:///{tmp_path}/signout.db")


def checked(home: Home) -> dict[str, Any]:
    """Return what `check` finds of the credentials; the pools are not tried without them."""
    done = home.run("check", "--no-post", "--json")
    assert (done.returncode, done.stderr) == (1, "")
    lines = {each["name"]: each for each in json.loads(done.stdout)["checks"]}
    assert lines["pool default"]["sentence"] == "not tried: it needs AWS credentials"
    found: dict[str, Any] = lines["AWS credentials"]
    assert found["status"] == "missing"
    return found


def said_in_terminal(home: Home) -> str:
    """Return what `signout` says, by whose exit code settings or credentials are missing."""
    done = home.run("signout", "--user-pool-id", "eu-central-1_AbCdEf123", "--username", "ada", "--yes")
    assert (done.returncode, done.stdout) == (SETTINGS, "")
    return done.stderr.strip()


def told_everywhere(home: Home, sentence: str, fix: str) -> None:
    """Check that `check` and the terminal say this."""
    found = checked(home)
    assert (found["sentence"], found["fix"]) == (sentence, fix)
    assert said_in_terminal(home) == f"{sentence} {fix}"


def test_17_expired_sso_login(home: Home) -> None:
    """The SSO login of a profile has expired: it is named, with the command that renews it."""
    told_everywhere(
        home.has(SSO, "support").logged_in(timedelta(hours=-1)),
        "The SSO login of profile support is missing or has ended.",
        "Run `aws sso login --profile support` where the bot runs. A bot that runs for long needs a role instead.",
    )


def test_18_aws_login_without_awscrt(home: Home) -> None:
    """A profile of `aws login` needs the package awscrt: it is named, with what installs it."""
    told_everywhere(
        home.has("[profile dev]\nlogin_session = arn:aws:iam::123456789012:user/sam\n", "dev"),
        "Profile dev gets its credentials from `aws login`, and the package awscrt, which that needs, is not "
        "installed.",
        'Install it: pip install "botocore[crt]". The bot\'s image has none: give the bot a role there.',
    )


def test_19_web_identity_refused_or_missing(home: Home) -> None:
    """STS refuses a pod's web identity, or its token file is missing: the file and the trust policy are named."""
    token = home.folder / "token"
    fix = (
        "AWS_WEB_IDENTITY_TOKEN_FILE (or web_identity_token_file) names it. Kubernetes writes it when the pod starts, "
        "if its service account has a role. The bot's user must be able to read it. The trust policy of AWS_ROLE_ARN "
        "must allow sts:AssumeRoleWithWebIdentity to the cluster's OIDC provider, for this service account (sub) and "
        "sts.amazonaws.com (aud)."
    )
    said = f"The web identity token file {token} gives no AWS credentials"
    with far_end(sts_says_no("AccessDenied")) as sts:
        told_everywhere(home.with_web_identity(sts), f"{said} (AccessDenied).", fix)
    token.unlink()
    told_everywhere(home, f"{said} (No such file or directory: {token}).", fix)


def test_20_malformed_aws_config(home: Home) -> None:
    """~/.aws/config has a line that does not belong there: the file and the line are named, and not quoted."""
    told_everywhere(
        home.has(f"[default]\nregion = eu-central-1\n{SECRET}\n"),
        f"{home.config} is not written as AWS settings are, in line 3.",
        "Correct it: lines of NAME = VALUE, under [default], [profile NAME] or, in a credentials file, [NAME].",
    )


def test_21_profile_with_mfa(tmp_path: Path) -> None:
    """A profile wants an MFA code: no one is asked for one, and the profile and another way are named."""
    home = Home(tmp_path).with_bot(f"sqlite:///{tmp_path}/signout.db")  # in processes of its own, which could ask
    config = f"[profile app]\nrole_arn = {ROLE}\nsource_profile = base\nmfa_serial = arn:aws:iam::1:mfa/sam\n"
    told_everywhere(
        home.has(f"{config}[profile base]\naws_access_key_id = A\naws_secret_access_key = x\n", "app"),
        "Profile app asks for an MFA code (mfa_serial), and no one can type one here.",
        "Use a role without mfa_serial. In a shell, first get credentials that live for some time: "
        '`eval "$(aws configure export-credentials --format env)"` asks for the code.',
    )


def test_22_missing_ca_bundle(home: Home) -> None:
    """AWS_CA_BUNDLE names a file, but there is no such file: the variable and the file are named."""
    told_everywhere(
        home.with_(**KEYS, AWS_CA_BUNDLE="/no/such.pem"),
        "AWS_CA_BUNDLE names /no/such.pem, but there is no such file, so nothing can be sent to AWS.",
        "Correct or remove AWS_CA_BUNDLE.",
    )


@pytest.fixture
def short_lived() -> Iterator[FarEnd]:
    """An STS whose sessions are always about to end, so that each call asks for another."""
    with far_end(sts_gives("AssumeRoleWithWebIdentity", timedelta(minutes=5))) as sts:
        yield sts


def test_23_token_file_gone_after_the_press(headless: Headless, tmp_path: Path, short_lived: FarEnd) -> None:
    """The token file is gone when the press is carried out: nothing was sent, and the card says so for certain."""
    pod = Home(tmp_path).with_web_identity()
    own = {name: value for name, value in pod.environment.items() if name.startswith("AWS_")}
    no_keys = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_ENDPOINT_URL_STS": url(short_lived)}
    with headless.bot_in_process(**own, **no_keys):
        card = card_for(headless, SAM)
        (tmp_path / "token").unlink()
        headless.press(SAM, card, CONFIRM)
        headless.wait_for(lambda: states(headless) == ["failed"])
        result = headless.wait_for_message(SAM, containing="Not signed out")
    assert "The bot's AWS credentials or settings do not work." in str(result.blocks)
    assert requests(headless)[0].error_code == "NoCredentials"
    assert headless.cognito_calls(SIGN_OUT) == []
    assert headless.is_signed_in("ada")
