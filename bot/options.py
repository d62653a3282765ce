"""The grammar of `/signout`: text as Slack delivers it to a typed value, or an error with a usage line."""

import re
import shlex
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import StringIO

from bot.errors import UsageError

USAGE = "/signout TARGET [--pool NAME] [--reason TEXT]"
AWS_USAGE = "/signout --user-pool-id ID --username NAME [--reason TEXT]"
MAX_TARGET = 128  # Cognito's limit for a user name
MAX_REASON = 500
# The AWS CLI's options that this command has too. Any of them makes it the AWS CLI's command, without a TARGET.
DOCUMENTS = ("cli-input-json", "cli-input-yaml")
SKELETON = "generate-cli-skeleton"
AWS_OPTIONS = frozenset({"user-pool-id", "username", "region", SKELETON, *DOCUMENTS})
AWS_COMMAND = ("aws", "cognito-idp", "admin-user-global-sign-out")

# Clients turn `--` into an em or en dash, so an option may start with either.
_OPTION = re.compile(r"(?:--|[\u2013\u2014]-?)(?P<name>[^\W\d_][\w-]*)(?P<equals>=?)")
_WORD = re.compile(r"\S+")
_QUOTES = {'"': '"', "'": "'", "\u201c": '\u201d"', "\u201d": '\u201d"', "\u201e": '\u201c\u201d"', "\u2018": "\u2019'"}
# `<mailto:a@b|a@b>`: what was typed is the label.
_REWRITTEN = re.compile(r"<(?:mailto|tel|https?):[^|<>\s]*\|(?P<typed>[^<>]*)>")
_REWRITTEN_BARE = re.compile(r"<(?:mailto:|tel:|(?=https?://))(?P<typed>[^|<>]*)>")
_PHONE = re.compile(r"[+(\d][\d .()/\-]*")
_MENTION = re.compile(r"<[@#!][^>]*>")
_PASTED = re.compile(r"(?:\$\s+)?aws\s+(?P<command>[a-z][\w-]*\s+[a-z][\w-]*)(?=\s|$)")
# A line that goes on in the next; where the line break was lost in pasting, the backslash stands before an option.
_GOES_ON = re.compile(r"\\\r?\n|(?<=\s)\\\s+(?=(?:--|[\u2013\u2014])[^\W\d_])")
_BARE_DOCUMENT = re.compile(r"\{.*?\}(?=\s|$)", re.DOTALL)
_CURLY = re.compile("[\u201c\u201d\u201e]")

# What the AWS CLI's options mean: the user pool's id and the user name, or the text of the skeleton that was asked for.
# It raises UsageError, in the AWS CLI's words.
Spelling = Callable[[Mapping[str, str]], tuple[str, str] | str]


@dataclass(frozen=True, kw_only=True, slots=True)
class SignOutOptions:
    """Whom to look for, exactly as typed; by `pool_id` and `exactly`, that user name in that pool and nothing else."""

    target: str
    pool: str | None = None
    pool_id: str | None = None
    exactly: bool = False
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Help:
    """`/signout help`."""


@dataclass(frozen=True, slots=True)
class Skeleton:
    """`/signout --generate-cli-skeleton`: the text to answer with, which may be empty."""

    text: str


def parse(text: str, spelling: Spelling) -> SignOutOptions | Skeleton | Help:
    """Read a command's text. Raises `UsageError` with one sentence for everything that is not in the grammar."""
    rest = _GOES_ON.sub(" ", _undo_rewriting(text)).strip()
    if rest.lower() == "help":
        return Help()
    words: list[str] = []
    options: dict[str, str] = {}
    if pasted := _PASTED.match(rest):
        if tuple(pasted["command"].split()) != AWS_COMMAND[1:]:
            raise UsageError(
                f"Of the AWS CLI's commands, only `{' '.join(AWS_COMMAND)}` can be pasted here.", AWS_USAGE
            )
        rest = rest[pasted.end() :].lstrip()
    while rest:
        if option := _OPTION.match(rest):
            rest = _read_option(option, rest[option.end() :], options)
        else:
            word = rest.split(maxsplit=1)
            words.append(word[0])
            rest = word[1] if len(word) > 1 else ""
    if pasted or not options.keys().isdisjoint(AWS_OPTIONS):
        if words or "pool" in options:
            raise UsageError("TARGET and --pool do not go with the AWS CLI's --username and --user-pool-id.", AWS_USAGE)
        return spelled(options, spelling)
    return SignOutOptions(target=_target(words), pool=options.get("pool"), reason=check_reason(options.get("reason")))


def spelled(options: Mapping[str, str], spelling: Spelling) -> SignOutOptions | Skeleton:
    """Return what options mean that are the AWS CLI's, or `reason`. Raises `UsageError`."""
    reason = check_reason(options.get("reason"))
    try:
        meant = spelling({name: value for name, value in options.items() if name in AWS_OPTIONS})
    except UsageError as error:
        raise UsageError(error.sentence, AWS_USAGE) from None
    if isinstance(meant, str):
        return Skeleton(meant)
    pool_id, username = meant
    return SignOutOptions(target=username, pool_id=pool_id, exactly=True, reason=reason)


def check_reason(reason: str | None) -> str | None:
    """Return a reason on one line. Raises `UsageError` for one that is empty, too long, or no text."""
    if reason is None:
        return None
    if not (reason := " ".join(reason.split())):
        raise UsageError("--reason needs a value.")
    if len(reason) > MAX_REASON:
        raise UsageError(f"--reason is longer than {MAX_REASON} characters.")
    if any(unicodedata.category(character) == "Cs" for character in reason):
        raise UsageError("--reason is not valid text. Type it anew instead of pasting it.")
    return reason


def _undo_rewriting(text: str) -> str:
    text = _REWRITTEN_BARE.sub(r"\g<typed>", _REWRITTEN.sub(r"\g<typed>", text))
    if _MENTION.search(text):
        raise UsageError("That names a person or channel in Slack. TARGET is the user's name in Cognito.")
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(entity, character)
    return text


def _read_option(option: re.Match[str], rest: str, options: dict[str, str]) -> str:
    name = option["name"].lower()
    if name not in {"pool", "reason", *AWS_OPTIONS} or (rest and not option["equals"] and not rest[0].isspace()):
        raise UsageError(f"There is no option --{option['name'][:MAX_TARGET]}.")
    if name in options:
        raise UsageError(f"--{name} is given twice.")
    read = _read_reason if name == "reason" else _read_word if name == "pool" else _read_shell_word
    value, rest = read(rest.lstrip(), name)
    if value is None and name == SKELETON:
        value = "input"
    if value is None or (not value and name not in AWS_OPTIONS):
        raise UsageError(f"--{name} needs a value.")
    options[name] = _straightened(value) if name in DOCUMENTS else value
    return rest.lstrip()


def _read_word(rest: str, _: str) -> tuple[str | None, str]:
    word = _WORD.match(rest)
    if not word or _OPTION.match(rest):
        return None, rest
    return word[0], rest[word.end() :]


def _read_shell_word(rest: str, name: str) -> tuple[str | None, str]:
    """Read what a shell would give the AWS CLI; a document in braces needs no quotes, since no shell is in between."""
    if rest[:1] in ("'", '"'):
        stream = StringIO(rest)
        lexer = shlex.shlex(stream, posix=True)
        lexer.whitespace_split, lexer.commenters = True, ""
        try:
            return lexer.get_token(), stream.read()
        except ValueError:
            raise UsageError(f"The quote of --{name} is not closed.") from None
    if name in DOCUMENTS and (document := _BARE_DOCUMENT.match(rest)):
        return document[0], rest[document.end() :]
    return (_read_quoted if rest[:1] in _QUOTES else _read_word)(rest, name)


def _read_reason(rest: str, name: str) -> tuple[str | None, str]:
    """Read to the closing quote, else to the next option."""
    if rest[:1] in _QUOTES:
        return _read_quoted(rest, name)
    following = re.compile(rf"(?:^|(?<=\s)){_OPTION.pattern}").search(rest)
    end = following.start() if following else len(rest)
    return rest[:end].strip() or None, rest[end:]


def _read_quoted(rest: str, name: str) -> tuple[str | None, str]:
    end = re.compile(rf"[{_QUOTES[rest[0]]}](?=\s|$)").search(rest, 1)
    if not end:
        raise UsageError(f"The quote of --{name} is not closed.")
    return rest[1 : end.start()], rest[end.end() :]


def _straightened(document: str) -> str:
    """Undo what clients do to a document's quotes. Where there are straight ones, curly ones are part of a value."""
    return document if '"' in document else _CURLY.sub('"', document)


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
