"""Members of Slack user groups, at most a minute old, with no more calls than Slack allows."""

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.backoff import pause
from bot.slack.clients import not_taken, reason_of
from bot.slack.group_teams import GroupTeams

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

LOOK_AGAIN_SECONDS = 0.05  # for those who wait until another asker has the list

UserIds = frozenset[str] | None

log = logging.getLogger(__name__)


class SlackGroups:
    """Lists groups through usergroups.users.list. Where Slack cannot list one, its last list is used until it is old.

    What failed is asked again after a pause, and not before Slack wants to be asked.
    """

    def __init__(
        self,
        client: WebClient,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        wall: Callable[[], float] = time.time,
        *,
        teams: GroupTeams | None = None,
    ) -> None:
        self._client, self._teams = client, teams or GroupTeams(client, lambda: False)
        self._now, self._sleep, self._wall = now, sleep, wall
        self._lock = threading.Lock()
        self._listed: dict[str, tuple[float, float, frozenset[str]]] = {}  # with when Slack was asked, by both clocks
        self._asking: set[str] = set()
        self._failures: dict[str, tuple[int, float]] = {}  # how many in a row, and when to ask again
        self._calls = deque([-math.inf] * CALLS_A_MINUTE, CALLS_A_MINUTE)
        self._not_before = -math.inf

    def members(self, asker: str, group_id: str) -> UserIds:
        """Return the user ids in a group; None where Slack cannot list it, or must not be asked just now."""
        while True:
            with self._lock:
                now, wall = self._now(), self._wall()
                age, known = self._known(group_id, now)
                is_asked = group_id in self._asking
                if known is not None and (is_asked or asker not in known or age < RENEWED_AT):
                    return known
                if not is_asked:
                    if not self._may_ask(asker, group_id, now, early=known is not None):
                        return known
                    self._calls.append(now)
                    self._asking.add(group_id)
                    break
            self._sleep(LOOK_AGAIN_SECONDS)
        try:
            return self._ask(group_id, now, wall)
        finally:
            self._asking.discard(group_id)

    def unlisted(self, group_ids: Iterable[str]) -> Sequence[str]:
        """Return the groups that Slack does not list. It is asked for those without a list or that failed last."""
        with self._lock:
            fine = self._listed.keys() - self._failures
        unknown = [group_id for group_id in group_ids if group_id not in fine and self.members("", group_id) is None]
        return [group_id for group_id in unknown if group_id in self._failures]

    def _known(self, group_id: str, now: float) -> tuple[float, UserIds]:
        """Return how old the last list is, and the list while it may be used."""
        listed_at, wall, members = self._listed.get(group_id, (-math.inf, 0.0, None))
        age = max(now - listed_at, self._wall() - wall)  # a machine that sleeps stops one clock; the other may be set
        return age, members if age < MAX_AGE_SECONDS else None

    def _may_ask(self, asker: str, group_id: str, now: float, *, early: bool) -> bool:
        """Whether Slack may be asked. What is renewed `early` is spread over the minute, since it can wait."""
        _, again_at = self._failures.get(group_id, (0, -math.inf))
        if now < max(again_at, self._not_before):
            return False
        if early and now - self._calls[-1] < MINUTE / CALLS_A_MINUTE:
            return False
        is_in_it = group_id in self._listed and asker in self._listed[group_id][2]
        return now - self._calls[0 if is_in_it else OF_OTHERS] >= MINUTE

    def _ask(self, group_id: str, asked_at: float, wall: float) -> UserIds:
        members, wait = None, None
        try:
            team_id = self._teams.of(group_id)
            members = frozenset(self._client.usergroups_users_list(usergroup=group_id, team_id=team_id)["users"])
        except Exception as error:  # noqa: BLE001 -- without a list, no one is in the group
            log.warning("Slack could not list group %s: %s", group_id, reason_of(error))
            if reason_of(error) == "no_such_subteam":
                self._teams.forget(group_id)
            if isinstance(error, SlackApiError):
                wait = not_taken(error.response.status_code, error.response.headers, None).retry_after
        with self._lock:
            now = self._now()
            if members is not None:
                self._failures.pop(group_id, None)
                self._listed[group_id] = (asked_at, wall, members)
            else:
                failures = self._failures.get(group_id, (0, 0.0))[0] + 1
                self._failures[group_id] = (failures, now + min(pause(failures).total_seconds(), MINUTE))
                self._not_before = now + wait.total_seconds() if wait else self._not_before
            return self._known(group_id, now)[1]
