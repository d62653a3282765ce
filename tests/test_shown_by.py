"""Each promise of promises.md and each threat of SECURITY.md names the tests that show it, and they exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROMISES, SECURITY = (ROOT / ".github" / page for page in ("docs/promises.md", "SECURITY.md"))
SHOWN_BY = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def parts(page: Path) -> Iterator[tuple[str, str]]:
    """Each promise or threat: its heading and its text."""
    _, *found = re.split(r"^### ", page.read_text("utf-8"), flags=re.MULTILINE)
    for part in found:
        heading, _, text = re.split(r"^## ", part, flags=re.MULTILINE)[0].partition("\n")
        yield heading, text


BOTH = [pytest.param(text, id=heading) for page in (PROMISES, SECURITY) for heading, text in parts(page)]


@pytest.mark.parametrize("text", BOTH)
def test_what_is_promised_is_shown_by_tests_that_exist(text: str) -> None:
    named = SHOWN_BY.findall(text)
    assert named or "Nothing in the bot stops" in text
    assert len(named) == text.count("`tests/")
    for file, name in named:
        assert re.search(rf"^ *(?:async )?def {name}\(", (ROOT / file).read_text("utf-8"), re.MULTILINE), name


def test_there_are_fourteen_promises_and_a_table_of_threats() -> None:
    assert [heading.split()[0] for heading, _ in parts(PROMISES)] == [f"{number}." for number in range(1, 15)]
    assert len(list(parts(SECURITY))) >= 18
