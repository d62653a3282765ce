"""What is known of AWS without a call only for that: whether there are credentials, and what was last heard."""

import json
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from headless import Headless
from whole_bot import FIND, SIGN_OUT

from bot.action import Step
from bot.aws.clients import Clients
from bot.aws.user_pool import CognitoUserPool, Heard
from bot.aws.watch import NOT_ASKED, TOLD_FOR_SECONDS, OwnCredentials, troubles
from bot.errors import PoolUnavailableError
from bot.options import Attribute
from bot.sandbox.wire import answer, refuse, reset

LIVES = timedelta(hours=6)


@pytest.fixture(autouse=True)
def _nothing_to_find(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


class Source:
    """A program that gives credentials, as `credential_process` names one, and counts how often it was asked."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._answer, self._asked = folder / "answer", folder / "asked"
        program = folder / "program.py"
        program.write_text(
            f"print(open({str(self._answer)!r}).read()); open({str(self._asked)!r}, 'a').write('.')", "utf-8"
        )
        config = folder / "config"
        config.write_text(f"[default]\ncredential_process = {sys.executable} {program}\n", "utf-8")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(config))

    def gives(self, lives: timedelta) -> None:
        """Give credentials that live for so long from now on."""
        ends = (datetime.now(UTC) + lives).isoformat()
        keys = {"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "B", "SessionToken": "C", "Expiration": ends}
        self._answer.write_text(json.dumps(keys), "utf-8")

    def fails(self) -> None:
        """Give nothing."""
        self._answer.unlink()

    @property
    def asked(self) -> int:
        """How often it was asked and gave something."""
        return len(self._asked.read_text("utf-8"))


def why(credentials: OwnCredentials) -> str | None:
    error = credentials.missing()
    return error.kind if error else None


def test_where_there_are_none_that_is_said_and_they_are_found_once_they_are_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    credentials = OwnCredentials()
    assert why(credentials) == "NoCredentialsError"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "tests")
    assert why(credentials) == "PartialCredentialsError"
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "tests")
    assert credentials.missing() is None


def test_a_profile_that_is_not_there_is_named_by_its_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nowhere")
    assert why(OwnCredentials()) == "ProfileNotFound"


def test_their_source_is_asked_once_until_they_are_about_to_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, credentials = Source(tmp_path, monkeypatch), OwnCredentials()
    source.gives(LIVES)
    assert [credentials.missing() for _ in range(5)] == [None] * 5
    assert source.asked == 1
    source.gives(timedelta(minutes=5))
    ending = OwnCredentials()
    assert [ending.missing() for _ in range(2)] == [None] * 2
    assert source.asked > 2


def test_credentials_that_ended_and_are_not_renewed_are_missing_until_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, credentials = Source(tmp_path, monkeypatch), OwnCredentials()
    source.gives(timedelta(minutes=5))
    assert credentials.missing() is None
    source.fails()
    assert why(credentials) == "CredentialRetrievalError"
    source.gives(timedelta(minutes=-5))
    assert why(credentials) == "RuntimeError", "botocore's word for those that have ended already"
    source.gives(LIVES)
    assert credentials.missing() is None


def test_what_a_pool_last_heard_is_known_of_every_call(headless: Headless, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in headless.environment.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    clients, heard = Clients(4), {"customers": NOT_ASKED}
    (customers, *_) = headless.stage.cognito.pools.values()
    pool = CognitoUserPool("customers", customers.id, "eu-central-1", clients, heard=heard)

    def told() -> str | None:
        return troubles(heard)["customers"]

    def find() -> None:
        pool.on_behalf("R1", "U1").list_users(Attribute.USERNAME, "ada")

    assert told() is None
    headless.before_cognito(FIND, reset())
    with pytest.raises(PoolUnavailableError):
        find()
    assert (told() or "").startswith("The last call for pool customers failed. Cognito cannot be reached.")
    find()
    assert told() is None
    headless.before_cognito(SIGN_OUT, answer(400, '{"__type": "ExpiredTokenException"}', "application/x-amz-json-1.1"))
    pool.call(Step.SIGN_OUT, "ada", lambda: timedelta(seconds=10))
    assert "The AWS credentials have expired. Renew them." in (told() or "")
    assert pool.get_user("no-such-name") is None
    assert told() is None, "that is an answer of Cognito's too"
    headless.before_cognito(SIGN_OUT, refuse(400, "TooManyRequestsException"))
    pool.call(Step.SIGN_OUT, "ada", lambda: timedelta(seconds=10))
    assert told() is None, "and so is this"
    clients.close()


def test_a_trouble_is_told_for_half_an_hour() -> None:
    now = time.monotonic()
    heard: dict[str, Heard] = {"late": ("TimedOut", now - TOLD_FOR_SECONDS - 1), "new": ("TimedOut", now - 60)}
    assert {name for name, why in troubles(heard).items() if why} == {"new"}
