"""`signout-bot check`: everything the bot needs, and set-ups that lack something, each named by its line."""

import json
import logging
import os
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from aiohttp import web
from headless import AUDIT, Headless
from test_group_teams import refusal
from whole_bot import SIGN_OUT, store_path

from bot.__main__ import main
from bot.account import Account, Session
from bot.action import SESSION_CALLS, Done, Step
from bot.authorize import NO_ONE, Allowed, Allowlist
from bot.aws.check_pools import try_pool
from bot.errors import PoolUnavailableError
from bot.facts.clock import judge_clock
from bot.facts.finding import Finding
from bot.options import Attribute
from bot.sandbox import cast
from bot.sandbox.cognito import Moto
from bot.sandbox.sessions import SET
from bot.sandbox.stage import Stage
from bot.sandbox.web_api import WebApi
from bot.sandbox.wire import EVERY_ACTION, Exchange, Fault, answer, ratelimited, refuse, reset
from bot.slack.check_people import Lists, people
from bot.slack.check_samples import ALL
from bot.slack.check_workspace import ask, try_workspace
from bot.slack.clients import BlockingClient
from bot.slack.groups import MOST_GROUPS
from bot.slack.samples import samples
from bot.stores.sqlite.schema import newest
from bot.stores.sqlite.store import SQLiteStore
from bot.wiring.check import findings

BARE = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LC_ALL") if name in os.environ}
SECRETS = (cast.BOT_TOKEN, cast.APP_TOKEN, "ticket", "wrong-token")
POOLS = ("customers", "staff")
ACTIONS = ("ListUsers", "AdminGetUser", SIGN_OUT)
GROUP = f"group {cast.SUPPORT_GROUP}"
SAMPLES = samples()
FEW = {name: SAMPLES[name] for name in ("the card: confirming", "the audit message: done", "the form")}
NEED_THE_TOKEN = {"scopes", "audit channel", GROUP}


@pytest.fixture(scope="module")
def empty(moto: Moto) -> Iterator[Headless]:
    """A stage whose pools are empty, which takes less time to set up."""
    with Headless(moto, people=["nobody"]) as made:
        yield made


@pytest.fixture
def stage(empty: Headless) -> Headless:
    """That stage as it was at first: what an earlier test did to it is undone."""
    empty.do(lambda: as_at_first(empty.stage))
    return empty


def as_at_first(stage: Stage) -> None:
    stage.workspace.channels, stage.workspace.usergroups = cast.channels(), cast.usergroups()
    stage.workspace.install, stage.workspace.usergroup_team = cast.Install.WORKSPACE, cast.TEAM_ID
    stage.workspace.messages.clear()
    stage.web_api.scopes = WebApi(stage.workspace).scopes
    stage.web_api.finds_fault_with.clear()
    for wire in (stage.weather.slack, stage.weather.cognito):
        wire.clear()
        wire.calls.clear()
    for left in stage.folder.glob("signout.db*"):
        left.rmdir() if left.is_dir() else left.unlink()


@dataclass
class Checked:
    """What the command left."""

    code: int
    findings: dict[str, dict[str, str]]

    def not_ok(self) -> dict[str, str]:
        return {name: each["status"] for name, each in self.findings.items() if each["status"] != "ok"}

    def said(self, name: str) -> str:
        return f"{self.findings[name]['sentence']} {self.findings[name]['fix']}"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    def check(environment: dict[str, str], *words: str) -> tuple[int, str]:
        with monkeypatch.context() as patch:
            for name in os.environ:
                patch.delenv(name)
            for name, value in (BARE | environment).items():
                patch.setenv(name, value)
            patch.setattr(boto3, "DEFAULT_SESSION", None)
            patch.setattr(logging.root, "handlers", [])
            patch.setattr("bot.wiring.check.samples", lambda: FEW)
            capfd.readouterr()
            code = main(["check", *words])
        out, err = capfd.readouterr()
        assert err == ""
        assert [secret for secret in SECRETS if secret in out] == []
        return code, out

    return check


Check = Callable[..., Checked]


@pytest.fixture
def check(stage: Headless, run: Callable[..., tuple[int, str]]) -> Check:
    def checked(**environment: str) -> Checked:
        code, out = run(stage.environment | environment, "--json")
        told = json.loads(out)
        found = {each["name"]: each for each in told["checks"]}
        assert len(found) == len(told["checks"])
        assert told["ok"] is (code == 0)
        return Checked(code, found)

    return checked


# All well


def test_beside_a_running_bot_everything_is_ticked_off_and_nothing_is_disturbed(headless: Headless) -> None:
    with headless.bot_in_process():
        ran = subprocess.run(
            [sys.executable, "-m", "bot", "check"],
            env=BARE | headless.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert headless.connections() == 1
    lines = ran.stdout.splitlines()
    assert (ran.returncode, ran.stderr) == (0, "")
    assert [line[:2] for line in lines[:-1]] == ["✓ "] * 21
    assert lines[-1] == "All well: 21 checks passed."
    assert lines[-3] == f"✓ store: {store_path(headless)} is writable"
    assert lines[-2].startswith(f"✓ cards, forms and messages: Slack takes all {len(SAMPLES)} (")
    (posted,) = headless.audit()
    assert "No one was signed out" in posted.text
    assert headless.is_signed_in("ada")
    assert headless.is_signed_in("grace")
    assert {call.status for call in headless.cognito_calls(SIGN_OUT)} == {400}


def test_without_the_post_it_says_what_was_not_tried(stage: Headless, run: Callable[..., tuple[int, str]]) -> None:
    code, out = run(stage.environment, "--no-post")
    assert code == 0
    assert "– audit channel: not tried (--no-post)" in out  # noqa: RUF001
    assert out.endswith("All well: 20 checks passed, 1 not tried.\n")
    assert stage.audit() == []


def test_a_store_that_is_not_there_is_not_made(stage: Headless, check: Check) -> None:
    assert check().said("store") == f"{store_path(stage)} is not there yet and would be made "
    assert not store_path(stage).exists()


def test_the_name_that_permissions_are_tried_on_is_a_new_one_each_time_and_goes_into_no_open_filter(
    stage: Headless, check: Check
) -> None:
    check()
    check()
    asked = [call.parameters for call in stage.cognito_calls() if call.parameters.get("UserPoolId") in pool_ids(stage)]
    names = [each.get("Username") or each["Filter"].removeprefix('username = "')[:-1] for each in asked]
    assert len(names) == 2 * len(POOLS) * len(ACTIONS)
    assert {names.count(name) for name in names} == {len(ACTIONS)}
    assert all(name.startswith("signout-check-01") and len(name) == 40 for name in names)


def test_where_the_terminal_has_no_tick_plain_signs_stand_for_them_and_who_waits_there_is_told_what_takes_long(
    stage: Headless,
) -> None:
    screen, terminal = os.openpty()
    environment = BARE | stage.environment | {"PYTHONIOENCODING": "ascii", "SIGNOUT_AUDIT_CHANNEL": "C0NOSUCH01"}
    command = [sys.executable, "-m", "bot", "check"]
    ran = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=terminal, text=True, check=False)
    told = os.read(screen, 4096).decode()
    os.close(terminal)
    os.close(screen)
    assert ran.returncode == 1
    assert told == f"Slack is asked whether it takes {len(SAMPLES)} cards, forms and messages. That posts nothing.\r\n"
    assert "+ bot token: " in ran.stdout
    assert "x audit channel: " in ran.stdout


def test_wrong_usage_is_exit_code_2(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["check", "--nopost"])
    assert ended.value.code == 2
    assert "usage" in capfd.readouterr().err


# Something is missing


def pool_ids(stage: Headless) -> set[str]:
    return {pool.id for pool in stage.stage.cognito.pools.values()}


def scopes_of(token: str, change: Callable[[set[str]], None]) -> Callable[[Headless], None]:
    return lambda stage: stage.do(lambda: change(stage.stage.web_api.scopes[token]))


def without_scope(scope: str) -> Callable[[Headless], None]:
    return scopes_of(cast.BOT_TOKEN, lambda scopes: scopes.discard(scope))


def revoke(token: str) -> Callable[[Headless], None]:
    def change(stage: Headless) -> None:
        stage.do(lambda: stage.stage.web_api.scopes.pop(token))

    return change


def audit_channel(**changes: bool) -> Callable[[Headless], None]:
    def change(stage: Headless) -> None:
        for name, value in changes.items():
            setattr(stage.stage.workspace.channels[AUDIT], name, value)

    return change


def empty_group(stage: Headless) -> None:
    stage.do(stage.stage.workspace.usergroups[cast.SUPPORT_GROUP].clear)


def slack_gives(method: str, fault: Fault) -> Callable[[Headless], None]:
    return lambda stage: stage.do(lambda: stage.stage.weather.slack.always(method, fault))


def cognito_gives(action: str, fault: Fault) -> Callable[[Headless], None]:
    return lambda stage: stage.do(lambda: stage.stage.weather.cognito.always(action, fault))


def dated(shift: timedelta) -> Fault:
    async def fault(exchange: Exchange) -> web.Response:
        response = await exchange.forward()
        response.headers["Date"] = format_datetime(datetime.now(UTC) + shift, usegmt=True)
        return response

    return fault


def as_it_is(_: Headless) -> None:
    """Change nothing on the stage: the settings are what is wrong."""


def all_lines(status: str, pools: tuple[str, ...] = POOLS, actions: tuple[str, ...] = ACTIONS) -> dict[str, str]:
    return {f"pool {pool}, {action}": status for pool in pools for action in actions}


def pools_stopped_at_once(pools: tuple[str, ...] = POOLS) -> dict[str, str]:
    return all_lines("missing", pools, ACTIONS[:1]) | all_lines("not tried", pools, ACTIONS[1:])


NO = "missing"
SKIPPED = dict.fromkeys(NEED_THE_TOKEN, "not tried")
NO_SLACK = {"Slack's address": NO, "bot token": "not tried", "clock against Slack": "not tried"} | SKIPPED
QUOTAS = [f"quota in eu-central-1, {category}" for category in ("UserUpdate", "UserList")]
NO_AWS = pools_stopped_at_once() | dict.fromkeys(("clock against AWS", *QUOTAS), "not tried")
NO_MEMBERS = {GROUP: NO}
Break = Callable[[Headless], None]
Setup = tuple[Break, dict[str, str], dict[str, str], str]
HTML = answer(200, "<html>Please log in</html>", "text/html")
ECHO = answer(200, {"ok": False, "error": cast.BOT_TOKEN})

BROKEN: dict[str, Setup] = {
    "a wrong bot token": (as_it_is, {"SLACK_BOT_TOKEN": "xoxb-wrong-token"}, {"bot token": NO} | SKIPPED, "invalid_"),
    "a revoked bot token": (
        slack_gives("auth.test", answer(200, {"ok": False, "error": "token_revoked"})),
        {},
        {"bot token": NO} | SKIPPED,
        "(token_revoked). Copy it again",
    ),
    "a person's token": (
        slack_gives("auth.test", answer(200, {"ok": True, "user": "sam"}, X_OAuth_Scopes=",".join(cast.BOT_SCOPES))),
        {},
        {"bot token": NO} | SKIPPED,
        "a person's token, not a bot's",
    ),
    "a revoked app-level token": (revoke(cast.APP_TOKEN), {}, {"app-level token": NO}, "(invalid_auth). Make one"),
    "an app-level token without connections:write": (
        scopes_of(cast.APP_TOKEN, set.clear),
        {},
        {"app-level token": NO},
        "connections:write",
    ),
    "no usergroups:read": (
        without_scope("usergroups:read"),
        {},
        {"scopes": NO} | NO_MEMBERS,
        "lacks usergroups:read. Bring the app's manifest up to date with manifest.yml, and reinstall the app",
    ),
    "no chat:write": (without_scope("chat:write"), {}, {"scopes": NO, "audit channel": NO}, "lacks chat:write."),
    "no such channel": (as_it_is, {"SIGNOUT_AUDIT_CHANNEL": "C0NOSUCH01"}, {"audit channel": NO}, "channel_not_found"),
    "an archived channel": (audit_channel(archived=True), {}, {"audit channel": NO}, "Unarchive"),
    "a channel not joined": (audit_channel(bot_is_member=False), {}, {"audit channel": NO}, "Type /invite"),
    "no such group": (as_it_is, {"SIGNOUT_ALLOW_GROUPS": "S0NOSUCH01"}, {"group S0NOSUCH01": NO}, "(no_such_subteam)"),
    "a group that cannot be listed": (
        slack_gives("usergroups.users.list", ratelimited(30)),
        {},
        NO_MEMBERS,
        "(ratelimited), so it lets no one in. Run the check again",
    ),
    "nobody allowed": (
        empty_group,
        {"SIGNOUT_ALLOW_USERS": ""},
        {GROUP: "warning", "allowlist": NO},
        "It is empty, so it lets no one in.",
    ),
    "no way to Slack": (
        as_it_is,
        {"SLACK_API_URL": "http://127.0.0.1:9/api/"},
        NO_SLACK | {"app-level token": "not tried", ALL: "not tried"},
        "does not answer as Slack does (Connection refused).",
    ),
    "a login page where Slack should be": (
        slack_gives(EVERY_ACTION, HTML),
        {},
        {name: status for name, status in NO_SLACK.items() if name != "clock against Slack"}
        | {"app-level token": "not tried", ALL: "not tried"},
        "HTTP 200, but not in Slack's words",
    ),
    "an answer that quotes the token": (
        slack_gives("auth.test", ECHO),
        {},
        {name: status for name, status in NO_SLACK.items() if name != "clock against Slack"},
        "not in Slack's words",
    ),
    "an answer that quotes the token where names should be": (
        slack_gives(
            "auth.test", answer(200, {"ok": True, "user": cast.BOT_TOKEN, "team": cast.APP_TOKEN, "bot_id": 1})
        ),
        {"SIGNOUT_AUDIT_CHANNEL": "C0NOSUCH01"},
        {"scopes": "not tried", "audit channel": NO},
        "channel_not_found",
    ),
    "a pool that does not exist": (
        as_it_is,
        {"SIGNOUT_POOL_ID": "eu-central-1_nosuch"},
        pools_stopped_at_once(("default",)),
        "no such pool in this region. Check the pool's id.",
    ),
    **{
        f"{action} not allowed": (
            cognito_gives(action, refuse(400, "AccessDeniedException")),
            {},
            all_lines(NO, actions=(action,)),
            f"Allow cognito-idp:{action}",
        )
        for action in ACTIONS
    },
    "Cognito unreachable": (cognito_gives(EVERY_ACTION, reset()), {}, NO_AWS, "Cognito cannot be reached."),
    "a login page where Cognito should be": (cognito_gives(EVERY_ACTION, HTML), {}, NO_AWS, "cannot be reached"),
    "Cognito out of order": (
        cognito_gives("AdminGetUser", refuse(500, "InternalErrorException")),
        {},
        all_lines(NO, actions=("AdminGetUser",)),
        "No clear answer (InternalErrorException).",
    ),
    "no AWS credentials": (
        as_it_is,
        {"AWS_ACCESS_KEY_ID": "", "AWS_EC2_METADATA_DISABLED": "true"},
        {"AWS credentials": NO, "quota in eu-central-1": "not tried"} | {f"pool {name}": "not tried" for name in POOLS},
        "There are no AWS credentials: none in the environment or in profile default",
    ),
    "no folder for the store": (
        as_it_is,
        {"SIGNOUT_STORE": "sqlite:////no/such/folder/signout.db"},
        {"store": NO},
        "There is no folder /no/such/folder. Make it",
    ),
    "Slack's clock ten minutes on": (
        slack_gives("auth.test", dated(timedelta(minutes=10))),
        {},
        {"clock against Slack": NO},
        " s behind. Set it, by NTP.",
    ),
    "AWS's clock ten minutes back": (
        cognito_gives("ListUsers", dated(-timedelta(minutes=10))),
        {},
        {"clock against AWS": NO},
        " s ahead. Set it, by NTP.",
    ),
}


@pytest.mark.parametrize("setup", BROKEN.values(), ids=BROKEN)
def test_a_broken_setup_is_named_by_its_lines_and_by_no_other(stage: Headless, check: Check, setup: Setup) -> None:
    break_it, environment, wanted, words = setup
    break_it(stage)
    checked = check(**environment)
    assert checked.not_ok() == wanted
    assert checked.code == 1
    assert words in " ".join(checked.said(name) for name in wanted)


KINDS = {
    cast.Install.WORKSPACE: "@signout of the workspace Sign-out sandbox (T0SIGNOUT1) ",
    cast.Install.GRID_WORKSPACE: "@signout of the workspace Sign-out sandbox (T0SIGNOUT1), a workspace of the "
    "Enterprise Grid organisation E0SIGNOUT1 ",
    cast.Install.ORG_WIDE: "@signout, installed in all of the Enterprise Grid organisation E0SIGNOUT1 "
    "(Sign-out organisation) ",
}


@pytest.mark.parametrize("install", cast.Install)
def test_it_says_where_the_app_is_installed(stage: Headless, check: Check, install: cast.Install) -> None:
    stage.install(install)
    checked = check()
    assert (checked.not_ok(), checked.code) == ({}, 0)
    assert checked.said("bot token") == KINDS[install]
    assert checked.said(GROUP) == "can be listed; people in it: 1 "
    org_wide = install is cast.Install.ORG_WIDE
    assert ("workspaces" in checked.findings) is org_wide
    if org_wide:
        assert checked.said("workspaces") == "the app is in T0SIGNOUT1, T0OTHERWS1 "


@pytest.mark.parametrize("install", cast.Install)
def test_users_read_is_wanted_in_an_organisation_only(stage: Headless, check: Check, install: cast.Install) -> None:
    stage.install(install)
    scopes = stage.stage.web_api.scopes[cast.BOT_TOKEN]
    if install is cast.Install.WORKSPACE:
        scopes.add("users:read")
        checked = check()
        assert (checked.not_ok(), checked.code) == ({"scopes": "warning"}, 0)
        assert "more than it needs: users:read" in checked.said("scopes")
    else:
        scopes.discard("users:read")
        checked = check()
        assert (checked.not_ok(), checked.code) == ({"scopes": NO}, 1)
        assert checked.said("scopes") == (
            "The bot token lacks users:read. Bring the app's manifest up to date with what `python -m bot manifest "
            "--grid` prints, and reinstall the app (OAuth & Permissions)."
        )


def test_installed_in_the_organisation_a_group_in_no_workspace_is_missing(stage: Headless, check: Check) -> None:
    stage.install(cast.Install.ORG_WIDE)
    stage.stage.workspace.usergroup_team = "T0NOTADDED"
    checked = check()
    assert checked.not_ok() == {GROUP: NO}
    assert checked.said(GROUP) == (
        "Slack cannot list it (no workspace that the app is in has it), so it lets no one in. "
        "Check its id, and add the app to the workspace that has the group."
    )


def test_installed_in_the_organisation_a_group_that_may_not_be_looked_for_is_told_as_such(
    stage: Headless, check: Check
) -> None:
    stage.install(cast.Install.ORG_WIDE)
    without_scope("usergroups:read")(stage)
    checked = check()
    assert checked.not_ok() == {"scopes": NO, GROUP: NO}
    assert "(missing_scope), so it lets no one in. Add usergroups:read" in checked.said(GROUP)


def test_installed_in_the_organisation_but_added_to_no_workspace_it_can_be_used_by_no_one(
    stage: Headless, check: Check
) -> None:
    stage.install(cast.Install.ORG_WIDE)
    slack_gives("auth.teams.list", answer(200, {"ok": True, "teams": []}))(stage)
    checked = check()
    assert checked.not_ok() == {"workspaces": NO, GROUP: NO}
    assert checked.said("workspaces").startswith("The app is in no workspace of the organisation")


@pytest.mark.parametrize(
    ("break_it", "wanted", "words"),
    [
        (
            scopes_of(cast.BOT_TOKEN, lambda scopes: scopes.add("channels:history")),
            {"scopes": "warning"},
            "more than it needs: channels:history",
        ),
        (empty_group, {GROUP: "warning"}, "It is empty"),
        (
            slack_gives("auth.test", dated(timedelta(seconds=-30))),
            {"clock against Slack": "warning"},
            "s ahead",
        ),
    ],
    ids=["more scopes", "an empty group", "a clock half a minute off"],
)
def test_what_works_but_is_to_be_looked_at_is_a_warning_and_no_failure(
    stage: Headless, check: Check, break_it: Break, wanted: dict[str, str], words: str
) -> None:
    break_it(stage)
    checked = check()
    assert (checked.not_ok(), checked.code) == (wanted, 0)
    assert words in checked.said(next(iter(wanted)))


def test_a_replica_that_does_not_do_this_is_named_as_one(stage: Headless, check: Check) -> None:
    cognito_gives(SIGN_OUT, refuse(400, "OperationNotEnabledException"))(stage)
    assert check().said(f"pool customers, {SIGN_OUT}") == (
        "This is not enabled in the user pool, or not in this region: it may be a replica of the pool. "
        "Check the pool's configuration, and pools.NAME.region."
    )


def test_a_replica_that_lacks_what_guards_its_pool_is_told(stage: Headless, check: Check, tmp_path: Path) -> None:
    given = Path(stage.environment["SIGNOUT_CONFIG"]).read_text("utf-8")
    replica = f"[pools.west]\nid = '{stage.stage.cognito.pools['customers'].id}'\nregion = 'us-west-2'\n"
    guard = "[pools.{}.protect]\nusernames = ['ada']\n[pools.{}.approve]\nwhen = 'always'\nusers = ['U0KIM00001']\n"
    file = tmp_path / "replica.toml"
    for guarded, lacking in ((["customers"], ["west"]), (["west"], ["customers"]), (["customers", "west"], [])):
        file.write_text(f"{given}\n{replica}{''.join(guard.format(name, name) for name in guarded)}", "utf-8")
        found = check(SIGNOUT_CONFIG=str(file)).findings
        told = [f"{rule} of pool {name}" for rule in ("approve.when", "protect") for name in lacking]
        assert [name for name in found if " of pool " in name] == told
        assert {found[name]["status"] for name in told} <= {"warning"}


def test_names_that_are_no_settings_are_told_once_also_where_the_settings_are_at_fault(
    stage: Headless, run: Callable[..., tuple[int, str]]
) -> None:
    wrong = {"SIGNOUT_COLOUR": "blue", "SLACK_BOT_TOKEN": "", "SLACK_BOT_TOKN": "x"}
    code, out = run(stage.environment | wrong)
    assert code == 1
    assert out.startswith("! SIGNOUT_COLOUR: is not a setting of this bot, so it is not used.")
    assert out.count("SLACK_BOT_TOKN") == 1


def test_what_is_taken_as_it_is_written_is_told_for_each_pool(check: Check) -> None:
    assert check().said("settings") == (
        "are valid. The bot assumes that tokens live 1 hour in pool customers, 1 hour in pool staff (token_lifetime). "
        "It does not ask Cognito. Compare it there with the longest of each pool's app clients."
    )


EMPTIED = "is empty, so it is as if it were not set: the file's list counts. To take everyone off that list, empty it"


def test_an_empty_list_that_leaves_the_files_as_it_is_is_told(stage: Headless, check: Check, tmp_path: Path) -> None:
    given = Path(stage.environment["SIGNOUT_CONFIG"]).read_text("utf-8")
    (tmp_path / "with-list.toml").write_text(f"{given}\n[allow]\nusers = ['U0SAM00001']\n", "utf-8")
    assert check().code == 0
    checked = check(SIGNOUT_CONFIG=str(tmp_path / "with-list.toml"), SIGNOUT_ALLOW_USERS="")
    assert checked.said("SIGNOUT_ALLOW_USERS").startswith(EMPTIED)


def test_a_pool_in_another_region_than_its_id_says_is_not_found(stage: Headless, check: Check) -> None:
    elsewhere = pool_ids(stage).pop().replace("eu-central-1", "us-east-1")
    checked = check(SIGNOUT_POOL_ID=elsewhere)
    assert checked.not_ok() == pools_stopped_at_once(("default",))


def test_all_that_a_second_person_needs_is_tried_too(check: Check) -> None:
    checked = check(
        SIGNOUT_APPROVE_USERS="U0KIM00001, U0LEE00001",
        SIGNOUT_APPROVE_GROUPS="S0NOBODY01",
        SIGNOUT_APPROVE_CHANNEL="C0NOSUCH01",
        SIGNOUT_PROTECT_GROUPS="admins",
    )
    assert checked.findings["pool customers, AdminListGroupsForUser"]["status"] == "ok"
    assert checked.not_ok() == {"group S0NOBODY01": "missing", "approval channel C0NOSUCH01": "missing"}
    assert checked.said("approvers").startswith("people who may approve: 2")
    assert "approve.channel" in checked.said("approval channel C0NOSUCH01")


def test_a_single_approver_is_a_warning_and_a_group_with_no_one_in_it_is_missing(stage: Headless, check: Check) -> None:
    assert check(SIGNOUT_APPROVE_USERS="U0KIM00001").not_ok() == {"approvers": "warning"}
    empty_group(stage)
    alone = check(SIGNOUT_APPROVE_GROUPS=cast.SUPPORT_GROUP)
    assert alone.findings["approvers"]["status"] == "missing"


def test_without_a_second_person_and_protected_groups_nothing_more_is_tried(check: Check) -> None:
    names = " ".join(check(SIGNOUT_PROTECT_USERNAMES="root").findings)
    assert "AdminListGroupsForUser" not in names
    assert "appro" not in names


# Who may do what, beside signing out

LEE, KIM = "U0LEE00001", "U0KIM00001"


def by_name(found: Iterator[Finding]) -> dict[str, tuple[str, str]]:
    return {each.name: (each.status, each.sentence) for each in found}


def lists(allow: Allowlist, *others: Allowlist) -> Lists:
    return (allow, NO_ONE, *others)


def on(users: str = "", groups: str = "", terminal: str = "", ask: Allowed | None = None) -> Allowed:
    return Allowed(frozenset(users.split()), frozenset(groups.split()), ask, frozenset(terminal.split()))


def test_each_other_action_has_a_line_in_each_pool_where_someone_is_named_for_it(check: Check) -> None:
    checked = check(
        SIGNOUT_ALLOW_USERS=f"{KIM}, {LEE}",
        SIGNOUT_ACTIONS_KEEP_OUT_USERS=KIM,
        SIGNOUT_ACTIONS_LET_IN_GROUPS=cast.SUPPORT_GROUP,
    )
    assert (checked.not_ok(), checked.code) == ({}, 0)
    told = {name: each["sentence"] for name, each in checked.findings.items() if " in pool " in name}
    assert told == {
        "keep_out in pool customers": "people who may keep people out: 1",
        "keep_out in pool staff": "people who may keep people out: 1",
        "let_in in pool customers": "people who may let people back in: 1",
        "let_in in pool staff": "people who may let people back in: 1",
    }
    assert [name for name in checked.findings if "Admin" in name and "customers" in name] == [
        f"pool customers, {operation}"
        for operation in ("AdminGetUser", SIGN_OUT, "AdminDisableUser", "AdminEnableUser")
    ]


def test_an_action_that_is_not_allowed_by_iam_is_named_and_nothing_was_done_to_anyone(
    stage: Headless, check: Check
) -> None:
    cognito_gives("AdminDisableUser", refuse(400, "AccessDeniedException"))(stage)
    checked = check(SIGNOUT_ALLOW_USERS=KIM, SIGNOUT_ACTIONS_KEEP_OUT_USERS=KIM)
    assert checked.not_ok() == all_lines(NO, actions=("AdminDisableUser",))
    assert "Allow cognito-idp:AdminDisableUser on this pool" in checked.said("pool staff, AdminDisableUser")
    assert {call.status for call in stage.cognito_calls("AdminDisableUser")} == {400}


def test_someone_who_is_named_for_an_action_and_not_on_the_allowlist_is_a_warning(check: Check) -> None:
    checked = check(SIGNOUT_ALLOW_USERS=KIM, SIGNOUT_ACTIONS_KEEP_OUT_USERS=f"{KIM}, {LEE}")
    assert (checked.not_ok(), checked.code) == ({"actions.keep_out": "warning"}, 0)
    assert checked.said("actions.keep_out").startswith(
        f"These are on this list, but not on the allowlist there: {LEE}. Someone has to be on both"
    )


def test_who_is_on_the_allowlist_of_a_pool_only_is_no_stranger_to_a_list_for_all_but_to_that_of_another_pool() -> None:
    allow = Allowlist(on(), {"a": on(KIM), "b": on(LEE)})
    keep_out = Allowlist(on(KIM), {"a": on(), "b": on(f"{KIM} {LEE}")}, table="actions.keep_out")
    assert by_name(people(lists(allow, keep_out), {})) == {
        "allowlist": ("ok", "people who may sign out: 2"),
        "keep_out in pool a": ("ok", "people who may keep people out: 1"),
        "keep_out in pool b": ("ok", "people who may keep people out: 1"),
        "pools.b.actions.keep_out": ("warning", f"These are on this list, but not on the allowlist there: {KIM}."),
    }


def test_where_the_two_lists_share_no_one_no_one_may_and_a_group_on_both_counts_its_members() -> None:
    allow = Allowlist(on(groups="S1"), {"a": on(), "b": on()})
    let_in = Allowlist(on(groups="S2"), {"a": on(), "b": on(groups="S1")}, table="actions.let_in")
    assert by_name(people(lists(allow, let_in), {"S1": frozenset({KIM}), "S2": frozenset({LEE})})) == {
        "allowlist": ("ok", "people who may sign out: 1"),
        "let_in in pool a": ("warning", "No one may let people back in."),
        "let_in in pool b": ("ok", "people who may let people back in: 1"),
    }


def test_who_may_only_ask_is_on_the_allowlist() -> None:
    allow = Allowlist(on(KIM, ask=on(LEE)), {"a": on()})
    keep_out = Allowlist(on(LEE), {"a": on()}, table="actions.keep_out")
    assert by_name(people(lists(allow, keep_out), {}))["keep_out in pool a"] == (
        "ok",
        "people who may keep people out: 1",
    )


def test_those_of_a_terminal_are_counted_apart_and_have_to_be_in_allow_terminal() -> None:
    allow = Allowlist(on(KIM, terminal="arn:a"), {"a": on()})
    keep_out = Allowlist(on(terminal="arn:a arn:b"), {"a": on()}, table="actions.keep_out")
    found = by_name(people(lists(allow, keep_out), {}))
    assert found["keep_out in pool a"] == (
        "ok",
        "people who may keep people out: 0, and AWS roles and users that may in a terminal: 1",
    )
    assert found["actions.keep_out"] == ("warning", "These are on this list, but not on the allowlist there: arn:b.")


@pytest.mark.parametrize(("allowed", "named"), [("S1", ""), ("", "S1")])
def test_where_a_group_cannot_be_listed_no_one_is_counted(allowed: str, named: str) -> None:
    allow = Allowlist(on(KIM, groups=allowed), {"a": on()})
    keep_out = Allowlist(on(KIM, groups=named), {"a": on()}, table="actions.keep_out")
    found = by_name(people(lists(allow, keep_out), {"S1": None}))
    assert found["keep_out in pool a"] == ("not tried", "not tried: it needs groups that could not be listed")
    assert "actions.keep_out" not in found


def newer_schema(path: Path) -> None:
    store = SQLiteStore(path)
    store.open()
    store.close()
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {newest() + 1}")
    db.close()


def of_version_0_1(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE audit_entries (id TEXT PRIMARY KEY)")
    db.close()


def no_database(path: Path) -> None:
    path.write_text("This is no database. " * 100, "utf-8")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (newer_schema, "Run the newer bot"),
        (of_version_0_1, "save what its `audit --format json` prints, and start with a new store"),
        (no_database, "file is not a database"),
        (lambda path: path.mkdir(), "unable to open database file"),
    ],
    ids=["newer schema", "version 0.1", "no database", "a folder"],
)
def test_a_store_that_cannot_be_used_is_named_and_left_as_it_is(
    stage: Headless, check: Check, spoil: Callable[[Path], None], words: str
) -> None:
    spoil(store_path(stage))
    before = store_path(stage).read_bytes() if store_path(stage).is_file() else None
    checked = check()
    assert (checked.not_ok(), checked.code) == ({"store": "missing"}, 1)
    assert words in checked.said("store")
    assert before is None or store_path(stage).read_bytes() == before


def test_an_empty_file_is_left_to_the_next_start(stage: Headless, check: Check) -> None:
    with sqlite3.connect(store_path(stage)) as db:
        db.execute("PRAGMA user_version = 0")
    db.close()
    checked = check()
    assert checked.not_ok() == {}
    assert f"the next start takes its schema from 0 to {newest()}" in checked.said("store")
    with sqlite3.connect(store_path(stage)) as db:
        assert db.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    db.close()


def test_every_fault_of_the_settings_has_a_line_and_nothing_is_tried(
    stage: Headless, run: Callable[..., tuple[int, str]]
) -> None:
    swapped = {"SLACK_BOT_TOKEN": cast.APP_TOKEN, "SLACK_APP_TOKEN": "xoxp-of-a-person", "SIGNOUT_DRAIN": "soon"}
    code, out = run(stage.environment | swapped)
    *faults, rest, summary = out.splitlines()
    assert code == 1
    assert [line.split()[:3] for line in faults] == [
        ["✗", "settings:", "SLACK_BOT_TOKEN"],
        ["✗", "settings:", "SLACK_APP_TOKEN"],
        ["✗", "settings:", "SIGNOUT_DRAIN"],
    ]
    assert "must be a bot token: it starts with xoxb-" in faults[0]
    assert rest == "– everything else: not tried: it needs valid settings"  # noqa: RUF001
    assert summary.startswith("3 missing, 1 not tried.")
    assert stage.slack_calls() == stage.cognito_calls() == []


# What the bot can show


def test_where_slack_finds_fault_with_a_block_each_card_that_has_it_is_named_with_where_it_is(
    stage: Headless, check: Check
) -> None:
    stage.do(lambda: stage.stage.web_api.finds_fault_with.add("actions"))
    checked = check()
    assert (checked.not_ok(), checked.code) == ({"the card: confirming": NO}, 1)
    at = len(SAMPLES["the card: confirming"].blocks) - 1  # type: ignore[union-attr]  # it is a message
    assert checked.said("the card: confirming") == (
        f"Slack finds fault with /blocks/{at}/type: unsupported type: actions (failed_constraint). Slack may show it "
        "no longer. Update the bot; where this is the newest version, please report this line. To be sure, try it in "
        "Slack."
    )
    assert stage.audit()[0].text.startswith("This line was posted by the bot's `check` command")


def test_a_form_that_slack_finds_fault_with_is_a_line_for_people_too(
    stage: Headless, run: Callable[..., tuple[int, str]]
) -> None:
    stage.do(lambda: stage.stage.web_api.finds_fault_with.add("static_select"))
    code, out = run(stage.environment, "--no-post")
    assert code == 1
    assert "✗ the form: Slack finds fault with /blocks/1/element/type: unsupported type: static_select" in out


def test_a_slack_that_validates_no_blocks_is_no_failure(stage: Headless, check: Check) -> None:
    slack_gives("blocks.validate", answer(200, {"ok": False, "error": "unknown_method"}))(stage)
    checked = check()
    assert (checked.not_ok(), checked.code) == ({ALL: "not tried"}, 0)
    assert "this Slack has no blocks.validate (unknown_method)" in checked.said(ALL)


# A pool that tracks its sessions


SESSION_LINES = [f"pool customers, {call}" for call in SESSION_CALLS]


@pytest.fixture
def tracked(stage: Headless) -> Iterator[dict[str, str]]:
    """A pool that tracks its sessions, and settings that say so."""
    pool = stage.stage.cognito.pools["customers"].id
    file = stage.stage.folder / "sessions.toml"
    file.write_text(f'[pools.customers]\nid = "{pool}"\nsessions = true\n', "utf-8")
    track(stage, "ENABLED")
    yield {"SIGNOUT_CONFIG": str(file)}
    track(stage, "DISABLED")


def track(stage: Headless, whether: str) -> None:
    pool = stage.stage.cognito.pools["customers"].id
    given: dict[str, Any] = {"UserSessionTracking": whether, "TokenSession": {"MaxPerUser": 20}}
    stage.run(stage.stage.cognito.ask(SET, UserPoolId=pool, **given))


def test_a_pool_that_tracks_its_sessions_is_asked_whether_it_does_and_for_each_permission(
    check: Check, tracked: dict[str, str]
) -> None:
    checked = check(**tracked)
    assert (checked.not_ok(), checked.code) == ({}, 0)
    assert checked.said(SESSION_LINES[0]) == "the pool tracks sessions "
    for line in SESSION_LINES[1:]:
        assert checked.said(line).startswith("allowed (tried on a name that no account has: signout-check-")


def test_where_the_setting_is_false_no_session_call_is_made(stage: Headless, check: Check) -> None:
    track(stage, "ENABLED")
    try:
        assert (checked := check()).not_ok() == {}
    finally:
        track(stage, "DISABLED")
    assert not [name for name in checked.findings if "Session" in name]
    assert not [call for call in stage.cognito_calls() if "Session" in call.action]


def test_a_session_that_is_not_there_says_as_much_as_a_name_that_is_not(
    stage: Headless, check: Check, tracked: dict[str, str]
) -> None:
    stage.before_cognito(SESSION_CALLS[2], refuse(400, "ResourceNotFoundException"))
    assert check(**tracked).not_ok() == {}


def tracks_nothing(stage: Headless) -> None:
    track(stage, "DISABLED")


# What breaks it, which of the lines of sessions are missing (the rest are not tried), and what is said.
UNTRACKED: dict[str, tuple[Break, list[str], str]] = {
    "tracking is off": (
        tracks_nothing,
        ["missing", "not tried", "not tried"],
        "does not track sessions, though pools.NAME.sessions is true. Turn session tracking on in the pool",
    ),
    "the plan has no tracking": (
        cognito_gives(SESSION_CALLS[0], refuse(400, "FeatureUnavailableInTierException")),
        ["missing", "not tried", "not tried"],
        "change the pool's plan to Essentials or Plus",
    ),
    "a replica": (
        cognito_gives(SESSION_CALLS[0], refuse(400, "OperationNotEnabledException")),
        ["missing", "not tried", "not tried"],
        "it may be a replica of the pool",
    ),
    **{
        f"{call} not allowed": (
            cognito_gives(call, refuse(400, "AccessDeniedException")),
            ["missing" if each == call else "ok" for each in SESSION_CALLS],
            f"Allow cognito-idp:{call} on this pool",
        )
        for call in SESSION_CALLS
    },
}


@pytest.mark.parametrize(("break_it", "wanted", "words"), UNTRACKED.values(), ids=UNTRACKED)
def test_where_setting_pool_and_permissions_disagree_the_line_says_so(  # noqa: PLR0913, PLR0917 -- fixtures and examples
    stage: Headless,
    check: Check,
    tracked: dict[str, str],
    break_it: Break,
    wanted: list[str],
    words: str,
) -> None:
    break_it(stage)
    checked = check(**tracked)
    assert [checked.findings[line]["status"] for line in SESSION_LINES] == wanted
    assert checked.not_ok().keys() <= set(SESSION_LINES)
    assert checked.code == 1
    assert words in " ".join(checked.said(line) for line in SESSION_LINES)


# Lists


def test_what_cognito_takes_and_how_long_a_list_is_at_its_pace_is_said(check: Check) -> None:
    checked = check()
    assert checked.said(QUOTAS[0]) == (
        "Cognito takes 25 calls a second from all together, and up to 12 are sign-outs of lists (lists.pace). A list "
        "of 10,000 accounts takes 14 minutes. "
    )
    assert checked.said(QUOTAS[1]) == (
        "Cognito takes 30 calls a second from all together, and up to 12 are look-ups of lists (lists.pace). "
    )


def test_a_pace_that_leaves_nothing_to_others_is_a_warning(check: Check) -> None:
    checked = check(SIGNOUT_LISTS_PACE="25/s")
    assert (checked.not_ok(), checked.code) == ({QUOTAS[0]: "warning"}, 0)
    assert checked.said(QUOTAS[0]).endswith(
        "That leaves nothing for the customers' app. Set lists.pace lower, such as 12.5/s."
    )
    assert check(SIGNOUT_LISTS_PACE="40/s").not_ok() == dict.fromkeys(QUOTAS, "warning")


ODD_QUOTA = answer(200, {"Limit": {}}, x_amzn_RequestId="1")


@pytest.mark.parametrize(
    ("fault", "why", "fix"),
    [
        (
            refuse(400, "AccessDeniedException"),
            " (AccessDeniedException)",
            "To have it asked, allow cognito-idp:GetProvisionedLimit in the role's policy.",
        ),
        (refuse(400, "ResourceNotFoundException"), " (ResourceNotFoundException)", ""),
        (refuse(500, "InternalErrorException"), " (InternalErrorException)", ""),
        (answer(500, "<html>Not there</html>", "text/html"), ";", ""),
        (ODD_QUOTA, ";", ""),
    ],
    ids=["not allowed", "no such quota", "out of order", "no such call", "odd"],
)
def test_a_quota_that_aws_does_not_tell_is_a_note_and_no_failure(
    stage: Headless, check: Check, fault: Fault, why: str, fix: str
) -> None:
    cognito_gives("GetProvisionedLimit", fault)(stage)
    checked = check()
    assert (checked.not_ok(), checked.code) == (dict.fromkeys(QUOTAS, "not tried"), 0)
    assert f"AWS does not say{why}" in checked.said(QUOTAS[0])
    assert "it documents 25 calls a second for all together, and up to 12 are sign-outs" in checked.said(QUOTAS[0])
    assert checked.findings[QUOTAS[0]]["fix"] == fix
    assert check(SIGNOUT_LISTS_PACE="26/s").not_ok()[QUOTAS[0]] == "warning"


PROTECTING = "pool customers, ListUsersInGroup admins"


@pytest.fixture
def protecting(stage: Headless) -> dict[str, str]:
    """Settings of a pool that has a group which protects accounts."""
    pool = stage.stage.cognito.pools["customers"].id
    file = stage.stage.folder / "protecting.toml"
    file.write_text(f'[pools.customers]\nid = "{pool}"\nprotect.groups = ["admins"]\n', "utf-8")
    return {"SIGNOUT_CONFIG": str(file)}


def test_the_members_of_each_group_that_protects_are_listed(check: Check, protecting: dict[str, str]) -> None:
    checked = check(**protecting)
    assert (checked.not_ok(), checked.code) == ({}, 0)
    assert checked.said(PROTECTING) == "its members can be listed "


@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        (refuse(400, "AccessDeniedException"), "missing", "Allow cognito-idp:ListUsersInGroup on this pool"),
        (refuse(400, "ResourceNotFoundException"), "warning", "Cognito has no such group, so no list can be looked up"),
        (answer(200, {"Users": [], "NextToken": "more"}, x_amzn_RequestId="1"), "warning", "It has more members than"),
        (refuse(500, "InternalErrorException"), "missing", "No clear answer (InternalErrorException)."),
        (reset(), "missing", "Cognito cannot be reached."),
    ],
    ids=["not allowed", "no such group", "too large", "out of order", "unreachable"],
)
def test_a_group_that_protects_and_cannot_be_listed_is_named(  # noqa: PLR0913, PLR0917 -- fixtures and examples
    stage: Headless, check: Check, protecting: dict[str, str], fault: Fault, status: str, words: str
) -> None:
    cognito_gives("ListUsersInGroup", fault)(stage)
    checked = check(**protecting)
    assert checked.not_ok() == {PROTECTING: status}
    assert words in checked.said(PROTECTING)


def test_of_a_pool_that_cannot_be_asked_no_group_is_tried(check: Check) -> None:
    checked = check(SIGNOUT_POOL_ID="eu-central-1_nosuch", SIGNOUT_PROTECT_GROUPS="admins")
    assert not [name for name in checked.findings if name.startswith("pool default, ListUsersInGroup")]


# Single probes


def found_by(stage: Headless, app_token: str | None = cast.APP_TOKEN) -> dict[str, Finding]:
    client = BlockingClient(cast.BOT_TOKEN, stage.environment["SLACK_API_URL"])
    allowlist = Allowlist(Allowed(), {"customers": Allowed(frozenset({"U0SAM00001"})), "staff": Allowed()})
    channels = {"audit channel": None}
    found = try_workspace(client, (allowlist, NO_ONE), app_token=app_token, channels=channels)
    return {finding.name: finding for finding in found}


def test_where_no_manifest_stands_beside_the_bot_the_scopes_are_told_but_not_compared(
    stage: Headless, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.slack.manifest.FILE", tmp_path / "manifest.yml")
    scopes = found_by(stage)["scopes"]
    assert scopes.status == "not tried"
    assert scopes.sentence.endswith(
        "there is no manifest.yml beside the bot; the token has " + "chat:write, commands, usergroups:read"
    )
    (tmp_path / "manifest.yml").write_text("- odd", "utf-8")
    assert found_by(stage)["scopes"].status == "warning"


def test_over_http_the_signing_secret_stands_where_the_app_level_token_would(stage: Headless) -> None:
    found = found_by(stage, app_token=None)
    assert "app-level token" not in found
    assert found["signing secret"].status == "ok"
    assert stage.slack_calls("apps.connections.open") == []


def test_a_pool_of_which_no_one_may_sign_out_is_to_be_looked_at(stage: Headless) -> None:
    allowlist = found_by(stage)["allowlist"]
    assert (allowlist.status, allowlist.sentence) == ("warning", "No one may sign out of: staff.")


class FullPool:
    """A pool that, against all odds, has an account under the name tried."""

    pool_id, region = "eu-central-1_AbCdEf123", "eu-central-1"

    def __init__(self) -> None:
        self.called: list[str] = []

    def on_behalf(self, request_id: str, operator_id: str) -> "FullPool":
        """Answer for anyone."""
        assert (request_id, operator_id) > ("", "")
        return self

    def list_users(self, attribute: Attribute, value: str) -> list[Account]:
        """Find no one, since ListUsers is eventually consistent."""
        assert (attribute, value) > ("", "")
        return []

    def get_user(self, username: str) -> Account:
        """Find a person."""
        return Account(pool="p", pool_id=self.pool_id, region=self.region, username=username)

    def everyone(self, token: str | None = None) -> tuple[list[Account], str | None]:
        """List no one: no check asks."""
        raise NotImplementedError(token)

    def members_of(self, group: str) -> frozenset[str]:
        """Say nothing: no check asks."""
        raise NotImplementedError(group)

    def prepare(self) -> None:
        """Have what signs a call."""

    def groups_of(self, username: str) -> frozenset[str]:
        """Know no groups."""
        assert username
        return frozenset()

    def tracks_sessions(self) -> bool:
        """Say yes."""
        return True

    def sessions(self, username: str) -> list[Session]:
        """List one."""
        return [Session(id=username, kind="TOKEN")]

    def end_session(self, session_id: str, username: str, left: Callable[[], timedelta]) -> Done:
        """Say yes."""
        assert (session_id, left()) > ("", timedelta(0))
        self.called.append(username)
        return Done(None)

    def call(self, step: Step, username: str, left: Callable[[], timedelta]) -> Done:
        """Say yes."""
        assert (step, left()) > (Step.SIGN_OUT, timedelta(0))
        self.called.append(username)
        return Done(None)


def test_where_the_name_tried_is_somebodys_nobody_is_signed_out() -> None:
    pool = FullPool()
    assert [finding.status for finding in try_pool("p", pool)] == ["ok", "missing", "not tried"]
    assert pool.called == []


def test_where_the_name_tried_is_somebodys_no_session_is_ended_either() -> None:
    pool = FullPool()
    found = [finding.status for finding in try_pool("p", pool, SESSION_CALLS)]
    assert found == ["ok", "missing", *["not tried"] * 4]
    assert pool.called == []


class PoolBehindARole(FullPool):
    """A pool whose role gives no session."""

    def list_users(self, attribute: Attribute, value: str) -> list[Account]:
        """Say so."""
        raise PoolUnavailableError(f"{attribute} {value}", "AssumeRoleRefused")


def test_a_role_that_is_refused_is_named_and_the_rest_is_not_tried() -> None:
    refused, *rest = try_pool("p", PoolBehindARole())
    assert (refused.status, refused.sentence) == ("missing", "The pool's role cannot be assumed.")
    assert [finding.status for finding in rest] == ["not tried", "not tried"]


def test_a_probe_that_hangs_is_given_up_and_named() -> None:
    released = threading.Event()

    def hang() -> list[Finding]:
        released.wait()
        return []

    try:
        (hung,) = findings([("a", hang)], within=0.0)
    finally:
        released.set()
    assert (hung.name, hung.status, hung.sentence) == ("a", "missing", "No answer within 0 s.")


def test_a_probe_that_fails_is_a_line_too_and_the_next_one_runs() -> None:
    def fail() -> list[Finding]:
        raise RuntimeError(cast.BOT_TOKEN)

    failed, other = findings([("a", fail), ("b", lambda: [Finding("b", "ok", "is well")])])
    assert (failed.name, failed.status, failed.sentence) == ("a", "missing", "Could not be tried (RuntimeError).")
    assert other.status == "ok"


@pytest.mark.parametrize(
    ("call", "trouble"),
    [
        (TimeoutError("timed out"), "no answer in time"),
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (OSError(cast.BOT_TOKEN), "OSError"),
        (ValueError(cast.BOT_TOKEN), "ValueError"),
        (refusal(cast.BOT_TOKEN, 502), "HTTP 502, but not in Slack's words"),
    ],
)
def test_each_trouble_on_the_way_to_slack_is_an_answer_that_quotes_nothing(call: Exception, trouble: str) -> None:
    def broken() -> Any:
        raise call

    assert (ask(broken).trouble, ask(broken).is_slacks) == (trouble, False)


@pytest.mark.parametrize(
    ("asked", "answered", "status", "words"),
    [
        (0.0, 0.0, "ok", "agrees"),
        (0.0, 30.0, "ok", "agrees"),  # the answer took its time
        (-20.0, 10.0, "ok", "agrees"),
        (5.9, 5.9, "ok", "agrees"),  # the header is cut to the second
        (6.0, 6.0, "warning", "5 s ahead"),
        (60.9, 60.9, "warning", "60 s ahead"),
        (61.0, 61.0, "missing", "60 s ahead"),
        (-70.0, -59.0, "warning", "59 s behind"),
        (-70.0, -60.0, "missing", "60 s behind"),
    ],
)
def test_a_clock_is_judged_by_what_is_certain(asked: float, answered: float, status: str, words: str) -> None:
    theirs = datetime(2026, 11, 22, 12, tzinfo=UTC)
    date = format_datetime(theirs, usegmt=True)
    found = judge_clock("clock", date, theirs + timedelta(seconds=asked), theirs + timedelta(seconds=answered))
    assert (found.status, words in found.sentence) == (status, True)


@pytest.mark.parametrize("date", [None, "", "yesterday", "Sun, 99 Nov 9999 99:99:99 GMT"])
def test_without_a_date_no_clock_is_judged(date: str | None) -> None:
    now = datetime.now(UTC)
    assert judge_clock("clock", date, now, now).status == "not tried"


@pytest.mark.parametrize("count", [MOST_GROUPS, MOST_GROUPS + 1])
def test_more_groups_than_slack_can_be_asked_about_in_time_are_a_warning(
    stage: Headless, check: Check, count: int
) -> None:
    ids = [f"S0GROUP{number:03}" for number in range(count)]
    stage.do(lambda: stage.stage.workspace.usergroups.update({id_: {"U0KIM00001"} for id_ in ids}))
    checked = check(SIGNOUT_ALLOW_GROUPS=",".join(ids))
    name = "number of groups"
    assert checked.not_ok() == ({name: "warning"} if count > MOST_GROUPS else {})
    assert checked.code == 0
    if count > MOST_GROUPS:
        assert f"{count} groups are more than the {MOST_GROUPS}" in checked.said(name)
