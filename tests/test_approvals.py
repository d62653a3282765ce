"""What people read about a second person: the message to those who may approve, and what whoami says."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from examples import NOON, SAM
from messages import AFTER_CONFIRMING, OUTCOMES, SHOWN, approval, leaves, second

from bot.action import OTHERS
from bot.authorize import Allowed
from bot.request import State
from bot.sandbox.limits import refusal
from bot.slack.approvals import MOST_NAMED, MOST_POOLS, approval_message, standing_message
from bot.whoami import InPool, Standing


def buttons(state: State) -> list[tuple[str, str, str | None]]:
    drawn = approval_message(SHOWN, second(state)).blocks
    found = [leaf for leaf in leaves(drawn) if leaf.get("type") == "button"]
    return [(each["action_id"], each["value"], each.get("style")) for each in found]


def test_a_button_carries_only_the_request_id() -> None:
    id_ = second(State.APPROVING).id
    assert len({value for _, value, _ in buttons(State.APPROVING)}) == 1
    assert [(name, style) for name, _, style in buttons(State.APPROVING)] == [
        ("signout_approve", "primary"),
        ("signout_deny", "danger"),
    ]
    assert len(id_) == 26


@pytest.mark.parametrize("state", [state for state in AFTER_CONFIRMING if state is not State.APPROVING])
def test_only_what_waits_for_approval_has_buttons(state: State) -> None:
    assert buttons(state) == []


def test_an_approver_reads_who_asks_for_whom_why_what_needs_it_and_until_when() -> None:
    text = approval_message(SHOWN, second(State.APPROVING)).text
    for fact in (
        "Approval needed: ada",
        "U0SAM00001 asks: Sign this user out of all devices?",
        "Email  a…@example.com",
        "Sub  343d94cb-5ddd-4f39-ab9f-be013c348223",
        "Pool  customers (eu-central-1)",
        "Protected  by protect.groups: admins",
        "Reason  lost phone",
        "A second person has to approve this: the settings ask for it (approve.when);",
        "Approve or deny it until 2026-11-22 12:15:00 UTC. Nothing is done unless someone approves it.",
    ):
        assert fact in text
    assert "ada@example.com" not in text
    assert "ada@example.com" in approval_message(replace(SHOWN, pii="full"), second(State.APPROVING)).text


def test_the_one_who_asks_is_a_mention() -> None:
    drawn = approval_message(SHOWN, second(State.APPROVING)).blocks
    assert [leaf["user_id"] for leaf in leaves(drawn) if leaf.get("type") == "user"] == [SAM.id]


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (State.READY, "Approved: ada|Approved by U0KIM00001 2026-11-22 12:01:00 UTC. It is under way."),
        (State.RUNNING, "Approved: ada|Approved by U0KIM00001 2026-11-22 12:01:00 UTC. It is under way."),
        (State.DENIED, "Denied: ada|Denied by U0KIM00001 2026-11-22 12:01:00 UTC. Nothing was done. Why: lost phone"),
        (
            State.CANCELLED,
            "Cancelled: ada|The person who asked cancelled it 2026-11-22 12:00:00 UTC. Nothing was done.",
        ),
        (State.EXPIRED, "Not approved in time: ada|It waited until 2026-11-22 12:00:00 UTC. Nothing was done."),
        (State.DONE, "Signed out: ada|Approved by U0KIM00001 2026-11-22 12:01:00 UTC. Ended 2026-11-22 12:00:00 UTC."),
        (State.FAILED, "Not signed out: ada|No session was ended."),
        (State.UNKNOWN, "Not known whether signed out: ada|It may or may not have happened."),
        (State.PARTLY, "Disabled. Not signed out: ada|Approved by U0KIM00001"),
    ],
)
def test_afterwards_it_says_what_happened_by_whom_and_when(state: State, said: str) -> None:
    title, then = said.split("|")
    text = approval_message(SHOWN, second(state)).text
    assert text.startswith(f"{title}\nU0SAM00001 asks:")
    assert then in text
    assert "lost phone" in text


@pytest.mark.parametrize("state", [state for state in AFTER_CONFIRMING if state is not State.DONE])
def test_signed_out_is_said_only_of_what_was_done(state: State) -> None:
    assert "Signed out" not in approval_message(SHOWN, second(state)).text


def test_a_no_of_a_hostile_name_and_reason_is_shown_as_text() -> None:
    hostile = replace(second(State.DENIED), approval=approval(State.DENIED, "<!channel>", "*no* <!here> \u202e"))
    drawn = approval_message(SHOWN, hostile)
    assert {leaf["type"] for leaf in leaves(drawn.blocks) if "type" in leaf} <= {
        *("header", "rich_text", "rich_text_section", "plain_text", "text", "user", "date"),
    }
    assert r"*no* &lt;!here&gt; \u202E" in drawn.text


def in_pool(**changes: object) -> InPool:
    usual = InPool(pool="customers", asks="allow.users", approves=None, needs=(), approvers=Allowed())
    return replace(usual, **changes)  # type: ignore[arg-type]  # fields of it


def told(*pools: InPool, **left: int) -> str:
    limits = {f"limits.{name}": number for name, number in left.items()}
    return standing_message(Standing(operator=SAM, pools=pools, left=limits)).text


def test_who_may_sign_out_reads_by_which_rule_and_nothing_of_approvals_where_there_are_none() -> None:
    assert told(in_pool()) == "You are U0SAM00001.\nPool customers\n- You may sign people out (allow.users)."


def test_who_needs_an_approval_reads_why_and_from_whom() -> None:
    approvers = Allowed(frozenset({"U0KIM00001"}), frozenset({"S0SECOND01"}))
    text = told(in_pool(needs=("allow.ask.users",), asks="allow.ask.users", approvers=approvers))
    assert "A second person has to approve this: the person who asks may only ask for it (allow.ask.users)." in text
    assert "You may ask to sign people out (allow.ask.users)." in text
    assert "Who may approve: U0KIM00001, S0SECOND01." in text
    drawn = standing_message(Standing(operator=SAM, pools=[in_pool(approvers=approvers)], left={})).blocks
    found = {leaf["type"] for leaf in leaves(drawn) if leaf.get("type") in {"user", "usergroup"}}
    assert found == {"user", "usergroup"}


def test_who_may_only_approve_reads_that() -> None:
    text = told(in_pool(asks=None, approves="approve.groups: S0SECOND01"))
    assert "You may sign no one out." in text
    assert "You may approve what others ask for (approve.groups: S0SECOND01)." in text


def test_what_is_left_within_the_hour_is_told_for_each_limit() -> None:
    assert "- Accounts left within this hour: 3 (limits.per_operator)." in told(in_pool(), per_operator=3, all=0)
    assert "- Accounts left within this hour: 0 (limits.all)." in told(in_pool(), per_operator=3, all=0)


def test_very_many_approvers_are_counted() -> None:
    approvers = Allowed(frozenset(f"U0{number:08}" for number in range(MOST_NAMED + 7)))
    assert " and 7 more." in told(in_pool(approvers=approvers))


@pytest.mark.parametrize(
    "more",
    [
        lambda _: {},
        lambda rule: dict.fromkeys(OTHERS, ("approve.when", rule)),
        lambda rule: dict.fromkeys(OTHERS, (rule,)),
        lambda rule: {each: (("approve.when", rule) if each == "let_in" else (rule,)) for each in OTHERS},
    ],
)
@pytest.mark.parametrize("number", [MOST_POOLS, MOST_POOLS + 40])
def test_slack_takes_it_even_where_very_many_pools_and_approvers_have_the_longest_names(
    number: int, more: Callable[[str], dict[str, tuple[str, ...]]]
) -> None:
    name, group = "x" * 31, "S" * 15
    approvers = Allowed(frozenset(f"U{each:014}" for each in range(99)), frozenset({group}))
    rules = [f"pools.{name}.{table}.groups: {group}" for table in ("allow.ask", "approve")]
    needs = ("approve.when", rules[0])
    pool = InPool(pool=name, asks=rules[0], approves=rules[1], needs=needs, approvers=approvers, more=more(rules[0]))
    left = {"limits.per_operator": 1000, "limits.all": 1000}
    said = standing_message(Standing(operator=SAM, pools=[pool] * number, left=left, unsure=True))
    assert refusal({"text": said.text, "blocks": said.blocks}) is None
    left_out = number - (MOST_POOLS // 2 if pool.more else MOST_POOLS)
    assert (f"And {left_out} more pools" in said.text) is (left_out > 0)


def test_where_slack_could_not_say_who_is_in_a_group_no_one_reads_that_they_may_not() -> None:
    pool = in_pool(asks=None, approves="approve.users")
    text = standing_message(Standing(operator=SAM, pools=[pool], left={}, unsure=True)).text
    assert "It is not known whether you may sign people out." in text
    assert "you may be allowed more than this says" in text
    assert "no one" not in text


def test_every_outcome_is_told_to_those_who_were_asked() -> None:
    for state in OUTCOMES:
        assert f"{NOON:%Y-%m-%d}" in approval_message(SHOWN, second(state)).text
