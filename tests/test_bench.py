"""The benchmarks themselves: that they run, and how they compare. What they measure on this machine proves nothing."""

import subprocess
import sys
from contextlib import AbstractContextManager
from functools import partial
from importlib import import_module
from pathlib import Path
from xml.dom.minidom import parse

import pytest
from bench.counting_cognito import Calls
from bench.rows import Row, table
from bench.sides import Side, compare, verdict
from headless import BotProcess, Headless

ROOT = Path(__file__).parent.parent


class Bench:
    """`python tests/bench` in this process, with forked bots: how long a start takes is of no test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def run(self, *words: str) -> tuple[int, list[str]]:
        """Return the exit code and the lines of what it said."""

        def forked(
            headless: Headless, *, connected: bool = True, **overrides: str
        ) -> AbstractContextManager[BotProcess]:
            return headless._running(partial(headless._start, overrides, forked=True), connected=connected)

        with self._monkeypatch.context() as patch:
            patch.chdir(ROOT)
            patch.setattr(Headless, "bot_process", forked)
            patch.setattr(sys, "argv", ["bench", *words])
            patch.setattr(sys, "path", ["", *sys.path])  # its first place is the program's own folder
            code = import_module("bench.__main__").main()
        return code, self._capsys.readouterr().out.splitlines()


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Bench:
    return Bench(monkeypatch, capsys)


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


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_row_is_the_median_of_its_rounds_with_their_spread() -> None:
    row = Row(what="click", floor="raw", goal=2, rounds=[(30, 10), (1, 1), (4, 2)])
    assert cells(table([row]).splitlines()[2]) == [
        *("click", "raw (2.0 ms)", "4.0 ms", "2.00x", "1.00x to 3.00x", "≤ 2x", "yes")
    ]


def test_an_absolute_goal_is_held_against_what_was_measured() -> None:
    row = Row(what="connections", floor="0", goal=4, unit="", absolute=True, rounds=[(2, 0), (9, 0), (5, 0)])
    assert cells(table([row]).splitlines()[2]) == ["connections", "0", "5", "-", "2 to 9", "≤ 4", "NO"]


def test_a_round_of_many_counts_as_its_median_or_quantile() -> None:
    row = Row(what="ack", floor="bare", goal=2)
    row.add([1, 2, 9], [1, 1, 1])
    row.add([*range(100)], [1] * 100, share=0.99)
    assert row.rounds == [(2, 1), (99, 1)]


@pytest.mark.long
@pytest.mark.timeout(600)  # a machine with more to do may take its time
def test_all_rows_are_measured_and_drawn_in_one_go(bench: Bench, tmp_path: Path) -> None:
    few = ("--rounds=1", "--sign-outs=1", "--acks=4", "--requests=1", "--backlog=100", "--idle=0.5", "--reading=1")
    code, lines = bench.run(*few, "--chart", str(tmp_path / "chart.svg"))
    assert code == 0
    assert {line.count("|") for line in lines} == {8}
    rows = [cells(line)[0].partition(",")[0] for line in lines[2:]]
    on_linux = [
        "processor for one sign-out",
        "idle processor with 1 old requests",
        "processor for a sign-out with 1 old requests",
        "ack while retain deletes 1 old requests",
    ]
    everywhere = [
        *("ack while Cognito hangs", "click to result", "click to result", "the same", "the same"),
        *("connections opened to Slack for 40 sign-outs", "start to connected"),
        "processor to deliver one entry of 100",
    ]
    assert sorted(rows) == sorted(everywhere + (on_linux if sys.platform == "linux" else []))
    curves = parse(str(tmp_path / "chart.svg")).getElementsByTagName("polyline")  # noqa: S318 -- our own
    assert len(curves) == (2 if sys.platform == "linux" else 0)


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
def test_a_benchmark_says_what_it_measured(bench: Bench, words: tuple[str, ...], measured: list[str]) -> None:
    code, lines = bench.run(*words, "--sign-outs", "3")
    assert [line.split(":")[0] for line in lines[-len(measured) :]] == measured
    assert code == any("MORE THAN" in line for line in lines)


@pytest.mark.long
def test_the_benchmark_with_a_stranger_says_what_it_measured() -> None:
    command = (sys.executable, "tests/bench", "stranger", "--seconds", "1", "--rate", "20", "--afterwards", "1")
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == ("MORE THAN" in ran.stdout), ran.stderr
    assert [line.split(",")[0] for line in ran.stdout.splitlines()[-2:]] == [
        "Ack of an operator beside a stranger",
        "Press to the audit channel beside a stranger",
    ]
    assert "0 of them turned away, " in ran.stdout


@pytest.mark.long
def test_the_benchmark_of_a_backlog_says_what_it_measured(bench: Bench) -> None:
    code, lines = bench.run("backlog", "--entries", "100")
    assert code == any("MORE THAN" in line for line in lines)
    said = ["100 entries", "10 entries", "Processor time for an entry"]
    assert [line.partition(":")[0] for line in lines] == said


def test_the_fullest_second_and_who_was_called_twice_are_counted() -> None:
    calls = Calls(at=[0.0, 0.4, 0.9, 1.0, 1.3, 9.0], usernames=["a", "b", "c", "a", "d", "a"], refused=0)
    assert calls.most_in_a_second() == 4
    assert calls.more_than_once() == {"a": 3}
    assert calls.rate() == pytest.approx(5 / 9)
    assert [at for at, _ in calls.pauses(3)] == [1.3]


@pytest.mark.long(waits=True)
def test_the_pace_of_a_list_is_measured(bench: Bench) -> None:
    _, (done, *_, fullest) = bench.run("list-pace", "--seconds", "2", "--pace", "10")
    assert "20 of 20 accounts are done (done)" in done
    assert "The fullest second holds " in fullest
