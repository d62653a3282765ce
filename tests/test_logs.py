"""What a log line shows, for any writer and any text."""

import json
import logging
import re
import subprocess
import sys
from typing import get_args

import pytest
from structlog.contextvars import bound_contextvars

from bot.edge.logs import RedactingFormatter, Shape

SHAPES: tuple[Shape, ...] = get_args(Shape)
HOSTILE = (
    "ada\n2026-11-22T12:00:00Z [critical] forged",
    'ada\r\n{"level": "critical", "message": "forged"}',
    'ada", "level": "critical", "forged": "',
    "\x1b[2J\x1b[31mada\x07",
    "ada\u202eforged\u2028forged\x85forged",
    "ada\ud800",
)


def record(message: str, *arguments: object, error: Exception | None = None, **more: object) -> logging.LogRecord:
    trace = (type(error), error, None) if error else None
    made = logging.LogRecord("x", logging.ERROR, __file__, 1, message, arguments, trace)
    made.__dict__ |= more
    return made


@pytest.mark.parametrize(
    "secret",
    [
        "xoxb-1-2-abc",
        "xoxe.xoxb-1-abc",
        "xapp-1-A0-2-abc",
        "https://hooks.slack.com/commands/T0/1/abcSECRET",
        "https://hooks.slack.com/actions/T0/1/abcSECRET",
        "http://127.0.0.1:3001/actions/T0/1/abcSECRET",
        r"https:\/\/hooks.slack.com\/commands\/T0\/1\/abcSECRET",
        "https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT0%2F1%2FabcSECRET",
        "wss://wss-primary.slack.com/link/?ticket=abcSECRET&app_id=1",
        r"wss:\/\/wss-primary.slack.com\/link\/?app_id=1\u0026ticket=abcSECRET",
        "v0=" + "abc0" * 16,
        "hunter2",
    ],
)
@pytest.mark.parametrize("frame", ["{}", "url={!r}", '{{"u": "{}"}}', "to {}, body"])
@pytest.mark.parametrize("shape", SHAPES)
def test_whatever_has_a_secrets_form_is_hidden_wherever_it_stands(secret: str, frame: str, shape: Shape) -> None:
    text = frame.format(secret)
    with bound_contextvars(plain=text, nested=[{"deep": (text,)}, {text: 1}], object=ValueError(text)):
        line = RedactingFormatter(["hunter2"], shape).format(record("%s", text, error=ValueError(text)))
    assert line.count("[hidden]") == 6, "in the message, the traceback and every field"
    for part in ("SECRET", "abc", "hunter2"):
        assert part not in line


@pytest.mark.parametrize("name", HOSTILE)
def test_nobodys_name_forges_a_json_line(name: str) -> None:
    with bound_contextvars(name=name):
        line = RedactingFormatter([]).format(record("told %s", name, error=ValueError(name)))
    assert len(line.splitlines()) == 1
    assert line.isprintable()
    read = json.loads(line)
    assert read.keys() == {"timestamp", "level", "logger", "message", "name", "exception"}
    assert (read["level"], read["message"], read["name"]) == ("error", f"told {name}", name)


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("colours", [True, False])
def test_nobodys_name_forges_a_line_on_a_terminal_or_paints_it(name: str, *, colours: bool) -> None:
    formatter = RedactingFormatter([], "console", colours=colours)
    with bound_contextvars(name=name):
        line = formatter.format(record("told %s", name, error=ValueError(name)))
    first, *others = re.sub(r"\x1b\[\d*m", "", line).split("\n")
    assert first.startswith("20")
    assert all(other.startswith("    ") for other in others), "only a traceback goes on, and it is indented"
    assert all(each.isprintable() for each in (first, *others))
    assert "\x1b[31mada" not in line
    assert ("\x1b" in line) == colours


@pytest.mark.parametrize("shape", SHAPES)
def test_a_record_that_cannot_be_formatted_shows_nothing_of_its_arguments(shape: Shape) -> None:
    line = RedactingFormatter([], shape).format(record("%d", "xoxb-1-secret"))
    assert "A line of x could not be written (TypeError)" in line
    assert "secret" not in line


def test_a_line_tells_the_time_in_utc_and_carries_the_ids_it_is_given() -> None:
    line = json.loads(RedactingFormatter([]).format(record("kept", request_id="R1", entry_id="E1", other="x")))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line.pop("timestamp"))
    assert line == {"level": "error", "logger": "x", "message": "kept", "request_id": "R1", "entry_id": "E1"}


def run(shape: str, script: str) -> list[str]:
    start = (
        f"import logging, threading, warnings; from bot.edge.logs import configure; configure('DEBUG', [], {shape!r})\n"
    )
    ended = subprocess.run([sys.executable, "-c", start + script], capture_output=True, text=True, check=False)
    return ended.stderr.splitlines()


def test_each_line_of_standard_error_is_json_where_it_is_not_a_terminal() -> None:
    lines = run(
        "auto",
        "logging.getLogger('slack_sdk').debug('a payload')\n"
        "logging.getLogger('slack_sdk').setLevel('DEBUG'); logging.getLogger('slack_sdk').debug('a payload')\n"
        "logging.getLogger('bot.slack.bolt').debug('a payload')\n"
        "logging.getLogger('bot.slack').debug('ours')\n"
        "warnings.warn('a warning')\n"
        "thread = threading.Thread(target=lambda: 1 / 0); thread.start(); thread.join()\n"
        "raise ValueError('xoxb-1-secret')\n",
    )
    read = [json.loads(line) for line in lines]
    assert [line["level"] for line in read] == ["debug", "warning", "critical", "critical"]
    assert [line["message"] for line in read[:1]] == ["ours"]
    assert read[3]["exception"].endswith("ValueError: xoxb-[hidden]")


def test_the_shape_can_be_set() -> None:
    (line,) = run("console", "logging.getLogger('bot.slack').info('ours')")
    assert re.fullmatch(r"\S+Z \[info     \] ours \[bot\.slack\]", line.rstrip())
