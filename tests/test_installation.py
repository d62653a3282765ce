"""Where the app is installed, by auth.test."""

from typing import Any

import pytest

from bot.authorize import Home
from bot.request import Operator
from bot.slack.installation import Install, Installation

E, T = "E0SIGNOUT1", "T0SIGNOUT1"


def learned(auth_test: dict[str, Any]) -> Home | None:
    installation = Installation(lambda organisation, who: who.id == f"U of {organisation}")
    assert installation.home is None
    assert not installation.install.is_org_wide
    installation.learn(auth_test)
    return installation.home


@pytest.mark.parametrize(
    ("auth_test", "install", "id_", "teams"),
    [
        ({"team_id": T}, Install(team_id=T, organisation=None), T, {T}),
        ({"team_id": T, "enterprise_id": None}, Install(team_id=T, organisation=None), T, {T}),
        ({"team_id": T, "enterprise_id": E}, Install(team_id=T, organisation=E), E, {T, E}),
        (
            {"team_id": E, "enterprise_id": E, "is_enterprise_install": True},
            Install(team_id=None, organisation=E),
            E,
            {E},
        ),
        (
            {"team_id": None, "enterprise_id": E, "is_enterprise_install": True},
            Install(team_id=None, organisation=E),
            E,
            {E},
        ),
        ({"team_id": E}, Install(team_id=None, organisation=E), E, {E}),
    ],
)
def test_an_answer_says_where(auth_test: dict[str, Any], install: Install, id_: str, teams: set[str]) -> None:
    assert Install.of(auth_test) == install
    home = learned(auth_test)
    assert home
    assert (home.id, home.teams, home.belongs is not None) == (id_, frozenset(teams), install.organisation is not None)


def test_only_in_an_organisation_slack_is_asked_about_people() -> None:
    home = learned({"team_id": T, "enterprise_id": E})
    assert home
    assert home.person(Operator(team_id="T0OTHER", id=f"U of {E}", name="")) == Operator(
        team_id=E, id=f"U of {E}", name=""
    )


def test_an_answer_that_names_neither_is_no_home() -> None:
    assert learned({"ok": True}) is None


@pytest.mark.parametrize(
    ("url", "ts", "address"),
    [
        ("https://acme.slack.com/", "1767323045.000100", "https://acme.slack.com/archives/C1/p1767323045000100"),
        ("https://acme.enterprise.slack.com/", "1.2", "https://acme.enterprise.slack.com/archives/C1/p12"),
        ("https://acme.slack.com.evil.example/", "1.2", None),
        ("https://evil.example/?.slack.com/", "1.2", None),
        ("javascript:alert(1)", "1.2", None),
        ("https://acme.slack.com/", "1/2", None),
        (None, "1.2", None),
    ],
)
def test_a_message_has_an_address_only_at_slacks_own_host(url: str | None, ts: str, address: str | None) -> None:
    installation = Installation(lambda _, __: None)
    assert installation.address("C1", ts) is None
    installation.learn({"team_id": T, "url": url})
    assert installation.address("C1", ts) == address
