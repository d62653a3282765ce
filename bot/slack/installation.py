"""Where the app is installed, as auth.test says, and so whose people may be allowed, as users.info says."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from bot.authorize import Home
from bot.facts.slack_words import SLACK_HOST
from bot.request import Operator
from bot.slack.kept import Kept

KEPT_SECONDS = 60.0
_URL, _TS = re.compile(r"https://([a-z0-9.-]+)/"), re.compile(r"\d+\.\d+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Install:
    """An answer of auth.test. `organisation`: that of Enterprise Grid, else None. `team_id`: None where org-wide."""

    team_id: str | None = None
    organisation: str | None = None
    url: str | None = None  # of the workspace or organisation, where it is at Slack's own host

    @classmethod
    def of(cls, auth_test: Mapping[str, Any]) -> "Install":
        """Read an answer. Where the app is installed in a whole organisation, `team_id` is that organisation's too."""
        team_id, organisation, url = (str(auth_test.get(name) or "") for name in ("team_id", "enterprise_id", "url"))
        if auth_test.get("is_enterprise_install") is True or team_id.startswith("E"):
            team_id, organisation = "", organisation or team_id
        found = _URL.fullmatch(url)
        its_url = url if found and SLACK_HOST.fullmatch(found[1]) else None
        return cls(team_id=team_id or None, organisation=organisation or None, url=its_url)

    @property
    def is_org_wide(self) -> bool:
        """Whether the app is installed in a whole organisation."""
        return self.organisation is not None and self.team_id is None


class Installation:
    """What is known of it; nothing until auth.test has answered. `belongs`: whether an organisation has a person."""

    install = Install()
    home: Home | None = None

    def __init__(self, belongs: Callable[[str, Operator], bool | None]) -> None:
        self._belongs = belongs

    def learn(self, auth_test: Mapping[str, Any]) -> None:
        """Remember what auth.test said."""
        install = Install.of(auth_test)
        teams = frozenset(filter(None, (install.team_id, install.organisation)))
        asks = partial(self._belongs, install.organisation) if install.organisation else None
        id_ = install.organisation or install.team_id
        self.install, self.home = install, Home(id_, teams, asks) if id_ else None

    def address(self, channel: str, ts: str) -> str | None:
        """Return the address of a message; None while it is not known where the app is installed."""
        url = self.install.url
        return f"{url}archives/{channel}/p{ts.replace('.', '')}" if url and _TS.fullmatch(ts) else None


class SlackPeople(Kept[tuple[str, str, str], bool]):
    """Asks users.info about each person once a minute at most."""

    what = "whether a person belongs to the organisation"

    def belongs(self, organisation: str, who: Operator) -> bool | None:
        """Return whether a person belongs to the organisation; None where Slack did not say, or must not be asked.

        What it said of someone is not taken for someone of another team: their user id may be the same.
        """
        if who.team_id.startswith("E"):
            return False  # another organisation: a person of ours comes from this one, or from a workspace
        key = organisation, who.team_id, who.id
        return self._get(key, KEPT_SECONDS, lambda _, age, __: age >= KEPT_SECONDS)

    def _ask(self, key: tuple[str, str, str]) -> bool:
        """Ask. Someone elsewhere may have the same user id, and Slack tells of ours: so the team must be theirs."""
        organisation, team_id, user_id = key
        user = self.client.users_info(user=user_id)["user"]
        theirs = user["enterprise_user"]["enterprise_id"]
        teams = user["enterprise_user"].get("teams") or [user.get("team_id")]
        if not isinstance(theirs, str) or not theirs or not isinstance(teams, list):
            raise TypeError("a field of users.info is not what it should be")
        return theirs == organisation and not user.get("is_stranger") and team_id in teams
