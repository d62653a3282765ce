"""The whole bot in a pool that tracks sessions: listed on the card, ended, and listed again as the proof."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
from headless import AUDIT, KIM, SAM, Headless, shows
from test_bot_approval import ALWAYS, APPROVE
from test_bot_kills import PATIENCE, begin
from whole_bot import CANCEL, CONFIRM, SIGN_OUT, card_for, entries, held_by, requests, states, trail

from bot.sandbox.board import Message
from bot.sandbox.cast import PROTECTED_GROUP
from bot.sandbox.cognito import Moto
from bot.sandbox.sessions import LIST, REVOKE, SSO, TOKEN
from bot.sandbox.wire import Fault, refuse, reset
from bot.slack.sessions import END_THIS

pytestmark = pytest.mark.long
HOURS = 3600.0
NOT_ALLOWED = refuse(400, "AccessDeniedException")
THROTTLED = refuse(400, "TooManyRequestsException")
PHONE, LAPTOP, TABLET, DESKTOP = "iOS, Mobile Safari", "macOS, Chrome", "Android, app", "Windows, Firefox"
LEFT_ON_THE_CARD = "No session is left (checked "
TRACKED = ("customers",)


@pytest.fixture
def stage(moto: Moto) -> Iterator[Headless]:
    """A pool that tracks sessions, whose lists are never late."""
    with Headless(moto, tracked=TRACKED) as headless:
        lists(headless, late=0)
        yield headless


def lists(stage: Headless, *, late: float) -> None:
    """Let the lists of sessions be as they were so many seconds ago; what there is began long before."""

    def change() -> None:
        sessions = stage.stage.cognito.sessions
        sessions.delay = late
        for each in sessions._sessions.values():
            each.began_at -= HOURS

    stage.do(change)


def sign_out_ends(stage: Headless, *kinds: str) -> None:
    stage.do(lambda: setattr(stage.stage.cognito.sessions, "sign_out_ends", frozenset(kinds)))


def always(stage: Headless, action: str, fault: Fault | None) -> None:
    stage.do(lambda: stage.stage.weather.cognito.always(action, fault))


def ended_one_by_one(stage: Headless) -> list[str]:
    """The sessions that the bot called to be ended, in order."""
    return [call.parameters["SessionId"] for call in stage.cognito_calls(REVOKE)]


def signed_in(stage: Headless, username: str = "ada") -> dict[str, tuple[bool, bool]]:
    """By device: whether its tokens work, and whether its browser needs no password. Tokens never work only in part."""
    found = {each.kind.agent: each for each in stage.devices(username)}
    assert all(each.refresh_works == each.access_works for each in found.values())
    return {agent: (each.refresh_works, each.sso_works) for agent, each in found.items()}


OUT, APP, BROWSER = (False, False), (True, False), (True, True)


def button_of(stage: Headless, agent: str) -> str:
    """The action_id of the button beside a device, on the newest card."""
    listed = requests(stage)[-1].sessions or ()
    return f"{END_THIS}{[each.device for each in listed].index(agent)}"


def end(stage: Headless, agent: str = PHONE, text: str = "ada --pool customers") -> Message:
    """Ask for someone, and press the button beside one of their devices; return the card."""
    card = card_for(stage, SAM, text)
    assert stage.press(SAM, card, button_of(stage, agent)).error is None
    return card


# A sign-out ends them all


@pytest.mark.parametrize("ways", [(), (TOKEN,), (TOKEN, SSO)], ids=["leaves all listed", "ends tokens", "ends all"])
def test_a_sign_out_ends_what_is_left_and_proves_it_by_a_second_list(stage: Headless, ways: tuple[str, ...]) -> None:
    lists(stage, late=0.3)
    sign_out_ends(stage, *ways)
    with stage.bot_in_process():
        card = card_for(stage, SAM)
        for agent in (PHONE, LAPTOP, TABLET):
            assert card.text.count(agent) == 1, "one row for each device"
        stage.press(SAM, card, CONFIRM)
        result = stage.wait_for_message(SAM, containing=LEFT_ON_THE_CARD)
        told = stage.wait_for_message(SAM, AUDIT, containing=LEFT_ON_THE_CARD)
    assert shows(result, "Signed out: ada")
    assert shows(told, "Signed out: ada")
    assert not shows(result, "hosted login page")
    assert not shows(told, "hosted login page")
    assert signed_in(stage) == dict.fromkeys((PHONE, LAPTOP, TABLET), OUT)
    assert len(stage.cognito_calls(SIGN_OUT)) == 1
    assert len(set(ended_one_by_one(stage))) == len(ended_one_by_one(stage)), "none is asked for twice"
    if not ways:
        assert [each[:3] for each in ended_one_by_one(stage)] == ["sso", "sso", "tkn"]
    assert entries(stage) == ["opened", "confirmed", "signed_out"]


@pytest.mark.parametrize("ways", [(), (TOKEN, SSO)], ids=["leaves all listed", "ends all"])
def test_who_signs_in_after_the_press_is_named_and_stays(stage: Headless, ways: tuple[str, ...]) -> None:
    sign_out_ends(stage, *ways)
    with stage.bot_in_process():
        card = card_for(stage, SAM)
        held = stage.pause(LIST)
        stage.press(SAM, card, CONFIRM)
        held.wait_until_arrived()
        newer = stage.run(stage.stage.cognito.sign_in("customers", "ada", "desktop"))
        held.release()
        result = stage.wait_for_message(SAM, containing="No session from before the press is left")
        told = stage.wait_for_message(SAM, AUDIT, containing="No session from before the press is left")
    for message in (result, told):
        assert f"They may go on: {DESKTOP} · login page" in message.text
        assert not shows(message, LEFT_ON_THE_CARD)
    assert signed_in(stage) == {PHONE: OUT, LAPTOP: OUT, TABLET: OUT, DESKTOP: BROWSER}
    assert {newer.session_id, newer.sso_id}.isdisjoint(ended_one_by_one(stage))


def test_what_is_still_listed_after_the_last_look_is_counted_and_can_be_checked_again(stage: Headless) -> None:
    with stage.bot_in_process():
        card = card_for(stage, SAM)
        lists(stage, late=HOURS / 2)
        stage.press(SAM, card, CONFIRM)
        result = stage.wait_for_message(SAM, containing="5 sessions were still listed at ")
        stage.wait_for_message(SAM, AUDIT, containing="5 sessions were still listed at ")
        assert shows(result, "Signed out: ada")
        assert shows(result, "/signout ada")
        lists(stage, late=0)
        stage.command(SAM, "ada")
        assert shows(stage.wait_for_message(SAM, button=CONFIRM), "Cognito lists no session of this account.")
    assert len(set(ended_one_by_one(stage))) == len(ended_one_by_one(stage)) == 3


FAULTS: dict[str, tuple[str, Fault, str, str, str]] = {
    "listing is not allowed": (LIST, NOT_ALLOWED, "partly", "Signed out. Sessions not checked: ada", "AccessDenied"),
    "listing gets no answer": (LIST, reset(), "partly", "Signed out. Sessions not checked: ada", "(Unreachable)"),
    "ending is not allowed": (
        *(REVOKE, NOT_ALLOWED, "partly"),
        *("Signed out. Not all sessions ended: ada", "5 sessions were still listed at "),
    ),
    "ending is throttled": (
        *(REVOKE, THROTTLED, "partly"),
        *("Signed out. Not all sessions ended: ada", "Wait a minute and run the command again."),
    ),
    "ending gets no answer": (
        *(REVOKE, reset(), "unknown"),
        *("Signed out. Not known whether all sessions were ended: ada", "5 sessions were still listed at "),
    ),
}


@pytest.mark.parametrize("named", FAULTS)
def test_what_may_not_or_could_not_be_done_is_said_to_both_readers(stage: Headless, named: str) -> None:
    action, fault, outcome, title, more = FAULTS[named]
    with stage.bot_in_process():
        card = card_for(stage, SAM)
        always(stage, action, fault)
        stage.press(SAM, card, CONFIRM)
        for message in (
            stage.wait_for_message(SAM, containing=title),
            stage.wait_for_message(SAM, AUDIT, containing=title),
        ):
            assert more in message.text
            assert not shows(message, LEFT_ON_THE_CARD)
    assert entries(stage)[-1] == states(stage)[-1] == outcome
    assert signed_in(stage)[TABLET] == OUT, "the sign-out itself was done"


def test_what_comes_right_by_itself_is_not_spoken_of(stage: Headless) -> None:
    with stage.bot_in_process():
        card = card_for(stage, SAM)
        stage.before_cognito(LIST, THROTTLED)
        stage.before_cognito(REVOKE, THROTTLED, reset(after=True))
        stage.press(SAM, card, CONFIRM)
        result = stage.wait_for_message(SAM, containing="Signed out: ada")
    assert shows(result, LEFT_ON_THE_CARD)


@pytest.mark.parametrize("fault", [NOT_ALLOWED, THROTTLED, reset()])
def test_a_card_without_the_list_says_so_and_the_sign_out_works(stage: Headless, fault: Fault) -> None:
    stage.before_cognito(LIST, fault)
    with stage.bot_in_process():
        card = card_for(stage, SAM)
        assert shows(card, "The sessions of this account are not on this card.")
        assert "End this session" not in card.text
        stage.press(SAM, card, CONFIRM)
        stage.wait_for_message(SAM, containing=LEFT_ON_THE_CARD)
    assert signed_in(stage) == dict.fromkeys((PHONE, LAPTOP, TABLET), OUT)


@pytest.mark.long(waits=True)
@pytest.mark.timeout(600)
def test_a_bot_that_is_killed_in_the_middle_lets_another_end_the_rest(moto: Moto) -> None:
    with ThreadPoolExecutor(2) as side_by_side:
        lives = [side_by_side.submit(live_through_a_kill, moto, after=after) for after in (False, True)]
    assert [life.exception() for life in lives] == [None, None]


def live_through_a_kill(moto: Moto, *, after: bool) -> None:
    """One session is ended; at the call for the second the bot is killed: `after` it was done, or before."""
    with Headless(moto, ["ada"], TRACKED) as stage, ExitStack() as life:
        lists(stage, late=0)
        begin(life, stage)
        card = card_for(stage, SAM)
        stage.before_cognito(REVOKE, _onward)
        held = stage.pause(REVOKE, after=after)
        stage.press(SAM, card, CONFIRM)
        held.wait_until_arrived(PATIENCE)
        begin(life, stage)
        stage.wait_for_message(SAM, containing=LEFT_ON_THE_CARD, timeout=PATIENCE)
        stage.wait_for_message(SAM, AUDIT, containing=LEFT_ON_THE_CARD, timeout=PATIENCE)
        assert entries(stage) == ["opened", "confirmed", "resumed", "signed_out"]
        assert len(stage.cognito_calls(SIGN_OUT)) == 1, "the step that was done is not repeated"
        assert signed_in(stage) == dict.fromkeys((PHONE, LAPTOP, TABLET), OUT)


async def _onward(exchange: Any) -> Any:
    return await exchange.forward()


# One session is ended


def test_a_lost_phone_is_ended_and_the_laptop_and_the_tablet_go_on(stage: Headless) -> None:
    with stage.bot_in_process():
        card = end(stage)
        result = stage.wait_for_message(SAM, containing="Session ended: ada")
        told = stage.wait_for_message(SAM, AUDIT, containing="Session ended: ada")
    assert result.ts == card.ts, "the card became the result"
    for message in (result, told):
        assert PHONE in message.text
        assert "Lisbon, Portugal" in message.text
        assert LAPTOP not in message.text
    assert signed_in(stage) == {PHONE: OUT, LAPTOP: BROWSER, TABLET: APP}
    assert stage.cognito_calls(SIGN_OUT) == []
    assert len(ended_one_by_one(stage)) == 1
    assert entries(stage) == ["opened", "confirmed", "session_ended"]
    assert told.metadata
    assert told.metadata["event_payload"]["outcome"] == "session_ended"


@pytest.mark.parametrize(("agent", "left"), [(LAPTOP, {PHONE: BROWSER, LAPTOP: OUT, TABLET: APP}), (TABLET, None)])
def test_each_device_has_a_button_that_ends_it(
    stage: Headless, agent: str, left: dict[str, tuple[bool, bool]] | None
) -> None:
    with stage.bot_in_process():
        end(stage, agent)
        stage.wait_for_message(SAM, containing="Session ended: ada")
    assert signed_in(stage) == (left or {PHONE: BROWSER, LAPTOP: BROWSER, TABLET: OUT})


@pytest.mark.parametrize("second", [PHONE, LAPTOP], ids=["a double click", "two sessions"])
def test_of_two_presses_at_once_one_decides(stage: Headless, second: str) -> None:
    with stage.bot_in_process():
        card = card_for(stage, SAM)
        first_button, second_button = button_of(stage, PHONE), button_of(stage, second)
        stage.press_at_once([(SAM, card, first_button), (SAM, card, second_button)])
        stage.wait_for_message(SAM, containing="Session ended: ada")
        stage.wait_for_message(SAM, AUDIT, containing="Session ended: ada")
        stage.rest()
    assert len(ended_one_by_one(stage)) == 1
    assert entries(stage).count("confirmed") == 1
    assert list(signed_in(stage).values()).count(OUT) == 1


def test_of_a_session_and_a_sign_out_pressed_at_once_one_decides(stage: Headless) -> None:
    with stage.bot_in_process():
        card = card_for(stage, SAM)
        stage.press_at_once([(SAM, card, button_of(stage, PHONE)), (SAM, card, CONFIRM)])
        stage.wait_for_message(SAM, AUDIT, containing=": ada")
        stage.rest()
    assert entries(stage).count("confirmed") == 1
    assert (len(stage.cognito_calls(SIGN_OUT)), len(ended_one_by_one(stage))) != (1, 1)


def test_a_forged_number_another_person_and_an_old_card_end_nothing(stage: Headless) -> None:
    with stage.bot_in_process():
        card = card_for(stage, SAM)
        for number in (3, 9):
            stage.press(SAM, card, f"{END_THIS}{number}", requests(stage)[-1].id)
        no_such = "The bot no longer knows this request"
        stage.wait_for(lambda: [shows(message, no_such) for message in stage.messages(SAM)].count(True) == 2)
        phone = button_of(stage, PHONE)
        stage.press(KIM, card, phone)
        stage.wait_for_message(KIM, containing="Only the person who ran the command")
        stage.press(SAM, card, CANCEL)
        stage.wait_for_message(SAM, containing="Cancelled")
        stage.press(SAM, card, phone)
        stage.rest()
    assert ended_one_by_one(stage) == []
    assert states(stage) == ["cancelled"]


def test_a_second_person_approves_one_session_and_is_told_which(stage: Headless) -> None:
    with stage.bot_in_process(**ALWAYS):
        end(stage)
        asked = stage.wait_for_message(KIM, AUDIT, button=APPROVE)
        waits = stage.wait_for_message(SAM, containing="waits for a second person's approval")
        for message in (asked, waits):
            assert PHONE in message.text
            assert LAPTOP not in message.text
        assert ended_one_by_one(stage) == []
        stage.press(KIM, asked, APPROVE)
        stage.wait_for_message(SAM, containing="Session ended: ada")
        stage.wait_for_message(SAM, AUDIT, containing="Approver kim")
    assert signed_in(stage) == {PHONE: OUT, LAPTOP: BROWSER, TABLET: APP}
    assert entries(stage) == ["opened", "confirmed", "approved", "session_ended"]


def test_a_limit_counts_a_session_as_it_counts_a_sign_out(stage: Headless) -> None:
    with stage.bot_in_process(SIGNOUT_LIMITS_PER_OPERATOR="1/h"):
        end(stage)
        stage.wait_for_message(SAM, containing="Session ended: ada")
        end(stage, text="grace --pool customers")
        stage.wait_for_message(SAM, containing="limit")
        stage.rest()
    assert signed_in(stage, "grace") == {PHONE: BROWSER, LAPTOP: BROWSER}
    assert "limited" in entries(stage)


def test_a_protected_account_keeps_its_sessions(moto: Moto) -> None:
    with (
        Headless(moto, people=["frances"], tracked=["staff"]) as stage,
        stage.bot_in_process(SIGNOUT_PROTECT_GROUPS=PROTECTED_GROUP),
    ):
        stage.command(SAM, "frances")
        stage.wait_for_message(SAM, containing="protected")
        assert stage.cognito_calls(LIST) == []


def test_one_that_becomes_protected_after_its_card_keeps_its_session(stage: Headless) -> None:
    with stage.bot_in_process(SIGNOUT_PROTECT_GROUPS="leads"):
        card = card_for(stage, SAM)
        ada = {"UserPoolId": stage.stage.cognito.pools["customers"].id, "GroupName": "leads"}
        stage.run(stage.stage.cognito.ask("CreateGroup", **ada))
        stage.run(stage.stage.cognito.ask("AdminAddUserToGroup", **ada, Username="ada"))
        stage.press(SAM, card, button_of(stage, PHONE))
        stage.wait_for_message(SAM, containing="Session not ended: ada")
        stage.wait_for_message(SAM, AUDIT, containing="Session not ended: ada")
    assert ended_one_by_one(stage) == []


def test_one_that_has_ended_by_itself_is_said_to_be_there_no_more(stage: Headless) -> None:
    with stage.bot_in_process():
        card = card_for(stage, SAM)
        pool_id, phone = stage.stage.cognito.pools["customers"].id, stage.stage.cognito.devices("ada")[0]
        ask = stage.stage.cognito.ask
        stage.run(ask(REVOKE, UserPoolId=pool_id, Username="ada", SessionId=phone.sso_id))
        stage.press(SAM, card, button_of(stage, PHONE))
        result = stage.wait_for_message(SAM, containing="Session not ended: ada")
        assert "Cognito no longer has this session" in result.text
        assert PHONE in stage.wait_for_message(SAM, AUDIT, containing="Session not ended: ada").text


# What is shown and kept of them


@pytest.mark.parametrize(("pii", "shown"), [("masked", False), ("full", True)])
def test_addresses_are_shown_only_with_full_personal_data_and_nothing_is_logged(
    stage: Headless, pii: str, *, shown: bool
) -> None:
    with stage.forked_bot(SIGNOUT_PII=pii, SIGNOUT_LOG_LEVEL="DEBUG") as bot:
        card = card_for(stage, SAM)
        end_card = button_of(stage, PHONE)
        stage.press(SAM, card, end_card)
        result = stage.wait_for_message(SAM, containing="Session ended: ada")
        told = stage.wait_for_message(SAM, AUDIT, containing="Session ended: ada")
        for message in (card, result, told):
            assert ("203.0.113.7" in message.text) is shown
        stage.wait_for_message(SAM, AUDIT)
        log = bot.log()
    session = trail(stage)[-1].request
    assert session
    assert session.session
    for secret in ("203.0.113.7", PHONE, "Lisbon", session.session.id):
        assert secret not in log


def test_the_store_keeps_only_the_session_that_was_ended(stage: Headless) -> None:
    with stage.bot_in_process():
        end(stage)
        stage.wait_for_message(SAM, AUDIT, containing="Session ended: ada")
    kept = [entry.request for entry in trail(stage) if entry.request]
    assert [each.sessions for each in kept] == [None] * 3
    assert [each.session and each.session.device for each in kept] == [None, PHONE, PHONE]
    held = held_by(stage)
    assert PHONE in held
    assert LAPTOP not in held


def test_a_pool_without_the_setting_is_asked_for_no_session(moto: Moto) -> None:
    with Headless(moto) as stage, stage.bot_in_process():
        card = card_for(stage, SAM)
        stage.press(SAM, card, CONFIRM)
        result = stage.wait_for_message(SAM, containing="Signed out: ada")
        told = stage.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
        assert (stage.cognito_calls(LIST), stage.cognito_calls(REVOKE)) == ([], [])
    assert "End this session" not in card.text
    for message in (card, result, told):
        assert "session was" not in message.text
        assert "No session" not in message.text
    assert "hosted login page" in result.text
