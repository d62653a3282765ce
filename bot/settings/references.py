"""Secrets that are not in the environment themselves: it says where they are kept, or which file holds them."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from bot.errors import SecretError
from bot.settings.environment import bare, decoded

REFERENCE = r"(?:arn|ssm):\S+"
STAND_IN = "ssm:/unknown"  # takes the place of a secret that could not be read, or is not needed
MAX_BYTES = 64 * 1024

# Returns the secret that a reference names. Raises `SecretError`.
Resolve = Callable[[str], str]


def found_in(environment: Mapping[str, str], names: Iterable[str]) -> Sequence[str]:
    """Return the references among these settings."""
    return [value for name in names if _is_reference(value := environment.get(name, ""))]


def followed(
    names: Iterable[str], given: Mapping[str, str], resolve: Resolve | None, faults: list[str]
) -> Mapping[str, str]:
    """Return the secrets that are kept in files or, with `resolve`, elsewhere. What is wrong is added to `faults`."""
    found = {}
    for name in names:
        try:
            if (value := _followed(name, given, resolve)) is not None:
                found[name] = value
        except SecretError as error:
            faults.append(f"{name} {error}")
            found[name] = STAND_IN
    return found


def _followed(name: str, given: Mapping[str, str], resolve: Resolve | None) -> str | None:
    value, file = given.get(name), given.get(f"{name}_FILE")
    if value and file:
        raise SecretError(f"and {name}_FILE are both set. Leave one of them out.")
    if file:
        held = _content(name, file)
    elif value and resolve and _is_reference(value):
        held = bare(resolve(value))
    else:
        return None
    if not held:
        raise SecretError("refers to a secret that is empty.")
    if _is_reference(held):
        raise SecretError("leads to another reference. Keep the secret itself there.")
    return held


def _is_reference(value: str) -> bool:
    return bool(re.fullmatch(REFERENCE, value))


def _content(name: str, file: str) -> str:
    # No sentence quotes the path: it may be the secret itself, put into the wrong variable.
    try:
        with Path(file).open("rb") as opened:
            value = bare(decoded(opened.read(MAX_BYTES)))
    except OSError as error:
        raise SecretError(f"is in a file (see {name}_FILE) that cannot be read: {error.strerror}.") from None
    except ValueError:
        raise SecretError(f"is in a file (see {name}_FILE) that is not UTF-8.") from None
    if not value:
        raise SecretError(f"is in a file (see {name}_FILE) that is empty.")
    return value
