"""What messages are made of, and the one place that draws Block Kit: so Slack interprets no text.

How accounts and reasons are shown is here too: personal data is masked unless the settings say otherwise. Every field
that can have some goes through `Shown`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import quote

from bot.facts.advice import LONGEST_LIFETIME
from bot.options import ReasonRule
from bot.request import Account, Operator
from bot.slack.masking import masked, masked_in, masked_name, personal_in
from bot.spellings import difference
from bot.visible import visible

Drawn = dict[str, Any]

MAX_HEADER = 150
MAX_CHOICE = 600  # ten of the longest would be more than Slack takes in one message
MAX_SMALL = 490  # a line of six, which together must not be longer than a text may be
MAX_LINKS = 10  # with more of them, or longer ones, Slack would refuse the whole message
MAX_URL = 500
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
    """Return a message of these blocks. An empty paragraph is left out, and a heading cut to Slack's limit."""
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
    """Return several lines. One with nothing in it is left out."""
    drawn = [[_element(span) for span in line] for line in said if line]
    if form == "list":
        sections = [{"type": "rich_text_section", "elements": line} for line in drawn]
        part: Drawn = {"type": "rich_text_list", "style": "bullet", "elements": sections}
    else:
        joined = [each for line in drawn for each in (_LINE_BREAK, *line)][1:]
        part = {"type": f"rich_text_{form}", "elements": joined}
    return {"type": "rich_text", "elements": [part]}


def small_print(said: Sequence[Sequence[str]]) -> Drawn:
    """Return small grey letters: a few lines, each of the facts that belong together."""
    texts = [plain(" · ".join(facts), MAX_SMALL)["text"] for facts in said if facts]
    return {"type": "context", "elements": [plain("") | {"text": "\n".join(texts)}]}


def choice(text: str, its_button: Drawn) -> Drawn:
    """Return one of several, with its button."""
    return {"type": "section", "text": plain(text, MAX_CHOICE), "accessory": its_button}


def button(label: str, action_id: str, value: str, **style: str) -> Drawn:
    """Return a button; a `style` of "danger" makes it red."""
    return {"type": "button", "text": plain(label), "action_id": action_id, "value": value, **style}


def plain(text: str, limit: int = 3000) -> Drawn:
    """Return words where Slack takes no others, cut to `limit` characters."""
    text = visible(text)
    return {"type": "plain_text", "text": text if len(text) <= limit else f"{text[: limit - 1]}…", "emoji": False}


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
        case {"type": "text" | "plain_text" | "link", "text": str(text)}:
            said = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        case {"user_id": str(text)} | {"usergroup_id": str(text)} | {"type": "date", "fallback": str(text)}:
            said = text
        case {"type": "rich_text_list", "elements": items}:
            said = "\n".join(f"- {as_text(item)}" for item in items)
        case {"type": "rich_text" | "rich_text_section" | "rich_text_preformatted" | "context", "elements": parts}:
            said = "".join(map(as_text, parts))
        case {"type": "header" | "section", "text": text}:
            said = as_text(text)
    return said


@dataclass(frozen=True, kw_only=True, slots=True)
class Lasting:
    """What outlives a sign-out, by a pool's settings. The defaults are for a pool that is no longer configured."""

    lifetime: str = LONGEST_LIFETIME  # of its tokens, in words
    hosted_login: bool = True
    identity_pool: bool | None = None  # whether one gives out AWS credentials; None where that is not known


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """What the settings say about showing things. `pii` is "masked" or "full", `lasting` is by the pools' names."""

    pii: str
    reason_rule: ReasonRule | None
    ticket_url: str | None
    lasting: Mapping[str, Lasting]
    resume_within: timedelta

    def personal(self, text: str) -> str:
        """Return an email, a phone number or a target as it may be shown."""
        return text if self.pii == "full" else masked_in(masked(text))

    def name(self, account: Account) -> str:
        """Return an account's user name as it may be shown."""
        return account.username if self.pii == "full" else masked_name(account.username, account.phone)

    def who(self, account: Account) -> list[Line]:
        """Return the lines that tell one account from another."""
        facts: Mapping[str, Span | None] = {
            "User name": Code(self.name(account)),
            "Preferred name": account.preferred_username and Code(self.personal(account.preferred_username)),
            "Email": account.email and self.personal(account.email),
            "Phone": account.phone and self.personal(account.phone),
            "Sign-in": account.sign_in,
            "Status": account.status_in_words,
            "Created": account.created_at,
            "Last changed": account.modified_at,
            "Sub": Code(account.sub) if account.sub else None,
            "Pool": f"{account.pool} ({account.region})",
            "Protected": account.protected and f"by {account.protected}",
        }
        return [[Bold(f"{label}  "), fact] for label, fact in facts.items() if fact]

    def how_read(self, target: str, read: str) -> Line:
        """Say how a target was read, where no one was found as it was typed."""
        left_out, otherwise = difference(target, read)
        shown = left_out if self.pii == "full" else [masked_in(each) for each in left_out]
        how: Line = [span for each in shown for span in (" and ", Code(each))]
        how = [" instead. Left out: ", *how[1:]] if how else [f" instead, {otherwise}."]
        return ["Exactly as typed, no one was found. The bot looked for ", Code(self.personal(read)), *how]

    def brief(self, account: Account) -> str:
        """Return what tells candidates apart, in one line."""
        facts = [
            self.name(account),
            *(self.personal(each) for each in (account.preferred_username, account.email, account.phone) if each),
            f"pool {account.pool}",
            account.sign_in,
            account.status_in_words,
            f"created {account.created_at:%Y-%m-%d}" if account.created_at else "",
            f"sub {account.sub}" if account.sub else "",
            "protected" if account.protected else "",
        ]
        return " · ".join(filter(None, facts))

    def reason(self, reason: str) -> Line:
        """Return a reason, with its ticket numbers as links to `ticket_url`, in which {} stands for the number."""
        tickets = self.reason_rule.tickets(reason) if self.reason_rule else ()
        hidden = () if self.pii == "full" else personal_in(reason, tickets)
        found: dict[tuple[int, int], str | Link] = {place: masked(reason[slice(*place)]) for place in hidden}
        for start, stop in tickets[:MAX_LINKS] if self.ticket_url else ():
            url = str(self.ticket_url).replace("{}", quote(reason[start:stop], safe=""))
            if len(url) <= MAX_URL and not any(start < end and begin < stop for begin, end in hidden):
                found[start, stop] = Link(reason[start:stop], url)
        spans, end = list[Span](), 0
        for (start, stop), span in sorted(found.items()):
            spans += [reason[end:start], span]
            end = stop
        return [span for span in (*spans, reason[end:]) if span]
