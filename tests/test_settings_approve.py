"""The settings of a second person, of protected accounts and of limits."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot.action import ACTIONS
from bot.approve import ApprovalSettings
from bot.authorize import Allowed
from bot.decide import LONGEST_APPROVAL
from bot.limits import Protection
from bot.settings.faults import SettingsError
from bot.settings.load import emptied, load
from bot.settings.model import Settings
from bot.settings.names import unused

GOOD = {
    "SLACK_BOT_TOKEN": "xoxb-bot-secret",
    "SLACK_APP_TOKEN": "xapp-app-secret",
    "SIGNOUT_AUDIT_CHANNEL": "C0123ABCDEF",
    "SIGNOUT_ALLOW_USERS": "U0123ABCDEF",
    "SIGNOUT_POOL_ID": "eu-central-1_AbCdEf123",
}
WHEN = f"(approve.when in the file) must be never, always, or a list of actions: {', '.join(ACTIONS)}."
APPROVER, GROUP = "U0APPROVER1", "S0APPROVERS"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def settings(toml: str = "", **environment: str) -> Settings:
    Path("signout.toml").write_text(toml, encoding="utf-8")
    return load({**GOOD, **environment})


def faults(toml: str = "", **environment: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        settings(toml, **environment)
    return caught.value.faults


def test_by_default_no_second_person_is_needed_and_nothing_is_protected_or_limited() -> None:
    plain = settings()
    assert plain.approving == {"default": ApprovalSettings(channel_id="C0123ABCDEF")}
    assert plain.approvers.all == Allowed()
    assert plain.protections == {}
    assert (plain.limits.per_operator, plain.limits.all) == (None, None)
    assert plain.further_operations == {}


def test_all_of_it_can_be_set_in_the_environment() -> None:
    given = settings(
        SIGNOUT_ALLOW_ASK_USERS="U0FIRSTLINE",
        SIGNOUT_ALLOW_ASK_GROUPS="S0FIRSTLINE",
        SIGNOUT_APPROVE_WHEN="always",
        SIGNOUT_APPROVE_USERS=APPROVER,
        SIGNOUT_APPROVE_GROUPS=GROUP,
        SIGNOUT_APPROVE_CHANNEL="C0APPROVE01",
        SIGNOUT_APPROVE_WITHIN="20m",
        SIGNOUT_PROTECT_GROUPS="admins, board",
        SIGNOUT_PROTECT_USERNAMES="root",
        SIGNOUT_PROTECT_SUBS="343d94cb-5ddd-4f39-ab9f-be013c348223",
        SIGNOUT_PROTECT_HOW="approve",
        SIGNOUT_LIMITS_PER_OPERATOR="10/h",
        SIGNOUT_LIMITS_ALL="60/h",
    )
    asks = Allowed(frozenset({"U0FIRSTLINE"}), frozenset({"S0FIRSTLINE"}))
    assert given.allowlist.everywhere.ask == asks
    assert given.approvers.everywhere == Allowed(frozenset({APPROVER}), frozenset({GROUP}))
    within = timedelta(minutes=20)
    assert given.approving == {
        "default": ApprovalSettings(channel_id="C0APPROVE01", actions=frozenset(ACTIONS), within=within)
    }
    assert given.protections == {
        "default": Protection(
            groups=frozenset({"admins", "board"}),
            usernames=frozenset({"root"}),
            subs=frozenset({"343d94cb-5ddd-4f39-ab9f-be013c348223"}),
            may_approve=True,
        )
    }
    assert (given.limits.per_operator, given.limits.all) == (10, 60)
    assert given.groups == [GROUP, "S0FIRSTLINE"]
    assert given.further_operations == {"AdminListGroupsForUser": ["default"], "ListUsersInGroup": ["default"]}


def test_a_pool_says_it_for_itself_and_its_lists_come_on_top() -> None:
    given = settings(
        f"""
        [approve]
        when = "always"
        users = ["{APPROVER}"]
        [protect]
        groups = ["admins"]
        [pools.staff]
        id = "eu-central-1_StaffStaff"
        approve = {{ when = "never", users = ["U0STAFFBOSS"], channel = "C0STAFF0001", within = "1m" }}
        protect = {{ usernames = ["root"], how = "approve" }}
        allow.ask.users = ["U0FIRSTLINE"]
        """
    )
    staff, customers = given.approving["staff"], given.approving["default"]
    assert (staff.actions, staff.channel_id, staff.within) == (frozenset(), "C0STAFF0001", timedelta(minutes=1))
    assert (customers.actions, customers.channel_id, customers.within) == (
        frozenset(ACTIONS),
        "C0123ABCDEF",
        timedelta(minutes=15),
    )
    assert given.approvers.pools["staff"].users == {"U0STAFFBOSS"}
    assert given.protections["default"] == Protection(groups=frozenset({"admins"}))
    both = Protection(groups=frozenset({"admins"}), usernames=frozenset({"root"}), may_approve=True)
    assert given.protections["staff"] == both
    assert given.allowlist.pools["staff"].ask == Allowed(frozenset({"U0FIRSTLINE"}))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("APPROVE_WHEN", "sometimes", WHEN),
        ("APPROVE_WHEN", "above = 5", WHEN),
        ("APPROVE_WHEN", "keep_out, keepout", WHEN),
        ("APPROVE_WHEN", "never, keep_out", WHEN),
        ("APPROVE_WHEN", "always, keep_out", WHEN),
        ("ACTIONS_KEEP_OUT_USERS", "sam", "(actions.keep_out.users in the file) must be Slack user ids such as"),
        ("ACTIONS_LET_IN_GROUPS", "@sam", "(actions.let_in.groups in the file) must be Slack user group ids such as"),
        ("APPROVE_WITHIN", "30s", "must be 1m to 60m."),
        ("APPROVE_WITHIN", "2h", "must be 1m to 60m."),
        ("APPROVE_USERS", "sam", "must be Slack user ids"),
        ("APPROVE_GROUPS", "@approvers", "must be Slack user group ids"),
        ("APPROVE_CHANNEL", "#approve", "must be a channel id"),
        ("ALLOW_ASK_USERS", "sam", "(allow.ask.users in the file) must be Slack user ids"),
        ("PROTECT_HOW", "never", "(protect.how in the file) must be one of"),
        ("LIMITS_PER_OPERATOR", "10", "must be a number of accounts an hour from 1/h to 1000/h"),
        ("LIMITS_PER_OPERATOR", "0/h", "must be a number of accounts an hour"),
        ("LIMITS_ALL", "1001/h", "must be a number of accounts an hour"),
        ("LIMITS_ALL", "10/d", "must be a number of accounts an hour"),
        ("LIMITS_ALL", "ten", "must be a number of accounts an hour"),
    ],
)
def test_a_value_of_the_wrong_form_is_one_fault_that_names_it(name: str, value: str, said: str) -> None:
    (fault,) = faults(**{"SIGNOUT_APPROVE_USERS": APPROVER, f"SIGNOUT_{name}": value})
    assert fault.startswith(f"SIGNOUT_{name} ")
    assert said in fault
    assert "sam" not in fault


@pytest.mark.parametrize(
    ("toml", "named"),
    [
        ("[approve]\nwhne = 'always'", "approve.whne is not a setting of this bot. Check its spelling."),
        ("[allow.ask]\nuser = []", "allow.ask.user is not a setting of this bot. Check its spelling. Is users meant?"),
        ("[limits]\nal = '1/h'", "limits.al is not a setting of this bot. Check its spelling. Is all meant?"),
        ("[lists]\npac = '1/s'", "lists.pac is not a setting of this bot. Check its spelling. Is pace meant?"),
        (
            "[pools.staff]\nid='eu-central-1_Staff'\nprotect.group = []",
            "pools.staff.protect.group is not a setting of this bot. Check its spelling. Is groups meant?",
        ),
        (
            "[pools.staff]\nid='eu-central-1_Staff'\nallow.ask.grops = []",
            "pools.staff.allow.ask.grops is not a setting of this bot. Check its spelling. Is groups meant?",
        ),
        (
            "[actions.keepout]\nusers = []",
            "actions.keepout is not a setting of this bot. Check its spelling. Is keep_out",
        ),
        ("[actions.delete]\nusers = []", "actions.delete is not a setting of this bot. Check its spelling."),
        ("[actions.sign_out]\nusers = []", "actions.sign_out is not a setting of this bot. Check its spelling."),
        ("[action.keep_out]\nusers = []", "action is not a setting of this bot. Check its spelling. Is actions meant?"),
        ("[actions]\nusers = []", "actions.users is not a setting of this bot. Check its spelling."),
        (
            "[actions.keep_out]\nuser = []",
            "actions.keep_out.user is not a setting of this bot. Check its spelling. Is users meant?",
        ),
        (
            "[pools.staff]\nid='eu-central-1_Staff'\nactions.let_out.users = []",
            "pools.staff.actions.let_out is not a setting of this bot. Check its spelling.",
        ),
        (
            "[pools.staff]\nid='eu-central-1_Staff'\nactions.let_in.group = []",
            "pools.staff.actions.let_in.group is not a setting of this bot. Check its spelling. Is groups meant?",
        ),
    ],
)
def test_a_key_that_is_no_setting_is_named_however_deep_it_is(toml: str, named: str) -> None:
    (fault,) = faults(toml)
    assert fault.startswith(named)


@pytest.mark.parametrize(
    "toml",
    [
        "[approve]\nwhen = 'always'",
        "[approve]\nwhen = ['let_in']",
        "[protect]\nusernames = ['root']\nhow = 'approve'",
        "[allow.ask]\nusers = ['U0FIRSTLINE']",
        "[pools.default]\nid = 'eu-central-1_AbCdEf123'\nallow.ask.groups = ['S0FIRSTLINE']",
    ],
)
def test_where_a_second_person_is_needed_someone_has_to_be_named_for_that(toml: str) -> None:
    (fault,) = faults(toml)
    assert fault.startswith("In pool default a second person is needed")
    assert settings(toml, SIGNOUT_APPROVE_GROUPS=GROUP)


def test_people_who_may_only_ask_are_people_who_may() -> None:
    asks = {"SIGNOUT_ALLOW_USERS": "", "SIGNOUT_ALLOW_ASK_USERS": "U0FIRSTLINE", "SIGNOUT_APPROVE_USERS": APPROVER}
    assert settings(**asks).allowlist.everywhere.ask == Allowed(frozenset({"U0FIRSTLINE"}))


def test_no_wait_for_a_second_person_is_longer_than_the_rules_take_for_a_wrong_clock() -> None:
    longest = settings(SIGNOUT_APPROVE_USERS=APPROVER, SIGNOUT_APPROVE_WITHIN="60m").approving["default"].within
    assert longest == LONGEST_APPROVAL


def test_an_empty_list_in_the_environment_leaves_the_files_and_that_is_told() -> None:
    given = settings(f"[approve]\nusers = ['{APPROVER}']", SIGNOUT_APPROVE_USERS="")
    assert given.approvers.everywhere.users == {APPROVER}
    assert list(emptied({"SIGNOUT_APPROVE_USERS": ""}, given)) == ["SIGNOUT_APPROVE_USERS"]


# Who may do more than sign out

ARN = "arn:aws:iam::123456789012:role/Support"


def test_who_may_do_more_can_be_set_in_the_environment() -> None:
    given = settings(
        f"actions.new_password.terminal = ['{ARN}']",
        SIGNOUT_ACTIONS_KEEP_OUT_USERS=APPROVER,
        SIGNOUT_ACTIONS_KEEP_OUT_GROUPS=GROUP,
    )
    keep_out, new_password = given.performers["keep_out"], given.performers["new_password"]
    assert given.performers.keys() == {"keep_out", "new_password"}
    assert keep_out.everywhere == Allowed(frozenset({APPROVER}), frozenset({GROUP}))
    assert new_password.everywhere.terminal == {ARN}
    assert keep_out.table == "actions.keep_out"
    assert given.groups == [GROUP], "its members are asked for"
    assert given.further_operations == {
        "AdminDisableUser": ["default"],
        "AdminResetUserPassword": ["default"],
    }


def test_a_pool_names_people_of_its_own_for_an_action_and_only_there_cognito_is_asked_for_it() -> None:
    given = settings(
        f"""
        [pools.staff]
        id = "eu-central-1_StaffStaff"
        actions.let_in.users = ["{APPROVER}"]
        [pools.third]
        id = "eu-central-1_ThirdThird"
        actions = {{ let_in = {{ groups = ["{GROUP}"] }}, keep_out = {{ terminal = ["{ARN}"] }} }}
        """
    )
    let_in, keep_out = given.performers["let_in"], given.performers["keep_out"]
    assert let_in.everywhere == Allowed()
    assert let_in.pools["staff"].users == {APPROVER}
    assert let_in.pools["third"].groups == {GROUP}
    assert keep_out.pools["third"].terminal == {ARN}
    assert given.further_operations == {"AdminEnableUser": ["staff", "third"], "AdminDisableUser": ["third"]}


def test_an_action_for_which_no_one_is_named_is_not_there_and_needs_nothing_of_cognito() -> None:
    given = settings("[actions.keep_out]\nusers = []\n[actions.let_in]\n")
    assert (given.performers, given.further_operations, given.groups) == ({}, {}, [])


@pytest.mark.parametrize(
    ("when", "actions"),
    [
        ("'never'", set()),
        ("'always'", set(ACTIONS)),
        ("['never']", set()),
        ("['always']", set(ACTIONS)),
        ("'keep_out'", {"keep_out"}),
        ("['keep_out', 'sign_out']", {"keep_out", "sign_out"}),
    ],
)
def test_a_second_person_is_needed_for_the_actions_that_are_named(when: str, actions: set[str]) -> None:
    given = settings(f"[approve]\nwhen = {when}\nusers = ['{APPROVER}']")
    assert given.approving["default"].actions == actions


@pytest.mark.parametrize("when", ["[]", "5", "true", "[1]", "[['keep_out']]", "{ keep_out = true }"])
def test_what_is_no_list_of_actions_is_one_fault(when: str) -> None:
    (fault,) = faults(f"[approve]\nwhen = {when}\nusers = ['{APPROVER}']")
    assert WHEN in fault


def test_an_empty_list_of_an_action_in_the_environment_leaves_the_files_and_that_is_told() -> None:
    name = "SIGNOUT_ACTIONS_KEEP_OUT_GROUPS"
    given = settings(f"[actions.keep_out]\ngroups = ['{GROUP}']", **{name: ""})
    assert list(emptied({name: ""}, given)) == [name]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("SIGNOUT_ACTIONS_KEEPOUT_USERS", "SIGNOUT_ACTIONS_KEEP_OUT_USERS"),
        ("SIGNOUT_ACTION_LET_IN_GROUPS", "SIGNOUT_ACTIONS_LET_IN_GROUPS"),
        ("SIGNOUT_ACTIONS_NEW_PASWORD_USER", "SIGNOUT_ACTIONS_NEW_PASSWORD_USERS"),
    ],
)
def test_a_misspelled_variable_of_an_action_is_a_fault_that_names_it(given: str, meant: str) -> None:
    assert faults(**{given: APPROVER})[0].endswith(f"Is {meant} meant?")


def test_those_of_a_terminal_are_named_in_the_file_only_as_in_allow_terminal() -> None:
    assert list(unused({"SIGNOUT_ACTIONS_KEEP_OUT_TERMINAL": ARN})) == ["SIGNOUT_ACTIONS_KEEP_OUT_TERMINAL"]
    (fault,) = faults("actions.keep_out.terminal = ['sam']")
    assert fault.startswith("actions.keep_out.terminal must be ARNs of IAM roles or users such as")


def test_a_variable_of_an_action_that_there_is_not_is_told() -> None:
    assert list(unused({"SIGNOUT_ACTIONS_DELETE_USERS": APPROVER})) == ["SIGNOUT_ACTIONS_DELETE_USERS"]


def test_a_variable_that_is_a_letter_off_is_a_fault() -> None:
    assert faults(SIGNOUT_APROVE_USERS=APPROVER)[0].endswith("Is SIGNOUT_APPROVE_USERS meant?")
    assert not unused({"SIGNOUT_APPROVE_USERS": APPROVER})
