"""Who may."""

from dataclasses import replace

import pytest

from bot.authorize import Allowed, Allowlist, Authorized, Denied, Home, authorize
from bot.request import TERMINAL, Operator

HOME = "T0HOME"
AT_HOME, ELSEWHERE = (Home(id_, frozenset({id_})) for id_ in (HOME, "T0OTHER"))
SAM = Operator(team_id=HOME, id="U0SAM", name="sam")
GROUPS = {"S0SUPPORT": frozenset({"U0SAM"}), "S0EMPTY": frozenset[str](), "S0BROKEN": None}


def decide(allowlist: Allowlist, operator: Operator = SAM, home: Home | None = AT_HOME) -> dict[str, str] | str:
    decision = authorize(operator, allowlist, GROUPS.__getitem__, home)
    return dict(decision.rules) if isinstance(decision, Authorized) else decision.rule


def listed(users: str = "", groups: str = "") -> Allowed:
    return Allowed(frozenset(users.split()), frozenset(groups.split()))


NOBODY = listed()


@pytest.mark.parametrize(
    ("allowlist", "decision"),
    [
        (Allowlist(NOBODY, {}), "not allowed"),
        (Allowlist(NOBODY, {"a": NOBODY}), "not allowed"),
        (Allowlist(listed("U0SAM"), {}), "not allowed"),
        (Allowlist(listed("U0KIM"), {"a": NOBODY}), "not allowed"),
        (Allowlist(listed("U0SAM"), {"a": NOBODY, "b": NOBODY}), {"a": "allow.users", "b": "allow.users"}),
        (Allowlist(NOBODY, {"a": listed("U0SAM"), "b": NOBODY}), {"a": "pools.a.allow.users"}),
        (Allowlist(listed(groups="S0SUPPORT"), {"a": NOBODY}), {"a": "allow.groups: S0SUPPORT"}),
        (Allowlist(NOBODY, {"a": listed(groups="S0SUPPORT")}), {"a": "pools.a.allow.groups: S0SUPPORT"}),
        (Allowlist(listed(groups="S0EMPTY"), {"a": NOBODY}), "not allowed"),
        (Allowlist(listed(groups="S0BROKEN"), {"a": NOBODY}), "not allowed (Slack could not list S0BROKEN)"),
        (Allowlist(listed(groups="S0BROKEN S0SUPPORT"), {"a": NOBODY}), {"a": "allow.groups: S0SUPPORT"}),
    ],
)
def test_nobody_may_unless_a_rule_says_so(allowlist: Allowlist, decision: dict[str, str] | str) -> None:
    assert decide(allowlist) == decision


def test_a_person_of_another_team_may_not_whatever_the_list_says() -> None:
    assert decide(Allowlist(listed("U0SAM"), {"a": NOBODY}), home=ELSEWHERE) == "from another team"


def test_while_slack_has_not_said_which_workspace_this_is_nobody_may_and_that_is_the_reason() -> None:
    denied = authorize(SAM, Allowlist(listed("U0SAM"), {"a": NOBODY}), GROUPS.__getitem__, None)
    assert isinstance(denied, Denied)
    assert (denied.unsure, "which workspace this is" in denied.rule) == (True, True)


@pytest.mark.parametrize(("groups", "unsure"), [("S0EMPTY", False), ("S0BROKEN", True), ("S0EMPTY S0BROKEN", True)])
def test_a_refusal_says_whether_it_is_one_because_slack_could_not_be_asked(groups: str, *, unsure: bool) -> None:
    denied = authorize(SAM, Allowlist(listed(groups=groups), {"a": NOBODY}), GROUPS.__getitem__, AT_HOME)
    assert isinstance(denied, Denied)
    assert denied.unsure is unsure


def test_slack_is_not_asked_where_a_user_id_decides() -> None:
    def never(_: str) -> frozenset[str]:
        raise AssertionError

    allowlist = Allowlist(listed("U0SAM", "S0SUPPORT"), {"a": NOBODY})
    assert isinstance(authorize(SAM, allowlist, never, AT_HOME), Authorized)
    assert isinstance(authorize(SAM, allowlist, never, ELSEWHERE), Denied)


def test_an_authorized_cannot_be_made_up() -> None:
    with pytest.raises(TypeError):
        Authorized(SAM, {"a": "because I say so"}, seal=object())


SUPPORT = "arn:aws:iam::123456789012:role/Support"


def in_terminal(arn: str) -> Operator:
    return Operator(team_id=TERMINAL, id=arn, name="sam")


@pytest.mark.parametrize("home", [None, AT_HOME])
def test_in_a_terminal_an_arn_that_is_listed_may_in_every_pool_and_slack_has_no_say(home: Home | None) -> None:
    allowlist = Allowlist(NOBODY, {"a": NOBODY, "b": NOBODY}, frozenset({SUPPORT}))
    assert decide(allowlist, in_terminal(SUPPORT), home) == {"a": "allow.terminal", "b": "allow.terminal"}
    one = replace(allowlist, pools={"b": NOBODY})
    assert decide(one, in_terminal(SUPPORT), home) == {"b": "allow.terminal"}


@pytest.mark.parametrize("arn", ["", "arn:aws:iam::123456789012:role/Suppor", f"{SUPPORT}/sam", "U0SAM"])
def test_in_a_terminal_nobody_else_may(arn: str) -> None:
    allowlist = Allowlist(listed("U0SAM", "S0SUPPORT"), {"a": listed("U0SAM")}, frozenset({SUPPORT}))
    assert decide(allowlist, in_terminal(arn)) == "not allowed"
    assert decide(Allowlist(NOBODY, {}, frozenset({SUPPORT})), in_terminal(SUPPORT)) == "not allowed"


def test_an_arn_is_nobody_in_slack() -> None:
    allowlist = Allowlist(NOBODY, {"a": NOBODY}, frozenset({SUPPORT, "U0SAM"}))
    assert decide(allowlist) == "not allowed"
