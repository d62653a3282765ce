"""The numbers of the lists that run in this instance, for Prometheus."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from bot.edge.metrics import Values
from bot.list_run import ListRun
from bot.pace import Pace


def list_numbers(
    runs: Sequence[ListRun], pools: Iterable[str], paces: Iterable[tuple[str, Pace]], now: datetime
) -> Values:
    """Return the gauges of all `runs`, by pool, and of all `paces`, each with the name of its quota.

    Those of a pool may have several lists. A pool without one has zeros, and no end.
    """
    of = {pool: [run for run in runs if run.request.contents.pool == pool] for pool in pools}
    slowed: dict[tuple[str, ...], float] = {}
    for quota, pace in paces:
        slowed[quota,] = max(slowed.get((quota,), 0), pace.is_slowed)
    return {
        "lists_running": {(pool,): len(each) for pool, each in of.items()},
        "list_accounts_per_second": {(pool,): sum(run.progress.rate for run in each) for pool, each in of.items()},
        "list_accounts_left": {(pool,): sum(run.request.contents.left for run in each) for pool, each in of.items()},
        "list_accounts_not_done": {(pool,): sum(map(_not_done, each)) for pool, each in of.items()},
        "list_end_timestamp_seconds": _ends(of, now),
        "lists_slowed": slowed,
    }


def _not_done(run: ListRun) -> int:
    counts = run.request.contents.counts
    return counts.failed + counts.unknown


def _ends(of: Mapping[str, Sequence[ListRun]], now: datetime) -> Mapping[tuple[str, ...], float]:
    """Return when the lists of each pool end, in seconds since 1970."""
    left = {pool: [run.request.contents.time_left for run in each] for pool, each in of.items()}
    return {(pool,): (now + max(each)).timestamp() for pool, each in left.items() if each}
