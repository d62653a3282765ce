"""The form that `/signout` opens: its views, and what is told in it."""

from dataclasses import replace

import pytest
from examples import NOON, awaiting
from headless import SAM, SUPPORT, Headless
from slack_cards import TELL, UNTIL, Workspace

from bot.errors import BotError, DeniedError, UsageError
from bot.options import USAGE, ReasonRule
from bot.ports import Place
from bot.sandbox.form_limits import refused_arguments
from bot.sandbox.views import View
from bot.sandbox.wire import answer
from bot.slack.form import (
    FOUND,
    REASON,
    TARGET,
    Filled,
    FormReply,
    FormState,
    NewForm,
    filled_of,
    form_view,
    found_view,
    looking_view,
    state_of,
    troubles_in,
)
from bot.slack.reply import STRANGERS_IN_A_MINUTE
from bot.slack.targets import MOST_TARGETS

STATE = FormState(
    channel_id=SUPPORT,
    pools=["customers", "staff"],
    reason_required=False,
    response_url="x" * 300,
    until=UNTIL.timestamp(),
)
TRIGGER = "1.1.x"


@pytest.fixture
def slack(headless: Headless) -> Workspace:
    headless.do(lambda: headless.stage.workspace.forms.admit({"trigger_id": TRIGGER}, SAM))
    return Workspace(headless)


def open_form(slack: Workspace, pools: list[str]) -> View | None:
    NewForm(slack.cards, slack.place(), NOON, TRIGGER, SUPPORT).open(pools, ["sign_out"])
    return slack.headless.form(SAM)


def sent(slack: Workspace, target: str = "ada") -> FormReply:
    """Open a form, and return the reply to its being sent."""
    form = open_form(slack, ["customers", "staff"])
    assert form
    state = state_of(form.content)
    return FormReply(slack.cards, state.place, NOON, form.id, state, Filled(target=target))


def of_message(slack: Workspace, *found: str) -> None:
    NewForm(slack.cards, slack.place(), NOON, TRIGGER, SUPPORT, found).open(["customers"], ["sign_out"])


def anywhere(slack: Workspace) -> NewForm:
    return NewForm(slack.cards, None, NOON, TRIGGER, "", to=SAM)


def words_in(slack: Workspace) -> str:
    return str(getattr(slack.headless.form(SAM), "content", ""))


def test_slack_takes_every_view() -> None:
    hostile = Filled("<!channel>*" * 11, "staff", "\u202e" * 500)
    for view in (
        form_view(STATE),
        form_view(STATE, hostile, "<!channel> \u202e" * 100),
        looking_view(),
        found_view(shown=True),
        found_view(shown=False),
    ):
        assert refused_arguments({"view": view}) == []


def test_a_form_remembers_where_its_command_is_answered_and_until_when() -> None:
    state = replace(STATE, actions=["sign_out", "keep_out"])
    assert state_of(form_view(state)) == state
    assert STATE.place == Place(response_url="x" * 300, until=UNTIL, replaces=False)
    assert FormState(channel_id=SUPPORT, pools=[], reason_required=False).place is None


@pytest.mark.parametrize("action", ["end_session", "delete", "\u202e"])
def test_a_form_asks_for_no_action_that_no_command_asks_for(action: str) -> None:
    with pytest.raises(UsageError, match="does not know what is to be done"):
        assert Filled("ada", action=action).options


def test_a_newer_bots_form_is_shown_without_what_this_bot_does_not_know() -> None:
    view = form_view(replace(STATE, actions=["sign_out", "keep_out", "delete"]), Filled(action="delete"), "It broke.")
    assert "'keep_out'" in str(view["blocks"])
    assert "'delete'" not in str(view["blocks"])


def test_what_was_put_in_is_there_again_with_what_was_wrong() -> None:
    view = form_view(STATE, Filled("adda", "staff", "lost phone"), "It is not there.")
    values = [block.get("element", {}) for block in view["blocks"]]
    assert "It is not there." in str(view["blocks"][0])
    assert [each.get("initial_value") for each in values] == [None, "adda", None, "lost phone"]
    assert values[2]["initial_option"]["value"] == "staff"


def test_where_one_pool_is_allowed_the_form_asks_for_none(slack: Workspace) -> None:
    form = open_form(slack, ["staff"])
    assert form
    assert set(form.answers({})) == {TARGET, REASON}
    assert filled_of(form.as_the_api_shows_it(form.answers({TARGET: "ada"}))) == Filled(target="ada")


def test_the_one_target_of_a_message_is_filled_in(slack: Workspace) -> None:
    of_message(slack, "ada@example.com")
    form = slack.headless.form(SAM)
    assert form
    assert form.answers({})[TARGET] == "ada@example.com"
    assert FOUND not in form.inputs()


def test_of_several_targets_of_a_message_none_is_chosen_and_what_is_typed_counts(slack: Workspace) -> None:
    of_message(slack, "ada@example.com", "grace@example.com")
    form = slack.headless.form(SAM)
    assert form
    assert "What you type here counts instead of what you chose above." in str(form.content)
    sent = [{}, {FOUND: "grace@example.com"}, {FOUND: "grace@example.com", TARGET: "ken"}, {TARGET: "ken"}]
    filled = [filled_of(form.as_the_api_shows_it(form.answers(answers))) for answers in sent]
    assert [each.target for each in filled] == ["", "grace@example.com", "ken", "ken"]
    assert set(troubles_in(filled[0], None)) == {TARGET}


@pytest.mark.parametrize(
    ("target", "chosen", "is_typed"), [("grace@example.com", "grace@example.com", ""), ("ken", "", "ken"), ("", "", "")]
)
def test_the_choice_is_there_again_with_what_was_wrong(target: str, chosen: str, is_typed: str) -> None:
    state = replace(STATE, actions=[], of_message=True, found=("ada@example.com", "grace@example.com"))
    again = state_of(form_view(state))
    assert again == state
    answers = View(person=SAM, content=form_view(again, Filled(target), "It is not there.")).answers({})
    assert (answers[FOUND], answers[TARGET]) == (chosen, is_typed)


def test_what_is_found_takes_no_room_of_what_a_form_remembers() -> None:
    longest = tuple(f"{number}{chr(0x1F600) * 127}" for number in range(MOST_TARGETS))
    assert refused_arguments({"view": form_view(replace(STATE, found=longest))}) == []


def test_it_is_said_where_the_card_is() -> None:
    places = [STATE, replace(STATE, of_message=True), replace(STATE, response_url=None)]
    said = [str(found_view(shown=True, where=each.where)) for each in places]
    assert "in the channel where you typed the command" in said[0]
    assert "in the channel of the message, not in a thread" in said[1]
    assert "a direct message from this app" in said[2]


def test_without_a_place_an_error_is_shown_instead_of_the_form(slack: Workspace) -> None:
    anywhere(slack).say(BotError("It broke.", "Try again."))
    assert "It broke. Try again." in words_in(slack)
    assert slack.headless.direct_messages(SAM) == []


def test_without_a_place_a_form_that_slack_does_not_open_is_told_directly(slack: Workspace) -> None:
    slack.headless.before_slack("views.open", answer(200, {"ok": False, "error": "expired_trigger_id"}))
    anywhere(slack).open(["staff"], ["sign_out"])
    (told,) = slack.headless.direct_messages(SAM)
    assert told.text.startswith("Slack may not have opened the form.")


def test_where_it_is_too_late_to_show_an_error_it_is_told_directly_but_not_to_strangers(slack: Workspace) -> None:
    slack.headless.before_slack("views.open", *[answer(200, {"ok": False, "error": "expired_trigger_id"})] * 3)
    anywhere(slack).say(DeniedError())
    assert slack.headless.direct_messages(SAM) == []
    anywhere(slack).say(DeniedError(DeniedError.UNSURE))
    anywhere(slack).say(BotError("It broke.", "Try again."))
    unsure, broken = slack.headless.direct_messages(SAM)
    assert unsure.text.startswith("Slack could not be asked")
    assert broken.text.startswith("It broke.")


def test_very_many_strangers_do_not_use_up_the_forms_that_slack_opens_for_operators(slack: Workspace) -> None:
    asked = [anywhere(slack)] * (STRANGERS_IN_A_MINUTE + 5)
    for each in asked:
        each.say(DeniedError())
    calls = slack.headless.slack_calls("views.open")
    assert len(calls) == STRANGERS_IN_A_MINUTE
    asked[0].say(BotError("It broke.", "Try again."))
    assert len(slack.headless.slack_calls("views.open")) == STRANGERS_IN_A_MINUTE + 1


def test_a_form_that_slack_does_not_open_leaves_the_command_to_type(slack: Workspace) -> None:
    slack.headless.before_slack("views.open", answer(200, {"ok": False, "error": "expired_trigger_id"}))
    assert open_form(slack, ["staff"]) is None
    assert slack.seen() == [
        f"Slack may not have opened the form. If there is none, type the target instead.\nUsage: {USAGE}"
    ]


def test_the_card_is_in_the_channel_and_the_form_says_so(slack: Workspace) -> None:
    assert sent(slack).show(awaiting())
    assert len(slack.seen()) == 1
    assert "The card is in the channel" in words_in(slack)
    assert slack.timed.cards == [0.0]


def test_a_form_whose_card_could_not_be_shown_says_so(slack: Workspace) -> None:
    reply = sent(slack)
    slack.headless.before_slack(TELL, answer(404, "expired_url", "text/plain"))
    assert not reply.show(awaiting())
    assert "Slack may not show its card yet" in words_in(slack)


def test_what_was_wrong_is_said_in_the_form_without_the_commands_usage(slack: Workspace) -> None:
    sent(slack, "adda").say(UsageError("There is no adda."))
    assert "There is no adda." in words_in(slack)
    assert "'initial_value': 'adda'" in words_in(slack)
    assert USAGE not in words_in(slack)
    assert slack.seen() == []


def test_what_was_wrong_is_said_in_the_channel_once_the_form_is_closed(slack: Workspace) -> None:
    reply = sent(slack)
    slack.headless.before_slack("views.update", answer(200, {"ok": False, "error": "not_found"}))
    reply.say(BotError("It broke.", "Try again."))
    assert slack.seen() == ["It broke. Try again."]


@pytest.mark.parametrize(
    ("filled", "rule", "troubles"),
    [
        (Filled("ada"), None, set()),
        (Filled("ada grace"), None, {TARGET}),
        (Filled("", reason="\u200b"), None, {TARGET, REASON}),
        (Filled("ada"), ReasonRule(required=True), {REASON}),
        (Filled("ada", reason="lost phone"), ReasonRule(required=True), set()),
    ],
)
def test_what_is_malformed_is_told_under_its_field(filled: Filled, rule: ReasonRule | None, troubles: set[str]) -> None:
    told = troubles_in(filled, rule)
    assert (set(told), all(told.values())) == (troubles, True)
