"""A line of the AWS CLI as it is pasted: with what a terminal, a shell or a chat put around the command.

Nothing that was typed is quoted here. Each expression reads a text once, so its time is in proportion to the text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bot.errors import UsageError
from bot.facts.aws_cli import AWS_COMMAND, AWS_USAGE, FLAGS, OTHER_COMMAND, REFUSED, VALUED
from bot.options import asks_for_help, looks_like_phone

DASHES = r"(?:--|[\u2013\u2014]-?)"  # clients turn `--` into an em or en dash
# A shell's word: its pieces in quotes and without. Each character fits one piece only, so no match is tried twice.
SHELL_WORD = r"""(?:[^ \t\r\n'"\\;|&<>]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")"""
# A fence around all of it, with the name of a language where it has three signs.
_FENCE = re.compile(
    r"```(?:(?:bash|sh|shell|zsh|console|text|powershell|pwsh|ps1|cmd|bat)\s)?([^`].*)```|`([^`]*)`", re.DOTALL
)
# A line that goes on in the next, which may begin with a sign too. Where the line break was lost in pasting, the sign
# is before an option, or at the end.
_GOES_ON = re.compile(
    r"(?:\\|(?<=\s)[\^`])[ \t]*\r?\n(?:\s*(?:>{1,2}|More\?)(?=\s))?"
    rf"|(?<=\s)[\\^`]\s+(?:(?:>{{1,2}}|More\?)\s+)?(?={DASHES}[^\W\d_])"
    r"|(?<=\s)[\\^`]\s*\Z"
)
# The next prompt, which is easily copied as well: the last line, where there is no option in it.
_LAST_PROMPT = re.compile(r"\n(?:(?!--)[^\n\u2013\u2014'\"])*[$%>\#\u276f]\s*\Z")
# What can hardly be anything else: a machine or folder with a prompt's sign right after it.
_A_PROMPT = re.compile(r"(?:\[[^]]*\]|PS .*|[A-Za-z]:\\.*|\S*)[$%>\#\u276f]")
_FIRST_OPTION = re.compile(rf"(?:\A|(?<=\s)){DASHES}[^\W\d_]")
# The program's name, also with its path. Before it is a blank, or the sign of a prompt, and PowerShell's `&`.
_PROGRAM = re.compile(
    r"""(?:\A|(?<=[\s>$%\#]))(?:&\s+)?(?:"(?:[^"\n]*[/\\])?|'(?:[^'\n]*[/\\])?|(?:[^\s"'>$%\#]*[/\\])?)"""
    r"""(?P<name>aws2?|awsv2|awslocal)(?:\.exe|\.cmd)?["']?(?=\s)""",
    re.IGNORECASE,
)
_WITH_A_VALUE = "|".join(sorted({"region", "profile", "endpoint-url", "ca-bundle"} | VALUED))
_WITHOUT = "|".join(sorted(FLAGS | REFUSED.keys()))
_GLOBAL = rf"(?:\s+{DASHES}(?:(?:{_WITH_A_VALUE})(?:=|\s+){SHELL_WORD}*+|(?:{_WITHOUT}))(?=\s))*+"
_NAME = r"[A-Za-z][\w-]*(?=[\s;]|\Z)"
_COMMAND = re.compile(rf"({_GLOBAL})\s+(?P<service>{_NAME})({_GLOBAL})(?:\s+(?P<operation>{_NAME}))?")
_BARE_COMMAND = re.compile(rf"(?:{AWS_COMMAND[1]}\s+)?{AWS_COMMAND[2]}(?=\s)")
_ASSIGNED = re.compile(
    rf"(?:\A|(?<=\s))(?:\$(?i:env):(?P<powershell>\w+)\s*=\s*|(?P<name>[A-Za-z_]\w*)=)(?P<value>{SHELL_WORD}*+);?(?=\s|\Z)"
)
# As prompts end, but for the first, which ends in the name of a folder. The second is a line's number in a history.
_PROMPT = re.compile(
    r"(?:\u279c\s+\S+(?:\s+git:\(\S*\))?(?:\s+\u2717)?|\s*\d+|.*[$%>\#\u276f\u279c\u03bb\u00bb\u203a])(?:\s+|\Z)",
    re.DOTALL,
)
_ASSIGNING = frozenset({"export", "set", "&&", ";"})
_STARTERS = frozenset({"sudo", "time", "command", "exec", "nohup", "winpty", "call"})
# Variables that change only what the AWS CLI shows and how it runs.
_OF_OUTPUT = frozenset(
    {"AWS_PAGER", "PAGER", "AWS_DEFAULT_OUTPUT", "AWS_CLI_AUTO_PROMPT", "AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE"}
    | {"LANG", "LC_ALL", "NO_COLOR", "TERM", "COLUMNS"}
)
_REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")  # the first one wins
_WORDS = rf"(?:\s*(?!\#)(?:{SHELL_WORD}++|[\"'\\]))*+"
# What a shell reads after a command's own words: a pipe with its command, where its output goes, or a comment.
_LEFT_OUT = re.compile(
    rf"(?P<pipe>\|)&?(?!\|){_WORDS}|(?:\d*|&)(?P<file>[<>])>?(?:&\d|\s*{SHELL_WORD}*+)|(?P<comment>\#).*",
    re.DOTALL,
)
_END = re.compile(r"(?<![;&>])[;&]?\s*\Z")
_SECOND = re.compile(r"&&|\|\||;|&(?!>)")
_LAST_LINE = "the last line"
_BEFORE = "What is before `aws` is not taken: it may change who asks, or what is asked. Paste the line from `aws` on."
_NO_SECRET = re.compile("[A-Z_]{1,40}")  # a name that may be shown: it has neither small letters nor digits
_A_VARIABLE = "before `aws` is not taken: it may change who asks, or what is asked. Leave it out."
_STRAY = (
    "The line has words that belong to no option. Put quotes around a value with blanks in it, "
    "and a blank before a sign such as `|`."
)
# Where an option's value would be, such a sign means that there is none.
is_sign = re.compile(r"(?:\|\|?|&&?|;|\d*>>?|#)(?=\s|\Z)").match
begins_after = re.compile(r"\d*[<>]|[|;&#]").match  # what a shell reads after a command's own words


@dataclass(frozen=True, slots=True)
class Line:
    """A pasted line: what follows the command, the region that its environment names, and what was left out."""

    rest: str
    region: str | None = None
    dropped: tuple[str, ...] = ()


def unwrapped(text: str) -> str:
    """Return a text without a fence around it and a second `/signout`, and as one line where a shell's line goes on."""
    fence = _FENCE.fullmatch(text)
    inside = (fence[1] or fence[2]).strip() if fence else ""
    if len(inside.split(maxsplit=1)) > 1 and not looks_like_phone(inside):  # else it is a TARGET, taken as typed
        text = inside
    return _GOES_ON.sub(" ", text).strip().removeprefix("/signout ").lstrip()


def line_in(text: str) -> Line | None:
    """Return the AWS CLI's line that a text is, or None. Raises `UsageError` for any other command."""
    if bare := _BARE_COMMAND.match(text):
        return Line(text[bare.end() :].lstrip())
    option = _FIRST_OPTION.search(text)
    for program in _PROGRAM.finditer(text, 0, option.start() if option else len(text)):
        if command := _COMMAND.match(text, program.end()):
            region, dropped = _before(text[: program.start()])
            rest, last = _after(text, command, program["name"].lower())
            return Line(f"{command[1]}{command[3]} {rest}".lstrip(), region, (*dropped, *last))
    return None


def _after(text: str, command: re.Match[str], program: str) -> tuple[str, tuple[str, ...]]:
    """Return what follows a command, or "help", and what is left out. Raises `UsageError` for another command."""
    names = [command["service"], command["operation"]]
    if any(name and asks_for_help(name) for name in names):
        return "help", ()
    if names != list(AWS_COMMAND[1:]) or program == "awslocal":  # an emulator's
        raise UsageError(OTHER_COMMAND, AWS_USAGE)
    rest = text[command.end() :]
    if not (last := _LAST_PROMPT.search(rest)):
        return rest.lstrip(), ()
    said = last[0].strip()
    is_prompt = _A_PROMPT.fullmatch(said) or text.startswith(said)
    return rest[: last.start()].lstrip(), () if is_prompt else (_LAST_LINE,)


def _before(text: str) -> tuple[str | None, tuple[str, ...]]:
    """Return what is before the program: the region of its environment, and what may be left out."""
    values = {each["powershell"] or each["name"]: each["value"].strip("'\"") for each in _ASSIGNED.finditer(text)}
    rest = _ASSIGNED.sub("", text)
    prompt = _PROMPT.match(rest)
    words = rest[prompt.end() if prompt else 0 :].split()
    if not _STARTERS.union({"env"}, _ASSIGNING if values else ()).issuperset(words):
        raise UsageError(_BEFORE, AWS_USAGE)
    if others := [name for name in values if name not in _OF_OUTPUT and name not in _REGIONS]:
        shown = others[0] if _NO_SECRET.fullmatch(others[0]) else "A variable"
        raise UsageError(f"{shown} {_A_VARIABLE}", AWS_USAGE)
    dropped = [word for word in (*words, *values) if word in _STARTERS or word in _OF_OUTPUT]
    return next((values[name] for name in _REGIONS if values.get(name)), None), tuple(dropped)


def left_out_after(text: str) -> Iterator[str]:
    """Give what is left out of what follows a command in a shell. Raises `UsageError` for a second command."""
    text = _END.sub("", text)
    while text := text.lstrip():
        if second := _SECOND.match(text):
            sentence = f"With `{second[0]}` it is more than one command. Paste only the line that begins with `aws`."
            raise UsageError(sentence, AWS_USAGE)
        if not (left_out := _LEFT_OUT.match(text)):
            raise stray()
        yield f"{left_out[left_out.lastgroup or 0]} …"
        text = text[left_out.end() :]


def stray() -> UsageError:
    """Return what is wrong with a word that belongs to nothing."""
    return UsageError(_STRAY, AWS_USAGE)
