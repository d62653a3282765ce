"""Members of Slack user groups, at most a minute old, with no more calls than Slack allows."""

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.facts.slack_words import word_in
from bot.slack.clients import failure_of
from bot.slack.kept import Kept

# A decision commits a moment after it asked, and must not rest on a list older than 60 s.
MAX_AGE_SECONDS = 50.0
# From this age on one asker who is in it gets a new list, and the others use the old one.
RENEWED_AT = MAX_AGE_SECONDS - 10.0
# Slack takes about so many calls a minute, of all instances together. A person who types commands fast could use them
# up, and no one would be allowed.
CALLS_A_MINUTE = 20
MINUTE = 60.0
# So many groups are always known, even if they are asked for often: each is listed twice in any minute at most.
MOST_GROUPS = OF_OTHERS = CALLS_A_MINUTE // 2  # and so many calls are for those who are in no list: anyone may ask
SECONDS_BETWEEN_SEARCHES = 600.0  # of all workspaces of an organisation, where a group is in none
SECONDS_TO_SEARCH = 10.0  # then those who wait are told, and the next search goes on
PAGE, MOST_PAGES = 1000, 100

log = logging.getLogger(__name__)


@dataclass(eq=False)
class SlackGroups(Kept[str, frozenset[str]]):
    """Lists groups through usergroups.users.list. Where Slack cannot list one, its last list is used until it is old.

    `teams` says in which workspace a group is.
    """

    what = "who is in group {}"

    teams: "GroupTeams | None" = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._teams = self.teams or GroupTeams(self.client, lambda: False)
        self._calls = deque([-math.inf] * CALLS_A_MINUTE, CALLS_A_MINUTE)

    def members(self, asker: str, group_id: str) -> frozenset[str] | None:
        """Return the user ids in a group; None where Slack cannot list it, or must not be asked just now."""

        def may_ask(now: float, age: float, listed: frozenset[str] | None) -> bool:
            """Say so within Slack's limit. What is renewed early is spread over the minute, since it can wait."""
            is_in_it = asker in (listed or ())
            is_early = not is_in_it or age < RENEWED_AT or now - self._calls[-1] < MINUTE / CALLS_A_MINUTE
            if (age < MAX_AGE_SECONDS and is_early) or now - self._calls[0 if is_in_it else OF_OTHERS] < MINUTE:
                return False
            self._calls.append(now)
            return True

        return self._get(group_id, MAX_AGE_SECONDS, may_ask)

    def unlisted(self, group_ids: Iterable[str]) -> Sequence[str]:
        """Return the groups that Slack does not list. It is asked for those without a list or that failed last."""
        unsure = [id_ for id_ in group_ids if id_ in self._failures or id_ not in self._said]
        return [id_ for id_ in unsure if self.members("", id_) is None and id_ in self._failures]

    def _ask(self, group_id: str) -> frozenset[str]:
        try:
            team_id = self._teams.of(group_id)
            return frozenset(self.client.usergroups_users_list(usergroup=group_id, team_id=team_id)["users"])
        except SlackApiError as error:
            if failure_of(error).reason == "no_such_subteam":
                self._teams.forget(group_id)
            raise


class NoWorkspaceError(Exception):
    """None of the organisation's workspaces that the app is in has this group."""

    strerror = "no workspace that the app is in has it"


class UnfinishedSearchError(Exception):
    """The group may be in a workspace that was not looked in yet."""

    strerror = "not all workspaces were looked in yet"


class GroupTeams:
    """Finds in which workspace a group is: usergroups.list of one after another of those that auth.teams.list names.

    What was found is remembered. A search that Slack stops, or that takes long, goes on from there the next time.
    """

    def __init__(
        self, client: WebClient, is_org_wide: Callable[[], bool], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._client, self._is_org_wide, self._now = client, is_org_wide, now
        self._lock = threading.Lock()
        self._team_of: dict[str, str] = {}
        self._unsearched: list[str] = []
        self._begun_at = -math.inf

    def of(self, group_id: str) -> str | None:
        """Return the workspace, as usergroups.users.list wants it; None where it wants none.

        Raises `NoWorkspaceError`, or where it could not look everywhere `UnfinishedSearchError`, or what the client
        raised. No one waits for the search of another group than theirs, once theirs was found.
        """
        if not self._is_org_wide():
            return None
        if known := self._team_of.get(group_id):
            return known
        until = self._now() + SECONDS_TO_SEARCH
        if not self._lock.acquire(timeout=SECONDS_TO_SEARCH):
            raise UnfinishedSearchError
        try:
            return self._team_of.get(group_id) or self._search(group_id, until)
        finally:
            self._lock.release()

    def forget(self, group_id: str) -> None:
        """Forget where a group is: it is there no longer."""
        self._team_of.pop(group_id, None)

    def _search(self, group_id: str, until: float) -> str:
        if self._now() - self._begun_at >= SECONDS_BETWEEN_SEARCHES:
            left = frozenset(self._unsearched)
            pages = islice(self._client.auth_teams_list(limit=PAGE), MOST_PAGES)
            found = [str(team["id"]) for page in pages for team in page["teams"]]
            self._unsearched = sorted(found, key=lambda each: each not in left)  # those first
            self._begun_at = self._now()
        failed, is_over = list[str](), False
        trouble: Exception | None = None
        while self._unsearched and group_id not in self._team_of and not is_over:
            if self._now() >= until:
                trouble = UnfinishedSearchError()
                break
            team_id = self._unsearched.pop(0)
            try:
                for group in self._client.usergroups_list(team_id=team_id)["usergroups"]:
                    self._team_of.setdefault(str(group["id"]), team_id)
            except Exception as error:  # noqa: BLE001 -- the group may be in another workspace
                reason = failure_of(error).reason
                log.warning("Slack could not list the groups of workspace %s: %s", team_id, reason)
                failed, trouble, is_over = [*failed, team_id], error, _ends(error, reason)
        self._unsearched += failed
        if found_in := self._team_of.get(group_id):
            return found_in
        raise trouble or NoWorkspaceError


def _ends(error: Exception, reason: str) -> bool:
    """Whether trouble ends a search: all but Slack's word about one workspace."""
    is_slacks = isinstance(error, SlackApiError) and word_in(error.response.data) is not None
    return not is_slacks or reason == "ratelimited"
