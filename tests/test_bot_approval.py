"""A second person, protected accounts and limits, over real sockets: Slack, the bot and Cognito."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from headless import AUDIT, KIM, PAT, PATIENCE, RAY, SAM, Headless, shows
from whole_bot import CANCEL, CONFIRM, POST, SIGN_OUT, card_for, entries, requests, states, trail, travel

from bot.approve import NOT_AN_APPROVER, OWN
from bot.sandbox.board import Message
from bot.sandbox.wire import answer, reset
from bot.slack.approvals import APPROVAL_REFUSED

APPROVE, DENY, EDIT = "signout_approve", "signout_deny", "chat.update"
ALWAYS: dict[str, Any] = {"SIGNOUT_APPROVE_WHEN": "always", "SIGNOUT_APPROVE_USERS": f"{KIM},{SAM},{PAT}"}


def asked_for(headless: Headless, person: str = SAM, text: str = "ada --pool customers") -> tuple[Message, Message]:
    """Ask, confirm, and return the card as it is then, and the message to those who may approve."""
    card = card_for(headless, person, text)
    headless.press(person, card, CONFIRM)
    return (
        headless.wait_for_message(person, containing="waits for a second person's approval"),
        headless.wait_for_message(KIM, AUDIT, button=APPROVE),
    )


def approve(headless: Headless, person: str, message: Message) -> None:
    headless.press(person, message, APPROVE)


def deny(headless: Headless, person: str, message: Message, reason: str = "not them") -> None:
    headless.press(person, message, DENY)
    form = headless.wait_for_form(person, containing="Why not")
    assert headless.submit(person, form, {"reason": reason}).error is None


def wait_for_edit(headless: Headless, asked: Message, words: str) -> Message:
    """Wait until the approval message says this."""

    def look() -> Message | None:
        return next((m for m in headless.audit() if m.ts == asked.ts and shows(m, words)), None)

    return headless.wait_for(look)  # type: ignore[return-value]  # wait_for gives nothing falsy


def has_buttons(message: Message) -> bool:
    return "actions" in {block["type"] for block in message.blocks or []}


def test_what_one_person_asks_for_and_another_approves_is_done(headless: Headless) -> None:
    with headless.bot_in_process(**ALWAYS):
        card, asked = asked_for(headless, text="ada --pool customers --reason 'lost phone'")
        for fact in ("lost phone", "a…@example.com", "approve.when", SAM):
            assert fact in asked.text
        assert headless.is_signed_in("ada")
        headless.press(KIM, asked, APPROVE)
        result = headless.wait_for_message(SAM, containing="Signed out: ada")
        posted = headless.wait_for_message(SAM, AUDIT, containing="Approver kim")
        edited = wait_for_edit(headless, asked, "Signed out: ada")
    assert not headless.is_signed_in("ada")
    assert (result.ts, result.only_for) == (card.ts, SAM), "the card became the result"
    assert KIM in result.text
    assert f"Approved by {KIM}" in posted.text
    assert not has_buttons(edited)
    assert f"Approved by {KIM}" in edited.text
    assert headless.messages(KIM) == [], "who approves has no card"
    assert entries(headless) == ["opened", "confirmed", "approved", "signed_out"]
    assert headless.slack_calls("chat.delete") == []


def test_a_no_ends_it_with_its_reason_told_to_everyone(headless: Headless) -> None:
    with headless.bot_in_process(**ALWAYS):
        _, asked = asked_for(headless)
        deny(headless, KIM, asked, "  not   them ")
        headless.wait_for_message(SAM, containing="Why  not them")
        edited = wait_for_edit(headless, asked, "Denied: ada")
        posted = headless.wait_for_message(SAM, AUDIT, containing="Approver kim")
        headless.wait_for_form(KIM, containing="Denied. Request")
        assert posted.metadata
        assert posted.metadata["event_payload"]["outcome"] == "denied"
        assert f"Denied by {KIM}" in posted.text
        assert "not them" in posted.text
    assert "not them" in edited.text
    assert not has_buttons(edited)
    assert headless.is_signed_in("ada")
    assert entries(headless) == ["opened", "confirmed", "denied"]
    assert headless.cognito_calls(SIGN_OUT) == []


def test_a_second_person_decides_over_http_too(headless: Headless) -> None:
    with headless.bot_in_process("--http", **ALWAYS):
        _, asked = asked_for(headless)
        deny(headless, KIM, asked, "not them")
        wait_for_edit(headless, asked, "Denied: ada")
        _, asked = asked_for(headless, text="grace --pool customers")
        headless.press(KIM, asked, APPROVE)
        headless.wait_for_message(SAM, containing="Signed out: grace")


def test_no_one_approves_or_denies_their_own_request(headless: Headless) -> None:
    with headless.bot_in_process(**ALWAYS):
        _, asked = asked_for(headless)
        for action, count in ((APPROVE, 1), (DENY, 2)):
            headless.press(SAM, asked, action)
            headless.wait_for(
                lambda count=count: [m.text for m in headless.messages(SAM, AUDIT)].count(OWN) == count  # type: ignore[misc]
            )
        assert headless.form(SAM) is None
        headless.wait_for_message(SAM, AUDIT, containing="pressed Approve or Deny on their own request")
        assert all(m.only_for == SAM for m in headless.messages(SAM, AUDIT) if m.text == OWN)
        assert states(headless) == ["approving"]
        deny(headless, KIM, asked, "not them")
        wait_for_edit(headless, asked, "Denied: ada")
    assert headless.is_signed_in("ada")


@pytest.mark.parametrize(("person", "why"), [(RAY, "not allowed"), (PAT, "from another team")])
def test_who_is_no_approver_is_refused_and_the_message_keeps_its_buttons(
    headless: Headless, person: str, why: str
) -> None:
    with headless.bot_in_process(**ALWAYS):
        _, asked = asked_for(headless)
        headless.press(person, asked, APPROVE)
        told = headless.wait_for_message(person, AUDIT, containing=NOT_AN_APPROVER)
        headless.wait_for_message(SAM, AUDIT, containing=why)
        headless.press(person, asked, DENY)
        headless.wait_for(lambda: [m.text for m in headless.messages(person, AUDIT)].count(told.text) == 2)
        assert headless.form(person) is None
        assert told.only_for == person
        assert has_buttons(wait_for_edit(headless, asked, "Approval needed"))
    assert states(headless) == ["approving"]
    assert headless.is_signed_in("ada")


def test_an_approver_who_is_taken_off_the_list_before_sending_the_form_is_refused_in_it(headless: Headless) -> None:
    with headless.bot_in_process(**ALWAYS):
        _, asked = asked_for(headless)
        headless.press(KIM, asked, DENY)
        form = headless.wait_for_form(KIM, containing="Why not")
    with headless.bot_in_process(**ALWAYS | {"SIGNOUT_APPROVE_USERS": SAM}):
        headless.submit(KIM, form, {"reason": "not them"})
        again = headless.wait_for_form(KIM, containing=NOT_AN_APPROVER)
        assert again.answers({})["reason"] == "not them"
    assert states(headless) == ["approving"]


def test_two_approvers_at_once_lead_to_one_run(headless: Headless) -> None:
    with headless.bot_in_process(**ALWAYS | {"SIGNOUT_APPROVE_USERS": f"{KIM},{RAY}"}):
        _, asked = asked_for(headless)
        headless.press_at_once([(KIM, asked, APPROVE), (RAY, asked, APPROVE)] * 5)
        headless.wait_for_message(SAM, containing="Signed out: ada")
        wait_for_edit(headless, asked, "Signed out: ada")
        headless.wait_for(lambda: len([m for m in headless.messages(RAY, AUDIT) if m.only_for]) >= 4)
    assert len(headless.cognito_calls(SIGN_OUT)) == 1
    assert entries(headless) == ["opened", "confirmed", "approved", "signed_out"]
    late = {m.text for person in (KIM, RAY) for m in headless.messages(person, AUDIT) if m.only_for}
    assert {text.partition(":")[0] for text in late} == {"Your press did nothing"}


def test_of_an_approval_and_a_denial_the_first_decides_and_everyone_sees_the_same(headless: Headless) -> None:
    with headless.bot_in_process(**ALWAYS | {"SIGNOUT_APPROVE_USERS": f"{KIM},{RAY}"}):
        _, asked = asked_for(headless)
        headless.press(KIM, asked, DENY)
        form = headless.wait_for_form(KIM, containing="Why not")
        headless.press(RAY, asked, APPROVE)
        headless.wait_for_message(SAM, containing="Signed out: ada")
        headless.submit(KIM, form, {"reason": "not them"})
        headless.wait_for_form(KIM, containing="Your press did nothing: this was decided before")
        wait_for_edit(headless, asked, "Signed out: ada")
    assert states(headless) == ["done"]


def test_the_person_who_asked_may_cancel_while_it_waits(headless: Headless) -> None:
    with headless.bot_in_process(**ALWAYS):
        card, asked = asked_for(headless)
        headless.press(SAM, card, CANCEL)
        headless.wait_for_message(SAM, containing="Cancelled. Nothing was done.")
        edited = wait_for_edit(headless, asked, "Cancelled: ada")
        assert not has_buttons(edited)
        headless.press(KIM, asked, APPROVE)
        headless.wait_for_message(KIM, AUDIT, containing="Your press did nothing")
    assert entries(headless) == ["opened", "confirmed", "cancelled"]
    assert headless.is_signed_in("ada")


def test_what_no_one_approved_in_time_expires_and_can_be_approved_no_more(headless: Headless) -> None:
    clock = travel(headless)
    with headless.bot_in_process(**ALWAYS, SIGNOUT_APPROVE_WITHIN="1m"):
        _, asked = asked_for(headless)
        clock.forward(seconds=61)
        headless.press(KIM, asked, APPROVE)
        headless.wait_for_message(KIM, AUDIT, containing="Your press did nothing")
        headless.wait_for_message(SAM, containing="No one approved this in time")
        edited = wait_for_edit(headless, asked, "Not approved in time: ada")
    assert not has_buttons(edited)
    assert entries(headless) == ["opened", "confirmed", "expired"]
    assert headless.cognito_calls(SIGN_OUT) == []


def test_many_clicks_of_one_approver_lead_to_one_run(headless: Headless) -> None:
    with headless.bot_in_process(**ALWAYS):
        card = card_for(headless, SAM)
        headless.press_at_once([(SAM, card, CONFIRM)] * 5)
        asked = headless.wait_for_message(KIM, AUDIT, button=APPROVE)
        headless.press_at_once([(KIM, asked, APPROVE)] * 10)
        wait_for_edit(headless, asked, "Signed out: ada")
        headless.wait_for_message(SAM, containing="Signed out: ada")
    assert len(headless.cognito_calls(SIGN_OUT)) == 1
    assert entries(headless) == ["opened", "confirmed", "approved", "signed_out"]
    assert len([m for m in headless.audit() if "asks:" in m.text]) == 1


def test_a_message_that_slack_did_not_take_is_posted_later(headless: Headless) -> None:
    headless.before_slack(POST, reset(), answer(500, "oops", "text/plain"))
    with headless.bot_in_process(**ALWAYS):
        _, asked = asked_for(headless)
        headless.before_slack(EDIT, reset(), answer(503, "oops", "text/plain"))
        headless.press(KIM, asked, APPROVE)
        headless.wait_for_message(SAM, containing="Signed out: ada")
        wait_for_edit(headless, asked, "Signed out: ada")
    assert len(headless.slack_calls(POST)) >= 3


def test_a_message_that_someone_deleted_is_not_posted_again(headless: Headless) -> None:
    with headless.bot_in_process(**ALWAYS):
        card, asked = asked_for(headless)
        workspace = headless.stage.workspace
        headless.do(lambda: workspace.delete(workspace.find(AUDIT, asked.ts)))  # type: ignore[arg-type]  # it is there
        headless.press(SAM, card, CANCEL)
        headless.wait_for(lambda: headless.slack_calls(EDIT))
        headless.wait_for_message(SAM, containing="Cancelled. Nothing was done.")
    assert headless.audit() == []


def asked_twice(headless: Headless) -> tuple[Message, Message]:
    """Ask in a message whose answer is lost, as where the bot is killed before it notes it. It is posted once more."""
    headless.before_slack(POST, reset(after=True))
    asked_for(headless)
    headless.wait_for(lambda: len(headless.audit()) == 2)
    first, second = headless.audit()
    return first, second


@pytest.mark.parametrize("decide", [deny, approve])
@pytest.mark.parametrize("number", [0, 1])
def test_of_two_messages_of_one_request_the_pressed_one_becomes_what_came_of_it_as_the_other_does(
    headless: Headless, number: int, decide: Callable[[Headless, str, Message], None]
) -> None:
    with headless.bot_in_process(**ALWAYS):
        asked = asked_twice(headless)
        decide(headless, KIM, asked[number])
        came = "Denied: ada" if decide is deny else "Signed out: ada"
        wait_for_edit(headless, asked[1], came)
        if number == 1:
            assert has_buttons(wait_for_edit(headless, asked[0], "Approval needed"))
            headless.press(KIM, asked[0], APPROVE)
            headless.wait_for_message(KIM, AUDIT, containing="Your press did nothing")
        assert not has_buttons(wait_for_edit(headless, asked[0], came))


def test_the_approved_one_of_two_messages_says_so_while_cognito_is_asked(headless: Headless) -> None:
    with headless.bot_in_process(**ALWAYS):
        asked, _ = asked_twice(headless)
        held = headless.pause(SIGN_OUT)
        headless.press(KIM, asked, APPROVE)
        held.wait_until_arrived(PATIENCE)
        assert not has_buttons(wait_for_edit(headless, asked, "Approved: ada"))
        held.release()
        wait_for_edit(headless, asked, "Signed out: ada")


def test_a_press_of_someone_who_is_no_approver_edits_no_message(headless: Headless) -> None:
    with headless.bot_in_process(**ALWAYS):
        first, _ = asked_twice(headless)
        headless.press(RAY, first, APPROVE)
        headless.wait_for_message(RAY, AUDIT, containing=NOT_AN_APPROVER)
    assert headless.slack_calls(EDIT) == []


@pytest.mark.long
def test_the_message_of_a_bot_that_was_killed_before_it_noted_it_becomes_what_came_of_it(headless: Headless) -> None:
    with headless.forked_bot(**ALWAYS):
        card = card_for(headless, SAM)
        posted = headless.pause(POST, after=True)
        headless.press(SAM, card, CONFIRM)
        posted.wait_until_arrived(PATIENCE)
        asked = headless.wait_for_message(KIM, AUDIT, button=APPROVE)
    with headless.bot_in_process(**ALWAYS):
        headless.press(KIM, asked, APPROVE)
        wait_for_edit(headless, asked, "Signed out: ada")
    assert len([m for m in headless.audit() if "asks:" in m.text]) == 1


def test_while_the_channel_takes_no_messages_the_card_says_so_and_approvers_are_asked_once_it_does(
    headless: Headless,
) -> None:
    headless.switch("audit_channel_archived")
    with headless.bot_in_process(**ALWAYS):
        headless.press(SAM, card_for(headless, SAM), CONFIRM)
        headless.wait_for_message(SAM, containing=APPROVAL_REFUSED)
        headless.switch("audit_channel_archived", on=False)
        asked = headless.wait_for_message(KIM, AUDIT, button=APPROVE, timeout=PATIENCE)
        headless.press(SAM, card_for(headless, SAM, "grace --pool customers"), CONFIRM)
        later = headless.wait_for_message(SAM, containing="grace waits for a second person's approval")
        assert not shows(later, APPROVAL_REFUSED)
        headless.press(KIM, asked, APPROVE)
        headless.wait_for_message(SAM, containing="Signed out: ada")


def test_what_is_approved_after_a_restart_is_done(headless: Headless) -> None:
    with headless.bot_in_process(**ALWAYS):
        card, asked = asked_for(headless)
    with headless.bot_in_process(**ALWAYS):
        headless.press(KIM, asked, APPROVE)
        wait_for_edit(headless, asked, "Signed out: ada")
        result = headless.wait_for_message(SAM, containing="Signed out: ada")
    assert result.ts == card.ts


def test_the_result_comes_as_a_direct_message_once_the_cards_address_has_ended(headless: Headless) -> None:
    clock = travel(headless)
    with headless.bot_in_process(**ALWAYS, SIGNOUT_APPROVE_WITHIN="60m"):
        _, asked = asked_for(headless)
        clock.forward(minutes=31)
        deny(headless, KIM, asked, "not them")
        headless.wait_for(lambda: headless.direct_messages(SAM))
        (told,) = headless.direct_messages(SAM)
    assert "Denied by" in told.text
    assert "not them" in told.text


@pytest.mark.parametrize("rule", ["USERNAMES", "GROUPS"])
def test_a_protected_account_is_signed_out_by_no_one(headless: Headless, rule: str) -> None:
    _in_group(headless, "ada", "admins")
    with headless.bot_in_process(**{f"SIGNOUT_PROTECT_{rule}": {"USERNAMES": "ada", "GROUPS": "admins"}[rule]}):
        headless.command(SAM, "ada --pool customers")
        headless.wait_for_message(SAM, containing="This account is protected")
        headless.wait_for_message(SAM, AUDIT, containing=f"protect.{rule.lower()}")
        card_for(headless, SAM, "grace --pool customers")
    assert entries(headless) == ["refused", "opened"]
    assert headless.is_signed_in("ada")


def test_a_protected_account_is_signed_out_with_an_approval(headless: Headless) -> None:
    _in_group(headless, "ada", "admins")
    settings = {"SIGNOUT_PROTECT_GROUPS": "admins", "SIGNOUT_PROTECT_HOW": "approve", "SIGNOUT_APPROVE_USERS": KIM}
    with headless.bot_in_process(**settings):
        card = card_for(headless, SAM)
        assert "the account is protected (protect.groups: admins)" in card.text
        assert "Protected  by protect.groups: admins" in card.text
        headless.press(SAM, card, CONFIRM)
        asked = headless.wait_for_message(KIM, AUDIT, button=APPROVE)
        assert "the account is protected" in asked.text
        headless.press(KIM, asked, APPROVE)
        headless.wait_for_message(SAM, containing="Signed out: ada")
        headless.press(SAM, card_for(headless, SAM, "grace --pool customers"), CONFIRM)
        headless.wait_for_message(SAM, containing="Signed out: grace")
    assert not headless.is_signed_in("ada")


def test_what_became_protected_after_the_card_is_not_signed_out(headless: Headless) -> None:
    with headless.bot_in_process(SIGNOUT_PROTECT_GROUPS="admins"):
        card = card_for(headless, SAM)
        _in_group(headless, "ada", "admins")
        headless.press(SAM, card, CONFIRM)
        result = headless.wait_for_message(SAM, containing="Not signed out: ada")
    assert "the account became protected" in result.text
    assert headless.is_signed_in("ada")


def test_beyond_a_limit_no_one_is_signed_out_where_there_are_no_approvers(headless: Headless) -> None:
    with headless.bot_in_process(SIGNOUT_LIMITS_PER_OPERATOR="1/h"):
        headless.press(SAM, card_for(headless, SAM), CONFIRM)
        headless.wait_for_message(SAM, containing="Signed out: ada")
        card = card_for(headless, SAM, "grace --pool customers")
        headless.press(SAM, card, CONFIRM)
        told = headless.wait_for_message(SAM, containing="(limits.per_operator)")
        posted = headless.wait_for_message(SAM, AUDIT, containing="Limit reached: grace")
        assert posted.metadata
        assert posted.metadata["event_payload"]["outcome"] == "limited"
        headless.press(SAM, card, CONFIRM)
        headless.wait_for(lambda: [m.text for m in headless.messages(SAM)].count(told.text) == 2)
    assert re.search(r"The next one is possible in \d+ minutes", told.text)
    assert entries(headless).count("limited") == 2
    assert len([m for m in headless.audit() if "Limit reached" in m.text]) == 1, "it is told once an hour"
    assert headless.is_signed_in("grace")


def test_beyond_a_limit_someone_else_approves_where_there_are_approvers(headless: Headless) -> None:
    with headless.bot_in_process(SIGNOUT_LIMITS_ALL="1/h", SIGNOUT_APPROVE_USERS=KIM):
        headless.press(SAM, card_for(headless, SAM), CONFIRM)
        headless.wait_for_message(SAM, containing="Signed out: ada")
        _, asked = asked_for(headless, text="grace --pool customers")
        assert "the limit of accounts within an hour is reached (limits.all)" in asked.text
        headless.press(KIM, asked, APPROVE)
        headless.wait_for_message(SAM, containing="Signed out: grace")
    assert not headless.is_signed_in("grace")


def test_who_may_only_ask_gets_it_with_an_approval(headless: Headless) -> None:
    with headless.bot_in_process(SIGNOUT_ALLOW_ASK_USERS=RAY, SIGNOUT_APPROVE_USERS=KIM):
        card = card_for(headless, RAY)
        assert "the person who asks may only ask for it (allow.ask.users)" in card.text
        headless.press(RAY, card, CONFIRM)
        headless.press(KIM, headless.wait_for_message(KIM, AUDIT, button=APPROVE), APPROVE)
        headless.wait_for_message(RAY, containing="Signed out: ada")
        headless.press(SAM, card_for(headless, SAM), CONFIRM)
        headless.wait_for_message(SAM, containing="Signed out: ada")


def test_whoami_tells_what_each_may_do(headless: Headless) -> None:
    settings = {"SIGNOUT_ALLOW_ASK_USERS": RAY, "SIGNOUT_APPROVE_USERS": KIM, "SIGNOUT_LIMITS_PER_OPERATOR": "10/h"}
    with headless.bot_in_process(**settings):
        for person, words in (
            (SAM, "You may sign people out (allow.users)."),
            (KIM, "You may approve what others ask for (approve.users)."),
            (RAY, "the person who asks may only ask for it (allow.ask.users)."),
            (PAT, "You are not on the list"),
        ):
            ack = headless.command(person, "WhoAmI")
            assert ack.error is None
            told = headless.wait_for_message(person, containing=words)
            assert told.only_for == person
            assert ("10 (limits.per_operator)" in told.text) is (person is not PAT)
    assert headless.cognito_calls() == []


def test_the_form_says_that_a_second_person_has_to_approve_it(headless: Headless) -> None:
    with headless.bot_in_process(**ALWAYS):
        headless.command(SAM, "")
        headless.submit(SAM, headless.wait_for_form(SAM), {"target": "ada"})
        headless.wait_for_form(SAM, containing="Then a second person has to approve it.")


@pytest.mark.parametrize("reason", ["", " ", "\u200b"])
def test_a_no_needs_a_reason(headless: Headless, reason: str) -> None:
    with headless.bot_in_process(**ALWAYS):
        _, asked = asked_for(headless)
        headless.press(KIM, asked, DENY)
        form = headless.wait_for_form(KIM, containing="Why not")
        ack = headless.submit(KIM, form, {"reason": reason})
        is_sent = ack.error != "not_submitted"
        headless.wait_for_form(KIM, containing="The reason needs a value." if is_sent else "complete this required")
    assert states(headless) == ["approving"]


def test_a_hostile_reason_is_text(headless: Headless) -> None:
    with headless.bot_in_process(**ALWAYS):
        _, asked = asked_for(headless)
        deny(headless, KIM, asked, "<!channel> *no* \u202e " + "x" * 470)
        edited = wait_for_edit(headless, asked, r"<!channel> *no* \u202E")
        headless.wait_for_message(SAM, containing=r"<!channel> *no* \u202E")
    assert "&lt;!channel&gt;" in edited.text
    assert "broadcast" not in str(edited.blocks)


@pytest.mark.parametrize("action", [APPROVE, DENY])
def test_a_button_that_was_forged_does_nothing(headless: Headless, action: str) -> None:
    with headless.bot_in_process(**ALWAYS):
        _, asked = asked_for(headless)
        headless.press(KIM, asked, action, "01JDA0000000000000000000AA")
        headless.wait_for_message(KIM, AUDIT, containing="The bot no longer knows this request")
    assert states(headless) == ["approving"]


def test_before_the_operators_press_no_one_can_approve(headless: Headless) -> None:
    with headless.bot_in_process(**ALWAYS):
        card = card_for(headless, SAM)
        (waiting,) = requests(headless)
        headless.press(KIM, card, APPROVE, waiting.id)
        headless.wait_for_message(KIM, containing="Your press did nothing")
    assert states(headless) == ["confirming"]


def test_a_form_that_slack_does_not_open_leaves_the_button(headless: Headless) -> None:
    headless.before_slack("views.open", answer(200, {"ok": False, "error": "expired_trigger_id"}))
    with headless.bot_in_process(**ALWAYS):
        _, asked = asked_for(headless)
        headless.press(KIM, asked, DENY)
        headless.wait_for_message(KIM, AUDIT, containing="Slack may not have opened the form.")
        deny(headless, KIM, asked, "not them")
        wait_for_edit(headless, asked, "Denied: ada")


def test_without_these_settings_nothing_is_asked_of_slack_or_cognito_that_was_not_before(headless: Headless) -> None:
    with headless.bot_in_process():
        card = card_for(headless, SAM)
        headless.press(SAM, card, CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
    assert {call.action for call in headless.cognito_calls()} == {"ListUsers", SIGN_OUT}
    assert EDIT not in {call.action for call in headless.slack_calls()}
    assert [entry.request.needs for entry in trail(headless) if entry.request] == [()] * 3


def _in_group(headless: Headless, username: str, group: str) -> None:
    """Put someone into a group that the first pool has, as an engineer would."""
    cognito = headless.stage.cognito
    where = {"UserPoolId": cognito.pools["customers"].id, "GroupName": group}
    headless.run(cognito.ask("AdminAddUserToGroup", **where, Username=username))
