import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPTS = Path(sys.executable).parent
TOP = sorted((ROOT / "bot").glob("*.py"))
# The other files right under bot/ are the rules.
STARTS_THE_BOT = {"__main__.py"}


@pytest.mark.parametrize(
    "command",
    [
        pytest.param((SCRIPTS / "ruff", "check", "--no-cache", "--output-format=concise"), id="ruff check"),
        pytest.param((SCRIPTS / "ruff", "format", "--no-cache", "--diff"), id="ruff format"),
        pytest.param((sys.executable, "-m", "mypy"), id="mypy"),
        pytest.param((SCRIPTS / "lint-imports", "--no-cache", "--no-logo"), id="import-linter"),
    ],
)
def test_it_has_nothing_to_say(command: tuple[str | Path, ...]) -> None:
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if ran.returncode:
        pytest.fail(f"{ran.stdout}{ran.stderr}", pytrace=False)


def test_each_rule_and_all_of_them_can_be_read_in_one_sitting() -> None:
    lines = {path.name: len(path.read_text("utf-8").splitlines()) for path in TOP}
    assert {name: count for name, count in lines.items() if count > 300} == {}
    assert sum(count for name, count in lines.items() if name not in STARTS_THE_BOT) < 1575
