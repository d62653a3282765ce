"""The settings: every fault at once, each with its name, and never a secret."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from botocore.session import get_session

from bot.action import SESSION_CALLS
from bot.decide import LONGEST_WAIT
from bot.settings.environment import correct
from bot.settings.faults import SettingsError
from bot.settings.load import emptied
from bot.settings.load import load as read
from bot.settings.load import load_store as read_store
from bot.settings.load import load_without_slack as read_without_slack
from bot.settings.model import ENVIRONMENT, Settings, StoreSettings
from bot.settings.names import KNOWN, unused

NOT_USED = "is not a setting of this bot, so it is not used."
GOOD = {
    "SLACK_BOT_TOKEN": "xoxb-bot-secret",
    "SLACK_APP_TOKEN": "xapp-app-secret",
    "SIGNOUT_AUDIT_CHANNEL": "C0123ABCDEF",
    "SIGNOUT_ALLOW_USERS": "U0123ABCDEF, U0123ABCDEG",
    "SIGNOUT_POOL_ID": "eu-central-1_AbCdEf123",
}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def corrected(environment: dict[str, str]) -> dict[str, str]:
    """Return the environment as each verb finds it."""
    given = dict(environment)
    correct(given)
    return given


def load(environment: dict[str, str], *, http: bool = False) -> Settings:
    return read(corrected(environment), http=http)


def load_store(environment: dict[str, str]) -> StoreSettings:
    return read_store(corrected(environment))


def load_without_slack(environment: dict[str, str]) -> Settings:
    return read_without_slack(corrected(environment))


def faults(environment: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(environment)
    return caught.value.faults


def test_five_variables_are_enough() -> None:
    settings = load(GOOD)
    assert settings.allow.users == {"U0123ABCDEF", "U0123ABCDEG"}
    assert settings.pools["default"].region == "eu-central-1"
    assert settings.confirm_within == timedelta(minutes=5)
    assert settings.slack_api_url == "https://slack.com/api/"
    assert settings.store == "sqlite:///signout.db"


def test_a_card_waits_as_long_as_any_setting_says_and_no_longer() -> None:
    minutes = LONGEST_WAIT // timedelta(minutes=1)
    assert load(GOOD | {"SIGNOUT_CONFIRM_WITHIN": f"{minutes}m"}).confirm_within == LONGEST_WAIT
    assert faults(GOOD | {"SIGNOUT_CONFIRM_WITHIN": f"{minutes + 1}m"})


SIGNING = {"SLACK_SIGNING_SECRET": "0123456789abcdef0123456789abcdef"}
WITHOUT = {name: value for name, value in GOOD.items() if name != "SLACK_APP_TOKEN"}


def test_http_mode_needs_the_signing_secret_and_no_app_token() -> None:
    settings = load(WITHOUT | SIGNING)
    assert settings.slack_app_token is None
    assert load(GOOD | SIGNING, http=True).slack_signing_secret is not None


@pytest.mark.parametrize(
    ("environment", "http", "sentence"),
    [
        (WITHOUT, False, "SLACK_APP_TOKEN is missing. Make one under Basic Information"),
        (WITHOUT, False, "For HTTP mode, set SLACK_SIGNING_SECRET instead."),
        (WITHOUT, True, "SLACK_SIGNING_SECRET is missing: HTTP mode needs it to know Slack's requests. Copy it from"),
        (GOOD, True, "SLACK_SIGNING_SECRET is missing: HTTP mode needs it to know Slack's requests. Copy it from"),
    ],
)
def test_what_the_mode_lacks_is_one_fault_among_the_others(
    environment: dict[str, str], sentence: str, *, http: bool
) -> None:
    with pytest.raises(SettingsError) as caught:
        load(environment | {"SIGNOUT_PII": "some"}, http=http)
    assert len(caught.value.faults) == 2
    assert any(sentence in fault for fault in caught.value.faults)


def test_all_faults_are_reported_at_once() -> None:
    reported = "\n".join(faults({"SIGNOUT_CONFIRM_WITHIN": "5", "SIGNOUT_ALOW_USERS": "U0123ABCDEF"}))
    for setting in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SIGNOUT_AUDIT_CHANNEL", "pools", "SIGNOUT_CONFIRM_WITHIN"):
        assert setting in reported
    assert "No one is allowed" in reported
    assert "SIGNOUT_ALOW_USERS is not a setting of this bot" in reported


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("SLACK_BOT_TOKEN", "", "SLACK_BOT_TOKEN is empty. Copy it from OAuth & Permissions"),
        ("SLACK_BOT_TOKEN", "xoxp-secret", "SLACK_BOT_TOKEN must be a bot token: it starts with xoxb-"),
        ("SLACK_APP_TOKEN", "xoxb-secret", "SLACK_APP_TOKEN must be an app-level token: it starts with xapp-"),
        (
            "SLACK_SIGNING_SECRET",
            "xapp-secret-of-20-or-more",
            "SLACK_SIGNING_SECRET must be your Slack app's signing secret",
        ),
        ("SLACK_SIGNING_SECRET", "short", "SLACK_SIGNING_SECRET must be your Slack app's signing secret"),
        ("SLACK_API_URL", "https://slack.com.evil.example/api/", "SLACK_API_URL must be an address of Slack's own"),
        ("SLACK_API_URL", "https://evilslack.com/api/", "SLACK_API_URL must be an address of Slack's own"),
        ("SLACK_API_URL", "http://slack.com/api/", "SLACK_API_URL must be an address of Slack's own"),
        ("SLACK_API_URL", "https://slack.com@evil.example/", "SLACK_API_URL must be an address of Slack's own"),
        ("SLACK_API_URL", "http://127.0.0.1.evil.example/", "SLACK_API_URL must be an address of Slack's own"),
        ("SIGNOUT_AUDIT_CHANNEL", "#audit", "must be a channel id such as C0123ABCDEF"),
        ("SIGNOUT_ALLOW_USERS", "", "No one is allowed to sign users out"),
        ("SIGNOUT_ALLOW_USERS", ",", "No one is allowed to sign users out"),
        ("SIGNOUT_ALLOW_USERS", "@sam", "must be Slack user ids such as U0123ABCDEF"),
        ("SIGNOUT_ALLOW_GROUPS", "@support", "must be Slack user group ids such as S0123ABCDEF"),
        ("SIGNOUT_POOL_ID", "AbCdEf123", "must be a user pool id such as eu-central-1_AbCdEf123"),
        ("SIGNOUT_STORE", "postgres://db", "must be sqlite:///relative/path.db"),
        ("SIGNOUT_CONFIRM_WITHIN", "five", "must be a number and a unit, such as 30s, 5m, 1h or 1d."),
        ("SIGNOUT_CONFIRM_WITHIN", "29s", "must be 30s to 25m."),
        ("SIGNOUT_CONFIRM_WITHIN", "26m", "must be 30s to 25m."),
        ("SIGNOUT_RETAIN", "23h", "SIGNOUT_RETAIN (retain in the file) must be 1d to 36500d."),
        ("SIGNOUT_RETAIN", "forever", "must be a number and a unit, such as 30s, 5m, 1h or 1d."),
        ("SIGNOUT_DRAIN", "0s", "must be 1s to 10m."),
        ("SIGNOUT_REASON_PATTERN", "(", "must be a regular expression as RE2 takes it"),
        ("SIGNOUT_REASON_PATTERN", r"(a)\1", "must be a regular expression as RE2 takes it"),
        (
            "SIGNOUT_TICKET_URL",
            "https://tickets.example.com/",
            "must be an address with {} where the ticket number goes",
        ),
        ("SIGNOUT_TICKET_URL", "https://{}/", "must be an address with {} where the ticket number goes"),
        ("SIGNOUT_TICKET_URL", "javascript:alert({})", "must be an address with {} where the ticket number goes"),
        (
            "SIGNOUT_REQUIRE_REASON",
            "perhaps",
            "SIGNOUT_REQUIRE_REASON (require_reason in the file) must be true or false.",
        ),
        ("SIGNOUT_PII", "some", "must be one of 'masked' or 'full'."),
        ("SIGNOUT_LOG_LEVEL", "LOUD", "must be one of"),
        ("SIGNOUT_CONFIG", "missing.toml", "The settings file missing.toml cannot be read"),
    ],
)
def test_a_fault_names_its_setting_and_says_how_to_fix_it(name: str, value: str, sentence: str) -> None:
    reported = faults(GOOD | {name: value})
    assert any(sentence in fault for fault in reported)
    assert not any("-secret" in fault for fault in reported)


@pytest.mark.parametrize(
    ("toml", "sentence"),
    [
        ("audit_chanel = 'C0123ABCDEF'", "audit_chanel is not a setting of this bot. Check its spelling."),
        ("[pools.staff]", "pools.staff.id is missing."),
        ("[pools.staff]\nid = 'x'", "pools.staff.id must be a user pool id"),
        ("[pools.staff]\nid = 'eu-west-1_a'\ntoken_lifetime = '25h'", "pools.staff.token_lifetime must be 5m to 1d."),
        (
            "[pools.staff]\nid = 'eu-west-1_a'\ndefault_region = 'Germany'",
            "must be a country of two letters, such as DE.",
        ),
        ("[pools.'Not OK']\nid = 'eu-west-1_a'", "is not a pool name: use a-z, 0-9 and -"),
        ("[pools.staff.allow]\nusers = ['ray']\n[pools.staff]\nid = 'eu-west-1_a'", "pools.staff.allow.users must be"),
        ("confirm_within = 5", "SIGNOUT_CONFIRM_WITHIN (confirm_within in the file) must be a number and a unit"),
        ("slack_bot_token = 'xoxb-file-secret'", "slack_bot_token never belongs in the file."),
        ("slack_signing_secret = 'file-secret'", "slack_signing_secret never belongs in the file."),
        ("store = 3", "SIGNOUT_STORE (store in the file) has the wrong form."),
        ("audit_channel = ", "The settings file signout.toml is not valid TOML"),
    ],
)
def test_a_fault_in_the_file_is_named_as_it_stands_there(toml: str, sentence: str) -> None:
    Path("signout.toml").write_text(toml)
    reported = faults(GOOD)
    assert any(sentence in fault for fault in reported), reported
    assert not any("-secret" in fault for fault in reported)


def test_the_environment_wins_over_the_file() -> None:
    Path("signout.toml").write_text(
        "confirm_within = '2m'\ndrain = '3s'\n[allow]\nusers = ['U0FILE00001']\n"
        "[pools.default]\nid = 'eu-west-1_file'\ntoken_lifetime = '15m'\n[pools.staff]\nid = 'us-east-1_staff'"
    )
    settings = load(GOOD | {"SIGNOUT_CONFIRM_WITHIN": "1m"})
    assert settings.confirm_within == timedelta(minutes=1)
    assert settings.drain == timedelta(seconds=3)
    assert "U0FILE00001" not in settings.allow.users
    assert settings.pools["default"].id == "eu-central-1_AbCdEf123"
    assert settings.pools["default"].token_lifetime == timedelta(minutes=15)
    assert settings.pools["staff"].region == "us-east-1"


@pytest.mark.parametrize(
    ("toml", "names"),
    [
        (f"[pools.staff]\nid = '{GOOD['SIGNOUT_POOL_ID']}'", {"default", "staff"}),
        ("[pools.a]\nid = 'eu-west-1_a'\n[pools.b]\nid = 'eu-west-1_b'\n[pools.c]\nid = 'eu-west-1_a'", {"a", "c"}),
    ],
)
def test_one_pool_under_two_names_is_refused_since_it_would_have_two_allowlists(toml: str, names: set[str]) -> None:
    Path("signout.toml").write_text(f"{toml}\nallow.users = ['U0FILE00001']\n")
    (fault,) = faults(GOOD)
    assert fault.startswith("pools have one id under two names: ")
    said = fault.removeprefix("pools have one id under two names: ").partition(". Keep one of them")[0]
    assert set(said.split(" and ")) == names


@pytest.mark.parametrize("empty", ["", "  ", ",", " , ,"])
def test_an_empty_variable_is_as_one_that_is_not_set_so_the_list_in_the_file_counts(empty: str) -> None:
    Path("signout.toml").write_text("allow.users = ['U0FILE00001']\nallow.groups = ['S0FILE00001']\n")
    settings = load(GOOD | {"SIGNOUT_ALLOW_USERS": empty, "SIGNOUT_ALLOW_GROUPS": empty})
    assert settings.allow.users == {"U0FILE00001"}
    assert settings.allow.groups == {"S0FILE00001"}


def test_a_list_in_the_environment_replaces_the_one_in_the_file() -> None:
    Path("signout.toml").write_text("allow.users = ['U0FILE00001']\nallow.groups = ['S0FILE00001']\n")
    settings = load(GOOD)
    assert settings.allow.users == {"U0123ABCDEF", "U0123ABCDEG"}
    assert settings.allow.groups == {"S0FILE00001"}, "the other list stays"


def test_an_empty_id_in_the_file_is_a_fault() -> None:
    Path("signout.toml").write_text("allow.groups = ['S0FILE00001', '']\n")
    (fault,) = faults(GOOD)
    assert "must be Slack user group ids" in fault


def test_an_empty_list_in_the_file_allows_no_one() -> None:
    Path("signout.toml").write_text("allow.users = []\n")
    assert any("No one is allowed" in fault for fault in faults(GOOD | {"SIGNOUT_ALLOW_USERS": ""}))


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("arn:aws:iam::123456789012:role/Support", "arn:aws:iam::123456789012:role/Support"),
        ("arn:aws-cn:iam::123456789012:role/a/b/Support", "arn:aws-cn:iam::123456789012:role/Support"),
        ("arn:aws:iam::123456789012:user/eu/sam", "arn:aws:iam::123456789012:user/eu/sam"),
        ("arn:aws-eusc:iam::123456789012:role/Support", "arn:aws-eusc:iam::123456789012:role/Support"),
        ("arn:aws-iso-f:iam::123456789012:role/Support", "arn:aws-iso-f:iam::123456789012:role/Support"),
        ("\ufeffarn:aws:iam::123456789012:role/Support", "arn:aws:iam::123456789012:role/Support"),
    ],
)
def test_a_role_in_allow_terminal_is_known_by_its_name_since_sts_does_not_tell_its_path(given: str, taken: str) -> None:
    Path("signout.toml").write_text(f"allow.terminal = ['{given}']")
    assert load(GOOD).allowlist.everywhere.terminal == {taken}


@pytest.mark.parametrize(
    "given",
    [
        "*",
        "U0123ABCDEF",
        "arn:aws:iam::123456789012:root",
        "arn:aws:iam::123456789012:role/*",
        "arn:aws:iam::*:role/Support",
        "arn:aws:sts::123456789012:assumed-role/Support/sam",
    ],
)
def test_allow_terminal_names_roles_and_users_and_no_patterns_or_sessions(given: str) -> None:
    Path("signout.toml").write_text(f"allow.terminal = ['{given}']")
    assert "allow.terminal must be ARNs of IAM roles or users such as" in faults(GOOD)[0]


@pytest.mark.parametrize("url", ["http://127.0.0.1:3001/api", "http://[::1]:1/api/", "https://slack-gov.com/api/"])
def test_slack_and_loopback_are_taken_as_slacks_address(url: str) -> None:
    assert load(GOOD | {"SLACK_API_URL": url}).slack_api_url.startswith(url)


@pytest.mark.parametrize(("given", "days"), [("1d", 1), ("90d", 90), ("24h", 1)])
def test_entries_are_kept_for_ever_unless_retain_says_how_long(given: str, days: int) -> None:
    assert load(GOOD).retain is None
    assert load(GOOD | {"SIGNOUT_RETAIN": given}).retain == timedelta(days=days)
    Path("signout.toml").write_text("retain = '365d'")
    assert load(GOOD).retain == timedelta(days=365)


def test_sessions_are_listed_and_ended_only_in_the_pools_that_say_so() -> None:
    Path("signout.toml").write_text(
        '[pools.a]\nid = "eu-west-1_a"\nsessions = true\n[pools.b]\nid = "eu-west-1_b"\nsessions = false\n'
        '[pools.c]\nid = "eu-west-1_c"\n',
        "utf-8",
    )
    given = load({name: value for name, value in GOOD.items() if name != "SIGNOUT_POOL_ID"})
    assert list(given.with_sessions) == ["a"]
    assert given.further_operations == {call: ["a"] for call in SESSION_CALLS}


@pytest.mark.parametrize(
    ("toml", "known"), [("", None), ("identity_pool = true", True), ("identity_pool = false", False)]
)
def test_whether_a_pool_has_an_identity_pool_may_be_said_or_not(toml: str, known: object) -> None:
    Path("signout.toml").write_text(f"[pools.default]\n{toml}")
    assert load(GOOD).pools["default"].identity_pool is known


def test_reading_the_store_takes_its_setting_and_nothing_else() -> None:
    assert load_store({}).store == "sqlite:///signout.db"
    Path("signout.toml").write_text("store = 'sqlite:///file.db'\naudit_channel = 3\n[pools.staff]\nid = 'x'")
    assert load_store({"SLACK_BOT_TOKEN": "no token"}).store == "sqlite:///file.db"
    assert load_store({"SIGNOUT_STORE": "sqlite:////environment.db"}).store == "sqlite:////environment.db"


@pytest.mark.parametrize(
    ("environment", "toml", "sentence"),
    [
        ({"SIGNOUT_STORE": "signout.db"}, "", "SIGNOUT_STORE (store in the file) must be sqlite:///relative/path.db"),
        ({"SIGNOUT_STOR": "sqlite:///x"}, "", "SIGNOUT_STOR is not a setting of this bot. Check its spelling."),
        ({"SIGNOUT_CONFIG": "missing.toml"}, "", "The settings file missing.toml cannot be read"),
        ({}, "stroe = 'sqlite:///x'", "stroe is not a setting of this bot. Check its spelling."),
        ({}, "store = 3", "SIGNOUT_STORE (store in the file) has the wrong form."),
        ({}, "store", "The settings file signout.toml is not valid TOML"),
        ({}, f"a = {'[' * 3_000}{']' * 3_000}", "is not valid TOML: it is nested too deeply, or a number is too long."),
        ({}, f"a = {'1' * 5_000}", "is not valid TOML: it is nested too deeply, or a number is too long."),
        ({}, "slack_bot_token = 'xoxb-secret'", "slack_bot_token never belongs in the file."),
    ],
)
def test_what_would_read_another_store_than_the_bot_writes_is_a_fault(
    environment: dict[str, str], toml: str, sentence: str
) -> None:
    Path("signout.toml").write_text(toml)
    with pytest.raises(SettingsError) as caught:
        load_store(environment)
    assert len(caught.value.faults) == 1
    assert sentence in caught.value.faults[0]
    assert "secret" not in caught.value.faults[0]


def test_no_secret_shows_in_a_repr_and_each_is_named_to_the_logs() -> None:
    signing = "0123456789secret0123456789secret"
    for environment in (GOOD, GOOD | {"SLACK_SIGNING_SECRET": signing}):
        settings = load(environment)
        assert list(settings.secrets) == [value for name, value in environment.items() if name.startswith("SLACK_")]
        for shown in (repr(settings), str(settings), f"{settings.model_dump()}"):
            assert "secret" not in shown.replace("signing_secret", "")


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load(GOOD).store = "sqlite:///other.db"


def test_every_variable_has_its_setting() -> None:
    values = load(GOOD).model_dump()
    for path in ENVIRONMENT.values():
        assert path[0] in values


# Names in the environment


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("SIGNOUT_ALLOW_USER", "SIGNOUT_ALLOW_USERS"),
        ("SIGNOUT_ALLOWED_USERS", "SIGNOUT_ALLOW_USERS"),
        ("SIGNOUT_ALOW_USRES", "SIGNOUT_ALLOW_USERS"),
        ("SIGNOUT_POLO_ID", "SIGNOUT_POOL_ID"),
        ("SIGNOUT_POOLID", "SIGNOUT_POOL_ID"),
        ("SIGNOUT-POOL-ID", "SIGNOUT_POOL_ID"),
        ("signout_pool_id", "SIGNOUT_POOL_ID"),
        ("SIGNOUT_DRIAN", "SIGNOUT_DRAIN"),
        ("SIGNOUT_PI", "SIGNOUT_PII"),
        ("SIGNOUT_CONFG", "SIGNOUT_CONFIG"),
        ("SIGNOUT_AUDIT_CHANEL", "SIGNOUT_AUDIT_CHANNEL"),
        ("SIGNOUT_CONFIRM_WITHN", "SIGNOUT_CONFIRM_WITHIN"),
    ],
)
def test_a_name_that_is_a_letter_or_two_off_is_a_fault_that_names_the_setting(given: str, meant: str) -> None:
    said = f"{given} is not a setting of this bot. Check its spelling. Is {meant} meant?"
    assert faults(GOOD | {given: "secret"}) == [said]
    assert load(GOOD | {given: " "})


SERVICES = ("SIGNOUT", "SIGNOUT_BOT", "SIGNOUT_ALLOW", "SIGNOUT_STORE", "SIGNOUT_POOL_ID", "SIGNOUT_PII", "SIGNOUT_1")
WRITTEN_BY_OTHERS = {
    **dict.fromkeys(("SERVICE_HOST", "PORT_80_TCP_ADDR", "PORT_53_UDP_ADDR"), "10.0.0.1"),
    "PORT_81_TCP_ADDR": "fd00::1",
    **dict.fromkeys(("SERVICE_PORT", "SERVICE_PORT_HTTP", "SERVICE_PORT_HTTP_METRICS", "PORT_80_TCP_PORT"), "80"),
    **dict.fromkeys(("PORT_80_TCP_PORT_START", "PORT_80_TCP_PORT_END"), "80"),
    **dict.fromkeys(("PORT", "PORT_80_TCP", "PORT_80_TCP_START", "PORT_80_TCP_END"), "tcp://10.0.0.1:80"),
    "PORT_81_TCP": "tcp://[fd00::1]:81",
    "PORT_53_UDP": "udp://10.0.0.1:53",
    "PORT_9_SCTP": "sctp://10.0.0.1:9",
    "PORT_80_TCP_PROTO": "tcp",
    "NAME": "/bot/signout",
    **dict.fromkeys(("ENV_PATH", "ENV_java.home", "ENV_SIGNOUT_POOL_ID", "ENV_python_version"), "of any kind"),
}


@pytest.mark.parametrize("service", SERVICES)
def test_what_kubernetes_and_docker_write_is_never_spoken_of(service: str) -> None:
    theirs = {f"{service}_{ending}": value for ending, value in WRITTEN_BY_OTHERS.items()}
    assert KNOWN.isdisjoint(theirs)
    assert load(GOOD | theirs) == load(GOOD)
    assert unused(GOOD | theirs) == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SIGNOUT_PORT", "8080"),
        ("SIGNOUT_SERVICE_HOST", "cognito"),
        ("SIGNOUT_SERVICE_PORT", "http"),
        ("SIGNOUT_ALLOW_USERS_PORT", "U0123ABCDEF"),
        ("SIGNOUT_PORT_80_TCP_PROTO", "http"),
        ("SIGNOUT_AUDIT_CHANNEL_NAME", "C0123ABCDEF"),
        ("SIGNOUT_ENV_REQUIRE_REASON", "true"),
    ],
)
def test_a_name_like_theirs_is_told_where_its_value_is_none_of_theirs(name: str, value: str) -> None:
    assert unused(GOOD | {name: value}) == {name: f"{NOT_USED} Check its spelling, or leave it out."}


def test_any_other_unknown_name_is_told_with_what_to_do_and_never_its_value() -> None:
    given = GOOD | {"SIGNOUT_COLOUR": "x", "SIGNOUT_ID": "x", "OTHER": "x", "SIGNUP_POOL_ID": "x", "SLACK_TEAM_ID": "x"}
    hint = f"{NOT_USED} Check its spelling, or leave it out."
    assert load(given)
    assert unused(given) == {"SIGNOUT_COLOUR": hint, "SIGNOUT_ID": hint}


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("SLACK_BOT_TOKN", "SLACK_BOT_TOKEN"),
        ("SLACK_BOT_TOEKN", "SLACK_BOT_TOKEN"),
        ("slack_bot_token", "SLACK_BOT_TOKEN"),
        ("SLACK_BOT_TOKEN_FIEL", "SLACK_BOT_TOKEN_FILE"),
    ],
)
def test_a_misspelled_name_of_slacks_is_told_where_the_setting_is_missing_and_harms_no_one_else(
    given: str, meant: str
) -> None:
    without = {name: value for name, value in GOOD.items() if name != "SLACK_BOT_TOKEN"}
    missing, hint = faults(without | {given: "xoxb-secret"})
    assert missing.startswith("SLACK_BOT_TOKEN is missing.")
    assert hint == f"{given} is not a setting of this bot. Check its spelling. Is {meant} meant?"
    assert load(GOOD | {given: "of another program"})
    assert unused(GOOD | {given: "of another program"}) == {given: f"{NOT_USED} Is {meant} meant?"}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("SLACK_BOT_TOKEN", "SLACK_BOT_TOKEN is empty. Copy it from OAuth"),
        ("SLACK_APP_TOKEN", "SLACK_APP_TOKEN is empty. Make one under Basic Information"),
        ("SIGNOUT_AUDIT_CHANNEL", "SIGNOUT_AUDIT_CHANNEL (audit_channel in the file) is empty. Give the id"),
        ("SIGNOUT_POOL_ID", "SIGNOUT_POOL_ID is empty. Set SIGNOUT_POOL_ID, or [pools.NAME] id in the file."),
    ],
)
@pytest.mark.parametrize("empty", ["", " ", '""', "\ufeff"])
def test_an_empty_setting_is_told_from_a_missing_one(name: str, said: str, empty: str) -> None:
    environment = GOOD | {name: empty}
    assert [fault.startswith(said) for fault in faults(environment)] == [True]


def test_a_command_that_needs_no_slack_tells_only_of_an_empty_pool_id() -> None:
    assert load_without_slack(GOOD | {"SIGNOUT_AUDIT_CHANNEL": "", "SLACK_BOT_TOKEN": "", "SIGNOUT_ALLOW_USERS": ","})
    with pytest.raises(SettingsError) as caught:
        load_without_slack({"SIGNOUT_POOL_ID": "''", "SLACK_BOT_TOKEN": "", "SIGNOUT_PII": ""})
    assert caught.value.faults == ["SIGNOUT_POOL_ID is empty. Set SIGNOUT_POOL_ID, or [pools.NAME] id in the file."]


def test_where_http_mode_has_an_empty_secret_that_is_told() -> None:
    with pytest.raises(SettingsError) as caught:
        load(GOOD | {"SLACK_SIGNING_SECRET": ""}, http=True)
    assert caught.value.faults[0].startswith("SLACK_SIGNING_SECRET is empty: HTTP mode needs it")


def test_a_prefix_with_a_letter_swapped_is_told() -> None:
    assert unused(GOOD | {"SINGOUT_POOL_ID": "x"}) == {"SINGOUT_POOL_ID": f"{NOT_USED} Is SIGNOUT_POOL_ID meant?"}


@pytest.mark.parametrize(
    ("written", "path", "meant"),
    [
        ("[pools.a]\nid = 'eu-central-1_A'\nregoin = 'us-west-2'", "pools.a.regoin", "region"),
        ("[pools.a]\nid = 'eu-central-1_A'\nRegion = 'us-west-2'", "pools.a.Region", "region"),
        ("[pools.a]\nid = 'eu-central-1_A'\ntoken-lifetime = '1h'", "pools.a.token-lifetime", "token_lifetime"),
        ("[pools.a]\nid = 'eu-central-1_A'\n[pools.a.allow]\nuser = []", "pools.a.allow.user", "users"),
        ("[allow]\ngruops = []", "allow.gruops", "groups"),
        ("[allow]\nterminals = []", "allow.terminals", "terminal"),
        ("confirm_witin = '1m'", "confirm_witin", "confirm_within"),
        ("slack_bot_tokn = 'x'", "slack_bot_tokn", None),
        ("colour = 'blue'", "colour", None),
        ("[pools.a]\nid = 'eu-central-1_A'\ncolour = 'blue'", "pools.a.colour", None),
    ],
)
def test_a_key_of_the_file_that_is_a_letter_or_two_off_names_the_one_that_is_meant(
    written: str, path: str, meant: str | None
) -> None:
    Path("signout.toml").write_text(written)
    said = f"{path} is not a setting of this bot. Check its spelling."
    assert faults(GOOD) == [f"{said} Is {meant} meant?" if meant else said]


def test_a_command_that_reads_only_the_store_setting_tells_which_key_is_meant() -> None:
    Path("signout.toml").write_text("stroe = 'dynamodb://signout'")
    with pytest.raises(SettingsError) as caught:
        load_store({})
    assert caught.value.faults == ["stroe is not a setting of this bot. Check its spelling. Is store meant?"]


# Values as other tools write them

AROUND = [
    ('"', '"'),
    ("'", "'"),
    ("“", "”"),
    ("\u2018", "\u2019"),
    ("\ufeff", ""),
    ("\ufeff'", "'"),
    ("\u00a0", "\u200b"),
    (" ", "\r"),
]


@pytest.mark.parametrize(("before", "after"), AROUND)
def test_what_tools_leave_around_a_value_is_left_out(before: str, after: str) -> None:
    more = GOOD | {"SIGNOUT_REQUIRE_REASON": "true", "SIGNOUT_DRAIN": "9s", "SIGNOUT_STORE": "dynamodb://signout"}
    assert load({name: f"{before}{value}{after}" for name, value in more.items()}) == load(more)
    assert load_store({"SIGNOUT_STORE": f"{before}dynamodb://signout{after}"}).store == "dynamodb://signout"
    pool = {"SIGNOUT_POOL_ID": f"{before}{GOOD['SIGNOUT_POOL_ID']}{after}"}
    assert load_without_slack(pool).pools["default"].id == GOOD["SIGNOUT_POOL_ID"]


def test_quotes_around_each_id_of_a_list_are_left_out() -> None:
    settings = load(GOOD | {"SIGNOUT_ALLOW_USERS": "\"U0123ABCDEF\", 'U0123ABCDEG',\ufeffU0123ABCDEH"})
    assert settings.allow.users == {"U0123ABCDEF", "U0123ABCDEG", "U0123ABCDEH"}


def test_a_name_with_export_before_it_is_the_name_unless_that_is_there_too() -> None:
    assert load(GOOD | {"export SIGNOUT_PII": "full"}).pii == "full"
    assert load(GOOD | {"\ufeffSIGNOUT_PII": "full"}).pii == "full"
    assert load(GOOD | {"export SIGNOUT_PII": "full", "SIGNOUT_PII": "masked"}).pii == "masked"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SIGNOUT_POOL_ID", '"eu-central-1_secret'),
        ("SIGNOUT_POOL_ID", "eu-central-1_secret'"),
        ("SIGNOUT_POOL_ID", "“eu-central-1_secret"),
        ("SIGNOUT_STORE", "'sqlite:///secret.db\""),
        ("SLACK_APP_TOKEN", 'xapp-secret"'),
        ("AWS_SECRET_ACCESS_KEY", '"secret'),
    ],
)
def test_a_quote_on_one_side_only_is_the_one_fault_that_is_named(name: str, value: str) -> None:
    assert faults(GOOD | {name: value}) == [f"{name} has a quote on one side only. Leave it out, or close it."]


def test_quotes_around_a_pattern_may_belong_to_it_so_they_are_named() -> None:
    said = "SIGNOUT_REASON_PATTERN has quotes around it, which may belong to it or not. Leave them out, or write"
    assert faults(GOOD | {"SIGNOUT_REASON_PATTERN": r'"HELP-\d+"'})[0].startswith(said)
    for pattern in (r'["]HELP-\d+["]', r'"HELP-\d+"( urgent)?'):
        assert load(GOOD | {"SIGNOUT_REASON_PATTERN": pattern}).model_dump()["reason_pattern"].pattern == pattern


def test_the_text_of_a_file_in_the_environment_counts_as_that_file_and_in_place_of_any_other() -> None:
    Path("signout.toml").write_text("pii = 'full'\nconfirm_within = '3m'")
    text = '# It\'s "all" of a file.\n"confirm_within" = "2m"\n[pools.staff]\nid = "us-east-1_staff"\n'
    environment = {**GOOD, "SIGNOUT_CONFIG_TEXT": text, "SIGNOUT_DRAIN": "7s"}
    correct(environment)
    assert environment["SIGNOUT_CONFIG_TEXT"] == text
    settings = load(environment)
    assert (settings.confirm_within, settings.drain) == (timedelta(minutes=2), timedelta(seconds=7))
    assert (settings.pii, set(settings.pools)) == ("masked", {"default", "staff"})


def test_an_empty_text_of_a_file_is_as_one_that_is_not_set() -> None:
    Path("signout.toml").write_text("pii = 'full'")
    assert load(GOOD | {"SIGNOUT_CONFIG_TEXT": " \n"}).pii == "full"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("pii = ", "SIGNOUT_CONFIG_TEXT is not valid TOML: Invalid value (at end of document)."),
        ("pii = '\udcff'", "SIGNOUT_CONFIG_TEXT is not valid TOML: it is not UTF-8."),
        ("slack_bot_token = 'xoxb-secret'", "slack_bot_token never belongs in the file. Set SLACK_BOT_TOKEN in the"),
    ],
)
def test_a_fault_in_the_text_of_a_file_names_the_variable(text: str, sentence: str) -> None:
    (fault,) = faults(GOOD | {"SIGNOUT_CONFIG_TEXT": text})
    assert fault.startswith(sentence)


def test_a_file_and_a_text_of_one_are_too_much() -> None:
    Path("other.toml").write_text("pii = 'full'")
    (fault,) = faults(GOOD | {"SIGNOUT_CONFIG": "other.toml", "SIGNOUT_CONFIG_TEXT": "pii = 'full'"})
    assert fault == "SIGNOUT_CONFIG and SIGNOUT_CONFIG_TEXT are both set. Leave one out."


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_file_may_begin_with_a_byte_order_mark(encoding: str) -> None:
    Path("signout.toml").write_bytes("confirm_within = '2m'\r\n# é\r\n".encode(encoding))
    assert load(GOOD).confirm_within == timedelta(minutes=2)


@pytest.mark.parametrize(
    ("content", "place", "sign"),
    [
        ("drain = '9s'\npii = “full”", "line 2", "U+201C (left double quotation mark)"),
        ('pii = "full”\ndrain = "9s"', "line 1", "U+201D (right double quotation mark)"),
        ("[pools.‘a’]", "line 1", "U+2018 (left single quotation mark)"),  # noqa: RUF001 -- what is tested
        ("drain = '9s'\n\ufeffpii = 'full'", "line 2", "U+FEFF (zero width no-break space)"),
        ("drain\u00a0= '9s'", "line 1", "U+00A0 (no-break space)"),
        ("drain = '9s'\u200b", "line 1", "U+200B (zero width space)"),
    ],
)
def test_a_sign_that_toml_does_not_have_is_named(content: str, place: str, sign: str) -> None:
    Path("signout.toml").write_text(content, "utf-8")
    (fault,) = faults(GOOD)
    assert f"(at {place}, column " in fault
    assert fault.endswith(f"). In that line is {sign}. TOML has straight quotes and plain blanks only.")


def test_a_line_with_plain_signs_names_none() -> None:
    Path("signout.toml").write_text("pii = é\n", "utf-8")
    assert faults(GOOD) == ["The settings file signout.toml is not valid TOML: Invalid value (at line 1, column 7)."]


@pytest.mark.parametrize("content", [b"a = '\xe9'", b"\xff\xfea"])
def test_a_file_in_another_encoding_is_a_fault(content: bytes) -> None:
    Path("signout.toml").write_bytes(content)
    assert faults(GOOD) == ["The settings file signout.toml is not valid TOML: it is not UTF-8."]


@pytest.mark.parametrize(
    ("content", "taken"),
    [
        (b"\xef\xbb\xbfxoxb-held\n", True),
        ("'xoxb-held'\r\n".encode("utf-16"), True),
        (b'"xoxb-held"', True),
        (b'"xoxb-held', False),
    ],
)
def test_a_token_file_is_read_as_other_tools_write_it(content: bytes, *, taken: bool) -> None:
    Path("token").write_bytes(content)
    given = {name: value for name, value in GOOD.items() if name != "SLACK_BOT_TOKEN"} | {
        "SLACK_BOT_TOKEN_FILE": "token"
    }
    if taken:
        assert load(given).slack_bot_token.get_secret_value() == "xoxb-held"
    else:
        assert faults(given) == ["SLACK_BOT_TOKEN has a quote on one side only. Leave it out, or close it."]


@pytest.mark.parametrize("inside", ["\u200b", "\ufeff", "é"])
def test_a_token_with_a_letter_that_no_token_has_is_a_fault(inside: str) -> None:
    said = "SLACK_BOT_TOKEN has a letter or an invisible character in it that no token has. Copy it again."
    assert faults(GOOD | {"SLACK_BOT_TOKEN": f"xoxb-a{inside}b"}) == [said]


@pytest.mark.parametrize("token", ["xoxe.xoxb-1-secret", "xoxe-1-secret", "xoxe.xoxp-1-secret"])
def test_a_token_that_rotates_is_told_from_one_of_the_wrong_kind(token: str) -> None:
    (fault,) = faults(GOOD | {"SLACK_BOT_TOKEN": token})
    assert "token rotation" in fault
    assert "Make a new app from manifest.yml" in fault


@pytest.mark.parametrize(
    "name",
    ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_CONTAINER_CREDENTIALS_FULL_URI"],
)
def test_an_endpoint_without_a_scheme_is_named(name: str) -> None:
    said = f"{name} has no http:// or https:// at its start. Write the whole address, as in http://127.0.0.1:5000."
    assert faults(GOOD | {name: "localhost:4566"}) == [said]
    assert load(GOOD | {name: "HTTP://localhost:4566", "AWS_ENDPOINT_URL_S3": "localhost:4566"})


def test_what_boto3_would_stumble_over_is_taken_out_of_its_environment() -> None:
    environment = {
        "AWS_PROFILE": "",
        "AWS_CA_BUNDLE": " ",
        "AWS_DEFAULT_REGION": '"eu-west-1"',
        "REQUESTS_CA_BUNDLE": "",
    }
    environment |= {"AWS_CONFIG_FILE": "", "OTHER": '""', "PATH": " ", "PORT": "'3001'", "AWS_MAX_ATTEMPTS": '""'}
    environment |= {"HTTPS_PROXY": "'http://proxy:3128'", "https_proxy": "", "SSL_CERT_FILE": ""}
    correct(environment)
    kept = {"HTTPS_PROXY": "http://proxy:3128", "https_proxy": ""}
    kept |= {"AWS_DEFAULT_REGION": "eu-west-1", "AWS_CONFIG_FILE": "", "OTHER": '""', "PATH": " ", "PORT": "3001"}
    assert environment == kept


@pytest.mark.parametrize("empty", ["", " ", '""', ",", '"",""', "'', ''"])
def test_an_empty_list_of_the_environment_leaves_the_files_as_it_is_and_that_is_told(empty: str) -> None:
    environment = GOOD | {"SIGNOUT_ALLOW_USERS": empty, "SIGNOUT_ALLOW_GROUPS": empty}
    assert faults(environment) == [
        "No one is allowed to sign users out: set SIGNOUT_ALLOW_USERS or SIGNOUT_ALLOW_GROUPS (Slack ids)."
    ]
    Path("signout.toml").write_text("[allow]\nusers = ['U0123ABCDEH']")
    settings = load(environment)
    assert settings.allow.users == {"U0123ABCDEH"}
    assert emptied(corrected(environment), settings) == {
        "SIGNOUT_ALLOW_USERS": "is empty, so it is as if it were not set: the file's list counts. To take everyone off "
        "that list, empty it there."
    }


def test_what_bolt_takes_as_set_though_it_is_empty_is_taken_out() -> None:
    empty = {"SLACK_CLIENT_ID": "", "SLACK_CLIENT_SECRET": '""', "SLACK_BOT_TOKEN_FILE": " "}
    assert corrected(GOOD | empty) == GOOD


def test_a_list_that_is_there_or_is_not_named_is_not_told() -> None:
    Path("signout.toml").write_text("[allow]\nusers = ['U0123ABCDEH']\ngroups = ['S0123ABCDEH']")
    assert emptied(GOOD, load(GOOD)) == {}


@pytest.mark.parametrize("empty", [",", "'',''", " "])
def test_a_text_without_an_id_in_the_file_allows_no_one(empty: str) -> None:
    Path("signout.toml").write_text(f'[allow]\nusers = "{empty}"')
    without = {name: value for name, value in GOOD.items() if name != "SIGNOUT_ALLOW_USERS"}
    assert faults(without)[0].startswith("No one is allowed to sign users out")


# Pools of every partition


def every_region() -> list[str]:
    session = get_session()
    return [
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("dynamodb", partition, allow_non_regional=False)
    ]


def test_a_pool_may_be_in_each_region_that_botocore_knows() -> None:
    assert {"eusc-de-east-1", "us-isof-south-1", "eu-isoe-west-1", "cn-north-1", "us-gov-west-1"} <= set(every_region())
    for region in every_region():
        assert load(GOOD | {"SIGNOUT_POOL_ID": f"{region}_AbCdEf123"}).pools["default"].region == region


@pytest.mark.parametrize("region", ["eu-central-12", "xx-new-northeast-1", "eusc-fr-west-2", "us-iso2-east-1"])
def test_a_pool_may_be_in_a_region_that_is_newer_than_botocore(region: str) -> None:
    assert load(GOOD | {"SIGNOUT_POOL_ID": f"{region}_AbCdEf123"}).pools["default"].region == region


@pytest.mark.parametrize(
    "given",
    [
        *(
            "eu-central-1",
            "eu-central-1_",
            "_AbC",
            "eu-central_AbC",
            "EU-CENTRAL-1_AbC",
            "eu-central-1-AbC",
            "eu central-1_A",
        ),
        *(
            "eu-central-1:343d94cb-5ddd-4f39-ab9f-be013c348223",
            "eu-central-1_A-b",
            "eu-central-1_é",
            f"eu-central-1_{'a' * 43}",
        ),
        "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_AbCdEf123",
    ],
)
def test_what_is_no_pool_id_is_one_fault(given: str) -> None:
    (fault,) = faults(GOOD | {"SIGNOUT_POOL_ID": given})
    assert "must be a user pool id such as eu-central-1_AbCdEf123" in fault


# Replicas


def test_a_pools_region_may_be_another_than_the_one_in_its_id() -> None:
    Path("signout.toml").write_text("[pools.default]\nregion = 'us-west-2'")
    pool = load(GOOD).pools["default"]
    assert (pool.id, pool.region) == ("eu-central-1_AbCdEf123", "us-west-2")


@pytest.mark.parametrize("region", ["west", "us-west", "US-WEST-2", "us-west-2a", ""])
def test_what_is_no_region_is_a_fault(region: str) -> None:
    Path("signout.toml").write_text(f"[pools.default]\nregion = '{region}'")
    assert faults(GOOD) == ["pools.default.region must be an AWS region such as eu-central-1."]


@pytest.mark.parametrize(("region", "is_taken"), [("us-west-2", True), ("eu-central-1", False)])
def test_two_pools_share_an_id_only_in_two_regions(region: str, *, is_taken: bool) -> None:
    Path("signout.toml").write_text(f"[pools.west]\nid = '{GOOD['SIGNOUT_POOL_ID']}'\nregion = '{region}'")
    if is_taken:
        assert {name: pool.region for name, pool in load(GOOD).pools.items()} == {
            "default": "eu-central-1",
            "west": region,
        }
    else:
        assert faults(GOOD)[0].startswith("pools have one id under two names: ")


def test_a_key_that_looks_like_the_words_of_the_library_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("signout.toml").write_text('"[key]" = 1\n', encoding="utf-8")
    with pytest.raises(SettingsError, match=re.escape("[key] is not a setting of this bot.")):
        load(GOOD)
