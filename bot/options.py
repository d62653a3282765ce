"""The grammar of `/signout`: text as Slack delivers it to a typed value, or an error with a usage line."""

import re
import unicodedata
from dataclasses import dataclass

from bot.errors import UsageError

USAGE = "/signout TARGET [--pool NAME] [--reason TEXT]"
MAX_TARGET = 128  # Cognito's limit for a user name
MAX_REASON = 500

# Clients turn `--` into an em or en dash, so an option may start with either.
_OPTION = re.compile(r"(?:--|[\u2013\u2014]-?)(?P<name>[^\W\d_][\w-]*)(?P<equals>=?)")
_WORD = re.compile(r"\S+")
_QUOTES = {'"': '"', "'": "'", "\u201c": '\u201d"', "\u201d": '\u201d"', "\u201e": '\u201c\u201d"', "\u2018": "\u2019'"}
# `<mailto:a@b|a@b>`: what was typed is the label.
_REWRITTEN = re.compile(r"<(?:mailto|tel|https?):[^|<>\s]*\|(?P<typed>[^<>]*)>")
_REWRITTEN_BARE = re.compile(r"<(?:mailto:|tel:|(?=https?://))(?P<typed>[^|<>]*)>")
_PHONE = re.compile(r"[+(\d][\d .()/\-]*")
_MENTION = re.compile(r"<[@#!][^>]*>")


@dataclass(frozen=True, kw_only=True, slots=True)
class SignOutOptions:
    """`/signout TARGET …`: what to look for, exactly as typed."""

    target: str
    pool: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Help:
    """`/signout help`."""


def parse(text: str) -> SignOutOptions | Help:
    """Read a command's text. Raises `UsageError` with one sentence for everything that is not in the grammar."""
    rest = _undo_rewriting(text).strip()
    if rest.lower() == "help":
        return Help()
    words: list[str] = []
    options: dict[str, str] = {}
    while rest:
        if option := _OPTION.match(rest):
            rest = _read_option(option, rest[option.end() :], options)
        else:
            word = rest.split(maxsplit=1)
            words.append(word[0])
            rest = word[1] if len(word) > 1 else ""
    return SignOutOptions(target=_target(words), pool=options.get("pool"), reason=options.get("reason"))


def _undo_rewriting(text: str) -> str:
    text = _REWRITTEN_BARE.sub(r"\g<typed>", _REWRITTEN.sub(r"\g<typed>", text))
    if _MENTION.search(text):
        raise UsageError("That names a person or channel in Slack. TARGET is the user's name in Cognito.")
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(entity, character)
    return text


def _read_option(option: re.Match[str], rest: str, options: dict[str, str]) -> str:
    name = option["name"].lower()
    if name not in {"pool", "reason"} or (rest and not option["equals"] and not rest[0].isspace()):
        raise UsageError(f"There is no option --{option['name']}.")
    if name in options:
        raise UsageError(f"--{name} is given twice.")
    value, rest = (_read_reason if name == "reason" else _read_word)(rest.lstrip())
    if not value:
        raise UsageError(f"--{name} needs a value.")
    options[name] = value
    return rest


def _read_word(rest: str) -> tuple[str, str]:
    word = _WORD.match(rest)
    if not word or _OPTION.match(rest):
        return "", rest
    return word[0], rest[word.end() :].lstrip()


def _read_reason(rest: str) -> tuple[str, str]:
    """Read to the closing quote, else to the next option."""
    if closing := _QUOTES.get(rest[:1]):
        end = re.compile(rf"[{closing}](?=\s|$)").search(rest, 1)
        if not end:
            raise UsageError("The quote of --reason is not closed.")
        value, rest = rest[1 : end.start()], rest[end.end() :]
    else:
        following = re.compile(rf"(?:^|(?<=\s)){_OPTION.pattern}").search(rest)
        end_at = following.start() if following else len(rest)
        value, rest = rest[:end_at], rest[end_at:]
    if len(value) > MAX_REASON:
        raise UsageError(f"--reason is longer than {MAX_REASON} characters.")
    return " ".join(value.split()), rest.lstrip()


def check_target(text: str) -> str:
    """Return a TARGET as typed. A phone number may have blanks in it, nothing else may. Raises `UsageError`."""
    return _target(text.split())


def _target(words: list[str]) -> str:
    if not words:
        raise UsageError("Say whom to sign out: TARGET is missing.")
    target = " ".join(words)
    if len(words) > 1 and not _PHONE.fullmatch(target):
        raise UsageError("More than one TARGET was given. A user name has no blanks; one person at a time.")
    if len(target) > MAX_TARGET:
        raise UsageError(f"TARGET is longer than {MAX_TARGET} characters, the most Cognito takes.")
    if not all(unicodedata.category(character)[0] in "LMSNP" for character in target if character != " "):
        raise UsageError("TARGET has an invisible character in it. Type it anew instead of pasting it.")
    return target
