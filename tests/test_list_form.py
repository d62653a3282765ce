"""The form of `/signout list`, and what is told to those who press on a list's messages."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from examples import NOON, listing
from headless import SAM, SUPPORT, Headless
from hypothesis import example, given
from hypothesis import strategies as st
from slack_cards import TELL, UNTIL, Workspace
from test_hostile_text import PARTS, steps

from bot.errors import BotError
from bot.listed import LeftOut
from bot.options import ReasonRule
from bot.request import State
from bot.sandbox.form_limits import refused_arguments
from bot.sandbox.views import View
from bot.sandbox.wire import answer
from bot.slack.form import POOL, REASON, FormState, state_of
from bot.slack.list_form import (
    MOST_TYPED,
    NO_ONE,
    PEOPLE,
    FilledList,
    ListFormReply,
    NewListForm,
    filled_list_of,
    list_form_view,
    read_list,
)
from bot.slack.list_listeners import LOOKING, NewListReply
from bot.slack.reply import BesideReply

STATE = FormState(
    channel_id=SUPPORT,
    pools=["customers", "staff"],
    reason_required=False,
    response_url="x" * 300,
    until=UNTIL.timestamp(),
)
TRIGGER = "1.1.x"
REFUSED = answer(200, {"ok": False, "error": "expired_trigger_id"})


@pytest.fixture
def slack(headless: Headless) -> Workspace:
    headless.do(lambda: headless.stage.workspace.forms.admit({"trigger_id": TRIGGER}, SAM))
    return Workspace(headless)


def open_form(slack: Workspace, pools: Sequence[str], **filled: Any) -> View | None:
    NewListForm(slack.cards, slack.place(), NOON, TRIGGER, SUPPORT, FilledList(**filled)).open(pools)
    return slack.headless.form(SAM)


def sent(slack: Workspace, *people: str) -> ListFormReply:
    """Open a form, and return the reply to its being sent."""
    form = open_form(slack, ["customers", "staff"])
    assert form
    state = state_of(form.content)
    filled = FilledList(people=people)
    return ListFormReply(slack.cards, state.place, NOON, form.id, state, filled, len(read_list(filled, None)[0]))


def words_in(slack: Workspace) -> str:
    return str(getattr(slack.headless.form(SAM), "content", ""))


def test_what_the_command_said_is_in_the_form_and_no_pool_is_chosen_yet(slack: Workspace) -> None:
    form = open_form(slack, ["customers", "staff"], reason="leaked")
    assert form
    assert form.answers({}) == {**dict.fromkeys(PEOPLE, ""), POOL: "", REASON: "leaked"}
    assert set(form.faults(form.answers({}))) == {PEOPLE[0], POOL}
    answers = {PEOPLE[0]: "ada", PEOPLE[2]: "grace", POOL: "staff"}
    filled = filled_list_of(form.as_the_api_shows_it(form.answers(answers)), state_of(form.content))
    assert (read_list(filled, None), filled.pool, filled.reason) == ((["ada", "grace"], {}), "staff", "leaked")


def test_where_it_can_only_be_one_pool_the_form_asks_for_none(slack: Workspace) -> None:
    form = open_form(slack, ["staff"])
    assert form
    assert POOL not in form.inputs()
    sent_view = form.as_the_api_shows_it(form.answers({PEOPLE[0]: "ada"}))
    assert filled_list_of(sent_view, state_of(form.content)).options.pool == "staff"


def test_links_in_what_was_pasted_are_taken_as_they_were_typed() -> None:
    filled = FilledList(["<mailto:ada@a.de|ada@a.de>, <mailto:grace@a.de>\n<tel:+4930123456|+49 30 123456>", "bob"])
    assert read_list(filled, None)[0] == ["ada@a.de", "grace@a.de", "+49 30 123456", "bob"]


@pytest.mark.parametrize(
    ("filled", "rule", "troubles"),
    [
        (FilledList(["ada"]), None, {}),
        (FilledList(["- \n"]), None, {PEOPLE[0]: NO_ONE}),
        (FilledList(["a\n" * 1_500, "b\n" * 1_500]), None, {PEOPLE[0]: "These are more than 2,000 people."}),
        (FilledList(["ada"]), ReasonRule(required=True), {REASON: "A reason is needed"}),
        (FilledList(["ada"], reason="\u200b"), None, {REASON: "--reason needs a value."}),
    ],
)
def test_what_is_malformed_is_told_under_its_field(
    filled: FilledList, rule: ReasonRule | None, troubles: dict[str, str]
) -> None:
    _, told = read_list(filled, rule)
    assert set(told) == set(troubles)
    assert all(told[name].startswith(said) for name, said in troubles.items())


def test_what_was_put_in_is_there_again_with_what_was_wrong(slack: Workspace) -> None:
    filled = FilledList(["ada\ngrace", "", "bob"], "staff", "leaked")
    view = list_form_view(STATE, filled, "It broke.")
    assert "It broke." in str(view["blocks"][0])
    answers = View(person=SAM, content=view).answers({})
    assert answers == {**dict(zip(PEOPLE, ("ada\ngrace", "", "bob", ""), strict=True)), POOL: "staff", REASON: "leaked"}
    sent(slack, "adda").say(BotError("There is no adda."))
    assert "There is no adda." in words_in(slack)
    assert "'initial_value': 'adda'" in words_in(slack)


def test_slack_takes_a_form_that_is_full_of_hostile_text() -> None:
    filled = FilledList(["<!channel>\u202e*" * (MOST_TYPED // 12)] * len(PEOPLE), "staff", "\u202e" * 500)
    assert refused_arguments({"view": list_form_view(STATE, filled, "<!channel> \u202e" * 100)}) == []


def test_how_far_the_look_up_is_is_shown_and_then_that_the_preview_is_in_the_channel(slack: Workspace) -> None:
    reply = sent(slack, "ada\ngrace\nnobody")
    request = listing(state=State.PREVIEWING)
    some = replace(request.contents, lines=3, size=1, not_found=LeftOut(count=1, first=("nobody",)))
    reply.looking(replace(request, listed=some))
    assert "Looked up so far: 2 of 3 lines." in words_in(slack)
    assert reply.show(listing())
    assert "The preview is a card in the channel" in words_in(slack)
    (seen,) = slack.seen()
    assert seen.startswith("Sign out 2 accounts?")


def test_a_form_whose_card_could_not_be_shown_says_so(slack: Workspace) -> None:
    reply = sent(slack, "ada")
    slack.headless.before_slack(TELL, answer(404, "expired_url", "text/plain"))
    assert not reply.show(listing())
    assert "Slack may not show the card yet" in words_in(slack)


def test_what_was_wrong_is_said_in_the_channel_once_the_form_is_closed_or_was_not_opened(slack: Workspace) -> None:
    reply = sent(slack, "ada")
    slack.headless.before_slack("views.update", answer(200, {"ok": False, "error": "not_found"}))
    reply.say(BotError("It broke.", "Try again."))
    slack.headless.before_slack("views.open", REFUSED)
    open_form(slack, ["staff"])
    broken, not_opened = slack.seen()
    assert broken == "It broke. Try again."
    assert not_opened == "Slack may not have opened the form. If there is none, run the command again."


def test_who_asks_for_another_list_is_told_once_that_this_takes_a_while(slack: Workspace) -> None:
    reply, request = NewListReply(slack.cards, slack.place(), NOON), listing()
    for _ in range(3):
        reply.looking(request)
    assert slack.seen() == [LOOKING]


def test_a_press_on_a_message_that_others_see_shows_nothing_and_tells_only_what_was_wrong(slack: Workspace) -> None:
    beside = BesideReply(slack.reply())
    assert not beside.show(listing())
    assert slack.seen() == []
    beside.say(BotError("It broke."))
    assert slack.seen() == ["It broke."]


pasted = st.lists(st.lists(st.sampled_from(PARTS), max_size=9).map("".join), max_size=4)


@given(pasted)
@example(["<mailto:a|" * 300] * 4)
@example(["<" * 3_000] * 4)
@example(["a," * 1_500] * 4)
@example(["\ud800\n" * 1_500] * 4)
def test_a_form_costs_little(people: list[str]) -> None:
    filled = FilledList([(each * 300)[:MOST_TYPED] for each in people])
    assert steps(lambda: read_list(filled, None)) <= 2_000 + 40 * 4 * MOST_TYPED
