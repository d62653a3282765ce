"""Two bots as processes of their own on one DynamoDB table."""

import asyncio
import itertools
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from dynamodb import DynamoDB
from headless import AUDIT, KIM, RAY, SAM, SUPPORT, BotProcess, Headless, form_words
from test_bot_approval import APPROVE, DENY
from whole_bot import CANCEL, CONFIRM, SIGN_OUT

from bot.audit import entry_of
from bot.ports import LiveMessage, Show
from bot.request import Account, Approval, Ask, Operator, Options, Request, State, new_id
from bot.sandbox import cast
from bot.sandbox.board import Message
from bot.sandbox.cognito import REGION
from bot.sandbox.socket_mode import Ack
from bot.sandbox.views import View
from bot.stores.dynamodb.store import DynamoDBStore

DOUBLE_CLICKS = int(os.environ.get("DOUBLE_CLICKS", "40"))
LATEST = timedelta(minutes=25)
AT_ONCE = 8  # so many double clicks or pairs of presses; more might find no place in a lane
PAIRS = int(os.environ.get("PAIRS", "200"))  # of approvers
MADE = {State.DONE: ("approved", "signed_out"), State.DENIED: ("denied",), State.CANCELLED: ("cancelled",)}
LATE = "Your press did nothing: this was decided before"


@pytest.fixture
def two_bots(headless: Headless, dynamodb: DynamoDB, table: str) -> Iterator[tuple[BotProcess, BotProcess]]:
    headless.stage.weather.cognito.observers.clear()  # no one looks at the devices after each of so many sign-outs
    settings: dict[str, Any] = {
        **headless.environment,
        **dynamodb.environment,
        "SIGNOUT_STORE": f"dynamodb://{table}",
        "SIGNOUT_CONFIRM_WITHIN": f"{LATEST // timedelta(minutes=1)}m",
        "SIGNOUT_APPROVE_USERS": f"{KIM},{RAY}",
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


@pytest.mark.long
@pytest.mark.timeout(300)
def test_of_many_pairs_of_presses_on_an_approval_raced_through_two_instances_one_counts(
    headless: Headless, dynamodb: DynamoDB, dynamodb_store: DynamoDBStore, two_bots: tuple[BotProcess, BotProcess]
) -> None:
    pairs = ["approve", "approve"] * (AT_ONCE // 2) + ["deny", "cancel"]  # what races with an approval in each batch
    races = {approving(dynamodb_store, headless): other for other in pairs * (PAIRS // AT_ONCE)}
    asked = {found.button(APPROVE)["value"]: found for found in wait_for_questions(headless, len(races))}
    assert asked.keys() == races.keys()
    forms, card = list[str](), headless.do(lambda: headless.stage.workspace.post(SUPPORT, {"text": "-"}, only_for=SAM))
    ids = iter(races)
    while batch := list(itertools.islice(ids, len(pairs))):
        forms.append(race(headless, {id_: (races[id_], asked[id_]) for id_ in batch}, card))
    headless.wait_for(lambda: is_all_told(headless, dynamodb_store, asked), timeout=60)

    ended = {id_: found for id_ in races if (found := dynamodb_store.get(id_))}
    states = {id_: request.state for id_, request in ended.items()}
    for other, instead in {"approve": State.DONE, "deny": State.DENIED, "cancel": State.CANCELLED}.items():
        assert {states[id_] for id_ in races if races[id_] == other} <= {State.DONE, instead}
    done = {id_ for id_, state in states.items() if state is State.DONE}
    assert len(headless.cognito_calls(SIGN_OUT)) == len(done) >= PAIRS
    assert {id_: request.attempts for id_, request in ended.items()} == {id_: int(id_ in done) for id_ in races}
    kept = Counter((entry.ask.id, entry.kind) for entry in dynamodb_store.entries(None, None))
    assert kept == Counter((id_, kind) for id_ in races for kind in ("opened", "confirmed", *MADE[states[id_]]))
    posted = Counter(metadata(message)["request_id"] for message in headless.audit() if message.metadata)
    assert posted == Counter(id_ for id_ in races if states[id_] is not State.CANCELLED)
    check_what_each_was_told(headless, races, states, forms)
    assert decisions_sent(dynamodb) > len(done), "some of the races were decided by the table alone"
    assert [bot.log() for bot in two_bots if re.search("ERROR|WARNING|Traceback", bot.log())] == []


def approving(store: DynamoDBStore, headless: Headless) -> str:
    """Store a request of Sam's that a second person has to approve: the bots will ask for that. Return its id."""
    confirming, now = stored(store, headless), datetime.now(UTC)
    approval = Approval(asked_at=now, channel_id=AUDIT)
    request = confirming.move(State.APPROVING, approval=approval, expires_at=now + LATEST)
    store.move(confirming, request, entry_of(request, now), Show(at=now + LATEST))
    store.shown(LiveMessage(request_id=request.id, version=request.version))
    return request.id


def wait_for_questions(headless: Headless, number: int) -> list[Message]:
    """Wait until so many requests wait in the audit channel for their approval; give their messages."""
    messages = headless.stage.workspace.messages
    headless.wait_for(lambda: headless.do(lambda: sum(m.channel == AUDIT for m in messages)) >= number, timeout=60)
    return headless.audit()


def race(headless: Headless, batch: dict[str, tuple[str, Message]], card: Message) -> str:
    """Let Kim approve each of these while someone else presses too. Return what the form of a no says then."""
    (denied,) = (message for other, message in batch.values() if other == "deny")
    headless.press(RAY, denied, DENY)
    form = headless.wait_for_form(RAY, containing="Why not")
    workspace = headless.stage.workspace

    async def press() -> list[Ack]:
        presses = []
        for id_, (other, message) in batch.items():
            beside = {
                "approve": lambda: workspace.press(RAY, message, APPROVE),
                "cancel": lambda: workspace.press(SAM, card, CANCEL, id_),
                "deny": lambda: workspace.forms.submit(RAY, form, {"reason": "not them"}),
            }[other]()
            presses += [workspace.press(KIM, message, APPROVE), beside]
        return await asyncio.gather(*presses)

    assert {ack.error for ack in headless.run(press())} == {None}
    told = headless.wait_for(lambda: told_in_form(headless))
    assert told
    headless.close_form(RAY, told)
    return form_words(told)


def told_in_form(headless: Headless) -> View | None:
    """Ray's form, once it says whether the no counts."""
    form = headless.form(RAY)
    return form if form and ("Denied." in form_words(form) or LATE in form_words(form)) else None


def is_all_told(headless: Headless, store: DynamoDBStore, asked: Iterable[str]) -> bool:
    """Whether nothing waits to be posted, and no message asks for an approval any more."""
    messages, backlog = headless.stage.workspace.messages, store.backlog()
    waits = headless.do(lambda: any(m.channel == AUDIT and m.text.startswith("Approval needed") for m in messages))
    return not waits and backlog.entries == 0


def check_what_each_was_told(
    headless: Headless, races: dict[str, str], states: dict[str, State], forms: list[str]
) -> None:
    """Who came second was told that, and the message about each request says what came of it."""
    denials = [states[id_] for id_ in races if races[id_] == "deny"]
    assert [LATE in form for form in forms] == [state is State.DONE for state in denials]
    late = Counter(m.only_for for person in (KIM, RAY) for m in headless.messages(person, AUDIT) if m.only_for)
    lost = sum(races[id_] == "approve" or state is not State.DONE for id_, state in states.items())
    assert late.total() == lost
    shown = {m.text.partition("Request  ")[2][:26]: m.text for m in headless.audit() if " asks: " in m.text}
    words = {State.DONE: "Signed out: ada", State.DENIED: "Denied: ada", State.CANCELLED: "Cancelled: ada"}
    assert {id_: text.partition("\n")[0] for id_, text in shown.items()} == {id_: words[states[id_]] for id_ in races}


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
