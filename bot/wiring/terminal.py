"""`signout`: the flow for the person at a terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

from bot.aws.identity import caller
from bot.edge.lanes import CallersThread
from bot.errors import StoreError, StoreUnavailableError
from bot.flow import Flow
from bot.settings.model import Settings
from bot.terminal.front import TerminalFront
from bot.wiring.shared import Store, SystemClock, build_store, confirmations_of, user_pools, worker_of


class NoGroups:
    """Groups in a terminal, where Slack is not asked."""

    def members(self, group_id: str) -> frozenset[str] | None:  # noqa: ARG002 -- Slack is not asked of any
        """Return None."""
        return None


@contextmanager
def terminal_front(settings: Settings) -> Iterator[TerminalFront]:
    """Give what takes the command, over the bot's store. Raises `CallerUnknownError` and `StoreError`."""
    arn = caller(next(iter(settings.pools.values())).region)
    store, clock, pools = build_store(settings), SystemClock(), user_pools(settings)
    with _opened(store):
        flow = Flow(
            confirmations=confirmations_of(settings, pools, store, clock, groups=NoGroups(), home_team=lambda: None),
            worker=worker_of(settings, pools, store, clock, terminal=True),
            outbox=store,
            slack_lane=CallersThread(),
            aws_lane=CallersThread(),
            is_outdated=store.is_outdated,
        )
        yield TerminalFront(flow=flow, clock=clock, arn=arn)


@contextmanager
def _opened(store: Store) -> Iterator[None]:
    try:
        store.open()
    except StoreUnavailableError as error:
        hint = "Check SIGNOUT_STORE, or try again. `python -m bot check` says what is missing."
        raise StoreError(f"The store cannot be opened: {error.reason}.", hint) from None
    try:
        yield
    finally:
        store.close()
