"""Slack and Cognito over TLS, under their own names, with a certificate authority of one's own; a proxy leads there."""

import asyncio
import json
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web
from far_end import FarEnd, asking, certificate_for, far_end, proxy_to

from bot.sandbox import cast

SLACK, LINK, HOOKS = "slack.com", "wss-primary.slack.com", "hooks.slack.com"
COGNITO, HERE = "cognito-idp.eu-central-1.amazonaws.com", "localhost"
CONNECTED = b"HTTP/1.1 200 OK\r\n\r\n"
PATIENCE = 20.0
_BARE = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
_RUN, _CHECK = ([sys.executable, "-m", "bot", *words] for words in (["run", "--port", "0"], ["check", "--json"]))
_ROOT = Path(__file__).parent.parent
_TYPED = {
    "command": "/signout",
    "text": "ada",
    "team_id": "T0SIGNOUT1",
    "channel_id": "C0SUPPORT1",
    "user_id": "U0SAM00001",
    "trigger_id": "1.2.3",
}


@dataclass
class There:
    """What is there, on `port`; `heard` are the hosts that were asked, with the path. `ca` is the authority's file."""

    ca: Path
    port: int = 0
    heard: list[str] = field(default_factory=list)
    answered: threading.Event = field(default_factory=threading.Event)  # a command, at its response_url
    directly: bool = False

    def host(self, name: str) -> str:
        """Return where a host is: under its own name, which only the proxy knows, or on this machine."""
        return f"{HERE}:{self.port}" if self.directly else name

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Answer anything."""
        self.heard.append(f"{request.host.partition(':')[0]}{request.path}")
        if request.path == "/link" and "Upgrade" in request.headers:
            return await self._link(request)
        if request.headers.get("X-Amz-Target"):
            return web.json_response({"Users": []}, headers={"x-amzn-RequestId": "1"})
        if request.path.startswith("/commands"):
            self.answered.set()
            return web.Response(text="ok")
        body: dict[str, Any] = {"ok": True, "team_id": "T0SIGNOUT1", "team": "Support", "user": "signout"}
        body |= {"user_id": "U0BOT00001", "bot_id": "B0SIGNOUT1", "users": [], "ts": "1.2"}
        body |= {"url": f"wss://{self.host(LINK)}/link?ticket=secret-ticket"}
        return web.json_response(body, headers={"x-oauth-scopes": "chat:write,commands,usergroups:read"})

    async def _link(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "hello", "num_connections": 1})
        typed = _TYPED | {"response_url": f"https://{self.host(HOOKS)}/commands/T/1/x"}
        await socket.send_json({"type": "slash_commands", "envelope_id": "1", "payload": typed})
        async for received in socket:
            if received.type is not WSMsgType.TEXT:
                break
        return socket


@contextmanager
def there(folder: Path, *, directly: bool = False) -> Iterator[There]:
    """Be Slack and Cognito, in a thread."""
    made = There(certificate_for(SLACK, folder, LINK, HOOKS, COGNITO, HERE), directly=directly)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.ca)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def begin() -> tuple[web.Server, asyncio.Server]:
        takes = web.Server(made.take)  # type: ignore[arg-type]  # as a page of any path
        door = await loop.create_server(takes, "127.0.0.1", 0, ssl=context, ssl_shutdown_timeout=0.1)
        made.port = door.sockets[0].getsockname()[1]
        return takes, door

    async def end() -> None:
        door.close()
        await takes.shutdown(0.1)
        await asyncio.sleep(0.3)  # until TLS has said goodbye

    takes, door = asyncio.run_coroutine_threadsafe(begin(), loop).result(PATIENCE)
    try:
        yield made
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result(PATIENCE)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def past_it(to: There, login: str = "") -> Iterator[FarEnd]:
    """Be a proxy that finds all these names there, and wants this login."""
    with far_end(asking(login, proxy_to(to.port, lambda sock: sock.sendall(CONNECTED)))) as proxy:
        yield proxy


def connected(proxy: FarEnd) -> set[str]:
    """Return what a proxy was asked to connect."""
    return {head.split()[1].decode() for head in proxy.requests}


def environment(to: There, folder: Path, **more: str) -> dict[str, str]:
    """Return what a bot needs to go there, but not the way."""
    return {
        **_BARE,
        "HOME": str(folder),
        "SLACK_BOT_TOKEN": cast.BOT_TOKEN,
        "SLACK_APP_TOKEN": cast.APP_TOKEN,
        "SLACK_API_URL": f"https://{to.host(SLACK)}/api/",
        "SIGNOUT_AUDIT_CHANNEL": "C0AUDIT001",
        "SIGNOUT_ALLOW_USERS": "U0SAM00001",
        "SIGNOUT_POOL_ID": "eu-central-1_AbCdEf123",
        "SIGNOUT_STORE": f"sqlite:///{folder / 'signout.db'}",
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER": f"https://{to.host(COGNITO)}",
        "SIGNOUT_DRAIN": "1s",
        **more,
    }


def check(given: Mapping[str, str]) -> dict[str, str]:
    """Run `check`; return what it says of each thing."""
    ran = _ended(_CHECK, given)
    assert ran.stderr == ""
    found = json.loads(ran.stdout)["checks"]
    return {each["name"]: f"{each['status']}: {each['sentence']} {each['fix']}".strip() for each in found}


def start(given: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run `run`, which is to end by itself."""
    return _ended(_RUN, given)


@contextmanager
def running(given: Mapping[str, str]) -> Iterator[list[str]]:
    """Run `run`; give what it logs, which is all there at the end."""
    lines: list[str] = []
    with subprocess.Popen(_RUN, env=given, stderr=subprocess.PIPE, text=True, cwd=_ROOT) as child:
        try:
            yield lines
        finally:
            child.terminate()
            lines += child.communicate(timeout=PATIENCE)[1].splitlines()


def _ended(command: list[str], given: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, env=given, cwd=_ROOT, capture_output=True, text=True, timeout=60, check=False)
