"""What a killed process left behind: resume its sign-outs, and deliver audit entries until Slack took them."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.audit import AuditEntry, Kind, entry_of
from bot.backoff import LONGEST, pause
from bot.errors import DeliveryError, SupersededError
from bot.ports import AuditChannel, Clock, RequestStore
from bot.request import SignOutRequest, State, new_id
from bot.sign_out import LEASE, SignOuts

CLOCKS_AGREE_WITHIN = timedelta(seconds=5)
RESPONSE_URL_LIVES = timedelta(minutes=30)

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """Resumes sign-outs whose holder died. Safe to run in several instances at once."""

    sign_outs: SignOuts
    store: RequestStore
    clock: Clock

    def dead_claims(self) -> Sequence[SignOutRequest]:
        """Return the claims whose lease has run out on every instance's clock, oldest first."""
        return self.store.dead_claims(self.clock.now() - CLOCKS_AGREE_WITHIN)

    def resume(self, dead: SignOutRequest) -> SignOutRequest | None:
        """Take a dead claim over and finish it; None where another instance was first.

        One older than `resume_within` becomes UNKNOWN without a call: a late replay would end sessions opened since.
        """
        now = self.clock.now()
        taken = dead.move(State.SIGNING_OUT, claim_id=new_id(now), lease_until=now + LEASE, resumed=True)
        try:
            self.store.advance(dead, taken, entry_of(taken, now))
            return self.sign_outs.sign_out(taken)
        except SupersededError:
            return None

    def wipe_response_urls(self) -> None:
        """Forget the response_urls that Slack no longer takes."""
        self.store.wipe_response_urls(self.clock.now() - RESPONSE_URL_LIVES)

    def forget(self, retain: timedelta) -> int:
        """Delete some of what ended, and was delivered, longer ago than `retain`; return how many entries."""
        return self.store.forget_delivered(self.clock.now() - retain)


@dataclass(kw_only=True)
class Delivery:
    """Takes audit entries to the audit channel, each until Slack took it. One thread of an instance runs it.

    `refusing` is Slack's word while somebody has to mend the channel; `kept` hears of each entry that suffers, once.
    """

    BETWEEN_REFUSALS = timedelta(minutes=1)
    POST = timedelta(seconds=30)  # for so long an entry is this instance's alone, by the clock that held it
    HOLD = timedelta(seconds=5)  # what took longer to hold is not posted: too little is left to post it and note it
    AT_ONCE = 50

    store: RequestStore
    channel: AuditChannel
    clock: Clock
    jitter: Callable[[], float]
    kept: Callable[[AuditEntry], None]
    refusing: str | None = field(default=None, init=False)
    held_until: datetime | None = field(default=None, init=False)
    taken: list[tuple[Sequence[AuditEntry], str]] = field(default_factory=list, init=False)

    def deliver(self) -> timedelta | None:
        """Post what is due, oldest first; return how long until something is due again, or None."""
        self._note_taken()
        now = self.clock.now()
        # Further ahead than anybody is ever waited for, it was set by a clock that has been put right since.
        if not self.held_until or not now < self.held_until < now + 2 * LONGEST:
            self._deliver_due(now)
        if (due := self.store.next_delivery_at()) is None:
            self.refusing = None  # whichever instance delivered the last one: the channel takes messages
            return None
        return max(due, self.held_until or due) - self.clock.now()

    def _deliver_due(self, now: datetime) -> None:
        self.held_until = None
        done: set[str] = set()
        for entry in self.store.undelivered(now, limit=self.AT_ONCE):
            if entry.id in done:
                continue
            entries = self._together(entry, now)
            done.update(each.id for each in entries)
            if self._wait_for_the_minute(entries, now):
                continue
            asked_at = self.clock.now()
            held = self.store.hold(entries, asked_at + self.POST)
            in_time = self.clock.now() <= asked_at + self.HOLD
            if held and in_time and not self._post(held):
                return

    def _together(self, entry: AuditEntry, now: datetime) -> Sequence[AuditEntry]:
        """Return what goes into one message: an entry alone, or everything due that was refused to one operator."""
        if entry.kind is not Kind.REFUSED:
            return [entry]
        waiting = self.store.refusals_waiting(entry.operator.team_id, entry.operator.id, self.AT_ONCE)
        # What is not due may be another instance's, which is posting it just now.
        return [each for each in waiting if each.next_at and each.next_at <= now] or [entry]

    def _wait_for_the_minute(self, entries: Sequence[AuditEntry], now: datetime) -> bool:
        """Put off an operator's refusals of which the channel heard less than a minute ago."""
        if entries[0].kind is not Kind.REFUSED:
            return False
        last = self.store.last_refusal_delivered_at(entries[0].operator.team_id, entries[0].operator.id)
        # A time yet to come was written by a clock that has been put right since.
        if last is None or last > now or now >= last + self.BETWEEN_REFUSALS:
            return False
        self.store.postponed(entries, last + self.BETWEEN_REFUSALS, failed=False)
        return True

    def _post(self, entries: Sequence[AuditEntry]) -> bool:
        """Return False where Slack asked to be left alone for a while."""
        try:
            ts = self.channel.post(entries)
        except DeliveryError as error:
            return self._put_off(entries, error)
        self.refusing = None
        self.taken.append((entries, ts))
        self._note_taken()
        return True

    def _put_off(self, entries: Sequence[AuditEntry], error: DeliveryError) -> bool:
        first = entries[0]
        wait = pause(first.delivery_attempts + 1) * self.jitter()
        next_at = self.clock.now() + max(wait, error.retry_after or wait)
        ids = {"request_id": first.request_id, "entry_id": first.id}
        log.warning("Slack did not take an audit entry (%s); next try at %s", error.reason, next_at, extra=ids)
        self.refusing = error.reason if error.for_good else self.refusing  # a time-out says nothing of the channel
        if error.retry_after is not None or error.for_good:  # it is the channel's trouble: all wait, the oldest first
            self.held_until = max(next_at, self.held_until or next_at)
        self.store.postponed(entries, next_at, failed=True)
        if error.for_good and not first.delivery_attempts:
            self.kept(first)
        return error.retry_after is None

    def _note_taken(self) -> None:
        """Write down what Slack took. Until that succeeds nothing else is posted, and nothing twice."""
        while self.taken:
            entries, ts = self.taken[0]
            self.store.delivered(entries, ts, self.clock.now())
            self.taken.pop(0)
