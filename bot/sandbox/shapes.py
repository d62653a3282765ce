"""What JSON may look like: small rules, and rules made of rules.

A rule takes a value and the JSON pointer to it, and yields complaints in Slack's words, the most outward one first.
"""

from collections.abc import Callable, Iterator
from typing import Any

Rule = Callable[[Any, str], Iterator[str]]


def string(most: int = 255, least: int = 1) -> Rule:
    """Take a string of `least` to `most` characters."""

    def check(value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, str):
            yield f"must be a string [json-pointer:{at}]"
        elif len(value) < least:
            yield f"must be more than {least - 1} characters [json-pointer:{at}]"
        elif len(value) > most:
            yield f"must be less than {most + 1} characters [json-pointer:{at}]"

    return check


def one_of(*choices: str) -> Rule:
    """Take one of a few words."""

    def check(value: Any, at: str) -> Iterator[str]:
        if value not in choices:
            yield f"must be one of {', '.join(choices)} [json-pointer:{at}]"

    return check


def kind(of: type) -> Rule:
    """Take a JSON value of one type."""

    def check(value: Any, at: str) -> Iterator[str]:
        if type(value) is not of:
            yield f"must be a {of.__name__} [json-pointer:{at}]"

    return check


def whole(least: int, most: int) -> Rule:
    """Take a whole number from `least` to `most`."""

    def check(value: Any, at: str) -> Iterator[str]:
        if type(value) is not int:
            yield f"must be an integer [json-pointer:{at}]"
        elif not least <= value <= most:
            yield f"must be from {least} to {most} [json-pointer:{at}]"

    return check


def items(rule: Rule, *, most: int, least: int = 1) -> Rule:
    """Take an array of `least` to `most` things of one sort."""

    def check(value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield f"must be an array [json-pointer:{at}]"
        elif len(value) > most:
            yield f"no more than {most} items allowed [json-pointer:{at}]"
        elif len(value) < least:
            yield f"no fewer than {least} items allowed [json-pointer:{at}]"
        else:
            for number, item in enumerate(value):
                yield from rule(item, f"{at}/{number}")

    return check


def shape(optional: dict[str, Rule] | None = None, **required: Rule) -> Rule:
    """Take an object with these fields and no others."""
    known = required | (optional or {})

    def check(value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"must be an object [json-pointer:{at}]"
            return
        yield from (f"missing required field: {name} [json-pointer:{at}]" for name in required if name not in value)
        for name, held in value.items():
            if name in known:
                yield from known[name](held, f"{at}/{name}")
            elif name != "type":
                yield f"invalid additional property: {name} [json-pointer:{at}]"

    return check


def by_type(table: dict[str, Rule]) -> Rule:
    """Take an object whose `type` says which rule holds for it."""

    def check(value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"must be an object [json-pointer:{at}]"
        elif value.get("type") not in table:
            yield f"unsupported type: {value.get('type')} [json-pointer:{at}/type]"
        else:
            yield from table[value["type"]](value, at)

    return check
