"""blocks.validate: all that is wrong with blocks, a message or a form, each with where it is and by which rule."""

import re
from collections.abc import Callable, Collection, Iterator
from typing import Any

from bot.sandbox.form_limits import VIEW
from bot.sandbox.limits import wrong_blocks
from bot.sandbox.shapes import shape

Answer = dict[str, Any]
KINDS = ("blocks", "message", "view")
REASON = re.compile(r"(.*) \[json-pointer:(.*)\]", re.DOTALL)
# What Slack says of the rule, beside its words for it.
RULES: dict[str, Callable[[str], Answer]] = {
    r"must be less than (\d+) characters": lambda number: {"type": "max_length", "expected": int(number) - 1},
    r"must be more than (\d+) characters": lambda number: {"type": "min_length", "expected": int(number) + 1},
    r"no more than (\d+) items allowed": lambda number: {"type": "max_items", "expected": int(number)},
    r"no fewer than (\d+) items allowed": lambda number: {"type": "min_items", "expected": int(number)},
    r"must be one of (.+)": lambda words: {"type": "enum", "expected": words.split(", ")},
}


def validated(arguments: dict[str, Any], finds_fault_with: Collection[str] = ()) -> Answer:
    """Answer a call. Types that it `finds_fault_with` are refused as if Slack knew them no longer."""
    given = [name for name in KINDS if name in arguments]
    if len(given) != 1:
        return {"ok": False, "error": "invalid_arguments"}
    (name,) = given
    reasons = [*WRONG[name](arguments[name]), *_no_longer_known(arguments[name], finds_fault_with, "")]
    errors = [_error(reason) for reason in dict.fromkeys(reasons)]
    return {"ok": False, "error": f"invalid_{name}", "errors": errors} if errors else {"ok": True}


def _message(value: Any) -> Iterator[str]:
    """Check a message, which has nothing but blocks here: Slack takes no `text`."""
    yield from shape({"blocks": wrong_blocks})(value, "")


WRONG: dict[str, Callable[[Any], Iterator[str]]] = {
    "blocks": lambda value: wrong_blocks(value, ""),
    "message": _message,
    "view": lambda value: VIEW(value, ""),
}


def _no_longer_known(value: Any, types: Collection[str], at: str) -> Iterator[str]:
    if isinstance(value, dict) and value.get("type") in types:
        yield f"unsupported type: {value['type']} [json-pointer:{at}/type]"
    held = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in held:
        yield from _no_longer_known(inner, types, f"{at}/{name}")


def _error(reason: str) -> Answer:
    found = REASON.fullmatch(reason)
    message, pointer = found.groups() if found else (reason, "")
    matches = ((re.fullmatch(rule, message), of) for rule, of in RULES.items())
    constraint = next((of(match[1]) for match, of in matches if match), None)
    error = {"pointer": pointer, "code": "failed_constraint", "message": message}
    return {**error, "constraint": constraint} if constraint else error
