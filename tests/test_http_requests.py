"""Bad requests to the HTTP endpoint: each gets its status, does nothing, and leaves nothing of itself in a log."""

import gzip
import json
import logging
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import pytest
from headless import Headless
from http_wire import MARK, SAM, Headers, answer, command, raw
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from whole_bot import entries, states

from bot.sandbox.cognito import Moto
from bot.sandbox.request_url import signed

FORM = "application/x-www-form-urlencoded"
Bot = tuple[Headless, str]


@pytest.fixture(scope="module")
def bot(moto: Moto) -> Iterator[Bot]:
    """One bot for all of these; nothing that they send makes it do anything."""
    with Headless(moto, ["ada"]) as headless:
        with headless.bot_in_process("--http"):
            yield headless, headless.request_url.address
        assert nothing_happened(headless)


@pytest.fixture(autouse=True)
def _log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.DEBUG, logger="bot")
    caplog.set_level(logging.INFO, logger="bot.slack.bolt")  # as bot.edge.logs sets it


def nothing_happened(headless: Headless) -> bool:
    called = {call.action for call in headless.slack_calls()} | {call.action for call in headless.cognito_calls()}
    return called == {"auth.test"} and entries(headless) == states(headless) == []


def changed(body: bytes | None = None, **headers: str | None) -> bytes:
    """Give a good request in which some headers are different, or (None) not there."""
    body = command() if body is None else body
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    merged = {name: named.get(name, value) for name, value in (signed(body) | named).items()}
    return raw(body, {name: value for name, value in merged.items() if value is not None})


def signature(change: Callable[[str], str]) -> bytes:
    """Give a request whose signature was changed."""
    body = command()
    return changed(body, X_Slack_Signature=change(signed(body)["X-Slack-Signature"]))


def twice(name: str, *, same: bool) -> bytes:
    body = command()
    headers: Headers = list(signed(body).items())
    return raw(body, [*headers, (name, dict(headers)[name] if same else "0")])


def at(timestamp: str) -> bytes:
    return changed(X_Slack_Request_Timestamp=timestamp)


def signed_at(seconds: float) -> bytes:
    body = command()
    return raw(body, signed(body, time.time() + seconds))


def good(body: bytes, content_type: str = FORM) -> bytes:
    return raw(body, signed(body) | {"Content-Type": content_type})


def interactivity(payload: object) -> bytes:
    return good(urlencode({"payload": payload if isinstance(payload, str) else json.dumps(payload)}).encode())


def press(**fields: object) -> bytes:
    action = {"action_id": "signout_confirm", "value": MARK, "type": "button"}
    whole = {"type": "block_actions", "user": {"id": SAM.id, "team_id": SAM.team_id}, "actions": [action]}
    return interactivity({key: value for key, value in (whole | fields).items() if value is not None})


def submission(view: object) -> bytes:
    return interactivity({"type": "view_submission", "user": {"id": SAM.id, "team_id": SAM.team_id}, "view": view})


def without(name: str) -> bytes:
    fields = [pair for pair in command().split(b"&") if not pair.startswith(name.encode() + b"=")]
    return good(b"&".join(fields))


def chunked(body: bytes, chunks: bytes) -> bytes:
    return raw(body, signed(body) | {"Transfer-Encoding": "chunked"}, length=-1).removesuffix(body) + chunks


def line(text: str) -> bytes:
    return raw(line=text)


HUGE = b"text=" + MARK.encode() * 100_000
BAD: dict[str, tuple[int, Callable[[], bytes]]] = {
    # where and how
    "GET": (405, lambda: line("GET /slack/events HTTP/1.1")),
    "HEAD": (405, lambda: line("HEAD /slack/events HTTP/1.1")),
    "PUT": (405, lambda: line("PUT /slack/events HTTP/1.1")),
    "PATCH": (405, lambda: line("PATCH /slack/events HTTP/1.1")),
    "DELETE": (405, lambda: line("DELETE /slack/events HTTP/1.1")),
    "OPTIONS": (405, lambda: line("OPTIONS /slack/events HTTP/1.1")),
    "TRACE": (405, lambda: line("TRACE /slack/events HTTP/1.1")),
    "CONNECT": (404, lambda: line("CONNECT /slack/events HTTP/1.1")),
    "a method of their own": (400, lambda: line(f"{MARK.upper()} /slack/events HTTP/1.1")),
    "the root": (404, lambda: line("POST / HTTP/1.1")),
    "a slash at the end": (404, lambda: line("POST /slack/events/ HTTP/1.1")),
    "two slashes": (404, lambda: line("POST //slack/events HTTP/1.1")),
    "capitals": (404, lambda: line("POST /Slack/Events HTTP/1.1")),
    "a longer path": (404, lambda: line(f"POST /slack/events/{MARK} HTTP/1.1")),
    "dots in the path": (404, lambda: line("POST /slack/events/.. HTTP/1.1")),
    "a post to the health page": (405, lambda: line("POST /healthz HTTP/1.1")),
    "no HTTP at all": (400, f"{MARK}\r\n\r\n".encode),
    "a start of TLS": (400, lambda: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + MARK.encode() + b"\r\n\r\n"),
    "an unknown version of HTTP": (400, lambda: line("POST /slack/events HTTP/9.x")),
    "a null byte in a header": (400, lambda: changed(X_Mark=f"{MARK}\x00")),
    "a header without a colon": (400, lambda: raw(headers=[]).replace(b"Host:", MARK.encode())),
    "a huge header": (400, lambda: changed(X_Mark=MARK * 10_000)),
    "very many headers": (400, lambda: raw(headers=[(f"X-{MARK}-{number}", MARK) for number in range(500)])),
    # the signature
    "no signature": (401, lambda: changed(X_Slack_Signature=None)),
    "an empty signature": (401, lambda: changed(X_Slack_Signature="")),
    "a signature of v0= alone": (401, lambda: changed(X_Slack_Signature="v0=")),
    "a short signature": (401, lambda: signature(lambda text: text[:-1])),
    "a long signature": (401, lambda: signature(lambda text: text + "0")),
    "a very long signature": (401, lambda: changed(X_Slack_Signature=MARK * 500)),
    "a signature that is not ASCII": (401, lambda: changed(X_Slack_Signature="v0=" + "ä" * 64)),
    "a signature of other bytes": (401, lambda: changed(X_Slack_Signature="v0=" + "\udcff" * 64)),
    "a signature in capitals": (401, lambda: signature(lambda text: "v0=" + text[3:].upper())),
    "a signature of another version": (401, lambda: signature(lambda text: "v1=" + text[3:])),
    "a signature without version": (401, lambda: signature(lambda text: text[3:])),
    "a signature by another secret": (401, lambda: changed(X_Slack_Signature="v0=" + "0" * 64)),
    "two signatures, both the same": (401, lambda: twice("X-Slack-Signature", same=True)),
    "two signatures": (401, lambda: twice("X-Slack-Signature", same=False)),
    # the timestamp
    "no timestamp": (401, lambda: changed(X_Slack_Request_Timestamp=None)),
    "an empty timestamp": (401, lambda: at("")),
    "a timestamp that is no number": (401, lambda: at(MARK)),
    "a timestamp with a fraction": (401, lambda: at(str(time.time()))),
    "a negative timestamp": (401, lambda: at("-1")),
    "a timestamp with a sign": (401, lambda: at(f"+{int(time.time())}")),
    "a timestamp with an underscore": (401, lambda: at(f"{int(time.time()):_}")),
    "a timestamp in other digits": (401, lambda: at("١٧٦٣٨٠٠٠٠٠")),
    "a timestamp of infinity": (401, lambda: at("inf")),
    "a huge timestamp": (401, lambda: at("9" * 5000)),
    "a timestamp in milliseconds": (401, lambda: at(str(int(time.time() * 1000)))),
    "a timestamp of another second": (401, lambda: at(str(int(time.time()) - 1))),
    "a timestamp of long ago, well signed": (401, lambda: signed_at(-310)),
    "a timestamp of the future, well signed": (401, lambda: signed_at(310)),
    "two timestamps, both the same": (401, lambda: twice("X-Slack-Request-Timestamp", same=True)),
    "two timestamps": (401, lambda: twice("X-Slack-Request-Timestamp", same=False)),
    # the body
    "a body changed by one byte": (401, lambda: raw(command()[:-1] + b"!", signed(command()))),
    "a body with one byte more": (401, lambda: raw(command() + b"&", signed(command()))),
    "another request's signature": (401, lambda: raw(headers=signed(command(text="help")))),
    "no body": (401, lambda: raw(b"", signed(command()))),
    "an empty body, well signed": (400, lambda: good(b"")),
    "an unsigned ssl_check": (401, lambda: raw(b"ssl_check=1", {"Content-Type": FORM})),
    "an ssl_check with a wrong signature": (401, lambda: raw(b"ssl_check=1", signed(b"ssl_check=0"))),
    "an unsigned url_verification": (401, lambda: raw(b'{"type":"url_verification","challenge":"x"}', {})),
    "a body that is not UTF-8": (400, lambda: good(b"command=\xff" + MARK.encode())),
    "a chunk that is none": (400, lambda: chunked(command(), MARK.encode() + b"\r\n")),
    "two lengths": (400, lambda: raw(headers=signed(command()) | {"Content-Length": "3"})),
    "a negative length": (400, lambda: raw(length=-2)),
    "both a length and chunks": (400, lambda: changed(Transfer_Encoding="chunked")),
    # its size
    "a huge body": (413, lambda: good(HUGE)),
    "the announcement of a huge body": (413, lambda: raw(length=10**12)),
    "a huge body in chunks": (413, lambda: chunked(HUGE, b"%x\r\n%s\r\n0\r\n\r\n" % (len(HUGE), HUGE))),
    # its type
    "no content type": (415, lambda: changed(Content_Type=None)),
    "text": (415, lambda: changed(Content_Type="text/plain")),
    "multipart": (415, lambda: changed(Content_Type=f"multipart/form-data; boundary={MARK}")),
    "a content type that is none": (415, lambda: changed(Content_Type=MARK)),
    "gzip": (415, lambda: changed(gzip.compress(command()), Content_Encoding="gzip")),
    "a form that says it is JSON": (400, lambda: good(command(), "application/json")),
    "an event, to which this app has not subscribed": (
        404,
        lambda: good(b'{"type":"event_callback"}', "application/json"),
    ),
    # what Slack could have signed, but never would
    "percent signs and garbage": (400, lambda: good(b"%zz%%%=%0&&&=;=%")),
    "a form that is something else": (400, lambda: good(b"hello=" + MARK.encode())),
    "very many fields": (400, lambda: good(b"&".join([b"command=x"] * 200))),
    "a payload that is not JSON": (400, lambda: interactivity(MARK)),
    "an empty payload": (400, lambda: interactivity("")),
    "a payload of half a JSON": (400, lambda: interactivity('{"type":"block_actions"')),
    "an array": (400, lambda: interactivity([{"type": "block_actions"}])),
    "a number": (400, lambda: interactivity(7)),
    "a very long number": (400, lambda: interactivity("9" * 9000)),
    "null": (400, lambda: interactivity(None)),
    "a payload without type": (404, lambda: interactivity({"user": {"id": MARK}})),
    "a payload of a type that is no text": (404, lambda: interactivity({"type": ["block_actions"]})),
    "a payload of an unknown type": (404, lambda: interactivity({"type": MARK})),
    "very deep JSON": (400, lambda: interactivity("[" * 20_000)),
    "a press without user": (400, lambda: press(user=None)),
    "a press by a text": (400, lambda: press(user=MARK)),
    "a press without actions": (404, lambda: press(actions=None)),
    "a press of no action": (400, lambda: press(actions=[])),
    "a press of an unknown button": (404, lambda: press(actions=[{"action_id": MARK, "type": "button"}])),
    "a press whose enterprise is a number": (400, lambda: press(enterprise=7)),
    "a form that is not ours": (404, lambda: submission({"type": "modal", "callback_id": MARK})),
    "a form without content": (400, lambda: submission({"type": "modal", "callback_id": "signout_form"})),
    "another command": (404, lambda: good(command(command=f"/{MARK}"))),
    "a command without command": (400, lambda: without("command")),
    "a command by nobody": (400, lambda: without("user_id")),
    "a command of no team": (400, lambda: without("team_id")),
    "a command from nowhere": (400, lambda: without("channel_id")),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_request_gets_its_status_does_nothing_and_is_not_quoted_in_a_log(
    bot: Bot, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    headless, address = bot
    status, make = BAD[name]
    answered, _ = answer(address, make())
    assert answered == status
    assert nothing_happened(headless)
    assert MARK.lower() not in caplog.text.lower()
    for record in caplog.records:
        assert record.exc_info is None


HELP = command(text="help", user_name="sam", response_url="http://127.0.0.1:9/")


@pytest.mark.parametrize(
    "line", ["POST /slack/events HTTP/1.1", "POST /slack/events HTTP/1.0", "POST /slack/events?x=1 HTTP/1.1"]
)
def test_a_good_request_is_answered_whatever_a_proxy_says_of_it(bot: Bot, line: str) -> None:
    address = bot[1]
    forwarded = {"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Proto": "http", "X-Slack-Retry-Num": "1", "X-Line": line}
    body = HELP + f"&at={line}".encode()
    status, text = answer(address, raw(body, signed(body) | forwarded, line))
    assert status == 200
    assert json.loads(text)["response_type"] == "ephemeral"
    assert "/signout TARGET" in json.loads(text)["text"]


def test_headers_that_steer_bolt_steer_nothing_since_nobody_signed_them(bot: Bot) -> None:
    body = HELP + b"&steered=1"
    steering = {"X-Slack-Bolt-Lazy-Only": "1", "X-Slack-Bolt-Lazy-Function-Name": "command"}
    status, text = answer(bot[1], raw(body, signed(body) | steering))
    assert (status, "/signout TARGET" in json.loads(text)["text"]) == (200, True)


def test_a_command_that_says_payload_is_a_command_all_the_same(bot: Bot) -> None:
    status, text = answer(bot[1], good(command(text="--payload")))
    assert (status, json.loads(text)["text"].split("\n")[0]) == (200, "There is no option --payload.")


def test_slacks_own_checks_are_answered_where_they_are_signed(bot: Bot) -> None:
    challenge = b'{"type":"url_verification","challenge":"3eZbrw1aB","token":"x"}'
    status, text = answer(bot[1], good(challenge, "application/json"))
    assert (status, json.loads(text)) == (200, {"challenge": "3eZbrw1aB"})
    assert answer(bot[1], good(b"ssl_check=1&token=x")) == (200, b"")


def test_a_replayed_request_is_answered_with_nothing_and_noted(bot: Bot, caplog: pytest.LogCaptureFixture) -> None:
    request = good(HELP + b"&replayed=1")
    assert b"/signout TARGET" in answer(bot[1], request)[1]
    for _ in range(3):
        assert answer(bot[1], request) == (200, b"")
    assert caplog.text.count("came again") == 3


def test_a_body_that_breaks_off_is_dropped(
    bot: Bot, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    headless, address = bot
    monkeypatch.setattr("bot.edge.http.SECONDS_BETWEEN_LINES", 0.0)  # other tests ask the same bot
    assert answer(address, raw(command()[:-9], signed(command()), length=len(command())), half_close=True)[0] == 0
    headless.wait_for(lambda: "it broke off" in caplog.text)
    assert MARK not in caplog.text


def test_bad_requests_of_one_kind_are_one_line_a_minute_with_their_number(
    bot: Bot, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    unsigned = raw(command(), {})
    monkeypatch.setattr("bot.edge.http.SECONDS_BETWEEN_LINES", 0.0)
    answer(bot[1], unsigned)
    monkeypatch.setattr("bot.edge.http.SECONDS_BETWEEN_LINES", 60.0)
    caplog.clear()
    assert {answer(bot[1], unsigned)[0] for _ in range(20)} == {401}
    assert "was answered" not in caplog.text
    monkeypatch.setattr("bot.edge.http.SECONDS_BETWEEN_LINES", 0.0)
    answer(bot[1], unsigned)
    assert caplog.text.count("was answered") == 1
    assert "was answered 401: it has no X-Slack-Signature as Slack writes it (20 more like it" in caplog.text


names = st.sampled_from(
    ["X-Slack-Signature", "X-Slack-Request-Timestamp", "Content-Type", "Transfer-Encoding", "Expect"]
)
values = st.one_of(st.text(max_size=30), st.sampled_from([FORM, "chunked", "100-continue", "v0=", "1", "gzip"]))


@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(headers=st.lists(st.tuples(names, values), max_size=6), body=st.binary(max_size=200), proved=st.booleans())
def test_no_request_at_all_makes_it_answer_500(
    bot: Bot, headers: list[tuple[str, str]], body: bytes, *, proved: bool
) -> None:
    genuine = list(signed(body).items()) if proved else []
    clean = [
        (name, value.replace("\r", "").replace("\n", "").encode("utf-8", "replace").decode()) for name, value in headers
    ]
    status, _ = answer(bot[1], raw(body, genuine + clean), half_close=True)
    assert status in {0, 200, 400, 401, 404, 408, 413, 415, 417}
