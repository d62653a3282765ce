"""A pool's role: whose name and request each session carries, what is signed with it, and what a refusal means."""

import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import boto3
import pytest
from aws_wire import AwsWire, Sent, aws_wire, lasting, refuses, sts_refuses
from headless import AUDIT, SAM, Headless
from shell import ROLE as TERMINAL_ROLE
from shell import Shell
from whole_bot import CONFIRM, SIGN_OUT, card_for, entries, states

from bot.action import Done, Refused, Step
from bot.aws.clients import Clients
from bot.aws.roles import Role, Roles, session_word
from bot.aws.user_pool import CognitoUserPool
from bot.errors import PoolUnavailableError
from bot.options import Attribute
from bot.sandbox.cognito import Moto

ROLE = "arn:aws:iam::123456789012:role/SignOut"
REQUEST, OTHER_REQUEST = "01JD0000000000000000000001", "01JD0000000000000000000002"
SAM_ID, KIM_ID = "U0SAM00001", "U0KIM00001"
NO_ROLE = Refused("AssumeRoleRefused", None, sent=False)


@pytest.fixture
def wire(headless: Headless, monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsWire]:
    with aws_wire(headless.stage.cognito.url, headless.environment["AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER"]) as it:
        for name, value in headless.environment.items():
            if name.startswith("AWS_"):
                monkeypatch.setenv(name, value)
        for service in ("COGNITO_IDENTITY_PROVIDER", "STS"):
            monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", it.url)
        yield it


@pytest.fixture
def clients() -> Iterator[Clients]:
    made = Clients(4)
    yield made
    made.close()


@pytest.fixture
def pool(headless: Headless, wire: AwsWire, clients: Clients) -> CognitoUserPool:
    assert wire.url
    (customers, *_) = headless.stage.cognito.pools.values()
    return CognitoUserPool("customers", customers.id, "eu-central-1", clients, role=Role(ROLE, Roles(clients)))


def given_by(assumed: Sent) -> str:
    """The access key id that STS gave."""
    found = re.search(r"<AccessKeyId>(\w+)</AccessKeyId>", assumed.answer)
    assert found
    return found[1]


def test_the_session_names_request_and_operator_and_every_call_of_the_request_is_signed_with_it(
    pool: CognitoUserPool, wire: AwsWire
) -> None:
    assert pool.on_behalf(REQUEST, SAM_ID).list_users(Attribute.USERNAME, "ada")
    assert pool.on_behalf(REQUEST, SAM_ID).get_user("ada")
    assert isinstance(pool.on_behalf(REQUEST, SAM_ID).call(Step.SIGN_OUT, "ada", lasting(10)), Done)
    assert wire.sessions == [
        {"RoleArn": ROLE, "RoleSessionName": REQUEST, "SourceIdentity": SAM_ID, "DurationSeconds": "900"}
    ]
    assumed, *calls = wire.sent
    assert (assumed.access_key, assumed.region) == ("sandbox", "eu-central-1")
    assert [call.action for call in calls] == ["ListUsers", "AdminGetUser", SIGN_OUT]
    assert {call.access_key for call in calls} == {given_by(assumed)}
    assert all(call.token for call in calls)


def test_neither_two_operators_nor_two_requests_share_a_session(pool: CognitoUserPool, wire: AwsWire) -> None:
    asked = [(REQUEST, SAM_ID), (REQUEST, KIM_ID), (OTHER_REQUEST, SAM_ID)]
    for request_id, operator_id in asked * 2:
        pool.on_behalf(request_id, operator_id).get_user("ada")
    assert [(each["RoleSessionName"], each["SourceIdentity"]) for each in wire.sessions] == asked
    gave = {
        (each.parameters["RoleSessionName"], each.parameters["SourceIdentity"]): given_by(each)
        for each in wire.of("AssumeRole")
    }
    assert [call.access_key for call in wire.of("AdminGetUser")] == [gave[each] for each in asked * 2]
    assert len(set(gave.values())) == 3


def test_operators_who_ask_at_the_same_moment_sign_with_their_own_sessions_each_assumed_once(
    pool: CognitoUserPool, wire: AwsWire
) -> None:
    """One client, and one connection pool, serves them all: only the present thread's session may sign."""
    operators = [f"U0PERSON{number:02}" for number in range(6)]
    together = threading.Barrier(12)

    def ask(operator_id: str) -> None:
        together.wait()
        for _ in range(3):
            # The user name tells on the wire who asked.
            pool.on_behalf(REQUEST, operator_id).get_user(operator_id)

    with ThreadPoolExecutor(12) as threads:
        list(threads.map(ask, operators * 2))
    gave = {each.parameters["SourceIdentity"]: given_by(each) for each in wire.of("AssumeRole")}
    assert sorted(each["SourceIdentity"] for each in wire.sessions) == operators
    calls = wire.of("AdminGetUser")
    assert len(calls) == 36
    assert all(call.access_key == gave[call.parameters["Username"]] for call in calls)


def test_a_session_is_renewed_shortly_before_it_ends(
    pool: CognitoUserPool, wire: AwsWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("bot.aws.roles.time.monotonic", lambda: now[0])
    view = pool.on_behalf(REQUEST, SAM_ID)
    for now[0], sessions in ((1000.0, 1), (1839.0, 1), (1840.0, 2), (2679.0, 2), (2680.0, 3)):
        view.get_user("ada")
        assert len(wire.sessions) == sessions
    assert wire.of("AdminGetUser")[-1].access_key == given_by(wire.of("AssumeRole")[-1])


def test_a_session_that_aws_takes_no_longer_is_not_used_again(pool: CognitoUserPool, wire: AwsWire) -> None:
    wire.faults[SIGN_OUT].append(refuses("ExpiredTokenException"))
    view = pool.on_behalf(REQUEST, SAM_ID)
    answer = view.call(Step.SIGN_OUT, "ada", lasting(10))
    assert isinstance(answer, Refused)
    assert answer.code == "ExpiredTokenException"
    assert isinstance(view.call(Step.SIGN_OUT, "ada", lasting(10)), Done)
    assert len(wire.sessions) == 2


def test_only_so_many_sessions_are_kept(pool: CognitoUserPool, wire: AwsWire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.aws.roles.MAX_SESSIONS", 2)
    for operator_id in ("U0A", "U0B", "U0A", "U0C", "U0A", "U0B"):  # C drives B out, which was used longest ago
        pool.on_behalf(REQUEST, operator_id).get_user("ada")
    assert [each["SourceIdentity"] for each in wire.sessions] == ["U0A", "U0B", "U0C", "U0B"]


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        (sts_refuses("AccessDenied"), NO_ROLE),
        (sts_refuses("ValidationError", 400), NO_ROLE),
        (sts_refuses("RegionDisabledException"), NO_ROLE),
        (sts_refuses("ExpiredToken"), Refused("ExpiredTokenException", None, sent=False)),
        (sts_refuses("InvalidClientTokenId"), Refused("UnrecognizedClientException", None, sent=False)),
        (sts_refuses("Throttling", 400), Refused("AssumeRoleThrottled", None, may_retry=True, sent=False)),
        (sts_refuses("InternalFailure", 500), Refused("AssumeRoleUnanswered", None, may_retry=True, sent=False)),
        (lambda _: (200, "<html>log in</html>"), Refused("AssumeRoleUnanswered", None, may_retry=True, sent=False)),
    ],
)
def test_where_sts_gives_no_session_nothing_is_sent_to_cognito_and_nothing_is_in_doubt(
    pool: CognitoUserPool, wire: AwsWire, fault: object, answer: Refused
) -> None:
    wire.faults["AssumeRole"].extend([fault] * 2)  # type: ignore[list-item]
    view = pool.on_behalf(REQUEST, SAM_ID)
    assert view.call(Step.SIGN_OUT, "ada", lasting(10)) == answer
    with pytest.raises(PoolUnavailableError, match=answer.code):
        view.get_user("ada")
    assert {each.action for each in wire.sent} == {"AssumeRole"}
    assert isinstance(view.call(Step.SIGN_OUT, "ada", lasting(10)), Done)


def test_what_sts_said_is_logged_by_its_code_without_naming_anybody(
    pool: CognitoUserPool, wire: AwsWire, caplog: pytest.LogCaptureFixture
) -> None:
    wire.faults["AssumeRole"].append(sts_refuses("AccessDenied"))
    pool.on_behalf(REQUEST, SAM_ID).call(Step.SIGN_OUT, "ada", lasting(10))
    assert "STS gave no session of a pool's role: AccessDenied" in caplog.text
    assert "123456789012" not in caplog.text
    assert SAM_ID not in caplog.text


def test_a_session_that_was_slow_to_come_does_not_carry_a_sign_out_past_its_time(
    pool: CognitoUserPool, wire: AwsWire, headless: Headless
) -> None:
    """STS answers only after the sign-out's time is over, even on a busy machine."""
    released = threading.Event()

    def late(_: Sent) -> tuple[int, str]:
        released.wait(4)
        return 200, session

    pool.on_behalf(OTHER_REQUEST, SAM_ID).get_user("ada")
    session = wire.sent[0].answer
    wire.faults["AssumeRole"].append(late)
    threading.Timer(0.6, released.set).start()
    answer = pool.on_behalf(REQUEST, SAM_ID).call(Step.SIGN_OUT, "ada", lasting(0.5))
    assert answer == Refused("NoCallMade", None, sent=False)
    assert wire.of(SIGN_OUT) == []
    assert headless.is_signed_in("ada")


def test_a_lookup_does_not_wait_longer_for_a_session_than_a_call_may_take(
    pool: CognitoUserPool, wire: AwsWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(_: Sent) -> tuple[int, str]:
        time.sleep(0.6)
        return 200, session

    pool.on_behalf(OTHER_REQUEST, SAM_ID).get_user("ada")
    session = wire.sent[0].answer
    wire.sent.clear()
    wire.faults["AssumeRole"].append(late)
    monkeypatch.setattr("bot.aws.user_pool.CALL", timedelta(seconds=0.3))
    with pytest.raises(PoolUnavailableError) as caught:
        pool.on_behalf(REQUEST, SAM_ID).get_user("ada")
    assert caught.value.error_code == "NoCallMade"
    assert [each.action for each in wire.sent] == ["AssumeRole"]


def test_where_the_time_is_over_sts_is_not_even_asked(pool: CognitoUserPool, wire: AwsWire) -> None:
    answer = pool.on_behalf(REQUEST, SAM_ID).call(Step.SIGN_OUT, "ada", lasting(0))
    assert answer == Refused("NoCallMade", None, sent=False)
    assert wire.sent == []


def test_a_sign_out_whose_time_runs_out_while_another_thread_assumes_the_role_is_not_sent(
    pool: CognitoUserPool, wire: AwsWire
) -> None:
    asked, released = threading.Event(), threading.Event()

    def held(_: Sent) -> tuple[int, str]:
        asked.set()
        released.wait()
        return sts_refuses("AccessDenied")(_)

    wire.faults["AssumeRole"].append(held)
    view = pool.on_behalf(REQUEST, SAM_ID)
    with ThreadPoolExecutor(1) as thread:
        first = thread.submit(view.call, Step.SIGN_OUT, "ada", lasting(10))
        asked.wait()
        second = view.call(Step.SIGN_OUT, "ada", lasting(0.1))
        released.set()
        assert first.result().code in {"AssumeRoleRefused", "AssumeRoleUnanswered"}  # type: ignore[union-attr]
    assert second == Refused("NoCallMade", None, sent=False)
    assert [each.action for each in wire.sent] == ["AssumeRole"]


def test_without_credentials_of_its_own_the_bot_asks_nobody(
    pool: CognitoUserPool, wire: AwsWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.aws.clients.SHARED_SECONDS", 0)
    with monkeypatch.context() as without:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            without.delenv(name)
        answer = pool.on_behalf(REQUEST, SAM_ID).call(Step.SIGN_OUT, "ada", lasting(10))
    assert answer == Refused("NoCredentials", None, sent=False)
    assert wire.sent == []
    assert isinstance(pool.on_behalf(REQUEST, SAM_ID).call(Step.SIGN_OUT, "ada", lasting(10)), Done)


def test_a_pool_with_a_role_is_never_asked_with_the_bots_own_credentials(pool: CognitoUserPool, wire: AwsWire) -> None:
    with pytest.raises(PoolUnavailableError):
        pool.get_user("ada")
    pool.call(Step.SIGN_OUT, "ada", lasting(10))
    assert wire.sent == []


def test_a_pool_without_a_role_is_asked_as_ever(headless: Headless, wire: AwsWire, clients: Clients) -> None:
    (customers, *_) = headless.stage.cognito.pools.values()
    pool = CognitoUserPool("customers", customers.id, "eu-central-1", clients)
    assert isinstance(pool.on_behalf(REQUEST, SAM_ID).call(Step.SIGN_OUT, "ada", lasting(10)), Done)
    assert [(each.action, each.access_key, each.token) for each in wire.sent] == [(SIGN_OUT, "sandbox", None)]


def test_a_role_of_another_account_and_region_opens_that_accounts_pool_there(
    moto: Moto, monkeypatch: pytest.MonkeyPatch, clients: Clients
) -> None:
    """moto keeps accounts apart by the session's access key: in the bot's own account there is no such pool."""
    role = "arn:aws:iam::210987654321:role/SignOut"
    with aws_wire(moto.url) as wire:
        for name, value in {"AWS_ENDPOINT_URL": wire.url, "AWS_DEFAULT_REGION": "eu-central-1"}.items():
            monkeypatch.setenv(name, value)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "sandbox")
        made = boto3.Session().client("sts").assume_role(RoleArn=role, RoleSessionName="seed")["Credentials"]
        there = boto3.Session(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"]).client(
            "cognito-idp", region_name="us-east-1"
        )
        pool_id = there.create_user_pool(PoolName="abroad")["UserPool"]["Id"]
        there.admin_create_user(UserPoolId=pool_id, Username="ada", MessageAction="SUPPRESS")
        wire.sent.clear()
        abroad = CognitoUserPool("abroad", pool_id, "us-east-1", clients, role=Role(role, Roles(clients)))
        assert isinstance(abroad.on_behalf(REQUEST, SAM_ID).call(Step.SIGN_OUT, "ada", lasting(10)), Done)
        assert [(each.action, each.region) for each in wire.sent] == [
            ("AssumeRole", "us-east-1"),
            (SIGN_OUT, "us-east-1"),
        ]
        own = CognitoUserPool("abroad", pool_id, "us-east-1", clients)
        assert isinstance(answer := own.call(Step.SIGN_OUT, "ada", lasting(10)), Refused)
        assert answer.code == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("region", "endpoint"),
    [
        ("eu-central-1", "https://sts.eu-central-1.amazonaws.com"),
        ("us-east-1", "https://sts.us-east-1.amazonaws.com"),
        ("cn-north-1", "https://sts.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "https://sts.us-gov-west-1.amazonaws.com"),
        ("me-central-1", "https://sts.me-central-1.amazonaws.com"),
    ],
)
def test_the_sts_of_the_pools_own_region_is_asked(
    clients: Clients, monkeypatch: pytest.MonkeyPatch, region: str, endpoint: str
) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS"):
        monkeypatch.delenv(name, raising=False)
    assert clients.of(region, "sts").meta.endpoint_url == endpoint


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("U0123ABCDEF", "U0123ABCDEF"),
        (REQUEST, REQUEST),
        ("arn:aws:iam::123456789012:role/Support", "role=Support@123456789012"),
        ("arn:aws-cn:iam::123456789012:user/eu/sam", "user=sam@123456789012"),
    ],
)
def test_an_operator_is_named_readably(text: str, word: str) -> None:
    assert session_word(text) == word


def test_each_operators_name_makes_a_word_of_its_own_that_sts_takes() -> None:
    long = "x" * 64
    texts = [
        "", "a", "aé", "ü", "a b", "a.b", "a/b", "a:b", "a\nb", "\udcff", "x" * 65, "x" * 66, long,
        f"arn:aws:iam::123456789012:role/{long}", f"arn:aws:iam::123456789012:user/{long}",
        f"arn:aws:iam::123456789012:role/{long[:-1]}y", "arn:aws:iam::123456789012:root",
        "arn:aws:sts::123456789012:federated-user/sam", "arn:aws:iam::123456789012:user/sam",
        "arn:aws:iam::123456789013:user/sam", "arn:aws:iam::123456789012:role/sam",
    ]  # fmt: skip
    words = [session_word(text) for text in texts]
    assert all(re.fullmatch(r"[A-Za-z0-9_+=,.@-]{2,64}", word) for word in words), words
    assert len(set(words)) == len(texts)


def with_role(headless: Headless, wire: AwsWire) -> dict[str, str]:
    """The settings of this stage, its pools with a role, and AWS at the other end of the wire."""
    settings = headless.stage.folder / "roles.toml"
    pools = Path(headless.environment["SIGNOUT_CONFIG"]).read_text("utf-8")
    settings.write_text(pools.replace("token_lifetime", f'role_arn = "{ROLE}"\ntoken_lifetime'), "utf-8")
    return {
        "SIGNOUT_CONFIG": str(settings),
        "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER": wire.url,
        "AWS_ENDPOINT_URL_STS": wire.url,
    }


def test_lookup_and_sign_out_of_one_request_share_one_session_for_all_pools_with_the_role(
    headless: Headless, wire: AwsWire
) -> None:
    with headless.bot_in_process(**with_role(headless, wire)):
        card = card_for(headless, SAM, "ada")
        headless.press(SAM, card, CONFIRM)
        posted = headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
    (session,) = wire.sessions
    assert session["SourceIdentity"] == SAM
    assert session["RoleSessionName"] in posted.text  # so CloudTrail's word leads to this message and back
    (assumed,) = wire.of("AssumeRole")
    calls = [each for each in wire.sent if each.service == "cognito-idp"]
    assert len({each.parameters["UserPoolId"] for each in calls}) == 2
    assert {each.access_key for each in calls} == {given_by(assumed)}
    assert not headless.is_signed_in("ada")


def test_a_role_that_is_refused_between_card_and_press_ends_as_failed_with_a_sentence_of_its_own(
    headless: Headless, wire: AwsWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.aws.roles.KEPT_SECONDS", 0)  # as where the press comes late
    with headless.bot_in_process(**with_role(headless, wire)):
        card = card_for(headless, SAM)
        calls = len(wire.of("AssumeRole"))
        wire.faults["AssumeRole"].append(sts_refuses("AccessDenied"))
        headless.press(SAM, card, CONFIRM)
        told = headless.wait_for_message(SAM, containing="AWS does not let the bot take the pool's role.")
    assert "(AssumeRoleRefused)" in told.text
    assert states(headless) == ["failed"]
    assert entries(headless) == ["opened", "confirmed", "failed"]
    assert len(wire.of("AssumeRole")) == calls + 1
    assert wire.of(SIGN_OUT) == []
    assert headless.is_signed_in("ada")


def test_a_throttled_sts_is_asked_again_within_the_claims_time(
    headless: Headless, wire: AwsWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.work.BACK_OFF_SECONDS", (0.01,))
    monkeypatch.setattr("bot.aws.roles.KEPT_SECONDS", 0)
    with headless.bot_in_process(**with_role(headless, wire)):
        card = card_for(headless, SAM)
        wire.faults["AssumeRole"].extend([sts_refuses("Throttling", 400)] * 2)
        headless.press(SAM, card, CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
    assert states(headless) == ["done"]


def test_in_a_terminal_the_callers_own_credentials_assume_the_role_and_name_the_caller(
    headless: Headless, wire: AwsWire, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    shell = Shell(headless, monkeypatch)
    settings = Path(shell.environment["SIGNOUT_CONFIG"])
    text = settings.read_text("utf-8").replace("token_lifetime", f'role_arn = "{ROLE}"\ntoken_lifetime')
    settings.write_text(text, "utf-8")
    urls = {f"AWS_ENDPOINT_URL_{name}": wire.url for name in ("COGNITO_IDENTITY_PROVIDER", "STS")}
    ran = shell.run(capfd, "--user-pool-id", shell.customers, "--username", "ada", "--yes", **urls)
    assert (ran.code, ran.err) == (0, "")
    assert TERMINAL_ROLE.endswith(":role/Support")
    assert [each["SourceIdentity"] for each in wire.sessions] == ["role=Support@123456789012"]
    assert wire.of("AssumeRole")[0].access_key == shell.environment["AWS_ACCESS_KEY_ID"]
    assert wire.of(SIGN_OUT)[0].access_key == given_by(wire.of("AssumeRole")[0])
    everyone = ("--everyone", "--user-pool-id", shell.customers, "--yes", "--size", "2")
    assert shell.run(capfd, *everyone, **urls).code == 0
    assert {each["SourceIdentity"] for each in wire.sessions} == {"role=Support@123456789012"}
    names = {each["RoleSessionName"] for each in wire.sessions}
    assert len(names) == 4, "of the first request, of the list for its look-up, and of each account"
