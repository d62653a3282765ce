"""A pool's tracked sessions, as the real adapter lists and ends them over real sockets, in the sandbox's Cognito."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aws_wire import lasting
from headless import Headless

from bot.account import Session
from bot.action import Done, Refused, Unclear
from bot.aws import user_pool
from bot.aws.clients import Clients
from bot.aws.user_pool import CognitoUserPool
from bot.errors import Code, PoolUnavailableError
from bot.sandbox.cognito import Device, Moto
from bot.sandbox.wire import Fault, answer, refuse, reset

JSON = "application/x-amz-json-1.1"
CONFIGURATION, LIST, REVOKE = "GetUserPoolSessionConfiguration", "AdminListUserSessions", "AdminRevokeUserSession"


@pytest.fixture(scope="module")
def stage(moto: Moto) -> Iterator[Headless]:
    """One stage for this module's tests: the customers' pool tracks its sessions, and its lists tell at once."""
    with Headless(moto, people=["nobody"], tracked=["customers"]) as headless:
        headless.stage.cognito.sessions.delay = 0.0
        yield headless


@pytest.fixture
def ada(stage: Headless) -> Iterator[tuple[Device, ...]]:
    """Ada's phone, laptop and tablet, signed in just now."""
    cognito = stage.stage.cognito
    pool = cognito.pools["customers"]
    account = stage.run(cognito.add("customers", "ada", "Ada", ("phone", "laptop", "tablet")))
    yield tuple(account.devices)
    stage.do(stage.stage.weather.cognito.clear)
    stage.do(stage.stage.weather.cognito.calls.clear)
    stage.run(cognito.ask("AdminDeleteUser", UserPoolId=pool.id, Username="ada"))


@pytest.fixture
def pools(stage: Headless, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, CognitoUserPool]]:
    for name, value in stage.environment.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    clients = Clients(4)
    yield {
        name: CognitoUserPool(name, pool.id, "eu-central-1", clients)
        for name, pool in stage.stage.cognito.pools.items()
    }
    clients.close()


@pytest.fixture
def pool(pools: dict[str, CognitoUserPool]) -> CognitoUserPool:
    return pools["customers"]


def gives(sessions: list[dict[str, Any]], **more: Any) -> Fault:
    return answer(200, {"Sessions": sessions, **more}, JSON, x_amzn_RequestId="stand-in")


def test_each_session_is_told_with_its_place_and_what_it_came_through(
    pool: CognitoUserPool, ada: tuple[Device, ...]
) -> None:
    phone, laptop, tablet = ada
    found = {each.id: each for each in pool.sessions("ada")}
    assert found.keys() == {phone.session_id, phone.sso_id, laptop.session_id, laptop.sso_id, tablet.session_id}
    of_phone = found[phone.session_id]
    assert of_phone == Session(
        id=phone.session_id,
        kind="TOKEN",
        device="iOS, Mobile Safari",
        last_active_at=of_phone.last_active_at,
        began_at=of_phone.began_at,
        city="Lisbon",
        country="Portugal",
        address="203.0.113.7",
        origin_id=phone.sso_id,
    )
    assert of_phone.began_at
    assert of_phone.began_at.utcoffset() is not None
    assert abs(datetime.now(UTC) - of_phone.began_at) < timedelta(minutes=1)
    assert found[str(phone.sso_id)].kind == "SSO"
    assert found[tablet.session_id].origin_id is None


def test_what_is_not_known_of_a_session_is_none(stage: Headless, pool: CognitoUserPool) -> None:
    id_ = f"tkn{'0' * 25}"
    unknown = {"DeviceType": "unknown", "LastLocation": {"City": None, "Country": "Unknown"}, "LastIPAddress": ""}
    for parts in ({}, unknown, {"LastLocation": None, "OriginSessionId": None}):
        stage.before_cognito(LIST, gives([{"SessionId": id_, "SessionType": "TOKEN", **parts}]))
        assert pool.sessions("ada") == [Session(id=id_, kind="TOKEN")]


def test_an_address_is_not_in_a_repr() -> None:
    assert "203.0.113.7" not in repr(Session(id="tkn", kind="TOKEN", address="203.0.113.7"))


def test_all_pages_are_read_and_an_empty_one_may_come_first(
    stage: Headless, pool: CognitoUserPool, ada: tuple[Device, ...]
) -> None:
    stage.stage.cognito.sessions.page = 2
    try:
        found = [each.id for each in pool.sessions("ada")]
    finally:
        stage.stage.cognito.sessions.page = 125
    assert len(found) == len(set(found))
    assert {each.session_id for each in ada} <= set(found)
    assert len(stage.cognito_calls(LIST)) > 2
    session = {"SessionId": f"sso{'0' * 25}", "SessionType": "SSO"}
    stage.before_cognito(LIST, gives([], NextToken="1"), gives([session]))
    assert [each.kind for each in pool.sessions("ada")] == ["SSO"]


def test_a_list_that_never_ends_is_given_up(
    stage: Headless, pool: CognitoUserPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(user_pool, "MAX_PAGES", 3)
    stage.before_cognito(LIST, *[gives([], NextToken="1")] * 3)
    with pytest.raises(PoolUnavailableError, match="too many sessions to list"):
        pool.sessions("ada")


ID = f"sso{'0' * 25}"


@pytest.mark.parametrize(
    "odd",
    [{"SessionType": "SSO"}, {"SessionId": ID}, {"SessionId": ID, "SessionType": "SSO", "DeviceType": 5}, "text", 5],
)
def test_a_list_that_cannot_be_read_is_not_known(stage: Headless, pool: CognitoUserPool, odd: Any) -> None:
    stage.before_cognito(LIST, gives([odd]))
    with pytest.raises(PoolUnavailableError) as told:
        pool.sessions("ada")
    assert told.value.error_code


def test_a_time_without_a_zone_is_utc(stage: Headless, pool: CognitoUserPool) -> None:
    times = {"CreateDate": "2026-01-01T08:00:00", "LastActiveDate": "2026-01-01T09:00:00Z"}
    stage.before_cognito(LIST, gives([{"SessionId": ID, "SessionType": "SSO", **times}]))
    (found,) = pool.sessions("ada")
    at = [datetime(2026, 1, 1, hour, tzinfo=UTC) for hour in (8, 9)]
    assert [found.began_at, found.last_active_at] == at


def test_a_session_of_a_kind_that_is_new_is_one_all_the_same(stage: Headless, pool: CognitoUserPool) -> None:
    stage.before_cognito(LIST, gives([{"SessionId": ID, "SessionType": "PASSKEY"}]))
    assert pool.sessions("ada") == [Session(id=ID, kind="PASSKEY")]


def test_no_such_account_has_no_sessions(pool: CognitoUserPool) -> None:
    assert pool.sessions("nobody") == []


@pytest.mark.parametrize(
    ("fault", "refused"),
    [
        (refuse(400, "AccessDeniedException"), True),
        (refuse(400, "OperationNotEnabledException"), True),
        (refuse(400, "TooManyRequestsException"), True),
        (refuse(500, "InternalErrorException"), False),
        (reset(), False),
        (answer(200, "<html>Please log in</html>", "text/html"), False),
    ],
)
def test_a_list_that_there_is_no_answer_to_says_what_is_not_certain(
    stage: Headless,
    pool: CognitoUserPool,
    fault: Fault,
    refused: bool,  # noqa: FBT001 -- an example
) -> None:
    for operation, ask, unsure in (
        (LIST, lambda: pool.sessions("ada"), "which sessions are left"),
        (CONFIGURATION, pool.tracks_sessions, "whether it tracks sessions"),
    ):
        stage.before_cognito(operation, fault)
        with pytest.raises(PoolUnavailableError, match=f"so it is not certain {unsure}[.]") as told:
            ask()
        assert (told.value.code is Code.REFUSED) is refused


def test_a_pool_says_whether_it_tracks_sessions(pools: dict[str, CognitoUserPool]) -> None:
    assert {name: pool.tracks_sessions() for name, pool in pools.items()} == {"customers": True, "staff": False}


def test_where_a_pool_tracks_none_a_list_is_refused_and_not_empty(
    pools: dict[str, CognitoUserPool], stage: Headless
) -> None:
    stage.run(stage.stage.cognito.add("staff", "ken", "Ken"))
    with pytest.raises(PoolUnavailableError) as refused:
        pools["staff"].sessions("ken")
    assert refused.value.error_code == "OperationNotEnabledException"


def test_a_lost_phones_session_ends_with_its_browsers_and_the_laptop_goes_on(
    stage: Headless, pool: CognitoUserPool, ada: tuple[Device, ...]
) -> None:
    phone, *others = ada
    assert isinstance(pool.end_session(phone.session_id, "ada", lasting(10)), Done)
    (call,) = stage.cognito_calls(REVOKE)
    assert call.parameters["RevokeAssociatedSessions"] == "LINKED"
    left = {each.id for each in pool.sessions("ada")}
    assert not {phone.session_id, phone.sso_id} & left
    assert {id_ for each in others for id_ in (each.session_id, each.sso_id) if id_} <= left
    lost, *kept = stage.devices("ada")
    assert (lost.refresh_works, lost.access_works, lost.sso_works) == (False, False, False)
    assert all(each.refresh_works and each.access_works for each in kept)


def test_a_browsers_session_ends_with_the_tokens_that_came_through_it(
    stage: Headless, pool: CognitoUserPool, ada: tuple[Device, ...]
) -> None:
    laptop = ada[1]
    more = stage.run(stage.stage.cognito.sign_in("customers", "ada", "laptop", through=laptop.sso_id))
    assert isinstance(pool.end_session(str(laptop.sso_id), "ada", lasting(10)), Done)
    left = {each.id for each in pool.sessions("ada")}
    assert not {laptop.sso_id, laptop.session_id, more.session_id} & left
    assert ada[0].session_id in left


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        (refuse(400, "TooManyRequestsException"), Refused, "TooManyRequestsException"),
        (refuse(400, "UserNotFoundException"), Refused, "UserNotFoundException"),
        (refuse(500, "InternalErrorException"), Unclear, "InternalErrorException"),
        (reset(after=True), Unclear, "Unreachable"),
        (answer(200, "<html>Please log in</html>", "text/html"), Unclear, "Unreachable"),
    ],
)
def test_only_cognitos_own_yes_ends_a_session(  # noqa: PLR0913, PLR0917 -- fixtures and examples
    stage: Headless, pool: CognitoUserPool, ada: tuple[Device, ...], fault: Fault, kind: type, code: str
) -> None:
    stage.before_cognito(REVOKE, fault)
    failed: list[tuple[str, str]] = []
    told = CognitoUserPool(pool.name, pool.pool_id, pool.region, pool.clients, None, lambda *it: failed.append(it))
    given = told.end_session(ada[2].session_id, "ada", lasting(10))
    assert isinstance(given, kind)
    assert (getattr(given, "code", None), failed) == (code, [(REVOKE, code)])
    assert len(stage.cognito_calls(REVOKE)) == 1


def test_a_session_that_has_ended_already_is_refused_and_the_list_says_what_is_left(
    pool: CognitoUserPool, ada: tuple[Device, ...]
) -> None:
    tablet = ada[2]
    assert isinstance(pool.end_session(tablet.session_id, "ada", lasting(10)), Done)
    again = pool.end_session(tablet.session_id, "ada", lasting(10))
    assert isinstance(again, Refused)
    assert again.code == "ResourceNotFoundException"
    assert tablet.session_id not in {each.id for each in pool.sessions("ada")}


def test_nothing_is_ended_once_no_time_is_left(stage: Headless, pool: CognitoUserPool, ada: tuple[Device, ...]) -> None:
    answer = pool.end_session(ada[0].session_id, "ada", lasting(0))
    assert answer == Refused("NoCallMade", None, sent=False)
    assert stage.cognito_calls(REVOKE) == []
