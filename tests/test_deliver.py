"""What people are told, until Slack took it: entries for the audit channel, and cards for operators."""

from collections import deque
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from examples import CLICK, COMMAND, NOON, SAM, StoppedClock, approving_in, asked, awaiting, delivered_all
from stand_ins import Channel, TakenCards, added, card_delivery, delivery, meanwhile, moved, ready_in

from bot.audit import Kind, entry_of_ask
from bot.deliver import BETWEEN_REFUSALS, HOLD, POST, PROGRESS_AFTER, SHOWN_HERE, USES
from bot.errors import DeliveryError, StoreUnavailableError
from bot.ports import Left, LiveMessage, MessageKind, Place, lasting
from bot.request import Claim, Operator, Request, State, new_id
from bot.wiring.stores import Store
from bot.work import LEASE

ARCHIVED = DeliveryError("is_archived", for_good=True)
REPAIR_ME = DeliveryError("missing_scope", for_good=True)
GONE = DeliveryError("expired_url", gone=True)
FAILED = DeliveryError("internal_error")
LIMITED = DeliveryError("ratelimited", retry_after=timedelta(seconds=7))
SECOND = timedelta(seconds=1)
TICK = timedelta(microseconds=1)
DIRECT = None


def ended_in(store: Store, state: State = State.DONE, at: datetime = NOON, **changes: Any) -> Request:
    """A request that was decided at noon, and ended then."""
    ready = ready_in(store, **changes)
    return moved(store, ready, state, at, ended_at=at) if state is State.FAILED else run_in(store, ready, state)


def run_in(store: Store, ready: Request, state: State) -> Request:
    """A decided request that was run at noon."""
    running = moved(store, ready, State.RUNNING, claim=Claim(id="1", at=NOON, until=NOON + LEASE))
    return moved(store, running, state, ended_at=NOON)


def shown_by(request: Request) -> LiveMessage:
    """What the process that moved a request notes once it has shown it."""
    return LiveMessage(request_id=request.id, version=request.version)


class TwoClocks(StoppedClock):
    """A clock whose hands were put forward by `ahead`, which `monotonic` does not see."""

    ahead = timedelta(0)

    def now(self) -> datetime:
        """Return what the hands show."""
        return self.time + self.ahead


@pytest.mark.parametrize(("ahead", "left"), [(-POST, 2), (0 * POST, 2), (SECOND, 1), (2 * SECOND, 0), (POST, -28)])
def test_what_is_left_of_a_hold_is_the_lesser_by_the_wall_clock_and_by_the_seconds_that_only_go_on(
    ahead: timedelta, left: int
) -> None:
    clock = TwoClocks()
    hold = lasting(clock, POST)
    assert hold() == POST
    clock.sleep(28)
    clock.ahead = ahead
    assert hold() == left * SECOND


class TestCards:
    def test_progress_is_shown_half_a_second_after_the_decision_and_no_sooner(self, store: Store) -> None:
        clock, cards = StoppedClock(), TakenCards()
        ready_in(store)
        clock.time = NOON + PROGRESS_AFTER - TICK
        card_delivery(store, cards, clock).show_due()
        assert cards.shown == []
        clock.time += TICK
        card_delivery(store, cards, clock).show_due()
        card_delivery(store, cards, clock).show_due()
        assert cards.shown == [("ready", COMMAND.response_url)]

    def test_no_progress_is_shown_where_the_result_was_there_sooner(self, store: Store) -> None:
        clock, cards = StoppedClock(), TakenCards()
        done = run_in(store, ready_in(store), State.DONE)
        store.shown(shown_by(done))
        clock.time = NOON + timedelta(days=1)
        card_delivery(store, cards, clock).show_due()
        assert cards.shown == []

    def test_a_card_that_its_process_did_not_show_is_shown_by_another(self, store: Store) -> None:
        clock, cards = StoppedClock(NOON + SHOWN_HERE - TICK), TakenCards()
        run_in(store, ready_in(store), State.DONE)
        card_delivery(store, cards, clock).show_due()
        assert cards.shown == []
        clock.time += TICK
        card_delivery(store, cards, clock).show_due()
        assert cards.shown == [("done", COMMAND.response_url)]

    def test_a_card_is_drawn_as_the_request_is_when_it_is_shown(self, store: Store) -> None:
        clock, cards = StoppedClock(NOON + SECOND), TakenCards()
        ready = ready_in(store)
        moved(store, ready, State.RUNNING, claim=Claim(id="1", at=NOON, until=NOON + LEASE))
        card_delivery(store, cards, clock).show_due()
        assert cards.shown == [("running", COMMAND.response_url)]

    def test_it_is_tried_again_with_doubling_pauses_until_slack_takes_it(self, store: Store) -> None:
        clock, cards = StoppedClock(NOON + SHOWN_HERE), TakenCards(deque([DeliveryError("fatal_error")] * 12))
        added(store, awaiting(), replace(COMMAND, until=NOON + timedelta(days=1)))
        shows, pauses = card_delivery(store, cards, clock), []
        while not cards.shown:
            before = clock.time
            while not cards.shown and not store.due_messages(clock.time, 1):
                clock.sleep(1)
            pauses.append((clock.time - before).total_seconds())
            shows.show_due()
        assert pauses == [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
        clock.sleep(POST.total_seconds())
        shows.show_due()
        assert len(cards.shown) == 2, "an earlier try may have come late, and hidden what is newer"
        assert store.due_messages(clock.time + timedelta(days=9), 1) == []

    def test_slack_is_not_called_before_it_wants_to_be(self, store: Store) -> None:
        clock, cards = StoppedClock(NOON + SHOWN_HERE), TakenCards(deque([LIMITED]))
        added(store, awaiting())
        card_delivery(store, cards, clock).show_due()
        assert store.due_messages(clock.time + 7 * SECOND - TICK, 9) == []
        clock.sleep(7)
        card_delivery(store, cards, clock).show_due()
        assert cards.shown == [("confirming", COMMAND.response_url)]

    def test_one_that_fails_does_not_hold_up_the_next(self, store: Store) -> None:
        clock, cards = StoppedClock(NOON + SHOWN_HERE), TakenCards(deque([DeliveryError("fatal_error")]))
        added(store, awaiting())
        added(store, awaiting(id=new_id(NOON + SECOND)), replace(COMMAND, response_url="https://hooks.slack.com/2"))
        card_delivery(store, cards, clock).show_due()
        assert cards.shown == [("confirming", "https://hooks.slack.com/2")]

    def test_a_new_state_is_shown_however_often_the_last_one_failed(self, store: Store) -> None:
        clock, cards = StoppedClock(NOON + SHOWN_HERE), TakenCards(deque([DeliveryError("fatal_error")] * 9))
        request, shows = added(store, awaiting()), card_delivery(store, cards, clock)
        while cards.refusals:
            shows.show_due()
            clock.sleep(1)
        moved(store, request, State.CANCELLED, clock.now(), ended_at=clock.now())
        clock.time += SHOWN_HERE
        shows.show_due()
        assert cards.shown == [("cancelled", COMMAND.response_url)]


class TestDirectMessages:
    @pytest.mark.parametrize("state", [State.DONE, State.FAILED, State.UNKNOWN, State.PARTLY])
    def test_an_outcome_whose_response_url_has_ended_goes_to_the_operator_directly(
        self, store: Store, state: State
    ) -> None:
        clock, cards = StoppedClock(COMMAND.until), TakenCards()
        ended_in(store, state)
        card_delivery(store, cards, clock).show_due()
        card_delivery(store, cards, clock).show_due()
        assert cards.shown == [(state.value, DIRECT)]

    def test_so_does_one_whose_place_was_forgotten(self, store: Store) -> None:
        clock, cards = StoppedClock(COMMAND.until), TakenCards()
        ended_in(store)
        store.forget_places(clock.now())
        card_delivery(store, cards, clock).show_due()
        assert cards.shown == [("done", DIRECT)]

    def test_so_does_one_that_slack_takes_no_longer_there(self, store: Store) -> None:
        clock, cards = StoppedClock(NOON + SHOWN_HERE), TakenCards(deque([GONE]))
        ended_in(store)
        card_delivery(store, cards, clock).show_due()
        assert cards.shown == [("done", DIRECT)]

    def test_so_does_one_that_was_not_taken_there_as_often_as_the_address_may_be_used(self, store: Store) -> None:
        clock, cards = StoppedClock(NOON + SHOWN_HERE), TakenCards(deque([DeliveryError("HTTP 503")] * USES))
        ended_in(store)
        shows = card_delivery(store, cards, clock)
        while not cards.shown:
            shows.show_due()
            clock.sleep(1)
        assert clock.now() - NOON < timedelta(minutes=1)
        for _ in range(10):
            clock.sleep(60)
            shows.show_due()
        assert cards.shown == [("done", DIRECT)], "once: no earlier try can hide it"

    def test_where_no_direct_message_is_possible_the_address_is_tried_until_it_ends(self, store: Store) -> None:
        away = DeliveryError("HTTP 503")
        clock, cards = StoppedClock(NOON + SHOWN_HERE), TakenCards(deque([*[away] * USES, GONE, away, GONE]))
        ended_in(store)
        shows = card_delivery(store, cards, clock)
        for _ in range(120):
            shows.show_due()
            clock.sleep(1)
        assert set(cards.shown) == {("done", COMMAND.response_url)}

    @pytest.mark.parametrize("failures", range(3))
    def test_a_direct_message_is_sent_once_however_often_the_card_failed_before(
        self, store: Store, failures: int
    ) -> None:
        clock, cards = StoppedClock(NOON + SHOWN_HERE), TakenCards(deque([DeliveryError("HTTP 503")] * failures))
        ended_in(store)
        shows = card_delivery(store, cards, clock)
        for _ in range(failures):
            shows.show_due()
            clock.sleep(5)
        for _ in range(10):
            cards.refusals = deque([GONE])
            shows.show_due()
            clock.sleep(60)
        assert cards.shown == [("done", DIRECT)]

    def test_a_direct_message_that_slack_never_takes_is_tried_once(self, store: Store) -> None:
        clock, cards = StoppedClock(COMMAND.until), TakenCards(deque([GONE]))
        ended_in(store)
        card_delivery(store, cards, clock).show_due()
        assert not cards.refusals
        clock.sleep(3600)
        card_delivery(store, cards, clock).show_due()
        assert cards.shown == []

    def test_one_that_waits_for_a_repair_is_tried_until_it_is_repaired(self, store: Store) -> None:
        clock, cards = (
            StoppedClock(COMMAND.until),
            TakenCards(deque([DeliveryError("missing_scope", for_good=True)] * 3)),
        )
        ended_in(store)
        for _ in range(4):
            card_delivery(store, cards, clock).show_due()
            clock.sleep(300)
        assert cards.shown == [("done", DIRECT)]

    @pytest.mark.parametrize("state", [State.CONFIRMING, State.READY, State.CANCELLED, State.EXPIRED])
    def test_what_is_no_outcome_is_never_told_directly(self, store: Store, state: State) -> None:
        clock, cards = StoppedClock(COMMAND.until), TakenCards()
        request = added(store, awaiting())
        if state is not State.CONFIRMING:
            moved(store, request, state, decided_at=NOON if state is State.READY else None)
        card_delivery(store, cards, clock).show_due()
        assert cards.shown == []
        assert store.due_messages(NOON + timedelta(days=9), 9) == [], "it is not tried for ever"

    def test_progress_that_slack_takes_no_longer_is_given_up_and_its_outcome_is_not(self, store: Store) -> None:
        clock, cards = StoppedClock(NOON + SECOND), TakenCards(deque([GONE, GONE]))
        ready = ready_in(store)
        card_delivery(store, cards, clock).show_due()
        assert store.due_messages(NOON + timedelta(days=9), 9) == []
        run_in(store, ready, State.DONE)
        clock.time = NOON + SHOWN_HERE
        card_delivery(store, cards, clock).show_due()
        assert cards.shown == [("done", DIRECT)]


class TestExpiredCards:
    def test_an_expired_card_is_replaced_where_it_can_be(self, store: Store) -> None:
        clock, cards = StoppedClock(NOON + timedelta(minutes=6)), TakenCards()
        request = added(store, awaiting(), CLICK)
        moved(store, request, State.EXPIRED, ended_at=NOON)
        card_delivery(store, cards, clock).show_due()
        assert cards.shown == [("expired", CLICK.response_url)]

    def test_where_only_another_message_could_be_posted_none_is(self, store: Store) -> None:
        clock, cards = StoppedClock(NOON + timedelta(minutes=6)), TakenCards()
        request = added(store, awaiting(), COMMAND)
        moved(store, request, State.EXPIRED, ended_at=NOON)
        card_delivery(store, cards, clock).show_due()
        assert cards.shown == []
        assert store.due_messages(NOON + timedelta(days=9), 9) == []


class TestCardRaces:
    def test_a_card_that_another_instance_shows_is_left_to_it_for_a_while(self, store: Store) -> None:
        clock, cards = StoppedClock(NOON + SHOWN_HERE), TakenCards()
        ended_in(store)
        (due,) = store.due_messages(clock.now(), 9)
        assert store.hold_message(due, clock.now() + POST)
        card_delivery(store, cards, clock).show_due()
        assert cards.shown == []
        clock.time += POST
        card_delivery(store, cards, clock).show_due()
        assert cards.shown == [("done", COMMAND.response_url)], "the other one died"

    def test_what_an_instance_that_died_had_on_its_way_may_come_last_so_the_outcome_is_shown_once_more(
        self, store: Store
    ) -> None:
        clock, cards = StoppedClock(NOON + SHOWN_HERE), TakenCards()
        approving = approving_in(store)
        card_delivery(store, cards, clock).show_due()
        ready = moved(store, approving, State.READY, decided_at=NOON)
        (due,) = [each for each in store.due_messages(clock.now(), 9) if each.kind is MessageKind.APPROVAL]
        assert store.hold_message(due, clock.now() + POST), "it shows that the request is ready, and dies"
        claim = Claim(id="claim-2", at=NOON, until=NOON + LEASE)
        claimed = moved(store, ready, State.RUNNING, claim=claim)
        moved(store, claimed, State.FAILED, ended_at=NOON)
        card_delivery(store, cards, clock).show_due()
        assert [state for state, _ in cards.approvals] == ["approving", "failed"]
        clock.time += POST
        card_delivery(store, cards, clock).show_due()
        assert [state for state, _ in cards.approvals] == ["approving", "failed", "failed"]
        clock.time += POST
        card_delivery(store, cards, clock).show_due()
        assert len(cards.approvals) == 3

    def test_a_message_that_was_pressed_before_its_second_posting_was_noted_becomes_what_came_of_it_too(
        self, store: Store
    ) -> None:
        clock, cards = StoppedClock(NOON + SHOWN_HERE), TakenCards()
        approving = approving_in(store)

        def pressed() -> None:  # on the first message, whose answer was lost: the second is posted, but not noted yet
            store.keep_up_to_date(approving.id, "0.9")

        cards.during = pressed
        card_delivery(store, cards, clock).show_due()
        moved(store, approving, State.DENIED, ended_at=NOON)
        card_delivery(store, cards, clock).show_due()
        (_, posted), *edited = cards.approvals
        assert posted is None
        assert set(edited[-2:]) == {("denied", "0.9"), ("denied", "1.0")}

    @pytest.mark.parametrize("number", [0, 1])
    @pytest.mark.parametrize(("error", "tries"), [(DeliveryError("message_not_found", gone=True), 1), (FAILED, 2)])
    def test_a_message_that_cannot_be_edited_keeps_no_other_from_it(
        self, store: Store, number: int, error: DeliveryError, tries: int
    ) -> None:
        clock, cards = StoppedClock(NOON + SHOWN_HERE), TakenCards()
        approving = approving_in(store)
        for ts in ("0.8", "0.9"):
            store.keep_up_to_date(approving.id, ts)
        denied = moved(store, approving, State.DENIED, ended_at=NOON)
        store.shown(LiveMessage(request_id=denied.id, version=denied.version))
        cards.refusals.extend(error if each == number else None for each in (0, 1, 0, 1))
        for _ in range(tries):
            card_delivery(store, cards, clock).show_due()
            clock.time += POST
        assert cards.approvals == [("denied", ("0.8", "0.9")[1 - number])] * tries
        assert bool(store.due_messages(clock.now(), 9)) is (error is FAILED)

    def test_where_one_message_is_gone_and_one_may_still_be_edited_it_is_tried_again(self, store: Store) -> None:
        clock, cards = StoppedClock(NOON + SHOWN_HERE), TakenCards()
        approving = approving_in(store)
        for ts in ("0.7", "0.8", "0.9"):
            store.keep_up_to_date(approving.id, ts)
        cards.refusals.extend([GONE, FAILED, GONE, GONE, None, GONE])
        for _ in range(2):
            card_delivery(store, cards, clock).show_due()
            clock.time += POST
        assert ("approving", "0.8") in cards.approvals

    def test_of_two_instances_that_find_the_same_card_one_shows_it(self, store: Store) -> None:
        clock, cards = StoppedClock(NOON + SHOWN_HERE), TakenCards()
        ended_in(store)
        other = card_delivery(store, cards, clock)
        card_delivery(meanwhile(store, after_due_messages=other.show_due), cards, clock).show_due()
        assert cards.shown == [("done", COMMAND.response_url)]

    @pytest.mark.parametrize(("late", "shown"), [(HOLD, 1), (HOLD + TICK, 0)])
    def test_a_card_that_was_long_to_hold_is_not_shown_since_another_instance_may_have_it_soon(
        self, store: Store, late: timedelta, shown: int
    ) -> None:
        clock, cards = StoppedClock(NOON + SHOWN_HERE), TakenCards()
        ended_in(store)
        slow = meanwhile(store, after_hold_message=lambda: clock.sleep(late.total_seconds()))
        card_delivery(slow, cards, clock).show_due()
        assert len(cards.shown) == shown

    @pytest.mark.parametrize(("late", "shown"), [(POST - TICK, 1), (POST, 0)])
    def test_a_card_that_was_on_its_way_until_its_hold_ended_is_not_sent_and_is_tried_again(
        self, store: Store, late: timedelta, shown: int
    ) -> None:
        clock = StoppedClock(NOON + SHOWN_HERE)
        cards = TakenCards(on_the_way=lambda: clock.sleep(late.total_seconds()))
        ended_in(store)
        card_delivery(store, cards, clock).show_due()
        assert len(cards.shown) == shown
        clock.time += SECOND
        cards.on_the_way = lambda: None
        card_delivery(store, cards, clock).show_due()
        assert cards.shown == [("done", COMMAND.response_url)]

    def test_progress_that_comes_late_does_not_hide_the_result(self, store: Store) -> None:
        clock = StoppedClock(NOON + SECOND)
        ready = ready_in(store)

        def the_result_is_shown() -> None:
            done = run_in(store, ready, State.DONE)
            cards.shown.append(("done", "directly"))
            store.shown(shown_by(done))
            cards.during = lambda: None

        cards = TakenCards(during=the_result_is_shown)
        shows = card_delivery(store, cards, clock)
        shows.show_due()
        shows.show_due()
        assert [state for state, _ in cards.shown] == ["done", "ready", "done"]
        shows.show_due()
        assert len(cards.shown) == 3

    def test_nor_does_it_where_the_result_is_noted_as_shown_only_afterwards(self, store: Store) -> None:
        clock = StoppedClock(NOON + SECOND)
        ready = ready_in(store)
        cards = TakenCards(during=lambda: run_in(store, ready, State.DONE))
        shows = card_delivery(store, cards, clock)
        shows.show_due()  # Slack took the result before this, but was slow to say so
        cards.during = lambda: None
        done = store.get(ready.id)
        assert done
        store.shown(shown_by(done))
        shows.show_due()
        assert [state for state, _ in cards.shown] == ["ready", "done"]

    def test_progress_whose_answer_was_lost_may_come_late_so_the_result_is_shown_after_it(self, store: Store) -> None:
        clock = StoppedClock(NOON + SECOND)
        ready = ready_in(store)

        class Lost(TakenCards):
            def show(self, request: Request, place: Place | None, left: Left) -> None:
                super().show(request, place, left)
                raise DeliveryError("TimeoutError")

        card_delivery(store, Lost(during=lambda: run_in(store, ready, State.DONE)), clock).show_due()
        done = store.get(ready.id)
        assert done
        store.shown(shown_by(done))  # Slack took the result before the progress
        cards = TakenCards()
        card_delivery(store, cards, clock).show_due()
        assert cards.shown == [("done", COMMAND.response_url)]

    def test_a_card_that_is_given_up_takes_no_newer_one_with_it(self, store: Store) -> None:
        """It was found to have no way to its operator; before that is noted, the request ends."""
        clock, cards = StoppedClock(COMMAND.until), TakenCards()
        ready = ready_in(store)
        overtaken = meanwhile(store, after_get=lambda: run_in(store, ready, State.DONE))
        card_delivery(overtaken, cards, clock).show_due()
        assert cards.shown == []
        card_delivery(store, cards, clock).show_due()
        assert cards.shown == [("done", DIRECT)]

    def test_a_kill_between_slacks_yes_and_its_note_shows_the_card_once_more(self, store: Store) -> None:
        def killed() -> None:
            raise KeyboardInterrupt

        clock, cards = StoppedClock(NOON + SHOWN_HERE), TakenCards()
        ended_in(store)
        with pytest.raises(KeyboardInterrupt):
            card_delivery(meanwhile(store, before_shown=killed), cards, clock).show_due()
        clock.time += POST
        for _ in range(3):
            card_delivery(store, cards, clock).show_due()
            clock.sleep(60)
        assert [state for state, _ in cards.shown] == ["done", "done"]

    def test_a_card_that_reads_differently_now_is_shown_again_also_while_it_is_being_shown(self, store: Store) -> None:
        clock = StoppedClock(NOON + SHOWN_HERE)
        done = ended_in(store)
        cards = TakenCards(during=lambda: store.show_again(done.id))
        shows = card_delivery(store, cards, clock)
        shows.show_due()
        cards.during = lambda: None
        shows.show_due()
        shows.show_due()
        assert [state for state, _ in cards.shown] == ["done", "done"]

    def test_a_request_that_was_forgotten_meanwhile_breaks_nothing(self, store: Store) -> None:
        clock, cards = StoppedClock(NOON + SHOWN_HERE), TakenCards()
        ended_in(store)
        forgetful = meanwhile(store)
        forgetful.get = lambda _: None
        card_delivery(forgetful, cards, clock).show_due()
        assert cards.shown == []
        assert store.due_messages(NOON + timedelta(days=9), 9) == []


def fail(store: Store, target: str, clock: StoppedClock) -> None:
    ended_in(store, State.FAILED, clock.now(), target=target)


def refuse(store: Store, target: str, clock: StoppedClock, operator: Operator = SAM) -> None:
    store.record(entry_of_ask(Kind.REFUSED, asked(target, operator=operator), "not allowed", clock.now()))


class TestAuditChannel:
    def test_entries_are_delivered_oldest_first_and_each_once(self, store: Store) -> None:
        clock = StoppedClock()
        channel = Channel(clock)
        deliver = delivery(store, channel).deliver
        for target in ("ada", "grace"):
            ended_in(store, State.FAILED, clock.now(), target=target)
            clock.sleep(1)
        deliver()
        deliver()
        assert channel.posts == ["ada", "grace"]

    @pytest.mark.parametrize("kind", [Kind.OPENED, Kind.CONFIRMED, Kind.CANCELLED, Kind.EXPIRED, Kind.NOT_FOUND])
    def test_what_is_recorded_only_is_never_posted(self, store: Store, kind: Kind) -> None:
        channel = Channel(StoppedClock())
        store.record(entry_of_ask(kind, asked(), "rule", NOON))
        delivery(store, channel).deliver()
        assert channel.posts == []

    def test_an_entry_is_tried_again_with_doubling_pauses_for_ever(self, store: Store) -> None:
        clock = StoppedClock()
        channel = Channel(clock, [DeliveryError("fatal_error")] * 12)
        deliver = delivery(store, channel).deliver
        fail(store, "ada", clock)
        while not channel.posts:
            clock.sleep(deliver())
        pauses = [(later - before).total_seconds() for before, later in pairwise(channel.asked_at)]
        assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
        assert channel.posts == ["ada"]

    def test_the_store_is_looked_at_again_when_the_next_entry_is_due_and_every_five_seconds(self, store: Store) -> None:
        clock = StoppedClock()
        deliver = delivery(store, Channel(clock, [DeliveryError("fatal_error")] * 9)).deliver
        assert deliver() == 5, "another process may write"
        fail(store, "ada", clock)
        assert deliver() == 1
        clock.sleep(1 - 0.001)
        assert deliver() == 0.1, "it is never busy"

    def test_retry_after_holds_the_whole_channel_until_it_is_over(self, store: Store) -> None:
        clock = StoppedClock()
        channel = Channel(clock, [LIMITED])
        deliver = delivery(store, channel).deliver
        fail(store, "ada", clock)
        deliver()
        fail(store, "grace", clock)
        clock.sleep(6.9)
        deliver()
        assert channel.posts == []
        clock.sleep(0.2)
        deliver()
        assert channel.posts == ["ada", "grace"]

    def test_a_channel_that_asks_not_to_be_called_gets_nothing_more_in_that_round(self, store: Store) -> None:
        clock = StoppedClock()
        channel = Channel(clock, [LIMITED])
        fail(store, "ada", clock)
        fail(store, "grace", clock)
        delivery(store, channel).deliver()
        assert channel.posts == []

    def test_a_channel_that_has_to_be_repaired_is_asked_once_a_round_however_much_waits(self, store: Store) -> None:
        clock = StoppedClock()
        channel = Channel(clock, [ARCHIVED] * 99)
        for number in range(40):
            fail(store, f"target-{number}", clock)
        deliver = delivery(store, channel).deliver
        for asked_so_far in (1, 2, 3):
            clock.sleep(deliver())
            assert len(channel.asked_at) == asked_so_far

    def test_an_entry_that_fails_does_not_hold_up_the_next(self, store: Store) -> None:
        clock = StoppedClock()
        channel = Channel(clock, [DeliveryError("some_error")])
        deliver = delivery(store, channel).deliver
        fail(store, "ada", clock)
        clock.sleep(1)
        fail(store, "grace", clock)
        deliver()
        assert channel.posts == ["grace"]

    def test_an_outcome_is_posted_before_any_refusal_that_waits(self, store: Store) -> None:
        clock = StoppedClock()
        channel = Channel(clock)
        deliver = delivery(store, channel).deliver
        for number in range(60):
            refuse(store, f"target-{number}", clock)
        clock.sleep(10)
        ended_in(store, State.FAILED, clock.now(), target="ada")
        clock.sleep(deliver())
        assert channel.posts == ["ada"]
        clock.sleep(deliver())
        assert channel.posts == ["ada", "target-0"]
        ended_in(store, State.FAILED, clock.now(), target="grace")
        clock.sleep(deliver())
        assert channel.posts == ["ada", "target-0", "grace"]

    def test_refusals_leave_the_channel_room_for_outcomes_and_come_one_after_the_other(self, store: Store) -> None:
        clock = StoppedClock()
        channel = Channel(clock)
        deliver = delivery(store, channel).deliver
        for number in range(3):
            refuse(store, f"target-{number}", clock)
        while store.next_entry_at(refused=True):
            clock.sleep(deliver())
        assert channel.posts == ["target-0", "target-1", "target-2"]
        assert [later - before for before, later in pairwise(channel.asked_at)] == [BETWEEN_REFUSALS] * 2

    def test_where_slack_takes_no_more_refusals_they_wait_and_an_outcome_does_not(self, store: Store) -> None:
        clock = StoppedClock()
        channel = Channel(clock, [LIMITED])
        rule = delivery(store, channel)
        for number in range(2):
            refuse(store, f"target-{number}", clock)
        clock.sleep(rule.deliver())
        fail(store, "ada", clock)
        clock.sleep(rule.deliver())
        assert channel.posts == ["ada"]
        assert rule.refusing is None
        while store.next_entry_at(refused=True):
            clock.sleep(rule.deliver())
        assert sorted(channel.posts[1:]) == ["target-0", "target-1"]
        assert [at - NOON for at in channel.asked_at if at > NOON][1] >= timedelta(seconds=7), "as Slack wants it"

    def test_a_refusal_that_fails_holds_up_no_other(self, store: Store) -> None:
        clock = StoppedClock()
        channel = Channel(clock, [DeliveryError("fatal_error")])
        deliver = delivery(store, channel).deliver
        for number in range(3):
            refuse(store, f"target-{number}", clock)
        for _ in range(3):
            clock.sleep(deliver())
        assert channel.posts == ["target-1", "target-2"]

    def test_what_slack_took_is_not_posted_again_while_the_store_cannot_say_so(self, store: Store) -> None:
        def away() -> None:
            raise StoreUnavailableError("away")

        clock = StoppedClock()
        channel = Channel(clock)
        rule = delivery(meanwhile(store, before_delivered=away), channel)
        fail(store, "ada", clock)
        for _ in range(3):
            with pytest.raises(StoreUnavailableError):
                rule.deliver()
        assert channel.posts == ["ada"]
        rule.outbox = store
        rule.deliver()
        assert channel.posts == ["ada"]
        assert store.next_entry_at() is None

    def test_a_refusal_told_by_a_clock_that_was_ahead_holds_nothing_up(self, store: Store) -> None:
        clock = StoppedClock(NOON + timedelta(days=30))
        channel = Channel(clock)
        rule = delivery(store, channel)
        refuse(store, "ada", clock)
        rule.deliver()
        clock.time = NOON
        refuse(store, "grace", clock)
        rule.deliver()
        assert channel.posts == ["ada", "grace"]

    def test_a_pause_set_by_a_clock_that_was_ahead_holds_nothing_up(self, store: Store) -> None:
        clock = StoppedClock(NOON + timedelta(hours=3))
        channel = Channel(clock, [LIMITED] * 2)
        deliver = delivery(store, channel).deliver
        fail(store, "ada", clock)
        deliver()
        clock.time = NOON
        fail(store, "grace", clock)
        deliver()
        assert channel.refusals == []
        clock.sleep(6.9)
        deliver()
        assert channel.posts == [], "the second pause is kept"
        clock.sleep(0.2)
        deliver()
        assert channel.posts == ["grace"]

    def test_an_entry_held_by_another_instance_is_left_to_it_while_it_may_be_posting(self, store: Store) -> None:
        clock = StoppedClock()
        channel = Channel(clock)
        fail(store, "ada", clock)
        (due,) = store.due_entries(clock.now(), 9)
        held = store.hold(due, clock.now() + POST)
        assert held
        delivery(store, channel).deliver()
        assert channel.posts == []
        clock.sleep(POST.total_seconds())
        delivery(store, channel).deliver()
        assert channel.posts == ["ada"], "the other one died"
        store.postponed(held, clock.now())
        assert store.next_entry_at() is None, "and if it did not, it changes nothing any more"

    @pytest.mark.parametrize(("late", "posts"), [(HOLD, ["ada"]), (HOLD + TICK, [])])
    def test_an_entry_that_was_long_to_hold_is_not_posted_since_another_instance_may_have_it_soon(
        self, store: Store, late: timedelta, posts: list[str]
    ) -> None:
        clock = StoppedClock()
        channel = Channel(clock)
        fail(store, "ada", clock)
        slow = meanwhile(store, after_hold=lambda: clock.sleep(late.total_seconds()))
        delivery(slow, channel).deliver()
        assert channel.posts == posts
        clock.sleep(POST.total_seconds())
        delivery(store, channel).deliver()
        assert channel.posts == ["ada"], "once it was free again, it was posted"

    @pytest.mark.parametrize(("late", "posts"), [(POST - TICK, ["ada"]), (POST, [])])
    def test_an_entry_that_was_on_its_way_until_its_hold_ended_is_not_posted_and_is_tried_again(
        self, store: Store, late: timedelta, posts: list[str]
    ) -> None:
        clock = StoppedClock()
        channel = Channel(clock, on_the_way=lambda: clock.sleep(late.total_seconds()))
        fail(store, "ada", clock)
        delivers = delivery(store, channel)
        delivers.deliver()
        assert channel.posts == posts
        assert delivers.refusing is None, "that says nothing of the channel"
        clock.sleep(1)
        channel.on_the_way = lambda: None
        delivers.deliver()
        assert channel.posts == ["ada"]

    def test_an_entry_that_another_instance_posts_meanwhile_breaks_no_round(self, store: Store) -> None:
        clock = StoppedClock()
        channel = Channel(clock)
        fail(store, "ada", clock)
        posted_elsewhere = meanwhile(store, before_hold=lambda: delivered_all(store, clock.now()))
        delivery(posted_elsewhere, channel).deliver()
        assert channel.posts == []

    def test_a_channel_that_has_to_be_repaired_is_told_once_until_it_takes_an_entry_again(self, store: Store) -> None:
        clock = StoppedClock()
        channel = Channel(clock, [ARCHIVED, DeliveryError("TimeoutError"), ARCHIVED])
        done = ended_in(store)
        store.shown(shown_by(done))
        rule, again = delivery(store, channel), 0
        for refusing in ("is_archived", "is_archived", "is_archived", None):
            pause = rule.deliver()
            assert rule.refusing == refusing
            for card in store.due_messages(clock.now(), 9):  # since the card says that the entry waits
                again += 1
                held = store.hold_message(card, clock.now() + POST)
                assert held
                store.shown(held)
            clock.sleep(pause)
        assert again == 1
        assert channel.posts == ["ada"]

    def test_a_channel_that_takes_another_instances_messages_is_not_said_to_refuse(self, store: Store) -> None:
        clock = StoppedClock()
        channel = Channel(clock, [ARCHIVED])
        here, there = delivery(store, channel), delivery(store, channel)
        fail(store, "ada", clock)
        here.deliver()
        clock.sleep(1)
        there.deliver()
        assert channel.posts == ["ada"]
        assert here.refusing == "is_archived"
        here.deliver()
        assert here.refusing is None

    def test_a_channel_in_passing_trouble_is_not_said_to_refuse(self, store: Store) -> None:
        clock = StoppedClock()
        done = ended_in(store)
        store.shown(shown_by(done))
        rule = delivery(store, Channel(clock, [LIMITED]))
        rule.deliver()
        assert rule.refusing is None
        assert store.due_messages(clock.now(), 9) == [], "no card says so either"

    def test_a_channel_that_has_to_be_repaired_is_asked_once_a_round(self, store: Store) -> None:
        clock = StoppedClock()
        channel = Channel(clock, [ARCHIVED] * 5)
        rule = delivery(store, channel)
        for number in range(40):
            ended_in(store, State.FAILED, clock.now(), target=f"target-{number}")
        for times in (1, 2, 3):
            pause = rule.deliver()
            assert len(channel.asked_at) == times
            rule.deliver()
            assert len(channel.asked_at) == times, "and not again before the pause is over"
            clock.sleep(pause)
        while store.next_entry_at():
            clock.sleep(rule.deliver())
        assert channel.posts == [f"target-{number}" for number in range(40)]

    def test_entries_that_waited_for_a_repair_come_oldest_first(self, store: Store) -> None:
        clock = StoppedClock()
        channel = Channel(clock, [ARCHIVED] * 6)
        rule = delivery(store, channel)
        for name in ("ada", "grace", "alan"):
            fail(store, name, clock)
            clock.sleep(3)
            rule.deliver()
        while store.next_entry_at():
            clock.sleep(rule.deliver())
        assert channel.posts == ["ada", "grace", "alan"]
