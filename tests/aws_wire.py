"""A wire before all of moto's AWS: every request as it left, and answers of one's own in moto's stead.

moto is lax where AWS is not (it drops SourceIdentity, checks no session's name): so tests read what was sent.
"""

import http.client
import json
import re
import threading
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from bot.facts.leaving import within

_SIGNED = re.compile(r"Credential=(?P<key>[^/]+)/\d+/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")
_HEADERS = ("X-Amz-Target", "Content-Type", "Authorization", "X-Amz-Date", "X-Amz-Security-Token")


@dataclass(kw_only=True)
class Sent:
    """One request as it left: who signed it for which region, what it asked, and what came back."""

    service: str
    action: str
    region: str
    access_key: str
    token: str | None = field(repr=False)
    parameters: dict[str, Any]
    answer: str = field(default="", repr=False)

    @property
    def iam_action(self) -> str:
        """The action as a policy names it."""
        return f"{self.service}:{self.action}"


def lasting(seconds: float) -> Callable[[], timedelta]:
    """Give the time that a call has left to leave, of so much from now on."""
    left = within(seconds)
    return lambda: timedelta(seconds=left())


# Gives an answer's status and body.
Fault = Callable[[Sent], tuple[int, str]]


def sts_refuses(code: str, status: int = 403) -> Fault:
    """Refuse as STS does."""
    body = (
        f'<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>'
        f"<Code>{code}</Code><Message>arn:aws:iam::123456789012:role/Bot may not</Message></Error>"
        f"<RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>"
    )
    return lambda _: (status, body)


def refuses(code: str, status: int = 400, message: str = "no") -> Fault:
    """Refuse as services that speak JSON do."""
    return lambda _: (status, json.dumps({"__type": code, "message": message}))


@dataclass
class AwsWire:
    """What was sent, and what to answer to the next requests of an action."""

    url: str = ""
    sent: list[Sent] = field(default_factory=list)
    faults: defaultdict[str, deque[Fault]] = field(default_factory=lambda: defaultdict(deque))

    def of(self, action: str) -> list[Sent]:
        """Return what was sent of one action."""
        return [each for each in self.sent if each.action == action]

    @property
    def sessions(self) -> list[dict[str, Any]]:
        """What AssumeRole was asked."""
        return [each.parameters for each in self.of("AssumeRole")]


@contextmanager
def aws_wire(moto_url: str, cognito_url: str | None = None) -> Iterator[AwsWire]:
    """Listen on loopback while the context lasts; Cognito's requests go to `cognito_url` where there is one."""
    wire = AwsWire()

    class Carrier(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            sent = _sent(self.headers, body)
            wire.sent.append(sent)
            faults = wire.faults[sent.action]
            onward = cognito_url if sent.service == "cognito-idp" and cognito_url else moto_url
            status, answer = faults.popleft()(sent) if faults else self._onward(onward, body)
            sent.answer = answer
            content = answer.encode()
            self.send_response(status)
            self.send_header("x-amzn-RequestId", str(uuid.uuid4()))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _onward(self, url: str, body: bytes) -> tuple[int, str]:
            connection = http.client.HTTPConnection(urlsplit(url).netloc)
            headers = {name: self.headers[name] for name in _HEADERS if self.headers[name]}
            connection.request("POST", "/", body, headers)
            answer = connection.getresponse()
            status, text = answer.status, answer.read().decode()
            connection.close()
            return status, text

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Carrier)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="aws-wire", daemon=True)
    thread.start()
    wire.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield wire
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _sent(headers: Any, body: bytes) -> Sent:
    signed = _SIGNED.search(headers["Authorization"] or "")
    assert signed, "an unsigned request"
    if target := headers["X-Amz-Target"]:
        action, parameters = target.rpartition(".")[2], json.loads(body)
    else:
        parameters = dict(parse_qsl(body.decode()))
        action = parameters.pop("Action")
        parameters.pop("Version")
    return Sent(
        service=signed["service"],
        action=action,
        region=signed["region"],
        access_key=signed["key"],
        token=headers["X-Amz-Security-Token"],
        parameters=parameters,
    )
