"""The sandbox's stage for tests that are not async themselves: it runs in a thread, with a loop of its own."""

import asyncio
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Container, Coroutine, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from copy import deepcopy
from dataclasses import replace
from datetime import datetime
from email.utils import format_datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar
from unittest.mock import patch

from aiohttp import web_response
from forks import Fork

from bot.ports import Clock
from bot.sandbox import cast
from bot.sandbox.board import Message, direct
from bot.sandbox.cognito import Device, Moto
from bot.sandbox.request_url import RequestUrl
from bot.sandbox.socket_mode import Ack
from bot.sandbox.stage import Stage
from bot.sandbox.views import Answers, View
from bot.sandbox.wire import Call, Fault, Pause, Wire

if TYPE_CHECKING:
    from bot.edge.serve import Edge

T = TypeVar("T")

SAM, KIM, LEE, RAY, PAT = "U0SAM00001", "U0KIM00001", "U0LEE00001", "U0RAY00001", "U0PAT00001"
SUPPORT, AUDIT = cast.SUPPORT_CHANNEL, cast.AUDIT_CHANNEL
PATIENCE = 30.0  # an upper bound: what is waited for ends the wait


class Headless:
    """A stage in a thread. Its methods mirror the workspace's, Cognito's and the weather's, and block.

    What they return is a copy: a message pressed later is the message as that person's window showed it then.
    """

    def __init__(
        self,
        moto: Moto,
        people: Iterable[str] | None = ("ada", "grace"),
        tracked: Container[str] = (),
        crowd: int = 0,
    ) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="stage", daemon=True)
        self._stage = partial(_stage, moto, people, tracked, crowd)
        self.stage: Stage
        self.request_url: RequestUrl
        self._at_work: list[AtWork] = []  # one for each bot in this process
        self.clock: Clock | None = None  # of bots in this process; None is the machine's
        self.date: Callable[[], datetime] | None = None  # what Slack and AWS tell; None is that clock

    def __enter__(self) -> Self:
        """Start the stage."""
        self._thread.start()
        self.stage = self.run(self._stage())
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the stage."""
        try:
            self.run(self.stage.__aexit__())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something on the stage's loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def do(self, act: Callable[[], T]) -> T:
        """Call something on the stage's loop and wait for it."""

        async def work() -> T:
            return act()

        return self.run(work())

    @property
    def environment(self) -> dict[str, str]:
        """What a bot needs to appear on this stage."""
        return dict(self.stage.environment)

    # Slack

    def install(self, where: cast.Install) -> None:
        """Install the app there, with the scopes that it needs there."""
        self.do(lambda: self.stage.install(where))

    def move(self, person: str, team_id: str) -> None:
        """Let this person be in another workspace from now on."""
        people = self.stage.workspace.people
        self.do(lambda: people.update({person: replace(people[person], team_id=team_id)}))

    def command(self, person: str, text: str, channel: str = SUPPORT) -> Ack:
        """Type /signout and wait for the ack."""
        return self.run(self.stage.workspace.command(person, text, channel))

    def press(self, person: str, message: Message, action_id: str, value: str | None = None) -> Ack:
        """Press a button and wait for the ack; a `value` forges the button."""
        return self.run(self.stage.workspace.press(person, message, action_id, value))

    def shortcut(self, person: str, message: Message | None = None) -> Ack:
        """Use the shortcut in the menu of a message, or else the one that is anywhere, and wait for the ack."""
        return self.run(self.stage.workspace.shortcut(person, message))

    def say(self, person: str, text: str, channel: str = SUPPORT, thread_ts: str | None = None) -> Message:
        """Say something in a channel, perhaps in a thread."""
        return self.do(lambda: deepcopy(self.stage.workspace.say(person, text, channel, thread_ts)))

    def press_at_once(self, presses: Iterable[tuple[str, Message, str, *tuple[str, ...]]]) -> list[Ack]:
        """Press many buttons at once and wait for all acks; a fourth value forges the button, as in `press`."""

        async def work() -> list[Ack]:
            return await asyncio.gather(*(self.stage.workspace.press(*press) for press in presses))

        return self.run(work())

    def form(self, person: str) -> View | None:
        """The form that this person has open now."""
        return self.do(lambda: deepcopy(self.stage.workspace.forms.of(person)))

    def submit(self, person: str, view: View, answers: Answers) -> Ack:
        """Send a form and wait for the ack. Answers are texts (or values of options) by block_id.

        What is not answered keeps what it has. A form that Slack's window would not send gives `not_submitted`.
        """
        return self.run(self.stage.workspace.forms.submit(person, view, answers))

    def act_in_form(self, person: str, view: View, action_id: str, answers: Answers | None = None) -> Ack:
        """Press a button in a form, or change an input with `dispatch_action`, and wait for the ack."""
        return self.run(self.stage.workspace.forms.act(person, view, action_id, answers or {}))

    def close_form(self, person: str, view: View) -> Ack | None:
        """Close a form unsent; None where the bot did not ask to be told."""
        return self.run(self.stage.workspace.forms.close(person, view))

    def messages(self, person: str, channel: str = SUPPORT) -> list[Message]:
        """What this person sees in a channel now."""
        return self.do(lambda: deepcopy(self.stage.workspace.seen_by(person, channel)))

    def audit(self) -> list[Message]:
        """What is in the audit channel now."""
        return self.messages(SAM, AUDIT)

    def direct_messages(self, person: str) -> list[Message]:
        """What the app wrote to this person directly."""
        return self.do(lambda: deepcopy(self.stage.workspace.seen_by(person, direct(person))))

    def last_sent(self) -> dict[str, Any]:
        """The last envelope that went to a bot."""
        return self.do(lambda: deepcopy(self.stage.workspace.sockets.sent[-1]))

    def redeliver(self, envelope: dict[str, Any]) -> Ack:
        """Deliver an envelope once more."""
        return self.run(self.stage.workspace.sockets.redeliver(envelope))

    def connections(self) -> int:
        """How many sockets are connected."""
        return self.do(lambda: len(self.stage.workspace.sockets.connections))

    def wait_for(self, look: Callable[[], T], timeout: float = PATIENCE) -> T:
        """Look again after each change on the stage, and every 50 ms, until there is something; give that."""
        end = time.monotonic() + timeout
        while True:
            count = self.stage.changes.count
            if found := look():
                return found
            if time.monotonic() > end:
                raise AssertionError(f"waited {timeout} s in vain; the workspace shows {self._everything()}")
            self.run(self.stage.changes.after(count, 0.05))

    def wait_for_message(
        self, person: str, channel: str = SUPPORT, containing: str = "", button: str = "", timeout: float = PATIENCE
    ) -> Message:
        """Wait for a message that shows some words (in its text or blocks) or has a button; the newest one."""

        def look() -> Message | None:
            return next((m for m in reversed(self.messages(person, channel)) if shows(m, containing, button)), None)

        return self.wait_for(look, timeout)  # type: ignore[return-value]  # wait_for gives nothing falsy

    def wait_for_form(self, person: str, containing: str = "", timeout: float = PATIENCE) -> View:
        """Wait until this person has a form open that shows some words, among them its errors."""

        def look() -> View | None:
            form = self.form(person)
            return form if form and containing in form_words(form) else None

        return self.wait_for(look, timeout)  # type: ignore[return-value]  # wait_for gives nothing falsy

    # Cognito

    def devices(self, username: str) -> list[Device]:
        """A person's devices, after really trying their tokens."""
        self.run(self.stage.cognito.check(username))
        return self.do(lambda: deepcopy(self.stage.cognito.devices(username)))

    def is_signed_in(self, username: str) -> bool:
        """Whether every refresh and access token of this person still works; an error where only some do."""
        works = {flag for device in self.devices(username) for flag in (device.refresh_works, device.access_works)}
        if len(works) != 1:
            raise AssertionError(f"{username} is neither signed in nor signed out: {works}")
        return works.pop()

    # Weather

    @property
    def cognito_wire(self) -> Wire:
        """The wire between the bot and Cognito; change it through `before_cognito`."""
        return self.stage.weather.cognito

    def before_cognito(self, action: str, *faults: Fault) -> None:
        """Put faults in the way of the next calls of a Cognito action."""
        self.do(lambda: self.stage.weather.cognito.next(action, *faults))

    def before_slack(self, action: str, *faults: Fault) -> None:
        """Put faults in the way of the next calls of a Slack method (or `response_url`)."""
        self.do(lambda: self.stage.weather.slack.next(action, *faults))

    def pause(self, action: str, *, after: bool = False) -> "Paused":
        """Hold the next call of a Cognito action, a Slack method or `response_url` until released."""

        async def make() -> Pause:
            return Pause(after=after)

        pause = self.run(make())
        before = self.before_cognito if action[0].isupper() else self.before_slack
        before(action, pause)
        return Paused(self, pause)

    def cognito_calls(self, action: str = "") -> list[Call]:
        """The bot's calls to Cognito so far."""
        return self.do(lambda: [call for call in self.stage.weather.cognito.calls if action in ("", call.action)])

    def slack_calls(self, action: str = "") -> list[Call]:
        """The bot's calls to Slack so far."""
        return self.do(lambda: [call for call in self.stage.weather.slack.calls if action in ("", call.action)])

    def switch(self, name: str, *, on: bool = True) -> None:
        """Turn one of the page's kinds of weather on or off."""
        self.do(lambda: self.stage.weather.switch(name, on=on))

    # Bots

    @contextmanager
    def bot_in_process(self, *options: str, **overrides: str) -> Iterator[None]:
        """Run the bot in this process, by `clock`, in a thread of its own, connected and ready; drain it at the end.

        The one option is `--http`, as of `run`.
        """
        from bot.settings.environment import correct  # noqa: PLC0415 - tests of only the sandbox need no bot
        from bot.settings.load import load  # noqa: PLC0415
        from bot.wiring.run import build  # noqa: PLC0415

        environment, http = self.environment | overrides, "--http" in options
        correct(environment)
        loop, stop = asyncio.new_event_loop(), asyncio.Event()
        aws = {name: value for name, value in environment.items() if name.startswith("AWS_")}
        with patch.dict(os.environ, aws), ExitStack() as exits:
            settings = load(environment, http=http)
            told = self.date or (self.clock.now if self.clock else None)
            if told:
                exits.enter_context(
                    patch.object(web_response, "rfc822_formatted_time", lambda: format_datetime(told(), usegmt=True))
                )
            edge = build(settings, self.clock, http=http)
            self._at_work.append(at_work := AtWork(edge))
            exits.callback(self._at_work.remove, at_work)
            work = edge.serve("127.0.0.1", 0, stop)
            failures: list[BaseException] = []
            thread = threading.Thread(target=_run_bot, args=(loop, work, failures), name="bot", daemon=True)
            exits.callback(self.deliver_to, None)
            log = exits.enter_context(_listening_to("bot.edge"))
            is_ready = self._is_ready(lambda: "\n".join(log), http=http)
            thread.start()
            try:
                self.wait_for(lambda: failures or is_ready())
                if not failures:
                    yield
            finally:
                if not loop.is_closed():
                    loop.call_soon_threadsafe(stop.set)
                thread.join(30)
            if failures:
                raise failures[0]

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        """Let the bots in this process finish all that they have begun, and begin no round until this ends.

        That the stage has seen a call does not mean that the bot has noted the answer. By now it has.
        """
        with ExitStack() as held:
            for each in self._at_work:
                each.hold_rounds(held)
                self.wait_for(each.lanes_are_empty)
            yield

    def rest(self) -> None:
        """Wait until the bots in this process are at rest."""
        with self.at_rest():
            pass

    def bot_process(
        self, *options: str, connected: bool = True, **overrides: str
    ) -> AbstractContextManager["BotProcess"]:
        """Run `python -m bot run` as a process of its own, `connected` and ready; end it at the end."""
        return self._running(partial(self._start, overrides, options), connected=connected, http="--http" in options)

    def forked_bot(self, **overrides: str) -> AbstractContextManager["BotProcess"]:
        """Do as `bot_process` does, but let it be forked from a process that has imported everything."""
        return self._running(partial(self._start, overrides, forked=True))

    @contextmanager
    def _running(
        self, start: Callable[[], "BotProcess"], *, connected: bool = True, http: bool = False
    ) -> Iterator["BotProcess"]:
        bot = start()
        is_ready = self._is_ready(bot.log, http=http)
        try:
            self.wait_for(lambda: not connected or bot.has_ended() or is_ready(), timeout=60)
            if connected and bot.has_ended():
                raise AssertionError(f"the bot ended with {bot.wait()}: {bot.log()}")
            yield bot
        finally:
            bot.kill()
            self.deliver_to(None)

    def deliver_to(self, address: str | None) -> None:
        """Deliver to a bot that listens at this address, instead of over Socket Mode; None changes back."""
        if address:
            self.request_url = RequestUrl(f"{address}/slack/events")
        self.stage.workspace.sockets.instead = self.request_url.deliver if address else None

    def _is_ready(self, log: Callable[[], str], *, http: bool) -> Callable[[], bool]:
        """Tell whether a bot that is about to start takes commands; over HTTP, have them delivered to it then."""

        def is_ready() -> bool:
            if not http:  # a bot that ended just before may still be counted: this one's own word decides
                return "Connected to Slack in Socket Mode" in log() and self.connections() > 0
            page = re.search(r"Health page on (http://[\d.]+:\d+)", log())
            if page is None or "Taking Slack's requests" not in log():
                return False
            self.deliver_to(page[1])
            return True

        return is_ready

    def bot_that_ends(self, **overrides: str) -> tuple[int, str]:
        """Run `python -m bot run` where it cannot start; gives its exit status and what it logged."""
        bot = self._start(overrides)
        try:
            return bot.wait(), bot.log()
        finally:
            bot.kill()

    def _start(self, overrides: dict[str, str], options: Iterable[str] = (), *, forked: bool = False) -> "BotProcess":
        log = self.stage.folder / f"bot-{time.monotonic_ns()}.log"
        environment = {"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1"} | self.environment | overrides
        words = ["run", "--port", "0", *options]
        if forked:
            log.touch()
            return BotProcess(Fork(words, environment, log), log)
        with log.open("wb") as output:
            command = [sys.executable, "-m", "bot", *words]
            process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
        return BotProcess(process, log)

    def _everything(self) -> str:
        messages, ids = self.do(lambda: (list(self.stage.workspace.messages), list(self.stage.workspace.people)))
        lines = [f"{m.channel} for {m.only_for or 'all'}: {m.text}" for m in messages]
        lines += [f"a form for {form.person}: {form_words(form)}" for form in map(self.form, ids) if form]
        return "\n".join(lines) or "nothing"


class AtWork:
    """Whether a bot in this process is at work. To be made before the bot starts."""

    def __init__(self, edge: "Edge") -> None:
        self._lanes, self._between_rounds = edge.lanes, [threading.Lock() for _ in edge.rounds]
        for rounds, lock in zip(edge.rounds, self._between_rounds, strict=True):
            rounds._round = partial(_locked, lock, rounds._round)  # type: ignore[method-assign]

    def hold_rounds(self, held: ExitStack) -> None:
        """Wait until no round is under way, and begin none until `held` ends."""
        for lock in self._between_rounds:
            assert lock.acquire(timeout=PATIENCE), "a round of the bot does not end"
            held.callback(lock.release)

    def lanes_are_empty(self) -> bool:
        """Whether no command and no press is at work."""
        return not any(lane.taken for lane in self._lanes)


def _locked(lock: threading.Lock, work: Callable[[], float]) -> float:
    with lock:
        return work()


class Paused:
    """A call held on the wire."""

    def __init__(self, headless: Headless, pause: Pause) -> None:
        self._headless, self._pause = headless, pause

    def wait_until_arrived(self, timeout: float = PATIENCE) -> None:
        """Wait until the call is there (and, if paused after it, has been done)."""
        self._headless.run(asyncio.wait_for(self._pause.arrived.wait(), timeout))

    def release(self) -> None:
        """Let the call, or its answer, go on."""
        self._headless.do(self._pause.released.set)


class BotProcess:
    """A bot that runs as a process."""

    def __init__(self, process: subprocess.Popen[bytes] | Fork, log: Path) -> None:
        self._process, self._log = process, log

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL, and wait for its end."""
        self._process.kill()
        self._process.wait()

    def terminate(self, timeout: float = 30) -> int:
        """SIGTERM; gives the exit status."""
        self.signal_to_stop()
        return self.wait(timeout)

    def signal_to_stop(self) -> None:
        """SIGTERM."""
        self._process.send_signal(signal.SIGTERM)

    def wait(self, timeout: float = 30) -> int:
        """Wait for its end; gives the exit status."""
        return self._process.wait(timeout)

    def has_ended(self) -> bool:
        """Whether it runs no more."""
        return self._process.poll() is not None

    def processor_seconds(self) -> float:
        """The processor time that its threads have taken so far. On Linux only."""
        return time.clock_gettime((~self._process.pid << 3) | 2)  # what clock_getcpuclockid(3) gives for a process

    def log(self) -> str:
        """Everything that it has logged so far."""
        return self._log.read_text()


def shows(message: Message, words: str, button: str = "") -> bool:
    """Whether a message shows these words, and has a button with this action_id (where one is given)."""
    if button:
        try:
            message.button(button)
        except LookupError:
            return False
    return words in message.text or words in "\n".join(texts(message.blocks))


def form_words(form: View) -> str:
    """Every text that a form shows: its own, and its errors."""
    return "\n".join([*texts(form.content), *form.errors.values(), form.trouble or ""])


def texts(part: Any) -> list[str]:
    """Every text in a message's blocks, in order."""
    if isinstance(part, list):
        return [text for item in part for text in texts(item)]
    if isinstance(part, dict):
        return [
            text
            for key, held in part.items()
            for text in ([held] if key == "text" and isinstance(held, str) else texts(held))
        ]
    return []


async def _stage(moto: Moto, people: Iterable[str] | None, tracked: Container[str], crowd: int) -> Stage:
    return await Stage(moto, people, tracked=tracked, crowd=crowd).__aenter__()


@contextmanager
def _listening_to(name: str) -> Iterator[list[str]]:
    """Give what a logger says from INFO on."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger(name)
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


def _run_bot(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, None], failures: list[BaseException]) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(work)
        loop.run_until_complete(loop.shutdown_default_executor())
    except BaseException as failure:  # noqa: BLE001 - it is raised again in the test's thread
        failures.append(failure)
    finally:
        loop.close()
