"""The second person: who may press what in which state, what is written then, and which of two presses counts."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest
from examples import (
    ADA,
    ASKED_FOR,
    CLICK,
    HOME,
    KIM,
    NOON,
    SAM,
    StoppedClock,
    approvals,
    approving_in,
    awaiting,
    choosing,
    confirmations,
)
from stand_ins import Members, added, meanwhile

from bot.action import ACTIONS
from bot.approve import ApprovalSettings
from bot.audit import Kind
from bot.authorize import Allowed, Allowlist, Home
from bot.confirm import Confirmations
from bot.decide import LONGEST_APPROVAL, AlreadyDecidedError, Press
from bot.errors import (
    BotError,
    ClockChangedError,
    DeniedError,
    NotYoursError,
    PoolChangedError,
    SecondPersonError,
    UnknownRequestError,
)
from bot.limits import EVERYONE, Limits
from bot.ports import SureClock
from bot.request import AWAITING, Approval, Operator, Request, State
from bot.wiring.stores import Store
from bot.work import CLOCKS_AGREE_WITHIN

LEE = Operator(team_id=SAM.team_id, id="U0LEE00001", name="lee")
ALWAYS = ApprovalSettings(channel_id="C0APPROVE1", actions=frozenset(ACTIONS))
QUIET = replace(ALWAYS, actions=frozenset())
WITHIN = timedelta(minutes=15)
TICK = timedelta(microseconds=1)
OWN = "pressed Approve or Deny on their own request"


def listed(*operators: Operator, groups: frozenset[str] = frozenset()) -> Allowed:
    return Allowed(frozenset(each.id for each in operators), groups)


def approvers(*operators: Operator, groups: frozenset[str] = frozenset()) -> Allowlist:
    return Allowlist(listed(*operators, groups=groups), {"customers": Allowed()}, table="approve")


def rules(store: Store, clock: SureClock | None = None, **changes: Any) -> Confirmations:
    """Return the rules where SAM may ask, and KIM has to approve."""
    values: dict[str, Any] = {"approvers": approvers(KIM), "approving": {"customers": ALWAYS}}
    return confirmations(store, clock or StoppedClock(), **(values | changes))


def press(request: Request, operator: Operator = KIM, reason: str | None = None) -> Press:
    return Press(request_id=request.id, operator=operator, reason=reason)


def stored(store: Store, request: Request) -> Request:
    found = store.get(request.id)
    assert found
    return found


def kinds(store: Store) -> list[str]:
    return [entry.kind.value for entry in store.entries(None, None)]


def approval_of(request: Request) -> Approval:
    assert request.approval
    return request.approval


# Who presses what. A word in the table is the entry that the press writes while its state is awaited; the sentence of
# one that is refused is its rule.


@dataclass(frozen=True)
class Presser:
    """Someone, and whether they are on the two lists when they press."""

    operator: Operator
    asks: bool = True  # SAM is on the list of those who may ask
    approves: tuple[Operator, ...] = (KIM,)


PRESSERS = {
    "asker": Presser(SAM),
    "both": Presser(SAM, approves=(SAM, KIM)),
    "asker, off the list since": Presser(SAM, asks=False),
    "approver": Presser(KIM),
    "approver, off the list since": Presser(KIM, approves=()),
    "neither": Presser(LEE),
    "approver's id in another team": Presser(replace(KIM, team_id="T0OTHER")),
    "asker's id in another team": Presser(replace(SAM, team_id="T0OTHER"), approves=(SAM, KIM)),
}
TABLE = """
presser                       | choose      | confirm     | cancel    | approve           | deny
asker                         | opened      | confirmed   | cancelled | own               | own
both                          | opened      | confirmed   | cancelled | own               | own
asker, off the list since     | not allowed | not allowed | cancelled | own               | own
approver                      | another's   | another's   | another's | approved          | denied
approver, off the list since  | another's   | another's   | another's | not allowed       | not allowed
neither                       | another's   | another's   | another's | not allowed       | not allowed
approver's id in another team | another's   | another's   | another's | from another team | from another team
asker's id in another team    | another's   | another's   | another's | own               | own
"""
AWAITED = {
    "choose": {State.CHOOSING},
    "confirm": {State.CONFIRMING},
    "cancel": AWAITING,
    "approve": {State.APPROVING},
    "deny": {State.APPROVING},
}
ARRIVES = {
    "opened": State.CONFIRMING,
    "confirmed": State.APPROVING,
    "cancelled": State.CANCELLED,
    "approved": State.READY,
    "denied": State.DENIED,
}
RULES = {
    "own": OWN,
    "another's": "pressed another's button",
    "not allowed": "not allowed",
    "from another team": "from another team",
}


def cells() -> dict[tuple[str, str], str]:
    head, *rows = ([cell.strip() for cell in line.split("|")] for line in TABLE.strip().splitlines())
    return {(row[0], button): cell for row in rows for button, cell in zip(head[1:], row[1:], strict=True)}


def in_state(state: State) -> Request:
    if state is State.CHOOSING:
        return choosing()
    approval = None if state is State.CONFIRMING else Approval(asked_at=NOON, channel_id="C0APPROVE1")
    return awaiting(state=state, approval=approval)


@pytest.mark.parametrize("state", [state for state in State if state is not State.PREVIEWING])  # that is a list's
@pytest.mark.parametrize(("presser", "button"), cells())
def test_who_may_press_what_in_which_state(store: Store, presser: str, button: str, state: State) -> None:
    who, word = PRESSERS[presser], cells()[presser, button]
    of_operator = rules(
        store,
        allowlist=Allowlist(listed(SAM) if who.asks else Allowed(), {"customers": Allowed()}),
        approvers=approvers(*who.approves),
    )
    of_approver = approvals(of_operator)
    request = added(store, in_state(state))
    result = pressed(getattr(of_approver if button in {"approve", "deny"} else of_operator, button), request, who)
    *_, entry = store.entries(None, None)
    if button in {"approve", "deny"} and state is State.CHOOSING and word != "own":  # forged: no one was asked yet
        assert (result, stored(store, request), len(kinds(store))) == (UnknownRequestError, request, 1)
    elif word in {"own", "another's", "from another team"} or (word == "not allowed" and is_refused(button, state)):
        assert result is (NotYoursError if word == "another's" else DeniedError)
        is_neither = button in {"approve", "deny"} and word != "own"
        rule = f"pressed Approve or Deny: {RULES[word]}" if is_neither else RULES[word]
        assert (entry.kind, entry.rule, stored(store, request)) == (Kind.REFUSED, rule, request)
        assert (entry.ask.operator, entry.chosen or ADA) == (who.operator, ADA)
    elif state in AWAITED[button]:
        assert result == stored(store, request)
        assert (entry.kind.value, stored(store, request).state) == (word, ARRIVES[word])
    else:
        assert result is AlreadyDecidedError
        assert (stored(store, request), len(kinds(store))) == (request, 1)


def is_refused(button: str, state: State) -> bool:
    """Whether someone who is on no list is told that, not that it was decided before."""
    return state in AWAITED[button] or button in {"approve", "deny"}


def pressed(decide: Callable[[Press], Request], request: Request, who: Presser) -> object:
    """Return the request that a press made, or the type of the error that it raised."""
    try:
        return decide(Press(request_id=request.id, operator=who.operator, place=CLICK))
    except (BotError, AlreadyDecidedError) as error:
        return type(error)


class TestAsking:
    def test_the_operators_press_asks_a_second_person_and_the_wait_begins_again(self, store: Store) -> None:
        clock = StoppedClock(NOON + timedelta(minutes=4))
        asked = rules(store, clock).confirm(press(added(store, awaiting()), SAM))
        assert (asked.state, asked.decided_at, asked.needs) == (State.APPROVING, None, ("approve.when",))
        assert asked.approval == Approval(asked_at=clock.now(), channel_id="C0APPROVE1")
        assert asked.expires_at == clock.now() + WITHIN
        assert store.ready(NOON + timedelta(days=1), 9) == []

    def test_no_one_is_asked_where_only_the_asker_could_approve(self, store: Store) -> None:
        request = added(store, awaiting())
        with pytest.raises(SecondPersonError):
            rules(store, approvers=approvers(SAM)).confirm(press(request, SAM))
        assert stored(store, request) == request
        others = approvers(SAM, groups=frozenset({"S0LEADS"}))
        assert rules(store, approvers=others).confirm(press(request, SAM)).state is State.APPROVING

    @pytest.mark.parametrize("needing", [set(), {"keep_out"}, {"sign_out", "let_in"}, set(ACTIONS)])
    @pytest.mark.parametrize("action", ASKED_FOR)
    def test_the_settings_say_for_which_actions_one_is_needed(
        self, store: Store, action: str, needing: set[str]
    ) -> None:
        may = {action: Allowlist(listed(SAM), {"customers": Allowed()}, table=f"actions.{action}")}
        when = {"customers": replace(ALWAYS, actions=frozenset(needing))}
        account = replace(ADA, enabled=action != "let_in")
        request = added(store, awaiting(action=action, chosen=account))
        decided = rules(store, actions=may, approving=when).confirm(press(request, SAM))
        state, needs = (State.APPROVING, ("approve.when",)) if action in needing else (State.READY, ())
        assert (decided.state, decided.needs, decided.action) == (state, needs, action)

    def test_who_may_only_ask_needs_an_approval_for_each_action(self, store: Store) -> None:
        only_asks = Allowlist(replace(Allowed(), ask=listed(SAM)), {"customers": Allowed()})
        may = {"keep_out": Allowlist(listed(SAM), {"customers": Allowed()}, table="actions.keep_out")}
        request = added(store, awaiting(action="keep_out"))
        asking = rules(store, allowlist=only_asks, actions=may, approving={"customers": QUIET})
        assert asking.more_needs(request.ask, "customers") == {"keep_out": ("allow.ask.users; actions.keep_out.users",)}
        decided = asking.confirm(press(request, SAM))
        assert (decided.state, decided.needs) == (State.APPROVING, ("allow.ask.users; actions.keep_out.users",))

    def test_without_these_settings_the_press_decides(self, store: Store) -> None:
        decided = confirmations(store, StoppedClock()).confirm(press(added(store, awaiting()), SAM))
        assert (decided.state, decided.needs, decided.approval) == (State.READY, (), None)

    def test_the_settings_at_the_press_say_whether_one_is_needed(self, store: Store) -> None:
        decided = rules(store, approving={}).confirm(press(added(store, awaiting(needs=("approve.when",))), SAM))
        assert (decided.state, decided.needs) == (State.READY, ())


class TestApprove:
    def test_an_approval_decides_at_its_own_time_and_says_who_and_by_which_rule(self, store: Store) -> None:
        request, clock = approving_in(store), StoppedClock(NOON + timedelta(minutes=9))
        decided = approvals(rules(store, clock)).approve(press(request, reason="a no has one, a yes has not"))
        assert (decided.state, decided.decided_at, decided.ended_at) == (State.READY, clock.now(), None)
        assert approval_of(decided) == replace(
            approval_of(request), approver=KIM, rule="approve.users", at=clock.now(), reason=None
        )
        assert decided.allowed_by == request.allowed_by, "that is the operator's"
        assert kinds(store) == ["opened", "confirmed", "approved"]

    def test_a_denial_ends_it_with_its_reason(self, store: Store) -> None:
        request, clock = approving_in(store), StoppedClock(NOON + timedelta(minutes=9))
        denied = approvals(rules(store, clock)).deny(press(request, reason="She is on the phone with me."))
        assert (denied.state, denied.decided_at, denied.ended_at) == (State.DENIED, None, clock.now())
        assert (approval_of(denied).approver, approval_of(denied).reason) == (KIM, "She is on the phone with me.")
        assert kinds(store) == ["opened", "confirmed", "denied"]
        assert [each.kind for each in store.due_entries(clock.now(), 9)] == [Kind.DENIED], "the channel is told"

    @pytest.mark.parametrize("button", ["approve", "deny"])
    def test_a_press_counts_until_the_end_of_the_wait_on_the_deciding_clock(self, store: Store, button: str) -> None:
        in_time, late = approving_in(store), approving_in(store)
        getattr(approvals(rules(store, StoppedClock(NOON + WITHIN - TICK))), button)(press(in_time))
        assert stored(store, in_time).state in {State.READY, State.DENIED}
        with pytest.raises(AlreadyDecidedError):
            getattr(approvals(rules(store, StoppedClock(NOON + WITHIN))), button)(press(late))
        assert (stored(store, late).state, stored(store, late).ended_at) == (State.EXPIRED, NOON + WITHIN)
        assert kinds(store)[-1] == "expired"

    def test_a_press_that_became_late_while_slack_listed_a_group_does_not_count(self, store: Store) -> None:
        clock = StoppedClock(NOON + WITHIN - timedelta(seconds=1))
        groups = Members({"S0LEADS": frozenset({KIM.id})}, during=lambda: clock.sleep(2))
        leads = approvers(groups=frozenset({"S0LEADS"}))
        request = approving_in(store)
        with pytest.raises(AlreadyDecidedError):
            approvals(rules(store, clock, approvers=leads, members=groups.members)).approve(press(request))
        assert stored(store, request).state is State.EXPIRED

    @pytest.mark.parametrize("ahead", [CLOCKS_AGREE_WITHIN, CLOCKS_AGREE_WITHIN + TICK])
    def test_no_approval_waits_for_longer_than_the_longest_that_can_be_set(
        self, store: Store, ahead: timedelta
    ) -> None:
        """Else a clock that was wrong wrote its end."""
        request = added(store, replace(in_state(State.APPROVING), expires_at=NOON + LONGEST_APPROVAL + ahead))
        try:
            approvals(rules(store)).approve(press(request))
        except AlreadyDecidedError:
            assert ahead > CLOCKS_AGREE_WITHIN
        assert stored(store, request).state is (State.READY if ahead == CLOCKS_AGREE_WITHIN else State.EXPIRED)

    def test_it_expires_without_a_press(self, store: Store) -> None:
        request, clock = approving_in(store), StoppedClock(NOON + WITHIN + CLOCKS_AGREE_WITHIN - TICK)
        rules(store, clock).expire()
        assert stored(store, request).state is State.APPROVING
        clock.time += TICK
        rules(store, clock).expire()
        assert stored(store, request).state is State.EXPIRED

    @pytest.mark.parametrize("button", ["approve", "deny"])
    def test_while_the_clock_is_wrong_nothing_is_decided(self, store: Store, button: str) -> None:
        request, clock = approving_in(store), StoppedClock(error=ClockChangedError)
        with pytest.raises(ClockChangedError):
            getattr(approvals(rules(store, clock)), button)(press(request))
        assert stored(store, request) == request

    @pytest.mark.parametrize("button", ["may", "approve", "deny"])
    def test_a_forged_request_id_does_nothing(self, store: Store, button: str) -> None:
        with pytest.raises(UnknownRequestError):
            getattr(approvals(rules(store)), button)(press(awaiting()))
        assert kinds(store) == []

    def test_to_look_whether_someone_may_changes_nothing(self, store: Store) -> None:
        request = approving_in(store)
        assert approvals(rules(store)).may(press(request)) == request == stored(store, request)
        with pytest.raises(DeniedError):
            approvals(rules(store)).may(press(request, SAM))


class TestWhoMayApprove:
    def test_a_group_as_slack_lists_it_at_the_press(self, store: Store) -> None:
        groups = Members({"S0LEADS": frozenset()})
        leads = approvals(rules(store, approvers=approvers(groups=frozenset({"S0LEADS"})), members=groups.members))
        request = approving_in(store)
        with pytest.raises(DeniedError, match="not on the list of people who may approve"):
            leads.approve(press(request))
        groups.of["S0LEADS"] = None
        with pytest.raises(DeniedError, match=r"^Slack could not be asked"):
            leads.approve(press(request))
        groups.of["S0LEADS"] = frozenset({KIM.id})
        assert approval_of(leads.approve(press(request))).rule == "approve.groups: S0LEADS"

    def test_an_approver_of_one_pool_has_no_say_in_another(self, store: Store) -> None:
        of_staff = Allowlist(Allowed(), {"customers": Allowed(), "staff": listed(KIM)}, table="approve")
        request = approving_in(store)
        with pytest.raises(DeniedError):
            approvals(rules(store, approvers=of_staff)).approve(press(request))
        in_staff = approving_in(store, chosen=replace(ADA, pool="staff"))
        decided = approvals(rules(store, approvers=of_staff)).approve(press(in_staff))
        assert approval_of(decided).rule == "pools.staff.approve.users"

    def test_who_may_only_sign_out_or_ask_does_not_approve(self, store: Store) -> None:
        allowed = Allowlist(replace(listed(KIM), ask=listed(LEE)), {"customers": Allowed()})
        request = approving_in(store)
        for operator in (KIM, LEE):
            with pytest.raises(DeniedError):
                approvals(rules(store, allowlist=allowed, approvers=approvers(SAM))).approve(press(request, operator))

    @pytest.mark.parametrize("team", ["T0OTHER", "E0ORG", SAM.team_id])
    def test_in_an_organisation_no_one_approves_their_own_request_from_another_workspace(
        self, store: Store, team: str
    ) -> None:
        request = approving_in(store, operator=replace(SAM, team_id="E0ORG"))
        org = Home("E0ORG", frozenset({SAM.team_id, "E0ORG"}), lambda _: True)
        everyone = rules(store, approvers=approvers(SAM, KIM), home=lambda: org)
        with pytest.raises(DeniedError, match="someone else has to approve"):
            approvals(everyone).approve(press(request, replace(SAM, team_id=team)))
        assert stored(store, request) == request

    def test_while_slack_has_not_said_whose_bot_this_is_no_one_approves(self, store: Store) -> None:
        request, homes = approving_in(store), [None, HOME]
        with pytest.raises(DeniedError):
            approvals(rules(store, home=lambda: None)).approve(press(request))
        assert approvals(rules(store, home=homes.pop)).approve(press(request)).state is State.READY


class TestChangedSettings:
    def test_what_was_asked_before_still_needs_its_approval(self, store: Store) -> None:
        request = approving_in(store)
        decided = approvals(rules(store, approving={})).approve(press(request))
        assert decided.state is State.READY

    def test_a_pool_that_is_configured_no_longer_is_not_approved(self, store: Store) -> None:
        request = approving_in(store)
        elsewhere = Allowlist(listed(KIM), {"staff": Allowed()}, table="approve")
        with pytest.raises(PoolChangedError):
            approvals(rules(store, approvers=elsewhere)).approve(press(request))
        assert stored(store, request) == request

    def test_without_approvers_it_can_only_be_cancelled_or_expire(self, store: Store) -> None:
        request, without = approving_in(store), confirmations(store, StoppedClock())
        with pytest.raises(PoolChangedError):
            approvals(without).approve(press(request))
        assert without.cancel(press(request, SAM)).state is State.CANCELLED

    def test_a_shorter_wait_does_not_end_what_is_waited_for(self, store: Store) -> None:
        request = approving_in(store)
        shorter = {"customers": replace(ALWAYS, within=timedelta(minutes=1))}
        decided = approvals(rules(store, StoppedClock(NOON + WITHIN - TICK), approving=shorter)).approve(press(request))
        assert decided.state is State.READY


# Two at once: the first to be written decides, and the other is told that.

MADE = {"approve": "approved", "deny": "denied", "cancel": "cancelled", "expire": "expired"}


def decide(store: Any, button: str, request: Request, operator: Operator, at: datetime = NOON) -> None:
    of_operator = rules(store, StoppedClock(at), approvers=approvers(KIM, LEE))
    if button == "expire":
        rules(store, StoppedClock(NOON + WITHIN + CLOCKS_AGREE_WITHIN)).expire()
    elif button == "cancel":
        of_operator.cancel(press(request, SAM))
    else:
        getattr(approvals(of_operator), button)(press(request, operator))


@pytest.mark.parametrize("second", ["approve", "deny", "cancel"])
@pytest.mark.parametrize("first", MADE)
def test_of_two_decisions_at_once_the_first_one_counts(store: Store, first: str, second: str) -> None:
    request, happened = approving_in(store), list[str]()

    def before_move() -> None:
        if not happened:
            happened.append(first)
            decide(store, first, request, LEE)

    with pytest.raises(AlreadyDecidedError):
        decide(meanwhile(store, before_move=before_move), second, request, KIM)
    assert kinds(store) == ["opened", "confirmed", MADE[first]]
    after = stored(store, request)
    assert after.version == request.version + 1
    assert after.approval is None or after.approval.approver in {None, LEE}


class TestCount:
    LIMITS: ClassVar[dict[str, Any]] = {"per_operator": 1, "everyone": 9}

    def counted(self, store: Any, at: datetime = NOON) -> Any:
        limits = Limits(windows=store.windows, **self.LIMITS)
        return approvals(rules(store, StoppedClock(at), limits=limits))

    def test_an_approval_is_counted_for_who_asked_and_for_all_and_a_denial_for_no_one(self, store: Store) -> None:
        denied, approved = approving_in(store), approving_in(store)
        self.counted(store).deny(press(denied))
        mine = f"{SAM.team_id}/{SAM.id}"
        assert all(not window.accounts for window in store.windows([mine, EVERYONE]))
        self.counted(store).approve(press(approved))
        assert [set(window.accounts) for window in store.windows([mine, EVERYONE])] == [{ADA.key}, {ADA.key}]
        assert store.windows([f"{KIM.team_id}/{KIM.id}"])[0].accounts == {}

    def test_what_was_approved_beyond_a_limit_is_done_and_counted(self, store: Store) -> None:
        for name in ("ada", "grace", "linus"):
            request = approving_in(store, chosen=replace(ADA, username=name))
            assert self.counted(store).approve(press(request)).state is State.READY
        assert len(store.windows([EVERYONE])[0].accounts) == 3

    def test_another_decision_at_the_same_moment_is_counted_beside_it(self, store: Store) -> None:
        mine, other = (approving_in(store, chosen=replace(ADA, username=name)) for name in ("ada", "grace"))
        happened: list[str] = []

        def before_move() -> None:
            if not happened:
                happened.append("once")
                self.counted(store).approve(press(other))

        self.counted(meanwhile(store, before_move=before_move)).approve(press(mine))
        assert {stored(store, each).state for each in (mine, other)} == {State.READY}
        assert len(store.windows([EVERYONE])[0].accounts) == 2
        assert kinds(store).count("approved") == 2

    def test_an_approval_that_comes_second_is_not_counted(self, store: Store) -> None:
        request, happened = approving_in(store), list[str]()

        def before_move() -> None:
            if not happened:
                happened.append("once")
                approvals(rules(store)).deny(press(request))

        with pytest.raises(AlreadyDecidedError):
            self.counted(meanwhile(store, before_move=before_move)).approve(press(request))
        assert store.windows([EVERYONE])[0].accounts == {}
