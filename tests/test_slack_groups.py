"""Members of Slack user groups, asked of the workspace over real sockets."""

import pytest
from headless import KIM, RAY, Headless

from bot.sandbox.wire import answer, ratelimited
from bot.slack.clients import BlockingClient
from bot.slack.groups import SlackGroups

LIST = "usergroups.users.list"


def groups(headless: Headless, now: list[float]) -> SlackGroups:
    environment = headless.environment
    return SlackGroups(BlockingClient(environment["SLACK_BOT_TOKEN"], environment["SLACK_API_URL"]), lambda: now[0])


def test_a_group_is_asked_for_once_a_minute_at_most(headless: Headless) -> None:
    now = [0.0]
    support = groups(headless, now)
    assert KIM in (support.members("S0SUPPORT1") or ())
    headless.do(lambda: headless.stage.workspace.usergroups["S0SUPPORT1"].add(RAY))
    now[0] = 39.9
    assert RAY not in (support.members("S0SUPPORT1") or ())
    now[0] = 40.0
    assert RAY in (support.members("S0SUPPORT1") or ())
    assert len(headless.slack_calls(LIST)) == 2


@pytest.mark.parametrize(
    "fault",
    [
        ratelimited(30),
        answer(500, "oops", "text/plain"),
        answer(200, {"ok": False, "error": "missing_scope"}),
        answer(200, {"ok": True}),
        answer(200, {"ok": True, "users": None}),
        answer(200, "<html>", "text/html"),
    ],
    ids=["429", "500", "missing_scope", "no users", "users null", "HTML"],
)
def test_a_group_that_slack_cannot_list_is_not_known_and_asked_for_again(headless: Headless, fault: object) -> None:
    support = groups(headless, [0.0])
    headless.before_slack(LIST, fault)  # type: ignore[arg-type]
    assert support.members("S0SUPPORT1") is None
    assert KIM in (support.members("S0SUPPORT1") or ())


def test_a_group_that_does_not_exist_is_not_known(headless: Headless) -> None:
    assert groups(headless, [0.0]).members("S0NOSUCH01") is None


def test_while_a_list_is_renewed_the_others_go_by_what_is_there_and_slack_is_asked_once() -> None:
    now, calls = [0.0], list[frozenset[str] | None]()

    class Slack:
        def usergroups_users_list(self, **_: str) -> dict[str, list[str]]:
            calls.append(support.members("S0SUPPORT1") if calls else None)
            return {"users": [KIM]}

    support = SlackGroups(Slack())  # type: ignore[arg-type]
    support._now = lambda: now[0]
    for now[0] in (0.0, 39.9, 40.0):
        assert support.members("S0SUPPORT1") == frozenset({KIM})
    assert calls == [None, frozenset({KIM})]


def test_a_lists_age_counts_from_the_question_however_late_the_answer_came() -> None:
    now, asked_at = [0.0], list[float]()

    class SlowSlack:
        def usergroups_users_list(self, **_: str) -> dict[str, list[str]]:
            asked_at.append(now[0])
            now[0] += 30.0
            return {"users": [KIM]}

    support = SlackGroups(SlowSlack(), lambda: now[0])  # type: ignore[arg-type]
    assert support.members("S0SUPPORT1") == frozenset({KIM})
    now[0] = 60.0
    assert support.members("S0SUPPORT1") == frozenset({KIM})
    assert asked_at == [0.0, 60.0], "someone may have left the group 60 s ago"
