"""How long to wait before something is tried again."""

import math
from datetime import timedelta

FIRST = timedelta(seconds=1)
LONGEST = timedelta(minutes=5)


def pause(failures: int) -> timedelta:
    """Return the wait after so many failures in a row: 1 s, doubled each time, 5 minutes at most."""
    doublings = min(max(failures - 1, 0), 16)
    return min(FIRST * float(2**doublings), LONGEST)


def retry_after(header: object) -> timedelta | None:
    """Return what a Retry-After header asks for, 5 minutes at most; None for one that is no number of seconds."""
    try:
        seconds = float(str(header))
    except ValueError:
        return None
    if not math.isfinite(seconds) or seconds < 0:
        return None
    return timedelta(seconds=min(seconds, LONGEST.total_seconds()))
