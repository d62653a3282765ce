"""Names in the environment that are not settings: misspelled ones, and what is neither used nor harmful."""

import re
from collections.abc import Iterator, Mapping

from bot.settings.faults import unknown
from bot.settings.model import ENVIRONMENT, SECRETS

CONFIG_FILE = "SIGNOUT_CONFIG"
PREFIX = "SIGNOUT_"
KNOWN = frozenset({*ENVIRONMENT, CONFIG_FILE, *(f"{name}_FILE" for name in SECRETS)})
# What Kubernetes and Docker's links write for a service or container, here one whose name begins with "signout".
_OF_SERVICES = re.compile(
    r"\w+_(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?)?|NAME|ENV_.+)"
)
_SHORT = len(PREFIX) + 4  # two letters off such a name is another word


def misspelled(environment: Mapping[str, str]) -> Iterator[str]:
    """Give a sentence for each `SIGNOUT_…` variable whose name is a letter or two off a setting's."""
    for name, meant in _not_settings(environment):
        if meant and _plain(name).startswith(PREFIX):
            yield unknown(name, meant)


def resembling(environment: Mapping[str, str]) -> Iterator[str]:
    """Give a sentence for each variable that is as near but may be someone else's: worth a look where one lacks."""
    for name, meant in _not_settings(environment):
        if meant and not _plain(name).startswith(PREFIX):
            yield unknown(name, meant)


def unused(environment: Mapping[str, str]) -> Mapping[str, str]:
    """Return what else looks like a setting and is none, each name with what to do about it.

    Others may use these names too, so they are no fault.
    """
    return {
        name: f"Is {meant} meant?" if meant else "Check its spelling, or leave it out."
        for name, meant in _not_settings(environment)
        if not (meant and _plain(name).startswith(PREFIX))
    }


def _not_settings(environment: Mapping[str, str]) -> Iterator[tuple[str, str | None]]:
    """Give the names of variables that resemble a setting, with its name, or at least begin like one, with None."""
    for name in sorted(environment):
        if name in KNOWN or _OF_SERVICES.fullmatch(name) or not environment[name].strip():
            continue
        meant = _resembled(_plain(name))
        if meant or _plain(name).startswith(PREFIX):
            yield name, meant


def _plain(name: str) -> str:
    return name.upper().replace("-", "_")


def _resembled(name: str) -> str | None:
    """Return the setting whose name is one or two letters off; one, where the name does not begin as it does."""
    most = 2 if name.startswith((PREFIX, "SLACK_")) else 1
    return next(
        (
            setting
            for letters in range(most + 1)
            for setting in sorted(KNOWN)
            if letters <= _may_be_off(setting) and _is_off_by(letters, name, setting)
        ),
        None,
    )


def _may_be_off(setting: str) -> int:
    return 1 if len(setting) < _SHORT else 2


def _is_off_by(letters: int, one: str, other: str) -> bool:
    """Return whether so many letters added, left out, changed or swapped with the next make one name of the other."""
    if abs(len(one) - len(other)) > letters:
        return False
    start = next((at for at, (this, that) in enumerate(zip(one, other, strict=False)) if this != that), None)
    if start is None or not letters:
        return start is None  # one is the other's beginning, and no more than so many letters shorter
    one, other = one[start:], other[start:]
    nexts = [(one[1:], other), (one, other[1:]), (one[1:], other[1:])]
    if one[:2] == other[1::-1]:
        nexts.append((one[2:], other[2:]))
    return any(_is_off_by(letters - 1, *each) for each in nexts)
