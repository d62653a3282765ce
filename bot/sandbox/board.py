"""Channels, and the messages in them."""

import html
import re
import time
import uuid
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from bot.sandbox import cast
from bot.sandbox.changes import Changes

Blocks = list[dict[str, Any]]
EMAIL = re.compile(r"[^\s<>&;\"“”]+@[\w-]+(?:\.[\w-]+)+")
LINK = re.compile(r"<((?:mailto|tel):[^|<>]*)\|([^<>]*)>")
PHONE = re.compile(r"(?<!\S)\+\d[\d\-()]{6,}\d(?!\S)")


@dataclass(kw_only=True)
class Message:
    """A message in a channel; `only_for` names the one person who sees it, if it is ephemeral.

    `thread_ts` is the time of the message that it answers, if it is in a thread.
    """

    ts: str
    channel: str
    author: str
    text: str
    blocks: Blocks | None = None
    metadata: dict[str, Any] | None = None
    only_for: str | None = None
    edited: bool = False
    thread_ts: str | None = None

    def button(self, action_id: str) -> dict[str, Any]:
        """Give the button with this action_id, and the id of its block; LookupError where the message has none."""
        for block in self.blocks or []:
            elements = block["elements"] if block["type"] == "actions" else [block.get("accessory", {})]
            for element in elements:
                if element.get("action_id") == action_id:
                    return {"block_id": block["block_id"], **element}
        raise LookupError(f"the message has no button {action_id}")


class Board:
    """The channels and messages of the workspace, and the address at which it listens."""

    def __init__(self, changes: Changes) -> None:
        self.changes = changes
        self.channels = cast.channels()
        self.messages: list[Message] = []
        self.address = ""
        self._last_microsecond = 0

    def say(self, person_id: str, text: str, channel_id: str, thread_ts: str | None = None) -> Message:
        """Post something that a person typed, perhaps in a thread."""
        said = as_slack_sends_it(text)
        return self._add(
            Message(ts=self._next_ts(), channel=channel_id, author=person_id, text=said, thread_ts=thread_ts)
        )

    def post(self, channel_id: str, content: dict[str, Any], only_for: str | None = None) -> Message:
        """Post what the app sent, already checked."""
        return self._add(
            Message(
                ts=self._next_ts(),
                channel=channel_id,
                author=cast.BOT_USER_ID,
                text=content.get("text") or "",
                blocks=with_block_ids(content.get("blocks")),
                metadata=content.get("metadata"),
                only_for=only_for,
            )
        )

    def direct_messages(self, person_id: str) -> cast.Channel:
        """Give the channel in which the app writes to this person."""
        id_ = direct(person_id)
        return self.channels.setdefault(id_, cast.Channel(id=id_, name=cast.BOT_NAME, of=person_id))

    def replace(self, message: Message, content: dict[str, Any]) -> None:
        """Put other content into a message, which keeps its place."""
        message.text = content.get("text") or ""
        message.blocks = with_block_ids(content.get("blocks"))
        message.edited = True
        self.changes.note()

    def delete(self, message: Message) -> None:
        """Take a message away."""
        self.messages.remove(message)
        self.changes.note()

    def find(self, channel_id: str, ts: str) -> Message | None:
        """Give the message at that time in that channel."""
        return next((m for m in self.messages if m.ts == ts and m.channel == channel_id), None)

    def seen_by(self, person_id: str, channel_id: str | None = None) -> list[Message]:
        """Give all messages that this person can see, in all channels or in one."""
        return [
            message
            for message in self.messages
            if channel_id in (None, message.channel)
            and {message.only_for, self.channels[message.channel].of} <= {None, person_id}
        ]

    def _add(self, message: Message) -> Message:
        self.messages.append(message)
        self.changes.note()
        return message

    def _next_ts(self) -> str:
        now = self._last_microsecond = max(time.time_ns() // 1000, self._last_microsecond + 1)
        return f"{now // 10**6}.{now % 10**6:06d}"


def direct(person_id: str) -> str:
    """Give the id of the channel in which the app writes to this person."""
    return f"D{person_id[1:]}"


def with_block_ids(blocks: Blocks | None) -> Blocks | None:
    """Give each block that has none an id, as Slack does."""
    return [{"block_id": f"b{number}", **block} for number, block in enumerate(blocks)] if blocks else None


def as_slack_sends_it(text: str) -> str:
    """Give what arrives of a typed text: `&`, `<`, `>` escaped, emails and phone numbers made into links."""
    text = html.escape(text.strip(), quote=False)
    text = EMAIL.sub(lambda found: f"<mailto:{found[0]}|{found[0]}>", text)
    return PHONE.sub(lambda found: f"<tel:{re.sub(r'[-()]', '', found[0])}|{found[0]}>", text)


def as_the_api_shows_it(message: Message) -> dict[str, Any]:
    """Show a message as Slack's API returns it."""
    is_apps = message.author == cast.BOT_USER_ID
    shown: dict[str, Any] = {
        "type": "message",
        "user": message.author,
        "ts": message.ts,
        "team": cast.TEAM_ID,
        "text": message.text,
        **({"bot_id": cast.BOT_ID, "app_id": cast.APP_ID} if is_apps else {"client_msg_id": str(uuid.uuid4())}),
    }
    blocks = message.blocks if is_apps else [_rich(message.text)]
    optional = {"blocks": blocks, "metadata": message.metadata, "thread_ts": message.thread_ts}
    return shown | {key: value for key, value in optional.items() if value}


def _rich(text: str) -> dict[str, Any]:
    """Show a text that a person typed as the block that comes with it."""
    parts, elements = LINK.split(text), list[dict[str, Any]]()
    for said, url, label in zip_longest(parts[::3], parts[1::3], parts[2::3]):
        elements += [{"type": "text", "text": html.unescape(said)}] if said else []
        elements += [{"type": "link", "url": url, "text": label}] if url else []
    return {"type": "rich_text", "block_id": "typed", "elements": [{"type": "rich_text_section", "elements": elements}]}
