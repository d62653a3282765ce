"""`signout`: the flow for the person at a terminal."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial

from bot.aws.identity import caller
from bot.clock import IN_A_ROW, CheckedClock
from bot.edge.lanes import CallersThread
from bot.errors import BotError, StoreError, StoreUnavailableError
from bot.flow import Flow
from bot.settings.model import Settings
from bot.terminal.front import TerminalFront
from bot.wiring.shared import SystemClock, confirmations_of, user_pools, worker_of
from bot.wiring.stores import build_store


@contextmanager
def terminal_front(settings: Settings) -> Iterator[TerminalFront]:
    """Give what takes the command, over the bot's store. Raises `CallerUnknownError` and `StoreError`."""
    clock, region = CheckedClock(SystemClock()), next(iter(settings.pools.values())).region
    arn = caller(region, clock)
    store, pools = build_store(settings, clock), user_pools(settings, clock)
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
            slack_lane=CallersThread(),
            aws_lane=CallersThread(),
            is_outdated=lambda: store.is_outdated,
            clock_error=partial(_clock_error, clock, region),
        )
        yield TerminalFront(flow=flow, clock=clock, arn=arn)


def _clock_error(clock: CheckedClock, region: str) -> BotError | None:
    """Say why nothing may be begun by this clock; where that is in doubt, AWS is asked."""
    for _ in range(IN_A_ROW):
        if clock.is_doubtful():
            caller(region, clock)
    return clock.error()
