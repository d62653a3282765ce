"""How long to wait before something is tried again."""

from datetime import timedelta

FIRST = timedelta(seconds=1)
LONGEST = timedelta(minutes=5)


def pause(failures: int, longest: timedelta = LONGEST) -> timedelta:
    """Return the wait after so many failures in a row: 1 s, doubled each time, `longest` at most."""
    return min(FIRST * 2.0 ** min(max(failures - 1, 0), 16), longest)
