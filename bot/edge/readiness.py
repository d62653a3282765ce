"""Is the bot ready? What /readyz says, in plain sentences without secrets."""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar, Generic, Protocol, TypeVar

from bot.audit import OUTCOMES
from bot.edge.metrics import Values
from bot.errors import AwsSetupError, StoreUnavailableError
from bot.facts.aws_credentials import SETTINGS
from bot.facts.finding import Backlog
from bot.ports import Clock
from bot.request import Request

STATUSES = READY, DEGRADED, NOT_READY = "ready", "degraded", "not ready"
OVERDUE_SECONDS = 300.0
SECONDS_BETWEEN_CHECKS = 30.0
_UNASKED = "The approval channel {} takes no messages ({}), so no one is asked there. The bot tries again."
_STUCK = (
    "List {} of pool {} should go on, and no instance has noted anything of it for over a minute. The log of the"
    " instance that ran it may say why."
)
NOT_YET = AwsSetupError("", "", source="none", kind="they have not come yet")


class WatchedStore(Protocol):
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

log = logging.getLogger(__name__)


@dataclass
class Probe(Generic[T]):
    """Calls `ask`, which may hang, on a thread, one call at a time. An answer is given for `fresh` seconds.

    Of a call that hangs each asker waits until `WITHIN` seconds after its beginning. Used on one loop.
    """

    WITHIN: ClassVar[float] = 2.0

    ask: Callable[[], T]
    fresh: float = 3.0
    _begun: float = 0.0
    _stale_at: float = 0.0
    _answer: "asyncio.Future[T] | None" = None

    async def answer(self) -> T:
        """Return the answer, at most `fresh` seconds old. Raises `TimeoutError`, or as `ask` does."""
        now = time.monotonic()
        if self._answer is None or (self._answer.done() and now >= self._stale_at):
            self._answer, self._begun = asyncio.get_running_loop().run_in_executor(None, self._dated), now
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


@dataclass(kw_only=True)
class Outlook:
    """Asks the store, the groups, the channels and AWS how they are, without waiting for what hangs.

    `approvals_refusing` says why an approval channel takes no messages, by its id; `no_credentials` why there are none;
    `pool_troubles` why the last call for each pool failed (None: it did not).
    """

    store: WatchedStore
    clock: Clock
    audit_refusing: Callable[[], str | None]
    approvals_refusing: Callable[[], Mapping[str, str]]
    unlisted_groups: Callable[[], Sequence[str]]
    no_credentials: Callable[[], AwsSetupError | None]
    pool_troubles: Callable[[], Mapping[str, str | None]]
    last_ended: Callable[[], Mapping[str, float]]
    awaiting_approval: Callable[[], int] = lambda: 0
    stuck_lists: Callable[[], Sequence[Request] | None] = lambda: ()  # None: not known
    lists: Callable[[], Values] = dict
    store_is_open: bool = False  # before and after that it is not asked
    _trouble: str | None = field(default=None, init=False)
    _no_credentials: AwsSetupError | None = field(default=NOT_YET, init=False)

    def __post_init__(self) -> None:
        self._writable = Probe(self.store.check_writable)
        self._backlog = Probe(self.store.backlog, fresh=1.0)
        self._groups = Probe(self.unlisted_groups, fresh=SECONDS_BETWEEN_CHECKS)
        self._credentials = Probe(self.no_credentials, fresh=SECONDS_BETWEEN_CHECKS)
        self._awaiting_approval = Probe(self.awaiting_approval, fresh=1.0)
        self._last_ended = Probe(self.last_ended, fresh=SECONDS_BETWEEN_CHECKS)

    async def troubles(self) -> tuple[Sequence[str | None], Sequence[str | None]]:
        """Return what is wrong with what the bot needs, and with the rest, a sentence each; None where nothing is."""
        asked = self.unwritable(), self.credentials(), self.waiting(), self._answer(self._groups)
        store, credentials, waiting, unlisted = await asyncio.gather(*asked)
        refusing, age, groups = self.audit_refusing(), waiting[1] if waiting else 0.0, " and ".join(unlisted or ())
        return (store, credentials), (
            refusing and f"The audit channel takes no messages ({refusing}). They are kept and delivered later.",
            " ".join(_UNASKED.format(*each) for each in sorted(self.approvals_refusing().items())),
            f"An undelivered audit entry has waited for {age // 60:.0f} minutes." if age > OVERDUE_SECONDS else None,
            " ".join(filter(None, self.pool_troubles().values())),
            " ".join(_STUCK.format(each.id, each.contents.pool) for each in self.stuck_lists() or ()),
            groups and f"Slack does not list {groups}, so it allows no one. The log says why.",
        )

    async def gauges(self) -> Values:
        """Return the numbers that are asked for at a scrape. What could not be asked in time is NaN."""
        entries, age = await self.waiting() or (math.nan, math.nan)
        last_ended = await self._answer(self._last_ended) or dict.fromkeys(OUTCOMES, math.nan)
        approving, why = await self._answer(self._awaiting_approval), self._no_credentials
        stuck = self.stuck_lists()
        return {
            **self.lists(),
            "lists_stuck": {(): math.nan if stuck is None else len(stuck)},
            "awaiting_approval": {(): math.nan if approving is None else approving},
            "audit_undelivered_entries": {(): entries},
            "audit_oldest_undelivered_age_seconds": {(): age},
            "audit_channel_refusing": {(): self.audit_refusing() is not None},
            "aws_credentials": {(): why is None},
            "aws_credentials_missing": {(why.source, why.kind): 1} if why else {},
            "pool_trouble": {(pool,): trouble is not None for pool, trouble in self.pool_troubles().items()},
            "last_ended_timestamp_seconds": {(outcome,): at for outcome, at in last_ended.items()},
        }

    async def _answer(self, probe: Probe[T]) -> T | None:
        if self.store_is_open:
            with suppress(Exception):  # `unwritable` tells of a store out of order; a group is asked again soon
                return await probe.answer()
        return None

    async def waiting(self) -> tuple[int, float] | None:
        """Return how many entries wait, and for how many seconds the oldest outcome does; None: the store is silent."""
        backlog = await self._answer(self._backlog)
        if backlog is None:
            return None
        waited = self.clock.now() - backlog.oldest_at if backlog.oldest_at else timedelta(0)
        return backlog.entries, max(waited.total_seconds(), 0.0)

    async def unwritable(self) -> str | None:
        """Say where the store cannot be written."""
        if not self.store_is_open:
            return "The store is not open yet. The log says what the bot waits for."
        trouble = None
        try:
            await self._writable.answer()
        except TimeoutError:
            return "The store does not answer in time, so no one can be signed out."
        except Exception as error:  # noqa: BLE001 -- for any error: nothing can be written
            trouble = error.reason if isinstance(error, StoreUnavailableError) else repr(error)
            if trouble != self._trouble:  # said once, even if it is asked often
                log.error("The store cannot be written: %s", trouble)  # noqa: TRY400 -- its reason says it
        self._trouble = trouble
        return trouble and "The store cannot be written, so no one can be signed out. The log says why."

    async def credentials(self) -> str | None:
        """Say where the bot has no AWS credentials."""
        with suppress(TimeoutError):  # then it is as it was: new ones are asked for while the old ones are still good
            before, self._no_credentials = self._no_credentials, await self._credentials.answer()
            if self._no_credentials and str(before) != str(self._no_credentials):
                log.error("%s. %s", _without(self._no_credentials), self._no_credentials)
        if why := self._no_credentials:
            return f"{_without(why)} ({why.kind}), so no one can be signed out. {why}".rstrip()
        return None


def _without(why: AwsSetupError) -> str:
    return "The bot cannot use AWS" if why.source == SETTINGS else "The bot has no AWS credentials"


def readiness(needs: Iterable[str | None], wishes: Iterable[str | None]) -> tuple[str, Sequence[str]]:
    """Return the status and why: without a need the bot is not ready, without a wish it is degraded."""
    missing, troubles = list(filter(None, needs)), list(filter(None, wishes))
    return NOT_READY if missing else DEGRADED if troubles else READY, missing + troubles
