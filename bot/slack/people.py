"""Whether a person belongs to the organisation (Enterprise Grid), as users.info says."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.backoff import pause
from bot.request import Operator
from bot.slack.clients import not_taken, reason_of
from bot.slack.groups import LOOK_AGAIN_SECONDS, MINUTE

KEPT_SECONDS = 60.0
REMEMBERED = 10_000  # people: only those are asked about whose user id is on the allowlist

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Heard:
    """What Slack said, when it was asked, by both clocks; None, so many times in a row, where it could not tell."""

    at: float
    wall: float
    belongs: bool | None
    failures: int = 0


class SlackPeople:
    """Asks users.info about each person once a minute at most. What failed is asked again after a pause."""

    def __init__(
        self,
        client: WebClient,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._now, self._sleep, self._wall = now, sleep, wall
        self._lock = threading.Lock()
        self._heard: dict[tuple[str, str], _Heard] = {}  # the latest comes last
        self._asking: set[tuple[str, str]] = set()
        self._not_before = float("-inf")

    def belongs(self, organisation: str, who: Operator) -> bool | None:
        """Return whether a person belongs to the organisation; None where Slack did not say, or must not be asked.

        What it said of someone is not taken for someone of another team: their user id may be the same.
        """
        if who.team_id.startswith("E"):
            return False  # another organisation: a person of ours comes from this one, or from a workspace
        key = who.team_id, who.id
        while True:
            with self._lock:
                now, wall, heard = self._now(), self._wall(), self._heard.get(key)
                if key not in self._asking:
                    if heard and self._holds(heard, now, wall):
                        return heard.belongs
                    if now < self._not_before:
                        return None
                    self._asking.add(key)
                    break
            self._sleep(LOOK_AGAIN_SECONDS)  # for the one call
        try:
            return self._ask(organisation, key, now, wall)
        finally:
            self._asking.discard(key)

    @staticmethod
    def _holds(heard: _Heard, now: float, wall: float) -> bool:
        if heard.belongs is None:
            return now - heard.at < min(pause(heard.failures).total_seconds(), MINUTE)
        return max(now - heard.at, wall - heard.wall) < KEPT_SECONDS  # a machine that sleeps stops one of the clocks

    def _ask(self, organisation: str, key: tuple[str, str], asked_at: float, wall: float) -> bool | None:
        belongs, wait = None, None
        try:
            belongs = _belongs(self._client.users_info(user=key[1])["user"], organisation, key[0])
        except Exception as error:  # noqa: BLE001 -- without an answer, they may not
            log.warning("Slack could not tell whether a person belongs to the organisation: %s", reason_of(error))
            if isinstance(error, SlackApiError):
                wait = not_taken(error.response.status_code, error.response.headers, None).retry_after
        with self._lock:
            before = self._heard.pop(key, None)
            failures = (before.failures if before else 0) + 1 if belongs is None else 0
            self._heard[key] = _Heard(self._now() if belongs is None else asked_at, wall, belongs, failures)
            if len(self._heard) > REMEMBERED:
                del self._heard[next(iter(self._heard))]
            if wait:
                self._not_before = self._now() + wait.total_seconds()
        return belongs


def _belongs(user: Mapping[str, Any], organisation: str, team_id: str) -> bool:
    """Read users.info. Raises `LookupError` or `TypeError` where a field is missing.

    Someone elsewhere may have the same user id, and Slack tells of ours: so `team_id` must be one of their workspaces.
    """
    theirs = user["enterprise_user"]["enterprise_id"]
    if not isinstance(theirs, str) or not theirs:
        raise TypeError("enterprise_id is no id")
    teams = user["enterprise_user"].get("teams") or [user.get("team_id")]
    if not isinstance(teams, list):
        raise TypeError("teams is no list")
    return theirs == organisation and not user.get("is_stranger") and team_id in teams
