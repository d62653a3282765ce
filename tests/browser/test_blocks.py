"""Block Kit as Slack would show it, and loudly what this page cannot show."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from headless import SUPPORT, Headless
from playwright.sync_api import expect

from bot.sandbox.board import Message
from browser.conftest import Open
from browser.window import Window

Block = dict[str, Any]
Post = Callable[..., Message]

BUTTON = {"type": "button", "action_id": "it", "value": "1"}
WHEN = 1392734382  # 2014-02-18 14:39:42 UTC, in Berlin an hour later


def plain(text: str) -> Block:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Block:
    return {"type": "mrkdwn", "text": text}


def text(words: str, **style: bool) -> Block:
    return {"type": "text", "text": words, "style": style}


@pytest.fixture
def post(headless: Headless) -> Post:
    """Post as the app, unchecked."""

    def post_one(*blocks: Block, words: str = "") -> Message:
        return headless.do(lambda: headless.stage.workspace.post(SUPPORT, {"blocks": list(blocks), "text": words}))

    return post_one


@pytest.fixture
def reader(open_window: Open) -> Window:
    """A window on which messages arrive."""
    return open_window()


def test_headers_sections_contexts_and_dividers(post: Post, reader: Window) -> None:
    post(
        {"type": "header", "text": plain("A *header*")},
        {"type": "section", "text": plain("Plain <b> :wave: *text*"), "fields": [plain("First"), mrkdwn("*Second*")]},
        {"type": "divider"},
        {"type": "section", "text": mrkdwn("Beside"), "accessory": {**BUTTON, "text": plain("a button")}},
        {"type": "context", "elements": [mrkdwn("small :wave:"), plain("print")]},
    )
    expect(reader.messages.get_by_role("heading", name="A *header*", exact=True)).to_be_visible()
    expect(reader.messages).to_contain_text("Plain <b> :wave: *text*")
    expect(reader.messages.get_by_role("strong").filter(has_text="Second")).to_be_visible()
    expect(reader.messages.get_by_role("separator")).to_be_visible()
    expect(reader.button("a button")).to_be_visible()
    expect(reader.messages.get_by_role("img", name="wave")).to_be_visible()


def test_mrkdwn(post: Post, reader: Window) -> None:
    seen = {
        "*a* _b_ ~c~ `d`": "a b c d",
        "2*3*4 snake_case_name": "2*3*4 snake_case_name",
        "&lt;!channel&gt; &amp;amp;": "<!channel> &amp;",
        "<!channel> <!here>": "@channel @here",
        "<@U0RAY00001> <@U0NOBODY01|nobody>": "@Ray Lindqvist @nobody",
        "<#C0AUDIT001> <!subteam^S0SUPPORT1|@support>": "#signout-audit @support",
        "<https://example.com/a_b|a *link*>": "a *link*",
        "<javascript:alert(1)|no link>": "no link",
        f"<!date^{WHEN}^{{date_num}} at {{time_secs}}|then>": "2014-02-18 at 15:39:42",
        f"<!date^{WHEN - 56_100}^{{time}}|then>": "00:04",
        f"<!date^{WHEN}^{{date_long_pretty}}|then>": "18 February 2014",
        "<!date^never^{date}|then>": "then",
        ":nobody_knows_this:": ":nobody_knows_this:",
    }
    for written in seen:
        post({"type": "section", "text": mrkdwn(written)})
    expect(reader.messages.get_by_role("listitem").filter(has_text="APP")).to_contain_text(list(seen.values()))


def test_links_lead_only_where_slack_would_let_them(post: Post, reader: Window) -> None:
    post({"type": "section", "text": mrkdwn("<https://example.com|good> <javascript:alert(1)|bad> &lt;b&gt;")})
    expect(reader.messages.get_by_role("link")).to_have_count(1)
    expect(reader.messages.get_by_role("link")).to_have_attribute("href", "https://example.com")


def test_rich_text(post: Post, reader: Window) -> None:
    def section(*elements: Block) -> Block:
        return {"type": "rich_text_section", "elements": list(elements)}

    post(
        {
            "type": "rich_text",
            "elements": [
                section(
                    text("<!channel> *not bold* "),
                    text("bold", bold=True),
                    text(" code", code=True),
                    {"type": "user", "user_id": "U0SAM00001"},
                    {"type": "channel", "channel_id": "C0AUDIT001"},
                    {"type": "usergroup", "usergroup_id": "S0SUPPORT1"},
                    {"type": "emoji", "name": "wave"},
                    {"type": "link", "url": "https://example.com", "text": "a link"},
                    {"type": "date", "timestamp": WHEN, "format": "{date_num}", "fallback": "then"},
                ),
                {"type": "rich_text_list", "style": "bullet", "elements": [section(text("one")), section(text("two"))]},
                {"type": "rich_text_list", "style": "ordered", "elements": [section(text("first"))]},
                {"type": "rich_text_quote", "elements": [text("quoted")]},
                {"type": "rich_text_preformatted", "elements": [text("as  it  is")]},
            ],
        }
    )
    shown = reader.messages.get_by_role("listitem").filter(has_text="quoted")
    expect(shown).to_contain_text("<!channel> *not bold* bold code@Sam Rivera#signout-audit@S0SUPPORT1")
    expect(shown.get_by_role("strong")).to_have_text("bold")
    expect(shown.get_by_role("code")).to_have_text(" code")
    expect(shown.get_by_role("img", name="wave")).to_be_visible()
    expect(shown.get_by_role("link", name="a link")).to_be_visible()
    expect(shown.get_by_role("time").filter(has_text="2014-02-18")).to_be_visible()
    expect(shown.get_by_role("listitem")).to_have_text(["one", "two", "first"])
    expect(shown.get_by_role("blockquote")).to_have_text("quoted")


def test_a_table(post: Post, reader: Window) -> None:
    rich = {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [text("b", bold=True)]}]}
    titles = [{"type": "raw_text", "text": each} for each in ("Name", "Count", "Rich")]
    cells = [{"type": "raw_text", "text": "*a* <b> :wave:"}, {"type": "raw_number", "value": 7, "text": "7.0"}, rich]
    post({"type": "table", "column_settings": [{}, {"align": "right"}], "rows": [titles, cells]})
    shown = reader.messages.get_by_role("table")
    expect(shown.get_by_role("columnheader")).to_have_text(["Name", "Count", "Rich"])
    expect(shown.get_by_role("cell")).to_have_text(["*a* <b> :wave:", "7.0", "b"])
    expect(shown.get_by_role("cell", name="7.0")).to_have_css("text-align", "end")
    expect(shown.get_by_role("strong")).to_have_text("b")


def test_a_button_that_asks_first(post: Post, reader: Window) -> None:
    question = {
        "title": plain("Really?"),
        "text": mrkdwn("It is *final*."),
        "confirm": plain("Yes"),
        "deny": plain("No"),
    }
    post({"type": "actions", "elements": [{**BUTTON, "text": plain("Do it"), "confirm": question}]})
    dialog = reader.page.get_by_role("dialog", name="Really?")
    reader.button("Do it").click()
    expect(dialog).to_contain_text("It is final.")
    dialog.get_by_role("button", name="No").click()
    expect(dialog).to_be_hidden()
    expect(reader.button("Do it")).to_be_focused()
    reader.page.keyboard.press("Enter")
    reader.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(reader.page.get_by_role("alert")).to_be_empty()
    reader.button("Do it").click()
    dialog.get_by_role("button", name="Yes").click()
    expect(reader.page.get_by_role("alert")).to_contain_text("Sign-out did not respond")


def test_what_the_page_cannot_show_shows_itself_loudly_and_leaves_the_rest_alone(post: Post, reader: Window) -> None:
    broken: list[Block] = [
        {"type": "video", "title": plain("x")},
        {"type": "actions", "elements": [{"type": "overflow", "action_id": "x", "options": []}]},
        {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "colour"}]}]},
        {"type": "constructor"},
        {"type": "header"},
        {"type": "context"},
    ]
    post({"type": "header", "text": plain("Before")}, *broken, {"type": "header", "text": plain("After")})
    expect(reader.messages).to_contain_text("Before")
    expect(reader.messages.get_by_text(re.compile("^(Unknown type|A broken)"))).to_have_count(len(broken))
    expect(reader.messages).to_contain_text("After")


def test_messages_are_replaced_and_deleted_where_they_stand(headless: Headless, post: Post, reader: Window) -> None:
    workspace = headless.stage.workspace
    first = post(words="The *first*")
    post(words="The second")
    expect(reader.messages).to_contain_text("The first")
    headless.do(lambda: workspace.replace(first, {"text": "The other"}))
    expect(reader.messages).to_contain_text("The other(edited)")
    expect(reader.messages).not_to_contain_text("The first")
    headless.do(lambda: workspace.delete(first))
    expect(reader.messages).not_to_contain_text("The other")
    expect(reader.messages).to_contain_text("The second")
