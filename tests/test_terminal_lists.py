"""`signout-bot signout` of a list: what it shows, asks and leaves behind, and its exit codes."""

import csv
import os
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from directory import Directory, user
from examples import HOME, KIM, listing
from headless import AUDIT, Headless
from lists import people
from shell import ROLE, Ran, Shell, run_here
from test_bot_approval import APPROVE
from test_terminal import DONE, INTERRUPTED, OTHER, REFUSED, SETTINGS, USAGE
from whole_bot import SIGN_OUT, entries, requests, store_of, travel

from bot.approve import Approvals
from bot.authorize import Allowed, Allowlist
from bot.decide import Press
from bot.errors import UsageError
from bot.facts.clock import CheckedClock
from bot.list_work import LIST_LEASE
from bot.listed import Counts, Listed
from bot.request import Request, State
from bot.sandbox.wire import answer, refuse
from bot.terminal import list_screen as screen
from bot.terminal.list_command import number_in
from bot.terminal.list_front import ListTerminalReply
from bot.terminal.progress import Bar
from bot.wiring.shared import SystemClock

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
    accounts = people(count)
    pool = Directory([user(each.username, sub=str(each.sub), email=str(each.email)) for each in accounts])
    headless.do(lambda: headless.stage.weather.cognito.always("ListUsers", pool.list_users))
    headless.do(lambda: headless.stage.weather.cognito.always(SIGN_OUT, SIGNED_OUT))
    return [each.username for each in accounts]


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
        "Sign out    2 accounts, in about 1 second at 25 a second",
        "Twice       Lines whose account is in the list already: 1",
        "Reason      leaked",
        "Left out. Not found: 1\n  no@example.com",
        "Left out. Not readable as an account: 1\n  ada grace",
        "Signed out: 2 accounts",
        f"Each account that has ended: signout-bot audit --list {the_list(headless).id} --format csv",
    ):
        assert fact in ran.err
    assert not headless.is_signed_in("ada")
    assert not headless.is_signed_in("grace")
    assert len(headless.cognito_calls(SIGN_OUT)) == 2
    assert sorted(entries(headless)) == sorted(["opened", "opened", "confirmed", *["signed_out"] * 3])


def test_the_audit_log_has_each_account_of_a_list_and_no_other(  # noqa: PLR0913, PLR0917 -- fixtures
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


def test_another_number_of_accounts_than_size_says_signs_no_one_out(headless: Headless, run: Run, leaked: Path) -> None:
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
        tty.wait_for(
            "This signs 2 accounts of pool customers out of all devices. Type the number of accounts to confirm: "
        )
        tty.type("3\n")
        tty.wait_for("The list has 2 accounts.")
        tty.type("2\n")
        held.wait_until_arrived()
        tty.wait_for("/2, 0 failed, 0 not known")
        held.release()
        assert tty.ended() == DONE
    assert "Signed out: 2 accounts" in tty.shown
    assert not headless.is_signed_in("grace")


@pytest.mark.parametrize("typed", ["1\n2 3\nyes\n", "\x04"])
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
    leaked.write_text("\n".join(names := crowd(headless, 50)), "utf-8")
    held = headless.pause(SIGN_OUT)
    shell.environment["SIGNOUT_LISTS_PACE"] = "4/s"  # so that it is far from its end
    with shell.terminal("--list", str(leaked), "--pool", "customers", "--yes", "--size", "50") as tty:
        headless.wait_for(lambda: len(headless.cognito_calls(SIGN_OUT)) > 2)
        tty.interrupt()
        tty.wait_for("Stopping: what is under way ends, and nothing more is begun.")
        assert the_list(headless).state is State.STOPPING
        held.release()
        assert tty.ended() == INTERRUPTED
    stopped = the_list(headless)
    counts = stopped.contents.counts
    assert stopped.state is State.PARTLY
    assert 0 < counts.done < 50
    assert f"Signed out: {counts.done} of 50 accounts" in tty.shown
    assert f"{stopped.contents.left} accounts were not begun: nothing was sent for them." in tty.shown
    assert "1: Cognito no longer has the account (UserNotFoundException)" in tty.shown, "of the call that was held"
    shell.environment |= FAST
    ran = run("--again", stopped.id, "--yes", "--size", str(50 - counts.done))
    assert ran.code == DONE
    assert f"Looked up   {50 - counts.done} accounts of list {stopped.id}" in ran.err
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
    leaked.write_text("\n".join(crowd(headless, 50)), "utf-8")
    held = headless.pause(SIGN_OUT)
    shell.environment["SIGNOUT_LISTS_PACE"] = "4/s"  # so that it is far from its end
    with shell.terminal("--list", str(leaked), "--pool", "customers", "--yes", "--size", "50") as tty:
        headless.wait_for(lambda: len(headless.cognito_calls(SIGN_OUT)) > 2)
        tty.terminate()
        held.release()
        assert tty.ended() == OTHER
    assert screen.LEFT_TO_THE_BOT in tty.shown
    left = the_list(headless)
    assert left.state is State.RUNNING
    assert 0 < left.contents.counts.done < 50


def test_a_list_whose_terminal_was_killed_is_ended_by_the_bot(headless: Headless, shell: Shell, leaked: Path) -> None:
    leaked.write_text("\n".join(names := crowd(headless, 60)), "utf-8")
    with shell.terminal("--list", str(leaked), "--pool", "customers", "--yes", "--size", "60") as tty:
        headless.wait_for(lambda: len(headless.cognito_calls(SIGN_OUT)) > 5)
        tty.kill()
        tty.ended()
    travel(headless).forward(seconds=40)  # past all leases
    with headless.bot_in_process(**FAST):
        headless.wait_for(lambda: the_list(headless).state is State.DONE)
    assert entries(headless).count("signed_out") == 1 + len(names)
    assert {call.parameters["Username"] for call in headless.cognito_calls(SIGN_OUT)} == {*names}


ABOVE = {"SIGNOUT_APPROVE_ABOVE": "1", "SIGNOUT_APPROVE_USERS": "U0KIM00001"}


def of_kim(headless: Headless, decide: Callable[[Approvals, Press], Request], **said: Any) -> None:
    """Let Kim decide on the list in this process, which is not the terminal's."""
    with store_of(headless) as store:
        approvers = Allowlist(Allowed(users=frozenset({KIM.id})), {"customers": Allowed()}, table="approve")
        shared: dict[str, Any] = {"members": lambda *_: frozenset(), "home": lambda: HOME, "approvers": approvers}
        rules = Approvals(**shared, requests=store, trail=store, clock=CheckedClock(SystemClock()))
        decide(rules, Press(request_id=the_list(headless).id, operator=KIM, **said))


def test_a_list_waits_in_the_terminal_until_someone_approves_it_in_slack_and_then_runs(
    headless: Headless, shell: Shell, leaked: Path
) -> None:
    shell.environment |= ABOVE
    words = ("--list", str(leaked), "--pool", "customers", "--yes", "--size", "2")
    with headless.bot_in_process(**FAST, **ABOVE), shell.terminal(*words) as tty:
        tty.wait_for("A second person has to approve it: U0KIM00001. The bot asks them in Slack's channel C0AUDIT001")
        tty.wait_for("for 15 minutes. Ctrl-C cancels it.")
        asked = headless.wait_for_message(KIM.id, AUDIT, button=APPROVE)
        assert headless.cognito_calls(SIGN_OUT) == []
        headless.press(KIM.id, asked, APPROVE)
        assert tty.ended() == DONE
        headless.wait_for_message(KIM.id, AUDIT, containing="Entry ")
        headless.wait_for_message(KIM.id, AUDIT, containing="100%")
        assert headless.wait_for(lambda: [each for each in headless.audit() if "Ended " in each.text])
        assert len(headless.audit()) == 3, "the approval, the progress and the outcome; none for each account"
    assert "Approval    A second person has to approve it (approve.above)" in tty.shown
    assert "Approved by kim (U0KIM00001)." in tty.shown
    assert not headless.is_signed_in("ada")


def test_a_list_that_is_denied_does_nothing(headless: Headless, shell: Shell, leaked: Path) -> None:
    shell.environment |= ABOVE
    with shell.terminal("--list", str(leaked), "--pool", "customers", "--yes", "--size", "2") as tty:
        tty.wait_for("Ctrl-C cancels it.")
        of_kim(headless, Approvals.deny, reason="not that one")
        assert tty.ended() == OTHER
    assert "Denied by kim (U0KIM00001): not that one. Nothing was done." in tty.shown
    assert headless.cognito_calls(SIGN_OUT) == []


def test_ctrl_c_cancels_a_list_that_awaits_its_approval(headless: Headless, shell: Shell, leaked: Path) -> None:
    shell.environment |= ABOVE
    with shell.terminal("--list", str(leaked), "--pool", "customers", "--yes", "--size", "2") as tty:
        tty.wait_for("Ctrl-C cancels it.")
        tty.interrupt()
        assert tty.ended() == INTERRUPTED
    assert "Cancelled. Nothing was done." in tty.shown
    assert the_list(headless).state is State.CANCELLED


def test_sigterm_leaves_a_list_to_its_approver_and_the_bot(headless: Headless, shell: Shell, leaked: Path) -> None:
    shell.environment |= ABOVE
    with shell.terminal("--list", str(leaked), "--pool", "customers", "--yes", "--size", "2") as tty:
        tty.wait_for("Ctrl-C cancels it.")
        tty.terminate()
        assert tty.ended() == OTHER
    assert screen.LEFT_UNAPPROVED in tty.shown
    assert the_list(headless).state is State.APPROVING


def test_what_comes_on_standard_input_is_asked_about_on_the_terminal(
    headless: Headless, shell: Shell, leaked: Path
) -> None:
    with shell.terminal("--list", "-", "--pool", "customers", standard_input=leaked) as tty:
        tty.wait_for("to confirm: ")
        tty.type("2\n")
        assert tty.ended() == DONE
    assert not headless.is_signed_in("ada")


def test_a_column_of_csv_is_taken_by_a_script_that_says_how_many_accounts_it_has(
    headless: Headless, run: Run, tmp_path: Path
) -> None:
    (path := tmp_path / "leaked.csv").write_bytes(b"\xef\xbb\xbfid;Email\r\n1;ada@example.com\r\n2;\r\n")
    ran = run("--list", str(path), "--column", "email", "--pool", "customers", "--yes", "--size", "1")
    assert ran.code == DONE
    assert "Left out. Not readable as an account: 1\n  (empty)" in ran.err
    assert headless.is_signed_in("grace")


def test_everyone_of_a_pool_is_signed_out(headless: Headless, run: Run, shell: Shell) -> None:
    ran = run("--everyone", "--user-pool-id", shell.customers, "--yes", "--size", "2")
    assert ran.code == DONE
    assert "Looked up   2 accounts in the pool" in ran.err
    assert not headless.is_signed_in("ada")
    assert not headless.is_signed_in("grace")


def test_of_several_pools_one_has_to_be_named(headless: Headless, run: Run) -> None:
    ran = run("--everyone", "--yes", "--size", "2")
    assert (ran.code, ran.out) == (USAGE, "")
    assert "A list is of one pool. Say which: --pool NAME. You may use: customers, staff." in ran.err
    assert entries(headless) == []


def test_a_list_of_no_account_is_said_to_be_one(headless: Headless, run: Run, leaked: Path) -> None:
    leaked.write_text("no@example.com\nnot this one\n", "utf-8")
    ran = run("--list", str(leaked), "--pool", "customers", "--yes", "--size", "1")
    assert (ran.code, ran.out) == (REFUSED, "")
    assert ran.err.endswith("can be signed out: 1 not found, 1 not readable.\n")
    assert entries(headless) == ["opened", "cancelled"]


def test_a_file_that_cannot_be_read_to_its_end_signs_no_one_out(headless: Headless, run: Run, leaked: Path) -> None:
    with leaked.open("ab") as file:
        file.write(b"\xff\n")
    ran = run("--list", str(leaked), "--pool", "customers", "--yes", "--size", "2")
    assert (ran.code, ran.out) == (USAGE, "")
    assert f"Line 3 of {leaked} is not text in UTF-8." in ran.err
    assert entries(headless) == ["opened", "cancelled"]
    assert headless.cognito_calls(SIGN_OUT) == []


def test_who_is_not_in_allow_terminal_may_not_ask_for_a_list(
    headless: Headless, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], leaked: Path
) -> None:
    shell = Shell(headless, monkeypatch, allowed="arn:aws:iam::123456789012:role/Other")
    ran = shell.run(capfd, "--list", str(leaked), "--pool", "customers", "--yes", "--size", "2")
    assert (ran.code, ran.out) == (SETTINGS, "")
    assert "is not in allow.terminal" in ran.err
    assert entries(headless) == ["refused"]
    assert headless.cognito_calls() == []


def test_what_cognito_refuses_is_counted_by_its_reason(headless: Headless, run: Run, leaked: Path) -> None:
    headless.before_cognito(SIGN_OUT, *[refuse(400, "NotAuthorizedException")] * 2)
    ran = run("--list", str(leaked), "--pool", "customers", "--yes", "--size", "2")
    assert (ran.code, ran.out) == (REFUSED, "")
    assert "Not signed out: 2 accounts" in ran.err
    assert "2 accounts were not signed out. No session was ended.\nWhy:\n  2: Cognito does not allow it" in ran.err
    assert f"signout-bot signout --again {the_list(headless).id}" in ran.err


def test_a_list_begins_after_those_of_another_instance_and_says_so(
    headless: Headless, shell: Shell, leaked: Path
) -> None:
    with store_of(headless) as store:
        now, minute = SystemClock.now(), timedelta(minutes=1)
        assert store.lease("own/eu-central-1", "another", now, now + LIST_LEASE, minute)
        with shell.terminal("--list", str(leaked), "--pool", "customers", "--yes", "--size", "2") as tty:
            tty.wait_for(screen.WAITS)
            assert headless.cognito_calls(SIGN_OUT) == []
            store.give_back("own/eu-central-1", "another")
            assert tty.ended() == DONE
        assert store.lease("own/eu-central-1", "a third", SystemClock.now(), now + LIST_LEASE, minute), (
            "it was given back"
        )


def test_a_list_that_was_paused_goes_on_with_enter(headless: Headless, shell: Shell, leaked: Path) -> None:
    shell.environment["SIGNOUT_LISTS_PACE"] = "100/s"
    leaked.write_text("\n".join(crowd(headless, 80)), "utf-8")
    headless.do(lambda: headless.stage.weather.cognito.always(SIGN_OUT, refuse(400, "AccessDeniedException")))
    with shell.terminal("--list", str(leaked), "--pool", "customers", "--yes", "--size", "80") as tty:
        tty.wait_for("Paused by the bot itself. 25 accounts in a row were not signed out")
        tty.wait_for("Press Enter and it goes on; Ctrl-C stops it.")
        headless.do(lambda: headless.stage.weather.cognito.always(SIGN_OUT, SIGNED_OUT))
        tty.type("\n")
        assert tty.ended() == OTHER
    ended = the_list(headless)
    assert ended.state is State.PARTLY
    assert ended.contents.left == 0
    assert [str(entry) for entry in entries(headless) if entry in {"paused", "continued"}] == ["paused", "continued"]


def test_where_there_is_no_terminal_a_line_now_and_then_says_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    times = iter([0.0, 5.0, 9.9, 10.0, 30.0])
    progress = Bar(monotonic=lambda: next(times))
    for number in (0, 50, 99, 100, 100):
        progress.show(number, 500, beside="", line=f"{number} of 500")
    progress.close()
    assert capsys.readouterr().err == "0 of 500\n100 of 500\n"


def test_an_error_is_on_a_line_of_its_own_after_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        reply = ListTerminalReply(arn=ROLE, quiet=False, again=None, bar=Bar(monotonic=lambda: 0.0))
        reply.looking(listing())
        reply.say(UsageError("It broke."))
        monkeypatch.undo()
        shown = b""
        while not shown.endswith(b"It broke.\r\n"):
            shown += os.read(ours, 10_000)
    os.close(ours)
    assert re.search(rb"\rLooked up: 2 so far, 00:00 *\r\nIt broke", shown)


def test_a_line_says_what_a_bar_would() -> None:
    counts = Counts(ended=1_200, done=1_190, failed=9, unknown=1)
    listed = Listed(pool="customers", pool_id="p_1", region="r", size=4_000, counts=counts)
    known = "1,200 of 4,000 accounts: 1,190 signed out, 9 failed, 1 not known."
    assert screen.how_far(listed) == known
    assert screen.how_far(replace(listed, rate=11.94)) == f"{known} 11.9 a second, about 4 minutes left."


def test_only_a_list_of_ones_own_that_has_ended_can_be_asked_for_once_more(
    headless: Headless, run: Run, leaked: Path
) -> None:
    assert run("--list", str(leaked), "--pool", "customers", "--yes", "--size", "2").code == DONE
    ran = run("--again", the_list(headless).id, "--yes", "--size", "2")
    assert (ran.code, ran.err) == (USAGE, "This list is done, so there is nothing of it to do once more.\n")
    ran = run("--again", "01M81J18G0S2FYJA4JPP0958ZR", "--yes", "--size", "2")
    assert (ran.code, ran.err.startswith("The bot knows no such list.")) == (USAGE, True)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--list f --everyone", "--list and --everyone are two lists. Ask for one."),
        ("--list f --username ada", "--username does not go with --list."),
        ("--everyone --keep-out", "A list can only sign out."),
        ("--again \udcff", "--again needs the id of a list: 26 letters and digits."),
        ("--again latest", "--again needs the id of a list: 26 letters and digits."),
        ("--everyone --column email", "--column goes with --list only."),
        ("--username ada --size 5", "--size goes with --list, --everyone, --again only."),
        ("--everyone --size 5", "--size goes with --yes: without it, the number of accounts is asked for."),
        ("--everyone --yes", "A list that no one is asked about needs --size N with --yes"),
        ("--everyone --yes --size many", "--size must be a number of accounts."),
        ("--again 5 --reason x --yes --size 5", "With --again, pool and reason are those of the list"),
        ("--everyone --pool \udcff --yes --size 5", "--pool is not valid text."),
        ("aws cognito-idp admin-user-global-sign-out --everyone", "The AWS CLI's command signs out one person."),
        ("--everyone", "There is no terminal here, so the number of accounts cannot be asked for. Add --yes --size N."),
        ("--list f", "There is no terminal here, so the number of accounts cannot be asked for. Add --yes --size N."),
    ],
)
def test_wrong_usage_is_one_sentence_and_needs_no_settings(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], words: str, sentence: str
) -> None:
    ran = run_here(monkeypatch, capfd, {}, "signout", *words.split())
    assert (ran.code, ran.out) == (USAGE, "")
    assert sentence in ran.err


@pytest.mark.parametrize(
    ("typed", "number"),
    [("4000", 4000), (" 4,000\n", 4000), ("4 000", 4000), ("1.234.567", 1_234_567), ("4,00", None), ("-4", None)],
)
def test_a_number_may_be_typed_as_people_write_numbers(typed: str, number: int | None) -> None:
    assert number_in(typed) == number
