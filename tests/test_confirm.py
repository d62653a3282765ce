"""From what was asked to a decision: who may, which account, and which press counts."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from examples import (
    ADA,
    ASKED_FOR,
    CLICK,
    COMMAND,
    KIM,
    NOON,
    SAM,
    ScriptedPool,
    StoppedClock,
    asked,
    awaiting,
    choosing,
    confirmations,
)
from stand_ins import Members, added, meanwhile, moved, ready_in

from bot.account import Account, Session
from bot.action import ACTIONS, OTHERS, Step
from bot.approve import ApprovalSettings
from bot.audit import Kind
from bot.authorize import NO_ONE, Allowed, Allowlist, Home
from bot.confirm import Confirmations
from bot.decide import AlreadyDecidedError, Press
from bot.errors import (
    AccountNotFoundError,
    ClockChangedError,
    DeniedError,
    NotYoursError,
    PoolChangedError,
    PoolUnavailableError,
    SecondPersonError,
    SupersededError,
    UnknownRequestError,
    UsageError,
)
from bot.limits import Protection
from bot.options import Attribute, ReasonRule
from bot.request import AWAITING, TERMINAL, Earlier, Operator, Options, Request, State, new_id
from bot.wiring.stores import Store
from bot.work import CLOCKS_AGREE_WITHIN

IN_GROUP = Allowlist(Allowed(groups=frozenset({"S0ONE"})), {"customers": Allowed()})
LATE = timedelta(minutes=5)  # a card is good for less than this
TWO_POOLS = Allowlist(Allowed(users=frozenset({SAM.id})), {"customers": Allowed(), "staff": Allowed()})
WITH_A_REPLICA: dict[str, Any] = {
    "allowlist": replace(TWO_POOLS, pools=dict.fromkeys(("customers", "staff", "replica"), Allowed())),
    "pools": {"replica": ScriptedPool([], StoppedClock(), region="eu-west-1")},
}


def press(request: Request, operator: Operator = SAM, number: int = 0) -> Press:
    return Press(request_id=request.id, operator=operator, place=CLICK, number=number)


def kinds(store: Store) -> list[Kind]:
    return [entry.kind for entry in store.entries(None, None)]


def stored(store: Store, request: Request) -> Request:
    found = store.get(request.id)
    assert found
    return found


def on_grid(*, says: bool | None) -> Home:
    return Home("E0ORG", frozenset({SAM.team_id, "E0ORG"}), lambda _: says)


def of_operator(operator: Operator) -> Request:
    request = awaiting()
    return replace(request, ask=replace(request.ask, operator=operator))


class TestAuthorize:
    def test_an_operator_on_the_list_may_and_leaves_no_entry(self, store: Store) -> None:
        authorized = confirmations(store, StoppedClock()).authorize(asked())
        assert authorized.rules == {"customers": "allow.users"}
        assert kinds(store) == []

    @pytest.mark.parametrize(
        ("operator", "rule"), [(KIM, "not allowed"), (replace(SAM, team_id="T0OTHER"), "from another team")]
    )
    def test_anyone_else_is_refused_with_an_entry_for_the_audit_channel(
        self, store: Store, operator: Operator, rule: str
    ) -> None:
        with pytest.raises(DeniedError) as caught:
            confirmations(store, StoppedClock()).authorize(asked(operator=operator))
        (entry,) = store.entries(None, None)
        assert (entry.kind, entry.rule, entry.ask.operator) == (Kind.REFUSED, rule, operator)
        assert entry.delivery.next_at == NOON
        assert str(caught.value) == str(DeniedError()), "it reveals nothing"

    def test_no_one_is_allowed_while_slack_has_not_said_which_workspace_this_is(self, store: Store) -> None:
        with pytest.raises(DeniedError, match=r"^Slack could not be asked"):
            confirmations(store, StoppedClock(), home=lambda: None).authorize(asked())

    def test_no_one_is_allowed_through_a_group_that_slack_cannot_list_and_the_entry_says_so(self, store: Store) -> None:
        rules = confirmations(store, StoppedClock(), allowlist=IN_GROUP, members=Members({"S0ONE": None}).members)
        with pytest.raises(DeniedError, match=r"^Slack could not be asked"):
            rules.authorize(asked())
        (entry,) = store.entries(None, None)
        assert entry.rule == "not allowed (Slack could not list S0ONE)"


class TestPools:
    def test_all_pools_of_this_operator_are_looked_in_unless_one_is_named(self, store: Store) -> None:
        rules = confirmations(store, StoppedClock(), allowlist=TWO_POOLS)
        assert rules.authorize(asked()).rules.keys() == {"customers", "staff"}
        assert rules.authorize(asked(pool="staff")).rules.keys() == {"staff"}

    def test_a_pool_may_be_named_by_its_id(self, store: Store) -> None:
        rules = confirmations(store, StoppedClock(), allowlist=TWO_POOLS)
        assert rules.authorize(asked(pool_id=ADA.pool_id)).rules.keys() == {"customers"}

    @pytest.mark.parametrize(
        ("named", "pools"),
        [
            ({"region": "eu-west-1"}, {"replica"}),
            ({"region": "eu-central-1"}, {"customers", "staff"}),
            ({"region": "eu-central-1", "pool": "staff"}, {"staff"}),
            ({"pool_id": ADA.pool_id}, {"customers", "replica"}),
            ({"pool_id": ADA.pool_id, "region": "eu-west-1"}, {"replica"}),
            ({"pool_id": ADA.pool_id, "region": "eu-central-1"}, {"customers"}),
        ],
    )
    def test_a_region_chooses_among_pools_also_where_two_share_an_id(
        self, store: Store, named: dict[str, str], pools: set[str]
    ) -> None:
        rules = confirmations(store, StoppedClock(), **WITH_A_REPLICA)
        assert rules.authorize(asked(**named)).rules.keys() == pools

    @pytest.mark.parametrize(
        "named",
        [
            {"region": "us-east-1"},
            {"region": ""},
            {"region": "eu-west-1", "pool": "staff"},
            {"region": "us-east-1", "pool_id": ADA.pool_id},
        ],
    )
    def test_a_region_without_such_a_pool_is_told_beside_the_regions_that_there_are(
        self, store: Store, named: dict[str, str]
    ) -> None:
        with pytest.raises(UsageError) as caught:
            confirmations(store, StoppedClock(), **WITH_A_REPLICA).authorize(asked(**named))
        assert caught.value.sentence == (
            "This bot knows no such pool in that region. "
            "You may use: customers (eu-central-1), replica (eu-west-1), staff (eu-central-1)."
        )

    def test_a_region_in_which_only_others_may_is_refused_and_names_none_of_their_pools(self, store: Store) -> None:
        mine, theirs = Allowed(frozenset({SAM.id})), Allowed(frozenset({KIM.id}))
        allowlist = Allowlist(Allowed(), {"customers": mine, "staff": mine, "replica": theirs})
        rules = confirmations(store, StoppedClock(), **WITH_A_REPLICA | {"allowlist": allowlist})
        with pytest.raises(DeniedError) as caught:
            rules.authorize(asked(region="eu-west-1"))
        assert str(caught.value) == "You may not do this in that region. You may use: customers, staff."
        assert rules.authorize(asked(pool_id=ADA.pool_id)).rules.keys() == {"customers"}

    @pytest.mark.parametrize("named", [{"pool": "other"}, {"pool_id": "eu-central-1_Other"}, {"pool": ""}])
    def test_an_unknown_pool_is_named_beside_those_that_there_are(self, store: Store, named: dict[str, str]) -> None:
        rules = confirmations(store, StoppedClock())
        with pytest.raises(UsageError, match=r"knows no such pool. You may use: customers\."):
            rules.authorize(asked(**named))
        assert kinds(store) == []

    def test_a_pool_of_others_is_refused_with_an_entry(self, store: Store) -> None:
        theirs = Allowlist(
            Allowed(), {"customers": Allowed(frozenset({SAM.id})), "staff": Allowed(frozenset({KIM.id}))}
        )
        rules = confirmations(store, StoppedClock(), allowlist=theirs)
        with pytest.raises(DeniedError, match=r"You may not do this in pool staff. You may use: customers\."):
            rules.authorize(asked(pool="staff"))
        (entry,) = store.entries(None, None)
        assert (entry.kind, entry.rule) == (Kind.REFUSED, "not allowed in pool staff")

    @pytest.mark.parametrize(
        ("members", "sentence"),
        [(frozenset[str](), "You may not do this in pool staff"), (None, "Slack could not be asked who is in a group")],
    )
    def test_a_pool_whose_group_could_not_be_listed_is_not_told_as_one_of_others(
        self, store: Store, members: frozenset[str] | None, sentence: str
    ) -> None:
        mine = Allowed(frozenset({SAM.id}))
        mixed = Allowlist(Allowed(), {"customers": mine, "staff": Allowed(groups=frozenset({"S0ONE"}))})
        rules = confirmations(store, StoppedClock(), allowlist=mixed, members=Members({"S0ONE": members}).members)
        with pytest.raises(DeniedError, match=sentence):
            rules.authorize(asked(pool="staff"))
        assert rules.authorize(asked(pool="customers")).rules == {"customers": "pools.customers.allow.users"}


class TestOpen:
    def test_one_account_awaits_its_confirmation(self, store: Store) -> None:
        clock = StoppedClock()
        rules = confirmations(store, clock)
        request = rules.open(rules.authorize(asked()), asked(), COMMAND)
        assert (request.state, request.chosen, request.matches) == (State.CONFIRMING, ADA, 1)
        assert request.expires_at == NOON + rules.confirm_within
        assert stored(store, request) == request
        assert kinds(store) == [Kind.OPENED]

    def test_several_accounts_await_a_choice(self, store: Store) -> None:
        both = choosing().candidates
        rules = confirmations(store, StoppedClock(), ScriptedPool([], StoppedClock(), accounts=both))
        ask = asked("ada@example.com")
        request = rules.open(rules.authorize(ask), ask, COMMAND)
        assert (request.state, request.chosen, request.candidates) == (State.CHOOSING, None, both)

    def test_of_many_accounts_the_first_ten_are_offered_and_all_are_counted(self, store: Store) -> None:
        many = [replace(ADA, username=f"ada-{number}", sub=f"{number}") for number in range(12)]
        rules = confirmations(store, StoppedClock(), ScriptedPool([], StoppedClock(), accounts=many))
        ask = asked("ada@example.com")
        request = rules.open(rules.authorize(ask), ask, COMMAND)
        assert (len(request.candidates), request.matches) == (10, 12)

    def test_a_card_says_who_signed_the_account_out_before(self, store: Store) -> None:
        first = moved(store, ready_in(store, id=new_id(NOON - timedelta(hours=1)), operator=KIM), State.RUNNING)
        moved(store, first, State.DONE, done=(str(Step.SIGN_OUT),), ended_at=NOON - timedelta(minutes=59))
        rules = confirmations(store, StoppedClock())
        request = rules.open(rules.authorize(asked()), asked(), COMMAND)
        assert request.earlier == Earlier(at=NOON - timedelta(minutes=59), by="kim")

    def test_where_no_account_is_found_that_is_recorded_and_nothing_is_opened(self, store: Store) -> None:
        rules = confirmations(store, StoppedClock())
        with pytest.raises(AccountNotFoundError):
            rules.open(rules.authorize(asked("bob")), asked("bob"), COMMAND)
        (entry,) = store.entries(None, None)
        assert (entry.kind, entry.rule, entry.chosen) == (Kind.NOT_FOUND, "allow.users", None)
        assert entry.delivery.next_at is None
        assert store.get(asked("bob").id) is None

    def test_a_missing_reason_is_asked_for_before_cognito_is(self, store: Store) -> None:
        rules = confirmations(store, StoppedClock(), reason_rule=ReasonRule(required=True))
        asks_no_one: Any = None
        with pytest.raises(UsageError, match="A reason is needed"):
            replace(rules, finder=asks_no_one).open(rules.authorize(asked()), asked(), COMMAND)

    def test_the_same_command_taken_twice_is_opened_once(self, store: Store) -> None:
        rules = confirmations(store, StoppedClock())
        authorized, ask = rules.authorize(asked()), asked()
        rules.open(authorized, ask, COMMAND)
        with pytest.raises(SupersededError):
            rules.open(authorized, ask, COMMAND)
        assert kinds(store) == [Kind.OPENED]

    def test_in_a_terminal_there_is_no_card(self, store: Store) -> None:
        rules = confirmations(store, StoppedClock())
        rules.open(rules.authorize(asked()), asked(source=TERMINAL), None)
        assert store.due_messages(NOON + timedelta(days=1), 9) == []


class TestConfirm:
    def test_a_press_in_time_decides_and_names_the_rule_that_allowed_it_then(self, store: Store) -> None:
        clock = StoppedClock()
        request = added(store, awaiting(allowed_by="an earlier rule"))
        clock.time = NOON + LATE - timedelta(microseconds=1)
        decided = confirmations(store, clock).confirm(press(request))
        assert (decided.state, decided.decided_at, decided.allowed_by) == (State.READY, clock.now(), "allow.users")
        assert stored(store, request) == decided
        assert kinds(store) == [Kind.OPENED, Kind.CONFIRMED]

    def test_the_card_is_from_now_on_where_it_was_pressed(self, store: Store) -> None:
        request = added(store, awaiting())
        confirmations(store, StoppedClock()).confirm(press(request))
        (card,) = store.due_messages(NOON + timedelta(seconds=1), 9)
        assert card.place == CLICK

    def test_a_late_press_expires_the_request(self, store: Store) -> None:
        request = added(store, awaiting())
        with pytest.raises(AlreadyDecidedError) as caught:
            confirmations(store, StoppedClock(NOON + LATE)).confirm(press(request))
        assert caught.value.request == stored(store, request)
        assert (caught.value.request.state, caught.value.request.ended_at) == (State.EXPIRED, NOON + LATE)
        assert kinds(store) == [Kind.OPENED, Kind.EXPIRED]

    def test_a_press_that_became_late_while_slack_listed_a_group_does_not_count(self, store: Store) -> None:
        clock = StoppedClock(NOON + LATE - timedelta(seconds=1))
        groups = Members({"S0ONE": frozenset({SAM.id})}, during=lambda: clock.sleep(2))
        request = added(store, awaiting())
        with pytest.raises(AlreadyDecidedError):
            confirmations(store, clock, allowlist=IN_GROUP, members=groups.members).confirm(press(request))
        assert stored(store, request).state is State.EXPIRED

    def test_the_time_of_the_decision_is_the_one_that_was_compared_with_the_end_of_the_wait(self, store: Store) -> None:
        class Running(StoppedClock):
            """It moves on whenever someone looks at it."""

            def now(self) -> datetime:
                self.time += timedelta(seconds=1)
                return self.time

        request = added(store, awaiting())
        decided = confirmations(store, Running(request.expires_at - timedelta(seconds=3))).confirm(press(request))
        assert decided.decided_at
        assert decided.decided_at < request.expires_at

    def test_an_operator_who_was_taken_off_the_list_since_is_refused(self, store: Store) -> None:
        request = added(store, awaiting())
        rules = confirmations(store, StoppedClock(), allowlist=Allowlist(Allowed(), {"customers": Allowed()}))
        with pytest.raises(DeniedError):
            rules.confirm(press(request))
        assert stored(store, request).state is State.CONFIRMING
        (*_, refusal) = store.entries(None, None)
        assert (refusal.kind, refusal.chosen) == (Kind.REFUSED, ADA)

    def test_a_press_while_slack_cannot_list_the_group_is_not_told_that_the_operator_is_off_the_list(
        self, store: Store
    ) -> None:
        request = added(store, awaiting())
        rules = confirmations(store, StoppedClock(), allowlist=IN_GROUP, members=Members({"S0ONE": None}).members)
        with pytest.raises(DeniedError, match=r"^Slack could not be asked") as caught:
            rules.confirm(press(request))
        assert "no longer" not in str(caught.value)
        assert stored(store, request).state is State.CONFIRMING

    def test_a_rule_for_another_pool_does_not_confirm_this_one(self, store: Store) -> None:
        request = added(store, awaiting())
        staff = Allowlist(Allowed(), {"customers": Allowed(), "staff": Allowed(frozenset({SAM.id}))})
        with pytest.raises(DeniedError):
            confirmations(store, StoppedClock(), allowlist=staff).confirm(press(request))

    @pytest.mark.parametrize("stranger", [KIM, replace(SAM, team_id="T0OTHER")], ids=["another", "of another team"])
    @pytest.mark.parametrize("button", ["choose", "confirm", "cancel"])
    @pytest.mark.parametrize("request_", [awaiting(), choosing(), awaiting(state=State.DONE)])
    def test_only_the_operator_who_asked_may_press(
        self, store: Store, stranger: Operator, button: str, request_: Request
    ) -> None:
        added(store, request_)
        with pytest.raises(NotYoursError):
            getattr(confirmations(store, StoppedClock()), button)(press(request_, stranger))
        assert stored(store, request_) == request_
        (*_, refusal) = store.entries(None, None)
        assert (refusal.kind, refusal.rule) == (Kind.REFUSED, "pressed another's button")
        assert refusal.ask == replace(request_.ask, operator=stranger)

    @pytest.mark.parametrize("before", [SAM.team_id, "E0ORG"], ids=["stored before the update", "stored since"])
    @pytest.mark.parametrize("team", [SAM.team_id, "E0ORG", "T0OTHER"])
    def test_in_an_organisation_the_operator_may_press_from_any_workspace(
        self, store: Store, before: str, team: str
    ) -> None:
        request = added(store, of_operator(replace(SAM, team_id=before)))
        decided = confirmations(store, StoppedClock(), home=lambda: on_grid(says=True)).confirm(
            press(request, replace(SAM, team_id=team))
        )
        assert decided.state is State.READY

    @pytest.mark.parametrize("button", ["choose", "confirm", "cancel"])
    def test_in_an_organisation_someone_elsewhere_with_the_operators_user_id_may_not_press(
        self, store: Store, button: str
    ) -> None:
        request = added(store, of_operator(replace(SAM, team_id="E0ORG")))
        stranger = replace(SAM, team_id="T0OTHER")
        with pytest.raises(NotYoursError):
            getattr(confirmations(store, StoppedClock(), home=lambda: on_grid(says=False)), button)(
                press(request, stranger)
            )
        (*_, refusal) = store.entries(None, None)
        assert (refusal.rule, refusal.ask.operator) == ("pressed another's button", stranger)

    @pytest.mark.parametrize("home", [None, on_grid(says=None)], ids=["not known yet", "Slack could not tell"])
    @pytest.mark.parametrize("button", ["choose", "confirm", "cancel"])
    def test_where_it_cannot_be_told_who_pressed_no_one_is_accused(
        self, store: Store, button: str, home: Home | None
    ) -> None:
        request = added(store, of_operator(replace(SAM, team_id="E0ORG")))
        with pytest.raises(DeniedError) as caught:
            getattr(confirmations(store, StoppedClock(), home=lambda: home), button)(
                press(request, replace(SAM, team_id="T0OTHER"))
            )
        assert str(caught.value) == DeniedError.NOT_TOLD
        (*_, refusal) = store.entries(None, None)
        assert refusal.rule == "not allowed (Slack could not tell whether they belong here)"
        assert stored(store, request) == request

    def test_in_an_organisation_slack_is_not_asked_about_a_presser_with_another_user_id(self, store: Store) -> None:
        def never(_: Operator) -> bool:
            raise AssertionError

        request = added(store, of_operator(replace(SAM, team_id="E0ORG")))
        home = Home("E0ORG", frozenset({SAM.team_id, "E0ORG"}), never)
        with pytest.raises(NotYoursError):
            confirmations(store, StoppedClock(), home=lambda: home).confirm(press(request, replace(KIM, team_id="T0X")))

    @pytest.mark.parametrize("button", ["choose", "confirm", "cancel"])
    def test_a_forged_request_id_does_nothing(self, store: Store, button: str) -> None:
        with pytest.raises(UnknownRequestError):
            getattr(confirmations(store, StoppedClock()), button)(press(awaiting()))
        assert kinds(store) == []

    @pytest.mark.parametrize(
        "changed",
        [
            ScriptedPool([], StoppedClock(), pool_id="eu-central-1_Other1234"),
            ScriptedPool([], StoppedClock(), region="eu-west-1"),
        ],
    )
    def test_a_pool_whose_name_stands_for_another_by_now_is_not_touched(
        self, store: Store, changed: ScriptedPool
    ) -> None:
        request = added(store, awaiting())
        rules = confirmations(store, StoppedClock(), changed)
        with pytest.raises(PoolChangedError):
            rules.confirm(press(request))
        assert stored(store, request) == request

    @pytest.mark.parametrize("state", [state for state in State if state not in AWAITING])
    @pytest.mark.parametrize("button", ["choose", "confirm", "cancel"])
    def test_a_press_on_what_was_decided_or_has_ended_changes_nothing(
        self, store: Store, button: str, state: State
    ) -> None:
        request = added(store, awaiting(state=state))
        with pytest.raises(AlreadyDecidedError) as caught:
            getattr(confirmations(store, StoppedClock()), button)(press(request))
        assert caught.value.request == stored(store, request) == request

    def test_a_confirmation_forged_before_the_choice_decides_nothing(self, store: Store) -> None:
        request = added(store, choosing())
        with pytest.raises(AlreadyDecidedError):
            confirmations(store, StoppedClock()).confirm(press(request))
        assert stored(store, request) == request

    def test_of_two_presses_at_once_exactly_one_decides(self, store: Store) -> None:
        request = added(store, awaiting())
        first = confirmations(store, StoppedClock())
        overtaken = meanwhile(store, before_move=lambda: first.confirm(press(request)))
        with pytest.raises(AlreadyDecidedError) as caught:
            confirmations(overtaken, StoppedClock()).confirm(press(request))
        assert caught.value.request.state is State.READY
        assert kinds(store) == [Kind.OPENED, Kind.CONFIRMED]


MAY = ("sign_out", "keep_out")
KEEPERS = Allowlist(Allowed(users=frozenset({SAM.id})), {"customers": Allowed()}, table="actions.keep_out")


def keeping(store: Store, pool: ScriptedPool | None = None, **changes: Any) -> Confirmations:
    """Return the rules where SAM may also keep people out."""
    return confirmations(store, StoppedClock(), pool, **({"actions": {"keep_out": KEEPERS}} | changes))


class TestAnotherAction:
    """A press on the button of an action beside the one that was asked for."""

    def test_it_is_decided_instead_of_what_was_asked_for(self, store: Store) -> None:
        request = added(store, awaiting(may=MAY))
        decided = keeping(store).confirm(replace(press(request), action="keep_out"))
        assert (decided.state, decided.action) == (State.READY, "keep_out")
        assert decided.allowed_by == "allow.users; actions.keep_out.users"
        assert stored(store, request) == decided
        (*_, entry) = store.entries(None, None)
        assert (entry.kind, entry.ask.options.action) == (Kind.CONFIRMED, "keep_out")

    def test_it_may_ask_for_an_approval_that_a_sign_out_does_not_need_and_the_other_way_round(
        self, store: Store
    ) -> None:
        only = {"customers": replace(QUIET, actions=frozenset({"keep_out"}))}
        rules = keeping(store, approving=only, approvers=APPROVERS)
        asks, decides = added(store, awaiting(may=MAY)), added(store, awaiting(id=new_id(NOON), may=MAY))
        asking = rules.confirm(replace(press(asks), action="keep_out"))
        assert (asking.state, asking.needs, asking.action) == (State.APPROVING, ("approve.when",), "keep_out")
        assert rules.confirm(press(decides)).state is State.READY

    @pytest.mark.parametrize(
        ("actions", "action"),
        [({}, "keep_out"), ({"keep_out": Allowlist(Allowed(), {"customers": Allowed()})}, "keep_out")],
        ids=["not configured", "off the list since"],
    )
    def test_who_may_not_do_it_is_refused_and_the_card_waits_on(
        self, store: Store, actions: dict[str, Allowlist], action: str
    ) -> None:
        request = added(store, awaiting(may=MAY))
        with pytest.raises(DeniedError, match=r"You may not keep people out \(pool customers\)"):
            keeping(store, actions=actions).confirm(replace(press(request), action=action))
        assert stored(store, request) == request
        (*_, entry) = store.entries(None, None)
        assert (entry.kind, entry.ask.options.action, entry.chosen) == (Kind.REFUSED, action, ADA)

    def test_only_who_asked_may_press_it(self, store: Store) -> None:
        request = added(store, awaiting(may=MAY))
        with pytest.raises(NotYoursError):
            keeping(store).confirm(replace(press(request, KIM), action="keep_out"))
        assert stored(store, request) == request

    def test_what_the_state_of_the_account_does_not_suit_is_refused(self, store: Store) -> None:
        request = added(store, awaiting(chosen=replace(ADA, enabled=False), may=MAY))
        with pytest.raises(DeniedError, match="disabled already"):
            keeping(store).confirm(replace(press(request), action="keep_out"))
        assert stored(store, request) == request

    @pytest.mark.parametrize("action", ACTIONS)
    def test_no_action_is_open_for_a_protected_account(self, store: Store, action: str) -> None:
        account = replace(ADA, protected=OF_ADA, enabled=action != "let_in")
        sessions = (Session(id="tkn-phone", kind="TOKEN"),)
        request = added(store, awaiting(chosen=account, may=ASKED_FOR, sessions=sessions))
        rules = keeping(store, actions=dict.fromkeys(OTHERS, KEEPERS), protections={"customers": LEADS})
        with pytest.raises(DeniedError, match="no one can change it or sign it out"):
            rules.confirm(replace(press(request), action=action))
        assert stored(store, request) == request

    def test_the_card_names_what_its_operator_might_do_and_nothing_where_that_is_only_a_sign_out(
        self, store: Store
    ) -> None:
        rules = keeping(store)
        assert rules.open(rules.authorize(asked()), asked(), COMMAND).may == ("sign_out", "keep_out")
        without = confirmations(store, StoppedClock())
        assert without.open(without.authorize(asked()), asked(id=new_id(NOON)), COMMAND).may == ()

    def test_the_card_of_a_chosen_account_names_what_may_be_done_in_its_pool(self, store: Store) -> None:
        request = added(store, choosing())
        assert keeping(store).choose(press(request)).may == ("sign_out", "keep_out")


class TestNext:
    """A press on a button of a card that has ended."""

    def ended(self, store: Store, state: State = State.DONE) -> Request:
        running = moved(store, ready_in(store, may=MAY), State.RUNNING)
        return moved(store, running, state, ended_at=NOON, done=(str(Step.SIGN_OUT),) if state is State.DONE else ())

    def test_it_asks_for_the_action_with_the_same_account_by_its_user_name(self, store: Store) -> None:
        request = self.ended(store)
        ask = keeping(store).follow_up(replace(press(request), action="keep_out"))
        assert ask
        assert ask.id != request.id
        assert ask.options == Options(
            target="ada", pool="customers", exactly=True, reason="lost phone", action="keep_out"
        )
        assert (ask.operator, ask.source, ask.channel_id) == (SAM, "slack", request.ask.channel_id)

    def test_the_account_is_looked_up_again_and_a_new_press_is_waited_for(self, store: Store) -> None:
        pool = ScriptedPool([], StoppedClock(), accounts=(replace(ADA, enabled=False),))
        rules = keeping(store, pool, actions=dict.fromkeys(("keep_out", "let_in"), KEEPERS))
        ask = rules.follow_up(replace(press(self.ended(store)), action="keep_out"))
        assert ask
        with pytest.raises(DeniedError, match="disabled already"):
            rules.open(rules.authorize(ask), ask, COMMAND)
        assert pool.steps == []

    def test_a_button_that_the_outcome_does_not_have_asks_for_nothing(self, store: Store) -> None:
        rules = keeping(store, actions=dict.fromkeys(("keep_out", "let_in"), KEEPERS))
        assert rules.follow_up(replace(press(self.ended(store)), action="let_in")) is None
        assert rules.follow_up(replace(press(self.ended(store, State.FAILED)), action="keep_out")) is None

    def test_in_a_pool_whose_name_means_another_by_now_no_one_is_looked_for(self, store: Store) -> None:
        another = ScriptedPool([], StoppedClock(), pool_id="eu-central-1_another")
        with pytest.raises(PoolChangedError):
            keeping(store, another).follow_up(replace(press(self.ended(store)), action="keep_out"))

    def test_anothers_press_asks_for_nothing_and_is_recorded(self, store: Store) -> None:
        with pytest.raises(NotYoursError):
            keeping(store).follow_up(replace(press(self.ended(store), KIM), action="keep_out"))
        (*_, entry) = store.entries(None, None)
        assert (entry.kind, entry.rule) == (Kind.REFUSED, "pressed another's button")

    def test_a_forged_request_id_asks_for_nothing(self, store: Store) -> None:
        forged = Press(request_id="01JDA0000000000000000000AA", operator=SAM, action="keep_out")
        with pytest.raises(UnknownRequestError):
            keeping(store).follow_up(forged)

    def test_a_press_on_a_card_that_has_not_ended_asks_for_nothing_new(self, store: Store) -> None:
        request = added(store, awaiting(may=MAY))
        assert keeping(store).follow_up(replace(press(request), action="keep_out")) is None


class TestChoose:
    def test_the_chosen_account_then_awaits_its_confirmation(self, store: Store) -> None:
        request = added(store, choosing())
        chosen = confirmations(store, StoppedClock()).choose(press(request, number=1))
        assert (chosen.state, chosen.account.username) == (State.CONFIRMING, "Google_ada")
        assert chosen.expires_at == request.expires_at, "a choice gives no more time"
        assert kinds(store) == [Kind.OPENED, Kind.OPENED]

    def test_a_number_that_no_candidate_has_does_nothing(self, store: Store) -> None:
        request = added(store, choosing())
        with pytest.raises(UnknownRequestError):
            confirmations(store, StoppedClock()).choose(press(request, number=2))
        assert stored(store, request) == request

    def test_a_second_choice_is_told_of_the_first(self, store: Store) -> None:
        request = added(store, choosing())
        rules = confirmations(store, StoppedClock())
        first = rules.choose(press(request))
        with pytest.raises(AlreadyDecidedError) as caught:
            rules.choose(press(request, number=1))
        assert caught.value.request == first

    def test_a_choice_that_became_late_while_slack_listed_a_group_does_not_count(self, store: Store) -> None:
        clock = StoppedClock(NOON + LATE - timedelta(seconds=1))
        groups = Members({"S0ONE": frozenset({SAM.id})}, during=lambda: clock.sleep(2))
        request = added(store, choosing())
        with pytest.raises(AlreadyDecidedError):
            confirmations(store, clock, allowlist=IN_GROUP, members=groups.members).choose(press(request))
        assert stored(store, request).state is State.EXPIRED

    def test_a_refused_choice_is_recorded_with_the_account_that_was_wanted(self, store: Store) -> None:
        request = added(store, choosing())
        rules = confirmations(store, StoppedClock(), allowlist=Allowlist(Allowed(), {"customers": Allowed()}))
        with pytest.raises(DeniedError):
            rules.choose(press(request, number=1))
        (*_, refusal) = store.entries(None, None)
        assert refusal.chosen
        assert refusal.chosen.username == "Google_ada"


class TestAClockThatIsSetMeanwhile:
    """It was right when the press or the command came in."""

    @pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(minutes=-4)], ids=["forward", "back"])
    @pytest.mark.parametrize(("button", "request_"), [("confirm", awaiting()), ("choose", choosing())])
    def test_while_slack_lists_a_group_nothing_is_decided_or_expired(
        self, store: Store, ahead: timedelta, button: str, request_: Request
    ) -> None:
        added(store, request_)
        clock = StoppedClock(NOON + LATE - timedelta(seconds=3))

        def set_clock() -> None:
            clock.time += ahead
            clock.error = ClockChangedError

        groups = Members({"S0ONE": frozenset({SAM.id})}, during=set_clock)
        rules = confirmations(store, clock, allowlist=IN_GROUP, members=groups.members)
        with pytest.raises(ClockChangedError):
            getattr(rules, button)(press(request_))
        assert stored(store, request_) == request_

    def test_while_cognito_is_asked_nothing_is_opened(self, store: Store) -> None:
        clock = StoppedClock()

        class Slow(ScriptedPool):
            """The clock is set while it looks."""

            def list_users(self, attribute: Attribute, value: str) -> list[Account]:
                clock.error = ClockChangedError
                return super().list_users(attribute, value)

        rules = confirmations(store, clock, Slow([], StoppedClock()))
        with pytest.raises(ClockChangedError):
            rules.open(rules.authorize(asked()), asked(), COMMAND)
        assert kinds(store) == []


class TestCancelAndExpire:
    @pytest.mark.parametrize("request_", [awaiting(), choosing()], ids=["confirming", "choosing"])
    def test_an_operator_may_cancel_without_being_allowed_any_more(self, store: Store, request_: Request) -> None:
        added(store, request_)
        rules = confirmations(store, StoppedClock(), allowlist=Allowlist(Allowed(), {"customers": Allowed()}))
        cancelled = rules.cancel(press(request_))
        assert (cancelled.state, cancelled.ended_at) == (State.CANCELLED, NOON)
        assert kinds(store) == [Kind.OPENED, Kind.CANCELLED]

    def test_cards_that_no_one_pressed_in_time_expire(self, store: Store) -> None:
        first = added(store, awaiting())
        later = added(store, awaiting(id=new_id(NOON + timedelta(seconds=9)), expires_at=NOON + LATE * 2))
        late = StoppedClock(NOON + LATE + CLOCKS_AGREE_WITHIN)
        confirmations(store, StoppedClock(late.time - timedelta(seconds=1))).expire()
        assert stored(store, first) == first, "by another instance's clock it may not be late yet"
        confirmations(store, late).expire()
        assert stored(store, first).state is State.EXPIRED
        assert stored(store, later) == later

    def test_a_card_that_was_pressed_meanwhile_does_not_keep_another_from_expiring(self, store: Store) -> None:
        first, second = (added(store, awaiting(id=new_id(NOON + timedelta(seconds=number)))) for number in range(2))
        overtaken = meanwhile(store, after_expired=lambda: moved(store, first, State.CANCELLED, ended_at=NOON))
        confirmations(overtaken, StoppedClock(NOON + LATE + CLOCKS_AGREE_WITHIN)).expire()
        assert [stored(store, each).state for each in (first, second)] == [State.CANCELLED, State.EXPIRED]


LEADS, QUIET = Protection(groups=frozenset({"leads"})), ApprovalSettings(channel_id="C0APPROVE1")
APPROVERS = Allowlist(Allowed(frozenset({KIM.id})), {"customers": Allowed()}, table="approve")
LEADER = {ADA.username: frozenset({"leads"})}
AWAY = PoolUnavailableError("Pool customers could not be asked.", "TimedOut")
OF_ADA = "protect.groups: leads"


def protecting(store: Store, pool: ScriptedPool, protection: Protection = LEADS, **changes: Any) -> Confirmations:
    """Return the rules where leads are protected, and KIM may approve what needs it."""
    values = {"protections": {"customers": protection}, "approvers": APPROVERS, "approving": {"customers": QUIET}}
    return confirmations(store, pool.clock, pool, **(values | changes))


class TestProtection:
    def test_a_protected_account_gets_no_card_and_the_refusal_is_told(self, store: Store) -> None:
        rules = protecting(store, ScriptedPool([], StoppedClock(), groups=LEADER))
        with pytest.raises(DeniedError, match="protected") as caught:
            rules.open(rules.authorize(asked()), asked(), COMMAND)
        assert OF_ADA in str(caught.value)
        (entry,) = store.entries(None, None)
        assert (entry.kind, entry.rule, entry.chosen) == (Kind.REFUSED, OF_ADA, replace(ADA, protected=OF_ADA))

    def test_one_that_may_be_approved_says_so_on_its_card_and_then_is_asked_for(self, store: Store) -> None:
        approved = replace(LEADS, may_approve=True)
        rules = protecting(store, ScriptedPool([], StoppedClock(), groups=LEADER), approved)
        request = rules.open(rules.authorize(asked()), asked(), COMMAND)
        assert (request.account.protected, request.needs) == (OF_ADA, (OF_ADA,))
        assert rules.confirm(press(request)).state is State.APPROVING

    def test_others_are_signed_out_without_anyone_elses_word(self, store: Store) -> None:
        pool = ScriptedPool([], StoppedClock())
        rules = protecting(store, pool)
        request = rules.open(rules.authorize(asked()), asked(), COMMAND)
        assert (request.account, request.needs) == (ADA, ())
        assert rules.confirm(press(request)).state is State.READY
        assert pool.asked_for_groups == [ADA.username], "the worker asks again"

    @pytest.mark.parametrize("may_approve", [True, False])
    def test_while_cognito_does_not_say_it_there_is_no_card(self, store: Store, *, may_approve: bool) -> None:
        pool = ScriptedPool([], StoppedClock(), silent=AWAY)
        rules = protecting(store, pool, replace(LEADS, may_approve=may_approve))
        with pytest.raises(PoolUnavailableError):
            rules.open(rules.authorize(asked()), asked(), COMMAND)
        assert kinds(store) == []

    @pytest.mark.parametrize("may_approve", [True, False])
    def test_of_several_accounts_the_chosen_one_counts(self, store: Store, *, may_approve: bool) -> None:
        grace = replace(ADA, username="grace", sub="1")
        pool = ScriptedPool([], StoppedClock(), accounts=(ADA, replace(grace, email=ADA.email)), groups=LEADER)
        rules = protecting(store, pool, replace(LEADS, may_approve=may_approve))
        first, second = (rules.open(rules.authorize(ask), ask, COMMAND) for ask in map(asked, [ADA.email or ""] * 2))
        assert [(each.username, each.protected) for each in first.candidates] == [("ada", OF_ADA), ("grace", None)]
        assert rules.choose(press(first, number=1)).needs == ()
        if may_approve:
            assert rules.choose(press(second)).needs == (OF_ADA,)
        else:
            with pytest.raises(DeniedError, match="protected"):
                rules.choose(press(second))
            assert stored(store, second).state is State.CHOOSING

    @pytest.mark.parametrize("button", ["choose", "confirm"])
    def test_settings_that_now_protect_it_from_everyone_count_at_the_press(self, store: Store, button: str) -> None:
        account = replace(ADA, protected=OF_ADA)
        before = {"choose": choosing(candidates=(account,)), "confirm": awaiting(chosen=account, needs=(OF_ADA,))}
        request = added(store, before[button])
        with pytest.raises(DeniedError, match="protected"):
            getattr(protecting(store, ScriptedPool([], StoppedClock())), button)(press(request))
        assert stored(store, request) == request

    def test_settings_that_protect_it_no_longer_count_at_the_press(self, store: Store) -> None:
        request = added(store, awaiting(chosen=replace(ADA, protected=OF_ADA), needs=(OF_ADA,)))
        rules = protecting(store, ScriptedPool([], StoppedClock()), protections={})
        assert rules.confirm(press(request)).state is State.READY

    @pytest.mark.parametrize("source", ["slack", TERMINAL])
    def test_where_no_one_can_be_asked_it_is_refused(self, store: Store, source: str) -> None:
        pool, approved = ScriptedPool([], StoppedClock(), groups=LEADER), replace(LEADS, may_approve=True)
        changes: dict[str, Any] = {} if source == TERMINAL else {"approvers": NO_ONE, "approving": {}}
        rules = protecting(store, pool, approved, **changes)
        authorized = rules.authorize(asked())
        with pytest.raises(SecondPersonError):
            rules.open(authorized, asked(source=source), None)
        request = awaiting(chosen=replace(ADA, protected=OF_ADA), source=source)
        added(store, request)
        with pytest.raises(SecondPersonError):
            rules.confirm(press(request))
        assert stored(store, request) == request


class TestOnlyToAsk:
    ASKS = Allowlist(Allowed(ask=Allowed(frozenset({SAM.id}))), {"customers": Allowed()})

    def test_who_may_only_ask_needs_an_approval_whatever_the_settings_say_of_others(self, store: Store) -> None:
        rules = confirmations(
            store, StoppedClock(), allowlist=self.ASKS, approvers=APPROVERS, approving={"customers": QUIET}
        )
        request = rules.open(rules.authorize(asked()), asked(), COMMAND)
        assert (request.needs, request.allowed_by) == (("allow.ask.users",), "allow.ask.users")
        assert rules.confirm(press(request)).state is State.APPROVING

    def test_the_list_at_the_press_counts(self, store: Store) -> None:
        request = added(store, awaiting())
        rules = confirmations(
            store, StoppedClock(), allowlist=self.ASKS, approvers=APPROVERS, approving={"customers": QUIET}
        )
        asks = rules.confirm(press(request))
        assert (asks.state, asks.needs, asks.allowed_by) == (State.APPROVING, ("allow.ask.users",), "allow.ask.users")

    def test_without_an_approver_they_can_ask_for_nothing(self, store: Store) -> None:
        rules = confirmations(store, StoppedClock(), allowlist=self.ASKS)
        with pytest.raises(SecondPersonError):
            rules.open(rules.authorize(asked()), asked(), COMMAND)
        assert kinds(store) == []
