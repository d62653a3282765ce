"""What messages are made of, and the one place that draws Block Kit: so Slack interprets no text."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from bot.request import Operator
from bot.visible import visible

Drawn = dict[str, Any]

MAX_HEADER = 150
MAX_CHOICE = 600  # ten of the longest would be more than Slack takes in one message
MAX_SMALL = 490  # a line of six, which together must not be longer than a text may be
UTC_TIME = "%Y-%m-%d %H:%M:%S UTC"
_TIME = {"type": "date", "format": "{date_short_pretty} {time_secs}"}  # in each reader's own time zone
_LINE_BREAK: Drawn = {"type": "text", "text": "\n"}
_ID, _GROUP_ID = re.compile(r"[UW][A-Z0-9]{2,}"), re.compile(r"S[A-Z0-9]{2,}")


@dataclass(frozen=True, slots=True)
class Bold:
    """Words in bold."""

    text: str


@dataclass(frozen=True, slots=True)
class Code:
    """Words as code."""

    text: str


@dataclass(frozen=True, slots=True)
class Link:
    """Words that lead to an address."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Group:
    """A Slack user group, by its id."""

    id: str


# A time shows in each reader's own time zone, an operator and a group as a mention.
Span = str | Bold | Code | Link | Group | datetime | Operator
Line = list[Span]


Block = str | Line | tuple[Drawn, ...] | Drawn  # a text is a heading, a line a paragraph, a tuple a row of buttons


@dataclass(frozen=True, slots=True)
class Message:
    """Blocks, and the same as escaped text for notifications and screen readers."""

    blocks: list[Drawn]
    text: str


def message(*blocks: Block) -> Message:
    """Return a message of these blocks. What is empty is left out, and a heading cut to Slack's limit."""
    drawn: list[Drawn] = []
    for block in filter(None, blocks):
        match block:
            case str():
                drawn.append({"type": "header", "text": plain(block, MAX_HEADER)})
            case list():
                drawn.append(lines([block]))
            case tuple():
                drawn.append({"type": "actions", "elements": list(block)})
            case dict():
                drawn.append(block)
    return Message(drawn, as_text(drawn))


def lines(said: Sequence[Line], form: Literal["section", "preformatted", "list"] = "section") -> Drawn:
    """Return several lines. One with nothing in it is left out; without any, there is nothing to show."""
    drawn = [[_element(span) for span in line] for line in said if line]
    if not drawn:
        return {}
    if form == "list":
        sections = [{"type": "rich_text_section", "elements": line} for line in drawn]
        part: Drawn = {"type": "rich_text_list", "style": "bullet", "elements": sections}
    else:
        joined = [each for line in drawn for each in (_LINE_BREAK, *line)][1:]
        part = {"type": f"rich_text_{form}", "elements": joined}
    return {"type": "rich_text", "elements": [part]}


def facts(labelled: Mapping[str, Line]) -> list[Line]:
    """Return a line for each fact, after its label. One with nothing in it is left out."""
    return [[Bold(f"{label}  "), *said] for label, said in labelled.items() if said]


def capitalized(line: Line) -> Line:
    """Return a line whose first word has a capital letter. An empty one stays empty."""
    return [str(line[0]).capitalize(), *line[1:]] if line else []


def table(columns: Sequence[str], rows: Sequence[Sequence[str | Line]]) -> Drawn:
    """Return a table: its columns' titles, then the rows. A cell that is a text has only words of the bot's own.

    Slack shows it below all else, and takes only one in a message.
    """
    return {
        "type": "table",
        "column_settings": [{"is_wrapped": True} for _ in columns],
        "rows": [[_cell(each) for each in row] for row in (columns, *rows)],
    }


def _cell(said: str | Line) -> Drawn:
    return {"type": "raw_text", "text": said} if isinstance(said, str) else lines([said or ["-"]])


def small_print(said: Sequence[Sequence[str]]) -> Drawn:
    """Return small grey letters: a few lines, each of the facts that belong together."""
    texts = [cut(" · ".join(facts), MAX_SMALL) for facts in said if facts]
    return {"type": "context", "elements": [plain("") | {"text": "\n".join(texts)}]}


def choice(text: str, its_button: Drawn) -> Drawn:
    """Return one of several, with its button."""
    return {"type": "section", "text": plain(text, MAX_CHOICE), "accessory": its_button}


def button(label: str, action_id: str, value: str, **style: str) -> Drawn:
    """Return a button; a `style` of "danger" makes it red."""
    return {"type": "button", "text": plain(label), "action_id": action_id, "value": value, **style}


def plain(text: str, limit: int = 3000) -> Drawn:
    """Return words where Slack takes no others, cut to `limit` characters."""
    return {"type": "plain_text", "text": cut(text, limit), "emoji": False}


def cut(text: str, limit: int) -> str:
    """Return a text cut to `limit` characters, with what is hidden in it visible."""
    text = visible(text)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _element(said: Span) -> Drawn:
    """Return a part of a line as Slack takes it. What is in a text can be seen."""
    drawn: Drawn
    match said:
        case Bold(text):
            drawn = _element(text) | {"style": {"bold": True}}
        case Code(text):
            drawn = _element(text) | {"style": {"code": True}}
        case Link(text, url):
            drawn = {"type": "link", "url": url, "text": visible(text)}
        case Group(id_):
            drawn = {"type": "usergroup", "usergroup_id": id_} if _GROUP_ID.fullmatch(id_) else _element(id_)
        case datetime():
            drawn = {**_TIME, "timestamp": int(said.timestamp()), "fallback": f"{said:{UTC_TIME}}"}
        case Operator(id=id_, name=name):  # an id that is not Slack's, such as an ARN, is shown instead
            drawn = {"type": "user", "user_id": id_} if _ID.fullmatch(id_) else _element(id_ or name)
        case _:
            drawn = {"type": "text", "text": visible(said) or " "}
    return drawn


def as_text(drawn: Any) -> str:
    """Return what blocks say, for the fallback `text`: escaped, with mentions as ids and times in UTC."""
    said = ""  # buttons say nothing worth a notification
    match drawn:
        case list():
            said = "\n".join(filter(None, map(as_text, drawn)))
        case {"type": "text" | "plain_text" | "raw_text" | "link", "text": str(text)}:
            said = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        case {"user_id": str(text)} | {"usergroup_id": str(text)} | {"type": "date", "fallback": str(text)}:
            said = text
        case {"type": "rich_text_list", "elements": items}:
            said = "\n".join(f"- {as_text(item)}" for item in items)
        case {"type": "rich_text" | "rich_text_section" | "rich_text_preformatted" | "context", "elements": parts}:
            said = "".join(map(as_text, parts))
        case {"type": "table", "rows": rows}:
            said = "\n".join(" | ".join(map(as_text, row)) for row in rows)
        case {"type": "header" | "section", "text": text}:
            said = as_text(text)
    return said
