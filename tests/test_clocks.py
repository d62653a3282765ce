"""Instances whose clocks differ by some seconds, over one store."""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from bot.recover import Recovery
from bot.sign_out import CALL, LEASE, MARGIN
from examples import NOON, SAM, ScriptedPool, StoppedClock, awaiting, confirmations, sign_outs

from bot.audit import entry_of
from bot.confirm import AlreadyDecidedError
from bot.errors import SupersededError
from bot.ports import RequestStore, SignedOut
from bot.request import SignOutRequest, State
from bot.stores.dynamodb import DynamoDBStore

APART = [timedelta(seconds=seconds) for seconds in (-4, 0, 4)]


@dataclass
class OffClock:
    """Another instance's clock: it goes as `real` does, but differs from it."""

    real: StoppedClock
    by: timedelta

    def now(self) -> datetime:
        """Return its time."""
        return self.real.now() + self.by

    def sleep(self, seconds: float) -> None:
        """Move both on."""
        self.real.sleep(seconds)


def waiting(store: RequestStore) -> SignOutRequest:
    request = awaiting()
    store.add(request, entry_of(request, NOON))
    return request


@pytest.mark.parametrize("apart", APART, ids=["behind", "same", "ahead"])
def test_nobody_resumes_while_a_holder_may_still_call(dynamodb_store: DynamoDBStore, apart: timedelta) -> None:
    here = StoppedClock()
    there = OffClock(here, apart)
    pool = ScriptedPool([SignedOut("1")], here)
    recovery = Recovery(sign_outs=sign_outs(dynamodb_store, pool, here), store=dynamodb_store, clock=there)
    claimed = confirmations(dynamodb_store, here).confirm(waiting(dynamodb_store).id, SAM, None)
    here.sleep((LEASE - CALL - MARGIN).total_seconds() - 0.001)  # the last moment at which a call may leave
    pool.during = lambda: dead.extend(recovery.dead_claims())
    pool.seconds = (CALL + MARGIN).total_seconds()  # and it takes as long as no call can
    dead: list[SignOutRequest] = []
    ended = sign_outs(dynamodb_store, pool, here).sign_out(claimed)
    assert dead == []
    assert dynamodb_store.get(claimed.id) == ended


@pytest.mark.parametrize("apart", APART, ids=["behind", "same", "ahead"])
def test_a_holder_that_was_taken_for_dead_writes_nothing_more(dynamodb_store: DynamoDBStore, apart: timedelta) -> None:
    here = StoppedClock()
    there = OffClock(here, apart)
    pool = ScriptedPool([SignedOut("late"), SignedOut("resumed")], here)
    theirs = ScriptedPool([SignedOut("resumed")], here)
    recovery = Recovery(sign_outs=sign_outs(dynamodb_store, theirs, here), store=dynamodb_store, clock=there)
    claimed = confirmations(dynamodb_store, here).confirm(waiting(dynamodb_store).id, SAM, None)
    resumed: list[SignOutRequest | None] = []

    def stall() -> None:
        here.sleep(LEASE.total_seconds() + 10)
        resumed.extend(recovery.resume(each) for each in recovery.dead_claims())

    pool.during = stall
    with pytest.raises(SupersededError):
        sign_outs(dynamodb_store, pool, here).sign_out(claimed)
    assert [dynamodb_store.get(claimed.id)] == resumed
    kinds = [entry.kind for entry in dynamodb_store.entries(None, claimed.id)]
    assert sorted(kinds) == ["confirmed", "opened", "resumed", "signed_out"]


@pytest.mark.parametrize("apart", APART, ids=["behind", "same", "ahead"])
def test_a_card_is_either_claimed_or_expired_whatever_two_clocks_say(
    dynamodb_store: DynamoDBStore, apart: timedelta
) -> None:
    here = StoppedClock(NOON + timedelta(minutes=5, microseconds=-1))
    there = OffClock(here, apart)
    request = waiting(dynamodb_store)
    start = threading.Barrier(2)
    claimed: list[SignOutRequest] = []

    def expire() -> None:
        start.wait()
        confirmations(dynamodb_store, there).expire()

    other = threading.Thread(target=expire)
    other.start()
    start.wait()
    try:
        claimed.append(confirmations(dynamodb_store, here).confirm(request.id, SAM, None))
    except AlreadyDecidedError as error:
        assert error.request.state is State.EXPIRED  # noqa: PT017 -- either may be first
    other.join()
    stored = dynamodb_store.get(request.id)
    assert stored
    assert stored.state is (State.SIGNING_OUT if claimed else State.EXPIRED)
    assert len(list(dynamodb_store.entries(None, request.id))) == 2
