"""The part of the command line of `signout` that is about lists."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.action import SIGN_OUT
from bot.errors import UsageError
from bot.facts.aws_cli import AWS_COMMAND, FLAGS, VALUED
from bot.options import ONLY_SIGNS_OUT, action_of, check_reason, has_surrogate
from bot.request import Options

# Each of the first three makes a list; the others go with one of them.
SOURCES = ("list", "everyone", "again")
BESIDE = frozenset({"column", "pool", "size"})
_ALSO = frozenset({"user-pool-id", "region", "reason", "yes"})
NEEDS_SIZE = (
    "A list that no one is asked about needs --size N with --yes: it then runs only if it has exactly N accounts. "
    "To see how many it has, run it in a terminal without --yes."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ListCommand:
    """A list that is asked for: what a `file` names, a whole pool or, by its id, what of a list was not done.

    `size`: it may have only so many accounts, and no one is asked. None: its number has to be typed.
    """

    options: Options
    file: str | None = None
    column: str | None = None
    again: str | None = None
    size: int | None = None


def list_asked(given: Mapping[str, str], words: Sequence[str], dropped: Sequence[str]) -> ListCommand | None:
    """Return the list that these options ask for; None where they ask for none. Raises `UsageError`."""
    sources = [f"--{each}" for each in SOURCES if each in given]
    if not sources:
        if beside := sorted(BESIDE & given.keys()):
            raise UsageError(f"--{beside[0]} goes with {', '.join(f'--{each}' for each in SOURCES)} only.")
        return None
    _check(given, words, sources)
    names = {name: given.get(name) for name in ("pool", "user-pool-id", "region")}
    if strange := [name for name, value in names.items() if value and has_surrogate(value)]:
        raise UsageError(f"--{strange[0]} is not valid text. Type it instead of pasting it.")
    return ListCommand(
        options=Options(
            target="",
            pool=names["pool"],
            pool_id=names["user-pool-id"],
            region=names["region"],
            reason=check_reason(given.get("reason")),
            dropped=tuple(dropped),
        ),
        file=given.get("list"),
        column=given.get("column"),
        again=_list_id(given["again"]) if "again" in given else None,
        size=_size(given),
    )


def _check(given: Mapping[str, str], words: Sequence[str], sources: Sequence[str]) -> None:
    if words[0] in AWS_COMMAND:
        raise UsageError(
            f"The AWS CLI's command signs out one person. With {sources[0]}, leave out `{' '.join(AWS_COMMAND)}`."
        )
    if len(sources) > 1:
        raise UsageError(f"{sources[0]} and {sources[1]} are two lists. Ask for one.")
    if action_of(given) != SIGN_OUT:
        raise UsageError(ONLY_SIGNS_OUT)
    if others := sorted(given.keys() - {*SOURCES, *BESIDE, *_ALSO, *VALUED, *FLAGS}):
        raise UsageError(f"--{others[0]} does not go with {sources[0]}.")
    if "column" in given and "list" not in given:
        raise UsageError("--column goes with --list only.")
    if "again" in given and (beside := sorted(given.keys() & {"pool", "user-pool-id", "region", "reason"})):
        raise UsageError(f"With --again, pool and reason are those of the list, so leave out --{beside[0]}.")


def _list_id(text: str) -> str:
    id_ = text.strip().upper()
    if not re.fullmatch(r"[0-9A-Z]{26}", id_):
        raise UsageError("--again needs the id of a list: 26 letters and digits.")
    return id_


def _size(given: Mapping[str, str]) -> int | None:
    if "size" not in given:
        if "yes" in given:
            raise UsageError(NEEDS_SIZE)
        return None
    if "yes" not in given:
        raise UsageError("--size goes with --yes: without it, the number of accounts is asked for.")
    if (size := number_in(given["size"])) is None:
        raise UsageError("--size must be a number of accounts.")
    return size


def number_in(text: str) -> int | None:
    """Return the number that was typed, also as 4,000 or 4 000; None where it is not one."""
    digits = re.sub(r"(?<=\d)[ ,.'_\u00a0\u202f](?=\d{3}(?!\d))", "", text.strip())
    return int(digits) if re.fullmatch(r"[0-9]{1,12}", digits) else None
