"""How much code one command and one press go through: few files and few functions, so that one can follow them."""

import ast

import pytest
from headless import Headless
from walk.recorder import BOT, Function, Steps, Walk, usual
from walk.sign_out import walks

# Today's numbers, as limits. What is wanted is 18 files and 70 functions for each of the two.
COMMAND_FILES, COMMAND_FUNCTIONS = 36, 143
PRESS_FILES, PRESS_FUNCTIONS = 44, 183


def test_a_command_and_a_press_go_through_few_files_and_functions(headless: Headless) -> None:
    command, press = walks(headless)
    for walk in (command, press):
        assert {(one.file, one.line) for one in walk.functions} <= written_with_def(), "nothing else is counted"
        assert len(set(walk.functions)) == len(walk.functions), "each is counted once"
    assert "confirm.py" in command.files
    assert {"confirm.py", "slack/audit_channel.py"} <= press.files.keys(), "the audit message is part of the press"
    assert len(command.files) <= COMMAND_FILES, described(command)
    assert len(command.functions) <= COMMAND_FUNCTIONS, described(command)
    assert len(press.files) <= PRESS_FILES, described(press)
    assert len(press.functions) <= PRESS_FUNCTIONS, described(press)


def test_what_a_thread_did_by_chance_in_one_walk_is_not_counted() -> None:
    asked, looked = Function("flow.py", 1, "ask"), Function("deliver.py", 1, "look")
    assert usual([Walk([asked], 2), Walk([asked, looked], 5), Walk([asked], 2)]) == Walk([asked], 2)


def test_a_file_changes_within_a_thread_and_from_one_thread_to_the_next() -> None:
    steps = Steps()
    there, back = Function("a.py", 1, "there"), Function("b.py", 1, "back")
    for thread, function in (("one", there), ("two", back), ("one", there), ("one", back), ("two", back)):
        steps.note(thread, function)
    assert steps.walk() == Walk([there, back], 2)


@pytest.mark.parametrize("name", ["ask.<locals>.<lambda>", "ask.<locals>.<genexpr>", "Flow.<listcomp>"])
def test_only_functions_with_a_name_are_counted(name: str) -> None:
    steps = Steps()
    steps.note("one", Function("flow.py", 1, name))
    assert steps.walk() == Walk([], 0)


def written_with_def() -> set[tuple[str, int]]:
    """The file and first line of each function that is written with `def` outside the sandbox."""
    return {
        (file.relative_to(BOT).as_posix(), min([node.lineno, *(each.lineno for each in node.decorator_list)]))
        for file in BOT.rglob("*.py")
        if not file.is_relative_to(BOT / "sandbox")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def described(walk: Walk) -> str:
    return "\n".join(f"{file}: {', '.join(names)}" for file, names in walk.files.items())
