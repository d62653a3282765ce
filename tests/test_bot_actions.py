"""More than a sign-out, over real sockets: keep out, let back in, a new password; each step's answer, and kills."""

import threading
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest
from headless import AUDIT, KIM, RAY, SAM, BotProcess, Headless, shows
from test_bot_kills import side_by_side
from whole_bot import CONFIRM, FIND, SIGN_OUT, TELL, Travel, card_for, entries, requests, states, trail

from bot.action import ACTIONS, Step
from bot.errors import NotYoursError, UnderWayError
from bot.sandbox.board import Message, direct
from bot.sandbox.cognito import Moto
from bot.sandbox.wire import Fault, answer, refuse, reset

DISABLE, ENABLE, RESET = "AdminDisableUser", "AdminEnableUser", "AdminResetUserPassword"
STEPS = (*Step,)
KEEP_OUT, LET_IN, NEW_PASSWORD = "signout_keep_out", "signout_let_in", "signout_new_password"
ADA = "ada --pool customers"
EVERYTHING = {f"SIGNOUT_ACTIONS_{action}_USERS": f"{SAM},{KIM}" for action in ("KEEP_OUT", "LET_IN", "NEW_PASSWORD")}
ONLY_KEEP_OUT = {"SIGNOUT_ACTIONS_KEEP_OUT_USERS": SAM, "SIGNOUT_ACTIONS_LET_IN_USERS": KIM}
NOT_ALLOWED = "You may no"  # longer do this, or: You may not …
QUESTIONS = {action: each.question for action, each in ACTIONS.items()}


class Hurried(Travel):
    """A clock on which a pause between two tries takes no time of the test."""

    def sleep(self, seconds: float) -> None:
        """Put the clock forward instead."""
        self.forward(seconds=seconds)


def changed(headless: Headless) -> list[str]:
    """What changed an account, or was to, in order."""
    return [call.action for call in headless.cognito_calls() if call.action in STEPS]


def is_enabled(headless: Headless, username: str = "ada") -> bool:
    headless.run(headless.stage.cognito.check(username))
    return headless.stage.cognito.pools["customers"].accounts[username].state.enabled


def has(message: Message, button: str) -> bool:
    return shows(message, "", button)


def keep_out(headless: Headless) -> Message:
    """Keep ada out; return the result."""
    before = [message.ts for message in headless.messages(SAM)]

    def new() -> Message | None:
        return next((m for m in headless.messages(SAM) if m.ts not in before and has(m, KEEP_OUT)), None)

    headless.command(SAM, ADA)
    headless.press(SAM, headless.wait_for(new), KEEP_OUT)  # type: ignore[arg-type]  # wait_for gives nothing falsy
    return headless.wait_for_message(SAM, containing="Kept out: ada")


# From each place


def test_from_the_card_the_account_is_disabled_first_and_then_signed_out(headless: Headless) -> None:
    with headless.bot_in_process(**EVERYTHING):
        card = card_for(headless, SAM)
        assert [has(card, each) for each in (CONFIRM, KEEP_OUT, NEW_PASSWORD, LET_IN)] == [True, True, True, False]
        headless.press(SAM, card, KEEP_OUT)
        result = headless.wait_for_message(SAM, containing="Kept out: ada")
        posted = headless.wait_for_message(SAM, AUDIT, containing="Kept out: ada")
    assert result.ts == card.ts
    assert [has(result, each) for each in (LET_IN, KEEP_OUT)] == [True, False]
    assert changed(headless) == [DISABLE, SIGN_OUT]
    assert not is_enabled(headless)
    assert not headless.is_signed_in("ada")
    assert headless.is_signed_in("grace")
    assert entries(headless) == ["opened", "confirmed", "kept_out"]
    assert posted.metadata
    assert posted.metadata["event_payload"]["outcome"] == "kept_out"
    assert requests(headless)[0].allowed_by == "allow.users; actions.keep_out.users"


@pytest.mark.parametrize(
    ("option", "action", "title", "calls"),
    [
        ("--keep-out", "keep_out", "Kept out: ada", [DISABLE, SIGN_OUT]),
        ("--new-password", "new_password", "Password reset: ada", [RESET, SIGN_OUT]),
    ],
)
def test_the_command_may_name_the_action_and_its_card_offers_no_other(
    headless: Headless, option: str, action: str, title: str, calls: list[str]
) -> None:
    with headless.bot_in_process(**EVERYTHING):
        card = card_for(headless, SAM, f"{ADA} {option}")
        assert shows(card, QUESTIONS[action])
        assert not any(has(card, each) for each in (KEEP_OUT, LET_IN, NEW_PASSWORD))
        headless.press(SAM, card, CONFIRM)
        headless.wait_for_message(SAM, containing=title)
    assert changed(headless) == calls
    assert not headless.is_signed_in("ada")


def test_the_form_asks_what_to_do(headless: Headless) -> None:
    with headless.bot_in_process(**EVERYTHING):
        headless.command(SAM, "")
        form = headless.wait_for_form(SAM, containing="What to do")
        headless.submit(SAM, form, {"target": "ada", "action": "keep_out"})
        card = headless.wait_for_message(SAM, containing=QUESTIONS["keep_out"])
        headless.press(SAM, card, CONFIRM)
        headless.wait_for_message(SAM, containing="Kept out: ada")
    assert changed(headless) == [DISABLE, SIGN_OUT]


def test_the_results_own_buttons_lead_to_new_cards_and_the_results_stay(headless: Headless) -> None:
    with headless.bot_in_process(**EVERYTHING):
        headless.press(SAM, card_for(headless, SAM, f"{ADA} --reason 'lost phone'"), CONFIRM)
        signed_out = headless.wait_for_message(SAM, containing="Signed out: ada", button=KEEP_OUT)
        headless.press(SAM, signed_out, KEEP_OUT)
        card = headless.wait_for_message(SAM, containing=QUESTIONS["keep_out"], button=CONFIRM)
        assert shows(card, "lost phone")
        headless.press(SAM, card, CONFIRM)
        kept_out = headless.wait_for_message(SAM, containing="Kept out: ada", button=LET_IN)
        headless.press(SAM, kept_out, LET_IN)
        card = headless.wait_for_message(SAM, containing=QUESTIONS["let_in"], button=CONFIRM)
        headless.press(SAM, card, CONFIRM)
        headless.wait_for_message(SAM, containing="Let back in: ada")
        results = headless.messages(SAM)
    titles = ("Signed out: ada", "Kept out: ada", "Let back in: ada")
    assert [shows(message, title) for message, title in zip(results, titles, strict=True)] == [True] * 3
    assert changed(headless) == [SIGN_OUT, DISABLE, SIGN_OUT, ENABLE]
    assert states(headless) == ["done"] * 3
    assert is_enabled(headless)
    assert len({request.id for request in requests(headless)}) == 3


def test_a_person_who_was_let_back_in_is_not_signed_in_by_that(headless: Headless) -> None:
    with headless.bot_in_process(**EVERYTHING):
        keep_out(headless)
        headless.press(SAM, card_for(headless, SAM, f"{ADA} --let-in"), CONFIRM)
        headless.wait_for_message(SAM, containing="Let back in: ada")
    assert not headless.is_signed_in("ada")
    pool = headless.stage.cognito.pools["customers"]
    assert headless.run(headless.stage.cognito.sign_in_again(pool, pool.accounts["ada"])) is None


def test_over_http_the_card_and_the_results_button_do_the_same(headless: Headless) -> None:
    with headless.bot_in_process("--http", **EVERYTHING):
        headless.press(SAM, keep_out(headless), LET_IN)
        headless.press(SAM, headless.wait_for_message(SAM, containing=QUESTIONS["let_in"], button=CONFIRM), CONFIRM)
        headless.wait_for_message(SAM, containing="Let back in: ada")
    assert changed(headless) == [DISABLE, SIGN_OUT, ENABLE]


def test_a_result_that_came_as_a_direct_message_has_buttons_that_work(headless: Headless) -> None:
    headless.clock = clock = Travel()
    gone = answer(404, {"ok": False, "error": "expired_url"})
    with headless.bot_in_process(**EVERYTHING):
        card = card_for(headless, SAM)
        headless.before_slack(TELL, gone, gone)
        headless.press(SAM, card, KEEP_OUT)
        headless.wait_for(lambda: states(headless) == ["done"])
        clock.forward(seconds=10)  # for so long it is left to the thread that showed it
        (told,) = headless.wait_for(lambda: headless.direct_messages(SAM))
        headless.press(SAM, told, LET_IN)
        asked = headless.wait_for_message(SAM, direct(SAM), containing=QUESTIONS["let_in"], button=CONFIRM)
        headless.press(SAM, asked, CONFIRM)
        headless.wait_for_message(SAM, direct(SAM), containing="Let back in: ada")
    assert changed(headless) == [DISABLE, SIGN_OUT, ENABLE]


# Who may not


def test_who_may_only_keep_out_is_refused_the_rest_by_command_and_by_a_forged_button(headless: Headless) -> None:
    with headless.bot_in_process(**ONLY_KEEP_OUT):
        card = card_for(headless, SAM)
        assert [has(card, each) for each in (KEEP_OUT, NEW_PASSWORD, LET_IN)] == [True, False, False]
        id_ = card.button(CONFIRM)["value"]
        for action_id in (LET_IN, NEW_PASSWORD):
            headless.press(SAM, card, action_id, value=id_)
        for option in ("--let-in", "--new-password"):
            headless.command(SAM, f"{ADA} {option}")
        headless.wait_for(lambda: sum(NOT_ALLOWED in each.text for each in headless.messages(SAM)) == 4)
        assert states(headless) == ["confirming"]
        headless.press(SAM, card, KEEP_OUT)
        result = headless.wait_for_message(SAM, containing="Kept out: ada")
        headless.wait_for_message(SAM, AUDIT, containing="not allowed")
    assert not has(result, LET_IN)
    assert changed(headless) == [DISABLE, SIGN_OUT]


def test_without_the_settings_no_one_may_and_nothing_of_it_is_shown(headless: Headless) -> None:
    with headless.bot_in_process():
        card = card_for(headless, SAM)
        assert not any(has(card, each) for each in (KEEP_OUT, LET_IN, NEW_PASSWORD))
        headless.press(SAM, card, KEEP_OUT, value=card.button(CONFIRM)["value"])
        headless.wait_for_message(SAM, containing=NOT_ALLOWED)
        headless.press(SAM, card, CONFIRM)
        result = headless.wait_for_message(SAM, containing="Signed out: ada")
    assert not any(has(result, each) for each in (KEEP_OUT, LET_IN, NEW_PASSWORD))
    assert changed(headless) == [SIGN_OUT]


def test_who_was_taken_off_the_list_is_refused_at_an_old_results_button(headless: Headless) -> None:
    with headless.bot_in_process(**EVERYTHING):
        result = keep_out(headless)
    with headless.bot_in_process(**EVERYTHING | {"SIGNOUT_ACTIONS_LET_IN_USERS": KIM}):
        headless.press(SAM, result, LET_IN)
        headless.wait_for_message(SAM, containing=NOT_ALLOWED)
    assert states(headless) == ["done"]
    assert not is_enabled(headless)


@pytest.mark.parametrize("person", [KIM, RAY])
def test_an_old_results_button_does_nothing_for_someone_else(headless: Headless, person: str) -> None:
    with headless.bot_in_process(**EVERYTHING):
        result = keep_out(headless)
        looked_up = len(headless.cognito_calls(FIND))
        headless.press(person, result, LET_IN)
        told = headless.wait_for_message(person, containing=str(NotYoursError()))
        headless.wait_for_message(SAM, AUDIT, containing="pressed another's button")
    assert told.only_for == person
    assert states(headless) == ["done"]
    assert len(headless.cognito_calls(FIND)) == looked_up
    assert changed(headless) == [DISABLE, SIGN_OUT]
    assert not is_enabled(headless)


def test_what_cognito_would_not_do_is_said_before_and_not_sent(headless: Headless) -> None:
    headless.run(headless.stage.cognito.add("customers", "Google_1172", "Donald Kessler"))
    with headless.bot_in_process(**EVERYTHING):
        card = card_for(headless, SAM, "Google_1172")
        assert [has(card, each) for each in (KEEP_OUT, NEW_PASSWORD)] == [True, False]
        assert shows(card, "This user signs in through Google, so Cognito has no password of theirs to reset.")
        headless.press(SAM, card, NEW_PASSWORD, value=card.button(CONFIRM)["value"])
        headless.wait_for_message(SAM, containing="signs in through Google, so Cognito has no password of theirs")
        headless.command(SAM, f"{ADA} --let-in")
        headless.wait_for_message(SAM, containing="This account is enabled, so no one keeps its user out.")
        keep_out(headless)
        headless.command(SAM, f"{ADA} --new-password")
        headless.wait_for_message(SAM, containing="Let the user back in first.")
        headless.command(SAM, f"{ADA} --keep-out")
        headless.wait_for_message(SAM, containing="This account is disabled already.")
    assert changed(headless) == [DISABLE, SIGN_OUT]


def test_a_card_says_why_there_is_no_new_password_but_not_why_an_enabled_account_is_not_let_in(
    headless: Headless,
) -> None:
    pool = headless.stage.cognito.pools["customers"].id
    headless.run(headless.stage.cognito.ask("AdminCreateUser", UserPoolId=pool, Username="invited"))
    for settings, shown in ((EVERYTHING, True), (ONLY_KEEP_OUT, False)):
        with headless.bot_in_process(**settings):
            card = card_for(headless, SAM, "invited")
            assert [has(card, each) for each in (KEEP_OUT, NEW_PASSWORD)] == [True, False]
            assert shows(card, "This user has not set a first password yet") is shown
            assert not shows(card, "This account is enabled")
            headless.press(SAM, card, "signout_cancel")
            headless.wait_for(lambda: not has(headless.messages(SAM)[-1], CONFIRM))


def test_in_each_pool_its_own_list_counts_also_after_a_choice(headless: Headless) -> None:
    headless.run(headless.stage.cognito.add("staff", "ada", "Ada Moreno"))
    file = headless.stage.folder / "signout.toml"
    before, staff, after = file.read_text("utf-8").partition("[pools.staff]")
    file.write_text(f'{before}actions.keep_out.users = ["{SAM}"]\n{staff}{after}', "utf-8")
    with headless.bot_in_process():
        headless.command(SAM, "ada")
        choice = headless.wait_for_message(SAM, containing="2 accounts match")
        headless.press(SAM, choice, KEEP_OUT, value=choice.button("signout_choose_0")["value"])
        headless.wait_for_message(SAM, containing="2 accounts match")
        pools = [each.pool for each in requests(headless)[0].candidates]
        headless.press(SAM, choice, f"signout_choose_{pools.index('staff')}")
        card = headless.wait_for_message(SAM, button=CONFIRM)
        assert not has(card, KEEP_OUT)
        headless.press(SAM, card, KEEP_OUT, value=card.button(CONFIRM)["value"])
        headless.wait_for_message(SAM, containing=NOT_ALLOWED)
        assert states(headless) == ["confirming"]
        keep_out(headless)
    assert [call.parameters["UserPoolId"] for call in headless.cognito_calls(DISABLE)] == [
        headless.stage.cognito.pools["customers"].id
    ]


def test_a_protected_account_is_neither_kept_out_nor_let_in_nor_given_a_new_password(headless: Headless) -> None:
    with headless.bot_in_process(**EVERYTHING, SIGNOUT_PROTECT_USERNAMES="ada"):
        for count, option in enumerate(("--keep-out", "--new-password"), 1):
            headless.command(SAM, f"{ADA} {option}")
            headless.wait_for(
                lambda count=count: (
                    [  # type: ignore[misc]
                        "This account is protected" in each.text for each in headless.messages(SAM)
                    ].count(True)
                    == count
                )
            )
    assert requests(headless) == []
    assert changed(headless) == []


# A second person


def test_what_waits_for_an_approval_cannot_be_made_another_action(headless: Headless) -> None:
    rules = {"SIGNOUT_APPROVE_WHEN": "keep_out", "SIGNOUT_APPROVE_USERS": KIM}
    with headless.bot_in_process(**EVERYTHING, **rules):
        card = card_for(headless, SAM)
        headless.press(SAM, card, KEEP_OUT)
        asked = headless.wait_for_message(KIM, AUDIT, button="signout_approve")
        assert shows(asked, QUESTIONS["keep_out"])
        for button in (NEW_PASSWORD, CONFIRM):
            headless.press(SAM, card, button)
        headless.press(SAM, card, LET_IN, value=card.button(CONFIRM)["value"])
        headless.press(KIM, asked, "signout_approve")
        headless.wait_for_message(SAM, containing="Kept out: ada")
    assert changed(headless) == [DISABLE, SIGN_OUT]
    assert entries(headless) == ["opened", "confirmed", "approved", "kept_out"]


def test_one_action_may_need_a_second_person_while_the_others_do_not(headless: Headless) -> None:
    rules = {"SIGNOUT_APPROVE_WHEN": "new_password", "SIGNOUT_APPROVE_USERS": KIM}
    with headless.bot_in_process(**EVERYTHING, **rules):
        headless.press(SAM, card_for(headless, SAM), NEW_PASSWORD)
        asked = headless.wait_for_message(KIM, AUDIT, button="signout_approve")
        assert changed(headless) == []
        headless.press(KIM, asked, "signout_approve")
        headless.wait_for_message(SAM, containing="Password reset: ada")
        keep_out(headless)
    assert changed(headless) == [RESET, SIGN_OUT, DISABLE, SIGN_OUT]
    assert entries(headless).count("approved") == 1


# At once


def test_two_clicks_on_a_results_button_do_nothing_by_themselves(headless: Headless) -> None:
    with headless.bot_in_process(**EVERYTHING):
        result = keep_out(headless)
        headless.press_at_once([(SAM, result, LET_IN)] * 2)
        headless.wait_for(lambda: states(headless) == ["done", "confirming", "confirming"])
        assert changed(headless) == [DISABLE, SIGN_OUT]
        card = headless.wait_for_message(SAM, containing=QUESTIONS["let_in"], button=CONFIRM)
        headless.press_at_once([(SAM, card, CONFIRM)] * 2)
        headless.wait_for_message(SAM, containing="Let back in: ada")
    assert changed(headless) == [DISABLE, SIGN_OUT, ENABLE]


def test_many_clicks_on_one_actions_button_lead_to_one_decision(headless: Headless) -> None:
    with headless.bot_in_process(**EVERYTHING):
        card = card_for(headless, SAM)
        headless.press_at_once([(SAM, card, KEEP_OUT)] * 6)
        headless.wait_for_message(SAM, containing="Kept out: ada")
    assert entries(headless) == ["opened", "confirmed", "kept_out"]
    assert changed(headless) == [DISABLE, SIGN_OUT]


def test_of_clicks_on_different_buttons_one_decides_and_only_its_steps_are_done(headless: Headless) -> None:
    done = {"sign_out": [SIGN_OUT], "keep_out": [DISABLE, SIGN_OUT], "new_password": [RESET, SIGN_OUT]}
    with headless.bot_in_process(**EVERYTHING):
        card = card_for(headless, SAM)
        buttons = (NEW_PASSWORD, KEEP_OUT, CONFIRM)
        headless.press_at_once([(SAM, card, button) for button in buttons * 2])
        headless.wait_for(lambda: states(headless)[0] == "done")
        headless.wait_for(lambda: len(trail(headless)) >= 3)
    kinds = entries(headless)
    assert kinds.count("confirmed") == 1
    first = requests(headless)[0]
    assert kinds[2] == ACTIONS[first.action].outcome
    assert changed(headless) == done[first.action]
    assert set(states(headless)[1:]) <= {"confirming"}, (
        "a late press asks at most for something that is to be confirmed"
    )


def test_a_press_on_another_action_while_the_first_runs_is_told_which_one_counts(headless: Headless) -> None:
    with headless.bot_in_process(**EVERYTHING):
        card = card_for(headless, SAM)
        held = headless.pause(DISABLE)
        headless.press(SAM, card, KEEP_OUT)
        held.wait_until_arrived()
        headless.press(SAM, card, NEW_PASSWORD)
        headless.wait_for_message(SAM, containing=str(UnderWayError("Keep out")))
        held.release()
        headless.wait_for_message(SAM, containing="Kept out: ada")
    assert [*dict.fromkeys(changed(headless))] == [DISABLE, SIGN_OUT]
    assert entries(headless) == ["opened", "confirmed", "kept_out"]


# What each step answers

BROKEN, BROKEN_AFTER = reset(), reset(after=True)
NO, THROTTLED = refuse(400, "NotAuthorizedException"), refuse(400, "TooManyRequestsException")
DISABLED = refuse(400, "NotAuthorizedException", "User is disabled.")
NO_WAY_TO_SEND = refuse(400, "InvalidParameterException")
NOT_DELIVERED = refuse(400, "CodeDeliveryFailureException")
MAY = "It may or may not have happened."


@dataclass(frozen=True, kw_only=True)
class Case:
    """An action, what becomes of the calls of its steps, and what is read and stored of it then."""

    action: str
    faults: dict[str, tuple[Fault, ...]]
    title: str
    meaning: str = ""
    state: str
    outcome: str
    done: tuple[str, ...] = ()
    calls: list[str] = field(default_factory=list)


CASES = {
    "the first step is refused": Case(
        action="keep_out",
        faults={DISABLE: (NO,)},
        title="Not disabled. Not signed out: ada",
        meaning="Nothing was changed.",
        state="failed",
        outcome="failed",
        calls=[DISABLE],
    ),
    "the account is deleted between the steps": Case(
        action="keep_out",
        faults={SIGN_OUT: (refuse(400, "UserNotFoundException"),)},
        title="Disabled. Not signed out: ada",
        meaning="Cognito no longer has this account",
        state="partly",
        outcome="partly",
        done=(DISABLE,),
        calls=[DISABLE, SIGN_OUT],
    ),
    "the first step is throttled to the end": Case(
        action="keep_out",
        faults={DISABLE: (THROTTLED,) * 4},
        title="Not disabled. Not signed out: ada",
        meaning="Cognito takes no more requests just now.",
        state="failed",
        outcome="failed",
        calls=[DISABLE] * 4,
    ),
    "the first step gets no answer": Case(
        action="keep_out",
        faults={DISABLE: (BROKEN_AFTER,) * 4},
        title="Not known whether disabled. Not signed out: ada",
        meaning=MAY,
        state="unknown",
        outcome="unknown",
        calls=[DISABLE] * 4,
    ),
    "a refusal after no answer proves nothing": Case(
        action="keep_out",
        faults={DISABLE: (BROKEN_AFTER, NO)},
        title="Not known whether disabled. Not signed out: ada",
        meaning=MAY,
        state="unknown",
        outcome="unknown",
        calls=[DISABLE] * 2,
    ),
    "the second step is refused": Case(
        action="keep_out",
        faults={SIGN_OUT: (DISABLED,)},
        title="Disabled. Not signed out: ada",
        meaning="Sessions that were open may go on.",
        state="partly",
        outcome="partly",
        done=(DISABLE,),
        calls=[DISABLE, SIGN_OUT],
    ),
    "the second step is throttled to the end": Case(
        action="keep_out",
        faults={SIGN_OUT: (THROTTLED,) * 4},
        title="Disabled. Not signed out: ada",
        meaning="Sessions that were open may go on.",
        state="partly",
        outcome="partly",
        done=(DISABLE,),
        calls=[DISABLE, *[SIGN_OUT] * 4],
    ),
    "the second step gets no answer": Case(
        action="keep_out",
        faults={SIGN_OUT: (BROKEN,) * 4},
        title="Disabled. Not known whether signed out: ada",
        meaning=MAY,
        state="unknown",
        outcome="unknown",
        done=(DISABLE,),
        calls=[DISABLE, *[SIGN_OUT] * 4],
    ),
    "each step is tried again until it is answered": Case(
        action="keep_out",
        faults={DISABLE: (BROKEN, THROTTLED), SIGN_OUT: (THROTTLED, BROKEN_AFTER)},
        title="Kept out: ada",
        meaning="No one can sign in with this account until it is enabled.",
        state="done",
        outcome="kept_out",
        done=(DISABLE, SIGN_OUT),
        calls=[*[DISABLE] * 3, *[SIGN_OUT] * 3],
    ),
    "there is no way to send a code": Case(
        action="new_password",
        faults={RESET: (NO_WAY_TO_SEND,)},
        title="Password not reset. Not signed out: ada",
        meaning="Cognito cannot send this user a code",
        state="failed",
        outcome="failed",
        calls=[RESET],
    ),
    "the code was not delivered": Case(
        action="new_password",
        faults={RESET: (NOT_DELIVERED,) * 4},
        title="Not known whether the password was reset. Not signed out: ada",
        meaning=MAY,
        state="unknown",
        outcome="unknown",
        calls=[RESET] * 4,
    ),
    "the sign-out after a reset is refused": Case(
        action="new_password",
        faults={SIGN_OUT: (NO,)},
        title="Password reset. Not signed out: ada",
        meaning="Sessions that were open may go on.",
        state="partly",
        outcome="partly",
        done=(RESET,),
        calls=[RESET, SIGN_OUT],
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_of_each_step_it_is_said_whether_it_was_done(headless: Headless, case: Case) -> None:
    headless.clock = Hurried()
    for step, faults in case.faults.items():
        headless.before_cognito(step, *faults)
    with headless.bot_in_process(**EVERYTHING):
        headless.press(SAM, card_for(headless, SAM), f"signout_{case.action}")
        result = headless.wait_for_message(SAM, containing=case.title)
        posted = headless.wait_for_message(SAM, AUDIT, containing=case.title)
    assert shows(result, case.meaning)
    assert posted.metadata
    assert posted.metadata["event_payload"]["outcome"] == case.outcome
    assert (states(headless), requests(headless)[0].done) == ([case.state], case.done)
    assert changed(headless) == case.calls
    assert entries(headless) == ["opened", "confirmed", case.outcome]


@pytest.mark.parametrize(
    ("faults", "title", "state"),
    [((NO,), "Not enabled: ada", "failed"), ((BROKEN,) * 4, "Not known whether enabled: ada", "unknown")],
)
def test_letting_back_in_has_one_step(headless: Headless, faults: tuple[Fault, ...], title: str, state: str) -> None:
    headless.clock = Hurried()
    with headless.bot_in_process(**EVERYTHING):
        keep_out(headless)
        headless.before_cognito(ENABLE, *faults)
        headless.press(SAM, card_for(headless, SAM, f"{ADA} --let-in"), CONFIRM)
        result = headless.wait_for_message(SAM, containing=title)
    assert "sessions opened since" not in result.text
    assert states(headless) == ["done", state]


def test_after_a_half_done_action_its_result_offers_what_is_left(headless: Headless) -> None:
    with headless.bot_in_process(**EVERYTHING):
        headless.before_cognito(SIGN_OUT, NO)
        headless.press(SAM, card_for(headless, SAM), KEEP_OUT)
        half = headless.wait_for_message(SAM, containing="Disabled. Not signed out: ada")
        assert [has(half, each) for each in ("signout_sign_out", LET_IN, KEEP_OUT)] == [True, True, False]
        headless.press(SAM, half, "signout_sign_out")
        card = headless.wait_for_message(SAM, containing=QUESTIONS["sign_out"], button=CONFIRM)
        headless.press(SAM, card, CONFIRM)
        headless.wait_for_message(SAM, containing="Signed out: ada")
    assert changed(headless) == [DISABLE, SIGN_OUT, SIGN_OUT]
    assert not headless.is_signed_in("ada")


# Kills

PATIENCE = 150  # a take-over needs the lease and 5 s, and the machine may be busy
STARTS_AT_ONCE = threading.Semaphore(2)


@dataclass(frozen=True, kw_only=True)
class Kill:
    """Where the bot is killed: at a call of a step, or (`after`) once Cognito did it but did not answer.

    `later`: what becomes of the sign-out of the next start. `stored`: the steps whose yes the store has by then.
    `forwarded`: the calls that Cognito got in all.
    """

    at: str
    after: bool = False
    later: tuple[Fault, ...] = ()
    stored: tuple[str, ...] = ()
    forwarded: tuple[str, ...]
    outcome: str = "kept_out"
    title: str = "Kept out: ada"


KILLS = {
    "before the first step": Kill(at=DISABLE, forwarded=(DISABLE, SIGN_OUT)),
    "before the first step is answered": Kill(at=DISABLE, after=True, forwarded=(DISABLE, DISABLE, SIGN_OUT)),
    "between the steps": Kill(at=SIGN_OUT, stored=(DISABLE,), forwarded=(DISABLE, SIGN_OUT)),
    "before the second step is answered": Kill(
        at=SIGN_OUT, after=True, stored=(DISABLE,), forwarded=(DISABLE, SIGN_OUT, SIGN_OUT)
    ),
    "and the second step is then refused": Kill(
        at=SIGN_OUT,
        after=True,
        later=(NO,),
        stored=(DISABLE,),
        forwarded=(DISABLE, SIGN_OUT),
        outcome="unknown",
        title="Disabled. Not known whether signed out: ada",
    ),
}


@pytest.mark.long(waits=True)
@pytest.mark.timeout(600)
def test_the_next_start_goes_on_at_the_step_that_was_open_and_repeats_no_yes(moto: Moto) -> None:
    assert side_by_side(live_through, KILLS, moto) == dict.fromkeys(KILLS)


def live_through(kill: Kill, moto: Moto) -> None:
    with Headless(moto, ("ada",)) as headless, ExitStack() as life:
        begin(life, headless)
        card = card_for(headless, SAM)
        held = headless.pause(kill.at, after=kill.after)
        assert headless.press(SAM, card, KEEP_OUT).error is None
        held.wait_until_arrived(PATIENCE)
        life.close()
        assert [(str(each.state), each.done) for each in requests(headless)] == [("running", kill.stored)]
        headless.before_cognito(SIGN_OUT, *kill.later)
        bot = begin(life, headless)
        told = headless.wait_for_message(SAM, containing=kill.title, timeout=PATIENCE)
        headless.wait_for_message(SAM, AUDIT, containing=kill.title, timeout=PATIENCE)
        assert bot.terminate(PATIENCE) == 0
        assert told.ts == card.ts
        assert entries(headless) == ["opened", "confirmed", "resumed", kill.outcome]
        assert tuple(call.action for call in headless.cognito_calls() if call.forwarded and call.action in STEPS) == (
            kill.forwarded
        )
        assert not is_enabled(headless)
        assert not headless.is_signed_in("ada")


def begin(life: ExitStack, headless: Headless) -> BotProcess:
    """Start a bot, as a process of its own."""
    headless.wait_for(lambda: headless.connections() == 0)
    with STARTS_AT_ONCE:
        return life.enter_context(headless.forked_bot(**EVERYTHING))
