"""Who belongs to the organisation, by users.info."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from headless import SAM, Headless

from bot.request import Operator
from bot.sandbox.cast import ORG_ID, OTHER_ID, PARTNER_ID, TEAM_ID
from bot.sandbox.wire import Fault, answer, ratelimited
from bot.slack.clients import BlockingClient
from bot.slack.installation import KEPT_SECONDS, SlackPeople

ASKED = "users.info"
WHO = Operator(team_id=OTHER_ID, id=SAM, name="sam")
OURS = {"enterprise_user": {"enterprise_id": ORG_ID, "teams": [TEAM_ID, OTHER_ID]}}
WITHOUT_TEAMS = {"enterprise_user": {"enterprise_id": ORG_ID}}


@dataclass
class Slack:
    """Says the same of everyone, and notes about whom it was asked."""

    user: Any = field(default_factory=lambda: OURS)
    during: Callable[[], object] = lambda: None
    asked: list[str] = field(default_factory=list)
    now: float = 0.0
    wall: float = 1_000.0

    def users_info(self, user: str) -> dict[str, Any]:
        self.asked.append(user)
        self.during()
        return {"user": self.user}

    def people(self) -> SlackPeople:
        return SlackPeople(self, lambda: self.now, wall=lambda: self.wall)  # type: ignore[arg-type]

    def forward(self, seconds: float) -> None:
        self.now += seconds
        self.wall += seconds


@pytest.mark.parametrize(
    ("user", "belongs"),
    [
        (OURS, True),
        (OURS | {"is_stranger": False, "team_id": "T0WHATEVER"}, True),
        (OURS | {"is_stranger": True}, False),
        ({"enterprise_user": {"enterprise_id": ORG_ID, "teams": [TEAM_ID]}}, False),
        ({"enterprise_user": {"enterprise_id": ORG_ID, "teams": f"{TEAM_ID},{OTHER_ID}"}}, None),
        (WITHOUT_TEAMS | {"team_id": OTHER_ID}, True),
        (WITHOUT_TEAMS | {"team_id": TEAM_ID}, False),
        (WITHOUT_TEAMS, False),
        ({"enterprise_user": {"enterprise_id": "E0PARTNER1"}}, False),
        ({"enterprise_user": {"enterprise_id": "E0PARTNER1"}, "enterprise_id": ORG_ID, "team_id": ORG_ID}, False),
        ({"team_id": ORG_ID, "enterprise_id": ORG_ID}, None),
        ({"enterprise_user": {}}, None),
        ({"enterprise_user": None}, None),
        ({"enterprise_user": [ORG_ID]}, None),
        ({"enterprise_user": ORG_ID}, None),
        ({"enterprise_user": {"enterprise_id": None}}, None),
        ({"enterprise_user": {"enterprise_id": ""}}, None),
        ({"enterprise_user": {"enterprise_id": [ORG_ID]}}, None),
        (None, None),
        ([], None),
    ],
)
def test_who_belongs(user: Any, *, belongs: bool | None) -> None:
    assert Slack(user).people().belongs(ORG_ID, WHO) is belongs


@pytest.mark.parametrize("team", [PARTNER_ID, "T0EVIL00001", "E0EVIL00001", OTHER_ID.lower(), "T0OTHER"])
def test_a_user_id_from_a_workspace_that_person_is_not_in_is_someone_else(team: str) -> None:
    assert Slack().people().belongs(ORG_ID, replace(WHO, team_id=team)) is False


def test_slack_is_not_asked_about_someone_of_another_organisation() -> None:
    slack = Slack(WITHOUT_TEAMS | {"team_id": "E0EVIL00001"})
    assert slack.people().belongs(ORG_ID, replace(WHO, team_id="E0EVIL00001")) is False
    assert slack.asked == []


@pytest.mark.parametrize("stranger", [False, True])
def test_an_answer_is_kept_for_a_minute(*, stranger: bool) -> None:
    slack = Slack(OURS | {"is_stranger": stranger})
    people = slack.people()
    for wait, calls in ((0.0, 1), (KEPT_SECONDS - 0.1, 1), (0.1, 2)):
        slack.forward(wait)
        assert people.belongs(ORG_ID, WHO) is not stranger
        assert len(slack.asked) == calls


def test_its_age_counts_from_the_question_and_while_the_machine_sleeps() -> None:
    slack = Slack()
    people = slack.people()
    slack.during = lambda: slack.forward(10)
    assert people.belongs(ORG_ID, WHO)
    slack.forward(50)
    assert people.belongs(ORG_ID, WHO)
    slack.wall += 3600
    assert people.belongs(ORG_ID, WHO)
    assert len(slack.asked) == 3


def test_what_is_known_of_someone_is_not_taken_for_the_same_user_id_in_another_team() -> None:
    slack = Slack()
    people = slack.people()
    assert people.belongs(ORG_ID, WHO)
    assert people.belongs(ORG_ID, replace(WHO, team_id=PARTNER_ID)) is False
    assert people.belongs(ORG_ID, WHO)


def test_what_failed_is_asked_again_after_a_growing_pause() -> None:
    slack = Slack(None)
    people = slack.people()
    for wait, calls in ((0.0, 1), (0.9, 1), (0.1, 2), (1.9, 2), (0.1, 3), (300.0, 4)):
        slack.forward(wait)
        assert people.belongs(ORG_ID, WHO) is None
        assert len(slack.asked) == calls
    slack.user = OURS
    slack.forward(60)
    assert people.belongs(ORG_ID, WHO)


def test_an_answer_that_has_grown_old_does_not_count_where_slack_cannot_be_asked() -> None:
    slack = Slack()
    people = slack.people()
    assert people.belongs(ORG_ID, WHO)
    slack.user = None
    slack.forward(KEPT_SECONDS)
    assert people.belongs(ORG_ID, WHO) is None


def test_those_who_ask_at_once_wait_for_the_one_call() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def hang() -> None:
        begun.set()
        assert go_on.wait(5)

    slack = Slack(during=hang)
    people = slack.people()
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(people.belongs, ORG_ID, WHO)
        assert begun.wait(5)
        others = [pool.submit(people.belongs, ORG_ID, WHO) for _ in range(8)]
        go_on.set()
        assert {each.result(5) for each in (first, *others)} == {True}
    assert slack.asked == [SAM]


@pytest.mark.parametrize("user", [OURS, None], ids=["answered", "failed"])
def test_it_remembers_so_many_people_and_no_more(monkeypatch: pytest.MonkeyPatch, user: Any) -> None:
    monkeypatch.setattr("bot.slack.kept.REMEMBERED", 10)
    slack = Slack(user)
    people = slack.people()
    strangers = [replace(WHO, id=f"U{number}") for number in range(30)]
    for who in (*strangers, strangers[20], strangers[-1]):  # the first of those that it remembers, and the last
        people.belongs(ORG_ID, who)
    assert len(slack.asked) == 30
    slack.forward(KEPT_SECONDS)
    assert people.belongs(ORG_ID, strangers[20]) is (True if user else None)  # asked again, it is the latest
    people.belongs(ORG_ID, WHO)
    people.belongs(ORG_ID, strangers[20])
    assert len(slack.asked) == 32
    assert len(people._said) + len(people._failures) == 10


@pytest.mark.parametrize(
    ("fault", "pause"),
    [
        (ratelimited(30), 30.0),
        (answer(500, "<html>", "text/html"), 1.0),
        (answer(503, "", "text/html"), 1.0),
        (answer(200, {"ok": False, "error": "user_not_found"}), 1.0),
        (answer(200, {"ok": True}), 1.0),
        (answer(200, "<html>", "text/html"), 1.0),
    ],
    ids=["429", "500", "503", "user_not_found", "no user", "HTML"],
)
def test_where_slack_gives_no_answer_it_is_not_known_and_slack_is_left_in_peace(
    headless: Headless, fault: Fault, pause: float
) -> None:
    environment, now = headless.environment, [0.0]
    client = BlockingClient(environment["SLACK_BOT_TOKEN"], environment["SLACK_API_URL"])
    people = SlackPeople(client, lambda: now[0])
    headless.before_slack(ASKED, fault)
    assert people.belongs(ORG_ID, WHO) is None
    now[0] = pause - 0.1
    assert people.belongs(ORG_ID, WHO) is None
    assert len(headless.slack_calls(ASKED)) == 1
    now[0] = pause
    people.belongs(ORG_ID, WHO)
    assert len(headless.slack_calls(ASKED)) == 2
