"""What someone may do here, as far as Slack says who is in which group."""

import pytest
from examples import SAM, StoppedClock, asked, confirmations

from bot.authorize import Allowed, Allowlist
from bot.errors import DeniedError
from bot.whoami import standing
from bot.wiring.stores import Store

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
