"""The sandbox's stand-in for Cognito's tracked sessions: what AWS documents of them, over real sockets."""

import time
import uuid
from collections.abc import Iterator
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from headless import Headless

from bot.sandbox import aws_model
from bot.sandbox.accounts import Refused
from bot.sandbox.cognito import Device, Moto
from bot.sandbox.sessions import GET, LIST, REVOKE, SET, SSO, TOKEN, claims

MODEL = botocore.session.get_session().get_service_model("cognito-idp")
TRACKED = {"UserSessionTracking": "ENABLED", "TokenSession": {"MaxPerUser": 20}}


@pytest.fixture(scope="module")
def shared(moto: Moto) -> Iterator[Headless]:
    """One stage for this module's tests: the customers' pool tracks its sessions."""
    with Headless(moto, people=["nobody"], tracked=["customers"]) as headless:
        yield headless


@pytest.fixture
def stage(shared: Headless) -> Headless:
    """That stage, whose lists tell at once what was done, as long as a test wants nothing else."""
    sessions = shared.stage.cognito.sessions
    sessions.delay, sessions.page, sessions.sign_out_ends, sessions.now = 0.0, 125, frozenset(), time.time
    return shared


@pytest.fixture
def ada(stage: Headless) -> str:
    """Someone new, signed in on a phone and a laptop through the login page, and in an app on a tablet."""
    username = f"ada-{uuid.uuid4().hex[:8]}"
    stage.run(stage.stage.cognito.add("customers", username, "Ada", ("phone", "laptop", "tablet")))
    return username


@pytest.fixture
def aws(stage: Headless) -> Iterator[Any]:
    """Cognito as boto3 meets it on the bot's wire."""
    client = boto3.client(
        "cognito-idp",
        region_name="eu-central-1",
        endpoint_url=stage.environment["AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER"],
        aws_access_key_id="sandbox",
        aws_secret_access_key="sandbox",  # noqa: S106 -- opens nothing
        config=Config(retries={"total_max_attempts": 1, "mode": "standard"}, parameter_validation=False),
    )
    yield client
    client.close()


def pool_id(stage: Headless, name: str = "customers") -> str:
    return stage.stage.cognito.pools[name].id


def listed(stage: Headless, aws: Any, username: str) -> dict[str, dict[str, Any]]:
    given = aws.admin_list_user_sessions(UserPoolId=pool_id(stage), Username=username)
    assert "NextToken" not in given
    return {each["SessionId"]: each for each in given["Sessions"]}


def devices(stage: Headless, username: str) -> tuple[Device, Device, Device]:
    phone, laptop, tablet = stage.devices(username)
    return phone, laptop, tablet


def works(device: Device) -> tuple[bool, bool, bool]:
    """Whether its refresh token, its access token and its SSO session work."""
    return device.refresh_works, device.access_works, device.sso_works


ALL, NONE, ONLY_SSO = (True, True, True), (False, False, False), (False, False, True)


def refusal(call: Any, **parameters: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**parameters)
    metadata = refused.value.response["ResponseMetadata"]
    assert (metadata["HTTPStatusCode"], bool(metadata["RequestId"])) == (400, True)
    code: str = refused.value.response["Error"]["Code"]
    assert code in {shape.name for shape in MODEL.operation_model(refused.value.operation_name).error_shapes}
    return code


# What is listed


def test_the_sessions_of_each_device_are_listed_with_their_places(stage: Headless, aws: Any, ada: str) -> None:
    phone, laptop, tablet = devices(stage, ada)
    found = listed(stage, aws, ada)
    assert found.keys() == {each.session_id for each in (phone, laptop, tablet)} | {phone.sso_id, laptop.sso_id}
    assert tablet.sso_id is None
    of_phone = found[phone.session_id]
    assert of_phone["SessionType"] == TOKEN
    assert of_phone["OriginSessionId"] == phone.sso_id
    assert of_phone["DeviceType"] == "iOS, Mobile Safari"
    assert of_phone["LastLocation"] == {"City": "Lisbon", "Country": "Portugal"}
    assert of_phone["LastIPAddress"] == "203.0.113.7"
    assert of_phone["IsCurrentSession"] is False
    assert of_phone["CreateDate"] <= of_phone["LastActiveDate"]
    assert found[str(laptop.sso_id)]["SessionType"] == SSO
    assert all("OriginSessionId" not in found[str(id_)] for id_ in (phone.sso_id, laptop.sso_id, tablet.session_id))


def test_what_cannot_be_found_out_of_a_device_is_unknown(stage: Headless, aws: Any, ada: str) -> None:
    other = stage.run(stage.stage.cognito.sign_in("customers", ada, "fridge"))
    of_it = listed(stage, aws, ada)[other.session_id]
    assert (of_it["DeviceType"], of_it["LastLocation"]) == ("unknown", {"Country": "unknown"})


def test_a_long_list_has_pages(stage: Headless, aws: Any, ada: str) -> None:
    stage.stage.cognito.sessions.page = 2
    pages: list[list[str]] = []
    more: dict[str, str] = {}
    while True:
        page = aws.admin_list_user_sessions(UserPoolId=pool_id(stage), Username=ada, **more)
        pages.append([each["SessionId"] for each in page["Sessions"]])
        if "NextToken" not in page:
            break
        more = {"NextToken": page["NextToken"]}
    assert [len(page) for page in pages] == [2, 2, 1]
    assert len({each for page in pages for each in page}) == 5


def test_a_list_is_as_it_was_some_time_ago(stage: Headless, aws: Any, ada: str) -> None:
    now, sessions = time.time(), stage.stage.cognito.sessions
    sessions.now, sessions.delay = (lambda: now), 1.0
    phone = stage.stage.cognito.devices(ada)[0]
    now += 10
    new = stage.run(stage.stage.cognito.sign_in("customers", ada, "tablet"))
    revoke(stage, aws, ada, phone.session_id)
    for passed, is_seen in ((0.0, False), (0.9, False), (0.2, True)):
        now += passed
        seen = listed(stage, aws, ada)
        assert (new.session_id in seen, phone.session_id not in seen) == (is_seen, is_seen)
    assert not stage.devices(ada)[0].refresh_works


def test_a_refresh_is_activity(stage: Headless, aws: Any, ada: str) -> None:
    tablet = stage.stage.cognito.devices(ada)[2]
    before = listed(stage, aws, ada)[tablet.session_id]
    devices(stage, ada)
    after = listed(stage, aws, ada)[tablet.session_id]
    assert after["LastActiveDate"] > before["LastActiveDate"]
    assert after["CreateDate"] == before["CreateDate"]


# Ending


def revoke(stage: Headless, aws: Any, username: str, session_id: str | None, linked: str | None = None) -> None:
    more = {"RevokeAssociatedSessions": linked} if linked else {}
    aws.admin_revoke_user_session(UserPoolId=pool_id(stage), Username=username, SessionId=session_id, **more)


def test_a_revoked_token_session_ends_for_real_and_no_other_does(stage: Headless, aws: Any, ada: str) -> None:
    before = listed(stage, aws, ada)
    phone, laptop, tablet = devices(stage, ada)
    revoke(stage, aws, ada, phone.session_id)
    assert before.keys() - listed(stage, aws, ada).keys() == {phone.session_id}
    phone, laptop, tablet = devices(stage, ada)
    assert [works(each) for each in (phone, laptop, tablet)] == [ONLY_SSO, ALL, (True, True, False)]
    wrong = {"ClientId": stage.stage.cognito.pools["customers"].client_id, "AuthFlow": "REFRESH_TOKEN_AUTH"}
    refresh = {"REFRESH_TOKEN": phone.refresh_token}
    assert refusal(aws.initiate_auth, **wrong, AuthParameters=refresh) == "NotAuthorizedException"
    assert refusal(aws.get_user, AccessToken=phone.access_token) == "NotAuthorizedException"


def test_access_tokens_from_a_refresh_end_with_their_session(stage: Headless, aws: Any, ada: str) -> None:
    tablet = devices(stage, ada)[2]
    refreshed = aws.initiate_auth(
        ClientId=stage.stage.cognito.pools["customers"].client_id,
        AuthFlow="REFRESH_TOKEN_AUTH",
        AuthParameters={"REFRESH_TOKEN": tablet.refresh_token},
    )["AuthenticationResult"]["AccessToken"]
    assert refreshed != tablet.access_token
    assert aws.get_user(AccessToken=refreshed)["Username"] == ada
    revoke(stage, aws, ada, tablet.session_id)
    assert refusal(aws.get_user, AccessToken=refreshed) == "NotAuthorizedException"


def test_an_sso_session_with_what_is_linked_takes_its_tokens_with_it(stage: Headless, aws: Any, ada: str) -> None:
    before = listed(stage, aws, ada)
    phone = devices(stage, ada)[0]
    again = stage.run(stage.stage.cognito.sign_in("customers", ada, "phone", through=phone.sso_id))
    revoke(stage, aws, ada, phone.sso_id, "LINKED")
    gone = {phone.session_id, phone.sso_id}
    assert before.keys() - listed(stage, aws, ada).keys() == gone
    assert again.session_id not in listed(stage, aws, ada)
    phone, laptop, _ = stage.devices(ada)[:3]
    assert [works(each) for each in (phone, laptop)] == [NONE, ALL]


def test_a_token_session_with_what_is_linked_takes_its_sso_session_but_not_that_ones_other_tokens(
    stage: Headless, aws: Any, ada: str
) -> None:
    phone = devices(stage, ada)[0]
    again = stage.run(stage.stage.cognito.sign_in("customers", ada, "phone", through=phone.sso_id))
    assert again.sso_id == phone.sso_id
    revoke(stage, aws, ada, phone.session_id, "LINKED")
    left = listed(stage, aws, ada)
    assert again.session_id in left
    assert not {phone.session_id, phone.sso_id} & left.keys()
    with pytest.raises(Refused):
        stage.run(stage.stage.cognito.sign_in("customers", ada, "phone", through=phone.sso_id))


@pytest.mark.parametrize("linked", [None, "NONE"])
def test_without_what_is_linked_an_sso_session_leaves_its_tokens(
    stage: Headless, aws: Any, ada: str, linked: str | None
) -> None:
    phone = devices(stage, ada)[0]
    revoke(stage, aws, ada, phone.sso_id, linked)
    assert works(devices(stage, ada)[0]) == (True, True, False)


def test_a_session_that_is_not_listed_yet_is_not_reached_as_a_linked_one(stage: Headless, aws: Any, ada: str) -> None:
    phone = devices(stage, ada)[0]
    stage.stage.cognito.sessions.delay = 3600.0
    revoke(stage, aws, ada, phone.sso_id, "LINKED")
    assert works(devices(stage, ada)[0]) == (True, True, False)


# A global sign-out


@pytest.mark.parametrize("ends", [(), (TOKEN,), (TOKEN, SSO)])
def test_a_global_sign_out_ends_all_tokens_and_the_records_that_it_is_set_to(
    stage: Headless, aws: Any, ada: str, ends: tuple[str, ...]
) -> None:
    stage.stage.cognito.sessions.sign_out_ends = frozenset(ends)
    before = listed(stage, aws, ada)
    aws.admin_user_global_sign_out(UserPoolId=pool_id(stage), Username=ada)
    left = listed(stage, aws, ada)
    assert left.keys() == {id_ for id_, each in before.items() if each["SessionType"] not in ends}
    phone, laptop, tablet = devices(stage, ada)
    in_a_browser = NONE if SSO in ends else ONLY_SSO
    assert [works(each) for each in (phone, laptop, tablet)] == [in_a_browser, in_a_browser, NONE]


def test_a_browser_whose_sso_session_is_left_comes_back_after_a_global_sign_out(
    stage: Headless, aws: Any, ada: str
) -> None:
    phone = devices(stage, ada)[0]
    aws.admin_user_global_sign_out(UserPoolId=pool_id(stage), Username=ada)
    back = stage.run(stage.stage.cognito.sign_in("customers", ada, "phone", through=phone.sso_id))
    assert aws.get_user(AccessToken=back.access_token)["Username"] == ada


# Refusals, and the settings of a pool


def test_a_session_that_has_ended_or_is_someone_elses_is_not_found(stage: Headless, aws: Any, ada: str) -> None:
    other = stage.run(stage.stage.cognito.add("customers", f"other-{ada}", "Other", ("tablet",))).devices[0]
    mine = devices(stage, ada)[2]
    revoke(stage, aws, ada, mine.session_id)
    for session_id in (mine.session_id, other.session_id, f"tkn{'0' * 25}"):
        of = {"UserPoolId": pool_id(stage), "Username": ada, "SessionId": session_id}
        assert refusal(aws.admin_revoke_user_session, **of) == "ResourceNotFoundException"
    assert stage.devices(f"other-{ada}")[0].refresh_works


WRONG: list[dict[str, Any]] = [
    {"SessionId": "tkn"},
    {"SessionId": f"xyz{'0' * 25}"},
    {"SessionId": None},
    {"RevokeAssociatedSessions": "ALL"},
    {"Everyone": True},
    {"Username": ""},
]


@pytest.mark.parametrize("wrong", WRONG)
def test_what_does_not_fit_the_model_is_refused(stage: Headless, ada: str, wrong: dict[str, Any]) -> None:
    right = {"UserPoolId": pool_id(stage), "Username": ada, "SessionId": f"tkn{'0' * 25}"}
    with pytest.raises(Refused) as refused:
        stage.run(stage.stage.cognito.ask(REVOKE, **(right | wrong)))
    assert refused.value.code == "InvalidParameterException"
    assert aws_model.faults(REVOKE, right) == []


def test_no_such_person_and_no_such_pool_are_refused_as_moto_does(stage: Headless, aws: Any) -> None:
    call = aws.admin_list_user_sessions
    assert refusal(call, UserPoolId=pool_id(stage), Username="nobody") == "UserNotFoundException"
    assert refusal(call, UserPoolId="eu-central-1_nosuch", Username="nobody") == "ResourceNotFoundException"
    get = aws.get_user_pool_session_configuration
    assert refusal(get, UserPoolId="eu-central-1_nosuch") == "ResourceNotFoundException"


def test_a_pool_tracks_nothing_until_it_is_set_to(stage: Headless, aws: Any) -> None:
    stage.run(stage.stage.cognito.add("staff", "ken", "Ken", ("phone",)))
    of = {"UserPoolId": pool_id(stage, "staff")}
    given = aws.get_user_pool_session_configuration(**of)
    assert (given["UserSessionTracking"], given["TokenSession"]) == ("DISABLED", {"MaxPerUser": 20})
    assert refusal(aws.admin_list_user_sessions, **of, Username="ken") == "OperationNotEnabledException"
    id_ = stage.devices("ken")[0].session_id
    assert refusal(aws.admin_revoke_user_session, **of, Username="ken", SessionId=id_) == "OperationNotEnabledException"
    aws.set_user_pool_session_configuration(**of, **TRACKED)
    assert aws.get_user_pool_session_configuration(**of)["UserSessionTracking"] == "ENABLED"
    assert len(aws.admin_list_user_sessions(**of, Username="ken")["Sessions"]) == 2


def test_the_bots_settings_say_which_pools_track_their_sessions(stage: Headless) -> None:
    text = (stage.stage.folder / "signout.toml").read_text("utf-8")
    assert text.count("sessions = true") == 1
    assert text.index("[pools.customers]") < text.index("sessions = true") < text.index("[pools.staff]")


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        (GET, {"UserSessionTracking": "ON"}),
        (SET, {"TokenSession": {"MaxPerUser": 101}}),
        (LIST, {"Sessions": [{"SessionId": "tkn"}]}),
        (LIST, {"Sessions": [{"SessionId": f"abc{'0' * 25}"}]}),
        (LIST, {"Sessions": [{"Device": "phone"}]}),
        (LIST, {"Sessions": [{"LastLocation": "Lisbon"}]}),
        (LIST, {"Sessions": [{}] * 126}),
        (REVOKE, {"Revoked": True}),
    ],
)
def test_an_answer_that_aws_could_not_give_is_a_fault(operation: str, answer: dict[str, Any]) -> None:
    assert aws_model.faults(operation, answer, answers=True) != []


@pytest.mark.parametrize("token", ["", "a", "a.b.c", "a.e30.c", "a.MQ.c", 7, None])
def test_what_is_not_a_token_of_this_cognitos_is_for_moto_to_refuse(stage: Headless, token: object) -> None:
    sessions = stage.stage.cognito.sessions
    assert stage.run(sessions.instead("GetUser", {"AccessToken": token})) is None


def test_a_session_keeps_its_tokens_to_itself(stage: Headless, ada: str) -> None:
    tablet = stage.stage.cognito.devices(ada)[2]
    told = repr(stage.stage.cognito.sessions._sessions[tablet.session_id])
    assert tablet.refresh_token not in told
    assert claims(tablet.access_token)["origin_jti"] not in told
