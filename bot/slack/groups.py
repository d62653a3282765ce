"""Members of Slack user groups, at most a minute old."""

import logging
import math
import threading
import time
from collections.abc import Callable, Iterable, Sequence

from slack_sdk import WebClient

from bot.slack.clients import reason_of

# A decision commits a moment after it asked, and must not rest on a list older than 60 s.
MAX_AGE_SECONDS = 50.0
# So long before that one asker gets a new list, and the others go by what is there. Slack takes about 20 calls a
# minute: a person who types commands fast could otherwise use them up, and no one would be allowed.
AHEAD_SECONDS = 10.0

log = logging.getLogger(__name__)


class SlackGroups:
    """Lists groups through usergroups.users.list. A group that Slack cannot list has no members, and is not cached."""

    def __init__(self, client: WebClient, now: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._now = now
        self._lock = threading.Lock()
        self._listed: dict[str, tuple[float, frozenset[str]]] = {}
        self._renewed: set[str] = set()

    def members(self, group_id: str) -> frozenset[str] | None:
        """Return the user ids in a group; None where Slack cannot list it."""
        asked_at = self._now()
        with self._lock:
            listed_at, members = self._listed.get(group_id, (-math.inf, frozenset()))
            young_enough = MAX_AGE_SECONDS - (0 if group_id in self._renewed else AHEAD_SECONDS)
            if asked_at - listed_at < young_enough:
                return members
            self._renewed.add(group_id)
        try:
            return self._list(group_id, asked_at)
        finally:
            with self._lock:
                self._renewed.discard(group_id)

    def _list(self, group_id: str, asked_at: float) -> frozenset[str] | None:
        try:
            members = frozenset(self._client.usergroups_users_list(usergroup=group_id)["users"])
        except Exception as error:  # noqa: BLE001 -- without a list, no one is in the group
            log.warning("Slack could not list group %s: %s", group_id, reason_of(error))
            with self._lock:
                self._listed.pop(group_id, None)
            return None
        with self._lock:
            self._listed[group_id] = (asked_at, members)
        return members

    def unlisted(self, group_ids: Iterable[str]) -> Sequence[str]:
        """Return the groups that Slack does not list. It is asked for those that it has not yet, or did not last."""
        with self._lock:
            listed = set(self._listed)
        return [group_id for group_id in group_ids if group_id not in listed and self.members(group_id) is None]
