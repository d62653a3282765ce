"""`signout`: the flow for the person at a terminal."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from bot.aws.identity import caller
from bot.edge.lanes import CallersThread, Doorway
from bot.errors import StoreError, StoreUnavailableError
from bot.flow import Flow
from bot.settings.model import Settings
from bot.terminal.front import TerminalFront
from bot.wiring.shared import SystemClock, confirmations_of, user_pools, worker_of
from bot.wiring.stores import build_store


@contextmanager
def terminal_front(settings: Settings) -> Iterator[TerminalFront]:
    """Give what takes the command, over the bot's store. Raises `CallerUnknownError` and `StoreError`."""
    arn = caller(next(iter(settings.pools.values())).region)
    here, store, clock, pools = CallersThread(), build_store(settings), SystemClock(), user_pools(settings)
    try:
        store.open()
    except StoreUnavailableError as error:
        hint = "Check SIGNOUT_STORE, or try again."
        raise StoreError(f"The store cannot be opened: {error.reason}.", hint) from None
    with closing(store):
        flow = Flow(
            confirmations=confirmations_of(
                settings, pools, store, clock, members=lambda _: None, home_team=lambda: None
            ),
            worker=worker_of(settings, pools, store, clock, terminal=True),
            outbox=store,
            entrance=Doorway(lane=here, newcomers_lane=here),
            aws_lane=here,
            is_outdated=lambda: store.is_outdated,
        )
        yield TerminalFront(flow=flow, clock=clock, arn=arn)
