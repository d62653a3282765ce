"""What a killed process left behind, and the delivery of audit entries."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from examples import NOON, SAM, ScriptedPool, StoppedClock, asked, awaiting, claimed_in, sign_outs

from bot.audit import AuditEntry, Kind, entry_of, entry_of_ask
from bot.errors import DeliveryError, StoreUnavailableError
from bot.ports import SignedOut
from bot.recover import Delivery, Recovery
from bot.request import Operator, State
from bot.sign_out import LEASE
from bot.stores.sqlite import SQLiteStore

YES = SignedOut("aws-yes")


@dataclass
class Channel:
    """An audit channel that refuses as often as it was told to."""

    clock: StoppedClock
    refusals: list[DeliveryError] = field(default_factory=list)
    posts: list[list[str]] = field(default_factory=list)
    during: Callable[[], object] = lambda: None

    def post(self, entries: Sequence[AuditEntry]) -> str:
        """Take the entries, or refuse."""
        if self.refusals:
            raise self.refusals.pop(0)
        self.during()
        self.posts.append([entry.target for entry in entries])
        return f"{len(self.posts)}.0"


def delivery(store: SQLiteStore, channel: Channel, kept: Callable[[AuditEntry], None] = lambda _: None) -> Delivery:
    return Delivery(store=store, channel=channel, clock=channel.clock, jitter=lambda: 1.0, kept=kept)


def refuse(store: SQLiteStore, target: str, clock: StoppedClock, operator: Operator = SAM) -> None:
    store.record(entry_of_ask(Kind.REFUSED, asked(target, operator=operator), "not allowed", clock.now()))


def test_a_claim_is_left_alone_until_its_lease_is_over_on_every_clock(store: SQLiteStore) -> None:
    clock = StoppedClock()
    recovery = Recovery(sign_outs=sign_outs(store, ScriptedPool([YES], clock), clock), store=store, clock=clock)
    claimed = claimed_in(store)
    clock.time = NOON + LEASE + timedelta(seconds=5)
    assert recovery.dead_claims() == []
    clock.time += timedelta(seconds=0.001)
    assert recovery.dead_claims() == [claimed]


def test_a_dead_claim_is_resumed_once_with_a_claim_and_lease_of_its_own(store: SQLiteStore) -> None:
    clock = StoppedClock()
    pool = ScriptedPool([YES], clock)
    recovery = Recovery(sign_outs=sign_outs(store, pool, clock), store=store, clock=clock)
    dead = claimed_in(store)
    clock.time = NOON + timedelta(minutes=1)
    ended = recovery.resume(dead)
    assert ended
    assert (ended.state, ended.resumed) == (State.SIGNED_OUT, True)
    assert ended.claim_id != dead.claim_id
    assert ended.claimed_at == dead.claimed_at, "resume_within counts from the click"
    assert recovery.resume(dead) is None, "another instance comes too late"
    assert len(pool.called_at) == 1


def test_a_claim_older_than_resume_within_becomes_unknown_without_a_call(store: SQLiteStore) -> None:
    clock = StoppedClock()
    pool = ScriptedPool([YES], clock)
    recovery = Recovery(sign_outs=sign_outs(store, pool, clock), store=store, clock=clock)
    dead = claimed_in(store)
    clock.time = NOON + timedelta(minutes=5, seconds=1)
    ended = recovery.resume(dead)
    assert ended
    assert ended.state is State.UNKNOWN
    assert pool.called_at == []
    assert [entry.kind for entry in store.undelivered(clock.now(), 9)] == [Kind.UNKNOWN]


def test_response_urls_are_forgotten_after_thirty_minutes(store: SQLiteStore) -> None:
    clock = StoppedClock()
    recovery = Recovery(sign_outs=sign_outs(store, ScriptedPool([], clock), clock), store=store, clock=clock)
    request = awaiting()
    store.add(request, entry_of(request, NOON))
    clock.time = NOON + timedelta(minutes=30)
    recovery.wipe_response_urls()
    assert store.get(request.id) == request
    clock.time += timedelta(seconds=1)
    recovery.wipe_response_urls()
    stored = store.get(request.id)
    assert stored
    assert stored.response_url is None


def test_entries_are_delivered_oldest_first_and_each_once(store: SQLiteStore) -> None:
    clock = StoppedClock()
    channel = Channel(clock)
    deliver = delivery(store, channel).deliver
    for target in ("ada", "grace"):
        request = awaiting(target=target)
        store.add(request, entry_of(request, clock.now()))
        claimed = request.move(State.SIGNING_OUT)
        store.advance(request, claimed, entry_of(claimed, clock.now()))
        store.advance(claimed, claimed.move(State.FAILED), entry_of(claimed.move(State.FAILED), clock.now()))
        clock.sleep(1)
    assert deliver() is None
    assert deliver() is None
    assert channel.posts == [["ada"], ["grace"]]


def test_an_entry_is_tried_again_with_doubling_pauses_for_ever(store: SQLiteStore) -> None:
    clock = StoppedClock()
    channel = Channel(clock, [DeliveryError("fatal_error")] * 12)
    deliver = delivery(store, channel).deliver
    refuse(store, "ada", clock)
    pauses = []
    while (pause := deliver()) is not None:
        pauses.append(pause.total_seconds())
        clock.sleep(pause.total_seconds())
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    assert channel.posts == [["ada"]]


def test_retry_after_holds_the_whole_channel_until_it_is_over(store: SQLiteStore) -> None:
    clock = StoppedClock()
    channel = Channel(clock, [DeliveryError("ratelimited", retry_after=timedelta(seconds=7))])
    deliver = delivery(store, channel).deliver
    refuse(store, "ada", clock)
    assert deliver() == timedelta(seconds=7)
    refuse(store, "grace", clock, Operator(team_id="T0SIGNOUT1", id="U0KIM00001", name="kim"))
    clock.sleep(6.9)
    deliver()
    assert channel.posts == []
    clock.sleep(0.2)
    deliver()
    assert channel.posts == [["ada"], ["grace"]]


def test_whoever_asks_to_be_left_alone_hears_of_nothing_more_in_that_round(store: SQLiteStore) -> None:
    clock = StoppedClock()
    channel = Channel(clock, [DeliveryError("ratelimited", retry_after=timedelta(seconds=7))])
    refuse(store, "ada", clock)
    refuse(store, "grace", clock, Operator(team_id="T0SIGNOUT1", id="U0KIM00001", name="kim"))
    delivery(store, channel).deliver()
    assert channel.posts == []


def test_an_entry_that_fails_does_not_hold_up_the_next(store: SQLiteStore) -> None:
    clock = StoppedClock()
    channel = Channel(clock, [DeliveryError("some_error")])
    deliver = delivery(store, channel).deliver
    refuse(store, "ada", clock)
    clock.sleep(1)
    refuse(store, "grace", clock, Operator(team_id="T0SIGNOUT1", id="U0KIM00001", name="kim"))
    deliver()
    assert channel.posts == [["grace"]]


def test_an_operators_refusals_are_told_at_once_then_once_a_minute_together(store: SQLiteStore) -> None:
    clock = StoppedClock()
    channel = Channel(clock)
    deliver = delivery(store, channel).deliver
    for number in range(5):
        refuse(store, f"target-{number}", clock)
        deliver()
        clock.sleep(10)
    assert channel.posts == [["target-0"]]
    clock.sleep(9.9)
    deliver()
    assert len(channel.posts) == 1
    clock.sleep(0.2)
    deliver()
    assert channel.posts[1:] == [["target-1", "target-2", "target-3", "target-4"]]


@pytest.mark.parametrize("kind", [Kind.OPENED, Kind.CONFIRMED, Kind.CANCELLED, Kind.EXPIRED, Kind.NOT_FOUND])
def test_what_is_recorded_only_is_never_posted(store: SQLiteStore, kind: Kind) -> None:
    clock = StoppedClock()
    channel = Channel(clock)
    store.record(entry_of_ask(kind, asked(), "rule", clock.now()))
    assert delivery(store, channel).deliver() is None
    assert channel.posts == []


def test_what_slack_took_is_not_posted_again_while_the_store_cannot_say_so(
    store: SQLiteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.stores.sqlite_file.BUSY_SECONDS", 0)
    clock = StoppedClock()
    channel = Channel(clock)
    rule = delivery(store, channel)
    refuse(store, "ada", clock)
    blocker = sqlite3.connect(store._path, isolation_level=None)
    channel.during = lambda: blocker.execute("BEGIN IMMEDIATE")
    store._disconnect()  # the connection that still has patience
    for _ in range(3):
        with pytest.raises(StoreUnavailableError) as caught:
            rule.deliver()
        assert caught.value.reason == "database is locked"
    assert channel.posts == [["ada"]]
    blocker.execute("ROLLBACK")
    blocker.close()
    rule.deliver()
    assert channel.posts == [["ada"]]
    assert store.next_delivery_at() is None


def test_a_refusal_told_by_a_clock_that_was_ahead_holds_nothing_up(store: SQLiteStore) -> None:
    clock = StoppedClock(NOON + timedelta(days=30))
    channel = Channel(clock)
    refuse(store, "ada", clock)
    delivery(store, channel).deliver()
    clock.time = NOON
    refuse(store, "grace", clock)
    delivery(store, channel).deliver()
    assert channel.posts == [["ada"], ["grace"]]


def test_a_pause_set_by_a_clock_that_was_ahead_holds_nothing_up(store: SQLiteStore) -> None:
    clock = StoppedClock(NOON + timedelta(hours=3))
    channel = Channel(clock, [DeliveryError("ratelimited", retry_after=timedelta(seconds=7))] * 2)
    deliver = delivery(store, channel).deliver
    refuse(store, "ada", clock)
    deliver()
    clock.time = NOON
    refuse(store, "grace", clock)
    deliver()
    assert channel.refusals == []
    clock.sleep(6.9)
    deliver()
    assert channel.posts == [], "the second pause is kept"
    clock.sleep(0.2)
    deliver()
    assert channel.posts == [["grace"]]


def test_an_entry_held_by_another_instance_is_left_to_it_while_it_may_be_posting(store: SQLiteStore) -> None:
    clock = StoppedClock()
    channel = Channel(clock)
    refuse(store, "ada", clock)
    (held,) = store.hold(store.undelivered(clock.now(), 9), clock.now() + Delivery.POST)
    assert delivery(store, channel).deliver() == Delivery.POST
    assert channel.posts == []
    clock.sleep(Delivery.POST.total_seconds())
    delivery(store, channel).deliver()
    assert channel.posts == [["ada"]], "the other one died"
    store.postponed([held], clock.now(), failed=True)
    assert store.next_delivery_at() is None, "and if it did not, it changes nothing any more"


@pytest.mark.parametrize(("seconds", "posts"), [(5.0, [["ada"]]), (5.1, [])])
def test_an_entry_that_was_long_to_hold_is_not_posted_since_another_instance_may_have_it_soon(
    store: SQLiteStore, seconds: float, posts: list[list[str]]
) -> None:
    clock = StoppedClock()
    channel = Channel(clock)

    class Slow(SQLiteStore):
        def hold(self, entries: Sequence[AuditEntry], until: datetime) -> Sequence[AuditEntry]:
            """Answer late."""
            held = super().hold(entries, until)
            clock.sleep(seconds)
            return held

    refuse(store, "ada", clock)
    slow = Slow(store._path)
    delivery(slow, channel).deliver()
    assert channel.posts == posts
    clock.sleep(Delivery.POST.total_seconds())
    delivery(store, channel).deliver()
    assert channel.posts == [["ada"]], "it waited for nobody, once it was free again"
    slow.close()


def test_a_refusal_that_another_instance_is_posting_is_not_posted_along_with_the_next_one(store: SQLiteStore) -> None:
    clock = StoppedClock()
    channel = Channel(clock)
    refuse(store, "ada", clock)
    store.hold(store.undelivered(clock.now(), 9), clock.now() + Delivery.POST)
    clock.sleep(1)
    refuse(store, "grace", clock)
    delivery(store, channel).deliver()
    assert channel.posts == [["grace"]]


def test_a_refusal_that_another_instance_posts_meanwhile_breaks_no_round(store: SQLiteStore) -> None:
    clock = StoppedClock()
    channel = Channel(clock)

    class Overtaken(SQLiteStore):
        def refusals_waiting(self, team_id: str, operator_id: str, limit: int) -> Sequence[AuditEntry]:
            """Answer after another instance has posted them all."""
            store.delivered(super().refusals_waiting(team_id, operator_id, limit), "1.0", clock.now())
            return super().refusals_waiting(team_id, operator_id, limit)

    refuse(store, "ada", clock)
    overtaken = Overtaken(store._path)
    assert delivery(overtaken, channel).deliver() is None
    assert channel.posts == []
    overtaken.close()


def test_a_channel_that_refuses_for_good_is_told_once_an_entry_until_it_takes_one_again(store: SQLiteStore) -> None:
    clock = StoppedClock()
    archived, late = DeliveryError("is_archived", for_good=True), DeliveryError("TimeoutError")
    channel = Channel(clock, [archived, late, archived])
    told: list[str] = []
    rule = delivery(store, channel, lambda entry: told.append(entry.target))
    refuse(store, "ada", clock)
    for refusing in ("is_archived", "is_archived", "is_archived", None):
        pause = rule.deliver()
        assert rule.refusing == refusing
        clock.sleep(pause.total_seconds() if pause else 0)
    assert told == ["ada"]
    assert channel.posts == [["ada"]]


def test_a_channel_that_takes_another_instances_messages_is_not_said_to_refuse(store: SQLiteStore) -> None:
    clock = StoppedClock()
    channel = Channel(clock, [DeliveryError("is_archived", for_good=True)])
    here, there = delivery(store, channel), delivery(store, channel)
    refuse(store, "ada", clock)
    here.deliver()
    clock.sleep(1)
    there.deliver()
    assert channel.posts == [["ada"]]
    assert here.refusing == "is_archived"
    here.deliver()
    assert here.refusing is None


def test_a_channel_in_passing_trouble_is_not_said_to_refuse(store: SQLiteStore) -> None:
    clock = StoppedClock()
    told: list[AuditEntry] = []
    rule = delivery(
        store, Channel(clock, [DeliveryError("ratelimited", retry_after=timedelta(seconds=7))]), told.append
    )
    refuse(store, "ada", clock)
    rule.deliver()
    assert (rule.refusing, told) == (None, [])


def test_entries_that_a_refusing_channel_left_waiting_come_oldest_first_once_it_is_mended(store: SQLiteStore) -> None:
    clock = StoppedClock()
    channel = Channel(clock, [DeliveryError("is_archived", for_good=True)] * 6)
    rule = delivery(store, channel)
    for name in ("ada", "grace", "alan"):
        refuse(store, name, clock, Operator(team_id="T0SIGNOUT1", id=f"U0{name.upper()}", name=name))
        clock.sleep(3)
        rule.deliver()
    while (pause := rule.deliver()) is not None:
        clock.sleep(pause.total_seconds())
    assert channel.posts == [["ada"], ["grace"], ["alan"]]
