"""The bounded loop around AdminUserGlobalSignOut, and what it may say afterwards."""

from dataclasses import replace
from datetime import timedelta

import pytest
from examples import ADA, NOON, ScriptedPool, StoppedClock, awaiting, claimed_in, sign_outs

from bot.audit import entry_of
from bot.errors import SupersededError
from bot.ports import Refused, SignedOut, Unclear
from bot.request import State
from bot.sign_out import CALL, LEASE, MARGIN
from bot.stores.sqlite import SQLiteStore

YES = SignedOut("aws-yes")
NO = Refused("NotAuthorizedException", "aws-no")
LATER = Refused("TooManyRequestsException", "aws-later", may_retry=True)
DOUBT = Unclear("TimedOut")
UNSENT = Refused("NoCallMade", None, sent=False)


@pytest.mark.parametrize(
    ("answers", "state", "code", "calls"),
    [
        ([YES], State.SIGNED_OUT, None, 1),
        ([LATER, LATER, LATER, YES], State.SIGNED_OUT, None, 4),
        ([DOUBT, YES], State.SIGNED_OUT, None, 2),
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
    store: SQLiteStore, answers: list[SignedOut | Refused | Unclear], state: State, code: str | None, calls: int
) -> None:
    clock = StoppedClock()
    pool = ScriptedPool(answers, clock)
    ended = sign_outs(store, pool, clock).sign_out(claimed_in(store))
    assert (ended.state, ended.error_code, ended.attempts, len(pool.called_at)) == (
        state,
        code,
        calls,
        len(answers),
    )
    assert store.get(ended.id) == ended
    (entry,) = store.undelivered(clock.now(), 9)
    assert entry == replace(entry_of(ended, clock.now()), id=entry.id)


def test_a_refusal_after_a_resume_is_unknown_since_the_dead_holder_may_have_got_through(store: SQLiteStore) -> None:
    clock = StoppedClock()
    claimed = claimed_in(store)
    taken = claimed.move(State.SIGNING_OUT, claim_id="claim-2", resumed=True)
    store.advance(claimed, taken, entry_of(taken, NOON))
    ended = sign_outs(store, ScriptedPool([NO], clock), clock).sign_out(taken)
    assert (ended.state, ended.error_code) == (State.UNKNOWN, "Interrupted")


def test_calls_are_made_at_longer_and_longer_distances(store: SQLiteStore) -> None:
    clock = StoppedClock()
    pool = ScriptedPool([LATER] * 4, clock, seconds=0)
    sign_outs(store, pool, clock).sign_out(claimed_in(store))
    assert pool.called_at == [NOON + timedelta(seconds=seconds) for seconds in (0, 0.5, 1.5, 3.5)]


def test_no_call_starts_that_might_outlive_the_lease(store: SQLiteStore) -> None:
    clock = StoppedClock()
    pool = ScriptedPool([DOUBT] * 9, clock, seconds=CALL.total_seconds())
    ended = sign_outs(store, pool, clock).sign_out(claimed_in(store))
    assert ended.state is State.UNKNOWN
    assert max(pool.called_at) + CALL + MARGIN <= NOON + LEASE


def test_no_call_starts_later_than_resume_within_after_the_claim(store: SQLiteStore) -> None:
    clock = StoppedClock()
    claimed = claimed_in(store)
    clock.time = NOON + timedelta(minutes=5, seconds=1)
    taken = claimed.move(State.SIGNING_OUT, claim_id="claim-2", lease_until=clock.time + LEASE, resumed=True)
    store.advance(claimed, taken, entry_of(taken, clock.time))
    pool = ScriptedPool([YES], clock)
    ended = sign_outs(store, pool, clock).sign_out(taken)
    assert pool.called_at == []
    assert (ended.state, ended.error_code) == (State.UNKNOWN, "Interrupted")


def test_where_no_call_was_made_at_all_nothing_was_signed_out(store: SQLiteStore) -> None:
    clock = StoppedClock(NOON + LEASE)
    ended = sign_outs(store, ScriptedPool([YES], clock), clock).sign_out(claimed_in(store))
    assert (ended.state, ended.attempts) == (State.FAILED, 0)


def test_a_pool_whose_name_stands_for_another_since_the_claim_is_not_asked(store: SQLiteStore) -> None:
    clock = StoppedClock()
    account = replace(ADA, pool_id="eu-central-1_Other1234")
    pool = ScriptedPool([YES], clock)
    ended = sign_outs(store, pool, clock).sign_out(claimed_in(store, chosen=account))
    assert (ended.state, ended.error_code, pool.called_at) == (State.FAILED, "NoCallMade", [])


def test_a_holder_that_lost_its_claim_writes_nothing(store: SQLiteStore) -> None:
    clock = StoppedClock()
    claimed = claimed_in(store)

    def another_takes_over() -> None:
        taken = claimed.move(State.SIGNING_OUT, claim_id="claim-2", resumed=True)
        store.advance(claimed, taken, entry_of(taken, clock.now()))

    pool = ScriptedPool([YES], clock, during=another_takes_over)
    with pytest.raises(SupersededError):
        sign_outs(store, pool, clock).sign_out(claimed)
    stored = store.get(claimed.id)
    assert stored
    assert (stored.state, stored.claim_id) == (State.SIGNING_OUT, "claim-2")
    assert store.undelivered(clock.now(), 9) == []


def test_the_times_until_which_access_may_go_on_are_counted_from_cognitos_answer(store: SQLiteStore) -> None:
    clock = StoppedClock()
    ended = sign_outs(store, ScriptedPool([YES], clock, seconds=3), clock).sign_out(claimed_in(store))
    assert ended.ended_at == NOON + timedelta(seconds=3)
    assert ended.access_until == NOON + timedelta(hours=1, seconds=3)
    assert ended.login_until == NOON + timedelta(hours=2, seconds=3)


def test_only_a_claim_can_be_signed_out(store: SQLiteStore) -> None:
    clock = StoppedClock()
    pool = ScriptedPool([YES], clock)
    with pytest.raises(ValueError, match="claimed"):
        sign_outs(store, pool, clock).sign_out(awaiting())
    assert pool.called_at == []
