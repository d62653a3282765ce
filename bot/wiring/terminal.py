"""`signout`: the flow for the person at a terminal."""

from contextlib import closing
from functools import partial

from bot.aws.identity import CallerUnknownError, caller
from bot.clock import IN_A_ROW, CheckedClock
from bot.edge.lanes import CallersThread, Doorway
from bot.errors import BotError, StoreError, StoreUnavailableError
from bot.request import Options
from bot.settings.model import Settings
from bot.terminal.front import take
from bot.wiring.shared import SystemClock, flow_of, user_pools
from bot.wiring.stores import Store, build_store

NOT_NAMED = (
    "Neither SIGNOUT_STORE nor a settings file says where the bot has it. Set SIGNOUT_STORE, or SIGNOUT_CONFIG, as the "
    "bot has them."
)


def sign_out(settings: Settings, options: Options, *, yes: bool) -> int:
    """Carry the command out over the bot's store, as `take` does. Raises `CallerUnknownError` and `StoreError` too."""
    here, clock, region = CallersThread(), CheckedClock(SystemClock()), next(iter(settings.pools.values())).region
    arn = caller(region, clock)
    store, pools = _opened_store(settings, clock), user_pools(settings, clock)
    with closing(store):
        entrance = Doorway(lane=here, newcomers_lane=here)
        flow = flow_of(settings, pools, store, clock, entrance=entrance, aws_lane=here, trail=store, terminal=True)
        flow.clock_error = partial(_clock_error, clock, region)
        return take(options, flow, clock.now(), arn, yes=yes)


def _clock_error(clock: CheckedClock, region: str) -> BotError | None:
    """Say why nothing may be begun by this clock; where that is in doubt, AWS is asked, and may not say."""
    try:
        for _ in range(IN_A_ROW):
            if clock.is_doubtful():
                caller(region, clock)
    except CallerUnknownError as error:
        return error
    return clock.error()


def _opened_store(settings: Settings, clock: CheckedClock) -> Store:
    """Return the bot's store. It makes none: no bot would finish what is in a new one, or post it."""
    store = build_store(settings, clock, make=False)
    try:
        store.open()
    except StoreUnavailableError as error:
        hint = "Check SIGNOUT_STORE, or try again. `python -m bot check` says what is missing."
        raise StoreError(f"The store cannot be opened: {error.reason}.", hint) from None
    except StoreError as error:
        raise error if "store" in settings.model_fields_set else StoreError(error.sentence, NOT_NAMED) from None
    return store
