"""blocks.validate in the fake workspace: all faults at once, each with where it is and by which rule."""

from typing import Any

import pytest

from bot.sandbox.validation import validated


def plain(text: str = "x") -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def header(length: int = 1) -> dict[str, Any]:
    return {"type": "header", "text": plain("x" * length)}


def modal(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"type": "modal", "title": plain(), "blocks": [*blocks]}


@pytest.mark.parametrize(
    "sent", [{"blocks": [header()]}, {"message": {"blocks": [header()]}}, {"view": modal(header())}]
)
def test_what_slack_takes_is_valid(sent: dict[str, Any]) -> None:
    assert validated(sent) == {"ok": True}


@pytest.mark.parametrize("sent", [{}, {"blocks": [], "view": modal()}])
def test_one_thing_is_validated_at_a_time(sent: dict[str, Any]) -> None:
    assert validated(sent) == {"ok": False, "error": "invalid_arguments"}


@pytest.mark.parametrize(
    ("sent", "error", "pointer", "constraint"),
    [
        ({"blocks": [header(151)]}, "invalid_blocks", "/0/text/text", {"type": "max_length", "expected": 150}),
        ({"blocks": [header(0)]}, "invalid_blocks", "/0/text/text", {"type": "min_length", "expected": 1}),
        ({"blocks": [header()] * 51}, "invalid_blocks", "", {"type": "max_items", "expected": 50}),
        (
            {"blocks": [{"type": "actions", "elements": []}]},
            "invalid_blocks",
            "/0/elements",
            {"type": "min_items", "expected": 1},
        ),
        (
            {
                "view": modal(
                    {"type": "actions", "elements": [{"type": "button", "text": plain(), "style": "loud"}]},
                )
            },
            "invalid_view",
            "/blocks/0/elements/0/style",
            {"type": "enum", "expected": ["primary", "danger"]},
        ),
        ({"message": {"blocks": [], "text": "x"}}, "invalid_message", "", None),
        ({"message": {"blocks": [{"type": "mystery"}]}}, "invalid_message", "/blocks/0/type", None),
        ({"view": {"type": "modal", "blocks": []}}, "invalid_view", "", None),
        ({"blocks": "nonsense"}, "invalid_blocks", "", None),
    ],
)
def test_a_fault_comes_with_its_place_and_its_rule(
    sent: dict[str, Any], error: str, pointer: str, constraint: dict[str, Any] | None
) -> None:
    answer = validated(sent)
    assert (answer["ok"], answer["error"]) == (False, error)
    (fault,) = answer["errors"]
    assert (fault["pointer"], fault["code"], fault.get("constraint")) == (pointer, "failed_constraint", constraint)
    assert fault["message"]


def test_all_faults_are_told_at_once() -> None:
    answer = validated({"blocks": [header(151), header(), {"type": "mystery"}]})
    assert [each["pointer"] for each in answer["errors"]] == ["/0/text/text", "/2/type"]


def test_it_finds_fault_with_what_it_is_told_to_wherever_that_is() -> None:
    answer = validated({"view": modal(header(), header())}, {"plain_text"})
    at = ["/title", "/blocks/0/text", "/blocks/1/text"]
    assert [each["pointer"] for each in answer["errors"]] == [f"{each}/type" for each in at]
