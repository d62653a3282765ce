"""Instances whose clocks differ by some seconds, over one store."""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from examples import SAM, ScriptedPool, StoppedClock, added_to, confirmations, decided_in, worker

from bot.action import Done, Refused
from bot.decide import AlreadyDecidedError, Press
from bot.request import Request, State
from bot.stores.dynamodb.store import DynamoDBStore
from bot.work import BACK_OFF_SECONDS, CALL, LEASE, MARGIN

APART = pytest.mark.parametrize(
    "apart", [timedelta(seconds=seconds) for seconds in (-4, 0, 4)], ids=["behind", "same", "ahead"]
)
LATER = Refused("TooManyRequestsException", None, may_retry=True)


@dataclass
class OffClock:
    """Another instance's clock: it goes as `real` does, but differs from it."""

    real: StoppedClock
    by: timedelta

    def now(self) -> datetime:
        """Return its time."""
        return self.real.now() + self.by

    def monotonic(self) -> float:
        """Return what `real` does: it is the same machine's."""
        return self.real.monotonic()

    def sleep(self, seconds: float) -> None:
        """Move both on."""
        self.real.sleep(seconds)

    def error(self) -> None:
        """Know of nothing that is wrong."""

    def beyond(self, _: timedelta) -> None:
        """Know nothing: no answer ever confirmed it."""


@APART
def test_no_one_takes_over_while_a_holder_may_still_call(dynamodb_store: DynamoDBStore, apart: timedelta) -> None:
    here = StoppedClock()
    there = worker(dynamodb_store, ScriptedPool([], here), OffClock(here, apart))
    # The second call leaves at the last moment at which it may, and takes as long as no call can.
    last_moment = (LEASE - CALL - MARGIN).total_seconds() - 0.001
    pool = ScriptedPool([LATER, Done("1")], here, seconds=last_moment - BACK_OFF_SECONDS[0])
    found: list[Request] = []

    def during() -> None:
        pool.seconds = (CALL + MARGIN).total_seconds()
        found.extend(there.waiting())

    pool.during = during
    ended = worker(dynamodb_store, pool, here).run(decided_in(dynamodb_store))
    assert len(pool.called_at) == 2
    assert found == []
    assert ended
    assert dynamodb_store.get(ended.id) == ended


@APART
def test_a_holder_that_was_taken_for_dead_writes_nothing_more(dynamodb_store: DynamoDBStore, apart: timedelta) -> None:
    here = StoppedClock()
    pool, theirs = ScriptedPool([Done("late")], here), ScriptedPool([Done("taken over")], here)
    there = worker(dynamodb_store, theirs, OffClock(here, apart))
    ready = decided_in(dynamodb_store)
    ended: list[Request | None] = []

    def stall() -> None:
        here.sleep(LEASE.total_seconds() + 10)
        ended.extend(there.run(each) for each in there.waiting())

    pool.during = stall
    shown = worker(dynamodb_store, pool, here).run(ready)
    assert [shown] == [dynamodb_store.get(ready.id)] == ended, "what came of it is what the other made of it"
    kinds = [entry.kind for entry in dynamodb_store.entries(None, ready.id)]
    assert sorted(kinds) == ["confirmed", "opened", "resumed", "signed_out"]


@APART
def test_a_card_is_either_decided_or_expired_whatever_two_clocks_say(
    dynamodb_store: DynamoDBStore, apart: timedelta
) -> None:
    request = added_to(dynamodb_store)
    here = StoppedClock(request.expires_at - timedelta(microseconds=1))
    there = OffClock(here, apart)
    start = threading.Barrier(2)
    decided: list[Request] = []

    def expire() -> None:
        start.wait()
        confirmations(dynamodb_store, there).expire()

    other = threading.Thread(target=expire)
    other.start()
    start.wait()
    try:
        decided.append(confirmations(dynamodb_store, here).confirm(Press(request_id=request.id, operator=SAM)))
    except AlreadyDecidedError as error:
        assert error.request.state is State.EXPIRED  # noqa: PT017 -- either may be first
    other.join()
    stored = dynamodb_store.get(request.id)
    assert stored
    assert stored.state is (State.READY if decided else State.EXPIRED)
    assert len(list(dynamodb_store.entries(None, request.id))) == 2
