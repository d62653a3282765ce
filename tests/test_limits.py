"""Brakes: which accounts are protected, and how many accounts may be decided on within an hour."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from examples import ADA, ASKED_FOR, KIM, NOON, SAM, ScriptedPool, StoppedClock, added_to, asked, confirmations
from stand_ins import meanwhile
from test_approve import ALWAYS, TICK, approvers, press, stored

from bot.account import Account
from bot.action import OTHERS
from bot.audit import Kind
from bot.authorize import Allowed, Allowlist
from bot.confirm import Confirmations
from bot.errors import LimitReachedError, SecondPersonError
from bot.limits import EVERYONE, HOUR, Limits, Protection, Window
from bot.request import TERMINAL, Operator, Request, State
from bot.stores.sqlite.store import SQLiteStore
from bot.wiring.stores import Store

MINUTE = timedelta(minutes=1)
MINE, KIMS = (f"{each.team_id}/{each.id}" for each in (SAM, KIM))
BOTH = Allowlist(Allowed(frozenset({SAM.id, KIM.id})), {"customers": Allowed()})
NAMES = [f"person-{number}" for number in range(9)]


def account(name: str) -> Account:
    return replace(ADA, username=name, sub=f"sub of {name}")


def rules(store: Any, clock: StoppedClock, *, mine: int | None = 2, everyone: int | None = None, **changes: Any) -> Any:
    """Return the rules with these limits: every account is confirmed as soon as someone presses."""
    limits = Limits(windows=store.windows, per_operator=mine, everyone=everyone)
    values: dict[str, Any] = {"allowlist": BOTH, "limits": limits}
    return confirmations(store, clock, **(values | changes))


def confirm(rules: Confirmations, store: Store, name: str, operator: Operator = SAM, **changes: Any) -> Request:
    """Return the request of an operator for an account, confirmed now."""
    now = rules.clock.now()
    request = added_to(
        store, now, chosen=account(name), operator=operator, expires_at=now + timedelta(minutes=5), **changes
    )
    return rules.confirm(press(request, operator))


def full(store: Any, clock: StoppedClock | None = None, **changes: Any) -> Any:
    """Return rules by which no account is left: one is as much as the limit says, and was decided on now."""
    only = rules(store, clock or StoppedClock(), **({"mine": 1} | changes))
    confirm(only, store, "the one")
    return only


def entries(store: Store, kind: Kind) -> list[Any]:
    return [entry for entry in store.entries(None, None) if entry.kind is kind]


class TestCount:
    def test_as_many_accounts_as_the_limit_says_and_then_none(self, store: Store) -> None:
        mine = rules(store, StoppedClock())
        for name in NAMES[:2]:
            assert confirm(mine, store, name).state is State.READY
        with pytest.raises(LimitReachedError, match=r"limits\.per_operator") as caught:
            confirm(mine, store, NAMES[2])
        assert caught.value.sentence.startswith("As many accounts were confirmed"), "what came of them may be a failure"
        assert caught.value.hint == "Nothing was done. The next one is possible in 60 minutes."
        assert len(entries(store, Kind.CONFIRMED)) == 2

    def test_the_same_account_counts_once(self, store: Store) -> None:
        mine = rules(store, StoppedClock())
        for name in (NAMES[0], NAMES[0], NAMES[1], NAMES[0], NAMES[1]):
            assert confirm(mine, store, name).state is State.READY

    def test_an_account_counts_from_its_last_decision(self, store: Store) -> None:
        mine = rules(store, clock := StoppedClock(), mine=1)
        confirm(mine, store, NAMES[0])
        clock.time += HOUR - MINUTE
        confirm(mine, store, NAMES[0])
        clock.time += MINUTE
        with pytest.raises(LimitReachedError):
            confirm(mine, store, NAMES[1])

    @pytest.mark.parametrize("after", [HOUR - TICK, HOUR])
    def test_an_hour_later_the_place_is_free_again(self, store: Store, after: timedelta) -> None:
        mine = rules(store, clock := StoppedClock(), mine=1)
        confirm(mine, store, NAMES[0])
        clock.time += after
        if after < HOUR:
            with pytest.raises(LimitReachedError, match="in 1 minute\\."):
                confirm(mine, store, NAMES[1])
        else:
            assert confirm(mine, store, NAMES[1]).state is State.READY
            (window,) = store.windows([MINE])
            assert set(window.accounts) == {account(NAMES[1]).key}, "it holds the last hour only"

    def test_when_the_next_one_is_possible_is_told_by_what_leaves_first(self, store: Store) -> None:
        mine = rules(store, clock := StoppedClock())
        for minute, name in ((0, NAMES[0]), (20, NAMES[1])):
            clock.time = NOON + minute * MINUTE
            confirm(mine, store, name)
        clock.time = NOON + 45 * MINUTE
        with pytest.raises(LimitReachedError, match="in 15 minutes"):
            confirm(mine, store, NAMES[2])
        lower = rules(store, clock, mine=1)  # the settings have changed since: both have to leave
        with pytest.raises(LimitReachedError, match="in 35 minutes"):
            confirm(lower, store, NAMES[2])

    def test_each_operator_has_a_limit_of_their_own(self, store: Store) -> None:
        both = rules(store, StoppedClock(), mine=1)
        assert confirm(both, store, NAMES[0]).state is State.READY
        assert confirm(both, store, NAMES[1], KIM).state is State.READY
        for operator in (SAM, KIM):
            with pytest.raises(LimitReachedError):
                confirm(both, store, NAMES[2], operator)

    def test_all_together_have_one_too_and_the_refusal_names_those_that_are_full(self, store: Store) -> None:
        both = rules(store, StoppedClock(), mine=1, everyone=2)
        confirm(both, store, NAMES[0])
        confirm(both, store, NAMES[1], KIM)
        with pytest.raises(LimitReachedError, match=r"limits\.per_operator and limits\.all"):
            confirm(both, store, NAMES[2])
        both = rules(store, StoppedClock(), mine=9, everyone=2)
        with pytest.raises(LimitReachedError, match=r"\(limits\.all\)"):
            confirm(both, store, NAMES[2])

    def test_a_refused_or_cancelled_one_counts_for_nothing(self, store: Store) -> None:
        mine = rules(store, StoppedClock(), mine=1)
        mine.cancel(press(added_to(store, chosen=account(NAMES[0])), SAM))
        confirm(mine, store, NAMES[1])
        with pytest.raises(LimitReachedError):
            confirm(mine, store, NAMES[2])
        (window,) = store.windows([MINE])
        assert set(window.accounts) == {account(NAMES[1]).key}

    def test_across_a_restart_the_store_knows_it(self, sqlite_store: SQLiteStore) -> None:
        confirm(rules(sqlite_store, StoppedClock(), mine=1), sqlite_store, NAMES[0])
        sqlite_store.close()
        again = SQLiteStore(sqlite_store._file.path)
        again.open()
        with pytest.raises(LimitReachedError):
            confirm(rules(again, StoppedClock(), mine=1), again, NAMES[1])
        again.close()

    def test_what_a_clock_that_was_wrong_counted_does_not_count(self, store: Store) -> None:
        for wrong in (NOON + timedelta(days=400), NOON - timedelta(days=400)):
            confirm(rules(store, StoppedClock(wrong), mine=1), store, f"by {wrong}")
        mine = rules(store, StoppedClock(), mine=1)
        assert confirm(mine, store, NAMES[0]).state is State.READY
        with pytest.raises(LimitReachedError):
            confirm(mine, store, NAMES[1])

    def test_without_limits_nothing_is_read_or_counted(self, store: Store) -> None:
        def never(_: Iterable[str]) -> list[Window]:
            raise AssertionError

        free = rules(store, StoppedClock(), limits=Limits(windows=never))
        assert confirm(free, store, NAMES[0]).state is State.READY
        assert store.windows([MINE, EVERYONE]) == [Window(key=MINE), Window(key=EVERYONE)]

    @pytest.mark.parametrize("limit", ["mine", "everyone"])
    def test_of_two_presses_at_once_one_takes_the_last_place(self, store: Store, limit: str) -> None:
        clock, happened, limits = StoppedClock(), list[str](), {"mine": None, "everyone": None, limit: 1}

        def before_move() -> None:
            if not happened:
                happened.append("once")
                confirm(rules(store, clock, **limits), store, NAMES[0])

        late = rules(meanwhile(store, before_move=before_move), clock, **limits)
        with pytest.raises(LimitReachedError):
            confirm(late, store, NAMES[1])
        assert [entry.account.username for entry in entries(store, Kind.LIMITED)] == [NAMES[1]]
        assert [entry.request.account.username for entry in entries(store, Kind.CONFIRMED)] == [NAMES[0]]

    def test_of_two_presses_at_once_both_count_where_there_is_room(self, store: Store) -> None:
        clock, happened = StoppedClock(), list[str]()

        def before_move() -> None:
            if not happened:
                happened.append("once")
                confirm(rules(store, clock), store, NAMES[0])

        confirm(rules(meanwhile(store, before_move=before_move), clock), store, NAMES[1])
        assert set(store.windows([MINE])[0].accounts) == {account(name).key for name in NAMES[:2]}

    def test_a_press_that_became_late_while_it_was_counted_again_does_not_count(self, store: Store) -> None:
        clock, happened = StoppedClock(), list[str]()

        def before_move() -> None:
            if not happened:
                happened.append("once")
                confirm(rules(store, clock), store, NAMES[0])
                clock.time += timedelta(minutes=5)

        with pytest.raises(Exception) as caught:  # noqa: PT011 -- AlreadyDecidedError carries no message
            confirm(rules(meanwhile(store, before_move=before_move), clock), store, NAMES[1])
        assert caught.type.__name__ == "AlreadyDecidedError"
        assert entries(store, Kind.EXPIRED)

    @pytest.mark.parametrize("action", ASKED_FOR)
    def test_each_action_counts_and_an_account_counts_once_for_all_of_them(self, store: Store, action: str) -> None:
        may = dict.fromkeys(OTHERS, replace(BOTH, table="actions"))
        mine = rules(store, StoppedClock(), mine=1, actions=may)
        of_account = replace(account(NAMES[0]), enabled=action != "let_in")
        for _ in range(2):
            request = added_to(store, chosen=of_account, action=action)
            assert mine.confirm(press(request, SAM)).state is State.READY
        with pytest.raises(LimitReachedError):
            confirm(mine, store, NAMES[1])


class TestBeyond:
    def test_with_approvers_it_is_asked_and_not_counted_until_they_approve(self, store: Store) -> None:
        mine = rules(store, StoppedClock(), mine=1, approvers=approvers(KIM), approving={"customers": QUIET})
        confirm(mine, store, NAMES[0])
        beyond = confirm(mine, store, NAMES[1])
        assert (beyond.state, beyond.needs) == (State.APPROVING, ("limits.per_operator",))
        assert len(store.windows([MINE])[0].accounts) == 1

    def test_a_limit_joins_what_needs_an_approval_anyway(self, store: Store) -> None:
        full(store)
        mine = rules(store, StoppedClock(), mine=1, approvers=approvers(KIM), approving={"customers": ALWAYS})
        assert confirm(mine, store, NAMES[0]).needs == ("approve.when", "limits.per_operator")

    def test_who_would_only_ask_themselves_is_refused_at_once(self, store: Store) -> None:
        alone = full(store, approvers=approvers(SAM), approving={"customers": QUIET})
        with pytest.raises(LimitReachedError):
            confirm(alone, store, NAMES[0])

    def test_in_a_terminal_no_one_can_be_asked(self, store: Store) -> None:
        mine = full(store, approvers=approvers(KIM), approving={"customers": QUIET})
        request = added_to(store, chosen=account(NAMES[0]), source=TERMINAL)
        with pytest.raises(SecondPersonError):
            mine.confirm(press(request, SAM))
        assert stored(store, request) == request

    def test_the_request_awaits_its_operator_still(self, store: Store) -> None:
        mine = rules(store, clock := StoppedClock(), mine=1)
        confirm(mine, store, NAMES[0])
        clock.time += HOUR - MINUTE
        request = added_to(store, clock.now(), chosen=account(NAMES[1]), expires_at=clock.now() + 5 * MINUTE)
        with pytest.raises(LimitReachedError, match="in 1 minute"):
            mine.confirm(press(request, SAM))
        assert stored(store, request) == request
        clock.time += MINUTE
        assert mine.confirm(press(request, SAM)).state is State.READY


class TestTold:
    def told_at(self, store: Store) -> list[datetime]:
        return [entry.at for entry in entries(store, Kind.LIMITED) if entry.delivery.next_at]

    def beyond(self, mine: Confirmations, store: Store, name: str) -> None:
        with pytest.raises(LimitReachedError):
            confirm(mine, store, name)

    def test_the_audit_channel_is_told_once_an_hour_and_every_press_leaves_an_entry(self, store: Store) -> None:
        clock = StoppedClock()
        mine = full(store, clock)
        for minute in (0, 1, 59, 60, 61):
            clock.time = NOON + minute * MINUTE
            if minute % 59 == 1:
                confirm(mine, store, "the one")
            self.beyond(mine, store, NAMES[0])
        assert self.told_at(store) == [NOON, NOON + HOUR]
        assert len(entries(store, Kind.LIMITED)) == 5
        (first, *_) = entries(store, Kind.LIMITED)
        assert (first.rule, first.ask.operator, first.chosen.username) == ("limits.per_operator", SAM, NAMES[0])

    def test_it_is_told_once_across_a_restart(self, sqlite_store: SQLiteStore) -> None:
        self.beyond(full(sqlite_store), sqlite_store, NAMES[0])
        sqlite_store.close()
        again = SQLiteStore(sqlite_store._file.path)
        again.open()
        self.beyond(rules(again, StoppedClock(NOON + MINUTE), mine=1), again, NAMES[1])
        assert self.told_at(again) == [NOON]
        again.close()

    def test_of_two_presses_at_once_one_tells_it(self, store: Store) -> None:
        mine, happened = full(store), list[str]()

        def before_tell() -> None:
            if not happened:
                happened.append("once")
                self.beyond(mine, store, NAMES[0])

        self.beyond(rules(meanwhile(store, before_tell=before_tell), mine.clock, mine=1), store, NAMES[1])
        assert len(self.told_at(store)) == 1
        assert len(entries(store, Kind.LIMITED)) == 2

    def test_a_decision_that_is_counted_at_the_same_moment_keeps_no_one_from_telling_it(self, store: Store) -> None:
        mine, happened = full(store), list[str]()

        def before_tell() -> None:
            if not happened:
                happened.append("once")
                confirm(mine, store, "the one")

        self.beyond(rules(meanwhile(store, before_tell=before_tell), mine.clock, mine=1), store, NAMES[1])
        assert self.told_at(store) == [NOON]
        assert len(entries(store, Kind.LIMITED)) == 1

    def test_that_it_was_told_survives_the_next_decision(self, store: Store) -> None:
        clock = StoppedClock()
        mine = rules(store, clock, mine=1)
        confirm(mine, store, NAMES[0])
        self.beyond(mine, store, NAMES[1])
        confirm(mine, store, NAMES[0])
        self.beyond(mine, store, NAMES[1])
        assert self.told_at(store) == [NOON]

    def test_two_limits_that_one_press_reached_are_told_in_one_message(self, store: Store) -> None:
        self.beyond(full(store, everyone=1), store, NAMES[0])
        assert self.told_at(store) == [NOON]
        assert [entry.rule for entry in entries(store, Kind.LIMITED)] == ["limits.per_operator and limits.all"]

    def test_a_limit_that_was_told_before_is_not_named_again(self, store: Store) -> None:
        mine = full(store, everyone=1)
        with pytest.raises(LimitReachedError):
            confirm(mine, store, NAMES[0], KIM)
        self.beyond(mine, store, NAMES[0])
        assert [entry.rule for entry in entries(store, Kind.LIMITED)] == ["limits.all", "limits.per_operator"]


class TestLeft:
    def test_what_is_left_is_told_by_the_name_of_each_limit(self, store: Store) -> None:
        both = rules(store, clock := StoppedClock(), mine=2, everyone=3)
        assert both.limits.left(SAM, clock.now()) == {"limits.per_operator": 2, "limits.all": 3}
        confirm(both, store, NAMES[0])
        confirm(both, store, NAMES[1], KIM)
        assert both.limits.left(SAM, clock.now()) == {"limits.per_operator": 1, "limits.all": 1}
        assert both.limits.left(SAM, clock.now() + HOUR) == {"limits.per_operator": 2, "limits.all": 3}
        assert rules(store, clock, mine=None, everyone=1).limits.left(SAM, clock.now()) == {"limits.all": 0}
        assert Limits(windows=store.windows).left(SAM, NOON) == {}


QUIET = replace(ALWAYS, actions=frozenset())
LEADS = Protection(groups=frozenset({"leads", "board"}))


class TestProtection:
    @pytest.mark.parametrize(
        ("protection", "groups", "rule"),
        [
            (Protection(usernames=frozenset({"ada"})), (), "protect.usernames"),
            (Protection(usernames=frozenset({"ADA"})), (), "protect.usernames"),
            (Protection(subs=frozenset({str(ADA.sub)})), (), "protect.subs"),
            (Protection(subs=frozenset({str(ADA.sub).upper()})), (), "protect.subs"),
            (LEADS, ("staff", "leads"), "protect.groups: leads"),
            (LEADS, ("leads", "board"), "protect.groups: board, leads"),
            (LEADS, ("staff",), None),
            (Protection(), ("leads",), None),
        ],
    )
    def test_an_account_is_protected_by_name_by_sub_or_by_group(
        self, protection: Protection, groups: tuple[str, ...], rule: str | None
    ) -> None:
        assert protection.rule(ADA, lambda _: frozenset(groups)) == rule

    def test_without_its_sub_no_one_knows_whether_an_account_is_protected_by_it(self) -> None:
        unknown, sub = replace(ADA, sub=None), Protection(subs=frozenset({str(ADA.sub)}))
        assert sub.rule(unknown, lambda _: frozenset()) == "protect.subs: its sub is not known"
        assert Protection(usernames=frozenset({"grace"})).rule(unknown, lambda _: frozenset()) is None

    @pytest.mark.parametrize("protection", [Protection(), Protection(usernames=frozenset({"grace"}))])
    def test_cognito_is_asked_only_where_groups_are_configured(self, protection: Protection) -> None:
        def never(_: str) -> frozenset[str]:
            raise AssertionError

        assert protection.rule(ADA, never) is None

    def test_without_protection_no_look_up_asks_for_groups(self, store: Store) -> None:
        pool = ScriptedPool([], StoppedClock())
        free = confirmations(store, pool.clock, pool)
        free.open(free.authorize(asked()), asked(), None)
        assert pool.asked_for_groups == []
