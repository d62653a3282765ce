"""The promise of an approval, kept through SIGKILL from the operator's press to the last message about it."""

import json
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from dynamodb import Answer, DynamoDB
from headless import AUDIT, KIM, SAM, Headless, shows
from test_bot_approval import APPROVE, DENY, EDIT, asked_for, has_buttons, wait_for_edit
from test_bot_kills import GROUPS, PATIENCE, begin, side_by_side, watch
from whole_bot import CANCEL, CONFIRM, POST, SIGN_OUT, TELL, card_for, entries, states, store_of, trail, travel

from bot.ports import MessageKind
from bot.request import State
from bot.sandbox.board import Message
from bot.sandbox.cast import SUPPORT_GROUP
from bot.sandbox.cognito import Moto
from bot.sandbox.wire import Fault, refuse
from bot.stores.dynamodb.store import DynamoDBStore

LOOK = "AdminListGroupsForUser"  # which the worker asks after its claim and before its first step
SETTINGS: dict[str, Any] = {
    "SIGNOUT_APPROVE_WHEN": "always",
    "SIGNOUT_APPROVE_GROUPS": SUPPORT_GROUP,
    "SIGNOUT_PROTECT_GROUPS": "no-one-is-in-it",
}
FORM = "views.update"


@dataclass(frozen=True, kw_only=True)
class Kill:
    """Which press is followed, and where the bot is killed then: at a call, or (`after`) once that was done.

    `state`: which one the request has reached by then. `later`: what becomes of the sign-outs of the next start.
    `sign_outs`: how often Cognito may get it. `asked`: how many messages ask for the approval. `button`: which of
    them is pressed.
    """

    press: str
    at: str
    state: str
    after: bool = False
    later: tuple[Fault, ...] = ()
    outcome: str = "signed_out"
    sign_outs: range = range(1, 2)
    asked: int = 1
    button: int = 0


NOTHING = range(1)
# What is killed once a request is decided is in test_bot_kills.py: of that, only what an approval changes is here too.
KILLS = {
    "while the card says that it waits": Kill(press=CONFIRM, at=TELL, state="approving"),
    "before anyone is asked": Kill(press=CONFIRM, at=POST, state="approving"),
    **{
        f"before Slack's answer to that comes, and {which} of two messages is pressed": Kill(
            press=CONFIRM, at=POST, after=True, state="approving", asked=2, button=button
        )
        for which, button in {"the first": 0, "the last": 1}.items()
    },
    "before the approval counts": Kill(press=APPROVE, at=GROUPS, state="approving"),
    "before the worker looks at the account": Kill(press=APPROVE, at=LOOK, state="running"),
    "and the take-over is refused": Kill(
        press=APPROVE,
        at=SIGN_OUT,
        after=True,
        state="running",
        later=(refuse(400, "NotAuthorizedException"),),
        outcome="unknown",
    ),
    "before the approval message is edited": Kill(press=APPROVE, at=EDIT, state="done"),
    "before Slack's answer to the edit comes": Kill(press=APPROVE, at=EDIT, after=True, state="done"),
    "before the card shows the result": Kill(press=APPROVE, at=TELL, state="done"),
    "before the audit channel answers": Kill(press=APPROVE, at=POST, after=True, state="done"),
    **{
        f"after a no, at {name}": Kill(press=DENY, at=at, state="denied", outcome="denied", sign_outs=NOTHING)
        for name, at in {"the edit": EDIT, "the card": TELL, "the form": FORM}.items()
    },
    "after a cancel": Kill(press=CANCEL, at=EDIT, state="cancelled", outcome="cancelled", sign_outs=NOTHING),
}
CARD = {
    "signed_out": "Signed out: ada",
    "unknown": "Not known whether signed out: ada",
    "denied": "Denied: ada",
    "cancelled": "Cancelled. Nothing was done.",
}
EDITED = CARD | {"cancelled": "Cancelled: ada"}
BY = {"signed_out": "Approved by", "unknown": "Approved by", "denied": "Denied by"}
ENDED = {"signed_out": "done"}


@pytest.mark.long(waits=True)
@pytest.mark.timeout(600)
def test_an_approval_keeps_its_promise_wherever_the_bot_is_killed(moto: Moto) -> None:
    assert side_by_side(live_through, KILLS, moto) == dict.fromkeys(KILLS)


def live_through(kill: Kill, moto: Moto) -> None:
    with Headless(moto, ("ada",)) as headless, ExitStack() as life:
        too_early = watch(headless)
        begin(life, headless, **SETTINGS)
        card = card_for(headless, SAM)
        if kill.press != CONFIRM:
            headless.press(SAM, card, CONFIRM)
            card, _ = waits(headless, 1)
        if kill.at == GROUPS:  # a list is good for a minute, but not for another life
            begin(life, headless, **SETTINGS)
        press(headless, kill, card)
        headless.wait_for(lambda: states(headless) == [kill.state], PATIENCE)
        life.close()
        assert states(headless) == [kill.state]
        headless.before_cognito(SIGN_OUT, *kill.later)
        bot = begin(life, headless, **SETTINGS)
        if kill.state == "approving":
            card, asked = waits(headless, kill.asked)
            assert headless.press(KIM, asked[kill.button], APPROVE).error is None
        headless.wait_for(lambda: is_told(headless, kill, card), PATIENCE)
        assert bot.terminate(PATIENCE) == 0
        assert too_early == []
        check(headless, kill, card)


def waits(headless: Headless, number: int) -> tuple[Message, list[Message]]:
    """Wait until the operator's card says that it waits, and so many messages ask; the store knows the last of them."""
    card = headless.wait_for_message(SAM, containing="waits for a second person's approval", timeout=PATIENCE)
    headless.wait_for(lambda: len(asking(headless)) == number and asking_is_noted(headless), PATIENCE)
    return card, asking(headless)


def asking(headless: Headless) -> list[Message]:
    """The messages that ask for an approval, or did."""
    return [message for message in headless.audit() if " asks: " in message.text]


def asking_is_noted(headless: Headless) -> bool:
    with store_of(headless) as store:
        due = store.due_messages(datetime.now(UTC) + timedelta(days=1), 9)
    return MessageKind.APPROVAL not in {each.kind for each in due}


def press(headless: Headless, kill: Kill, card: Message) -> None:
    """Press, and wait until the bot arrives where it is to be killed."""
    if kill.press == DENY:
        headless.press(KIM, asking(headless)[0], DENY)
        form = headless.wait_for_form(KIM, containing="Why not", timeout=PATIENCE)
    held = headless.pause(kill.at, after=kill.after)
    if kill.press == DENY:
        ack = headless.submit(KIM, form, {"reason": "not them"})
    elif kill.press == APPROVE:
        ack = headless.press(KIM, asking(headless)[0], APPROVE)
    else:
        ack = headless.press(SAM, card, kill.press)
    assert ack.error is None
    held.wait_until_arrived(PATIENCE)


def is_told(headless: Headless, kill: Kill, card: Message) -> bool:
    """Whether operator, approvers and audit channel are all told of the outcome, and the store knows it."""
    shown = [each for each in headless.messages(SAM) if each.ts == card.ts and shows(each, CARD[kill.outcome])]
    stored = trail(headless)
    return bool(
        shown
        and shows(asking(headless)[-1], EDITED[kill.outcome])
        and kill.outcome in {entry.kind for entry in stored}
        and not any(entry.delivery.next_at for entry in stored)
    )


def check(headless: Headless, kill: Kill, card: Message) -> None:
    assert states(headless) == [ENDED.get(kill.outcome, kill.outcome)]
    counted = [kind for kind in entries(headless) if kind != "resumed"]
    decided = {"denied": [], "cancelled": []}.get(kill.outcome, ["approved"])
    assert counted == ["opened", "confirmed", *decided, kill.outcome]
    assert entries(headless).count("resumed") == (kill.state == "running")
    assert sum(call.forwarded for call in headless.cognito_calls(SIGN_OUT)) in kill.sign_outs
    assert headless.is_signed_in("ada") is (kill.sign_outs is NOTHING)
    assert [message.ts for message in headless.messages(SAM)] == [card.ts], "the card became the result"
    assert headless.direct_messages(SAM) == []
    check_channel(headless, kill)


def check_channel(headless: Headless, kill: Kill) -> None:
    """What the approvers' message and the audit channel say."""
    asked = asking(headless)
    assert len(asked) == kill.asked
    assert not has_buttons(asked[-1])
    posted = [message for message in headless.audit() if message.metadata]
    ids = {message.metadata["event_payload"]["entry_id"] for message in posted if message.metadata}
    assert len(ids) == (kill.outcome in BY), "a message that comes twice has the same entry id"
    assert len(posted) <= 2
    assert all(shows(message, EDITED[kill.outcome]) for message in posted)
    for message in (asked[-1], *posted) if kill.outcome in BY else ():
        assert f"{BY[kill.outcome]} {KIM}" in message.text


def test_what_no_one_approved_while_the_bot_was_down_is_told_to_all_once_it_runs_again(headless: Headless) -> None:
    clock = travel(headless)
    with headless.bot_in_process(**SETTINGS):
        _, asked = asked_for(headless)
    clock.forward(minutes=15, seconds=6)
    with headless.bot_in_process(**SETTINGS):
        headless.wait_for_message(SAM, containing="No one approved this in time")
        edited = wait_for_edit(headless, asked, "Not approved in time: ada")
        assert not has_buttons(edited)
        headless.press(KIM, asked, APPROVE)
        headless.wait_for_message(KIM, AUDIT, containing="Your press did nothing")
    assert entries(headless) == ["opened", "confirmed", "expired"]
    assert headless.cognito_calls(SIGN_OUT) == []


def test_what_was_approved_by_a_bot_that_is_killed_before_its_claim_is_done_once(
    headless: Headless, dynamodb: DynamoDB, dynamodb_store: DynamoDBStore, table: str
) -> None:
    settings = SETTINGS | headless.environment | dynamodb.environment | {"SIGNOUT_STORE": f"dynamodb://{table}"}
    arrived, released = threading.Event(), threading.Event()

    def hold_claim(carry_out: Callable[[], Answer]) -> Answer | None:
        action, sent = dynamodb.calls[-1]
        if '"due": {"S": "running"}' not in json.dumps(sent):
            dynamodb.next(action, hold_claim)
            return carry_out()
        arrived.set()
        released.wait()
        return None  # the bot that asked for it is dead by now

    try:
        with headless.forked_bot(**settings) as bot:
            _, asked = asked_for(headless)
            for action in ("TransactWriteItems", "PutItem"):
                dynamodb.next(action, hold_claim)
            headless.press(KIM, asked, APPROVE)
            headless.wait_for(arrived.is_set, PATIENCE)
            bot.kill()
    finally:
        released.set()
    dynamodb.clear()
    (entry, *_) = dynamodb_store.entries(None, None)
    decided = dynamodb_store.get(entry.ask.id)
    assert decided
    assert (decided.state, decided.claim) == (State.READY, None)
    with headless.forked_bot(**settings):
        headless.wait_for_message(SAM, containing="Signed out: ada", timeout=PATIENCE)
        wait_for_edit(headless, asked, "Signed out: ada")
        headless.wait_for_message(SAM, AUDIT, containing="Approver kim")
    ended = dynamodb_store.get(decided.id)
    assert ended
    assert (ended.state, ended.attempts) == (State.DONE, 1)
    kinds = [entry.kind.value for entry in dynamodb_store.entries(None, None)]
    assert kinds == ["opened", "confirmed", "approved", "signed_out"]
    assert len(headless.cognito_calls(SIGN_OUT)) == 1
