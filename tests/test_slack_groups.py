"""Members of Slack user groups, asked of the workspace over real sockets."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from headless import KIM, RAY, Headless

from bot.sandbox.wire import Fault, answer, ratelimited
from bot.slack.clients import BlockingClient
from bot.slack.groups import CALLS_A_MINUTE, MINUTE, MOST_GROUPS, SlackGroups

LIST = "usergroups.users.list"


def groups(headless: Headless, now: list[float]) -> SlackGroups:
    environment = headless.environment
    return SlackGroups(BlockingClient(environment["SLACK_BOT_TOKEN"], environment["SLACK_API_URL"]), lambda: now[0])


def test_a_group_is_asked_for_once_a_minute_at_most(headless: Headless) -> None:
    now = [0.0]
    support = groups(headless, now)
    assert KIM in (support.members(KIM, "S0SUPPORT1") or ())
    headless.do(lambda: headless.stage.workspace.usergroups["S0SUPPORT1"].add(RAY))
    now[0] = 39.9
    assert RAY not in (support.members(KIM, "S0SUPPORT1") or ())
    now[0] = 40.0
    assert RAY in (support.members(KIM, "S0SUPPORT1") or ())
    assert len(headless.slack_calls(LIST)) == 2


@pytest.mark.parametrize(
    ("fault", "pause"),
    [
        (ratelimited(30), 30.0),
        (answer(500, "oops", "text/plain"), 1.0),
        (answer(200, {"ok": False, "error": "missing_scope"}), 1.0),
        (answer(200, {"ok": True}), 1.0),
        (answer(200, {"ok": True, "users": None}), 1.0),
        (answer(200, "<html>", "text/html"), 1.0),
    ],
    ids=["429", "500", "missing_scope", "no users", "users null", "HTML"],
)
def test_a_group_that_slack_cannot_list_is_not_known_and_asked_for_again_after_a_pause(
    headless: Headless, fault: Fault, pause: float
) -> None:
    now = [0.0]
    support = groups(headless, now)
    headless.before_slack(LIST, fault)
    assert support.members(KIM, "S0SUPPORT1") is None
    now[0] = pause - 0.1
    assert support.members(KIM, "S0SUPPORT1") is None
    assert len(headless.slack_calls(LIST)) == 1
    now[0] = pause
    assert KIM in (support.members(KIM, "S0SUPPORT1") or ())


def test_a_list_that_could_not_be_renewed_holds_until_it_is_too_old(headless: Headless) -> None:
    now = [0.0]
    support = groups(headless, now)
    assert KIM in (support.members(KIM, "S0SUPPORT1") or ())
    headless.before_slack(LIST, *[ratelimited(5)] * 9)
    for now[0], known in ((40.0, True), (49.9, True), (50.0, False)):
        assert (KIM in (support.members(KIM, "S0SUPPORT1") or ())) is known
    assert support.unlisted(["S0SUPPORT1"]) == ["S0SUPPORT1"]


def test_a_group_that_does_not_exist_is_not_known(headless: Headless) -> None:
    assert groups(headless, [0.0]).members(KIM, "S0NOSUCH01") is None


@dataclass
class Slack:
    """Lists every group, or none, and notes when it was asked."""

    now: list[float]
    during: Callable[[], object] = lambda: None
    fails: bool = False
    asked_at: list[float] = field(default_factory=list)

    def usergroups_users_list(self, **_: str) -> dict[str, list[str]]:
        self.asked_at.append(self.now[0])
        self.during()
        return {} if self.fails else {"users": [KIM]}

    def groups(self) -> SlackGroups:
        return SlackGroups(self, lambda: self.now[0])  # type: ignore[arg-type]

    def most_in_a_minute(self) -> int:
        return max(sum(0 <= at - first < MINUTE for at in self.asked_at) for first in self.asked_at)


def test_while_a_list_is_renewed_the_others_go_by_what_is_there_and_slack_is_asked_once() -> None:
    now, seen = [0.0], list[frozenset[str] | None]()
    slack = Slack(now)
    support = slack.groups()
    for now[0] in (0.0, 39.9, 40.0):
        assert support.members(KIM, "S0SUPPORT1") == frozenset({KIM})
        slack.during = lambda: seen.append(support.members(KIM, "S0SUPPORT1"))
    assert seen == [frozenset({KIM})]
    assert slack.asked_at == [0.0, 40.0]


def test_a_lists_age_counts_from_the_question_however_late_the_answer_came() -> None:
    now = [0.0]
    slack = Slack(now, lambda: now.__setitem__(0, now[0] + 30.0))
    support = slack.groups()
    assert support.members(KIM, "S0SUPPORT1") == frozenset({KIM})
    now[0] = 60.0
    assert support.members(KIM, "S0SUPPORT1") == frozenset({KIM})
    assert slack.asked_at == [0.0, 60.0], "someone may have left the group 60 s ago"


@pytest.mark.parametrize("while_asked", [False, True])
def test_a_list_is_too_old_after_the_machine_slept_though_the_monotonic_clock_did_not_go_on(
    *, while_asked: bool
) -> None:
    wall = [1_000.0]

    def sleep_for_an_hour() -> None:
        wall[0] += 3_600.0

    slack = Slack([0.0], sleep_for_an_hour if while_asked else lambda: None)
    support = SlackGroups(slack, lambda: slack.now[0], wall=lambda: wall[0])  # type: ignore[arg-type]
    assert support.members(KIM, "S0SUPPORT1") == (None if while_asked else frozenset({KIM}))
    slack.during = lambda: None
    sleep_for_an_hour()
    assert support.members(KIM, "S0SUPPORT1") == frozenset({KIM})
    assert slack.asked_at == [0.0, 0.0]


def test_a_wall_clock_that_was_set_back_makes_no_list_younger() -> None:
    wall = [1_000.0]
    slack = Slack([0.0])
    support = SlackGroups(slack, lambda: slack.now[0], wall=lambda: wall[0])  # type: ignore[arg-type]
    for slack.now[0], wall[0] in ((0.0, 1_000.0), (50.0, 0.0)):
        assert support.members(KIM, "S0SUPPORT1") == frozenset({KIM})
    assert slack.asked_at == [0.0, 50.0]


def test_those_who_ask_before_there_is_a_list_wait_for_the_one_call() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def hang() -> None:
        begun.set()
        assert go_on.wait(5)

    slack = Slack([0.0], hang)
    support = slack.groups()
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(support.members, KIM, "S0SUPPORT1")
        assert begun.wait(5)
        others = [pool.submit(support.members, KIM, "S0SUPPORT1") for _ in range(8)]
        go_on.set()
        assert {each.result(5) for each in (first, *others)} == {frozenset({KIM})}
    assert slack.asked_at == [0.0]


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("count", [MOST_GROUPS, 40])
def test_whatever_people_type_slack_is_not_asked_more_often_than_it_allows(*, count: int, fails: bool) -> None:
    slack = Slack([0.0], fails=fails)
    support = slack.groups()
    for second in range(600):
        slack.now[0] = float(second)
        for number in range(count):
            support.members(KIM, f"S{number}")
    assert slack.most_in_a_minute() <= CALLS_A_MINUTE


def test_so_many_groups_as_check_takes_are_always_known() -> None:
    slack = Slack([0.0])
    support = slack.groups()
    for second in range(600):
        slack.now[0] = float(second)
        known = [support.members(KIM, f"S{number}") for number in range(MOST_GROUPS)]
        assert known == [frozenset({KIM})] * MOST_GROUPS


def test_someone_in_no_list_has_none_renewed_early() -> None:
    slack = Slack([0.0])
    support = slack.groups()
    for slack.now[0], asker in ((0.0, RAY), (49.9, RAY), (49.9, KIM)):
        assert support.members(asker, "S0SUPPORT1") == frozenset({KIM})
    assert slack.asked_at == [0.0, 49.9]


def test_those_in_no_list_leave_half_of_the_calls_to_those_who_are_in_one() -> None:
    slack = Slack([0.0])
    support = slack.groups()
    support.members(KIM, "S0SUPPORT1")
    for slack.now[0] in range(60):
        for number in range(40):
            support.members(RAY, f"S{number}")
    assert len(slack.asked_at) == CALLS_A_MINUTE // 2
    assert support.members(KIM, "S0SUPPORT1") == frozenset({KIM})


def test_renewals_are_spread() -> None:
    slack = Slack([0.0])
    support = slack.groups()
    for second in range(600):
        slack.now[0] = float(second)
        for number in range(MOST_GROUPS):
            support.members(KIM, f"S{number}")
    last = [at for at in slack.asked_at if at >= 300]
    assert max(last.count(at) for at in last) <= 2
