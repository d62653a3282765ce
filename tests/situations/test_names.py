"""All situations are here: `pytest tests/situations` runs each by its number and name."""

import ast
import re
from pathlib import Path


def test_each_of_the_29_situations_has_one_test() -> None:
    names = [
        node.name
        for file in Path(__file__).parent.glob("test_*.py")
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and re.match(r"test_\d\d_", node.name)
    ]
    assert sorted(int(name[5:7]) for name in names) == list(range(1, 30)), sorted(names)
