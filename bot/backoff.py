"""How long to wait before something is tried again."""

from datetime import timedelta

FIRST = timedelta(seconds=1)
LONGEST = timedelta(minutes=5)


def pause(failures: int) -> timedelta:
    """Return the wait after so many failures in a row: 1 s, doubled each time, 5 minutes at most."""
    doublings = min(max(failures - 1, 0), 16)
    return min(FIRST * float(2**doublings), LONGEST)
