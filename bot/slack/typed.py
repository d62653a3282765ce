"""The grammar of `/signout`: text as Slack delivers it to a typed value, or an error with a usage line."""

import re
import shlex
from io import StringIO

from bot.errors import UsageError
from bot.facts.aws_cli import AWS_COMMAND, AWS_OPTIONS, AWS_USAGE, DOCUMENTS, SKELETON, Skeleton, Spelling, spelled
from bot.options import MAX_TARGET, Help, check_reason, check_target
from bot.request import Options

# Clients turn `--` into an em or en dash, so an option may start with either.
_OPTION = re.compile(r"(?:--|[\u2013\u2014]-?)(?P<name>[^\W\d_][\w-]*)(?P<equals>=?)")
_WORD = re.compile(r"\S+")
_QUOTES = {'"': '"', "'": "'", "\u201c": '\u201d"', "\u201d": '\u201d"', "\u201e": '\u201c\u201d"', "\u2018": "\u2019'"}
# `<mailto:a@b|a@b>`: what was typed is the label.
_REWRITTEN = re.compile(r"<(?:mailto|tel|https?):[^|<>\s]*\|(?P<typed>[^<>]*)>")
_REWRITTEN_BARE = re.compile(r"<(?:mailto:|tel:|(?=https?://))(?P<typed>[^|<>]*)>")
_MENTION = re.compile(r"<[@#!][^<>]*>")  # without the `<`, many of them would hold up the event loop
_PASTED = re.compile(r"(?:\$\s+)?aws\s+(?P<command>[a-z][\w-]*\s+[a-z][\w-]*)(?=\s|$)")
# A line that goes on in the next; where the line break was lost in pasting, the backslash is before an option.
_GOES_ON = re.compile(r"\\\r?\n|(?<=\s)\\\s+(?=(?:--|[\u2013\u2014])[^\W\d_])")
_BARE_DOCUMENT = re.compile(r"\{.*?\}(?=\s|$)", re.DOTALL)
_CURLY = re.compile("[\u201c\u201d\u201e]")


def parse(text: str, spelling: Spelling) -> Options | Skeleton | Help:
    """Read a command's text. Raises `UsageError` with one sentence for everything that is not in the grammar."""
    rest = _GOES_ON.sub(" ", _undo_rewriting(text)).strip()
    if rest.lower() == "help":
        return Help()
    words, options = list[str](), dict[str, str]()
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
            raise UsageError("Use either TARGET and --pool, or --username and --user-pool-id, but not both.", AWS_USAGE)
        return spelled(options, spelling)
    reason = check_reason(options.get("reason"))
    return Options(target=check_target(" ".join(words)), pool=options.get("pool"), reason=reason)


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
