"""What a killed process left behind: resume its sign-outs, and deliver audit entries until Slack took them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

from bot.audit import AuditEntry, Kind, entry_of
from bot.errors import DeliveryError, SupersededError
from bot.ports import AuditChannel, Clock, RequestStore
from bot.request import SignOutRequest, State
from bot.sign_out import LEASE, SignOuts

CLOCKS_AGREE_WITHIN = timedelta(seconds=5)
RESPONSE_URL_LIVES = timedelta(minutes=30)


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
        """Take a dead claim over and finish it; None where another instance was first."""
        now = self.clock.now()
        taken = dead.move(State.SIGNING_OUT, claim_id=str(uuid4()), lease_until=now + LEASE, resumed=True)
        try:
            self.store.advance(dead, taken, entry_of(taken, now))
            if dead.claimed_at is None or now > dead.claimed_at + self.sign_outs.resume_within:
                return self.sign_outs.give_up(taken)
            return self.sign_outs.sign_out(taken)
        except SupersededError:
            return None

    def wipe_response_urls(self) -> None:
        """Forget the response_urls that Slack no longer takes."""
        self.store.wipe_response_urls(self.clock.now() - RESPONSE_URL_LIVES)


@dataclass(kw_only=True)
class Delivery:
    """Takes audit entries to the audit channel, each until Slack took it. One thread runs it, never two."""

    FIRST_PAUSE = timedelta(seconds=1)
    LONGEST_PAUSE = timedelta(minutes=5)
    BETWEEN_REFUSALS = timedelta(minutes=1)

    store: RequestStore
    channel: AuditChannel
    clock: Clock
    jitter: Callable[[], float]
    held_until: datetime | None = field(default=None, init=False)

    def deliver(self) -> timedelta | None:
        """Post what is due, oldest first; return how long until something is due again, or None."""
        now = self.clock.now()
        if self.held_until is None or now >= self.held_until:
            self._deliver_due(now)
        due = self.store.next_delivery_at()
        if due is None:
            return None
        return max(due, self.held_until or due) - self.clock.now()

    def _deliver_due(self, now: datetime) -> None:
        self.held_until = None
        done: set[str] = set()
        for entry in self.store.undelivered(now, limit=50):
            if entry.id in done:
                continue
            entries = self._together(entry, now)
            done.update(each.id for each in entries)
            if entries and not self._post(entries):
                return

    def _together(self, entry: AuditEntry, now: datetime) -> Sequence[AuditEntry]:
        """One message for one entry; an operator's refusals are told at most once a minute, the rest as a count."""
        if entry.kind is not Kind.REFUSED:
            return [entry]
        who = entry.operator
        refusals = self.store.refusals_waiting(who.team_id, who.id)
        last = self.store.last_refusal_delivered_at(who.team_id, who.id)
        if last is None or now >= last + self.BETWEEN_REFUSALS:
            return refusals
        self.store.postponed(refusals, last + self.BETWEEN_REFUSALS, failed=False)
        return []

    def _post(self, entries: Sequence[AuditEntry]) -> bool:
        """Return False where Slack asked to be left alone for a while."""
        try:
            ts = self.channel.post(entries)
        except DeliveryError as error:
            pause = (
                min(self.FIRST_PAUSE * 2 ** min(entries[0].delivery_attempts, 16), self.LONGEST_PAUSE) * self.jitter()
            )
            wait = max(pause, timedelta(seconds=error.retry_after or 0))
            next_at = self.clock.now() + wait
            self.store.postponed(entries, next_at, failed=True)
            if error.retry_after is not None:
                self.held_until = next_at
            return error.retry_after is None
        self.store.delivered(entries, ts, self.clock.now())
        return True
