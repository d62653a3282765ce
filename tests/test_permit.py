"""Who may ask for which action, in which pools, and what those who may not are told."""

from dataclasses import replace
from typing import Any

import pytest
from examples import ADA, KIM, SAM, StoppedClock, asked, confirmations
from stand_ins import Members

from bot.action import ACTIONS
from bot.approve import ApprovalSettings
from bot.authorize import Allowed, Allowlist, Authorized
from bot.confirm import Confirmations
from bot.errors import DeniedError
from bot.request import TERMINAL, Operator
from bot.wiring.stores import Store

ROLE = "arn:aws:iam::123456789012:role/Support"
OF_ROLE = Operator(team_id=TERMINAL, id=ROLE, name="ada")
NO_ONE = Allowed()
POOLS = {"customers": NO_ONE, "staff": NO_ONE}
MINE = Allowed(frozenset({SAM.id}))
BOTH = Allowlist(replace(MINE, terminal=frozenset({ROLE})), POOLS)


def keepers(everywhere: Allowed = NO_ONE, terminal: frozenset[str] = frozenset(), **pools: Allowed) -> Allowlist:
    """Return a list of those who may keep people out."""
    return Allowlist(replace(everywhere, terminal=terminal), POOLS | pools, "actions.keep_out")


def rules(store: Store, listed: Allowlist | None = None, **changes: Any) -> Confirmations:
    values: dict[str, Any] = {"allowlist": BOTH, "actions": {"keep_out": listed} if listed else {}}
    return confirmations(store, StoppedClock(), **(values | changes))


def denied(rules: Confirmations, **ask: Any) -> str:
    with pytest.raises(DeniedError) as caught:
        rules.authorize(asked(action="keep_out", **ask))
    return str(caught.value)


@pytest.mark.parametrize(
    ("listed", "allowed"),
    [
        (
            keepers(MINE),
            {"customers": "allow.users; actions.keep_out.users", "staff": "allow.users; actions.keep_out.users"},
        ),
        (keepers(staff=MINE), {"staff": "allow.users; pools.staff.actions.keep_out.users"}),
    ],
)
def test_who_is_on_both_lists_may_and_the_rule_names_both(
    store: Store, listed: Allowlist, allowed: dict[str, str]
) -> None:
    assert rules(store, listed).authorize(asked(action="keep_out")).rules == allowed


def test_a_list_of_an_action_says_nothing_of_a_sign_out(store: Store) -> None:
    everyone = Allowed(frozenset({SAM.id, KIM.id}))
    both = rules(store, keepers(everyone), allowlist=Allowlist(MINE, POOLS))
    assert both.authorize(asked()).rules.keys() == POOLS.keys()
    assert "may sign users out" in denied(both, operator=KIM), "that list lets no one in by itself"


@pytest.mark.parametrize("listed", [None, keepers(), keepers(Allowed(frozenset({KIM.id})))])
def test_who_may_only_sign_out_is_told_so_and_the_trail_names_the_list(store: Store, listed: Allowlist | None) -> None:
    assert denied(rules(store, listed)) == (
        "You may not keep people out with this bot. If you should be able to, ask the bot's engineer."
    )
    (entry,) = store.entries(None, None)
    assert (entry.rule, entry.ask.options.action) == ("actions.keep_out: not allowed", "keep_out")


def test_a_list_of_one_action_allows_no_other(store: Store) -> None:
    only = rules(store, keepers(MINE))
    with pytest.raises(DeniedError, match="You may not let people back in with this bot"):
        only.authorize(asked(action="let_in"))
    assert only.more_needs(asked(), "customers") == {"keep_out": ()}


@pytest.mark.parametrize(
    ("when", "needing"),
    [
        ({"sign_out"}, {"sign_out", "end_session"}),
        ({"end_session"}, {"end_session"}),
        ({"keep_out"}, {"keep_out"}),
        (set(), set()),
    ],
)
def test_a_second_person_who_approves_each_sign_out_approves_the_end_of_one_session_too(
    store: Store, when: set[str], needing: set[str]
) -> None:
    approving = {"customers": ApprovalSettings(channel_id="C0APPROVE1", actions=frozenset(when))}
    needs, by_name = rules(store, approving=approving).always_needs, Authorized(SAM, {"customers": "allow.users"})
    assert {each for each in ACTIONS if needs(each, "customers", by_name)} == needing


def test_who_may_keep_people_out_of_another_pool_only_is_told_which(store: Store) -> None:
    only = rules(store, keepers(staff=MINE))
    assert denied(only, pool="customers") == "You may not do this in pool customers. You may use: staff."
    with pytest.raises(DeniedError, match=r"^You may not keep people out \(pool customers\)\.$"):
        only.authorize(asked(action="keep_out"), ADA)
    assert only.actions_in(asked(), ["customers"]) == ["sign_out"]
    assert only.actions_in(asked(), ["customers", "staff"]) == ["sign_out", "keep_out"]


def test_who_may_sign_out_in_one_pool_and_is_listed_for_the_action_in_another_may_do_it_in_none(store: Store) -> None:
    apart = rules(store, keepers(staff=MINE), allowlist=Allowlist(NO_ONE, POOLS | {"customers": MINE}))
    assert denied(apart).startswith("You may not keep people out with this bot.")


def test_a_group_that_slack_cannot_list_allows_no_action_and_that_is_told(store: Store) -> None:
    group = keepers(Allowed(groups=frozenset({"S0ONE"})))
    unsure = rules(store, group, members=Members({"S0ONE": None}).members)
    assert denied(unsure).startswith("Slack could not be asked who is in a group")
    (entry,) = store.entries(None, None)
    assert entry.rule == "actions.keep_out: not allowed (Slack could not list S0ONE)"
    assert unsure.more_needs(asked(), "customers") == {}, "so its card has no button for it"
    listed = rules(store, group, members=Members({"S0ONE": frozenset({SAM.id})}).members)
    assert listed.authorize(asked(action="keep_out")).rules["staff"].endswith("; actions.keep_out.groups: S0ONE")


def test_in_a_terminal_an_arn_has_to_be_on_both_lists_too(store: Store) -> None:
    in_terminal: dict[str, Any] = {"operator": OF_ROLE, "source": TERMINAL}
    both = rules(store, keepers(terminal=frozenset({ROLE})))
    found = both.authorize(asked(action="keep_out", **in_terminal)).rules
    assert set(found.values()) == {"allow.terminal; actions.keep_out.terminal"}
    staff = rules(store, keepers(staff=Allowed(terminal=frozenset({ROLE}))))
    found = staff.authorize(asked(action="keep_out", **in_terminal)).rules
    assert found == {"staff": "allow.terminal; pools.staff.actions.keep_out.terminal"}
    assert denied(rules(store, keepers(MINE)), **in_terminal).startswith("You may not keep people out with this bot.")
    not_listed = rules(store, keepers(terminal=frozenset({ROLE})), allowlist=Allowlist(MINE, POOLS))
    assert denied(not_listed, **in_terminal) == str(DeniedError())
