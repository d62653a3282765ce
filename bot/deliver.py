"""What people are told, until Slack took it: entries to the audit channel, cards to their operators."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.audit import Entry, Kind
from bot.backoff import LONGEST, pause
from bot.errors import DeliveryError, NewerVersionError
from bot.ports import AuditChannel, Cards, Clock, Left, LiveMessage, Outbox, Place, Requests, Show, lasting
from bot.request import ENDED, TERMINAL, Request, State

POST = timedelta(seconds=30)  # for so long what is sent is this instance's, by the clock that held it
HOLD = timedelta(seconds=5)  # what took longer to hold is not sent: too little is left to send it and note it
AT_ONCE = 50
LEAST_WAIT = timedelta(seconds=0.1)
LOOK_AGAIN = timedelta(seconds=5)  # others may write to the same store, such as a terminal
BETWEEN_REFUSALS = timedelta(minutes=1)
SHOWN_HERE = timedelta(seconds=10)  # for so long a card is left to the process that moved its request
PROGRESS_AFTER = timedelta(seconds=0.5)  # most results are there sooner, and need no card in between

log = logging.getLogger(__name__)


def show_card(request: Request, at: datetime, place: Place | None = None, wait: timedelta = SHOWN_HERE) -> Show | None:
    """Return what a move does to the card: None in a terminal, which has none."""
    if request.ask.source == TERMINAL:
        return None
    return Show(at=at + (PROGRESS_AFTER if request.state is State.READY else wait), place=place)


@dataclass(kw_only=True)
class CardDelivery:
    """Shows each card as its request is, until Slack took it. One thread of an instance runs it."""

    outbox: Outbox
    requests: Requests
    cards: Cards
    clock: Clock
    jitter: Callable[[], float]

    def show_due(self) -> None:
        """Show the cards that are due."""
        for message in self.outbox.due_messages(self.clock.now(), AT_ONCE):
            left = lasting(self.clock, POST)
            held = self.outbox.hold_message(message, self.clock.now() + POST)
            if held and left() >= POST - HOLD:
                self._show(held, left)

    def _show(self, held: LiveMessage, left: Left) -> None:
        place = held.place if held.place and self.clock.now() < held.place.until else None
        wait = pause(held.failures + 1) * self.jitter()
        try:
            request = self.requests.get(held.request_id)
            if request and _can_show(request, place):
                self._send(request, place, left)
            self.outbox.shown(replace(held, version=request.version) if request else held)
        except NewerVersionError:  # a newer bot moved it, and shows it
            self.outbox.not_shown(held, self.clock.now() + wait)
        except DeliveryError as error:
            log.warning("Slack did not take a card (%s)", error.reason, extra={"request_id": held.request_id})
            if error.gone:
                self.outbox.shown(held)
            else:
                self.outbox.not_shown(held, self.clock.now() + max(wait, error.retry_after or wait))

    def _send(self, request: Request, place: Place | None, left: Left) -> None:
        try:
            self.cards.show(request, place, left)
        except DeliveryError as error:
            if not (error.gone and place and _can_show(request, None)):
                raise
            self.cards.show(request, None, left)


def _can_show(request: Request, place: Place | None) -> bool:
    """Whether there is a way to the operator: without a place a direct message, which is for outcomes only."""
    if place is None:
        return request.decided_at is not None and request.state in ENDED
    return place.replaces or request.state is not State.EXPIRED  # the card itself says until when it can be pressed


@dataclass(kw_only=True)
class Delivery:
    """Takes audit entries to the audit channel, each until Slack took it. One thread of an instance runs it."""

    outbox: Outbox
    channel: AuditChannel
    clock: Clock
    jitter: Callable[[], float]
    refusing: str | None = field(default=None, init=False)  # Slack's word while someone has to repair the channel
    held_until: datetime | None = field(default=None, init=False)
    taken: tuple[Sequence[Entry], str] | None = field(default=None, init=False)

    def deliver(self) -> float:
        """Post what is due, oldest first; return in how many seconds to look again."""
        self._note_taken()
        now = self.clock.now()
        # Further ahead than any pause is long, it was set by a clock that has been put right since.
        if not self.held_until or not now < self.held_until < now + 2 * LONGEST:
            self._deliver_due(now)
        if (due := self.outbox.next_entry_at()) is None:
            self.refusing = None  # this or another instance delivered the last one: the channel takes messages
            return LOOK_AGAIN.total_seconds()
        wait = max(due, self.held_until or due) - self.clock.now()
        return min(max(wait, LEAST_WAIT), LOOK_AGAIN).total_seconds()

    def _deliver_due(self, now: datetime) -> None:
        self.held_until = None
        done: set[str] = set()
        for entry in self.outbox.due_entries(now, AT_ONCE):
            if entry.id in done:
                continue
            refused = entry.kind is Kind.REFUSED
            entries = self._together(entry, now) if refused else [entry]
            done.update(each.id for each in entries)
            if refused and self._wait_for_the_minute(entries, now):
                continue
            left = lasting(self.clock, POST)
            held = self.outbox.hold(entries, self.clock.now() + POST)
            if held and left() >= POST - HOLD and not self._post(held, left):
                return

    def _together(self, refusal: Entry, now: datetime) -> Sequence[Entry]:
        """Return what goes into one message: everything due that was refused to one operator."""
        who = refusal.ask.operator
        waiting = self.outbox.refusals_waiting(who.team_id, who.id, AT_ONCE)
        # What is not due may be another instance's, which is posting it just now.
        return [each for each in waiting if each.delivery.next_at and each.delivery.next_at <= now] or [refusal]

    def _wait_for_the_minute(self, refusals: Sequence[Entry], now: datetime) -> bool:
        """Put off an operator's refusals where the channel took others less than a minute ago."""
        who = refusals[0].ask.operator
        last = self.outbox.last_refusal_delivered_at(who.team_id, who.id)
        # A time yet to come was written by a clock that has been put right since.
        if last is None or last > now or now >= last + BETWEEN_REFUSALS:
            return False
        self.outbox.postponed(refusals, last + BETWEEN_REFUSALS, failed=False)
        return True

    def _post(self, entries: Sequence[Entry], left: Left) -> bool:
        """Return False where it is of no use to call Slack for the next one now."""
        try:
            ts = self.channel.post(entries, left)
        except DeliveryError as error:
            return self._put_off(entries, error)
        self.refusing = None
        self.taken = (entries, ts)
        self._note_taken()
        return True

    def _put_off(self, entries: Sequence[Entry], error: DeliveryError) -> bool:
        first = entries[0]
        wait = pause(first.delivery.attempts + 1) * self.jitter()
        next_at = self.clock.now() + max(wait, error.retry_after or wait)
        ids = {"request_id": first.ask.id, "entry_id": first.id}
        log.warning("Slack did not take an audit entry (%s); next try at %s", error.reason, next_at, extra=ids)
        self.refusing = error.reason if error.for_good else self.refusing  # a time-out says nothing of the channel
        if error.retry_after is not None or error.for_good:  # it is the channel's trouble: all wait, the oldest first
            self.held_until = max(next_at, self.held_until or next_at)
        self.outbox.postponed(entries, next_at, failed=True)
        if error.for_good and not first.delivery.attempts and first.request:
            self.outbox.show_again(first.request.id)  # the card says that the entry waits
        return error.retry_after is None and not error.for_good

    def _note_taken(self) -> None:
        """Write down what Slack took. Until that succeeds nothing else is posted, and nothing twice."""
        if self.taken:
            self.outbox.delivered(*self.taken, self.clock.now())
        self.taken = None
