"""The threat model in SECURITY.md: each row is shown by tests that exist, or says that nothing stops it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SECURITY = (ROOT / ".github/SECURITY.md").read_text("utf-8")
_, _, *ROWS = [row.strip("|").split("|") for row in SECURITY.splitlines() if row.startswith("|")]


def test_there_is_a_table() -> None:
    assert len(ROWS) >= 18
    assert {len(row) for row in ROWS} == {4}


@pytest.mark.parametrize("row", ROWS, ids=[row[0].strip() for row in ROWS])
def test_what_stops_somebody_is_shown_by_tests_that_exist(row: list[str]) -> None:
    _, _, stopped, shown = row
    named = re.findall(r"`(.*?)`", shown)
    assert named or stopped.strip().startswith("Nothing")
    for each in named:
        file, _, name = each.partition("::")
        assert re.search(rf"^(?:async )?def {name}\(", (ROOT / file).read_text("utf-8"), re.MULTILINE), each
