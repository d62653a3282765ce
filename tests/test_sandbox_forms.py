"""Forms: Slack's own client opens and changes them over real sockets; people fill them in; the app is told of it."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest
from headless import KIM, PAT, SAM, Headless
from slack_app import ack, app, refused
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web import WebClient

from bot.sandbox import cast, socket_mode
from bot.sandbox.cognito import Moto
from bot.sandbox.forms import TROUBLE
from bot.sandbox.views import View

Content = dict[str, Any]


def plain(text: str) -> Content:
    return {"type": "plain_text", "text": text}


OPTIONS = [{"text": plain(name), "value": name} for name in ("customers", "staff")]
TARGET: Content = {
    "type": "input",
    "block_id": "target",
    "label": plain("Who"),
    "element": {"type": "plain_text_input", "action_id": "text", "min_length": 2, "max_length": 20},
}
POOL: Content = {
    "type": "input",
    "block_id": "pool",
    "label": plain("Pool"),
    "element": {
        "type": "static_select",
        "action_id": "choice",
        "options": OPTIONS,
        "initial_option": OPTIONS[0],
    },
}
REASON: Content = {
    "type": "input",
    "block_id": "reason",
    "label": plain("Reason"),
    "optional": True,
    "element": {"type": "plain_text_input", "action_id": "text"},
}
FORM: Content = {
    "type": "modal",
    "callback_id": "ask",
    "private_metadata": "R1",
    "title": plain("Sign out"),
    "submit": plain("Next"),
    "blocks": [TARGET, POOL, REASON],
}
LOOKING: Content = {
    "type": "modal",
    "title": plain("Sign out"),
    "blocks": [{"type": "section", "text": plain("Looking …")}],
}


@pytest.fixture
def headless(moto: Moto) -> Iterator[Headless]:
    """A stage with no one in Cognito, which is quick to set."""
    with Headless(moto, people=()) as stage:
        yield stage


@pytest.fixture
def client(headless: Headless) -> WebClient:
    return WebClient(token=cast.BOT_TOKEN, base_url=headless.environment["SLACK_API_URL"])


def trigger(headless: Headless, person: str = SAM) -> str:
    """Let this person do something; give the trigger_id that the app heard."""
    with app(headless, ack) as heard:
        headless.command(person, "")
    return str(heard[0].payload["trigger_id"])


@pytest.fixture
def opened(headless: Headless, client: WebClient) -> View:
    """The form above, before Sam."""
    client.views_open(trigger_id=trigger(headless), view=FORM)
    return headless.wait_for_form(SAM)


# What the app does


def test_a_form_is_opened_for_only_one_person(headless: Headless, client: WebClient) -> None:
    answer = client.views_open(trigger_id=trigger(headless), view=FORM)["view"]
    form = headless.wait_for_form(SAM, containing="Reason")
    assert headless.form(KIM) is None
    assert (answer["id"], answer["root_view_id"], answer["hash"]) == (form.id, form.id, form.hash)
    assert (answer["callback_id"], answer["private_metadata"], answer["blocks"]) == ("ask", "R1", FORM["blocks"])
    assert (answer["state"], answer["close"], answer["notify_on_close"]) == ({"values": {}}, None, False)
    assert (answer["team_id"], answer["app_id"], answer["bot_id"]) == (cast.TEAM_ID, cast.APP_ID, cast.BOT_ID)


def test_blocks_and_inputs_without_an_id_are_given_one(headless: Headless, client: WebClient) -> None:
    unnamed = {"type": "input", "label": plain("x"), "element": {"type": "plain_text_input"}}
    client.views_open(trigger_id=trigger(headless), view={**FORM, "blocks": [unnamed]})
    (block,) = headless.wait_for_form(SAM).content["blocks"]
    assert block["block_id"]
    assert block["element"]["action_id"]


def test_a_trigger_opens_one_form_soon(headless: Headless, client: WebClient) -> None:
    used, late = trigger(headless), trigger(headless)
    client.views_open(trigger_id=used, view=FORM)
    assert refused(lambda: client.views_open(trigger_id=used, view=FORM)) == "exchanged_trigger_id"
    assert refused(lambda: client.views_open(trigger_id="1.2.guessed", view=FORM)) == "invalid_trigger_id"
    headless.stage.workspace.forms.trigger_lifetime = 0.0
    late = trigger(headless)
    assert refused(lambda: client.views_open(trigger_id=late, view=FORM)) == "expired_trigger_id"


def test_a_refused_form_comes_with_the_places_of_its_faults(headless: Headless, client: WebClient) -> None:
    with pytest.raises(SlackApiError) as refusal:
        client.views_open(trigger_id=trigger(headless), view={"type": "modal", "blocks": [{"type": "mystery"}]})
    assert refusal.value.response.data == {
        "ok": False,
        "error": "invalid_arguments",
        "response_metadata": {
            "messages": [
                "[ERROR] missing required field: title [json-pointer:/view]",
                "[ERROR] unsupported type: mystery [json-pointer:/view/blocks/0/type]",
            ]
        },
    }
    assert headless.form(SAM) is None


def test_a_form_body_may_carry_the_view_as_json(headless: Headless, client: WebClient) -> None:
    view = '{"type": "modal", "title": {"type": "plain_text", "text": "From JSON"}, "blocks": []}'
    client.api_call("views.open", data={"trigger_id": trigger(headless), "view": view})
    assert headless.wait_for_form(SAM, containing="From JSON")


def test_a_form_is_updated_by_its_id_or_by_the_apps_own(headless: Headless, client: WebClient, opened: View) -> None:
    client.views_update(view_id=opened.id, view={**LOOKING, "external_id": "mine"})
    assert headless.wait_for_form(SAM, containing="Looking …").id == opened.id
    client.views_update(external_id="mine", view=FORM)
    assert headless.wait_for_form(SAM, containing="Reason").id == opened.id


def test_an_update_that_comes_too_late_or_to_nothing_is_refused(
    headless: Headless, client: WebClient, opened: View
) -> None:
    client.views_update(view_id=opened.id, hash=opened.hash, view=LOOKING)
    assert refused(lambda: client.views_update(view_id=opened.id, hash=opened.hash, view=FORM)) == "hash_conflict"
    assert refused(lambda: client.views_update(view_id="V0NOWHERE1", view=FORM)) == "not_found"
    assert refused(lambda: client.views_update(external_id="mine", view=FORM)) == "not_found"
    headless.close_form(SAM, opened)
    assert refused(lambda: client.views_update(view_id=opened.id, view=FORM)) == "not_found"


def test_an_external_id_names_one_form(headless: Headless, client: WebClient) -> None:
    named = {**FORM, "external_id": "mine"}
    client.views_open(trigger_id=trigger(headless), view=named)
    kims = trigger(headless, KIM)
    assert refused(lambda: client.views_open(trigger_id=kims, view=named)) == "duplicate_external_id"


# What people do


def test_what_is_submitted_carries_every_field_that_slack_sends(headless: Headless, client: WebClient) -> None:
    client.views_open(trigger_id=trigger(headless, PAT), view=FORM)
    form = headless.wait_for_form(PAT)
    with app(headless, ack) as heard:
        assert headless.submit(PAT, form, {"target": "ada"}).error is None
    assert heard[0].type == "interactive"
    assert heard[0].accepts_response_payload
    payload = deepcopy(heard[0].payload)
    view = payload.pop("view")
    assert payload.pop("trigger_id")
    assert payload == {
        "type": "view_submission",
        "user": {"id": PAT, "username": "pat", "name": "pat", "team_id": "T0PARTNER1"},
        "api_app_id": "A0SIGNOUT1",
        "token": "deprecated-and-unchecked",
        "team": {"id": "T0SIGNOUT1", "domain": "signout-sandbox"},
        "enterprise": None,
        "is_enterprise_install": False,
        "response_urls": [],
    }
    assert view["state"] == {
        "values": {
            "target": {"text": {"type": "plain_text_input", "value": "ada"}},
            "pool": {"choice": {"type": "static_select", "selected_option": OPTIONS[0]}},
            "reason": {"text": {"type": "plain_text_input", "value": None}},
        }
    }
    assert (view["id"], view["hash"], view["callback_id"], view["private_metadata"]) == (
        form.id,
        form.hash,
        "ask",
        "R1",
    )


@pytest.mark.parametrize("answer", [None, {}, {"response_action": "clear"}])
def test_an_empty_ack_and_clear_close_the_form(headless: Headless, opened: View, answer: Content | None) -> None:
    with app(headless, lambda _: answer):
        assert headless.submit(SAM, opened, {"target": "ada"}).error is None
    assert headless.form(SAM) is None


def test_errors_stand_under_their_inputs_until_it_is_sent_again(headless: Headless, opened: View) -> None:
    def respond(request: SocketModeRequest) -> Content | None:
        reason = request.payload["view"]["state"]["values"]["reason"]["text"]["value"]
        return None if reason else {"response_action": "errors", "errors": {"reason": "Say why."}}

    with app(headless, respond) as heard:
        headless.submit(SAM, opened, {"target": "ada"})
        form = headless.wait_for_form(SAM, containing="Say why.")
        assert form.errors == {"reason": "Say why."}
        headless.submit(SAM, form, {"reason": "OPS-1"})
    assert heard[1].payload["view"]["state"]["values"]["target"]["text"]["value"] == "ada"
    assert headless.form(SAM) is None


def test_an_update_keeps_what_was_typed_where_the_input_stays(
    headless: Headless, client: WebClient, opened: View
) -> None:
    renamed = {**REASON, "element": {**REASON["element"], "action_id": "other"}}
    update = {"response_action": "update", "view": {**FORM, "blocks": [TARGET, renamed]}}
    with app(headless, lambda _: update):
        headless.submit(SAM, opened, {"target": "ada", "reason": "OPS-1"})
    form = headless.wait_for_form(SAM)
    assert form.id == opened.id
    assert form.hash != opened.hash
    assert form.answers({}) == {"target": "ada", "reason": ""}
    client.views_update(view_id=form.id, view=LOOKING)
    assert headless.wait_for_form(SAM, containing="Looking …").answers({}) == {}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"response_action": "errors", "errors": {"nowhere": "x"}}, "invalid_errors"),
        ({"response_action": "errors", "errors": {}}, "invalid_errors"),
        ({"response_action": "errors", "errors": {"reason": ""}}, "invalid_errors"),
        ({"response_action": "update", "view": {"type": "modal"}}, "invalid_arguments"),
        ({"response_action": "update"}, "invalid_response_action"),
        ({"response_action": "push", "view": FORM}, "invalid_response_action"),
        ({"text": "busy"}, "invalid_response_action"),
    ],
)
def test_an_ack_that_slack_would_not_take_is_seen_as_trouble(
    headless: Headless, opened: View, answer: Content, error: str
) -> None:
    with app(headless, lambda _: answer):
        assert headless.submit(SAM, opened, {"target": "ada"}).error == error
    assert headless.wait_for_form(SAM, containing=TROUBLE).content == opened.content


def test_a_form_that_nobody_answers_stays_and_says_so(
    headless: Headless, opened: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert headless.submit(SAM, opened, {"target": "ada"}).error == "dispatch_failed"
    monkeypatch.setattr(socket_mode, "ACK_WITHIN", 0.1)
    with app(headless):
        assert headless.submit(SAM, opened, {"target": "ada"}).error == "operation_timeout"
    form = headless.wait_for_form(SAM, containing=TROUBLE)
    with app(headless, ack):
        headless.submit(SAM, form, {})
    assert headless.form(SAM) is None


@pytest.mark.parametrize(
    ("answers", "errors"),
    [
        ({"target": " "}, {"target": "Please complete this required field."}),
        ({"target": "a"}, {"target": "Please enter at least 2 characters."}),
        ({"target": "a" * 21}, {"target": "Please enter no more than 20 characters."}),
        ({"target": "ada", "pool": ""}, {"pool": "Please complete this required field."}),
        (
            {"target": "ada", "reason": "x" * 3001},
            {"reason": "Please enter no more than 3000 characters."},
        ),
    ],
)
def test_what_slacks_window_complains_of_is_not_sent(
    headless: Headless, opened: View, answers: dict[str, str], errors: dict[str, str]
) -> None:
    with app(headless, ack) as heard:
        assert headless.submit(SAM, opened, answers).error == "not_submitted"
    assert heard == []
    assert headless.wait_for_form(SAM).errors == errors


@pytest.mark.parametrize("answers", [{"nowhere": "x"}, {"target": "ada", "pool": "invented"}])
def test_what_the_form_does_not_ask_cannot_be_answered(
    headless: Headless, opened: View, answers: dict[str, str]
) -> None:
    with pytest.raises(LookupError):
        headless.submit(SAM, opened, answers)


def test_a_form_is_nobody_elses(headless: Headless, opened: View) -> None:
    touches: list[Callable[[], object]] = [
        lambda: headless.submit(KIM, opened, {"target": "ada"}),
        lambda: headless.close_form(KIM, opened),
    ]
    for touch in touches:
        with pytest.raises(LookupError):
            touch()


def test_the_app_is_told_of_a_close_where_it_asked_to(headless: Headless, client: WebClient, opened: View) -> None:
    assert headless.close_form(SAM, opened) is None
    client.views_open(trigger_id=trigger(headless), view={**FORM, "notify_on_close": True})
    form = headless.wait_for_form(SAM)
    with app(headless, ack) as heard:
        closed = headless.close_form(SAM, form)
    assert closed
    assert closed.error is None
    assert (heard[0].payload["type"], heard[0].payload["is_cleared"]) == ("view_closed", False)
    assert heard[0].payload["view"]["id"] == form.id
    assert not heard[0].accepts_response_payload
    assert headless.form(SAM) is None


def test_the_app_is_told_at_once_of_a_button_and_of_an_input_that_dispatches(
    headless: Headless, client: WebClient
) -> None:
    button = {"type": "button", "action_id": "go", "value": "R1", "text": plain("Go")}
    blocks = [{**POOL, "dispatch_action": True}, {"type": "actions", "block_id": "do", "elements": [button]}, REASON]
    client.views_open(trigger_id=trigger(headless), view={**FORM, "blocks": blocks})
    form = headless.wait_for_form(SAM)
    with app(headless, ack) as heard:
        headless.act_in_form(SAM, form, "go")
        headless.act_in_form(SAM, form, "choice", {"pool": "staff"})
        with pytest.raises(LookupError):
            headless.act_in_form(SAM, form, "text")
    pressed, chosen = (request.payload for request in heard)
    assert pressed["type"] == "block_actions"
    assert pressed["container"] == {"type": "view", "view_id": form.id}
    assert not {"channel", "message", "response_url"} & pressed.keys()
    action = dict(pressed["actions"][0])
    assert float(action.pop("action_ts"))
    assert action == {"block_id": "do", **button}
    assert chosen["actions"][0]["selected_option"] == OPTIONS[1]
    assert chosen["view"]["state"]["values"]["pool"]["choice"]["selected_option"] == OPTIONS[1]
    client.views_update(view_id=form.id, view=FORM)
    assert headless.wait_for_form(SAM).answers({})["pool"] == "staff"
