"""Secrets that are kept elsewhere: in Secrets Manager, in Parameter Store, in files. No sentence shows any of one."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from aws_wire import AwsWire, aws_wire, refuses
from headless import SAM, Headless
from test_settings import GOOD

from bot.aws.secrets import secret
from bot.sandbox import cast
from bot.sandbox.cognito import Moto
from bot.settings.faults import SettingsError
from bot.settings.load import load, load_without_slack
from bot.settings.model import SECRETS

TOKEN = "xoxb-bot-secret"  # noqa: S105 -- the tests look for it where it must not be
HINTS = ("secret-", "xoxb-b", "sesame")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def wire(moto: Moto, monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsWire]:
    with aws_wire(moto.url) as it:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)
        for name, value in {
            "AWS_ENDPOINT_URL": it.url,
            "AWS_ACCESS_KEY_ID": "sandbox",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
        yield it


def kept(name: str, text: str | bytes) -> str:
    """Keep a secret in Secrets Manager; return its ARN."""
    client = boto3.client("secretsmanager", region_name="eu-central-1")
    if isinstance(text, bytes):
        return client.create_secret(Name=name, SecretBinary=text)["ARN"]
    return client.create_secret(Name=name, SecretString=text)["ARN"]


def faults(environment: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(GOOD | environment, secret)
    reported = caught.value.faults
    assert not any(hint in fault for fault in reported for hint in HINTS)
    return reported


def test_a_secret_in_secrets_manager_is_asked_for_by_its_arn_in_its_own_region(wire: AwsWire) -> None:
    arn = kept("plain/bot", f"{TOKEN}\n")
    wire.sent.clear()
    settings = load(GOOD | {"SLACK_BOT_TOKEN": arn}, secret)
    assert settings.slack_bot_token.get_secret_value() == TOKEN
    (asked,) = wire.sent
    assert (asked.iam_action, asked.region) == ("secretsmanager:GetSecretValue", "eu-central-1")
    assert asked.parameters == {"SecretId": arn}


def test_a_key_of_a_json_secret_is_taken(wire: AwsWire) -> None:
    arn = kept("json/slack", json.dumps({"bot": TOKEN, "app": "xapp-app-secret"}))
    settings = load(GOOD | {"SLACK_BOT_TOKEN": f"{arn}#bot", "SLACK_APP_TOKEN": f"{arn}#app"}, secret)
    assert settings.secrets == [TOKEN, "xapp-app-secret"]
    assert {each.parameters["SecretId"] for each in wire.of("GetSecretValue")} == {arn}


def test_a_parameter_is_asked_for_decrypted_in_the_bots_region(wire: AwsWire) -> None:
    boto3.client("ssm").put_parameter(Name="/signout/bot", Value=TOKEN, Type="SecureString")
    wire.sent.clear()
    settings = load(GOOD | {"SLACK_BOT_TOKEN": "ssm:/signout/bot"}, secret)
    assert settings.slack_bot_token.get_secret_value() == TOKEN
    (asked,) = wire.sent
    assert (asked.iam_action, asked.region) == ("ssm:GetParameter", "eu-west-1")
    assert asked.parameters == {"Name": "/signout/bot", "WithDecryption": True}


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_secret_in_a_file_is_taken_without_the_line_end(tmp_path: Path, ending: str) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN + ending, "utf-8")
    given = {name: value for name, value in GOOD.items() if name != "SLACK_BOT_TOKEN"}
    settings = load(given | {"SLACK_BOT_TOKEN_FILE": str(file)})
    assert settings.slack_bot_token.get_secret_value() == TOKEN


@pytest.mark.parametrize("name", SECRETS)
def test_each_secret_may_be_kept_in_any_of_these_ways(name: str, tmp_path: Path) -> None:
    values = {"SLACK_SIGNING_SECRET": "0123456789abcdef0123456789abcdef"} | GOOD
    file = tmp_path / "token"
    file.write_text(values[name], "utf-8")
    without = {each: value for each, value in values.items() if each != name}
    assert values[name] in load(without | {f"{name}_FILE": str(file)}).secrets
    for reference in ("ssm:/a", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:a-AbCdEf#key"):
        settings = load(without | {name: reference}, {reference: values[name]}.__getitem__)
        assert values[name] in settings.secrets
        assert values[name] not in repr(settings)


@pytest.mark.parametrize(
    ("name", "text", "key", "sentence"),
    [
        (
            "not-json",
            "open sesame",
            "#bot",
            "refers to a key of a secret that is not JSON, or has no text under that key.",
        ),
        (
            "a-list",
            '["open sesame"]',
            "#bot",
            "refers to a key of a secret that is not JSON, or has no text under that key.",
        ),
        (
            "no-key",
            '{"sesame": "open"}',
            "#bot",
            "refers to a key of a secret that is not JSON, or has no text under that key.",
        ),
        (
            "a-number",
            '{"bot": 5}',
            "#bot",
            "refers to a key of a secret that is not JSON, or has no text under that key.",
        ),
        ("no-text", '{"bot": " "}', "#bot", "refers to a secret that is empty."),
        ("whole-json", '{"sesame": "open"}', "", "refers to a secret that is JSON. Say which of its keys"),
        ("blank", " \n", "", "refers to a secret that is empty."),
        ("binary", b"sesame\xff", "", "refers to a binary secret. Store it as text."),
        ("other", "open sesame", "", "must be a bot token: it starts with xoxb-"),
        ("again", "ssm:/sesame", "", "leads to another reference. Keep the secret itself there."),
    ],
)
@pytest.mark.usefixtures("wire")
def test_a_secret_of_the_wrong_form_is_told_by_a_sentence(
    name: str, text: str | bytes, key: str, sentence: str
) -> None:
    (fault,) = faults({"SLACK_BOT_TOKEN": kept(f"wrong/{name}", text) + key})
    assert fault.startswith(f"SLACK_BOT_TOKEN {sentence}")


@pytest.mark.parametrize("kind", ["String", "StringList"])
@pytest.mark.usefixtures("wire")
def test_a_parameter_that_lies_open_is_not_taken(kind: str) -> None:
    boto3.client("ssm").put_parameter(Name=f"/open/{kind}", Value=TOKEN, Type=kind)  # type: ignore[arg-type]
    assert faults({"SLACK_BOT_TOKEN": f"ssm:/open/{kind}"}) == [
        "SLACK_BOT_TOKEN refers to a parameter that is not encrypted. Store it as a SecureString."
    ]


MISSING = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:missing-AbCdEf"


@pytest.mark.parametrize(
    ("reference", "action", "code", "sentence"),
    [
        (MISSING, "", "", "AWS says ResourceNotFoundException: there is no such secret there."),
        ("ssm:/missing", "", "", "AWS says ParameterNotFound: there is no such parameter in this account and region."),
        (MISSING, "GetSecretValue", "AccessDeniedException", "AWS says AccessDeniedException: allow it with what"),
        ("ssm:/missing", "GetParameter", "AccessDeniedException", "AWS says AccessDeniedException: allow it with"),
        (MISSING, "GetSecretValue", "DecryptionFailure", "allow kms:Decrypt with its key."),
        (MISSING, "GetSecretValue", "ExpiredTokenException", "AWS says ExpiredTokenException: correct that"),
    ],
)
def test_what_aws_says_of_a_reference_is_told_by_its_code(
    wire: AwsWire, reference: str, action: str, code: str, sentence: str
) -> None:
    if action:
        wire.faults[action].append(refuses(code, message="sesame"))
    (fault,) = faults({"SLACK_BOT_TOKEN": reference})
    assert fault.startswith("SLACK_BOT_TOKEN could not be read, ")
    assert sentence in fault


def test_aws_is_asked_again_before_its_trouble_ends_the_start(wire: AwsWire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    arn = kept("troubled/bot", TOKEN)
    wire.faults["GetSecretValue"].extend([refuses("InternalServiceError", 500), refuses("ThrottlingException")])
    assert load(GOOD | {"SLACK_BOT_TOKEN": arn}, secret).slack_bot_token.get_secret_value() == TOKEN
    wire.faults["GetSecretValue"].extend([refuses("InternalServiceError", 500)] * 4)
    (fault,) = faults({"SLACK_BOT_TOKEN": arn})
    assert "AWS says InternalServiceError" in fault
    assert len(wire.of("GetSecretValue")) == 7


def test_where_aws_is_out_of_reach_or_knows_nobody_the_start_ends_with_a_sentence(
    wire: AwsWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    with monkeypatch.context() as away:
        away.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        (fault,) = faults({"SLACK_BOT_TOKEN": MISSING})
    assert fault == (
        "SLACK_BOT_TOKEN could not be read, AWS was not reached (EndpointConnectionError). "
        "Check credentials and network."
    )
    with monkeypatch.context() as nobody:
        nobody.delenv("AWS_ACCESS_KEY_ID")
        nobody.delenv("AWS_SECRET_ACCESS_KEY")
        (fault,) = faults({"SLACK_BOT_TOKEN": MISSING})
    assert fault.startswith("SLACK_BOT_TOKEN could not be read. There are no AWS credentials: none in the environment")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    (fault,) = faults({"SLACK_BOT_TOKEN": "ssm:/somewhere"})
    assert "Set AWS_DEFAULT_REGION." in fault
    assert wire.sent == []


@pytest.mark.parametrize(
    "reference",
    [
        "ssm:sesame",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:sesame",
        "arn:aws:iam::123456789012:role/sesame",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:sesame-AbCdEf#",
    ],
)
def test_a_reference_that_is_none_is_told_how_one_looks(wire: AwsWire, reference: str) -> None:
    (fault,) = faults({"SLACK_BOT_TOKEN": reference})
    assert fault.startswith("SLACK_BOT_TOKEN must be the secret itself, ssm:/PATH, or the whole ARN of a secret")
    assert wire.sent == []


def test_each_fault_of_a_file_is_a_sentence_that_does_not_quote_what_was_given(tmp_path: Path) -> None:
    given = {name: value for name, value in GOOD.items() if name not in SECRETS}
    (tmp_path / "empty").write_text("\n", "utf-8")
    (tmp_path / "binary").write_bytes(b"sesame\xff")
    files = {"SLACK_BOT_TOKEN_FILE": str(tmp_path / "empty"), "SLACK_APP_TOKEN_FILE": str(tmp_path / "binary")}
    with pytest.raises(SettingsError) as caught:
        load(given | files)
    assert caught.value.faults == [
        "SLACK_BOT_TOKEN is in a file (see SLACK_BOT_TOKEN_FILE) that is empty.",
        "SLACK_APP_TOKEN is in a file (see SLACK_APP_TOKEN_FILE) that is not UTF-8.",
    ]
    both = faults({"SLACK_BOT_TOKEN_FILE": "xoxb-by-mistake"})
    assert both == ["SLACK_BOT_TOKEN and SLACK_BOT_TOKEN_FILE are both set. Leave one of them out."]
    with pytest.raises(SettingsError) as caught:
        load(given | {"SLACK_APP_TOKEN": "xapp-a", "SLACK_BOT_TOKEN_FILE": "xoxb-by-mistake"})
    (fault,) = caught.value.faults
    assert (
        fault
        == "SLACK_BOT_TOKEN is in a file (see SLACK_BOT_TOKEN_FILE) that cannot be read: No such file or directory."
    )


def test_a_command_that_does_not_need_slack_needs_no_secret_and_reads_none(wire: AwsWire) -> None:
    pool = {"SIGNOUT_POOL_ID": GOOD["SIGNOUT_POOL_ID"], "SLACK_BOT_TOKEN_FILE": "/run/secrets/not-here"}
    assert load_without_slack(pool | {"SLACK_APP_TOKEN": MISSING}).pools["default"].region == "eu-central-1"
    assert load(GOOD | {"SLACK_BOT_TOKEN": MISSING}).secrets == [MISSING, GOOD["SLACK_APP_TOKEN"]]
    assert wire.sent == []


def test_a_bot_runs_with_a_secret_of_each_kind_and_none_of_them_is_logged(
    headless: Headless, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(__file__).parent.parent)  # where the package is
    with aws_wire(headless.stage.cognito.url) as wire:
        keys = {"aws_access_key_id": "sandbox", "aws_secret_access_key": "sandbox", "region_name": "eu-central-1"}
        kept_there = boto3.client("secretsmanager", endpoint_url=wire.url, **keys)  # type: ignore[call-overload]
        arn = kept_there.create_secret(Name="run/slack", SecretString=json.dumps({"bot": cast.BOT_TOKEN}))["ARN"]
        file = headless.stage.folder / "app-token"
        file.write_text(f"{cast.APP_TOKEN}\n", "utf-8")
        environment: dict[str, Any] = {
            "SLACK_BOT_TOKEN": f"{arn}#bot",
            "SLACK_APP_TOKEN": "",
            "SLACK_APP_TOKEN_FILE": str(file),
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": wire.url,
            "SIGNOUT_LOG_LEVEL": "DEBUG",
        }
        with headless.bot_process(**environment) as bot:
            headless.command(SAM, "ada --pool customers")
            headless.wait_for_message(SAM, button="signout_confirm")
            log = bot.log()
    assert cast.BOT_TOKEN not in log
    assert cast.APP_TOKEN not in log
    assert arn not in log
