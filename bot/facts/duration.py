"""Lengths of time as they are written: a number and a unit, such as 30s, 5m, 2h or 7d, and Retry-After."""

import math
import re
from collections.abc import Mapping
from datetime import timedelta

from bot.backoff import LONGEST

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def read_duration(text: str) -> timedelta | None:
    """Return the length of time; None where the text is not one, or its number has more than nine digits."""
    found = re.fullmatch(r"(\d{1,9}) ?([smhd])", text)
    return timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else None


def in_words(length: timedelta) -> str:
    """Return whole minutes in words, such as 90 minutes or 1 day."""
    minutes = round(length.total_seconds() / 60)
    unit, size = next(each for each in (("day", 1440), ("hour", 60), ("minute", 1)) if minutes % each[1] == 0)
    count = minutes // size
    return f"{count} {unit}{'s' * (count != 1)}"


def retry_after(headers: Mapping[str, object]) -> timedelta | None:
    """Return what Retry-After in any case asks for, 5 minutes at most; None where it is not a number of seconds."""
    try:
        seconds = float(next(str(value) for name, value in headers.items() if name.lower() == "retry-after"))
    except (ValueError, StopIteration):
        return None
    if not math.isfinite(seconds) or seconds < 0:
        return None
    return timedelta(seconds=min(seconds, LONGEST.total_seconds()))
