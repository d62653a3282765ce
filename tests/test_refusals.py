"""Refusals: the first of an operator in a minute is an entry at once, all others of that minute are one."""

import threading
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from examples import KIM, NOON, SAM, StoppedClock, added_to, asked
from stand_ins import meanwhile

from bot.audit import Delivery, Entry, Kind, entry_of_ask
from bot.errors import StoreUnavailableError
from bot.refusals import MINUTE, TALLIED_FOR, Refusals
from bot.request import Operator, new_id
from bot.wiring.stores import Store

SECOND = timedelta(seconds=1)
NO_TEXT = "\ud800"


class Bot:
    """One process: its refusals, and the time by its clock."""

    def __init__(self, store: Store, clock: StoppedClock | None = None) -> None:
        self.store = store
        self.clock = clock or StoppedClock()
        self.rule = Refusals(tallies=store, clock=self.clock)

    def refuse(self, times: int = 1, target: str = "ada", who: Operator = SAM, rule: str = "not allowed") -> None:
        for _ in range(times):
            ask = asked(target, operator=who, id=new_id(self.clock.now()))
            self.rule.record(entry_of_ask(Kind.REFUSED, ask, rule, self.clock.now()))

    def go_on(self, *, times: int, seconds: int) -> None:
        """Refuse another operator so often, and let so much time pass."""
        self.refuse(times, who=KIM)
        self.live(seconds)

    def live(self, seconds: int) -> None:
        """Let a time pass with its rounds."""
        for _ in range(seconds):
            self.clock.sleep(1)
            self.rule.store()


def recorded(store: Store) -> list[Entry]:
    """All entries, the smallest first: ids that were made in one millisecond are in any order."""
    return sorted(store.entries(None, None), key=lambda entry: entry.count)


def counts(store: Store) -> list[int]:
    return [entry.count for entry in recorded(store)]


def test_the_first_is_recorded_at_once_as_it_was(store: Store) -> None:
    bot = Bot(store)
    entry = entry_of_ask(Kind.REFUSED, asked(), "not allowed", NOON)
    bot.rule.record(entry)
    assert recorded(store) == [entry]


def test_those_of_a_minute_are_two_entries_however_many_they_are(store: Store) -> None:
    bot = Bot(store)
    for second in range(59):
        bot.refuse(70, target=f"target-{second}")
        bot.live(1)
    assert counts(store) == [1]
    bot.live(2)
    first, others = recorded(store)
    assert (first.count, others.count) == (1, 70 * 59 - 1)
    assert (others.at, others.until) == (NOON, NOON + 58 * SECOND)
    assert others.examples == ("target-0", "target-1", "target-2")
    assert (others.ask.operator, others.rule, others.kind) == (SAM, "not allowed", Kind.REFUSED)
    assert others.delivery == Delivery(next_at=NOON + 60 * SECOND)
    assert store.tallies(NOON + timedelta(days=1), 9) == []


def test_each_minute_of_an_operator_begins_with_a_refusal_of_its_own(store: Store) -> None:
    bot = Bot(store)
    for _ in range(3):
        bot.refuse(5)
        bot.live(60)
    assert counts(store) == [1, 1, 1, 4, 4, 4]


def test_one_refusal_now_and_then_is_one_entry_each_time(store: Store) -> None:
    bot = Bot(store)
    for _ in range(3):
        bot.refuse()
        bot.live(60)
    assert counts(store) == [1, 1, 1]


def test_operators_are_counted_apart_also_those_of_two_teams_with_one_id(store: Store) -> None:
    bot = Bot(store)
    for who in (SAM, KIM, replace(SAM, team_id="T0OTHER001")):
        bot.refuse(3, who=who)
    bot.live(61)
    found = Counter((entry.ask.operator, entry.count) for entry in recorded(store))
    assert set(found.values()) == {1}
    assert len(found) == 6


def test_each_rule_that_refused_is_named_once(store: Store) -> None:
    bot = Bot(store)
    for rule in ("not allowed", "not allowed", "pressed another's button", "not allowed"):
        bot.refuse(rule=rule)
    bot.live(61)
    assert recorded(store)[1].rule == "not allowed; pressed another's button"


def test_other_entries_are_recorded_at_once(store: Store) -> None:
    bot = Bot(store)
    for _ in range(3):
        bot.rule.record(entry_of_ask(Kind.NOT_FOUND, asked(), "allow.users", NOON))
    assert counts(store) == [1, 1, 1]


def test_a_refusal_after_the_first_does_not_touch_the_store(store: Store) -> None:
    def away() -> None:
        raise StoreUnavailableError("away")

    bot = Bot(store)
    bot.refuse()
    bot.rule.tallies = meanwhile(store, before_record=away, before_tally=away)
    bot.refuse(1_000)
    with pytest.raises(StoreUnavailableError):
        bot.rule.store()
    bot.rule.tallies = store
    bot.live(61)
    assert counts(store) == [1, 1_000]


def test_a_second_costs_one_write_for_all_operators_and_none_where_nothing_came(store: Store) -> None:
    writes: list[str] = []
    bot = Bot(meanwhile(store, before_tally=lambda: writes.append("tally"), before_settle=lambda: writes.append("one")))
    people = [replace(SAM, id=f"U0STRANGER{number}") for number in range(200)]
    for who in people:
        bot.refuse(5, who=who)
    bot.live(10)
    assert writes == ["tally"]
    bot.live(60)
    assert writes == ["tally", *["one"] * 200]
    bot.live(60)
    assert len(writes) == 201
    assert not bot.rule._counted


def test_a_first_refusal_that_cannot_be_recorded_is_told_and_begins_no_minute(store: Store) -> None:
    def away() -> None:
        raise StoreUnavailableError("away")

    bot = Bot(meanwhile(store, before_record=away))
    for _ in range(2):
        with pytest.raises(StoreUnavailableError):
            bot.refuse()
    bot.rule.tallies = store
    bot.refuse(3)
    bot.live(61)
    assert counts(store) == [1, 2]


def test_a_refusal_that_no_store_can_hold_begins_no_minute(store: Store) -> None:
    bot = Bot(store)
    for _ in range(2):
        with pytest.raises(ValueError, match="surrogate"):
            bot.refuse(target=NO_TEXT)
    bot.refuse(3)
    bot.live(61)
    assert counts(store) == [1, 2]


def test_counted_refusals_that_no_store_can_hold_keep_back_no_others(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    bot = Bot(store)
    bot.refuse()
    for _ in range(30):
        bot.refuse(target=NO_TEXT)
        bot.go_on(times=2, seconds=1)
    bot.live(61)
    assert counts(store) == [1, 1, 59]
    assert bot.rule._counted == {}
    assert bot.rule._ended == []
    said = "Counted refusals cannot be stored: PydanticSerializationError"
    assert [each.getMessage() for each in caplog.records] == [said] * 2, "for all of that second, and for the one"


@pytest.mark.parametrize("swept", [False, True])
def test_counted_refusals_that_cannot_become_an_entry_keep_back_no_others(
    store: Store,
    swept: bool,  # noqa: FBT001 -- an example
) -> None:
    troubles = iter([TypeError("broken")])

    def broken() -> None:
        for each in troubles:
            raise each

    bot = Bot(store)
    for who in (SAM, KIM):
        bot.refuse(3, who=who)
    bot.live(1)
    if swept:
        bot = Bot(store, bot.clock)
    bot.rule.tallies = meanwhile(store, before_settle=broken)
    bot.live(200)
    bot.rule.sweep()
    assert counts(store) == [1, 1, 2] if swept else [1, 1, 2, 2], "another process's sweep tries again"


def test_what_a_killed_process_had_written_is_recorded_by_another_one_later(store: Store) -> None:
    killed, other = Bot(store), Bot(store)
    killed.refuse(10)
    killed.live(5)
    killed.refuse(7)  # not written when it is killed
    other.clock.time = NOON + TALLIED_FOR
    other.rule.sweep()
    assert counts(store) == [1], "its own process may still write it"
    other.clock.sleep(1)
    other.rule.sweep()
    assert counts(store) == [1, 9]
    other.rule.sweep()
    assert counts(store) == [1, 9]
    assert store.due_entries(other.clock.now(), 9, refused=True)[-1].count == 9


@pytest.mark.parametrize("name", ["record", "tally", "settle"])
def test_a_kill_at_any_write_loses_and_doubles_nothing_that_was_written(store: Store, name: str) -> None:
    def killed() -> None:
        raise KeyboardInterrupt

    for when in ("before", "after"):
        bot = Bot(store)
        before = sum(counts(store))
        bot.refuse(10)
        bot.live(1)
        bot.rule.tallies = meanwhile(store, **{f"{when}_{name}": killed})
        with pytest.raises(KeyboardInterrupt):
            bot.go_on(times=0 if name == "settle" else 2, seconds=60 if name == "settle" else 1)
        other = Bot(store, bot.clock)
        other.clock.sleep(200)
        other.rule.sweep()
        written = {"record": when == "after", "tally": 1 + (when == "after"), "settle": 0}[name]
        assert sum(counts(store)) - before == 10 + written, (name, when)


def test_an_answer_that_was_lost_changes_no_number(store: Store) -> None:
    """However often a write is tried again, and whether it was done or not."""
    trouble = iter([True, False, True, True, False] * 30)

    def lost() -> None:
        if next(trouble):
            raise StoreUnavailableError("lost", in_doubt=True)

    bot = Bot(meanwhile(store, before_tally=lost, after_tally=lost, before_settle=lost, after_settle=lost))
    bot.refuse()
    for _ in range(80):
        bot.refuse()
        bot.clock.sleep(1)
        try:
            bot.rule.store()
        except StoreUnavailableError:
            continue
    bot.rule.tallies = store
    bot.live(61)
    assert sum(counts(store)) == 81
    assert len(counts(store)) == 4


def test_what_another_instance_took_for_a_dead_ones_is_told_once_and_the_rest_with_it(store: Store) -> None:
    frozen, other = Bot(store), Bot(store)
    frozen.refuse(10)
    frozen.live(1)
    frozen.refuse(5)
    other.clock.time = NOON + TALLIED_FOR + SECOND
    other.rule.sweep()
    frozen.live(120)
    assert sum(counts(store)) == 15
    assert counts(store).count(1) == 1


def test_at_its_end_a_bot_records_what_it_counted_and_counts_on(store: Store) -> None:
    bot = Bot(store)
    bot.refuse(10)
    bot.rule.store(all_ended=True)
    assert counts(store) == [1, 9]
    bot.refuse(3)
    bot.rule.store(all_ended=True)
    assert counts(store) == [1, 1, 2, 9]


def test_a_clock_that_is_put_back_begins_a_new_minute(store: Store) -> None:
    bot = Bot(store)
    bot.refuse(3)
    bot.clock.time = NOON - timedelta(days=1)
    bot.refuse(3)
    bot.live(61)
    assert counts(store) == [1, 1, 2, 2]


def test_of_many_at_once_each_is_counted(store: Store) -> None:
    bot = Bot(store)
    start = threading.Barrier(4)

    def refuse() -> None:
        start.wait()
        for _ in range(200):
            bot.refuse()
            if threading.current_thread() is threads[0]:
                bot.rule.store()

    threads = [threading.Thread(target=refuse) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    bot.live(61)
    assert counts(store) == [1, 799]


def test_an_entry_of_many_is_found_by_what_was_asked_first(store: Store) -> None:
    added_to(store)
    bot = Bot(store)
    bot.refuse(2)
    bot.live(int(MINUTE.total_seconds()) + 1)
    many = recorded(store)[-1]
    assert list(store.entries(None, many.ask.id)) == [many]
