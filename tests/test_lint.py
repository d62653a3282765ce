import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
SCRIPTS = Path(sys.executable).parent
BOT = ROOT / "bot"
RULES = [path for path in sorted(BOT.glob("*.py")) if path.name not in {"__init__.py", "__main__.py"}]


HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"][0]["hooks"]


@pytest.mark.parametrize("line", [pytest.param(hook["entry"], id=hook["name"]) for hook in HOOKS])
def test_it_has_nothing_to_say(line: str) -> None:
    program, *options = line.split()
    command = [str(SCRIPTS / program.removeprefix(".venv/bin/")), *options]
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
