"""A simulated Slack: groups that change, an audit channel with its moods, and what operators can read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from slack_sdk.errors import SlackApiError

from bot.audit import AuditEntry
from bot.request import Operator
from bot.slack.audit_channel import SlackAuditChannel
from bot.slack.cards import Message
from simulation.seen import Listing, Post, Told

if TYPE_CHECKING:
    from simulation.instances import Instance
    from simulation.world import World

SLOWEST = 5.0  # bot.slack.clients.TIMEOUT_SECONDS
HOME = "T0HOME"


@dataclass
class Thread:
    """What came of one command, as its operator sees it: the card as it stands, and the notes beside it."""

    card: Message | None = None
    request_id: str | None = None


@dataclass(frozen=True)
class Hook:
    """What a response_url leads to: a thread, and what was asked or pressed by whom."""

    thread: Thread
    request_id: str
    operator: Operator


@dataclass
class Slack:
    """The workspace."""

    world: "World"
    groups: dict[str, frozenset[str]]
    hooks: dict[str, Hook] = field(default_factory=dict)
    posted: int = 0

    def response_url(self, thread: Thread, request_id: str, operator: Operator) -> str:
        """Return a new one, for whoever asked or pressed."""
        url = f"https://hooks.invalid/{len(self.hooks)}"
        self.hooks[url] = Hook(thread, request_id, operator)
        return url

    def respond(self, response_url: str | None, message: Message, *, replace: bool = False) -> bool:
        """Stand in for `bot.slack.clients.respond`."""
        if not response_url:
            return False
        world = self.world
        fault = world.chance(world.weather.slack)
        world.delay(SLOWEST)
        if fault and world.chance(0.5):
            world.schedule.note(f"slack: not told: {_first_line(message)}")
            return False
        self._show(response_url, message, replace=replace)
        return not fault

    def _show(self, url: str, message: Message, *, replace: bool) -> None:
        world, hook = self.world, self.hooks[url]
        has_buttons = bool(_buttons(message))
        if replace or has_buttons:
            hook.thread.card = message
        world.seen.told.append(
            Told(
                text=message.text,
                buttons=has_buttons,
                replace=replace,
                request_id=hook.request_id,
                operator=hook.operator,
                stored=world.stored(hook.request_id),
                refusals=world.refusals(),
            )
        )
        world.schedule.note(f"slack: told: {_first_line(message)}")


def _first_line(message: Message) -> str:
    return message.text.partition("\n")[0][:60]


def _buttons(message: Message) -> list[dict[str, Any]]:
    elements = [each for block in message.blocks for each in (*block.get("elements", ()), block.get("accessory", {}))]
    return [each for each in elements if each.get("type") == "button"]


def buttons(message: Message | None) -> list[tuple[str, str]]:
    """Return the action_id and the value of each of a message's buttons."""
    return [(each["action_id"], each["value"]) for each in _buttons(message)] if message else []


class Client:
    """A `WebClient` as far as the bot's adapters use one."""

    def __init__(self, instance: "Instance") -> None:
        self._instance = instance

    def usergroups_users_list(self, *, usergroup: str) -> Mapping[str, Sequence[str]]:
        world = self._instance.world
        fault = world.chance(world.weather.slack)
        world.delay(SLOWEST)
        if fault:
            raise _refusal("missing_scope") if world.chance(0.5) else TimeoutError
        members = world.slack.groups[usergroup]
        world.seen.listings.append(
            Listing(instance=self._instance.name, group_id=usergroup, members=members, at=world.schedule.now)
        )
        world.schedule.note(f"slack: {usergroup} is {sorted(members)}")
        world.delay(1.0)
        return {"users": sorted(members)}

    def chat_postMessage(self, **message: Any) -> Mapping[str, str]:  # noqa: N802 -- Slack's name
        world = self._instance.world
        post: Post = world.schedule.current().notes["post"]
        weather = world.weather
        fault = world.random.choice(("429", "500", "blocks", "before", "after")) if world.chance(weather.slack) else ""
        post.named = message["metadata"]["event_payload"]["entry_id"]
        post.outcome = message["metadata"]["event_payload"]["outcome"]
        world.delay(SLOWEST / 2)
        if not weather.calm and world.schedule.now < weather.refusing_until:
            raise _refusal("is_archived")
        if fault == "429":
            raise _refusal("ratelimited", 429, {"Retry-After": str(world.random.randint(1, 60))})
        if fault == "500":
            raise _refusal("", 500)
        if fault == "blocks" and "blocks" in message:
            raise _refusal("invalid_blocks")
        if fault == "before":
            raise TimeoutError
        world.slack.posted += 1
        post.ts = f"{world.slack.posted}.0"
        world.schedule.note(f"slack: posted {post.outcome} of {post.named[-4:]}")
        world.delay(SLOWEST / 2)
        if fault == "after":
            raise TimeoutError
        return {"ts": post.ts}


def _refusal(error: str, status: int = 200, headers: Mapping[str, str] | None = None) -> SlackApiError:
    data = {"ok": False, "error": error} if error else "<html>"
    response = SimpleNamespace(status_code=status, headers=headers or {}, data=data)
    return SlackApiError("refused", response)  # type: ignore[no-untyped-call]  # it ships no types


class WatchedChannel(SlackAuditChannel):
    """The real audit channel; what it is about to post is seen together with what the store holds."""

    def __init__(self, instance: "Instance", *more: Any) -> None:
        super().__init__(Client(instance), *more)  # type: ignore[arg-type]  # as much of a WebClient as it needs
        self._instance = instance

    def post(self, entries: Sequence[AuditEntry]) -> str:
        world = self._instance.world
        post = Post(
            entry_ids=[entry.id for entry in entries],
            named="",
            outcome="",
            stored=[world.entry(entry.id) for entry in entries],
            requests=[world.stored(entry.request_id) for entry in entries],
            instance=self._instance.name,
            begun=world.schedule.now,
        )
        world.schedule.current().notes["post"] = post
        world.seen.posts.append(post)
        try:
            ts = super().post(entries)
            post.answered = True
        finally:
            if self._instance.alive:
                post.ended = world.schedule.now
        return ts
