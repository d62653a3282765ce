"""Who a message may be about: the emails, phone numbers and subs in it, as targets for the form."""

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from bot.options import MAX_TARGET
from bot.slack.masking import NUMBER, is_phone
from bot.visible import visible

MAX_TEXT = 10_000  # characters that are read of a message
MOST_PARTS = 300  # of its blocks and attachments
MOST_NAMED = 100  # some of them more than once
MOST_TARGETS = 10
MOST_DIGITS = 15  # of a phone number, anywhere in the world
# What of a message, a block or an attachment is read; the last one first. Most apps say all in blocks or attachments.
_SAID = ("attachments", "blocks", "rows", "elements", "fields", "value", "url", "text", "title", "pretext")
_REFERENCE = re.compile(r"<[@#!][^<>]*>")  # to a person, a channel or a time
_LINK = re.compile(r"<(?P<kind>mailto:|tel:|https?://)(?P<to>[^|<>]*)(?:\|(?P<label>[^<>]*))?>")
_URL = re.compile(r"https?://\S*")
_SUB = re.compile(r"(?<![\w-])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![\w-])", re.IGNORECASE)
# No email has these. A match goes from one of them to the next and never back, so that all take one pass.
_APART = r"\s@<>()\[\]{},;:|\\\"`*~\u00ab\u00bb\u201c\u201d\u201e\u2026"
_EMAIL = re.compile(rf"(?<![^{_APART}])[^{_APART}]++@[^{_APART}']++")
_IP_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_BLANKS_AND_HYPHENS = str.maketrans("\u00a0\u2007\u202f\u2010\u2011", "   --")


def targets_in(message: Mapping[str, Any]) -> tuple[str, ...]:
    """Return whom a message names: emails, then subs, then phone numbers, each once. What is hidden in one is visible.

    It runs on the event loop before anyone is authorized: it reads a bounded part, and no step takes more than linear
    time.
    """
    found: dict[str, str] = {}  # by what is equal where two are the same
    for target in islice(_named_in("\n".join(_texts(message))[:MAX_TEXT]), MOST_NAMED):
        shown = visible(target[: MAX_TARGET + 1])
        if len(shown) <= MAX_TARGET:
            # A phone number may be written in several ways. The signs in an email tell people apart.
            same = shown if "@" in shown else re.sub(r"[ ./()-]", "", shown)
            found.setdefault(same.lower(), shown)
        if len(found) == MOST_TARGETS:
            break
    return tuple(found.values())


def _texts(message: Mapping[str, Any]) -> Iterator[str]:
    """Give the texts of a message: its own, then those of its blocks, then those of its attachments."""
    waiting: list[Any] = [message]
    for _ in range(MOST_PARTS):
        match waiting.pop() if waiting else None:
            case str(text):
                yield text
            case list(parts):
                waiting += reversed(parts[:MOST_PARTS])
            case Mapping() as part:  # the value of a button is the app's own affair
                waiting += [part[name] for name in _SAID if name in part and (name != "value" or "type" not in part)]


def _named_in(text: str) -> Iterator[str]:
    """Give what is named. What was read already is a new line from then on, over which nothing is read as one."""
    text = _LINK.sub(_both, _REFERENCE.sub("\n", text)).translate(_BLANKS_AND_HYPHENS)
    for written, typed in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(written, typed)
    subs = _SUB.findall(text)
    text = _SUB.sub("\n", _URL.sub("\n", text))
    for email in map(_without_signs, _EMAIL.findall(text)):
        if "." in email.partition("@")[2]:
            yield email
    yield from subs
    text = _EMAIL.sub("\n", text)
    for phone in (each[0] for each in NUMBER.finditer(text) if is_phone(text, each)):
        if sum(map(str.isdecimal, phone)) <= MOST_DIGITS and not _IP_ADDRESS.fullmatch(phone):
            yield " ".join(phone.split())


def _both(link: re.Match[str]) -> str:
    """Return where a link leads, and what it says."""
    to = link["to"].partition("?")[0] if link["kind"] == "mailto:" else link["to"]
    return f"\n{link['kind']}{to}\n{link['label'] or ''}\n"


def _without_signs(email: str) -> str:
    """Return an email without what a sentence or Slack's formatting adds to it."""
    plain = email.strip("'").rstrip(".!?")
    return plain.strip("_") if plain.endswith("_") else plain
