"""What messages are made of: plain_text with emoji off, or rich_text elements, so that Slack interprets no text.

How accounts and reasons are shown is here too: personal data is masked unless the settings say otherwise.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from bot.options import looks_like_phone
from bot.reason import ReasonRule
from bot.request import Account
from bot.visible import visible

Block = dict[str, Any]
Element = dict[str, Any]
Line = tuple[str, Sequence[Element]]

MAX_HEADER = 150
MAX_PLAIN = 3000
MAX_SMALL = 550  # a line of five, which together must not be longer than a text may be
MAX_LINKS = 10  # with more of them, or longer ones, Slack would refuse the whole message
MAX_URL = 500
LONG_NUMBER = 9  # a shorter one would hardly be masked if its beginning showed as well
UTC_TIME = "%Y-%m-%d %H:%M:%S UTC"
LINE_BREAK: Element = {"type": "text", "text": "\n"}
_AROUND_ELEMENTS = {
    "rich_text": ("", ""),
    "rich_text_section": ("", ""),
    "rich_text_preformatted": ("", ""),
    "rich_text_list": ("- ", "\n- "),
    "context": ("", ""),
}
_ID = re.compile(r"[UW][A-Z0-9]{2,}")


@dataclass(frozen=True, slots=True)
class Message:
    """Blocks, and the same as escaped text for notifications and screen readers."""

    blocks: list[Block]
    text: str


def message(*blocks: Block) -> Message:
    """Return a message of these blocks."""
    return Message(list(blocks), as_text(list(blocks)))


def plain(text: str, limit: int = MAX_PLAIN) -> Element:
    """Return a plain_text object of at most `limit` characters. Foreign text goes through here, or through `words`."""
    shown = visible(text)
    return {"type": "plain_text", "text": shown if len(shown) <= limit else f"{shown[: limit - 1]}…", "emoji": False}


def header(text: str) -> Block:
    """Return a header block, cut to Slack's limit."""
    return {"type": "header", "text": plain(text, MAX_HEADER)}


def words(text: str, *, bold: bool = False, code: bool = False) -> Element:
    """Return a rich_text text element."""
    style = {name: True for name, on in (("bold", bold), ("code", code)) if on}
    return {"type": "text", "text": visible(text) or " ", **({"style": style} if style else {})}


def mention(user_id: str, name: str) -> Element:
    """Return a mention of a person. Where the id is none of Slack's, such as an ARN, it is shown instead."""
    return {"type": "user", "user_id": user_id} if _ID.fullmatch(user_id) else words(user_id or name)


def moment(time: datetime, shape: str = "{date_short_pretty} {time_secs}") -> Element:
    """Return a time, which Slack shows in each reader's own time zone; in the shape `{ago}`, how long ago it was."""
    return {"type": "date", "timestamp": int(time.timestamp()), "format": shape, "fallback": f"{time:{UTC_TIME}}"}


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


def facts(rows: Sequence[Line]) -> Block:
    """Return a rich_text block with one line a fact: its label in bold, then its elements."""
    lines = [[words(f"{label}  ", bold=True), *values] for label, values in rows]
    return paragraph(*[element for line in lines for element in (LINE_BREAK, *line)][1:])


def small_print(lines: Sequence[Sequence[str]]) -> Block:
    """Return a context block of small grey letters: a few lines, each of the facts that belong together."""
    text = "\n".join(plain(" · ".join(facts), MAX_SMALL)["text"] for facts in lines if facts)
    return {"type": "context", "elements": [{**plain(""), "text": text}]}


def button(label: str, action_id: str, value: str, style: str | None = None) -> Element:
    """Return a button."""
    base = {"type": "button", "text": plain(label), "action_id": action_id, "value": value}
    return base | ({"style": style} if style else {})


def as_text(node: Any) -> str:
    """Return what blocks say, for the fallback `text`: escaped, with mentions as ids and times in UTC."""
    match node:
        case list():
            return "\n".join(filter(None, map(as_text, node)))
        case {"type": "text" | "plain_text" | "link", "text": str(text)}:
            return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        case {"type": "user", "user_id": said} | {"type": "date", "fallback": said}:
            return str(said)
        case {"type": kind, "elements": elements} if kind in _AROUND_ELEMENTS:
            before, between = _AROUND_ELEMENTS[kind]
            return before + between.join(map(as_text, elements))
        case {"type": "header" | "section", "text": text}:
            return as_text(text)
    return ""  # buttons say nothing worth a notification


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """What the settings say about showing things. `pii` is "masked" or "full"."""

    pii: str
    reason_rule: ReasonRule | None
    ticket_url: str | None
    token_lifetimes: Mapping[str, timedelta]
    resume_within: timedelta

    def personal(self, text: str) -> str:
        """Return text as it may be shown.

        Masked, an email is its first letter and domain, and a phone number its first and last digits.
        """
        local, at, domain = text.rpartition("@")
        if self.pii == "full" or not (at or looks_like_phone(text)):
            return text
        if at:
            return f"{local[:1]}…{at}{domain}"
        return f"{text[:3] if len(text) > LONG_NUMBER else ''}…{text[-2:]}"

    def name(self, account: Account) -> str:
        """Return its user name as it may be shown: masked where it is an email or, by its plus, a phone number."""
        name = account.username
        return self.personal(name) if "@" in name or name.startswith("+") else name

    def who(self, account: Account) -> list[Line]:
        """Return the lines that tell one account from another."""
        return [
            ("User name", [words(self.name(account), code=True)]),
            *([("Email", [words(self.personal(account.email))])] if account.email else []),
            *([("Phone", [words(self.personal(account.phone))])] if account.phone else []),
            ("Sign-in", [words(account.sign_in)]),
            *([("Status", [words(account.standing)])] if account.standing else []),
            *([("Created", [moment(account.created_at)])] if account.created_at else []),
            *([("Last changed", [moment(account.modified_at)])] if account.modified_at else []),
            *([("Sub", [words(account.sub, code=True)])] if account.sub else []),
            ("Pool", [words(f"{account.pool} ({account.region})")]),
        ]

    def brief(self, account: Account) -> str:
        """Return what tells candidates apart, in one line."""
        created = f"created {account.created_at:%Y-%m-%d}" if account.created_at else None
        personal = [self.personal(each) for each in (account.email, account.phone) if each]
        sub = f"sub {account.sub}" if account.sub else None
        who = [self.name(account), *personal, f"pool {account.pool}"]
        return " · ".join(filter(None, [*who, account.sign_in, account.standing, created, sub]))

    def reason(self, reason: str) -> list[Element]:
        """Return a reason, with its ticket numbers as links to `ticket_url`, in which {} stands for the number."""
        tickets = self.reason_rule.tickets(reason) if self.reason_rule and self.ticket_url else ()
        elements: list[Element] = []
        end = 0
        for start, stop in tickets[:MAX_LINKS]:
            url = str(self.ticket_url).replace("{}", quote(reason[start:stop], safe=""))
            if len(url) > MAX_URL:
                continue
            elements += [words(reason[end:start])] if start > end else []
            elements.append({"type": "link", "url": url, "text": visible(reason[start:stop])})
            end = stop
        return [*elements, words(reason[end:])] if end < len(reason) or not elements else elements

    def token_lifetime(self, pool: str) -> str:
        """Return how long a token of a pool lives, in words; of one that is not configured now, at most."""
        minutes = round(self.token_lifetimes.get(pool, timedelta(days=1)).total_seconds() / 60)
        sizes = (("day", 1440), ("hour", 60), ("minute", 1))
        unit, size = next((unit, size) for unit, size in sizes if minutes % size == 0)
        count = minutes // size
        return f"{count} {unit}{'s' * (count != 1)}"
