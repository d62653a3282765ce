"""DynamoDB for the tests: moto behind a server of a single thread, since only so its writes are atomic."""

import copy
import json
import logging
import socket
import threading
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any
from unittest.mock import patch

import boto3
from boto3.dynamodb.types import TypeSerializer
from moto.core.models import DEFAULT_ACCOUNT_ID as ACCOUNT
from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.table import Table
from moto.moto_server import werkzeug_app as moto
from werkzeug.serving import make_server
from werkzeug.test import run_wsgi_app

from bot.stores.dynamodb.calls import Calls
from bot.stores.dynamodb.table import definition

JSON = "application/x-amz-json-1.0"
# What carries one call out and returns status and body; a fault does so in its stead, or returns None for no answer.
Answer = tuple[int, bytes]
Fault = Callable[[Callable[[], Answer]], Answer | None]


class Foreign(tuple[int, bytes]):
    """An answer that is not AWS's own, say a proxy's: it has no request id."""

    __slots__ = ()


class _Handler(moto.MotoRequestHandler):
    timeout = 5  # a connection on which nothing comes would keep all others waiting for ever


class DynamoDB:
    """A server on a loopback port. `calls` holds each operation that came, with its parameters.

    `items_read` counts what DynamoDB evaluates, and bills, for Query and the two kinds of Get.
    """

    def __init__(self) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.items_read = 0
        self._moto = moto.create_backend_app("dynamodb")
        self._faults: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self._done: dict[str, Answer] = {}
        self._asks_index = False
        self._patches = (
            patch.object(Table, "__deepcopy__", lambda self, _: self, create=True),
            patch.object(DynamoDBBackend, "transact_write_items", _all_or_nothing),
            patch.object(Table, "all_items", self._items_in_reach),
        )
        for each in self._patches:
            each.start()
        self._server = make_server("127.0.0.1", 0, self, threaded=False, request_handler=_Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="dynamodb", daemon=True)
        self._thread.start()
        self._client = boto3.client(
            "dynamodb",
            endpoint_url=self.url,
            region_name=self.environment["AWS_DEFAULT_REGION"],
            aws_access_key_id="tests",
            aws_secret_access_key="tests",  # noqa: S106 -- of nothing
        )

    def new_table(self) -> str:
        """Make a table; return its name."""
        name = f"signout-{uuid.uuid4()}"
        self._client.create_table(**definition(name))
        return name

    def stop(self) -> None:
        """Stop serving."""
        self._client.close()
        self._server.shutdown()
        self._server.server_close()
        for each in self._patches:
            each.stop()

    @property
    def environment(self) -> dict[str, str]:
        """What boto3 needs to find it."""
        return {
            "AWS_ENDPOINT_URL_DYNAMODB": self.url,
            "AWS_ACCESS_KEY_ID": "tests",
            "AWS_SECRET_ACCESS_KEY": "tests",
            "AWS_DEFAULT_REGION": "eu-central-1",
        }

    def put_many(self, table: str, items: Iterable[dict[str, Any]]) -> None:
        """Put items into a table past the server, which would take its time."""
        serialize = TypeSerializer().serialize
        tables: dict[str, Table] = dynamodb_backends[ACCOUNT]["eu-central-1"].tables
        for item in items:
            tables[table].put_item({name: serialize(value) for name, value in item.items()})

    def next(self, action: str, *faults: Fault) -> None:
        """Put these faults in the way of the next calls of an action."""
        self._faults[action].extend(faults)

    def clear(self) -> None:
        """Take all faults away."""
        self._faults.clear()

    @property
    def _items_in_reach(self) -> Callable[[Table], list[Any]]:
        """What moto's Query looks through, without sorting the whole table first: an index holds what has its key."""
        return lambda table: [
            item
            for partition in table.items.values()
            for item in partition.values()
            if not self._asks_index or "due" in item.attrs
        ]

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one call, as WSGI."""
        action = environ["HTTP_X_AMZ_TARGET"].partition(".")[2]
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        environ["wsgi.input"] = BytesIO(body)
        parameters = json.loads(body)
        self.calls.append((action, parameters))
        self._asks_index = "IndexName" in parameters

        def carry_out() -> Answer:
            token = parameters.get("ClientRequestToken", "")
            if token in self._done:  # moto knows no tokens
                return self._done[token]
            body, status, _ = run_wsgi_app(self._moto, environ)
            answer = int(status.split()[0]), b"".join(body)
            self.items_read += _items_read(action, parameters, answer)
            if token and answer[0] == 200:
                self._done[token] = answer
            return answer

        answer = self._faults[action].popleft()(carry_out) if self._faults[action] else carry_out()
        if answer is None:
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionError("the test wants this answer lost")
        headers = [("Content-Type", JSON)]
        if not isinstance(answer, Foreign):
            headers.append(("x-amzn-RequestId", str(uuid.uuid4())))
        start_response(f"{answer[0]} -", [*headers, ("Content-Length", str(len(answer[1])))])
        return [answer[1]]


def _items_read(action: str, parameters: dict[str, Any], answer: Answer) -> int:
    if action == "Query" and answer[0] == 200:
        count: int = json.loads(answer[1])["ScannedCount"]
        return count
    return {"GetItem": 1, "TransactGetItems": len(parameters.get("TransactItems", ()))}.get(action, 0)


def refuse(status: int, code: str, **more: Any) -> Fault:
    """Refuse in DynamoDB's name, without doing anything."""
    body = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "Message": "the test says so", **more})
    return lambda _: (status, body.encode())


def cancel(*codes: str) -> Fault:
    """Cancel a transaction for these reasons."""
    return refuse(400, "TransactionCanceledException", CancellationReasons=[{"Code": code} for code in codes])


def foreign(status: int, code: str = "") -> Fault:
    """Answer in DynamoDB's stead, without doing anything."""
    body = json.dumps({"__type": code}) if code else "<html>Please log in</html>"
    return lambda _: Foreign((status, body.encode()))


def lose_answer(carry_out: Callable[[], Answer]) -> None:
    """Do what was asked, and break the connection instead of answering."""
    carry_out()


def lose_call(_: Callable[[], Answer]) -> None:
    """Break the connection without doing anything."""


def answer_500_after(carry_out: Callable[[], Answer]) -> Answer:
    """Do what was asked, and answer with an internal error."""
    carry_out()
    return 500, b'{"__type": "InternalServerError", "message": "the test says so"}'


def interrupt(calls: Calls, *, after: str = "", before: str = "", happens: Callable[[], object]) -> None:
    """Let something happen once, just before or after the next call of that name, such as `get`."""
    really = getattr(calls, after or before)

    def interrupted(*given: Any, **named: Any) -> Any:
        delattr(calls, after or before)
        if before:
            happens()
        found = really(*given, **named)
        if after:
            happens()
        return found

    setattr(calls, after or before, interrupted)


_transact = DynamoDBBackend.transact_write_items


def _all_or_nothing(self: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
    """Do moto's transaction, keeping the items that it touches. moto itself copies the whole table each time."""
    kept = []
    for item in transact_items:
        ((kind, what),) = item.items()
        key = {name: (what["Item"] if kind == "Put" else what["Key"])[name] for name in ("pk", "sk")}
        kept.append((self.get_table(what["TableName"]), self.get_keys_value(self.get_table(what["TableName"]), key)))
    before = [copy.deepcopy(table.get_item(*key)) for table, key in kept]
    try:
        _transact(self, transact_items)
    except Exception:
        for (table, (pk, sk)), held in zip(kept, before, strict=True):
            if held is None:
                table.items[pk].pop(sk, None)
            else:
                table.items[pk][sk] = held
        raise
