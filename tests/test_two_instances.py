"""Two bots as processes of their own on one DynamoDB table."""

import os
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from dynamodb import DynamoDB
from headless import AUDIT, SAM, SUPPORT, BotProcess, Headless
from whole_bot import CONFIRM, SIGN_OUT

from bot.audit import entry_of
from bot.ports import LiveMessage, Show
from bot.request import Account, Ask, Operator, Options, Request, State, new_id
from bot.sandbox import cast
from bot.sandbox.board import Message
from bot.sandbox.cognito import REGION
from bot.stores.dynamodb.store import DynamoDBStore

DOUBLE_CLICKS = int(os.environ.get("DOUBLE_CLICKS", "40"))
LATEST = timedelta(minutes=25)
AT_ONCE = 8  # so many double clicks; more might find no place in a lane


@pytest.fixture
def two_bots(headless: Headless, dynamodb: DynamoDB, table: str) -> Iterator[tuple[BotProcess, BotProcess]]:
    headless.stage.weather.cognito.observers.clear()  # no one looks at the devices after each of so many sign-outs
    settings: dict[str, Any] = {
        **headless.environment,
        **dynamodb.environment,
        "SIGNOUT_STORE": f"dynamodb://{table}",
        "SIGNOUT_CONFIRM_WITHIN": f"{LATEST // timedelta(minutes=1)}m",
    }
    with headless.bot_process(**settings) as one, headless.bot_process(**settings) as other:
        yield one, other


@pytest.mark.long
@pytest.mark.timeout(300)
def test_each_of_many_double_clicks_raced_through_two_instances_signs_out_once(
    headless: Headless, dynamodb: DynamoDB, dynamodb_store: DynamoDBStore, two_bots: tuple[BotProcess, BotProcess]
) -> None:
    requests = [stored(dynamodb_store, headless) for _ in range(DOUBLE_CLICKS)]
    card = headless.do(lambda: headless.stage.workspace.post(SUPPORT, {"text": "a card"}, only_for=SAM))
    for start in range(0, DOUBLE_CLICKS, AT_ONCE):
        batch = requests[start : start + AT_ONCE]
        # Slack hands envelopes to the connections in turn, so the two presses of a double click go to both bots.
        acks = headless.press_at_once((SAM, card, CONFIRM, request.id) for request in batch for _ in range(2))
        assert [ack.error for ack in acks] == [None] * len(acks)
        wait_for_posts(headless, start + len(batch))
    headless.wait_for(lambda: dynamodb_store.backlog().entries == 0, timeout=60)

    once = Counter(request.id for request in requests)
    assert len(headless.cognito_calls(SIGN_OUT)) == DOUBLE_CLICKS
    assert Counter(metadata(message)["request_id"] for message in headless.audit()) == once
    told = Counter((entry.ask.id, entry.kind) for entry in dynamodb_store.entries(None, None))
    assert told == Counter((id_, kind) for id_ in once for kind in ("opened", "confirmed", "signed_out"))
    for request in map(dynamodb_store.get, once):
        assert request
        assert (request.state, request.version, request.attempts) == (State.DONE, 4, 1)
    assert decisions_sent(dynamodb) > DOUBLE_CLICKS, "some of the races were decided by the table alone"
    assert "Scan" not in {action for action, _ in dynamodb.calls}
    assert [bot.log() for bot in two_bots if re.search("ERROR|WARNING|Traceback", bot.log())] == []


def stored(store: DynamoDBStore, headless: Headless) -> Request:
    """Store a request of Sam's that awaits its confirmation."""
    now = datetime.now(UTC)
    ada = Account(pool="customers", pool_id=headless.stage.cognito.pools["customers"].id, region=REGION, username="ada")
    sam = Operator(team_id=cast.TEAM_ID, id=SAM, name="sam")
    request = Request(
        ask=Ask(id=new_id(now), operator=sam, source="slack", channel_id=SUPPORT, options=Options(target="ada")),
        state=State.CONFIRMING,
        candidates=(ada,),
        chosen=ada,
        allowed_by="allow.users",
        created_at=now,
        looked_up_at=now,
        expires_at=now + LATEST,
    )
    store.add(request, entry_of(request, now), Show(at=now + LATEST))
    store.shown(LiveMessage(request_id=request.id, version=request.version))
    return request


def wait_for_posts(headless: Headless, number: int) -> None:
    """Wait for so many audit messages; `headless.audit()` would copy them all at each look."""
    messages = headless.stage.workspace.messages
    headless.wait_for(lambda: headless.do(lambda: sum(m.channel == AUDIT for m in messages)) >= number, timeout=60)


def metadata(message: Message) -> dict[str, str]:
    assert message.metadata
    payload: dict[str, str] = message.metadata["event_payload"]
    return payload


def decisions_sent(dynamodb: DynamoDB) -> int:
    """How often an instance tried to decide a request."""
    written = [
        item for action, sent in dynamodb.calls if action == "TransactWriteItems" for item in sent["TransactItems"]
    ]
    return sum(item.get("Put", {}).get("Item", {}).get("due") == {"S": "ready"} for item in written)
