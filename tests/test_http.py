"""The endpoint's own parts: who is waited for, what is remembered, and which id a request gets."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable

import pytest
from http_wire import command, raw
from slack_bolt import App
from slack_bolt.authorization import AuthorizeResult
from ulid import ULID

from bot.edge import health, http
from bot.edge.health import serve_health
from bot.edge.http import HttpMode, ask_id
from bot.sandbox.cast import SIGNING_SECRET
from bot.sandbox.request_url import signed

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def listening(work: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bytes]]) -> bytes:
    """Connect to an endpoint on a loop of its own; give what `work` gives."""

    async def run() -> bytes:
        app = App(authorize=lambda: AuthorizeResult(enterprise_id=None, team_id=None), process_before_response=True)
        runner = await serve_health("127.0.0.1", 0, HttpMode(app, SIGNING_SECRET).routes)
        reader, writer = await asyncio.open_connection(*runner.addresses[0][:2])
        try:
            return await work(reader, writer)
        finally:
            writer.close()
            await runner.cleanup()

    return asyncio.run(run())


@pytest.mark.parametrize("sent", [b"", b"POST /slack/events HT", b"POST /slack/events HTTP/1.1\r\nHost: a\r\nX-Slow: "])
def test_who_never_ends_the_head_is_cut_off(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(health, "HEAD_SECONDS", 0.2)

    async def work(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(sent)
        return await reader.read()

    assert listening(work) == b""


def test_who_sends_a_head_byte_by_byte_is_cut_off_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "HEAD_SECONDS", 0.2)

    async def work(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(b"POST /slack/events HTTP/1.1\r\nX-Slow: ")
        reading = asyncio.ensure_future(reader.read())
        while not reading.done():
            writer.write(b"x")
            await asyncio.sleep(0.01)
        return b"" if isinstance(reading.exception(), ConnectionError) else await reading

    assert listening(work) == b""


def test_who_never_ends_the_body_is_told_so_and_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "READ_SECONDS", 0.2)
    monkeypatch.setattr(health, "LINGERING_SECONDS", 0.1)

    async def work(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        body = command()
        writer.write(raw(body[:-5], signed(body), length=len(body)))
        return await reader.read()

    assert listening(work).startswith(b"HTTP/1.1 408 ")


def test_no_more_of_a_huge_body_is_read_than_a_second_lets_by(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "LINGERING_SECONDS", 0.1)

    async def work(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(raw(b"", signed(b""), length=10**12))
        return await reader.read()

    assert listening(work).startswith(b"HTTP/1.1 413 ")


def test_who_sends_much_at_once_unsigned_fills_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_UNPROVED_BYTES", 100_000)

    async def work(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        address = writer.get_extra_info("peername")
        unsigned = {"X-Slack-Signature": f"v0={'0' * 64}", "X-Slack-Request-Timestamp": "0"} | FORM
        unfinished, finished = raw(b"x" * 90_000, unsigned, length=90_001), raw(b"x" * 20_000, unsigned)
        writer.write(unfinished)
        answers = b""
        while not answers.startswith(b"HTTP/1.1 503 "):  # once the first one's is there
            answers = await exchanged(address, finished)
        writer.write(b"x")
        answers += await reader.read()
        return answers + await exchanged(address, finished)

    statuses = re.findall(rb"HTTP/1.1 (\d+) ", listening(work))
    assert statuses == [b"503", b"401", b"401"]


async def exchanged(address: tuple[str, int], request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize(
    "request_line", ["GET /healthz HTTP/1.1", "POST /slack/events HTTP/1.1", "GET /other HTTP/1.1"]
)
def test_each_connection_serves_one_request(request_line: str) -> None:
    async def work(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(raw(line=request_line) * 2)
        return await reader.read()

    answered = listening(work)
    assert b"\r\nConnection: close\r\n" in answered
    assert answered.count(b"HTTP/1.1 ") == 1


def test_before_it_is_connected_a_command_is_told_to_try_again_and_slacks_checks_are_answered() -> None:
    async def answer_to(body: bytes) -> bytes:
        async def work(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
            writer.write(raw(body))
            return await reader.read()

        return await asyncio.to_thread(listening, work)

    assert http.STARTING.encode() in asyncio.run(answer_to(command()))
    assert asyncio.run(answer_to(b"ssl_check=1")).startswith(b"HTTP/1.1 200 ")
    assert asyncio.run(answer_to(b"payload=%7B%22type%22%3A%22block_actions%22%7D")).startswith(b"HTTP/1.1 503 ")


def test_of_signatures_the_newest_are_remembered_and_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "REMEMBERED", 3)
    front = HttpMode(App(authorize=lambda: AuthorizeResult(enterprise_id=None, team_id=None)), "a" * 32)
    assert [front._is_new(each) for each in "abcab"] == [True, True, True, False, False]
    assert front._is_new("d"), "the oldest is forgotten for it"
    assert [front._is_new(each) for each in "dcb"] == [False, False, False]
    assert front._is_new("a")
    assert len(front._done) == 3


def test_an_asks_id_is_a_ulid_of_the_signed_second_and_of_the_signature() -> None:
    now = str(int(time.time()))
    first = ask_id(now, "v0=" + "a" * 64)
    assert first == ask_id(now, "v0=" + "a" * 64)
    assert first != ask_id(now, "v0=" + "b" * 64)
    assert int(ULID.from_str(first).timestamp) == int(now)
    assert ask_id(str(int(now) - 1), "v0=" + "f" * 64) < first
