"""What waits in a store, and how it is taken, put off and ended: the same in every store."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from operator import attrgetter, itemgetter
from typing import TypeVar
from uuid import uuid4

from bot.audit import Entry
from bot.facts.finding import COUNTED_UP_TO, Backlog
from bot.ports import LiveMessage, MessageKind
from bot.request import Request, State
from bot.stores.documents import (
    AWAITED,
    CARD,
    DUE_AT_ONCE,
    LIST,
    READY,
    RUNNING,
    TALLY,
    UNDELIVERED,
    Readings,
    Stored,
    card_of,
    read_entry,
    request_of,
    text,
)

T = TypeVar("T")
CardRule = Callable[[LiveMessage], LiveMessage | None]  # what a message becomes; None: it is left as it is

EVER, ALWAYS = "0", "~"  # these sort before every time, and after
MOMENT = timedelta(microseconds=1)  # no two stored times are closer
FIRST_DUE = 100  # of so many due outcomes the oldest come first, even if they were put off


class Waiting(ABC):
    """What `Requests`, `Tallies` and `Outbox` promise of all that waits. Each store has its own ways to find it."""

    _readings: Readings

    @abstractmethod
    def _waiting(self, what: str, since: str | None, upto: str | None, limit: int) -> Generator[Stored, None, None]:
        """Give all that waits as `what` in between, by its time. Some `limit` of it will be read."""

    @abstractmethod
    def _due_again(self, entry: Entry, at: datetime, *, failures: int) -> bool:
        """Put an entry off, and count failures. False where someone took it since it was read."""

    @abstractmethod
    def _card(self, request_id: str, kind: MessageKind) -> LiveMessage | None:
        """Return a message of a request; None where it has none of this kind."""

    @abstractmethod
    def _change_card(self, request_id: str, kind: MessageKind, rule: CardRule) -> LiveMessage | None:
        """Change a message as `rule` says, even while others do so too; return what it gave, if anything."""

    def expired(self, now: datetime, limit: int, beyond: datetime | None = None) -> Sequence[Request]:
        return self._due(AWAITED, request_of, now, limit, beyond)

    def ready(self, decided_before: datetime, limit: int, beyond: datetime | None = None) -> Sequence[Request]:
        return self._due(READY, request_of, decided_before - MOMENT, limit, beyond)

    def dead(self, lease_before: datetime, limit: int, beyond: datetime | None = None) -> Sequence[Request]:
        return self._due(RUNNING, request_of, lease_before - MOMENT, limit, beyond)

    def lists(self, now: datetime, limit: int, beyond: datetime | None = None) -> Sequence[Request]:
        return self._due(LIST, request_of, now, limit, beyond)

    # Entries

    def tallies(self, before: datetime, limit: int, beyond: datetime | None = None) -> Sequence[Entry]:
        return self._due(TALLY, read_entry, before - MOMENT, limit, beyond)

    def backlog(self) -> Backlog:
        read = itemgetter("at")  # no more: those that cannot be read wait too
        outcomes = self._first(UNDELIVERED[False], EVER, ALWAYS, COUNTED_UP_TO, read)
        count = len(outcomes) + len(self._first(UNDELIVERED[True], EVER, ALWAYS, COUNTED_UP_TO - len(outcomes), read))
        oldest_at = datetime.fromisoformat(min(outcomes)) if outcomes else None
        return Backlog(count, oldest_at, more=count == COUNTED_UP_TO)

    def awaiting_approval(self) -> int:
        awaiting = self._first(AWAITED, EVER, ALWAYS, COUNTED_UP_TO, request_of)
        return sum(request.state is State.APPROVING for request in awaiting)

    def next_entry_at(self, *, refused: bool = False) -> datetime | None:
        first = self._first(UNDELIVERED[refused], EVER, ALWAYS, 1, read_entry)
        return first[0].delivery.next_at if first else None

    def due_entries(
        self, now: datetime, limit: int, beyond: datetime | None = None, *, refused: bool = False
    ) -> Sequence[Entry]:
        most = limit if refused else max(limit, FIRST_DUE)
        due = self._due(UNDELIVERED[refused], read_entry, now, most, beyond)
        return sorted(due, key=attrgetter("id"))[:limit]

    def hold(self, entry: Entry, until: datetime) -> Entry | None:
        is_held = self._due_again(entry, until, failures=0)
        return replace(entry, delivery=replace(entry.delivery, next_at=until)) if is_held else None

    def postponed(self, entry: Entry, next_at: datetime) -> None:
        self._due_again(entry, next_at, failures=1)

    # Cards. A card whose request has moved on since it was shown is due at once.

    def due_messages(self, now: datetime, limit: int, beyond: datetime | None = None) -> Sequence[LiveMessage]:
        return self._due(CARD, card_of, now, limit, beyond)

    def hold_message(self, message: LiveMessage, until: datetime) -> LiveMessage | None:
        hold = uuid4().hex

        def held(card: LiveMessage) -> LiveMessage | None:
            if card.hold == hold:  # the answer to the write was lost
                return card
            if card.due_at is None or card.due_at != message.due_at:
                return None
            # What another holder has on its way may come after what this one sends: that is then shown once more.
            is_on_its_way = card.hold and card.due_at == DUE_AT_ONCE
            failures = max(card.failures, 1) if is_on_its_way else card.failures
            return replace(card, due_at=until, hold=hold, failures=failures)

        return self._change_card(message.request_id, message.kind, held)

    def shown(self, message: LiveMessage) -> None:
        def settled(card: LiveMessage) -> LiveMessage | None:
            is_mine = card.hold == message.hold
            hold = None if is_mine else card.hold
            card = replace(card, ts=(*card.ts, *(ts for ts in message.ts if ts not in card.ts)))
            if card.version > message.version:
                return replace(card, due_at=DUE_AT_ONCE, hold=hold)
            due_at = card.due_at if card.failures or card.due_at == DUE_AT_ONCE else None
            return replace(card, due_at=due_at, hold=hold, failures=0) if is_mine else card

        self._change_card(message.request_id, message.kind, settled)

    def not_shown(self, message: LiveMessage, next_at: datetime | None) -> None:
        def failed(card: LiveMessage) -> LiveMessage | None:
            is_mine, has_moved_on = card.hold == message.hold, card.version > message.version
            if not is_mine and not has_moved_on:
                return None
            due_at = DUE_AT_ONCE if has_moved_on or card.due_at == DUE_AT_ONCE else next_at or card.due_at
            return replace(card, due_at=due_at, hold=None if is_mine else card.hold, failures=card.failures + 1)

        self._change_card(message.request_id, message.kind, failed)

    def progress_ts(self, list_id: str) -> str | None:
        message = self._card(list_id, MessageKind.PROGRESS)
        return message.ts[0] if message and message.ts else None

    def keep_up_to_date(self, request_id: str, ts: str) -> None:
        def kept(message: LiveMessage) -> LiveMessage | None:
            is_noted = ts in message.ts
            return None if is_noted else replace(message, ts=(*message.ts, ts), due_at=DUE_AT_ONCE)

        self._change_card(request_id, MessageKind.APPROVAL, kept)

    def show_again(self, request_id: str) -> None:
        self._change_card(request_id, MessageKind.CARD, lambda card: replace(card, due_at=DUE_AT_ONCE))

    def _due(
        self, what: str, read: Callable[[Stored], T], upto: datetime, limit: int, beyond: datetime | None
    ) -> list[T]:
        """Return the first of what is due up to a time, and then of what is due beyond."""
        due = self._first(what, EVER, text(upto), limit, read)
        if beyond is None or len(due) == limit:
            return due
        return due + self._first(what, text(beyond), ALWAYS, limit - len(due), read)

    def _first(
        self, what: str, since: str | None, upto: str | None, limit: int, read: Callable[[Stored], T]
    ) -> list[T]:
        """Return the first of what waits, past what cannot be read."""
        with closing(self._waiting(what, since, upto, limit)) as found:
            return list(islice(self._readings.each(read, found), limit))
