"""The benchmarks themselves: that they run, and how they compare. What they measure on this machine proves nothing."""

import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.sides import Side, compare, verdict

ROOT = Path(__file__).parent.parent


def test_both_sides_are_measured_in_turns_and_each_begins_as_often() -> None:
    turns: list[str] = []

    def side(name: str, seconds: float) -> Side:
        return Side(name, lambda: turns.append(name) or seconds)  # type: ignore[func-returns-value]

    new, old = side("new", 0.2), side("old", 0.1)
    assert compare(new, old, 2) == pytest.approx(2)
    assert turns == ["old", "new", "new", "old"]


@pytest.mark.parametrize(("ratio", "is_within"), [(0.5, True), (1.1, True), (1.11, False)])
def test_a_ratio_is_held_against_its_limit(ratio: float, *, is_within: bool) -> None:
    assert verdict("Click to result", ratio, 1.1) is is_within


@pytest.mark.long
@pytest.mark.parametrize(
    ("words", "measured"),
    [
        (("click", "--against", "."), ["Click to result"]),
        pytest.param(
            ("history", "--requests", "10", "--idle", "1"),
            ["Idle processor time", "Click to result"],
            marks=pytest.mark.skipif(sys.platform != "linux", reason="reads a Linux clock"),
        ),
    ],
    ids=["click", "history"],
)
def test_a_benchmark_says_what_it_measured(words: tuple[str, ...], measured: list[str]) -> None:
    command = (sys.executable, "tests/benchmarks", *words, "--sign-outs", "3")
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert [line.split(":")[0] for line in ran.stdout.splitlines()[-len(measured) :]] == measured, ran.stderr
    assert ran.returncode == ("MORE THAN" in ran.stdout)


@pytest.mark.long
def test_the_benchmark_with_a_stranger_says_what_it_measured() -> None:
    command = (sys.executable, "tests/benchmarks", "stranger", "--seconds", "3", "--rate", "20", "--afterwards", "1")
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == ("MORE THAN" in ran.stdout), ran.stderr
    assert [line.split(",")[0] for line in ran.stdout.splitlines()[-2:]] == [
        "Ack of an operator beside a stranger",
        "Press to the audit channel beside a stranger",
    ]
    assert "0 of them turned away, " in ran.stdout
