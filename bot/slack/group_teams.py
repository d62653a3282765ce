"""In which workspace a user group is, where the app is installed in a whole organisation (Enterprise Grid)."""

import logging
import math
import threading
import time
from collections.abc import Callable

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.facts.slack_words import word_in
from bot.slack.clients import kind_of, reason_of

SECONDS_BETWEEN_SEARCHES = 600.0  # of all workspaces, where a group is in none
SECONDS_TO_SEARCH = 10.0  # then those who wait are told, and the next search goes on
PAGE, MOST_PAGES = 1000, 100

log = logging.getLogger(__name__)


class NoWorkspaceError(Exception):
    """None of the organisation's workspaces that the app is in has this group."""

    strerror = "no workspace that the app is in has it"


class UnfinishedSearchError(Exception):
    """The group may be in a workspace that was not looked in yet."""

    strerror = "not all workspaces were looked in yet"


class GroupTeams:
    """Finds it by usergroups.list of one workspace after another: those that auth.teams.list names.

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
            self._unsearched = sorted(self.workspaces(), key=lambda each: each not in left)  # those first
            self._begun_at = self._now()
        failed = list[str]()
        trouble: Exception | None = None
        while self._unsearched and group_id not in self._team_of and not (trouble and _ends(trouble)):
            if self._now() >= until:
                trouble = UnfinishedSearchError()
                break
            team_id = self._unsearched.pop(0)
            try:
                for group in self._client.usergroups_list(team_id=team_id)["usergroups"]:
                    self._team_of.setdefault(str(group["id"]), team_id)
            except Exception as error:  # noqa: BLE001 -- the group may be in another workspace
                log.warning("Slack could not list the groups of workspace %s: %s", team_id, reason_of(error))
                failed, trouble = [*failed, team_id], error
        self._unsearched += failed
        if found := self._team_of.get(group_id):
            return found
        raise trouble or NoWorkspaceError

    def workspaces(self) -> list[str]:
        """Return the workspaces of the organisation in which the app is."""
        found, cursor = list[str](), None
        for _ in range(MOST_PAGES):
            page = self._client.auth_teams_list(limit=PAGE, cursor=cursor)
            found += [str(team["id"]) for team in page["teams"]]
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                break
        return found


def _ends(trouble: Exception) -> bool:
    """Whether trouble ends a search: all but Slack's word about one workspace."""
    is_slacks = isinstance(trouble, SlackApiError) and word_in(trouble.response.data) is not None
    return not is_slacks or kind_of(trouble) == "ratelimited"
