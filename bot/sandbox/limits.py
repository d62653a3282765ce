"""What Slack accepts as a message. One table says what each kind of block and element may hold."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bot.sandbox.shapes import Rule, by_type, items, kind, one_of, shape, string

MOST_TEXT = 40_000
MOST_IN_BLOCKS = 13_200
MOST_IN_CELLS = 10_000
MOST_METADATA = 16_000
DATE_TOKENS = re.compile(
    r"\{(date|date_num|date_slash|date_short|date_long|date_pretty|date_short_pretty|date_long_pretty"
    r"|day_divider_pretty|time|time_secs|ago)\}"
)


@dataclass(frozen=True)
class Refusal:
    """Slack's name for what is wrong, and where it is."""

    error: str
    reason: str


def refusal(content: dict[str, Any]) -> Refusal | None:
    """Say why Slack would refuse a message with this text, blocks and metadata; None where it would take it."""
    text, blocks = content.get("text"), content.get("blocks")
    if not text and not blocks:
        return Refusal("no_text", "a message needs text or blocks")
    if text is not None and not isinstance(text, str):
        return Refusal("invalid_arguments", "must be a string [json-pointer:/text]")
    if text and len(text) > MOST_TEXT:
        return Refusal("msg_too_long", f"more than {MOST_TEXT} characters [json-pointer:/text]")
    return _refused_blocks(blocks) or _refused_metadata(content.get("metadata"))


def _refused_blocks(blocks: Any) -> Refusal | None:
    if blocks is None:
        return None
    if not isinstance(blocks, list):
        return Refusal("invalid_blocks_format", "must be an array [json-pointer:/blocks]")
    for reason in wrong_blocks(blocks, "/blocks"):
        return Refusal("invalid_blocks", reason)
    if len([block for block in blocks if block["type"] == "table"]) > 1:
        return Refusal("invalid_attachments", "only_one_table_allowed [json-pointer:/blocks]")
    if len(json.dumps(blocks, ensure_ascii=False)) > MOST_IN_BLOCKS:
        return Refusal("msg_blocks_too_long", f"more than {MOST_IN_BLOCKS} characters [json-pointer:/blocks]")
    return None


def wrong_blocks(blocks: Any, at: str) -> Iterator[str]:
    """Check the blocks of a message, and then what holds between them."""
    reasons = list(items(by_type(IN_MESSAGES), most=50, least=0)(blocks, at))
    yield from reasons
    if not reasons:
        yield from duplicates(blocks, at)


def duplicates(blocks: list[dict[str, Any]], at: str) -> Iterator[str]:
    """Name each block_id and each button's action_id that is used again."""
    elements = [element for block in blocks if block["type"] == "actions" for element in block["elements"]]
    elements += [block["accessory"] for block in blocks if "accessory" in block]
    for name, holders in (("block_id", blocks), ("action_id", elements)):
        named = [holder[name] for holder in holders if name in holder]
        for again in {one for one in named if named.count(one) > 1}:
            yield f"{name} {again} is used more than once [json-pointer:{at}]"


def _refused_metadata(metadata: Any) -> Refusal | None:
    if metadata is None:
        return None
    for reason in shape(event_type=string(), event_payload=mapping)(metadata, "/metadata"):
        return Refusal("invalid_metadata_format", reason)
    if len(json.dumps(metadata)) > MOST_METADATA:
        return Refusal("metadata_too_large", f"more than {MOST_METADATA} characters [json-pointer:/metadata]")
    return None


def plain(most: int) -> Rule:
    """Take a plain_text object."""
    return by_type({"plain_text": shape({"emoji": flag}, text=string(most))})


def words(most: int) -> Rule:
    """Take a plain_text or mrkdwn object."""
    return by_type(
        {
            "plain_text": shape({"emoji": flag}, text=string(most)),
            "mrkdwn": shape({"verbatim": flag}, text=string(most)),
        }
    )


def text_or_fields(value: Any, at: str) -> Iterator[str]:
    """Check that a section holds text, fields or both."""
    if not {"text", "fields"} & value.keys():
        yield f"missing required field: text or fields [json-pointer:{at}]"
    yield from SECTION(value, at)


def date_format(value: Any, at: str) -> Iterator[str]:
    """Check that a date's format names only known tokens, and at least one."""
    yield from string()(value, at)
    if isinstance(value, str) and (not DATE_TOKENS.search(value) or re.search(r"[{}]", DATE_TOKENS.sub("", value))):
        yield f"invalid date format [json-pointer:{at}]"


flag, number, mapping = kind(bool), kind(int), kind(dict)

CONFIRM = shape(
    {"style": one_of("primary", "danger")}, title=plain(100), text=words(300), confirm=plain(30), deny=plain(30)
)
BUTTON = shape(
    {
        "action_id": string(),
        "value": string(2000),
        "url": string(3000),
        "style": one_of("primary", "danger"),
        "confirm": CONFIRM,
        "accessibility_label": string(75),
    },
    text=plain(75),
)
ELEMENTS = by_type({"button": BUTTON})
SECTION = shape(
    {
        "block_id": string(),
        "text": words(3000),
        "fields": items(words(2000), most=10),
        "accessory": ELEMENTS,
        "expand": flag,
    }
)
STYLE = shape({"bold": flag, "italic": flag, "strike": flag, "code": flag})
STYLED = {"style": STYLE}
INLINE = by_type(
    {
        "text": shape(STYLED, text=string(MOST_TEXT)),
        "link": shape({"text": string(MOST_TEXT), "unsafe": flag, **STYLED}, url=string(3000)),
        "user": shape(STYLED, user_id=string()),
        "usergroup": shape(STYLED, usergroup_id=string()),
        "channel": shape(STYLED, channel_id=string()),
        "broadcast": shape(STYLED, range=one_of("here", "channel", "everyone")),
        "emoji": shape({"unicode": string(), "skin_tone": number, **STYLED}, name=string()),
        "date": shape({"url": string(3000), "fallback": string(), **STYLED}, timestamp=number, format=date_format),
    }
)
INLINES = items(INLINE, most=1000, least=0)
RICH_SECTION = shape(elements=INLINES)
RICH_LIST = shape(
    {"indent": number, "border": number, "offset": number},
    style=one_of("bullet", "ordered"),
    elements=items(by_type({"rich_text_section": RICH_SECTION}), most=1000),
)
RICH = by_type(
    {
        "rich_text_section": RICH_SECTION,
        "rich_text_list": RICH_LIST,
        "rich_text_quote": shape({"border": number}, elements=INLINES),
        "rich_text_preformatted": shape({"border": number, "language": string()}, elements=INLINES),
    }
)
NAMED = {"block_id": string()}
CELL = by_type(
    {
        "raw_text": shape(text=string(MOST_IN_CELLS)),
        "raw_number": shape({"text": string()}, value=number),
        "rich_text": shape(NAMED, elements=items(RICH, most=1000)),
    }
)
COLUMN = shape({"align": one_of("left", "center", "right"), "is_wrapped": flag})
TABLE = shape({**NAMED, "column_settings": items(COLUMN, most=20, least=0)}, rows=items(items(CELL, most=20), most=100))


def table(value: Any, at: str) -> Iterator[str]:
    """Check a table, and that all of its cells together do not say too much."""
    wrong = list(TABLE(value, at))
    yield from wrong
    if not wrong and len("".join(_said(value["rows"]))) > MOST_IN_CELLS:
        yield f"must be less than {MOST_IN_CELLS + 1} characters in all cells [json-pointer:{at}/rows]"


def _said(part: Any) -> Iterator[str]:
    """Give each text in a part of a message."""
    if isinstance(part, dict):
        yield from (each for name, each in part.items() if name in {"text", "fallback"} and isinstance(each, str))
    for each in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from _said(each)


BLOCKS: dict[str, Rule] = {
    "header": shape(NAMED, text=plain(150)),
    "section": text_or_fields,
    "context": shape(NAMED, elements=items(words(3000), most=10)),
    "divider": shape(NAMED),
    "actions": shape(NAMED, elements=items(ELEMENTS, most=25)),
    "rich_text": shape(NAMED, elements=items(RICH, most=1000, least=0)),
}
IN_MESSAGES: dict[str, Rule] = {**BLOCKS, "table": table}  # and not in a form
