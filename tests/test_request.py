"""The states of a request and the moves between them."""

import re
from pathlib import Path

import pytest
from examples import awaiting

from bot.request import MOVES, IllegalMoveError, State

PROMISES = Path(__file__).parents[1] / ".github/docs/promises.md"


def test_the_chart_in_promises_md_shows_exactly_the_moves_of_the_table() -> None:
    drawn = set(re.findall(r"^    (\w+) --> (\w+):", PROMISES.read_text("utf-8"), re.MULTILINE))
    assert drawn == {(old.name, new.name) for old, news in MOVES.items() for new in news}


@pytest.mark.parametrize("old", State)
def test_a_move_that_the_table_does_not_have_cannot_be_made(old: State) -> None:
    for new in State:
        if new in MOVES[old]:
            assert (awaiting(state=old).move(new).state, awaiting(state=old).move(new).version) == (new, 2)
        else:
            with pytest.raises(IllegalMoveError):
                awaiting(state=old).move(new)


def test_only_the_first_two_states_await_their_operator() -> None:
    assert {state for state in State if state.awaits_operator} == {State.AWAITING_CHOICE, State.AWAITING_CONFIRMATION}


def test_a_request_without_a_choice_has_no_account_to_sign_out() -> None:
    with pytest.raises(LookupError):
        _ = awaiting(state=State.AWAITING_CHOICE, chosen=None).account
