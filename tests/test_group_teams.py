"""In which workspace of an organisation a group is."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from bot.slack.groups import (
    SECONDS_BETWEEN_SEARCHES,
    SECONDS_TO_SEARCH,
    GroupTeams,
    NoWorkspaceError,
    SlackGroups,
    UnfinishedSearchError,
)


def refusal(word: str, status: int = 200) -> SlackApiError:
    return SlackApiError(  # type: ignore[no-untyped-call]
        word,
        SlackResponse(
            client=None,
            http_verb="GET",
            api_url="",
            req_args={},
            data={"ok": False, "error": word},
            headers={},
            status_code=status,
        ),
    )


class Slack:
    """Three workspaces, on pages of two, and what groups they have."""

    def __init__(self, **groups: Any) -> None:
        self.groups: dict[str, Any] = groups
        self.calls: list[str] = []
        self.pages = 0

    def auth_teams_list(self, *, limit: int) -> Iterator[dict[str, Any]]:
        assert limit <= 1000
        ids = sorted(self.groups)
        for page in (ids[:2], ids[2:]):
            self.pages += 1
            yield {"teams": [{"id": id_, "name": id_} for id_ in page]}

    def usergroups_list(self, *, team_id: str) -> dict[str, Any]:
        self.calls.append(team_id)
        if isinstance(self.groups[team_id], Exception):
            raise self.groups[team_id]
        return {"usergroups": [{"id": id_} for id_ in self.groups[team_id]]}

    def usergroups_users_list(self, *, usergroup: str, team_id: str | None) -> dict[str, Any]:
        self.calls.append(f"{usergroup} in {team_id}")
        if usergroup not in self.groups[str(team_id)]:
            raise refusal("no_such_subteam")
        return {"users": ["U0SAM"]}


def teams(slack: Slack, now: Callable[[], float] = lambda: 0.0) -> GroupTeams:
    return GroupTeams(slack, lambda: True, now)  # type: ignore[arg-type]


def test_in_a_workspace_slack_wants_to_know_no_team() -> None:
    assert GroupTeams(Slack(), lambda: False).of("S1") is None  # type: ignore[arg-type]


def test_workspaces_are_looked_in_until_it_is_found_and_each_once() -> None:
    slack = Slack(T1=["S1"], T2=["S2", "S2b"], T3=["S3"])
    found = teams(slack)
    assert [found.of(id_) for id_ in ("S2", "S1", "S2b", "S3", "S2")] == ["T2", "T1", "T2", "T3", "T2"]
    assert slack.calls == ["T1", "T2", "T3"]
    assert slack.pages == 2


def test_what_is_nowhere_is_looked_for_again_after_ten_minutes() -> None:
    slack, now = Slack(T1=["S1"]), [0.0]
    found = teams(slack, lambda: now[0])
    for now[0], calls in ((0.0, 1), (SECONDS_BETWEEN_SEARCHES - 1, 1), (SECONDS_BETWEEN_SEARCHES, 2)):
        with pytest.raises(NoWorkspaceError):
            found.of("S9")
        assert len(slack.calls) == calls
    slack.groups["T2"] = ["S9"]
    now[0] *= 2
    assert found.of("S9") == "T2"


def test_a_workspace_that_slack_does_not_list_hides_no_group_of_the_others_and_is_tried_again() -> None:
    slack = Slack(T1=refusal("internal_error"), T2=["S2"])
    found = teams(slack)
    assert found.of("S2") == "T2"
    with pytest.raises(SlackApiError, match="internal_error"):
        found.of("S1")
    slack.groups["T1"] = ["S1"]
    assert found.of("S1") == "T1"


@pytest.mark.parametrize("status", [200, 429])
def test_a_search_that_slack_slows_down_goes_on_where_it_was(status: int) -> None:
    slack = Slack(T1=[], T2=refusal("ratelimited", status), T3=["S3"])
    found = teams(slack)
    with pytest.raises(SlackApiError):
        found.of("S3")
    slack.groups["T2"] = ["S2"]
    assert found.of("S3") == "T3"
    assert slack.calls == ["T1", "T2", "T3"]
    assert found.of("S2") == "T2"


@pytest.mark.parametrize("trouble", [TimeoutError(), ConnectionError(), KeyError("usergroups"), refusal("", 503)])
def test_where_slack_does_not_answer_it_is_not_asked_about_the_other_workspaces_now(trouble: Exception) -> None:
    slack = Slack(T1=trouble, T2=["S2"], T3=["S3"])
    found = teams(slack)
    with pytest.raises(type(trouble)):
        found.of("S3")
    assert slack.calls == ["T1"]
    assert found.of("S3") == "T3", "the next search goes on with the others"
    assert slack.calls == ["T1", "T2", "T3"]


def test_a_search_that_takes_long_goes_on_the_next_time() -> None:
    now = [0.0]

    class Slow(Slack):
        def usergroups_list(self, *, team_id: str) -> dict[str, Any]:
            now[0] += SECONDS_TO_SEARCH / 2
            return super().usergroups_list(team_id=team_id)

    slack = Slow(T1=[], T2=[], T3=["S3"])
    found = teams(slack, lambda: now[0])
    with pytest.raises(UnfinishedSearchError):
        found.of("S3")
    assert slack.calls == ["T1", "T2"]
    assert found.of("S3") == "T3"
    assert slack.calls == ["T1", "T2", "T3"]


def test_a_new_search_begins_with_the_workspaces_that_the_last_one_did_not_come_to() -> None:
    slack, now = Slack(T1=[], T2=refusal("ratelimited"), T3=["S3"]), [0.0]
    found = teams(slack, lambda: now[0])
    with pytest.raises(SlackApiError):
        found.of("S3")
    slack.groups["T2"], now[0] = [], SECONDS_BETWEEN_SEARCHES
    assert found.of("S3") == "T3"
    assert slack.calls == ["T1", "T2", "T2", "T3"]


def test_who_asks_for_a_group_that_was_found_waits_for_no_search_of_another() -> None:
    begun, go_on = threading.Event(), threading.Event()

    class Hanging(Slack):
        def usergroups_list(self, *, team_id: str) -> dict[str, Any]:
            if team_id == "T2":
                begun.set()
                assert go_on.wait(20)
            return super().usergroups_list(team_id=team_id)

    found = teams(Hanging(T1=["S1"], T2=["S2"]))
    assert found.of("S1") == "T1"
    with ThreadPoolExecutor(2) as pool:
        searching = pool.submit(found.of, "S2")
        try:
            assert begun.wait(5)
            assert pool.submit(found.of, "S1").result(2) == "T1"
        finally:
            go_on.set()
        assert searching.result(5) == "T2"


def test_a_group_that_left_its_workspace_is_looked_for_in_the_others() -> None:
    slack, now = Slack(T1=["S1"], T2=["S1"]), [0.0]
    groups = SlackGroups(slack, lambda: now[0], teams=teams(slack))  # type: ignore[arg-type]
    assert groups.members("U0SAM", "S1") == frozenset({"U0SAM"})
    slack.groups["T1"] = []
    now[0] = 60.0
    assert groups.members("U0SAM", "S1") is None
    now[0] = 120.0
    assert groups.members("U0SAM", "S1") == frozenset({"U0SAM"})
    assert slack.calls == ["T1", "S1 in T1", "S1 in T1", "T2", "S1 in T2"]
