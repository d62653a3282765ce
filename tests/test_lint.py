import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPTS = Path(sys.executable).parent
BOT = ROOT / "bot"
RULES = [path for path in sorted(BOT.glob("*.py")) if path.name not in {"__init__.py", "__main__.py"}]


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
    lines = {path.name: lines_of(path) for path in RULES}
    assert {name: count for name, count in lines.items() if count > 250} == {}
    assert sum(lines.values()) <= 2_300


def test_the_bot_without_its_sandbox_does_not_grow() -> None:
    """The goal is 10,110 lines."""
    files = [path for path in BOT.rglob("*.py") if not path.is_relative_to(BOT / "sandbox")]
    assert sum(map(lines_of, files)) <= 13_300


def lines_of(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())
