"""A length of time as people write it: a number and a unit, such as 30s, 5m, 2h or 7d."""

import re
from datetime import timedelta

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def read_duration(text: str) -> timedelta | None:
    """Return the length of time; None where the text is not one, or its number has more than nine digits."""
    found = re.fullmatch(r"(\d{1,9}) ?([smhd])", text)
    return timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else None
