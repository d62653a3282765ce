import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
SCRIPTS = Path(sys.executable).parent
BOT = ROOT / "bot"
PAGES = [ROOT / "README.md", *sorted((ROOT / ".github").rglob("*.md"))]
RULES = [path for path in sorted(BOT.glob("*.py")) if path.name not in {"__init__.py", "__main__.py"}]

# What a reader has to read twice, as an expression, and what is written instead.
PLAIN = {
    r"whoever|whomever": "who, anyone who",
    r"whatever|whichever|wherever": "any, all that, anywhere",
    r"nobody": "no one",
    r"(some|any|every)body": "someone, anyone, everyone",
    r"(?<!there )(is|are|was|were) no(?= (?!longer|one\b|more)\w)": "is not a, there is no",
    r"(?<!there )(is|are|was|were) (?-i:none)": "is not one, there is none",
    r"(?<!left )alone": "only",
    r"(stands?|stood)(?! for)(?! in\b)(?!-in)": "is, was",
    r"anew": "again",
    r"mend(s|ed|ing)?": "fix, repair",
    r"hears? (of|that)": "is told",
    r"in vain": "without success, for nothing",
    r"be had": "there is, get",
    r"may pass(?! \w)": "may end by itself",
    r"lest": "so that ... not",
    r"hence|thus|thereby|thereof|whence": "so, from it",
    r"upon|amid|save for": "on, among, except",
    r"shall|ought": "must, should",
}


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
    assert sum(lines.values()) <= 5_287


def test_the_bot_without_its_sandbox_does_not_grow() -> None:
    """The goal is 10,110 lines."""
    files = [path for path in BOT.rglob("*.py") if not path.is_relative_to(BOT / "sandbox")]
    assert sum(map(lines_of, files)) <= 20_857


def lines_of(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


def test_plain_words_are_used_in_the_bot() -> None:
    assert not_plain((path, spoken(path, strings=True)) for path in BOT.rglob("*.py")) == []


def test_plain_words_are_used_in_the_tests() -> None:
    assert not_plain((path, spoken(path, strings=False)) for path in (ROOT / "tests").rglob("*.py")) == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_plain_words_are_used_in_a_page(path: Path) -> None:
    without_code = re.sub(r"(```|`).+?\1", "", path.read_text("utf-8"), flags=re.DOTALL)
    assert not_plain([(path, [without_code])]) == []


def test_a_word_that_is_not_plain_is_found_in_a_docstring_a_comment_and_a_sentence(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text(
        '"""There is no case\nwhoever it is."""\n# It\n# is no case.\nTOLD = f"{1} stands here"\nwhoever = "alone"\n'
    )
    found = [each.split(": ")[1] for each in not_plain([(bad, spoken(bad, strings=True))])]
    assert found == ["is no", "whoever", "stands"]


def not_plain(texts: Iterable[tuple[Path, Iterable[str]]]) -> list[str]:
    """Return each word that is not plain, with its file, and with what is written instead."""
    return [
        f"{path.name}: {found[0]}: write {plain!r} in {text[max(found.start() - 40, 0) : found.end() + 40]!r}"
        for path, all_texts in texts
        for text in (" ".join(each.split()) for each in all_texts)
        for word, plain in PLAIN.items()
        for found in re.finditer(rf"\b(?:{word})\b", text, re.IGNORECASE)
    ]


def spoken(path: Path, *, strings: bool) -> Iterator[str]:
    """Give the comments of a module and its docstrings; with `strings`, each text in it of more than one word."""
    source = path.read_text("utf-8")
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    yield " ".join(each.string.strip("# ") for each in tokens if each.type == tokenize.COMMENT)
    for node in ast.walk(ast.parse(source)):
        if strings and isinstance(node, ast.Constant) and " " in str(node.value):
            yield str(node.value)
        elif not strings and isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""
