"""What is decided is done or said not to be, and the result is shown, if the bot or Slack breaks at any time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from headless import AUDIT, KIM, SAM, Headless, shows
from whole_bot import CONFIRM, SIGN_OUT, TELL, card_for, entries, requests, states, store_of, trail, travel

import bot
from bot.account import Account
from bot.audit import entry_of
from bot.deliver import USES
from bot.request import TERMINAL, Request, State, new_id
from bot.sandbox.board import Message
from bot.sandbox.wire import Call, answer
from bot.slack.text import UTC_TIME
from bot.wiring import run

# Python reads this file at each start. The process is killed where a worker would begin with a request.
KILLED_BEFORE_THE_CLAIM = """
import os, signal
from bot.work import Worker
Worker.run = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
"""
TOO_LATE = "No session was ended. The bot could not begin in time, so nothing was sent to Cognito."


def results(headless: Headless) -> list[Call]:
    """The calls with which the bot showed a result in the place of the card."""
    return [call for call in headless.slack_calls(TELL) if "Signed out: ada" in str(call.parameters.get("text"))]


@pytest.mark.parametrize("status", [503, 429])
def test_a_result_that_slack_did_not_take_is_shown_again(headless: Headless, status: int) -> None:
    clock = travel(headless, runs=False)
    with headless.bot_in_process():
        card = card_for(headless, SAM)
        headless.before_slack(TELL, answer(status, "not now", "text/plain"))
        headless.press(SAM, card, CONFIRM)
        headless.wait_for(lambda: trail(headless)[-1].delivery.delivered_at)
        headless.wait_for(lambda: len(results(headless)) == 1)
        clock.forward(seconds=10)  # for so long it is left to the thread that showed it
        assert headless.wait_for_message(SAM, containing="Signed out: ada").ts == card.ts
    assert len(results(headless)) == 2
    assert headless.direct_messages(SAM) == []


def test_a_result_whose_response_url_is_gone_comes_as_a_direct_message_once(headless: Headless) -> None:
    clock = travel(headless, runs=False)
    gone = answer(404, {"ok": False, "error": "expired_url"})
    with headless.bot_in_process():
        card = card_for(headless, SAM)
        headless.before_slack(TELL, gone, gone)
        headless.press(SAM, card, CONFIRM)
        headless.wait_for(lambda: len(results(headless)) == 1)
        clock.forward(seconds=10)
        (told,) = headless.wait_for(lambda: headless.direct_messages(SAM))
        clock.forward(minutes=10)
        headless.press(KIM, card_for(headless, KIM, "grace"), CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: grace")
    assert len(headless.direct_messages(SAM)) == 1
    assert shows(told, "The card of this request may not show its result")
    assert shows(told, "Signed out: ada")


def test_a_result_that_slack_takes_at_no_try_comes_as_a_direct_message_and_a_press_on_the_old_card_shows_it(
    headless: Headless,
) -> None:
    clock = travel(headless, runs=False)
    with headless.bot_in_process():
        card = card_for(headless, SAM)
        headless.before_slack(TELL, *[answer(503, "not now", "text/plain")] * USES)
        headless.press(SAM, card, CONFIRM)
        for tries in range(1, USES + 1):
            headless.wait_for(partial(tried, headless, tries))
            clock.forward(seconds=40)
        (told,) = headless.wait_for(lambda: headless.direct_messages(SAM))
        assert shows(headless.wait_for_message(SAM, button=CONFIRM), "Sign this user out"), "Slack took no change of it"
        headless.press(SAM, card, CONFIRM)
        assert headless.wait_for_message(SAM, containing="Signed out: ada").ts == card.ts
    assert shows(told, "Signed out: ada")
    assert len(headless.cognito_calls(SIGN_OUT)) == 1


def tried(headless: Headless, times: int) -> bool:
    return len(results(headless)) == times


def test_a_result_that_was_not_shown_is_shown_by_the_next_start(headless: Headless) -> None:
    clock = travel(headless, runs=False)
    with headless.bot_in_process():
        card = card_for(headless, SAM)
        headless.before_slack(TELL, answer(503, "not now", "text/plain"))
        headless.press(SAM, card, CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
        headless.wait_for(lambda: len(results(headless)) == 1)
    assert states(headless) == ["done"]
    clock.forward(seconds=10)
    with headless.bot_in_process():
        assert headless.wait_for_message(SAM, containing="Signed out: ada").ts == card.ts
    with headless.bot_in_process():
        headless.press(KIM, card_for(headless, KIM, "grace"), CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: grace")
    assert len(results(headless)) == 2, "once it was shown, no later start shows it again"


def test_a_bot_killed_between_decision_and_claim_leaves_a_request_that_the_next_start_runs(headless: Headless) -> None:
    card = decided_and_killed(headless)
    with headless.bot_in_process():
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
        assert headless.wait_for_message(SAM, containing="Signed out: ada").ts == card.ts
    assert not headless.is_signed_in("ada")
    assert len(headless.cognito_calls(SIGN_OUT)) == 1
    assert entries(headless) == ["opened", "confirmed", "signed_out"], "no one had claimed it: nothing is taken over"


def test_a_decision_that_no_one_carried_out_in_time_fails_and_says_that_nothing_was_sent(headless: Headless) -> None:
    card = decided_and_killed(headless)
    clock = travel(headless)
    clock.forward(minutes=5)
    with headless.bot_in_process():
        posted = headless.wait_for_message(SAM, AUDIT, containing="Not signed out: ada")
        result = headless.wait_for_message(SAM, containing="Not signed out: ada")
    assert result.ts == card.ts
    for told in (posted, result):
        assert shows(told, TOO_LATE)
    assert states(headless) == ["failed"]
    assert headless.cognito_calls(SIGN_OUT) == []
    assert headless.is_signed_in("ada")


def decided_and_killed(headless: Headless) -> Message:
    """Press a card of a bot that is killed once it has written the decision; return the card."""
    (headless.stage.folder / "sitecustomize.py").write_text(KILLED_BEFORE_THE_CLAIM)
    path = f"{headless.stage.folder}:{Path(bot.__file__).parent.parent}"
    with headless.bot_process(PYTHONPATH=path) as process:
        card = card_for(headless, SAM)
        headless.press(SAM, card, CONFIRM)
        headless.wait_for(process.has_ended, timeout=60)
    headless.wait_for(lambda: headless.connections() == 0)
    assert states(headless) == ["ready"]
    assert shows(headless.wait_for_message(SAM, button=CONFIRM), "Sign this user out")
    return card


def test_a_press_that_finds_all_places_for_cognito_taken_is_accepted_waits_visibly_and_is_run_later(
    headless: Headless, monkeypatch: pytest.MonkeyPatch
) -> None:
    with headless.bot_in_process():
        kims, sams = card_for(headless, KIM, "grace --pool customers"), card_for(headless, SAM)
    monkeypatch.setattr(run, "AWS_THREADS", 1)
    monkeypatch.setattr(run, "KEPT_FOR_PRESSES", 0)
    held = headless.pause(SIGN_OUT)
    with headless.bot_in_process():
        headless.press(KIM, kims, CONFIRM)
        held.wait_until_arrived()
        headless.press(SAM, sams, CONFIRM)
        waiting = headless.wait_for_message(SAM, containing="Confirmed. Signing out ada has begun or waits to begin")
        (request,) = (each for each in requests(headless) if each.ask.operator.id == SAM)
        assert request.decided_at
        assert shows(waiting, f"until {request.decided_at + timedelta(minutes=5):{UTC_TIME}} at the latest.")
        assert waiting.ts == sams.ts
        assert request.state is State.READY
        assert not [message for message in headless.messages(SAM) if shows(message, "busy")]
        held.release()
        assert headless.wait_for_message(SAM, containing="Signed out: ada").ts == sams.ts
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
    assert states(headless) == ["done"] * 2


def test_only_a_terminal_runs_what_was_asked_there_of_a_pool_with_a_role_and_the_bot_says_if_none_did(
    headless: Headless,
) -> None:
    with headless.bot_in_process():
        card_for(headless, SAM)
    (like,) = requests(headless)
    of_staff = replace(like.account, pool="staff", pool_id=headless.stage.cognito.pools["staff"].id)
    settings = headless.stage.folder / "signout.toml"
    role = 'role_arn = "arn:aws:iam::123456789012:role/SignOut"'
    settings.write_text(settings.read_text().replace("token_lifetime", f"{role}\ntoken_lifetime", 1))
    with_role, without = (decided_in_terminal(headless, like, account) for account in (like.account, of_staff))
    clock = travel(headless)
    with headless.bot_in_process():
        headless.wait_for_message(SAM, AUDIT, containing="pool staff")  # it was decided later than the other
        with store_of(headless) as store:
            assert store.get(with_role.id) == with_role
        clock.forward(minutes=5)
        posted = headless.wait_for_message(SAM, AUDIT, containing="pool customers")
    assert shows(posted, "Not signed out: ada")
    assert shows(posted, TOO_LATE)
    (call,) = headless.cognito_calls(SIGN_OUT)
    assert call.parameters["UserPoolId"] == without.account.pool_id


def decided_in_terminal(headless: Headless, like: Request, account: Account) -> Request:
    """Store a request of a terminal that has just been decided, and ended before it was run."""
    now = datetime.now(UTC)
    ask = replace(like.ask, id=new_id(now), source=TERMINAL, channel_id="")
    request = replace(like, ask=ask, chosen=account, candidates=(account,), created_at=now)
    ready = request.move(State.READY, decided_at=now)
    with store_of(headless) as store:
        store.add(request, entry_of(request, now), None)
        store.move(request, ready, entry_of(ready, now), None)
    return ready


@pytest.mark.parametrize("again", [True, False])
def test_a_user_name_that_was_deleted_since_the_card_signs_no_one_out(headless: Headless, *, again: bool) -> None:
    clock = travel(headless)
    cognito = headless.stage.cognito
    with headless.bot_in_process():
        card = card_for(headless, SAM)
        headless.run(cognito.ask("AdminDeleteUser", UserPoolId=cognito.pools["customers"].id, Username="ada"))
        if again:
            headless.run(cognito.add("customers", "ada", "Another Ada"))
        clock.forward(seconds=61)
        headless.press(SAM, card, CONFIRM)
        headless.wait_for_message(SAM, containing="The user name was deleted or given to another account")
        assert "Not signed out: ada" in headless.wait_for_message(SAM, AUDIT, containing="ada").text
    assert headless.cognito_calls(SIGN_OUT) == []
    assert [str(entry.kind) for entry in trail(headless)] == ["opened", "confirmed", "failed"]
    assert not again or headless.is_signed_in("ada")


def test_a_late_press_on_an_account_that_is_still_the_same_signs_it_out(headless: Headless) -> None:
    clock = travel(headless)
    with headless.bot_in_process():
        card = card_for(headless, SAM)
        clock.forward(seconds=61)
        headless.press(SAM, card, CONFIRM)
        headless.wait_for_message(SAM, containing="Signed out: ada")
    assert [call.action for call in headless.cognito_calls()][-2:] == ["AdminGetUser", SIGN_OUT]
