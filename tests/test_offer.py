"""What can be done with an account as it is, and which buttons a card has for it."""

from dataclasses import replace

import pytest
from examples import ADA, ASKED_FOR, awaiting

from bot.account import Account
from bot.action import ACTIONS
from bot.offer import obstacle, offered
from bot.request import State

GOOGLE = replace(ADA, provider="Google", status="EXTERNAL_PROVIDER")
OUT = replace(ADA, enabled=False)
UNTOLD = replace(ADA, enabled=None, status=None)


@pytest.mark.parametrize(
    ("account", "possible"),
    [
        (ADA, {"sign_out", "keep_out", "new_password"}),
        (OUT, {"sign_out", "let_in"}),
        (GOOGLE, {"sign_out", "keep_out"}),
        (replace(GOOGLE, enabled=False), {"sign_out", "let_in"}),
        (replace(ADA, status="UNCONFIRMED"), {"sign_out", "keep_out", "new_password"}),
        (replace(ADA, status="RESET_REQUIRED"), {"sign_out", "keep_out", "new_password"}),
        (replace(ADA, status="FORCE_CHANGE_PASSWORD"), {"sign_out", "keep_out"}),
        (UNTOLD, set(ASKED_FOR)),
    ],
    ids=["local", "disabled", "federated", "federated, disabled", "unconfirmed", "reset", "no password", "not told"],
)
def test_the_state_of_an_account_says_what_can_be_done_with_it(account: Account, possible: set[str]) -> None:
    assert {action for action in ASKED_FOR if not obstacle(action, account)} == possible


def test_a_federated_account_is_told_where_its_person_has_the_password() -> None:
    assert "signs in through Google" in obstacle("new_password", GOOGLE)


@pytest.mark.parametrize(
    ("account", "buttons"),
    [
        (ADA, ["sign_out", "keep_out", "new_password"]),
        (OUT, ["sign_out", "let_in"]),
        (GOOGLE, ["sign_out", "keep_out"]),
    ],
)
def test_a_card_for_a_sign_out_offers_what_else_can_be_done_after_what_was_asked_for(
    account: Account, buttons: list[str]
) -> None:
    assert offered(awaiting(chosen=account, may=ASKED_FOR)) == buttons


def test_a_card_offers_only_what_its_operator_may() -> None:
    assert offered(awaiting(may=("sign_out", "new_password"))) == ["sign_out", "new_password"]
    assert offered(awaiting()) == ["sign_out"]


@pytest.mark.parametrize("action", [action for action in ACTIONS if action != "sign_out"])
def test_a_card_for_another_action_offers_only_that(action: str) -> None:
    assert offered(awaiting(action=action, may=ASKED_FOR)) == [action]


@pytest.mark.parametrize(
    ("action", "account", "state", "done", "buttons"),
    [
        ("sign_out", ADA, State.DONE, 1, ["keep_out", "new_password"]),
        ("sign_out", OUT, State.DONE, 1, ["let_in"]),
        ("keep_out", ADA, State.DONE, 2, ["let_in"]),
        ("let_in", OUT, State.DONE, 1, ["sign_out", "keep_out", "new_password"]),
        ("new_password", ADA, State.DONE, 2, ["keep_out"]),
        ("keep_out", ADA, State.PARTLY, 1, ["sign_out", "let_in"]),
        ("keep_out", ADA, State.UNKNOWN, 1, ["sign_out", "let_in"]),
        ("keep_out", ADA, State.UNKNOWN, 0, []),
        ("sign_out", ADA, State.FAILED, 0, []),
        ("sign_out", ADA, State.READY, 0, []),
        ("keep_out", ADA, State.RUNNING, 1, []),
        ("sign_out", ADA, State.CANCELLED, 0, []),
    ],
)
def test_after_a_step_was_done_the_card_offers_what_may_come_next_with_the_account_as_it_was_left(
    action: str, account: Account, state: State, done: int, buttons: list[str]
) -> None:
    steps = tuple(map(str, ACTIONS[action].steps[:done]))
    assert offered(awaiting(action=action, chosen=account, state=state, done=steps, may=ASKED_FOR)) == buttons
    assert offered(awaiting(action=action, chosen=account, state=state, done=steps)) == []
