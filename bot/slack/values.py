"""The value of an option in a command: as it was typed, or as a shell would read it."""

import re

from bot.errors import UsageError
from bot.facts.aws_cli import AWS_OPTIONS, DOCUMENTS, SKELETON, VALUED
from bot.slack.pasted import DASHES, SHELL_WORD, is_sign

AS_IN_A_SHELL = AWS_OPTIONS | VALUED | {"region"}
OPTION = re.compile(rf"{DASHES}(?P<name>[^\W\d_][\w-]*)(?P<equals>=?)")
_QUOTES = {'"': '"', "'": "'", "\u201c": '\u201d"', "\u201d": '\u201d"', "\u201e": '\u201c\u201d"', "\u2018": "\u2019'"}
_QUOTED = re.compile("|".join(rf"{one}(.*?)[{other}](?=\s|$)" for one, other in _QUOTES.items()), re.DOTALL)
_WORD = re.compile(r"\S+")
_TO_THE_NEXT_OPTION = re.compile(rf"\S.*?(?=(?<=\s){OPTION.pattern}|\Z)", re.DOTALL)
_BARE_DOCUMENT = re.compile(r"\{.*?\}(?=\s|$)", re.DOTALL)
_CURLY = re.compile("[\u201c\u201d\u201e]")
_SHELL_WORD = re.compile(f"{SHELL_WORD}*+", re.DOTALL)
_SHELL_PIECE = re.compile(r"""\\(?P<bare>.)|'(?P<single>[^']*)'|"(?P<double>(?:[^"\\]|\\.)*)\"""", re.DOTALL)
_AFTER_A_SHELL_WORD = frozenset({"", *" \t\r\n;|&<>"})
_IN_DOUBLE_QUOTES = re.compile(r"""\\(["\\])""")
_AS_IT_IS_OR_A_VARIABLE = re.compile(r"\\.|'[^']*'|(?P<variable>\$[A-Za-z_{(])", re.DOTALL)


def read_in_a_line(name: str, text: str) -> tuple[str | None, str]:
    """Return what `read_value` does, of an option in a shell's line."""
    if is_sign(text):
        return read_value(name, "")[0], text
    value, rest = read_value(name, text)
    given = text[: len(text) - len(rest)]
    if name not in VALUED and any(each["variable"] for each in _AS_IT_IS_OR_A_VARIABLE.finditer(given)):
        raise UsageError(f"--{name} has a shell's variable in it, and there is no shell here. Write its value.")
    if value and value == given and value.endswith(";"):
        return value[:-1], f";{rest}"
    return value, rest


def read_value(name: str, text: str) -> tuple[str | None, str]:
    """Return the value of an option, None where it has none, and what comes after it."""
    value: str | None
    if name in AS_IN_A_SHELL and text[:1] in {"'", '"'}:
        value, rest = read_as_a_shell(name, text)
    elif name != "pool" and text[:1] in _QUOTES:
        if not (quoted := _QUOTED.match(text)):
            raise UsageError(f"The quote of --{name} is not closed.")
        value, rest = quoted[quoted.lastindex or 0], text[quoted.end() :]
    else:
        # A document in braces needs no quotes, since there is no shell in between.
        found = _BARE_DOCUMENT.match(text) if name in DOCUMENTS else None
        found = found or (_TO_THE_NEXT_OPTION if name == "reason" else _WORD).match(text)
        value, rest = (found[0].strip(), text[found.end() :]) if found else (None, text)
    if name == SKELETON and value is None:
        return "input", rest
    # Clients bend a document's quotes. Where it has straight ones, curly ones are part of a value.
    if name in DOCUMENTS and value and '"' not in value:
        return _CURLY.sub('"', value), rest
    return value, rest


def read_as_a_shell(name: str, text: str) -> tuple[str, str]:
    """Return what a shell would give the AWS CLI, and what comes after it."""
    word = _SHELL_WORD.match(text)
    end = word.end() if word else 0
    if text[end : end + 1] not in _AFTER_A_SHELL_WORD:  # a quote, or a backslash before nothing
        raise UsageError(f"The quote of --{name} is not closed.")
    return _SHELL_PIECE.sub(_unquoted, text[:end]), text[end:]


def _unquoted(piece: re.Match[str]) -> str:
    if piece["double"] is not None:
        return _IN_DOUBLE_QUOTES.sub(r"\1", piece["double"])
    return piece["bare"] or piece["single"] or ""
