import json
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from headless import AUDIT, KIM, Headless

import bot.edge.http
import bot.slack.manifest
from bot.__main__ import main
from bot.options import USAGE
from bot.sandbox import cast
from bot.slack.listeners import SHORTCUTS

ROOT = Path(__file__).parent.parent
SCHEMAS = Path(__file__).parent / "slack_schema"

# What the bot calls, and the bot scope that Slack wants for it. auth.test needs none; apps.connections.open is asked
# with the app-level token, whose scope no manifest can name; a response_url carries its own right.
SCOPE_OF_METHOD = {
    "apps.connections.open": None,
    "auth.test": None,
    "chat.postMessage": "chat:write",
    "usergroups.users.list": "usergroups:read",
    "views.open": None,
    "views.update": None,
}
# And what it calls only in an Enterprise Grid organisation.
ON_GRID = {"auth.teams.list": None, "usergroups.list": "usergroups:read", "users.info": "users:read"}


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "manifest.yml").read_text("utf-8"))
    return loaded


def problems(manifest: dict[str, Any]) -> list[str]:
    # Slack reads a manifest by the schema of its `_metadata.major_version`, and by the first where there is none.
    version = manifest.get("_metadata", {}).get("major_version", 1)
    schema = json.loads((SCHEMAS / f"manifest.schema.{version}.0.0.json").read_text("utf-8"))
    validator = jsonschema.Draft7Validator(schema)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(manifest)]


@pytest.mark.parametrize("major_version", [1, 2])
def test_slacks_own_schemas_accept_it(manifest: dict[str, Any], major_version: int) -> None:
    assert not problems(manifest | {"_metadata": {"major_version": major_version}})


@pytest.fixture(scope="module")
def over_http() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(printed("--http", "https://signout.example.com"))
    return loaded


def printed(*options: str) -> str:
    command = [sys.executable, "-m", "bot", "manifest", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("major_version", [1, 2])
def test_slacks_own_schemas_accept_the_one_for_http(over_http: dict[str, Any], major_version: int) -> None:
    assert not problems(over_http | {"_metadata": {"major_version": major_version}})


def test_it_is_printed_as_it_stands_comments_and_all() -> None:
    assert printed() == (ROOT / "manifest.yml").read_text("utf-8")


def test_over_http_it_names_the_bots_address_and_is_the_same_otherwise(
    manifest: dict[str, Any], over_http: dict[str, Any]
) -> None:
    url = "https://signout.example.com/slack/events"
    expected = deepcopy(manifest)
    expected["features"]["slash_commands"][0]["url"] = url
    expected["settings"]["interactivity"]["request_url"] = url
    expected["settings"]["socket_mode_enabled"] = False
    assert over_http == expected


@pytest.mark.parametrize("http", [(), ("--http", "https://signout.example.com")], ids=["Socket Mode", "HTTP"])
def test_for_grid_it_may_read_people_and_be_installed_in_the_organisation_and_is_the_same_otherwise(
    manifest: dict[str, Any], over_http: dict[str, Any], http: tuple[str, ...]
) -> None:
    expected = deepcopy(over_http if http else manifest)
    expected["oauth_config"]["scopes"]["bot"].append("users:read")
    expected["settings"]["org_deploy_enabled"] = True
    for_grid = yaml.safe_load(printed("--grid", *http))
    assert for_grid == expected
    assert not problems(for_grid)
    scopes = {scope for scope in (SCOPE_OF_METHOD | ON_GRID).values() if scope} | {"commands"}
    assert set(for_grid["oauth_config"]["scopes"]["bot"]) == scopes


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("https://bot.example.com:8443/", "https://bot.example.com:8443/slack/events"),
        ("https://example.com/bots/signout", "https://example.com/bots/signout"),
    ],
)
def test_an_address_with_a_path_is_taken_as_it_is(address: str, url: str) -> None:
    settings = yaml.safe_load(bot.slack.manifest.manifest(address))["settings"]
    assert settings["interactivity"]["request_url"] == url


@pytest.mark.parametrize("address", ["http://bot.example.com", "bot.example.com", "https://", ""])
def test_an_address_that_slack_would_not_take_is_refused(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["manifest", "--http", address]) == 1
    assert "--http must be an address that Slack can reach" in capsys.readouterr().err


def test_where_the_file_is_not_there_a_sentence_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bot.slack.manifest, "FILE", tmp_path / "manifest.yml")
    assert main(["manifest"]) == 1
    assert "manifest.yml cannot be read: No such file or directory." in capsys.readouterr().err


def test_the_path_is_the_one_that_the_bot_listens_on() -> None:
    assert bot.slack.manifest.EVENTS == bot.edge.http.PATH


def test_the_schema_notices_a_misspelt_setting_and_a_long_name(manifest: dict[str, Any]) -> None:
    misspelt = manifest | {"settings": manifest["settings"] | {"socket_mode": True}}
    long_name = manifest | {"display_information": manifest["display_information"] | {"name": "x" * 36}}
    features, (of_a_message, _) = manifest["features"], manifest["features"]["shortcuts"]
    for wrong in ({"name": "x" * 25}, {"type": "thread"}, {"description": ""}):
        assert problems(manifest | {"features": features | {"shortcuts": [of_a_message | wrong]}})
    assert len(problems(manifest)) == 0
    assert len(problems(misspelt)) == 1
    assert len(problems(long_name)) == 1


def test_it_asks_for_exactly_the_scopes_that_the_bots_calls_and_its_command_need(manifest: dict[str, Any]) -> None:
    needed = {scope for scope in SCOPE_OF_METHOD.values() if scope} | {"commands"}
    (kind,) = manifest["oauth_config"]["scopes"].items()
    assert (kind[0], sorted(kind[1])) == ("bot", sorted(needed))


def test_these_are_the_methods_that_a_flow_through_everything_calls(headless: Headless) -> None:
    with headless.bot_in_process():
        headless.command(KIM, "")
        headless.submit(KIM, headless.wait_for_form(KIM), {"target": "ada"})
        headless.press(KIM, headless.wait_for_message(KIM, button="signout_confirm"), "signout_confirm")
        headless.wait_for_message(KIM, AUDIT, containing="Signed out: ada")
        headless.wait_for_message(KIM, containing="Signed out: ada")
        headless.wait_for_form(KIM, containing="The card is in the channel")
    assert {call.action for call in headless.slack_calls()} == {*SCOPE_OF_METHOD, "response_url", "link"}


def test_these_are_the_methods_that_a_flow_calls_in_an_organisation(headless: Headless) -> None:
    headless.install(cast.Install.ORG_WIDE)
    with headless.bot_in_process():
        headless.command(KIM, "")
        headless.submit(KIM, headless.wait_for_form(KIM), {"target": "ada"})
        headless.press(KIM, headless.wait_for_message(KIM, button="signout_confirm"), "signout_confirm")
        headless.wait_for_message(KIM, AUDIT, containing="Signed out: ada")
        headless.wait_for_message(KIM, containing="Signed out: ada")
        headless.wait_for_form(KIM, containing="The card is in the channel")
    called = {call.action for call in headless.slack_calls()}
    assert called == {*SCOPE_OF_METHOD, *ON_GRID, "response_url", "link"}


def test_every_scope_says_why_it_is_asked_for() -> None:
    lines = (ROOT / "manifest.yml").read_text("utf-8").splitlines()
    scopes = [line for line in lines if line.startswith(" " * 6 + "- ")]
    assert len(scopes) == 3
    assert all(" # to " in line for line in scopes)


def test_it_needs_no_public_address(manifest: dict[str, Any]) -> None:
    assert manifest["settings"]["socket_mode_enabled"] is True
    assert manifest["settings"]["interactivity"] == {"is_enabled": True}
    assert [set(command) & {"url"} for command in manifest["features"]["slash_commands"]] == [set()]
    assert "event_subscriptions" not in manifest["settings"]


def test_the_command_takes_its_target_as_typed(manifest: dict[str, Any]) -> None:
    (command,) = manifest["features"]["slash_commands"]
    assert command["should_escape"] is False
    assert f"{command['command']} {command['usage_hint']}" == USAGE


def test_the_sandboxs_workspace_has_installed_this_very_app(manifest: dict[str, Any]) -> None:
    """So a call that these scopes do not allow fails there as it would in Slack."""
    (command,) = manifest["features"]["slash_commands"]
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == cast.BOT_SCOPES
    assert manifest["features"]["bot_user"]["display_name"] == cast.BOT_NAME
    shortcuts = {each["callback_id"]: (each["type"], each["name"]) for each in manifest["features"]["shortcuts"]}
    assert shortcuts == {
        cast.OF_A_MESSAGE: ("message", cast.SHORTCUT),
        cast.ANYWHERE: ("global", cast.SHORTCUT),
    }
    assert set(shortcuts) == set(SHORTCUTS)
    assert (command["command"], command["usage_hint"], command["description"]) == (
        cast.COMMAND,
        cast.USAGE_HINT,
        cast.DESCRIPTION,
    )


def test_the_app_can_write_to_a_person_who_cannot_write_back(manifest: dict[str, Any]) -> None:
    """Without the Messages tab, Slack answers a direct message with `messages_tab_disabled`."""
    assert manifest["features"]["app_home"] == {
        "home_tab_enabled": False,
        "messages_tab_enabled": True,
        "messages_tab_read_only_enabled": True,
    }
