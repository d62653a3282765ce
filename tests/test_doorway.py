"""Where commands and presses come in: who is not known yet takes no place that operators need."""

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from examples import KIM, SAM
from stand_ins import StepLane

from bot.edge.lanes import OF_ONE_NEWCOMER, REMEMBERED, Doorway, ThreadLane
from bot.errors import BusyError
from bot.request import Operator


def entrance(room: int = 99) -> tuple[Doorway, StepLane, StepLane]:
    lane, newcomers_lane = StepLane(room), StepLane(room)
    return Doorway(lane=lane, newcomers_lane=newcomers_lane, named=frozenset({SAM.id})), lane, newcomers_lane


def nothing() -> None:
    pass


def strangers(count: int) -> list[Operator]:
    return [replace(KIM, id=f"U0STRANGER{number}") for number in range(count)]


def admitted(door: Doorway, who: Operator, times: int, work: Callable[[], object] = nothing) -> int:
    """Return how many of these were begun."""
    begun = 0
    for _ in range(times):
        try:
            door.run(who, "x", work)
            begun += 1
        except BusyError:
            pass
    return begun


def test_who_is_listed_has_the_operators_lane_from_the_start() -> None:
    door, lane, newcomers_lane = entrance()
    door.run(SAM, "x", nothing)
    assert (len(lane.works), len(newcomers_lane.works)) == (1, 0)


def test_who_was_allowed_has_it_from_then_on_and_who_was_refused_no_longer() -> None:
    door, lane, newcomers_lane = entrance()
    door.run(KIM, "x", nothing)
    door.note(KIM, allowed=True)
    door.run(KIM, "x", nothing)
    assert (len(lane.works), len(newcomers_lane.works)) == (1, 1)
    assert not door.knows(replace(KIM, team_id="T0OTHER001"))
    door.note(KIM, allowed=False)
    door.run(KIM, "x", nothing)
    assert (len(lane.works), len(newcomers_lane.works)) == (1, 2)


def test_of_one_newcomer_few_are_under_way_and_more_once_these_are_over() -> None:
    door, _, newcomers_lane = entrance()
    assert admitted(door, KIM, 70) == OF_ONE_NEWCOMER
    newcomers_lane.do()
    assert admitted(door, KIM, 70) == OF_ONE_NEWCOMER


def test_a_newcomer_whose_commands_are_under_way_may_still_press_a_button() -> None:
    door, _, newcomers_lane = entrance()
    assert admitted(door, KIM, 70) == OF_ONE_NEWCOMER
    door.run(KIM, "x", nothing, urgent=True)
    with pytest.raises(BusyError):
        door.run(KIM, "x", nothing, urgent=True)
    assert len(newcomers_lane.works) == OF_ONE_NEWCOMER + 1


def test_a_newcomer_whose_work_fails_or_found_no_room_holds_no_place() -> None:
    door, _, newcomers_lane = entrance(room=1)
    assert admitted(door, KIM, 9) == 0
    newcomers_lane.room = 99

    def fails() -> None:
        raise RuntimeError

    for _ in range(9):
        assert admitted(door, KIM, 1, fails) == 1
        with pytest.raises(RuntimeError):
            newcomers_lane.do()
    assert not door._inside, "nothing is kept of who is gone"


@pytest.mark.parametrize("count", [1, 200])
def test_strangers_fill_no_lane_of_operators_however_many_they_are(count: int) -> None:
    lane, newcomers_lane = ThreadLane("slack", 2), ThreadLane("newcomers", 2)
    door = Doorway(lane=lane, newcomers_lane=newcomers_lane, named=frozenset({SAM.id}))
    hold, gone = threading.Event(), list[str]()
    for who in strangers(count):
        admitted(door, who, 9, hold.wait)
    door.run(SAM, "x", lambda: gone.append("sam"))
    assert lane.join(10)
    assert gone == ["sam"]
    hold.set()
    for each in (lane, newcomers_lane):
        assert each.join(10)
        each.stop()


def test_a_bounded_number_of_operators_is_remembered_the_latest_first() -> None:
    door, _, __ = entrance()
    everyone = strangers(REMEMBERED + 1)
    for who in everyone[:-1]:
        door.note(who, allowed=True)
    door.note(everyone[0], allowed=True)
    door.note(everyone[-1], allowed=True)
    assert [door.knows(who) for who in (everyone[0], everyone[1], everyone[-1])] == [True, False, True]
    assert len(door._allowed) == REMEMBERED
