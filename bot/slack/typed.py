"""The grammar of `/signout`: text as Slack delivers it to a typed value, or an error with a usage line."""

import re

from bot.errors import UsageError
from bot.facts.aws_cli import (
    AWS_COMMAND,
    AWS_OPTIONS,
    AWS_USAGE,
    DOCUMENTS,
    SKELETON,
    Help,
    Skeleton,
    Spelling,
    spelled,
)
from bot.options import MAX_TARGET, check_reason, check_target, has_surrogate
from bot.request import Options

MAX_TEXT = 4_000  # characters; the longest reason and user name need less, even where Slack writes `&amp;` for `&`
_NAMES = frozenset({"pool", "reason", *AWS_OPTIONS})
# Clients turn `--` into an em or en dash, so an option may start with either.
_OPTION = re.compile(r"(?:--|[\u2013\u2014]-?)(?P<name>[^\W\d_][\w-]*)(?P<equals>=?)")
_MENTION = re.compile(r"<[@#!][^<>]*>")  # without the `<`, many of them would hold up the event loop
# What clients and Slack make of a text, and what was typed; in this order.
_UNDONE = (
    (re.compile(r"<(?:mailto|tel|https?):[^|<>\s]*\|([^<>]*)>"), r"\1"),  # `<mailto:a@b|a@b>`: typed was the label
    (re.compile(r"<(?:mailto:|tel:|(?=https?://))([^|<>]*)>"), r"\1"),
    (re.compile("&lt;"), "<"),
    (re.compile("&gt;"), ">"),
    (re.compile("&amp;"), "&"),
    # A line that goes on in the next; where the line break was lost in pasting, the backslash is before an option.
    (re.compile(r"\\\r?\n|(?<=\s)\\\s+(?=(?:--|[\u2013\u2014])[^\W\d_])"), " "),
)
_PASTED = re.compile(r"(?:\$\s+)?aws\s+(?P<command>[a-z][\w-]*\s+[a-z][\w-]*)(?=\s|$)")
_QUOTES = {'"': '"', "'": "'", "\u201c": '\u201d"', "\u201d": '\u201d"', "\u201e": '\u201c\u201d"', "\u2018": "\u2019'"}
_QUOTED = re.compile("|".join(rf"{one}(.*?)[{other}](?=\s|$)" for one, other in _QUOTES.items()), re.DOTALL)
_WORD = re.compile(rf"(?!{_OPTION.pattern})\S+")
_TO_THE_NEXT_OPTION = re.compile(rf".*?(?=(?:\A|(?<=\s)){_OPTION.pattern}|\Z)", re.DOTALL)
_BARE_DOCUMENT = re.compile(r"\{.*?\}(?=\s|$)", re.DOTALL)
_CURLY = re.compile("[\u201c\u201d\u201e]")
# A shell's word: its pieces in quotes and without. Each character fits one piece only, so no match is tried twice.
_SHELL_WORD = re.compile(r"""(?:[^ \t\r\n'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")*+""", re.DOTALL)
_SHELL_PIECE = re.compile(r"""\\(?P<bare>.)|'(?P<single>[^']*)'|"(?P<double>(?:[^"\\]|\\.)*)\"""", re.DOTALL)
_AFTER_A_SHELL_WORD = frozenset({"", " ", "\t", "\r", "\n"})
_IN_DOUBLE_QUOTES = re.compile(r"""\\(["\\])""")


def parse(text: str, spelling: Spelling) -> Options | Skeleton | Help:
    """Read a command's text. Raises `UsageError` with one sentence for everything that is not in the grammar.

    It runs on the event loop before anyone is authorized: each step takes time in proportion to a text of `MAX_TEXT`.
    """
    if len(text) > MAX_TEXT:
        raise UsageError(f"The command is longer than {MAX_TEXT:,} characters.")
    if _MENTION.search(text):
        raise UsageError("That names a person or channel in Slack. TARGET is the user's name in Cognito.")
    for delivered, typed in _UNDONE:
        text = delivered.sub(typed, text)
    text = text.strip()
    if text.lower() == "help":
        return Help()
    pasted = _PASTED.match(text)
    if pasted and pasted["command"].split() != list(AWS_COMMAND[1:]):
        raise UsageError(f"Of the AWS CLI's commands, only `{' '.join(AWS_COMMAND)}` can be pasted here.", AWS_USAGE)
    words, options = _read(text[pasted.end() :].lstrip() if pasted else text)
    if not pasted and options.keys().isdisjoint(AWS_OPTIONS):
        reason = check_reason(options.get("reason"))
        return Options(target=check_target(" ".join(words)), pool=options.get("pool"), reason=reason)
    if words or "pool" in options:
        raise UsageError("Use either TARGET and --pool, or --username and --user-pool-id, but not both.", AWS_USAGE)
    return spelled(options, spelling)


def _read(text: str) -> tuple[list[str], dict[str, str]]:
    """Return the words of a text, and its options by their names."""
    words, options = list[str](), dict[str, str]()
    while text:
        option = _OPTION.match(text)
        if not option:
            word, *more = text.split(maxsplit=1)
            words.append(word)
            text = "".join(more)
            continue
        name, text = option["name"].lower(), text[option.end() :]
        if name not in _NAMES or (text and not option["equals"] and not text[0].isspace()):
            raise UsageError(f"There is no option --{option['name'][:MAX_TARGET]}.")
        if name in options:
            raise UsageError(f"--{name} is given twice.")
        value, text = _read_value(name, text.lstrip())
        if value is None or (not value and name not in AWS_OPTIONS):
            raise UsageError(f"--{name} needs a value.")
        if has_surrogate(value):
            raise UsageError(f"--{name} is not valid text. Type it instead of pasting it.")
        options[name], text = value, text.lstrip()
    return words, options


def _read_value(name: str, text: str) -> tuple[str | None, str]:
    """Return the value of an option, None where it has none, and what comes after it."""
    value: str | None
    if name in AWS_OPTIONS and text[:1] in ("'", '"'):
        value, rest = _read_as_a_shell(name, text)
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


def _read_as_a_shell(name: str, text: str) -> tuple[str, str]:
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
