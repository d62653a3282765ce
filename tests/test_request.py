"""The states of a request and the moves between them."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from examples import ADA, NOON, awaiting, choosing, listing

from bot.request import AWAITING, ENDED, LIST_MOVES, MOVES, IllegalMoveError, Request, State, first_id_at, new_id

PROMISES = Path(__file__).parents[1] / ".github/docs/promises.md"


@pytest.mark.parametrize(
    ("chart", "moves"),
    [
        ("The states of a request", MOVES),
        ("The states of a list", {old: news for old, news in LIST_MOVES.items() if old is not State.CHOOSING}),
    ],
)
def test_a_chart_in_promises_md_shows_exactly_the_moves_of_the_table(
    chart: str, moves: Mapping[State, frozenset[State]]
) -> None:
    _, _, rest = PROMISES.read_text("utf-8").partition(f"\n## {chart}\n")
    drawn = re.findall(r"^    (\w+) --> (\w+):", rest.partition("\n## ")[0], re.MULTILINE)
    assert sorted(drawn) == sorted((old.name, new.name) for old, news in moves.items() for new in news)


@pytest.mark.parametrize(("request_", "moves"), [(awaiting(), MOVES), (listing(), LIST_MOVES)], ids=["one", "list"])
@pytest.mark.parametrize("new", State)
@pytest.mark.parametrize("old", State)
def test_a_move_is_made_only_where_the_table_has_it(
    old: State, new: State, request_: Request, moves: Mapping[State, frozenset[State]]
) -> None:
    request = replace(request_, state=old)
    if new in moves[old]:
        assert (request.move(new).state, request.move(new).version) == (new, 2)
    else:
        with pytest.raises(IllegalMoveError, match=f"no move leads from {old} to {new}"):
            request.move(new)


def test_what_was_decided_can_neither_be_cancelled_nor_expire() -> None:
    for state in State:
        if state not in AWAITING:
            assert not LIST_MOVES[state] & {State.CANCELLED, State.EXPIRED}


def test_only_work_that_runs_can_have_done_something() -> None:
    """A list that was paused or stopped may have accounts under way, which are its last."""
    for state in State:
        if state is not State.RUNNING:
            assert not MOVES.get(state, frozenset()) & {State.DONE, State.PARTLY, State.UNKNOWN}
        if state not in {State.RUNNING, State.PAUSED, State.STOPPING}:
            assert not LIST_MOVES[state] & {State.DONE, State.PARTLY, State.UNKNOWN}


def test_each_state_waits_for_a_press_or_is_decided_or_has_ended() -> None:
    assert {State.PREVIEWING, State.CHOOSING, State.CONFIRMING, State.APPROVING} == AWAITING
    assert set(State) - AWAITING - ENDED == {State.READY, State.RUNNING, State.PAUSED, State.STOPPING}
    assert all(not MOVES[state] for state in ENDED)


def test_what_was_paused_or_stopped_goes_on_only_where_someone_says_so() -> None:
    assert LIST_MOVES[State.PAUSED] - {State.PAUSED} - ENDED == {State.READY, State.STOPPING}
    assert not LIST_MOVES[State.STOPPING] & {State.READY, State.RUNNING, State.PAUSED}


def test_a_move_changes_what_it_is_told_and_nothing_else() -> None:
    request = awaiting()
    assert request.move(State.CANCELLED, ended_at=NOON) == replace(
        request, state=State.CANCELLED, version=2, ended_at=NOON
    )


def test_a_request_has_the_id_of_what_was_asked() -> None:
    assert awaiting(id="01ABC").id == "01ABC"


def test_a_request_without_a_choice_has_no_account_to_sign_out() -> None:
    with pytest.raises(LookupError):
        _ = choosing().account


def test_ids_of_one_millisecond_sort_in_the_order_in_which_they_were_made_though_others_are_looked_for() -> None:
    made = []
    for _ in range(9):
        first_id_at(NOON - timedelta(days=1))
        made.append(new_id(NOON))
    assert made == sorted(made)
    assert first_id_at(NOON) <= made[0] < made[-1] < first_id_at(NOON + timedelta(milliseconds=1))


def test_ids_sort_by_the_time_they_were_made_at() -> None:
    assert new_id(NOON) < new_id(NOON.replace(microsecond=1000)) < new_id(NOON.replace(year=NOON.year + 1))


@pytest.mark.parametrize(
    ("status", "enabled", "words"),
    [
        ("CONFIRMED", True, "CONFIRMED, enabled"),
        ("CONFIRMED", False, "CONFIRMED, disabled"),
        (None, True, "enabled"),
        ("CONFIRMED", None, "CONFIRMED"),
        (None, None, ""),
    ],
)
def test_an_account_says_what_is_known_of_its_standing(status: str | None, enabled: bool | None, words: str) -> None:  # noqa: FBT001 -- an example
    assert replace(ADA, status=status, enabled=enabled).status_in_words == words


def test_an_account_says_how_its_person_signs_in() -> None:
    assert ADA.sign_in == "local"
    assert replace(ADA, provider="Google").sign_in == "through Google (federated)"
