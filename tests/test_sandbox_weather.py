"""The weather meets boto3 and slack_sdk over real sockets: every fault does to a caller what it says."""

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest.mock import AsyncMock, Mock

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from headless import AUDIT, Headless
from slack_sdk.errors import SlackApiError
from slack_sdk.web import WebClient

from bot.sandbox import cast
from bot.sandbox.cognito import Moto
from bot.sandbox.crowd import people
from bot.sandbox.devices import HOSTILE_NAME
from bot.sandbox.weather import for_some
from bot.sandbox.wire import Call, Exchange, Fault, answer, hang, ratelimited, refuse, reset, slow

FIND, SIGN_OUT = "AdminGetUser", "AdminUserGlobalSignOut"


@pytest.fixture(scope="module")
def shared(moto: Moto) -> Iterator[Headless]:
    """One stage for this module's tests, with everyone on it."""
    with Headless(moto, people=None) as headless:
        yield headless


@pytest.fixture
def headless(shared: Headless) -> Iterator[Headless]:
    """The shared stage, in fair weather again after each test."""
    yield shared
    for wire in (shared.stage.weather.cognito, shared.stage.weather.slack):
        shared.do(wire.clear)
        shared.do(wire.calls.clear)


@pytest.fixture
def call(headless: Headless) -> Callable[..., Any]:
    """Call an action for a customer as the bot does; `patience` is the read time-out in seconds."""
    pool = headless.stage.cognito.pools["customers"].id

    def make(action: str, username: str, patience: float = 10) -> Any:
        client = boto3.client(
            "cognito-idp",
            region_name="eu-central-1",
            endpoint_url=headless.environment["AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER"],
            aws_access_key_id=headless.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=headless.environment["AWS_SECRET_ACCESS_KEY"],
            config=Config(read_timeout=patience, retries={"total_max_attempts": 1, "mode": "standard"}),
        )
        methods = {FIND: client.admin_get_user, SIGN_OUT: client.admin_user_global_sign_out}
        try:
            return methods[action](UserPoolId=pool, Username=username)
        finally:
            client.close()

    return make


@pytest.fixture
def slack(headless: Headless) -> WebClient:
    return WebClient(token=cast.BOT_TOKEN, base_url=headless.environment["SLACK_API_URL"], retry_handlers=[])


def test_in_fair_weather_cognito_answers_and_the_call_is_recorded(headless: Headless, call: Any) -> None:
    found = call(FIND, "ada")
    assert found["Username"] == "ada"
    (recorded,) = headless.cognito_calls()
    assert (recorded.action, recorded.parameters["Username"], recorded.status) == (FIND, "ada", 200)
    assert recorded.request_id == found["ResponseMetadata"]["RequestId"]


def test_a_sign_out_kills_only_that_persons_tokens(headless: Headless, call: Any) -> None:
    call(SIGN_OUT, "alan")
    assert not headless.is_signed_in("alan")
    assert headless.is_signed_in("grace")


def test_devices_are_checked_by_themselves_after_a_sign_out(headless: Headless, call: Any) -> None:
    call(SIGN_OUT, "edsger")
    headless.wait_for(lambda: not any(each.refresh_works for each in headless.stage.cognito.devices("edsger")), 1)


def test_a_refusal_carries_cognitos_code_and_a_request_id(headless: Headless, call: Any) -> None:
    headless.before_cognito(FIND, refuse(400, "TooManyRequestsException", "Rate exceeded"))
    with pytest.raises(ClientError) as refused:
        call(FIND, "ada")
    assert refused.value.response["Error"] == {"Message": "Rate exceeded", "Code": "TooManyRequestsException"}
    assert refused.value.response["ResponseMetadata"]["RequestId"]
    assert not headless.cognito_calls()[0].forwarded
    assert call(FIND, "ada"), "a queued fault meets one call"


def test_motos_own_refusals_pass(call: Any) -> None:
    with pytest.raises(ClientError) as refused:
        call(SIGN_OUT, "nobody")
    assert refused.value.response["Error"]["Code"] == "UserNotFoundException"


@pytest.mark.parametrize(
    ("fault", "error", "signed_out"),
    [
        (hang(), ReadTimeoutError, False),
        (hang(after=True), ReadTimeoutError, True),
        (reset(), ConnectionClosedError, False),
        (reset(after=True), ConnectionClosedError, True),
        (answer(502, "<html>Bad gateway</html>", "text/html"), ClientError, False),
    ],
    ids=["hang", "answer lost", "reset", "reset after", "HTML error page"],
)
def test_a_fault_leaves_the_caller_in_doubt(
    headless: Headless,
    call: Any,
    fault: Fault,
    error: type[Exception],
    signed_out: bool,  # noqa: FBT001 - a table
) -> None:
    headless.run(headless.stage.cognito.sign_in("customers", "barbara"))
    headless.before_cognito(SIGN_OUT, fault)
    with pytest.raises(error):
        call(SIGN_OUT, "barbara", patience=2)
    assert headless.devices("barbara")[-1].refresh_works is not signed_out
    assert headless.cognito_calls()[0].forwarded is signed_out


def test_slow_answers_late(headless: Headless, call: Any) -> None:
    headless.before_cognito(FIND, slow(0.2))
    begun = time.monotonic()
    assert call(FIND, "ada")
    assert time.monotonic() - begun > 0.2


@pytest.mark.parametrize("after", [False, True], ids=["before Cognito", "after Cognito"])
def test_a_paused_call_announces_itself_and_goes_on_when_released(
    headless: Headless, call: Any, *, after: bool
) -> None:
    headless.run(headless.stage.cognito.sign_in("customers", "linus"))
    paused = headless.pause(SIGN_OUT, after=after)
    with ThreadPoolExecutor(1) as caller:
        calling = caller.submit(call, SIGN_OUT, "linus")
        paused.wait_until_arrived()
        assert headless.devices("linus")[-1].refresh_works is not after
        paused.release()
        assert calling.result(5)
    assert not headless.devices("linus")[-1].refresh_works


def test_a_pause_outlives_its_caller_as_the_network_does(headless: Headless, call: Any) -> None:
    paused = headless.pause(SIGN_OUT)
    with pytest.raises(ReadTimeoutError):
        call(SIGN_OUT, "margaret", patience=0.5)
    assert headless.is_signed_in("margaret")
    paused.release()
    headless.wait_for(lambda: not any(each.refresh_works or each.access_works for each in headless.devices("margaret")))


def test_the_cognito_switches(headless: Headless, call: Any) -> None:
    headless.switch("cognito_throttling")
    assert call(FIND, "ada")
    with pytest.raises(ClientError, match="TooManyRequestsException"):
        call(SIGN_OUT, "ada")
    headless.switch("cognito_down")
    with pytest.raises(ConnectionClosedError):
        call(FIND, "ada")
    headless.switch("cognito_down", on=False)
    headless.switch("cognito_throttling", on=False)
    headless.switch("cognito_slow")
    with pytest.raises(ReadTimeoutError):
        call(FIND, "ada", patience=0.5)
    headless.switch("cognito_slow", on=False)
    assert call(FIND, "ada")


def test_some_people_are_always_met_and_others_never() -> None:
    names, met = [each.username for each in people(400)], list[str]()

    async def fault(exchange: Exchange) -> Any:
        met.append(exchange.call.parameters["Username"])

    async def meet(*usernames: str) -> None:
        for username in usernames:
            call = Call(action=SIGN_OUT, parameters={"Username": username}, at=0)
            await for_some(fault)(Mock(call=call, forward=AsyncMock()))

    asyncio.run(meet(*names, *names))
    once = met[: len(met) // 2]
    assert met == once * 2
    assert 30 < len(once) < 70


def test_slack_switches_act_in_front_of_slack(headless: Headless, slack: WebClient) -> None:
    posted = slack.chat_postMessage(channel=AUDIT, text="x")["ts"]
    headless.switch("slack_rate_limited")
    for method, which in (("chat.postMessage", {}), ("chat.update", {"ts": posted})):
        with pytest.raises(SlackApiError) as limited:
            slack.api_call(method, json={"channel": AUDIT, "text": "y", **which})
        assert limited.value.response.status_code == 429
        assert limited.value.response.headers["Retry-After"] == "5"
    headless.switch("slack_rate_limited", on=False)
    headless.switch("audit_channel_archived")
    with pytest.raises(SlackApiError, match="is_archived"):
        slack.chat_postMessage(channel=AUDIT, text="x")
    headless.switch("audit_channel_archived", on=False)
    assert slack.chat_postMessage(channel=AUDIT, text="x")["ok"]


def test_slack_can_fail_once_and_every_call_is_recorded(headless: Headless, slack: WebClient) -> None:
    headless.before_slack("chat.postMessage", ratelimited(1), answer(503, "<html>", "text/html"))
    for _ in range(2):
        with pytest.raises(SlackApiError):
            slack.chat_postMessage(channel=AUDIT, text="once")
    slack.chat_postMessage(channel=AUDIT, text="once")
    assert [(each.status, each.parameters["text"]) for each in headless.slack_calls("chat.postMessage")] == [
        (429, "once"),
        (503, "once"),
        (200, "once"),
    ]
    assert [message.text for message in headless.audit()].count("once") == 1


def test_an_answer_of_slack_can_get_lost_after_the_message_was_posted(headless: Headless, slack: WebClient) -> None:
    headless.before_slack("chat.postMessage", reset(after=True))
    with pytest.raises(ConnectionError):
        slack.chat_postMessage(channel=AUDIT, text="lost")
    assert headless.audit()[-1].text == "lost"


def test_everybody_is_really_signed_in_and_can_sign_in_again(headless: Headless) -> None:
    assert headless.is_signed_in(HOSTILE_NAME)
    device = headless.run(headless.stage.cognito.sign_in("staff", "ken"))
    assert 3500 < device.access_expires - time.time() <= 3600
    assert device.refresh_token not in repr(device)
    assert device.access_token not in repr(device)
