"""What people read of a list: its card, how far it is, and what approvers and the audit channel see."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from examples import ADA, KIM, NOON, SAM, listing
from messages import NEEDS, SHOWN, approval, leaves

from bot.audit import entry_of
from bot.errors import LIST_CHANGED, TOO_LATE
from bot.facts.list_words import MOST_REASONS, about, reason_of, reasons_of
from bot.listed import Counts, LeftOut, Several
from bot.request import AWAITING, ENDED, Request, State
from bot.slack.approvals import approval_message
from bot.slack.audit_channel import audit_message
from bot.slack.cards import card
from bot.slack.list_facts import AGAIN, GO_ON, PAUSE, STOP, progress_message
from bot.slack.lists import CHOOSE_ONE, LATER, MOST_ROWS
from bot.slack.text import Message

DISABLED = "NotAuthorizedException.UserDisabled"
BUTTONS = {
    State.READY: [PAUSE, STOP],
    State.RUNNING: [PAUSE, STOP],
    State.PAUSED: [GO_ON, STOP],
    State.PARTLY: [AGAIN],
    State.FAILED: [AGAIN],
    State.UNKNOWN: [AGAIN],
}
RAN = (*BUTTONS, State.STOPPING, State.DONE)


def a_list(state: State, **contents: Any) -> Request:
    """Return a list of 287 accounts in this state, with nothing counted unless `contents` say so."""
    request = listing()
    listed = replace(request.contents, **({"lines": 300, "size": 287} | contents))
    return replace(
        request,
        state=state,
        listed=listed,
        decided_at=None if state in {*AWAITING, State.CANCELLED, State.EXPIRED, State.DENIED} else NOON,
        ended_at=NOON if state in ENDED else None,
    )


def ran(state: State, done: int, failed: int = 0, unknown: int = 0, **more: Any) -> Request:
    """Return a list of which so many accounts have ended."""
    reasons = ({DISABLED: failed} if failed else {}) | ({"TimedOut": unknown} if unknown else {})
    counts = Counts(ended=done + failed + unknown, done=done, failed=failed, unknown=unknown, reasons=reasons)
    return a_list(state, counts=counts, **more)


def buttons(message: Message) -> list[str]:
    return [leaf["action_id"] for leaf in leaves(message.blocks) if leaf.get("type") == "button"]


def labels(message: Message) -> list[str]:
    return [leaf["text"]["text"] for leaf in leaves(message.blocks) if leaf.get("type") == "button"]


def left_out(*lines: str, count: int | None = None) -> LeftOut:
    return LeftOut(count=count or len(lines), first=lines)


# The preview


def test_the_preview_says_how_many_how_long_and_which_pool_and_so_does_its_button() -> None:
    drawn = card(SHOWN, a_list(State.CONFIRMING))
    for said in ("Sign out 287 accounts?", "287 accounts, from 300 lines", "about 24 seconds, at 12 accounts a second"):
        assert said in drawn.text
    assert "customers (eu-central-1)" in drawn.text
    assert labels(drawn) == ["Sign out 287 accounts", "Cancel"]
    assert "You can confirm until 2026-11-22 12:05:00 UTC." in drawn.text


@pytest.mark.parametrize(
    ("contents", "said"),
    [
        ({"everyone": True}, "287 accounts, all of the pool"),
        ({"again_of": "01JDA"}, "287 accounts of list 01JDA that were not signed out"),
        ({"not_found": left_out("nobody", "no@example.com")}, "Not found: 2  nobody, n…@example.com"),
        ({"not_found": left_out(*"abcdefg", count=60)}, "Not found: 60  a, b, c, d, e and 55 more"),
        ({"unreadable": left_out("a b\u202e" + "x" * 200)}, r"Not readable: 1  a b\u202Exxx"),
        ({"protected": left_out("root")}, "Protected, so left out: 1  root"),
        ({"several": left_out("twins")}, "Several accounts: 1  twins"),
        ({"twice": 1}, "Twice: 1  line leads to an account that is in the list already."),
        ({"recent": 2}, "Lately: 2  were signed out within the last hour. They are signed out again."),
    ],
)
def test_the_preview_and_the_approvers_message_name_what_is_odd(contents: dict[str, Any], said: str) -> None:
    assert said in card(SHOWN, a_list(State.CONFIRMING, **contents)).text
    asking = replace(a_list(State.APPROVING, **contents), approval=approval(State.APPROVING), needs=("approve.above",))
    assert said in approval_message(SHOWN, asking).text


def choosing(*counts: int) -> Request:
    """Return a list with lines that mean so many accounts."""
    begins = [sum(counts[:number]) for number in range(len(counts))]
    choices = tuple(Several(line=f"l{n}", begin=begin, count=counts[n]) for n, begin in enumerate(begins))
    request = a_list(State.CONFIRMING, choices=choices, several=left_out(*(each.line for each in choices)))
    return replace(request, candidates=tuple(replace(ADA, username=f"c{number}") for number in range(sum(counts))))


def test_each_account_that_a_line_may_mean_has_a_button_with_its_number_and_the_requests_id() -> None:
    request = choosing(2, 3)
    drawn = card(SHOWN, request)
    assert buttons(drawn)[:5] == [f"{CHOOSE_ONE}{number}" for number in range(5)]
    assert {leaf["value"] for leaf in leaves(drawn.blocks) if leaf.get("type") == "button"} == {request.id}
    assert "l1 means several accounts. None of them is signed out, unless you choose one:" in drawn.text
    assert "c4" in drawn.text


def test_lines_for_which_there_is_no_room_come_once_others_were_chosen() -> None:
    request = choosing(10, 2)
    drawn = card(SHOWN, request)
    assert len(buttons(drawn)) == MOST_ROWS + 2
    assert LATER in drawn.text
    listed = replace(request.contents, choices=request.contents.choices[1:])
    after = card(SHOWN, replace(request, listed=listed))
    assert buttons(after)[:2] == [f"{CHOOSE_ONE}10", f"{CHOOSE_ONE}11"]
    assert "For 1 of the lines with several accounts, one of them was chosen." in after.text


def test_where_a_second_person_is_needed_the_button_asks_for_that_and_says_the_number() -> None:
    drawn = card(SHOWN, replace(a_list(State.CONFIRMING), needs=("approve.above",)))
    assert labels(drawn)[0] == "Ask for approval: 287 accounts"
    assert "A second person has to approve this: the settings ask for it (approve.above)." in drawn.text


# While it runs, and after


@pytest.mark.parametrize("state", RAN)
def test_the_card_and_the_progress_have_the_buttons_of_the_state(state: State) -> None:
    request = ran(state, 10, 2)
    assert buttons(card(SHOWN, request)) == buttons(progress_message(SHOWN, request)) == BUTTONS.get(state, [])


def test_the_card_leads_to_the_progress_while_the_list_goes_on() -> None:
    for state in set(RAN) - ENDED:
        drawn = card(SHOWN, ran(state, 10), link="https://x.slack.com/archives/C1/p1")
        assert [leaf["url"] for leaf in leaves(drawn.blocks) if "url" in leaf] == ["https://x.slack.com/archives/C1/p1"]
        assert "The audit channel shows how far it is" in card(SHOWN, ran(state, 10)).text
    for state in ENDED:
        assert "how far it is" not in card(SHOWN, ran(state, 10), link="https://x.slack.com/archives/C1/p1").text


def test_the_progress_has_a_bar_the_counts_the_speed_who_asked_and_why() -> None:
    text = progress_message(SHOWN, ran(State.RUNNING, 118, 1, 1, rate=11.84)).text
    for said in (
        "Signing out: 287 accounts",
        f"{'█' * 8}{'░' * 12} 41%",
        "118 signed out, 1 failed, 1 not known, 167 left.",
        "11.8 accounts a second, about 15 seconds left.",
        "U0SAM00001 · pool customers · lost phone",
        f"1: the account is disabled ({DISABLED})",
    ):
        assert said in text


@pytest.mark.parametrize(
    ("state", "trouble", "pressed_by", "said"),
    [
        (State.PAUSED, None, KIM, "Paused by U0KIM00001."),
        (State.PAUSED, TOO_LATE, None, "Paused by the bot. The bot did not work on it for longer than it may"),
        (State.PAUSED, "AccessDeniedException", None, "25 accounts in a row were not signed out, for the same reason"),
        (State.STOPPING, None, SAM, "Stopped by U0SAM00001."),
        (State.STOPPING, LIST_CHANGED, None, "Stopped by the bot. The accounts of the list are not those"),
        (State.READY, None, KIM, "Let go on by U0KIM00001."),
        (State.RUNNING, "TooManyRequestsException", None, "Cognito takes fewer requests just now"),
        (State.RUNNING, "AccessDeniedException", None, "It is not known who is protected, so no account is begun"),
    ],
)
def test_it_is_said_who_pressed_or_why_the_bot_itself_paused_stopped_or_slowed_it(
    state: State, trouble: str | None, pressed_by: Any, said: str
) -> None:
    request = replace(ran(state, 10, trouble=trouble), pressed_by=pressed_by)
    assert said in progress_message(SHOWN, request).text
    assert (said in card(SHOWN, request).text) is (state is not State.RUNNING)  # the card may stay as it is


def test_no_speed_is_said_while_no_account_is_begun() -> None:
    text = progress_message(SHOWN, ran(State.RUNNING, 10, rate=11.8, trouble="AccessDeniedException")).text
    assert "accounts a second" not in text


@pytest.mark.parametrize(
    ("request_", "title", "said"),
    [
        (ran(State.DONE, 287), "Signed out: 287 accounts", []),
        (ran(State.PARTLY, 280, 7), "Signed out: 280 of 287 accounts", ["7 accounts were not signed out."]),
        (
            replace(ran(State.PARTLY, 100), pressed_by=KIM),
            "Signed out: 100 of 287 accounts",
            ["Stopped by U0KIM00001.", "187 accounts were not begun: nothing was sent for them."],
        ),
        (
            ran(State.UNKNOWN, 286, 0, 1),
            "Signed out: 286 of 287 accounts. Not known of 1",
            ["1 account may or may not have been signed out.", "it would also end sessions opened since"],
        ),
        (ran(State.FAILED, 0, 287), "Not signed out: 287 accounts", ["No session was ended."]),
        (
            replace(ran(State.FAILED, 0, trouble=LIST_CHANGED), error_code=LIST_CHANGED),
            "Not signed out: 287 accounts",
            ["The accounts of the list are not those that were confirmed", "287 accounts were not begun"],
        ),
    ],
)
def test_all_who_see_a_list_read_the_same_of_its_end(request_: Request, title: str, said: list[str]) -> None:
    entry = entry_of(request_, NOON)
    approved = replace(request_, approval=approval(request_.state))
    for drawn in (card(SHOWN, request_), progress_message(SHOWN, request_), audit_message(SHOWN, entry)):
        assert title in drawn.text
        assert [each for each in said if each not in drawn.text] == []
    assert approval_message(SHOWN, approved).text.startswith(title)


def test_a_list_that_was_slow_when_it_ended_is_no_trouble() -> None:
    slow = ran(State.DONE, 287, trouble="TooManyRequestsException")
    assert "in a row" not in card(SHOWN, slow).text
    assert "fewer requests" not in progress_message(SHOWN, slow).text


@pytest.mark.parametrize("state", [state for state in State if state not in {State.CHOOSING, *RAN} - {State.READY}])
def test_signed_out_is_said_of_nothing_that_was_not_done(state: State) -> None:
    drawn = card(SHOWN, replace(a_list(state), approval=approval(state), needs=NEEDS))
    assert "Signed out" not in drawn.text


def test_a_done_list_says_what_it_does_not_reach() -> None:
    text = card(SHOWN, ran(State.DONE, 287)).text
    for said in ("hosted login page", "Google or another provider", "AWS credentials", "up to 1 hour"):
        assert said in text
    assert "hosted login page" not in card(SHOWN, ran(State.FAILED, 0, 287)).text


def test_the_bots_own_pause_is_told_to_the_audit_channel_with_its_reason() -> None:
    paused = ran(State.PAUSED, 20, 25, trouble=DISABLED)
    text = audit_message(SHOWN, entry_of(paused, NOON)).text
    assert "Paused: 287 accounts" in text
    assert f"25 accounts in a row were not signed out, for the same reason: {reason_of(DISABLED)}." in text
    assert "Accounts: 287" in text


@pytest.mark.parametrize(
    ("state", "title"),
    [
        (State.APPROVING, "Approval needed: 287 accounts"),
        (State.RUNNING, "Approved: 287 accounts"),
        (State.PAUSED, "Approved: 287 accounts"),
        (State.DENIED, "Denied: 287 accounts"),
        (State.CANCELLED, "Cancelled: 287 accounts"),
    ],
)
def test_approvers_see_what_is_asked_and_what_came_of_it(state: State, title: str) -> None:
    asked = replace(a_list(state), approval=approval(state), needs=("approve.above",))
    text = approval_message(SHOWN, asked).text
    assert text.startswith(title)
    assert "Sign these accounts out of all devices?" in text
    assert ("about 24 seconds" in text) is (state is State.APPROVING)


def test_reasons_come_with_their_counts_the_most_first_and_many_are_cut() -> None:
    reasons = {f"Code{number}": number for number in range(1, MOST_REASONS + 3)}
    said = reasons_of(Counts(reasons=reasons | {"TimedOut": 99}))
    assert said[0] == "99: Cognito did not answer in time (TimedOut)"
    assert said[1] == "10: Code10"
    assert said[-1] == "6: for other reasons"
    assert len(said) == MOST_REASONS + 1


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "1 second"),
        (23.2, "24 seconds"),
        (120, "2 minutes"),
        (5_940, "99 minutes"),
        (6_000, "1 h 40 min"),
        (8_333, "2 h 19 min"),
    ],
)
def test_a_length_of_time_is_said_in_the_unit_that_fits(seconds: float, said: str) -> None:
    assert about(timedelta(seconds=seconds)) == said
