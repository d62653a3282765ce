"""The validator refuses what Slack refuses, by Slack's name for it, and takes what is just within the limit."""

from typing import Any

import pytest

from bot.sandbox.limits import refusal

Content = dict[str, Any]


def plain(text: str = "x") -> Content:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str = "x") -> Content:
    return {"type": "mrkdwn", "text": text}


def button(**more: Any) -> Content:
    return {"type": "button", "text": plain(), **more}


def actions(*elements: Content, **more: Any) -> Content:
    return {"type": "actions", "elements": list(elements), **more}


def section(**more: Any) -> Content:
    return {"type": "section", **more}


def rich(*elements: Content) -> Content:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(elements)}]}


def table(*cells: Content, **more: Any) -> Content:
    return {"type": "table", "rows": [list(cells)], **more}


def blocks(*of: Any) -> Content:
    return {"text": "fallback", "blocks": list(of)}


def confirm(**more: Any) -> Content:
    return {"title": plain(), "text": plain(), "confirm": plain(), "deny": plain(), **more}


TEXT: Content = {"type": "raw_text", "text": "x"}
ACCEPTED: dict[str, Content] = {
    "text alone": {"text": "x"},
    "40,000 characters of text": {"text": "x" * 40_000},
    "blocks alone": {"blocks": [{"type": "divider"}]},
    "50 blocks": blocks(*[{"type": "divider"}] * 50),
    "no blocks": {"text": "x", "blocks": []},
    "blocks of nearly 13,200 characters": blocks(*[section(text=plain("x" * 2500))] * 5),
    "a header of 150": blocks({"type": "header", "text": plain("x" * 150)}),
    "a section text of 3,000": blocks(section(text=mrkdwn("x" * 3000))),
    "a section with an accessory": blocks(section(text=plain(), accessory=button(action_id="a"))),
    "10 fields of 1,000": blocks(section(fields=[plain("x" * 1000)] * 10)),
    "a field of 2,000": blocks(section(fields=[mrkdwn("x" * 2000)])),
    "10 context elements": blocks({"type": "context", "elements": [plain(), mrkdwn()] * 5}),
    "25 buttons": blocks(actions(*(button(action_id=f"a{number}") for number in range(25)))),
    "a button of 75": blocks(actions(button(text=plain("x" * 75)))),
    "a value of 2,000": blocks(actions(button(value="x" * 2000))),
    "an action_id of 255": blocks(actions(button(action_id="x" * 255))),
    "a block_id of 255": blocks({"type": "divider", "block_id": "x" * 255}),
    "both styles": blocks(actions(button(style="primary"), button(style="danger"))),
    "a confirm dialog at its limits": blocks(
        actions(
            button(
                confirm=confirm(
                    title=plain("x" * 100), text=mrkdwn("x" * 300), confirm=plain("x" * 30), deny=plain("x" * 30)
                )
            )
        )
    ),
    "plain text with emoji off": blocks(section(text={**plain(), "emoji": False})),
    "verbatim mrkdwn": blocks(section(text={**mrkdwn(), "verbatim": True})),
    "every inline element": blocks(
        rich(
            {"type": "text", "text": "<!channel>", "style": {"bold": True, "italic": True, "code": True}},
            {"type": "user", "user_id": "U0SAM00001"},
            {"type": "usergroup", "usergroup_id": "S0SUPPORT1"},
            {"type": "channel", "channel_id": "C0SUPPORT1"},
            {"type": "broadcast", "range": "here"},
            {"type": "emoji", "name": "wave"},
            {"type": "link", "url": "https://example.com/", "text": "x"},
            {"type": "date", "timestamp": 1763822400, "format": "{date_long} at {time}", "fallback": "then"},
        )
    ),
    "lists, quotes and preformatted text": blocks(
        {
            "type": "rich_text",
            "elements": [
                {"type": "rich_text_list", "style": "bullet", "indent": 0, "elements": rich()["elements"]},
                {"type": "rich_text_quote", "elements": [{"type": "text", "text": "x"}]},
                {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "x"}]},
            ],
        }
    ),
    "100 rows": blocks({"type": "table", "rows": [[TEXT] * 2] * 100}),
    "20 cells": blocks(table(*[TEXT] * 20)),
    "cells of every sort": blocks(
        table(
            TEXT,
            {"type": "raw_number", "value": 1, "text": "1"},
            rich({"type": "user", "user_id": "U0SAM00001"}),
            column_settings=[{"align": "right", "is_wrapped": True}, {}],
        )
    ),
    "10,000 characters in cells": blocks(table(*[TEXT | {"text": "x" * 2_500}] * 4)),
    "metadata": {"text": "x", "metadata": {"event_type": "signed_out", "event_payload": {"entry_id": "E1"}}},
}

REFUSED: dict[str, tuple[Content, str, str]] = {
    "nothing": ({}, "no_text", "text or blocks"),
    "an empty text": ({"text": ""}, "no_text", "text or blocks"),
    "an empty text and no blocks": ({"text": "", "blocks": []}, "no_text", "text or blocks"),
    "a text that is no string": ({"text": 5}, "invalid_arguments", "/text"),
    "40,001 characters of text": ({"text": "x" * 40_001}, "msg_too_long", "/text"),
    "blocks that are no list": ({"text": "x", "blocks": {"type": "divider"}}, "invalid_blocks_format", "/blocks"),
    "51 blocks": (blocks(*[{"type": "divider"}] * 51), "invalid_blocks", "no more than 50 items allowed"),
    "blocks of 14,000 characters": (blocks(*[section(text=plain("x" * 2800))] * 5), "msg_blocks_too_long", "/blocks"),
    "two tables": (blocks(*[table(TEXT)] * 2), "invalid_attachments", "only_one_table_allowed"),
    "101 rows": (blocks({"type": "table", "rows": [[TEXT]] * 101}), "invalid_blocks", "no more than 100 items"),
    "21 cells": (blocks(table(*[TEXT] * 21)), "invalid_blocks", "no more than 20 items allowed"),
    "a table without rows": (blocks({"type": "table", "rows": []}), "invalid_blocks", "/blocks/0/rows"),
    "an empty cell": (blocks(table(TEXT | {"text": ""})), "invalid_blocks", "more than 0 characters"),
    "a cell in mrkdwn": (blocks(table(mrkdwn())), "invalid_blocks", "unsupported type: mrkdwn"),
    "an unknown alignment": (blocks(table(TEXT, column_settings=[{"align": "up"}])), "invalid_blocks", "/0/align"),
    "10,001 characters in cells": (
        blocks(table(*[TEXT | {"text": "x" * 2_500}] * 4, rich({"type": "text", "text": "x"}))),
        "invalid_blocks",
        "in all cells",
    ),
    "a block that is no object": (blocks("divider"), "invalid_blocks", "/blocks/0"),
    "a block without a type": (blocks({}), "invalid_blocks", "/blocks/0/type"),
    "an unknown block": (blocks({"type": "mystery"}), "invalid_blocks", "unsupported type: mystery"),
    "an unknown property": (blocks({"type": "divider", "color": "red"}), "invalid_blocks", "property: color"),
    "a block_id of 256": (blocks({"type": "divider", "block_id": "x" * 256}), "invalid_blocks", "/blocks/0/block_id"),
    "an empty block_id": (blocks({"type": "divider", "block_id": ""}), "invalid_blocks", "/blocks/0/block_id"),
    "a block_id twice": (blocks(*[{"type": "divider", "block_id": "d"}] * 2), "invalid_blocks", "block_id d"),
    "a header of 151": (blocks({"type": "header", "text": plain("x" * 151)}), "invalid_blocks", "less than 151"),
    "a header in mrkdwn": (blocks({"type": "header", "text": mrkdwn()}), "invalid_blocks", "unsupported type: mrkdwn"),
    "a header without text": (blocks({"type": "header"}), "invalid_blocks", "missing required field: text"),
    "an empty header": (blocks({"type": "header", "text": plain("")}), "invalid_blocks", "more than 0 characters"),
    "an empty section": (blocks(section()), "invalid_blocks", "text or fields"),
    "a section's empty text": (blocks(section(text=mrkdwn(""))), "invalid_blocks", "more than 0 characters"),
    "a section text of 3,001": (blocks(section(text=mrkdwn("x" * 3001))), "invalid_blocks", "/blocks/0/text/text"),
    "a section text that is a string": (blocks(section(text="x")), "invalid_blocks", "/blocks/0/text"),
    "11 fields": (blocks(section(fields=[plain()] * 11)), "invalid_blocks", "no more than 10 items allowed"),
    "no field": (blocks(section(fields=[])), "invalid_blocks", "/blocks/0/fields"),
    "a field of 2,001": (blocks(section(fields=[plain("x" * 2001)])), "invalid_blocks", "/blocks/0/fields/0/text"),
    "11 context elements": (
        blocks({"type": "context", "elements": [plain()] * 11}),
        "invalid_blocks",
        "no more than 10",
    ),
    "an empty context": (blocks({"type": "context", "elements": []}), "invalid_blocks", "/blocks/0/elements"),
    "a button in a context": (blocks({"type": "context", "elements": [button()]}), "invalid_blocks", "type: button"),
    "no button": (blocks(actions()), "invalid_blocks", "/blocks/0/elements"),
    "26 buttons": (blocks(actions(*[button()] * 26)), "invalid_blocks", "no more than 25 items allowed"),
    "an unknown element": (blocks(actions({"type": "lever"})), "invalid_blocks", "unsupported type: lever"),
    "a bare button": (blocks(button()), "invalid_blocks", "unsupported type: button"),
    "a button of 76": (blocks(actions(button(text=plain("x" * 76)))), "invalid_blocks", "less than 76"),
    "a button in mrkdwn": (blocks(actions(button(text=mrkdwn()))), "invalid_blocks", "unsupported type: mrkdwn"),
    "a button without text": (blocks(actions({"type": "button"})), "invalid_blocks", "missing required field: text"),
    "a value of 2,001": (blocks(actions(button(value="x" * 2001))), "invalid_blocks", "/elements/0/value"),
    "a value that is a number": (blocks(actions(button(value=1))), "invalid_blocks", "/elements/0/value"),
    "an action_id of 256": (blocks(actions(button(action_id="x" * 256))), "invalid_blocks", "/elements/0/action_id"),
    "an action_id twice": (blocks(actions(*[button(action_id="a")] * 2)), "invalid_blocks", "action_id a"),
    "an action_id twice, in two blocks": (
        blocks(actions(button(action_id="a")), section(text=plain(), accessory=button(action_id="a"))),
        "invalid_blocks",
        "action_id a",
    ),
    "an unknown style": (blocks(actions(button(style="warning"))), "invalid_blocks", "/elements/0/style"),
    "a dialog's title of 101": (
        blocks(actions(button(confirm=confirm(title=plain("x" * 101))))),
        "invalid_blocks",
        "/confirm/title/text",
    ),
    "a dialog's text of 301": (
        blocks(actions(button(confirm=confirm(text=plain("x" * 301))))),
        "invalid_blocks",
        "/confirm/text/text",
    ),
    "a dialog's button of 31": (
        blocks(actions(button(confirm=confirm(deny=plain("x" * 31))))),
        "invalid_blocks",
        "/confirm/deny/text",
    ),
    "emoji in mrkdwn": (blocks(section(text={**mrkdwn(), "emoji": True})), "invalid_blocks", "property: emoji"),
    "verbatim plain text": (
        blocks(section(text={**plain(), "verbatim": True})),
        "invalid_blocks",
        "property: verbatim",
    ),
    "an unknown part of rich text": (
        blocks({"type": "rich_text", "elements": [{"type": "text", "text": "x"}]}),
        "invalid_blocks",
        "unsupported type: text",
    ),
    "an unknown inline element": (blocks(rich(mrkdwn())), "invalid_blocks", "unsupported type: mrkdwn"),
    "an empty inline text": (blocks(rich({"type": "text", "text": ""})), "invalid_blocks", "more than 0 characters"),
    "an unknown inline style": (
        blocks(rich({"type": "text", "text": "x", "style": {"underline": True}})),
        "invalid_blocks",
        "property: underline",
    ),
    "an inline style by name": (blocks(rich({**plain(), "type": "text", "style": "bold"})), "invalid_blocks", "/style"),
    "a user by name": (blocks(rich({"type": "user", "name": "sam"})), "invalid_blocks", "field: user_id"),
    "a broadcast to nobody": (blocks(rich({"type": "broadcast", "range": "all"})), "invalid_blocks", "/range"),
    "a date that is a string": (
        blocks(rich({"type": "date", "timestamp": "1763822400", "format": "{date}"})),
        "invalid_blocks",
        "/timestamp",
    ),
    "a date without a format": (blocks(rich({"type": "date", "timestamp": 1})), "invalid_blocks", "field: format"),
    "a date in an unknown format": (
        blocks(rich({"type": "date", "timestamp": 1, "format": "{date} {zone}"})),
        "invalid_blocks",
        "invalid date format",
    ),
    "a list without a style": (
        blocks({"type": "rich_text", "elements": [{"type": "rich_text_list", "elements": rich()["elements"]}]}),
        "invalid_blocks",
        "field: style",
    ),
    "metadata without a type": (
        {"text": "x", "metadata": {"event_payload": {}}},
        "invalid_metadata_format",
        "event_type",
    ),
    "metadata with a list": (
        {"text": "x", "metadata": {"event_type": "x", "event_payload": []}},
        "invalid_metadata_format",
        "/metadata/event_payload",
    ),
    "metadata of 17,000 characters": (
        {"text": "x", "metadata": {"event_type": "x", "event_payload": {"a": "x" * 17_000}}},
        "metadata_too_large",
        "/metadata",
    ),
}


@pytest.mark.parametrize("content", ACCEPTED.values(), ids=ACCEPTED)
def test_what_slack_takes_is_taken(content: Content) -> None:
    assert refusal(content) is None


@pytest.mark.parametrize(("content", "error", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_slack_refuses_is_refused_with_the_place_of_the_fault(content: Content, error: str, reason: str) -> None:
    refused = refusal(content)
    assert refused
    assert refused.error == error
    assert reason in refused.reason
