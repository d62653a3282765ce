"""What counts as a yes and as a no: Cognito's own answers, and no one else's. The real adapter over real sockets."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aws_wire import lasting
from headless import Headless
from whole_bot import SIGN_OUT

from bot.action import Done, Refused, Step, Unclear
from bot.aws.clients import Clients
from bot.aws.user_pool import CognitoUserPool
from bot.errors import PoolUnavailableError
from bot.sandbox.wire import Fault, answer, refuse, reset, slow

JSON = "application/x-amz-json-1.1"


@pytest.fixture
def pool(headless: Headless, monkeypatch: pytest.MonkeyPatch) -> Iterator[CognitoUserPool]:
    for name, value in headless.environment.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    clients = Clients(4)
    (customers, *_) = headless.stage.cognito.pools.values()
    yield CognitoUserPool("customers", customers.id, "eu-central-1", clients)
    clients.close()


def test_cognitos_own_yes_is_one_and_says_in_which_second(pool: CognitoUserPool) -> None:
    begun = datetime.now(UTC).replace(microsecond=0)
    yes = pool.call(Step.SIGN_OUT, "ada", lasting(10))
    assert isinstance(yes, Done)
    assert yes.at
    assert begun <= yes.at == yes.at.replace(microsecond=0) <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("status", "body", "content_type"),
    [
        (200, "<html>Please log in</html>", "text/html"),
        (200, "", JSON),
        (200, "[]", JSON),
        (204, "", JSON),
        (302, "", "text/html"),
        (404, "<html>Not found</html>", "text/html"),
        (407, "", "text/html"),
        (408, '{"__type": "RequestTimeout"}', JSON),
        (503, '{"__type": "ServiceUnavailable"}', JSON),
        (400, "\udcff", JSON),
        (400, "[1]", JSON),
    ],
)
def test_an_answer_that_is_not_cognitos_own_is_unclear_and_names_nobody(
    pool: CognitoUserPool, headless: Headless, status: int, body: str, content_type: str
) -> None:
    raw = body.encode("utf-8", "surrogateescape").decode("latin-1")
    headless.before_cognito(SIGN_OUT, answer(status, raw, content_type))
    assert isinstance(pool.call(Step.SIGN_OUT, "ada", lasting(10)), Unclear)
    headless.before_cognito("AdminGetUser", answer(status, raw, content_type))
    with pytest.raises(PoolUnavailableError):
        pool.get_user("ada")


@pytest.mark.parametrize(
    ("status", "code"), [(408, "RequestTimeout"), (500, "InternalErrorException"), (503, "ServiceUnavailable")]
)
def test_aws_own_answer_that_it_took_too_long_or_failed_is_unclear(
    pool: CognitoUserPool, headless: Headless, status: int, code: str
) -> None:
    """AWS may have carried the call out before it gave up, though the answer is its own, with its request id."""
    headless.before_cognito(SIGN_OUT, refuse(status, code))
    unclear = pool.call(Step.SIGN_OUT, "ada", lasting(10))
    assert isinstance(unclear, Unclear)
    assert unclear.code == code
    assert unclear.aws_request_id


def test_a_request_that_cannot_leave_in_time_is_never_sent(
    pool: CognitoUserPool, headless: Headless, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Credentials that are slow to come, as from a role, must not carry a sign-out past its lease."""
    slow = tmp_path / "slow"
    slow.write_text(
        '#!/bin/sh\nsleep 1\necho \'{"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "b", "SessionToken": "c"}\'\n'
    )
    slow.chmod(0o700)
    config = tmp_path / "config"
    config.write_text(f"[default]\ncredential_process = {slow}\n")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    assert pool.call(Step.SIGN_OUT, "ada", lasting(0.5)) == Refused("NoCallMade", None, sent=False)
    assert headless.cognito_calls(SIGN_OUT) == []
    assert headless.is_signed_in("ada")


def test_credentials_that_were_away_are_looked_for_again(
    pool: CognitoUserPool, headless: Headless, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.aws.clients.SHARED_SECONDS", 0)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    assert pool.call(Step.SIGN_OUT, "ada", lasting(10)) == Refused("NoCredentials", None, sent=False)
    assert headless.cognito_calls() == []
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "sandbox")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sandbox")
    assert isinstance(pool.call(Step.SIGN_OUT, "ada", lasting(10)), Done)


def test_a_profile_that_does_not_exist_is_told_as_missing_credentials(
    pool: CognitoUserPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert pool.call(Step.SIGN_OUT, "ada", lasting(10)) == Refused("NoCredentials", None, sent=False)


@pytest.mark.parametrize(("status", "code"), [(400, "TooManyRequestsException"), (429, "TooManyRequestsException")])
def test_throttling_is_a_refusal_that_may_be_tried_again(
    pool: CognitoUserPool, headless: Headless, status: int, code: str
) -> None:
    headless.before_cognito(SIGN_OUT, refuse(status, code))
    refused = pool.call(Step.SIGN_OUT, "ada", lasting(10))
    assert isinstance(refused, Refused)
    assert (refused.code, refused.may_retry, refused.sent) == (code, True, True)
    assert len(headless.cognito_calls(SIGN_OUT)) == 1, "botocore tries nothing again by itself"


@pytest.mark.parametrize(("fault", "done"), [(slow(1), True), (reset(), False), (reset(after=True), False)])
def test_slow_is_a_yes_and_a_broken_connection_is_unclear(
    pool: CognitoUserPool,
    headless: Headless,
    fault: Fault,
    done: bool,  # noqa: FBT001 -- an example
) -> None:
    headless.before_cognito(SIGN_OUT, fault)
    assert isinstance(pool.call(Step.SIGN_OUT, "ada", lasting(10)), Done) is done


def test_a_refused_connection_names_nobody_and_signs_nobody_out(
    pool: CognitoUserPool, headless: Headless, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        nobody_listens = f"http://127.0.0.1:{door.getsockname()[1]}"
    monkeypatch.setenv("AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER", nobody_listens)
    answer = pool.call(Step.SIGN_OUT, "ada", lasting(10))
    assert answer == Refused("Unreachable", None, may_retry=True, sent=False)
    with pytest.raises(PoolUnavailableError, match="could not be reached"):
        pool.get_user("ada")
    assert headless.is_signed_in("ada")
