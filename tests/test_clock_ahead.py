"""What was written while a clock was 30 days ahead, once it is right and an answer has said so: on each store."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime

import pytest
from examples import (
    NOON,
    SAM,
    ScriptedPool,
    StoppedClock,
    added_to,
    asked,
    claimed_in,
    confirmations,
    decided_in,
    worker,
)
from stand_ins import Channel, TakenCards

from bot.action import Done
from bot.audit import Kind, entry_of_ask
from bot.decide import LONGEST_WAIT, AlreadyDecidedError, Press
from bot.deliver import BETWEEN_REFUSALS, CardDelivery, EntryDelivery
from bot.errors import INTERRUPTED, TOO_LATE
from bot.facts.clock import CheckedClock
from bot.ports import Show
from bot.request import State, new_id
from bot.wiring.stores import Store
from bot.work import LEASE

AHEAD = NOON + timedelta(days=30)
CONFIRM_WITHIN = timedelta(minutes=5)


@pytest.fixture(params=["sqlite", pytest.param("dynamodb", marks=pytest.mark.long("a server"))])
def store(request: pytest.FixtureRequest) -> Store:
    opened: Store = request.getfixturevalue(f"{request.param}_store")
    return opened


@dataclass
class RightClock:
    """A clock that is right, and whether it was confirmed."""

    real: StoppedClock = field(default_factory=StoppedClock)

    def __post_init__(self) -> None:
        self.checked = CheckedClock(self.real)

    def confirm(self) -> None:
        self.checked.answered(self.checked.read(), {"Date": format_datetime(self.real.now(), usegmt=True)})


@pytest.fixture
def clock() -> RightClock:
    return RightClock()


def test_an_entry_is_delivered_at_once(store: Store, clock: RightClock) -> None:
    times = {"ada": AHEAD, "bob": AHEAD + timedelta(seconds=1)}
    entries = [entry_of_ask(Kind.REFUSED, asked(name, id=new_id(at)), "no", at) for name, at in times.items()]
    for entry in entries:
        store.record(entry)
    store.postponed(entries[0], AHEAD + timedelta(minutes=5))
    channel = Channel(clock.real)
    deliver = EntryDelivery(outbox=store, channel=channel, clock=clock.checked, jitter=lambda: 1.0).deliver
    deliver()
    assert channel.posts == [], "whose clock is wrong is not known yet"
    clock.confirm()
    deliver()
    clock.real.sleep(BETWEEN_REFUSALS.total_seconds())
    deliver()
    assert sorted(channel.posts) == ["ada", "bob"]
    assert store.next_entry_at() is None


def test_what_another_is_posting_just_now_is_left_to_it(store: Store, clock: RightClock) -> None:
    entry = entry_of_ask(Kind.REFUSED, asked(), "no", NOON)
    store.record(entry)
    store.hold(entry, NOON + timedelta(seconds=30))
    clock.confirm()
    channel = Channel(clock.real)
    EntryDelivery(outbox=store, channel=channel, clock=clock.checked, jitter=lambda: 1.0).deliver()
    assert channel.posts == []


def test_a_card_is_shown_at_once(store: Store, clock: RightClock) -> None:
    ready = decided_in(store, show=Show(at=AHEAD))
    ended = ready.move(State.FAILED, ended_at=AHEAD)
    store.move(ready, ended, None, Show(at=AHEAD))
    cards = TakenCards()
    rule = CardDelivery(
        outbox=store,
        requests=store,
        cards=cards,
        clock=clock.checked,
        jitter=lambda: 1.0,
    )
    rule.show_due()
    assert cards.shown == []
    clock.confirm()
    rule.show_due()
    assert cards.shown == [("failed", None)]


def test_a_dead_claim_is_found_and_no_call_leaves_for_a_decision_of_which_no_one_knows_when_it_was(
    store: Store, clock: RightClock
) -> None:
    claimed = claimed_in(store, AHEAD)
    pool = ScriptedPool([], clock.real)
    rule = worker(store, pool, clock.checked)
    assert rule.waiting() == []
    clock.confirm()
    assert rule.waiting() == [claimed]
    ended = rule.run(claimed)
    assert ended
    assert (ended.state, ended.error_code, pool.called_at) == (State.UNKNOWN, INTERRUPTED, [])
    assert rule.waiting() == []


def test_a_dead_claim_of_a_decision_that_is_young_is_carried_out(store: Store, clock: RightClock) -> None:
    ready = decided_in(store, NOON)
    far = AHEAD + LEASE
    claim = claimed_in(store, AHEAD).claim
    store.move(ready, claimed := ready.move(State.RUNNING, claim=claim), None, None)
    assert claimed.claim
    assert claimed.claim.until == far
    clock.confirm()
    rule = worker(store, ScriptedPool([Done("1")], clock.real), clock.checked)
    assert claimed in rule.waiting()
    ended = rule.run(claimed)
    assert ended
    assert ended.state is State.DONE


@pytest.mark.parametrize("source", ["slack", "terminal"])
def test_a_decision_of_which_no_one_knows_when_it_was_fails_and_nothing_is_sent(
    store: Store, clock: RightClock, source: str
) -> None:
    ready = decided_in(store, AHEAD, source=source)
    pool = ScriptedPool([], clock.real)
    rule = worker(store, pool, clock.checked)
    clock.confirm()
    assert rule.waiting() == [ready]
    ended = rule.run(ready)
    assert ended
    assert (ended.state, ended.error_code, pool.called_at) == (State.FAILED, TOO_LATE, [])


def test_a_claim_whose_lease_runs_is_left_to_its_holder(store: Store, clock: RightClock) -> None:
    claimed_in(store, NOON + timedelta(seconds=5))  # by a clock that differs as much as clocks may
    clock.confirm()
    assert worker(store, ScriptedPool([], clock.real), clock.checked).waiting() == []


@pytest.mark.parametrize("age", [timedelta(0), timedelta(days=3)])
def test_a_five_minute_card_cannot_be_pressed_for_days(store: Store, clock: RightClock, age: timedelta) -> None:
    opened_at = NOON + timedelta(days=3, minutes=2)
    card = added_to(store, opened_at, expires_at=opened_at + CONFIRM_WITHIN)
    clock.confirm()
    rules = confirmations(store, clock.checked, confirm_within=CONFIRM_WITHIN)
    if age:
        rules.expire()  # once the clock is right, and long before the press
    clock.real.sleep(age.total_seconds())
    with pytest.raises(AlreadyDecidedError) as caught:
        rules.confirm(Press(request_id=card.id, operator=SAM))
    assert caught.value.request.state is State.EXPIRED
    assert caught.value.request.decided_at is None


def test_a_card_of_an_instance_whose_clock_is_some_seconds_ahead_can_be_pressed(
    store: Store, clock: RightClock
) -> None:
    at: datetime = NOON + timedelta(seconds=4.9)
    card = added_to(store, at, expires_at=at + CONFIRM_WITHIN)
    clock.confirm()
    rules = confirmations(store, clock.checked, confirm_within=CONFIRM_WITHIN)
    rules.expire()
    assert rules.confirm(Press(request_id=card.id, operator=SAM)).state is State.READY


def test_a_card_of_an_instance_with_a_longer_wait_keeps_its_wait(store: Store, clock: RightClock) -> None:
    """As while an instance with another `confirm_within` takes over."""
    clock.confirm()
    before, after = (
        confirmations(store, clock.checked, confirm_within=length) for length in (LONGEST_WAIT, CONFIRM_WITHIN)
    )
    left, pressed = (
        before.open(before.authorize(ask), ask, None)
        for ask in (asked(), asked(id=new_id(NOON + timedelta(seconds=1))))
    )
    after.expire()
    assert store.get(left.id) == left
    assert after.confirm(Press(request_id=pressed.id, operator=SAM)).state is State.READY
