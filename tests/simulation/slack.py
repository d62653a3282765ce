"""A simulated Slack: groups that change, an audit channel with its moods, and what operators can read.

What was sent is on its way, whether its sender lives or not, and comes late at times.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar

from slack_sdk.errors import SlackApiError

from bot.audit import Entry
from bot.errors import DeliveryError
from bot.ports import Left, Place
from bot.request import AWAITING, ENDED, Operator, Request, State
from bot.slack.approvals import APPROVE, DENY
from bot.slack.audit_channel import SlackAuditChannel
from bot.slack.cards import CANCEL, CHOOSE, CONFIRM
from bot.slack.clients import not_taken
from bot.slack.reply import SlackCards
from bot.slack.text import Message, button, message
from simulation.seen import Asked, Listing, Post, Told

if TYPE_CHECKING:
    from simulation.instances import Instance
    from simulation.world import World

T = TypeVar("T")
SLOWEST = 5.0  # bot.slack.clients.ANSWER_SECONDS
HOME = "T0HOME"
APPROVALS = "C0APPROVE"
USES = 5  # of a response_url
PAUSE, GO_ON, STOP, AGAIN = "pause", "go on", "stop", "again"  # the buttons of a list


@dataclass(eq=False)
class OnScreen:
    """One message as its reader sees it now: what it says, and of which request it was drawn, where it is a card."""

    message: Message
    drawn: Request | None


@dataclass(eq=False)
class Thread:
    """What came of one command, as its operator sees it."""

    messages: list[OnScreen] = field(default_factory=list)
    request_id: str | None = None

    @property
    def card(self) -> OnScreen | None:
        """The newest message that still has buttons."""
        return next((each for each in reversed(self.messages) if buttons(each)), None)


@dataclass(eq=False)
class Hook:
    """What a response_url leads to: the message that was pressed, or none; and what was asked or pressed by whom."""

    thread: Thread
    pressed: OnScreen | None
    request_id: str
    operator: Operator
    made_at: float
    uses: int = 0


@dataclass
class Slack:
    """The workspace."""

    world: "World"
    groups: dict[str, frozenset[str]]
    hooks: dict[str, Hook] = field(default_factory=dict)
    directs: dict[str, list[Request]] = field(default_factory=dict)
    approvals: dict[str, OnScreen] = field(default_factory=dict)  # by ts
    progress: dict[str, OnScreen] = field(default_factory=dict)  # by ts
    posted: int = 0

    def response_url(self, thread: Thread, pressed: OnScreen | None, request_id: str, operator: Operator) -> str:
        """Return a new one, for the person who asked or pressed."""
        url = f"https://hooks.invalid/{len(self.hooks)}"
        self.hooks[url] = Hook(thread, pressed, request_id, operator, self.world.schedule.now)
        return url

    def respond(self, _: "Client", response_url: str, message: Message, *, replace: bool) -> None:
        """Stand in for `bot.slack.responses.respond`."""
        world, hook = self.world, self.hooks[response_url]
        drawn = world.schedule.current().notes.pop("drawn", None)
        fault = (
            world.random.choice(("429", "500", "before", "after", "gone")) if world.chance(world.weather.slack) else ""
        )
        hook.uses += 1
        if world.schedule.now > hook.made_at + world.weather.url_lasts or hook.uses > USES or fault == "gone":
            hook.uses = USES
            world.delay(1.0)
            raise DeliveryError("used_url", gone=True)
        if fault in {"429", "500", "before"}:
            world.schedule.note(f"slack: {fault}, not told: {_first_line(message)}")
            world.delay(SLOWEST)
            raise not_taken({"429": 429}.get(fault, 500), {"Retry-After": str(world.random.randint(1, 30))}, None)
        self._on_its_way(lambda: self._shown(hook, message, drawn, replace=replace))
        if fault == "after":
            raise DeliveryError("TimeoutError")

    def direct(self, message: dict[str, Any], fault: str) -> Mapping[str, str]:
        """Take a direct message, or not."""
        world = self.world
        drawn: Request = world.schedule.current().notes.pop("drawn")
        if fault in {"429", "500", "before"}:
            world.delay(SLOWEST)
            raise refusal("", 500)
        text = str(message["text"])
        hook = Hook(Thread(), None, drawn.id, drawn.ask.operator, world.schedule.now)
        self._on_its_way(
            lambda: self._shown(hook, Message(text=text, blocks=message.get("blocks", [])), drawn, direct=True)
        )
        if fault == "after":
            raise TimeoutError
        return {"ts": "1.0"}

    def beside(self, message: dict[str, Any], fault: str) -> Mapping[str, str]:
        """Take an approval or progress message, or the newest version of one, or not."""
        world = self.world
        drawn: Request = world.schedule.current().notes.pop("drawn")
        is_progress = message["channel"] != APPROVALS
        if is_progress and not world.weather.calm and world.schedule.now < world.weather.refusing_until:
            world.delay(SLOWEST)
            raise refusal("is_archived")
        if fault in {"429", "500", "before"}:
            world.delay(SLOWEST)
            raise refusal("", 500)
        self.posted += "ts" not in message
        ts = str(message.get("ts", f"{self.posted}.1"))
        shown = OnScreen(Message(text=str(message["text"]), blocks=message.get("blocks", [])), drawn)
        self._on_its_way(lambda: self._progress_shown(ts, shown) if is_progress else self._approval_shown(ts, shown))
        if fault == "after":
            raise TimeoutError
        return {"ts": ts}

    def _progress_shown(self, ts: str, shown: OnScreen) -> None:
        self.progress[ts] = shown
        if shown.drawn:
            stored = self.world.stored(shown.drawn.id)
            self.world.seen.progress.append(Asked(ts=ts, drawn=shown.drawn, stored=stored, text=shown.message.text))
        self.world.schedule.note(f"slack: the channel reads: {_first_line(shown.message)}")

    def _approval_shown(self, ts: str, shown: OnScreen) -> None:
        self.approvals[ts] = shown
        if shown.drawn:
            stored = self.world.stored(shown.drawn.id)
            self.world.seen.approvals.append(Asked(ts=ts, drawn=shown.drawn, stored=stored, text=shown.message.text))
        self.world.schedule.note(f"slack: approvers read: {_first_line(shown.message)}")

    def _on_its_way(self, arrives: Callable[[], None]) -> None:
        """Let it arrive after some time, and the sender be told so some time later."""
        world = self.world
        after, more = world.some_of(SLOWEST / 2), world.some_of(SLOWEST / 2)
        world.schedule.spawn("slack", arrives, after=after)
        world.schedule.pause(after + more)

    def _shown(
        self, hook: Hook, message: Message, drawn: Request | None, *, replace: bool = False, direct: bool = False
    ) -> None:
        world, now, about = self.world, OnScreen(message, drawn), drawn.id if drawn else hook.request_id
        if direct and drawn:
            self.directs.setdefault(drawn.id, []).append(drawn)
        elif replace and hook.pressed:
            hook.pressed.message, hook.pressed.drawn = message, drawn
        else:
            hook.thread.messages.append(now)
        told = Told(
            text=message.text,
            buttons=bool(buttons(now)),
            replace=replace,
            direct=direct,
            request_id=about,
            operator=hook.operator,
            drawn=drawn,
            stored=world.stored(about),
            at=world.schedule.now,
            refused_at=world.refused_at(hook.operator),
        )
        world.seen.told.append(told)
        world.schedule.note(f"slack: {hook.operator.name} reads: {_first_line(message)}")


def _first_line(message: Message) -> str:
    return message.text.partition("\n")[0][:60]


def buttons(shown: OnScreen | None) -> list[tuple[str, str]]:
    """Return the action_id and the value of each of a message's buttons."""
    blocks = shown.message.blocks if shown else []
    elements = [each for block in blocks for each in (*block.get("elements", ()), block.get("accessory", {}))]
    return [(each["action_id"], each["value"]) for each in elements if each.get("type") == "button"]


class Client:
    """A `WebClient` as far as the bot's adapters use one."""

    def __init__(self, instance: "Instance", channel_id: str) -> None:
        self._instance = instance
        self._channel_id = channel_id

    def auth_test(self) -> None:
        world, sent = self._instance.world, self._instance.sending()
        fault = world.chance(world.weather.slack)
        world.delay(SLOWEST)
        if fault:
            raise TimeoutError
        self._instance.heard(sent)

    def usergroups_users_list(self, *, usergroup: str, **_: None) -> Mapping[str, Sequence[str]]:
        return self._heard(lambda: self._list(usergroup))

    def _heard(self, ask: Callable[[], T]) -> T:
        """Return an answer; the instance is told when it was given, as it is of a refusal."""
        sent = self._instance.sending()
        try:
            answer = ask()
        except SlackApiError:
            self._instance.heard(sent)
            raise
        self._instance.heard(sent)
        return answer

    def _list(self, usergroup: str) -> Mapping[str, Sequence[str]]:
        world = self._instance.world
        fault = world.chance(world.weather.slack)
        world.delay(SLOWEST)
        if fault:
            raise refusal("missing_scope") if world.chance(0.5) else TimeoutError
        members = world.slack.groups[usergroup]
        world.seen.listings.append(
            Listing(instance=self._instance.name, group_id=usergroup, members=members, at=world.schedule.now)
        )
        world.schedule.note(f"slack: {usergroup} is {sorted(members)}")
        world.delay(1.0)
        return {"users": sorted(members)}

    def chat_postMessage(self, **message: Any) -> Mapping[str, str]:  # noqa: N802 -- Slack's name
        world = self._instance.world
        weather = world.weather
        fault = world.random.choice(("429", "500", "blocks", "before", "after")) if world.chance(weather.slack) else ""
        if message["channel"] == APPROVALS:
            return self._heard(lambda: world.slack.beside(message, fault))
        if message["channel"] == self._channel_id and "metadata" not in message:
            return self._heard(lambda: world.slack.beside(message, fault))
        if message["channel"] != self._channel_id:
            return self._heard(lambda: world.slack.direct(message, fault))
        return self._heard(lambda: self._to_the_audit_channel(message, fault))

    def chat_update(self, **message: Any) -> Mapping[str, str]:
        world = self._instance.world
        fault = world.random.choice(("429", "500", "before", "after")) if world.chance(world.weather.slack) else ""
        return self._heard(lambda: world.slack.beside(message, fault))

    def _to_the_audit_channel(self, message: dict[str, Any], fault: str) -> Mapping[str, str]:
        world = self._instance.world
        post: Post = world.schedule.current().notes["post"]
        post.named = message["metadata"]["event_payload"]["entry_id"]
        post.outcome = message["metadata"]["event_payload"]["outcome"]
        post.text = message["text"]
        world.delay(SLOWEST / 2)
        if not world.weather.calm and world.schedule.now < world.weather.refusing_until:
            raise refusal("is_archived")
        if fault == "429":
            raise refusal("ratelimited", 429, {"Retry-After": str(world.random.randint(1, 60))})
        if fault == "500":
            raise refusal("", 500)
        if fault == "blocks" and "blocks" in message:
            raise refusal("invalid_blocks")
        if fault == "before":
            raise TimeoutError
        world.slack.posted += 1
        post.ts = f"{world.slack.posted}.0"
        world.schedule.note(f"slack: posted {post.outcome} of {post.named[-4:]}")
        world.delay(SLOWEST / 2)
        if fault == "after":
            raise TimeoutError
        return {"ts": post.ts}


def refusal(error: str, status: int = 200, headers: Mapping[str, str] | None = None) -> SlackApiError:
    """Return what slack_sdk raises."""
    data = {"ok": False, "error": error} if error else "<html>"
    response = SimpleNamespace(status_code=status, headers=headers or {}, data=data)
    return SlackApiError("refused", response)  # type: ignore[no-untyped-call]  # it ships no types


class WatchedCards(SlackCards):
    """The real cards; of which request a card was drawn is seen with it."""

    def show(self, request: Request, place: Place | None, *left: Left) -> None:
        client: Any = self.client
        client._instance.world.schedule.current().notes["drawn"] = request
        super().show(request, place, *left)

    def show_approval(self, request: Request, ts: str | None, *left: Left) -> str:
        client: Any = self.client
        client._instance.world.schedule.current().notes["drawn"] = request
        return super().show_approval(request, ts, *left)

    def show_progress(self, request: Request, ts: str | None, *left: Left) -> str:
        client: Any = self.client
        client._instance.world.schedule.current().notes["drawn"] = request
        return super().show_progress(request, ts, *left)


def drawn_for_lists(name: str, sound: Callable[..., Message]) -> Callable[..., Message]:
    """Return what draws single requests as the bot does, and lists in plain words: no check reads what is said there.

    `name` says which message it is.
    """

    def draw(shown: Any, of: Any, **more: Any) -> Message:
        request: Request | None = of.request if isinstance(of, Entry) else of
        if not request or not request.listed:
            return sound(shown, of, **more)
        drawn = _buttons_of(request) if name == "card" else ()
        if name == "approval_message" and request.state is State.APPROVING:
            drawn = tuple(button(each, each, request.id) for each in (APPROVE, DENY))
        return message(f"A list is {request.state} (version {request.version})", *([drawn] if drawn else []))

    return draw


def _buttons_of(request: Request) -> tuple[dict[str, Any], ...]:
    choices = [each.begin for each in request.contents.choices] if request.state is State.CONFIRMING else []
    names = [*(f"{CHOOSE}{number}" for number in choices), *([CONFIRM] if request.state is State.CONFIRMING else [])]
    names += [CANCEL] if request.state in AWAITING else []
    names += [] if request.state in AWAITING | ENDED else [PAUSE, GO_ON, STOP]
    names += [AGAIN] if request.state in {State.PARTLY, State.FAILED, State.UNKNOWN} else []
    return tuple(button(each, each, request.id) for each in names)


class WatchedChannel(SlackAuditChannel):
    """The real audit channel; what it is about to post is seen together with what the store holds."""

    def __init__(self, instance: "Instance", *more: Any) -> None:
        super().__init__(*more)
        self._instance = instance

    def post(self, entry: Entry, left: Left) -> str:
        world = self._instance.world
        post = Post(
            entry_id=entry.id,
            named="",
            outcome="",
            stored=world.entry(entry),
            request=world.stored(entry.ask.id),
            overtaken=world.schedule.current().notes.pop("overtaken", ()),
            instance=self._instance.name,
            held=world.schedule.current().notes["held"],
            begun=world.schedule.now,
            clock_set=self._instance.knowledge.was_set_since(self._instance.work_begun()),
        )
        world.schedule.current().notes["post"] = post
        world.seen.posts.append(post)
        try:
            ts = super().post(entry, left)
            post.answered = True
        finally:
            if self._instance.alive:
                post.ended = world.schedule.now
        return ts
