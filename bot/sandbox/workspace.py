"""The Slack look-alike: what people can do in it, and what they see."""

import html
import re
import time
from dataclasses import dataclass
from typing import Any

from bot.sandbox import cast, payloads
from bot.sandbox.changes import Changes
from bot.sandbox.forms import Forms
from bot.sandbox.limits import refusal
from bot.sandbox.response_urls import ResponseUrls
from bot.sandbox.socket_mode import Ack, Sockets

Blocks = list[dict[str, Any]]

EMAIL = re.compile(r"[^\s<>&;\"“”]+@[\w-]+(?:\.[\w-]+)+")
PHONE = re.compile(r"(?<!\S)\+\d[\d\-()]{6,}\d(?!\S)")


@dataclass(kw_only=True)
class Message:
    """A message in a channel; `only_for` names the one person who sees it, if it is ephemeral."""

    ts: str
    channel: str
    author: str
    text: str
    blocks: Blocks | None = None
    metadata: dict[str, Any] | None = None
    only_for: str | None = None
    edited: bool = False

    def button(self, action_id: str) -> dict[str, Any]:
        """Give the button with this action_id, and the id of its block; LookupError where the message has none."""
        for block in self.blocks or []:
            elements = block["elements"] if block["type"] == "actions" else [block.get("accessory", {})]
            for element in elements:
                if element.get("action_id") == action_id:
                    return {"block_id": block["block_id"], **element}
        raise LookupError(f"the message has no button {action_id}")


class Workspace:
    """People, channels, messages and forms, and the app's sockets and response_urls."""

    def __init__(self, changes: Changes | None = None) -> None:
        self.changes = changes or Changes()
        self.people = cast.people()
        self.channels = cast.channels()
        self.usergroups = cast.usergroups()
        self.messages: list[Message] = []
        self.sockets = Sockets(self.changes)
        self.response_urls = ResponseUrls(self)
        self.forms = Forms(self.people, self.sockets, self.changes)
        self.address = ""
        self._last_microsecond = 0

    async def command(self, person_id: str, text: str, channel_id: str, command: str = cast.COMMAND) -> Ack:
        """Type a slash command: the app hears it, and its acknowledgement may be an answer at once."""
        person, channel = self.people[person_id], self.channels[channel_id]
        url = self.response_urls.issue(person_id, channel_id, None)
        payload = payloads.slash_command(person, channel, as_slack_sends_it(text), url, command)
        self.forms.admit(payload, person_id)
        ack = await self.sockets.deliver("slash_commands", payload, accepts_response=True)
        if ack.payload and (ack.payload.get("text") or ack.payload.get("blocks")):
            if refused := refusal(ack.payload):
                return Ack(payload=ack.payload, seconds=ack.seconds, error=refused.error)
            public = ack.payload.get("response_type") == "in_channel"
            self.post(channel_id, ack.payload, only_for=None if public else person_id)
        return ack

    async def press(self, person_id: str, message: Message, action_id: str, value: str | None = None) -> Ack:
        """Press a button of `message` as that person's window shows it. With a `value`, press a forged button."""
        button = {"type": "button", "action_id": action_id, "block_id": "forged", "value": value}
        if value is None:
            button = message.button(action_id)
        url = self.response_urls.issue(person_id, message.channel, message.ts)
        payload = payloads.block_actions(
            self.people[person_id],
            self.channels[message.channel],
            message_ts=message.ts,
            message=None if message.only_for else as_the_api_shows_it(message),
            action={key: button[key] for key in SENT_OF_A_BUTTON if key in button},
            response_url=url,
        )
        self.forms.admit(payload, person_id)
        return await self.sockets.deliver("interactive", payload, accepts_response=False)

    def say(self, person_id: str, text: str, channel_id: str) -> Message:
        """Post something that a person typed."""
        return self._add(
            Message(ts=self._next_ts(), channel=channel_id, author=person_id, text=html.escape(text, quote=False))
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

    def replace(self, message: Message, content: dict[str, Any]) -> None:
        """Put other content into a message, where it stands."""
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
            if message.only_for in (None, person_id) and channel_id in (None, message.channel)
        ]

    def _add(self, message: Message) -> Message:
        self.messages.append(message)
        self.changes.note()
        return message

    def _next_ts(self) -> str:
        now = self._last_microsecond = max(time.time_ns() // 1000, self._last_microsecond + 1)
        return f"{now // 10**6}.{now % 10**6:06d}"


SENT_OF_A_BUTTON = ("type", "action_id", "block_id", "text", "value", "style", "url")


def with_block_ids(blocks: Blocks | None) -> Blocks | None:
    """Give each block that has none an id, as Slack does."""
    return [{"block_id": f"b{number}", **block} for number, block in enumerate(blocks)] if blocks else None


def as_the_api_shows_it(message: Message) -> dict[str, Any]:
    """Show a message as Slack's API returns it."""
    shown: dict[str, Any] = {
        "type": "message",
        "user": message.author,
        "ts": message.ts,
        "team": cast.TEAM_ID,
        "text": message.text,
        "bot_id": cast.BOT_ID,
        "app_id": cast.APP_ID,
    }
    optional = {"blocks": message.blocks, "metadata": message.metadata}
    return shown | {key: value for key, value in optional.items() if value}


def as_slack_sends_it(text: str) -> str:
    """Give what arrives of a typed text: `&`, `<`, `>` escaped, emails and phone numbers made into links."""
    text = html.escape(text.strip(), quote=False)
    text = EMAIL.sub(lambda found: f"<mailto:{found[0]}|{found[0]}>", text)
    return PHONE.sub(lambda found: f"<tel:{re.sub(r'[-()]', '', found[0])}|{found[0]}>", text)
