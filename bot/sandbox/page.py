"""The server of the sandbox's web page: its files, its live snapshots, and what one can do on it. For loopback only."""

import asyncio
import json
import mimetypes
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.sandbox import cast
from bot.sandbox.board import Message
from bot.sandbox.snapshot import snapshot
from bot.sandbox.stage import Stage, listening
from bot.sandbox.views import View

FILES = Path(__file__).parent / "page"
PAUSE_BETWEEN_SNAPSHOTS = 0.05
CHECK_DEVICES_EVERY = 15.0
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Refused(Exception):  # noqa: N818 - it is an answer to the page
    """A sentence for the person on the page, where what they asked makes no sense."""


class Page:
    """The page of one stage."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._windows = 0

    @asynccontextmanager
    async def open(self, door: socket.socket | int) -> AsyncIterator[str]:
        """Serve the page on a loopback port (0 picks one) for as long as the context lasts; gives its address."""
        checks = asyncio.create_task(self._check_devices())
        try:
            async with listening(self._app(), door, forget_the_gone=True) as address:
                yield address + "/"
        finally:
            checks.cancel()

    def _app(self) -> web.Application:
        app = web.Application(middlewares=[only_from_this_machine, refusals_as_json])
        app.on_response_prepare.append(_add_headers)
        for file in FILES.iterdir():
            app.router.add_get("/" if file.name == "index.html" else f"/page/{file.name}", _as_read(file))
        app.router.add_get("/events", self._events)
        for name, act in (
            ("say", self._say),
            ("press", self._press),
            ("shortcut", self._shortcut),
            ("submit", self._submit),
            ("act", self._act),
            ("close", self._close),
            ("weather", self._weather),
            ("sign-in", self._sign_in),
            ("sign-all-in", self._sign_all_in),
        ):
            app.router.add_post(f"/do/{name}", act)
        return app

    async def _events(self, request: web.Request) -> web.StreamResponse:
        person = self._person(request.query.get("person"))
        try:
            since = float(request.query.get("since", time.time()))
        except ValueError:
            raise Refused("since is a time in seconds") from None
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        self._windows += 1
        try:
            with suppress(ConnectionError):
                await self._send_snapshots(response, person, since)
        finally:
            self._windows -= 1
        return response

    async def _send_snapshots(self, response: web.StreamResponse, person: str, since: float) -> None:
        changes = self._stage.changes
        while True:
            count = changes.count
            state = json.dumps(snapshot(self._stage, person, since))
            await response.write(f"retry: 1000\nevent: snapshot\ndata: {state}\n\n".encode())
            while not await changes.after(count, CHECK_DEVICES_EVERY):
                await response.write(b": still here\n\n")
            await asyncio.sleep(PAUSE_BETWEEN_SNAPSHOTS)

    async def _say(self, request: web.Request) -> web.Response:
        said = await _sent(request, "person", "channel", "text")
        person, text = self._person(said["person"]), said["text"].strip()
        channel = self._stage.workspace.channels.get(said["channel"])
        if channel is None or not text:
            raise Refused("Nothing to say, or nowhere to say it.")
        if channel.of:
            return _answer(f"{channel.name} reads no messages.")
        if channel.archived:
            return _answer(f"#{channel.name} is archived: no one can write there.")
        if not text.startswith("/"):
            self._stage.workspace.say(person, text, channel.id)
            return _answer()
        command, _, rest = text.partition(" ")
        if command != cast.COMMAND:
            return _answer(f"{command} is not a valid command.")
        ack = await self._stage.workspace.command(person, rest, channel.id)
        return _answer(ack.error and f"{command} failed with the error “{ack.error}”")

    async def _press(self, request: web.Request) -> web.Response:
        pressed = await _sent(request, "person", "channel", "message", "action_id")
        workspace, person = self._stage.workspace, self._person(pressed["person"])
        message = self._seen(pressed)
        if message is None:
            return _answer("This message is gone.")
        try:
            ack = await workspace.press(person, message, pressed["action_id"])
        except LookupError:
            return _answer("This message has changed meanwhile.")
        return _answer(ack.error and f"{cast.BOT_NAME} did not respond (“{ack.error}”). Try again?")

    async def _shortcut(self, request: web.Request) -> web.Response:
        used = await _sent(request, "person")
        workspace, person = self._stage.workspace, self._person(used["person"])
        message = self._seen(used) if "message" in used else None
        if "message" in used and (message is None or message.only_for):
            return _answer("This message is gone, or has no menu.")
        ack = await workspace.shortcut(person, message)
        return _answer(ack.error and f"{cast.SHORTCUT} did not work (“{ack.error}”). Try again?")

    def _seen(self, sent: dict[str, Any]) -> Message | None:
        """Give the message that this person means, where it is still before them."""
        seen = self._stage.workspace.seen_by(sent["person"], str(sent.get("channel")))
        return next((message for message in seen if message.ts == sent["message"]), None)

    async def _submit(self, request: web.Request) -> web.Response:
        sent = await _sent(request, "person", "view")
        with _sense():
            await self._stage.workspace.forms.submit(sent["person"], self._form(sent), _answers(sent))
        return _answer()  # the form itself shows what is wrong

    async def _act(self, request: web.Request) -> web.Response:
        sent = await _sent(request, "person", "view", "action_id")
        with _sense():
            forms, form = self._stage.workspace.forms, self._form(sent)
            ack = await forms.act(sent["person"], form, sent["action_id"], _answers(sent))
        return _answer(ack.error and f"{cast.BOT_NAME} did not respond (“{ack.error}”). Try again?")

    async def _close(self, request: web.Request) -> web.Response:
        sent = await _sent(request, "person", "view")
        await self._stage.workspace.forms.close(sent["person"], self._form(sent))
        return _answer()

    async def _weather(self, request: web.Request) -> web.Response:
        wanted = await _sent(request, "name")
        if wanted["name"] not in self._stage.weather.switches:
            raise Refused(f"There is no such weather: {wanted['name']}")
        self._stage.weather.switch(wanted["name"], on=wanted.get("on") is True)
        return _answer()

    async def _sign_in(self, request: web.Request) -> web.Response:
        who = await _sent(request, "pool", "username")
        pool = self._stage.cognito.pools.get(who["pool"])
        if pool is None or who["username"] not in pool.accounts:
            raise Refused("There is no one of that name in that pool.")
        return _answer(await self._stage.cognito.sign_in_again(pool, pool.accounts[who["username"]]))

    async def _sign_all_in(self, request: web.Request) -> web.Response:
        await _sent(request)
        if self._stage.crowd is None:
            raise Refused("There is no pool with so many people.")
        await self._stage.crowd.sign_in_again()
        return _answer()

    async def _check_devices(self) -> None:
        while True:
            await asyncio.sleep(CHECK_DEVICES_EVERY)
            if self._windows:
                await self._stage.cognito.check()

    def _form(self, sent: dict[str, Any]) -> View:
        form = self._stage.workspace.forms.of(self._person(sent["person"]))
        if form is None or form.id != sent["view"]:
            raise Refused("That form is no longer open.")
        return form

    def _person(self, person_id: str | None) -> str:
        if person_id not in self._stage.workspace.people:
            raise Refused(f"There is no one with the id {person_id}")
        return person_id


@web.middleware
async def only_from_this_machine(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what another site, or a name that points here, makes a browser send."""
    port = request.transport.get_extra_info("sockname")[1] if request.transport else 0
    hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}
    origin = request.headers.get("Origin")
    if request.host not in hosts or (origin is not None and origin not in {f"http://{host}" for host in hosts}):
        return web.json_response({"ok": False, "error": "This page is only for this machine."}, status=403)
    return await handler(request)


@web.middleware
async def refusals_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer a senseless request with its sentence."""
    try:
        return await handler(request)
    except Refused as refused:
        return web.json_response({"ok": False, "error": str(refused)}, status=400)


def _as_read(file: Path) -> Handler:
    """Return what answers with a file as it is now. aiohttp's own would leave it open when a window goes away."""
    body, (kind, _) = file.read_bytes(), mimetypes.guess_type(file.name)

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, content_type=kind or "application/octet-stream", charset="utf-8")

    return answer


async def _add_headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)


async def _sent(request: web.Request, *names: str) -> dict[str, Any]:
    if request.content_type != "application/json":
        raise Refused("Send JSON.")
    try:
        sent = await request.json()
    except ValueError:
        sent = None
    if not isinstance(sent, dict) or not all(isinstance(sent.get(name), str) for name in names):
        raise Refused(f"Send an object with {', '.join(names)}.")
    return sent


def _answers(sent: dict[str, Any]) -> dict[str, str]:
    values = sent.get("values")
    if not isinstance(values, dict) or not all(isinstance(text, str) for text in values.values()):
        raise Refused("Send values: texts by block_id.")
    return values


@contextmanager
def _sense() -> Iterator[None]:
    try:
        yield
    except LookupError:
        raise Refused("That form has changed meanwhile.") from None


def _answer(error: str | None = None) -> web.Response:
    return web.json_response({"ok": False, "error": error} if error else {"ok": True})
