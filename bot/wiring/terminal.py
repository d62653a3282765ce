"""`signout`: the flow for the person at a terminal."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from bot.aws.identity import caller
from bot.edge.lanes import CallersThread
from bot.errors import StoreError, StoreUnavailableError
from bot.settings.model import Settings
from bot.terminal.front import TerminalFront
from bot.wiring.shared import SystemClock, flow_of, user_pools
from bot.wiring.stores import build_store


@contextmanager
def terminal_front(settings: Settings) -> Iterator[TerminalFront]:
    """Give what takes the command, over the bot's store. Raises `CallerUnknownError` and `StoreError`."""
    arn = caller(next(iter(settings.pools.values())).region)
    store, clock, pools = build_store(settings), SystemClock(), user_pools(settings)
    try:
        store.open()
    except StoreUnavailableError as error:
        hint = "Check SIGNOUT_STORE, or try again. `python -m bot check` says what is missing."
        raise StoreError(f"The store cannot be opened: {error.reason}.", hint) from None
    with closing(store):
        flow = flow_of(settings, pools, store, clock, (CallersThread(), CallersThread()), terminal=True)
        yield TerminalFront(flow=flow, clock=clock, arn=arn)
