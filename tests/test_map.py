"""Each folder's `__init__.py` says what each of its files and folders is for."""

import ast
import re
from pathlib import Path

import pytest

import bot

ROOT = Path(bot.__file__).parent
FOLDERS = sorted({path.parent for path in ROOT.rglob("__init__.py")})
_LINE = re.compile(r"^ *(?P<name>[\w.]+(?:\.\w+|/))  +\S", re.MULTILINE)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.relative_to(ROOT.parent).as_posix())
def test_a_folders_map_names_exactly_what_is_in_it(folder: Path) -> None:
    text = ast.get_docstring(ast.parse((folder / "__init__.py").read_text("utf-8"))) or ""
    named = [match["name"] for match in _LINE.finditer(text)]
    there = [f"{path.name}/" if path.is_dir() else path.name for path in folder.iterdir() if not _is_apart(path)]
    assert sorted(named) == sorted(there)


def _is_apart(path: Path) -> bool:
    return path.name in {"__init__.py", "__pycache__"}
