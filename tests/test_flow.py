"""The flow: which rule comes after which, on which lane, and what the operator is told of each step."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from examples import (
    ADA,
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
    worker,
)
from stand_ins import Members, StepLane, TakenCards, Told, added, card_delivery, flow, lanes, meanwhile, moved, ready_in

from bot.action import Done, Refused, Step
from bot.authorize import Allowed, Allowlist
from bot.decide import Press
from bot.deliver import SHOWN_HERE
from bot.edge.lanes import Doorway
from bot.errors import (
    AccountNotFoundError,
    BotError,
    BusyError,
    ChosenBeforeError,
    ClockChangedError,
    DeniedError,
    NewerVersionError,
    NotRecordedError,
    NotYoursError,
    RestartingError,
    StoreUnavailableError,
    UnderWayError,
    UnknownRequestError,
    UsageError,
)
from bot.flow import Flow
from bot.request import ENDED, Ask, Request, State, new_id
from bot.wiring.stores import Store

YES = Done("aws-yes")
NOT_ALLOWED = Allowlist(Allowed(), {"customers": Allowed()})


def pool(*answers: Done | Refused) -> ScriptedPool:
    return ScriptedPool(answers, StoppedClock())


def run_all(rules: Flow) -> None:
    """Let the lanes do all that waits, and what follows from it."""
    slack, aws = lanes(rules)
    assert isinstance(rules.entrance, Doorway)
    newcomers = rules.entrance.newcomers_lane
    assert isinstance(newcomers, StepLane)
    while slack.do() + newcomers.do() + aws.do():
        pass


def press(request: Request, number: int = 0) -> Press:
    return Press(request_id=request.id, operator=SAM, place=CLICK, number=number)


def said(told: Told) -> list[type[BotError]]:
    return [type(error) for error in told.said]


def shown(told: Told) -> list[State]:
    return [request.state for request in told.shown]


def stored(store: Store, request: Request) -> Request:
    found = store.get(request.id)
    assert found
    return found


def away() -> None:
    raise StoreUnavailableError("away")


def away_once_called(scripted: ScriptedPool) -> None:
    if scripted.called_at:
        away()


def fails() -> None:
    raise RuntimeError("unexpected")


class TestCommand:
    def test_a_command_shows_a_card_and_notes_that_it_was_shown(self, store: Store) -> None:
        rules, told = flow(store, pool()), Told(COMMAND)
        rules.ask(asked(), told)
        run_all(rules)
        assert shown(told) == [State.CONFIRMING]
        assert said(told) == []
        assert store.due_messages(NOON + timedelta(days=1), 9) == []

    def test_a_card_that_slack_may_not_have_taken_is_left_to_delivery(self, store: Store) -> None:
        rules, told = flow(store, pool()), Told(COMMAND, takes=False)
        rules.ask(asked(), told)
        run_all(rules)
        cards = TakenCards()
        card_delivery(store, cards, StoppedClock(NOON + SHOWN_HERE)).show_due()
        assert cards.shown == [("confirming", COMMAND.response_url)]

    def test_a_history_is_looked_up_where_a_cognito_that_hangs_delays_no_press(self, store: Store) -> None:
        rules, told = flow(store, pool()), Told(COMMAND)
        slack, aws = lanes(rules)
        rules.history(asked(), told)
        assert (slack.do(), len(aws.works), told.pasts) == (1, 1, [])
        aws.do()
        assert [past.accounts for past in told.pasts] == [[ADA]]

    def test_who_may_see_no_history_is_told_so(self, store: Store) -> None:
        rules, told = flow(store, pool()), Told(COMMAND)
        rules.history(asked(operator=KIM), told)
        run_all(rules)
        assert (said(told), told.pasts) == ([DeniedError], [])

    def test_it_is_authorized_where_slack_is_asked_and_looked_up_where_cognito_is(self, store: Store) -> None:
        rules, told = flow(store, pool()), Told(COMMAND)
        slack, aws = lanes(rules)
        rules.ask(asked(), told)
        assert (len(slack.works), len(aws.works)) == (1, 0)
        slack.do()
        assert (len(slack.works), len(aws.works)) == (0, 1)
        assert told.shown == []
        aws.do()
        assert shown(told) == [State.CONFIRMING]

    @pytest.mark.parametrize(
        ("ask", "error"),
        [
            (asked(operator=KIM), DeniedError),
            (asked(pool="other"), UsageError),
            (asked("bob"), AccountNotFoundError),
        ],
    )
    def test_each_fault_in_it_is_told(self, store: Store, ask: Ask, error: type[BotError]) -> None:
        rules, told = flow(store, pool()), Told(COMMAND)
        rules.ask(ask, told)
        run_all(rules)
        assert said(told) == [error]
        assert told.shown == []

    def test_a_command_that_comes_a_second_time_is_not_answered_again(self, store: Store) -> None:
        rules, told, ask = flow(store, pool()), Told(COMMAND), asked()
        for _ in range(2):
            rules.ask(ask, told)
            run_all(rules)
        assert (shown(told), said(told)) == ([State.CONFIRMING], [])

    def test_a_full_lane_is_told_at_once(self, store: Store) -> None:
        rules = flow(store, pool(), slack_lane=StepLane(room=0))
        with pytest.raises(BusyError):
            rules.ask(asked(), Told(COMMAND))

    def test_a_full_second_lane_is_told_too(self, store: Store) -> None:
        rules, told = flow(store, pool(), aws_lane=StepLane(room=1)), Told(COMMAND)
        rules.ask(asked(), told)
        run_all(rules)
        assert said(told) == [BusyError]

    @pytest.mark.parametrize(
        ("closed", "error"),
        [({"draining": True}, RestartingError), ({"is_outdated": lambda: True}, NewerVersionError)],
        ids=["draining", "outdated"],
    )
    def test_a_bot_that_ends_begins_nothing(self, store: Store, closed: dict[str, Any], error: type[BotError]) -> None:
        rules, told = flow(store, pool(), **closed), Told(COMMAND)
        with pytest.raises(error):
            rules.ask(asked(), told)
        with pytest.raises(error):
            rules.open_form(asked(), told)
        run_all(rules)
        assert store.get(asked().id) is None

    def test_a_form_is_opened_for_the_pools_that_the_operator_may_use(self, store: Store) -> None:
        rules, told = flow(store, pool()), Told()
        rules.open_form(asked(""), told)
        run_all(rules)
        assert told.opened == [["customers"]]

    @pytest.mark.parametrize("acked", [False, True])
    def test_a_form_is_not_opened_for_someone_who_may_not(self, store: Store, *, acked: bool) -> None:
        rules, told = flow(store, pool()), Told()
        rules.open_form(asked("", operator=KIM), told, acked=acked)
        run_all(rules)
        assert (told.opened, said(told)) == ([], [DeniedError])
        assert isinstance(rules.entrance, Doorway)
        assert not rules.entrance.knows(KIM)

    def test_once_it_is_acked_what_keeps_a_form_from_opening_is_said_in_its_place(self, store: Store) -> None:
        rules, told = flow(store, pool(), draining=True), Told()
        rules.open_form(asked(""), told, acked=True)
        run_all(rules)
        assert (told.opened, said(told)) == ([], [RestartingError])

    def test_a_form_that_waited_until_the_bot_restarts_is_not_opened(self, store: Store) -> None:
        rules, told = flow(store, pool()), Told()
        rules.open_form(asked(""), told)
        rules.draining = True
        run_all(rules)
        assert (told.opened, said(told)) == ([], [RestartingError])

    def test_a_form_that_finds_no_room_after_its_ack_says_so_to_those_who_are_known(self, store: Store) -> None:
        rules, told = flow(store, pool()), Told()
        rules.entrance.note(SAM, allowed=True)
        slack, _ = lanes(rules)
        slack.room = 1  # the last place is for presses
        rules.open_form(asked(""), told, acked=True)
        run_all(rules)
        assert (told.opened, said(told)) == ([], [BusyError])


class TestNewcomers:
    def test_who_was_allowed_is_known_from_then_on(self, store: Store) -> None:
        rules = flow(store, pool(), **everyone_may())
        assert not rules.entrance.knows(KIM)
        rules.ask(asked(operator=KIM), Told(COMMAND))
        run_all(rules)
        assert rules.entrance.knows(KIM)

    def test_who_was_refused_is_not_and_who_is_refused_no_longer(self, store: Store) -> None:
        rules = flow(store, pool())
        rules.entrance.note(KIM, allowed=True)
        rules.ask(asked(operator=KIM), Told(COMMAND))
        run_all(rules)
        assert not rules.entrance.knows(KIM)

    @pytest.mark.parametrize("members", [frozenset({KIM.id}), None], ids=["of another pool", "not known just now"])
    def test_who_is_refused_one_pool_or_while_slack_cannot_be_asked_stays_known(
        self, store: Store, members: frozenset[str] | None
    ) -> None:
        in_group = Allowlist(Allowed(), {"customers": Allowed(groups=frozenset({"S0ONE"})), "staff": Allowed()})
        rules = flow(store, pool(), allowlist=in_group)
        rules.confirmations = replace(rules.confirmations, members=Members({"S0ONE": members}).members)
        rules.entrance.note(KIM, allowed=True)
        told = Told(COMMAND)
        rules.ask(asked(operator=KIM, pool="staff"), told)
        run_all(rules)
        assert said(told) == [DeniedError]
        assert rules.entrance.knows(KIM)

    def test_who_may_no_longer_use_the_pool_of_a_card_but_another_stays_known(self, store: Store) -> None:
        staff_only = Allowlist(Allowed(), {"customers": Allowed(), "staff": Allowed(users=frozenset({KIM.id}))})
        rules, told = flow(store, pool(), allowlist=staff_only), Told(CLICK)
        rules.entrance.note(KIM, allowed=True)
        rules.confirm(replace(press(added(store, awaiting(ask=asked(operator=KIM)))), operator=KIM), told)
        run_all(rules)
        assert said(told) == [DeniedError]
        assert rules.entrance.knows(KIM)

    def test_who_pressed_their_own_card_is_known_and_who_pressed_anothers_is_not(self, store: Store) -> None:
        rules = flow(store, pool(), **everyone_may())
        request = added(store, awaiting())
        rules.cancel(replace(press(request), operator=KIM), Told(CLICK))
        run_all(rules)
        assert not rules.entrance.knows(KIM)
        kims = added(store, awaiting(ask=asked(operator=KIM, id=new_id(NOON))))
        rules.cancel(replace(press(kims), operator=KIM), Told(CLICK))
        run_all(rules)
        assert rules.entrance.knows(KIM)

    def test_strangers_take_no_place_of_operators(self, store: Store) -> None:
        rules, told = flow(store, pool(), slack_lane=StepLane(room=2), newcomers_lane=StepLane(room=3)), Told(COMMAND)
        busy = 0
        for number in range(200):
            try:
                rules.ask(asked(operator=replace(KIM, id=f"U0{number}")), Told(COMMAND))
            except BusyError:
                busy += 1
            rules.confirm(replace(press(awaiting()), operator=replace(KIM, id=f"U0{number}")), Told(CLICK))
        slack, aws = lanes(rules)
        assert (busy, len(slack.works), len(aws.works)) == (199, 0, 0)
        rules.ask(asked(), told)
        run_all(rules)
        assert shown(told) == [State.CONFIRMING]


def everyone_may() -> dict[str, Any]:
    anyone = Allowlist(Allowed(users=frozenset({SAM.id, KIM.id})), {"customers": Allowed()})
    return {"allowlist": anyone}


class TestPress:
    def test_a_confirmation_runs_at_once_and_shows_the_result(self, store: Store) -> None:
        rules, told = flow(store, pool(YES)), Told(CLICK)
        request = added(store, awaiting())
        rules.confirm(press(request), told)
        run_all(rules)
        assert shown(told) == [State.DONE], "no card in between, where the result is there at once"
        assert stored(store, request).state is State.DONE
        assert store.due_messages(NOON + timedelta(days=1), 9) == []

    def test_it_is_decided_where_cognito_is_not_asked(self, store: Store) -> None:
        rules, told = flow(store, pool(YES)), Told(CLICK)
        slack, _ = lanes(rules)
        request = added(store, awaiting())
        rules.confirm(press(request), told)
        assert stored(store, request) == request
        slack.do()
        assert stored(store, request).state is State.READY

    def test_a_choice_shows_the_card_of_the_chosen_account(self, store: Store) -> None:
        rules, told = flow(store, pool()), Told(CLICK)
        rules.choose(press(added(store, choosing()), number=1), told)
        run_all(rules)
        assert [request.account.username for request in told.shown] == ["Google_ada"]

    def test_a_cancellation_is_shown(self, store: Store) -> None:
        rules, told = flow(store, pool()), Told(CLICK)
        rules.cancel(press(added(store, awaiting())), told)
        run_all(rules)
        assert shown(told) == [State.CANCELLED]
        assert store.due_messages(NOON + timedelta(days=1), 9) == []

    @pytest.mark.parametrize("state", [State.READY, State.RUNNING])
    def test_a_second_press_is_told_that_it_is_under_way_and_leaves_the_card(self, store: Store, state: State) -> None:
        rules, told = flow(store, pool()), Told(CLICK)
        rules.confirm(press(added(store, awaiting(state=state))), told)
        run_all(rules)
        assert (shown(told), said(told)) == ([], [UnderWayError])

    @pytest.mark.parametrize("state", sorted(ENDED))
    def test_a_press_on_what_has_ended_shows_how(self, store: Store, state: State) -> None:
        rules, told = flow(store, pool()), Told(CLICK)
        rules.confirm(press(added(store, awaiting(state=state))), told)
        run_all(rules)
        assert (shown(told), said(told)) == ([state], [])
        assert store.due_messages(NOON + timedelta(days=1), 9) == [], "it is not shown once more"

    def test_a_late_press_shows_that_the_card_has_expired_once(self, store: Store) -> None:
        scripted = pool()
        rules, told = flow(store, scripted), Told(CLICK)
        request = added(store, awaiting())
        scripted.clock.time = request.expires_at
        rules.confirm(press(request), told)
        run_all(rules)
        assert shown(told) == [State.EXPIRED]
        assert store.due_messages(NOON + timedelta(days=1), 9) == []

    def test_a_second_choice_is_told_of_the_first_and_shows_it(self, store: Store) -> None:
        rules, told = flow(store, pool()), Told(CLICK)
        request = added(store, choosing())
        for number in (0, 1):
            rules.choose(press(request, number), told)
            run_all(rules)
        assert [each.account.username for each in told.shown] == ["ada", "ada"]
        assert said(told) == [ChosenBeforeError]

    @pytest.mark.parametrize(
        ("forged", "error"), [({"operator": KIM}, NotYoursError), ({"request_id": "FORGED"}, UnknownRequestError)]
    )
    def test_a_press_that_does_not_count_is_told_why(
        self, store: Store, forged: dict[str, Any], error: type[BotError]
    ) -> None:
        rules, told = flow(store, pool()), Told(CLICK)
        request = added(store, awaiting())
        rules.confirm(replace(press(request), **forged), told)
        run_all(rules)
        assert (shown(told), said(told)) == ([], [error])
        assert stored(store, request) == request

    @pytest.mark.parametrize(
        ("closed", "error"),
        [({"draining": True}, RestartingError), ({"is_outdated": lambda: True}, NewerVersionError)],
        ids=["draining", "outdated"],
    )
    @pytest.mark.parametrize("button", [Flow.confirm, Flow.cancel, Flow.choose])
    def test_a_bot_that_ends_decides_nothing_and_the_card_keeps_its_buttons(
        self, store: Store, button: Callable[..., None], closed: dict[str, Any], error: type[BotError]
    ) -> None:
        rules, told = flow(store, pool(), **closed), Told(CLICK)
        request = added(store, awaiting())
        button(rules, press(request), told)
        run_all(rules)
        assert (shown(told), said(told)) == ([], [error])
        assert stored(store, request) == request

    def test_what_was_decided_before_the_bot_ends_is_run(self, store: Store) -> None:
        rules, told = flow(store, pool(YES)), Told(CLICK)
        slack, _ = lanes(rules)
        rules.confirm(press(added(store, awaiting())), told)
        slack.do()
        rules.draining = True
        run_all(rules)
        assert shown(told) == [State.DONE]

    def test_a_press_that_finds_no_room_is_told_on_the_other_lane(self, store: Store) -> None:
        rules, told = flow(store, pool(), slack_lane=StepLane(room=0)), Told(CLICK)
        rules.confirm(press(awaiting()), told)
        run_all(rules)
        assert said(told) == [BusyError]

    def test_where_both_lanes_are_full_the_card_keeps_its_buttons(self, store: Store) -> None:
        rules, told = flow(store, pool(), slack_lane=StepLane(room=0), aws_lane=StepLane(room=0)), Told(CLICK)
        request = added(store, awaiting())
        rules.confirm(press(request), told)
        run_all(rules)
        assert (shown(told), said(told)) == ([], [])
        assert stored(store, request) == request

    def test_confirming_is_never_told_that_the_bot_is_busy_since_a_sweep_takes_the_request_up(
        self, store: Store
    ) -> None:
        scripted = pool(YES)
        rules, told = flow(store, scripted, aws_lane=StepLane(room=0)), Told(CLICK)
        request = added(store, awaiting())
        rules.confirm(press(request), told)
        run_all(rules)
        assert (stored(store, request).state, said(told)) == (State.READY, [])
        lanes(rules)[1].room = 9
        scripted.clock.sleep(3)
        rules.sweep()
        run_all(rules)
        assert stored(store, request).state is State.DONE
        cards = TakenCards()
        card_delivery(store, cards, scripted.clock).show_due()
        assert cards.shown == [("done", CLICK.response_url)], "no process showed it here"


@pytest.mark.parametrize(
    ("second", "error"),
    [
        ({"draining": True}, RestartingError),
        ({"is_outdated": lambda: True}, NewerVersionError),
        (
            {"entrance": Doorway(lane=StepLane(room=0), newcomers_lane=StepLane(), named=frozenset({SAM.id}))},
            BusyError,
        ),
        ({"confirmations": "store away"}, StoreUnavailableError),
    ],
    ids=["draining", "outdated", "busy", "store away"],
)
def test_the_second_click_of_a_double_click_is_told_what_it_did_itself_and_that_the_first_counts(
    store: Store, second: dict[str, Any], error: type[BotError]
) -> None:
    rules, told = flow(store, pool(YES)), Told(CLICK)
    request = added(store, awaiting())
    rules.confirm(press(request), told)
    run_all(rules)
    if "confirmations" in second:
        second = {"confirmations": confirmations(meanwhile(store, before_get=away), StoppedClock())}
    for name, value in second.items():
        setattr(rules, name, value)
    rules.confirm(press(request), told)
    run_all(rules)
    assert (shown(told), said(told)) == ([State.DONE], [error])
    assert " before still counts." in str(told.said[0])


KEEPERS = Allowlist(Allowed(frozenset({SAM.id})), {"customers": Allowed()}, table="actions.keep_out")


def keeping(store: Store, scripted: ScriptedPool, actions: Allowlist = KEEPERS, **changes: Any) -> Flow:
    """Return the flow where SAM may also keep people out."""
    values = {"confirmations": confirmations(store, scripted.clock, scripted, actions={"keep_out": actions})}
    return flow(store, scripted, **(values | changes))


class TestAnotherAction:
    def ended(self, store: Store) -> Request:
        running = moved(store, ready_in(store, may=("sign_out", "keep_out")), State.RUNNING)
        return moved(store, running, State.DONE, ended_at=NOON, done=(str(Step.SIGN_OUT),))

    def test_on_a_card_it_is_run_at_once_in_place_of_what_was_asked_for(self, store: Store) -> None:
        scripted = pool(YES, YES)
        rules, told, new_reply = keeping(store, scripted), Told(CLICK), Told(COMMAND)
        rules.act(replace(press(added(store, awaiting())), action="keep_out"), told, new_reply)
        run_all(rules)
        assert scripted.steps == [Step.DISABLE, Step.SIGN_OUT]
        assert [(each.state, each.action) for each in told.shown] == [(State.DONE, "keep_out")]
        assert (new_reply.shown, said(new_reply)) == ([], [])

    def test_after_an_outcome_it_opens_a_card_of_its_own_beside_and_calls_nothing(self, store: Store) -> None:
        scripted = pool()
        rules, told, new_reply = keeping(store, scripted), Told(CLICK), Told(COMMAND)
        rules.act(replace(press(ended := self.ended(store)), action="keep_out"), told, new_reply)
        run_all(rules)
        assert [(each.state, each.action, each.account) for each in new_reply.shown] == [
            (State.CONFIRMING, "keep_out", ended.account)
        ]
        assert new_reply.shown[0].id != ended.id
        assert (scripted.steps, told.shown, stored(store, ended)) == ([], [], ended)

    def test_who_may_not_do_it_any_more_is_told_where_they_pressed(self, store: Store) -> None:
        rules, told, new_reply = keeping(store, pool(), NOT_ALLOWED), Told(CLICK), Told(COMMAND)
        rules.act(replace(press(self.ended(store)), action="keep_out"), told, new_reply)
        run_all(rules)
        assert (said(told), said(new_reply), new_reply.shown) == ([DeniedError], [], [])

    def test_another_persons_press_opens_nothing(self, store: Store) -> None:
        rules, told, new_reply = keeping(store, pool()), Told(CLICK), Told(COMMAND)
        rules.act(replace(press(self.ended(store)), action="keep_out", operator=KIM), told, new_reply)
        run_all(rules)
        assert (said(told), said(new_reply), new_reply.shown) == ([NotYoursError], [], [])

    def test_an_account_that_is_gone_by_then_is_told_beside(self, store: Store) -> None:
        scripted = pool()
        rules, told, new_reply = keeping(store, scripted), Told(CLICK), Told(COMMAND)
        scripted.accounts = ()
        rules.act(replace(press(self.ended(store)), action="keep_out"), told, new_reply)
        run_all(rules)
        assert (said(told), said(new_reply)) == ([], [AccountNotFoundError])

    def test_a_full_lane_is_told(self, store: Store) -> None:
        rules, told, new_reply = keeping(store, pool(), aws_lane=StepLane(room=1)), Told(CLICK), Told(COMMAND)
        rules.act(replace(press(self.ended(store)), action="keep_out"), told, new_reply)
        run_all(rules)
        assert (said(told), said(new_reply)) == ([BusyError], [])

    def test_a_bot_that_ends_opens_nothing(self, store: Store) -> None:
        rules, told, new_reply = keeping(store, pool(), draining=True), Told(CLICK), Told(COMMAND)
        rules.act(replace(press(self.ended(store)), action="keep_out"), told, new_reply)
        run_all(rules)
        assert (said(told), said(new_reply)) == ([RestartingError], [])


class TestTrouble:
    def test_a_store_that_cannot_be_read_is_told_and_says_nothing_of_an_earlier_press(self, store: Store) -> None:
        away_store = meanwhile(store, before_get=away)
        rules, told = flow(away_store, pool()), Told(CLICK)
        rules.confirm(press(added(store, awaiting(state=State.DONE))), told)
        run_all(rules)
        (error,) = told.said
        assert isinstance(error, StoreUnavailableError)
        assert "nothing" not in str(error)

    def test_an_outcome_that_could_not_be_recorded_is_not_told(self, store: Store) -> None:
        scripted = pool(YES, YES)
        rules, told = flow(store, scripted), Told(CLICK)
        rules.worker = worker(
            meanwhile(store, before_move=lambda: away_once_called(scripted)), scripted, scripted.clock
        )
        request = added(store, awaiting())
        rules.confirm(press(request), told)
        run_all(rules)
        assert (shown(told), said(told)) == ([], [NotRecordedError])
        rules.worker = worker(store, scripted, scripted.clock)
        scripted.clock.sleep(60)
        rules.sweep()
        run_all(rules)
        assert stored(store, request).state is State.DONE

    def test_a_result_that_another_instance_recorded_is_not_told_twice(self, store: Store) -> None:
        scripted = pool(YES)
        rules, told = flow(store, scripted), Told(CLICK)
        slack, _ = lanes(rules)
        request = added(store, awaiting())
        rules.confirm(press(request), told)
        slack.do()
        other = pool(YES)
        worker(store, other, other.clock).run(stored(store, request), shown_here=False)
        run_all(rules)
        assert (shown(told), said(told), scripted.called_at) == ([], [], [])

    def test_what_another_instance_made_of_a_claim_that_was_lost_is_shown(self, store: Store) -> None:
        """It is known, so the operator is not told that it could not be recorded."""
        scripted, other = pool(YES), pool(YES)
        rules, told = flow(store, scripted), Told(CLICK)

        def stall() -> None:
            other.clock.time = scripted.clock.time + timedelta(minutes=1)
            rule = worker(store, other, other.clock)
            (dead,) = rule.waiting()
            rule.run(dead, shown_here=False)

        scripted.during = stall
        request = added(store, awaiting())
        rules.confirm(press(request), told)
        run_all(rules)
        assert (told.shown, said(told)) == ([stored(store, request)], [])
        assert shown(told) == [State.DONE]
        assert len(other.called_at) == 1

    def test_a_card_whose_showing_cannot_be_noted_is_shown_once_more(self, store: Store) -> None:
        rules, told = flow(store, pool(), outbox=meanwhile(store, before_shown=away)), Told(COMMAND)
        rules.ask(asked(), told)
        run_all(rules)
        assert (shown(told), said(told)) == ([State.CONFIRMING], [])
        assert store.due_messages(NOON + SHOWN_HERE, 9)

    def test_an_unexpected_error_is_logged_and_told_without_saying_that_nothing_was_done(
        self, store: Store, caplog: pytest.LogCaptureFixture
    ) -> None:
        broken = meanwhile(store, after_move=fails)
        rules, told = flow(broken, pool()), Told(CLICK)
        request = added(store, awaiting())
        rules.confirm(press(request), told)
        run_all(rules)
        assert stored(store, request).state is State.READY, "it was decided"
        assert [str(error) for error in told.said] == [str(BotError())]
        assert "it is not known here what this did" in str(BotError())
        assert "RuntimeError: unexpected" in caplog.text

    def test_the_stores_trouble_is_one_line_of_the_log(self, store: Store, caplog: pytest.LogCaptureFixture) -> None:
        rules = flow(meanwhile(store, before_get=away), pool())
        rules.confirm(press(awaiting()), Told(CLICK))
        run_all(rules)
        assert [(line.levelno, line.exc_info) for line in caplog.records] == [(logging.ERROR, None)]


class TestSweep:
    def test_what_dead_processes_left_is_taken_up_and_its_card_is_due_at_once(self, store: Store) -> None:
        scripted = pool(YES)
        request = ready_in(store)
        scripted.clock.sleep(60)
        rules = flow(store, scripted)
        rules.sweep()
        run_all(rules)
        assert stored(store, request).state is State.DONE
        assert [card.version for card in store.due_messages(scripted.clock.now(), 9)] == [
            stored(store, request).version
        ]

    @pytest.mark.parametrize("closed", [{"draining": True}, {"is_outdated": lambda: True}])
    def test_a_bot_that_ends_takes_nothing_up(self, store: Store, closed: dict[str, Any]) -> None:
        scripted = pool()
        request = ready_in(store)
        scripted.clock.sleep(60)
        rules = flow(store, scripted, **closed)
        rules.sweep()
        run_all(rules)
        assert stored(store, request) == request

    def test_what_finds_no_room_is_found_again_in_the_next_round(self, store: Store) -> None:
        scripted = pool(YES, YES)
        both = [ready_in(store, id=new_id(NOON + timedelta(seconds=number))) for number in range(2)]
        scripted.clock.sleep(60)
        rules = flow(store, scripted, aws_lane=StepLane(room=2))  # the last place is for what is urgent
        for _ in both:
            rules.sweep()
            run_all(rules)
        assert [stored(store, each).state for each in both] == [State.DONE, State.DONE]

    def test_one_that_fails_is_taken_up_again(self, store: Store, caplog: pytest.LogCaptureFixture) -> None:
        scripted = pool(YES)
        request = ready_in(store)
        scripted.clock.sleep(60)
        rules = flow(store, scripted)
        rules.worker = worker(meanwhile(store, before_move=away), scripted, scripted.clock)
        rules.sweep()
        run_all(rules)
        assert stored(store, request) == request
        assert "taken up again" in caplog.text
        rules.worker = worker(store, scripted, scripted.clock)
        rules.sweep()
        run_all(rules)
        assert stored(store, request).state is State.DONE


def test_only_who_may_now_confirms(store: Store) -> None:
    rules, told = flow(store, pool()), Told(CLICK)
    rules.confirmations = confirmations(store, StoppedClock(), allowlist=NOT_ALLOWED)
    request = added(store, awaiting())
    rules.confirm(press(request), told)
    run_all(rules)
    assert said(told) == [DeniedError]
    assert stored(store, request) == request


def test_what_was_moved_by_another_instance_meanwhile_is_shown_as_it_is(store: Store) -> None:
    request = added(store, awaiting())
    overtaken = meanwhile(store, before_move=lambda: moved(store, request, State.CANCELLED, ended_at=NOON))
    rules, told = flow(store, pool()), Told(CLICK)
    rules.confirmations = confirmations(overtaken, StoppedClock())
    rules.confirm(press(request), told)
    run_all(rules)
    assert (shown(told), said(told)) == ([State.CANCELLED], [])


class TestAClockThatIsWrong:
    def test_nothing_is_opened_though_it_was_asked_before(self, store: Store) -> None:
        scripted = pool()
        rules, told = flow(store, scripted), Told(COMMAND)
        rules.ask(asked(), told)
        scripted.clock.error = ClockChangedError
        run_all(rules)
        assert (shown(told), said(told)) == ([], [ClockChangedError])
        assert list(store.entries(None, None)) == []

    def test_nothing_is_decided_and_the_card_keeps_its_buttons(self, store: Store) -> None:
        scripted = pool()
        rules, told = flow(store, scripted), Told(CLICK)
        request = added(store, awaiting())
        scripted.clock.error = ClockChangedError
        rules.confirm(press(request), told)
        run_all(rules)
        assert (shown(told), said(told)) == ([], [ClockChangedError])
        assert stored(store, request) == request

    @pytest.mark.parametrize(("clock_error", "told_so"), [(ClockChangedError, []), (fails, [NotRecordedError])])
    def test_what_was_decided_before_is_begun_once_the_clock_is_right_and_is_told_as_not_ended_where_its_check_fails(
        self, store: Store, clock_error: Callable[[], Any], told_so: list[type[BotError]]
    ) -> None:
        scripted = pool(YES)
        rules, told = flow(store, scripted), Told(CLICK)
        request = added(store, awaiting())
        rules.confirm(press(request), told)
        slack, aws = lanes(rules)
        slack.do()
        scripted.clock.error = clock_error
        aws.do()
        assert (stored(store, request).state, said(told)) == (State.READY, told_so)
        assert scripted.called_at == []
        scripted.clock.error = lambda: None
        scripted.clock.sleep(60)
        rules.sweep()
        run_all(rules)
        assert stored(store, request).state is State.DONE
