"""Block Kit from text that Slack must never interpret: plain_text with emoji off, or rich_text elements."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from bot.visible import visible

Block = dict[str, Any]
Element = dict[str, Any]

HEADER_LIMIT = 150
MAX_LINKS = 10  # with more of them, or longer ones, Slack would refuse the whole message
MAX_URL = 500
LINE_BREAK: Element = {"type": "text", "text": "\n"}
_ID = re.compile(r"[UW][A-Z0-9]{2,}")


def shortened(text: str, limit: int) -> str:
    """Return at most `limit` characters of `text`."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def plain(text: str) -> Element:
    """Return a plain_text object."""
    return {"type": "plain_text", "text": text, "emoji": False}


def header(text: str) -> Block:
    """Return a header block, cut to Slack's limit."""
    return {"type": "header", "text": plain(shortened(visible(text), HEADER_LIMIT))}


def words(text: str, *, bold: bool = False, code: bool = False) -> Element:
    """Return a rich_text text element. Foreign text goes through here."""
    style = {name: True for name, on in (("bold", bold), ("code", code)) if on}
    return {"type": "text", "text": visible(text) or " ", **({"style": style} if style else {})}


def mention(user_id: str, name: str) -> Element:
    """Return a mention of a person. Where the id is none of Slack's, such as an ARN, it is shown instead."""
    return {"type": "user", "user_id": user_id} if _ID.fullmatch(user_id) else words(user_id or name)


def moment(time: datetime) -> Element:
    """Return an absolute time, which Slack shows in each reader's own time zone."""
    return {
        "type": "date",
        "timestamp": int(time.timestamp()),
        "format": "{date_short_pretty} {time_secs}",
        "fallback": utc(time),
    }


def ago(time: datetime) -> Element:
    """Return how long ago a time was, which Slack keeps up to date."""
    return moment(time) | {"format": "{ago}"}


def linked(text: str, spans: Sequence[tuple[int, int]], address: str | None) -> list[Element]:
    """Return foreign text whose `spans` are links to `address`, in which {} stands for the linked words."""
    if not address:
        return [words(text)]
    elements: list[Element] = []
    end = 0
    for start, stop in spans[:MAX_LINKS]:
        url = address.replace("{}", quote(text[start:stop], safe=""))
        if len(url) > MAX_URL:
            continue
        elements += [words(text[end:start])] if start > end else []
        elements.append({"type": "link", "url": url, "text": visible(text[start:stop])})
        end = stop
    return [*elements, words(text[end:])] if end < len(text) or not elements else elements


def utc(time: datetime) -> str:
    """Return an absolute time for where Slack renders none."""
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"


def paragraph(*elements: Element) -> Block:
    """Return a rich_text block of one paragraph."""
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(elements)}]}


def preformatted(text: str) -> Block:
    """Return a rich_text block that shows lines as they are."""
    elements = [element for line in text.split("\n") for element in (LINE_BREAK, words(line))][1:]
    return {"type": "rich_text", "elements": [{"type": "rich_text_preformatted", "elements": elements}]}


def bullets(items: Sequence[Sequence[Element]]) -> Block:
    """Return a rich_text block of a bulleted list."""
    sections = [{"type": "rich_text_section", "elements": list(item)} for item in items]
    return {"type": "rich_text", "elements": [{"type": "rich_text_list", "style": "bullet", "elements": sections}]}


def facts(rows: Sequence[tuple[str, Sequence[Element]]]) -> Block:
    """Return a rich_text block with one line a fact: its label in bold, then its elements."""
    elements: list[Element] = []
    for label, values in rows:
        elements += [*([LINE_BREAK] if elements else []), words(f"{label}  ", bold=True), *values]
    return paragraph(*elements)


def button(label: str, action_id: str, value: str, style: str | None = None) -> Element:
    """Return a button."""
    base = {"type": "button", "text": plain(label), "action_id": action_id, "value": value}
    return base | ({"style": style} if style else {})


def as_text(blocks: Sequence[Block]) -> str:
    """Return what blocks say, for the fallback `text`: escaped, with mentions as ids and times in UTC."""
    return "\n".join(filter(None, (_said(block) for block in blocks)))


def _said(node: Any) -> str:
    match node:
        case {"type": "text" | "plain_text" | "link", "text": str(text)}:
            return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        case {"type": "user", "user_id": said} | {"type": "date", "fallback": said}:
            return str(said)
        case {"type": "rich_text_list", "elements": elements}:
            return "\n".join(f"- {_said(element)}" for element in elements)
        case {"type": "header" | "section", "text": text}:
            return _said(text)
        case {"type": "rich_text" | "rich_text_section" | "rich_text_preformatted", "elements": elements}:
            return "".join(_said(element) for element in elements)
    return ""  # buttons say nothing worth a notification
