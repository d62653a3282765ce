"""`signout-bot signout`: its exit codes, what it shows, and that the audit channel is told."""

import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import ctrl_c
import pytest
from directory import Directory, user
from examples import ADA, awaiting, choosing
from headless import AUDIT, SAM, Headless
from shell import ROLE, Ran, Shell, run_here
from whole_bot import FIND, SIGN_OUT, entries, states, store_path

from bot.action import Step
from bot.errors import (
    AccountNotFoundError,
    BotError,
    Code,
    DeniedError,
    NotRecordedError,
    PoolUnavailableError,
    SecondPersonError,
    StoreUnavailableError,
    UnderWayError,
    UsageError,
)
from bot.request import State
from bot.sandbox.devices import HOSTILE_NAME
from bot.sandbox.wire import refuse, reset
from bot.terminal import screen
from bot.terminal.front import TerminalReply
from bot.terminal.output import OF_SIGNOUT
from bot.work import Worker

Run = Callable[..., Ran]
DONE, USAGE, SETTINGS, REFUSED, OTHER, INTERRUPTED = 0, 252, 253, 254, 255, 130
SUB = "343d94cb-5ddd-4f39-ab9f-be013c348223"


@pytest.fixture
def shell(headless: Headless, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return Shell(headless, monkeypatch)


@pytest.fixture
def run(shell: Shell, capfd: pytest.CaptureFixture[str]) -> Run:
    def signout(*words: str, **environment: str) -> Ran:
        return shell.run(capfd, *words, **environment)

    return signout


@pytest.fixture
def ada(shell: Shell) -> tuple[str, ...]:
    return ("--user-pool-id", shell.customers, "--username", "ada")


def test_success_says_nothing_and_the_audit_channel_is_told_at_the_bots_next_start(
    headless: Headless, run: Run, ada: tuple[str, ...]
) -> None:
    assert run(*ada, "--yes", "--reason", "lost phone") == Ran(DONE, "", "")
    assert not headless.is_signed_in("ada")
    assert headless.is_signed_in("grace")
    assert entries(headless) == ["opened", "confirmed", "signed_out"]
    assert headless.audit() == []
    with headless.bot_in_process():
        posted = headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
    for fact in (ROLE, pwd.getpwuid(os.getuid()).pw_name, "lost phone", "allow.terminal"):
        assert fact in posted.text
    assert "whatever-sam-likes" not in posted.text


def test_a_running_bot_is_not_in_the_way(headless: Headless, run: Run, ada: tuple[str, ...]) -> None:
    with headless.bot_in_process():
        assert run(*ada, "--yes").code == DONE
    assert states(headless) == ["done"]


def test_the_whole_line_of_the_aws_cli_may_follow(headless: Headless, run: Run, ada: tuple[str, ...]) -> None:
    assert run("aws", "cognito-idp", "admin-user-global-sign-out", *ada, "--yes").code == DONE
    assert not headless.is_signed_in("ada")


@pytest.mark.parametrize("answer", ["n", "", "yess", "\x04"])
def test_anything_but_yes_cancels(headless: Headless, shell: Shell, ada: tuple[str, ...], answer: str) -> None:
    with shell.terminal(*ada) as tty:
        tty.wait_for("[y/N]")
        tty.type(answer if answer == "\x04" else f"{answer}\n")
        assert tty.ended() == OTHER
    assert "Cancelled. Nothing was done to ada." in tty.shown
    assert headless.is_signed_in("ada")
    assert entries(headless) == ["opened", "cancelled"]


def test_yes_at_the_terminal_signs_out(headless: Headless, shell: Shell, ada: tuple[str, ...]) -> None:
    with shell.terminal(*ada, "--reason", "lost \u202ephone") as tty:
        tty.wait_for("[y/N]")
        assert headless.cognito_calls(SIGN_OUT) == []
        tty.type("Yes\n")
        assert tty.ended() == DONE
    for fact in (
        "User name   ada",
        "ada@example.com",
        "CONFIRMED, enabled",
        f"customers ({shell.customers}",
        "\\u202E",
    ):
        assert fact in tty.shown
    assert "\u202e" not in tty.shown
    assert not headless.is_signed_in("ada")


def test_ctrl_c_at_the_question_cancels(headless: Headless, shell: Shell, ada: tuple[str, ...]) -> None:
    with shell.terminal(*ada) as tty:
        tty.wait_for("[y/N]")
        tty.interrupt()
        assert tty.ended() == INTERRUPTED
    assert "Cancelled. Nothing was done to ada." in tty.shown
    assert "Traceback" not in tty.shown
    assert states(headless) == ["cancelled"]


def test_ctrl_c_during_the_call_says_that_nothing_is_known_and_the_bot_finishes_it(
    headless: Headless, shell: Shell, ada: tuple[str, ...]
) -> None:
    held = headless.pause(SIGN_OUT)
    with shell.terminal(*ada, "--yes") as tty:
        held.wait_until_arrived()
        tty.interrupt()
        assert tty.ended() == INTERRUPTED
    assert "Interrupted. Whether it happened is not known here." in tty.shown
    assert "Traceback" not in tty.shown
    assert states(headless) == ["running"]


def test_what_these_tests_start_takes_ctrl_c_even_where_they_run_in_the_background() -> None:
    command = [sys.executable, "-c", "import signal; print(signal.getsignal(signal.SIGINT).__name__)"]
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell starts a background job
    try:
        with ctrl_c.taken():
            ran = subprocess.run(command, capture_output=True, text=True, check=True)
    finally:
        signal.signal(signal.SIGINT, before)
    assert ran.stdout == "default_int_handler\n"


def test_where_no_one_can_be_asked_nothing_is_done_without_yes(
    headless: Headless, run: Run, ada: tuple[str, ...]
) -> None:
    ran = run(*ada)
    assert (ran.code, ran.out) == (USAGE, "")
    assert "Add --yes" in ran.err
    assert headless.cognito_calls() == []


@pytest.mark.parametrize("allowed", ["arn:aws:iam::123456789012:role/Other", "arn:aws:iam::999999999999:role/Support"])
def test_who_is_not_in_allow_terminal_may_not_and_the_audit_channel_is_told(
    headless: Headless, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], allowed: str
) -> None:
    shell = Shell(headless, monkeypatch, allowed=allowed)
    ran = shell.run(capfd, "--user-pool-id", "eu-central-1_nosuch", "--username", "ada", "--yes")
    assert (ran.code, ran.out) == (SETTINGS, "")
    assert f"{ROLE} is not in allow.terminal" in ran.err
    assert entries(headless) == ["refused"]
    assert headless.cognito_calls() == []


def test_a_pool_that_is_not_configured_is_refused(headless: Headless, run: Run) -> None:
    ran = run("--user-pool-id", "eu-central-1_nosuch", "--username", "ada", "--yes")
    assert ran.code == USAGE
    assert "This bot knows no such pool. You may use: customers, staff." in ran.err
    assert headless.cognito_calls() == []


def test_username_may_be_an_email_where_one_account_has_it(headless: Headless, run: Run, shell: Shell) -> None:
    assert run("--user-pool-id", shell.customers, "--username", "ada@example.com", "--yes") == Ran(DONE, "", "")
    assert not headless.is_signed_in("ada")


def test_who_is_not_found_is_told_what_was_searched(headless: Headless, run: Run, shell: Shell) -> None:
    ran = run("--user-pool-id", shell.customers, "--username", "no@example.com", "--yes")
    assert ran.code == REFUSED
    assert "looking for a user name, preferred_username or email." in ran.err
    assert "It looked only in the user pool of --user-pool-id." in ran.err
    assert entries(headless) == ["not_found"]


@pytest.mark.parametrize("username", ["*ada*", "<ada@example.com>", "ADA@example.com"])
def test_without_a_question_nothing_is_done_that_was_not_typed_exactly(
    headless: Headless, run: Run, shell: Shell, username: str
) -> None:
    ran = run("--user-pool-id", shell.customers, "--username", username, "--yes")
    assert ran.code == OTHER
    assert "No one was found exactly as typed. Read as " in ran.err
    assert "it is ada. To confirm that, leave out --yes." in ran.err
    assert headless.is_signed_in("ada")
    assert entries(headless) == ["opened", "cancelled"]


@pytest.mark.parametrize(
    ("username", "sentence"),
    [
        ("bob", "bob leads to the account mallory, but is not its user name, sub, email or phone number as Cognito"),
        ("+49-151-12345678", "+49-151-12345678 leads to the account mallory, but is not its user name, sub, email or"),
    ],
)
def test_without_a_question_no_one_is_signed_out_by_a_name_that_they_chose_for_themselves(
    headless: Headless, run: Run, shell: Shell, username: str, sentence: str
) -> None:
    one = Directory([user("mallory", sub="7f", preferred_username="bob", phone_number="+4915112345678")])
    headless.do(lambda: headless.stage.weather.cognito.always("ListUsers", one.list_users))
    ran = run("--user-pool-id", shell.customers, "--username", username, "--yes")
    assert ran.code == OTHER
    assert sentence in ran.err
    assert "To confirm that, leave out --yes." in ran.err
    assert headless.cognito_calls(SIGN_OUT) == []
    assert entries(headless) == ["opened", "cancelled"]


@pytest.mark.parametrize("typed", ["ada", "ADA", SUB, SUB.upper(), "ada@example.com", "+4915112345678"])
def test_without_a_question_an_account_may_be_named_by_what_is_its_own(typed: str) -> None:
    chosen = replace(ADA, sub=SUB, email="ada@example.com", phone="+4915112345678")
    assert not screen.unsure(awaiting(target=typed, chosen=chosen), yes=True)
    assert not screen.unsure(awaiting(target="countess", chosen=chosen), yes=False)


def test_the_question_says_how_the_target_was_read(headless: Headless, shell: Shell) -> None:
    with shell.terminal("--user-pool-id", shell.customers, "--username", "*ada*") as tty:
        tty.wait_for("[y/N]")
        tty.type("y\n")
        assert tty.ended() == DONE
    assert "Read as     ada (left out: * and *)" in tty.shown
    assert not headless.is_signed_in("ada")


def test_of_several_accounts_the_terminal_lists_the_subs_and_does_nothing(
    headless: Headless, run: Run, shell: Shell
) -> None:
    two = Directory(
        [user("ada", email="a@b.de", sub="1"), user("Google_1", provider="Google", email="a@b.de", sub="2")]
    )
    headless.do(lambda: headless.stage.weather.cognito.always("ListUsers", two.list_users))
    ran = run("--user-pool-id", shell.customers, "--username", "a@b.de", "--yes")
    assert ran.code == OTHER
    assert ran.err == (
        "2 accounts match. Run the command again for the one that is meant:\n"
        "  --username 1  ada  a@b.de  local  pool customers\n"
        "  --username 2  Google_1  a@b.de  through Google (federated)  pool customers\n"
        "Cancelled. Nothing was done to a@b.de.\n"
    )
    assert headless.cognito_calls(SIGN_OUT) == []
    assert entries(headless) == ["opened", "cancelled"]


def test_of_replicas_with_one_pool_id_the_terminal_lists_the_regions() -> None:
    replica = replace(ADA, pool="replica", region="eu-west-1", sub=None)
    assert screen.unsure(choosing(candidates=(ADA, replica)), yes=True) == (
        "2 accounts match. Run the command again for the one that is meant:\n"
        f"  --username {SUB} --region eu-central-1  ada  ada@example.com  local  pool customers\n"
        "  --username ada --region eu-west-1  ada@example.com  local  pool replica"
    )


@pytest.mark.parametrize(
    ("faults", "code", "sentence"),
    [
        ([refuse(400, "NotAuthorizedException")], REFUSED, "Not signed out: ada. No session was ended."),
        ([refuse(400, "AccessDeniedException")], REFUSED, "No session was ended."),
        ([reset(after=True), refuse(400, "NotAuthorizedException")], OTHER, "Not known whether signed out: ada."),
        ([refuse(503, "InternalErrorException"), refuse(400, "X")], OTHER, "It may or may not have happened."),
    ],
)
def test_an_outcome_that_is_no_success_is_said_on_standard_error(  # noqa: PLR0913, PLR0917 -- fixtures and examples
    headless: Headless, run: Run, ada: tuple[str, ...], faults: list[Any], code: int, sentence: str
) -> None:
    headless.before_cognito(SIGN_OUT, *faults)
    ran = run(*ada, "--yes")
    assert (ran.code, ran.out) == (code, "")
    assert sentence in ran.err


def test_a_store_that_goes_away_during_the_call_says_that_nothing_is_known_without_a_traceback(
    headless: Headless, shell: Shell, ada: tuple[str, ...]
) -> None:
    held = headless.pause(SIGN_OUT, after=True)
    with shell.terminal(*ada, "--yes") as tty:
        held.wait_until_arrived()
        store_path(headless).rename(headless.stage.folder / "elsewhere")
        held.release()
        assert tty.ended() == OTHER
    assert "Whether it happened is not known here." in tty.shown
    assert "did not end" in tty.shown
    assert "(No such file or directory)" in tty.shown
    assert "Traceback" not in tty.shown


def test_where_another_worker_took_the_request_over_nothing_is_known_here(
    headless: Headless, run: Run, ada: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Worker, "run", lambda *_, **__: None)
    ran = run(*ada, "--yes")
    assert (ran.code, ran.out, ran.err) == (OTHER, "", f"{screen.UNFINISHED}\n")
    assert states(headless) == ["ready"]


@pytest.mark.parametrize(("fault", "code"), [(refuse(400, "AccessDeniedException"), REFUSED), (reset(), OTHER)])
def test_where_cognito_cannot_be_asked_who_that_is_nothing_is_signed_out(
    headless: Headless, run: Run, ada: tuple[str, ...], fault: Any, code: int
) -> None:
    headless.before_cognito("ListUsers", fault)
    headless.before_cognito(FIND, fault)
    ran = run(*ada, "--yes")
    assert ran.code == code
    assert "it is not certain who is meant" in ran.err
    assert headless.cognito_calls(SIGN_OUT) == []


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"SLACK_BOT_TOKEN": "", "SIGNOUT_DRAIN": "x"}, "SIGNOUT_DRAIN"),
        ({"SIGNOUT_STORE": "sqlite:////no/such/folder/signout.db"}, "There is no store at /no/such/folder/signout.db."),
        ({"SIGNOUT_STORE": "sqlite:////dev"}, "The store /dev cannot be opened: Is a directory. Check SIGNOUT_STORE."),
        ({"AWS_PROFILE": "no-such"}, "There is no profile no-such in /dev/null or /dev/null. Check AWS_PROFILE"),
        ({"AWS_ACCESS_KEY_ID": ""}, "There are no AWS credentials: none in the environment or in profile default"),
        ({"AWS_ENDPOINT_URL_STS": "http://127.0.0.1:9"}, "Check this shell's AWS settings."),
    ],
)
def test_what_is_wrong_with_settings_store_or_credentials_is_said(
    headless: Headless, run: Run, ada: tuple[str, ...], environment: dict[str, str], sentence: str
) -> None:
    ran = run(*ada, "--yes", **environment)
    assert (ran.code, ran.out) == (SETTINGS, "")
    assert sentence in ran.err
    assert "Traceback" not in ran.err
    assert headless.cognito_calls() == []


@pytest.mark.parametrize("there", [None, b""])
@pytest.mark.parametrize(
    ("store", "hint"),
    [
        (
            "",
            "Neither SIGNOUT_STORE nor a settings file says where the bot has it. Set SIGNOUT_STORE, or SIGNOUT_CONFIG",
        ),
        ("sqlite:///signout.db", "Check SIGNOUT_STORE, and run this where the bot runs."),
    ],
)
def test_in_another_directory_it_makes_no_store_and_says_which_settings_are_missing(  # noqa: PLR0913, PLR0917 -- fixtures
    headless: Headless,
    run: Run,
    ada: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    there: bytes | None,
    store: str,
    hint: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    if there is not None:  # a file with nothing in it is not a store
        (tmp_path / "signout.db").write_bytes(there)
    ran = run(*ada, "--yes", SIGNOUT_STORE=store)
    assert (ran.code, ran.out) == (SETTINGS, "")
    assert f"There is no store at {tmp_path}/signout.db. {hint}" in ran.err
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == (
        [] if there is None else [("signout.db", b"")]
    )
    assert headless.cognito_calls() == []
    assert headless.is_signed_in("ada")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "The following arguments are required: --user-pool-id, --username."),
        (["--username", "a\u202eb", "--user-pool-id", "p_1"], "Invalid value for parameter Username"),
        (["--bog\u202eus"], "Unknown options: --bog\\u202Eus."),
        (["--user-pool-id", "p_1", "--username", "a", "--username", "b"], "--username is given twice."),
        (["--username", "-ada"], "argument --username: expected one argument."),
        (["--username", "ada", "--reason"], "argument --reason: expected one argument."),
        (["--username", "ada", "--reason", "\udcff"], "--reason is not valid text."),
        (["--username", "\udcff", "--user-pool-id", "p_1"], "Invalid value for parameter Username"),
        (["--region", "\udcff", "--username", "a", "--user-pool-id", "p_1"], "--region is not valid text."),
        (["--profile", "x"], "--profile is not taken. Set AWS_PROFILE for this command instead."),
        (["--profile=x"], "--profile is not taken. Set AWS_PROFILE for this command instead."),
        (["--endpoint-url", "x"], "--endpoint-url is not taken. Set AWS_ENDPOINT_URL for this command instead."),
        (["--ca-bundle", "x"], "--ca-bundle is not taken. Set AWS_CA_BUNDLE for this command instead."),
        (["--no-verify-ssl"], "--no-verify-ssl is not taken. AWS's certificate is always checked."),
        (["--no-sign-request"], "--no-sign-request is not taken. Without AWS credentials no one may sign users out."),
        (["--output"], "argument --output: expected one argument."),
        (["--debug=1"], "argument --debug: ignored explicit argument '1'."),
        (["aws"], "Of the AWS CLI's commands, only `aws cognito-idp admin-user-global-sign-out` can be given here."),
        (["aws", "s3", "ls"], "Of the AWS CLI's commands, only `aws cognito-idp admin-user-global-sign-out` can"),
        (["aws", "--region", "x", "cognito-idp", "list-users"], "Of the AWS CLI's commands, only `aws cognito-idp"),
        (["--cli-input-yaml", "file:///no/such"], "Unable to load paramfile file:///no/such: No such file"),
    ],
)
def test_wrong_usage_is_one_sentence_under_the_usage_and_needs_no_settings(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], words: list[str], sentence: str
) -> None:
    ran = run_here(monkeypatch, capfd, {}, "signout", *words, "--yes")
    assert (ran.code, ran.out) == (USAGE, "")
    assert ran.err.startswith("usage: signout-bot signout")
    assert sentence in ran.err
    assert "\u202e" not in ran.err


@pytest.mark.parametrize("words", ["aws help", "aws cognito-idp help", "--username ada --help", "--username ada ?"])
def test_help_may_come_after_other_words_as_with_the_aws_cli(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], words: str
) -> None:
    ran = run_here(monkeypatch, capfd, {}, "signout", *words.split())
    assert (ran.code, ran.err) == (DONE, "")
    assert ran.out.startswith("usage: signout-bot signout")


def test_options_before_the_service_count_and_those_of_output_only_are_left_out_with_a_word(
    headless: Headless, run: Run, ada: tuple[str, ...]
) -> None:
    before = (
        "aws",
        "--region",
        "eu-central-1",
        "--no-cli-pager",
        "cognito-idp",
        "--debug",
        "admin-user-global-sign-out",
    )
    said = "The bot left this out, since it changes nothing here: --no-cli-pager, --debug, --query\n"
    assert run(*before, *ada, "--query", "a | b", "--yes") == Ran(DONE, "", said)
    assert not headless.is_signed_in("ada")


def test_a_region_in_which_no_such_pool_is_configured_is_wrong_usage(run: Run, ada: tuple[str, ...]) -> None:
    ran = run(*ada, "--region", "us-east-1", "--yes")
    assert (ran.code, ran.out) == (USAGE, "")
    assert ran.err.startswith("This bot knows no such pool in that region. You may use: customers (eu-central-1), ")


def test_a_skeleton_and_help_need_no_settings(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    ran = run_here(monkeypatch, capfd, {}, "signout", "--generate-cli-skeleton", "yaml-input")
    assert (ran.code, ran.err) == (DONE, "")
    assert ran.out.startswith("UserPoolId: ''  # [REQUIRED]")
    ran = run_here(monkeypatch, capfd, {}, "signout", "--help")
    assert (ran.code, ran.err) == (DONE, "")
    assert "Exit codes: 0 done" in ran.out


def test_a_yaml_document_works_as_in_version_2(headless: Headless, run: Run, shell: Shell) -> None:
    document = headless.stage.folder / "document.yaml"
    document.write_text(f"UserPoolId: {shell.customers}\nUsername: grace\n", "utf-8")
    assert run("--cli-input-yaml", f"file://{document}", "--username", "ada", "--yes") == Ran(DONE, "", "")
    assert headless.cognito_calls(SIGN_OUT)[0].parameters == {"UserPoolId": shell.customers, "Username": "ada"}


def test_a_hostile_user_name_is_signed_out_like_any_other(headless: Headless, run: Run) -> None:
    headless.run(headless.stage.cognito.add("staff", HOSTILE_NAME, "Mallory"))
    staff = headless.stage.cognito.pools["staff"].id
    assert run("--user-pool-id", staff, "--username", HOSTILE_NAME, "--yes") == Ran(DONE, "", "")
    assert not headless.is_signed_in(HOSTILE_NAME)


def test_no_attribute_makes_a_line_of_its_own_in_what_is_asked() -> None:
    forged = awaiting(chosen=replace(ADA, email="ada@example.com\nUser name   grace"))
    assert len([line for line in screen.facts(forged).splitlines() if line.startswith("User name")]) == 1


# A second person, protected accounts, limits, and who one is

ALWAYS = {"SIGNOUT_APPROVE_WHEN": "always", "SIGNOUT_APPROVE_USERS": "U0KIM00001"}
BY_APPROVAL = {"SIGNOUT_PROTECT_HOW": "approve", "SIGNOUT_APPROVE_USERS": "U0KIM00001"}


@pytest.mark.parametrize(
    ("environment", "needs"),
    [
        (ALWAYS, ["approve.when"]),
        (BY_APPROVAL | {"SIGNOUT_PROTECT_USERNAMES": "ada"}, ["protect.usernames"]),
        (ALWAYS | BY_APPROVAL | {"SIGNOUT_PROTECT_USERNAMES": "ada"}, ["approve.when", "protect.usernames"]),
    ],
)
def test_what_needs_a_second_person_is_refused_with_yes_and_nothing_is_begun(
    headless: Headless, run: Run, ada: tuple[str, ...], environment: dict[str, str], needs: list[str]
) -> None:
    ran = run(*ada, "--yes", **environment)
    assert (ran.code, ran.out, ran.err) == (OTHER, "", f"{SecondPersonError(needs)}\n")
    assert "use /signout in Slack." in ran.err
    assert headless.cognito_calls(SIGN_OUT) == []
    assert entries(headless) == []
    assert headless.is_signed_in("ada")


def test_what_needs_a_second_person_is_refused_before_the_question(
    headless: Headless, shell: Shell, ada: tuple[str, ...]
) -> None:
    shell.environment |= ALWAYS
    with shell.terminal(*ada) as tty:
        assert tty.ended() == OTHER
    assert "A second person has to approve this (approve.when), and no one can be asked from here." in tty.shown
    assert "Nothing was done. In a terminal: use /signout in Slack." in tty.shown
    assert "[y/N]" not in tty.shown
    assert headless.cognito_calls(SIGN_OUT) == []
    assert entries(headless) == []


def test_what_came_to_need_a_second_person_since_the_question_is_not_decided(
    headless: Headless, run: Run, ada: tuple[str, ...]
) -> None:
    environment = {"SIGNOUT_LIMITS_ALL": "1/h", "SIGNOUT_APPROVE_USERS": "U0KIM00001"}
    assert run(*ada[:3], "grace", "--yes", **environment) == Ran(DONE, "", "")
    ran = run(*ada, "--yes", **environment)
    assert (ran.code, ran.out, ran.err) == (OTHER, "", f"{SecondPersonError(['limits.all'])}\n")
    assert entries(headless)[3:] == ["opened", "limited"]
    assert sorted(states(headless)) == ["confirming", "done"]
    assert headless.is_signed_in("ada")


def test_beyond_a_limit_the_next_account_is_refused_and_the_same_one_is_not(
    headless: Headless, run: Run, ada: tuple[str, ...]
) -> None:
    environment = {"SIGNOUT_LIMITS_PER_OPERATOR": "1/h"}
    grace = (*ada[:3], "grace", "--yes")
    assert run(*grace, **environment) == Ran(DONE, "", "")
    ran = run(*ada, "--yes", **environment)
    assert (ran.code, ran.out) == (REFUSED, "")
    assert "as the bot allows (limits.per_operator). Nothing was done. The next one is possible in 60 min" in ran.err
    assert run(*grace, **environment) == Ran(DONE, "", "")
    assert entries(headless)[3:5] == ["opened", "limited"]
    assert headless.is_signed_in("ada")


def test_a_protected_account_is_refused_and_the_audit_channel_is_told_why(
    headless: Headless, run: Run, ada: tuple[str, ...]
) -> None:
    ran = run(*ada, "--yes", SIGNOUT_PROTECT_USERNAMES="ada")
    assert (ran.code, ran.out) == (SETTINGS, "")
    assert ran.err.startswith(
        "This account is protected (protect.usernames), so no one can change it or sign it out with this bot."
    )
    assert "allow.terminal" not in ran.err
    assert entries(headless) == ["refused"]
    assert headless.cognito_calls(SIGN_OUT) == []
    with headless.bot_in_process():
        headless.wait_for_message(SAM, AUDIT, containing="protect.usernames")


def test_whoami_says_on_standard_output_who_one_is_and_what_is_allowed_and_left(
    headless: Headless, run: Run, ada: tuple[str, ...]
) -> None:
    environment = {"SIGNOUT_LIMITS_PER_OPERATOR": "10/h"}
    assert run(*ada, "--yes", **environment).code == DONE
    assert run("whoami", **environment) == Ran(
        DONE,
        f"You are {ROLE}.\nPool customers: allowed by allow.terminal.\nPool staff: allowed by allow.terminal.\n"
        "Accounts left within this hour: 9 (limits.per_operator).\n",
        "",
    )
    assert entries(headless) == ["opened", "confirmed", "signed_out"], "it writes no entry"


def test_whoami_says_which_pools_are_for_slack(run: Run) -> None:
    ran = run("WhoAmI", **ALWAYS)
    assert (ran.code, ran.err) == (DONE, "")
    assert ran.out.count("needs the approval of a second person, so it is for Slack (approve.when).") == 2
    assert "within this hour" not in ran.out


def test_whoami_says_the_same_on_a_terminal_and_asks_nothing(shell: Shell) -> None:
    with shell.terminal("whoami") as tty:
        assert tty.ended() == DONE
    assert tty.shown.splitlines() == [
        f"You are {ROLE}.",
        "Pool customers: allowed by allow.terminal.",
        "Pool staff: allowed by allow.terminal.",
    ]


def test_whoami_of_someone_who_may_do_nothing_is_a_refusal(
    headless: Headless, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    shell = Shell(headless, monkeypatch, allowed="arn:aws:iam::123456789012:role/Other")
    ran = shell.run(capfd, "whoami")
    assert (ran.code, ran.out) == (SETTINGS, "")
    assert f"{ROLE} is not in allow.terminal" in ran.err
    assert entries(headless) == ["refused"]


# Keep out, let back in, new password

FIRST_STEP = {
    "--keep-out": "AdminDisableUser",
    "--let-in": "AdminEnableUser",
    "--new-password": "AdminResetUserPassword",
}
LISTED = f"You are {ROLE}.\nPool customers: allowed by allow.terminal.\nPool staff: allowed by allow.terminal.\n"


def let(shell: Shell, *options: str) -> None:
    """Put `ROLE` on the lists of the actions that have these options."""
    with Path(shell.environment["SIGNOUT_CONFIG"]).open("a", encoding="utf-8") as file:
        file.writelines(f"[actions.{option[2:].replace('-', '_')}]\nterminal = ['{ROLE}']\n" for option in options)


@pytest.fixture
def may(shell: Shell) -> None:
    let(shell, *FIRST_STEP)


def steps(headless: Headless) -> list[str]:
    """Each call that changes an account, in order."""
    return [call.action for call in headless.cognito_calls() if call.action in set(Step)]


@pytest.mark.usefixtures("may")
def test_an_account_is_kept_out_and_let_back_in_and_success_says_nothing(
    headless: Headless, run: Run, ada: tuple[str, ...]
) -> None:
    assert run(*ada, "--keep-out", "--yes") == Ran(DONE, "", "")
    assert steps(headless) == ["AdminDisableUser", "AdminUserGlobalSignOut"]
    assert not headless.is_signed_in("ada")
    assert run(*ada, "--let-in", "--yes") == Ran(DONE, "", "")
    assert steps(headless)[2:] == ["AdminEnableUser"]
    assert entries(headless) == ["opened", "confirmed", "kept_out", "opened", "confirmed", "let_in"]
    with headless.bot_in_process():
        headless.wait_for_message(SAM, AUDIT, containing="Kept out: ada")
        headless.wait_for_message(SAM, AUDIT, containing="Let back in: ada")


@pytest.mark.usefixtures("may")
def test_a_password_is_reset_and_the_person_is_signed_out(headless: Headless, run: Run, ada: tuple[str, ...]) -> None:
    assert run(*ada, "--yes", "--new-password") == Ran(DONE, "", "")
    assert steps(headless) == ["AdminResetUserPassword", "AdminUserGlobalSignOut"]
    assert entries(headless) == ["opened", "confirmed", "password_reset"]


@pytest.mark.usefixtures("may")
def test_the_question_names_the_action_and_what_it_does(headless: Headless, shell: Shell, ada: tuple[str, ...]) -> None:
    with shell.terminal(*ada, "--keep-out") as tty:
        tty.wait_for("[y/N]")
        tty.type("n\n")
        assert tty.ended() == OTHER
    assert (
        "Effect      This disables the account, so that no one can sign in with it, and signs every device" in tty.shown
    )
    assert "Keep this user out? [y/N]" in tty.shown
    assert "Cancelled. Nothing was done to ada." in tty.shown
    assert steps(headless) == []


def test_the_question_of_a_sign_out_is_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    TerminalReply(arn=ROLE, quiet=False).show(awaiting())
    assert "Effect" not in capsys.readouterr().err


@pytest.mark.usefixtures("may")
@pytest.mark.parametrize(
    ("option", "changes", "sentence"),
    [
        ("--let-in", {}, "This account is enabled, so no one keeps its user out."),
        ("--keep-out", {"Enabled": False}, "This account is disabled already. To end its sessions too, ask"),
        ("--new-password", {"Enabled": False}, "so its password cannot be reset. Let the user back in first."),
        (
            "--new-password",
            user("ada", provider="Google"),
            "signs in through Google, so Cognito has no password of theirs to",
        ),
        (
            "--new-password",
            {"UserStatus": "FORCE_CHANGE_PASSWORD"},
            "has not set a first password yet, so there is none",
        ),
    ],
)
def test_what_cognito_would_not_do_is_said_before_the_question_and_nothing_is_done(  # noqa: PLR0913, PLR0917 -- fixtures and examples
    headless: Headless, run: Run, ada: tuple[str, ...], option: str, changes: dict[str, Any], sentence: str
) -> None:
    one = Directory([user("ada", sub="7f") | changes])
    headless.do(lambda: headless.stage.weather.cognito.always("ListUsers", one.list_users))
    ran = run(*ada, option, "--yes")
    assert (ran.code, ran.out) == (REFUSED, "")
    assert sentence in ran.err
    assert entries(headless) == ["refused"]
    assert steps(headless) == []


@pytest.mark.parametrize("option", FIRST_STEP)
def test_an_action_is_for_those_on_its_own_list_who_are_in_allow_terminal_too(  # noqa: PLR0913, PLR0917 -- fixtures
    headless: Headless,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    run: Run,
    shell: Shell,
    option: str,
) -> None:
    words = ("--user-pool-id", shell.customers, "--username", "ada", option, "--yes")
    for others in ((), FIRST_STEP.keys() - {option}):
        let(shell, *others)
        ran = run(*words)
        assert (ran.code, ran.out) == (SETTINGS, "")
        assert ran.err.endswith("with this bot. If you should be able to, ask the bot's engineer.\n")
    not_listed = Shell(headless, monkeypatch, allowed="arn:aws:iam::123456789012:role/Other")
    let(not_listed, option)
    ran = not_listed.run(capfd, *words)
    assert f"{ROLE} is not in allow.terminal" in ran.err
    assert entries(headless) == ["refused"] * 3
    assert headless.cognito_calls() == []


@pytest.mark.usefixtures("may")
@pytest.mark.parametrize(
    ("option", "faults", "code", "said"),
    [
        ("--keep-out", {"AdminDisableUser": ["X"]}, REFUSED, "Not disabled. Not signed out: ada. Nothing was changed."),
        ("--keep-out", {SIGN_OUT: ["X"]}, OTHER, "Disabled. Not signed out: ada. Sessions that were open may go on."),
        (
            "--keep-out",
            {SIGN_OUT: [None, "X"]},
            OTHER,
            "Disabled. Not known whether signed out: ada. It may or may not",
        ),
        ("--let-in", {"AdminEnableUser": ["X"]}, REFUSED, "Not enabled: ada. Nothing was changed."),
        (
            "--new-password",
            {SIGN_OUT: ["X"]},
            OTHER,
            "Password reset. Not signed out: ada. Sessions that were open may",
        ),
    ],
)
def test_what_came_of_each_step_is_said_on_standard_error(  # noqa: PLR0913, PLR0917 -- fixtures and examples
    headless: Headless,
    run: Run,
    ada: tuple[str, ...],
    option: str,
    faults: dict[str, list[str | None]],
    code: int,
    said: str,
) -> None:
    if option == "--let-in":
        assert run(*ada, "--keep-out", "--yes").code == DONE
    for action, codes in faults.items():
        headless.before_cognito(action, *(refuse(400, each) if each else reset(after=True) for each in codes))
    ran = run(*ada, option, "--yes")
    assert (ran.code, ran.out) == (code, "")
    assert ran.err.startswith(said)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--keep-out", "--let-in"], "--keep-out and --let-in are two actions. Ask for one."),
        (["--keep-out=yes"], "argument --keep-out: ignored explicit argument 'yes'."),
        (["--keepout"], "Unknown options: --keepout."),
    ],
)
def test_an_action_that_is_not_clear_is_wrong_usage(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], words: list[str], sentence: str
) -> None:
    ran = run_here(monkeypatch, capfd, {}, "signout", "--user-pool-id", "p_1", "--username", "ada", "--yes", *words)
    assert (ran.code, ran.out) == (USAGE, "")
    assert sentence in ran.err


@pytest.mark.parametrize("option", FIRST_STEP)
def test_the_aws_clis_own_command_stays_a_sign_out(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], option: str
) -> None:
    line = ("aws", "cognito-idp", "admin-user-global-sign-out", "--user-pool-id", "p_1", "--username", "ada", option)
    ran = run_here(monkeypatch, capfd, {}, "signout", *line, "--yes")
    assert (ran.code, ran.out) == (USAGE, "")
    assert f"The AWS CLI's command only signs out. With {option}, leave out `aws cognito-idp admin-user" in ran.err


@pytest.mark.usefixtures("may")
def test_an_action_that_needs_a_second_person_is_for_slack_and_a_sign_out_is_not(
    headless: Headless, run: Run, ada: tuple[str, ...]
) -> None:
    environment = {"SIGNOUT_APPROVE_WHEN": "keep_out", "SIGNOUT_APPROVE_USERS": "U0KIM00001"}
    ran = run(*ada, "--keep-out", "--yes", **environment)
    assert (ran.code, ran.out, ran.err) == (OTHER, "", f"{SecondPersonError(['approve.when'])}\n")
    assert steps(headless) == []
    assert run(*ada, "--yes", **environment) == Ran(DONE, "", "")
    assert run("whoami", **environment).out == LISTED + "".join(
        f"Pool {pool}: you may also keep people out. It needs the approval of a second person, so it is for Slack "
        f"(approve.when).\nPool {pool}: you may also let people back in.\n"
        f"Pool {pool}: you may also make people set a new password.\n"
        for pool in ("customers", "staff")
    )


def test_help_names_each_action_and_its_list(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = run_here(monkeypatch, capfd, {}, "signout", "--help")
    for option in FIRST_STEP:
        assert f"actions.{option[2:].replace('-', '_')}.terminal" in ran.out
    assert "[--keep-out | --let-in | --new-password]" in ran.out


# What a terminal is told, without a store


@pytest.fixture
def reply() -> TerminalReply:
    return TerminalReply(arn=ROLE, quiet=False)


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (UsageError("Say whom."), USAGE, "Say whom."),
        (DeniedError(), SETTINGS, f"{ROLE} is not in allow.terminal, so it may not sign users out."),
        (AccountNotFoundError("Not there."), REFUSED, "Not there."),
        (PoolUnavailableError("Not certain.", "X", refused=True), REFUSED, "Not certain."),
        (PoolUnavailableError("Not certain.", "X"), OTHER, "Not certain."),
        (StoreUnavailableError("disk I/O error"), OTHER, "The bot cannot use its store, so it could not do this."),
        (StoreUnavailableError("timed out", in_doubt=True), OTHER, "What was confirmed may still happen"),
        (UnderWayError(), OTHER, "Whether it happened is not known here."),
        (NotRecordedError(), OTHER, "Whether it happened is not known here."),
        (BotError(), OTHER, "Something went wrong, so it is not known here what this did. Look into the audit channel"),
    ],
)
def test_each_error_has_its_exit_code_and_no_sentence_of_slacks(
    reply: TerminalReply, capsys: pytest.CaptureFixture[str], error: BotError, code: int, sentence: str
) -> None:
    reply.say(error)
    out, err = capsys.readouterr()
    assert (reply.is_answered, reply.exit_code, out) == (True, code, "")
    assert sentence in err
    assert "card" not in err


PARTLY = {"state": State.PARTLY, "action": "keep_out", "done": ("AdminDisableUser",)}


@pytest.mark.parametrize(
    ("changes", "code", "sentence"),
    [
        ({"state": State.DONE}, DONE, ""),
        (
            {"state": State.FAILED, "attempts": 1, "error_code": "X"},
            REFUSED,
            "Not signed out: ada. No session was ended.",
        ),
        ({"state": State.FAILED, "error_code": "NoCallMade"}, OTHER, "Not signed out: ada. No session was ended."),
        (
            {"state": State.FAILED, "error_code": "NoCredentials"},
            SETTINGS,
            "Not signed out: ada. No session was ended.",
        ),
        (PARTLY | {"attempts": 2, "error_code": "X"}, OTHER, "Disabled. Not signed out: ada. Sessions"),
        ({"state": State.UNKNOWN, "attempts": 2}, OTHER, "Not known whether signed out: ada. It may or may not"),
        ({"state": State.CANCELLED}, OTHER, "Cancelled. Nothing was done to ada."),
        ({"state": State.EXPIRED}, OTHER, "Not confirmed in time. Nothing was done to ada."),
    ],
    ids=lambda value: value.get("state") if isinstance(value, dict) else None,
)
def test_each_outcome_has_its_exit_code_and_sentence(
    reply: TerminalReply, capsys: pytest.CaptureFixture[str], changes: dict[str, Any], code: int, sentence: str
) -> None:
    reply.show(awaiting(**changes))
    out, err = capsys.readouterr()
    assert (reply.is_answered, reply.exit_code, out) == (True, code, "")
    assert (sentence in err) if sentence else not err


def test_the_account_is_shown_before_the_question_and_not_at_all_without_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for quiet in (False, True):
        reply = TerminalReply(arn=ROLE, quiet=quiet)
        reply.show(awaiting())
        assert ("ada@example.com" in capsys.readouterr().err) is not quiet
        assert reply.confirming
        assert not reply.is_answered


def test_every_kind_of_error_has_an_exit_code_of_the_aws_clis() -> None:
    assert set(OF_SIGNOUT) == set(Code)
