"""What personal data looks like, and what is shown instead: the one place that masks. It knows no setting."""

import re
from collections.abc import Sequence
from functools import partial

from bot.options import looks_like_phone
from bot.spellings import bare

LONG_NUMBER = 9  # a shorter one would hardly be masked if its beginning showed as well
FEWEST_IN_TEXT = 7  # digits of a phone number between other words, unless it begins with a plus
FEWEST_IN_A_NAME = 9  # digits of one that is a user name: shorter ones are customer numbers
# From where a word begins, and not from each sign in it, so that a long word takes one pass.
_EMAIL = re.compile(r"(?<![^\s<>(),;:])[^\s<>(),;:]+@[^\s@<>(),;:]+")
# Not `HELP-1234567`, not `#1234567`. What is too short to be a phone number does not match: a text may be full of it.
NUMBER = re.compile(rf"(?<![\w#])(?<!\w-)(?:\+\d[\d .()/\-]*\d|\(?\d[\d .()/\-]{{{FEWEST_IN_TEXT - 2},}}\d)")
_DATE = re.compile(r"(?:\d{4}-\d\d-\d\d|\d\d?[./]\d\d?[./]\d{4})(?: \d\d?)?")  # the minutes come after a colon

_digits = partial(re.compile(r"\D").sub, "")  # of a text

Extent = tuple[int, int]  # beginning and end in a text


def masked(text: str) -> str:
    """Return an email as its first letter and domain, and a phone number as its first and last digits."""
    local, at, domain = text.rpartition("@")
    if at:
        return f"{local[:1].strip('…')}…{at}{domain}"
    a_phone = _digits(text) and looks_like_phone(bare(text))  # the former first: it takes less
    return f"{text[:3] if len(text) > LONG_NUMBER else ''}…{text[-2:]}" if a_phone else text


def masked_name(name: str, phone: str | None) -> str:
    """Return a user name, masked where it is an email or a phone number; `phone` is its account's.

    Short digits with nothing between them are a customer number, unless they are the end of that phone number.
    """
    digits = _digits(name)
    is_own = bool(phone) and _digits(phone or "").endswith(digits.lstrip("0"))
    is_short = name.isdecimal() and len(digits) < FEWEST_IN_A_NAME
    return name if is_short and not is_own else masked(name)


def personal_in(text: str, tickets: Sequence[Extent]) -> Sequence[Extent]:
    """Return where a text has emails and phone numbers, in their order. Numbers inside a ticket number do not count."""
    emails = [found.span() for found in _EMAIL.finditer(text)]
    phones = [found.span() for found in NUMBER.finditer(text) if is_phone(text, found)]
    known = (*emails, *tickets)
    others = (each for each in phones if not any(each[0] >= start and each[1] <= end for start, end in known))
    return sorted((*emails, *others))


def masked_in(text: str) -> str:
    """Return a text with the emails and phone numbers in it masked."""
    for start, end in reversed(personal_in(text, ())):
        text = f"{text[:start]}{masked(text[start:end])}{text[end:]}"
    return text


def is_phone(text: str, found: re.Match[str]) -> bool:
    """Return whether a match of `NUMBER` in a text is a phone number."""
    if found[0].startswith("+"):
        return bool(looks_like_phone(found[0]))
    goes_on = text[found.end() : found.end() + 1].isalnum()
    return len(_digits(found[0])) >= FEWEST_IN_TEXT and not goes_on and not _DATE.fullmatch(found[0])
