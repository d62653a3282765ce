"""The whole job over real sockets: Socket Mode envelope in, card out, click, Cognito, audit channel."""

import time

import pytest
from headless import AUDIT, KIM, PAT, RAY, SAM, Headless, shows
from whole_bot import ACKED_WITHIN, CANCEL, CONFIRM, SIGN_OUT, TELL, card_for, entries, states, trail, travel

from bot.errors import DeniedError
from bot.sandbox.wire import answer
from bot.slack import groups


def test_signing_out_ends_only_that_persons_sessions_and_tells_operator_and_audit_channel(headless: Headless) -> None:
    with headless.bot_in_process():
        card = card_for(headless, SAM, "ada --pool customers --reason 'lost phone'")
        assert shows(card, "a…@example.com")
        assert headless.is_signed_in("ada")
        assert headless.press(SAM, card, CONFIRM).seconds < ACKED_WITHIN
        result = headless.wait_for_message(SAM, containing="Signed out: ada")
        posted = headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
    assert not headless.is_signed_in("ada")
    assert headless.is_signed_in("grace")
    assert result.ts == card.ts, "the card became the result"
    call = headless.cognito_calls(SIGN_OUT)[0]
    request_id = posted.metadata["event_payload"]["request_id"] if posted.metadata else ""
    for fact in (request_id, SAM, "ada", "customers", "lost phone", call.request_id, "allow.users"):
        assert fact
        assert fact in posted.text
    assert entries(headless) == ["opened", "confirmed", "signed_out"]


def test_a_person_may_sign_out_through_a_user_group(headless: Headless) -> None:
    with headless.bot_in_process():
        card = card_for(headless, KIM)
        headless.press(KIM, card, CONFIRM)
        headless.wait_for_message(KIM, AUDIT, containing="allow.groups: S0SUPPORT1")
    assert not headless.is_signed_in("ada")


@pytest.mark.parametrize(("person", "why"), [(RAY, "not allowed"), (PAT, "from another team")])
def test_a_refusal_is_one_sentence_that_reveals_nothing_and_an_audit_message(
    headless: Headless, person: str, why: str
) -> None:
    with headless.bot_in_process():
        assert headless.command(person, "ada --pool customers").seconds < ACKED_WITHIN
        told = headless.wait_for_message(person, containing="You are not on the list")
        headless.wait_for_message(SAM, AUDIT, containing=why)
        assert headless.command(person, "no-one-of-this-name").error is None
        headless.wait_for(lambda: len(headless.messages(person)) == 2)
        sentences = {message.text for message in headless.messages(person)}
    assert entries(headless) == ["refused", "refused"], "the second one at the end of its minute, or of the bot"
    assert sentences == {told.text}, "the same words whether or not there is such an account or pool"
    assert "ada" not in told.text
    assert headless.cognito_calls() == []
    assert states(headless) == []


def test_no_one_is_allowed_through_a_group_that_slack_cannot_list(headless: Headless) -> None:
    with headless.bot_in_process(SIGNOUT_ALLOW_GROUPS="S0NOSUCH01"):
        headless.command(KIM, "ada --pool customers")
        headless.wait_for_message(KIM, containing=DeniedError.UNSURE)
        headless.wait_for_message(SAM, AUDIT, containing="could not list S0NOSUCH01")


def test_a_group_that_slack_did_not_list_in_time_is_no_reason_to_say_that_someone_is_not_on_the_list(
    headless: Headless,
) -> None:
    headless.before_slack("usergroups.users.list", answer(429, {"ok": False, "error": "ratelimited"}, Retry_After="1"))
    with headless.bot_in_process():
        headless.command(KIM, "ada --pool customers")
        headless.wait_for_message(KIM, containing=DeniedError.UNSURE)
        time.sleep(1)  # as Slack asked
        card_for(headless, KIM)


def test_a_person_taken_off_the_list_after_the_card_can_no_longer_confirm(
    headless: Headless, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "MAX_AGE_SECONDS", 0.5)  # in place of the minute
    with headless.bot_in_process():
        card = card_for(headless, KIM)
        headless.do(lambda: headless.stage.workspace.usergroups["S0SUPPORT1"].discard(KIM))
        time.sleep(0.5)
        headless.press(KIM, card, CONFIRM)
        headless.wait_for_message(KIM, containing="You may no longer do this in pool customers.")
        headless.wait_for_message(SAM, AUDIT, containing="Refused: ada")
    assert headless.is_signed_in("ada")
    assert headless.cognito_calls(SIGN_OUT) == []


def test_the_channel_is_told_an_operators_first_refusal_of_a_minute_and_then_a_count(headless: Headless) -> None:
    clock = travel(headless)
    with headless.bot_in_process():
        headless.command(RAY, "ada")
        headless.wait_for_message(SAM, AUDIT, containing="Refused: ada")
        for name in ("grace", "linus", "<!channel>"):
            headless.rest()  # of someone who was never allowed, few commands are at work at once
            headless.command(RAY, name)
        headless.wait_for(lambda: len(headless.messages(RAY)) == 4)
        clock.forward(seconds=50)
        headless.command(PAT, "ada")
        headless.wait_for_message(SAM, AUDIT, containing="from another team")
        assert len(headless.audit()) == 2
        clock.forward(seconds=11)
        counted = headless.wait_for_message(SAM, AUDIT, containing="Refused: 3 more times")
        assert [entry.count for entry in trail(headless)] == [1, 3, 1]
    assert "&lt;!channel&gt;" in counted.text
    assert len(headless.audit()) == 3


def test_only_the_person_who_asked_can_press_the_buttons(headless: Headless) -> None:
    with headless.bot_in_process():
        card = card_for(headless, SAM)
        for button in (CONFIRM, CANCEL):
            headless.press(KIM, card, button)
        headless.wait_for(lambda: len(headless.messages(KIM)) == 2)
        assert entries(headless) == ["opened", "refused"]
        headless.wait_for_message(KIM, containing="Only the person who ran the command")
        headless.wait_for_message(SAM, AUDIT, containing="pressed another's button")
        headless.press(SAM, card, CONFIRM)
        headless.wait_for_message(SAM, containing="Signed out: ada")
    assert len(headless.cognito_calls(SIGN_OUT)) == 1


def test_ten_clicks_at_once_lead_to_one_sign_out(headless: Headless) -> None:
    with headless.bot_in_process():
        card = card_for(headless, SAM)
        acks = headless.press_at_once([(SAM, card, CONFIRM)] * 10)
        assert max(ack.seconds for ack in acks) < ACKED_WITHIN
        headless.wait_for_message(SAM, containing="Signed out: ada")
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
    assert len(headless.cognito_calls(SIGN_OUT)) == 1
    assert entries(headless) == ["opened", "confirmed", "signed_out"]
    assert [m.text.partition("\n")[0] for m in headless.messages(SAM) if m.ts == card.ts] == ["Signed out: ada"]


def test_a_redelivered_click_leads_to_one_sign_out(headless: Headless) -> None:
    with headless.bot_in_process():
        card = card_for(headless, SAM)
        headless.press(SAM, card, CONFIRM)
        envelope = headless.last_sent()
        headless.wait_for_message(SAM, containing="Signed out: ada")
        told = len(headless.slack_calls(TELL))
        headless.redeliver(envelope)
        headless.wait_for(lambda: len(headless.slack_calls(TELL)) > told)
        assert [shows(m, "Signed out: ada") for m in headless.messages(SAM)] == [True]
    assert len(headless.cognito_calls(SIGN_OUT)) == 1


@pytest.mark.parametrize("value", ["", "01JZZZZZZZZZZZZZZZZZZZZZZZ", "' OR 1=1 --", "x" * 2000])
def test_a_forged_button_does_nothing_and_says_so(headless: Headless, value: str) -> None:
    with headless.bot_in_process():
        card = card_for(headless, SAM)
        headless.press(SAM, card, CONFIRM, value=value)
        headless.wait_for_message(SAM, containing="The bot no longer knows this request")
    assert headless.cognito_calls(SIGN_OUT) == []
    assert states(headless) == ["confirming"]


def test_a_late_press_replaces_the_card_and_signs_no_one_out(headless: Headless) -> None:
    clock = travel(headless)
    with headless.bot_in_process():
        card = card_for(headless, SAM)
        clock.forward(minutes=5)
        headless.press(SAM, card, CONFIRM)
        late = headless.wait_for_message(SAM, containing="This card expired")
        assert late.ts == card.ts
        headless.press(SAM, card, CONFIRM)
        headless.wait_for(lambda: len(headless.slack_calls(TELL)) == 3)
    assert states(headless) == ["expired"]
    assert entries(headless) == ["opened", "expired"]
    assert headless.audit() == [], "recorded, not posted"
    assert headless.is_signed_in("ada")


def test_a_card_that_no_one_pressed_expires_by_itself(headless: Headless) -> None:
    clock = travel(headless)
    with headless.bot_in_process():
        card_for(headless, SAM)
        clock.forward(minutes=5)
        headless.wait_for(lambda: entries(headless) == ["opened", "expired"])


def test_cancelling_is_recorded_not_posted_and_a_later_press_stays_cancelled(headless: Headless) -> None:
    with headless.bot_in_process():
        card = card_for(headless, SAM)
        headless.press(SAM, card, CANCEL)
        headless.wait_for_message(SAM, containing="Cancelled.")
        headless.press(SAM, card, CONFIRM)
        headless.wait_for(lambda: len(headless.slack_calls(TELL)) == 3)
        headless.wait_for_message(SAM, containing="Cancelled.")
    assert entries(headless) == ["opened", "cancelled"]
    assert headless.audit() == []
    assert headless.cognito_calls(SIGN_OUT) == []


def test_an_unknown_account_is_told_and_recorded(headless: Headless) -> None:
    with headless.bot_in_process():
        headless.command(SAM, "no-one --pool customers")
        headless.wait_for_message(
            SAM, containing="No one was found in customers, looking for a user name or preferred_username."
        )
    assert entries(headless) == ["not_found"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("--pool staff", "TARGET is missing"),
        ("ada --pool sales", "This bot knows no such pool. You may use: customers, staff."),
        ("ada --force", "There is no option --force."),
        ("help", "Sign a Cognito user out of all devices"),
        ("list --pool sales", "This bot knows no such pool. You may use: customers, staff."),
    ],
)
def test_bad_input_gets_a_sentence_and_the_usage_line(headless: Headless, text: str, sentence: str) -> None:
    with headless.bot_in_process():
        headless.command(SAM, text)
        told = headless.wait_for_message(SAM, containing=sentence)
    what = "list" if text.startswith("list") else "TARGET"
    assert f"/signout {what} [--pool NAME] [--reason TEXT]" in told.text


def test_a_card_outlives_a_restart(headless: Headless) -> None:
    with headless.bot_in_process():
        card = card_for(headless, SAM)
    with headless.bot_in_process():
        headless.press(SAM, card, CONFIRM)
        headless.wait_for_message(SAM, containing="Signed out: ada")


def test_a_card_of_a_lost_store_does_nothing_and_says_so(headless: Headless) -> None:
    with headless.bot_in_process():
        card = card_for(headless, SAM)
    with headless.bot_in_process(SIGNOUT_STORE=headless.environment["SIGNOUT_STORE"] + ".new"):
        headless.press(SAM, card, CONFIRM)
        headless.wait_for_message(SAM, containing="The bot no longer knows this request")
    assert headless.cognito_calls(SIGN_OUT) == []


def test_per_pool_lists_open_only_that_pool(headless: Headless) -> None:
    settings = headless.stage.folder / "signout.toml"
    settings.write_text(settings.read_text() + f'allow.users = ["{RAY}"]\n')  # the last pool is staff
    with headless.bot_in_process():
        headless.command(RAY, "ada --pool customers")
        headless.wait_for_message(RAY, containing="You may not do this in pool customers.")
        headless.command(RAY, "ada")  # looked for in the one pool that is allowed
        headless.wait_for_message(RAY, containing="No one was found in staff")
