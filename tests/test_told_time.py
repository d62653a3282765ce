"""Each way to Slack and AWS tells the clock what its answers say: a yes, a no, and what a proxy says."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from headless import Headless
from whole_bot import Travel

from bot.action import Step
from bot.aws.clients import Clients
from bot.aws.identity import caller
from bot.aws.user_pool import CognitoUserPool
from bot.edge.socket_mode import who_are_we
from bot.errors import ClockWrongError, DeliveryError
from bot.facts.clock import CheckedClock
from bot.sandbox.wire import answer, refuse, reset
from bot.slack.clients import BlockingClient
from bot.slack.responses import respond
from bot.slack.text import Message
from bot.stores.dynamodb.store import DynamoDBStore

HELLO = Message(text="hello", blocks=[])


@pytest.fixture
def clock() -> CheckedClock:
    """A clock that is a day ahead: each answer says so."""
    return CheckedClock(Travel(timedelta(days=1)))


@pytest.fixture
def client(headless: Headless, clock: CheckedClock) -> BlockingClient:
    there = headless.environment
    return BlockingClient(there["SLACK_BOT_TOKEN"], there["SLACK_API_URL"], clock=clock)


@pytest.fixture
def aws(headless: Headless, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in headless.environment.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", headless.stage.cognito.url)


@pytest.fixture
def clients(aws: None, clock: CheckedClock) -> Iterator[Clients]:
    assert aws is None
    made = Clients(4, clock)
    yield made
    made.close()


def says_so(clock: CheckedClock, ask: Callable[[], Any]) -> bool:
    """Ask three times; return whether the clock is known to be wrong by then, and not before."""
    known = []
    for _ in range(3):
        with suppress(Exception):
            ask()
        known.append(isinstance(clock.error(), ClockWrongError))
    return known == [False, False, True]


def test_an_answer_of_the_web_api(client: BlockingClient, clock: CheckedClock) -> None:
    assert says_so(clock, client.auth_test)


@pytest.mark.parametrize("status", [200, 429, 503])
def test_a_refusal_of_the_web_api(client: BlockingClient, clock: CheckedClock, headless: Headless, status: int) -> None:
    refusal = answer(status, {"ok": False, "error": "invalid_auth"})
    headless.do(lambda: headless.stage.weather.slack.always("auth.test", refusal))
    assert says_so(clock, client.auth_test)


def test_an_answer_of_a_response_url(client: BlockingClient, clock: CheckedClock) -> None:
    url = client.base_url.replace("/api/", "/commands/T/1/unknown")

    def tell() -> None:
        with pytest.raises(DeliveryError):
            respond(client, url, HELLO, replace=False)

    assert says_so(clock, tell)


@pytest.mark.parametrize("refused", [False, True])
def test_an_answer_on_the_loop(
    clock: CheckedClock,
    headless: Headless,
    refused: bool,  # noqa: FBT001 -- an example
) -> None:
    if refused:
        refusal = answer(200, {"ok": False, "error": "invalid_auth"})
        headless.do(lambda: headless.stage.weather.slack.always("auth.test", refusal))
    there = headless.environment
    assert says_so(
        clock,
        lambda: asyncio.run(who_are_we(BlockingClient(there["SLACK_BOT_TOKEN"], there["SLACK_API_URL"], clock=clock))),
    )


def pool_of(headless: Headless, clients: Clients) -> CognitoUserPool:
    (customers, *_) = headless.stage.cognito.pools.values()
    return CognitoUserPool("customers", customers.id, "eu-central-1", clients)


def test_an_answer_of_cognito(headless: Headless, clients: Clients, clock: CheckedClock) -> None:
    assert says_so(clock, lambda: pool_of(headless, clients).get_user("ada"))


@pytest.mark.parametrize(
    "refusal", [refuse(400, "NotAuthorizedException"), answer(503, "<html>", "text/html")], ids=["refused", "a page"]
)
def test_a_refusal_on_the_way_to_cognito(
    headless: Headless, clients: Clients, clock: CheckedClock, refusal: Any
) -> None:
    headless.do(lambda: headless.stage.weather.cognito.always("AdminUserGlobalSignOut", refusal))
    pool = pool_of(headless, clients)
    assert says_so(clock, lambda: pool.call(Step.SIGN_OUT, "ada", lambda: timedelta(seconds=10)))


def test_no_answer_says_nothing(headless: Headless, clients: Clients, clock: CheckedClock) -> None:
    headless.stage.weather.cognito.always("AdminGetUser", reset())
    pool = pool_of(headless, clients)
    assert not says_so(clock, lambda: pool.get_user("ada"))
    assert not clock.is_doubtful()


def test_an_answer_of_sts(clients: Clients, clock: CheckedClock) -> None:
    role = "arn:aws:iam::123456789012:role/Bot"
    sts = clients.of("eu-central-1", "sts")
    assert says_so(clock, lambda: sts.assume_role(RoleArn=role, RoleSessionName="test"))


def test_an_answer_of_sts_about_the_caller(aws: None, clock: CheckedClock) -> None:
    assert aws is None
    assert says_so(clock, lambda: caller("eu-central-1", clock))


def test_the_answers_of_dynamodb(table: str, clock: CheckedClock) -> None:
    store = DynamoDBStore(table, clock=clock)
    store.open()
    assert clock.is_doubtful(), "two answers came before anything is looked for"
    store.get("01JZZZZZZZZZZZZZZZZZZZZZZZ")
    store.get("01JZZZZZZZZZZZZZZZZZZZZZZZ")
    assert isinstance(clock.error(), ClockWrongError)
    store.close()
