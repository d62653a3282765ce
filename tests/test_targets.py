"""Whom a message may be about: what is found in it, and what is not."""

from typing import Any

import pytest

from bot.sandbox.board import as_slack_sends_it
from bot.slack.targets import MAX_TEXT, MOST_TARGETS, targets_in

ADA, GRACE, SUB = "ada@example.com", "grace@example.com", "343d94cb-5ddd-4f39-ab9f-be013c348223"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<mailto:ada@example.com|ada@example.com>", [ADA]),
        ("ask <mailto:ada@example.com|Ada> and <mailto:grace@example.com?subject=Re%3A+a@b.c>.", [ADA, GRACE]),
        ("<mailto:ada@example.com|grace@example.com>", [ADA, GRACE]),
        ("`ada@example.com`", [ADA]),
        ('```{"email": "ada@example.com"}```', [ADA]),
        ("*ada@example.com*, _grace@example.com_", [ADA, GRACE]),
        ("_<mailto:ada@example.com|ada@example.com>_!", [ADA]),
        ("Ada Lindgren &lt;ada@example.com&gt;; \u201cgrace@example.com\u201d\u2026", [ADA, GRACE]),
        ("It is ada@example.com's. Or 'grace@example.com'?", [ADA, GRACE]),
        ("o'neil+x@mail.example.com, a&amp;b@example.com, _x_@example.com",
            ["o'neil+x@mail.example.com", "a&b@example.com", "_x_@example.com"]),
        ("ADA@example.com and ada@example.com", ["ADA@example.com"]),
        ("a.da@example.com and a-da@example.com, not ada@example.com", ["a.da@example.com", "a-da@example.com", ADA]),
        ("030-1234567, (030) 123 45 67", ["030-1234567"]),
        ("<tel:+4930123456|+49 30 123456>", ["+4930123456"]),
        ("call +49 (0)30 123456 or 030-1234567", ["+49 (0)30 123456", "030-1234567"]),
        ("+49\u00a030\u202f123\u2011456", ["+49 30 123-456"]),
        (f"sub: {SUB}", [SUB]),
        (f"<https://admin.example.com/users/{SUB}?tab=1234567|profile>", [SUB]),
        (f"https://admin.example.com/users/{SUB.upper()}", [SUB.upper()]),
        (f"+49 30 123456, {SUB}, ada@example.com", [ADA, SUB, "+49 30 123456"]),
        ("12345678-1234-1234-1234-123456789012", ["12345678-1234-1234-1234-123456789012"]),
    ],
)  # fmt: skip
def test_it_is_found(text: str, found: list[str]) -> None:
    assert list(targets_in({"text": text})) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "the phone is gone",
        "<@U0SAM00001> <#C0SUPPORT1|support> <!date^1392734382^{date}|2014-02-18 at 15:39> <!subteam^S0123456789>",
        "HELP-1234567, #1234567, 4711",
        "2026-11-29 12:34:56, 29.11.2026",
        "192.168.100.200",
        "https://example.com/orders/12345678 <https://example.com/12345678>",
        "ada@localhost, a@b@c, @channel, ada at example.com",
        f"x{SUB}, {SUB}-1",
        "1234567890123456",
        "a" * 128 + "@example.com",
    ],
)
def test_it_is_not_found(text: str) -> None:
    assert targets_in({"text": text}) == ()


def test_what_is_hidden_in_it_is_visible() -> None:
    said = "a\u200bda@example.com \u202eada@example.com gr\ud800ace@example.com"
    assert targets_in({"text": said}) == (
        "a\\u200Bda@example.com",
        "\\u202Eada@example.com",
        "gr\\uD800ace@example.com",
    )


def test_the_first_ones_are_offered_each_once() -> None:
    said = " ".join(f"p{number}@example.com {ADA}" for number in range(30))
    assert targets_in({"text": said})[:3] == ("p0@example.com", ADA, "p1@example.com")
    assert len(targets_in({"text": said})) == MOST_TARGETS


def test_what_comes_after_so_much_is_not_read() -> None:
    assert targets_in({"text": "x " * (MAX_TEXT // 2) + ADA}) == ()


RICH = {"type": "rich_text_section", "elements": [{"type": "link", "url": f"mailto:{ADA}", "text": "Ada"}]}
TABLE = {"type": "table", "rows": [[{"type": "raw_text", "text": "Email"}, {"type": "raw_text", "text": ADA}]]}
BUTTON = {"type": "button", "value": "9@example.com", "text": {"type": "plain_text", "text": f"Open {ADA}"}}


@pytest.mark.parametrize(
    "message",
    [
        {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": f"*Email* {ADA}"}}]},
        {"blocks": [{"type": "section", "fields": [{"type": "plain_text", "text": ADA}]}]},
        {"blocks": [{"type": "rich_text", "elements": [RICH]}]},
        {"blocks": [TABLE]},
        {"blocks": [{"type": "actions", "elements": [BUTTON]}]},
        {"attachments": [{"fields": [{"title": "Email", "value": f"<mailto:{ADA}|{ADA}>", "short": True}]}]},
        {"attachments": [{"pretext": "New ticket", "title": ADA, "fallback": "x@example.com"}]},
        {"attachments": [{"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": ADA}}]}]},
    ],
)
def test_what_an_app_says_in_blocks_and_attachments_counts(message: dict[str, Any]) -> None:
    assert targets_in({"type": "message", "text": "New ticket", "ts": "1234567890.000100", **message}) == (ADA,)


def test_the_text_itself_comes_first() -> None:
    message = {"attachments": [{"text": GRACE}], "text": ADA}
    assert targets_in(message) == (ADA, GRACE)


@pytest.mark.parametrize("message", [{}, {"text": None}, {"text": 5, "blocks": "x", "attachments": {"text": [[]]}}])
def test_a_message_without_a_text_is_about_no_one(message: dict[str, Any]) -> None:
    assert targets_in(message) == ()


def test_what_people_type_is_found_as_slack_sends_it() -> None:
    typed = f"Is it {ADA} <{GRACE}> or +49-30-123456 then?"
    assert targets_in({"text": as_slack_sends_it(typed)}) == (ADA, GRACE, "+4930123456")
