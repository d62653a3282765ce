"""What people are told, until Slack took it: entries to the audit channel, cards to their operators."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import TypeVar

from bot.audit import Entry, Kind
from bot.backoff import LONGEST, pause
from bot.errors import DeliveryError, NewerVersionError
from bot.ports import AuditChannel, Cards, Left, LiveMessage, MessageKind, Place, Show, SureClock, lasting
from bot.request import ENDED, TERMINAL, Request, State
from bot.store_ports import Outbox, Requests

POST = timedelta(seconds=30)  # for so long an instance holds what it sends, by its own clock
HOLD = timedelta(seconds=5)  # what took longer to hold is not sent: too little is left to send it and note it
SENT_AT_ONCE = 50
LEAST_WAIT = timedelta(seconds=0.1)
LOOK_AGAIN = timedelta(seconds=5)  # others may write to the same store, such as a terminal
BETWEEN_REFUSALS = timedelta(seconds=2)  # Slack takes about one message a second: the rest is for outcomes
LONGEST_PUT_OFF = 2 * LONGEST  # nothing is put off for longer; a time further ahead is a wrong clock's
SHOWN_HERE = timedelta(seconds=10)  # for so long a card is left to the process that moved its request
PROGRESS_AFTER = timedelta(seconds=0.5)  # most results are there sooner, and need no card in between
EDITED_EVERY = 3.0  # seconds: the progress of a list changes more often, and Slack takes about 50 edits a minute
USES = 5  # of a response_url: so many tries may have used it up, with any answer of Slack's

_CALLED = {
    MessageKind.CARD: "a card",
    MessageKind.APPROVAL: "an approval message",
    MessageKind.PROGRESS: "a list's message",
}
T = TypeVar("T")
log = logging.getLogger(__name__)


def show_card(request: Request, at: datetime, place: Place | None = None, wait: timedelta = SHOWN_HERE) -> Show | None:
    """Return what a move does to the card: None where there is none, in a terminal and for an account of a list."""
    if request.ask.source == TERMINAL or request.list_id:
        return None
    return Show(at=at + (PROGRESS_AFTER if request.state is State.READY else wait), place=place)


def _held(due: Sequence[T], hold: Callable[[T, datetime], T | None], clock: SureClock) -> Iterator[tuple[T, Left]]:
    """Give each that could be held in time, and how long it may still leave."""
    for each in due:
        left = lasting(clock, POST)
        held = hold(each, clock.now() + POST)
        if held and left() >= POST - HOLD:
            yield held, left


@dataclass(kw_only=True)
class CardDelivery:
    """Shows each card and approval message as its request is, until Slack took it. One thread runs it."""

    outbox: Outbox
    requests: Requests
    cards: Cards
    clock: SureClock
    jitter: Callable[[], float]
    _edits_from: dict[str, float] = field(default_factory=dict, init=False)  # of the progress of each list
    _asked_until: float = field(default=float("-inf"), init=False)  # by Slack, for all of them

    def show_due(self) -> None:
        """Show the messages that are due. The progress of a list waits while it would be edited too often."""
        due = self.outbox.due_messages(self.clock.now(), SENT_AT_ONCE, self.clock.beyond(LONGEST_PUT_OFF))
        due = [each for each in due if each.kind is not MessageKind.PROGRESS or self._may_edit(each.request_id)]
        for held, left in _held(due, self.outbox.hold_message, self.clock):
            self._show(held, left)

    def _may_edit(self, list_id: str) -> bool:
        return self.clock.monotonic() >= max(self._edits_from.get(list_id, 0.0), self._asked_until)

    def _show(self, held: LiveMessage, left: Left) -> None:
        place = held.place if held.place and self.clock.now() < held.place.until else None
        wait = pause(held.failures + 1) * self.jitter()
        try:
            request = self.requests.get(held.request_id)
            held = replace(held, version=request.version) if request else held
            if request and held.kind is not MessageKind.CARD:
                self._show_beside(request, held, left)
                return
            ways = _ways(request, place, held.failures) if request else ()
            way = self._send(request, ways, left) if request and ways else place
            self.outbox.shown(held)
            if ways and way is None:  # the second call ends it: a late earlier try cannot hide a direct message
                self.outbox.shown(replace(held, hold=None))
        except NewerVersionError:  # a newer bot moved it, and shows it
            self.outbox.not_shown(held, self.clock.now() + wait)
        except DeliveryError as error:
            what = _CALLED[held.kind]
            log.warning("Slack did not take %s (%s)", what, error.reason, extra={"request_id": held.request_id})
            if error.retry_after and held.kind is MessageKind.PROGRESS:
                self._asked_until = self.clock.monotonic() + error.retry_after.total_seconds()
            if error.gone:
                self.outbox.shown(held)
            else:
                self.outbox.not_shown(held, self.clock.now() + max(wait, error.retry_after or wait))
            if error.for_good and not held.failures and held.kind is MessageKind.APPROVAL:
                self.outbox.show_again(held.request_id)  # the card says that no one could be asked yet

    def _show_beside(self, request: Request, held: LiveMessage, left: Left) -> None:
        """Show the message beside a card: once a list's progress is there, the card has a link to it."""
        is_progress, is_new = held.kind is MessageKind.PROGRESS, not held.ts
        if is_progress:
            self._edits_from[request.id] = self.clock.monotonic() + EDITED_EVERY * max(1, len(held.ts))
        if is_progress or held.ts or request.state is State.APPROVING:  # else nothing is left to ask
            held = replace(held, ts=self._put(request, held, left))
        self.outbox.shown(held)
        if request.state in ENDED:
            self._edits_from.pop(request.id, None)
        if is_progress and is_new and request.ask.source != TERMINAL:
            self.outbox.show_again(request.id)

    def _put(self, request: Request, held: LiveMessage, left: Left) -> tuple[str, ...]:
        """Edit each message that was posted, or post one; return their ids. An error is raised once all were tried."""
        show = self.cards.show_progress if held.kind is MessageKind.PROGRESS else self.cards.show_approval
        errors = list[DeliveryError]()
        for ts in held.ts or (None,):
            try:
                shown_as = show(request, ts, left)
            except DeliveryError as error:
                errors.append(error)
        if errors:
            raise min(errors, key=attrgetter("gone"))  # one that may still be edited counts more
        return held.ts or (shown_as,)

    def _send(self, request: Request, ways: Sequence[Place | None], left: Left) -> Place | None:
        """Send it the first way that has not ended; return which one that was."""
        for way in ways:
            try:
                self.cards.show(request, way, left)
                break
            except DeliveryError as error:
                if not error.gone or way is ways[-1]:
                    raise
        return way


def _ways(request: Request, place: Place | None, failures: int) -> Sequence[Place | None]:
    """Return the ways to the operator, the better one first: a place, and None, a direct message, for outcomes only."""
    ways = [place] if place else []
    if (request.decided_at or request.approval) and request.state in ENDED:
        return [None, *ways] if failures >= USES else [*ways, None]
    # A card that has expired said itself until when it could be pressed.
    return [way for way in ways if way.replaces or request.state is not State.EXPIRED]


@dataclass(kw_only=True)
class EntryDelivery:
    """Takes audit entries to the audit channel, each until Slack took it. One thread of an instance runs it."""

    outbox: Outbox
    channel: AuditChannel
    clock: SureClock
    jitter: Callable[[], float]
    refusing: str | None = field(default=None, init=False)  # Slack's word while someone has to repair the channel
    paused_until: datetime | None = field(default=None, init=False)
    refusals_from: datetime | None = field(default=None, init=False)  # when the next refusal may be posted
    taken: tuple[Entry, str] | None = field(default=None, init=False)  # by Slack, as message `ts`; not yet noted

    def deliver(self) -> float:
        """Post what is due, outcomes first; return in how many seconds to look again."""
        self._note_taken()
        now = self.clock.now()
        if not self.paused_until or not now < self.paused_until < now + LONGEST_PUT_OFF:
            self._deliver_due(now)
        outcome_at, refusal_at = (self.outbox.next_entry_at(refused=refused) for refused in (False, True))
        if refusal_at and self.refusals_from:
            refusal_at = max(refusal_at, self.refusals_from)
        now = self.clock.now()
        waits = [max(at, self.paused_until or at) - now for at in (outcome_at, refusal_at) if at]
        if not waits:
            self.refusing = None  # this or another instance delivered the last one: the channel takes messages
        return min(max(min(waits, default=LOOK_AGAIN), LEAST_WAIT), LOOK_AGAIN).total_seconds()

    def _deliver_due(self, now: datetime) -> None:
        """Post the outcomes that are due or, where there are none, one refusal: the next round looks for outcomes."""
        self.paused_until = None
        due = self.outbox.due_entries(now, SENT_AT_ONCE, self.clock.beyond(LONGEST_PUT_OFF))
        if not due and not (self.refusals_from and now < self.refusals_from < now + LONGEST_PUT_OFF):
            due = self.outbox.due_entries(now, 1, self.clock.beyond(LONGEST_PUT_OFF), refused=True)
            self.refusals_from = now + BETWEEN_REFUSALS if due else None
        for held, left in _held(due, self.outbox.hold, self.clock):
            if not self._post(held, left):
                return

    def _post(self, entry: Entry, left: Left) -> bool:
        """Post an entry. Return False where it does not help to post the next one now."""
        try:
            ts = self.channel.post(entry, left)
        except DeliveryError as error:
            return self._put_off(entry, error)
        self.refusing = None
        self.taken = (entry, ts)
        self._note_taken()
        return True

    def _put_off(self, entry: Entry, error: DeliveryError) -> bool:
        wait = pause(entry.delivery.attempts + 1) * self.jitter()
        next_at = self.clock.now() + max(wait, error.retry_after or wait)
        ids = {"request_id": entry.ask.id, "entry_id": entry.id}
        log.warning("Slack did not take an audit entry (%s); next try at %s", error.reason, next_at, extra=ids)
        self.refusing = error.reason if error.for_good else self.refusing  # a time-out says nothing of the channel
        if error.retry_after is not None and entry.kind is Kind.REFUSED:  # many refusals must hold up no outcome
            self.refusals_from = next_at
        elif error.retry_after is not None or error.for_good:  # it is the channel's trouble: all wait, the oldest first
            self.paused_until = max(next_at, self.paused_until or next_at)
        self.outbox.postponed(entry, next_at)
        if error.for_good and not entry.delivery.attempts and entry.request:
            self.outbox.show_again(entry.request.id)  # the card says that the entry waits
        return self.paused_until is None

    def _note_taken(self) -> None:
        """Write down what Slack took. Until that succeeds nothing else is posted, and nothing twice."""
        if self.taken:
            self.outbox.delivered(*self.taken, self.clock.now())
        self.taken = None
