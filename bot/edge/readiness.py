"""Is the bot ready? What /readyz says, in plain sentences without secrets."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import ClassVar, Generic, Protocol, TypeVar

from bot.edge.lanes import ThreadLane, settle
from bot.errors import AwsSetupError, StoreUnavailableError
from bot.facts.finding import Backlog
from bot.ports import Clock, Outbox

READY, DEGRADED, NOT_READY = "ready", "degraded", "not ready"
OVERDUE = timedelta(minutes=5)
SECONDS_BETWEEN_CHECKS = 30.0
NOT_YET = AwsSetupError("", "", source="none", kind="they have not come yet")
ROOM_TO_ASK = 6  # threads: the store's three questions, the groups', the credentials', one to spare


class WatchedStore(Outbox, Protocol):
    """A store as the edge sees it: opened before anything else runs, asked how it is, and closed at the end."""

    def open(self) -> None:
        """Make it ready. Raises `StoreError` where waiting will not help, else `StoreUnavailableError`."""

    def close(self) -> None:
        """Close it."""

    def check_writable(self) -> None:
        """Write something and take it back. Raises `StoreUnavailableError`."""

    def backlog(self) -> Backlog:
        """Return what waits for the audit channel."""


T = TypeVar("T")
# What is wrong, as a sentence; None where nothing is.
Look = Callable[[], Awaitable[str | None]]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether to send work here, and what someone should look at."""

    status: str
    reasons: Sequence[str]


@dataclass
class Probe(Generic[T]):
    """Calls `ask`, which may hang, on a thread of `lane`, one call at a time. An answer is given for `fresh` seconds.

    Of a call that hangs each asker waits until `WITHIN` seconds after its beginning. Used on one loop.
    """

    WITHIN: ClassVar[float] = 2.0

    lane: ThreadLane
    ask: Callable[[], T]
    fresh: float = 3.0
    _begun: float = 0.0
    _stale_at: float = 0.0
    _answer: "asyncio.Future[T] | None" = None

    async def answer(self) -> T:
        """Return the answer, at most `fresh` seconds old. Raises `TimeoutError`, or as `ask` does."""
        now = time.monotonic()
        if self._answer is None or (self._answer.done() and now >= self._stale_at):
            called: Future[T] = Future()
            self.lane.run(None, partial(settle, called, self._dated), urgent=True)
            self._answer, self._begun = asyncio.wrap_future(called), now
            # Else asyncio complains of a failure that comes after its askers have gone.
            self._answer.add_done_callback(lambda answer: answer.cancelled() or answer.exception())
        await asyncio.wait((self._answer,), timeout=max(self._begun + self.WITHIN - now, 0))
        if not self._answer.done():
            raise TimeoutError
        return self._answer.result()

    def _dated(self) -> T:
        try:
            return self.ask()
        finally:
            self._stale_at = time.monotonic() + self.fresh


class Outlook:
    """Asks the store, the groups, the audit channel and AWS how they are, without waiting for what hangs.

    `no_credentials` says why there are none, `pool_troubles` why the last call for each pool failed (None: it did not).
    """

    def __init__(  # noqa: PLR0913 -- each is asked in its own way
        self,
        store: WatchedStore,
        clock: Clock,
        *,
        audit_refusing: Callable[[], str | None],
        unlisted_groups: Callable[[], Sequence[str]],
        no_credentials: Callable[[], AwsSetupError | None],
        pool_troubles: Callable[[], Mapping[str, str | None]],
        last_ended: Callable[[], Mapping[str, float]],
    ) -> None:
        self._lane = ThreadLane("health", ROOM_TO_ASK)
        self._store_is_open = self._has_stopped = False
        self._trouble: str | None = None
        self._no_credentials: AwsSetupError | None = NOT_YET
        self._clock = clock
        self._audit_refusing = audit_refusing
        self.pool_troubles = pool_troubles
        self._writable = Probe(self._lane, store.check_writable)
        self._backlog = Probe(self._lane, store.backlog, fresh=1.0)
        self._groups = Probe(self._lane, unlisted_groups, fresh=SECONDS_BETWEEN_CHECKS)
        self._credentials = Probe(self._lane, no_credentials, fresh=SECONDS_BETWEEN_CHECKS)
        self._last_ended = Probe(self._lane, last_ended, fresh=SECONDS_BETWEEN_CHECKS)

    def start(self) -> None:
        """Begin to ask: the store is open."""
        self._store_is_open = True

    def stop(self) -> None:
        """Ask no more."""
        self._store_is_open, self._has_stopped = False, True
        self._lane.stop()

    async def backlog(self) -> Backlog | None:
        """Return what waits for delivery, or None where the store does not say."""
        return await self._told(self._backlog)

    async def last_ended(self) -> Mapping[str, float] | None:
        """Return when a request last ended with each outcome, or None where the store does not say."""
        return await self._told(self._last_ended)

    async def _told(self, probe: Probe[T]) -> T | None:
        if self._store_is_open:
            with suppress(Exception):  # that the store is out of order is told by `store`; a group is asked again soon
                return await probe.answer()
        return None

    def age(self, since: datetime | None) -> timedelta:
        """Return for how long something has waited."""
        return max(self._clock.now() - since, timedelta(0)) if since else timedelta(0)

    async def store(self) -> str | None:
        """Say where the store cannot be written."""
        if not self._store_is_open:
            return "The store is not open yet. The log says what the bot waits for."
        try:
            await self._writable.answer()
        except TimeoutError:
            return "The store does not answer in time, so no one can be signed out."
        except Exception as error:  # noqa: BLE001 -- for any error: nothing can be written
            self._note(error.reason if isinstance(error, StoreUnavailableError) else repr(error))
            return "The store cannot be written, so no one can be signed out. The log says why."
        self._note(None)
        return None

    def _note(self, trouble: str | None) -> None:
        if trouble and trouble != self._trouble:  # said once, even if it is asked often
            log.error("The store cannot be written: %s", trouble)
        self._trouble = trouble

    async def audit_channel(self) -> str | None:
        """Say where someone has to repair the audit channel."""
        if reason := self._audit_refusing():
            return f"The audit channel takes no messages ({reason}). They are kept and delivered later."
        return None

    async def delivery(self) -> str | None:
        """Say where an outcome has waited for the audit channel for long. Refusals may wait: anyone can cause them."""
        backlog = await self.backlog()
        age = self.age(backlog.oldest_at) if backlog else timedelta(0)
        if age <= OVERDUE:
            return None
        return f"An undelivered audit entry has waited for {age // timedelta(minutes=1)} minutes."

    async def credentials(self) -> str | None:
        """Say where the bot has no AWS credentials."""
        if self._has_stopped:
            return None
        with suppress(TimeoutError):  # then it is as it was: new ones are asked for while the old ones are still good
            before, self._no_credentials = self._no_credentials, await self._credentials.answer()
            if self._no_credentials and str(before) != str(self._no_credentials):
                log.error("There are no AWS credentials. %s", self._no_credentials)
        why = self._no_credentials
        if not why:
            return None
        return f"The bot has no AWS credentials ({why.kind}), so no one can be signed out. {why}".rstrip()

    def missing_credentials(self) -> Mapping[str, str]:
        """Return which source gave no credentials, and why, as was last known; nothing where there are some."""
        why = self._no_credentials
        return {"source": why.source, "reason": why.kind} if why else {}

    async def cognito(self) -> str | None:
        """Say for which pools the last call did not reach Cognito, or Cognito did not take the credentials."""
        return " ".join(filter(None, self.pool_troubles().values())) or None

    async def groups(self) -> str | None:
        """Say which user groups Slack does not list."""
        unlisted = await self._told(self._groups)
        if not unlisted:
            return None
        return f"Slack does not list {' and '.join(unlisted)}, so it allows no one. The log says why."


async def readiness(needs: Sequence[Look], wishes: Sequence[Look]) -> Readiness:
    """Return whether it is ready: without a need the bot is not ready; without a wish it is degraded."""
    said = await asyncio.gather(*(look() for look in (*needs, *wishes)))
    missing, troubles = list(filter(None, said[: len(needs)])), list(filter(None, said[len(needs) :]))
    status = NOT_READY if missing else DEGRADED if troubles else READY
    return Readiness(status, missing + troubles)
