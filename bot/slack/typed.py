"""The grammar of `/signout`: text as Slack delivers it to a typed value, or an error with a usage line."""

import re
from dataclasses import dataclass, field

from bot.action import SIGN_OUT
from bot.errors import UsageError
from bot.facts import aws_cli
from bot.facts.aws_cli import AWS_COMMAND, AWS_OPTIONS, AWS_USAGE, FLAGS, REFUSED, VALUED
from bot.history import History
from bot.options import (
    ACTION_OPTIONS,
    MAX_TARGET,
    ONLY_SIGNS_OUT,
    action_of,
    asks_for_help,
    check_reason,
    check_target,
    has_surrogate,
)
from bot.request import Options
from bot.slack.pasted import DASHES, begins_after, left_out_after, line_in, stray, unwrapped
from bot.slack.values import AS_IN_A_SHELL, OPTION, read_in_a_line, read_value
from bot.whoami import WhoAmI

MAX_TEXT = 4_000  # characters; the longest reason and user name need less, even where Slack writes `&amp;` for `&`
_NAMES = AS_IN_A_SHELL | FLAGS | {"pool", "reason", *ACTION_OPTIONS}
_AN_AWS_OPTION = re.compile(rf"(?:\A|(?<=[\s`])){DASHES}(?:{'|'.join(sorted(AWS_OPTIONS))})(?=[\s=]|\Z)", re.IGNORECASE)
_A_REASON = re.compile(rf"{DASHES}reason(?![\w-])", re.IGNORECASE)
# Without one of these a text has nothing around it, and no line of the AWS CLI in it.
_MAY_BE_PASTED = re.compile(rf"{AWS_COMMAND[0]}|{AWS_COMMAND[2]}|/signout|[`\\^]", re.IGNORECASE)
_AROUND = "What is around the AWS CLI's line is not taken. Paste the line from `aws` on."
# Before an option, `history` is a user name.
_HISTORY = re.compile(rf"history(?:\s++(?!{DASHES}[^\W\d_])|\Z)", re.IGNORECASE)
HISTORY_USAGE = "/signout history [TARGET [--pool NAME]]"
_MENTION = re.compile(r"<[@#!][^<>]*>")  # without the `<`, many of them would hold up the event loop
# What clients and Slack make of a text, and what was typed; in this order.
_UNDONE = (
    (re.compile(r"<(?:mailto|tel|https?):[^|<>\s]*\|([^<>]*)>"), r"\1"),  # `<mailto:a@b|a@b>`: typed was the label
    (re.compile(r"<(?:mailto:|tel:|(?=https?://))([^|<>]*)>"), r"\1"),
    (re.compile("&lt;"), "<"),
    (re.compile("&gt;"), ">"),
    (re.compile("&amp;"), "&"),
)
_A_LIST = re.compile(r"list(?=\s|\Z)", re.IGNORECASE)
LIST_USAGE = "/signout list [--pool NAME] [--reason TEXT]"


@dataclass(frozen=True, slots=True)
class AskForList:
    """`/signout list`: what the form begins with."""

    options: Options


Parsed = Options | AskForList | aws_cli.Skeleton | aws_cli.Help | WhoAmI | History


def without_links(text: str) -> str:
    """Return a text with the links in it as they were typed."""
    for delivered, typed in _UNDONE[:2]:
        text = delivered.sub(typed, text)
    return text


def parse(text: str, spelling: aws_cli.Spelling) -> Parsed:
    """Read a command's text. Raises `UsageError` with one sentence for everything that is not in the grammar.

    It runs on the event loop before anyone is authorized, so no step takes more than linear time.
    """
    if len(text) > MAX_TEXT:
        raise UsageError(f"The command is longer than {MAX_TEXT:,} characters.")
    option = _AN_AWS_OPTION.search(text)
    usage = AWS_USAGE if option else None
    before = text[: option.start()] if option else ""
    if _MENTION.search(text):
        raise UsageError("That names a person or channel in Slack. Write the user's name in Cognito.", usage)
    for delivered, typed in _UNDONE:
        text = delivered.sub(typed, text)
    text, line = text.strip(), None
    if _MAY_BE_PASTED.search(text):
        text = unwrapped(text)
        line = line_in(text)
    if asks_for_help(text):
        return aws_cli.Help()
    if asked := _something_else(text, spelling):
        return asked
    if not line and AWS_COMMAND[-1] in before and not _A_REASON.search(before):  # it has something around it
        raise UsageError(_AROUND, AWS_USAGE)
    read = _Reading(pasted=bool(line), is_aws=bool(line), dropped=[*line.dropped] if line else [])
    try:
        read.take(line.rest if line else text)
        if line and line.region:
            read.options.setdefault("region", line.region)
        return _meant(read, spelling)
    except UsageError as error:
        raise UsageError(error.sentence, error.usage or (AWS_USAGE if line else usage)) from None


def _something_else(text: str, spelling: aws_cli.Spelling) -> WhoAmI | History | AskForList | aws_cli.Help | None:
    """Return what a text asks for other than a sign-out; None where it asks for that. Raises `UsageError`."""
    if text.lower() == "whoami":
        return WhoAmI()
    for word, meant, usage in ((_A_LIST, _list_of, LIST_USAGE), (_HISTORY, _history_of, HISTORY_USAGE)):
        if begun := word.match(text):
            read = _Reading()
            try:
                read.take(text[begun.end() :].lstrip())
                return meant(read, spelling)
            except UsageError as error:
                raise UsageError(error.sentence, usage) from None
    return None


def _history_of(read: "_Reading", spelling: aws_cli.Spelling) -> History | aws_cli.Help:
    if not (read.words or read.options or read.asks_for_help):
        return History()
    meant = _meant(read, spelling)
    if others := sorted(read.options.keys() - {"pool", "region"}):
        raise UsageError(f"--{others[0]} is not for a history.")
    return History(meant) if isinstance(meant, Options) else aws_cli.Help()


def _list_of(read: "_Reading", _: aws_cli.Spelling) -> AskForList | aws_cli.Help:
    if read.asks_for_help or (read.words and asks_for_help(read.words[-1])):
        return aws_cli.Help()
    if read.words or read.is_aws:
        raise UsageError("`list` opens a form. Put the people into that, and not after the command.")
    if action_of(read.options) != SIGN_OUT:
        raise UsageError(ONLY_SIGNS_OUT)
    pool, region, reason = (read.options.get(name) for name in ("pool", "region", "reason"))
    return AskForList(Options(target="", pool=pool, region=region, reason=check_reason(reason)))


def _meant(read: "_Reading", spelling: aws_cli.Spelling) -> Options | aws_cli.Skeleton | aws_cli.Help:
    words, options, dropped = read.words, read.options, tuple(dict.fromkeys(read.dropped))
    if read.asks_for_help or (words and (read.pasted or len(words) > 1) and asks_for_help(words[-1])):
        return aws_cli.Help()
    if not read.is_aws:
        return Options(
            target=check_target(" ".join(words)),
            pool=options.get("pool"),
            region=options.get("region"),
            reason=check_reason(options.get("reason")),
            action=action_of(options),
            dropped=dropped,
        )
    if (action := action_of(options)) != SIGN_OUT:
        option = action.replace("_", "-")
        raise UsageError(f"The AWS CLI's command only signs out. With --{option}, write TARGET instead of --username.")
    if words and read.pasted:
        raise stray()
    if words or "pool" in options:
        raise UsageError("Use either TARGET and --pool, or --username and --user-pool-id, but not both.", AWS_USAGE)
    return aws_cli.spelled(options, spelling, dropped)


@dataclass
class _Reading:
    """What was read of a text: its words, its options by their names, and what is left out of it."""

    pasted: bool = False  # it is what follows the AWS CLI's command
    is_aws: bool = False  # it is the AWS CLI's command, or has an option of it
    words: list[str] = field(default_factory=list)
    options: dict[str, str] = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)
    asks_for_help: bool = False

    def take(self, text: str) -> None:
        """Read a text to its end. Raises `UsageError`."""
        while text:
            if option := OPTION.match(text):
                text = self._option(option["name"].lower(), text[option.end() :], equals=bool(option["equals"]))
            elif begins_after(text) and self.is_aws:
                self.dropped += left_out_after(text)
                return
            else:
                word, *more = text.split(maxsplit=1)
                self.words.append(word)
                text = "".join(more)

    def _option(self, name: str, text: str, *, equals: bool) -> str:
        """Read an option and its value; return what comes after it."""
        if asks_for_help(f"--{name}"):
            self.asks_for_help = True
            return ""
        if name not in _NAMES or name in self.options or (text and not equals and not text[0].isspace()):
            raise self._not_taken(name)
        if name in FLAGS or name in VALUED:
            self.dropped.append(f"--{name}")
        if name in ACTION_OPTIONS and equals:
            raise UsageError(f"--{name} takes no value.")
        if name in FLAGS or name in ACTION_OPTIONS:
            self.options[name] = ""
            return text.lstrip()
        # Right after an equals sign even what looks like an option is a value.
        as_it_is = equals and not text[:1].isspace()
        text = text if as_it_is else text.lstrip()
        if not as_it_is and OPTION.match(text):
            value, _ = read_value(name, "")
        elif self.pasted and name != "reason":
            value, text = read_in_a_line(name, text)
        else:
            value, text = read_value(name, text)
        if value is None or (not value and name not in AWS_OPTIONS):
            raise UsageError(f"--{name} needs a value.")
        if has_surrogate(value):
            raise UsageError(f"--{name} is not valid text. Type it instead of pasting it.")
        self.options[name] = value
        self.is_aws = self.is_aws or name in AWS_OPTIONS
        return text.lstrip()

    def _not_taken(self, name: str) -> UsageError:
        if name in REFUSED:
            return UsageError(f"--{name} is not taken. {REFUSED[name]} Leave it out.")
        if name in self.options:
            return UsageError(f"--{name} is given twice.")
        return UsageError(f"There is no option --{name[:MAX_TARGET]}.")
