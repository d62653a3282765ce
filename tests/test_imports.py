import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def import_everything(folder: Path) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-B", ROOT / "tests/import_everything.py")
    bare = {"PATH": os.defpath}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=bare)


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def test_importing_builds_reads_and_connects_nothing() -> None:
    ran = import_everything(ROOT)
    assert ran.returncode == 0, ran.stderr
    assert {"bot", *ran.stdout.split()} == {module_name(path) for path in (ROOT / "bot").rglob("*.py")}


@pytest.mark.parametrize(
    "line",
    [
        "open('out.txt', 'w')",
        "import pathlib; pathlib.Path(__file__).read_text()",
        "import sqlite3; sqlite3.connect(':memory:')",
        "import socket; socket.create_connection(('127.0.0.1', 9))",
        "import boto3; boto3.client('cognito-idp', region_name='eu-west-1')",
    ],
)
def test_a_module_that_works_when_imported_is_noticed(tmp_path: Path, line: str) -> None:
    (tmp_path / "bot").mkdir()
    (tmp_path / "bot/__init__.py").touch()
    (tmp_path / "bot/eager.py").write_text(line, "utf-8")
    ran = import_everything(tmp_path)
    assert ran.returncode != 0
    assert "while a module is imported" in ran.stderr
