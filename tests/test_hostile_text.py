"""What a stranger can type is read on the event loop before anyone is authorized: any text must cost little.

Cost is counted in steps of Python (lines, and calls of Python's and of C's functions), so that it is the same on any
machine: 50,000 of them take about 3 ms. What one call of C costs, such as a match of an expression, is bounded by
`MAX_TEXT`.
"""

import shlex
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.aws.spelling import AwsSpelling
from bot.edge.http import MAX_BODY_BYTES, _payload
from bot.errors import UsageError
from bot.options import ReasonRule, check_target
from bot.sandbox.form_limits import refused_arguments
from bot.slack.denial import reason_of
from bot.slack.form import REASON, Filled, FormState, form_view, troubles_in
from bot.slack.targets import _SAID, MOST_TARGETS, targets_in
from bot.slack.typed import MAX_TEXT, parse
from bot.slack.values import read_as_a_shell

READ = AwsSpelling().read
MOST_STEPS = 50_000
PARTS = (
    *(
        "{",
        "[",
        "}",
        "]",
        "[],",
        "{},",
        "{a: ",
        '{"a":',
        "[[",
        "- ",
        "? ",
        ": ",
        "a: ",
        "a:\n ",
        "a: 1\n",
        "a,",
        "*a,",
        "&a ",
    ),
    *(
        "!",
        "!!int ",
        "!<a> ",
        "---\n",
        "...\n",
        "%",
        "%41",
        "%a\n",
        "#",
        "#\n",
        "|\n b\n",
        ">\n b\n\n",
        "<<: ",
        "1",
        "1:1",
        ".",
    ),
    *("'", '"', "''", '""', "\\", "\\x41", '\\"', "\\\n", "\u201c", "\u201d", "\u2018", "\u2014", "\u2013-", "--", "-"),
    *("<", "<@", "<!", "<mailto:", "<mailto:a|", "<tel:1|1>", "<https://", ">", "|", "&amp;", "&lt;", "&"),
    *(
        " ",
        "\n",
        "\t",
        "\u00a0",
        "\u2028",
        "a",
        "a ",
        "\u00e9",
        "\u202e",
        "\u200b",
        "\U0001f600",
        "\ud800",
        "\x00",
        "(",
        "+1-",
    ),
    *(" --reason ", " --pool ", " --username ", " --cli-input-yaml ", " \\ --reason", "$ aws "),
    *(" aws ", "/aws ", '"/aws" ', "A=x ", "A='", "$env:A = ", "$ ", "% ", "> ", "^\n", "`\n>> ", "\\\n", "```", "`"),
    *(
        " | cat ",
        " && ",
        "; ",
        " 2>&1 ",
        " # ",
        " --query ",
        " --debug ",
        "--username=--pool ",
        "$x",
        '"$x" ',
        "\u279c ",
    ),
)
BEGINNINGS = (
    *("", "a", "--reason ", '--reason "', "--reason \u201c", "--username ", "--username '", '--username "', "--pool "),
    *(
        f"--cli-input-{kind}{rest}"
        for kind in ("yaml", "json")
        for rest in (" ", " '", ' "', " {", " '{", " '{a: '", " 'a: ")
    ),
    *("aws cognito-idp admin-user-global-sign-out | ", "aws cognito-idp admin-user-global-sign-out --username ada "),
    *("aws cognito-idp admin-user-global-sign-out --username '", "--user-pool-id p_1 --username ", "--region "),
)
repeated = st.builds(
    lambda parts, times: "".join(parts) * times, st.lists(st.sampled_from(PARTS), max_size=4), st.integers(0, 4_000)
)
texts = st.builds(
    lambda beginning, middles, end: beginning + "".join(middles)[: MAX_TEXT + 10] + end,
    st.sampled_from(BEGINNINGS),
    st.lists(repeated | st.text(max_size=50), max_size=4),
    st.sampled_from(("", "'", '"', "}", "}'", "]}'", " --reason x", ">")),
)


def steps(do: Callable[[], object]) -> int:
    counted = 0

    def step(_: FrameType, __: str, ___: Any) -> Any:
        nonlocal counted
        counted += 1
        return step

    before = sys.gettrace(), sys.getprofile()
    sys.settrace(step)
    sys.setprofile(step)
    try:
        with suppress(UsageError):
            do()
    finally:
        sys.settrace(before[0])
        sys.setprofile(before[1])
    return counted


@pytest.mark.parametrize(
    "document", ["{", "[", "[],", "{a: ", "? ", "- ", "*a,", "a,", "<<: ", "%a\n", "!a ", "a:\n ", "a: 1\n"]
)
@pytest.mark.parametrize("length", [300, 1_000, 1_100, 4_000])
def test_a_document_of_nothing_but_signs_costs_little(document: str, length: int) -> None:
    for option in ("--cli-input-yaml", "--cli-input-json"):
        text = f"{option} '{(document * length)[:length]}'"
        assert steps(lambda text=text: parse(text, READ)) <= MOST_STEPS  # type: ignore[misc]


@given(texts)
@example("--cli-input-yaml '" + "{" * 3_000 + "'")
@example("--cli-input-yaml " + "{a: " * 250)
@example("x " * 2_000)
@example("--region " + '"' * 3_990)
@example("aws " * 1_000)
@example("aws . " * 660)
@example("A=x " * 900 + "aws x y")
@example("$ " * 1_900 + "aws cognito-idp admin-user-global-sign-out | " + "x " * 30)
@example("aws cognito-idp admin-user-global-sign-out " + "| x " * 980)
@example("aws cognito-idp admin-user-global-sign-out " + ">a " * 1_300)
@example("aws" + " --debug" * 480 + " x y")
@example("aws cognito-idp admin-user-global-sign-out --username " + '"$" ' * 980)
@example("```" + " \\ ^ `" * 600 + "```")
def test_no_command_text_costs_more_than_a_few_milliseconds(text: str) -> None:
    assert steps(lambda: parse(text, READ)) <= MOST_STEPS


@given(texts)
def test_a_command_text_that_is_too_long_is_not_read(text: str) -> None:
    assert steps(lambda: parse(text.ljust(MAX_TEXT + 1, "{"), READ)) < 100


@given(texts)
@example("\U0001f600" * MAX_TEXT)
@example("%" * MAX_TEXT)
@example("/ " * (MAX_TEXT // 2))
def test_a_command_costs_little_over_http_too(text: str) -> None:
    body = urlencode({"command": "/signout", "text": text.encode("utf-8", "replace").decode()})
    assert steps(lambda: _payload(body, "application/x-www-form-urlencoded")) <= 500 + 5 * len(body)


@given(texts)
@example("1 " * 50_000)
@example("\u200b" * MAX_BODY_BYTES)
def test_a_form_costs_little(text: str) -> None:
    assert steps(lambda: troubles_in(Filled(target=text, reason=text), ReasonRule(required=True))) <= MOST_STEPS // 10
    assert steps(lambda: reason_of({"state": {"values": {REASON: {REASON: {"value": text}}}}})) <= MOST_STEPS // 10


NAMES = ("a@b.c ", "a@", "+12345 ", "1.1.1.1 ", "<mailto:a|b>", "<tel:1|1>", "a\u202e@b.c ", "'a@b.c'_")
said = st.lists(st.sampled_from(NAMES + PARTS), min_size=1, max_size=4).map(lambda parts: "".join(parts) * 3_000)


@given(st.dictionaries(st.sampled_from(_SAID), said, max_size=2))
@example({"text": "a@" * 20_000})
@example({"text": "a\u202e@b.c " * 5_000})
def test_a_message_costs_little_and_all_that_is_found_in_it_can_be_searched_for(message: dict[str, Any]) -> None:
    found: list[str] = []
    assert steps(lambda: found.extend(targets_in(message))) <= MOST_STEPS
    assert len(found) == len(set(found)) <= MOST_TARGETS
    assert [check_target(each) for each in found] == found
    view = form_view(FormState(channel_id="C1", pools=[], reason_required=False, found=found))
    assert refused_arguments({"view": view}) == []


def test_a_message_of_very_many_parts_costs_little() -> None:
    parts: list[Any] = [[{}] * 1_000] * 1_000
    assert steps(lambda: targets_in({"blocks": parts})) <= MOST_STEPS
    assert steps(lambda: targets_in({"attachments": [{"text": "a@b.c", "blocks": "+12345"}] * 10_000})) <= MOST_STEPS


@given(st.text(alphabet="ab \t\n\"'\\\u00a0{}$#", max_size=30).map(lambda rest: f"'{rest}"))
@example('\'a\'"b\\"c\\d"\\ e f')
@example("''")
def test_a_quoted_value_is_read_as_a_shell_does(text: str) -> None:
    lexer = shlex.shlex(text, posix=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        expected = lexer.get_token()
    except ValueError:
        with pytest.raises(UsageError, match="is not closed"):
            read_as_a_shell("username", text)
    else:
        assert read_as_a_shell("username", text)[0] == expected
