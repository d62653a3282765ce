"""`signout`: the same job in a terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

from bot.aws.identity import caller
from bot.settings.model import Settings
from bot.terminal.sign_out import Terminal
from bot.wiring.shared import SystemClock, build_store, confirmations_of, sign_outs_of, user_pools


class NoGroups:
    """Groups in a terminal, where Slack is not asked."""

    def members(self, group_id: str) -> frozenset[str] | None:  # noqa: ARG002 -- nobody can say
        """Return None."""
        return None


@contextmanager
def terminal(settings: Settings) -> Iterator[Terminal]:
    """Give the job in a terminal, over the same store. Raises `CallerUnknownError`, or as opening the store does."""
    arn = caller(next(iter(settings.pools.values())).region)
    store, clock, pools = build_store(settings), SystemClock(), user_pools(settings)
    store.open()
    try:
        yield Terminal(
            confirmations=confirmations_of(settings, pools, store, clock, groups=NoGroups(), home_team=lambda: None),
            sign_outs=sign_outs_of(settings, pools, store, clock),
            arn=arn,
        )
    finally:
        store.close()
