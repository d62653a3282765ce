"""`signout`: the flow for the person at a terminal."""

from contextlib import closing

from bot.aws.clients import Clients
from bot.aws.identity import CallerUnknownError, caller
from bot.edge.lanes import CallersThread, Doorway, ThreadLane
from bot.errors import BotError, StoreError, StoreUnavailableError
from bot.facts.clock import IN_A_ROW, CheckedClock
from bot.list_run import MOST_AT_ONCE
from bot.request import Options
from bot.settings.model import Settings
from bot.terminal.front import take
from bot.terminal.list_command import ListCommand
from bot.terminal.list_front import take_list
from bot.whoami import WhoAmI
from bot.wiring.shared import AWS_THREADS, SystemClock, flow_of, lists_of, user_pools
from bot.wiring.stores import Store, build_store

NOT_NAMED = (
    "Neither SIGNOUT_STORE nor a settings file says where the bot has it. Set SIGNOUT_STORE, or SIGNOUT_CONFIG, as the "
    "bot has them."
)


def sign_out(settings: Settings, options: Options | ListCommand | WhoAmI, *, yes: bool) -> int:
    """Carry the command out over the bot's store, as `take` or `take_list` does.

    Raises `CallerUnknownError` and `StoreError` too.
    """
    here, region = CallersThread(), next(iter(settings.pools.values())).region
    clock = _AskingClock(region)
    arn = caller(region, clock)
    store, pools = _opened_store(settings, clock), user_pools(settings, Clients(AWS_THREADS, clock))
    with closing(store):
        entrance = Doorway(lane=here, newcomers_lane=here)
        flow = flow_of(settings, pools, store, clock, entrance=entrance, aws_lane=here, trail=store, terminal=True)
        if isinstance(options, ListCommand):
            lanes = ThreadLane("lists", 1), ThreadLane("list accounts", MOST_AT_ONCE), here
            return take_list(options, *lists_of(settings, flow, store, *lanes), arn)
        return take(options, flow, clock.now(), arn, yes=yes)


class _AskingClock(CheckedClock):
    """Where it is in doubt, it asks AWS, which may not say."""

    def __init__(self, region: str) -> None:
        super().__init__(SystemClock())
        self._region = region

    def error(self) -> BotError | None:
        try:
            for _ in range(IN_A_ROW):
                if self._misses or super().error():
                    caller(self._region, self)
        except CallerUnknownError as error:
            return error
        return super().error()


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
