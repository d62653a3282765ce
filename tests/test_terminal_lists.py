"""`signout-bot signout` of a list: what it shows, asks and leaves behind, and its exit codes."""

import csv
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from directory import Directory, user
from headless import Headless, Paused
from shell import Ran, Shell, run_here
from test_terminal import DONE, INTERRUPTED, OTHER, REFUSED, SETTINGS, USAGE
from whole_bot import SIGN_OUT, entries, requests, store_of

from bot.audit import Kind
from bot.request import Request, State
from bot.sandbox.wire import answer, refuse
from bot.terminal import list_screen as screen

Run = Callable[..., Ran]
FAST = {"SIGNOUT_LISTS_PACE": "25/s"}
SIGNED_OUT = answer(200, {}, "application/x-amz-json-1.1", x_amzn_RequestId="stand-in")


@pytest.fixture
def shell(headless: Headless, monkeypatch: pytest.MonkeyPatch) -> Shell:
    made = Shell(headless, monkeypatch)
    made.environment |= FAST
    return made


@pytest.fixture
def run(shell: Shell, capfd: pytest.CaptureFixture[str]) -> Run:
    return lambda *words, **environment: shell.run(capfd, *words, **environment)


@pytest.fixture
def leaked(tmp_path: Path) -> Path:
    path = tmp_path / "leaked.txt"
    path.write_text("ada\ngrace@example.com\n", "utf-8")
    return path


def crowd(headless: Headless, count: int) -> list[str]:
    """Put so many people into the pool, whom Cognito signs out at once; give their user names."""
    names = [f"p{number:03}" for number in range(count)]
    pool = Directory([user(name, sub=f"sub-{name}", email=f"{name}@example.com") for name in names])
    headless.do(lambda: headless.stage.weather.cognito.always("ListUsers", pool.list_users))
    headless.do(lambda: headless.stage.weather.cognito.always(SIGN_OUT, SIGNED_OUT))
    return names


def the_list(headless: Headless) -> Request:
    (found,) = (each for each in requests(headless) if each.listed)
    return found


def test_a_list_is_shown_with_what_is_left_out_and_each_account_signed_out_once(
    headless: Headless, run: Run, leaked: Path
) -> None:
    with leaked.open("a", encoding="utf-8") as file:
        file.write("ADA@example.com\nno@example.com\nada grace\n")
    ran = run("--list", str(leaked), "--pool", "customers", "--yes", "--size", "2", "--reason", "leaked")
    assert (ran.code, ran.out) == (DONE, "")
    for fact in (
        "Looked up   5 lines",
        "Sign out    2 accounts, in about 0 s at 25 a second",
        "Twice       1 lines name an account that is in the list already",
        "Reason      leaked",
        "Left out. Not found: 1\n  no@example.com",
        "Left out. Not readable as an account: 1\n  ada grace",
        "Signed out: 2 of 2 accounts",
        f"Each account: signout-bot audit --list {the_list(headless).id} --format csv",
    ):
        assert fact in ran.err
    assert not headless.is_signed_in("ada")
    assert not headless.is_signed_in("grace")
    assert len(headless.cognito_calls(SIGN_OUT)) == 2
    assert sorted(entries(headless)) == sorted(["opened", "opened", "confirmed", *["signed_out"] * 3])


def test_the_audit_log_has_each_account_of_a_list_and_no_other(
    headless: Headless, run: Run, shell: Shell, leaked: Path, monkeypatch: Any, capfd: Any
) -> None:
    assert run("--user-pool-id", shell.customers, "--username", "ada", "--yes").code == DONE
    assert run("--list", str(leaked), "--pool", "customers", "--yes", "--size", "2").code == DONE
    id_ = the_list(headless).id
    ran = run_here(monkeypatch, capfd, shell.environment, "audit", "--list", id_, "--format", "csv")
    rows = list(csv.DictReader(ran.out.splitlines()))
    assert {row["list_id"] for row in rows} == {id_}
    accounts = [row["account_username"] for row in rows if row["account_username"]]
    assert sorted(accounts) == ["ada", "grace"]
    last = rows[-1]
    assert (last["request_id"], last["kind"], last["list_pool"], last["list_size"], last["list_done"]) == (
        id_,
        "signed_out",
        "customers",
        "2",
        "2",
    )
    ran = run_here(monkeypatch, capfd, shell.environment, "audit", "--list", id_, "--pool", "customers")
    assert len(ran.out.splitlines()) == 1 + len(rows)
    assert "2 accounts" in ran.out


def test_another_number_of_accounts_than_size_says_signs_no_one_out(
    headless: Headless, run: Run, leaked: Path
) -> None:
    with leaked.open("a", encoding="utf-8") as file:
        file.write("no@example.com\n")
    ran = run("--list", str(leaked), "--pool", "customers", "--yes", "--size", "3")
    assert (ran.code, ran.out) == (OTHER, "")
    assert ran.err.endswith("The list has 2 accounts. --size says 3.\nCancelled. Nothing was done.\n")
    assert headless.cognito_calls(SIGN_OUT) == []
    assert entries(headless) == ["opened", "opened", "cancelled"]


def test_the_number_is_typed_in_a_terminal_and_a_bar_shows_how_far_it_is(
    headless: Headless, shell: Shell, leaked: Path
) -> None:
    held = headless.pause(SIGN_OUT)
    with shell.terminal("--list", str(leaked), "--pool", "customers") as tty:
        tty.wait_for("This signs 2 accounts of customers out of all devices. Type that number to confirm: ")
        tty.type("3\n")
        tty.wait_for("The list has 2 accounts.")
        tty.type("2\n")
        held.wait_until_arrived()
        tty.wait_for("/2, 0 failed, 0 not known")
        held.release()
        assert tty.ended() == DONE
    assert "Signed out: 2 of 2 accounts" in tty.shown
    assert not headless.is_signed_in("grace")


@pytest.mark.parametrize("typed", ["\n", "1\n2 3\nyes\n", "\x04"])
def test_without_the_number_nothing_is_done(headless: Headless, shell: Shell, leaked: Path, typed: str) -> None:
    with shell.terminal("--list", str(leaked), "--pool", "customers") as tty:
        tty.wait_for("to confirm: ")
        tty.type(typed)
        assert tty.ended() == OTHER
    assert "Cancelled. Nothing was done." in tty.shown
    assert entries(headless) == ["opened", "opened", "cancelled"]


def test_ctrl_c_at_the_question_cancels(headless: Headless, shell: Shell, leaked: Path) -> None:
    with shell.terminal("--list", str(leaked), "--pool", "customers") as tty:
        tty.wait_for("to confirm: ")
        tty.interrupt()
        assert tty.ended() == INTERRUPTED
    assert "Cancelled. Nothing was done." in tty.shown
    assert "Traceback" not in tty.shown
    assert entries(headless) == ["opened", "opened", "cancelled"]


def test_ctrl_c_during_the_look_up_ends_it_and_nothing_is_done(headless: Headless, shell: Shell, leaked: Path) -> None:
    held = headless.pause("ListUsers")
    with shell.terminal("--list", str(leaked), "--pool", "customers") as tty:
        held.wait_until_arrived()
        tty.interrupt()
        assert tty.ended() == INTERRUPTED
    assert "Traceback" not in tty.shown
    assert entries(headless) == ["opened", "cancelled"]


def test_ctrl_c_stops_a_list_that_runs_and_what_is_left_can_be_done_later(
    headless: Headless, shell: Shell, run: Run, leaked: Path
) -> None:
    leaked.write_text("\n".join(names := crowd(headless, 100)), "utf-8")
    held = headless.pause(SIGN_OUT)
    with shell.terminal("--list", str(leaked), "--pool", "customers", "--yes", "--size", "100") as tty:
        held.wait_until_arrived()
        tty.interrupt()
        tty.wait_for("Stopping: what is under way ends, and nothing more is begun.")
        assert the_list(headless).state is State.STOPPING
        held.release()
        assert tty.ended() == INTERRUPTED
    stopped = the_list(headless)
    counts = stopped.contents.counts
    assert stopped.state is State.PARTLY
    assert 0 < counts.done < 100
    assert f"Signed out: {counts.done} of 100 accounts" in tty.shown
    assert f"Not begun: {stopped.contents.left}." in tty.shown
    assert "1  UserNotFoundException  Cognito no longer has this account" in tty.shown, "of the call that was held"
    ran = run("--again", stopped.id, "--yes", "--size", str(100 - counts.done))
    assert ran.code == DONE
    assert f"Looked up   {100 - counts.done} accounts of list {stopped.id}" in ran.err
    called = [call.parameters["Username"] for call in headless.cognito_calls(SIGN_OUT)]
    assert sorted(called) == sorted([*names, called[0]])


def test_ctrl_c_twice_ends_the_command_at_once_and_nothing_more_is_begun(
    headless: Headless, shell: Shell, leaked: Path
) -> None:
    held = headless.pause(SIGN_OUT)
    with shell.terminal("--list", str(leaked), "--pool", "customers", "--yes", "--size", "2") as tty:
        held.wait_until_arrived()
        tty.interrupt()
        tty.wait_for("Stopping")
        tty.interrupt()
        assert tty.ended() == INTERRUPTED
    assert "The list was stopped, so nothing more is begun." in tty.shown
    assert the_list(headless).state is State.STOPPING


def test_sigterm_leaves_the_list_to_the_bot(headless: Headless, shell: Shell, leaked: Path) -> None:
    leaked.write_text("\n".join(crowd(headless, 100)), "utf-8")
    held = headless.pause(SIGN_OUT)
    with shell.terminal("--list", str(leaked), "--pool", "customers", "--yes", "--size", "100") as tty:
        held.wait_until_arrived()
        tty.terminate()
        held.release()
        assert tty.ended() == OTHER
    assert screen.LEFT_TO_THE_BOT in tty.shown
    left = the_list(headless)
    assert left.state is State.RUNNING
    assert 0 < left.contents.counts.done < 100


def test_a_list_whose_terminal_was_killed_is_ended_by_the_bot_and_no_one_is_called_twice(
    headless: Headless, shell: Shell, leaked: Path
) -> None:
    names = crowd(headless, 60)
    leaked.write_text("\n".join(names), "utf-8")
    with shell.terminal("--list", str(leaked), "--pool", "customers", "--yes", "--size", "60") as tty:
        headless.wait_for(lambda: len(headless.cognito_calls(SIGN_OUT)) > 5)
        tty.kill()
    with headless.bot_in_process(SIGNOUT_LISTS_PACE="25/s", SIGNOUT_CONFIG=shell.environment["SIGNOUT_CONFIG"]):
        headless.wait_for(lambda: the_list(headless).state is State.DONE, timeout=60)
    kinds = entries(headless)
    assert kinds.count("signed_out") == 61
    called = [call.parameters["Username"] for call in headless.cognito_calls(SIGN_OUT)]
    assert set(called) == set(names)


ABOVE = {"SIGNOUT_APPROVE_ABOVE": "1", "SIGNOUT_APPROVE_USERS": "U0KIM00001"}
