"""Names that are not settings, in the environment and in the file: misspelled ones, and others."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from bot.settings.model import ENVIRONMENT, NEVER_IN_THE_FILE, PLACES, SECRETS

CONFIG_FILE, CONFIG_TEXT = "SIGNOUT_CONFIG", "SIGNOUT_CONFIG_TEXT"  # the file's path, or all that it would say
PREFIX = "SIGNOUT_"
KNOWN = frozenset({*ENVIRONMENT, CONFIG_FILE, CONFIG_TEXT, *(f"{name}_FILE" for name in SECRETS)})
# What Kubernetes and Docker's links write for a service or container, here one whose name begins with "signout". The
# value counts too: SIGNOUT_PORT=8080 is a mistake.
_OF_SERVICES = re.compile(
    r"\w+_(?:"
    r"(?:SERVICE_HOST|PORT_\d+_(?:TCP|UDP|SCTP)_ADDR)=[\da-fA-F.:]+"
    r"|(?:SERVICE_PORT(?:_\w+)?|PORT_\d+_(?:TCP|UDP|SCTP)_PORT(?:_START|_END)?)=\d+"
    r"|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_START|_END)?)?=(?:tcp|udp|sctp)://\S+"
    r"|PORT_\d+_(?:TCP|UDP|SCTP)_PROTO=(?:tcp|udp|sctp)"
    r"|NAME=/\S+)"
)
_NOT_USED = "is not a setting of this bot, so it is not used."
_SHORT = len(PREFIX) + 4  # two letters off such a name is another word


def unknown_key(path: Sequence[str]) -> str:
    """Return the sentence for a key of the file that is not a setting."""
    as_deep = {place[-1] for place in PLACES if len(place) == len(path)}
    keys = {f"{PREFIX}{key}".upper(): key for key in as_deep.difference(NEVER_IN_THE_FILE, path[-1:])}
    return _unknown(".".join(path), keys.get(_resembled(_plain(f"{PREFIX}{path[-1]}"), keys) or ""))


def resembling(environment: Mapping[str, str], *, ours: bool) -> Sequence[str]:
    """Return a sentence for each variable whose name is a letter or two off a setting's.

    `ours`: those that begin with `PREFIX`, which are a fault. The others may be someone else's: they are told only when
    the settings have another fault.
    """
    return [_unknown(name, meant) for name, meant, is_ours in _not_settings(environment) if meant and is_ours == ours]


def unused(environment: Mapping[str, str]) -> dict[str, str]:
    """Return by name what to say of each other variable that looks like a setting. It may be someone else's."""
    return {
        name: f"{_NOT_USED} {f'Is {meant} meant?' if meant else 'Check its spelling, or leave it out.'}"
        for name, meant, is_ours in _not_settings(environment)
        if not (meant and is_ours)
    }


def _not_settings(environment: Mapping[str, str]) -> Iterator[tuple[str, str | None, bool]]:
    """Give each variable that resembles a setting, or begins like one: name, the setting, whether it begins so."""
    for name in sorted(environment):
        if name not in KNOWN and environment[name].strip() and not _is_of_a_service(name, environment):
            plain = _plain(name)
            meant, is_ours = _resembled(plain, KNOWN), plain.startswith(PREFIX)
            if meant or is_ours:
                yield name, meant, is_ours


def _is_of_a_service(name: str, environment: Mapping[str, str]) -> bool:
    linked, env, _ = name.partition("_ENV_")  # Docker names the container beside what it has in its environment
    if env and environment.get(f"{linked}_NAME", "").startswith("/"):
        return True
    return bool(_OF_SERVICES.fullmatch(f"{name}={environment[name]}"))


def _unknown(name: str, meant: str | None) -> str:
    hint = f" Is {meant} meant?" if meant else ""
    return f"{name} is not a setting of this bot. Check its spelling.{hint}"


def _plain(name: str) -> str:
    return name.upper().replace("-", "_")


def _resembled(name: str, known: Collection[str]) -> str | None:
    """Return the setting whose name is one or two letters off; one, where the name does not begin as it does."""
    begins_so = name.startswith((PREFIX, "SLACK_"))
    for letters in range(3):
        for setting in sorted(known):
            most = 2 if begins_so and len(setting) >= _SHORT else 1
            if letters <= most and _is_off_by(letters, name, setting):
                return setting
    return None


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
