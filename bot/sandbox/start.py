"""`python -m bot sandbox`: the stage, the very same bot on it, and the page, all on loopback."""

import asyncio
import errno
import ipaddress
import logging
import os
import signal
import socket
import sys
import threading
import time
import webbrowser
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from urllib.parse import urlsplit

from bot.sandbox.cast import OTHER_ID, Install
from bot.sandbox.cognito import REGION
from bot.sandbox.crowd import POOL, SIZE
from bot.sandbox.page import Page
from bot.sandbox.stage import ACTIONS, SECOND_PERSON, Report, Stage
from bot.sandbox.ticket import open_ticket
from bot.settings.load import load

CONNECTED_WITHIN = 20.0
STOPPED_WITHIN = 2.0
DRAIN_AT_ONCE = {"SIGNOUT_DRAIN": "1s"}  # what is cut short here is lost with the store anyway
TRACKED = ("staff",)  # the pools whose sessions can be tried: there a sign-out takes some seconds more
FOREIGN = (
    *("AWS_", "BOTO_", "SLACK_", "SIGNOUT_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("SSL_CERT_", "REQUESTS_CA_BUNDLE"),
)


class CannotStartError(Exception):
    """A sentence that says why, and what to do."""


async def run(port: int, *, browser: bool, grid: bool = False) -> int:
    """Run the sandbox until Ctrl-C or SIGTERM; return the exit code. `grid`: in an Enterprise Grid organisation."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    task = asyncio.current_task()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, task.cancel if task else sys.exit)
    begun = time.monotonic()

    def report(step: str) -> None:
        print(f"{time.monotonic() - begun:5.1f} s  {step}", flush=True)  # noqa: T201 - a command line speaks

    try:
        with _door(port) as door:
            await _perform(door, report, browser=browser, grid=grid)
    except asyncio.CancelledError:
        report("Stopped.")
    except CannotStartError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command line speaks
        return 1
    return 0


async def _perform(door: socket.socket, report: Report, *, browser: bool, grid: bool) -> None:
    report("Starting, on this machine only")
    forget_the_outside()
    around = Stage(report=report, tracked=TRACKED, crowd=SIZE)
    async with around as stage, bot_on(_placed(stage, grid=grid)) as bot, Page(stage).open(door) as url:
        report("The bot is connected")
        open_ticket(stage.workspace)
        report(f"Open {url}   (Ctrl-C stops everything)")
        if browser:
            open_browser(url)
        if stage.crowd:  # not before: it takes longer than all the rest
            await stage.crowd.gather()
            report(f"{len(stage.crowd.everyone)} more people are in the pool {POOL}, for a list")
        await asyncio.wait({bot})
        raise CannotStartError(f"The bot ended: {bot.exception() or 'it was told to'}.")


def _placed(stage: Stage, *, grid: bool) -> Stage:
    """Where it is wanted, install the app in all of an organisation, with Kim in another of its workspaces."""
    if grid:
        stage.install(Install.ORG_WIDE)
        people = stage.workspace.people
        people.update({id_: replace(who, team_id=OTHER_ID) for id_, who in people.items() if who.name == "kim"})
    return stage


@asynccontextmanager
async def bot_on(stage: Stage) -> AsyncIterator[asyncio.Task[None]]:
    """Run the bot on a stage for as long as the context lasts, from the moment when its socket is connected."""
    import boto3  # noqa: PLC0415 - takes a while, which the first step should not wait for

    from bot.wiring.run import build  # noqa: PLC0415 - likewise

    os.environ.update({name: value for name, value in stage.environment.items() if name.startswith("AWS_")})
    settings = load(stage.environment | SECOND_PERSON | ACTIONS | DRAIN_AT_ONCE)
    cognito = boto3.client("cognito-idp", region_name=REGION)
    refuse_what_is_not_loopback((settings.slack_api_url, cognito.meta.endpoint_url))
    cognito.close()
    stop = asyncio.Event()
    bot = asyncio.create_task(build(settings).serve("127.0.0.1", 0, stop))
    try:
        await _connected(stage, bot)
        yield bot
    finally:
        logging.disable(logging.WARNING)  # a bot cut short says that it will go on later: not here
        stop.set()
        stage.weather.release()
        await asyncio.wait({bot}, timeout=STOPPED_WITHIN)
        bot.cancel()


async def _connected(stage: Stage, bot: asyncio.Task[None]) -> None:
    deadline = time.monotonic() + CONNECTED_WITHIN
    while not stage.workspace.sockets.connections:
        if bot.done():
            raise CannotStartError(f"The bot could not start: {bot.exception()}")
        if time.monotonic() > deadline:
            raise CannotStartError(f"The bot did not connect within {CONNECTED_WITHIN:.0f} s.")
        await stage.changes.after(stage.changes.count, 0.1)


def forget_the_outside() -> None:
    """Drop from the environment what could lead a request, or an account's credentials, off this machine."""
    for name in list(os.environ):
        if name.upper().startswith(FOREIGN):
            del os.environ[name]


def refuse_what_is_not_loopback(urls: Iterable[str]) -> None:
    """Raise CannotStartError where an address is not on this machine."""
    for url in urls:
        host = urlsplit(url).hostname or ""
        try:
            here = ipaddress.ip_address(host).is_loopback
        except ValueError:
            here = False
        if not here:
            raise CannotStartError(f"The sandbox talks only to this machine, but it was led to {url}.")


def open_browser(url: str) -> None:
    """Open the page, where there is a browser with a window of its own (one in the terminal would be in the way)."""
    windows = sys.platform in ("darwin", "win32") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if windows:
        threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()


def _door(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            why = f"Port {port} is taken."
        else:
            why = f"Port {port} cannot be used: {error.strerror}."
        raise CannotStartError(f"{why} Choose another: python -m bot sandbox --port 0 picks a free one.") from None
