"""What someone may do, as they are told: by which rule, with whose approval, and how many are left."""

from dataclasses import replace
from typing import Any

import pytest
from examples import ADA, KIM, NOON, SAM, StoppedClock, added_to, asked, confirmations
from test_approve import ALWAYS, LEE, approvers, listed, press

from bot.audit import Kind
from bot.authorize import Allowed, Allowlist, Home
from bot.errors import DeniedError
from bot.limits import Limits
from bot.request import Ask, Operator
from bot.whoami import InPool, Standing, standing
from bot.wiring.stores import Store

POOLS = Allowlist(listed(SAM), {"customers": Allowed(), "staff": replace(Allowed(), ask=listed(LEE))})
TWO = Allowlist(listed(KIM), {"customers": Allowed(), "staff": listed(SAM)}, table="approve")


def of(store: Store, operator: Operator, **changes: Any) -> Standing:
    values: dict[str, Any] = {"allowlist": POOLS, "approvers": TWO, "approving": {"customers": ALWAYS}}
    return standing(confirmations(store, StoppedClock(), **(values | changes)), ask_of(operator))


def ask_of(operator: Operator) -> Ask:
    return asked("", operator=operator)


def test_an_operator_is_told_each_pool_its_rule_and_whether_an_approval_is_needed_from_whom(store: Store) -> None:
    found = of(store, SAM)
    assert found.pools == [
        InPool(pool="customers", asks="allow.users", approves=None, needs=("approve.when",), approvers=listed(KIM)),
        InPool(
            pool="staff",
            asks="allow.users",
            approves="pools.staff.approve.users",
            needs=(),
            approvers=listed(KIM, SAM),
        ),
    ]
    assert (found.operator, found.left) == (SAM, {})


def test_each_other_action_is_told_in_the_pools_where_the_operator_may_do_it(store: Store) -> None:
    keepers = Allowlist(Allowed(), {"customers": Allowed(), "staff": listed(SAM, LEE)}, table="actions.keep_out")
    customers, staff = of(store, SAM, actions={"keep_out": keepers}).pools
    assert (customers.more, staff.more) == ({}, {"keep_out": ()})
    (asks,) = of(store, LEE, actions={"keep_out": keepers}).pools
    assert asks.more == {"keep_out": ("pools.staff.allow.ask.users; pools.staff.actions.keep_out.users",)}
    everyone = replace(keepers, everywhere=listed(SAM))
    customers, _ = of(store, SAM, actions={"keep_out": everyone}).pools
    assert customers.more == {"keep_out": ("approve.when",)}
    assert of(store, KIM, actions={"keep_out": replace(keepers, everywhere=listed(KIM))}).pools[0].more == {}


def test_who_may_only_ask_is_told_that_it_always_needs_an_approval(store: Store) -> None:
    (staff,) = of(store, LEE).pools
    assert (staff.pool, staff.asks, staff.needs) == ("staff", "pools.staff.allow.ask.users", (staff.asks,))


def test_an_approver_is_told_what_they_may_approve_and_of_no_limit(store: Store) -> None:
    found = of(store, KIM, limits=Limits(windows=store.windows, per_operator=3))
    assert [(each.pool, each.asks, each.approves, each.needs) for each in found.pools] == [
        ("customers", None, "approve.users", ()),
        ("staff", None, "approve.users", ()),
    ]
    assert found.left == {}


def test_what_is_left_this_hour_is_told(store: Store) -> None:
    limits = Limits(windows=store.windows, per_operator=3, everyone=5)
    confirmations(store, StoppedClock(), limits=limits).confirm(press(added_to(store, chosen=ADA), SAM))
    assert of(store, SAM, limits=limits).left == {"limits.per_operator": 2, "limits.all": 4}


def test_in_an_organisation_what_is_left_is_counted_as_the_decisions_are(store: Store) -> None:
    limits = Limits(windows=store.windows, per_operator=3)
    org = Home("E0ORG", frozenset({SAM.team_id, "E0ORG"}), lambda _: True)
    shared: dict[str, Any] = {"limits": limits, "home": lambda: org}
    rules = confirmations(store, StoppedClock(), **shared)
    rules.confirm(press(rules.open(rules.authorize(asked()), asked(), None), SAM))
    assert of(store, replace(SAM, team_id="T0OTHER"), **shared).left == {"limits.per_operator": 2}


def test_who_may_neither_ask_nor_approve_is_refused_with_an_entry(store: Store) -> None:
    for stranger in (replace(LEE, id="U0NOBODY"), replace(SAM, team_id="T0OTHER")):
        with pytest.raises(DeniedError):
            of(store, stranger)
    assert [(entry.kind, entry.rule) for entry in store.entries(None, None)] == [
        (Kind.REFUSED, "not allowed"),
        (Kind.REFUSED, "from another team"),
    ]


def test_someone_who_may_leaves_no_entry(store: Store) -> None:
    of(store, SAM)
    of(store, KIM, approvers=approvers(KIM))
    assert list(store.entries(NOON, None)) == []


# Where Slack does not say who is in a group.

ASKERS = Allowlist(Allowed(groups=frozenset({"S0ONE"})), {"customers": Allowed()})
SAM_APPROVES = Allowlist(Allowed(frozenset({SAM.id})), {"customers": Allowed()}, table="approve")
NO_ONE = Allowlist(Allowed(), {"customers": Allowed()})


@pytest.mark.parametrize("members", [None, frozenset[str]()])
def test_where_slack_cannot_list_a_group_it_is_not_sure(store: Store, members: frozenset[str] | None) -> None:
    rules = confirmations(store, StoppedClock(), allowlist=ASKERS, approvers=SAM_APPROVES, members=lambda *_: members)
    told = standing(rules, asked(""))
    assert told.unsure is (members is None)
    assert [(pool.asks, pool.approves) for pool in told.pools] == [(None, "approve.users")]


@pytest.mark.parametrize("lists", [(ASKERS, NO_ONE), (NO_ONE, ASKERS)])
def test_who_may_nothing_for_certain_is_told_so_and_who_may_not_be_known_is_told_that(
    store: Store, lists: tuple[Allowlist, Allowlist]
) -> None:
    for members, everywhere in ((None, False), (frozenset[str](), True)):
        rules = confirmations(
            store, StoppedClock(), allowlist=lists[0], approvers=lists[1], members=lambda *_, said=members: said
        )
        with pytest.raises(DeniedError) as caught:
            standing(rules, asked(""))
        assert caught.value.everywhere is everywhere
