"""How often the message that shows how far a list is gets edited."""

from collections import deque
from dataclasses import replace
from datetime import timedelta

import pytest
from examples import NOON, StoppedClock, listing
from stand_ins import TakenCards, card_delivery

from bot.audit import entry_of
from bot.deliver import EDITED_EVERY, CardDelivery
from bot.errors import DeliveryError
from bot.request import Request, State
from bot.wiring.stores import Store


class Shown:
    """A list that runs, and the rounds of what shows it."""

    def __init__(self, store: Store) -> None:
        self.store, self.clock, self.cards = store, StoppedClock(), TakenCards()
        self.delivery: CardDelivery = card_delivery(store, self.cards, self.clock)

    def begin(self, request: Request) -> Request:
        self.store.add(request, entry_of(request, NOON), None)
        ready = request.move(State.READY, decided_at=NOON)
        self.store.move(request, ready, entry_of(ready, NOON), None)
        return self.move(ready, State.RUNNING)

    def move(self, before: Request, state: State) -> Request:
        after = before.move(state)
        self.store.move(before, after, None, None)
        return after

    def after(self, seconds: float) -> list[str]:
        """Wait, and let a round go by; return the states that were shown so far."""
        self.clock.sleep(seconds)
        self.delivery.show_due()
        return [state for state, _ in self.cards.progress]


@pytest.fixture
def shown(store: Store) -> Shown:
    return Shown(store)


def test_it_is_edited_every_three_seconds_at_most_and_nothing_is_lost(shown: Shown) -> None:
    request = shown.begin(listing())
    assert shown.after(0) == ["running"]
    request = shown.move(request, State.RUNNING)
    paused = shown.move(request, State.PAUSED)
    assert shown.after(EDITED_EVERY - 0.1) == ["running"]
    assert shown.after(0.1) == ["running", "paused"]
    assert shown.after(9) == ["running", "paused"]
    shown.move(paused, State.STOPPING)
    assert shown.after(0) == ["running", "paused", "stopping"]


def test_each_list_is_edited_in_its_own_time(shown: Shown) -> None:
    shown.begin(listing())
    assert len(shown.after(0)) == 1
    other = listing()
    shown.begin(replace(other, ask=replace(other.ask, id="01JDA0000000000000000000AB")))
    assert len(shown.after(1)) == 2


def test_where_slack_asks_to_wait_no_list_is_edited_for_so_long_though_it_goes_on(shown: Shown) -> None:
    request = shown.begin(listing())
    assert shown.after(0) == ["running"]
    shown.cards.refusals = deque([DeliveryError("ratelimited", retry_after=timedelta(seconds=30))])
    request = shown.move(request, State.RUNNING)
    assert shown.after(EDITED_EVERY) == ["running"]
    shown.move(request, State.RUNNING)
    other = listing()
    shown.begin(replace(other, ask=replace(other.ask, id="01JDA0000000000000000000AB")))
    assert shown.after(29) == ["running"]
    assert shown.after(1) == ["running"] * 3
