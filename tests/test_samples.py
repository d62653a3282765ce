"""The samples of what the bot can show: none is missing, Slack takes each, and what comes of showing them to Slack."""

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import test_words

from bot.facts.finding import Finding
from bot.sandbox.form_limits import refused_arguments
from bot.sandbox.limits import refusal
from bot.sandbox.validation import validated
from bot.slack import check_samples
from bot.slack.check_samples import ALL, SECONDS, Validation, try_samples
from bot.slack.samples import samples
from bot.slack.text import Drawn, Message, message

FOLDER = Path(check_samples.__file__).parent
SAMPLES = samples()
DRAW_NOTHING = {"check_samples.py: _batches", "pasted.py: line_in"}
DRAWS = {"Message", "Drawn", "Block", "Line"}  # what a function that draws returns, or several of them


# None is missing


def draws(function: ast.FunctionDef) -> bool:
    returned = function.returns or ast.Constant(None)
    return bool(DRAWS & {node.id for node in ast.walk(returned) if isinstance(node, ast.Name)})


def test_each_function_that_draws_something_is_used_by_a_sample() -> None:
    files = {str(path): ast.parse(path.read_text("utf-8")) for path in FOLDER.glob("*.py")}
    drawing = {
        (file, node.name)
        for file, tree in files.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and draws(node)
    }
    called = set[tuple[str, str]]()

    def note(frame: FrameType, *_: Any) -> None:
        called.add((frame.f_code.co_filename, frame.f_code.co_name))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        samples()
    finally:
        sys.setprofile(before)
    lacking = {f"{Path(file).name}: {name}" for file, name in drawing - called}
    assert lacking - DRAW_NOTHING == set(), "yield a sample in bot/slack/samples.py"


def kinds(drawn: Any, at: str = "") -> Iterator[str]:
    """Give the type of each part of blocks, inside of which it is and what it has."""
    if isinstance(drawn, dict):
        at = f"{at}/{drawn.get('type', '')}"
        yield from (f"{at}.{name}" for name in drawn)
    for inner in drawn.values() if isinstance(drawn, dict) else drawn if isinstance(drawn, list) else ():
        yield from kinds(inner, at)


def test_whatever_the_page_of_words_shows_has_parts_that_the_samples_have_too() -> None:
    sampled = {kind for each in SAMPLES.values() for kind in kinds(blocks_of(each))}
    shown = [each for _, each in test_words.messages() if isinstance(each, Message)]
    assert {kind for each in shown for kind in kinds(each.blocks)} - sampled == set()


# Slack takes each


def blocks_of(sample: Message | Drawn) -> list[Drawn]:
    return sample.blocks if isinstance(sample, Message) else sample["blocks"]


def argument(sample: Message | Drawn) -> dict[str, Any]:
    return {"message": {"blocks": sample.blocks}} if isinstance(sample, Message) else {"view": sample}


@pytest.mark.parametrize("name", SAMPLES)
def test_slack_takes_each_sample(name: str) -> None:
    sample = SAMPLES[name]
    assert validated(argument(sample)) == {"ok": True}
    if isinstance(sample, Message):
        assert refusal({"text": sample.text, "blocks": sample.blocks}) is None
    else:
        assert refused_arguments({"view": sample}) == []


# Showing them to Slack


class Slack:
    """A Slack that answers with the next of `answers`, and after those as the fake workspace does."""

    def __init__(self, *answers: tuple[int, dict[str, Any]], no_longer: tuple[str, ...] = ()) -> None:
        self.answers, self.no_longer = [*answers], no_longer
        self.sent: list[dict[str, Any]] = []
        self.waits: list[float] = []

    def blocks_validate(self, **sent: Any) -> Any:
        self.sent.append(sent)
        status, body = self.answers.pop(0) if self.answers else (200, validated(sent, self.no_longer))
        return Response(status, body)

    def found(self, shown: Mapping[str, Message | Drawn] | None = None) -> list[Finding]:
        validation: Any = Validation(self, self.waits.append, lambda: sum(self.waits))  # type: ignore[arg-type]
        return list(try_samples(validation, shown or SAMPLES))


class Response:
    """An answer, with how long Slack asks to wait where that is said."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        self.status_code, self.data = status, body
        self.headers = {"Retry-After": str(body["wait"])} if "wait" in body else {}


def too_many(wait: int) -> tuple[int, dict[str, Any]]:
    return 429, {"ok": False, "error": "ratelimited", "wait": wait}


def no(error: str) -> tuple[int, dict[str, Any]]:
    return 200, {"ok": False, "error": error}


def test_every_sample_is_shown_to_slack_in_few_calls() -> None:
    slack = Slack()
    (found,) = slack.found()
    assert (found.name, found.status) == (ALL, "ok")
    assert found.sentence == f"Slack takes all {len(SAMPLES)} ({len(slack.sent)} calls of blocks.validate)"
    assert len(slack.sent) < len(SAMPLES) / 2
    shown = [block for sent in slack.sent for block in (sent.get("message") or sent["view"])["blocks"]]
    blocks = [block for each in SAMPLES.values() for block in blocks_of(each)]
    assert sorted(map(repr, shown)) == sorted(map(repr, blocks))


def test_of_the_messages_that_were_shown_together_only_those_with_a_fault_are_named_with_where_it_is() -> None:
    shown = {"a": message("A title"), "b": message(["A line"]), "c": message("Another", ["line"])}
    slack = Slack(no_longer=("header",))
    found = slack.found(shown)
    assert [each.name for each in found] == ["a", "c"]
    assert {each.status for each in found} == {"missing"}
    expected = "Slack finds fault with /blocks/0/type: unsupported type: header (failed_constraint)."
    assert {each.sentence for each in found} == {expected}
    assert len(slack.sent) == 1 + len(shown)


def test_where_slack_takes_each_but_not_all_together_there_is_no_fault() -> None:
    found = Slack(no("invalid_message")).found({"a": message("A title"), "b": message(["A line"])})
    assert [each.status for each in found] == ["ok"]


def test_what_slack_says_of_a_fault_is_told_with_its_rule_and_cut_where_it_is_much() -> None:
    constraint = {"type": "max_length", "expected": 3000}
    errors = [
        {"pointer": f"/blocks/{number}/text", "code": "x" * 999, "message": "too long", "constraint": constraint}
        for number in range(5)
    ]
    (found,) = Slack((200, {"ok": False, "error": "invalid_message", "errors": errors})).found({"a": message("A")})
    assert found.sentence.startswith("Slack finds fault with /blocks/0/text: too long (xxx")
    assert "; with /blocks/2/text: " in found.sentence
    assert found.sentence.endswith("; with 2 places more.")
    assert len(found.sentence) < 1_100
    errors[:] = [{"pointer": "/blocks/0/text", "code": "long", "message": "too long", "constraint": constraint}]
    (found,) = Slack((200, {"ok": False, "error": "invalid_message", "errors": errors})).found({"a": message("A")})
    rule = '{"type": "max_length", "expected": 3000}'
    assert found.sentence == f"Slack finds fault with /blocks/0/text: too long (long, {rule})."


@pytest.mark.parametrize("errors", [None, "odd", [], ["odd"]])
def test_a_fault_without_a_place_is_named_all_the_same(errors: Any) -> None:
    (found,) = Slack((200, {"ok": False, "error": "invalid_view", "errors": errors})).found({"a": SAMPLES["the form"]})
    assert (found.status, found.sentence) == (
        "missing",
        "Slack finds fault with it, without saying where (invalid_view).",
    )


def test_where_slack_asks_to_wait_the_check_waits_as_long_as_it_has_time() -> None:
    slack = Slack(too_many(20), too_many(20))
    assert [each.status for each in slack.found()] == ["ok"]
    assert slack.waits == [20, 20]


@pytest.mark.parametrize("waits", [(int(SECONDS),), (20, 20, 20)])
def test_what_was_not_shown_in_that_time_is_a_note(waits: tuple[int, ...]) -> None:
    slack = Slack(*map(too_many, waits))
    (found,) = slack.found()
    assert (found.name, found.status) == (ALL, "not tried")
    assert f"{len(SAMPLES)} of {len(SAMPLES)} were not shown to Slack (ratelimited; run the check" in found.sentence
    assert sum(slack.waits) < SECONDS


def test_an_older_slack_without_the_method_is_a_note() -> None:
    slack = Slack(no("unknown_method"))
    (found,) = slack.found()
    assert found.status == "not tried"
    assert found.sentence.endswith("(this Slack has no blocks.validate (unknown_method))")
    assert len(slack.sent) == 1


def test_a_fault_that_was_found_before_slack_stopped_answering_is_told() -> None:
    shown = {"a": message("A title"), "b": message(["A line"]), "form": SAMPLES["the form"]}
    found = Slack(no("invalid_message"), no("invalid_message"), no("fatal_error")).found(shown)
    assert [(each.name, each.status) for each in found] == [("a", "missing"), (ALL, "not tried")]
    assert "2 of 3 were not shown to Slack (fatal_error)" in found[1].sentence
