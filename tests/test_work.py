"""From a decision to its outcome: claims, the bounded loop of calls, and what may be said afterwards."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from examples import ADA, COMMAND, NOON, ScriptedPool, StoppedClock, awaiting, worker
from stand_ins import added, meanwhile, moved, ready_in, running_in

from bot.account import Account
from bot.action import Answer, Done, Refused, Step, Unclear
from bot.audit import Kind, entry_of
from bot.errors import NewerVersionError, PoolUnavailableError, StoreUnavailableError
from bot.limits import Protection
from bot.request import TERMINAL, Approval, Claim, Request, State, new_id
from bot.wiring.stores import Store
from bot.work import CALL, CLOCKS_AGREE_WITHIN, LEASE, MARGIN

YES = Done("aws-yes")
NO = Refused("NotAuthorizedException", "aws-no")
LATER = Refused("TooManyRequestsException", "aws-later", may_retry=True)
DOUBT = Unclear("TimedOut")
UNSENT = Refused("NoCallMade", None, sent=False)
NO_SESSION = Refused("AssumeRoleThrottled", None, may_retry=True, sent=False)
RESUME_WITHIN = timedelta(minutes=5)
SECOND = timedelta(seconds=1)
TICK = timedelta(microseconds=1)


def stored(store: Store, request: Request) -> Request:
    found = store.get(request.id)
    assert found
    return found


def outcome(ended: Request | None) -> tuple[State, str | None, int]:
    assert ended
    return ended.state, ended.error_code, ended.attempts


def kinds(store: Store) -> list[Kind]:
    return [entry.kind for entry in store.entries(None, None)]


OTHER = replace(ADA, sub="00000000-5ddd-4f39-ab9f-be013c348223")
AWAY = PoolUnavailableError("Pool customers could not be asked.", "TimedOut")
MINUTE = timedelta(seconds=60)


class TestTheAccountOfAUserName:
    @pytest.mark.parametrize("found", [OTHER, None, replace(ADA, sub=None)])
    @pytest.mark.parametrize("looked_up_at", [NOON - MINUTE - TICK, NOON + MINUTE + TICK, None])
    def test_another_account_or_none_under_the_name_ends_the_request_before_anything_is_sent(
        self, store: Store, found: Account | None, looked_up_at: datetime | None
    ) -> None:
        clock = StoppedClock()
        pool = ScriptedPool([YES], clock, registered=[found])
        ended = worker(store, pool, clock).run(ready_in(store, looked_up_at=looked_up_at))
        assert outcome(ended) == (State.FAILED, "AccountChanged", 0)
        assert (len(pool.looked_at), pool.called_at) == (1, [])
        assert kinds(store)[-1] is Kind.FAILED

    def test_the_same_account_is_signed_out_however_it_has_changed(self, store: Store) -> None:
        clock = StoppedClock()
        pool = ScriptedPool([YES], clock, registered=[replace(ADA, email="new@example.com", enabled=False)])
        ended = worker(store, pool, clock).run(ready_in(store, looked_up_at=NOON - MINUTE - TICK))
        assert outcome(ended) == (State.DONE, None, 1)
        assert pool.looked_at == [NOON]

    def test_for_a_minute_after_the_look_up_cognito_is_not_asked_again(self, store: Store) -> None:
        clock = StoppedClock()
        pool = ScriptedPool([YES], clock, registered=[OTHER])
        ended = worker(store, pool, clock).run(ready_in(store, looked_up_at=NOON - MINUTE))
        assert outcome(ended) == (State.DONE, None, 1)
        assert pool.looked_at == []

    @pytest.mark.parametrize("times", [1, 3])
    def test_a_look_up_that_fails_is_tried_again(self, store: Store, times: int) -> None:
        clock = StoppedClock()
        pool = ScriptedPool([YES], clock, registered=[*[AWAY] * times, ADA])
        ended = worker(store, pool, clock).run(ready_in(store, looked_up_at=None))
        assert outcome(ended) == (State.DONE, None, 1)
        assert len(pool.looked_at) == times + 1

    @pytest.mark.parametrize(("seconds", "times"), [(0.1, 4), (6.9, 2)])
    def test_where_the_look_up_goes_on_failing_nothing_is_sent_and_that_is_known(
        self, store: Store, seconds: float, times: int
    ) -> None:
        clock = StoppedClock()
        pool = ScriptedPool([YES], clock, seconds, registered=[AWAY])
        ended = worker(store, pool, clock).run(ready_in(store, looked_up_at=None))
        assert outcome(ended) == (State.FAILED, "TimedOut", 0)
        assert (len(pool.looked_at), pool.called_at) == (times, [])
        assert pool.looked_at[-1] < NOON + LEASE - CALL - MARGIN

    def test_no_call_leaves_after_a_look_up_that_took_too_long(self, store: Store) -> None:
        clock = StoppedClock()
        pool = ScriptedPool([YES], clock, (LEASE - CALL - MARGIN).total_seconds(), registered=[ADA])
        ended = worker(store, pool, clock).run(ready_in(store, looked_up_at=None))
        assert outcome(ended) == (State.FAILED, "NoCallMade", 0)
        assert pool.called_at == []

    @pytest.mark.parametrize("found", [OTHER, None, AWAY])
    def test_a_claim_that_was_taken_over_keeps_its_doubt(
        self, store: Store, found: Account | PoolUnavailableError | None
    ) -> None:
        clock = StoppedClock()
        running = running_in(store, looked_up_at=NOON - MINUTE - TICK)
        clock.time = NOON + LEASE + CLOCKS_AGREE_WITHIN + TICK
        pool = ScriptedPool([YES], clock, registered=[found])
        ended = worker(store, pool, clock).run(running)
        assert outcome(ended) == (State.UNKNOWN, "Interrupted", 0)
        assert pool.called_at == []

    def test_who_takes_a_claim_over_between_two_steps_looks_whose_user_name_it_is(self, store: Store) -> None:
        clock = StoppedClock()
        half_done = running_in(
            store, action="keep_out", done=(Step.DISABLE,), looked_up_at=NOON - MINUTE - TICK, in_doubt=True
        )
        clock.time = NOON + LEASE + CLOCKS_AGREE_WITHIN + TICK
        pool = ScriptedPool([YES], clock, registered=[OTHER])
        ended = worker(store, pool, clock).run(half_done)
        assert ended
        assert (ended.state, ended.done, pool.called_at) == (State.UNKNOWN, (Step.DISABLE,), [])


LEADS = Protection(groups=frozenset({"leads"}))
APPROVABLE = replace(LEADS, may_approve=True)
LEADER = {ADA.username: frozenset({"leads"})}
APPROVAL = Approval(asked_at=NOON, channel_id="C0APPROVE1")
SHOWN_AS_PROTECTED = replace(ADA, protected="protect.groups: leads")


class TestProtection:
    """It is looked at before the first step, however short ago the card was."""

    @pytest.mark.parametrize("protection", [LEADS, APPROVABLE])
    @pytest.mark.parametrize("approval", [None, APPROVAL])
    def test_an_account_that_is_protected_since_its_card_is_not_signed_out(
        self, store: Store, protection: Protection, approval: Approval | None
    ) -> None:
        pool = ScriptedPool([YES], StoppedClock(), groups=LEADER)
        ended = worker(store, pool, pool.clock, protections={"customers": protection}).run(
            ready_in(store, approval=approval)
        )
        assert outcome(ended) == (State.FAILED, "Protected", 0)
        assert (pool.called_at, kinds(store)[-1]) == ([], Kind.FAILED)

    @pytest.mark.parametrize(
        ("protection", "approval", "state"),
        [
            (APPROVABLE, APPROVAL, State.DONE),
            (APPROVABLE, None, State.FAILED),
            (LEADS, APPROVAL, State.FAILED),  # the settings have changed since
        ],
    )
    def test_one_that_was_shown_as_protected_needs_the_approval_and_settings_that_let_it_count(
        self, store: Store, protection: Protection, approval: Approval | None, state: State
    ) -> None:
        pool = ScriptedPool([YES], StoppedClock(), groups=LEADER)
        ended = worker(store, pool, pool.clock, protections={"customers": protection}).run(
            ready_in(store, chosen=SHOWN_AS_PROTECTED, approval=approval)
        )
        assert ended
        assert ended.state is state
        assert len(pool.called_at) == (state is State.DONE)

    def test_an_account_that_is_protected_no_longer_is_signed_out(self, store: Store) -> None:
        pool = ScriptedPool([YES], StoppedClock())
        ended = worker(store, pool, pool.clock, protections={"customers": LEADS}).run(
            ready_in(store, chosen=SHOWN_AS_PROTECTED, approval=APPROVAL)
        )
        assert outcome(ended) == (State.DONE, None, 1)

    @pytest.mark.parametrize("protection", [LEADS, APPROVABLE])
    def test_while_cognito_does_not_say_it_no_one_is_signed_out(self, store: Store, protection: Protection) -> None:
        pool = ScriptedPool([YES], StoppedClock(), silent=AWAY)
        ended = worker(store, pool, pool.clock, protections={"customers": protection}).run(
            ready_in(store, chosen=SHOWN_AS_PROTECTED, approval=APPROVAL)
        )
        assert outcome(ended) == (State.FAILED, "TimedOut", 0)
        assert (pool.called_at, len(pool.asked_for_groups) > 1) == ([], True)

    def test_who_takes_a_claim_over_looks_again_and_keeps_the_doubt(self, store: Store) -> None:
        pool = ScriptedPool([YES], StoppedClock(NOON + LEASE + CLOCKS_AGREE_WITHIN), groups=LEADER)
        ended = worker(store, pool, pool.clock, protections={"customers": LEADS}).run(running_in(store))
        assert outcome(ended) == (State.UNKNOWN, "Interrupted", 0), "the dead holder may have got through"
        assert pool.called_at == []

    def test_another_account_of_the_name_is_found_before_its_groups_are_asked_for(self, store: Store) -> None:
        pool = ScriptedPool([YES], StoppedClock(), registered=[OTHER], groups=LEADER)
        ended = worker(store, pool, pool.clock, protections={"customers": LEADS}).run(
            ready_in(store, looked_up_at=None)
        )
        assert outcome(ended) == (State.FAILED, "AccountChanged", 0)

    def test_where_nothing_is_protected_no_groups_are_asked_for(self, store: Store) -> None:
        pool = ScriptedPool([YES], StoppedClock(), groups=LEADER)
        worker(store, pool, pool.clock, protections={"staff": LEADS}).run(ready_in(store))
        assert (pool.asked_for_groups, len(pool.called_at)) == ([], 1)


class TestCalls:
    @pytest.mark.parametrize(
        ("answers", "state", "code", "calls"),
        [
            ([YES], State.DONE, None, 1),
            ([LATER, LATER, LATER, YES], State.DONE, None, 4),
            ([DOUBT, YES], State.DONE, None, 2),
            ([NO_SESSION, YES], State.DONE, None, 1),
            ([NO], State.FAILED, "NotAuthorizedException", 1),
            ([LATER] * 4, State.FAILED, "TooManyRequestsException", 4),
            ([DOUBT, NO], State.UNKNOWN, "TimedOut", 2),
            ([LATER, DOUBT, LATER, NO], State.UNKNOWN, "TimedOut", 4),
            ([DOUBT] * 4, State.UNKNOWN, "TimedOut", 4),
            ([LATER, UNSENT], State.FAILED, "TooManyRequestsException", 1),
            ([DOUBT, UNSENT], State.UNKNOWN, "TimedOut", 1),
            ([UNSENT], State.FAILED, "NoCallMade", 0),
        ],
    )
    def test_the_outcome_says_no_more_than_the_answers_do(
        self, store: Store, answers: Sequence[Answer], state: State, code: str | None, calls: int
    ) -> None:
        clock = StoppedClock()
        pool = ScriptedPool(answers, clock)
        ended = worker(store, pool, clock).run(ready_in(store))
        assert ended
        assert outcome(ended) == (state, code, calls)
        assert len(pool.called_at) == len(answers)
        assert stored(store, ended) == ended
        (entry,) = store.due_entries(clock.now(), 9)
        assert entry == replace(entry_of(ended, clock.now()), id=entry.id)

    def test_aws_request_ids_of_all_calls_are_kept(self, store: Store) -> None:
        clock = StoppedClock()
        ended = worker(store, ScriptedPool([LATER, DOUBT, YES], clock), clock).run(ready_in(store))
        assert ended
        assert ended.aws_request_ids == ("aws-later", "aws-yes")

    def test_calls_are_made_at_longer_and_longer_distances_and_nothing_waits_after_the_last(self, store: Store) -> None:
        clock = StoppedClock()
        pool = ScriptedPool([LATER] * 4, clock, seconds=0)
        ended = worker(store, pool, clock).run(ready_in(store))
        assert pool.called_at == [NOON + timedelta(seconds=seconds) for seconds in (0, 0.5, 1.5, 3.5)]
        assert ended
        assert ended.ended_at == pool.called_at[-1]

    def test_each_pause_is_multiplied_by_the_jitter(self, store: Store) -> None:
        clock = StoppedClock()
        pool = ScriptedPool([LATER, YES], clock, seconds=0)
        worker(store, pool, clock, jitter=lambda: 1.2).run(ready_in(store))
        assert pool.called_at[1] - NOON == timedelta(seconds=0.6)

    def test_credentials_that_do_not_come_are_asked_for_again_until_no_call_could_leave(self, store: Store) -> None:
        clock = StoppedClock()
        pool = ScriptedPool([NO_SESSION] * 99, clock, seconds=0)
        ended = worker(store, pool, clock).run(ready_in(store))
        assert outcome(ended) == (State.FAILED, "AssumeRoleThrottled", 0)
        assert {later - before for before, later in zip(pool.called_at, pool.called_at[1:], strict=False)} == {
            2 * SECOND
        }
        assert pool.called_at[-1] < NOON + LEASE - CALL - MARGIN

    def test_no_call_starts_that_might_outlive_the_lease(self, store: Store) -> None:
        clock = StoppedClock()
        pool = ScriptedPool([DOUBT] * 9, clock, seconds=CALL.total_seconds())
        ended = worker(store, pool, clock).run(ready_in(store))
        assert outcome(ended)[0] is State.UNKNOWN
        assert max(pool.called_at) + CALL + MARGIN <= NOON + LEASE

    def test_a_call_is_told_when_it_has_to_leave(self, store: Store) -> None:
        within: list[timedelta] = []

        class Pool(ScriptedPool):
            def call(self, step: Step, username: str, left: Callable[[], timedelta]) -> Answer:
                within.append(left())
                return super().call(step, username, left)

        clock = StoppedClock(NOON + RESUME_WITHIN - 5 * SECOND)
        worker(store, Pool([LATER, YES], clock, seconds=1), clock).run(ready_in(store))
        assert within == [5 * SECOND, 3.5 * SECOND], "resume_within ends before the lease leaves too little"

    def test_the_time_left_goes_on_while_a_call_is_on_its_way_to_leave(self, store: Store) -> None:
        seen: list[timedelta] = []

        class Pool(ScriptedPool):
            def call(self, step: Step, username: str, left: Callable[[], timedelta]) -> Answer:
                self.clock.sleep(3)  # for credentials, say, or a name
                seen.append(left())
                return super().call(step, username, left)

        clock = StoppedClock()
        worker(store, Pool([YES], clock), clock).run(ready_in(store))
        assert seen == [LEASE - CALL - MARGIN - 3 * SECOND]

    @pytest.mark.parametrize(
        ("wall", "monotonic", "calls"),
        [(-3600, 5, 2), (3600, 5, 1), (5, 0, 2), (5, 5, 2)],
        ids=["set back", "set forward", "asleep", "as they should be"],
    )
    def test_no_call_leaves_later_than_either_clock_allows(
        self, store: Store, wall: float, monotonic: float, calls: int
    ) -> None:
        """Each call takes 5 s by a clock that is right, so that a third one would be too late."""

        class Clock(StoppedClock):
            passed = 0.0

            def monotonic(self) -> float:
                return self.passed

            def sleep(self, seconds: float) -> None:
                super().sleep(seconds)
                self.passed += seconds

        clock = Clock()

        def during() -> None:
            clock.time += timedelta(seconds=wall)
            clock.passed += monotonic

        pool = ScriptedPool([LATER] * 9, clock, seconds=0, during=during)
        assert outcome(worker(store, pool, clock).run(ready_in(store)))[0] is State.FAILED
        assert len(pool.called_at) == calls

    def test_the_times_until_which_access_may_go_on_are_counted_from_cognitos_answer(self, store: Store) -> None:
        clock = StoppedClock()
        ended = worker(store, ScriptedPool([YES], clock, seconds=3), clock).run(ready_in(store))
        assert ended
        assert ended.ended_at == NOON + timedelta(seconds=3)
        assert ended.access_until == NOON + timedelta(hours=1, seconds=3)
        assert ended.login_until is None, "the session of a hosted login page is renewed by each use"

    @pytest.mark.parametrize("answer", [NO, DOUBT])
    def test_where_nothing_is_known_to_have_ended_no_end_of_access_is_told(self, store: Store, answer: Answer) -> None:
        clock = StoppedClock()
        ended = worker(store, ScriptedPool([answer] * 4, clock), clock).run(ready_in(store))
        assert ended
        assert (ended.access_until, ended.login_until) == (None, None)

    @pytest.mark.parametrize("was", [{"pool_id": "eu-central-1_Other1234"}, {"region": "us-west-2"}])
    def test_a_pool_whose_name_stands_for_another_since_the_decision_is_not_asked(
        self, store: Store, was: dict[str, str]
    ) -> None:
        clock = StoppedClock()
        pool = ScriptedPool([YES], clock)
        request = ready_in(store, chosen=replace(ADA, **was))  # type: ignore[arg-type]  # mypy cannot tell the fields
        assert outcome(worker(store, pool, clock).run(request)) == (State.FAILED, "NoCallMade", 0)
        assert pool.called_at == []

    def test_a_pool_that_is_configured_no_longer_is_not_asked(self, store: Store) -> None:
        clock = StoppedClock()
        ended = worker(store, ScriptedPool([], clock), clock, pools={}, token_lifetimes={}).run(ready_in(store))
        assert outcome(ended) == (State.FAILED, "NoCallMade", 0)


class TestClaim:
    def test_the_claim_is_stored_before_cognito_is_called_and_writes_no_entry(self, store: Store) -> None:
        clock = StoppedClock()
        request = ready_in(store)
        seen: list[Request] = []
        pool = ScriptedPool([YES], clock, during=lambda: seen.append(stored(store, request)))
        worker(store, pool, clock).run(request)
        (claimed,) = seen
        assert (claimed.state, claimed.in_doubt, claimed.version) == (State.RUNNING, False, request.version + 1)
        assert claimed.claim == Claim(id=claimed.claim.id if claimed.claim else "", at=NOON, until=NOON + LEASE)
        assert kinds(store) == [Kind.OPENED, Kind.CONFIRMED, Kind.SIGNED_OUT]

    def test_of_two_workers_exactly_one_calls(self, store: Store) -> None:
        clock = StoppedClock()
        request = ready_in(store)
        first, second = ScriptedPool([YES], clock), ScriptedPool([YES], clock)
        one = worker(store, first, clock)
        overtaken = meanwhile(store, before_move=lambda: one.run(request))
        assert worker(overtaken, second, clock).run(request) is None
        assert (len(first.called_at), len(second.called_at)) == (1, 0)
        assert stored(store, request).state is State.DONE

    @pytest.mark.parametrize("state", [state for state in State if state not in {State.READY, State.RUNNING}])
    def test_what_was_not_decided_or_has_ended_is_not_run(self, store: Store, state: State) -> None:
        clock = StoppedClock()
        pool = ScriptedPool([YES], clock)
        stale = ready_in(store)
        moved(store, stale, State.FAILED)
        assert worker(store, pool, clock).run(stale) is None
        with pytest.raises(Exception, match="no move leads"):
            worker(store, pool, clock).run(added(store, awaiting(id=new_id(NOON + SECOND), state=state)))
        assert pool.called_at == []

    def test_a_store_that_cannot_write_the_claim_means_no_call(self, store: Store) -> None:
        def away() -> None:
            raise StoreUnavailableError("away")

        clock = StoppedClock()
        pool = ScriptedPool([YES], clock)
        request = ready_in(store)
        for when in ("before_move", "after_move"):  # not written, or written and not known
            with pytest.raises(StoreUnavailableError):
                worker(meanwhile(store, **{when: away}), pool, clock).run(request)
        assert pool.called_at == []

    def test_a_holder_that_lost_its_claim_writes_nothing(self, store: Store) -> None:
        clock = StoppedClock()
        request = ready_in(store)
        taken = Claim(id="claim-2", at=NOON, until=NOON + LEASE)

        def another_takes_over() -> None:
            moved(store, stored(store, request), State.RUNNING, claim=taken, in_doubt=True)

        pool = ScriptedPool([YES], clock, during=another_takes_over)
        assert worker(store, pool, clock).run(request) is None
        assert (stored(store, request).state, stored(store, request).claim) == (State.RUNNING, taken)
        assert Kind.SIGNED_OUT not in kinds(store)

    @pytest.mark.parametrize("readable", [True, False])
    def test_a_holder_that_lost_its_claim_returns_what_the_other_made_of_it(
        self,
        store: Store,
        readable: bool,  # noqa: FBT001 -- an example
    ) -> None:
        clock = StoppedClock()
        request = ready_in(store)
        taken = Claim(id="claim-2", at=NOON, until=NOON + LEASE)

        def another_takes_over() -> None:
            theirs = moved(store, stored(store, request), State.RUNNING, claim=taken, in_doubt=True)
            moved(store, theirs, State.UNKNOWN, error_code="TimedOut")

        def written_by_a_newer_bot() -> None:
            if not readable:
                raise NewerVersionError

        pool = ScriptedPool([YES], clock, during=another_takes_over)
        found = worker(meanwhile(store, before_get=written_by_a_newer_bot), pool, clock).run(request)
        assert found == (stored(store, request) if readable else None)
        assert stored(store, request).state is State.UNKNOWN


class TestTakeOver:
    def test_a_claim_is_left_to_its_holder_until_its_lease_is_over_on_every_clock(self, store: Store) -> None:
        clock = StoppedClock()
        claimed = running_in(store)
        rule = worker(store, ScriptedPool([YES], clock), clock)
        clock.time = NOON + LEASE + CLOCKS_AGREE_WITHIN
        assert rule.waiting() == []
        clock.time += TICK
        assert rule.waiting() == [claimed]

    def test_a_dead_claim_is_taken_over_once_with_a_claim_and_lease_of_its_own(self, store: Store) -> None:
        clock = StoppedClock()
        pool = ScriptedPool([YES], clock)
        rule = worker(store, pool, clock)
        dead = running_in(store)
        clock.time = NOON + timedelta(minutes=1)
        ended = rule.run(dead)
        assert ended
        assert (ended.state, ended.in_doubt) == (State.DONE, True)
        assert ended.claim
        assert dead.claim
        assert (ended.claim.id != dead.claim.id, ended.claim.until) == (True, NOON + timedelta(minutes=1) + LEASE)
        assert ended.decided_at == dead.decided_at, "resume_within counts from the press"
        assert rule.run(dead) is None, "another instance comes too late"
        assert len(pool.called_at) == 1
        assert kinds(store) == [Kind.OPENED, Kind.CONFIRMED, Kind.RESUMED, Kind.SIGNED_OUT]

    def test_a_refusal_after_it_proves_nothing_since_the_dead_holder_may_have_got_through(self, store: Store) -> None:
        clock = StoppedClock(NOON + timedelta(minutes=1))
        ended = worker(store, ScriptedPool([NO], clock), clock).run(running_in(store))
        assert outcome(ended) == (State.UNKNOWN, "Interrupted", 1)

    def test_the_doubt_is_kept_by_a_second_take_over(self, store: Store) -> None:
        clock = StoppedClock(NOON + timedelta(minutes=1))
        first = running_in(store)
        again = moved(store, first, State.RUNNING, claim=Claim(id="2", at=NOON, until=NOON + LEASE), in_doubt=True)
        ended = worker(store, ScriptedPool([NO], clock), clock).run(again)
        assert outcome(ended)[0] is State.UNKNOWN

    def test_later_than_resume_within_it_becomes_unknown_without_a_call(self, store: Store) -> None:
        clock = StoppedClock(NOON + RESUME_WITHIN)
        pool = ScriptedPool([YES], clock)
        assert outcome(worker(store, pool, clock).run(running_in(store))) == (State.UNKNOWN, "Interrupted", 0)
        assert pool.called_at == []
        assert [entry.kind for entry in store.due_entries(clock.now(), 9)] == [Kind.UNKNOWN]

    def test_a_process_never_takes_over_what_it_still_works_on_itself(self, store: Store) -> None:
        clock = StoppedClock()
        tried: list[object] = []

        def try_it() -> None:
            tried.extend([list(rule.waiting()), rule.run(stored(store, request))])

        pool = ScriptedPool([YES], clock, seconds=60, during=try_it)
        rule = worker(store, pool, clock)
        request = ready_in(store)
        assert outcome(rule.run(request))[0] is State.DONE
        assert tried == [[], None]
        assert len(pool.called_at) == 1

    def test_what_could_not_be_recorded_is_taken_over_by_the_same_process_later(self, store: Store) -> None:
        clock = StoppedClock()
        moves: list[None] = []

        def fails_after_the_claim() -> None:
            moves.append(None)
            if 2 <= len(moves) <= 5:
                raise StoreUnavailableError("away")

        pool = ScriptedPool([NO, NO], clock)
        rule = worker(meanwhile(store, before_move=fails_after_the_claim), pool, clock)
        with pytest.raises(StoreUnavailableError):
            rule.run(ready_in(store))
        clock.sleep(60)
        (dead,) = rule.waiting()
        assert outcome(rule.run(dead)) == (State.UNKNOWN, "Interrupted", 1), "it does not remember its first answer"

    @pytest.mark.parametrize("after", [False, True], ids=["not done", "done all the same"])
    def test_an_outcome_that_could_not_be_written_at_once_is_written_a_moment_later(
        self,
        store: Store,
        after: bool,  # noqa: FBT001 -- an example
    ) -> None:
        clock = StoppedClock()
        moves: list[None] = []

        def fails_once() -> None:
            moves.append(None)
            if len(moves) == 2:
                raise StoreUnavailableError("away", in_doubt=after)

        pool = ScriptedPool([YES], clock)
        troubled = meanwhile(store, after_move=fails_once) if after else meanwhile(store, before_move=fails_once)
        ended = worker(troubled, pool, clock).run(ready_in(store))
        assert outcome(ended) == (State.DONE, None, 1)
        assert ended == store.get(ended.id if ended else "")
        assert len(pool.called_at) == 1


class TestWaiting:
    def test_what_was_decided_is_left_for_two_seconds_to_the_process_that_decided_it(self, store: Store) -> None:
        clock = StoppedClock()
        request = ready_in(store)
        rule = worker(store, ScriptedPool([YES], clock), clock)
        clock.time = NOON + 2 * SECOND
        assert rule.waiting() == []
        clock.time += TICK
        assert rule.waiting() == [request]

    def test_what_was_not_running_in_time_fails_and_nothing_was_sent(self, store: Store) -> None:
        clock = StoppedClock(NOON + RESUME_WITHIN)
        pool = ScriptedPool([YES], clock)
        request = ready_in(store)
        rule = worker(store, pool, clock)
        assert rule.waiting() == [request]
        ended = rule.run(request)
        assert outcome(ended) == (State.FAILED, "TooLate", 0)
        assert pool.called_at == []
        assert kinds(store) == [Kind.OPENED, Kind.CONFIRMED, Kind.FAILED]
        assert stored(store, request) == ended

    def test_until_then_it_is_run(self, store: Store) -> None:
        clock = StoppedClock(NOON + RESUME_WITHIN - TICK)
        assert outcome(worker(store, ScriptedPool([YES], clock), clock).run(ready_in(store)))[0] is State.DONE

    def test_of_two_instances_that_find_it_too_late_one_says_so(self, store: Store) -> None:
        clock = StoppedClock(NOON + RESUME_WITHIN)
        request = ready_in(store)
        assert worker(store, ScriptedPool([], clock), clock).run(request)
        assert worker(store, ScriptedPool([], clock), clock).run(request) is None

    def test_of_a_pool_with_a_role_a_terminals_request_is_left_to_the_terminal(self, store: Store) -> None:
        clock = StoppedClock(NOON + timedelta(minutes=1))
        ours = ready_in(store)
        theirs = ready_in(store, id=new_id(NOON + SECOND), source=TERMINAL)
        pool = ScriptedPool([YES], clock)
        bot = worker(store, pool, clock, with_role=frozenset({"customers"}))
        assert bot.waiting() == [ours]
        assert worker(store, pool, clock, with_role=frozenset({"staff"})).waiting() == [ours, theirs]

    @pytest.mark.parametrize(
        ("made", "ends"),
        [(ready_in, (State.FAILED, "TooLate", 0)), (running_in, (State.UNKNOWN, "Interrupted", 0))],
        ids=["ready", "running"],
    )
    def test_where_no_terminal_did_it_in_time_the_bot_says_so_without_a_call(
        self, store: Store, made: object, ends: tuple[State, str, int]
    ) -> None:
        clock = StoppedClock(NOON + RESUME_WITHIN)
        request = made(store, source=TERMINAL)  # type: ignore[operator]  # either of the two above
        pool = ScriptedPool([YES], clock)
        bot = worker(store, pool, clock, with_role=frozenset({"customers"}))
        assert bot.waiting() == [request]
        assert outcome(bot.run(request)) == ends
        assert pool.called_at == []

    def test_a_request_without_a_decision_cannot_be_run(self, store: Store) -> None:
        clock = StoppedClock()
        request = ready_in(store)
        rule = worker(store, ScriptedPool([YES], clock), clock)
        with pytest.raises(ValueError, match="only a decided request"):
            rule.run(replace(request, decided_at=None))


class TestCard:
    @pytest.mark.parametrize(("shown_here", "due"), [(True, 10 * SECOND), (False, 0 * SECOND)])
    def test_the_result_is_left_for_a_while_to_the_process_that_shows_it_itself(
        self, store: Store, *, shown_here: bool, due: timedelta
    ) -> None:
        clock = StoppedClock()
        ended = worker(store, ScriptedPool([YES], clock), clock).run(ready_in(store), shown_here=shown_here)
        assert ended
        assert ended.ended_at
        assert store.due_messages(ended.ended_at + due - TICK, 9) == []
        (card,) = store.due_messages(ended.ended_at + due, 9)
        assert (card.version, card.place) == (ended.version, COMMAND)

    def test_a_terminals_request_has_no_card(self, store: Store) -> None:
        clock = StoppedClock()
        assert worker(store, ScriptedPool([YES], clock), clock).run(ready_in(store, source=TERMINAL))
        assert store.due_messages(NOON + timedelta(days=1), 9) == []


def test_only_a_claimed_request_makes_calls(store: Store) -> None:
    clock = StoppedClock()
    pool = ScriptedPool([YES], clock)
    with pytest.raises(KeyError):  # of the claims that this process holds
        worker(store, pool, clock)._call(ready_in(store), Step.SIGN_OUT)
    assert pool.steps == []
