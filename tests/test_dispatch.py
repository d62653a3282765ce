"""What Slack never sends, but who has its secret or its connection could: it gets an answer, and no traceback."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from examples import NOON, SAM, ScriptedPool, StoppedClock
from messages import SHOWN
from slack_bolt import App
from stand_ins import StepLane, flow, list_flow

from bot.edge.lanes import Doorway
from bot.edge.socket_mode import dispatched
from bot.errors import BusyError, RestartingError
from bot.flow import Flow
from bot.slack.clients import BlockingClient
from bot.slack.listeners import build_app
from bot.slack.reply import SlackCards
from bot.stores.sqlite.store import SQLiteStore

NOWHERE = "http://127.0.0.1:9/api/"
MARK = "m4rk"
SENDER = {"user": {"id": SAM.id, "team_id": SAM.team_id, "username": "sam"}, "team": {"id": SAM.team_id}}
BUTTON = {"action_id": "signout_confirm", "type": "button", "value": "x", "block_id": "b"}
PRESS = {"type": "block_actions", "actions": [BUTTON], **SENDER}
FIELDS: dict[str, Any] = {"target": {"target": {"value": "ada"}}, "reason": {"reason": {"value": None}}}
STATE = {"channel_id": "C1", "pools": [], "reason_required": False}
VIEW = {
    "callback_id": "signout_form",
    "id": "V1",
    "type": "modal",
    "private_metadata": json.dumps(STATE),
    "blocks": [],
    "state": {"values": FIELDS},
}
SUBMISSION = {"type": "view_submission", "view": VIEW, **SENDER}
COMMAND = {
    "command": "/signout",
    "text": "ada",
    "user_id": SAM.id,
    "team_id": SAM.team_id,
    "channel_id": "C1",
    "trigger_id": "1",
}
JUDGED = PRESS | {"trigger_id": "1", "actions": [BUTTON | {"action_id": "signout_deny"}]}
DENIAL_VIEW = {
    "callback_id": "signout_denial",
    "id": "V1",
    "type": "modal",
    "private_metadata": "x",
    "state": {"values": {"reason": {"reason": {"value": "not them"}}}},
}
DENIAL = {"type": "view_submission", "view": DENIAL_VIEW, **SENDER}
LIST_PRESS = PRESS | {"actions": [BUTTON | {"action_id": "signout_list_pause"}]}
LIST_VIEW = VIEW | {"callback_id": "signout_list"}
NO_TEXT = "\ud800"
ODD: tuple[Any, ...] = (None, [], {}, "", MARK, 7, [None], [{}], [MARK])


def denied(reason: Any) -> dict[str, Any]:
    return DENIAL | {"view": DENIAL_VIEW | {"state": {"values": {"reason": reason}}}}


def filled(**fields: Any) -> dict[str, Any]:
    return SUBMISSION | {"view": VIEW | {"state": {"values": FIELDS | fields}}}


def listing(**fields: Any) -> dict[str, Any]:
    people = {"people": {"people": {"value": "ada"}}, "reason": {"reason": {"value": "leaked"}}}
    return SUBMISSION | {"view": LIST_VIEW | {"state": {"values": people | fields}}}


MALFORMED: tuple[dict[str, Any], ...] = (
    *({"type": odd} for odd in ODD),
    *({name: odd} for odd in ODD for name in ("actions", "event", "enterprise", "authorizations")),
    *(PRESS | {"actions": odd} for odd in ODD),
    *(PRESS | {"actions": [BUTTON | {name: odd}]} for odd in ODD for name in BUTTON),
    *(PRESS | {"user": odd} for odd in ODD),
    *(PRESS | {"user": {"id": odd, "team_id": SAM.team_id}} for odd in ODD),
    *(SUBMISSION | {"view": odd} for odd in ODD),
    *(SUBMISSION | {"view": VIEW | {name: odd}} for odd in ODD for name in VIEW),
    *(SUBMISSION | {"view": VIEW | {"private_metadata": odd}} for odd in ("{", "[]", "7", "{}", "[" * 3_000)),
    *(filled(target=odd) for odd in ODD),
    *(filled(target={"target": odd}) for odd in ODD),
    *(filled(target={"target": {"value": odd}}) for odd in ODD),
    *(filled(reason=odd) for odd in ODD),
    *(filled(reason={"reason": {"value": odd}}) for odd in ODD),
    *(filled(pool={"pool": odd}) for odd in ODD),
    *(filled(pool={"pool": {"selected_option": odd}}) for odd in ODD),
    *(filled(pool={"pool": {"selected_option": {"value": odd}}}) for odd in ODD),
    *(JUDGED | {"actions": [BUTTON | {"action_id": "signout_deny", name: odd}]} for odd in ODD for name in BUTTON),
    *(JUDGED | {"trigger_id": odd} for odd in ODD),
    *(JUDGED | {"container": odd} for odd in ODD),
    *(JUDGED | {"container": {"message_ts": odd}} for odd in ODD),
    *(DENIAL | {"view": DENIAL_VIEW | {name: odd}} for odd in ODD for name in DENIAL_VIEW),
    *(denied(odd) for odd in ODD),
    *(denied({"reason": odd}) for odd in ODD),
    *(denied({"reason": {"value": odd}}) for odd in ODD),
    *(
        LIST_PRESS | {"actions": [BUTTON | {"action_id": f"signout_list_{which}", name: odd}]}
        for odd in ODD
        for name in ("value", "type", "block_id")
        for which in ("pause", "go_on", "stop", "again", "choose_0")
    ),
    *(LIST_PRESS | {"container": odd} for odd in ODD),
    *(SUBMISSION | {"view": LIST_VIEW | {name: odd}} for odd in ODD for name in VIEW if name != "callback_id"),
    *(listing(**{name: odd}) for odd in ODD for name in ("people", "people_2", "pool", "reason")),
    *(
        listing(**{name: {name: {"value": odd}}})
        for odd in (*ODD, NO_TEXT)
        for name in ("people", "people_3", "reason")
    ),
    *(COMMAND | {name: odd} for odd in ODD for name in (*COMMAND, "user_name", "response_url")),
)


@pytest.fixture
def idle(tmp_path: Path) -> Flow:
    store = SQLiteStore(tmp_path / "signout.db")
    store.open()
    return flow(store, ScriptedPool([], StoppedClock()), slack_lane=StepLane(room=999), aws_lane=StepLane(room=999))


@pytest.fixture
def app(idle: Flow) -> App:
    client = BlockingClient("xoxb-x", NOWHERE)
    cards = SlackCards(
        client=client, shown=SHOWN, audit_refused=bool, now=lambda: NOON, card_shown=bool, result_shown=bool
    )
    return build_app(NOWHERE, idle, list_flow(idle), cards, lambda _: "")


@pytest.mark.long
def test_no_malformed_payload_leaves_a_traceback_or_more_than_a_refusal(
    app: App, idle: Flow, caplog: pytest.LogCaptureFixture
) -> None:
    for payload in MALFORMED:
        answer = dispatched(app, payload)
        assert answer.status in {200, 400, 404}, payload
    assert isinstance(idle.entrance, Doorway)
    for lane in (idle.entrance.lane, idle.entrance.newcomers_lane, idle.aws_lane):
        assert isinstance(lane, StepLane)
        while lane.do():
            pass
    ours = [each for each in caplog.records if each.name.startswith("bot")]
    assert [repr(each.exc_info) for each in ours if each.exc_info] == []
    assert [each.getMessage() for each in ours if MARK in each.getMessage()] == []


@pytest.mark.parametrize(
    "payload", [PRESS | {"actions": []}, filled(target={}), filled(reason={}), filled(target={"target": {}})]
)
def test_a_press_of_nothing_and_an_empty_field_are_refused_in_one_line(
    app: App, caplog: pytest.LogCaptureFixture, payload: dict[str, Any]
) -> None:
    answer = dispatched(app, payload)
    said = [each for each in caplog.records if each.levelno >= logging.WARNING]
    if answer.status == 200:  # a field with nothing in it is told to its operator
        assert "TARGET is missing" in answer.body
        assert said == []
    else:
        assert answer.status == 400
        assert len(said) == 1
        assert said[0].exc_info is None


@pytest.mark.parametrize("text", [f"ada{NO_TEXT}", *(f"ada --{name} {NO_TEXT}" for name in ("pool", "reason"))])
def test_an_option_that_no_store_can_hold_is_said_and_goes_no_further(app: App, idle: Flow, text: str) -> None:
    answer = dispatched(app, COMMAND | {"text": text})
    assert answer.status == 200
    assert "Type it instead of pasting it." in answer.body
    assert works(idle) == []


@pytest.mark.parametrize(
    "payload",
    [
        PRESS | {"actions": [BUTTON | {"value": NO_TEXT}]},
        JUDGED | {"actions": [BUTTON | {"action_id": "signout_approve", "value": NO_TEXT}]},
        DENIAL | {"view": DENIAL_VIEW | {"private_metadata": NO_TEXT}},
        PRESS | {"user": {"id": NO_TEXT, "team_id": SAM.team_id}},
        filled(pool={"pool": {"selected_option": {"value": NO_TEXT}}}),
        *(COMMAND | {name: NO_TEXT} for name in ("user_id", "team_id", "channel_id", "response_url")),
    ],
)
def test_an_id_that_no_store_can_hold_goes_no_further(app: App, idle: Flow, payload: dict[str, Any]) -> None:
    assert dispatched(app, payload).status == 400
    assert works(idle) == []


def works(idle: Flow) -> list[Any]:
    assert isinstance(idle.entrance, Doorway)
    lanes = (idle.entrance.lane, idle.entrance.newcomers_lane)
    return [each for lane in lanes if isinstance(lane, StepLane) for each in lane.works]


@pytest.mark.parametrize("reason", [None, "", "\u200b", NO_TEXT, "x" * 501])
def test_a_reason_of_a_no_that_will_not_do_is_said_under_its_field(app: App, idle: Flow, reason: str | None) -> None:
    answer = dispatched(app, denied({"reason": {"value": reason}}))
    assert answer.status == 200
    assert json.loads(answer.body)["errors"]["reason"].startswith("The reason ")
    assert works(idle) == []


@pytest.mark.parametrize(
    "payload",
    [
        *(PRESS, JUDGED, DENIAL, SUBMISSION, LIST_PRESS, listing()),
        *(COMMAND | {"text": text} for text in ("ada", "whoami", "history ada", "list")),
    ],
)
def test_what_slack_does_send_is_taken(app: App, idle: Flow, payload: dict[str, Any]) -> None:
    assert dispatched(app, payload).status == 200
    assert isinstance(idle.entrance, Doorway)
    assert isinstance(idle.entrance.lane, StepLane)
    assert len(idle.entrance.lane.works) == 1


@pytest.mark.parametrize("closed", ["draining", "busy"])
def test_a_no_that_was_not_taken_is_said_in_the_ack_to_its_form_which_stays(app: App, idle: Flow, closed: str) -> None:
    assert isinstance(idle.entrance, Doorway)
    assert isinstance(idle.entrance.lane, StepLane)
    idle.draining, idle.entrance.lane.room = closed == "draining", 0
    answer = dispatched(app, DENIAL)
    said = RestartingError if closed == "draining" else BusyError
    assert json.loads(answer.body) == {"response_action": "errors", "errors": {"reason": str(said())}}
    assert works(idle) == []
