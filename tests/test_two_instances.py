"""Two bots as processes of their own on one DynamoDB table."""

import asyncio
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from dynamodb import DynamoDB
from headless import AUDIT, KIM, RAY, SAM, SUPPORT, BotProcess, Headless, form_words
from messages import SHOWN
from test_bot_approval import APPROVE, DENY, has_buttons
from whole_bot import CANCEL, CONFIRM, SIGN_OUT

from bot.account import Account
from bot.audit import entry_of
from bot.ports import LiveMessage, MessageKind, Show
from bot.request import Approval, Ask, Operator, Options, Request, State, new_id
from bot.sandbox import cast
from bot.sandbox.board import Message
from bot.sandbox.cognito import REGION
from bot.sandbox.socket_mode import Ack
from bot.sandbox.views import View
from bot.slack.approvals import approval_message
from bot.stores.dynamodb import items
from bot.stores.dynamodb.store import DynamoDBStore

DOUBLE_CLICKS = PAIRS = int(os.environ.get("RACES", "24"))  # PAIRS: of approvers
LATEST = timedelta(minutes=25)
PATIENCE = 300  # the machine may be busy
AT_ONCE = 8  # so many double clicks or pairs of presses; more might find no place in a lane
BESIDE, OTHERS = 4, [DENY, CANCEL]  # so many of each race with an approval, too
MADE = {State.DONE: ("approved", "signed_out"), State.DENIED: ("denied",), State.CANCELLED: ("cancelled",)}
LATE = "Your press did nothing"


@pytest.fixture
def two_bots(
    request: pytest.FixtureRequest, headless: Headless, dynamodb: DynamoDB, table: str
) -> Iterator[tuple[BotProcess, BotProcess]]:
    headless.stage.weather.cognito.observers.clear()  # no one looks at the devices after each of so many sign-outs
    settings: dict[str, Any] = {
        **headless.environment,
        **dynamodb.environment,
        "SIGNOUT_STORE": f"dynamodb://{table}",
        "SIGNOUT_CONFIRM_WITHIN": f"{LATEST // timedelta(minutes=1)}m",
        "SIGNOUT_APPROVE_USERS": f"{KIM},{RAY}",
        **getattr(request, "param", {}),
    }
    with (
        headless.forked_bot(**settings) as one,
        headless.forked_bot(**settings) as other,
    ):
        yield one, other


@pytest.mark.long
@pytest.mark.timeout(600)
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
    headless.wait_for(lambda: dynamodb_store.backlog().entries == 0, timeout=PATIENCE)

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


@pytest.fixture
def asked(headless: Headless, dynamodb: DynamoDB, table: str) -> dict[str, Message]:
    """Messages that ask for the approval of requests of Sam's, by request id.

    The requests go to the table past its server, which would take longer than the races.
    """
    asked = dict[str, Message]()
    for _ in range(PAIRS + BESIDE * len(OTHERS)):
        request, message = approving(headless)
        asked[request.id] = message
        card = LiveMessage(request_id=request.id, version=request.version)
        approval = replace(card, kind=MessageKind.APPROVAL, ts=(message.ts,))
        dynamodb.put_many(table, [items.item_of_request(request), *map(items.item_of_card, (card, approval))])
    return asked


@pytest.mark.long
@pytest.mark.timeout(600)
def test_of_many_pairs_of_presses_on_an_approval_raced_through_two_instances_one_counts(
    headless: Headless,
    dynamodb: DynamoDB,
    dynamodb_store: DynamoDBStore,
    asked: dict[str, Message],  # before the bots: their table has one writer at a time
    two_bots: tuple[BotProcess, BotProcess],
) -> None:
    ids = list(asked)
    others = dict(zip(ids[PAIRS:], OTHERS * BESIDE, strict=True))  # what races with an approval
    for start in range(0, PAIRS, AT_ONCE):
        batch = ids[start : min(start + AT_ONCE, PAIRS)]
        acks = headless.press_at_once((who, asked[id_], APPROVE) for id_ in batch for who in (KIM, RAY))
        assert [ack.error for ack in acks] == [None] * len(acks)
        wait_for_posts(headless, len(asked) + start + len(batch))
    forms = {id_: race(headless, id_, asked[id_], other) for id_, other in others.items()}
    headless.wait_for(lambda: is_all_told(headless, dynamodb_store), timeout=PATIENCE)

    ended = {id_: found for id_ in ids if (found := dynamodb_store.get(id_))}
    states = {id_: request.state for id_, request in ended.items()}
    assert {states[id_] for id_ in ids[:PAIRS]} == {State.DONE}
    for id_, other in others.items():
        assert states[id_] in {State.DONE, {DENY: State.DENIED, CANCEL: State.CANCELLED}[other]}
    done = {id_ for id_, state in states.items() if state is State.DONE}
    assert len(headless.cognito_calls(SIGN_OUT)) == len(done)
    assert {id_: request.attempts for id_, request in ended.items()} == {id_: int(id_ in done) for id_ in ids}
    kept = Counter((entry.ask.id, entry.kind) for entry in dynamodb_store.entries(None, None))
    assert kept == Counter((id_, kind) for id_ in ids for kind in MADE[states[id_]])
    posted = Counter(metadata(message)["request_id"] for message in headless.audit() if message.metadata)
    assert posted == Counter(id_ for id_ in ids if states[id_] is not State.CANCELLED)
    check_what_each_was_told(headless, states, forms)
    assert decisions_sent(dynamodb) > len(done), "some of the races were decided by the table alone"
    assert [bot.log() for bot in two_bots if re.search("ERROR|WARNING|Traceback", bot.log())] == []


@pytest.mark.parametrize("two_bots", [{"SIGNOUT_LIMITS_PER_OPERATOR": "3/h"}], indirect=True)
@pytest.mark.usefixtures("two_bots")
def test_of_presses_raced_through_two_instances_no_more_than_a_limit_says_count(
    headless: Headless, dynamodb_store: DynamoDBStore
) -> None:
    pool, names = headless.stage.cognito.pools["customers"].id, [f"racer-{number}" for number in range(AT_ONCE)]
    for name in names:
        headless.run(headless.stage.cognito.ask("AdminCreateUser", UserPoolId=pool, Username=name))
    ids = [stored(dynamodb_store, headless, name).id for name in names]
    card = headless.do(lambda: headless.stage.workspace.post(SUPPORT, {"text": "a card"}, only_for=SAM))
    headless.press_at_once((SAM, card, CONFIRM, id_) for id_ in ids)

    def states() -> Counter[State]:
        return Counter(request.state for request in map(dynamodb_store.get, ids) if request)

    headless.wait_for(lambda: states() == {State.DONE: 3, State.APPROVING: AT_ONCE - 3}, timeout=PATIENCE)
    wait_for_posts(headless, AT_ONCE + 1)
    posted = [message.text for message in headless.audit()]
    assert sum(" asks: " in text for text in posted) == AT_ONCE - 3
    assert sum("Limit reached" in text for text in posted) == 1, "it is told once an hour"
    assert len(headless.cognito_calls(SIGN_OUT)) == 3


def approving(headless: Headless) -> tuple[Request, Message]:
    """Return a request of Sam's that a second person has to approve, and a message in Slack that asks for that."""
    before = confirming(headless)
    request = before.move(State.APPROVING, approval=Approval(asked_at=before.created_at, channel_id=AUDIT))
    drawn = approval_message(SHOWN, request)
    content = {"text": drawn.text, "blocks": drawn.blocks}
    return request, headless.do(lambda: headless.stage.workspace.post(AUDIT, content))


def race(headless: Headless, request_id: str, message: Message, other: str) -> str:
    """Let Kim approve while Ray denies, or Sam cancels. Return what the form of a no says then."""
    workspace = headless.stage.workspace
    card = headless.do(lambda: workspace.post(SUPPORT, {"text": "a card"}, only_for=SAM))
    if other == DENY:
        headless.press(RAY, message, DENY)
        form = headless.wait_for_form(RAY, containing="Why not", timeout=PATIENCE)

    async def press() -> list[Ack]:
        if other == DENY:
            beside = workspace.forms.submit(RAY, form, {"reason": "not them"})
        else:
            beside = workspace.press(SAM, card, CANCEL, request_id)
        return [*await asyncio.gather(workspace.press(KIM, message, APPROVE), beside)]

    assert {ack.error for ack in headless.run(press())} == {None}
    return told_in_form(headless) if other == DENY else ""


def told_in_form(headless: Headless) -> str:
    """Wait until Ray's form says whether the no counts; close it, and return what it says."""

    def look() -> View | None:
        form = headless.form(RAY)
        return form if form and any(words in form_words(form) for words in ("Denied.", LATE)) else None

    form = headless.wait_for(look, timeout=PATIENCE)
    assert form
    headless.close_form(RAY, form)
    return form_words(form)


def is_all_told(headless: Headless, store: DynamoDBStore) -> bool:
    """Whether no message says that something waits for an approval or is under way, and nothing waits to be posted."""
    messages = headless.stage.workspace.messages

    def waits() -> bool:
        return any(m.channel == AUDIT and m.text.startswith(("Approval needed", "Approved:")) for m in messages)

    return not headless.do(waits) and store.backlog().entries == 0


def check_what_each_was_told(headless: Headless, states: dict[str, State], forms: dict[str, str]) -> None:
    """Who came second was told that, and the message about each request says what came of it."""
    assert {id_: LATE in form for id_, form in forms.items() if form} == {
        id_: states[id_] is State.DONE for id_, form in forms.items() if form
    }
    late = [m.text for person in (KIM, RAY) for m in headless.messages(person, AUDIT) if m.only_for]
    assert all(text.startswith(LATE) for text in late)
    assert len(late) == PAIRS + sum(states[id_] is not State.DONE for id_ in forms)
    shown = {m.text.partition("Request  ")[2][:26]: m for m in headless.audit() if not m.metadata and not m.only_for}
    words = {State.DONE: "Signed out: ada", State.DENIED: "Denied: ada", State.CANCELLED: "Cancelled: ada"}
    assert {id_: m.text.partition("\n")[0] for id_, m in shown.items()} == {id_: words[states[id_]] for id_ in states}
    assert not any(has_buttons(message) for message in shown.values())


def stored(store: DynamoDBStore, headless: Headless, username: str = "ada") -> Request:
    """Store a request of Sam's that awaits its confirmation."""
    request = confirming(headless, username)
    store.add(request, entry_of(request, request.created_at), Show(at=request.expires_at))
    store.shown(LiveMessage(request_id=request.id, version=request.version))
    return request


def confirming(headless: Headless, username: str = "ada") -> Request:
    """Return a request of Sam's that awaits its confirmation."""
    now = datetime.now(UTC)
    pool_id = headless.stage.cognito.pools["customers"].id
    found = headless.run(headless.stage.cognito.ask("AdminGetUser", UserPoolId=pool_id, Username=username))
    (sub,) = (each["Value"] for each in found["UserAttributes"] if each["Name"] == "sub")  # a slow worker looks at it
    account = Account(pool="customers", pool_id=pool_id, region=REGION, username=username, sub=sub)
    sam = Operator(team_id=cast.TEAM_ID, id=SAM, name="sam")
    return Request(
        ask=Ask(id=new_id(now), operator=sam, source="slack", channel_id=SUPPORT, options=Options(target=username)),
        state=State.CONFIRMING,
        candidates=(account,),
        chosen=account,
        allowed_by="allow.users",
        created_at=now,
        looked_up_at=now,
        expires_at=now + LATEST,
    )


def wait_for_posts(headless: Headless, number: int) -> None:
    """Wait for so many audit messages; `headless.audit()` would copy them all at each look."""
    messages = headless.stage.workspace.messages

    def posted() -> int:
        return sum(m.channel == AUDIT and not m.only_for for m in messages)

    headless.wait_for(lambda: headless.do(posted) >= number, timeout=PATIENCE)


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
