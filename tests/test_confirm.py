"""The rules between a command and a claim, where no flow shows them."""

from datetime import datetime, timedelta

from examples import NOON, StoppedClock, awaiting, confirmations

from bot.audit import entry_of
from bot.request import SignOutRequest, State, new_id
from bot.stores.sqlite import SQLiteStore


def test_a_card_that_somebody_pressed_meanwhile_keeps_no_other_from_expiring(store: SQLiteStore) -> None:
    first, second = (awaiting(id=new_id(NOON + timedelta(seconds=number))) for number in range(2))
    for request in (first, second):
        store.add(request, entry_of(request, NOON))

    class Overtaken(SQLiteStore):
        def expired(self, now: datetime) -> list[SignOutRequest]:
            """Answer; meanwhile the first one is cancelled."""
            cancelled = first.move(State.CANCELLED, ended_at=NOON)
            store.advance(first, cancelled, entry_of(cancelled, NOON))
            return [each for each in (first, second) if each.expires_at <= now]

    overtaken = Overtaken(store._path)
    confirmations(overtaken, StoppedClock(NOON + timedelta(minutes=9))).expire()
    overtaken.close()
    states = [request.state for request in map(store.get, (first.id, second.id)) if request]
    assert states == [State.CANCELLED, State.EXPIRED]
