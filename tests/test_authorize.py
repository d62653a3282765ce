"""Who may."""

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from bot.authorize import NOT_TOLD, Allowed, Allowlist, Authorized, Denied, Home, authorize
from bot.errors import DeniedError
from bot.request import TERMINAL, Operator

BOT = Path(__file__).parent.parent / "bot"
HOME = "T0HOME"
AT_HOME, ELSEWHERE = (Home(id_, frozenset({id_})) for id_ in (HOME, "T0OTHER"))
SAM = Operator(team_id=HOME, id="U0SAM", name="sam")
GROUPS = {"S0SUPPORT": frozenset({"U0SAM"}), "S0EMPTY": frozenset[str](), "S0BROKEN": None}


def members(_: str, group_id: str) -> frozenset[str] | None:
    return GROUPS[group_id]


def decide(allowlist: Allowlist, operator: Operator = SAM, home: Home | None = AT_HOME) -> dict[str, str] | str:
    decision = authorize(operator, allowlist, members, home)
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
    denied = authorize(SAM, Allowlist(listed("U0SAM"), {"a": NOBODY}), members, None)
    assert isinstance(denied, Denied)
    assert denied.sentence
    assert "which workspace this is" in denied.rule


@pytest.mark.parametrize(("groups", "unsure"), [("S0EMPTY", False), ("S0BROKEN", True), ("S0EMPTY S0BROKEN", True)])
def test_a_refusal_says_whether_it_is_one_because_slack_could_not_be_asked(groups: str, *, unsure: bool) -> None:
    denied = authorize(SAM, Allowlist(listed(groups=groups), {"a": NOBODY}), members, AT_HOME)
    assert isinstance(denied, Denied)
    assert (denied.sentence is not None) is unsure


def test_slack_is_not_asked_where_a_user_id_decides() -> None:
    def never(*_: str) -> frozenset[str]:
        raise AssertionError

    allowlist = Allowlist(listed("U0SAM", "S0SUPPORT"), {"a": NOBODY})
    assert isinstance(authorize(SAM, allowlist, never, AT_HOME), Authorized)
    assert isinstance(authorize(SAM, allowlist, never, ELSEWHERE), Denied)


OTHER_WORKSPACE = replace(SAM, team_id="T0OTHERWS")
ORG = "E0ORG"


def on_grid(asked: list[str] | None = None, *, says: bool | None) -> Home:
    def belongs(who: Operator) -> bool | None:
        (asked if asked is not None else []).append(who.id)
        return says

    return Home(ORG, frozenset({HOME, ORG}), belongs)


@pytest.mark.parametrize("team", [HOME, ORG])
def test_who_comes_from_the_workspace_or_the_organisation_is_its_person_and_slack_is_not_asked(team: str) -> None:
    asked: list[str] = []
    allowlist = Allowlist(listed("U0SAM"), {"a": NOBODY})
    authorized = authorize(replace(SAM, team_id=team), allowlist, members, on_grid(asked, says=False))
    assert isinstance(authorized, Authorized)
    assert authorized.operator == replace(SAM, team_id=ORG)
    assert asked == []


@pytest.mark.parametrize("allowed", [listed("U0SAM"), listed(groups="S0SUPPORT")], ids=["listed", "in a group"])
def test_of_another_workspace_it_is_the_same_person_where_slack_says_so(allowed: Allowed) -> None:
    authorized = authorize(OTHER_WORKSPACE, Allowlist(allowed, {"a": NOBODY}), members, on_grid(says=True))
    assert isinstance(authorized, Authorized)
    assert authorized.operator == replace(SAM, team_id=ORG)


@pytest.mark.parametrize(
    ("answer", "denied"), [(False, Denied("from another team")), (None, NOT_TOLD)], ids=["a stranger", "not told"]
)
def test_who_is_not_ours_by_slacks_word_may_not(*, answer: bool | None, denied: Denied) -> None:
    allowlist = Allowlist(listed("U0SAM"), {"a": NOBODY})
    assert authorize(OTHER_WORKSPACE, allowlist, members, on_grid(says=answer)) == denied


def test_slack_is_asked_about_no_one_whom_no_rule_lets_in() -> None:
    asked: list[str] = []
    allowlist = Allowlist(listed("U0KIM", "S0EMPTY"), {"a": NOBODY})
    assert authorize(OTHER_WORKSPACE, allowlist, members, on_grid(asked, says=True)) == Denied("not allowed")
    assert asked == []


def test_outside_an_organisation_a_stranger_has_no_group_listed() -> None:
    def never(*_: str) -> frozenset[str]:
        raise AssertionError

    allowlist = Allowlist(listed(groups="S0SUPPORT"), {"a": NOBODY})
    assert authorize(OTHER_WORKSPACE, allowlist, never, AT_HOME) == Denied("from another team")


def test_whose_team_slack_did_not_say_is_not_accused_of_another_and_slack_is_not_asked() -> None:
    asked: list[str] = []
    allowlist = Allowlist(listed("U0SAM"), {"a": NOBODY})
    nowhere = replace(SAM, team_id="")
    assert authorize(nowhere, allowlist, members, AT_HOME) == NOT_TOLD
    assert authorize(nowhere, allowlist, members, on_grid(asked, says=True)) == NOT_TOLD
    assert asked == []


SUPPORT = "arn:aws:iam::123456789012:role/Support"


def in_terminal(arn: str) -> Operator:
    return Operator(team_id=TERMINAL, id=arn, name="sam")


def listed_arns(*arns: str) -> Allowed:
    return Allowed(terminal=frozenset(arns))


@pytest.mark.parametrize("home", [None, AT_HOME])
def test_in_a_terminal_an_arn_that_is_listed_may_in_every_pool_and_slack_has_no_say(home: Home | None) -> None:
    allowlist = Allowlist(listed_arns(SUPPORT), {"a": NOBODY, "b": NOBODY})
    assert decide(allowlist, in_terminal(SUPPORT), home) == {"a": "allow.terminal", "b": "allow.terminal"}
    one = replace(allowlist, pools={"b": NOBODY})
    assert decide(one, in_terminal(SUPPORT), home) == {"b": "allow.terminal"}


@pytest.mark.parametrize("arn", ["", "arn:aws:iam::123456789012:role/Suppor", f"{SUPPORT}/sam", "U0SAM"])
def test_in_a_terminal_nobody_else_may(arn: str) -> None:
    allowlist = Allowlist(replace(listed("U0SAM", "S0SUPPORT"), terminal=frozenset({SUPPORT})), {"a": listed("U0SAM")})
    assert decide(allowlist, in_terminal(arn)) == "not allowed"
    assert decide(Allowlist(listed_arns(SUPPORT), {}), in_terminal(SUPPORT)) == "not allowed"


def test_an_arn_is_nobody_in_slack() -> None:
    allowlist = Allowlist(listed_arns(SUPPORT, "U0SAM"), {"a": NOBODY})
    assert decide(allowlist) == "not allowed"


def test_only_authorize_makes_the_proof_that_an_operator_was_allowed() -> None:
    made_in = {
        (str(path.relative_to(BOT)), getattr(statement, "name", None))
        for path in BOT.rglob("*.py")
        for statement in ast.parse(path.read_text("utf-8")).body
        for node in ast.walk(statement)
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == Authorized.__name__
    }
    assert made_in == {("authorize.py", "authorize")}


# Those who may only ask for what others approve.

ASKS = Allowed(ask=listed("U0SAM", "S0SUPPORT"))


@pytest.mark.parametrize(
    ("everywhere", "pool", "rule", "only_asks"),
    [
        (ASKS, NOBODY, "allow.ask.users", True),
        (Allowed(ask=listed(groups="S0SUPPORT")), NOBODY, "allow.ask.groups: S0SUPPORT", True),
        (NOBODY, ASKS, "pools.a.allow.ask.users", True),
        (ASKS, listed("U0SAM"), "pools.a.allow.users", False),
        (listed(groups="S0SUPPORT"), ASKS, "allow.groups: S0SUPPORT", False),
        (replace(listed("U0SAM"), ask=listed("U0SAM")), NOBODY, "allow.users", False),
    ],
)
def test_who_may_do_it_somewhere_is_not_taken_for_one_who_may_only_ask(
    everywhere: Allowed, pool: Allowed, rule: str, *, only_asks: bool
) -> None:
    authorized = authorize(SAM, Allowlist(everywhere, {"a": pool}), members, AT_HOME)
    assert isinstance(authorized, Authorized)
    assert (authorized.rules, authorized.only_ask) == ({"a": rule}, {"a"} if only_asks else frozenset())


def test_in_one_pool_they_may_do_it_and_in_another_only_ask() -> None:
    allowlist = Allowlist(ASKS, {"a": listed("U0SAM"), "b": NOBODY})
    authorized = authorize(SAM, allowlist, members, AT_HOME)
    assert isinstance(authorized, Authorized)
    assert (set(authorized.rules), authorized.only_ask) == ({"a", "b"}, frozenset({"b"}))


def test_a_group_of_those_who_ask_that_slack_cannot_list_lets_no_one_in_and_is_named() -> None:
    denied = authorize(SAM, Allowlist(Allowed(ask=listed(groups="S0BROKEN")), {"a": NOBODY}), lambda *_: None, AT_HOME)
    assert denied == Denied("not allowed (Slack could not list S0BROKEN)", DeniedError.UNSURE)


def test_the_rule_of_another_list_has_its_name() -> None:
    allowlist = Allowlist(NOBODY, {"a": listed("U0SAM")}, table="approve")
    authorized = authorize(SAM, allowlist, members, AT_HOME)
    assert isinstance(authorized, Authorized)
    assert authorized.rules == {"a": "pools.a.approve.users"}


def test_everyone_who_is_listed_somewhere_is_known() -> None:
    allowlist = Allowlist(ASKS, {"a": listed("U0KIM"), "b": Allowed(ask=listed(groups="S0OTHER"))})
    assert allowlist.all == Allowed(frozenset({"U0SAM", "U0KIM"}), frozenset({"S0SUPPORT", "S0OTHER"}))
